//! Notices of employers and persons, and the questions about notices.

use super::*;

fn notice(kind: NoticeKind) -> EmployerNotice {
    use NoticeKind::{Dissolved, Headcount, Merged, Moved, Registered, Suspended};
    EmployerNotice {
        mst: TaxId::parse("9900000016").unwrap(),
        unit_code: UnitCode::parse("TZ0000L").unwrap(),
        kind,
        effective_on: date(2026, 11, 1),
        state: match kind {
            Suspended => ParticipationState::Suspended,
            Dissolved | Merged => ParticipationState::Closed,
            _ => ParticipationState::Active,
        },
        name: (kind == Registered).then(|| "Công ty & Con".to_owned()),
        address: matches!(kind, Registered | Moved).then(|| "Xã Mẫu, Hà Nội".to_owned()),
        merged_into: (kind == Merged).then(|| TaxId::parse("099300123456").unwrap()),
        participants: (kind == Headcount).then(|| Participants {
            period: period("2026-10"),
            before: 12,
            now: 40,
        }),
        purpose: "tax-compliance".to_owned(),
    }
}

pub(super) fn told(kind: NoticeKind) -> Message {
    question(Question::Notice(Box::new(notice(kind))))
}

pub(super) fn ids(many: u32) -> std::collections::BTreeSet<MessageId> {
    let id = |nth: u32| MessageId::parse(&format!("employer.TZ0000L.tax.{nth}")).unwrap();
    (0..many).map(id).collect()
}

pub(super) fn look_up(many: u32) -> Message {
    question(Question::LookUp(LookUpNotices {
        notices: ids(many),
        sent_in: None,
        purpose: "tax-compliance".to_owned(),
    }))
}

pub(super) fn corrected(name: Option<&str>, sex: Option<Sex>) -> PersonNotice {
    PersonNotice {
        pin: Pin::parse("099226123456").unwrap(),
        new_pin: None,
        name: name.map(str::to_owned),
        birth_date: None,
        sex,
        corrected_on: date(2026, 11, 22),
        purpose: "tax-compliance".to_owned(),
    }
}

pub(super) fn corrected_all() -> PersonNotice {
    PersonNotice {
        new_pin: Some(Pin::parse("099326123457").unwrap()),
        birth_date: Some(date(2026, 10, 1)),
        ..corrected(Some("Nguyễn Hoà Giang"), Some(Sex::Female))
    }
}

#[test]
fn a_persons_notice_tells_something_under_a_pin_and_a_new_pin_is_new() {
    let wrong = |field, reason| Err(WireError { field, reason });
    let said = |notice: PersonNotice| encode(&question(Question::Person(Box::new(notice)))).0;
    let nothing = said(corrected(None, None));
    assert_eq!(read(&nothing), wrong("PersonNotice", "nothing-changed"));
    let all = String::from_utf8(said(corrected_all())).unwrap();
    let same = all.replace("099326123457", "099226123456");
    assert_eq!(read(same.as_bytes()), wrong("NewMst", "nothing-changed"));
    for (from, to, field, reason) in [
        ("<Mst>099226123456", "<Mst>9900000016", "Mst", "not-a-pin"),
        ("<Sex>2", "<Sex>4", "Sex", "unknown-word"),
        ("2026-10-01", "2026-10-1", "BirthDate", "unknown-word"),
    ] {
        let bent = all.replace(from, to);
        assert_ne!(bent, all);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason));
        assert!(xsd::validate_taxpayer_v1(bent.as_bytes()).is_err(), "{to}");
    }
    assert_eq!(
        corrected_all().told().into_iter().collect::<Vec<_>>(),
        ["birthDate", "name", "pin", "sex"]
    );
}

pub(super) fn look_up_since() -> Message {
    let (from, until) = ("2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z");
    question(Question::LookUp(LookUpNotices {
        notices: ids(2),
        sent_in: NoticeTime::between(from.parse().unwrap(), until.parse().unwrap()),
        purpose: "tax-compliance".to_owned(),
    }))
}

pub(super) fn resend(many: u32) -> Message {
    question(Question::Resend(ResendNotices {
        notices: ids(many),
        purpose: "tax-compliance".to_owned(),
    }))
}

pub(super) fn sent(many: u32, total: u32) -> NoticesHeld {
    let at = "2026-11-22T05:00:01Z".parse().unwrap();
    let notices = ids(many).into_iter().map(|id| NoticeSent { id, at });
    NoticesHeld {
        held: ids(1),
        sent: Some(NoticesSent {
            notices: notices.collect(),
            total,
        }),
    }
}

