//! Hospitals over the wire: a notice of a birth that is taken back, and a notice of a death that is issued again.

use gateway_tests::{
    house::House,
    message::{
        Birth, Json, Message, Notice,
        notice::{HOSPITAL, birth_paper, death_paper},
    },
};
use schemas::{
    fault::FaultCode::{Conflict, Invalid, RuleRefused, UnknownSubject},
    proto::insurance::{Card, Context, ListCardsRequest},
    wire::hospital::{BirthPaper, DeathPaper},
};
use serde_json::Value;
use tokio::time::Instant;

fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_secs(20)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn paper(house: &House) -> BirthPaper {
    birth_paper(house.now(), &house.landmarks, 0)
}

/// The notice told once more under an id of its own, to be taken back.
fn back(house: &House, id: &str) -> BirthPaper {
    BirthPaper {
        id: id.to_owned(),
        withdrawn: some("1"),
        withdrawn_why: some("nhầm mẹ"),
        ..paper(house)
    }
}

fn birth(house: &House, paper: &BirthPaper) -> Message {
    Notice::birth(paper).sign(&house.key(HOSPITAL))
}

fn death(house: &House, paper: &DeathPaper) -> Message {
    Notice::death(paper).sign(&house.key(HOSPITAL))
}

/// The rows of the answer to a notice that is kept.
async fn told(house: &House, message: &Message) -> Value {
    let reply = house.wire(HOSPITAL).send(message).await;
    let answer = reply.assert_ok().json();
    assert_eq!(answer["maKetQua"], "200");
    answer["dsTheTam"].clone()
}

async fn valid_cards(house: &House, number: &str) -> Vec<Card> {
    let request = ListCardsRequest {
        context: Some(Context {
            sender: "vss".to_owned(),
            ..Context::default()
        }),
        si_number: number.to_owned(),
    };
    let insurance = &house.gateway().contract().client;
    let mut cards = insurance.cards(soon(), request).await.unwrap().cards;
    cards.retain(|card| card.state == 1);
    cards
}

