use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use gateway_core::{
    outbound::Courier as _,
    ports::{Class, Delivery, Leased},
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use roads::{client::Answer, way::Failed};
use schemas::{
    fault::{Fault, FaultCode},
    wire::opencrvs::Confirmation,
};

use super::*;

/// A registry that says one thing of every case, and a core that answers one thing; what was said to it is kept.
struct Scene {
    decision: Result<Option<Decision>, Fault>,
    answer: Mutex<Option<Result<(u16, &'static str), Failed>>>,
    said: Mutex<Vec<(&'static str, String)>>,
}

impl Cases for Scene {
    fn decision(
        &self,
        topic: Topic,
        case_id: String,
    ) -> BoxFuture<'_, Result<Option<Decision>, Fault>> {
        assert_eq!((topic, &*case_id), (Topic::BirthRegistered, "dci-B1"));
        Box::pin(std::future::ready(self.decision.clone()))
    }
}

impl Exchange for Scene {
    fn post<'a>(
        &'a self,
        procedure: &'static str,
        of: &'a Confirmation,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>> {
        assert_eq!((&*of.event_id, &*of.action_id), ("e-1", "a-1"));
        let text = String::from_utf8(body.to_vec()).unwrap();
        self.said.lock().unwrap().push((procedure, text));
        let answer = self.answer.lock().unwrap().take().unwrap();
        let answer = answer.map(|(status, body)| Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
            peer_sha256: [7; 32],
        });
        Box::pin(std::future::ready(answer))
    }
}

fn leased() -> Leased {
    let letter = Letter {
        event: "e-1".to_owned(),
        action: "a-1".to_owned(),
        topic: "BIRTH_REGISTERED".to_owned(),
        number: "B1".to_owned(),
        case_id: "dci-B1".to_owned(),
    };
    Leased {
        id: "crvs.confirm-a-1".to_owned(),
        subject: "confirm-a-1".to_owned(),
        sequence: 1,
        kind: KIND.to_owned(),
        content: Bytes::from(serde_json::to_vec(&letter).unwrap()),
        class: Class::Urgent,
        due: None,
        attempts: 0,
        refusals: 0,
        lost: 0,
        reason: None,
        said: None,
        put_at: Timestamp::UNIX_EPOCH,
    }
}

type Reply = Result<(u16, &'static str), Failed>;

/// How one parcel ends, and what was said for it.
async fn ends(
    decision: Result<Option<Decision>, Fault>,
    answer: Reply,
) -> (Delivery, Vec<(&'static str, String)>) {
    let scene = Arc::new(Scene {
        decision,
        answer: Mutex::new(Some(answer)),
        said: Mutex::default(),
    });
    let config = DeskConfig {
        ask_again: Duration::from_secs(30),
        retry_after: Duration::from_millis(5),
        retry_after_refusal: Duration::from_secs(60),
    };
    let desk = Desk::new(
        config,
        Arc::<Scene>::clone(&scene),
        Arc::<Scene>::clone(&scene),
    );
    let (mut shipments, unsayable) = desk.pack(&[leased()]);
    assert!(unsayable.is_empty());
    let ended = match desk.seal(shipments.remove(0)).await {
        Ok(sealed) => desk.deliver(&sealed).await,
        Err(ended) => ended,
    };
    let said = scene.said.lock().unwrap().clone();
    (ended, said)
}

const TAKEN: &str = r#"{"result":{"data":{"json":{"id":"e-1"}}}}"#;

#[tokio::test]
async fn what_is_decided_is_said_in_the_cores_words_and_what_is_not_waits_untried() {
    let accepted = r#"{"json":{"eventId":"e-1","actionId":"a-1","transactionId":"vss-a-1","registrationNumber":"B1"}}"#;
    let rejected = r#"{"json":{"eventId":"e-1","actionId":"a-1","transactionId":"vss-a-1"}}"#;
    for (decision, procedure, body) in [
        (
            Decision::Accepted,
            "/event.actions.register.accept",
            accepted,
        ),
        (
            Decision::Refused,
            "/event.actions.register.reject",
            rejected,
        ),
    ] {
        let (ended, said) = ends(Ok(Some(decision)), Ok((200, TAKEN))).await;
        assert!(matches!(ended, Delivery::Delivered { .. }), "{ended:?}");
        assert_eq!(said, [(procedure, body.to_owned())]);
    }
    let away = Fault::new(FaultCode::InsuranceUnavailable, "away");
    for (decision, expected) in [
        (
            Ok(Some(Decision::Open)),
            Delivery::Untried {
                after: Duration::from_secs(30),
            },
        ),
        (
            Err(away),
            Delivery::Untried {
                after: Duration::from_secs(1),
            },
        ),
        (
            Ok(None),
            Delivery::Refused {
                after: Duration::from_secs(60),
                reason: "case-unknown",
            },
        ),
    ] {
        let (ended, said) = ends(decision, Ok((200, TAKEN))).await;
        assert_eq!((ended, said.len()), (expected, 0));
    }
}

#[tokio::test]
async fn each_answer_of_the_core_is_what_it_means() {
    let failed = |is_unsent| {
        Err(Failed {
            reason: "connect",
            is_unsent,
            again_after: None,
        })
    };
    let rejected = r#"{"error":{"json":{"message":"Action has already been rejected."}}}"#;
    let accepted = r#"{"error":{"json":{"message":"Action has already been accepted."}}}"#;
    for (answer, word, reason) in [
        (Ok((400, rejected)), "quarantined", "rejected-already"),
        (Ok((500, accepted)), "quarantined", "accepted-already"),
        (Ok((404, "{}")), "refused", "unknown-action"),
        (Ok((400, "{}")), "refused", "http-status"),
        (Ok((401, "{}")), "retry", "http-status"),
        (Ok((403, "{}")), "retry", "http-status"),
        (Ok((503, "")), "retry", "http-status"),
        (Ok((500, "{}")), "unknown", "http-status"),
        (Ok((200, "{}")), "unknown", "answer-unreadable"),
        (Ok((200, "<html>")), "unknown", "answer-unreadable"),
        (failed(true), "retry", "connect"),
        (failed(false), "unknown", "connect"),
    ] {
        let (ended, _) = ends(Ok(Some(Decision::Accepted)), answer).await;
        assert_eq!((ended.word(), ended.reason()), (word, Some(reason)));
    }
}

#[test]
fn a_parcel_that_is_none_of_ours_is_told() {
    let scene = || {
        Arc::new(Scene {
            decision: Ok(None),
            answer: Mutex::default(),
            said: Mutex::default(),
        })
    };
    let config = DeskConfig {
        ask_again: Duration::ZERO,
        retry_after: Duration::ZERO,
        retry_after_refusal: Duration::ZERO,
    };
    let desk = Desk::new(config, scene(), scene());
    let kind = Leased {
        kind: "dci.notify".to_owned(),
        ..leased()
    };
    let content = Leased {
        content: Bytes::from_static(b"{}"),
        ..leased()
    };
    for (parcel, reason) in [(kind, "unknown-kind"), (content, "unreadable-content")] {
        let (shipments, unsayable) = desk.pack(&[parcel]);
        assert!(shipments.is_empty());
        assert_eq!(unsayable, [("crvs.confirm-a-1".to_owned(), reason)]);
    }
}
