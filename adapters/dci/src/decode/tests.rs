use jiff::civil::date;
use schemas::{
    id::Sex,
    wire::dci::{Identifier, Name, Person},
};
use serde_json::{Value, json};

use super::*;

/// What is told of a birth, of somebody who is not.
pub(crate) fn birth() -> Value {
    json!({
        "identifier": [
            { "identifier_type": "UIN", "identifier_value": "099326000123" },
            { "identifier_type": "BRN", "identifier_value": "15/2026" },
        ],
        "name": { "surname": "Nguyễn", "second_name": "Thị Hoà", "given_name": "Bình" },
        "sex": "female",
        "birth_date": "2026-11-10",
        "address": [{ "address_line1": "Số 1, đường Mẫu", "sub_region_code": "00004", "region_code": "01" }],
        "parent1_identifier": { "identifier_type": "UIN", "identifier_value": "099193000123" },
        "viet_nam": {
            "registration_date": "2026-11-20",
            "registration_place": "00004",
            "registration_book": "01/2026",
            "initial_facility": "01001",
            "notice_code": "GCS.01001.26.000001",
            "mother": { "name": { "surname": "Trần", "given_name": "Mẫu" }, "birth_date": "1993" },
        },
    })
}

pub(crate) fn death() -> Value {
    json!({
        "identifier": [
            { "identifier_type": "UIN", "identifier_value": "099193000123" },
            { "identifier_type": "DRN", "identifier_value": "7/2026" },
        ],
        "name": { "surname": "Trần", "given_name": "Mẫu" },
        "sex": "female",
        "death_date": "2026-11-12",
        "viet_nam": { "registration_date": "2026-11-13" },
    })
}

pub(crate) fn sent_at() -> Timestamp {
    "2026-11-23T01:00:00Z".parse().unwrap()
}

fn notify(events: &[(&str, &str, Value)]) -> Notify {
    let events: Vec<Value> = events
        .iter()
        .map(|(reference, kind, record)| {
            json!({
                "reference_id": reference,
                "timestamp": "2026-11-23T08:00:00+07:00",
                "data": { "reg_event_type": kind, "reg_records": [record] },
            })
        })
        .collect();
    serde_json::from_value(json!({ "transaction_id": "t-1", "notify_event": events })).unwrap()
}

fn read(events: &[(&str, &str, Value)]) -> Result<Vec<What>, (&'static str, &'static str)> {
    records(&notify(events), sent_at())
        .map_err(|fault| (fault.reason(), fault.wrong_field().unwrap_or_default()))
}

/// The record with one member bent: a path such as `a.b` or `a.0.b`; null takes it away.
fn bent(mut record: Value, path: &str, value: Value) -> Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = record.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(members) if value.is_null() => drop(members.remove(name)),
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{path}"),
    }
    record
}

#[test]
fn a_birth_is_read_whole() {
    let all = read(&[("r-1", "live_birth", birth())]).unwrap();
    let [What::Birth(reference, birth)] = all.as_slice() else {
        panic!("one birth")
    };
    assert_eq!(reference, "r-1");
    assert_eq!(birth.name.as_str(), "Nguyễn Thị Hoà Bình");
    assert_eq!((birth.sex, birth.born), (Sex::Female, date(2026, 11, 10)));
    assert_eq!(
        (birth.commune.code, birth.residence_detail.as_str()),
        ("00004", "Số 1, đường Mẫu")
    );
    let mother = birth.mother.as_ref().unwrap();
    assert_eq!(
        (mother.name.as_str(), mother.born.as_str()),
        ("Trần Mẫu", "1993")
    );
    assert_eq!(
        (birth.guardian.relation, birth.guardian.name.as_str()),
        ("mother", "Trần Mẫu")
    );
    assert_eq!(case_id(&birth.record), "dci-15/2026");
    assert_eq!(format!("{birth:?}"), "Birth { record: \"15/2026\", .. }");
}

