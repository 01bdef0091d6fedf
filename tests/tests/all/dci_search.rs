//! We as a registry of the DCI kind: whoever may ask learns of a birth or a death that is held here, in granted fields
//! alone, signed in the body and beside it; a question that cannot be answered is told why, and changes nothing.

use certs::{
    dci::{self, Dialect, Said},
    jws,
    keys::Algorithm,
};
use gateway_tests::{
    house::House,
    message::{
        Message, Notify,
        dci::{CRVS, RECEIVER_ID, SENDER_ID, birth_event, death_event},
    },
    tape::tape,
};
use schemas::{
    fault::FaultCode::{Forbidden, Invalid, TooLarge},
    wire::dci::Raw,
};
use serde_json::{Value, json};

pub(super) fn signed(house: &House, message: &Notify) -> Message {
    message.sign(&house.key(CRVS), house.now())
}

/// Tells of the birth; gives its record.
pub(super) async fn told(house: &House, number: u32) -> Value {
    let event = birth_event(house.now(), &house.landmarks, number);
    let notify = Notify::new(house.now(), std::slice::from_ref(&event));
    house
        .wire(CRVS)
        .send(&signed(house, &notify))
        .await
        .assert_ok();
    event
}

pub(super) fn pin_of(event: &Value) -> String {
    let record = &event["data"]["reg_records"][0];
    record["identifier"][0]["identifier_value"]
        .as_str()
        .unwrap()
        .to_owned()
}

pub(super) fn question(reference: &str, event: &str, pin: &str) -> Value {
    json!({
        "reference_id": reference,
        "timestamp": "2026-11-23T08:00:00+07:00",
        "search_criteria": {
            "reg_event_type": event,
            "query_type": "idtype-value",
            "query": { "type": "UIN", "value": pin },
            "authorize": { "purpose": { "code": "child-health-insurance" } },
        },
    })
}

