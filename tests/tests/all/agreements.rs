//! What an agreement allows: operation, purpose, time, and field by field.

use gateway_tests::{
    house::House,
    message::{Birth, Json, Tax, tax::text_of},
};
use schemas::fault::FaultCode::Forbidden;

#[tokio::test(flavor = "multi_thread")]
async fn a_purpose_that_is_not_agreed_is_refused_and_the_refusal_is_signed() {
    let house = House::start().await;
    let good = house.verify(&["fund"]);
    let asked = Tax {
        body: good.body.replacen("tax-compliance", "curiosity", 1),
        ..good
    };
    let message = asked.sign(&house.key("tax"));
    let reply = house
        .refuses("tax", &message, Forbidden, "purpose-not-agreed")
        .await;
    house.assert_answers(&asked, &reply);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_not_agreed_is_refused() {
    let grant = "[agreements.operations.\"tax.ping\"]\nper_minute = 600\nburst = 60\n";
    let house = House::plan()
        .replace("partners/tax.toml", grant, "")
        .start()
        .await;
    let ping = Tax::ping(house.now(), "may I?").sign(&house.key("tax"));
    house
        .refuses("tax", &ping, Forbidden, "operation-not-agreed")
        .await;
    house
        .wire("tax")
        .send(&house.verify(&["fund"]).sign(&house.key("tax")))
        .await
        .assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_is_not_in_force_allows_nothing() {
    for (from, to) in [
        ("valid_from = 2026-01-01", "valid_from = 2126-01-01"),
        (
            "valid_from = 2026-01-01",
            "valid_from = 2020-01-01\nvalid_to = 2020-12-31",
        ),
    ] {
        let house = House::plan()
            .replace("partners/tax.toml", from, to)
            .start()
            .await;
        let message = house.verify(&["fund"]).sign(&house.key("tax"));
        house
            .refuses("tax", &message, Forbidden, "agreement-not-in-force")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_agreed_is_withheld_and_said_so() {
    let house = House::start().await;
    let asked = house.verify(&["participants", "name", "arrears"]);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    let text = reply.text();
    assert_eq!(text_of(text, "Result"), Some("hasData"));
    assert!(text_of(text, "Participants").is_some() && text_of(text, "Arrears").is_some());
    assert_eq!(text_of(text, "NotDisclosed"), Some("<Field>name</Field>"));
    assert!(!text.contains(&house.landmarks.employer.name) && !text.contains("<Name>"));
    assert!(text_of(text, "Fund").is_none(), "told without being asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_field_is_agreed_the_answer_is_not_permitted() {
    let house = House::start().await;
    let asked = house.verify(&["name", "unitCode"]);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    assert_eq!(text_of(reply.text(), "Result"), Some("notPermitted"));
    assert!(!reply.text().contains(&house.landmarks.employer.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_employer_is_answered_with_no_data() {
    let house = House::start().await;
    let mst = house.landmarks.unregistered_mst.clone();
    let asked = Tax::verify(house.now(), &mst, &house.landmarks.period, &["fund"]);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    assert_eq!(text_of(reply.text(), "Result"), Some("noData"));
    assert!(text_of(reply.text(), "Fund").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_not_closed_is_answered_as_incomplete() {
    let house = House::start().await;
    let Some(employer) = house.landmarks.employer_incomplete.clone() else {
        println!("not run: the seed has no employer with an open month");
        return;
    };
    let period = house.landmarks.period.clone();
    let asked = Tax::verify(
        house.now(),
        &employer.mst,
        &period,
        &["participationState", "fund"],
    );
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    assert_eq!(text_of(reply.text(), "Result"), Some("incomplete"));
    assert!(text_of(reply.text(), "Fund").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_another_systems_words_without_an_agreement() {
    let house = House::start().await;
    let now = house.now();
    let poll = Json::poll(now, &["G22.99.08-260101-000001"])
        .with("iss", "portal")
        .with("kid", "portal-1")
        .sign(&house.key("portal"));
    house
        .refuses("portal", &poll, Forbidden, "operation-not-agreed")
        .await;
    let birth = Birth::new(now, &house.landmarks, 1)
        .message(now)
        .with("iss", "portal")
        .with("kid", "portal-1")
        .sign(&house.key("portal"));
    house
        .refuses("portal", &birth, Forbidden, "operation-not-agreed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_kept_without_its_content_and_can_be_explained() {
    let house = House::start().await;
    let good = house.verify(&["fund"]);
    let asked = Tax {
        body: good.body.replacen("tax-compliance", "curiosity", 1),
        ..good
    };
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    let stories = house.gateway().log().story(reply.evidence()).await.unwrap();
    assert_eq!(stories.len(), 1);
    let story = &stories[0];
    assert_eq!(story.room.as_deref(), Some("permit"));
    assert_eq!(story.reason.as_deref(), Some("purpose-not-agreed"));
    assert_eq!((story.answered_at, story.id.is_none()), (None, true));
    let census = house.gateway().log().census().await.unwrap();
    assert_eq!(census.refusals, 1);
}
