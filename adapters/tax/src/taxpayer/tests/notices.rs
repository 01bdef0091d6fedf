//! What is told unasked, asked about it, and asked to be sent.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    outbound::Courier as _,
    ports::{Leased, Parcel, Pull, Telling, Told, Window},
    reconcile::Pulls as _,
};
use jiff::Timestamp;
use schemas::{
    id::MessageId,
    proto::insurance::{Change, EmployerChange, NoticeKind, ParticipationState, change::What},
    wire::tax::{
        Direction, NoticeSent, NoticesHeld, NoticesSent, Reply,
        taxpayer::{Answer, Body, Message, Question, encode, read},
    },
};

use super::super::answer::{Asked, Said, Unfit, fitting};
use super::super::*;
use super::{asked, desk, id, leased, tax, words};

fn change(nth: u64) -> Change {
    Change {
        id: format!("employer.TZ0000L.tax.{nth}"),
        partner: "tax".into(),
        subject: "employer.TZ0000L".into(),
        subject_sequence: nth,
        at: "2026-11-22T05:00:00Z".into(),
        what: Some(What::Employer(EmployerChange {
            tax_code: "9900000016".into(),
            unit_code: "TZ0000L".into(),
            kind: NoticeKind::Suspended.into(),
            effective_on: "2026-11-01".into(),
            state: ParticipationState::Suspended.into(),
            ..EmployerChange::default()
        })),
    }
}

fn leased_of(parcel: Parcel) -> Leased {
    Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        class: parcel.class,
        ..leased(&words())
    }
}

#[test]
fn a_change_of_an_employer_is_one_notice_under_its_own_id_and_place() {
    let parcels = notices(&tax(), &change(3)).unwrap();
    let [parcel] = <[_; 1]>::try_from(parcels).unwrap();
    assert_eq!(
        (parcel.id.as_str(), parcel.sequence),
        ("employer.TZ0000L.tax.3", 3)
    );
    assert_eq!(parcel.subject, "employer.TZ0000L");
    let (shipments, unsayable) = desk().pack(&[leased_of(parcel)]);
    assert!(unsayable.is_empty());
    assert_eq!(shipments[0].operation.name, "taxpayer.change-notice");
    assert!(shipments[0].fields.is_empty());
    let (message, _) = read(&shipments[0].body).unwrap();
    assert_eq!(message.header.message_id.as_str(), "employer.TZ0000L.tax.3");
    let Body::Question(Question::Notice(notice)) = message.body else {
        panic!("a notice")
    };
    assert_eq!(notice.mst.as_str(), "9900000016");
    assert_eq!(notice.purpose, PURPOSE);
}

#[test]
fn a_change_that_cannot_be_told_has_no_parcel() {
    type Bend = fn(&mut EmployerChange);
    let cases: [(Bend, &str); 6] = [
        (|one| one.tax_code = "9900000017".into(), "tax-code"),
        (|one| one.unit_code = "1".into(), "unit-code"),
        (|one| one.kind = 0, "kind"),
        (|one| one.state = 0, "state"),
        (|one| one.effective_on = "2026-11".into(), "day"),
        (|one| one.state = ParticipationState::Active.into(), "parts"),
    ];
    for (bend, reason) in cases {
        let mut bent = change(1);
        let Some(What::Employer(told)) = &mut bent.what else {
            panic!("an employer")
        };
        bend(told);
        assert_eq!(notices(&tax(), &bent), Err(reason));
    }
    let nothing = Change {
        what: None,
        ..change(1)
    };
    assert_eq!(notices(&tax(), &nothing), Err("not-an-employer"));
}

fn told_parcel(nth: u64, kind: &str) -> Told {
    let id = change(nth).id;
    Told {
        id: id.clone(),
        subject: "employer.TZ0000L".into(),
        sequence: nth,
        kind: kind.into(),
        content: Bytes::new(),
        receipt: nth,
        at: Timestamp::UNIX_EPOCH,
        healed: 0,
    }
}

