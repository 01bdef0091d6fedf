use gateway_core::{Direction, partner::Environment};
use jiff::{Timestamp, civil::date};
use schemas::id::{PartnerId, Sex};
use serde_json::{Value, json};

use super::*;

const AT: &str = "2026-11-20T02:00:00.000Z";

pub(crate) fn claims(operation: &str) -> Claims {
    Claims {
        sender: PartnerId::parse("crvs").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        environment: Environment::Sandbox,
        direction: Direction::Request,
        id: MessageId::parse("evidence-1").unwrap(),
        sent_at: "2026-11-23T01:00:00Z".parse::<Timestamp>().unwrap(),
        operation: operation.to_owned(),
    }
}

fn concept(code: &str) -> Value {
    json!({ "coding": [{ "system": "s", "code": code }] })
}

fn patient(id: &str, family: &str, given: &str, pin: &str, born: &str) -> Value {
    json!({
        "resourceType": "Patient", "id": id, "active": true, "extension": [],
        "name": [{ "use": "en", "family": family, "given": [given, ""] }],
        "identifier": [{ "value": pin, "type": concept("NATIONAL_ID") }],
        "birthDate": born,
        "_transforms": { "meta": {} },
    })
}

fn section(code: &str, reference: &str) -> Value {
    json!({ "code": concept(code), "entry": [{ "reference": reference }] })
}

fn task(kind: &str, word: &str, number: &str) -> Value {
    json!({
        "resourceType": "Task", "id": "t", "code": concept(kind),
        "focus": { "reference": "Composition/c" },
        "identifier": [
            { "system": format!("http://opencrvs.org/specs/id/{word}-tracking-id"), "value": "BN6TQN5" },
            { "system": format!("http://opencrvs.org/specs/id/{word}-registration-number"), "value": number },
        ],
        "lastModified": AT,
        "businessStatus": concept("REGISTERED"),
    })
}

fn place(id: &str, code: &str) -> Value {
    json!({
        "resourceType": "Location", "id": id,
        "identifier": [{ "system": "http://opencrvs.org/specs/id/statistical-code", "value": code }],
    })
}

fn bundle(resources: &[Value]) -> Value {
    let entries: Vec<Value> = resources
        .iter()
        .map(|resource| json!({ "fullUrl": "/fhir", "resource": resource }))
        .collect();
    json!({ "resourceType": "Bundle", "type": "document", "entry": entries })
}

/// Entries: 0 Composition, 1 Task, 2 child, 3 mother, 4 informant, 5 province, 6 commune, 7 questionnaire.
pub(crate) fn birth() -> Value {
    let mut child = patient("k", "Nguyễn", "Thị Hoà Bình", "099326000123", "2026-11-10");
    child["gender"] = "female".into();
    let mut mother = patient("m", "Trần", "Mẫu", "099193000123", "1993-02-01");
    mother["address"] = json!([{
        "type": "PRIMARY_ADDRESS", "line": ["", "Số 1", "", "đường Mẫu"],
        "district": "commune", "state": "province",
    }]);
    bundle(&[
        json!({
            "resourceType": "Composition", "id": "c", "type": concept("birth-declaration"),
            "section": [
                section("child-details", "Patient/k"),
                section("mother-details", "Patient/m"),
                section("informant-details", "RelatedPerson/r"),
                section("birth-encounter", "Encounter/e"),
            ],
        }),
        task("BIRTH", "birth", "2026B000000015"),
        child,
        mother,
        json!({
            "resourceType": "RelatedPerson", "id": "r", "relationship": concept("MOTHER"),
            "patient": { "reference": "Patient/m" },
        }),
        place("province", "ADMIN_STRUCTURE_01"),
        place("commune", "00004"),
        json!({
            "resourceType": "QuestionnaireResponse", "id": "q",
            "item": [
                { "text": "birth.child.child-view-group.initialFacility", "linkId": "", "answer": [{ "valueString": "01001" }] },
                { "text": "birth.child.child-view-group.birthNoticeCode", "answer": [{ "valueString": "GCS.01001.26.1" }] },
                { "text": "birth.mother.mother-view-group.motherIdType", "answer": [{ "valueString": "NATIONAL_ID" }] },
            ],
        }),
        json!({ "resourceType": "Encounter", "id": "e", "anything": { "at": "all" } }),
    ])
}

