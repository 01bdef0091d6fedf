//! One employer's result: its permitted fields, and the names of those that are not agreed.

use std::collections::BTreeSet;

use gateway_core::policy::Permit;
use schemas::{
    fault::Fault,
    id::{Period, TaxId, UnitCode},
    proto::insurance::{
        ArrearsAge, D02Change, GetParticipationResponse, ParticipationState as State, Unit as Row,
        Units as Rows,
    },
    wire::tax::{
        Ageing, FieldName, LastD02, ParticipationState, ResultKind, Unit, Units,
        VerifyEmployerResult, plan,
    },
};

use super::{amount, internal, name, tax_code};

/// `found` is what the registry answered; none where it was not asked.
pub(super) fn result(
    code: TaxId,
    period: Period,
    permit: &Permit,
    found: Option<&GetParticipationResponse>,
) -> Result<VerifyEmployerResult, Fault> {
    let kind = found.map_or(ResultKind::NotPermitted, kind);
    let mut result = VerifyEmployerResult::bare(kind, code, period);
    result.not_disclosed = named(permit.withheld());
    let Some(found) = found else {
        return Ok(result);
    };
    for field in disclosed(permit, found) {
        disclose(&mut result, field, found)?;
    }
    Ok(result)
}

/// The permitted fields that there is something to say of.
fn disclosed(permit: &Permit, found: &GetParticipationResponse) -> impl Iterator<Item = FieldName> {
    let kind = kind(found);
    let told = move |field: &FieldName| match kind {
        ResultKind::HasData => true,
        ResultKind::Incomplete => !field.is_of_the_month(),
        _ => false,
    };
    named(permit.disclosed()).into_iter().filter(told)
}

/// The same by name, for the access ledger.
pub(super) fn told(permit: &Permit, found: &GetParticipationResponse) -> Vec<&'static str> {
    disclosed(permit, found).map(FieldName::as_str).collect()
}

fn kind(found: &GetParticipationResponse) -> ResultKind {
    match (found.found, found.incomplete) {
        (false, _) => ResultKind::NoData,
        (true, true) => ResultKind::Incomplete,
        (true, false) => ResultKind::HasData,
    }
}

/// Policy's words as names of fields; the operation's list holds no other words of employers.
fn named(words: &BTreeSet<&'static str>) -> BTreeSet<FieldName> {
    words
        .iter()
        .filter_map(|word| FieldName::parse(word))
        .collect()
}

fn disclose(
    result: &mut VerifyEmployerResult,
    field: FieldName,
    found: &GetParticipationResponse,
) -> Result<(), Fault> {
    match field {
        FieldName::ParticipationState => {
            result.participation_state = Some(state(found.state())?);
        }
        FieldName::Participants => result.participants = Some(found.participants),
        FieldName::Fund => result.fund = Some(amount(found.fund_vnd)?),
        FieldName::Due => result.due = Some(amount(found.due_vnd)?),
        FieldName::Paid => result.paid = Some(amount(found.paid_vnd)?),
        FieldName::Arrears => result.arrears = Some(found.arrears_vnd),
        FieldName::Name => result.name = Some(name(&found.name)?),
        FieldName::UnitCode => result.unit_code = Some(unit_code(&found.unit_code)?),
        FieldName::RegisteredFrom => {
            result.registered_from = Some(month(&found.registered_from)?);
        }
        FieldName::Units => result.units = Some(units(found.units.as_ref())?),
        FieldName::Ageing => result.ageing = Some(ageing(found.ageing.as_ref())?),
        FieldName::LastD02 => {
            result.last_d02 = found.last_d02.as_ref().map(last_d02).transpose()?;
        }
    }
    Ok(())
}

fn state(state: State) -> Result<ParticipationState, Fault> {
    match state {
        State::Active => Ok(ParticipationState::Active),
        State::Suspended => Ok(ParticipationState::Suspended),
        State::Closed => Ok(ParticipationState::Closed),
        State::Unspecified => Err(internal("registry-state")),
    }
}

fn unit_code(code: &str) -> Result<UnitCode, Fault> {
    UnitCode::parse(code).map_err(|_| internal("registry-unit-code"))
}

fn month(text: &str) -> Result<Period, Fault> {
    Period::parse(text).map_err(|_| internal("registry-period"))
}

fn units(rows: Option<&Rows>) -> Result<Units, Fault> {
    let rows = rows.ok_or_else(|| internal("registry-units"))?;
    let units: Result<Vec<Unit>, Fault> =
        rows.units.iter().take(Units::TOLD_MAX).map(unit).collect();
    Ok(Units {
        count: rows.count,
        units: units?,
    })
}

fn unit(row: &Row) -> Result<Unit, Fault> {
    Ok(Unit {
        mst: tax_code(&row.tax_code)?,
        unit_code: unit_code(&row.unit_code)?,
        state: state(row.state())?,
    })
}

fn ageing(age: Option<&ArrearsAge>) -> Result<Ageing, Fault> {
    let age = age.ok_or_else(|| internal("registry-ageing"))?;
    Ok(Ageing {
        bands: [
            amount(age.current_vnd)?,
            amount(age.months_1_vnd)?,
            amount(age.months_3_vnd)?,
            amount(age.months_6_vnd)?,
            amount(age.months_12_vnd)?,
        ],
    })
}

fn last_d02(row: &D02Change) -> Result<LastD02, Fault> {
    Ok(LastD02 {
        period: month(&row.period)?,
        submitted_on: super::person::day(&row.submitted_on)?,
        plan: plan(&row.plan).ok_or_else(|| internal("registry-plan"))?,
        joined: row.joined,
        gone: row.gone,
    })
}
