//! Against a real Redis: how exact one count is, and what happens without it.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use certs::{
    pki::{Authority, IssueParams, KeyChoice, Usage},
    tls::{Anchors, ClientParams, Connector},
};
use gateway_core::{
    limits::Limits,
    ports::{Clock as _, SystemClock},
};
use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::config::Secret;

#[path = "../../../tests/support/redis.rs"]
mod redis_server;

use redis_server::{Redis, free_port};

/// As long as a slow machine may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(30);
const OFTEN: Quota = Quota {
    per_minute: 6_000,
    burst: 100,
};
const SELDOM: Quota = Quota {
    per_minute: 1,
    burst: 3,
};

struct Scene {
    redis: Redis,
    _folder: TempDir,
}

impl Scene {
    fn start(more: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let redis = Redis::start(folder.path(), more)?;
        Some(Self {
            redis,
            _folder: folder,
        })
    }

    fn unix(&self) -> LineParams {
        LineParams {
            door: Door::Unix(self.redis.socket()),
            user: None,
            password: None,
        }
    }
}

fn tally(line: LineParams, timeout: Duration) -> (Arc<RedisTally>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    let params = TallyParams {
        line,
        prefix: "lienthong:sandbox".to_owned(),
        timeout,
    };
    (RedisTally::new(params, Arc::clone(&metrics)), metrics)
}

async fn reached(line: LineParams) -> Arc<RedisTally> {
    let (tally, metrics) = tally(line, PATIENCE);
    assert!(tally.reach().await);
    assert!(metrics.text().contains("\nlienthong_limits_shared 1\n"));
    tally
}

fn tax() -> PartnerId {
    PartnerId::parse("tax").unwrap()
}

async fn take(tally: &RedisTally, quota: Quota) -> Option<Result<Standing, Standing>> {
    tally.take("permit", &tax(), "tax.ping", quota).await
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// So many of so many tries were let in by these replicas within so many microseconds of Redis's clock.
async fn storm(scene: &Scene, replicas: &[Arc<RedisTally>], what: &'static str) -> (u64, u64, f64) {
    let clock = || -> f64 {
        let said = scene.redis.ask(&["TIME"]);
        let mut parts = said.lines().map(|line| line.parse::<f64>().unwrap());
        parts.next().unwrap() + parts.next().unwrap() / 1e6
    };
    let (tries, let_in) = (AtomicU64::new(0), AtomicU64::new(0));
    let began = clock();
    let end = Instant::now() + Duration::from_secs(3);
    let hands = (0..9).map(|hand| {
        let replica = &replicas[hand % replicas.len()];
        let (tries, let_in) = (&tries, &let_in);
        async move {
            let mut last = false;
            while !last {
                last = Instant::now() >= end; // once more after the end: nothing is left over
                let standing = replica.take("permit", &tax(), what, OFTEN).await;
                tries.fetch_add(1, Ordering::Relaxed);
                let_in.fetch_add(u64::from(standing.unwrap().is_ok()), Ordering::Relaxed);
            }
        }
    });
    futures_util::future::join_all(hands).await;
    let took = clock() - began;
    (let_in.into_inner(), tries.into_inner(), took)
}

/// Never more than the quota; as near below it as said, in one of three windows: in one that this machine
/// slept through, quota is lost.
async fn assert_exact(scene: &Scene, replicas: &[Arc<RedisTally>], within: f64) {
    let mut seen = Vec::new();
    for what in ["a", "b", "c"] {
        let (let_in, tries, took) = storm(scene, replicas, what).await;
        let quota = f64::from(OFTEN.burst) + took * f64::from(OFTEN.per_minute) / 60.0;
        assert!(let_in as f64 <= quota + 1.0, "{let_in} of {quota}");
        assert!(tries > 3 * let_in, "{tries} tries are no storm");
        let off = (let_in as f64 - quota).abs() / quota;
        seen.push(off);
        if off <= within {
            println!(
                "{} replicas: {let_in} of a quota of {quota:.1}, {tries} tries",
                replicas.len()
            );
            return;
        }
    }
    panic!("off by {seen:?}");
}

#[tokio::test]
async fn one_replica_lets_in_the_quota_to_two_percent() {
    let Some(scene) = Scene::start(&[]) else {
        return;
    };
    let replica = reached(scene.unix()).await;
    assert_exact(&scene, &[replica], 0.02).await;
}

#[tokio::test]
async fn three_replicas_together_let_in_one_quota_to_five_percent() {
    let Some(scene) = Scene::start(&[]) else {
        return;
    };
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(reached(scene.unix()).await);
    }
    assert_exact(&scene, &replicas, 0.05).await;
}

#[tokio::test]
async fn what_a_caller_is_told_is_true_and_the_keys_hold_our_words_and_end() {
    let Some(scene) = Scene::start(&[]) else {
        return;
    };
    let replica = reached(scene.unix()).await;
    let quota = Quota {
        per_minute: 20,
        burst: 3,
    };
    for left in [2, 1, 0] {
        let standing = take(&replica, quota).await.unwrap().unwrap();
        assert_eq!((standing.limit, standing.remaining), (3, left));
    }
    let refused = take(&replica, quota).await.unwrap().unwrap_err();
    assert_eq!((refused.limit, refused.remaining), (3, 0));
    assert!(refused.reset > Duration::ZERO && refused.reset <= Duration::from_secs(3));
    let key = "lienthong:sandbox:permit:tax:tax.ping";
    let keys = scene.redis.ask(&["KEYS", "*"]);
    assert!(
        keys.lines()
            .all(|name| name == key || name.ends_with(":probe")),
        "{keys}"
    );
    let left: i64 = scene.redis.ask(&["PTTL", key]).parse().unwrap();
    assert!(left > 0 && left <= 9_001, "{left}");
    tokio::time::sleep(refused.reset).await;
    assert!(take(&replica, quota).await.unwrap().is_ok());
    let other = PartnerId::parse("portal").unwrap();
    let other = replica.take("permit", &other, "tax.ping", quota).await;
    assert_eq!(other.unwrap().unwrap().remaining, 2);
}

