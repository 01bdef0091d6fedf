//! The whole gateway on PostgreSQL, alone and in two.

use std::time::Duration;

use certs::seal::Vault;
use conformance::portal::STATES;
use gateway_store::{Engine, PostgresParams, verify_all};
use gateway_tests::{
    house::{House, Plan},
    message::{Birth, dossier},
    pg,
};

/// A plan whose messages stand in this database, under this name.
pub(crate) fn on(plan: Plan, url: &str, writer: &str) -> Plan {
    plan.replace(
        "gateway.toml",
        "path = \"store.sqlite\"",
        format!("engine = \"postgres\"\nurl = {url:?}\nwriter = {writer:?}\nconnect_timeout_ms = 10000\ntimeout_ms = 30000"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_flows_run_on_postgresql_and_their_journal_holds() {
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let url = cluster.database();
    let mut house = on(House::plan().with_portal(50), &url, "one").start().await;
    let ask = house.verify(&["fund"]).sign(&house.key("tax"));
    let first = house.wire("tax").send(&ask).await;
    let again = house.wire("tax").send(&ask).await;
    assert_eq!(first.assert_ok().body, again.assert_ok().body);
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let birth = birth.sign(&house.key("dvclt"));
    house.wire("dvclt").send(&birth).await.assert_ok();
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

    house.kill().await;
    house.open().await;
    let after = house.wire("tax").send(&ask).await;
    assert_eq!(
        first.body,
        after.assert_ok().body,
        "the same answer after a kill"
    );
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    let chains = verify_all(&Engine::Postgres(PostgresParams::new(&url)), &vault).unwrap();
    assert!(chains.len() == 1 && chains[0].records > 10, "{chains:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_sent_to_two_gateways_has_one_effect_and_one_answer() {
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let url = cluster.database();
    let one = on(House::plan(), &url, "one").start().await;
    let key = format!("seal_key = {:?}", one.file("seal.key"));
    let plan = House::plan().replace("gateway.toml", "seal_key = \"seal.key\"", key);
    let two = on(plan, &url, "two").start().await;
    let untouched = two.fingerprint().await;
    for number in 1..4 {
        let birth = Birth::new(one.now(), &one.landmarks, number).message(one.now());
        let birth = birth.sign(&one.key("dvclt"));
        let first = one.wire("dvclt").send(&birth).await;
        let second = two.wire("dvclt").send(&birth).await;
        assert_eq!(first.assert_ok().body, second.assert_ok().body);
        assert_eq!(first.evidence(), second.evidence());
    }
    assert!(
        two.fingerprint().await == untouched,
        "the second acted upon it again"
    );
    let vault = Vault::open_file(&one.file("seal.key")).unwrap();
    let chains = verify_all(&Engine::Postgres(PostgresParams::new(&url)), &vault).unwrap();
    let writers: Vec<_> = chains.iter().map(|chain| chain.writer.as_str()).collect();
    assert_eq!(writers, ["one", "two"]);
}
