//! What an applicant says later through the portal: missing papers, or that the dossier is taken back. Signed, once, in place.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gateway::admin::client;
use gateway_tests::{client::Reply, house::House, message::Json};
use schemas::{
    date::portal_time,
    fault::FaultCode,
    proto::admin::{DecideDossierRequest, ListDossiersRequest, ShowDossierRequest},
};
use serde_json::{Value, json};
use std::time::Duration;

use super::submit_change;

const LIMIT: Duration = Duration::from_secs(60);

/// What a person says of a dossier that waits.
async fn decide(house: &House, code: &str, decision: &str) {
    let admin = house.gateway().admin();
    let step = loop {
        let listed = client::dossiers(admin, ListDossiersRequest {})
            .await
            .unwrap();
        match listed.dossiers.iter().find(|one| one.code == code) {
            Some(waiting) => break waiting.step,
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    // the portal tells steps apart by state and second
    house.clock.advance(jiff::SignedDuration::from_secs(5));
    let said = DecideDossierRequest {
        code: code.to_owned(),
        step,
        decision: decision.to_owned(),
        told: "Thiếu bản sao giấy khai sinh".to_owned(),
        days: 5,
        paid: String::new(),
        who: "an.operator".to_owned(),
        why: "read".to_owned(),
        ..DecideDossierRequest::default()
    };
    client::decide_dossier(admin, said).await.unwrap();
    house.clock.advance(jiff::SignedDuration::from_secs(5));
}

fn about(house: &House, code: &str) -> Value {
    json!({
        "MaHoSo": code,
        "MaTTHC": "9.000007",
        "SoDinhDanh": house.landmarks.card_holders[0].pin,
    })
}

fn supplement(house: &House, code: &str) -> Value {
    let mut said = about(house, code);
    said["HoSoBoSungId"] = "BS-1".into();
    said["NgayBoSung"] = portal_time::format(house.now()).into();
    said["DanhSachGiayToBoSung"] = json!([{"MaThanhPhanHoSo": "GIAY-TO", "TepDinhKemId": "tep-2",
        "TenTepDinhKem": "khai-sinh.pdf", "DuLieuTepDinhKem": STANDARD.encode(b"%PDF-1.7\nkhai sinh")}]);
    said
}

fn withdrawal(house: &House, code: &str) -> Value {
    let mut said = about(house, code);
    said["LyDo"] = "Không còn nhu cầu".into();
    said["NgayYeuCau"] = portal_time::format(house.now()).into();
    said
}

fn message(house: &House, path: &'static str, body: &Value) -> Json {
    let operation = match path {
        "/portal/v1/supplements" => "portal.supplement-dossier",
        _ => "portal.withdraw-dossier",
    };
    Json::new(
        house.now(),
        "portal",
        operation,
        path,
        body.to_string().into_bytes(),
    )
}

async fn send(house: &House, path: &'static str, body: &Value) -> Reply {
    let message = message(house, path, body).sign(&house.key("portal"));
    house.wire("portal").send(&message).await
}

const SUPPLEMENTS: &str = "/portal/v1/supplements";
const WITHDRAWALS: &str = "/portal/v1/withdrawals";

#[tokio::test(flavor = "multi_thread")]
async fn missing_papers_come_through_the_portal_and_the_dossier_goes_on_there_too() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let code = submit_change(&house, 0).await;
    portal.wait_for(&code, &[1, 2, 4], LIMIT).await.unwrap();
    let early = send(&house, SUPPLEMENTS, &supplement(&house, &code)).await;
    early.assert_fault(FaultCode::RuleRefused, "supplement-not-asked");
    decide(&house, &code, "supplement").await;

    let said = supplement(&house, &code);
    let mut theirs = said.clone();
    theirs["SoDinhDanh"] = house.landmarks.card_holders[1].pin.clone().into();
    let before = house.fingerprint().await;
    let refused = send(&house, SUPPLEMENTS, &theirs).await;
    refused.assert_fault(FaultCode::RuleRefused, "not-the-applicant");
    let mut unknown = said.clone();
    unknown["DanhSachGiayToBoSung"][0]["MaThanhPhanHoSo"] = "ANH".into();
    let refused = send(&house, SUPPLEMENTS, &unknown).await;
    refused.assert_fault(FaultCode::Invalid, "unknown-paper");
    let mut lies = said.clone();
    lies["DanhSachGiayToBoSung"][0]["TenTepDinhKem"] = "khai-sinh.png".into();
    let refused = send(&house, SUPPLEMENTS, &lies).await;
    refused.assert_fault(FaultCode::Invalid, "file-type-differs-from-name");
    assert!(before == house.fingerprint().await);

    let sent = message(&house, SUPPLEMENTS, &said).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&sent).await;
    assert_eq!(reply.assert_ok().json()["TrangThaiHoSo"], "4");
    let again = house.wire("portal").send(&sent).await;
    assert_eq!(again.body, reply.body, "the stored answer");
    let twice = send(&house, SUPPLEMENTS, &said).await;
    assert_eq!(twice.assert_ok().json()["TrangThaiHoSo"], "4");

    let show = ShowDossierRequest {
        code: code.clone(),
        who: "an.operator".to_owned(),
        why: "papers came".to_owned(),
    };
    let shown = client::dossier(house.gateway().admin(), show)
        .await
        .unwrap();
    assert!(
        shown.papers[1].contains("application/pdf, 18 bytes"),
        "{:?}",
        shown.papers
    );
    decide(&house, &code, "approve").await;
    let states = [1, 2, 4, 5, 4, 9, 10];
    portal.wait_for(&code, &states, LIMIT).await.unwrap();
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_after_their_day_and_a_withdrawal_after_the_end_change_nothing() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let code = submit_change(&house, 0).await;
    portal.wait_for(&code, &[1, 2, 4], LIMIT).await.unwrap();
    decide(&house, &code, "supplement").await;
    house
        .clock
        .advance(jiff::SignedDuration::from_hours(24 * 20));
    let states = [1, 2, 4, 5, 8];
    portal.wait_for(&code, &states, LIMIT).await.unwrap();
    let late = send(&house, SUPPLEMENTS, &supplement(&house, &code)).await;
    late.assert_fault(FaultCode::RuleRefused, "supplement-not-asked");
    let late = send(&house, WITHDRAWALS, &withdrawal(&house, &code)).await;
    late.assert_fault(FaultCode::RuleRefused, "dossier-state");
    assert_eq!(portal.dossier(&code).unwrap().states(), states);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applicant_takes_a_dossier_back_once_and_the_portal_hears_it() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let code = submit_change(&house, 0).await;
    portal.wait_for(&code, &[1, 2, 4], LIMIT).await.unwrap();
    let mut theirs = withdrawal(&house, &code);
    theirs["SoDinhDanh"] = house.landmarks.card_holders[1].pin.clone().into();
    let refused = send(&house, WITHDRAWALS, &theirs).await;
    refused.assert_fault(FaultCode::RuleRefused, "not-the-applicant");
    let mut other = withdrawal(&house, &code);
    other["MaTTHC"] = "9.000010".into();
    let refused = send(&house, WITHDRAWALS, &other).await;
    refused.assert_fault(FaultCode::UnknownSubject, "unknown-dossier");
    let wrong_door = Json::new(
        house.now(),
        "portal",
        "portal.submit-dossier",
        WITHDRAWALS,
        withdrawal(&house, &code).to_string().into_bytes(),
    );
    let refused = house
        .wire("portal")
        .send(&wrong_door.sign(&house.key("portal")))
        .await;
    refused.assert_fault(FaultCode::Invalid, "operation-and-path-differ");
    let unsigned = message(&house, WITHDRAWALS, &withdrawal(&house, &code));
    let unsigned = unsigned.sign(&house.key("tax"));
    let refused = house.wire("portal").send(&unsigned).await;
    assert_eq!(refused.status, 401, "{}", refused.text());

    let reply = send(&house, WITHDRAWALS, &withdrawal(&house, &code)).await;
    assert_eq!(reply.assert_ok().json()["TrangThaiHoSo"], "7");
    let states = [1, 2, 4, 7];
    portal.wait_for(&code, &states, LIMIT).await.unwrap();
    let again = send(&house, WITHDRAWALS, &withdrawal(&house, &code)).await;
    again.assert_fault(FaultCode::RuleRefused, "dossier-state");
    assert_eq!(portal.violations(), Vec::<String>::new());
}
