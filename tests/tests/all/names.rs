//! People under every spelling of their names: compared in one form, kept as they were sent.

use gateway_tests::{
    house::House,
    message::{Birth, Json, dossier},
};
use proptest::prelude::*;
use serde_json::Value;

/// The letters apart from their marks, as some keyboards and systems write Vietnamese.
fn apart(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfd().collect()
}

async fn card_of(house: &House, birth: &Birth) -> Value {
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let row = house.wire("dvclt").send(&poll).await.assert_ok().json()["value"][0].clone();
    serde_json::from_str(row["ketQuaXuLy"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_is_found_under_either_form_of_the_name() {
    let house = House::start().await;
    for (number, form) in [
        (0, String::clone as fn(&String) -> String),
        (1, |name| apart(name)),
    ] {
        let holder = house.landmarks.card_holders[number].clone();
        let name = form(&holder.name);
        let members = dossier::members(house.now(), &holder, &name);
        let message = dossier::message(house.now(), &members);
        let reply = house
            .wire("portal")
            .send(&message.sign(&house.key("portal")))
            .await;
        house.assert_answers_json(&message, message.text("jti"), reply.assert_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_is_the_same_child_under_either_form_of_the_name() {
    let house = House::start().await;
    let name = "Nguyễn Thị Hoà Bình";
    assert_ne!(apart(name), name);
    let composed = Birth::named(house.now(), &house.landmarks, 1, name);
    let mut decomposed = Birth::named(house.now(), &house.landmarks, 1, &apart(name));
    decomposed.case_id = composed.case_id.replacen("-00000", "-10000", 1);
    decomposed.envelope["maHoSoLT"] = decomposed.case_id.clone().into();
    let mut cards = Vec::new();
    for birth in [composed, decomposed] {
        let message = birth.message(house.now());
        let reply = house
            .wire("dvclt")
            .send(&message.sign(&house.key("dvclt")))
            .await;
        // the digest in the answer is over the bytes as they were sent, in their own form
        house.assert_answers_json(
            &message,
            &format!("LTKS-{}", birth.case_id),
            reply.assert_ok(),
        );
        cards.push(card_of(&house, &birth).await);
    }
    assert_eq!(cards[0], cards[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_under_the_same_number_is_somebody_else() {
    let house = House::start().await;
    let one = Birth::named(house.now(), &house.landmarks, 1, "Nguyễn Thị Hà");
    let mut other = Birth::named(house.now(), &house.landmarks, 1, "Nguyễn Thị Hạ");
    other.case_id = one.case_id.replacen("-00000", "-10000", 1);
    other.envelope["maHoSoLT"] = other.case_id.clone().into();
    house
        .wire("dvclt")
        .send(&one.message(house.now()).sign(&house.key("dvclt")))
        .await
        .assert_ok();
    let message = other.message(house.now()).sign(&house.key("dvclt"));
    let code = schemas::fault::FaultCode::AmbiguousSubject;
    house
        .refuses("dvclt", &message, code, "pin-of-another-person")
        .await;
}

proptest! {
    #[test]
    fn either_form_of_a_name_is_one_name(name in "[A-ZĐÁẤỨ][a-zđáấứệ]{1,6}( [A-ZĐ][a-zđáấứệ]{1,6}){1,3}") {
        let parse = |text: &str| schemas::name::PersonName::parse(text).unwrap();
        prop_assert!(parse(&name) == parse(&apart(&name)));
    }
}
