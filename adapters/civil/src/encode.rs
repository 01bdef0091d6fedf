//! What the insurance database answered, in the civil registry's words.

use gateway_core::{
    Encoded, Unsigned,
    ports::{Person, PersonNumber},
};
use jiff::{Timestamp, civil::Date};
use schemas::{
    codes,
    date::{format_slash, in_viet_nam},
    fault::{Fault, FaultCode},
    id::SiNumber,
    proto::insurance as contract,
    wire::civil::{self, CardResult, CaseRow, Module, Receipt, STATUS_ACCEPTED, StatusAnswer},
};

use crate::{Birth, Outcome, Poll, Request};

/// What the first answer says already.
///
/// One-stop systems take any description with "đã được tiếp nhận" (already received) for success. A
/// repeated message gets the stored answer byte for byte, so the words that a repetition must hear
/// stand in the first answer: "the dossier has been received" is true of both.
pub(crate) const RECEIVED: &str = "Hồ sơ đã được tiếp nhận";

pub(crate) fn encode(request: &Request, outcome: Outcome) -> Result<Encoded, Fault> {
    let (body, persons) = match (request, outcome) {
        (Request::Birth(birth), Outcome::Registered(case)) => {
            (civil::encode(&receipt()), numbered(birth, &case))
        }
        (Request::Poll(poll), Outcome::Cases(cases)) => {
            (civil::encode(&statuses(poll, &cases)?), holders(&cases))
        }
        _ => {
            return Err(Fault::new(
                FaultCode::Internal,
                "outcome-of-another-operation",
            ));
        }
    };
    Ok(Encoded {
        unsigned: Unsigned::Json(body),
        callbacks: Vec::new(),
        persons,
    })
}

/// The receipt tells nothing about the child; that both numbers are one person's is known from now on.
fn numbered(birth: &Birth, case: &contract::BirthCase) -> Vec<Person> {
    let number = SiNumber::parse(&case.si_number).ok();
    let both = |si| {
        let pin = PersonNumber::Pin(birth.child.pin.clone());
        Person::named(vec![pin, PersonNumber::Si(si)])
    };
    number.into_iter().map(both).collect()
}

/// The children whose numbers and cards the answer tells.
fn holders(cases: &[contract::BirthCase]) -> Vec<Person> {
    let told = cases
        .iter()
        .filter(|case| case.known && case.card.is_some());
    let number = told.filter_map(|case| SiNumber::parse(&case.si_number).ok());
    number
        .map(|number| Person {
            numbers: vec![PersonNumber::Si(number)],
            told: vec!["siNumber", "card", "validity", "facility"],
        })
        .collect()
}

fn receipt() -> Receipt {
    Receipt {
        status: STATUS_ACCEPTED.to_owned(),
        status_description: RECEIVED.to_owned(),
        error_code: String::new(),
        error_description: String::new(),
    }
}

fn statuses(poll: &Poll, cases: &[contract::BirthCase]) -> Result<StatusAnswer, Fault> {
    let known = cases.iter().filter(|case| case.known).count();
    Ok(StatusAnswer {
        status: 1,
        status_description: format!("Tìm thấy {known}/{} hồ sơ", cases.len()),
        cases: cases
            .iter()
            .map(|case| row(poll, case))
            .collect::<Result<_, _>>()?,
    })
}

fn row(poll: &Poll, case: &contract::BirthCase) -> Result<CaseRow, Fault> {
    let row = CaseRow {
        province: Some(poll.province.clone()),
        module: Module::Birth.as_str().to_owned(),
        case_id: case.case_id.clone(),
        ..CaseRow::default()
    };
    if !case.known {
        return Ok(CaseRow {
            errors: Some("Không tìm thấy hồ sơ".to_owned()),
            ..row
        });
    }
    let updated_at: Timestamp = case
        .updated_at
        .parse()
        .map_err(|_| unsayable("updated_at"))?;
    let state = u8::try_from(case.state)
        .ok()
        .filter(|state| *state > 0)
        .ok_or_else(|| unsayable("state"))?;
    Ok(CaseRow {
        state: Some(state),
        updated_at: Some(clock(updated_at)),
        note: due_note(case)?,
        result: card_result(case)?,
        text: state_text(state, updated_at),
        ..row
    })
}

/// `dd/MM/yyyy HH:mm:ss`, a clock in Viet Nam.
fn clock(at: Timestamp) -> String {
    let local = in_viet_nam(at);
    format!(
        "{} {:02}:{:02}:{:02}",
        format_slash(local.date()),
        local.hour(),
        local.minute(),
        local.second()
    )
}

fn due_note(case: &contract::BirthCase) -> Result<Option<String>, Fault> {
    if case.due_on.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "Hạn xử lý: {}",
        slash(&case.due_on, "due_on")?
    )))
}

fn card_result(case: &contract::BirthCase) -> Result<Option<String>, Fault> {
    let Some(card) = &case.card else {
        return Ok(None);
    };
    let result = CardResult {
        si_number: case.si_number.clone(),
        card: card.number.clone(),
        valid_from: slash(&card.valid_from, "valid_from")?,
        valid_to: slash(&card.valid_to, "valid_to")?,
        facility: card.facility.clone(),
        rule: (!case.card_rule.is_empty()).then(|| case.card_rule.clone()),
    };
    String::from_utf8(civil::encode(&result))
        .map(Some)
        .map_err(|_| unsayable("card"))
}

fn state_text(state: u8, at: Timestamp) -> Option<String> {
    let on = in_viet_nam(at).date();
    codes::civil::STATUSES
        .find(&state.to_string(), on)
        .map(|row| row.vi.to_owned())
}

fn slash(iso: &str, what: &'static str) -> Result<String, Fault> {
    iso.parse::<Date>()
        .map(format_slash)
        .map_err(|_| unsayable(what))
}

/// The registry answered something that the contract does not allow: our side's fault.
fn unsayable(what: &'static str) -> Fault {
    Fault::new(FaultCode::Internal, "registry-answer").log(what)
}

#[cfg(test)]
mod tests;
