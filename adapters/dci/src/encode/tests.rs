use gateway_core::{Evidence, partner::Environment};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
};

use super::*;
use crate::decode::tests as told;

fn said(records: usize, refused: &[usize]) -> Ack {
    let evidence = Evidence::fresh();
    let head = AnswerHead {
        id: evidence.message_id(),
        in_reply_to: MessageId::parse("m-0000001").unwrap(),
        request_digest: [0; 32],
        sent_at: told::sent_at(),
        environment: Environment::Sandbox,
        sender: PartnerId::parse("vss").unwrap(),
        receiver: PartnerId::parse("crvs").unwrap(),
        operation: "dci.notify".to_owned(),
        evidence,
    };
    let request = Told {
        sent_at: told::sent_at(),
        records: vec![told::one("live_birth"); records],
    };
    let outcome: Vec<Refused> = refused
        .iter()
        .map(|&index| Refused {
            index,
            fault: Fault::new(FaultCode::RuleRefused, "person-is-dead").log("internal"),
        })
        .collect();
    let Unsigned::Json(body) = acknowledge(&head, &request, &outcome).unsigned else {
        panic!("not JSON")
    };
    wire::decode::<AckBody>(&body).unwrap().message
}

#[test]
fn what_was_all_registered_is_acknowledged() {
    let ack = said(2, &[]);
    assert_eq!((ack.ack_status.as_str(), ack.error), ("ACK", None));
    assert_eq!(ack.timestamp, "2026-11-23T01:00:00Z");
    assert_eq!(ack.correlation_id.len(), 36);
}

#[test]
fn what_was_refused_is_named_by_reference_and_place() {
    let ack = said(3, &[1]);
    assert_eq!(ack.ack_status, "NACK");
    let error = ack.error.unwrap();
    assert_eq!(error.code, "err.request.bad");
    assert_eq!(
        error.message,
        "1 of 3 records refused; r-1 #2 RULE-REFUSED person-is-dead"
    );
}

#[test]
fn a_long_list_ends_within_the_standards_length() {
    let all: Vec<usize> = (0..100).collect();
    let message = said(100, &all).error.unwrap().message;
    assert!(message.len() <= MESSAGE_CHARS_MAX, "{}", message.len());
    assert!(message.ends_with("; and more"));
}
