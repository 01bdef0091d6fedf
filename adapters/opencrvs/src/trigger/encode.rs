//! The receipt of what is durable, with it the parcel by which the core hears what became of it; and a fault as problem details
//! (RFC 9457) under the status that the core understands.

use gateway_core::{AnswerHead, Encoded, Evidence, Face};
use schemas::fault::{Fault, FaultCode};

use super::{Request, outbound};

pub(super) fn receipt(head: &AnswerHead, request: &Request) -> Encoded {
    let callbacks = match request {
        Request::Register(asked) => vec![outbound::parcel(&head.receiver, asked)],
        Request::Other => Vec::new(),
    };
    Encoded {
        callbacks,
        ..crate::encode::receipt(head)
    }
}

/// OpenCRVS's core takes 400 for a no: the action is rejected, and whoever asked for it has to change the record. Any other status is
/// a failure to it, which changes nothing and is tried again. So only what the record itself is refused for is 400.
pub(super) fn face(fault: &Fault, evidence: Evidence) -> Face {
    Face {
        status: Some(match fault.code() {
            FaultCode::Invalid if fault.reason().starts_with("json-") => 422,
            FaultCode::Invalid
            | FaultCode::UnknownSubject
            | FaultCode::AmbiguousSubject
            | FaultCode::RuleRefused => 400,
            other => match other.row().http {
                400 => 422,
                http => http,
            },
        }),
        ..crate::encode::face(fault, evidence)
    }
}
