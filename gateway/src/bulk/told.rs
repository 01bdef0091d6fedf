//! What a reconciliation has to tell: its state and summary, or a page of findings.

use schemas::{
    fault::{Fault, FaultCode},
    wire::tax::{FindingLine, ReconcileState, SummaryRow},
};
use serde::Deserialize;
use serde_json::Value;
use tax::{Told, reconcile::Standing};

use super::{
    case::{Case, Outcome},
    disk,
};

impl Case {
    /// State and summary for page 0, findings for every other page.
    pub(super) fn told(&self, page: u32) -> Result<Told, Fault> {
        let standing = self.standing().map_err(disk)?;
        let outcome = self.outcome().map_err(disk)?;
        let state = state(&standing, outcome.as_ref());
        let pages = match state {
            ReconcileState::Done => standing.pages,
            _ => 0,
        };
        let refused = outcome.and_then(|outcome| outcome.refused);
        let mut told = Told {
            state,
            reason: refused,
            progress: self.progress(state, &standing),
            pages,
            found: 0,
            summary: Vec::new(),
            findings: Vec::new(),
        };
        if state != ReconcileState::Done {
            return Ok(told);
        }
        told.found = standing.summary.total();
        match page {
            0 => told.summary = summary(&standing),
            1.. if page <= pages => told.findings = self.findings(page)?,
            _ => return Err(Fault::new(FaultCode::Invalid, "no-such-page").field("Page")),
        }
        Ok(told)
    }

    pub(super) fn findings(&self, page: u32) -> Result<Vec<FindingLine>, Fault> {
        let folder = self.work().map_err(disk)?;
        let text = folder.page(page).map_err(disk)?;
        let lines = text.split(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(|line| line_of(line).map_err(disk)).collect()
    }

    /// The first half is what comes in; the second, our own records and the comparison.
    fn progress(&self, state: ReconcileState, standing: &Standing) -> u32 {
        let share = |part: u64, whole: u64, most: u64| {
            u32::try_from((part * most / whole.max(1)).min(most)).unwrap_or(0)
        };
        let (taken, chunks) = (
            standing.taken.len() as u64,
            self.manifest.chunks.len() as u64,
        );
        match state {
            ReconcileState::Receiving => share(taken, chunks, 49),
            ReconcileState::Comparing if standing.ours_complete => {
                let subjects = standing.theirs.records.max(standing.ours.records);
                75 + share(standing.compared, subjects, 24)
            }
            ReconcileState::Comparing => {
                50 + share(standing.ours.records, standing.theirs.records, 24)
            }
            ReconcileState::Done | ReconcileState::Refused => 100,
        }
    }
}

fn state(standing: &Standing, outcome: Option<&Outcome>) -> ReconcileState {
    match outcome {
        Some(outcome) if outcome.refused.is_some() => ReconcileState::Refused,
        Some(_) => ReconcileState::Done,
        None if standing.complete => ReconcileState::Comparing,
        None => ReconcileState::Receiving,
    }
}

fn summary(standing: &Standing) -> Vec<SummaryRow> {
    let rows = standing.summary.rows();
    rows.map(|(category, province, count)| SummaryRow {
        category: category.to_owned(),
        province: format!("{province:02}"),
        count,
    })
    .collect()
}

/// A finding as the engine writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    category: String,
    field: String,
    mst: String,
    person: Option<String>,
    province: String,
    ours: Option<Value>,
    theirs: Option<Value>,
    expected: Option<u64>,
    score: Option<u32>,
    #[serde(default)]
    why: Vec<String>,
}

fn line_of(line: &[u8]) -> serde_json::Result<FindingLine> {
    let written: Written = serde_json::from_slice(line)?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(FindingLine {
        category: written.category,
        field: written.field,
        mst: written.mst,
        person: written.person,
        province: written.province,
        ours: written.ours.map(text),
        theirs: written.theirs.map(text),
        expected: written.expected,
        score: written.score,
        why: written.why,
    })
}
