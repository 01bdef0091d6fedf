use std::{collections::VecDeque, sync::Mutex, time::Duration};

use futures_util::future::BoxFuture;
use gateway_core::{
    Evidence,
    outbound::{Courier as _, Shipment},
    partner::{Environment, Partner},
    ports::{Class, Delivery, Leased},
    sign::SignError,
};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use roads::{client::Answer, way::Failed};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
};
use serde_json::json;
use std::sync::Arc;

use super::*;
use crate::{PURPOSE, pull};

type Reply = Result<(u16, &'static str), Failed>;

/// A road that answers what it is told to.
struct Script(Mutex<VecDeque<Reply>>);

impl Exchange for Script {
    fn post<'a>(&'a self, path: &'static str, _: Bytes) -> BoxFuture<'a, Result<Answer, Failed>> {
        assert!(["/registry/on-search", SYNC_SEARCH_PATH].contains(&path));
        let reply = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async move {
            reply.map(|(status, body)| Answer {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: Bytes::from_static(body.as_bytes()),
                peer_sha256: [7; 32],
            })
        })
    }
}

/// Signs nothing, or joins what it was given.
struct APen(bool);

impl Pen for APen {
    fn partner(&self) -> Option<Arc<Partner>> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn seal(&self, header: Vec<u8>, message: Vec<u8>) -> BoxFuture<'_, Result<Bytes, SignError>> {
        let sealed = match self.0 {
            false => Err(SignError::Full),
            true => Ok(Bytes::from([header, message].concat())),
        };
        Box::pin(std::future::ready(sealed))
    }
}

/// What is said of every subscription, and the parcels that are over.
struct Standing(Result<bool, ()>);

impl Subscriptions for Standing {
    fn stands(&self, _: String) -> BoxFuture<'_, Result<bool, Fault>> {
        let said = self.0;
        let away = || Fault::new(FaultCode::InsuranceUnavailable, "timeout");
        Box::pin(async move { said.map_err(|()| away()) })
    }

    fn over(&self, parcel: &str) {
        assert!(parcel.starts_with("crvs."), "{parcel}");
        assert_eq!(self.0, Ok(false));
    }
}

fn desk(replies: Vec<Reply>, signs: bool) -> Desk {
    desk_where(replies, signs, Ok(true))
}

fn desk_where(replies: Vec<Reply>, signs: bool, standing: Result<bool, ()>) -> Desk {
    let config = DeskConfig {
        retry_after: Duration::from_secs(1),
        retry_after_refusal: Duration::from_secs(60),
    };
    Desk::new(
        config,
        Arc::new(APen(signs)),
        Arc::new(Standing(standing)),
        Arc::new(Script(Mutex::new(replies.into()))),
    )
}

fn letter() -> Letter {
    Letter {
        purpose: PURPOSE.to_owned(),
        lines: 2,
        header: Header::Callback(CallbackHeader {
            action: "on-search".to_owned(),
            message_id: exchange("t-1"),
            ..CallbackHeader::default()
        }),
        message: json!({ "transaction_id": "t-1" }),
        told: vec![(
            "099326000123".to_owned(),
            vec!["sex".to_owned(), "name".to_owned()],
        )],
        promise: Promise::default(),
        subscription: None,
    }
}

fn leased(letter: &Letter) -> Leased {
    let evidence = Evidence::fresh();
    let head = AnswerHead {
        id: evidence.message_id(),
        in_reply_to: MessageId::parse("m-0000001").unwrap(),
        request_digest: [0; 32],
        sent_at: Timestamp::UNIX_EPOCH,
        environment: Environment::Sandbox,
        sender: PartnerId::parse("vss").unwrap(),
        receiver: PartnerId::parse("crvs").unwrap(),
        operation: SEARCH_ASYNC.name.to_owned(),
        evidence,
    };
    let parcel = letter.parcel(&head, ON_SEARCH, &exchange("t-1"));
    assert_eq!(parcel.class, Class::Normal);
    Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        class: parcel.class,
        due: None,
        attempts: 1,
        refusals: 0,
        lost: 0,
        reason: None,
        said: None,
        put_at: Timestamp::UNIX_EPOCH,
    }
}