#[tokio::test]
async fn without_redis_the_own_limits_hold_and_with_it_again_the_shared_ones() {
    let Some(mut scene) = Scene::start(&[]) else {
        return;
    };
    let (replica, metrics) = tally(scene.unix(), PATIENCE);
    assert!(replica.reach().await);
    let (stop, stops) = watch::channel(false);
    let keeper = tokio::spawn(Arc::clone(&replica).keep(stops));
    let limits = Limits::of("permit", Some(Arc::<RedisTally>::clone(&replica)));
    let who = tax();
    let take = || limits.take_shared(&who, "tax.ping", SELDOM);
    assert_eq!(take().await.unwrap().remaining, 2);
    assert_eq!(take().await.unwrap().remaining, 1);
    scene.redis.kill();
    // two of three were let in already: no fresh burst
    assert_eq!(take().await.unwrap().remaining, 0);
    assert!(take().await.is_err());
    until("it is told", async || {
        metrics.text().contains("\nlienthong_limits_shared 0\n")
    })
    .await;
    assert!(
        metrics
            .text()
            .contains("lienthong_limits_counted_locally_total{reason=")
    );
    scene.redis.restart();
    until("it is back", async || {
        metrics.text().contains("\nlienthong_limits_shared 1\n")
    })
    .await;
    assert_eq!(take().await.unwrap().remaining, 2); // a Redis that has forgotten everything
    stop.send(true).unwrap();
    keeper.await.unwrap();
}

#[tokio::test]
async fn a_frozen_redis_is_not_waited_for_twice() {
    let Some(scene) = Scene::start(&[]) else {
        return;
    };
    let (replica, metrics) = tally(scene.unix(), Duration::from_millis(500));
    until("it is reached", async || replica.reach().await).await;
    scene.redis.signal("STOP");
    assert_eq!(take(&replica, SELDOM).await, None);
    assert_eq!(take(&replica, SELDOM).await, None);
    let text = metrics.text();
    scene.redis.signal("CONT");
    for reason in ["no answer in time", "away"] {
        let line = format!("lienthong_limits_counted_locally_total{{reason=\"{reason}\"}} 1");
        assert!(text.contains(&line), "{text}");
    }
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_told_to_it_again() {
    let Some(scene) = Scene::start(&[]) else {
        return;
    };
    let replica = reached(scene.unix()).await;
    assert!(take(&replica, SELDOM).await.unwrap().is_ok());
    assert_eq!(scene.redis.ask(&["SCRIPT", "FLUSH"]), "OK");
    assert_eq!(take(&replica, SELDOM).await.unwrap().unwrap().remaining, 1);
}

#[tokio::test]
async fn a_login_that_is_refused_and_a_redis_without_writes_count_nothing() {
    let Some(scene) = Scene::start(&["--requirepass", "s3cret"]) else {
        return;
    };
    let with = |password: Option<&str>| LineParams {
        password: password.map(|password| Secret::new(password.to_owned())),
        ..scene.unix()
    };
    for wrong in [None, Some("guess")] {
        let (replica, metrics) = tally(with(wrong), PATIENCE);
        assert_eq!(replica.dial().await, Err("the login is refused"));
        assert!(!replica.reach().await);
        assert_eq!(take(&replica, SELDOM).await, None);
        assert!(metrics.text().contains("\nlienthong_limits_shared 0\n"));
    }
    let replica = reached(with(Some("s3cret"))).await;
    let to_nobody = ["-a", "s3cret", "REPLICAOF", "127.0.0.1", "1"];
    assert_eq!(scene.redis.ask(&to_nobody), "OK");
    assert_eq!(take(&replica, SELDOM).await, None);
    assert_eq!(replica.dial().await, Err("it takes no writes"));
}

#[tokio::test]
async fn a_count_over_tls_is_asked_of_the_proven_server_only() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::generate("sandbox", SystemClock.now()).unwrap();
    let port = free_port();
    let options = tls_options(&ours, folder.path(), port);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let Some(_scene) = Scene::start(&options) else {
        return;
    };
    let line = |authority: &Authority| LineParams {
        door: Door::Secured("localhost".to_owned(), port, connector(authority)),
        user: None,
        password: None,
    };
    let replica = reached(line(&ours)).await;
    assert!(take(&replica, SELDOM).await.unwrap().is_ok());
    let other = Authority::generate("sandbox", SystemClock.now()).unwrap();
    let (stranger, _) = tally(line(&other), PATIENCE);
    assert_eq!(stranger.dial().await, Err("the TLS handshake failed"));
}

fn tls_options(authority: &Authority, folder: &Path, port: u16) -> Vec<String> {
    let params = IssueParams {
        key: KeyChoice::P256,
        dns: vec!["localhost".to_owned()],
        ..IssueParams::new("redis", Usage::Server, SystemClock.now())
    };
    let issued = authority.issue(&params).unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (cert, key) = (
        write("r.pem", &issued.chain_pem),
        write("r.key", &issued.key_pem),
    );
    let port = port.to_string();
    [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        &cert,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn connector(authority: &Authority) -> Connector {
    Connector::new(ClientParams {
        identity: None,
        anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: PATIENCE,
        alpn: Vec::new(),
    })
    .unwrap()
}
