//! Every case of the published vectors gets its verdict from our own verify functions.
//!
//! Origin: C2SP/wycheproof testvectors_v1 (Apache-2.0). They are read from beside the project when they
//! are there and are not part of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::jws;
use certs::keys::{Algorithm, VerifyingKey};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use serde_json::Value;

use super::support::PARTNER;

/// What became of the cases of one file.
#[derive(Default)]
struct Tally {
    passed: usize,
    wrong: Vec<String>,
    /// Valid cases in algorithms outside our list, counted by algorithm.
    refused_by_policy: BTreeMap<String, usize>,
    /// Cases that none of our functions decides, counted by reason.
    excluded: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Compares our verdict (or the reason of the refusal) with the file's.
    fn judge(&mut self, case: &Value, verdict: Result<(), &'static str>) {
        match (case["result"].as_str().unwrap(), verdict) {
            ("valid", Ok(())) | ("invalid", Err(_)) | ("acceptable", _) => self.passed += 1,
            (expected, verdict) => self.wrong.push(format!(
                "case {} ({}) is {expected}, our verdict {verdict:?}",
                case["tcId"], case["comment"]
            )),
        }
    }

    /// The same for an algorithm outside our list: whatever the file says, we must refuse.
    fn judge_outside_list(
        &mut self,
        algorithm: &str,
        case: &Value,
        verdict: Result<(), &'static str>,
    ) {
        if case["result"] == "valid" && verdict.is_err() {
            *self
                .refused_by_policy
                .entry(algorithm.to_owned())
                .or_default() += 1;
        } else {
            self.judge(case, verdict);
        }
    }

    /// Leaves a case out, for the reason that the file of exclusions gives under this key.
    fn exclude(&mut self, key: &str) {
        let mut lines = include_str!("vectors.exclusions").lines();
        let reason =
            lines.find_map(|line| line.split_once('\t').filter(|(known, _)| *known == key));
        let (_, reason) = reason.unwrap();
        *self.excluded.entry(reason).or_default() += 1;
    }

    fn report(self, file: &str, total: usize) {
        let by_policy: usize = self.refused_by_policy.values().sum();
        let excluded: usize = self.excluded.values().sum();
        let run = self.passed + self.wrong.len() + by_policy;
        println!(
            "wycheproof {file}: {} passed, {run} run, {by_policy} valid but refused by policy {:?}, \
             {excluded} excluded {:?}",
            self.passed, self.refused_by_policy, self.excluded,
        );
        assert!(self.wrong.is_empty(), "{file}: {:#?}", self.wrong);
        assert_eq!(run + excluded, total, "{file}: every case is counted");
        assert!(self.passed > 0, "{file}: something must have run");
    }
}

fn vectors(file: &str) -> Option<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/vectors/wycheproof")
        .join(file);
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("not run: vectors absent ({file})");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn groups(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    file["testGroups"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| {
            group["tests"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |case| (group, case))
        })
}

fn total(file: &Value) -> usize {
    usize::try_from(file["numberOfTests"].as_u64().unwrap()).unwrap()
}

fn bytes(hex_text: &Value) -> Vec<u8> {
    hex::decode(hex_text.as_str().unwrap()).unwrap()
}

/// Runs a file of signature cases with one of our verify functions.
fn run_signatures(
    name: &str,
    verify: impl Fn(&VerifyingKey, &[u8], &[u8]) -> Result<(), &'static str>,
) {
    let Some(file) = vectors(name) else { return };
    let mut tally = Tally::default();
    for (group, case) in groups(&file) {
        let verdict = VerifyingKey::from_spki_der(&bytes(&group["publicKeyDer"]))
            .map_err(|refused| refused.reason())
            .and_then(|key| verify(&key, &bytes(&case["msg"]), &bytes(&case["sig"])));
        tally.judge(case, verdict);
    }
    tally.report(name, total(&file));
}

#[test]
fn ecdsa_p256_in_der_is_judged_as_published() {
    run_signatures(
        "ecdsa_secp256r1_sha256_test.json",
        |key, message, signature| {
            key.verify_der(message, signature)
                .map_err(|refused| refused.reason())
        },
    );
}

