//! One person's result: permitted facts, or only whether a claim is so.

use std::collections::BTreeSet;

use gateway_core::policy::Permit;
use jiff::civil::Date;
use schemas::{
    fault::Fault,
    id::{Period, Pin, SiNumber},
    name::PersonName,
    proto::insurance::{GetContributionsResponse, Stretch as Row},
    wire::tax::{
        Claim, PersonField, Question, ResultKind, Span, Stretch, Subject, VerifyIndividualResult,
    },
};

use super::{amount, internal, name, tax_code};

/// `found` is what the registry answered; none where it was not asked.
pub(super) fn result(
    subject: &Subject,
    span: Span,
    question: &Question,
    permit: &Permit,
    found: Option<&GetContributionsResponse>,
) -> Result<VerifyIndividualResult, Fault> {
    let Span::Months { from, to } = span else {
        return Err(internal("span-not-settled"));
    };
    let bare = |kind| VerifyIndividualResult {
        not_disclosed: named(permit.withheld()),
        ..VerifyIndividualResult::bare(kind, subject.clone(), from, to)
    };
    match (found, question) {
        (None, _) => Ok(bare(ResultKind::NotPermitted)),
        (Some(found), Question::Claim(claim)) => Ok(bare(compared(claim, found)?)),
        (Some(found), Question::Fields(_)) => {
            let mut result = bare(kind(found));
            if found.found {
                disclose(&mut result, &named(permit.disclosed()), found)?;
            }
            Ok(result)
        }
    }
}

fn kind(found: &GetContributionsResponse) -> ResultKind {
    match (found.found, found.incomplete) {
        (false, _) => ResultKind::NoData,
        (true, true) => ResultKind::Incomplete,
        (true, false) => ResultKind::HasData,
    }
}

fn named(words: &BTreeSet<&'static str>) -> BTreeSet<PersonField> {
    words
        .iter()
        .filter_map(|word| PersonField::parse(word))
        .collect()
}

/// Whether all that is claimed is so. An open month leaves figures undecided only where nothing else
/// contradicts the claim.
fn compared(claim: &Claim, found: &GetContributionsResponse) -> Result<ResultKind, Fault> {
    if !found.found || !is_the_same_person(claim, found)? {
        return Ok(ResultKind::DoesNotMatch);
    }
    let figures = claim.months.is_some() || claim.base.is_some();
    if figures && found.incomplete {
        return Ok(ResultKind::Incomplete);
    }
    let months = claim.months.is_none_or(|months| months == found.months);
    let base = match claim.base {
        Some(base) => base == amount(found.base_total_vnd)?,
        None => true,
    };
    Ok(match months && base {
        true => ResultKind::Matches,
        false => ResultKind::DoesNotMatch,
    })
}

/// Names are compared by their matching key: Unicode form, case, spaces and the place of tone marks don't count.
fn is_the_same_person(claim: &Claim, found: &GetContributionsResponse) -> Result<bool, Fault> {
    if let Some(claimed) = &claim.name {
        let known = PersonName::parse(&found.name).map_err(|_| internal("registry-name"))?;
        if !PersonName::parse(claimed).is_ok_and(|name| name.match_key() == known.match_key()) {
            return Ok(false);
        }
    }
    match claim.birth_date {
        Some(claimed) => Ok(claimed == day(&found.birth_date)?),
        None => Ok(true),
    }
}

fn disclose(
    result: &mut VerifyIndividualResult,
    fields: &BTreeSet<PersonField>,
    found: &GetContributionsResponse,
) -> Result<(), Fault> {
    for field in fields {
        match field {
            PersonField::Name => result.name = Some(name(&found.name)?),
            PersonField::BirthDate => result.birth_date = Some(day(&found.birth_date)?),
            PersonField::Pin => result.pin = pin(&found.pin)?,
            PersonField::SiNumber => result.si_number = si_number(&found.si_number)?,
            PersonField::Months => result.months = Some(found.months),
            PersonField::Base => result.base_total = Some(amount(found.base_total_vnd)?),
            PersonField::Employers => {
                let told = |row| stretch(row, fields);
                let all: Result<Vec<Stretch>, Fault> = found.stretches.iter().map(told).collect();
                result.employments = Some(all?);
            }
        }
    }
    Ok(())
}

fn stretch(row: &Row, fields: &BTreeSet<PersonField>) -> Result<Stretch, Fault> {
    let month = |text: &str| Period::parse(text).map_err(|_| internal("registry-period"));
    let months = match fields.contains(&PersonField::Months) {
        true => Some((month(&row.from)?, month(&row.to)?)),
        false => None,
    };
    let base = match fields.contains(&PersonField::Base) {
        true => Some(amount(row.base_vnd)?),
        false => None,
    };
    Ok(Stretch {
        mst: tax_code(&row.tax_code)?,
        months,
        base,
    })
}

/// A person may have none yet.
pub(super) fn pin(text: &str) -> Result<Option<Pin>, Fault> {
    match text {
        "" => Ok(None),
        text => Pin::parse(text)
            .map(Some)
            .map_err(|_| internal("registry-pin")),
    }
}

pub(super) fn si_number(text: &str) -> Result<Option<SiNumber>, Fault> {
    match text {
        "" => Ok(None),
        text => SiNumber::parse(text)
            .map(Some)
            .map_err(|_| internal("registry-si-number")),
    }
}

pub(super) fn day(text: &str) -> Result<Date, Fault> {
    text.parse().map_err(|_| internal("registry-date"))
}
