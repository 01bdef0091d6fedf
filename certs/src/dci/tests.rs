//! Each dialect proves its own messages and nothing that was bent; what implementations were seen to take is refused.

use super::*;
use crate::pki::{Authority, IssueParams, KeyChoice, Usage};

const NOW: i64 = 1_790_000_000;
const SENDER: &str = "https://crvs.example";
const HEAD: SignedHead<'static> = SignedHead {
    path: "/registry/notify",
    host: "vss.example",
    date: "Mon, 23 Nov 2026 01:00:00 GMT",
    content_type: "application/json",
};

struct Pair {
    signing: SigningKey,
    verifying: VerifyingKey,
}

fn pair(choice: KeyChoice) -> Pair {
    let now = jiff::Timestamp::from_second(NOW).unwrap();
    let authority = Authority::generate("test", now).unwrap();
    let params = IssueParams {
        key: choice,
        ..IssueParams::new("crvs", Usage::Signing, now)
    };
    let issued = authority.issue(&params).unwrap();
    Pair {
        signing: SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap(),
        verifying: VerifyingKey::from_certificate_der(&issued.der).unwrap(),
    }
}

/// A key that the dialect takes.
fn pair_for(dialect: Dialect) -> Pair {
    pair(match dialect {
        Dialect::CavageJcs | Dialect::CavagePyJson => KeyChoice::Ed25519,
        _ => KeyChoice::P256,
    })
}

fn body(name: &str) -> String {
    format!(
        r#"{{ "header" : {{"sender_id":"{SENDER}", "total_count": 1}}, "message":{{"b":"{name}","a":[1,null]}} }}"#
    )
}

fn said<'a>(body: &'a str, signature: &'a str) -> Said<'a> {
    Said {
        body: body.as_bytes(),
        raw: Raw::read(body.as_bytes()).unwrap().0,
        sender_id: SENDER,
        signature,
    }
}

const WITH_KEYS: [Dialect; 5] = [
    Dialect::CavageJcs,
    Dialect::CavagePyJson,
    Dialect::JwsCompact,
    Dialect::PartnerJwt,
    Dialect::JwsDetached,
];

#[test]
fn each_dialect_proves_what_was_signed_in_it_and_nothing_else() {
    let text = body("Đỗ Thị Hoà");
    for dialect in WITH_KEYS {
        let (pair, other) = (pair_for(dialect), pair_for(dialect));
        let signature = sign(dialect, &said(&text, ""), (&pair.signing, "k1"), NOW).unwrap();
        let word = dialect.as_str();
        let key = (&pair.verifying, pair.signing.algorithm());
        let one = said(&text, &signature);
        assert_eq!(
            key_hint(dialect, &one).unwrap().as_deref(),
            Some("k1"),
            "{word}"
        );
        let proven = prove(dialect, &one, key, NOW).unwrap();
        let (raw, _) = Raw::read(&proven).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(raw.message).unwrap()["b"],
            "Đỗ Thị Hoà",
            "{word}"
        );
        // bent, or of somebody else
        let bent = body("Đỗ Thị Hoá");
        assert!(
            prove(dialect, &said(&bent, &signature), key, NOW).is_err(),
            "{word}"
        );
        let others = (&other.verifying, other.signing.algorithm());
        assert!(prove(dialect, &one, others, NOW).is_err(), "{word}");
        assert!(
            prove(dialect, &said(&text, ""), key, NOW).is_err(),
            "{word}: unsigned"
        );
        // another dialect's words prove nothing here
        for wrong in Dialect::ALL.into_iter().filter(|wrong| *wrong != dialect) {
            // a JWT that carries the body carries header and message
            let same_form = matches!(
                (dialect, wrong),
                (
                    Dialect::PartnerJwt,
                    Dialect::JwsDetached | Dialect::JwsCompact
                ) | (Dialect::JwsDetached, Dialect::PartnerJwt)
            );
            assert!(
                same_form || prove(wrong, &one, key, NOW).is_err(),
                "{word} as {}",
                wrong.as_str()
            );
        }
    }
}

