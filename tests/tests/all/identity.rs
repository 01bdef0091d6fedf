//! Who may speak for whom, to whom, in which environment and direction.

use std::time::Duration;

use gateway_tests::{
    client::{is_closed, read_reply},
    house::{House, replace},
    message::{Birth, Json, Tax, dossier, tax::xml},
};
use schemas::fault::FaultCode::{self, Forbidden, Unauthenticated, WrongEnvironment};
use tokio::io::AsyncWriteExt as _;

fn poll(house: &House) -> Json {
    Json::poll(house.now(), &["G22.99.08-260101-000001"])
}

#[tokio::test(flavor = "multi_thread")]
async fn another_environments_message_is_refused() {
    let house = House::start().await;
    for environment in ["test", "production"] {
        let tax = Tax {
            environment: environment.to_owned(),
            ..house.verify(&["fund"])
        };
        house
            .refuses(
                "tax",
                &tax.sign(&house.key("tax")),
                WrongEnvironment,
                "environment",
            )
            .await;
        let civil = poll(&house)
            .with("env", environment)
            .sign(&house.key("dvclt"));
        house
            .refuses("dvclt", &civil, WrongEnvironment, "environment")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_somebody_else_is_refused() {
    let house = House::start().await;
    let tax = Tax {
        receiver: "portal".to_owned(),
        ..house.verify(&["fund"])
    };
    house
        .refuses(
            "tax",
            &tax.sign(&house.key("tax")),
            WrongEnvironment,
            "receiver",
        )
        .await;
    let civil = poll(&house).with("aud", "tax").sign(&house.key("dvclt"));
    house
        .refuses("dvclt", &civil, WrongEnvironment, "receiver")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_answer_turned_round_is_refused() {
    let house = House::start().await;
    let answer = house
        .wire("tax")
        .send(&house.verify(&["fund"]).sign(&house.key("tax")))
        .await;
    let reflected = xml(answer.assert_ok().body.to_vec());
    house
        .refuses("tax", &reflected, Unauthenticated, "unknown-sender")
        .await;
    let asked = poll(&house);
    let answer = house
        .wire("dvclt")
        .send(&asked.sign(&house.key("dvclt")))
        .await;
    let mut reflected = asked.sign(&house.key("dvclt"));
    reflected.body = answer.assert_ok().body.to_vec();
    reflected.signature = Some(answer.header("x-jws-signature").to_owned());
    house
        .refuses("dvclt", &reflected, Unauthenticated, "unknown-sender")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_no_request_even_when_its_sender_signs_it() {
    let house = House::start().await;
    let civil = poll(&house)
        .with("dir", "answer")
        .with("irt", "dvclt-00000001")
        .with("dig", "00".repeat(32));
    house
        .refuses(
            "dvclt",
            &civil.sign(&house.key("dvclt")),
            WrongEnvironment,
            "direction",
        )
        .await;
    let body = "<Pong><Nonce>x</Nonce></Pong>".to_owned();
    let tax = Tax {
        direction: "answer".to_owned(),
        ..Tax::new(house.now(), "tax.ping", body)
    };
    let reply = "<Operation>tax.ping</Operation>";
    let bound = format!(
        "{reply}<InReplyTo>{}</InReplyTo><RequestDigest>{}</RequestDigest>",
        tax.id,
        "00".repeat(32)
    );
    let canonical = tax.canonical().replacen(reply, &bound, 1);
    let signed = certs::xmldsig::sign_enveloped(
        canonical.as_bytes(),
        &tax.root_id(),
        &house.key("tax"),
        None,
    );
    house
        .refuses("tax", &xml(signed.unwrap()), WrongEnvironment, "direction")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_partners_message_through_my_connection_is_refused() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let birth = birth.sign(&house.key("dvclt"));
    house
        .refuses("tax", &birth, Unauthenticated, "peer-may-not-carry-sender")
        .await;
    let tax = house.verify(&["fund"]).sign(&house.key("tax"));
    house
        .refuses("portal", &tax, Unauthenticated, "peer-may-not-carry-sender")
        .await;
    house.wire("dvclt").send(&birth).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_nobody_knows_is_refused() {
    let house = House::start().await;
    let tax = Tax {
        sender: "nobody".to_owned(),
        ..house.verify(&["fund"])
    };
    house
        .refuses(
            "tax",
            &tax.sign(&house.key("tax")),
            Unauthenticated,
            "unknown-sender",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_may_carry_whom_it_is_registered_for_and_nobody_else() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    let reply = house
        .wire("ngsp")
        .send(&birth.sign(&house.key("dvclt")))
        .await;
    reply.assert_ok();
    let id = format!(
        "LTKS-{}",
        Birth::new(house.now(), &house.landmarks, 1).case_id
    );
    house.assert_answers_json(&birth, &id, &reply);
    let tax = house.verify(&["fund"]).sign(&house.key("tax"));
    house
        .refuses("ngsp", &tax, Unauthenticated, "peer-may-not-carry-sender")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_needs_the_senders_signature_not_its_own() {
    let house = House::start().await;
    let message = poll(&house).sign(&house.key("ngsp"));
    house
        .refuses(
            "ngsp",
            &message,
            FaultCode::BadSignature,
            "signature-mismatch",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_has_no_words_of_its_own() {
    let house = House::start().await;
    let message = poll(&house)
        .with("iss", "ngsp")
        .with("kid", "ngsp-1")
        .sign(&house.key("ngsp"));
    let reply = house
        .refuses_any("ngsp", &message, FaultCode::BadSignature)
        .await;
    assert_eq!(reply.reason(), "unknown-key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_road_that_is_not_agreed_is_refused() {
    let roads = ("\"direct\", \"ngsp\"", "\"direct\"");
    let house = House::plan()
        .replace("partners/dvclt.toml", roads.0, roads.1)
        .start()
        .await;
    let message = poll(&house).sign(&house.key("dvclt"));
    house
        .refuses("ngsp", &message, Forbidden, "road-not-agreed")
        .await;
    house
        .wire("dvclt")
        .send(&poll(&house).sign(&house.key("dvclt")))
        .await
        .assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_headers_from_outside_change_nothing() {
    let house = House::start().await;
    let claims = [
        ("x-road-client", "VN/GOV/portal"),
        ("x-agency-id", "portal"),
        ("x_agency_id", "portal"),
        (
            "x-forwarded-client-cert",
            "URI=urn:lienthong:sandbox:partner:portal",
        ),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("ssl-client-verify", "SUCCESS"),
        ("lienthong-sender", "portal"),
        ("lienthong-evidence", "00000000-0000-0000-0000-000000000000"),
    ];
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let portals = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let before = house.fingerprint().await;
    let refused = house.wire("tax").send_with(&portals, &claims).await;
    refused.assert_fault(Unauthenticated, "peer-may-not-carry-sender");
    assert!(house.fingerprint().await == before);
    let ping = Tax::ping(house.now(), "still tax");
    let reply = house
        .wire("tax")
        .send_with(&ping.sign(&house.key("tax")), &claims)
        .await;
    house.assert_answers(&ping, reply.assert_ok());
    assert_ne!(reply.evidence(), "00000000-0000-0000-0000-000000000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_partner_is_out_within_seconds_and_back_as_fast() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "us = \"vss\"\n",
            "us = \"vss\"\nreload_seconds = 1\n",
        )
        .start()
        .await;
    let file = house.file("partners/tax.toml");
    let ping = || Tax::ping(house.now(), "suspended?").sign(&house.key("tax"));
    let (mut open, _) = house.wire("tax").open().await.unwrap();
    let message = ping();
    let lines = format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    );
    open.write_all(&message.exact(&lines)).await.unwrap();
    read_reply(&mut open).await.unwrap().assert_ok();
    let before = house.fingerprint().await;

    replace(
        &file,
        "environment = \"sandbox\"\n",
        "environment = \"sandbox\"\nactive = false\n",
    );
    assert!(
        is_closed(&mut open, Duration::from_secs(6)).await,
        "the open connection lives on"
    );
    let message = ping();
    let bytes = message.exact(&lines);
    let (_, reply) = house.wire("tax").knock(&bytes).await;
    if let Some(reply) = reply {
        reply.assert_fault(Unauthenticated, "peer-not-active");
    }
    assert!(house.fingerprint().await == before);
    house
        .wire("dvclt")
        .send(&poll(&house).sign(&house.key("dvclt")))
        .await
        .assert_ok();

    replace(&file, "active = false\n", "");
    for _ in 0..50 {
        let message = ping();
        let lines = format!(
            "Host: localhost\r\nContent-Length: {}\r\n",
            message.body.len()
        );
        if let (_, Some(reply)) = house.wire("tax").knock(&message.exact(&lines)).await
            && reply.status == 200
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the partner stays out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_sender_is_refused_behind_its_relay_too() {
    let house = House::plan()
        .replace(
            "partners/dvclt.toml",
            "environment = \"sandbox\"\n",
            "environment = \"sandbox\"\nactive = false\n",
        )
        .start()
        .await;
    let message = poll(&house).sign(&house.key("dvclt"));
    house
        .refuses("ngsp", &message, Forbidden, "partner-suspended")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_partner_file_leaves_the_old_registrations_in_force() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "us = \"vss\"\n",
            "us = \"vss\"\nreload_seconds = 1\n",
        )
        .start()
        .await;
    replace(
        &house.file("partners/tax.toml"),
        "environment = ",
        "enviroment = ",
    );
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let ping = Tax::ping(house.now(), "still here").sign(&house.key("tax"));
    house.wire("tax").send(&ping).await.assert_ok();
}
