//! A fault in PL02's four members: a code, and in `message` why, with the field and the reason word.

use gateway_core::{Evidence, Face, Unsigned};
use schemas::{
    fault::Fault,
    wire::hospital::{self as wire, Answer, ResultCode},
};

pub(crate) fn face(fault: &Fault, evidence: Evidence) -> Face {
    let row = fault.code().row();
    let field = fault
        .wrong_field()
        .map(|field| format!(" Trường: {field}."))
        .unwrap_or_default();
    let answer = Answer {
        code: ResultCode::of(fault.code(), fault.reason())
            .as_str()
            .to_owned(),
        transaction: evidence.to_string(),
        received_at: String::new(),
        message: format!("{}{field} Lý do: {}.", row.vi, fault.reason()),
        cards: Vec::new(),
    };
    Face {
        content_type: "application/json",
        status: None,
        unsigned: Unsigned::Json(wire::encode(&answer)),
    }
}

#[cfg(test)]
mod tests {
    use schemas::fault::FaultCode;

    use super::*;

    fn said(fault: &Fault) -> Answer {
        let Unsigned::Json(body) = face(fault, Evidence::fresh()).unsigned else {
            panic!("not JSON")
        };
        wire::decode(&body).unwrap()
    }

    #[test]
    fn every_fault_is_said_in_four_members_and_none_as_200() {
        for &code in FaultCode::ALL {
            let said = said(
                &Fault::new(code, "some-reason")
                    .field("MA_GCS")
                    .log("internal"),
            );
            assert_ne!(said.code, ResultCode::Ok.as_str());
            assert!(said.message.starts_with(code.row().vi));
            assert!(
                said.message
                    .ends_with("Trường: MA_GCS. Lý do: some-reason.")
            );
            assert!(!said.message.contains("internal"));
        }
    }

    #[test]
    fn the_codes_of_pl02_are_said_where_they_fit() {
        for (code, reason, told) in [
            (FaultCode::Malformed, "bad-base64", "205"),
            (FaultCode::TokenRefused, "x", "401"),
            (FaultCode::BadSignature, "x", "401"),
            (FaultCode::TooLarge, "x", "1001"),
            (FaultCode::Internal, "x", "500"),
            (FaultCode::Invalid, "x", "422"),
            (FaultCode::Conflict, "x", "409"),
            (FaultCode::RateLimited, "x", "429"),
        ] {
            assert_eq!(
                said(&Fault::new(code, reason)).code,
                told,
                "{}",
                code.row().code
            );
        }
    }
}
