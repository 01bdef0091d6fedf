//! Messages of every dialect of DCI's signatures, right and wrong, made from fixed keys: whoever implements one can try
//! them, and so do we.
//!
//! `cargo run -p conformance --example dci_vectors -- DIR` writes them; a test compares what stands in
//! `conformance/vectors/dci` with what this module makes, and proves each by [`certs::dci`]. The Ed25519 key is that of
//! RFC 8037, appendix A.1; the RSA key and the secret were made up for these vectors and sign nothing else. Names and
//! numbers are nobody's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::dci::{self, Dialect, Said, Secret, SignedHead};
use certs::keys::{Algorithm, SigningKey, VerifyingKey};
use schemas::wire::dci::Raw;
use serde::{Deserialize, Serialize};

/// Whoever signs in the vectors.
const SENDER_ID: &str = "https://crvs.example";
/// Its key's name.
const KID: &str = "crvs-1";
/// 2026-09-21T14:13:20Z, when every vector is judged.
const NOW: i64 = 1_790_000_000;
/// The secret of `hmac-x`.
const SECRET: &str = "made up for these vectors";
const HEAD: SignedHead<'static> = SignedHead {
    path: "/registry/notify",
    host: "vss.example",
    date: "Mon, 21 Sep 2026 14:13:20 GMT",
    content_type: "application/json",
};
/// RFC 8037, A.1, as PKCS#8 (RFC 8410): 16 bytes in front of the seed.
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const RSA: &str = include_str!("../../vectors/dci/made-up-rsa.txt");

/// The vectors of one dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The dialect's word.
    pub dialect: String,
    /// What it covers, in a sentence.
    pub about: String,
    /// The registered algorithm; none of `hmac-x`.
    pub algorithm: Option<String>,
    /// The registered key, SubjectPublicKeyInfo in base64; none of `hmac-x`.
    pub key: Option<String>,
    /// The secret of `hmac-x`.
    pub secret: Option<String>,
    /// The registered `sender_id`.
    pub sender_id: String,
    /// The name of its key.
    pub kid: String,
    /// When the vectors are judged, seconds since 1970.
    pub now: i64,
    /// The request's path, Host, Date and Content-Type.
    pub head: [String; 4],
    /// The messages.
    pub vectors: Vec<Vector>,
}

/// One message and what it proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// What is wrong with it, or that nothing is.
    pub name: String,
    /// `proven`, or the reason why it proves nothing.
    pub verdict: String,
    /// The signature as it stands in the member or header field of the dialect.
    pub signature: String,
    /// The body without the member `signature`.
    pub body: String,
}

/// All suites, in the order of the dialects, with the name of each file.
#[must_use]
pub fn all() -> Vec<(String, Suite)> {
    Dialect::ALL
        .into_iter()
        .map(|dialect| (format!("{}.json", dialect.as_str()), suite(dialect)))
        .collect()
}

/// A suite as it stands in its file.
#[must_use]
pub fn text(suite: &Suite) -> String {
    let text = serde_json::to_string_pretty(suite).unwrap_or_default();
    format!("{text}\n")
}

/// What a reader finds: `proven`, or the reason why not.
#[must_use]
pub fn judge(suite: &Suite, vector: &Vector) -> String {
    let Some(dialect) = Dialect::parse(&suite.dialect) else {
        return "no-such-dialect".to_owned();
    };
    let Ok((raw, _)) = Raw::read(vector.body.as_bytes()) else {
        return "no-body".to_owned();
    };
    let said = Said {
        body: vector.body.as_bytes(),
        raw,
        sender_id: &suite.sender_id,
        signature: &vector.signature,
    };
    let [path, host, date, content_type] = &suite.head;
    let head = SignedHead {
        path,
        host,
        date,
        content_type,
    };
    let proven = match (&suite.secret, registered(suite)) {
        (Some(secret), _) => dci::prove_mac(&Secret::new(secret.as_bytes()), &said, &head),
        (None, Some((key, algorithm))) => match dci::key_hint(dialect, &said) {
            Ok(Some(kid)) if kid != suite.kid => return "unknown-key".to_owned(),
            Ok(_) => dci::prove(dialect, &said, (&key, algorithm), suite.now),
            Err(error) => Err(error),
        },
        (None, None) => return "no-key".to_owned(),
    };
    match proven {
        Ok(_) => PROVEN.to_owned(),
        Err(error) => error.reason().to_owned(),
    }
}

const PROVEN: &str = "proven";

fn registered(suite: &Suite) -> Option<(VerifyingKey, Algorithm)> {
    let spki = STANDARD.decode(suite.key.as_ref()?).ok()?;
    let algorithm = Algorithm::from_jws_name(suite.algorithm.as_ref()?)?;
    Some((VerifyingKey::from_spki_der(&spki).ok()?, algorithm))
}

/// PKCS#8 in base64, with or without line ends.
fn key(base64: &str, algorithm: Algorithm) -> SigningKey {
    let kind = "PRIVATE KEY";
    let pem = format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        base64.trim()
    );
    SigningKey::from_pem(pem.as_bytes(), Some(algorithm))
        .expect("the keys of the vectors are read in a test")
}

