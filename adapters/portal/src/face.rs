//! A fault in the portal's words: `error_code` and `message` as its own services answer, and what a
//! machine needs to decide on a repetition.

use gateway_core::{Face, Unsigned};
use schemas::fault::Fault;
use serde::Serialize;

/// `error_code` of every refusal of ours; what exactly was wrong stands in `code` and `reason`.
const REFUSED: i64 = -1;

#[derive(Serialize)]
struct Refusal<'a> {
    error_code: i64,
    message: &'a str,
    result: Option<()>,
    code: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    retry: &'a str,
    blame: &'a str,
}

pub(crate) fn face(fault: &Fault) -> Face {
    let row = fault.code().row();
    let refusal = Refusal {
        error_code: REFUSED,
        message: row.vi,
        result: None,
        code: row.code,
        reason: fault.reason(),
        field: fault.wrong_field(),
        retry: row.retry.as_str(),
        blame: row.blame.as_str(),
    };
    let body = serde_json::to_vec(&refusal).expect("texts and a number");
    Face {
        content_type: "application/json",
        status: None,
        unsigned: Unsigned::Json(body),
    }
}

#[cfg(test)]
mod tests {
    use schemas::{
        fault::FaultCode,
        wire::portal::{PushAnswer, decode},
    };

    use super::*;

    #[test]
    fn every_fault_is_said_without_the_log_note() {
        for &code in FaultCode::ALL {
            let fault = Fault::new(code, "some-reason")
                .field("MaThe")
                .log("internal");
            let Unsigned::Json(body) = face(&fault).unsigned else {
                panic!("not JSON")
            };
            let read: PushAnswer = decode(&body).unwrap();
            assert_eq!(
                (read.error_code, read.message.as_deref()),
                (-1, Some(code.row().vi))
            );
            let text = String::from_utf8(body).unwrap();
            for part in [
                code.row().code,
                "some-reason",
                "MaThe",
                code.row().retry.as_str(),
            ] {
                assert!(text.contains(part), "{part} in {text}");
            }
            assert!(!text.contains("internal"));
        }
    }
}
