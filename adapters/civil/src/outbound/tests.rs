use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Road,
    outbound::{Courier as _, Shipment},
    ports::{Class, Delivery, Leased, PersonNumber},
    sign::SignError,
};
use http::{HeaderMap, StatusCode};
use roads::{client::Answer, way::Failed};
use schemas::{
    id::{MessageId, PartnerId},
    proto::{
        Message as _,
        insurance::{BirthCase, Card, Change, DeathCase, DossierChange, change::What},
    },
    wire::civil::{self, StatusUpdate},
};

use super::{Desk, DeskConfig, Exchange, Pen, STATUS, parcel};

type Reply = Result<(u16, &'static str), Failed>;

/// A road that answers what it is told to.
#[derive(Default)]
struct Script(Mutex<VecDeque<Reply>>);

impl Exchange for Script {
    fn road(&self) -> Road {
        Road::Ngsp
    }

    fn post<'a>(
        &'a self,
        _: &'a str,
        _: HeaderMap,
        _: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>> {
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

struct NoPen;

impl Pen for NoPen {
    fn seal(&self, _: MessageId, _: Bytes) -> BoxFuture<'_, Result<String, SignError>> {
        Box::pin(std::future::ready(Err(SignError::Full)))
    }
}

fn desk(replies: Vec<Reply>) -> Desk {
    let config = DeskConfig {
        retry_after: Duration::from_secs(1),
        retry_after_refusal: Duration::from_secs(60),
    };
    Desk::new(
        config,
        Arc::new(NoPen),
        Arc::new(Script(Mutex::new(replies.into()))),
    )
}

fn birth(nth: u64, state: i32) -> Change {
    let case = BirthCase {
        case_id: "G22.99.08-261120-000001".to_owned(),
        known: true,
        state,
        due_on: "2026-11-26".to_owned(),
        updated_at: "2026-11-23T02:00:00Z".to_owned(),
        si_number: "9900000001".to_owned(),
        card: (state == 4).then(|| Card {
            number: "TE1019900000001".to_owned(),
            valid_from: "2026-11-15".to_owned(),
            valid_to: "2032-11-15".to_owned(),
            facility: "01001".to_owned(),
            state: 1,
            serial: 1,
        }),
        ..BirthCase::default()
    };
    change("LTKS", nth, What::Birth(case))
}

fn change(module: &str, nth: u64, what: What) -> Change {
    let subject = format!("{module}-G22.99.08-261120-000001");
    Change {
        id: format!("dvclt.{subject}.{nth}"),
        partner: "dvclt".to_owned(),
        subject,
        subject_sequence: nth,
        at: "2026-11-23T02:00:00Z".to_owned(),
        what: Some(what),
    }
}

fn leased(change: &Change) -> Leased {
    let partner = PartnerId::parse("dvclt").unwrap();
    let parcel = parcel(&partner, change).unwrap();
    Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        class: parcel.class,
        due: parcel.due,
        attempts: 1,
        refusals: 0,
        lost: 0,
        reason: None,
        said: None,
        put_at: "2026-11-23T02:00:00Z".parse().unwrap(),
    }
}

fn packed(change: &Change) -> (Shipment, StatusUpdate) {
    let (mut shipments, unsayable) = desk(Vec::new()).pack(&[leased(change)]);
    assert_eq!(unsayable, []);
    let shipment = shipments.remove(0);
    let told = civil::decode(&shipment.body).unwrap();
    (shipment, told)
}

#[test]
fn a_card_is_told_as_a_poll_tells_it_before_everything_else() {
    let change = birth(2, 4);
    let (shipment, told) = packed(&change);
    assert_eq!(
        (shipment.operation.name, &*shipment.purpose, shipment.road),
        (STATUS.name, crate::PURPOSE, Road::Ngsp)
    );
    assert_eq!(leased(&change).class, Class::Urgent);
    assert_eq!(
        (told.state, told.procedure.as_str(), told.at.as_str()),
        (4, "2.000986", "23/11/2026 09:00:00")
    );
    assert_eq!(told.due_on.as_deref(), Some("26/11/2026"));
    let card = told.result.unwrap();
    for word in [
        "9900000001",
        "TE1019900000001",
        "15/11/2026",
        "15/11/2032",
        "01001",
    ] {
        assert!(card.contains(word), "{word}: {card}");
    }
    let (_, waiting) = packed(&birth(1, 3));
    assert_eq!((waiting.state, waiting.result), (3, None));
}

#[test]
fn a_death_is_told_for_its_own_purpose_and_another_change_has_no_words_here() {
    let death = DeathCase {
        case_id: "G22.99.08-261120-000001".to_owned(),
        known: true,
        updated_at: "2026-11-23T02:00:00Z".to_owned(),
        died_on: "2026-11-20".to_owned(),
        si_number: "9900000001".to_owned(),
        withdrawn_by: "G22.99.08-261123-000009".to_owned(),
        ..DeathCase::default()
    };
    let (shipment, told) = packed(&change("LTKT", 2, What::Death(death)));
    assert_eq!(shipment.purpose, crate::DEATH_PURPOSE);
    assert_eq!((told.state, told.procedure.as_str()), (4, "2.002622"));
    assert!(told.note.unwrap().contains("G22.99.08-261123-000009"));
    let partner = PartnerId::parse("dvclt").unwrap();
    let dossier = change("LTKS", 1, What::Dossier(DossierChange::default()));
    assert_eq!(parcel(&partner, &dossier), None);
}

#[test]
fn what_cannot_be_told_holds_back_its_case_and_no_other() {
    let mut broken = leased(&birth(1, 9_999));
    let behind = leased(&birth(2, 4));
    let other = Leased {
        subject: "LTKS-G22.99.08-261120-000002".to_owned(),
        ..leased(&birth(3, 4))
    };
    let (shipments, unsayable) =
        desk(Vec::new()).pack(&[broken.clone(), behind.clone(), other.clone()]);
    assert_eq!(unsayable, [(broken.id.clone(), "unsayable")]);
    assert_eq!(shipments.len(), 1);
    assert_eq!(shipments[0].parcels, [other.id]);
    broken.kind = "portal.sync".to_owned();
    let (_, unsayable) = desk(Vec::new()).pack(std::slice::from_ref(&broken));
    assert_eq!(unsayable, [(broken.id.clone(), "unknown-kind")]);
    broken.kind = "civil.status".to_owned();
    broken.content = Bytes::from_static(b"\xff");
    let (_, unsayable) = desk(Vec::new()).pack(std::slice::from_ref(&broken));
    assert_eq!(unsayable, [(broken.id, "unreadable-content")]);
    let empty = Change {
        what: None,
        ..birth(1, 4)
    };
    let broken = Leased {
        content: empty.encode_to_vec().into(),
        ..behind
    };
    let (_, unsayable) = desk(Vec::new()).pack(std::slice::from_ref(&broken));
    assert_eq!(unsayable, [(broken.id, "unreadable-content")]);
}

#[tokio::test]
async fn nothing_goes_without_our_signature() {
    let (shipment, _) = packed(&birth(1, 4));
    let sealed = desk(Vec::new()).seal(shipment.clone()).await;
    assert!(matches!(
        sealed,
        Err(Delivery::Retry {
            reason: "signing",
            ..
        })
    ));
    // a body that nobody signed is not sent at all
    let delivery = desk(Vec::new()).deliver(&shipment).await;
    assert_eq!(
        delivery,
        Delivery::Quarantined {
            reason: "unreadable-status"
        }
    );
}

/// A message in the form in which it is recorded; who signed it is not looked at here.
fn sealed() -> Shipment {
    let header = r#"{"alg":"ES256","kid":"vss-1","typ":"lienthong+jws","iss":"vss","aud":"dvclt","jti":"LTKS-G22.99.08-261120-000001.1","iat":1,"env":"sandbox","dir":"request","op":"civil.status"}"#;
    let encoded = |bytes: &[u8]| {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let (shipment, _) = packed(&birth(1, 4));
    let compact = format!(
        "{}.{}.{}",
        encoded(header.as_bytes()),
        encoded(&shipment.body),
        encoded(&[1; 64])
    );
    shipment.reworded(Bytes::from(compact))
}

#[tokio::test]
async fn each_answer_has_its_consequence() {
    let lost = |is_unsent| Failed {
        reason: "closed",
        is_unsent,
        again_after: is_unsent.then_some(Duration::from_secs(7)),
    };
    let cases: Vec<(Reply, &str, Option<&str>)> = vec![
        (Ok((200, "thành công")), "delivered", None),
        (Ok((200, "Hồ sơ đã được tiếp nhận")), "delivered", None),
        (
            Ok((200, "đã trả kết quả, không được cập nhật trạng thái")),
            "quarantined",
            Some("returned-already"),
        ),
        (
            Ok((200, "logic xử lý không hợp lệ")),
            "refused",
            Some("bad-transition"),
        ),
        (
            Ok((200, "không tồn tại")),
            "refused",
            Some("unknown-dossier"),
        ),
        (
            Ok((200, "không thành công")),
            "unknown",
            Some("answer-unreadable"),
        ),
        (Ok((400, "")), "refused", Some("http-status")),
        (Ok((403, "thành công")), "retry", Some("http-status")),
        (Ok((503, "")), "retry", Some("http-status")),
        (Ok((500, "")), "unknown", Some("http-status")),
        (Err(lost(true)), "retry", Some("closed")),
        (Err(lost(false)), "unknown", Some("closed")),
    ];
    for (reply, word, reason) in cases {
        let shown = format!("{reply:?}");
        let delivery = desk(vec![reply]).deliver(&sealed()).await;
        let said = match &delivery {
            Delivery::Retry { reason, .. }
            | Delivery::Refused { reason, .. }
            | Delivery::Unknown { reason, .. }
            | Delivery::Quarantined { reason } => Some(*reason),
            _ => None,
        };
        assert_eq!((delivery.word(), said), (word, reason), "{shown}");
        if let Delivery::Retry { after, reason } = delivery {
            assert_eq!(after.as_secs(), if reason == "closed" { 7 } else { 1 });
        }
    }
}

#[test]
fn whom_a_state_tells_of_and_what_is_for_the_ledger_and_a_state_without_a_card_tells_nothing() {
    let of = |change: &Change| {
        let persons = packed(change).0.persons;
        let told = persons.into_iter().map(|one| {
            let numbers = one.numbers.iter().map(PersonNumber::indexed);
            (numbers.collect::<Vec<_>>(), one.told)
        });
        told.collect::<Vec<_>>()
    };
    let child = vec!["si:9900000001".to_owned()];
    let card = vec!["siNumber", "card", "validity", "facility"];
    assert_eq!(of(&birth(1, 4)), [(child, card)]);
    assert_eq!(of(&birth(1, 3)), []);
}