/// A birth of nobody; `name` is what the negative vectors bend.
fn body(sender_id: &str, name: &str) -> String {
    format!(
        r#"{{"header":{{"version":"1.0.0","message_id":"vector-00000001","message_ts":"2026-09-21T21:13:20+07:00","action":"notify","sender_id":"{sender_id}","receiver_id":"https://vss.example","total_count":1}},"message":{{"transaction_id":"t-1","notify_event":[{{"reference_id":"r-1","timestamp":"2026-09-21T21:13:20+07:00","data":{{"reg_event_type":"live_birth","reg_records":[{{"name":{{"surname":"{name}","second_name":"Thị Hoà","given_name":"Bình"}}}}]}}}}]}}}}"#
    )
}

fn suite(dialect: Dialect) -> Suite {
    let signing = match dialect {
        Dialect::HmacX => None,
        // RS256 is what the field has of it
        Dialect::JwsCompact => Some(key(RSA, Algorithm::Rs256)),
        _ => Some(key(ED25519, Algorithm::EdDsa)),
    };
    let suite = Suite {
        dialect: dialect.as_str().to_owned(),
        about: about(dialect).to_owned(),
        algorithm: signing
            .as_ref()
            .map(|key| key.algorithm().jws_name().to_owned()),
        key: signing
            .as_ref()
            .map(|key| STANDARD.encode(key.public_spki())),
        secret: signing.is_none().then(|| SECRET.to_owned()),
        sender_id: SENDER_ID.to_owned(),
        kid: KID.to_owned(),
        now: NOW,
        head: [HEAD.path, HEAD.host, HEAD.date, HEAD.content_type].map(str::to_owned),
        vectors: Vec::new(),
    };
    let vectors = cases(dialect, signing.as_ref())
        .into_iter()
        .map(|(name, signature, body)| {
            let mut vector = Vector {
                name: name.to_owned(),
                verdict: String::new(),
                signature,
                body,
            };
            vector.verdict = judge(&suite, &vector);
            vector
        })
        .collect();
    Suite { vectors, ..suite }
}

fn about(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::CavageJcs => {
            "member signature; lines (created), (expires), digest: SHA-256=<base64> of the RFC 8785 spelling of {header, message}"
        }
        Dialect::CavagePyJson => {
            "member signature; the same lines with a bare digest of the spelling of Python's json.dumps(sort_keys=True, separators=(',', ':'))"
        }
        Dialect::JwsCompact => {
            "member signature; a compact JWS whose payload is {header, message} as the body shows them"
        }
        Dialect::PartnerJwt => "header field Signature; a JWT whose payload is the body",
        Dialect::HmacX => {
            "header field x-HMAC; POST path, host, date, content-type and the body's SHA-256 in hex, a line each"
        }
        Dialect::JwsDetached => "header field X-JWS-Signature; a detached JWS over the body",
    }
}

type Case = (&'static str, String, String);

fn cases(dialect: Dialect, signing: Option<&SigningKey>) -> Vec<Case> {
    let good = body(SENDER_ID, "Đỗ");
    let sign =
        |body: &str, kid: &str, at: i64| signed(dialect, signing, (body, SENDER_ID, kid), at);
    let signature = sign(&good, KID, NOW);
    let spaced = good.replace(":{", " : {").replace(",\"", ", \"");
    let mut all: Vec<Case> = vec![
        ("nothing is wrong", signature.clone(), good.clone()),
        ("no signature", String::new(), good.clone()),
        (
            "another name than was signed",
            signature.clone(),
            body(SENDER_ID, "Đồ"),
        ),
        (
            "the same value with other spaces",
            signature.clone(),
            spaced,
        ),
        (
            "a signature for another path, or of another message",
            sign(&body(SENDER_ID, "Lê"), KID, NOW),
            good.clone(),
        ),
    ];
    if signing.is_some() {
        all.push((
            "a key of another name",
            sign(&good, "crvs-2", NOW),
            good.clone(),
        ));
    }
    match dialect {
        Dialect::CavageJcs | Dialect::CavagePyJson => {
            let with = |from: &str, to: &str| (signature.replace(from, to), good.clone());
            let bent = |name, (signature, body): (String, String)| (name, signature, body);
            let expires = format!("expires=\"{}\"", NOW + 300);
            all.extend([
                bent("namespace spdci", with("\"dci\"", "\"spdci\"")),
                bent("another namespace", with("\"dci\"", "\"x\"")),
                bent(
                    "kidId of another sender",
                    with(SENDER_ID, "https://other.example"),
                ),
                bent(
                    "another algorithm",
                    with("algorithm=\"ed25519\"", "algorithm=\"rsa\""),
                ),
                bent("something else is signed", with(" digest\"", "\"")),
                bent("expires far away", with(&expires, "expires=\"1890000000\"")),
                bent(
                    "a member twice",
                    with("namespace", "namespace=\"dci\", namespace"),
                ),
                ("expired", sign(&good, KID, NOW - 301), good.clone()),
                (
                    "at the end of its life",
                    sign(&good, KID, NOW - 300),
                    good.clone(),
                ),
                (
                    "created in the future",
                    sign(&good, KID, NOW + 61),
                    good.clone(),
                ),
                (
                    "created as far ahead as clocks may be",
                    sign(&good, KID, NOW + 60),
                    good.clone(),
                ),
                (
                    "a number with two spellings",
                    signature.clone(),
                    good.replace("\"total_count\":1", "\"total_count\":1.0"),
                ),
            ]);
        }
        Dialect::JwsCompact | Dialect::PartnerJwt | Dialect::JwsDetached => {
            let parts: Vec<&str> = signature.split('.').collect();
            let none =
                base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"crvs-1"}"#);
            all.extend([
                ("alg none", format!("{none}.{}.", parts[1]), good.clone()),
                (
                    "alg none, with the signature",
                    format!("{none}.{}.{}", parts[1], parts[2]),
                    good.clone(),
                ),
                ("two parts", parts[..2].join("."), good.clone()),
                ("padding", format!("{signature}="), good),
            ]);
        }
        Dialect::HmacX => {
            let with = |from: &str, to: &str| (signature.replace(from, to), good.clone());
            let bent = |name, (signature, body): (String, String)| (name, signature, body);
            all.extend([
                bent(
                    "credential of another sender",
                    with(SENDER_ID, "https://other.example"),
                ),
                bent("fewer headers are signed", with(";content-type", "")),
                bent("another scheme", with("HMAC-SHA256", "HMAC-SHA1")),
            ]);
        }
    }
    all
}

