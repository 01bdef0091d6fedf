//! Webhooks in both forms of the keyed hash, right and wrong, made from one secret: whoever implements one can try them, and
//! so do we.
//!
//! `cargo run -p conformance --example hub_vectors -- DIR` writes them; a test compares what stands in
//! `conformance/vectors/opencrvs` with what this module makes, and judges each by [`certs::hub`]. The secret was made up for
//! these vectors; names and numbers are nobody's.

use certs::hub::{HubForm, HubSecret};
use schemas::wire::opencrvs::Raw;
use serde::{Deserialize, Serialize};

const SECRET: &str = "made up for these vectors";
const OTHER_SECRET: &str = "another secret of that length";

/// The vectors of one form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The form's word.
    pub form: String,
    /// What it covers, in a sentence.
    pub about: String,
    /// The registered secret, as text.
    pub secret: String,
    /// The webhooks.
    pub vectors: Vec<Vector>,
}

/// One webhook and what it proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vector {
    /// What is wrong with it, or that nothing is.
    pub name: String,
    /// `proven`, or the reason why it proves nothing.
    pub verdict: String,
    /// The header field `X-Hub-Signature`.
    pub signature: String,
    /// The body, to the byte.
    pub body: String,
}

/// Both suites, with the name of each file.
#[must_use]
pub fn all() -> Vec<(String, Suite)> {
    HubForm::ALL
        .into_iter()
        .map(|form| (format!("{}.json", form.as_str()), suite(form)))
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
    let Some(form) = HubForm::parse(&suite.form) else {
        return "no-such-form".to_owned();
    };
    let Some(covered) = covered(form, &vector.body) else {
        return "no-context".to_owned();
    };
    match HubSecret::new(form, suite.secret.as_bytes()).prove(covered, &vector.signature) {
        Ok(()) => PROVEN.to_owned(),
        Err(error) => error.reason().to_owned(),
    }
}

/// The received bytes that the form covers: the body, or its one context as it stands there.
fn covered(form: HubForm, body: &str) -> Option<&[u8]> {
    let raw = Raw::read(body.as_bytes()).ok()?;
    match (form, raw.contexts.as_slice()) {
        (HubForm::Sha256, _) => Some(body.as_bytes()),
        (HubForm::Sha1, [one]) => Some(one.as_bytes()),
        (HubForm::Sha1, _) => None,
    }
}

const PROVEN: &str = "proven";

/// A birth of nobody, with every kind of character that the two forms could spell otherwise.
fn body(topic: &str, name: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-09-21T14:13:20.000Z","id":"webhook-1","event":{{"hub":{{"topic":"{topic}"}},"context":[{{"resourceType":"Bundle","type":"document","entry":[{{"fullUrl":"/fhir/Patient/child","resource":{{"resourceType":"Patient","id":"child","name":[{{"use":"vi","family":"{name}","given":["Thị Hoà (Bé) Bình's *!~"]}}]}}}}]}}]}}}}"#
    )
}

