//! Room 1: who may connect. Each refusal is an event of its own, and no room ever hears of it.

use std::time::Duration;

use certs::{
    pki::{IssueParams, Usage},
    tls::Identity,
};
use gateway_tests::{
    client::{Wire, is_closed, read_reply},
    house::House,
    message::Tax,
    tape::tape,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Knocks with a good message, gets nothing but an end, and finds the one event that says why.
async fn assert_refused(house: &House, wire: &Wire, reason: &str) {
    let before = house.fingerprint().await;
    let message = Tax::ping(house.now(), "knock").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    let (from, reply) = wire.knock(&bytes).await;
    assert!(reply.is_none(), "{reason}: somebody answered");
    let line = tape().wait_for("from", &from.to_string()).await;
    assert_eq!(line.fields["message"], "connection refused");
    assert_eq!(line.fields["reason"], reason);
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_certificate_is_let_in() {
    let house = House::start().await;
    let message = Tax::ping(house.now(), "hello").sign(&house.key("tax"));
    house.wire("tax").send(&message).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_certificate_is_refused() {
    let house = House::start().await;
    assert_refused(&house, &house.wire_of(None), "no-certificate").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_refused() {
    let house = House::start().await;
    assert_refused(
        &house,
        &house.wire_of(Some(&house.hostile("unknown-ca"))),
        "unknown-issuer",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_refused() {
    let house = House::start().await;
    assert_refused(
        &house,
        &house.wire_of(Some(&house.hostile("expired"))),
        "expired",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_not_begun_is_refused() {
    let house = House::start().await;
    let wire = house.wire_of(Some(&house.hostile("not-yet-valid")));
    assert_refused(&house, &wire, "not-yet-valid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_use_is_refused() {
    let house = House::start().await;
    assert_refused(
        &house,
        &house.wire_of(Some(&house.hostile("wrong-usage"))),
        "wrong-usage",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_certificate_is_no_tls_certificate() {
    let house = House::start().await;
    let folder = house.layout.agency("tax");
    let identity =
        Identity::from_files(&folder.join("sign.pem"), &folder.join("sign.key")).unwrap();
    assert_refused(&house, &house.wire_of(Some(&identity)), "wrong-usage").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_certificate_of_somebody_unregistered_is_refused() {
    let house = House::start().await;
    assert_refused(
        &house,
        &house.wire_of(Some(&house.hostile("stranger"))),
        "unregistered",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_environment_is_refused() {
    let house = House::start().await;
    let issued = house
        .authority()
        .issue(&IssueParams {
            san_uri: Some("urn:lienthong:production:partner:tax".to_owned()),
            ..IssueParams::new("tax tls", Usage::Both, house.now())
        })
        .unwrap();
    let identity =
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    assert_refused(&house, &house.wire_of(Some(&identity)), "unregistered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_certificate_is_no_partner() {
    let house = House::start().await;
    let identity = Identity::from_files(&house.file("tls.pem"), &house.file("tls.key")).unwrap();
    assert_refused(&house, &house.wire_of(Some(&identity)), "unregistered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_text_is_refused() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let mut stream = house.wire("tax").tcp().await;
    let from = stream.local_addr().unwrap();
    stream
        .write_all(b"POST /tax/v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said))
        .await
        .unwrap();
    assert!(
        !said.windows(4).any(|window| window == b"HTTP"),
        "it spoke HTTP in the clear"
    );
    let line = tape().wait_for("from", &from.to_string()).await;
    assert_eq!(line.fields["reason"], "plaintext");
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_refused() {
    let house = House::start().await;
    let (authority, now) = (house.authority(), house.now());
    let tax = |name: &str| IssueParams {
        san_uri: Some("urn:lienthong:sandbox:partner:tax".to_owned()),
        ..IssueParams::new(name, Usage::Both, now)
    };
    let (revoked, good) = (
        authority.issue(&tax("old")).unwrap(),
        authority.issue(&tax("new")).unwrap(),
    );
    let hour = jiff::SignedDuration::from_hours(1);
    let list = authority
        .revocation_list(&[&revoked.serial], now - hour, now + hour)
        .unwrap();
    let house = House::plan()
        .write("crl.pem", list)
        .replace(
            "gateway.toml",
            "anchors = [\"ca.pem\"]",
            "anchors = [\"ca.pem\"]\ncrls = [\"crl.pem\"]",
        )
        .start()
        .await;
    let wire = |issued: &certs::pki::Issued| {
        let identity = Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes());
        house.wire_of(Some(&identity.unwrap()))
    };
    assert_refused(&house, &wire(&revoked), "revoked").await;
    let message = Tax::ping(house.now(), "still here").sign(&house.key("tax"));
    wire(&good).send(&message).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_partner_cannot_take_every_place() {
    let house = House::plan()
        .limits("connections_per_peer = 2")
        .start()
        .await;
    let wire = house.wire("tax");
    let message = Tax::ping(house.now(), "first").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    let mut held = Vec::new();
    for _ in 0..2 {
        let (mut stream, _) = wire.open().await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        read_reply(&mut stream).await.unwrap().assert_ok();
        held.push(stream);
    }
    assert_refused(&house, &wire, "connections-per-peer").await;
    let other = gateway_tests::message::Json::poll(house.now(), &["G22.99.08-260101-000001"]);
    house
        .wire("dvclt")
        .send(&other.sign(&house.key("dvclt")))
        .await
        .assert_ok();
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_when_its_certificate_does() {
    let house = House::start().await;
    let issued = house
        .authority()
        .issue(&IssueParams {
            san_uri: Some("urn:lienthong:sandbox:partner:tax".to_owned()),
            not_after: house.now() + jiff::SignedDuration::from_secs(600),
            ..IssueParams::new("tax tls", Usage::Both, house.now())
        })
        .unwrap();
    let identity =
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    let (mut stream, _) = house.wire_of(Some(&identity)).open().await.unwrap();
    let message = Tax::ping(house.now(), "while it lasts").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    stream.write_all(&bytes).await.unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    house.clock.advance(jiff::SignedDuration::from_secs(601));
    assert!(
        is_closed(&mut stream, Duration::from_secs(5)).await,
        "it outlived its certificate"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_revoked_while_it_is_connected_is_out_within_seconds() {
    let model = House::start().await;
    let (authority, now) = (model.authority(), model.now());
    let params = IssueParams {
        san_uri: Some("urn:lienthong:sandbox:partner:tax".to_owned()),
        ..IssueParams::new("tax tls", Usage::Both, now)
    };
    let issued = authority.issue(&params).unwrap();
    let hour = jiff::SignedDuration::from_hours(1);
    let list = |serials: &[&[u8]]| {
        authority
            .revocation_list(serials, now - hour, now + hour)
            .unwrap()
    };
    let house = House::plan()
        .write("crl.pem", list(&[]))
        .replace(
            "gateway.toml",
            "anchors = [\"ca.pem\"]",
            "anchors = [\"ca.pem\"]\ncrls = [\"crl.pem\"]",
        )
        .replace(
            "gateway.toml",
            "us = \"vss\"\n",
            "us = \"vss\"\nreload_seconds = 1\n",
        )
        .start()
        .await;
    let identity =
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    let wire = house.wire_of(Some(&identity));
    let (mut stream, _) = wire.open().await.unwrap();
    let message = Tax::ping(house.now(), "still welcome").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    stream.write_all(&bytes).await.unwrap();
    read_reply(&mut stream).await.unwrap().assert_ok();
    std::fs::write(house.file("crl.pem"), list(&[&issued.serial])).unwrap();
    assert!(
        is_closed(&mut stream, Duration::from_secs(8)).await,
        "the open connection lives on"
    );
    assert_refused(&house, &wire, "revoked").await;
    house.wire("tax").send(&message).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_head_does_not_outlive_the_certificate() {
    let house = House::start().await;
    let params = IssueParams {
        san_uri: Some("urn:lienthong:sandbox:partner:tax".to_owned()),
        not_after: house.now() + jiff::SignedDuration::from_secs(600),
        ..IssueParams::new("tax tls", Usage::Both, house.now())
    };
    let issued = house.authority().issue(&params).unwrap();
    let identity =
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    let (mut stream, _) = house.wire_of(Some(&identity)).open().await.unwrap();
    let message = Tax::ping(house.now(), "half a head").sign(&house.key("tax"));
    let bytes = message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ));
    stream.write_all(&bytes[..20]).await.unwrap();
    house.clock.advance(jiff::SignedDuration::from_secs(601));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let _ = stream.write_all(&bytes[20..]).await;
    assert!(
        read_reply(&mut stream).await.is_none(),
        "it was answered after the end"
    );
}
