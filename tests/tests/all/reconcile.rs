//! What the portal has lost is found by asking it and told again, once and in order; what it sent and we
//! never saw is told.

use std::{sync::Arc, time::Duration};

use conformance::portal::{Portal, STATES};
use gateway::admin::client;
use gateway_tests::{
    house::{House, Plan},
    message::dossier,
    pg,
    tape::tape,
};
use schemas::proto::admin::{ActLine, ListPullsRequest, PullLine};
use tokio::net::TcpListener;

const AT_MOST: Duration = Duration::from_secs(60);

/// A plan that asks the portal every second about so many seconds before.
fn asking(plan: Plan, window: u64) -> Plan {
    let line = "password_file = \"../portal.password\"\n";
    let schedule = format!(
        "\n[delivery.reconcile]\nevery_seconds = 1\nwindow_seconds = {window}\nlag_seconds = 0\n"
    );
    plan.replace("partners/portal.toml", line, format!("{line}{schedule}"))
}

async fn submit(house: &House, holder: usize) -> String {
    let holder = &house.landmarks.card_holders[holder];
    let members = dossier::members(house.now(), holder, &holder.name);
    let message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    let code = &reply.assert_ok().json()["MaHoSo"];
    code.as_str().unwrap().to_owned()
}

async fn told(portal: &Arc<Portal>, code: &str) {
    portal.wait_for(code, &STATES, AT_MOST).await.unwrap();
}

async fn pulls(house: &House) -> Vec<PullLine> {
    let request = ListPullsRequest {
        partner: "portal".to_owned(),
        max: 1_000,
    };
    let listed = client::pulls(house.gateway().admin(), request).await;
    listed.unwrap().pulls
}

