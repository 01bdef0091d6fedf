//! The receipt of what is durable, in which nothing of anybody stands; and a fault as problem details (RFC 9457). OpenCRVS 1.x
//! looks at neither: both are for whoever stands before it.

use gateway_core::{AnswerHead, Encoded, Evidence, Face, Unsigned};
use schemas::{
    fault::{self, Fault},
    wire::opencrvs::{self as wire, Receipt},
};

pub(crate) fn receipt(head: &AnswerHead) -> Encoded {
    let receipt = Receipt {
        evidence: head.evidence.to_string(),
        received_at: head.sent_at.to_string(),
    };
    Encoded {
        unsigned: Unsigned::Json(wire::encode(&receipt)),
        callbacks: Vec::new(),
        persons: Vec::new(),
    }
}

pub(crate) fn face(fault: &Fault, evidence: Evidence) -> Face {
    Face {
        content_type: "application/problem+json",
        status: None,
        unsigned: Unsigned::Json(fault::problem(fault, &evidence.to_string())),
    }
}
