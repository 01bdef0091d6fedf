//! One change of a dossier in the words of `DongBoHoSoMC` and `CapNhatTienDoHoSoMC`.

use jiff::Timestamp;
use schemas::{
    codes::dossier_statuses,
    date::{day_in_viet_nam, portal_time},
    id::ProcedureCode,
    procedure::{Applicant, Procedure},
    proto::insurance::{Change, Dossier, DossierChange},
    wire::portal::{
        DossierRecord, Identity, OFFICER_CHARS_MAX, Progress, ResultPaper, SUMMARY_CHARS_MAX,
    },
};

use super::{DeskConfig, told};

/// Why a change cannot be said; a stable word.
type Unsayable = &'static str;

pub(super) fn record(desk: &DeskConfig, change: &Change) -> Result<DossierRecord, Unsayable> {
    let step = told(change)?;
    let dossier = step.dossier.as_ref().ok_or("not-a-dossier")?;
    let at = instant(&change.at)?;
    let clock = portal_time::format(at);
    let when = |states: &[u32]| states.contains(&dossier.state).then(|| clock.clone());
    let procedure = procedure(desk, &dossier.procedure, at);
    let procedure_name = procedure.map(|row| row.vi);
    let text = step_text(step, dossier, at)?;
    Ok(DossierRecord {
        code: dossier.code.clone(),
        procedure: dossier.procedure.clone(),
        summary: procedure_name.map(|name| shortened(name, SUMMARY_CHARS_MAX)),
        procedure_name: procedure_name.map(str::to_owned),
        domain: desk.domain.as_ref().map(|(code, _)| code.clone()),
        domain_name: desk.domain.as_ref().map(|(_, name)| name.clone()),
        channel: ONLINE.to_owned(),
        applicant: dossier.applicant_name.clone(),
        applicant_kind: match procedure.map(|row| row.applicant) {
            Some(Applicant::Employer) => ENTERPRISE.to_owned(),
            Some(Applicant::Person) | None => CITIZEN.to_owned(),
        },
        received_at: portal_time::format(instant(&dossier.received_at)?),
        due_at: portal_time::format(instant(&dossier.due_at)?),
        state: dossier.state.to_string(),
        returned_at: when(&[RETURNED]),
        return_note: (dossier.state == RETURNED).then_some(text),
        return_form: (dossier.state == RETURNED).then(|| ELECTRONIC.to_owned()),
        finished_at: when(&[FINISHED, RETURNED]),
        unit: step.unit.clone(),
        note: (!dossier.reason.is_empty()).then(|| dossier.reason.clone()),
        results: results(desk, dossier),
        submitted_where: PORTAL.to_owned(),
        digitised: NO.to_owned(),
        account_verified: YES.to_owned(),
        payable_online: match procedure.is_some_and(|row| row.pays.is_some()) {
            true => YES.to_owned(),
            false => NO.to_owned(),
        },
        refused_at: when(&[REFUSED]),
        identities: identities(dossier),
    })
}

pub(super) fn progress(change: &Change) -> Result<Progress, Unsayable> {
    let step = told(change)?;
    let dossier = step.dossier.as_ref().ok_or("not-a-dossier")?;
    let at = instant(&change.at)?;
    Ok(Progress {
        code: dossier.code.clone(),
        officer: shortened(&step.officer, OFFICER_CHARS_MAX),
        at: portal_time::format(at),
        unit: step.unit.clone(),
        text: step_text(step, dossier, at)?,
        state: dossier.state.to_string(),
        began_at: Some(portal_time::format(instant(&dossier.received_at)?)),
        due_at: Some(portal_time::format(instant(&dossier.due_at)?)),
    })
}

fn instant(rfc3339: &str) -> Result<Timestamp, Unsayable> {
    rfc3339.parse().map_err(|_| "bad-time")
}

/// What the officer wrote, or the state in the portal's words; a state outside 1–10 has none.
fn step_text(step: &DossierChange, dossier: &Dossier, at: Timestamp) -> Result<String, Unsayable> {
    let code = u8::try_from(dossier.state).map_err(|_| "unknown-state")?;
    let status = dossier_statuses::find(code, day_in_viet_nam(at)).ok_or("unknown-state")?;
    Ok(match step.text.trim() {
        "" => status.vi.to_owned(),
        text => text.to_owned(),
    })
}

fn procedure(desk: &DeskConfig, code: &str, at: Timestamp) -> Option<&'static Procedure> {
    let code = ProcedureCode::parse(code).ok()?;
    desk.procedures.find(&code, day_in_viet_nam(at))
}

/// The card as a paper, without its number: the portal shows that there is one, not which.
fn results(desk: &DeskConfig, dossier: &Dossier) -> Vec<ResultPaper> {
    let paper = dossier
        .card
        .as_ref()
        .filter(|_| matches!(dossier.state, FINISHED | RETURNED))
        .map(|card| ResultPaper {
            name: CARD_PAPER.to_owned(),
            id: format!("{}-{}", dossier.code, card.serial),
            code: desk.result_code.clone(),
        });
    paper.into_iter().collect()
}

fn identities(dossier: &Dossier) -> Vec<Identity> {
    let number = (!dossier.applicant_pin.is_empty()).then(|| dossier.applicant_pin.clone());
    number
        .into_iter()
        .map(|number| Identity {
            kind: PIN_KIND.to_owned(),
            number,
        })
        .collect()
}

/// Cut at a character, never inside one.
fn shortened(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

const REFUSED: u32 = 3;
const FINISHED: u32 = 9;
const RETURNED: u32 = 10;

/// `KenhThucHien`.
const ONLINE: &str = "2";
/// `LoaiDoiTuong`.
const CITIZEN: &str = "1";
const ENTERPRISE: &str = "2";
/// `HinhThuc`.
const ELECTRONIC: &str = "2";
/// `NoiNopHoSo`.
const PORTAL: &str = "1";
/// `LoaiDinhDanh`.
const PIN_KIND: &str = "1";
const YES: &str = "1";
const NO: &str = "0";
const CARD_PAPER: &str = "Thẻ bảo hiểm y tế";
