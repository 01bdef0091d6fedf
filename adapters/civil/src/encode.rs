//! What the insurance database answered, in the civil registry's words.

pub(crate) mod facts;

use gateway_core::{
    Encoded, Unsigned,
    ports::{Person, PersonNumber},
    sign::hex,
};
use jiff::{Timestamp, civil::Date};
use schemas::{
    codes,
    date::{format_slash, in_viet_nam},
    fault::{Fault, FaultCode},
    id::{Pin, SiNumber},
    proto::insurance as contract,
    wire::civil::{
        self, CardResult, CaseRow, DeathSeen, KeptFile, Module, Receipt, STATUS_ACCEPTED,
        StatusAnswer, StatusUpdate,
    },
};

use crate::{KeptPaper, Outcome, Poll, Request};

/// What the first answer says already.
///
/// One-stop systems take any description with "đã được tiếp nhận" (already received) for success. A
/// repeated message gets the stored answer byte for byte, so the words that a repetition must hear
/// stand in the first answer: "the dossier has been received" is true of both.
pub(crate) const RECEIVED: &str = "Hồ sơ đã được tiếp nhận";

pub(crate) fn encode(
    request: &Request,
    outcome: Outcome,
    kept: &[KeptPaper],
) -> Result<Encoded, Fault> {
    let (body, persons) = match (request, outcome) {
        (Request::Birth(birth), Outcome::Registered(case)) => (
            civil::encode(&receipt(kept)),
            numbered(Some(&birth.child.pin), &case),
        ),
        (Request::Correction(said), Outcome::Corrected(case)) => (
            civil::encode(&receipt(kept)),
            numbered(said.pin.as_ref(), &case),
        ),
        (Request::Supplement(said), Outcome::Corrected(case)) => (
            civil::encode(&receipt(kept)),
            numbered(said.facts.pin.as_ref(), &case),
        ),
        (Request::Death(death), Outcome::Death(case)) => {
            (civil::encode(&receipt(kept)), buried(&death.pin, &case))
        }
        (Request::Withdrawal(_), Outcome::Death(case)) => {
            (civil::encode(&receipt(kept)), of_deaths(&[case], Vec::new))
        }
        (Request::Poll(poll), Outcome::Cases(cases)) => {
            (civil::encode(&statuses(poll, &cases)?), holders(&cases))
        }
        (Request::Poll(poll), Outcome::Deaths(cases)) => {
            (civil::encode(&deaths(poll, &cases)?), ended(&cases))
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
fn numbered(pin: Option<&Pin>, case: &contract::BirthCase) -> Vec<Person> {
    let number = SiNumber::parse(&case.si_number).ok();
    let both = |si| {
        let pin = pin.cloned().map(PersonNumber::Pin);
        Person::named(pin.into_iter().chain([PersonNumber::Si(si)]).collect())
    };
    number.into_iter().map(both).collect()
}

/// The children whose numbers and cards are told.
pub(crate) fn holders(cases: &[contract::BirthCase]) -> Vec<Person> {
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

/// That both numbers are one person's is known from now on.
fn buried(pin: &Pin, case: &contract::DeathCase) -> Vec<Person> {
    let number = SiNumber::parse(&case.si_number).ok();
    let numbers = [
        Some(PersonNumber::Pin(pin.clone())),
        number.map(PersonNumber::Si),
    ];
    vec![Person::named(numbers.into_iter().flatten().collect())]
}

/// The deceased of whom a state of their case tells.
pub(crate) fn ended(cases: &[contract::DeathCase]) -> Vec<Person> {
    of_deaths(cases, || vec!["siNumber", "death"])
}

fn of_deaths(cases: &[contract::DeathCase], told: impl Fn() -> Vec<&'static str>) -> Vec<Person> {
    let numbers = cases
        .iter()
        .filter_map(|case| SiNumber::parse(&case.si_number).ok());
    numbers
        .map(|number| Person {
            numbers: vec![PersonNumber::Si(number)],
            told: told(),
        })
        .collect()
}

/// A birth as it is told unasked.
pub(crate) fn birth_update(case: &contract::BirthCase) -> Result<StatusUpdate, Fault> {
    let row = birth_row(row_of(Module::Birth, &case.case_id), case)?;
    let due_on = (!case.due_on.is_empty()).then(|| slash(&case.due_on, "due_on"));
    StatusUpdate::of(row, BIRTH_PROCEDURE, due_on.transpose()?).ok_or_else(|| unsayable("state"))
}

/// A death as it is told unasked.
pub(crate) fn death_update(case: &contract::DeathCase) -> Result<StatusUpdate, Fault> {
    let row = death_row(row_of(Module::Death, &case.case_id), case)?;
    StatusUpdate::of(row, DEATH_PROCEDURE, None).ok_or_else(|| unsayable("state"))
}

fn deaths(poll: &Poll, cases: &[contract::DeathCase]) -> Result<StatusAnswer, Fault> {
    let rows = cases.iter().map(|case| {
        let row = empty_row(poll, &case.case_id);
        case.known.then(|| death_row(row, case)).transpose()
    });
    answer(poll, rows, cases.iter().map(|case| &case.case_id))
}

fn death_row(row: CaseRow, case: &contract::DeathCase) -> Result<CaseRow, Fault> {
    Ok(CaseRow {
        note: (!case.withdrawn_by.is_empty())
            .then(|| format!("Đã thu hồi theo hồ sơ {}", case.withdrawn_by)),
        result: death_seen(case)?,
        ..standing(row, COMPLETED, &case.updated_at)?
    })
}

/// What the death did here; nothing as long as nobody is insured under the number.
fn death_seen(case: &contract::DeathCase) -> Result<Option<String>, Fault> {
    if case.si_number.is_empty() {
        return Ok(None);
    }
    let seen = DeathSeen {
        si_number: case.si_number.clone(),
        died_on: slash(&case.died_on, "died_on")?,
        funeral: u8::try_from(case.funeral).map_err(|_| unsayable("funeral"))?,
    };
    String::from_utf8(civil::encode(&seen))
        .map(Some)
        .map_err(|_| unsayable("death"))
}

/// Of each file that is kept its digest: the sender has it signed, and the journal has it with the answer.
fn receipt(kept: &[KeptPaper]) -> Receipt {
    let file = |paper: &KeptPaper| KeptFile {
        id: (!paper.id.is_empty()).then(|| paper.id.clone()),
        sha256: hex(&paper.file.sha256),
        bytes: i64::try_from(paper.file.bytes).unwrap_or(i64::MAX),
    };
    Receipt {
        files: kept.iter().map(file).collect(),
        status: STATUS_ACCEPTED.to_owned(),
        status_description: RECEIVED.to_owned(),
        error_code: String::new(),
        error_description: String::new(),
    }
}

fn statuses(poll: &Poll, cases: &[contract::BirthCase]) -> Result<StatusAnswer, Fault> {
    let rows = cases.iter().map(|case| {
        let row = empty_row(poll, &case.case_id);
        case.known.then(|| birth_row(row, case)).transpose()
    });
    answer(poll, rows, cases.iter().map(|case| &case.case_id))
}

fn birth_row(row: CaseRow, case: &contract::BirthCase) -> Result<CaseRow, Fault> {
    let state = u8::try_from(case.state)
        .ok()
        .filter(|state| *state > 0)
        .ok_or_else(|| unsayable("state"))?;
    let supplement_by = (!case.supplement_by.is_empty())
        .then(|| slash(&case.supplement_by, "supplement_by"))
        .transpose()?;
    let row = standing(row, state, &case.updated_at)?;
    Ok(CaseRow {
        note: note(case)?,
        result: card_result(case)?,
        supplement_by,
        text: match case.told.as_str() {
            "" => row.text,
            told => Some(told.to_owned()),
        },
        ..row
    })
}

/// A row per case that was asked for, in the order asked; none of one that is not known.
fn answer<'a>(
    poll: &Poll,
    rows: impl Iterator<Item = Result<Option<CaseRow>, Fault>>,
    asked: impl Iterator<Item = &'a String>,
) -> Result<StatusAnswer, Fault> {
    let rows = rows.collect::<Result<Vec<_>, Fault>>()?;
    let known = rows.iter().flatten().count();
    Ok(StatusAnswer {
        status: 1,
        status_description: format!("Tìm thấy {known}/{} hồ sơ", rows.len()),
        cases: rows
            .into_iter()
            .zip(asked)
            .map(|(row, case_id)| row.unwrap_or_else(|| unknown(empty_row(poll, case_id))))
            .collect(),
    })
}

/// The row of a case that stands in a state since a moment, in RFC 3339.
fn standing(row: CaseRow, state: u8, updated_at: &str) -> Result<CaseRow, Fault> {
    let updated_at: Timestamp = updated_at.parse().map_err(|_| unsayable("updated_at"))?;
    Ok(CaseRow {
        state: Some(state),
        updated_at: Some(clock(updated_at)),
        text: state_text(state, updated_at),
        ..row
    })
}

fn empty_row(poll: &Poll, case_id: &str) -> CaseRow {
    CaseRow {
        province: Some(poll.province.clone()),
        ..row_of(poll.module, case_id)
    }
}

fn row_of(module: Module, case_id: &str) -> CaseRow {
    CaseRow {
        module: module.as_str().to_owned(),
        case_id: case_id.to_owned(),
        ..CaseRow::default()
    }
}

fn unknown(row: CaseRow) -> CaseRow {
    CaseRow {
        errors: Some("Không tìm thấy hồ sơ".to_owned()),
        ..row
    }
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

/// The law's day, the message that corrected the case last, and the end of the card where it was announced.
fn note(case: &contract::BirthCase) -> Result<Option<String>, Fault> {
    let mut words = Vec::new();
    if !case.due_on.is_empty() {
        words.push(format!("Hạn xử lý: {}", slash(&case.due_on, "due_on")?));
    }
    if !case.corrected_by.is_empty() {
        words.push(format!("Đã cải chính theo hồ sơ {}", case.corrected_by));
    }
    if let Some(ending) = &case.ending {
        words.push(format!(
            "Thẻ hết hạn ngày {}; từ {} đối tượng {}, mức hưởng {} ({})",
            slash(&ending.ends_on, "ends_on")?,
            slash(&ending.next_from, "next_from")?,
            ending.next_object,
            ending.next_level,
            ending.rule
        ));
    }
    Ok((!words.is_empty()).then(|| words.join("; ")))
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

/// `trangThai` of a case that is done.
const COMPLETED: u8 = 4;

/// `maTTHC` of the inter-linked procedures, domain facts §2.6: birth, residence and card of a child under six.
const BIRTH_PROCEDURE: &str = "2.000986";
/// Death, end of residence and funeral allowance.
const DEATH_PROCEDURE: &str = "2.002622";

#[cfg(test)]
mod tests;
