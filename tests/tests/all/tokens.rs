//! Access tokens where a partner's registration demands them: every reason to refuse one, and the keys
//! of the issuer, fetched when they are needed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use certs::{
    pki::{IssueParams, Usage},
    tls::{Anchors, Identity, PeerCertificate},
};
use conformance::authorisation::{AuthorisationServer, Params, Serving};
use gateway_tests::{
    client::{Reply, Wire},
    house::{House, Plan},
    message::Json,
};
use jiff::{SignedDuration, Timestamp};
use schemas::fault::FaultCode::{AuthorityUnavailable, TokenRefused};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::revocation::{authority, publish, watching};

const ISSUER: &str = "https://as.example";

/// A house in which the tax department must show a token, and the server that gives them.
struct Scene {
    house: House,
    server: Arc<AuthorisationServer>,
    /// Of the server's certificate.
    serial: Vec<u8>,
    serving: Option<Serving>,
    certificate: [u8; 32],
}

impl Scene {
    async fn new(more: &str) -> Self {
        Self::patient(more, "").await
    }

    /// With these lines about how the issuer's keys are kept.
    async fn patient(more: &str, patience: &str) -> Self {
        let plan = House::plan();
        Self::planned(plan, more, patience).await
    }

    async fn planned(plan: Plan, more: &str, patience: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let token = format!(
            "[token]\nissuer = \"{ISSUER}\"\naudience = \"vss\"\nkeys = \"https://127.0.0.1:{port}/jwks\"\n\
             private = true\nanchors = \"../ca.pem\"\nalgorithms = [\"ES256\"]\n{more}\n[quota]\n"
        );
        let house = plan
            .replace("partners/tax.toml", "[quota]\n", token)
            .replace("gateway.toml", "[sign]\n", format!("{patience}[sign]\n"))
            .start()
            .await;
        let (server, serial) = server(&house);
        let serving = Some(server.serve(listener).unwrap());
        let pem = std::fs::read(house.layout.agency("tax").join("tls.pem")).unwrap();
        let der = certs::tls::first_certificate(&pem).unwrap();
        Self {
            certificate: PeerCertificate::from_der(&der).unwrap().sha256,
            house,
            server,
            serial,
            serving,
        }
    }

    fn claims(&self) -> Value {
        let now = self.house.now();
        self.server.claims("tax", "vss", &self.certificate, now)
    }

    async fn send(&self, headers: &[(&str, &str)]) -> Reply {
        let message = self.house.verify(&["fund"]).sign(&self.house.key("tax"));
        self.house.wire("tax").send_with(&message, headers).await
    }

    async fn show(&self, token: &str) -> Reply {
        let header = format!("Bearer {token}");
        self.send(&[("authorization", &header)]).await
    }

    async fn show_claims(&self, claims: &Value) -> Reply {
        self.show(&self.server.sign(claims).unwrap()).await
    }
}

