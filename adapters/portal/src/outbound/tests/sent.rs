//! What becomes of a call, by what the portal answers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::BoxFuture;
use gateway_core::ports::Delivery;
use roads::{
    client,
    vdxp::{Error, Reply},
};
use schemas::wire::portal::PushAnswer;

use super::*;
use crate::outbound::Exchange;

/// Gives its answers in turn and keeps what it was sent.
pub(super) struct Portal {
    answers: Mutex<VecDeque<Result<Reply, Error>>>,
    calls: Mutex<Vec<String>>,
}

impl Exchange for Arc<Portal> {
    fn call<'a>(&'a self, body: &'a [u8]) -> BoxFuture<'a, Result<Reply, Error>> {
        self.calls
            .lock()
            .unwrap()
            .push(String::from_utf8(body.to_vec()).unwrap());
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("one call too many");
        Box::pin(async { answer })
    }
}

pub(super) fn desk_without_portal() -> Desk<Arc<Portal>> {
    desk(config())
}

pub(super) fn desk(config: DeskConfig) -> Desk<Arc<Portal>> {
    Desk::new(config, Arc::new(portal(Vec::new())))
}

fn portal(answers: Vec<Result<Reply, Error>>) -> Portal {
    Portal {
        answers: Mutex::new(answers.into()),
        calls: Mutex::new(Vec::new()),
    }
}

fn reply(code: i64, message: &str) -> Result<Reply, Error> {
    let answer = PushAnswer {
        error_code: code,
        message: Some(message.to_owned()),
    };
    Ok(Reply {
        raw: Bytes::from(format!("raw {code}")),
        peer_sha256: [7; 32],
        answer,
    })
}

/// How the delivery of `changes` (one shipment) ends, and the calls that it took.
async fn deliver(
    changes: &[Change],
    answers: Vec<Result<Reply, Error>>,
) -> (Delivery, Vec<String>) {
    let portal = Arc::new(portal(answers));
    let shipment = pack(changes).remove(0);
    let delivery = Desk::new(config(), Arc::clone(&portal))
        .deliver(&shipment)
        .await;
    assert!(
        portal.answers.lock().unwrap().is_empty(),
        "the portal was called too seldom"
    );
    let calls = portal.calls.lock().unwrap().clone();
    (delivery, calls)
}

fn delivered(raw: &str) -> Delivery {
    Delivery::Delivered {
        receipt: gateway_core::ports::Receipt::plain(
            Bytes::copy_from_slice(raw.as_bytes()),
            Some([7; 32]),
        ),
    }
}

#[tokio::test]
async fn what_the_portal_takes_is_delivered_with_its_own_words_as_receipt() {
    let (delivery, calls) = deliver(&[change(1, 1, 1)], vec![reply(0, "")]).await;
    assert_eq!((delivery, calls.len()), (delivered("raw 0"), 1));
}

