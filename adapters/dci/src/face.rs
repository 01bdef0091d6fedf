//! A fault as an acknowledgement of kind ERR: a code of the standard, and in words the field and the reason.

use gateway_core::{Evidence, Face, Unsigned};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    wire::dci::{self as wire, Ack, AckBody, AckError, AckStatus, Code},
};

/// `correlation_id` is the evidence id, as in the header field `Lienthong-Evidence`, also of what nobody has proven:
/// the standard demands one of every acknowledgement.
pub(crate) fn face(fault: &Fault, evidence: Evidence, at: Timestamp) -> Face {
    let row = fault.code().row();
    let field = fault
        .wrong_field()
        .map(|field| format!(" Field: {field}."))
        .unwrap_or_default();
    let body = AckBody {
        message: Ack {
            ack_status: AckStatus::Err.as_str().to_owned(),
            timestamp: at.to_string(),
            correlation_id: evidence.to_string(),
            error: Some(AckError {
                code: code_of(fault).as_str().to_owned(),
                message: format!("{}{field} Reason: {}", row.en, fault.reason()),
            }),
        },
    };
    Face {
        content_type: "application/json",
        status: None,
        unsigned: Unsigned::Json(wire::encode(&body)),
    }
}

/// The fault in the standard's codes.
pub(crate) fn code_of(fault: &Fault) -> Code {
    use FaultCode as F;
    match (fault.code(), fault.reason()) {
        (F::BadSignature, "no-signature") => Code::SignatureMissing,
        (F::BadSignature, _) => Code::SignatureInvalid,
        (F::Unauthenticated, "unknown-sender") => Code::SenderId,
        (F::Unauthenticated | F::TokenRefused, _) => Code::RequestUnauthorized,
        (F::WrongEnvironment, "receiver") => Code::ReceiverId,
        (F::WrongEnvironment | F::Forbidden, _) => Code::RequestForbidden,
        (F::UnknownRoute, _) | (F::UnknownSubject, "no-such-exchange") => Code::RequestNotFound,
        (F::UnknownSubject, "no-such-reference") => Code::ReferenceId,
        (F::TooSlow | F::DeadlineExceeded, _) => Code::RequestTimeout,
        (F::RateLimited, _) => Code::TooManyRequests,
        (F::Conflict, "same-id-other-content") => Code::MessageIdDuplicate,
        (F::Stale, _) => Code::MessageTs,
        (F::TooLarge, "too-many-events" | "too-many-records") => Code::TotalCountLimit,
        (F::Invalid, reason) => invalid(reason, fault.wrong_field()),
        (
            F::Overloaded
            | F::Draining
            | F::OutOfOrder
            | F::AuthorityUnavailable
            | F::InProgress
            | F::JournalUnavailable
            | F::Recovering
            | F::InsuranceUnavailable
            | F::SigningUnavailable
            | F::ScannerUnavailable
            | F::Internal,
            _,
        ) => Code::ServiceUnavailable,
        (
            F::Framing
            | F::UnsupportedMediaType
            | F::Malformed
            | F::TooLarge
            | F::Conflict
            | F::UnknownSubject
            | F::AmbiguousSubject
            | F::RuleRefused,
            _,
        ) => Code::RequestBad,
    }
}

fn invalid(reason: &str, field: Option<&str>) -> Code {
    match (reason, field) {
        ("version-not-supported", _) => Code::VersionNotSupported,
        ("sender-uri-not-registered" | "no-callback-address", _) => Code::SenderUri,
        ("encryption-not-supported", _) => Code::Encryption,
        ("unknown-code", Some("action")) => Code::ActionInvalid,
        ("operation-and-path-differ", _) => Code::ActionNotSupported,
        ("bad-timestamp", Some("message_ts")) => Code::MessageTs,
        ("bad-timestamp", _) => Code::Timestamp,
        ("total-count-differs", _) => Code::TotalCount,
        ("bad-reference-id" | "other-reference", _) => Code::ReferenceId,
        ("reference-id-twice", _) => Code::ReferenceIdDuplicate,
        ("bad-code", Some("subscription_codes")) => Code::SubscriptionCode,
        _ => Code::RequestBad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(fault: &Fault) -> Ack {
        let Unsigned::Json(body) = face(fault, Evidence::fresh(), Timestamp::UNIX_EPOCH).unsigned
        else {
            panic!("not JSON")
        };
        wire::decode::<AckBody>(&body).unwrap().message
    }

    #[test]
    fn every_fault_is_an_err_with_a_code_of_the_standard() {
        for &code in FaultCode::ALL {
            let fault = Fault::new(code, "some-reason").field("UIN").log("internal");
            let said = said(&fault);
            let error = said.error.unwrap();
            assert_eq!(said.ack_status, "ERR");
            assert_eq!(said.correlation_id.len(), 36, "{}", said.correlation_id);
            assert!(Code::ALL.iter().any(|known| known.as_str() == error.code));
            assert!(error.message.starts_with(code.row().en));
            assert!(error.message.ends_with("Field: UIN. Reason: some-reason"));
            assert!(!error.message.contains("internal"));
        }
    }

    #[test]
    fn the_standards_codes_are_said_where_they_fit() {
        for (code, reason, field, told) in [
            (
                FaultCode::BadSignature,
                "no-signature",
                "",
                "err.signature.missing",
            ),
            (
                FaultCode::BadSignature,
                "dci-expired",
                "",
                "err.signature.invalid",
            ),
            (
                FaultCode::Unauthenticated,
                "unknown-sender",
                "sender_id",
                "err.sender_id.invalid",
            ),
            (
                FaultCode::WrongEnvironment,
                "receiver",
                "receiver_id",
                "err.receiver_id.invalid",
            ),
            (
                FaultCode::RateLimited,
                "sender-operation",
                "",
                "err.request.too_many_requests",
            ),
            (
                FaultCode::Forbidden,
                "purpose-not-agreed",
                "",
                "err.request.forbidden",
            ),
            (
                FaultCode::Conflict,
                "same-id-other-content",
                "",
                "rjct.message_id.duplicate",
            ),
            (
                FaultCode::Conflict,
                "case-has-other-facts",
                "",
                "err.request.bad",
            ),
            (FaultCode::Stale, "too-old", "", "rjct.message_ts.invalid"),
            (
                FaultCode::Invalid,
                "bad-timestamp",
                "message_ts",
                "rjct.message_ts.invalid",
            ),
            (
                FaultCode::Invalid,
                "bad-timestamp",
                "timestamp",
                "rjct.timestamp.invalid",
            ),
            (
                FaultCode::Invalid,
                "unknown-code",
                "action",
                "rjct.action.invalid",
            ),
            (FaultCode::Invalid, "unknown-code", "sex", "err.request.bad"),
            (
                FaultCode::TooLarge,
                "too-many-events",
                "",
                "rjct.total_count.limit_exceeded",
            ),
            (FaultCode::Internal, "x", "", "err.service.unavailable"),
        ] {
            let fault = Fault::new(code, reason).field(field);
            assert_eq!(said(&fault).error.unwrap().code, told, "{reason}");
        }
    }
}
