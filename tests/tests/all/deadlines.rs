//! Whoever is slow is let go: before the handshake, before the first byte, in the head, in the body.

use std::time::{Duration, Instant};

use gateway_tests::{client::is_closed, house::House, message::Tax, tape::tape};
use schemas::fault::FaultCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_comes_is_ended_and_told() {
    let house = House::plan().limits("handshake_ms = 300").start().await;
    let mut stream = house.wire("tax").tcp().await;
    let from = stream.local_addr().unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 16])).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "it is still open");
    assert_eq!(
        tape().wait_for("from", &from.to_string()).await.fields["reason"],
        "deadline"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_ended() {
    let house = House::plan().limits("first_byte_ms = 300").start().await;
    let (mut stream, _) = house.wire("tax").open().await.unwrap();
    assert!(is_closed(&mut stream, Duration::from_secs(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_ended() {
    let house = House::plan().limits("header_ms = 300").start().await;
    let (mut stream, _) = house.wire("tax").open().await.unwrap();
    stream
        .write_all(b"POST /tax/v1/messages HTTP/1.1\r\nHost: loc")
        .await
        .unwrap();
    let started = Instant::now();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_refused_within_the_callers_own_time() {
    let house = House::start().await;
    let message = Tax::ping(house.now(), "slow").sign(&house.key("tax"));
    let lines = format!(
        "Host: localhost\r\nLienthong-Timeout-Ms: 300\r\nContent-Length: {}\r\n",
        9_999
    );
    let raw = house.wire("tax").raw(&message.exact(&lines)).await;
    let reply = raw.reply.expect("a fault, not silence");
    reply.assert_fault(FaultCode::TooSlow, "body");
    assert!(raw.closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_refused_within_our_time() {
    let house = House::plan().limits("body_ms = 300").start().await;
    let message = Tax::ping(house.now(), "slow").sign(&house.key("tax"));
    let started = Instant::now();
    let raw = house
        .wire("tax")
        .raw(&message.exact("Host: localhost\r\nContent-Length: 9999\r\n"))
        .await;
    let reply = raw.reply.expect("a fault, not silence");
    reply.assert_fault(FaultCode::TooSlow, "body");
    assert!(raw.closed && started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_ended() {
    let house = House::plan().limits("idle_ms = 1000").start().await;
    let (mut stream, _) = house.wire("tax").open().await.unwrap();
    let message = Tax::ping(house.now(), "then silence").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    stream.write_all(&bytes).await.unwrap();
    gateway_tests::client::read_reply(&mut stream)
        .await
        .unwrap()
        .assert_ok();
    assert!(is_closed(&mut stream, Duration::from_secs(6)).await);
}