fn suite(form: HubForm) -> Suite {
    let about = match form {
        HubForm::Sha256 => {
            "HMAC-SHA-256 of `sha256:` and the received body as encodeURIComponent spells it, in hex"
        }
        HubForm::Sha1 => {
            "HMAC-SHA-1 of the received bytes of event.context[0], in hex: neither topic nor time are covered"
        }
    };
    let suite = Suite {
        form: form.as_str().to_owned(),
        about: about.to_owned(),
        secret: SECRET.to_owned(),
        vectors: Vec::new(),
    };
    let vectors = cases(form)
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

fn cases(form: HubForm) -> Vec<(&'static str, String, String)> {
    let good = body("BIRTH_REGISTERED", "Đỗ");
    let sign = |form: HubForm, secret: &str, body: &str| {
        let secret = HubSecret::new(form, secret.as_bytes());
        secret.sign(covered(form, body).unwrap_or_default())
    };
    let signature = sign(form, SECRET, &good);
    let other_form = match form {
        HubForm::Sha256 => HubForm::Sha1,
        HubForm::Sha1 => HubForm::Sha256,
    };
    let hex = form.as_str().len() + 1;
    let later = good.replace("14:13:20.000Z", "14:13:21.000Z");
    let escaped = good.replace("Đỗ", "\\u0110\\u1ed7");
    let with = |signature: String| (signature, good.clone());
    let bent = |name, (signature, body): (String, String)| (name, signature, body);
    vec![
        bent("nothing is wrong", with(signature.clone())),
        (
            "another name than was signed",
            signature.clone(),
            body("BIRTH_REGISTERED", "Đồ"),
        ),
        (
            "the same value with other spaces in the context",
            signature.clone(),
            good.replace("\"type\":\"document\"", "\"type\": \"document\""),
        ),
        (
            "the same value with another spelling of a letter",
            signature.clone(),
            escaped,
        ),
        (
            "another topic than was signed",
            signature.clone(),
            body("DEATH_REGISTERED", "Đỗ"),
        ),
        ("another time than was signed", signature.clone(), later),
        bent("another secret", with(sign(form, OTHER_SECRET, &good))),
        bent("the other form", with(sign(other_form, SECRET, &good))),
        bent("no signature", with(String::new())),
        bent("no word before it", with(signature[hex..].to_owned())),
        bent(
            "one digit less",
            with(signature[..signature.len() - 1].to_owned()),
        ),
        bent("one digit more", with(format!("{signature}0"))),
        bent(
            "hex in upper case",
            with(format!(
                "{}={}",
                form.as_str(),
                signature[hex..].to_uppercase()
            )),
        ),
        bent(
            "all zeros",
            with(format!(
                "{}={}",
                form.as_str(),
                "0".repeat(signature.len() - hex)
            )),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/opencrvs/");
        std::fs::read_to_string(format!("{folder}{name}")).unwrap()
    }

    #[test]
    fn the_published_vectors_are_those_that_the_program_makes() {
        for (name, suite) in all() {
            assert!(
                file(&name) == text(&suite),
                "{name}: run the example hub_vectors"
            );
        }
    }

    #[test]
    fn every_published_vector_proves_what_it_says_and_for_its_own_reason() {
        for form in HubForm::ALL {
            let name = format!("{}.json", form.as_str());
            let suite: Suite = serde_json::from_str(&file(&name)).unwrap();
            // the short form covers neither topic nor time: whoever takes it has to know
            let uncovered = match form {
                HubForm::Sha256 => "hub-hmac",
                HubForm::Sha1 => PROVEN,
            };
            let expected = [
                ("nothing is wrong", PROVEN),
                ("another name than was signed", "hub-hmac"),
                (
                    "the same value with other spaces in the context",
                    "hub-hmac",
                ),
                (
                    "the same value with another spelling of a letter",
                    "hub-hmac",
                ),
                ("another topic than was signed", uncovered),
                ("another time than was signed", uncovered),
                ("another secret", "hub-hmac"),
                ("the other form", "hub-form"),
                ("no signature", "hub-form"),
                ("no word before it", "hub-form"),
                ("one digit less", "hub-form"),
                ("one digit more", "hub-form"),
                ("hex in upper case", "hub-form"),
                ("all zeros", "hub-hmac"),
            ];
            let said = suite.vectors.iter();
            let said: Vec<_> = said
                .map(|one| (one.name.as_str(), one.verdict.as_str()))
                .collect();
            assert_eq!(said, expected, "{name}");
            for vector in &suite.vectors {
                assert_eq!(judge(&suite, vector), vector.verdict, "{}", vector.name);
            }
        }
    }

    #[test]
    fn a_signature_over_nothing_proves_nothing() {
        let mut suite = suite(HubForm::Sha1);
        let empty = HubSecret::new(HubForm::Sha1, SECRET.as_bytes()).sign(b"");
        let vector = Vector {
            name: String::new(),
            verdict: String::new(),
            signature: empty,
            body: body("BIRTH_REGISTERED", "Đỗ")
                .replace("\"context\":[{", "\"context\":[],\"x\":[{"),
        };
        assert_eq!(judge(&suite, &vector), "no-context");
        suite.form = "md5".to_owned();
        assert_eq!(judge(&suite, &vector), "no-such-form");
    }
}
