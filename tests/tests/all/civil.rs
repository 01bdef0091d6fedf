//! Civil status over the wire: a child who may be known already waits for a person, who decides over the
//! operators' listener.

use gateway::admin::client;
use gateway_tests::{
    house::House,
    message::{Birth, Json},
};
use schemas::proto::admin::{
    AccessRequest, DecideReviewRequest, ListReviewsRequest, ReviewLine, ShowReviewRequest,
    ShowReviewResponse, decide_review_request::Decision,
};
use serde_json::Value;

async fn send(house: &House, birth: &Birth) {
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
}

async fn polled(house: &House, birth: &Birth) -> Value {
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&poll).await;
    reply.assert_ok().json()["value"][0].clone()
}

async fn waiting(house: &House) -> Vec<ReviewLine> {
    let request = ListReviewsRequest::default();
    let listed = client::reviews(house.gateway().admin(), request).await;
    listed.unwrap().reviews
}

async fn show(house: &House, id: u64) -> ShowReviewResponse {
    let request = ShowReviewRequest {
        id,
        who: "an.operator".to_owned(),
        why: "the case waits".to_owned(),
    };
    client::review(house.gateway().admin(), request)
        .await
        .unwrap()
}

/// The first child, registered again under a second PIN.
fn again(house: &House) -> Birth {
    let mother = house.landmarks.mothers[0].pin.clone();
    Birth::new(house.now(), &house.landmarks, 1).with("meSoDDCN", mother)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_registered_twice_waits_for_a_person_and_keeps_one_number_and_one_card() {
    let house = House::start().await;
    let (first, again) = (Birth::new(house.now(), &house.landmarks, 0), again(&house));
    send(&house, &first).await;
    send(&house, &again).await;
    let row = polled(&house, &again).await;
    assert_eq!(
        (&row["trangThai"], &row["ketQuaXuLy"]),
        (&3.into(), &Value::Null)
    );

    let reviews = waiting(&house).await;
    assert_eq!(reviews.len(), 1);
    let told = format!("{:?}", reviews[0]);
    assert!(
        !told.contains(&again.pin) && !told.contains(&again.name),
        "a list tells no child"
    );
    let shown = show(&house, reviews[0].id).await;
    assert_eq!(shown.told.as_ref().unwrap().pin, again.pin);
    assert_eq!(shown.candidates[0].pin, first.pin);
    let looked = AccessRequest {
        person: first.pin.clone(),
        who: "the auditor".to_owned(),
        why: "who looked".to_owned(),
        max: 10,
    };
    let accesses = client::accesses(house.gateway().admin(), looked)
        .await
        .unwrap();
    let operator = accesses
        .accesses
        .iter()
        .find(|line| line.operator == "an.operator");
    assert_eq!(operator.unwrap().why, "the case waits");

    let decide = |version: &str| DecideReviewRequest {
        id: reviews[0].id,
        decision: Some(Decision::Candidate(1)),
        version: version.to_owned(),
        who: "an.operator".to_owned(),
        why: "asked the ward".to_owned(),
    };
    let admin = house.gateway().admin();
    let refused = client::decide_review(admin, decide("00000000")).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("candidates-changed")
    );
    let decided = client::decide_review(admin, decide(&shown.version)).await;
    assert!(decided.unwrap().card);
    assert!(waiting(&house).await.is_empty());
    let (one, two) = (polled(&house, &first).await, polled(&house, &again).await);
    assert_eq!(two["trangThai"], 4);
    assert_eq!(one["ketQuaXuLy"], two["ketQuaXuLy"]);
}