fn packed() -> Shipment {
    let (mut shipments, unsayable) = desk(Vec::new(), true).pack(&[leased(&letter())]);
    assert_eq!(unsayable, []);
    shipments.remove(0)
}

#[test]
fn a_callback_asks_for_what_it_tells_and_names_whom_it_tells_of() {
    let shipment = packed();
    assert_eq!(
        (shipment.operation.name, &*shipment.purpose, shipment.lines),
        (SEARCH_ASYNC.name, PURPOSE, 2)
    );
    assert_eq!(
        shipment.fields.into_iter().collect::<Vec<_>>(),
        ["name", "sex"]
    );
    assert_eq!(shipment.persons[0].told, ["name", "sex"]);
    // the transaction's name is in no clear column
    let id = &shipment.parcels[0];
    assert!(id.starts_with("crvs.dci-") && id.len() == 41, "{id}");
}

#[test]
fn what_cannot_be_said_is_set_aside_with_its_reason_and_the_others_go() {
    let right = leased(&letter());
    let of = |letter: Letter| Leased {
        id: "x".to_owned(),
        ..leased(&letter)
    };
    let unknown = Leased {
        kind: "civil.status".to_owned(),
        ..of(letter())
    };
    let broken = Leased {
        content: Bytes::from_static(b"{"),
        ..of(letter())
    };
    let nobody = of(Letter {
        told: vec![("1".to_owned(), Vec::new())],
        ..letter()
    });
    for (wrong, reason) in [
        (unknown, "unknown-kind"),
        (broken, "unreadable-content"),
        (nobody, "unreadable-content"),
    ] {
        let (shipments, unsayable) = desk(Vec::new(), true).pack(&[wrong, right.clone()]);
        assert_eq!(unsayable, [("x".to_owned(), reason)]);
        assert_eq!(shipments.len(), 1);
    }
}

