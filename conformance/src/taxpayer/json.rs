//! The same words as JSON with a detached JWS, by a reader and an emitter of their own: a body becomes the elements that
//! the checker judges, and an answer's elements become members.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest::content_digest;
use certs::jws::{self, Direction};
use certs::keys::SigningKey;
use schemas::fault::FaultCode;
use serde_json::{Map, Value, json};

use super::question::{Question, Wrong, said};
use super::words::Binding;
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::jws::fresh_id;
use crate::xml::{self, Element};

/// Proves a body beside its detached JWS and reads the question in it.
pub(super) fn proven(
    identity: &Identity,
    detached: Option<&str>,
    body: &[u8],
) -> Result<Question, Wrong> {
    let bad = (FaultCode::BadSignature, "signature", "Signature");
    let malformed = (FaultCode::Malformed, "json", "body");
    let unproven = jws::parse(detached.ok_or(bad)?).map_err(|_| bad)?;
    let proof = unproven.verify(&identity.gateway_key, identity.gateway_algorithm, body);
    let header = proof.map_err(|_| bad)?.into_header();
    for (holds, code, element) in [
        (
            header.kid == identity.gateway_kid,
            FaultCode::BadSignature,
            "kid",
        ),
        (
            header.dir == Direction::Request,
            FaultCode::Invalid,
            "Direction",
        ),
        (
            header.env == identity.environment,
            FaultCode::Invalid,
            "Environment",
        ),
        (
            header.iss == identity.receiver.as_str(),
            FaultCode::Unauthenticated,
            "Sender",
        ),
        (
            header.aud == identity.partner.as_str(),
            FaultCode::Invalid,
            "Receiver",
        ),
        (header.irt.is_none(), FaultCode::Invalid, "InReplyTo"),
    ] {
        if !holds {
            return Err((code, "header", element));
        }
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| malformed)?;
    let members = value.as_object().filter(|members| members.len() == 1);
    let (name, inside) = members.and_then(|all| all.iter().next()).ok_or(malformed)?;
    let digest = content_digest(&header.op, &header.iss, &header.aud, body);
    Ok(Question {
        id: header.jti,
        digest: hex::encode(digest),
        sent_at: jiff::Timestamp::from_second(header.iat).ok(),
        asked: said(&header.op, &element(name, inside)),
        operation: header.op,
    })
}

/// A member as an element: a list of words has each in a `Field`, every other list is the element again and again.
fn element(name: &str, value: &Value) -> Element {
    let mut one = Element {
        name: name.to_owned(),
        attributes: Vec::new(),
        children: Vec::new(),
        text: String::new(),
        span: (0, 0),
    };
    match value {
        Value::Object(members) => {
            let children = members.iter().flat_map(|(name, value)| match value {
                Value::Array(items) if !LISTS_OF_FIELDS.contains(&name.as_str()) => {
                    items.iter().map(|item| element(name, item)).collect()
                }
                value => vec![element(name, value)],
            });
            one.children = children.collect();
        }
        Value::Array(items) => {
            one.children = items.iter().map(|item| element("Field", item)).collect();
        }
        Value::String(text) => one.text.clone_from(text),
        other => one.text = other.to_string(),
    }
    one
}

/// A signed answer to a question: the body, and the detached JWS beside it.
pub(super) fn signed(
    identity: &Identity,
    question: &Question,
    binding: &Binding,
    key: &SigningKey,
    body: &str,
) -> Result<(Vec<u8>, String), Trouble> {
    let body = spelled(body)?;
    let header = json!({
        "alg": key.algorithm().jws_name(),
        "kid": identity.kid,
        "typ": "lienthong+jws",
        "iss": identity.partner.as_str(),
        "aud": identity.receiver.as_str(),
        "jti": fresh_id(identity),
        "iat": clock::now().as_second(),
        "env": identity.environment,
        "dir": "answer",
        "op": question.operation,
        "irt": binding.id,
        "dig": binding.digest,
    });
    let protected = URL_SAFE_NO_PAD.encode(header.to_string());
    let input = format!("{protected}.{}", URL_SAFE_NO_PAD.encode(&body));
    let signature = key
        .sign(input.as_bytes())
        .map_err(|error| Trouble::Sign(error.to_string()))?;
    let signature = URL_SAFE_NO_PAD.encode(signature);
    Ok((body, format!("{protected}..{signature}")))
}