async fn answer(house: &House, search: &Notify) -> Value {
    let reply = house.wire(CRVS).send(&signed(house, search)).await;
    reply.assert_ok().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_that_is_held_here_is_told_in_granted_fields_and_signed_twice() {
    let house = House::start().await;
    let event = told(&house, 20).await;
    let pin = pin_of(&event);
    let before = house.fingerprint().await;
    let search = Notify::search(house.now(), &[question("q-1", "live_birth", &pin)]);
    let reply = house.wire(CRVS).send(&signed(&house, &search)).await;
    let body = reply.assert_ok().json();
    let (header, message) = (&body["header"], &body["message"]);
    assert_eq!(
        (&header["action"], &header["status"]),
        (&json!("on-search"), &json!("succ"))
    );
    assert_eq!(
        (&header["sender_id"], &header["receiver_id"]),
        (&json!(RECEIVER_ID), &json!(SENDER_ID))
    );
    assert_eq!(
        (&header["total_count"], &header["completed_count"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(message["transaction_id"], "t-1");
    assert_eq!(message["correlation_id"], reply.evidence());
    let one = &message["search_response"][0];
    assert_eq!(
        (&one["reference_id"], &one["status"]),
        (&json!("q-1"), &json!("succ"))
    );
    assert_eq!(one["pagination"]["total_count"], 1);
    let record = &one["data"]["reg_records"][0];
    // granted: name, sex, birthDate, deathDate, registration; withheld: address, parents
    let expected = json!({
        "identifier": [
            { "identifier_type": "UIN", "identifier_value": pin },
            { "identifier_type": "BRN", "identifier_value": "B20/2026" },
        ],
        "name": { "surname": "Nguyễn", "second_name": "Thị Hoà", "given_name": "Bình" },
        "sex": "female",
        "birth_date": event["data"]["reg_records"][0]["birth_date"],
        "viet_nam": {
            "registration_date": event["data"]["reg_records"][0]["viet_nam"]["registration_date"],
            "registration_place": house.landmarks.places[0].commune,
        },
    });
    assert_eq!(*record, expected);

    // ours, in the body and beside it, about this question
    let (raw, signature) = Raw::read(&reply.body).unwrap();
    let said = Said {
        body: &reply.body,
        raw,
        sender_id: RECEIVER_ID,
        signature: signature.as_deref().unwrap(),
    };
    let ours = house.our_key();
    dci::prove(Dialect::JwsCompact, &said, (&ours, Algorithm::Es256), 0).unwrap();
    let proof = jws::parse(reply.header("x-jws-signature")).unwrap();
    let head = proof
        .verify(&ours, Algorithm::Es256, &reply.body)
        .unwrap()
        .into_header();
    assert_eq!(
        (head.irt.as_deref(), head.dig),
        (Some(search.id()), Some(search.digest()))
    );
    assert_eq!(head.op, "dci.search");
    assert!(house.fingerprint().await == before);
    assert!(
        !tape().everything().contains(&pin),
        "the log names somebody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_field_granted_parents_and_home_are_told_too() {
    let house = House::plan()
        .replace(
            "partners/crvs.toml",
            "\"registration\"]",
            "\"registration\", \"address\", \"parents\"]",
        )
        .start()
        .await;
    let event = told(&house, 21).await;
    let search = Notify::search(
        house.now(),
        &[question("q-1", "live_birth", &pin_of(&event))],
    );
    let body = answer(&house, &search).await;
    let record = &body["message"]["search_response"][0]["data"]["reg_records"][0];
    assert_eq!(
        record["address"],
        json!([{ "sub_region_code": house.landmarks.places[0].commune }])
    );
    assert_eq!(
        record["parent1_identifier"],
        event["data"]["reg_records"][0]["parent1_identifier"]
    );
    assert!(record["viet_nam"]["mother"]["name"].is_object());
    assert_eq!(record["viet_nam"]["initial_facility"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_is_told_and_whom_nobody_registered_is_not_told_from_whom_nobody_knows() {
    let house = House::start().await;
    let event = told(&house, 22).await;
    let pin = pin_of(&event);
    let death = Notify::new(house.now(), &[death_event(house.now(), &event, 22)]);
    house
        .wire(CRVS)
        .send(&signed(&house, &death))
        .await
        .assert_ok();
    let insured = &house.landmarks.mothers[0].pin;
    let search = Notify::search(
        house.now(),
        &[
            question("q-1", "spdci-common:RegistryEventType:Death", &pin),
            question("q-2", "death", insured),
            question("q-3", "death", "099193999999"),
            question("q-4", "live_birth", insured),
        ],
    );
    let body = answer(&house, &search).await;
    let all = body["message"]["search_response"].as_array().unwrap();
    let record = &all[0]["data"]["reg_records"][0];
    assert_eq!(record["identifier"][1]["identifier_value"], "D22/2026");
    assert!(record["death_date"].is_string());
    for other in &all[1..] {
        assert_eq!(other["status"], "succ");
        assert_eq!(other["data"]["reg_records"], json!([]));
        assert_eq!(other["pagination"]["total_count"], 0);
    }
    let plain = |one: &Value| {
        (
            one["data"]["reg_records"].clone(),
            one["pagination"].clone(),
        )
    };
    assert_eq!(plain(&all[1]), plain(&all[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_answered_is_told_why_and_the_others_are_answered() {
    let house = House::start().await;
    let pin = pin_of(&told(&house, 23).await);
    let before = house.fingerprint().await;
    let cases = [
        (
            "/timestamp",
            json!("2026-11-23T08:00:00"),
            "rjct.timestamp.invalid",
            "timestamp",
        ),
        (
            "/search_criteria/sort",
            json!([{ "attribute_name": "name" }]),
            "rjct.sort.invalid",
            "sort",
        ),
        (
            "/search_criteria/pagination",
            json!({ "page_size": 0 }),
            "rjct.pagination.invalid",
            "pagination",
        ),
        (
            "/search_criteria/query_type",
            json!("graphql"),
            "rjct.search_criteria.invalid",
            "query_type",
        ),
        (
            "/search_criteria/query_type",
            json!("predicate"),
            "rjct.search_criteria.invalid",
            "query_type",
        ),
        (
            "/search_criteria/reg_event_type",
            json!("marriage"),
            "rjct.search_criteria.invalid",
            "reg_event_type",
        ),
        (
            "/search_criteria/reg_event_type",
            json!("x"),
            "rjct.search_criteria.invalid",
            "reg_event_type",
        ),
        (
            "/search_criteria/query",
            json!({ "type": "BRN", "value": "B23/2026" }),
            "rjct.search_criteria.invalid",
            "type",
        ),
        (
            "/search_criteria/query",
            json!({ "type": "UIN", "value": "1" }),
            "rjct.search_criteria.invalid",
            "value",
        ),
        (
            "/search_criteria/query",
            json!([]),
            "rjct.search_criteria.invalid",
            "type",
        ),
    ];
    for (pointer, value, code, field) in cases {
        let mut wrong = question("q-1", "live_birth", &pin);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[name] = value;
        let right = question("q-2", "live_birth", &pin);
        let both = Notify::search(house.now(), &[wrong.clone(), right]);
        let body = answer(&house, &both).await;
        let all = body["message"]["search_response"].as_array().unwrap();
        assert_eq!(
            (&all[0]["status"], &all[0]["status_reason_code"]),
            (&json!("rjct"), &json!(code)),
            "{pointer}"
        );
        assert_eq!(all[0]["status_reason_message"], format!("Field: {field}"));
        assert_eq!(all[0]["data"], Value::Null);
        assert_eq!(all[1]["data"]["reg_records"].as_array().unwrap().len(), 1);
        assert_eq!(
            (
                &body["header"]["status"],
                &body["header"]["completed_count"]
            ),
            (&json!("succ"), &json!(1))
        );
        // alone: nothing was answered
        let body = answer(&house, &Notify::search(house.now(), &[wrong])).await;
        assert_eq!(
            (
                &body["header"]["status"],
                &body["header"]["status_reason_code"]
            ),
            (&json!("rjct"), &json!(code))
        );
    }
    // the record stands on the first page
    let mut second = question("q-1", "live_birth", &pin);
    second["search_criteria"]["pagination"] = json!({ "page_size": 1, "page_number": 2 });
    let body = answer(&house, &Notify::search(house.now(), &[second])).await;
    assert_eq!(
        body["message"]["search_response"][0]["data"]["reg_records"],
        json!([])
    );
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_agreed_to_is_not_asked() {
    let file = "partners/crvs.toml";
    let house = House::plan()
        .replace(
            file,
            "[agreements.operations.\"dci.search\"]\n",
            "[agreements.operations.\"dci.search\"]\nlines = 2\n",
        )
        .start()
        .await;
    let pin = "099193999999";
    let ask = |questions: &[Value]| Notify::search(house.now(), questions);
    let one = question("q-1", "death", pin);
    let mut other = question("q-2", "death", pin);
    other["search_criteria"]["authorize"]["purpose"]["code"] = json!("curiosity");
    let mut none = question("q-3", "death", pin);
    none["search_criteria"]
        .as_object_mut()
        .unwrap()
        .remove("authorize");
    let three: Vec<Value> = (0..3)
        .map(|n| question(&format!("q-{n}"), "death", pin))
        .collect();
    let many: Vec<Value> = (0..21)
        .map(|n| question(&format!("q-{n}"), "death", pin))
        .collect();
    for (search, code, reason) in [
        (
            ask(std::slice::from_ref(&other)),
            Forbidden,
            "purpose-not-agreed",
        ),
        (ask(&[one.clone(), other]), Invalid, "purposes-differ"),
        (ask(&[none]), Invalid, "missing-field"),
        (
            ask(&[one.clone(), one.clone()]),
            Invalid,
            "reference-id-twice",
        ),
        (ask(&[]), Invalid, "missing-field"),
        (ask(&three), Forbidden, "more-lines-than-agreed"),
        (ask(&many), TooLarge, "too-many-events"),
        (
            ask(std::slice::from_ref(&one)).with("/header/total_count", 2),
            Invalid,
            "total-count-differs",
        ),
        (
            ask(std::slice::from_ref(&one)).with("/header/action", "notify"),
            Invalid,
            "operation-and-path-differ",
        ),
    ] {
        let message = signed(&house, &search);
        house.refuses(CRVS, &message, code, reason).await;
    }
    let house = House::plan()
        .replace(
            file,
            "[agreements.operations.\"dci.search\"]",
            "[agreements.operations.\"civil.result\"]",
        )
        .replace(
            file,
            "fields = [\"name\", \"sex\", \"birthDate\", \"deathDate\", \"registration\"]\n",
            "",
        )
        .start()
        .await;
    let message = signed(&house, &Notify::search(house.now(), &[one]));
    house
        .refuses(CRVS, &message, Forbidden, "operation-not-agreed")
        .await;
}
