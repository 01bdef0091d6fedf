//! Who applies: whoever is logged in for themselves, or a parent for a child under age; nobody for a stranger.

use std::time::Duration;

use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::House,
    message::{birth::Birth, dossier},
};
use insurance::seed::PersonMark;
use schemas::{fault::FaultCode, proto::admin::ShowDossierRequest};

use super::assert_told;

/// Of whoever had the PIN: the number, as the registry has it.
pub(super) fn si_number(house: &House, pin: &str) -> String {
    let file = rusqlite::Connection::open(house.file("registry.sqlite")).unwrap();
    file.busy_timeout(Duration::from_secs(10)).unwrap();
    let number =
        "SELECT s.number FROM numbers p JOIN numbers s ON s.person = p.person AND s.scheme = 'si'
                  WHERE p.number = ?1";
    file.query_row(number, [pin], |row| row.get(0)).unwrap()
}

/// How many dossiers, cards and changes there are.
pub(super) fn kept(house: &House) -> [i64; 3] {
    let file = rusqlite::Connection::open(house.file("registry.sqlite")).unwrap();
    file.busy_timeout(Duration::from_secs(10)).unwrap();
    ["dossiers", "cards", "changes"].map(|table| {
        let count = format!("SELECT count(*) FROM {table}");
        file.query_row(&count, [], |row| row.get(0)).unwrap()
    })
}

/// Asks for the card of a number again, with the number that the portal says the account has.
pub(super) async fn ask(house: &House, who: &PersonMark, card: &str, own: &str) -> Reply {
    let mut members = dossier::members(house.now(), who, &who.name);
    members["MaThe"] = card.into();
    if !own.is_empty() {
        members["ChuHoSo"]["MaBHXH"] = own.into();
    }
    let message = dossier::message(house.now(), &members);
    house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mother_asks_for_her_childs_card_and_a_stranger_learns_and_changes_nothing() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
    let child = si_number(&house, &birth.pin);
    let mother = house.landmarks.mothers[0].clone();
    let stranger = house.landmarks.card_holders[0].clone();

    let before = kept(&house);
    for (who, card, own) in [
        (&stranger, &child, ""),
        (&stranger, &stranger.card_number, &*mother.si_number),
        (&stranger, &stranger.card_number, "9999999999"),
        (&mother, &child, &*child),
        (&mother, &stranger.card_number, ""),
    ] {
        let reply = ask(&house, who, card, own).await;
        reply.assert_fault(FaultCode::RuleRefused, "not-the-holder");
        let told = String::from_utf8_lossy(&reply.body).into_owned();
        for known in [&birth.name, &mother.name, &child, &mother.pin, &birth.pin] {
            assert!(!told.contains(&**known), "{told}");
        }
    }
    let reply = ask(&house, &stranger, &stranger.card_number, "99").await;
    reply.assert_fault(FaultCode::Invalid, "bad-number");
    assert_eq!(kept(&house), before, "a refusal changed something");

    for (who, card) in [(&mother, &child), (&stranger, &stranger.card_number)] {
        let reply = ask(&house, who, card, &who.si_number).await;
        let code = reply.assert_ok().json()["MaHoSo"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_told(&portal, &code).await;
        let show = ShowDossierRequest {
            code,
            who: "an.operator".to_owned(),
            why: "who applied".to_owned(),
        };
        let shown = client::dossier(house.gateway().admin(), show)
            .await
            .unwrap();
        let acts_as = if card == &child { "mother" } else { "" };
        assert_eq!((&*shown.acts_as, &shown.applicant_pin), (acts_as, &who.pin));
    }
    assert_eq!(portal.violations(), Vec::<String>::new());
}
