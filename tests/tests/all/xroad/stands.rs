//! How a dossier stands, asked through the exchange: the same over REST as over SOAP, and the portal's own alone.

use gateway_tests::{
    client::Reply,
    house::House,
    message::{Json, Message},
};
use schemas::fault::FaultCode;
use serde_json::json;

use super::{PORTAL, SERVER, answered, attested, fresh, of, reissue, send};
use conformance::security_server::soap::Letter;

/// How a dossier stands, as the portal's JSON through its security server.
fn stands(code: &str) -> Message {
    Message {
        path: "/portal/v1/dossier-status",
        content_type: "application/json".to_owned(),
        signature: None,
        body: json!({ "MaHoSo": code }).to_string().into_bytes(),
    }
}

async fn ask(house: &House, message: &Message) -> Reply {
    let said = [("x-road-client", PORTAL), ("x-road-id", &fresh())];
    house.wire(SERVER).send_with(message, &said).await
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_dossier_stands_is_answered_over_rest_as_over_soap_and_to_the_portal_alone() {
    let house = attested().start().await;
    let letter = reissue(&house, 0, &fresh());
    let answer = answered(&letter, &send(&house, &letter).await);
    let code = of(&answer, "MaHoSo").unwrap();
    let after = house.fingerprint().await;
    let asked = Letter::status(PORTAL, &fresh(), code);
    let soap = answered(&asked, &send(&house, &asked).await);
    let reply = ask(&house, &stands(code)).await;
    let told = reply.assert_ok().json();
    let members = told.as_object().unwrap();
    assert_eq!(members.len(), soap.len());
    for (name, value) in &soap {
        assert_eq!(members[name], *value, "{name}");
    }
    assert_eq!(members["TimThay"], "1");
    let nobodys = "X99.01-260101-999999";
    assert_eq!(
        ask(&house, &stands(nobodys)).await.assert_ok().json(),
        json!({ "MaHoSo": nobodys, "TimThay": "0" })
    );

    let refused = |reply: Reply, code: FaultCode, reason: &str| {
        assert_eq!(
            reply.header("lienthong-fault"),
            code.row().code,
            "{}",
            reply.text()
        );
        assert!(
            reply.text().contains(&format!("({reason})")),
            "{}",
            reply.text()
        );
    };
    refused(
        ask(&house, &stands("../x")).await,
        FaultCode::Invalid,
        "bad-reference",
    );
    let mut more = stands(code);
    more.body = json!({ "MaHoSo": code, "SoDinhDanh": "1" })
        .to_string()
        .into_bytes();
    refused(
        ask(&house, &more).await,
        FaultCode::Invalid,
        "json-mismatch",
    );
    let said = [
        ("x-road-client", PORTAL),
        ("x-road-id", &fresh()),
        ("x-road-service", "VN/GOV/000.00.00.X97/other/ask"),
    ];
    let reply = house.wire(SERVER).send_with(&stands(code), &said).await;
    refused(reply, FaultCode::UnknownRoute, "xroad-service-not-ours");
    // the portal itself, signed and straight: no agreement has this road
    let signed = Json::new(
        house.now(),
        "portal",
        "portal.dossier-status",
        "/portal/v1/dossier-status",
        stands(code).body,
    );
    let sent = signed.sign(&house.key("portal"));
    house
        .refuses("portal", &sent, FaultCode::Forbidden, "road-not-agreed")
        .await;
    assert_eq!(house.fingerprint().await, after, "who asks changes nothing");
}
