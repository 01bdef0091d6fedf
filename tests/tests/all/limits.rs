//! How much and how often: refused before the work, with the true wait.

use std::time::Duration;

use gateway_tests::{
    client::Reply,
    house::House,
    message::{Json, Message, Tax, dossier, tax::xml},
};
use schemas::fault::FaultCode;

#[path = "../../support/redis.rs"]
mod redis_server;

fn number(reply: &Reply, header: &str) -> u64 {
    reply
        .header(header)
        .parse()
        .unwrap_or_else(|_| panic!("{header}: {:?}", reply.header(header)))
}

/// Refused with the headers that tell the caller where it stands, and let in after the told wait.
async fn assert_limited(house: &House, burst: u64, reason: &str) {
    let ping = || Tax::ping(house.now(), "often").sign(&house.key("tax"));
    let before = house.fingerprint().await;
    for _ in 0..burst {
        house.wire("tax").send(&ping()).await.assert_ok();
    }
    let refused = house.wire("tax").send(&ping()).await;
    refused.assert_fault(FaultCode::RateLimited, reason);
    assert_eq!(refused.status, 429);
    assert_eq!(number(&refused, "ratelimit-limit"), burst);
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    let wait = number(&refused, "retry-after");
    assert!((1..=10).contains(&wait), "wait {wait} s");
    assert_eq!(number(&refused, "ratelimit-reset"), wait);
    assert!(house.fingerprint().await == before);
    tokio::time::sleep(Duration::from_secs(wait)).await;
    house.wire("tax").send(&ping()).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_of_peer_and_route_is_refused_with_the_true_wait() {
    let quota = (
        "per_minute = 6000000\nburst = 100000",
        "per_minute = 6\nburst = 3",
    );
    let house = House::plan()
        .replace("partners/tax.toml", quota.0, quota.1)
        .start()
        .await;
    assert_limited(&house, 3, "peer-route").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_of_sender_and_operation_is_refused_with_the_true_wait() {
    let quota = ("per_minute = 600\nburst = 60", "per_minute = 6\nburst = 3");
    let house = House::plan()
        .replace("partners/tax.toml", quota.0, quota.1)
        .start()
        .await;
    assert_limited(&house, 3, "sender-operation").await;
    let other = house.verify(&["participants"]).sign(&house.key("tax"));
    house.wire("tax").send(&other).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_the_peers_limit_is_not_signed_and_one_at_the_senders_is() {
    let quota = ("per_minute = 600\nburst = 60", "per_minute = 1\nburst = 1");
    let house = House::plan()
        .replace("partners/tax.toml", quota.0, quota.1)
        .start()
        .await;
    let ping = || Tax::ping(house.now(), "often");
    house
        .wire("tax")
        .send(&ping().sign(&house.key("tax")))
        .await
        .assert_ok();
    let asked = ping();
    let refused = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    refused.assert_fault(FaultCode::RateLimited, "sender-operation");
    house.assert_answers(&asked, &refused);

    let quota = (
        "per_minute = 6000000\nburst = 100000",
        "per_minute = 1\nburst = 1",
    );
    let house = House::plan()
        .replace("partners/tax.toml", quota.0, quota.1)
        .start()
        .await;
    house
        .wire("tax")
        .send(&ping().sign(&house.key("tax")))
        .await
        .assert_ok();
    let refused = house
        .wire("tax")
        .send(&ping().sign(&house.key("tax")))
        .await;
    refused.assert_fault(FaultCode::RateLimited, "peer-route");
    assert!(
        !refused.text().contains("SignatureValue"),
        "work for a stranger"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_senders_flood_behind_a_relay_does_not_touch_another_route() {
    let quota = (
        "per_minute = 6000000\nburst = 100000",
        "per_minute = 1\nburst = 1",
    );
    let house = House::plan()
        .replace("partners/dvclt.toml", quota.0, quota.1)
        .start()
        .await;
    let poll = || Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&poll()).await.assert_ok();
    let refused = house.wire("dvclt").send(&poll()).await;
    refused.assert_fault(FaultCode::RateLimited, "peer-route");
    let ping = Tax::ping(house.now(), "calm").sign(&house.key("tax"));
    house.wire("tax").send(&ping).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_read() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let head = xml("").exact("Host: localhost\r\nContent-Length: 99999999\r\n");
    let raw = house.wire("tax").raw(&head).await;
    raw.reply
        .unwrap()
        .assert_fault(FaultCode::TooLarge, "body-bytes");
    assert!(raw.closed);
    assert!(house.fingerprint().await == before);
}

/// Whoever is still sending when it is refused reads why: the connection is not reset under the answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_arrives_though_the_body_is_still_on_its_way() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let large = Message {
        body: vec![b' '; 3 << 20],
        ..xml("")
    };
    for _ in 0..20 {
        let reply = house.wire("tax").send(&large).await;
        reply.assert_fault(FaultCode::TooLarge, "body-bytes");
    }
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_in_the_config_holds_where_it_is_narrower_than_the_routes() {
    let house = House::plan().limits("body_bytes_max = 1024").start().await;
    let message = house.verify(&["fund"]).sign(&house.key("tax"));
    assert!(message.body.len() > 1024);
    house
        .refuses("tax", &message, FaultCode::TooLarge, "body-bytes")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_is_refused_at_the_bound() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let members = dossier::members(house.now(), &house.landmarks.card_holders[0], "x");
    let mut message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    message.body.clear();
    let head = message.exact("Host: localhost\r\nTransfer-Encoding: chunked\r\n");
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let raw = house
        .wire("portal")
        .raw(&[head, chunk.repeat(5).into_bytes()].concat())
        .await;
    raw.reply
        .unwrap()
        .assert_fault(FaultCode::TooLarge, "body-bytes");
    assert!(raw.closed);
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_headers_and_too_long_a_head_are_closed_before_any_handler() {
    let house = House::start().await;
    let message = Tax::ping(house.now(), "head").sign(&house.key("tax"));
    let length = format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    );
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(40_000));
    for more in [many, long] {
        let raw = house
            .wire("tax")
            .raw(&message.exact(&format!("{length}{more}")))
            .await;
        let status = raw.reply.map_or(431, |reply| reply.status);
        assert_eq!((status, raw.closed), (431, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_coding_is_refused() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let ping = Tax::ping(house.now(), "gzip").sign(&house.key("tax"));
    let poll = Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    for (partner, message) in [("tax", ping), ("dvclt", poll)] {
        for coding in ["gzip", "identity"] {
            let more = [("content-encoding", coding)];
            let reply = house.wire(partner).send_with(&message, &more).await;
            reply.assert_fault(FaultCode::UnsupportedMediaType, "content-coding");
        }
    }
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_media_type_is_refused() {
    let house = House::start().await;
    let mut message = Tax::ping(house.now(), "type").sign(&house.key("tax"));
    message.content_type = "application/json".to_owned();
    let code = FaultCode::UnsupportedMediaType;
    house.refuses("tax", &message, code, "media-type").await;
    let mut message =
        Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    message.content_type = "multipart/form-data; boundary=x".to_owned();
    house.refuses("dvclt", &message, code, "media-type").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_with_one_redis_let_in_one_quota_and_without_it_what_is_left_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut redis) = redis_server::Redis::start(folder.path(), &[]) else {
        return;
    };
    let socket = redis.socket();
    let shared = format!(
        "[limits.shared]\nredis = \"unix://{}\"\ntimeout_ms = 10000\n\n[delivery]\n",
        socket.display()
    );
    let plan = || {
        House::plan()
            .replace("gateway.toml", "[delivery]\n", shared.clone())
            .replace(
                "partners/tax.toml",
                "per_minute = 600\nburst = 60",
                "per_minute = 1\nburst = 4",
            )
            .start()
    };
    let houses = [plan().await, plan().await];
    let ping = async |house: &House| {
        let ping = Tax::ping(house.now(), "often").sign(&house.key("tax"));
        house.wire("tax").send(&ping).await
    };
    let assert_full = |refused: &Reply| {
        refused.assert_fault(FaultCode::RateLimited, "sender-operation");
        assert_eq!(number(refused, "ratelimit-limit"), 4);
        assert!((1..=60).contains(&number(refused, "retry-after")));
    };
    for _ in 0..2 {
        for house in &houses {
            ping(house).await.assert_ok();
        }
    }
    for house in &houses {
        assert_full(&ping(house).await);
    }
    redis.kill();
    for house in &houses {
        for _ in 0..2 {
            ping(house).await.assert_ok(); // each has let in two of its own four
        }
        assert_full(&ping(house).await);
        let told = || {
            house
                .gateway()
                .metrics()
                .text()
                .contains("\nlienthong_limits_shared 0\n")
        };
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        while !told() {
            assert!(tokio::time::Instant::now() < end, "nobody says so");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