fn server(house: &House) -> (Arc<AuthorisationServer>, Vec<u8>) {
    let now = today();
    let authority = house.authority();
    let mut params = IssueParams::new("authorisation server", Usage::Server, now);
    params.ips = vec![[127, 0, 0, 1].into()];
    let issued = authority.issue(&params).unwrap();
    let params = Params {
        issuer: ISSUER.to_owned(),
        tls: Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap(),
        client_anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        clients: BTreeMap::new(),
        life_seconds: 600,
    };
    let server = AuthorisationServer::new(params, now).unwrap();
    (Arc::new(server), issued.serial)
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates have to be valid today"
)]
fn today() -> Timestamp {
    Timestamp::now()
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_of_the_registered_issuer_lets_in_and_its_keys_are_fetched_once() {
    let scene = Scene::new("").await;
    for _ in 0..3 {
        scene.show_claims(&scene.claims()).await.assert_ok();
    }
    assert_eq!(scene.server.seen().key_sets, 1);
    // who need show none is not asked
    let house = &scene.house;
    let poll = Json::poll(house.now(), &["x"]).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&poll).await;
    assert_ne!(reply.header("lienthong-fault"), TokenRefused.row().code);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_in_one_thing_is_refused_for_that_thing() {
    let scene = Scene::new("subject = \"tax\"\n").await;
    let before = scene.house.fingerprint().await;
    let now = scene.house.now();
    let at = |seconds| json!((now + SignedDuration::from_secs(seconds)).as_second());
    let good = || scene.claims();
    let other = scene.server.claims("tax", "vss", &[9; 32], now);
    for (claims, reason) in [
        (with(good(), "aud", json!("ngsp")), "token-audience"),
        (
            with(good(), "iss", json!("https://evil.example")),
            "token-issuer",
        ),
        (without(good(), "exp"), "token-without-exp"),
        (with(good(), "exp", at(-31)), "token-expired"),
        (with(good(), "nbf", at(60)), "token-not-yet-valid"),
        (with(good(), "client_id", json!("portal")), "token-subject"),
        (without(good(), "cnf"), "token-not-bound"),
        (other, "token-other-certificate"),
    ] {
        let reply = scene.show_claims(&claims).await;
        reply.assert_fault(TokenRefused, reason);
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid });
    let kid = scene.server.kid();
    for (header, reason) in [
        (header("none", &kid), "alg-none"),
        (header("HS256", &kid), "alg-unknown"),
        (header("RS256", &kid), "token-algorithm"),
        (header("ES256", "as-9"), "token-unknown-kid"),
        (json!({ "alg": "ES256" }), "token-without-kid"),
    ] {
        let token = scene.server.sign_under(&header, &good()).unwrap();
        scene.show(&token).await.assert_fault(TokenRefused, reason);
    }
    let token = scene.server.sign(&good()).unwrap();
    let (said, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let bent = format!("{said}.{first}{}", &signature[1..]);
    scene
        .show(&bent)
        .await
        .assert_fault(TokenRefused, "token-signature");
    let bearer = format!("Bearer {token}");
    for headers in [
        vec![],
        vec![("authorization", "Basic dGF4OnRheA==")],
        vec![
            ("authorization", bearer.as_str()),
            ("authorization", bearer.as_str()),
        ],
    ] {
        scene
            .send(&headers)
            .await
            .assert_fault(TokenRefused, "token-missing");
    }
    assert_eq!(scene.house.fingerprint().await, before);
    scene.show(&token).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebody_elses_certificate_is_no_use_to_whoever_stole_it() {
    let scene = Scene::new("").await;
    let token = scene.server.sign(&scene.claims()).unwrap();
    scene.show(&token).await.assert_ok();
    // the same partner by name, with another certificate
    let authority = scene.house.authority();
    let params = IssueParams {
        san_uri: Some("urn:lienthong:sandbox:partner:tax".to_owned()),
        ..IssueParams::new("thief", Usage::Client, today())
    };
    let issued = authority.issue(&params).unwrap();
    let identity = Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes());
    let wire: Wire = scene.house.wire_of(Some(&identity.unwrap()));
    let message = scene.house.verify(&["fund"]).sign(&scene.house.key("tax"));
    let header = format!("Bearer {token}");
    let reply = wire
        .send_with(&message, &[("authorization", &header)])
        .await;
    reply.assert_fault(TokenRefused, "token-other-certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_issuers_keys_nobody_is_let_in_and_it_is_asked_seldom() {
    let mut scene = Scene::new("").await;
    scene.serving.take().unwrap().stop().await;
    for _ in 0..3 {
        let reply = scene.show_claims(&scene.claims()).await;
        reply.assert_fault(AuthorityUnavailable, "issuer-unreachable");
        assert_eq!(reply.status, 503);
    }
    assert_eq!(scene.server.seen().key_sets, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_whose_server_was_taken_back_is_not_asked_and_its_keys_are_believed_when_it_is_good_again()
 {
    let (_folder, authority) = authority();
    let now = today();
    let hours = SignedDuration::from_hours;
    let list = |revoked: &[&[u8]], at| authority.revocation_list(revoked, at, at + hours(2));
    let text = Arc::new(Mutex::new(list(&[], now - hours(1)).unwrap()));
    let (uri, _served) = publish(&text).await;
    let plan = watching(&authority, &format!("crl = \"{uri}\""));
    let patience = "[tokens]\nfresh_seconds = 2\nbetween_seconds = 1\n\n";
    let scene = Scene::planned(plan, "", patience).await;
    *text.lock().unwrap() = list(&[&scene.serial], now).unwrap();
    let in_force = (now + hours(2)).as_second().to_string();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while !scene.house.gateway().metrics().text().contains(&in_force) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the list is never fetched"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let reply = scene.show_claims(&scene.claims()).await;
    reply.assert_fault(AuthorityUnavailable, "issuer-unreachable");
    assert_eq!(scene.server.seen().key_sets, 0, "it was asked");
    *text.lock().unwrap() = list(&[], now + SignedDuration::from_secs(1)).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while scene.show_claims(&scene.claims()).await.status != 200 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "it is not believed again"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_keys_make_the_gateway_ask_the_issuer_but_not_at_every_token() {
    let scene = Scene::new("").await;
    scene.show_claims(&scene.claims()).await.assert_ok();
    scene.server.rotate(today()).unwrap();
    for _ in 0..5 {
        // its keys were fetched a moment ago: it is not asked again for half a minute
        let reply = scene.show_claims(&scene.claims()).await;
        reply.assert_fault(TokenRefused, "token-unknown-kid");
    }
    assert_eq!(scene.server.seen().key_sets, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuers_new_key_is_fetched_and_the_one_that_it_took_back_is_out() {
    let scene = Scene::patient("", "[tokens]\nfresh_seconds = 2\nbetween_seconds = 1\n\n").await;
    let (old, claims) = (scene.server.kid(), scene.claims());
    let before = scene.server.sign(&claims).unwrap();
    scene.show(&before).await.assert_ok();
    scene.server.rotate(today()).unwrap();
    assert_ne!(scene.server.kid(), old);
    let after = scene.server.sign(&scene.claims()).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    for (token, status, what) in [
        (&after, 200, "the new key is never taken"),
        (&before, 401, "the old key is believed for ever"),
    ] {
        while scene.show(token).await.status != status {
            assert!(tokio::time::Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let refused = scene.show(&before).await;
    refused.assert_fault(TokenRefused, "token-unknown-kid");
    scene.show(&after).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_fetched_from_the_registered_address_whatever_a_token_names() {
    let scene = Scene::new("").await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("https://{}/jwks", elsewhere.local_addr().unwrap());
    for name in ["jku", "x5u", "jwk"] {
        let header = json!({ "alg": "ES256", "kid": scene.server.kid(), name: uri });
        let token = scene.server.sign_under(&header, &scene.claims()).unwrap();
        let reply = scene.show(&token).await;
        reply.assert_fault(TokenRefused, &reply.reason());
    }
    let claims = with(scene.claims(), "iss", json!(uri));
    let reply = scene.show_claims(&claims).await;
    reply.assert_fault(TokenRefused, "token-issuer");
    let called = tokio::time::timeout(Duration::from_millis(200), elsewhere.accept());
    assert!(called.await.is_err(), "somebody called");
}
