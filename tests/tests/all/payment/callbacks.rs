//! The listener without client certificates: the platform's keyed hash says who calls, and one path is all there is.

use std::time::Duration;

use certs::tls::Anchors;
use conformance::payment::{PARTNER, Payment, closed_notice};
use gateway_tests::{
    client::{Reply, Wire},
    message::{Message, Tax},
};
use schemas::fault::FaultCode;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use super::Scene;

impl Scene {
    /// The usual scene, with a listener for callers who have no certificate.
    pub(super) async fn with_callbacks() -> Self {
        let section = format!(
            "[limits]\n[callbacks]\nport = 0\npartner = \"{PARTNER}\"\nconnections = 8\nper_address = 4\n"
        );
        Self::of(
            |plan| plan.replace("gateway.toml", "[limits]\n", section.clone()),
            1,
        )
        .await
    }

    /// A wire of somebody who shows no certificate.
    fn stranger(&self) -> Wire {
        let anchors = std::fs::read(self.house.file("ca.pem")).unwrap();
        let anchors = Anchors::from_pem(&anchors).unwrap();
        let address = self.house.gateway().callbacks().unwrap();
        Wire::new(address, &anchors, None)
    }

    async fn tell(&self, notice: &Value) -> Reply {
        self.stranger().send(&post(PATH, notice)).await
    }
}

const PATH: &str = "/payment/v1/callback";

fn post(path: &'static str, notice: &Value) -> Message {
    Message {
        path,
        content_type: "application/json".to_owned(),
        signature: None,
        body: notice.to_string().into_bytes(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_without_a_certificate_calls_back_and_is_booked_once() {
    let scene = Scene::with_callbacks().await;
    let order = scene.opened(0, "01/2027").await;
    let paid = scene.platform.pay(&order.reference).unwrap().unwrap();
    let notice = scene.platform.notice(&paid);
    let first = scene.tell(&notice).await;
    assert_eq!(first.assert_ok().json()["TrangThaiGD"], "1");
    let again = scene.tell(&notice).await;
    assert_eq!(again.body, first.body, "the stored answer");
    // through the other door it is the same message
    let told = scene.call_back(&paid).await;
    assert_eq!(told.body, first.body.to_vec());
    let shown = scene.stands(&order.reference, "paid").await;
    assert_eq!((shown.entries.len(), shown.bookings.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_only_the_hash_counts_and_only_for_the_one_path() {
    let scene = Scene::with_callbacks().await;
    let order = scene.opened(0, "01/2027").await;
    let paid = Payment {
        id: "GD9999999999".into(),
        reference: order.reference.clone(),
        vnd: order.vnd,
        at: "20261123100000".into(),
    };
    let right = scene.platform.notice(&paid);
    let before = scene.ledger().await;
    let mut wrong = right.clone();
    let mac = wrong["MaXacThuc"].as_str().unwrap().to_owned();
    let last = if mac.ends_with('0') { "1" } else { "0" };
    wrong["MaXacThuc"] = format!("{}{last}", &mac[..63]).into();
    let refused = scene.tell(&wrong).await;
    refused.assert_fault(FaultCode::BadSignature, "keyed-hash");
    wrong["MaXacThuc"] = "".into();
    let refused = scene.tell(&wrong).await;
    refused.assert_fault(FaultCode::BadSignature, "keyed-hash");
    let mut payee = right.clone();
    payee["MaDoiTac"] = "SOMEBODY-ELSE".into();
    let refused = scene.tell(&closed_notice(payee)).await;
    refused.assert_fault(FaultCode::WrongEnvironment, "receiver");
    let ping = Tax::ping(scene.house.now(), "ping-1").sign(&scene.house.key("tax"));
    let refused = scene.stranger().send(&ping).await;
    refused.assert_fault(FaultCode::UnknownRoute, "route");
    for path in ["/portal/v1/dossiers", "/payment/v1/callback/", "/"] {
        let refused = scene.stranger().send(&post(path, &right)).await;
        refused.assert_fault(FaultCode::UnknownRoute, "route");
    }
    let long = Value::String("x".repeat(20_000));
    let refused = scene.tell(&long).await;
    refused.assert_fault(FaultCode::TooLarge, "body-bytes");
    assert_eq!(scene.ledger().await, before);
    // nobody without a certificate comes in by the partners' door
    assert!(
        scene
            .house
            .wire_of(None)
            .try_knock(b"GET / HTTP/1.1\r\n\r\n")
            .await
            .1
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_few_places_and_little_time_and_a_callback_still_comes_after_them() {
    let scene = Scene::with_callbacks().await;
    let order = scene.opened(0, "01/2027").await;
    let paid = scene.platform.pay(&order.reference).unwrap().unwrap();
    let notice = scene.platform.notice(&paid);
    let address = scene.house.gateway().callbacks().unwrap();
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    // the fifth of one address is closed at once
    let mut fifth = TcpStream::connect(address).await.unwrap();
    let _ = fifth.write_all(b"\x16\x03\x01").await;
    let mut byte = [0; 1];
    let closed = tokio::time::timeout(Duration::from_secs(5), fifth.read(&mut byte)).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    drop(silent);
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let (_, reply) = scene.stranger().try_knock(&raw(&notice)).await;
        if let Some(reply) = reply {
            assert_eq!(reply.assert_ok().json()["TrangThaiGD"], "1");
            return;
        }
        assert!(Instant::now() < until, "the places were not given back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn raw(notice: &Value) -> Vec<u8> {
    let body = notice.to_string();
    format!(
        "POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