#[tokio::test]
async fn it_bears_the_moment_of_its_sending_and_nothing_goes_without_our_signature() {
    let sealed = desk(Vec::new(), true).seal(packed()).await.unwrap();
    let text = String::from_utf8(sealed.body.to_vec()).unwrap();
    assert!(
        text.contains(r#""message_ts":"1970-01-01T00:00:00Z""#),
        "{text}"
    );
    assert!(text.ends_with(r#"{"transaction_id":"t-1"}"#), "{text}");
    assert!(
        !text.contains("099326000123"),
        "the ledger's part does not travel"
    );
    let unsigned = desk(Vec::new(), false).seal(packed()).await;
    assert!(matches!(
        unsigned,
        Err(Delivery::Retry {
            reason: "signing",
            ..
        })
    ));
}

#[tokio::test]
async fn a_notice_goes_only_while_its_subscription_stands() {
    let notice = Letter {
        subscription: Some("sub-1".to_owned()),
        ..letter()
    };
    for (standing, reason) in [
        (Ok(true), None),
        (Ok(false), Some(OVER)),
        (Err(()), Some("subscription-unknown")),
    ] {
        let desk = desk_where(Vec::new(), true, standing);
        let (mut shipments, _) = desk.pack(&[leased(&notice)]);
        let sealed = desk.seal(shipments.remove(0)).await;
        let said = match &sealed {
            Ok(_) => None,
            Err(Delivery::Retry { reason, .. }) if standing.is_err() => Some(*reason),
            Err(Delivery::Refused { reason, .. }) if standing == Ok(false) => Some(*reason),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(said, reason);
    }
}

#[tokio::test]
async fn each_answer_has_its_consequence() {
    let lost = |is_unsent| Failed {
        reason: "closed",
        is_unsent,
        again_after: None,
    };
    let ack = r#"{"message":{"ack_status":"ACK","more":1}}"#;
    let nack = r#"{"message":{"ack_status":"NACK"}}"#;
    let busy = r#"{"message":{"ack_status":"ERR","error":{"code":"err.service.unavailable"}}}"#;
    let many =
        r#"{"message":{"ack_status":"ERR","error":{"code":"err.request.too_many_requests"}}}"#;
    let known = r#"{"message":{"ack_status":"ERR","error":{"code":"rjct.message_id.duplicate"}}}"#;
    let refused = r#"{"message":{"ack_status":"ERR","error":{"code":"err.signature.invalid"}}}"#;
    let bare = r#"{"message":{"ack_status":"ERR"}}"#;
    let other = r#"{"message":{"ack_status":"MAYBE"}}"#;
    let cases: Vec<(Reply, &str, Option<&str>)> = vec![
        (Ok((200, ack)), "delivered", None),
        (Ok((202, ack)), "delivered", None),
        (Ok((200, nack)), "delivered", None),
        // an acknowledgement under an error is none
        (Ok((500, ack)), "unknown", Some("answer-unreadable")),
        (Ok((409, known)), "delivered", None),
        (Ok((200, busy)), "retry", Some("partner-busy")),
        (Ok((429, many)), "retry", Some("partner-busy")),
        (Ok((401, refused)), "refused", Some("refused")),
        (Ok((200, bare)), "refused", Some("refused")),
        (Ok((200, other)), "unknown", Some("answer-unreadable")),
        (Ok((200, "<html>")), "unknown", Some("answer-unreadable")),
        (Ok((200, "{}")), "unknown", Some("answer-unreadable")),
        (Ok((404, "")), "retry", Some("http-status")),
        (Ok((503, "")), "retry", Some("http-status")),
        (Ok((400, "")), "refused", Some("http-status")),
        (Ok((500, "")), "unknown", Some("http-status")),
        (Err(lost(true)), "retry", Some("closed")),
        (Err(lost(false)), "unknown", Some("closed")),
    ];
    for (reply, word, reason) in cases {
        let shown = format!("{reply:?}");
        let delivery = desk(vec![reply], true).deliver(&packed()).await;
        let said = match &delivery {
            Delivery::Retry { reason, .. }
            | Delivery::Refused { reason, .. }
            | Delivery::Unknown { reason, .. } => Some(*reason),
            _ => None,
        };
        assert_eq!((delivery.word(), said), (word, reason), "{shown}");
    }
}

/// The question of one page.
fn search() -> Shipment {
    let page = Leased {
        kind: ASK_PAGE.to_owned(),
        ..leased(&letter())
    };
    let (mut shipments, unsayable) = desk(Vec::new(), true).pack(&[page]);
    assert_eq!(unsayable, []);
    shipments.remove(0)
}

#[tokio::test]
async fn how_a_search_is_answered_holds_nothing_but_the_search() {
    let ack = r#"{"message":{"ack_status":"ACK"}}"#;
    let busy = r#"{"message":{"ack_status":"ERR","error":{"code":"err.service.unavailable"}}}"#;
    for (status, body, word, reason) in [
        (429, "", "retry", "search-busy"),
        (503, "", "retry", "search-busy"),
        (200, busy, "retry", "search-busy"),
        (200, ack, "unknown", "search-unreadable"),
        (202, "", "unknown", "search-unreadable"),
        (404, "", "retry", "search-status"),
        (400, "", "refused", "search-status"),
        (500, "", "unknown", "search-status"),
    ] {
        let desk = desk(vec![Ok((status, body))], true);
        let delivery = desk.deliver(&search()).await;
        let said = delivery.reason().unwrap();
        assert_eq!((delivery.word(), said), (word, reason), "{status} {body}");
        assert!(desk.is_of_parcel(said), "{said}");
    }
    let desk = desk(Vec::new(), true);
    for reason in pull::UNPROVEN {
        assert!(desk.is_of_parcel(reason), "{reason}");
    }
    // of these everything waits
    for theirs in [
        "partner-busy",
        "partner-suspended",
        "http-status",
        "answer-unreadable",
        "closed",
        "signing",
    ] {
        assert!(!desk.is_of_parcel(theirs), "{theirs}");
    }
}
