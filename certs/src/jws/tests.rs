use super::*;
use crate::pki::{Authority, IssueParams, KeyChoice, Usage};

struct Pair {
    signing: SigningKey,
    verifying: VerifyingKey,
}

fn pair(kind: KeyChoice, algorithm: Option<Algorithm>) -> Pair {
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let authority = Authority::generate("test", now).unwrap();
    let params = IssueParams {
        key: kind,
        ..IssueParams::new("a", Usage::Signing, now)
    };
    let issued = authority.issue(&params).unwrap();
    Pair {
        signing: SigningKey::from_pem(issued.key_pem.as_bytes(), algorithm).unwrap(),
        verifying: VerifyingKey::from_certificate_pem(issued.chain_pem.as_bytes()).unwrap(),
    }
}

fn header(alg: Algorithm) -> Header {
    Header {
        alg,
        kid: "portal-1".into(),
        iss: "portal".into(),
        aud: "vss".into(),
        jti: "m-0123456789".into(),
        iat: 1_790_000_000,
        env: "sandbox".into(),
        dir: Direction::Request,
        op: "portal.submit-dossier".into(),
        irt: None,
        dig: None,
    }
}

/// A detached JWS whose header is exactly this text; the signature is none.
fn with_header(json: &str) -> String {
    format!("{}..AAAA", base64url::encode(json.as_bytes()))
}

fn reason(detached: &str) -> &'static str {
    parse(detached)
        .map(|_| "accepted")
        .unwrap_or_else(|refused| refused.reason())
}

const GOOD: &str = r#"{"alg":"ES256","kid":"k","typ":"lienthong+jws","iss":"portal","aud":"vss","jti":"m-12345678","iat":1,"env":"test","dir":"request","op":"a.b"}"#;

#[test]
fn what_is_signed_with_each_algorithm_is_proven_with_it() {
    let table = [
        (KeyChoice::P256, Algorithm::Es256),
        (KeyChoice::Rsa2048, Algorithm::Ps256),
        (KeyChoice::Rsa2048, Algorithm::Rs256),
        (KeyChoice::Ed25519, Algorithm::EdDsa),
        (KeyChoice::P384, Algorithm::Es384),
        (KeyChoice::Rsa2048, Algorithm::Ps384),
    ];
    for (kind, algorithm) in table {
        let pair = pair(kind, Some(algorithm));
        let header = header(algorithm);
        let detached = sign(&header, &pair.signing, b"{\"a\":1}").unwrap();
        let proof = parse(&detached)
            .unwrap()
            .verify(&pair.verifying, algorithm, b"{\"a\":1}")
            .unwrap();
        assert_eq!(*proof.header(), header);
        let changed = parse(&detached)
            .unwrap()
            .verify(&pair.verifying, algorithm, b"{\"a\":2}");
        assert_eq!(changed.unwrap_err().reason(), "signature-mismatch");
    }
}

#[test]
fn an_unencoded_payload_is_proven_as_it_is_and_not_as_base64() {
    let pair = pair(KeyChoice::P256, None);
    let (header, payload) = (header(Algorithm::Es256), b"$.02 {\"a\":1}");
    let detached = sign_detached(&header, Encoding::Unencoded, &pair.signing, payload).unwrap();
    let verdict = |payload: &[u8]| {
        let unproven = parse(&detached).unwrap();
        unproven.verify(&pair.verifying, Algorithm::Es256, payload)
    };
    let proof = verdict(payload).unwrap();
    assert_eq!(
        (proof.encoding(), proof.header()),
        (Encoding::Unencoded, &header)
    );
    for other in [base64url::encode(payload).into_bytes(), b"$.02".to_vec()] {
        assert_eq!(verdict(&other).unwrap_err().reason(), "signature-mismatch");
    }
}

#[test]
fn the_same_bytes_signed_encoded_and_unencoded_are_two_signatures() {
    // RFC 7797 §8: without crit the text of one could be taken for the other
    let pair = pair(KeyChoice::P256, None);
    let header = header(Algorithm::Es256);
    let as_it_is = base64url::encode(b"{}").into_bytes();
    let detached = sign_detached(&header, Encoding::Unencoded, &pair.signing, &as_it_is).unwrap();
    let taken_for_encoded =
        parse(&detached)
            .unwrap()
            .verify(&pair.verifying, Algorithm::Es256, b"{}");
    assert!(taken_for_encoded.is_err());
}

