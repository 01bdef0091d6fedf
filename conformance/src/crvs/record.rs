//! `notify_event` of one birth or one death, as Viet Nam's profile has it.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::clock;
use crate::dvclt::Birth;

/// The birth as an event of its own.
pub(super) fn birth(birth: &Birth, today: Date) -> Value {
    let (mother, number) = (&birth.mother, birth.case_id.replace("G22.99.08-", ""));
    event(
        &number,
        "live_birth",
        &json!({
            "identifier": [uin(&birth.pin), { "identifier_type": "BRN", "identifier_value": number }],
            "name": name(&birth.name),
            "sex": if birth.sex == 1 { "male" } else { "female" },
            "birth_date": birth.born.to_string(),
            "address": [{
                "address_line1": "Số 1, đường Mẫu",
                "sub_region_code": birth.commune,
                "region_code": birth.province,
            }],
            "parent1_identifier": uin(&mother.pin),
            "viet_nam": {
                "registration_date": today.to_string(),
                "registration_place": birth.commune,
                "registration_book": format!("01/{}", today.year()),
                "initial_facility": birth.facility,
                "ethnicity": "01",
                "nationality": "VN",
                "mother": { "name": name(&mother.name), "birth_date": mother.birth_date },
            },
        }),
    )
}

/// The death, yesterday, of somebody: number, surname and given name.
pub(super) fn death(
    number: u64,
    (pin, surname, given_name): (&str, &str, &str),
    today: Date,
) -> Value {
    let number = format!("D{number}/{}", today.year());
    event(
        &number,
        "death",
        &json!({
            "identifier": [uin(pin), { "identifier_type": "DRN", "identifier_value": number }],
            "name": { "surname": surname, "given_name": given_name },
            "death_date": today.saturating_sub(1.days()).to_string(),
            "viet_nam": { "registration_date": today.to_string() },
        }),
    )
}

fn event(number: &str, kind: &str, record: &Value) -> Value {
    json!({
        "reference_id": format!("r-{number}"),
        "timestamp": clock::rfc3339(clock::now()),
        "data": { "reg_type": "CRVS", "reg_event_type": kind, "reg_record_type": "CRVSPerson", "reg_records": [record] },
    })
}

fn uin(pin: &str) -> Value {
    json!({ "identifier_type": "UIN", "identifier_value": pin })
}

/// The first word is the surname, the last the given name, what is between the second name.
fn name(whole: &str) -> Value {
    let words: Vec<&str> = whole.split_whitespace().collect();
    let (Some((surname, rest)), true) = (words.split_first(), words.len() > 1) else {
        return json!({ "given_name": whole });
    };
    let (given, middle) = rest.split_last().unwrap_or((&"", &[]));
    json!({ "surname": surname, "second_name": middle.join(" "), "given_name": given })
}