#[test]
fn a_pull_names_the_notices_of_its_window_and_knows_which_are_held() {
    let pull = Pull {
        partner: tax(),
        window: Window::between(0, 60).unwrap(),
    };
    let telling = Telling {
        told: vec![
            told_parcel(1, "taxpayer.notice"),
            told_parcel(2, "taxpayer.notice"),
            told_parcel(9, "taxpayer.question"),
        ],
        more: false,
    };
    let parcel = Reconciler.parcel(&pull, &telling);
    assert_eq!(parcel.id, "pull.tax.0-60");
    let asked = parcel.content.clone();
    let (shipments, _) = desk().pack(&[leased_of(parcel)]);
    let (message, _) = read(&shipments[0].body).unwrap();
    let Body::Question(Question::LookUp(ask)) = &message.body else {
        panic!("a look-up")
    };
    let named: Vec<&str> = ask.notices.iter().map(MessageId::as_str).collect();
    assert_eq!(named, [change(1).id, change(2).id]);
    let answer = |held: &[&str]| {
        let mut header = message.header.clone();
        header.direction = Direction::Answer;
        header.reply = Some(Reply {
            to: message.header.message_id.clone(),
            digest: [7; 32],
        });
        let held = held.iter().map(|id| MessageId::parse(id).unwrap());
        let body = Body::Answer(Answer::Held(NoticesHeld {
            held: held.collect(),
            sent: None,
        }));
        Message { header, body }
    };
    let bytes = Bytes::from(encode(&answer(&[change(2).id.as_str()])).0);
    let held = Reconciler.read(&asked, &bytes).unwrap();
    assert_eq!(held.has(&telling.told[0]), Some(false));
    assert_eq!(held.has(&telling.told[1]), Some(true));
    assert_eq!(
        held.has(&telling.told[2]),
        None,
        "a question is lost by nobody"
    );
    assert!(!held.more());
    // one that was not asked about is not told
    let asked = Asked {
        header: message.header.clone(),
        digest: [7; 32],
        said: Said::Question(Question::LookUp(ask.clone())),
        is_json: false,
    };
    let mut more = answer(&["employer.TZ0000L.tax.7"]);
    (more.header.sender, more.header.receiver) =
        (asked.header.receiver.clone(), asked.header.sender.clone());
    assert_eq!(
        fitting(&asked, more),
        Err(Unfit::Content("answer-tells-more"))
    );
}

#[test]
fn a_window_with_more_than_one_question_holds_is_asked_in_parts() {
    let pull = Pull {
        partner: tax(),
        window: Window::between(0, 60).unwrap(),
    };
    let told = (0..201).map(|nth| told_parcel(nth, "taxpayer.notice"));
    let telling = Telling {
        told: told.collect(),
        more: false,
    };
    let parcel = Reconciler.parcel(&pull, &telling);
    let (shipments, unsayable) = desk().pack(&[leased_of(parcel.clone())]);
    assert!(unsayable.is_empty() && shipments.len() == 1);
    let mut header = asked().header;
    header.operation = "taxpayer.look-up-notices".into();
    header.direction = Direction::Answer;
    header.reply = Some(Reply {
        to: id(),
        digest: [7; 32],
    });
    let none = Body::Answer(Answer::Held(NoticesHeld {
        held: BTreeSet::new(),
        sent: None,
    }));
    let bytes = Bytes::from(encode(&Message { header, body: none }).0);
    assert!(Reconciler.read(&parcel.content, &bytes).unwrap().more());
}

