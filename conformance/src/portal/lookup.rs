//! `TraCuuHoSo`: what the portal holds of the dossiers it is asked about, and what it has sent in a time.
//! Own profile, as the gateway publishes it; answered from the portal's own table and ledger.

use schemas::date::portal_time;
use serde_json::{Value, json};

use super::table::{Dossier, Table};
use crate::state::{Ledger, Sent};

/// What was asked, every field checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    from: String,
    until: String,
    codes: Vec<String>,
}

/// Whether a call is a look-up.
pub(super) fn is_look_up(body: &Value) -> bool {
    body["service"].as_str() == Some("TraCuuHoSo")
}

/// Reads a look-up strictly.
pub(super) fn checked(body: &Value) -> Result<Asked, String> {
    if body.get("isUpdating").is_some() {
        return Err("isUpdating in a look-up".to_owned());
    }
    let [record] = body["data"].as_array().map_or(&[][..], Vec::as_slice) else {
        return Err("not one question".to_owned());
    };
    let members = record.as_object().ok_or("the question is no object")?;
    if members
        .keys()
        .any(|name| !["TuNgay", "DenNgay", "MaHoSo"].contains(&name.as_str()))
    {
        return Err("a member that no question has".to_owned());
    }
    let time = |name: &str| {
        let text = record[name].as_str().unwrap_or_default();
        match portal_time::parse(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(format!("{name} is no time")),
        }
    };
    let codes = match record.get("MaHoSo") {
        None => Vec::new(),
        Some(codes) => codes
            .as_array()
            .and_then(|codes| {
                codes
                    .iter()
                    .map(|code| code.as_str().map(str::to_owned))
                    .collect()
            })
            .ok_or("MaHoSo is no list of codes")?,
    };
    if codes.len() > ANSWER_MAX {
        return Err("more than 50 codes".to_owned());
    }
    let asked = Asked {
        from: time("TuNgay")?,
        until: time("DenNgay")?,
        codes,
    };
    match asked.from < asked.until {
        true => Ok(asked),
        false => Err("TuNgay is not before DenNgay".to_owned()),
    }
}

/// The whole answer.
pub(super) fn answer(ledger: &Ledger, table: &Table, asked: &Asked) -> Value {
    let held = asked.codes.iter().filter_map(|code| {
        let dossier = table.dossiers.get(code)?;
        Some(json!({ "MaHoSo": code, "TienDo": steps(dossier) }))
    });
    let mut sent: Vec<Value> = ledger
        .sent
        .iter()
        .filter_map(|(id, sent)| submission(asked, id, sent))
        .collect();
    let more = sent.len() > ANSWER_MAX;
    sent.truncate(ANSWER_MAX);
    let mut result = json!({ "HoSo": held.collect::<Vec<_>>(), "DaNop": sent });
    if more {
        result["ConNua"] = json!("1");
    }
    json!({ "error_code": 0, "message": "Thành công", "result": result })
}

fn steps(dossier: &Dossier) -> Vec<Value> {
    let step = |step: &super::Step| match step.at.as_str() {
        "" => json!({ "TrangThai": step.state.to_string() }),
        at => json!({ "TrangThai": step.state.to_string(), "ThoiDiemXuLy": at }),
    };
    dossier.steps.iter().map(step).collect()
}

/// A dossier that counts as submitted in the window: accepted, or still without a final answer.
fn submission(asked: &Asked, id: &str, sent: &Sent) -> Option<Value> {
    let counts = match &sent.answered {
        None => true,
        Some(answered) => answered.outcome == "ok",
    };
    let at = portal_time::format(sent.sent_at.parse().ok()?);
    let inside = (&asked.from..&asked.until).contains(&&at);
    (counts && inside && sent.operation == "portal.submit-dossier")
        .then(|| json!({ "MaThongDiep": id, "NgayNop": at }))
}

/// Dossiers in one question, and submissions in one answer.
const ANSWER_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Answered;

    fn question(record: &Value) -> Result<Asked, String> {
        checked(&json!({ "service": "TraCuuHoSo", "data": [record] }))
    }

    fn asked() -> Asked {
        let record =
            json!({"TuNgay": "20261122120000", "DenNgay": "20261122130000", "MaHoSo": ["a", "b"]});
        question(&record).unwrap()
    }

    #[test]
    fn a_look_up_is_read_strictly() {
        for wrong in [
            json!({"TuNgay": "20261122120000"}),
            json!({"TuNgay": "20261122130000", "DenNgay": "20261122120000"}),
            json!({"TuNgay": "20261122120000", "DenNgay": "20261122130000", "MaHoSo": "a"}),
            json!({"TuNgay": "20261122120000", "DenNgay": "20261122130000", "MaHoSo": vec!["a"; 51]}),
            json!({"TuNgay": "20261122120000", "DenNgay": "20261122130000", "Trang": "1"}),
        ] {
            assert!(question(&wrong).is_err(), "{wrong}");
        }
        let updating = json!({"data": [{}], "isUpdating": "True"});
        assert!(checked(&updating).is_err());
    }

    #[test]
    fn it_tells_the_steps_it_holds_and_nothing_of_what_it_was_not_asked() {
        let mut table = Table::default();
        for code in ["a", "c"] {
            table.sync(code, 1, false).unwrap();
        }
        table.progress("a", 2, "20261122120000").unwrap();
        let told = answer(&Ledger::default(), &table, &asked());
        let expected = json!([{"MaHoSo": "a", "TienDo": [
            {"TrangThai": "1"}, {"TrangThai": "2", "ThoiDiemXuLy": "20261122120000"}]}]);
        assert_eq!(told["result"]["HoSo"], expected);
    }

    #[test]
    fn it_tells_what_it_sent_in_the_window_and_what_was_refused_counts_as_not_sent() {
        let mut ledger = Ledger::default();
        let at = |minute: &str| format!("2026-11-22T{minute}:00Z");
        for (id, minute) in [
            ("id-000001", "04:59"),
            ("id-000002", "05:00"),
            ("id-000003", "05:59"),
            ("id-000004", "06:00"),
            ("id-000005", "05:30"),
        ] {
            ledger
                .sending(id, "portal.submit-dossier", "aa", &at(minute))
                .unwrap();
        }
        let refused = Answered {
            evidence: None,
            outcome: "INVALID".to_owned(),
            body_sha256: String::new(),
        };
        ledger.answered("id-000005", refused);
        let told = answer(&ledger, &Table::default(), &asked());
        let ids: Vec<_> = told["result"]["DaNop"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sent| sent["MaThongDiep"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, ["id-000002", "id-000003"]);
        assert!(told["result"].get("ConNua").is_none());
    }

    #[test]
    fn more_than_fifty_submissions_are_told_as_more() {
        let mut ledger = Ledger::default();
        for nth in 0..51 {
            let id = format!("id-{nth:06}");
            ledger
                .sending(&id, "portal.submit-dossier", "aa", "2026-11-22T05:10:00Z")
                .unwrap();
        }
        let told = answer(&ledger, &Table::default(), &asked());
        assert_eq!(told["result"]["ConNua"], "1");
        assert_eq!(told["result"]["DaNop"].as_array().unwrap().len(), 50);
    }
}
