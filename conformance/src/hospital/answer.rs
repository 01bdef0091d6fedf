//! The checker of our answers to hospitals, and of the card in them.

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::date::in_viet_nam;
use serde_json::Value;

use super::Birth;
use crate::call::{self, Params, Prepared, Trouble};
use crate::client::Reply;
use crate::clock;
use crate::identity::Identity;
use crate::jws;

/// A row of `dsTheTam`.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    /// `ketQua`.
    pub outcome: String,
    /// `maSoBHXH`; empty where it has none.
    pub si_number: String,
    /// `maTheTam`; empty where it has none.
    pub card: String,
    /// `gtTheTu` and `gtTheDen`, `dd/MM/yyyy`.
    pub valid: (String, String),
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Given({}, ***)", self.outcome)
    }
}

impl Given {
    /// A temporary card: of the child's province and number, from its birth for as long as a birth may be registered.
    pub(crate) fn judge(&self, birth: &Birth) -> Result<(), Trouble> {
        let slash = |day: Date| day.strftime("%d/%m/%Y").to_string();
        let valid = (slash(birth.born), slash(expected_end(birth.born)));
        for (holds, what) in [
            (
                self.outcome == "1",
                "a birth that nobody knows has no temporary card",
            ),
            (self.si_number.len() == 10, "maSoBHXH has ten digits"),
            (
                self.card == format!("TE1{}{}", birth.province, self.si_number),
                "a card of another object, level, province or number",
            ),
            (self.valid == valid, "a temporary card of other days"),
        ] {
            if !holds {
                return Err(Trouble::answer(what));
            }
        }
        Ok(())
    }
}

/// The last day of a temporary card: the 60th after the birth (Law on Civil Status 60/2014/QH13 art. 15.1).
pub fn expected_end(born: Date) -> Date {
    born.saturating_add(60.days())
}

/// Proves that a reply is the gateway's signed answer to `sent` and gives its plain members.
pub(super) fn proven(
    identity: &Identity,
    sent: &Prepared,
    reply: &Reply,
) -> Result<Params, Trouble> {
    let body = jws::proven_answer(identity, sent, reply)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let received = text("thoiGianTiepNhan");
    let year = in_viet_nam(clock::now()).strftime("%Y").to_string();
    for (holds, what) in [
        (
            text("maKetQua") == "200",
            "an answer without fault has maKetQua 200",
        ),
        (
            uuid::Uuid::try_parse(text("maGD")).is_ok(),
            "maGD names no exchange",
        ),
        (
            received.len() == 14 && received.starts_with(&year),
            "thoiGianTiepNhan is no time of now",
        ),
        (!text("message").is_empty(), "no message"),
        (call::evidence(reply).is_some(), "no Lienthong-Evidence"),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    let members = ["maKetQua", "maGD", "thoiGianTiepNhan", "message"];
    Ok(members
        .iter()
        .map(|name| ((*name).to_owned(), text(name).to_owned()))
        .collect())
}

/// The rows of an answer.
pub(crate) fn given(body: &[u8]) -> Result<Vec<Given>, Trouble> {
    let body: Value = serde_json::from_slice(body).map_err(|_| Trouble::answer("not JSON"))?;
    let rows = body.get("dsTheTam").and_then(Value::as_array);
    let row = |row: &Value| {
        let text = |name: &str| {
            let text = row.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Given {
            outcome: text("ketQua"),
            si_number: text("maSoBHXH"),
            card: text("maTheTam"),
            valid: (text("gtTheTu"), text("gtTheDen")),
        }
    };
    Ok(rows
        .map(|rows| rows.iter().map(row).collect())
        .unwrap_or_default())
}
