//! The same questions as JSON with a detached JWS, by an emitter of their own, and the answers judged.

use serde_json::{Value, json};

use super::answer;
use crate::call::{Params, Prepared, Trouble};
use crate::client::Reply;
use crate::identity::Identity;
use crate::jws::{self, Draft};

/// The route of every JSON message of these words.
pub(crate) const PATH: &str = "/tax/v1/json";

/// A message before it is signed.
pub(crate) fn draft(identity: &Identity, operation: &str, body: Value) -> Draft {
    Draft::new(identity, operation, PATH, body.to_string().into_bytes())
}

/// `Ping`, with a nonce that comes back.
pub(crate) fn ping(nonce: Option<&str>) -> Value {
    match nonce {
        Some(nonce) => json!({ "Ping": { "Nonce": nonce } }),
        None => json!({ "Ping": {} }),
    }
}

/// `VerifyEmployer`; `fields` joined by commas.
pub(crate) fn verify_employer(mst: &str, period: &str, fields: &str, purpose: &str) -> Value {
    let fields: Vec<&str> = fields.split(',').map(str::trim).collect();
    json!({ "VerifyEmployer": {
        "Mst": mst, "Period": period, "Fields": fields, "Purpose": purpose,
    } })
}

/// Proves that a reply is the gateway's signed answer to `sent` and gives the body's members as the
/// checker of XML answers does.
pub(super) fn proven(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Params, Trouble> {
    let body = jws::proven_answer(identity, sent, reply)?;
    let expected = match sent.operation.as_str() {
        "tax.ping" => "Pong",
        _ => "VerifyEmployerResult",
    };
    let members = body
        .as_object()
        .filter(|all| all.len() == 1)
        .and_then(|all| all.get(expected))
        .and_then(Value::as_object)
        .ok_or_else(|| Trouble::answer("another body"))?;
    let told: Params = members
        .iter()
        .map(|(name, value)| (name.clone(), flat(value)))
        .collect();
    if expected == "VerifyEmployerResult" {
        answer::follows(&asked(sent)?, &told)?;
    }
    Ok(told)
}

/// Texts and numbers as they are; lists and parts joined by commas, parts in the order of the schema.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(","),
        Value::Object(members) => {
            let known = PARTS.iter().filter_map(|name| members.get(*name));
            known.map(flat).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// The members of the parts whose order means something to the checker.
const PARTS: [&str; 5] = ["Current", "Months1", "Months3", "Months6", "Months12"];

/// What the message asked, read back from the bytes that went out.
fn asked(sent: &Prepared) -> Result<answer::Asked, Trouble> {
    let unreadable = || Trouble::answer("the request cannot be read back");
    let value: Value = serde_json::from_slice(&sent.body).map_err(|_| unreadable())?;
    let ask = value.get("VerifyEmployer").ok_or_else(unreadable)?;
    let text = |name: &str| ask[name].as_str().unwrap_or_default().to_owned();
    let fields = ask["Fields"].as_array().ok_or_else(unreadable)?;
    Ok(answer::Asked {
        mst: text("Mst"),
        period: text("Period"),
        fields: fields
            .iter()
            .filter_map(|field| field.as_str().map(str::to_owned))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_what_the_published_words_read() {
        let body = verify_employer("9900000016", "2026-09", "fund,arrears", "x-1");
        let read = schemas::wire::tax::json::decode_request(body.to_string().as_bytes());
        assert!(matches!(
            read,
            Ok(schemas::wire::tax::Request::VerifyEmployer(_))
        ));
    }

    #[test]
    fn parts_are_joined_in_the_order_of_the_schema() {
        let age = json!({ "Months12": 5, "Current": 1, "Months6": 4, "Months1": 2, "Months3": 3 });
        assert_eq!(flat(&age), "1,2,3,4,5");
        assert_eq!(flat(&json!(["fund", "paid"])), "fund,paid");
    }
}