/// Waits until this holds of the pulls, and gives them.
async fn until(house: &House, what: &str, holds: impl Fn(&[PullLine]) -> bool) -> Vec<PullLine> {
    let started = tokio::time::Instant::now();
    loop {
        let all = pulls(house).await;
        if holds(&all) {
            return all;
        }
        assert!(started.elapsed() < AT_MOST, "never: {what}: {all:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until windows that begin to be asked about only now are judged.
async fn asked_anew(house: &House) {
    let newest = pulls(house).await.first().map(|pull| pull.until.clone());
    let newest = newest.unwrap_or_default();
    let later = |all: &[PullLine]| {
        let judged = all.iter().filter(|pull| pull.state == "judged");
        judged.filter(|pull| pull.until > newest).count() >= 3
    };
    until(house, "three more windows", later).await;
}

async fn heals(house: &House) -> Vec<ActLine> {
    let acts = client::acts(house.gateway().admin(), 1_000).await.unwrap();
    let heals = acts.acts.into_iter().filter(|act| act.deed == "heal");
    heals.collect()
}

/// So many parcels went again, each once.
async fn assert_healed_once(house: &House, many: usize) {
    let mut targets: Vec<_> = heals(house)
        .await
        .into_iter()
        .map(|act| act.target)
        .collect();
    targets.sort();
    let mut each_once = targets.clone();
    each_once.dedup();
    assert_eq!(targets, each_once, "each goes again once");
    assert_eq!(targets.len(), many, "{targets:?}");
}

/// Counted a moment after it was committed.
async fn counted(house: &House, outcome: &str, many: usize) {
    let line =
        format!("lienthong_reconciled_total{{partner=\"portal\",outcome=\"{outcome}\"}} {many}\n");
    let started = tokio::time::Instant::now();
    while !house.gateway().metrics().text().contains(&line) {
        assert!(started.elapsed() < AT_MOST, "never: {line}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// How many calls a dossier of five states takes from its state at this index on: 9 and 10 take two.
fn calls_from(index: usize) -> usize {
    [1, 1, 1, 2, 2].iter().skip(index).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_has_lost_is_told_again_once_and_in_order() {
    let house = asking(House::plan().with_portal(50), 60).start().await;
    let portal = house.portal.clone().unwrap();
    let mut codes = Vec::new();
    for holder in 0..3 {
        codes.push(submit(&house, holder).await);
    }
    for code in &codes {
        told(&portal, code).await;
    }
    asked_anew(&house).await;
    assert!(heals(&house).await.is_empty(), "nothing was lost yet");
    portal.forget(&codes[0], 0).unwrap();
    portal.forget(&codes[1], 2).unwrap();
    told(&portal, &codes[0]).await;
    told(&portal, &codes[1]).await;
    asked_anew(&house).await;
    assert_healed_once(&house, calls_from(0) + calls_from(2)).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
    assert_eq!(portal.dossier(&codes[2]).unwrap().states(), STATES);

    // it stands in the journal as the gateway's own act, and counts
    let found = pulls(&house).await.into_iter().find(|pull| pull.again > 0);
    let id = found.unwrap().id;
    let shown = client::pull(house.gateway().admin(), &id).await.unwrap();
    let act = shown.judgement.unwrap();
    assert!(
        act.deed == "reconcile" && act.who.starts_with("lienthong"),
        "{act:?}"
    );
    assert!(act.why.contains("go again: "), "{}", act.why);
    counted(&house, "again", calls_from(0) + calls_from(2)).await;

    let log = tape().everything();
    assert!(log.contains("a pull found what was lost"));
    for holder in &house.landmarks.card_holders[..3] {
        for personal in [&holder.name, &holder.pin] {
            assert!(!log.contains(personal.as_str()), "the log names a person");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_sent_and_we_never_saw_is_told_by_its_id() {
    let mut house = asking(House::plan().with_portal(50), 1).start().await;
    let portal = house.portal.clone().unwrap();
    house.kill().await;
    let holder = &house.landmarks.card_holders[0];
    let given = [
        ("card", &holder.card_number),
        ("name", &holder.name),
        ("pin", &holder.pin),
        ("birth_date", &holder.birth_date),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.clone()));
    let sent = portal.prepare("portal.submit-dossier", &given.into());
    let sent = sent.unwrap();
    assert!(portal.send(&sent).await.is_err(), "nobody listens");
    house.open().await;
    let all = until(&house, "one that never came", |all| {
        all.iter().any(|pull| pull.never_came > 0)
    });
    let pull = all.await.into_iter().find(|pull| pull.never_came > 0);
    let id = pull.unwrap().id;
    let shown = client::pull(house.gateway().admin(), &id).await.unwrap();
    let words = shown.judgement.unwrap().why;
    assert!(
        words.contains(&format!("never came: {}", sent.answers_to)),
        "{words}"
    );
    assert!(heals(&house).await.is_empty());
    counted(&house, "never-came", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pulls_of_a_partner_that_is_away_wait_like_any_parcel_and_are_answered_when_it_is_back() {
    let house = asking(House::plan(), 60).start().await;
    let tried = |all: &[PullLine]| {
        let waiting = all.iter().filter(|pull| pull.state == "waiting");
        waiting.filter(|pull| pull.attempts > 0).count() >= 1 && all.len() >= 4
    };
    let all = until(&house, "pulls that wait", tried).await;
    assert!(
        all.iter()
            .all(|pull| pull.state != "judged" && pull.state != "poison")
    );
    // backed off and behind the breaker, not hammered
    let tries: u32 = all.iter().map(|pull| pull.attempts).sum();
    assert!(tries < 100, "{tries} tries");
    let file = std::fs::read_to_string(house.file("partners/portal.toml")).unwrap();
    let after = file.split("https://localhost:").nth(1).unwrap();
    let port: u16 = after.split('"').next().unwrap().parse().unwrap();
    let portal = Portal::open(&house.layout.agency("portal"), None).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let _served = portal.serve(listener).unwrap();
    let waited: Vec<String> = all.into_iter().map(|pull| pull.id).collect();
    until(&house, "all that waited are judged", |now| {
        let judged = |id: &String| now.iter().any(|p| p.id == *id && p.state == "judged");
        waited.iter().all(judged)
    })
    .await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_database_plan_each_window_once_and_tell_what_is_lost_once() {
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let url = cluster.database();
    let on = |plan: Plan, writer: &str| {
        let database = format!(
            "engine = \"postgres\"\nurl = {url:?}\nwriter = {writer:?}\nconnect_timeout_ms = 10000\ntimeout_ms = 30000"
        );
        asking(plan, 60).replace("gateway.toml", "path = \"store.sqlite\"", database)
    };
    let one = on(House::plan().with_portal(50), "one").start().await;
    let file = std::fs::read_to_string(one.file("partners/portal.toml")).unwrap();
    let uri = file
        .lines()
        .find(|line| line.starts_with("uri = "))
        .unwrap();
    let two = on(House::plan(), "two")
        .replace(
            "gateway.toml",
            "seal_key = \"seal.key\"",
            format!("seal_key = {:?}", one.file("seal.key")),
        )
        .replace("partners/portal.toml", "uri = ", format!("{uri}\n# uri = "))
        .start()
        .await;
    let portal = one.portal.clone().unwrap();
    let code = submit(&one, 0).await;
    told(&portal, &code).await;
    asked_anew(&one).await;
    portal.forget(&code, 1).unwrap();
    told(&portal, &code).await;
    asked_anew(&two).await;
    assert_healed_once(&one, calls_from(1)).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
    let database = url.strip_prefix("postgresql:///").unwrap();
    let database = database.split('?').next().unwrap();
    let sql = "SELECT count(*) = count(DISTINCT until_at) AND count(*) > 3 AND \
        count(*) = max(until_at) / 1000000 - min(until_at) / 1000000 + 1 FROM lienthong_store.pull";
    let once = cluster.psql(database, sql);
    assert_eq!(once.trim(), "t", "each window once, and none left out");
    let sql = "SELECT count(DISTINCT seq >> 40) FROM lienthong_store.act JOIN \
        lienthong_store.pull ON judged = seq";
    println!(
        "replicas that judged: {}",
        cluster.psql(database, sql).trim()
    );
    drop(two);
}
