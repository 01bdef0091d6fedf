//! A record of OpenCRVS 2.0 at the moment when somebody asks to register it: declared and accepted, and the registration requested.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::opencrvs::bundle::Registered;

/// A birth, under these ids of the record and of the action that is asked for.
#[must_use]
pub fn birth(child: &Registered, (event, action): (&str, &str)) -> Value {
    let (mother, mother_pin, mother_born) = &child.mother;
    let declared = json!({
        "child.name": name(&child.name),
        "child.gender": gender(child.sex),
        "child.dob": child.born,
        "child.nid": child.pin,
        "child.commune": child.commune,
        "child.addressLine": "Số 1, đường Mẫu",
        "child.initialFacility": child.facility,
        "child.reason": null,
        "mother.name": name(mother),
        "mother.dob": mother_born,
        "mother.nid": mother_pin,
        "father.detailsNotAvailable": true,
        "informant.relation": "MOTHER",
        "informant.email": "nobody@example.org",
    });
    record(
        "birth",
        &child.at,
        (event, action),
        &declared,
        &child.number,
    )
}

/// The death of the child.
#[must_use]
pub fn death(child: &Registered, number: &str, on: Date, (event, action): (&str, &str)) -> Value {
    let declared = json!({
        "deceased.name": name(&child.name),
        "deceased.gender": gender(child.sex),
        "deceased.dob": child.born,
        "deceased.nid": child.pin,
        "eventDetails.date": on.to_string(),
        "eventDetails.mannerOfDeath": "MANNER_NATURAL",
    });
    record("death", &child.at, (event, action), &declared, number)
}

fn record(
    kind: &str,
    at: &str,
    (event, action): (&str, &str),
    declared: &Value,
    number: &str,
) -> Value {
    let before: Timestamp = at.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let before = |seconds: i64| {
        let second = before.as_second() - seconds;
        Timestamp::from_second(second).unwrap_or(before).to_string()
    };
    // what is declared is said in the request, and accepted by an action of its own
    json!({
        "id": event,
        "type": kind,
        "createdAt": before(300),
        "updatedAt": at,
        "trackingId": "BN6TQN",
        "actions": [
            done("00000000-0000-4000-8000-000000000001", "CREATE", "Accepted", &before(300), json!({})),
            done("00000000-0000-4000-8000-000000000002", "DECLARE", "Requested", &before(200), declared.clone()),
            accepted("00000000-0000-4000-8000-000000000003", "DECLARE", &before(199), "00000000-0000-4000-8000-000000000002"),
            asked(action, at, number),
        ],
    })
}

fn done(id: &str, kind: &str, status: &str, at: &str, declared: Value) -> Value {
    json!({
        "id": id, "transactionId": format!("t-{id}"), "type": kind, "status": status, "createdAt": at,
        "createdBy": "6f0a1c9e-0000-4000-8000-00000000beef", "createdByUserType": "user",
        "createdByRole": "LOCAL_REGISTRAR", "createdBySignature": null, "createdAtLocation": null,
        "declaration": declared, "annotation": {}, "originalActionId": null,
    })
}

fn accepted(id: &str, kind: &str, at: &str, original: &str) -> Value {
    let mut action = done(id, kind, "Accepted", at, json!({}));
    action["originalActionId"] = original.into();
    action
}

fn asked(id: &str, at: &str, number: &str) -> Value {
    let mut action = done(id, "REGISTER", "Requested", at, json!({}));
    action["registrationNumber"] = number.into();
    action
}

/// In Viet Nam's order: family name, what stands between, given name.
fn name(whole: &str) -> Value {
    let mut parts: Vec<&str> = whole.split(' ').collect();
    let surname = if parts.is_empty() {
        ""
    } else {
        parts.remove(0)
    };
    let firstname = parts.pop().unwrap_or_default();
    json!({ "surname": surname, "middlename": parts.join(" "), "firstname": firstname })
}

fn gender(sex: u8) -> &'static str {
    match sex {
        1 => "male",
        _ => "female",
    }
}