#[test]
fn a_month_is_asked_for_under_its_manifest() {
    let words = MonthWords {
        manifest: "month.employer.2026-10".into(),
        kind: "employer".into(),
        period: "2026-10".into(),
        provinces: vec!["01".into()],
    };
    let parcel = month_parcel(&tax(), &words);
    assert_eq!(parcel.id, "month.tax.month.employer.2026-10");
    let (shipments, _) = desk().pack(&[leased_of(parcel)]);
    let (message, _) = read(&shipments[0].body).unwrap();
    assert_eq!(message.header.message_id.as_str(), words.manifest);
    assert_eq!(message.body, Body::Question(words.question().unwrap()));
    for (bent, reason) in [
        (
            MonthWords {
                kind: "household".into(),
                ..words.clone()
            },
            "kind",
        ),
        (
            MonthWords {
                period: "2026-13".into(),
                ..words.clone()
            },
            "month",
        ),
        (
            MonthWords {
                provinces: vec!["1".into()],
                ..words.clone()
            },
            "provinces",
        ),
        (
            MonthWords {
                manifest: "short".into(),
                ..words.clone()
            },
            "unreadable-id",
        ),
    ] {
        assert_eq!(bent.question(), Err(reason));
    }
}

#[test]
fn a_pull_asks_what_was_sent_in_its_window_and_what_never_came_is_wanted() {
    let pull = Pull {
        partner: tax(),
        window: Window::between(0, 60).unwrap(),
    };
    let parcel = Reconciler.parcel(&pull, &Telling::default());
    let (shipments, _) = desk().pack(&[leased_of(parcel.clone())]);
    let (message, _) = read(&shipments[0].body).unwrap();
    let Body::Question(question @ Question::LookUp(_)) = message.body.clone() else {
        panic!("a look-up")
    };
    let one = |nth: u32, second: i64| NoticeSent {
        id: MessageId::parse(&format!("tax-000{nth}x")).unwrap(),
        at: Timestamp::from_second(second).unwrap(),
    };
    let answer = |notices: Vec<NoticeSent>, total: u32| {
        let mut header = message.header.clone();
        header.direction = Direction::Answer;
        (header.sender, header.receiver) = (header.receiver, header.sender);
        header.reply = Some(Reply {
            to: message.header.message_id.clone(),
            digest: [7; 32],
        });
        let body = Body::Answer(Answer::Held(NoticesHeld {
            held: BTreeSet::new(),
            sent: Some(NoticesSent { notices, total }),
        }));
        Message { header, body }
    };
    let bytes = |message: &Message| Bytes::from(encode(message).0);
    let both = answer(vec![one(1, 0), one(2, 59)], 2);
    let held = Reconciler.read(&parcel.content, &bytes(&both)).unwrap();
    assert_eq!(held.sent().len(), 2);
    assert!(!held.more());
    let cut = Reconciler.read(&parcel.content, &bytes(&answer(vec![one(1, 0)], 2)));
    assert!(cut.unwrap().more(), "asked again in halves");
    // what was sent at another time was not asked about
    let asked = Asked {
        header: message.header.clone(),
        digest: [7; 32],
        said: Said::Question(question),
        is_json: false,
    };
    assert!(fitting(&asked, both).is_ok());
    assert_eq!(
        fitting(&asked, answer(vec![one(1, 60)], 1)),
        Err(Unfit::Content("answer-tells-more"))
    );

    let lost = [one(2, 59).id];
    let wanted = Reconciler.wanted(&pull, &lost).unwrap();
    assert_eq!(wanted.id, "want.tax.0-60");
    let (shipments, _) = desk().pack(&[leased_of(wanted)]);
    assert_eq!(shipments[0].operation.name, "taxpayer.resend-notices");
    let (message, _) = read(&shipments[0].body).unwrap();
    let Body::Question(Question::Resend(ask)) = message.body else {
        panic!("a request")
    };
    assert_eq!(ask.notices.into_iter().collect::<Vec<_>>(), lost);
}

#[test]
fn a_pull_that_was_planned_before_it_knew_its_window_is_asked_as_it_was() {
    let old = Bytes::from_static(br#"{"notices":["employer.TZ0000L.tax.1"],"more":false}"#);
    let (_, question) = pulls::opened("pull.tax.0-60", &old).unwrap();
    let Question::LookUp(ask) = question else {
        panic!("a look-up")
    };
    assert_eq!((ask.notices.len(), ask.sent_in), (1, None));
}