fn death() -> Value {
    let mut dead = patient("d", "Trần", "Mẫu", "099193000123", "1993-02-01");
    dead["gender"] = "female".into();
    dead["deceasedDateTime"] = "2026-11-12".into();
    bundle(&[
        json!({
            "resourceType": "Composition", "id": "c", "type": concept("death-declaration"),
            "section": [section("deceased-details", "Patient/d")],
        }),
        task("DEATH", "death", "2026D000000007"),
        dead,
    ])
}

fn read(operation: &str, bundle: &Value) -> Result<Decoded<Request>, (&'static str, &'static str)> {
    decode(claims(operation), bundle.to_string().as_bytes())
        .map_err(|fault| (fault.reason(), fault.wrong_field().unwrap_or_default()))
}

#[test]
fn a_birth_is_read_whole() {
    let decoded = read("opencrvs.birth", &birth()).unwrap();
    let Identity::Content(id) = &decoded.identity else {
        panic!("an id of the content")
    };
    assert_eq!(id.as_str(), "BIRTH_REGISTERED-2026B000000015");
    assert_eq!(
        (decoded.purpose.as_str(), decoded.synthetic),
        (PURPOSE, true)
    );
    assert_eq!(decoded.persons.len(), 2);
    let What::Birth(_, birth) = &decoded.request.what else {
        panic!("a birth")
    };
    assert_eq!(birth.name.as_str(), "Nguyễn Thị Hoà Bình");
    assert_eq!((birth.sex, birth.born), (Sex::Female, date(2026, 11, 10)));
    assert_eq!(
        (birth.commune.code, birth.residence_detail.as_str()),
        ("00004", "Số 1, đường Mẫu")
    );
    let mother = birth.mother.as_ref().unwrap();
    assert_eq!(
        (mother.name.as_str(), mother.born.as_str()),
        ("Trần Mẫu", "1993-02-01")
    );
    assert_eq!(mother.pin.as_ref().unwrap().as_str(), "099193000123");
    assert_eq!(
        (birth.guardian.relation, birth.guardian.name.as_str()),
        ("mother", "Trần Mẫu")
    );
    assert_eq!(
        (birth.facility.to_string().as_str(), birth.notice.as_str()),
        ("01001", "GCS.01001.26.1")
    );
    assert_eq!(birth.record.registered_on, date(2026, 11, 20));
}

#[test]
fn a_death_is_read_whole() {
    let decoded = read("opencrvs.death", &death()).unwrap();
    assert_eq!(decoded.purpose, DEATH_PURPOSE);
    let What::Death(_, death) = &decoded.request.what else {
        panic!("a death")
    };
    assert_eq!(
        (death.pin.as_str(), death.died_on),
        ("099193000123", date(2026, 11, 12))
    );
    assert_eq!(death.record.number, "2026D000000007");
}

#[test]
fn what_the_database_adds_of_its_own_makes_no_other_message_and_a_fact_does() {
    let first = read("opencrvs.birth", &birth()).unwrap().payload;
    let later = bent(
        birth(),
        "/entry/2/resource/_transforms",
        json!({ "meta": { "lastUpdated": "x" } }),
    );
    let later = bent(later, "/entry/1/resource/note", json!([{ "text": "x" }]));
    assert_eq!(read("opencrvs.birth", &later).unwrap().payload, first);
    let other = bent(birth(), "/entry/3/resource/name/0/family", json!("Lê"));
    assert_ne!(read("opencrvs.birth", &other).unwrap().payload, first);
}

