//! A clock that goes back makes nothing young again, over restarts and replicas, until a person says that
//! it is right.

use std::time::Duration;

use gateway::admin::client;
use gateway_tests::{
    house::{House, Plan},
    message::{Message, Tax},
    pg,
};
use jiff::SignedDuration;
use schemas::{
    fault::FaultCode::{self, Stale},
    proto::admin::ActRequest,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const AT_MOST: Duration = Duration::from_secs(60);

fn ping(house: &House, text: &str) -> Message {
    Tax::ping(house.now(), text).sign(&house.key("tax"))
}

async fn is_taken(house: &House, message: &Message) {
    house.wire("tax").send(message).await.assert_ok();
}

async fn is_stale(house: &House, message: &Message) {
    let code: FaultCode = Stale;
    house.refuses("tax", message, code, "outside-window").await;
}

async fn accept(house: &House) -> String {
    let request = ActRequest {
        deed: "accept-clock".to_owned(),
        target: String::new(),
        who: "an.operator".to_owned(),
        why: "it was an hour ahead".to_owned(),
        law: String::new(),
    };
    let acted = client::act(house.gateway().admin(), request).await;
    acted.unwrap().outcome
}

/// A message that was kept back for an hour, and the clock that goes back to when it was written.
async fn kept_back(house: &House) -> Message {
    let old = ping(house, "kept back");
    is_taken(house, &ping(house, "at that time")).await;
    house.clock.advance(HOUR);
    is_taken(house, &ping(house, "an hour later")).await;
    is_stale(house, &old).await;
    house.clock.advance(-HOUR);
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_back_an_hour_opens_no_window_again_not_even_over_a_restart() {
    let mut house = House::start().await;
    let old = kept_back(&house).await;
    is_stale(&house, &old).await;
    house.drain().await;
    house.open().await;
    is_stale(&house, &old).await;
    let page = client::status(house.gateway().admin()).await.unwrap();
    let told = page.findings.iter().any(|finding| {
        finding.what.contains("behind what it was") && finding.cure.contains("clock accept")
    });
    assert!(told, "{:?}", page.findings);
    // what was answered before is answered the same, at any time
    let again = house.wire("tax").send(&ping(&house, "new")).await;
    again.assert_fault(Stale, "outside-window");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_is_right_again_once_a_person_says_so_and_why() {
    let house = House::start().await;
    assert_eq!(accept(&house).await, "already-so");
    house.clock.advance(HOUR);
    is_taken(&house, &ping(&house, "an hour ahead")).await;
    house.clock.advance(-HOUR);
    is_stale(&house, &ping(&house, "right again")).await;
    // written down within seconds; until then there is nothing to accept
    let started = tokio::time::Instant::now();
    while accept(&house).await != "done" {
        assert!(started.elapsed() < AT_MOST, "never ahead");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    loop {
        let reply = house.wire("tax").send(&ping(&house, "right again")).await;
        if reply.status == 200 {
            break;
        }
        reply.assert_fault(Stale, "outside-window");
        assert!(started.elapsed() < AT_MOST, "never accepted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let acts = client::acts(house.gateway().admin(), 5).await.unwrap().acts;
    assert_eq!(acts.len(), 1, "what stood so already is no act");
    assert_eq!(
        (acts[0].deed.as_str(), acts[0].who.as_str()),
        ("accept-clock", "an.operator")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_has_reached_holds_for_one_that_starts_after_a_kill_with_its_clock_behind()
{
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let url = cluster.database();
    let on = |plan: Plan, writer: &str| {
        let database = format!(
            "engine = \"postgres\"\nurl = {url:?}\nwriter = {writer:?}\nconnect_timeout_ms = 10000\ntimeout_ms = 30000"
        );
        plan.replace("gateway.toml", "path = \"store.sqlite\"", database)
    };
    let mut one = on(House::plan(), "one").start().await;
    let old = kept_back(&one).await;
    let database = url.strip_prefix("postgresql:///").unwrap();
    let database = database.split('?').next().unwrap().to_owned();
    let ahead = "SELECT at > extract(epoch FROM now() + interval '59 minutes') * 1000000 \
        FROM lienthong_store.time_mark";
    let started = tokio::time::Instant::now();
    while cluster.psql(&database, ahead).trim() != "t" {
        assert!(started.elapsed() < AT_MOST, "never written down");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let key = format!("seal_key = {:?}", one.file("seal.key"));
    one.kill().await;
    let two = on(House::plan(), "two")
        .replace("gateway.toml", "seal_key = \"seal.key\"", key)
        .start()
        .await;
    is_stale(&two, &old).await;
}
