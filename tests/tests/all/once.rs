//! The same message again, and again: one effect, one answer, at any age; and no other content under
//! a known id.

use std::time::Duration;

use gateway_tests::{
    client::{Reply, Wire},
    house::House,
    message::{Birth, Json, Message, Tax, dossier},
};
use jiff::SignedDuration;
use schemas::{
    fault::FaultCode::{Conflict, Stale},
    proto::insurance::InfoRequest,
};

fn reissue(house: &House, holder: usize) -> Json {
    let holder = &house.landmarks.card_holders[holder];
    dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    )
}

fn assert_same(first: &Reply, again: &Reply) {
    again.assert_ok();
    assert_eq!(first.body, again.body);
    assert_eq!(first.evidence(), again.evidence());
    assert_eq!(
        first.header("x-jws-signature"),
        again.header("x-jws-signature")
    );
}

async fn counts(house: &House) -> (u64, u64, u64) {
    let registry = house.gateway().contract().registry.clone().unwrap();
    let info = registry.info(InfoRequest {}).await.unwrap();
    (info.people, info.cards, info.dossiers)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_message_is_fresh_to_the_second_on_both_sides() {
    let house = House::start().await;
    let now = house.clock.stop();
    for (offset, fresh) in [(-301, false), (-300, true), (300, true), (301, false)] {
        let at = now + SignedDuration::from_secs(offset);
        let tax = Tax {
            sent_at: at,
            ..house.verify(&["fund"])
        }
        .sign(&house.key("tax"));
        let poll = Json::poll(at, &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
        let change = reissue(&house, 0)
            .with("iat", at.as_second())
            .sign(&house.key("portal"));
        for (partner, message) in [("tax", tax), ("dvclt", poll), ("portal", change)] {
            match fresh {
                true => drop(house.wire(partner).send(&message).await.assert_ok()),
                false => drop(
                    house
                        .refuses(partner, &message, Stale, "outside-window")
                        .await,
                ),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_after_six_minutes_get_the_stored_answer() {
    let house = House::start().await;
    let messages = [
        ("tax", house.verify(&["fund"]).sign(&house.key("tax"))),
        (
            "dvclt",
            Birth::new(house.now(), &house.landmarks, 1)
                .message(house.now())
                .sign(&house.key("dvclt")),
        ),
        ("portal", reissue(&house, 0).sign(&house.key("portal"))),
    ];
    let mut first = Vec::new();
    for (partner, message) in &messages {
        let reply = house.wire(partner).send(message).await;
        reply.assert_ok();
        first.push(reply);
    }
    let after = house.fingerprint().await;
    house.clock.advance(SignedDuration::from_secs(360));
    for ((partner, message), first) in messages.iter().zip(&first) {
        assert_same(first, &house.wire(partner).send(message).await);
        assert!(
            house.fingerprint().await == after,
            "{partner}: the resend changed something"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_signed_anew_after_six_minutes_gets_the_stored_answer() {
    let house = House::start().await;
    let (tax, birth, dossier) = (
        house.verify(&["fund"]),
        Birth::new(house.now(), &house.landmarks, 1),
        reissue(&house, 0),
    );
    let first = [
        house.wire("tax").send(&tax.sign(&house.key("tax"))).await,
        house
            .wire("dvclt")
            .send(&birth.message(house.now()).sign(&house.key("dvclt")))
            .await,
        house
            .wire("portal")
            .send(&dossier.sign(&house.key("portal")))
            .await,
    ];
    let after = house.fingerprint().await;
    house.clock.advance(SignedDuration::from_secs(360));
    let later = house.now();
    let again = [
        house
            .wire("tax")
            .send(
                &Tax {
                    sent_at: later,
                    ..tax
                }
                .sign(&house.key("tax")),
            )
            .await,
        house
            .wire("dvclt")
            .send(&birth.message(later).sign(&house.key("dvclt")))
            .await,
        house
            .wire("portal")
            .send(
                &dossier
                    .with("iat", later.as_second())
                    .sign(&house.key("portal")),
            )
            .await,
    ];
    for (first, again) in first.iter().zip(&again) {
        first.assert_ok();
        assert_same(first, again);
    }
    assert!(house.fingerprint().await == after);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stored_answer_survives_a_restart() {
    let mut house = House::start().await;
    let message = reissue(&house, 0).sign(&house.key("portal"));
    let first = house.wire("portal").send(&message).await;
    let after = house.fingerprint().await;
    house.drain().await;
    house.open().await;
    assert_same(&first, &house.wire("portal").send(&message).await);
    house.kill().await;
    house.open().await;
    assert_same(&first, &house.wire("portal").send(&message).await);
    assert!(house.fingerprint().await == after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_id_with_other_content_is_a_conflict() {
    let house = House::start().await;
    let tax = house.verify(&["fund"]);
    house
        .wire("tax")
        .send(&tax.sign(&house.key("tax")))
        .await
        .assert_ok();
    let other = Tax {
        body: house.verify(&["arrears"]).body,
        ..tax
    };
    let reply = house
        .refuses(
            "tax",
            &other.sign(&house.key("tax")),
            Conflict,
            "same-id-other-content",
        )
        .await;
    house.assert_answers(&other, &reply);

    let dossier = reissue(&house, 0);
    house
        .wire("portal")
        .send(&dossier.sign(&house.key("portal")))
        .await
        .assert_ok();
    let other = reissue(&house, 1)
        .with("jti", dossier.text("jti"))
        .sign(&house.key("portal"));
    house
        .refuses("portal", &other, Conflict, "same-id-other-content")
        .await;

    let birth = Birth::new(house.now(), &house.landmarks, 1);
    house
        .wire("dvclt")
        .send(&birth.message(house.now()).sign(&house.key("dvclt")))
        .await
        .assert_ok();
    let other = birth
        .with("maGCS", "GCS.99.other")
        .message(house.now())
        .sign(&house.key("dvclt"));
    house
        .refuses("dvclt", &other, Conflict, "same-id-other-content")
        .await;
    house.clock.advance(SignedDuration::from_secs(360));
    house
        .refuses("dvclt", &other, Conflict, "same-id-other-content")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_belongs_to_its_sender() {
    let house = House::start().await;
    let tax = Tax {
        id: "shared-id-0001".to_owned(),
        ..house.verify(&["fund"])
    };
    let portal = reissue(&house, 0).with("jti", "shared-id-0001");
    house
        .wire("tax")
        .send(&tax.sign(&house.key("tax")))
        .await
        .assert_ok();
    house
        .wire("portal")
        .send(&portal.sign(&house.key("portal")))
        .await
        .assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_byte_exact() {
    let house = House::start().await;
    let lower = Tax {
        id: "case-sensitive-a".to_owned(),
        ..house.verify(&["fund"])
    };
    let upper = Tax {
        id: "case-sensitive-A".to_owned(),
        ..house.verify(&["arrears"])
    };
    for message in [lower, upper] {
        house
            .wire("tax")
            .send(&message.sign(&house.key("tax")))
            .await
            .assert_ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_case_again_is_told_as_received_and_changes_nothing() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let first = house
        .wire("dvclt")
        .send(&birth.message(house.now()).sign(&house.key("dvclt")))
        .await;
    first.assert_ok();
    let after = house.fingerprint().await;
    let again = house
        .wire("dvclt")
        .send(&birth.message(house.now()).sign(&house.key("dvclt")))
        .await;
    assert!(
        again.assert_ok().json()["statusDescription"]
            .as_str()
            .unwrap()
            .contains("đã được tiếp nhận")
    );
    assert_eq!(again.json()["status"], "1");
    let members: Vec<_> = again.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        members,
        [
            "errorCode",
            "errorDescription",
            "status",
            "statusDescription"
        ]
    );
    assert!(house.fingerprint().await == after);
    let id = format!("LTKS-{}", birth.case_id);
    house.assert_answers_json(&birth.message(house.now()), &id, &again);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_poll_sees_the_newest_status_even_with_the_same_bytes() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let before = house.wire("dvclt").send(&poll).await;
    assert!(
        before.assert_ok().json()["value"][0]["trangThai"].is_null(),
        "{}",
        before.text()
    );
    house
        .wire("dvclt")
        .send(&birth.message(house.now()).sign(&house.key("dvclt")))
        .await
        .assert_ok();
    let fingerprint = house.fingerprint().await;
    let after = house.wire("dvclt").send(&poll).await;
    let row = &after.assert_ok().json()["value"][0];
    assert_eq!(
        (row["trangThai"].as_u64(), row["maHoSoLT"].as_str()),
        (Some(4), Some(birth.case_id.as_str()))
    );
    let card: serde_json::Value =
        serde_json::from_str(row["ketQuaXuLy"].as_str().unwrap()).unwrap();
    assert!(card["maThe"].as_str().unwrap().starts_with("TE1"));
    assert_ne!(before.evidence(), after.evidence());
    assert!(
        house.fingerprint().await == fingerprint,
        "a poll changed something"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_keeps_one_number_and_gets_one_card() {
    let house = House::start().await;
    let (people, cards, _) = counts(&house).await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let mut second = birth.clone();
    second.case_id = birth.case_id.replacen("-00000", "-10000", 1);
    second.envelope["maHoSoLT"] = second.case_id.clone().into();
    assert_ne!(second.case_id, birth.case_id);
    let mut numbers = Vec::new();
    for case in [&birth, &second] {
        house
            .wire("dvclt")
            .send(&case.message(house.now()).sign(&house.key("dvclt")))
            .await
            .assert_ok();
        let poll = Json::poll(house.now(), &[&case.case_id]).sign(&house.key("dvclt"));
        let row = house.wire("dvclt").send(&poll).await.json()["value"][0]["ketQuaXuLy"].clone();
        let card: serde_json::Value = serde_json::from_str(row.as_str().unwrap()).unwrap();
        numbers.push((card["maSoBHXH"].clone(), card["maThe"].clone()));
    }
    assert_eq!(numbers[0], numbers[1]);
    let (people_after, cards_after, _) = counts(&house).await;
    assert_eq!((people_after - people, cards_after - cards), (1, 1));
}

/// Asks again while a twin is being acted upon: a gateway waits for it two seconds, no longer.
async fn until_answered(wire: &Wire, message: &Message) -> Reply {
    loop {
        let reply = wire.send(message).await;
        if reply.status != 409 {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_changes_at_once_have_one_effect_and_one_answer() {
    let house = House::start().await;
    let (people, cards, dossiers) = counts(&house).await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let births: Vec<Message> = (0..6)
        .map(|_| birth.message(house.now()).sign(&house.key("dvclt")))
        .collect();
    let dossier = reissue(&house, 0).sign(&house.key("portal"));
    let (civil, portal) = (house.wire("dvclt"), house.wire("portal"));
    let mut sends = Vec::new();
    for message in births {
        let wire = civil.clone();
        sends.push(tokio::spawn(async move {
            until_answered(&wire, &message).await
        }));
    }
    let mut same = Vec::new();
    for _ in 0..6 {
        let (wire, message) = (portal.clone(), dossier.clone());
        same.push(tokio::spawn(async move {
            until_answered(&wire, &message).await
        }));
    }
    for sends in [sends, same] {
        let mut replies = Vec::new();
        for send in sends {
            replies.push(send.await.unwrap());
        }
        for reply in &replies {
            assert_same(&replies[0], reply);
        }
    }
    let (people_after, cards_after, dossiers_after) = counts(&house).await;
    assert_eq!(
        (
            people_after - people,
            cards_after - cards,
            dossiers_after - dossiers
        ),
        (1, 1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_reads_at_once_have_one_answer() {
    let house = House::start().await;
    let message = house.verify(&["fund"]).sign(&house.key("tax"));
    let mut sends = Vec::new();
    for _ in 0..6 {
        let (wire, message) = (house.wire("tax"), message.clone());
        sends.push(tokio::spawn(async move {
            until_answered(&wire, &message).await
        }));
    }
    let mut replies = Vec::new();
    for send in sends {
        replies.push(send.await.unwrap());
    }
    for reply in &replies {
        assert_same(&replies[0], reply);
    }
}
