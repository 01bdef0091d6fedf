//! The checker of our answers to `NhanDKHT` and `LayKetQua`.

use serde_json::Value;

use super::CardSeen;
use crate::call::{Params, Prepared, Trouble};
use crate::client::Reply;
use crate::identity::Identity;
use crate::jws;

/// Proves that a reply is the gateway's signed answer to `sent` and gives its plain members.
pub(super) fn proven(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Params, Trouble> {
    let body = jws::proven_answer(identity, sent, reply)?;
    let Value::Object(members) = &body else {
        return Err(Trouble::answer("the answer is no object"));
    };
    let answer: Params = members
        .iter()
        .filter_map(|(name, value)| plain(value).map(|text| (name.clone(), text)))
        .collect();
    let status = answer.get("status").map(String::as_str);
    let described = answer
        .get("statusDescription")
        .is_some_and(|text| !text.is_empty());
    let silent = |name: &str| answer.get(name).is_some_and(String::is_empty);
    match sent.operation.as_str() {
        _ if status != Some("1") => Err(Trouble::answer("an answer without fault has status 1")),
        _ if !described => Err(Trouble::answer("no statusDescription")),
        "civil.birth" if !(silent("errorCode") && silent("errorDescription")) => Err(
            Trouble::answer("an accepted case has empty errorCode and errorDescription"),
        ),
        _ => Ok(answer),
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The row of the one case that was asked for.
pub(super) fn only_row(body: &[u8], case_id: &str) -> Result<Value, Trouble> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Trouble::answer("not JSON"))?;
    let rows = body
        .get("value")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    match rows {
        [row] if row.get("maHoSoLT").and_then(Value::as_str) == Some(case_id) => Ok(row.clone()),
        _ => Err(Trouble::answer(
            "LayKetQua does not answer with exactly the case asked for",
        )),
    }
}

/// The card in a row, from state 4 on; a state before it has none.
pub(super) fn card(row: &Value) -> Result<Option<CardSeen>, Trouble> {
    let state = row.get("trangThai").and_then(Value::as_u64);
    match state {
        Some(1 | 3) => return Ok(None),
        Some(4 | 5) => {}
        other => {
            return Err(Trouble::answer(format!(
                "trangThai {other:?} for an accepted case"
            )));
        }
    }
    let text = row.get("ketQuaXuLy").and_then(Value::as_str);
    let result: Value = text
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Trouble::answer("ketQuaXuLy is no JSON string"))?;
    let member = |name: &str| {
        result
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Trouble::answer(format!("ketQuaXuLy has no {name}")))
    };
    Ok(Some(CardSeen {
        si_number: member("maSoBHXH")?,
        number: member("maThe")?,
        valid_from: member("gtTheTu")?,
        valid_to: member("gtTheDen")?,
        facility: member("maDKBD")?,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_before_state_4_has_no_card_and_a_refused_one_is_told() {
        assert_eq!(card(&json!({"trangThai": 3})).unwrap(), None);
        assert!(card(&json!({"trangThai": 6})).is_err());
        assert!(card(&json!({"trangThai": 4})).is_err());
    }

    #[test]
    fn a_card_is_read_from_the_inner_string() {
        let inner = json!({"maSoBHXH":"9900000001","maThe":"TE1019900000001","gtTheTu":"05/10/2026",
            "gtTheDen":"05/10/2032","maDKBD":"01001"});
        let row = json!({"trangThai": 4, "ketQuaXuLy": inner.to_string()});
        assert_eq!(card(&row).unwrap().unwrap().facility, "01001");
    }

    #[test]
    fn rows_of_other_cases_are_refused() {
        let body = json!({"value": [{"maHoSoLT": "a"}, {"maHoSoLT": "b"}]}).to_string();
        assert!(only_row(body.as_bytes(), "a").is_err());
        let body = json!({"value": [{"maHoSoLT": "a"}]}).to_string();
        assert!(only_row(body.as_bytes(), "a").is_ok());
        assert!(only_row(body.as_bytes(), "b").is_err());
    }
}
