//! What we as a registry of the DCI kind show to those who know us: our signing key as a key set, and our places; to
//! registered peers alone, as often as they may ask.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certs::{
    dci::{self, Dialect, Said},
    keys::{Algorithm, VerifyingKey},
    pki::{Authority, IssueParams, KeyChoice, Usage, write_private},
};
use gateway_tests::{
    client::Reply,
    house::{House, replace},
    message::{
        Notify,
        dci::{CRVS, RECEIVER_ID},
    },
};
use jiff::Timestamp;
use schemas::{
    fault::FaultCode::{Framing, RateLimited, UnknownRoute},
    wire::dci::Raw,
};
use serde_json::{Value, json};

use super::dci_search::{question, signed};

const JWKS: &str = "/.well-known/jwks.json";
const LOCATIONS: &str = "/.well-known/locations.json";

async fn ask(house: &House, request: &str) -> Reply {
    let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let (_, reply) = house.wire(CRVS).knock(head.as_bytes()).await;
    reply.unwrap()
}

async fn get(house: &House, path: &str) -> Value {
    let reply = ask(house, &format!("GET {path}")).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(reply.evidence().len(), 36);
    reply.json()
}

/// A P-256 key as others read it from the set.
fn read(key: &Value) -> VerifyingKey {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let head = hex::decode("3059301306072a8648ce3d020106082a8648ce3d03010703420004").unwrap();
    VerifyingKey::from_spki_der(&[head, part("x"), part("y")].concat()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn our_answers_are_proven_with_the_key_that_we_show() {
    let house = House::start().await;
    let set = get(&house, JWKS).await;
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let key = &keys[0];
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (
            &json!("EC"),
            &json!("P-256"),
            &json!("ES256"),
            &json!("sig")
        )
    );
    assert_eq!(key["d"], Value::Null);
    let one = question("q-1", "death", "099193999999");
    let search = signed(&house, &Notify::search(house.now(), &[one]));
    let reply = house.wire(CRVS).send(&search).await;
    reply.assert_ok();
    let (raw, signature) = Raw::read(&reply.body).unwrap();
    let signature = signature.unwrap();
    let protected = signature.split('.').next().unwrap();
    let protected = URL_SAFE_NO_PAD.decode(protected).unwrap();
    let protected: Value = serde_json::from_slice(&protected).unwrap();
    assert_eq!(protected["kid"], key["kid"]);
    let said = Said {
        body: &reply.body,
        raw,
        sender_id: RECEIVER_ID,
        signature: &signature,
    };
    dci::prove(
        Dialect::JwsCompact,
        &said,
        (&read(key), Algorithm::Es256),
        0,
    )
    .unwrap();
}

/// A key is exchanged while answers of its time are still told again, and the next one is known before it signs.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_before_and_the_next_one_are_shown_beside_the_one_that_signs() {
    let now = Timestamp::now();
    let params = IssueParams {
        key: KeyChoice::P256,
        ..IssueParams::new("next", Usage::Signing, now)
    };
    let next = Authority::generate("ours", now).unwrap();
    let next = next.issue(&params).unwrap();
    let shown = |file: &str, kid: &str| {
        format!("shown = [{{ cert = \"{file}\", kid = \"{kid}\", algorithm = \"ES256\" }}]\n")
    };
    const OLD: &str = "[sign]\nkey = \"sign.key\"\ncert = \"sign.pem\"\nkid = \"vss-1\"\n";
    let first = format!("{OLD}{}", shown("next.pem", "vss-next"));
    let mut house = House::plan()
        .write("next.pem", next.chain_pem.clone())
        .replace("gateway.toml", OLD, first.as_str())
        .start()
        .await;
    let names = |set: &Value| -> Vec<String> {
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = get(&house, JWKS).await;
    assert_eq!(names(&before), ["vss-1", "vss-next"]);
    let one = question("q-1", "death", "099193999999");
    let search = signed(&house, &Notify::search(house.now(), &[one]));
    let told = house.wire(CRVS).send(&search).await;
    told.assert_ok();

    // the next one signs now, and the one of before is shown
    house.kill().await;
    write_private(&house.file("next.key"), &next.key_pem).unwrap();
    let second = OLD.replace("sign.", "next.").replace("vss-1", "vss-next");
    let second = format!("{second}{}", shown("sign.pem", "vss-1"));
    replace(&house.file("gateway.toml"), &first, &second);
    house.open().await;
    let after = get(&house, JWKS).await;
    assert_eq!(names(&after), ["vss-next", "vss-1"]);
    let keys = |set: &Value| {
        let mut all = set["keys"].as_array().unwrap().clone();
        all.sort_by_key(|key| key["kid"].to_string());
        all
    };
    assert_eq!(keys(&after), keys(&before));
    // what was answered is told again as it was, and proven with the key that is still shown; what is answered now with the other
    let kid_of = |reply: &Reply| {
        let protected = reply.header("x-jws-signature").split('.').next().unwrap();
        let protected = URL_SAFE_NO_PAD.decode(protected).unwrap();
        let protected: Value = serde_json::from_slice(&protected).unwrap();
        protected["kid"].as_str().unwrap().to_owned()
    };
    let again = house.wire(CRVS).send(&search).await;
    assert_eq!(again.assert_ok().body, told.body);
    let one = question("q-2", "death", "099193999999");
    let search = signed(&house, &Notify::search(house.now(), &[one]));
    let now = house.wire(CRVS).send(&search).await;
    now.assert_ok();
    for (reply, kid) in [(&told, "vss-1"), (&again, "vss-1"), (&now, "vss-next")] {
        assert_eq!(kid_of(reply), kid);
        let mut all = after["keys"].as_array().unwrap().iter();
        let key = read(all.find(|key| key["kid"] == kid).unwrap());
        certs::jws::parse(reply.header("x-jws-signature"))
            .unwrap()
            .verify(&key, Algorithm::Es256, &reply.body)
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_the_day_are_a_tree() {
    let house = House::start().await;
    let said = get(&house, LOCATIONS).await;
    assert_eq!(said["lastUpdated"], "2025-07-01");
    let all = said["locations"].as_array().unwrap();
    let of = |kind: &str| {
        all.iter()
            .filter(move |one| one["additionalType"] == kind)
            .count()
    };
    assert_eq!(
        (of("COUNTRY"), of("PROVINCE"), of("COMMUNE")),
        (1, 34, 3321)
    );
    let name = |one: &Value| {
        one["identifier"][0]["identifier"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let known: std::collections::BTreeSet<String> = all.iter().map(name).collect();
    for one in all {
        let within = one["containedInPlace"].as_str();
        assert!(within.is_none_or(|within| known.contains(within)), "{one}");
    }
    let ward = all.iter().find(|one| name(one) == "00004").unwrap();
    assert_eq!(
        (&ward["containedInPlace"], &ward["identifier"][0]["name"]),
        (&json!("01"), &json!("vn-commune"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_paths_methods_and_framings_are_refused_and_so_is_whoever_asks_too_often() {
    let house = House::start().await;
    for request in [
        format!("POST {JWKS}"),
        "GET /.well-known/openid-configuration".to_owned(),
        format!("GET {JWKS}/"),
        "GET /registry/search".to_owned(),
    ] {
        let reply = ask(&house, &request).await;
        assert_eq!(reply.status, UnknownRoute.row().http, "{request}");
    }
    let reply = ask(&house, &format!("GET {JWKS}?kid=1")).await;
    assert_eq!(reply.header("lienthong-fault"), Framing.row().code);
    // a stranger does not come so far
    let wire = house.wire_of(Some(&house.hostile("unknown-ca")));
    let head = format!("GET {JWKS} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let (_, reply) = wire.knock(head.as_bytes()).await;
    assert!(reply.is_none());

    let often = House::plan()
        .replace(
            "partners/crvs.toml",
            "per_minute = 6000000\nburst = 100000",
            "per_minute = 1\nburst = 2",
        )
        .start()
        .await;
    get(&often, JWKS).await;
    get(&often, JWKS).await;
    let reply = ask(&often, &format!("GET {JWKS}")).await;
    assert_eq!(reply.header("lienthong-fault"), RateLimited.row().code);
}