/// The birth is registered under a notice's code: its state, and what it came to.
async fn registered(house: &House, code: &str) -> (Value, Value) {
    let birth = Birth::new(house.now(), &house.landmarks, 0).with("maGCS", code.to_owned());
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&poll).await;
    let row = reply.assert_ok().json()["value"][0].clone();
    let result = row["ketQuaXuLy"].as_str();
    let result = result.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    (row["trangThai"].clone(), result)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_that_is_taken_back_ends_the_temporary_card_once_and_is_told_anew() {
    let mut house = House::start().await;
    // before its notice there is nothing to take back
    let early = birth(&house, &back(&house, "Id-early"));
    house
        .refuses(HOSPITAL, &early, UnknownSubject, "unknown-case")
        .await;
    let first = told(&house, &birth(&house, &paper(&house))).await;
    let number = first[0]["maSoBHXH"].as_str().unwrap().to_owned();
    assert_eq!(valid_cards(&house, &number).await.len(), 1);
    let otherwise = BirthPaper {
        child_sex: some("1"),
        ..back(&house, "Id-otherwise")
    };
    house
        .refuses(
            HOSPITAL,
            &birth(&house, &otherwise),
            Conflict,
            "case-has-other-facts",
        )
        .await;
    for (bent, field) in [
        (
            BirthPaper {
                withdrawn: some("2"),
                ..back(&house, "Id-two")
            },
            "THU_HOI",
        ),
        (
            BirthPaper {
                withdrawn: None,
                ..back(&house, "Id-why")
            },
            "LY_DO_THU_HOI",
        ),
    ] {
        let message = birth(&house, &bent);
        let reply = house
            .refuses(HOSPITAL, &message, Invalid, "unknown-code")
            .await;
        let said = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains(field), "{said}");
    }
    assert_eq!(valid_cards(&house, &number).await.len(), 1);

    let message = birth(&house, &back(&house, "Id-back"));
    let row = told(&house, &message).await[0].clone();
    assert_eq!(
        (&row["ketQua"], &row["maSoBHXH"], &row["maTheTam"]),
        (&"7".into(), &Value::from(number.clone()), &Value::Null)
    );
    assert!(valid_cards(&house, &number).await.is_empty());
    // the same again, after a death of the gateway too, and once more under another id
    house.kill().await;
    house.open().await;
    assert_eq!(told(&house, &message).await[0], row);
    let more = birth(&house, &back(&house, "Id-more"));
    assert_eq!(told(&house, &more).await[0], row);
    let same = BirthPaper {
        id: "Id-same".to_owned(),
        ..paper(&house)
    };
    house
        .refuses(
            HOSPITAL,
            &birth(&house, &same),
            RuleRefused,
            "notice-was-withdrawn",
        )
        .await;

    // told anew under another code: the same number, one card, and the registration needs nobody
    let anew = BirthPaper {
        id: "Id-anew".to_owned(),
        code: some("GCS.01001.26.900001"),
        ..paper(&house)
    };
    let rows = told(&house, &birth(&house, &anew)).await;
    assert_eq!(rows[0]["maSoBHXH"], number.as_str());
    assert_eq!(valid_cards(&house, &number).await.len(), 1);
    let (state, result) = registered(&house, "GCS.01001.26.900001").await;
    assert_eq!((state, &result["maSoBHXH"]), (4.into(), &number.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_stands_when_its_notice_is_taken_back() {
    let house = House::start().await;
    let message = birth(&house, &paper(&house));
    told(&house, &message).await;
    let code = paper(&house).code.unwrap();
    let (_, result) = registered(&house, &code).await;
    let number = result["maSoBHXH"].as_str().unwrap();
    let cards = valid_cards(&house, number).await;
    let row = told(&house, &birth(&house, &back(&house, "Id-back"))).await[0].clone();
    assert_eq!(
        (&row["ketQua"], &row["maTheTam"]),
        (&"8".into(), &result["maThe"])
    );
    assert_eq!(valid_cards(&house, number).await, cards);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_names_a_notice_that_was_taken_back_waits_for_a_person() {
    let house = House::start().await;
    told(&house, &birth(&house, &paper(&house))).await;
    told(&house, &birth(&house, &back(&house, "Id-back"))).await;
    let (state, result) = registered(&house, &paper(&house).code.unwrap()).await;
    assert_eq!((state, result), (3.into(), Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_notice_issued_again_moves_the_day_in_either_order() {
    let house = House::start().await;
    let given = told(&house, &birth(&house, &paper(&house))).await;
    let number = given[0]["maSoBHXH"].as_str().unwrap().to_owned();
    let first = DeathPaper {
        number: some("12"),
        book: some("01/2026"),
        // a first one may name itself
        first_number: some("12"),
        first_book: some("01/2026"),
        ..death_paper(house.now(), 0, &number)
    };
    let second = DeathPaper {
        died: death_paper(
            house.now() - jiff::SignedDuration::from_hours(48),
            0,
            &number,
        )
        .died,
        number: some("13"),
        first_number: some("12"),
        id: "Id-second".to_owned(),
        code: some("GBT.01001.26.900002"),
        ..first.clone()
    };
    let ends = async || {
        let request = ListCardsRequest {
            context: Some(Context {
                sender: "vss".to_owned(),
                ..Context::default()
            }),
            si_number: number.clone(),
        };
        let insurance = &house.gateway().contract().client;
        let cards = insurance.cards(soon(), request).await.unwrap().cards;
        assert_eq!((cards.len(), cards[0].state), (1, 3), "one card, revoked");
        cards[0].valid_to.replace('-', "")
    };
    told(&house, &death(&house, &first)).await;
    assert!(first.died.clone().unwrap().starts_with(&ends().await));
    told(&house, &death(&house, &second)).await;
    assert!(second.died.clone().unwrap().starts_with(&ends().await));
    let late = DeathPaper {
        id: "Id-late".to_owned(),
        ..first.clone()
    };
    house
        .refuses(
            HOSPITAL,
            &death(&house, &late),
            Conflict,
            "notice-was-replaced",
        )
        .await;
    // a book of nothing, and a third sheet that comes before the one that it names
    let bookless = DeathPaper {
        id: "Id-bookless".to_owned(),
        first_number: None,
        ..second.clone()
    };
    house
        .refuses(
            HOSPITAL,
            &death(&house, &bookless),
            Invalid,
            "missing-field",
        )
        .await;
    let fourth = DeathPaper {
        id: "Id-fourth".to_owned(),
        code: some("GBT.01001.26.900004"),
        number: some("15"),
        first_number: some("14"),
        ..second.clone()
    };
    told(&house, &death(&house, &fourth)).await;
    let third = DeathPaper {
        id: "Id-third".to_owned(),
        code: some("GBT.01001.26.900003"),
        number: some("14"),
        first_number: some("13"),
        ..second
    };
    house
        .refuses(
            HOSPITAL,
            &death(&house, &third),
            Conflict,
            "notice-was-replaced",
        )
        .await;
    assert!(valid_cards(&house, &number).await.is_empty());
}
