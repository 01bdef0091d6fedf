//! What the portal is told: each step once, in order, even when it is a bad line.

mod applicant;
mod citizens;
mod later;
mod represented;

use std::{sync::Arc, time::Duration};

use conformance::{
    portal::{Mischief, Portal, STATES},
    security_server::Wrong,
};
use gateway::admin::client;
use gateway_tests::{house::House, message::dossier};
use schemas::proto::admin::{
    AccessRequest, DecideDossierRequest, ListDossiersRequest, ShowDossierRequest,
};
use serde_json::json;

/// Submits a dossier and gives its code.
async fn submit(house: &House, holder: usize) -> String {
    let holder = &house.landmarks.card_holders[holder];
    let message = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    );
    let reply = house
        .wire("portal")
        .send(&message.sign(&house.key("portal")))
        .await;
    reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn assert_told(portal: &Arc<Portal>, code: &str) {
    portal
        .wait_for(code, &STATES, Duration::from_secs(60))
        .await
        .unwrap();
    let steps = portal.dossier(code).unwrap().states();
    assert_eq!(steps, STATES, "each step once and in order");
}

/// The same while hours pass at the gateway: what only a person can end is tried rarely.
async fn under_for_minutes(mischief: fn(&mut Mischief)) {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(mischief);
    let code = submit(&house, 0).await;
    let clock = Arc::clone(&house.clock);
    let passing = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            clock.advance(jiff::SignedDuration::from_secs(61));
        }
    });
    assert_told(&portal, &code).await;
    passing.abort();
    assert_eq!(portal.violations(), Vec::<String>::new());
}

async fn under(mischief: fn(&mut Mischief)) {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(mischief);
    let code = submit(&house, 0).await;
    assert_told(&portal, &code).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_passes_its_five_states_at_the_portal() {
    under(|_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_replies_repeat_nothing_at_the_portal() {
    under(|knobs| knobs.drop_replies = 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_logged_in_anew() {
    under(|knobs| knobs.expire_sessions = 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_ends_even_fresh_sessions_is_told_everything_later() {
    under_for_minutes(|knobs| knobs.expire_sessions = 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_fails_for_a_while_is_told_everything_later() {
    under(|knobs| knobs.server_errors = 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_refuses_the_login_for_a_while_is_told_everything_later() {
    under_for_minutes(|knobs| knobs.refuse_logins = 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn already_there_is_success() {
    under(|knobs| knobs.claim_exists = 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_dossiers_pass_side_by_side_each_in_its_own_order() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(|knobs| {
        knobs.drop_replies = 1;
        knobs.server_errors = 1;
    });
    let mut codes = Vec::new();
    for holder in 0..8 {
        codes.push(submit(&house, holder).await);
    }
    for code in &codes {
        assert_told(&portal, code).await;
    }
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_before_a_kill_is_delivered_after_it() {
    let mut house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(|knobs| knobs.delay = Duration::from_millis(200));
    let code = submit(&house, 0).await;
    for _ in 0..500 {
        if portal.dossier(&code).is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    house.kill().await;
    house.clock.advance(jiff::SignedDuration::from_secs(31));
    house.open().await;
    assert_told(&portal, &code).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_out_that_no_agreement_allows() {
    let grant = "[agreements.operations.\"portal.sync-dossier\"]\n";
    let house = House::plan()
        .with_portal(50)
        .replace("partners/portal.toml", grant, "")
        .start()
        .await;
    let portal = house.portal.clone().unwrap();
    let code = submit(&house, 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        portal.dossier(&code).is_none(),
        "it was told without an agreement"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn through_x_road_the_portal_is_told_each_step_once_whatever_the_exchange_answers() {
    let house = House::plan()
        .with_portal(50)
        .replace(
            "partners/portal.toml",
            "private = true\n",
            "private = true\nxroad = { client = \"VN/GOV/000.00.00.X98/vss\", service = \"VN/GOV/000.00.00.X99/portal/dvc\" }\n",
        )
        .start()
        .await;
    let portal = house.portal.clone().unwrap();
    portal.misbehave(|knobs| knobs.on_xroad = vec![Wrong::Id, Wrong::NetworkAfter, Wrong::Hash]);
    let code = submit(&house, 0).await;
    assert_told(&portal, &code).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}

/// Asks that a holder's name is put right, and gives the dossier's code.
async fn submit_change(house: &House, holder: usize) -> String {
    let holder = &house.landmarks.card_holders[holder];
    let mut members = dossier::members(house.now(), holder, &holder.name);
    let whole = members.as_object_mut().unwrap();
    whole.retain(|name, _| name != "MaThe" && name != "LyDoCapLai");
    members["MaTTHC"] = "9.000007".into();
    members["ToKhai"] =
        json!({"MaBHXH": holder.si_number, "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"});
    members["TaiLieuNop"] = json!([{"MaThanhPhanHoSo": "GIAY-TO", "TepDinhKemId": "tep-1",
        "TenTepDinhKem": "khai-sinh.pdf"}]);
    let message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    let body = reply.assert_ok().json();
    body["MaHoSo"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_officer_decides_is_at_the_portal_in_order_and_whoever_looked_is_kept() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let admin = house.gateway().admin();
    let code = submit_change(&house, 0).await;
    let limit = Duration::from_secs(60);
    portal.wait_for(&code, &[1, 2, 4], limit).await.unwrap();
    let waiting = loop {
        let listed = client::dossiers(admin, ListDossiersRequest {})
            .await
            .unwrap();
        match listed.dossiers.first() {
            Some(waiting) => break waiting.clone(),
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    assert_eq!((waiting.code.as_str(), waiting.state), (code.as_str(), 4));

    let show = ShowDossierRequest {
        code: code.clone(),
        who: "an.operator".to_owned(),
        why: "the dossier waits".to_owned(),
    };
    let shown = client::dossier(admin, show).await.unwrap();
    assert_eq!(shown.applicant_pin, house.landmarks.card_holders[0].pin);
    let looked = AccessRequest {
        person: shown.applicant_pin,
        who: "the auditor".to_owned(),
        why: "who looked".to_owned(),
        max: 10,
    };
    let accesses = client::accesses(admin, looked).await.unwrap().accesses;
    assert!(accesses.iter().any(|row| row.why == "the dossier waits"));

    let say = |step: u32, decision: &str| DecideDossierRequest {
        code: code.clone(),
        step,
        decision: decision.to_owned(),
        told: "Thiếu bản sao giấy khai sinh".to_owned(),
        days: 5,
        paid: String::new(),
        who: "an.operator".to_owned(),
        why: "read".to_owned(),
        ..DecideDossierRequest::default()
    };
    for (step, decision, why) in [
        (9, "approve", "moved-meanwhile"),
        (waiting.step, "resume", "dossier-state"),
        (waiting.step, "burn", "approve, supplement"),
    ] {
        let refused = client::decide_dossier(admin, say(step, decision)).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    for (step, decision, state) in [(0, "supplement", 5), (1, "resume", 4), (2, "approve", 9)] {
        // the portal tells steps apart by state and second
        house.clock.advance(jiff::SignedDuration::from_secs(5));
        let said = say(waiting.step + step, decision);
        let decided = client::decide_dossier(admin, said).await.unwrap();
        assert_eq!(decided.state, state);
    }
    let states = [1, 2, 4, 5, 4, 9, 10];
    portal.wait_for(&code, &states, limit).await.unwrap();
    assert_eq!(portal.violations(), Vec::<String>::new());
}