#[test]
fn ecdsa_p256_in_p1363_is_judged_as_published() {
    run_signatures(
        "ecdsa_secp256r1_sha256_p1363_test.json",
        |key, message, signature| {
            key.verify(Algorithm::Es256, message, signature)
                .map_err(|refused| refused.reason())
        },
    );
}

#[test]
fn rsa_2048_sha256_is_judged_as_published() {
    run_signatures(
        "rsa_signature_2048_sha256_test.json",
        |key, message, signature| {
            key.verify(Algorithm::Rs256, message, signature)
                .map_err(|refused| refused.reason())
        },
    );
}

#[test]
fn json_web_signatures_are_judged_as_published() {
    let name = "json_web_signature_test.json";
    let Some(file) = vectors(name) else { return };
    let mut tally = Tally::default();
    for (group, case) in groups(&file) {
        let jwk = if group["public"].is_object() {
            &group["public"]
        } else {
            &group["private"]
        };
        judge_jws(&mut tally, jwk, case);
    }
    tally.report(name, total(&file));
}

#[test]
fn json_web_keys_are_judged_as_published() {
    let name = "json_web_key_test.json";
    let Some(file) = vectors(name) else { return };
    let mut tally = Tally::default();
    for (group, case) in groups(&file) {
        let set = if group["public"].is_object() {
            &group["public"]
        } else {
            &group["private"]
        };
        let keys = set["keys"].as_array().unwrap();
        if group["comment"] == "jws_rsa_roca_key" {
            tally.exclude("no-roca-test");
            continue;
        }
        // of a set, our directory would hold the key under this kid; the sets here are symmetric anyway
        judge_jws(&mut tally, &keys[0], case);
    }
    tally.report(name, total(&file));
}

/// Takes the key into a directory entry (key and algorithm) as registration would, then verifies.
fn judge_jws(tally: &mut Tally, jwk: &Value, case: &Value) {
    if jwk["use"] == "enc" || jwk["key_ops"] == serde_json::json!(["encrypt"]) {
        return tally.exclude("encryption-key");
    }
    let text = match &case["jws"] {
        Value::String(text) => text.clone(),
        // the JSON serialisation: not three parts, whatever it says
        other => other.to_string(),
    };
    let name = jwk["alg"].as_str().unwrap_or("no alg");
    let Some(algorithm) = Algorithm::from_jws_name(name) else {
        // cannot be registered: a key of ours must refuse it
        let verdict = verify(&text, &PARTNER.verifying, Algorithm::Es256);
        return tally.judge_outside_list(name, case, verdict);
    };
    let verdict = match public_key(jwk) {
        Some(spki) => VerifyingKey::from_spki_der(&spki)
            .map_err(|refused| refused.reason())
            .and_then(|key| verify(&text, &key, algorithm)),
        None => Err("key-unsupported"),
    };
    if matches!(verdict, Err("alg-unknown" | "algorithm-mismatch")) {
        // a key of ours is registered for one algorithm
        tally.judge_outside_list("other alg in the header", case, verdict);
    } else {
        tally.judge(case, verdict);
    }
}

fn verify(text: &str, key: &VerifyingKey, algorithm: Algorithm) -> Result<(), &'static str> {
    jws::verify_compact(text, key, algorithm)
        .map(|_| ())
        .map_err(|refused| refused.reason())
}

/// The JWK's public half as SubjectPublicKeyInfo; `None` when it is no key of its kind.
fn public_key(jwk: &Value) -> Option<Vec<u8>> {
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok()?;
        BigNum::from_slice(&bytes).ok()
    };
    match jwk["kty"].as_str()? {
        "RSA" => {
            let key = Rsa::from_public_components(number("n")?, number("e")?).ok()?;
            PKey::from_rsa(key).ok()?.public_key_to_der().ok()
        }
        "EC" if jwk["crv"] == "P-256" || jwk["crv"] == "P-384" => {
            let name = if jwk["crv"] == "P-256" {
                Nid::X9_62_PRIME256V1
            } else {
                Nid::SECP384R1
            };
            let curve = EcGroup::from_curve_name(name).ok()?;
            let (x, y) = (number("x")?, number("y")?);
            let key = EcKey::from_public_key_affine_coordinates(&curve, &x, &y).ok()?;
            PKey::from_ec_key(key).ok()?.public_key_to_der().ok()
        }
        _ => None,
    }
}