#[tokio::test]
async fn a_dossier_that_exists_already_is_given_back_as_an_update_and_not_sent() {
    for code in [3, -3] {
        let (delivery, calls) =
            deliver(&[change(1, 1, 1)], vec![reply(code, "Hồ sơ đã tồn tại")]).await;
        let [call] = calls.as_slice() else {
            panic!("{calls:?}")
        };
        assert!(call.contains(r#""isUpdating":"False""#));
        assert_eq!(
            delivery,
            Delivery::Instead {
                body: call.replace("False", "True").into(),
                reason: "exists-already"
            }
        );
    }
}

#[tokio::test]
async fn an_update_or_a_step_that_exists_already_is_delivered() {
    let again = || reply(3, "đã tồn tại");
    let (first, _) = deliver(&[change(1, 1, 1)], vec![again()]).await;
    let Delivery::Instead { body, .. } = first else {
        panic!("{first:?}")
    };
    let portal = Arc::new(portal(vec![again()]));
    let update = pack(&[change(1, 1, 1)]).remove(0).reworded(body);
    let desk = Desk::new(config(), portal);
    assert_eq!(desk.deliver(&update).await, delivered("raw 3"));
    let (step, _) = deliver(&[change(1, 2, 2)], vec![again()]).await;
    assert_eq!(step, delivered("raw 3"));
}

#[tokio::test]
async fn what_the_portal_received_already_is_delivered() {
    let (delivery, _) = deliver(
        &[change(1, 2, 2)],
        vec![reply(-1, "Hồ sơ Đã được tiếp nhận")],
    )
    .await;
    assert_eq!(delivery, delivered("raw -1"));
}

#[tokio::test]
async fn a_refusal_by_a_code_that_nobody_knows_is_tried_again_later_and_kills_nothing() {
    let later = Delivery::Refused {
        after: Duration::from_secs(900),
        reason: "portal-refused",
    };
    for (code, words) in [
        (3, "sai định dạng"),
        (-1, ""),
        (500, "hệ thống bận"),
        (i64::MAX, ""),
    ] {
        let (delivery, calls) = deliver(&[change(1, 1, 1)], vec![reply(code, words)]).await;
        assert_eq!((delivery, calls.len()), (later.clone(), 1), "{code}");
    }
}

#[tokio::test]
async fn only_a_code_of_the_table_kills_at_once_and_only_a_lone_parcel() {
    let refused = |changes: Vec<Change>, code| async move {
        let answers = Arc::new(portal(vec![reply(code, "sai")]));
        let mut desk = Desk::new(config(), answers);
        desk.permanent = &[7];
        desk.deliver(&pack(&changes).remove(0)).await
    };
    let dead = Delivery::Quarantined {
        reason: "portal-refused-for-good",
    };
    assert_eq!(refused(vec![change(1, 2, 2)], 7).await, dead);
    assert_ne!(refused(vec![change(1, 2, 2)], 8).await, dead);
    let two = vec![change(1, 2, 2), change(2, 2, 2)];
    assert_ne!(refused(two, 7).await, dead);
}

#[tokio::test]
async fn a_refused_batch_is_tried_again_one_by_one() {
    let changes = [change(1, 2, 2), change(2, 2, 2)];
    let (delivery, _) = deliver(&changes, vec![reply(7, "sai")]).await;
    let after = Duration::from_secs(5);
    assert_eq!(
        delivery,
        Delivery::Refused {
            after,
            reason: "portal-refused-batch"
        }
    );
}

#[tokio::test]
async fn what_the_portal_surely_did_not_take_is_tried_again_and_a_refused_account_later() {
    for (error, seconds, reason) in [
        (Error::Client(client::Error::Protocol), 5, "protocol"),
        (
            Error::Login(Box::new(Error::Client(client::Error::Deadline))),
            5,
            "deadline",
        ),
        (Error::Login(Box::new(Error::Status(500))), 5, "http-status"),
        (Error::Status(503), 5, "http-status"),
        (Error::Status(429), 5, "http-status"),
        (Error::LoginRefused(1), 900, "login-refused"),
        (Error::SessionRefused, 900, "session-refused"),
        (Error::BadConfig, 900, "bad-config"),
    ] {
        let (delivery, _) = deliver(&[change(1, 2, 2)], vec![Err(error)]).await;
        assert_eq!(
            delivery,
            Delivery::Retry {
                after: Duration::from_secs(seconds),
                reason
            }
        );
    }
}

#[tokio::test]
async fn what_the_portal_may_have_acted_upon_is_unknown() {
    for (error, reason) in [
        (Error::Client(client::Error::Deadline), "deadline"),
        (Error::Client(client::Error::Closed), "closed"),
        (
            Error::Client(client::Error::AnswerTooLarge),
            "answer-too-large",
        ),
        (Error::Client(client::Error::Redirect), "redirect"),
        (Error::Status(500), "http-status"),
        (Error::Status(504), "http-status"),
    ] {
        let (delivery, _) = deliver(&[change(1, 2, 2)], vec![Err(error)]).await;
        let after = Duration::from_secs(5);
        assert_eq!(delivery, Delivery::Unknown { after, reason });
    }
}

#[tokio::test]
async fn a_body_that_is_no_object_needs_a_person() {
    let (delivery, _) = deliver(&[change(1, 2, 2)], vec![Err(Error::BadBody)]).await;
    assert_eq!(delivery, Delivery::Quarantined { reason: "bad-body" });
}