#[test]
fn a_death_is_read_and_its_longer_name_too() {
    let all = read(&[("r-1", "spdci-common:RegistryEventType:Death", death())]).unwrap();
    let [What::Death(_, death)] = all.as_slice() else {
        panic!("one death")
    };
    assert_eq!(
        (death.pin.as_str(), death.died_on),
        ("099193000123", date(2026, 11, 12))
    );
    assert_eq!(format!("{death:?}"), "Death { record: \"7/2026\", .. }");
}

#[test]
fn every_wrong_value_of_a_birth_is_refused_by_its_field() {
    let null = Value::Null;
    for (path, value, reason, field) in [
        (
            "identifier.0.identifier_value",
            json!("1"),
            "bad-pin",
            "UIN",
        ),
        (
            "identifier.0.identifier_value",
            json!("099226000123"),
            "pin-sex-mismatch",
            "UIN",
        ),
        (
            "identifier.0.identifier_value",
            json!("099325000123"),
            "pin-year-mismatch",
            "UIN",
        ),
        (
            "identifier.0.identifier_type",
            json!("NID"),
            "unknown-code",
            "identifier_type",
        ),
        (
            "identifier.0.identifier_type",
            json!("BRN"),
            "identifier-twice",
            "identifier",
        ),
        (
            "identifier.0.identifier_type",
            json!("DRN"),
            "missing-field",
            "UIN",
        ),
        (
            "identifier.1.identifier_type",
            json!("MRN"),
            "missing-field",
            "BRN",
        ),
        (
            "identifier.1.identifier_value",
            json!("15 2026"),
            "bad-code",
            "BRN",
        ),
        (
            "identifier.1.identifier_value",
            json!("1".repeat(51)),
            "bad-code",
            "BRN",
        ),
        ("name", null.clone(), "missing-field", "name"),
        ("name", json!({ "prefix": "Ông" }), "missing-field", "name"),
        ("name.given_name", json!("B1nh"), "bad-name", "name"),
        ("sex", null.clone(), "missing-field", "sex"),
        ("sex", json!("unknown"), "missing-field", "sex"),
        ("sex", json!("F"), "unknown-code", "sex"),
        ("birth_date", null.clone(), "missing-field", "birth_date"),
        ("birth_date", json!("10/11/2026"), "bad-date", "birth_date"),
        (
            "birth_date",
            json!("2026-11-10T00:00:00"),
            "bad-date",
            "birth_date",
        ),
        (
            "birth_date",
            json!("2026-11-21"),
            "event-after-registration",
            "birth_date",
        ),
        ("address", json!([]), "missing-field", "address"),
        (
            "address.0.sub_region_code",
            null.clone(),
            "missing-field",
            "sub_region_code",
        ),
        (
            "address.0.sub_region_code",
            json!("99999"),
            "unknown-commune",
            "sub_region_code",
        ),
        (
            "address.0.region_code",
            json!("79"),
            "province-and-commune-differ",
            "region_code",
        ),
        (
            "address.0.address_line1",
            json!("x".repeat(201)),
            "text-too-long",
            "address_line1",
        ),
        (
            "address.0.address_line1",
            json!("a\u{7}"),
            "control-character",
            "address_line1",
        ),
        (
            "parent1_identifier.identifier_value",
            json!("12"),
            "bad-pin",
            "mother",
        ),
        (
            "parent1_identifier.identifier_type",
            json!("BRN"),
            "unknown-code",
            "mother",
        ),
        (
            "parent2_identifier",
            json!({ "identifier_type": "UIN", "identifier_value": "099093000123" }),
            "missing-field",
            "father",
        ),
        ("viet_nam", null.clone(), "missing-field", "viet_nam"),
        (
            "viet_nam.registration_date",
            null.clone(),
            "missing-field",
            "registration_date",
        ),
        (
            "viet_nam.registration_date",
            json!("2026-11-24"),
            "registered-after-sent",
            "registration_date",
        ),
        (
            "viet_nam.registration_place",
            json!("99999"),
            "unknown-commune",
            "registration_place",
        ),
        (
            "viet_nam.initial_facility",
            null.clone(),
            "missing-field",
            "initial_facility",
        ),
        (
            "viet_nam.initial_facility",
            json!("1"),
            "bad-facility",
            "initial_facility",
        ),
        (
            "viet_nam.ethnicity",
            json!("99"),
            "unknown-code",
            "ethnicity",
        ),
        (
            "viet_nam.nationality",
            json!("vn"),
            "unknown-code",
            "nationality",
        ),
        (
            "viet_nam.mother.birth_date",
            json!("1993-13"),
            "bad-date",
            "mother",
        ),
        (
            "viet_nam.guardian",
            json!({ "name": { "surname": "A" }, "relation": "aunt" }),
            "unknown-code",
            "relation",
        ),
    ] {
        let record = bent(birth(), path, value);
        let refused = read(&[("r-1", "live_birth", record)]);
        assert_eq!(refused, Err((reason, field)), "{path}");
    }
    // nobody is told who could stand on the card
    let mut alone = bent(birth(), "viet_nam.mother", null.clone());
    alone = bent(alone, "parent1_identifier", null);
    assert_eq!(
        read(&[("r-1", "live_birth", alone)]),
        Err(("missing-field", "guardian"))
    );
}

