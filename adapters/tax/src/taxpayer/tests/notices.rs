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
        Direction, Reply,
        taxpayer::{Answer, Body, Message, NoticesHeld, Question, encode, read},
    },
};

use super::super::answer::{Asked, Unfit, fitting};
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
        question: Question::LookUp(ask.clone()),
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