#[test]
fn a_compact_jws_carries_its_payload_and_loses_its_proof_with_any_change() {
    let pair = pair(KeyChoice::P384, None);
    let header = header(Algorithm::Es384);
    let compact = sign_compact(&header, &pair.signing, b"{\"a\":1}").unwrap();
    let (unproven, payload) = parse_compact(&compact).unwrap();
    let proof = unproven.verify(&pair.verifying, Algorithm::Es384, &payload);
    assert_eq!(*proof.unwrap().header(), header);
    assert_eq!(payload, b"{\"a\":1}");
    let parts: Vec<_> = compact.split('.').collect();
    let other = format!("{}.{}.{}", parts[0], base64url::encode(b"{}"), parts[2]);
    let (unproven, payload) = parse_compact(&other).unwrap();
    let refused = unproven.verify(&pair.verifying, Algorithm::Es384, &payload);
    assert_eq!(refused.unwrap_err().reason(), "signature-mismatch");
    assert_eq!(parse(&compact).unwrap_err().reason(), "payload-attached");
    let unencoded = GOOD.replacen('{', r#"{"crit":["b64"],"b64":false,"#, 1);
    let protected = base64url::encode(unencoded.as_bytes());
    for (payload, reason) in [
        ("a.b", "jws-parts"),
        ("a\u{e1}b", "jws-parts"),
        ("a b", "accepted"),
    ] {
        let verdict = parse_compact(&format!("{protected}.{payload}.AAAA"));
        let said = verdict.map_or_else(|refused| refused.reason(), |_| "accepted");
        assert_eq!(said, reason, "{payload}");
    }
}

#[test]
fn an_algorithm_for_xml_alone_signs_no_jws() {
    let pair = pair(KeyChoice::Rsa2048, Some(Algorithm::Rs512));
    let refused = sign(&header(Algorithm::Rs512), &pair.signing, b"");
    assert_eq!(refused, Err(KeyError::WrongAlgorithm));
}

#[test]
fn an_answer_carries_what_it_answers() {
    let pair = pair(KeyChoice::P256, None);
    let header = Header {
        dir: Direction::Answer,
        irt: Some("m-0123456789".into()),
        dig: Some("ab".repeat(32)),
        ..header(Algorithm::Es256)
    };
    let detached = sign(&header, &pair.signing, b"").unwrap();
    let proof = parse(&detached)
        .unwrap()
        .verify(&pair.verifying, Algorithm::Es256, b"")
        .unwrap();
    assert_eq!(proof.into_header(), header);
}

#[test]
fn the_headers_algorithm_is_compared_and_never_followed() {
    let (ec, rsa) = (pair(KeyChoice::P256, None), pair(KeyChoice::Rsa2048, None));
    let detached = sign(&header(Algorithm::Es256), &ec.signing, b"x").unwrap();
    let verdict =
        |key: &VerifyingKey, expected| parse(&detached).unwrap().verify(key, expected, b"x");
    let reason = |verdict: Result<Proof, JwsError>| verdict.unwrap_err().reason();
    assert_eq!(
        reason(verdict(&ec.verifying, Algorithm::Ps256)),
        "algorithm-mismatch"
    );
    assert_eq!(
        reason(verdict(&rsa.verifying, Algorithm::Ps256)),
        "algorithm-mismatch"
    );
    assert_eq!(
        reason(verdict(&rsa.verifying, Algorithm::Es256)),
        "algorithm-refused"
    );
    assert_eq!(
        sign(&header(Algorithm::Ps256), &ec.signing, b""),
        Err(KeyError::WrongAlgorithm)
    );
}

#[test]
fn another_partners_key_proves_nothing() {
    let (ours, theirs) = (pair(KeyChoice::P256, None), pair(KeyChoice::P256, None));
    let detached = sign(&header(Algorithm::Es256), &theirs.signing, b"x").unwrap();
    let verdict = parse(&detached)
        .unwrap()
        .verify(&ours.verifying, Algorithm::Es256, b"x");
    assert_eq!(verdict.unwrap_err().reason(), "signature-mismatch");
}

#[test]
fn every_dangerous_header_is_refused_by_its_own_name() {
    assert_eq!(reason(&with_header(GOOD)), "accepted");
    let with = |member: &str| with_header(&GOOD.replacen('{', &format!("{{{member},"), 1));
    let instead = |from: &str, to: &str| with_header(&GOOD.replace(from, to));
    let table = [
        (with(r#""crit":["exp"]"#), "crit-refused"),
        (with(r#""crit":[]"#), "crit-refused"),
        (with(r#""crit":["b64"]"#), "crit-refused"),
        (with(r#""crit":["b64","b64"],"b64":false"#), "crit-refused"),
        (with(r#""crit":["b64","x"],"b64":false"#), "crit-refused"),
        (with(r#""crit":"b64","b64":false"#), "crit-refused"),
        (with(r#""crit":["b64"],"b64":"false""#), "b64-refused"),
        (with(r#""cr\u0069t":["b64"],"b64":false"#), "accepted"),
        (with(r#""b64":false"#), "b64-refused"),
        (with(r#""b64":true"#), "b64-refused"),
        (with(r#""jwk":{}"#), "embedded-key-refused"),
        (with(r#""jku":"https://x""#), "embedded-key-refused"),
        (with(r#""x5u":"https://x""#), "embedded-key-refused"),
        (with(r#""x5c":[]"#), "embedded-key-refused"),
        (with(r#""kid":"k""#), "header-duplicate-member"),
        (with(r#""\u006bid":"k""#), "header-duplicate-member"),
        (with(r#""x":{"y":1,"y":2}"#), "header-duplicate-member"),
        (instead("ES256", "none"), "alg-none"),
        (instead("ES256", "nOnE"), "alg-none"),
        (instead("ES256", "es256"), "alg-unknown"),
        (instead("ES256", "HS256"), "alg-unknown"),
        (
            instead(r#""alg":"ES256""#, r#""alg":["ES256"]"#),
            "header-member-malformed",
        ),
        (instead(r#""alg":"ES256","#, ""), "alg-missing"),
        (instead(r#""kid":"k","#, ""), "header-member-missing"),
        (instead(r#""iat":1,"#, ""), "header-member-missing"),
        (
            instead(r#""iat":1"#, r#""iat":1.0"#),
            "header-member-malformed",
        ),
        (
            instead(r#""iat":1"#, r#""iat":"1""#),
            "header-member-malformed",
        ),
        (
            instead(r#""iat":1"#, r#""iat":9223372036854775808"#),
            "header-member-malformed",
        ),
        (
            instead(r#""kid":"k""#, r#""kid":"../../dev/null""#),
            "header-member-malformed",
        ),
        (
            instead(r#""kid":"k""#, r#""kid":"k\u0000""#),
            "header-member-malformed",
        ),
        (
            instead(r#""kid":"k""#, r#""kid":"к""#),
            "header-member-malformed",
        ),
        (
            instead(r#""kid":"k""#, r#""kid":"""#),
            "header-member-malformed",
        ),
        (instead("m-12345678", "m-1"), "header-member-malformed"),
        (
            instead(r#""iss":"portal""#, r#""iss":"Portal""#),
            "header-member-malformed",
        ),
        (
            instead(r#""env":"test""#, r#""env":"prod""#),
            "header-member-malformed",
        ),
        (instead("request", "response"), "header-member-malformed"),
        (instead("request", "answer"), "header-member-missing"),
        (with(r#""irt":"m-12345678""#), "header-member-malformed"),
        (instead("lienthong+jws", "JWT"), "header-wrong-typ"),
        (with_header("[1]"), "header-not-an-object"),
        (with_header(&format!("{GOOD} x")), "header-not-an-object"),
        (with_header(""), "header-not-an-object"),
        (with_header(&"[".repeat(2000)), "header-not-an-object"),
    ];
    for (detached, expected) in table {
        assert_eq!(reason(&detached), expected, "{detached}");
    }
}

#[test]
fn unknown_members_are_no_harm() {
    let json = GOOD.replacen('{', r#"{"nonce":{"a":[1,null,true,2.5]},"#, 1);
    assert_eq!(reason(&with_header(&json)), "accepted");
}

#[test]
fn every_foreign_shape_is_refused_by_its_own_name() {
    let good = with_header(GOOD);
    let (protected, signature) = good.split_once("..").unwrap();
    let table = [
        (format!("{protected}.eyJ9.{signature}"), "payload-attached"),
        (format!("{protected}.{signature}"), "jws-parts"),
        (format!("{protected}..{signature}."), "jws-parts"),
        (
            format!("{protected}..{signature}=="),
            "base64url-not-strict",
        ),
        (format!("{protected}=..{signature}"), "base64url-not-strict"),
        (format!("{protected} ..{signature}"), "base64url-not-strict"),
        (format!("{protected}..AAB"), "base64url-not-strict"),
        (format!("{protected}..AA+/"), "base64url-not-strict"),
        (
            format!("{}..AAAA", "A".repeat(HEADER_BYTES_MAX + 1)),
            "jws-too-large",
        ),
        (
            format!("{protected}..{}", "A".repeat(2000)),
            "jws-too-large",
        ),
        (String::new(), "jws-parts"),
    ];
    for (detached, expected) in table {
        assert_eq!(reason(&detached), expected, "{detached}");
    }
}

#[test]
fn an_ecdsa_signature_in_der_or_of_zeros_is_not_ours() {
    let pair = pair(KeyChoice::P256, None);
    let detached = sign(&header(Algorithm::Es256), &pair.signing, b"x").unwrap();
    let (protected, signature) = detached.split_once("..").unwrap();
    let fixed = base64url::decode(signature).unwrap();
    let der = openssl::ecdsa::EcdsaSig::from_private_components(
        openssl::bn::BigNum::from_slice(&fixed[..32]).unwrap(),
        openssl::bn::BigNum::from_slice(&fixed[32..]).unwrap(),
    )
    .and_then(|signature| signature.to_der())
    .unwrap();
    for forged in [der, vec![0; 64], Vec::new(), fixed[..63].to_vec()] {
        let detached = format!("{protected}..{}", base64url::encode(&forged));
        let verdict = parse(&detached)
            .unwrap()
            .verify(&pair.verifying, Algorithm::Es256, b"x");
        assert_eq!(verdict.unwrap_err().reason(), "signature-mismatch");
    }
}