#[test]
fn a_spelling_survives_white_space_and_order_and_a_body_does_not() {
    let text = body("An");
    let reordered = format!(
        r#"{{"message":{{"a":[1,null],"b":"\u0041n"}},"header":{{"total_count":1,"sender_id":"{SENDER}"}}}}"#
    );
    for dialect in WITH_KEYS {
        let pair = pair_for(dialect);
        let signature = sign(dialect, &said(&text, ""), (&pair.signing, "k1"), NOW).unwrap();
        let key = (&pair.verifying, pair.signing.algorithm());
        let again = prove(dialect, &said(&reordered, &signature), key, NOW);
        assert_eq!(
            again.is_ok(),
            dialect.header().is_none(),
            "{}",
            dialect.as_str()
        );
    }
}

#[test]
fn a_jws_that_signs_another_message_than_the_body_shows_is_refused() {
    let (signed, shown) = (body("An"), body("Binh"));
    let pair = pair(KeyChoice::P256);
    let dialect = Dialect::JwsCompact;
    let signature = sign(dialect, &said(&signed, ""), (&pair.signing, "k1"), NOW).unwrap();
    let key = (&pair.verifying, Algorithm::Es256);
    assert_eq!(
        prove(dialect, &said(&shown, &signature), key, NOW),
        Err(DciError::Payload)
    );
}

#[test]
fn a_cavage_signature_is_bound_to_sender_algorithm_and_a_short_life() {
    let text = body("An");
    let pair = pair(KeyChoice::Ed25519);
    let dialect = Dialect::CavageJcs;
    let good = sign(dialect, &said(&text, ""), (&pair.signing, "k1"), NOW).unwrap();
    let key = (&pair.verifying, Algorithm::EdDsa);
    let at = |signature: &str, now: i64| prove(dialect, &said(&text, signature), key, now).err();
    assert_eq!(at(&good, NOW), None);
    assert_eq!(at(&good, NOW + 300), None);
    assert_eq!(at(&good, NOW + 301), Some(DciError::Expired));
    assert_eq!(at(&good, NOW - 60), None);
    assert_eq!(at(&good, NOW - 61), Some(DciError::Early));
    // as seen in OpenSPP: a life that nothing bounds, a key name that nothing binds
    let expires = format!("expires=\"{}\"", NOW + 300);
    let with = |from: &str, to: &str| at(&good.replace(from, to), NOW);
    let long = format!("expires=\"{}\"", NOW + 301);
    assert_eq!(with(&expires, &long), Some(DciError::Life));
    assert_eq!(
        with(&expires, &format!("expires=\"{}\"", NOW - 1)),
        Some(DciError::Life)
    );
    for (from, to, reason) in [
        (SENDER, "https://other.example", "dci-kid-of-another"),
        ("|ed25519", "|rsa", "dci-kid-of-another"),
        ("|k1|", "|", "dci-kid-of-another"),
        ("|k1|", "|k1|x|", "dci-kid-of-another"),
        (
            "algorithm=\"ed25519\"",
            "algorithm=\"hs2019\"",
            "dci-kid-of-another",
        ),
        ("\"dci\"", "\"other\"", "dci-namespace"),
        (" digest\"", "\"", "dci-signed-headers"),
        (
            "(created) (expires) digest",
            "(expires) (created) digest",
            "dci-signed-headers",
        ),
        (", ", ",", "dci-signature-form"),
        ("namespace=", "x=", "dci-signature-form"),
        ("namespace=\"dci\", ", "", "dci-signature-form"),
        ("created=\"", "created=\"0", "dci-signature-form"),
        ("created=\"", "created=\"+", "dci-signature-form"),
        (
            "namespace=\"dci\"",
            "namespace=\"dci\", namespace=\"dci\"",
            "dci-signature-form",
        ),
        ("signature=\"", "signature=\" ", "base64-not-strict"),
    ] {
        let refused = with(from, to).map(|error| error.reason());
        assert_eq!(refused, Some(reason), "{from} -> {to}");
    }
    // the spelling and the digest's form are the dialect's
    let other = prove(Dialect::CavagePyJson, &said(&text, &good), key, NOW);
    assert!(other.is_err());
    let spdci = good.replace("\"dci\"", "\"spdci\"");
    assert_eq!(at(&spdci, NOW), None);
}