#[test]
fn a_look_up_of_notices_names_a_time_that_there_is_and_no_more_than_there_were() {
    let wrong = |field, reason| Err(WireError { field, reason });
    let (bytes, _) = encode(&look_up_since());
    let asked = String::from_utf8(bytes).unwrap();
    for (from, to, field, reason) in [
        (
            "T06:00:00Z</Until",
            "T05:00:00Z</Until",
            "Until",
            "until-not-after-from",
        ),
        (
            "T06:00:00Z</Until",
            "T06:00:00.5Z</Until",
            "Until",
            "instant",
        ),
        ("T05:00:00Z</From", "T25:00:00Z</From", "From", "instant"),
    ] {
        let bent = asked.replacen(from, to, 1);
        assert_ne!(bent, asked);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason), "{bent}");
    }
    let (bytes, _) = encode(&resend(1));
    let asked = String::from_utf8(bytes).unwrap();
    let none = asked.replace("<Notice>employer.TZ0000L.tax.0</Notice>", "");
    assert_eq!(read(none.as_bytes()), wrong("Notice", "no-notices"));
    assert!(xsd::validate_taxpayer_v1(none.as_bytes()).is_err());
    let fewer = answer(LOOK_UP_NOTICES, Answer::Held(sent(2, 1)));
    let (bytes, _) = encode(&fewer);
    assert_eq!(read(&bytes), wrong("SentTotal", "fewer-than-named"));
    let (bytes, _) = encode(&answer(LOOK_UP_NOTICES, Answer::Held(sent(2, 2))));
    let twice = String::from_utf8(bytes).unwrap();
    let twice = twice.replace(
        "<Notice>employer.TZ0000L.tax.1<",
        "<Notice>employer.TZ0000L.tax.0<",
    );
    assert_eq!(read(twice.as_bytes()), wrong("Sent", "id-twice"));
    assert!(xsd::validate_taxpayer_v1(twice.as_bytes()).is_err());
}

pub(super) fn request_month() -> Message {
    question(Question::Month(RequestMonth {
        manifest: MessageId::parse("month.employer.2026-10").unwrap(),
        kind: Kind::Employer,
        period: period("2026-10"),
        provinces: ProvinceSet::of(&[1, 79]),
        purpose: "tax-compliance".to_owned(),
    }))
}

#[test]
fn a_notice_has_the_parts_of_its_kind_and_leaves_a_state_of_its_kind() {
    type Bend = fn(&mut EmployerNotice);
    let cases: [(NoticeKind, Bend, &str, &str); 10] = [
        (
            NoticeKind::Registered,
            |one| one.name = None,
            "Name",
            "part-missing",
        ),
        (
            NoticeKind::Moved,
            |one| one.address = None,
            "Address",
            "part-missing",
        ),
        (
            NoticeKind::Merged,
            |one| one.merged_into = None,
            "MergedInto",
            "part-missing",
        ),
        (
            NoticeKind::Headcount,
            |one| one.participants = None,
            "Participants",
            "part-missing",
        ),
        (
            NoticeKind::Moved,
            |one| one.name = Some("An".into()),
            "Name",
            "part-of-another-kind",
        ),
        (
            NoticeKind::Suspended,
            |one| one.address = Some("An".into()),
            "Address",
            "part-of-another-kind",
        ),
        (
            NoticeKind::Dissolved,
            |one| one.state = ParticipationState::Active,
            "State",
            "state-of-another-kind",
        ),
        (
            NoticeKind::Resumed,
            |one| one.state = ParticipationState::Suspended,
            "State",
            "state-of-another-kind",
        ),
        (
            NoticeKind::Merged,
            |one| one.merged_into = Some(one.mst.clone()),
            "MergedInto",
            "merged-into-itself",
        ),
        (
            NoticeKind::Headcount,
            |one| one.participants.as_mut().unwrap().now = 12,
            "Participants",
            "nothing-changed",
        ),
    ];
    for (kind, bend, field, reason) in cases {
        let mut bent = notice(kind);
        bend(&mut bent);
        let message = question(Question::Notice(Box::new(bent)));
        let refused = read(&encode(&message).0).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason), "{kind:?}");
    }
}

#[test]
fn ids_and_provinces_are_named_once_and_not_without_end() {
    let asked = text(&look_up(2));
    let twice = asked.replace("tax.1<", "tax.0<");
    let refused = read(twice.as_bytes()).unwrap_err();
    assert_eq!((refused.field, refused.reason), ("Notice", "id-twice"));
    assert!(xsd::validate_taxpayer_v1(twice.as_bytes()).is_err());
    let more = text(&look_up(201));
    let refused = read(more.as_bytes()).unwrap_err();
    assert_eq!((refused.field, refused.reason), ("Notice", "too-many"));
    assert!(xsd::validate_taxpayer_v1(more.as_bytes()).is_err());
    let month = text(&request_month());
    for (from, to, field) in [
        (">79<", ">01<", "Province"),
        (">employer<", ">household<", "RecordKind"),
        (">2026-10<", ">2026-13<", "Period"),
    ] {
        let refused = read(month.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(refused.field, field);
    }
}
