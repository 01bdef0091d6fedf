//! Room 4: only what a registered key of the sender has signed goes on.

use certs::{
    keys::{Algorithm, SigningKey},
    pki::{IssueParams, KeyChoice, Usage},
};
use gateway_tests::{
    house::House,
    message::{Birth, Json, Tax, dossier, tax::xml},
};
use schemas::fault::FaultCode::{BadSignature, Malformed};
use serde_json::Value;

fn reissue(house: &House) -> Json {
    let holder = &house.landmarks.card_holders[0];
    dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_a_signed_xml_body_is_refused() {
    let house = House::start().await;
    let signed = house.verify(&["participants"]).signed(&house.key("tax"));
    let bent = signed.replacen("<Field>participants<", "<Field>participantt<", 1);
    house
        .refuses("tax", &xml(bent), BadSignature, "digest-mismatch")
        .await;
    let bent = signed.replacen("<Sender>tax<", "<Sender>tax <", 1);
    house
        .refuses("tax", &xml(bent), Malformed, "partner-id")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_a_signed_json_body_is_refused() {
    let house = House::start().await;
    let mut message = reissue(&house).sign(&house.key("portal"));
    let at = message.body.iter().position(|byte| *byte == b'9').unwrap();
    message.body[at] ^= 1;
    house
        .refuses("portal", &message, BadSignature, "signature-mismatch")
        .await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let mut message = birth.message(house.now()).sign(&house.key("dvclt"));
    let last = message.body.len() - 1;
    message.body.insert(last, b' '); // white space is content: the exact bytes are signed
    house
        .refuses("dvclt", &message, BadSignature, "signature-mismatch")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_moved_to_another_element_is_refused() {
    let house = House::start().await;
    let untouched = house.fingerprint().await;
    let signed = house.verify(&["participants"]).signed(&house.key("tax"));
    let from = signed.find("<ds:Signature ").unwrap();
    let (message, signature) = signed.strip_suffix("</TaxMessage>").unwrap().split_at(from);
    for (before, reason) in [
        ("<VerifyEmployer>", "signature-position"),
        ("<Mst>", "signature-position"),
        ("</Header>", "signature-position"),
    ] {
        let moved = message.replacen(before, &format!("{signature}{before}"), 1) + "</TaxMessage>";
        let reply = house.wire("tax").send(&xml(moved)).await;
        let code = reply.header("lienthong-fault").to_owned();
        assert!(
            code == BadSignature.row().code && reply.reason() == reason
                || code == Malformed.row().code,
            "{before}: {code} {}",
            reply.reason()
        );
    }
    assert!(house.fingerprint().await == untouched);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_message_wrapped_in_another_is_refused() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let (good, evil) = (house.verify(&["participants"]), house.verify(&["arrears"]));
    let signed = good.signed(&house.key("tax"));
    let from = signed.find("<ds:Signature ").unwrap();
    let (original, signature) = signed.strip_suffix("</TaxMessage>").unwrap().split_at(from);
    let original = format!("{original}</TaxMessage>");
    let evil = evil.canonical();
    let evil_open = evil.strip_suffix("</TaxMessage>").unwrap();
    let shapes = [
        format!("{evil_open}{signed}</TaxMessage>"),
        format!("{evil_open}{original}{signature}</TaxMessage>"),
        format!("{evil_open}{signature}{original}</TaxMessage>"),
        format!("{evil_open}<Extensions>{original}</Extensions>{signature}</TaxMessage>"),
        format!(
            "{evil_open}{}</TaxMessage>",
            signature.replacen(
                "</ds:Signature>",
                &format!("<ds:Object>{original}</ds:Object></ds:Signature>"),
                1
            )
        ),
        format!("{evil_open}{signature}</TaxMessage>"),
        format!("{evil_open}{signature}{signature}</TaxMessage>"),
    ];
    for shape in shapes {
        let reply = house.wire("tax").send(&xml(shape.clone())).await;
        let code = reply.header("lienthong-fault");
        assert!(
            ["BAD-SIGNATURE", "MALFORMED"].contains(&code),
            "{code}: {shape}"
        );
    }
    assert!(house.fingerprint().await == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_signature_is_refused() {
    let house = House::start().await;
    let message = xml(house.verify(&["participants"]).canonical());
    house
        .refuses("tax", &message, BadSignature, "no-signature")
        .await;
    let mut message = reissue(&house).sign(&house.key("portal"));
    message.signature = None;
    house
        .refuses("portal", &message, BadSignature, "no-signature")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_by_another_partners_key_is_refused() {
    let house = House::start().await;
    let message = house.verify(&["participants"]).sign(&house.key("dvclt"));
    house
        .refuses("tax", &message, BadSignature, "signature-mismatch")
        .await;
    let message = reissue(&house).sign(&house.key("dvclt"));
    house
        .refuses("portal", &message, BadSignature, "signature-mismatch")
        .await;
    let message = reissue(&house)
        .with("kid", "dvclt-1")
        .sign(&house.key("dvclt"));
    house
        .refuses("portal", &message, BadSignature, "unknown-key")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_key_is_no_signing_key() {
    let house = House::start().await;
    let pem = std::fs::read(house.layout.agency("tax").join("tls.key")).unwrap();
    let key = SigningKey::from_pem(&pem, None).unwrap();
    let message = house.verify(&["participants"]).sign(&key);
    house
        .refuses("tax", &message, BadSignature, "signature-mismatch")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_message_brings_along_is_not_believed() {
    let house = House::start().await;
    let issued = house
        .authority()
        .issue(&IssueParams::new("attacker", Usage::Signing, house.now()))
        .unwrap();
    let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
    let message = house.verify(&["participants"]);
    let canonical = message.canonical();
    let signed = certs::xmldsig::sign_enveloped(
        canonical.as_bytes(),
        &message.root_id(),
        &key,
        Some(&issued.der),
    );
    house
        .refuses(
            "tax",
            &xml(signed.unwrap()),
            BadSignature,
            "key-info-mismatch",
        )
        .await;
    for member in ["jwk", "jku", "x5u", "x5c"] {
        let message = reissue(&house)
            .with(member, "https://evil.invalid")
            .sign(&key);
        house
            .refuses("portal", &message, BadSignature, "embedded-key-refused")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alg_none_is_refused_in_every_spelling() {
    let house = House::start().await;
    for none in ["none", "None", "NONE", "nOnE"] {
        let message = reissue(&house).with("alg", none);
        let protected = message.protected();
        for signed in [
            message.with_signature(&protected, b""),
            message.sign(&house.key("portal")),
        ] {
            let reply = house.refuses_any("portal", &signed, BadSignature).await;
            assert!(["alg-none", "alg-unknown", "jws-parts"].contains(&reply.reason().as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_algorithm_that_is_not_the_registered_one_is_refused() {
    let house = House::start().await;
    for (alg, reason) in [
        ("HS256", "alg-unknown"),
        ("ES512", "alg-unknown"),
        ("RS256", "algorithm-mismatch"),
        ("EdDSA", "algorithm-mismatch"),
    ] {
        let message = reissue(&house).with("alg", alg).sign(&house.key("portal"));
        house
            .refuses("portal", &message, BadSignature, reason)
            .await;
    }
    let message = reissue(&house)
        .with("alg", Value::Null)
        .sign(&house.key("portal"));
    house.refuses_any("portal", &message, BadSignature).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crit_is_refused_whatever_it_names() {
    let house = House::start().await;
    for crit in [
        serde_json::json!(["x-unknown"]),
        serde_json::json!([]),
        serde_json::json!(["b64"]),
    ] {
        let message = reissue(&house)
            .with("crit", crit)
            .sign(&house.key("portal"));
        house
            .refuses("portal", &message, BadSignature, "crit-refused")
            .await;
    }
    let message = reissue(&house)
        .with("b64", false)
        .sign(&house.key("portal"));
    house
        .refuses("portal", &message, BadSignature, "b64-refused")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_member_that_stands_twice_is_refused() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let house = House::start().await;
    let message = reissue(&house);
    let header = Value::Object(message.header.clone()).to_string();
    for (twice, reason) in [
        ("{\"iss\":\"tax\",", "header-duplicate-member"),
        ("{\"\\u0069ss\":\"tax\",", "header-duplicate-member"),
    ] {
        let bent = header.replacen('{', twice, 1);
        let message = message.sign_under(&URL_SAFE_NO_PAD.encode(bent), &house.key("portal"));
        house
            .refuses("portal", &message, BadSignature, reason)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn base64url_is_strict_and_the_payload_detached() {
    let house = House::start().await;
    let good = reissue(&house).sign(&house.key("portal"));
    let signature = good.signature.clone().unwrap();
    let attached = signature.replacen("..", ".e30.", 1);
    for (bent, reason) in [
        (format!("{signature}="), "base64url-not-strict"),
        (attached, "payload-attached"),
        (signature.replacen("..", ".", 1), "jws-parts"),
    ] {
        let message = gateway_tests::message::Message {
            signature: Some(bent),
            ..good.clone()
        };
        house
            .refuses("portal", &message, BadSignature, reason)
            .await;
    }
    house.wire("portal").send(&good).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_signatures_are_refused() {
    let house = House::start().await;
    let message = reissue(&house).sign(&house.key("portal"));
    let signature = message.signature.clone().unwrap();
    let reply = house
        .wire("portal")
        .send_with(&message, &[("x-jws-signature", &signature)])
        .await;
    reply.assert_fault(BadSignature, "two-signatures");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_for_one_operation_opens_no_other_door() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth
        .message(house.now())
        .with("op", "civil.result")
        .sign(&house.key("dvclt"));
    let reply = house
        .refuses_any("dvclt", &message, schemas::fault::FaultCode::Invalid)
        .await;
    assert_eq!(reply.reason(), "operation-and-path-differ");
    let bent = Tax {
        operation: "tax.ping".to_owned(),
        ..house.verify(&["participants"])
    };
    let reply = house.wire("tax").send(&bent.sign(&house.key("tax"))).await;
    assert_eq!(reply.reason(), "operation-unlike-body");
}

/// Environment, receiver, operation, id and time are inside what is signed, on both roads.
#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_binding_that_is_swapped_under_a_kept_signature_is_refused() {
    let house = House::start().await;
    let asked = house.verify(&["fund"]);
    let signed = asked.signed(&house.key("tax"));
    for (name, kept, swapped) in [
        ("Environment", "sandbox", "test"),
        ("Receiver", "vss", "dvclt"),
        ("Operation", "tax.verify-employer", "tax.ping"),
        ("MessageId", asked.id.as_str(), "tax-00000000"),
        ("SentAt", "20", "19"),
    ] {
        let (from, to) = (format!("<{name}>{kept}"), format!("<{name}>{swapped}"));
        assert!(signed.contains(&from), "{name}");
        let bent = xml(signed.replacen(&from, &to, 1));
        house
            .refuses("tax", &bent, BadSignature, "digest-mismatch")
            .await;
    }
    let asked = reissue(&house);
    let signature = asked.sign(&house.key("portal")).signature.unwrap();
    let (_, kept) = signature.split_once("..").unwrap();
    for (name, swapped) in [
        ("env", Value::from("test")),
        ("aud", Value::from("dvclt")),
        ("op", Value::from("civil.birth")),
        ("jti", Value::from("portal-00000000")),
        ("iat", Value::from(1)),
    ] {
        let bent = asked.clone().with(name, swapped);
        let message = gateway_tests::message::Message {
            signature: Some(format!("{}..{kept}", bent.protected())),
            ..asked.sign(&house.key("portal"))
        };
        house
            .refuses("portal", &message, BadSignature, "signature-mismatch")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_the_root_that_is_not_the_messages_is_refused() {
    let house = House::start().await;
    let message = house.verify(&["participants"]);
    let canonical = message
        .canonical()
        .replacen(&message.root_id(), "m-another-id", 1);
    let signed = certs::xmldsig::sign_enveloped(
        canonical.as_bytes(),
        "m-another-id",
        &house.key("tax"),
        None,
    );
    let reply = house.wire("tax").send(&xml(signed.unwrap())).await;
    assert_eq!(reply.reason(), "id-not-message-id");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_registered_algorithm_is_accepted_and_only_with_its_own_key() {
    let model = House::start().await;
    let now = model.now();
    let issue = |kind| {
        let params = IssueParams {
            key: kind,
            ..IssueParams::new("signing", Usage::Signing, now)
        };
        model.authority().issue(&params).unwrap()
    };
    for (algorithm, kind) in [
        (Algorithm::Rs256, KeyChoice::Rsa2048),
        (Algorithm::Ps256, KeyChoice::Rsa2048),
        (Algorithm::EdDsa, KeyChoice::Ed25519),
        (Algorithm::Es384, KeyChoice::P384),
    ] {
        let (name, issued) = (algorithm.jws_name(), issue(kind));
        let registered = |partner: &str| {
            (
                format!("algorithm = \"ES256\"\ncert = \"../../agencies/{partner}/sign.pem\""),
                format!("algorithm = \"{name}\"\ncert = \"../other.pem\""),
            )
        };
        let (tax, portal) = (registered("tax"), registered("portal"));
        let house = House::plan()
            .write("other.pem", issued.chain_pem.clone())
            .replace("partners/portal.toml", portal.0, portal.1)
            .replace("partners/tax.toml", tax.0, tax.1)
            .start()
            .await;
        let key = SigningKey::from_pem(issued.key_pem.as_bytes(), Some(algorithm)).unwrap();
        let message = reissue(&house).with("alg", name).sign(&key);
        house.wire("portal").send(&message).await.assert_ok();
        let old = reissue(&house).sign(&house.key("portal"));
        house
            .refuses("portal", &old, BadSignature, "algorithm-mismatch")
            .await;
        let asked = house.verify(&["participants"]);
        house.wire("tax").send(&asked.sign(&key)).await.assert_ok();
        let old = house.verify(&["fund"]).sign(&house.key("tax"));
        house.refuses_any("tax", &old, BadSignature).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_certificate_that_has_ended_proves_nothing() {
    let model = House::start().await;
    let params = IssueParams {
        not_after: model.now() + jiff::SignedDuration::from_secs(600),
        ..IssueParams::new("signing", Usage::Signing, model.now())
    };
    let issued = model.authority().issue(&params).unwrap();
    let house = House::plan()
        .write("other.pem", issued.chain_pem.clone())
        .replace(
            "partners/tax.toml",
            "../../agencies/tax/sign.pem",
            "../other.pem",
        )
        .start()
        .await;
    let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
    house
        .wire("tax")
        .send(&house.verify(&["fund"]).sign(&key))
        .await
        .assert_ok();
    house.clock.advance(jiff::SignedDuration::from_secs(601));
    let late = house.verify(&["fund"]).sign(&key);
    house
        .refuses("tax", &late, BadSignature, "key-not-valid-now")
        .await;
}