#[test]
fn a_number_that_has_two_spellings_is_not_signed_over_a_spelling() {
    let text = body("An").replace("[1,", "[1.0,");
    let pair = pair(KeyChoice::Ed25519);
    for dialect in [Dialect::CavageJcs, Dialect::CavagePyJson] {
        let refused = sign(dialect, &said(&text, ""), (&pair.signing, "k1"), NOW);
        assert_eq!(refused, Err(SignError::Said(DciError::Number)));
    }
}

#[test]
fn a_keyed_hash_covers_the_body_the_path_and_the_named_headers() {
    let text = body("An");
    let secret = Secret::new(b"made up for a test");
    let signature = sign_mac(&secret, SENDER, text.as_bytes(), &HEAD);
    let one = said(&text, &signature);
    assert_eq!(prove_mac(&secret, &one, &HEAD).unwrap(), text.as_bytes());
    for bent in [
        SignedHead {
            path: "/registry/search",
            ..HEAD
        },
        SignedHead {
            host: "other.example",
            ..HEAD
        },
        SignedHead {
            date: "Mon, 23 Nov 2026 01:00:01 GMT",
            ..HEAD
        },
        SignedHead {
            content_type: "text/json",
            ..HEAD
        },
    ] {
        assert_eq!(prove_mac(&secret, &one, &bent), Err(DciError::Mac));
    }
    let bent = body("Bình");
    assert_eq!(
        prove_mac(&secret, &said(&bent, &signature), &HEAD),
        Err(DciError::Mac)
    );
    let other = Secret::new(b"made up for a tesT");
    assert_eq!(prove_mac(&other, &one, &HEAD), Err(DciError::Mac));
    for (from, to, reason) in [
        (SENDER, "https://other.example", DciError::KeyId),
        (";content-type", "", DciError::Covered),
        ("HMAC-SHA256 ", "HMAC-SHA1 ", DciError::Form),
        (", Signature", ", X=1, Signature", DciError::Form),
        ("Signature=", "Signature=!", DciError::Base64),
    ] {
        let bent = signature.replace(from, to);
        assert_eq!(
            prove_mac(&secret, &said(&text, &bent), &HEAD),
            Err(reason),
            "{to}"
        );
    }
    assert_eq!(format!("{secret:?}"), "REDACTED");
    assert_eq!(
        prove(
            Dialect::HmacX,
            &one,
            (&pair(KeyChoice::P256).verifying, Algorithm::Es256),
            NOW
        ),
        Err(DciError::Dialect)
    );
}

#[test]
fn every_dialect_is_read_back_from_its_word() {
    for dialect in Dialect::ALL {
        assert_eq!(Dialect::parse(dialect.as_str()), Some(dialect));
    }
    // there is none without a signature
    for word in ["unsigned", "none", ""] {
        assert_eq!(Dialect::parse(word), None);
    }
}

#[test]
fn a_journaled_message_is_proven_by_its_key_as_of_when_it_came() {
    let text = body("Đỗ");
    for dialect in WITH_KEYS {
        let (pair, other) = (pair_for(dialect), pair_for(dialect));
        let signature = sign(dialect, &said(&text, ""), (&pair.signing, "k1"), NOW).unwrap();
        let mut whole: Value = serde_json::from_str(&text).unwrap();
        whole["signature"] = signature.clone().into();
        let (kept, beside) = match dialect.header() {
            None => (whole.to_string(), None),
            Some(_) => (text.clone(), Some(signature.as_str())),
        };
        let word = dialect.as_str();
        assert!(
            is_signed_by(kept.as_bytes(), beside, &pair.verifying, NOW),
            "{word}"
        );
        assert!(
            !is_signed_by(kept.as_bytes(), beside, &other.verifying, NOW),
            "{word}"
        );
        assert!(
            !is_signed_by(text.as_bytes(), None, &pair.verifying, NOW),
            "{word}"
        );
    }
}
