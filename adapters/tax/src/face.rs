//! A fault in the tax department's words: a `Fault` element, alone or in an answer.

use gateway_core::{AnswerHead, Face, Unsigned, sign};
use schemas::{
    fault::Fault,
    wire::tax::{self as wire, Answer, FaultBody},
};

use crate::encode;

/// Without a head there is nothing to bind an answer to: the lone element goes out unsigned.
pub(crate) fn face(fault: &Fault, head: Option<&AnswerHead>) -> Face {
    let said = FaultBody::from(fault);
    let unsigned = match head {
        Some(head) => encode::message(head, Answer::Fault(said)),
        None => Unsigned::Xml {
            canonical: wire::encode_fault(&said),
            root_id: String::new(),
        },
    };
    Face {
        content_type: sign::XML,
        status: None,
        unsigned,
    }
}

#[cfg(test)]
mod tests {
    use schemas::{fault::FaultCode, wire::tax::Body, xsd};

    use super::*;
    use crate::testscene::answer_head;

    fn bytes(fault: &Fault, head: Option<&AnswerHead>) -> (Vec<u8>, String) {
        match face(fault, head).unsigned {
            Unsigned::Xml { canonical, root_id } => (canonical, root_id),
            Unsigned::Json(_) | Unsigned::Soap(_) | Unsigned::Dci { .. } => panic!("not XML"),
        }
    }

    #[test]
    fn every_fault_is_said_alone_and_bound_and_passes_the_schema() {
        for &code in FaultCode::ALL {
            let fault = Fault::new(code, "some-reason")
                .field("Mst")
                .log("internal note");
            let (alone, root_id) = bytes(&fault, None);
            assert_eq!(xsd::validate_tax_v1(&alone), Ok(()), "{code:?}");
            assert_eq!(root_id, "");
            let said = wire::decode_fault(&alone).unwrap();
            assert_eq!((said.code, said.reason.as_str()), (code, "some-reason"));
            assert_eq!(said.field.as_deref(), Some("Mst"));

            let (bound, root_id) = bytes(&fault, Some(&answer_head()));
            assert_eq!(xsd::validate_tax_v1(&bound), Ok(()), "{code:?}");
            assert_eq!(root_id, "m-vss-00000001");
            let message = wire::decode(&bound).unwrap();
            assert_eq!(message.header.reply.unwrap().to.as_str(), "tax-00000001");
            assert_eq!(message.body, Body::Answer(Answer::Fault(said)));
        }
    }

    #[test]
    fn the_note_for_our_log_never_leaves() {
        let fault = Fault::new(FaultCode::Internal, "x").log("internal note");
        let (bytes, _) = bytes(&fault, None);
        assert!(!String::from_utf8(bytes).unwrap().contains("internal note"));
    }
}