#[test]
fn who_tells_of_it_is_on_the_card() {
    for (relation, told) in [
        ("FATHER", "father"),
        ("GRANDMOTHER", "requester"),
        ("OTHER", "requester"),
    ] {
        let bundle = bent(birth(), "/entry/4/resource/relationship", concept(relation));
        let decoded = read("opencrvs.birth", &bundle).unwrap();
        let What::Birth(_, birth) = decoded.request.what else {
            panic!("a birth")
        };
        assert_eq!(birth.guardian.relation, told);
    }
    // nobody said who told of it: the mother
    let bundle = bent(birth(), "/entry/0/resource/section/2/entry", json!([]));
    assert!(read("opencrvs.birth", &bundle).is_ok());
}

/// The bundle with one member bent, by a JSON pointer; null takes it away.
fn bent(mut bundle: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match bundle.pointer_mut(parent).unwrap() {
        Value::Object(members) if value.is_null() => drop(members.remove(name)),
        Value::Object(members) => drop(members.insert(name.to_owned(), value)),
        Value::Array(items) if value.is_null() => {
            drop(items.remove(name.parse::<usize>().unwrap()))
        }
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    bundle
}

#[test]
fn what_a_birth_may_not_be_is_refused_by_its_member() {
    let again = |index: usize| birth()["entry"][index].clone();
    let cases: Vec<(&str, Value, &str, &str)> = vec![
        (
            "/resourceType",
            json!("List"),
            "unknown-code",
            "resourceType",
        ),
        ("/x", json!(1), "json-mismatch", "context"),
        // resources
        ("/entry/0", Value::Null, "missing-field", "Composition"),
        ("/entry/1", Value::Null, "missing-field", "Task"),
        ("/entry/-", again(0), "resource-twice", "Composition"),
        ("/entry/-", again(1), "resource-twice", "Task"),
        ("/entry/-", again(2), "resource-twice", "id"),
        (
            "/entry/-",
            json!({ "resource": { "resourceType": "Bundle" } }),
            "unknown-code",
            "resourceType",
        ),
        (
            "/entry/-",
            json!({ "resource": {} }),
            "missing-field",
            "resourceType",
        ),
        (
            "/entry/-",
            json!({ "resource": patient("x", "A", "B", "1", "2") }),
            "nobody-names-it",
            "Patient",
        ),
        ("/entry/2/resource/x", json!(1), "json-mismatch", "Patient"),
        ("/entry/1/resource/x", json!(1), "json-mismatch", "Task"),
        (
            "/entry/0/resource/x",
            json!(1),
            "json-mismatch",
            "Composition",
        ),
        (
            "/entry/4/resource/x",
            json!(1),
            "json-mismatch",
            "RelatedPerson",
        ),
        ("/entry/5/resource/x", json!(1), "json-mismatch", "Location"),
        (
            "/entry/7/resource/x",
            json!(1),
            "json-mismatch",
            "QuestionnaireResponse",
        ),
        // who is who
        (
            "/entry/0/resource/section/0/code",
            concept("somebody"),
            "unknown-code",
            "section",
        ),
        (
            "/entry/0/resource/section/-",
            section("child-details", "Patient/m"),
            "section-twice",
            "section",
        ),
        (
            "/entry/0/resource/section/0/entry/-",
            json!({ "reference": "Patient/m" }),
            "two-references",
            "child-details",
        ),
        (
            "/entry/0/resource/section/0/entry/0/reference",
            json!("Patient/nobody"),
            "unknown-reference",
            "Patient",
        ),
        (
            "/entry/0/resource/section/2/entry/0/reference",
            json!("RelatedPerson/x"),
            "unknown-reference",
            "section",
        ),
        (
            "/entry/0/resource/section/2/entry/0/reference",
            json!("Patient/m"),
            "unknown-reference",
            "informant-details",
        ),
        (
            "/entry/4/resource/patient/reference",
            json!("Patient/nobody"),
            "unknown-reference",
            "Patient",
        ),
        ("/entry/2", Value::Null, "unknown-reference", "Patient"),
        // what it is
        (
            "/entry/0/resource/type",
            concept("death-declaration"),
            "topic-and-bundle-differ",
            "Composition",
        ),
        (
            "/entry/1/resource/code",
            concept("DEATH"),
            "topic-and-bundle-differ",
            "Task",
        ),
        (
            "/entry/1/resource/focus/reference",
            json!("Composition/x"),
            "unknown-reference",
            "focus",
        ),
        (
            "/entry/1/resource/businessStatus",
            concept("WAITING_VALIDATION"),
            "not-registered",
            "businessStatus",
        ),
        (
            "/entry/1/resource/businessStatus",
            Value::Null,
            "not-registered",
            "businessStatus",
        ),
        (
            "/entry/1/resource/lastModified",
            Value::Null,
            "missing-field",
            "lastModified",
        ),
        (
            "/entry/1/resource/lastModified",
            json!("2026-11-20"),
            "bad-timestamp",
            "lastModified",
        ),
        (
            "/entry/1/resource/lastModified",
            json!("2026-11-25T00:00:00Z"),
            "registered-after-sent",
            "lastModified",
        ),
        // numbers
        (
            "/entry/1/resource/identifier/1",
            Value::Null,
            "missing-field",
            "registration-number",
        ),
        (
            "/entry/1/resource/identifier/1/value",
            json!("a/b"),
            "bad-code",
            "registration-number",
        ),
        (
            "/entry/1/resource/identifier/1/value",
            json!("ký"),
            "bad-code",
            "registration-number",
        ),
        (
            "/entry/1/resource/identifier/-",
            birth()["entry"][1]["resource"]["identifier"][1].clone(),
            "identifier-twice",
            "registration-number",
        ),
        (
            "/entry/2/resource/identifier/-",
            json!({ "value": "2026B9", "type": concept("BIRTH_REGISTRATION_NUMBER") }),
            "registration-numbers-differ",
            "registration-number",
        ),
        (
            "/entry/2/resource/identifier/-",
            birth()["entry"][2]["resource"]["identifier"][0].clone(),
            "identifier-twice",
            "NATIONAL_ID",
        ),
        (
            "/entry/2/resource/identifier",
            json!([]),
            "missing-field",
            "NATIONAL_ID",
        ),
        (
            "/entry/2/resource/identifier/0/value",
            json!("099326"),
            "bad-pin",
            "NATIONAL_ID",
        ),
        (
            "/entry/2/resource/gender",
            json!("male"),
            "pin-sex-mismatch",
            "NATIONAL_ID",
        ),
        // facts
        (
            "/entry/2/resource/gender",
            Value::Null,
            "missing-field",
            "gender",
        ),
        (
            "/entry/2/resource/gender",
            json!("F"),
            "unknown-code",
            "gender",
        ),
        (
            "/entry/2/resource/birthDate",
            json!("2026-11"),
            "bad-date",
            "birthDate",
        ),
        (
            "/entry/2/resource/birthDate",
            json!("2026-11-21"),
            "event-after-registration",
            "birthDate",
        ),
        ("/entry/2/resource/name", json!([]), "missing-field", "name"),
        (
            "/entry/2/resource/name/-",
            json!({ "use": "fr", "family": "X" }),
            "several-names",
            "name",
        ),
        (
            "/entry/3/resource/address",
            json!([]),
            "missing-field",
            "address",
        ),
        (
            "/entry/3/resource/address/-",
            birth()["entry"][3]["resource"]["address"][0].clone(),
            "several-addresses",
            "address",
        ),
        (
            "/entry/3/resource/address/0/district",
            Value::Null,
            "missing-field",
            "district",
        ),
        (
            "/entry/3/resource/address/0/district",
            json!("elsewhere"),
            "unknown-reference",
            "district",
        ),
        (
            "/entry/3/resource/address/0/state",
            json!("elsewhere"),
            "unknown-reference",
            "state",
        ),
        (
            "/entry/5/resource/identifier/0/value",
            json!("79"),
            "province-and-commune-differ",
            "state",
        ),
        (
            "/entry/6/resource/identifier/0/value",
            json!("99999"),
            "unknown-commune",
            "district",
        ),
        (
            "/entry/6/resource/identifier",
            json!([]),
            "missing-field",
            "district",
        ),
        (
            "/entry/6/resource/identifier/-",
            birth()["entry"][6]["resource"]["identifier"][0].clone(),
            "identifier-twice",
            "district",
        ),
        (
            "/entry/7/resource/item/0",
            Value::Null,
            "missing-field",
            "initialFacility",
        ),
        (
            "/entry/7/resource/item/0/answer/0/valueString",
            json!("?"),
            "bad-facility",
            "initialFacility",
        ),
        (
            "/entry/7/resource/item/-",
            birth()["entry"][7]["resource"]["item"][0].clone(),
            "item-twice",
            "item",
        ),
        (
            "/entry/7/resource/item/0/answer/-",
            json!({ "valueString": "01002" }),
            "item-twice",
            "answer",
        ),
    ];
    for (pointer, value, reason, field) in cases {
        let bundle = bent(birth(), pointer, value.clone());
        let refused = read("opencrvs.birth", &bundle).map(drop).unwrap_err();
        assert_eq!(refused, (reason, field), "{pointer} {value}");
    }
}

#[test]
fn what_a_death_may_not_be_is_refused_by_its_member() {
    for (pointer, value, reason, field) in [
        (
            "/entry/0/resource/section",
            json!([]),
            "nobody-names-it",
            "Patient",
        ),
        (
            "/entry/2/resource/deceasedDateTime",
            Value::Null,
            "missing-field",
            "deceasedDateTime",
        ),
        (
            "/entry/2/resource/deceasedDateTime",
            json!("1990-01-01"),
            "death-before-birth",
            "deceasedDateTime",
        ),
        (
            "/entry/2/resource/identifier",
            json!([]),
            "missing-field",
            "NATIONAL_ID",
        ),
        (
            "/entry/2/resource/identifier/-",
            json!({ "value": "2026D9", "type": concept("DEATH_REGISTRATION_NUMBER") }),
            "registration-numbers-differ",
            "registration-number",
        ),
    ] {
        let bundle = bent(death(), pointer, value);
        let refused = read("opencrvs.death", &bundle).map(drop).unwrap_err();
        assert_eq!(refused, (reason, field), "{pointer}");
    }
    // what the hash of `sha1` does not cover is taken from what it covers
    let refused = read("opencrvs.birth", &death()).map(drop).unwrap_err();
    assert_eq!(refused, ("topic-and-bundle-differ", "Task"));
    let refused = read("opencrvs.death", &birth()).map(drop).unwrap_err();
    assert_eq!(refused, ("topic-and-bundle-differ", "Task"));
}

#[test]
fn bytes_that_are_no_json_are_refused_as_such() {
    let text = birth().to_string();
    let twice = text.replacen(
        "\"type\":\"document\"",
        "\"type\":\"document\",\"type\":\"x\"",
        1,
    );
    let deep = text.replacen("\"lastUpdated\"", "\"x\"", 1).replacen(
        "{\"meta\":{}}",
        &format!("{{\"meta\":{}1{}}}", "{\"a\":".repeat(40), "}".repeat(40)),
        1,
    );
    for (text, reason) in [
        (twice, "json-duplicate-key"),
        (deep, "json-too-deep"),
        (text[..text.len() - 1].to_owned(), "json-truncated"),
        (format!("{text} "), ""),
    ] {
        let read = decode(claims("opencrvs.birth"), text.as_bytes());
        assert_eq!(read.map_or_else(|fault| fault.reason(), |_| ""), reason);
    }
}
