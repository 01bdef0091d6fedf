//! A fault in the civil registry's words: the four members of its own answer, in Vietnamese.

use gateway_core::{Face, Unsigned};
use schemas::{
    fault::Fault,
    wire::civil::{self, Receipt, STATUS_REFUSED},
};

/// `errorCode` is our code; `errorDescription` says why in Vietnamese and names the field and the reason word.
pub(crate) fn face(fault: &Fault) -> Face {
    let row = fault.code().row();
    let field = fault
        .wrong_field()
        .map(|field| format!(" Trường: {field}."))
        .unwrap_or_default();
    let receipt = Receipt {
        status: STATUS_REFUSED.to_owned(),
        status_description: "Hồ sơ không được xử lý".to_owned(),
        error_code: row.code.to_owned(),
        error_description: format!("{}{field} Lý do: {}.", row.vi, fault.reason()),
        files: Vec::new(),
    };
    Face {
        content_type: "application/json",
        status: None,
        unsigned: Unsigned::Json(civil::encode(&receipt)),
    }
}

#[cfg(test)]
mod tests {
    use schemas::fault::FaultCode;

    use super::*;

    fn said(fault: &Fault) -> Receipt {
        let Unsigned::Json(body) = face(fault).unsigned else {
            panic!("not JSON")
        };
        civil::decode(&body).unwrap()
    }

    #[test]
    fn every_fault_is_said_in_four_members_with_status_0() {
        for &code in FaultCode::ALL {
            let said = said(
                &Fault::new(code, "some-reason")
                    .field("nksHoTen")
                    .log("internal"),
            );
            assert_eq!(
                (said.status.as_str(), said.error_code.as_str()),
                ("0", code.row().code)
            );
            assert!(said.error_description.starts_with(code.row().vi));
            assert!(
                said.error_description
                    .ends_with("Trường: nksHoTen. Lý do: some-reason.")
            );
            assert!(!said.error_description.contains("internal"));
        }
    }

    #[test]
    fn no_fault_sounds_like_success() {
        for &code in FaultCode::ALL {
            let said = said(&Fault::new(code, "x"));
            let words = format!("{} {}", said.status_description, said.error_description);
            assert!(!words.contains("đã được tiếp nhận"), "{words}");
        }
    }
}
