//! Line by line, in the order asked.

use gateway_core::policy::Permit;
use schemas::{
    fault::Fault,
    wire::tax::{Asked, Key, Line, Question, Refused, VerifyManyResult},
};

use super::{employer, internal, person};
use crate::perform::LineOutcome;

/// The lines of an answer; as many as there were keys.
pub(super) fn result(
    asked: &Asked,
    permit: &Permit,
    outcomes: &[LineOutcome],
) -> Result<VerifyManyResult, Fault> {
    if outcomes.len() != asked.lines() {
        return Err(internal("lines-of-another-request"));
    }
    lines(asked, permit, |at| outcomes.get(at))
}

/// Nobody was asked about any line.
pub(super) fn not_permitted(asked: &Asked, permit: &Permit) -> Result<VerifyManyResult, Fault> {
    lines(asked, permit, |_| None)
}

fn lines<'o>(
    asked: &Asked,
    permit: &Permit,
    outcome: impl Fn(usize) -> Option<&'o LineOutcome>,
) -> Result<VerifyManyResult, Fault> {
    let lines: Result<Vec<Line>, Fault> = match asked {
        Asked::Employers { period, keys, .. } => keys
            .iter()
            .enumerate()
            .map(|(at, key)| match (key, outcome(at)) {
                (Key::Bad { text, reason, .. }, _) => Ok(bad(text, reason)),
                (Key::Good(code), Some(LineOutcome::Refused(fault))) => {
                    Ok(refused(code.as_str(), fault))
                }
                (Key::Good(code), Some(LineOutcome::Employer(found))) => {
                    let result = employer::result(code.clone(), *period, permit, Some(found))?;
                    Ok(Line::Employer(Box::new(result)))
                }
                (Key::Good(code), None) => {
                    let result = employer::result(code.clone(), *period, permit, None)?;
                    Ok(Line::Employer(Box::new(result)))
                }
                (Key::Good(_), Some(LineOutcome::Person(_))) => Err(another()),
            })
            .collect(),
        Asked::Individuals { span, fields, keys } => {
            let question = Question::Fields(fields.clone());
            let told = |who, found| {
                let result = person::result(who, *span, &question, permit, found)?;
                Ok(Line::Individual(Box::new(result)))
            };
            keys.iter()
                .enumerate()
                .map(|(at, key)| match (key, outcome(at)) {
                    (Key::Bad { text, reason, .. }, _) => Ok(bad(text, reason)),
                    (Key::Good(who), Some(LineOutcome::Refused(fault))) => {
                        Ok(refused(who.as_str(), fault))
                    }
                    (Key::Good(who), Some(LineOutcome::Person(found))) => told(who, Some(found)),
                    (Key::Good(who), None) => told(who, None),
                    (Key::Good(_), Some(LineOutcome::Employer(_))) => Err(another()),
                })
                .collect()
        }
    };
    Ok(VerifyManyResult { lines: lines? })
}

fn another() -> Fault {
    internal("outcome-of-another-operation")
}

fn bad(key: &str, reason: &'static str) -> Line {
    refused(key, &Fault::new(schemas::fault::FaultCode::Invalid, reason))
}

fn refused(key: &str, fault: &Fault) -> Line {
    Line::Refused(Refused {
        key: key.to_owned(),
        code: fault.code(),
        reason: fault.reason().to_owned(),
    })
}