/// An answer's element as JSON.
pub(super) fn spelled(body: &str) -> Result<Vec<u8>, Trouble> {
    let root = xml::read(body).ok_or_else(|| Trouble::answer("an answer of ours"))?;
    let mut whole = Map::new();
    whole.insert(root.name.clone(), value(&root));
    Ok(Value::Object(whole).to_string().into_bytes())
}

fn value(one: &Element) -> Value {
    if LISTS_OF_FIELDS.contains(&one.name.as_str()) {
        let words = one.children.iter().map(|word| json!(word.text));
        return Value::Array(words.collect());
    }
    if NUMBERS.contains(&one.name.as_str()) {
        return one.text.parse::<i64>().map_or(Value::Null, Value::from);
    }
    if one.children.is_empty() && !OBJECTS.contains(&one.name.as_str()) {
        return json!(one.text);
    }
    let mut members = Map::new();
    for child in &one.children {
        match (
            REPEATED.contains(&child.name.as_str()),
            members.get_mut(&child.name),
        ) {
            (true, Some(Value::Array(items))) => items.push(value(child)),
            (true, _) => {
                let items = Value::Array(vec![value(child)]);
                members.insert(child.name.clone(), items);
            }
            (false, _) => {
                members.insert(child.name.clone(), value(child));
            }
        }
    }
    Value::Object(members)
}

const LISTS_OF_FIELDS: [&str; 2] = ["Fields", "NotDisclosed"];
/// Elements that are objects with nothing in them, too.
const OBJECTS: [&str; 2] = ["Payers", "LookUpNoticesResult"];
const REPEATED: [&str; 6] = ["Line", "Payer", "Held", "Sent", "Summary", "Finding"];
const NUMBERS: [&str; 17] = [
    "SentTotal",
    "Chunks",
    "Number",
    "Records",
    "Amount",
    "Progress",
    "Page",
    "Pages",
    "Found",
    "Count",
    "Headcount",
    "IncomePaid",
    "MonthsPaid",
    "IncomeTotal",
    "Months",
    "Income",
    "RetryAfter",
];

#[cfg(test)]
mod tests {
    use schemas::wire::tax::taxpayer::{Answer, json as published};

    use super::*;

    #[test]
    fn an_answer_is_what_the_published_words_read() {
        for body in [
            "<VerifyEmployerResult><Result>hasData</Result><Mst>9900000016</Mst><Period>2026-10</Period>\
             <Status><Code>00</Code><Since>2026-01-01</Since></Status><Headcount>3</Headcount>\
             <NotDisclosed><Field>name</Field></NotDisclosed></VerifyEmployerResult>",
            "<VerifyIndividualResult><Result>hasData</Result><Mst>099300123456</Mst><From>2026-10</From>\
             <To>2026-10</To><Payers></Payers></VerifyIndividualResult>",
            "<LookUpNoticesResult></LookUpNoticesResult>",
            "<LookUpNoticesResult><Held>vss-0000001</Held><Sent><Notice>tax-0000001</Notice>\
             <SentAt>2026-11-22T05:00:00Z</SentAt></Sent><SentTotal>1</SentTotal></LookUpNoticesResult>",
            "<VerifyManyResult><Line><Refused><Key>9900000016</Key><Code>AMBIGUOUS-SUBJECT</Code>\
             <Reason>several</Reason></Refused></Line></VerifyManyResult>",
        ] {
            let text = spelled(body).unwrap();
            let read = published::decode_answer(&text);
            assert!(read.is_ok(), "{body}: {read:?}");
        }
        let text = spelled(
            "<RequestMonthReceipt><ReceivedAt>2026-11-22T05:00:00Z</ReceivedAt></RequestMonthReceipt>",
        );
        let read = published::decode_answer(&text.unwrap()).unwrap();
        assert!(matches!(read, Answer::Month(_)));
    }
}