#[test]
fn every_wrong_value_of_a_death_is_refused_by_its_field() {
    for (path, value, reason, field) in [
        (
            "identifier.1.identifier_type",
            json!("BRN"),
            "missing-field",
            "DRN",
        ),
        (
            "identifier.0.identifier_type",
            json!("BRN"),
            "missing-field",
            "UIN",
        ),
        ("sex", json!("male"), "pin-sex-mismatch", "UIN"),
        ("death_date", Value::Null, "missing-field", "death_date"),
        (
            "death_date",
            json!("2026-11-14"),
            "event-after-registration",
            "death_date",
        ),
        (
            "birth_date",
            json!("2026-11-13"),
            "death-before-birth",
            "death_date",
        ),
        ("name", Value::Null, "missing-field", "name"),
    ] {
        let mut record = bent(death(), path, value);
        if path == "sex" {
            record = bent(record, "birth_date", json!("1993-01-01"));
        }
        let refused = read(&[("r-1", "death", record)]);
        assert_eq!(refused, Err((reason, field)), "{path}");
    }
}

#[test]
fn events_are_counted_named_once_and_of_a_kind_that_is_for_us() {
    let one = |reference: &'static str| (reference, "live_birth", birth());
    assert_eq!(
        read(&[one("r-1"), one("r-1")]),
        Err(("reference-id-twice", "reference_id"))
    );
    assert_eq!(read(&[one("")]), Err(("bad-reference-id", "reference_id")));
    assert_eq!(
        read(&[one("r 1")]),
        Err(("bad-reference-id", "reference_id"))
    );
    for kind in ["marriage", "divorce", "adoption", "fetal_death"] {
        assert_eq!(
            read(&[("r-1", kind, birth())]),
            Err(("event-not-for-us", "reg_event_type"))
        );
    }
    assert_eq!(
        read(&[("r-1", "birth", birth())]),
        Err(("unknown-code", "reg_event_type"))
    );
    let mut bad = notify(&[one("r-1")]);
    bad.events[0].timestamp = "2026-11-23T08:00:00".to_owned();
    assert_eq!(
        records(&bad, sent_at()).unwrap_err().reason(),
        "bad-timestamp"
    );
    bad = notify(&[one("r-1")]);
    bad.transaction_id = "x".repeat(100);
    assert_eq!(
        records(&bad, sent_at()).unwrap_err().reason(),
        "bad-transaction-id"
    );

    let reason = |told, notify: &Notify| counted(told, notify).err().map(|fault| fault.reason());
    let two = notify(&[one("r-1"), one("r-2")]);
    assert_eq!(reason(2, &two), None);
    for told in [-1, 0, 1, 3] {
        assert_eq!(reason(told, &two), Some("total-count-differs"), "{told}");
    }
    let mut many = notify(&[one("r-1")]);
    many.events = vec![many.events[0].clone(); EVENTS_MAX + 1];
    assert_eq!(reason(101, &many), Some("too-many-events"));
    many = notify(&[one("r-1")]);
    many.events[0].data.records = vec![Person::default(); RECORDS_MAX + 1];
    assert_eq!(reason(1, &many), Some("too-many-records"));
    many.events[0].data.records.clear();
    assert_eq!(reason(1, &many), Some("missing-field"));
}