fn signed(
    dialect: Dialect,
    signing: Option<&SigningKey>,
    (body, sender_id, kid): (&str, &str, &str),
    at: i64,
) -> String {
    let Some(signing) = signing else {
        return dci::sign_mac(
            &Secret::new(SECRET.as_bytes()),
            sender_id,
            body.as_bytes(),
            &HEAD,
        );
    };
    let (raw, _) = Raw::read(body.as_bytes()).expect("the bodies are of this module");
    let said = Said {
        body: body.as_bytes(),
        raw,
        sender_id,
        signature: "",
    };
    dci::sign(dialect, &said, (signing, kid), at).expect("the keys of the vectors sign")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/dci/");
        std::fs::read_to_string(format!("{folder}{name}")).unwrap()
    }

    #[test]
    fn the_published_vectors_are_those_that_the_program_makes() {
        for (name, suite) in all() {
            assert!(
                file(&name) == text(&suite),
                "{name}: run the example dci_vectors"
            );
        }
    }

    #[test]
    fn every_published_vector_proves_what_it_says() {
        for (name, _) in all() {
            let suite: Suite = serde_json::from_str(&file(&name)).unwrap();
            let proven = suite
                .vectors
                .iter()
                .filter(|vector| vector.verdict == PROVEN);
            assert!(proven.count() >= 1, "{name}");
            let refused = suite
                .vectors
                .iter()
                .filter(|vector| vector.verdict != PROVEN);
            assert!(refused.count() >= 4, "{name}");
            for vector in &suite.vectors {
                assert_eq!(
                    judge(&suite, vector),
                    vector.verdict,
                    "{name}: {}",
                    vector.name
                );
            }
        }
    }

    #[test]
    fn what_must_be_refused_is_and_for_its_own_reason() {
        let verdict = |dialect: Dialect, name: &str| {
            let suite = suite(dialect);
            let found = suite.vectors.into_iter().find(|vector| vector.name == name);
            found.map(|vector| vector.verdict).unwrap_or_default()
        };
        for dialect in Dialect::ALL {
            assert_eq!(verdict(dialect, "nothing is wrong"), PROVEN);
            for name in [
                "no signature",
                "another name than was signed",
                "a signature for another path, or of another message",
            ] {
                assert_ne!(
                    verdict(dialect, name),
                    PROVEN,
                    "{}: {name}",
                    dialect.as_str()
                );
            }
            // a spelling is over values, everything else over bytes
            let spaced = verdict(dialect, "the same value with other spaces") == PROVEN;
            assert_eq!(spaced, dialect.header().is_none(), "{}", dialect.as_str());
        }
        for dialect in [Dialect::CavageJcs, Dialect::CavagePyJson] {
            for (name, expected) in [
                ("namespace spdci", PROVEN),
                ("at the end of its life", PROVEN),
                ("created as far ahead as clocks may be", PROVEN),
                ("expired", "dci-expired"),
                ("created in the future", "dci-created-later"),
                ("expires far away", "dci-life-too-long"),
                ("kidId of another sender", "dci-kid-of-another"),
                ("another algorithm", "dci-kid-of-another"),
                ("a member twice", "dci-signature-form"),
                ("a number with two spellings", "dci-number-spelling"),
                ("a key of another name", "unknown-key"),
            ] {
                assert_eq!(
                    verdict(dialect, name),
                    expected,
                    "{}: {name}",
                    dialect.as_str()
                );
            }
        }
    }
}
