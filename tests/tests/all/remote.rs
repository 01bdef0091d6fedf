//! The insurance database behind a socket: the same contract, the same answers.

use std::time::Duration;

use certs::tls::{Alpn, ClientParams, Connector, Identity};
use gateway_tests::{
    far::{Far, NEAR, anywhere, far_at},
    house::House,
    message::{Birth, Json, Tax, dossier, tax::text_of},
};
use insurance::{Insurance, client::RemoteParams};
use schemas::{fault::FaultCode, proto::insurance::InfoRequest};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn the_three_flows_run_against_a_registry_over_mutual_tls() {
    let (listener, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    assert!(
        house.gateway().contract().registry.is_none(),
        "it has a registry of its own"
    );
    let far = Far::serve(&house, listener).await;

    let asked = house.verify(&["participants", "fund"]);
    let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
    house.assert_answers(&asked, reply.assert_ok());
    assert_eq!(text_of(reply.text(), "Result"), Some("hasData"));

    let before = house.fingerprint().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth.message(house.now());
    let reply = house
        .wire("dvclt")
        .send(&message.sign(&house.key("dvclt")))
        .await;
    house.assert_answers_json(
        &message,
        &format!("LTKS-{}", birth.case_id),
        reply.assert_ok(),
    );
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    assert_eq!(
        house.wire("dvclt").send(&poll).await.json()["value"][0]["trangThai"],
        4
    );

    let holder = &house.landmarks.card_holders[0];
    let message = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    );
    let reply = house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await;
    house.assert_answers_json(&message, message.text("jti"), reply.assert_ok());
    assert!(house.fingerprint().await != before);
    far.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_far_registry_keeps_its_code_and_reason() {
    let (listener, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let far = Far::serve(&house, listener).await;
    let holder = &house.landmarks.card_holders[0];
    let message = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, "Trần Văn Khác"),
    );
    let there = house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await;
    far.stop().await;

    let house = House::start().await;
    let message = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, "Trần Văn Khác"),
    );
    let here = house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await;
    assert_eq!(
        there.header("lienthong-fault"),
        here.header("lienthong-fault")
    );
    assert_eq!((there.status, there.reason()), (here.status, here.reason()));
    assert_ne!(here.header("lienthong-fault"), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_does_not_come_in_the_callers_time_may_be_asked_for_again() {
    let (listener, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    let hurry = [("lienthong-timeout-ms", "400")];
    let reply = house.wire("dvclt").send_with(&message, &hurry).await;
    assert!([503, 504].contains(&reply.status), "{}", reply.text());
    reply.assert_fault(
        FaultCode::from_wire(reply.header("lienthong-fault")).unwrap(),
        &reply.reason(),
    );
    assert!(
        !reply.header("x-jws-signature").is_empty(),
        "it is bound to the request, so it is signed"
    );
    let far = Far::serve(&house, listener).await;
    let people = async || far.registry.info(InfoRequest {}).await.unwrap().people;
    for _ in 0..40 {
        let again = house.wire("dvclt").send(&message).await;
        if again.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let after = people().await;
    house.wire("dvclt").send(&message).await.assert_ok();
    assert_eq!(
        (after, people().await),
        (301, 301),
        "one child, whoever asked how often"
    );
    far.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_gateway_sheds_what_comes_and_says_when_to_come_back() {
    let (_nobody, address) = anywhere().await;
    let house = House::plan()
        .limits("in_flight_max = 1")
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let stuck = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let (wire, stuck) = (house.wire("dvclt"), stuck.sign(&house.key("dvclt")));
    let inside = tokio::spawn(async move {
        wire.send_with(&stuck, &[("lienthong-timeout-ms", "8000")])
            .await
    });
    while house.gateway().log().census().await.unwrap().in_progress == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let ping = Tax::ping(house.now(), "is there room").sign(&house.key("tax"));
    let reply = house.wire("tax").send(&ping).await;
    reply.assert_fault(FaultCode::Overloaded, "in-flight");
    assert_eq!((reply.status, reply.header("retry-after")), (503, "1"));
    inside.await.unwrap();
    house.wire("tax").send(&ping).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_touches_no_registry_and_a_question_to_a_dead_one_may_be_asked_again() {
    let (listener, address) = anywhere().await;
    drop(listener);
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let ping = Tax::ping(house.now(), "nobody home");
    let reply = house.wire("tax").send(&ping.sign(&house.key("tax"))).await;
    house.assert_answers(&ping, reply.assert_ok());
    let question = house.verify(&["fund"]);
    let reply = house
        .wire("tax")
        .send(&question.sign(&house.key("tax")))
        .await;
    let code = FaultCode::InsuranceUnavailable;
    reply.assert_fault(code, &reply.reason());
    assert!(reply.text().contains("<Retry>same-id</Retry>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_lets_the_gateway_in_and_no_partner_whose_certificate_leads_to_the_same_anchors()
 {
    let (listener, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let far = Far::serve(&house, listener).await;
    let call = |folder: std::path::PathBuf| {
        let identity =
            Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key")).unwrap();
        let connector = Connector::new(ClientParams {
            identity: Some(identity),
            anchors: house.anchors(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(10),
            alpn: vec![Alpn::H2],
        });
        let uri = format!("https://localhost:{}", address.port())
            .parse()
            .unwrap();
        let client = Insurance::remote(RemoteParams::new(uri, connector.unwrap())).unwrap();
        async move {
            client
                .info(Instant::now() + Duration::from_secs(10), InfoRequest {})
                .await
        }
    };
    assert!(call(house.layout.gateway("")).await.is_ok());
    for partner in ["tax", "portal", "ngsp"] {
        let refused = call(house.layout.agency(partner)).await.unwrap_err();
        let nobody_answered = [FaultCode::InsuranceUnavailable, FaultCode::DeadlineExceeded];
        assert!(
            nobody_answered.contains(&refused.code()),
            "{partner}: {refused}"
        );
    }
    far.stop().await;
}
