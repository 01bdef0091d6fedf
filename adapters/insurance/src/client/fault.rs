//! The one place where a gRPC status becomes a fault.
//!
//! A refusal is believed only where its trailer names a code that a registry may use and the status
//! is that code's own; everything else means that the outcome is unknown.

use schemas::fault::{Fault, FaultCode};
use tonic::{Code, Status};

use super::words;
use crate::server::status::{FAULT, FIELD, REASON};

/// The fault that a status means.
pub(super) fn of(status: &Status) -> Fault {
    match told(status) {
        Some(fault) => fault,
        None => untold(status),
    }
}

/// The fault that the registry itself tells in its trailers.
fn told(status: &Status) -> Option<Fault> {
    let code = FaultCode::from_wire(trailer(status, FAULT)?)?;
    if !MAY_TELL.contains(&code) || Code::from_i32(code.row().grpc) != status.code() {
        return None;
    }
    let mut fault = match trailer(status, REASON) {
        Some(word) => match words::reason(word) {
            Some(reason) => Fault::new(code, reason),
            None => Fault::new(code, "refused").log(format!("reason {}", words::printable(word))),
        },
        None => Fault::new(code, "refused"),
    };
    if let Some(field) = trailer(status, FIELD).and_then(words::field) {
        fault = fault.field(field);
    }
    Some(fault)
}

/// A status without a fault of the contract: nothing is known but that there was no answer.
fn untold(status: &Status) -> Fault {
    match status.code() {
        // tonic's channel says Cancelled where grpc-timeout ran out at our side
        Code::DeadlineExceeded | Code::Cancelled => {
            Fault::new(FaultCode::DeadlineExceeded, "deadline")
        }
        code => Fault::new(FaultCode::InsuranceUnavailable, "unreachable")
            .log(format!("grpc status {code:?}")),
    }
}

fn trailer<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    status.metadata().get(name)?.to_str().ok()
}

/// The codes that are a registry's to tell.
const MAY_TELL: [FaultCode; 7] = [
    FaultCode::Invalid,
    FaultCode::Conflict,
    FaultCode::UnknownSubject,
    FaultCode::AmbiguousSubject,
    FaultCode::RuleRefused,
    FaultCode::InsuranceUnavailable,
    FaultCode::DeadlineExceeded,
];

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataMap;

    use super::*;

    fn status(code: Code, trailers: &[(&'static str, &'static str)]) -> Status {
        let mut metadata = MetadataMap::new();
        for (name, value) in trailers {
            metadata.insert(*name, value.parse().unwrap());
        }
        Status::with_metadata(code, "text that must not leave", metadata)
    }

    #[test]
    fn a_told_refusal_keeps_code_reason_and_field() {
        let told = [
            (FAULT, "INVALID"),
            (REASON, "unknown-commune"),
            (FIELD, "child.residence_commune"),
        ];
        let fault = of(&status(Code::InvalidArgument, &told));
        assert_eq!(
            fault,
            Fault::new(FaultCode::Invalid, "unknown-commune").field("child.residence_commune")
        );
        assert!(fault.is_final());
    }

    #[test]
    fn a_word_of_another_registry_is_kept_for_the_log_only() {
        let fault = of(&status(
            Code::FailedPrecondition,
            &[(FAULT, "RULE-REFUSED"), (REASON, "moon-phase")],
        ));
        assert_eq!(
            (fault.code(), fault.reason()),
            (FaultCode::RuleRefused, "refused")
        );
        assert_eq!(fault.note(), Some("reason moon-phase"));
    }

    #[test]
    fn a_status_without_a_fault_of_the_contract_is_never_final() {
        let codes = [
            Code::InvalidArgument,
            Code::NotFound,
            Code::AlreadyExists,
            Code::PermissionDenied,
            Code::FailedPrecondition,
            Code::Unknown,
            Code::Internal,
            Code::DataLoss,
            Code::Unavailable,
            Code::Unimplemented,
            Code::ResourceExhausted,
            Code::Unauthenticated,
        ];
        for code in codes {
            let fault = of(&status(code, &[]));
            assert_eq!(fault.code(), FaultCode::InsuranceUnavailable, "{code:?}");
            assert!(!fault.is_final());
        }
    }

    #[test]
    fn a_fault_that_contradicts_its_status_is_not_believed() {
        let fault = of(&status(
            Code::Unavailable,
            &[(FAULT, "INVALID"), (REASON, "unknown-commune")],
        ));
        assert_eq!(
            (fault.code(), fault.reason()),
            (FaultCode::InsuranceUnavailable, "unreachable")
        );
    }

    #[test]
    fn a_fault_that_is_not_a_registrys_to_tell_is_not_believed() {
        let fault = of(&status(Code::Unauthenticated, &[(FAULT, "BAD-SIGNATURE")]));
        assert_eq!(fault.code(), FaultCode::InsuranceUnavailable);
    }

    #[test]
    fn time_that_ran_out_is_a_deadline_whoever_says_so() {
        for code in [Code::DeadlineExceeded, Code::Cancelled] {
            assert_eq!(of(&status(code, &[])).code(), FaultCode::DeadlineExceeded);
        }
    }
}