#[test]
fn who_is_named_and_what_for() {
    let both = read(&[("r-1", "live_birth", birth()), ("r-2", "death", death())]).unwrap();
    assert_eq!(purpose(&both), DEATH_PURPOSE);
    assert_eq!(purpose(&both[..1]), PURPOSE);
    let named: Vec<&str> = both.iter().flat_map(What::pins).map(Pin::as_str).collect();
    assert_eq!(named, ["099326000123", "099193000123", "099193000123"]);
}

#[test]
fn a_resend_that_is_spaced_anew_is_the_same_content() {
    assert_eq!(
        payload(r#"{ "b": 1, "a": "\u0041" }"#),
        payload(r#"{"a":"A","b":1}"#)
    );
    assert_ne!(payload(r#"{"a":"A"}"#), payload(r#"{"a":"B"}"#));
    assert_eq!(&payload("{\"a\":1.5}")[..], b"{\"a\":1.5}");
}

#[test]
fn a_name_is_said_in_the_order_of_viet_nam() {
    let name = Name {
        given_name: Some("Bình".to_owned()),
        surname: Some(" Nguyễn ".to_owned()),
        ..Name::default()
    };
    assert_eq!(
        check::name(Some(&name), "name").unwrap().as_str(),
        "Nguyễn Bình"
    );
    let unknown = [Identifier {
        kind: "X".to_owned(),
        value: "1".to_owned(),
    }];
    let refused = check::number(&unknown, schemas::wire::dci::IdentifierType::Uin);
    assert_eq!(refused.unwrap_err().reason(), "unknown-code");
}

/// One record of a kind, read.
pub(crate) fn one(kind: &str) -> What {
    let record = match kind {
        "death" => death(),
        _ => birth(),
    };
    read(&[("r-1", kind, record)]).unwrap().remove(0)
}

/// Production refuses those who are made up; a question that names nobody is not one about them.
#[test]
fn what_names_nobody_is_about_nobody_who_is_made_up() {
    let pin = |text: &str| Pin::parse(text).unwrap();
    let (made_up, real) = (pin("099193000123"), pin("001193000123"));
    assert!(!is_synthetic([]));
    assert!(is_synthetic([&made_up]));
    assert!(!is_synthetic([&made_up, &real]));
    let claims = gateway_core::Claims {
        sender: schemas::id::PartnerId::parse("crvs").unwrap(),
        receiver: schemas::id::PartnerId::parse("vss").unwrap(),
        environment: gateway_core::partner::Environment::Production,
        direction: gateway_core::Direction::Request,
        id: schemas::id::MessageId::parse("m-0000001").unwrap(),
        sent_at: sent_at(),
        operation: SEARCH.name.to_owned(),
    };
    let header: wire::MsgHeader = serde_json::from_value(json!({
        "message_id": "m-0000001", "message_ts": "", "action": "search", "sender_id": "a", "total_count": 1,
    }))
    .unwrap();
    for (value, is_made_up) in [
        ("099193000123", true),
        ("001193000123", false),
        ("1", false),
    ] {
        let question = json!({
            "reference_id": "q-1", "timestamp": "2026-11-23T08:00:00+07:00",
            "search_criteria": {
                "reg_event_type": "death", "query_type": "idtype-value",
                "query": { "type": "UIN", "value": value },
                "authorize": { "purpose": { "code": "p" } },
            },
        });
        let message = json!({ "transaction_id": "t-1", "search_request": [question] }).to_string();
        let decoded = search::decode(claims.clone(), &header, &message).unwrap();
        assert_eq!(decoded.synthetic, is_made_up, "{value}");
    }
}
