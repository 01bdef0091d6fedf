//! The registry on PostgreSQL behind the whole gateway, alone and shared by two.

use std::collections::BTreeSet;
use std::time::Duration;

use conformance::portal::STATES;
use gateway_tests::{
    house::{House, Plan},
    message::{Birth, dossier},
    pg,
};
use insurance::{Place, registry::migrate, sql::Address};

/// An empty database with the registry's schema; a gateway seeds the people that every house knows.
fn database() -> Option<String> {
    let url = pg::Cluster::shared()?.database();
    let place = Place::Server(Address::parse(&url).unwrap());
    std::thread::spawn(move || migrate(&place, None).unwrap())
        .join()
        .unwrap();
    Some(url)
}

fn on(plan: Plan, url: &str) -> Plan {
    plan.replace(
        "gateway.toml",
        "mode = \"embedded\"\npath = \"registry.sqlite\"",
        format!("mode = \"postgres\"\nurl = {url:?}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_flows_run_over_a_registry_on_postgresql() {
    let Some(url) = database() else {
        return;
    };
    let mut house = on(House::plan().with_portal(50), &url).start().await;
    let ask = house.verify(&["fund"]).sign(&house.key("tax"));
    house.wire("tax").send(&ask).await.assert_ok();
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let birth = birth.sign(&house.key("dvclt"));
    let first = house.wire("dvclt").send(&birth).await;
    first.assert_ok();
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    let code = reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned();
    let portal = house.portal.clone().unwrap();
    portal
        .wait_for(&code, &STATES, Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(
        portal.dossier(&code).unwrap().states(),
        STATES,
        "each step once and in order"
    );

    let before = house.fingerprint().await;
    house.kill().await;
    house.open().await;
    let again = house.wire("dvclt").send(&birth).await;
    assert_eq!(
        first.body,
        again.assert_ok().body,
        "the same answer after a kill"
    );
    assert!(before == house.fingerprint().await, "it was done twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_on_one_registry_give_every_child_a_number_of_its_own() {
    let Some(url) = database() else {
        return;
    };
    let one = on(House::plan(), &url).start().await;
    let two = on(House::plan(), &url).start().await;
    let people = people(&url);
    let births = (1..=12).map(|number| {
        let house = if number % 2 == 0 { &one } else { &two };
        async move {
            let birth = Birth::new(house.now(), &house.landmarks, number).message(house.now());
            let birth = birth.sign(&house.key("dvclt"));
            house.wire("dvclt").send(&birth).await.assert_ok();
        }
    });
    futures_util::future::join_all(births).await;
    assert_eq!(self::people(&url).len(), people.len() + 12);
}

/// Every SI number in the registry; a set, so that none counts twice.
fn people(url: &str) -> BTreeSet<String> {
    let database = url.split(['/', '?']).nth(3).unwrap();
    let numbers = "SELECT number FROM registry.numbers WHERE scheme = 'si'";
    let told = pg::Cluster::shared().unwrap().psql(database, numbers);
    told.lines().map(str::to_owned).collect()
}
