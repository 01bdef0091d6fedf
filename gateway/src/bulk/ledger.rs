//! What was found goes into the ledger behind the insurance contract, page by page, each page under a key of its own: a
//! process that dies in between notes the same page again, and nothing is noted twice. What a month did not find again is
//! matched afterwards.

use std::collections::BTreeSet;

use certs::digest::{self, Sha256};
use schemas::{
    id::{MessageId, Period},
    proto::insurance::{ConcludeRequest, Context, Finding, NoteFindingsRequest, Party, RecordKind},
    wire::{tax::FindingLine, tax_records::Kind},
};
use tax::{
    compare::{Category, Tolerance},
    reconcile::Scope,
};
use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{Inner, case::Case, ours::Trouble};

/// A month as the registry is asked and told about it, of theirs or of ours.
pub(super) struct Month<'a> {
    /// The department: rows of the ledger are its.
    pub(super) partner: &'a str,
    pub(super) rule: &'a str,
    pub(super) purpose: &'a str,
    pub(super) id: &'a MessageId,
    pub(super) kind: Kind,
    pub(super) period: Period,
    pub(super) scope: Scope,
    /// The day after which a discrepancy that nobody settled expires.
    pub(super) due_on: &'a str,
    pub(super) tolerance: Tolerance,
    /// Whose comparison it was.
    pub(super) by: Party,
}

impl Case {
    pub(super) fn month(&self) -> Month<'_> {
        Month {
            partner: &self.asked.sender,
            rule: &self.asked.rule,
            purpose: &self.asked.purpose,
            id: &self.manifest.id,
            kind: self.manifest.kind,
            period: self.manifest.period,
            scope: self.manifest.scope,
            due_on: &self.asked.due_on,
            tolerance: self.asked.tolerance(),
            // who does not say is the insurance side
            by: Party::Unspecified,
        }
    }
}

impl Inner {
    /// Notes every page of a finished reconciliation. Blocks; the runtime is asked for the calls.
    pub(super) fn note(
        &self,
        case: &Case,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let month = case.month();
        for page in 1..=case.standing()?.pages {
            if *stop.borrow() {
                return Err(Trouble::Stopped);
            }
            let lines = case.findings(page).map_err(Trouble::Registry)?;
            self.note_page(&month, page, lines, runtime)?;
        }
        self.conclude(&month, runtime, stop)?;
        Ok(case.put(NOTED, &true)?)
    }

    /// Notes one page under a key of its own.
    pub(super) fn note_page(
        &self,
        month: &Month<'_>,
        page: u32,
        lines: Vec<FindingLine>,
        runtime: &Handle,
    ) -> Result<(), Trouble> {
        let request = NoteFindingsRequest {
            context: Some(month.context(&["note", &page.to_string()])),
            run: month.run(),
            period: month.period.to_string(),
            due_on: month.due_on.to_owned(),
            findings: findings(lines, &month.tolerance),
            by: month.by.into(),
        };
        let by = Instant::now() + self.patience;
        let noted = runtime.block_on(self.insurance.note_findings(by, request));
        noted.map(drop).map_err(Trouble::Registry)
    }

    /// What stood open about this kind in these provinces and was not found again matches now.
    pub(super) fn conclude(
        &self,
        month: &Month<'_>,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let provinces = match month.scope.words() {
            all if all.is_empty() => vec![String::new()],
            some => some,
        };
        for province in provinces {
            for nth in 0_u64.. {
                if *stop.borrow() {
                    return Err(Trouble::Stopped);
                }
                let parts = ["conclude", &province, &nth.to_string()];
                let request = ConcludeRequest {
                    context: Some(month.context(&parts)),
                    run: month.run(),
                    period: month.period.to_string(),
                    province: province.clone(),
                    max: CONCLUDED_AT_ONCE,
                    kind: month.kind().into(),
                    by: month.by.into(),
                };
                let by = Instant::now() + self.patience;
                let concluded = runtime.block_on(self.insurance.conclude(by, request));
                if concluded.map_err(Trouble::Registry)?.matched < CONCLUDED_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Month<'_> {
    /// In the name of the department, under a key that is the same for every process.
    fn context(&self, parts: &[&str]) -> Context {
        let [first, rest @ ..] = parts else {
            return self.reading();
        };
        let said = match self.by {
            Party::Tax => format!("taxpayer.reconcile {first}"),
            Party::Insurance | Party::Unspecified => format!("tax.reconcile {first}"),
        };
        Context {
            key: self.key(&said, rest).to_vec(),
            ..self.reading()
        }
    }

    /// The same where nothing is changed.
    pub(super) fn reading(&self) -> Context {
        Context {
            key: Vec::new(),
            sender: self.partner.to_owned(),
            on_behalf_of: String::new(),
            rule: self.rule.to_owned(),
            purpose: self.purpose.to_owned(),
        }
    }

    pub(super) fn kind(&self) -> RecordKind {
        match self.kind {
            Kind::Employer => RecordKind::Employer,
            Kind::Person => RecordKind::Person,
        }
    }

    /// The key of one call: the same for every process that makes it.
    fn key(&self, first: &str, rest: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let of_month = [self.partner, self.id.as_str(), first];
        for part in of_month.iter().chain(rest) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finish()
    }

    /// The manifest's id, or its digest where the ledger has no room for it.
    fn run(&self) -> String {
        let id = self.id.as_str();
        match id.len() <= RUN_BYTES_MAX {
            true => id.to_owned(),
            false => digest::sha256_hex(id.as_bytes()),
        }
    }
}

/// One row for each subject and category, as the ledger keeps them: the first of several fields.
fn findings(lines: Vec<FindingLine>, tolerance: &Tolerance) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let fresh = |line: &FindingLine| {
        let FindingLine {
            category,
            mst,
            person,
            ..
        } = line;
        seen.insert((category.clone(), mst.clone(), person.clone()))
    };
    let text = Option::unwrap_or_default;
    lines
        .into_iter()
        .filter(fresh)
        .map(|line| {
            let category = Category::of_code(&line.category);
            let tolerated = category.map_or((0, 0), |category| tolerance.of(category));
            (line, tolerated)
        })
        .map(|(line, (tolerated, tolerated_bp))| Finding {
            category: line.category,
            tax_code: line.mst,
            person: text(line.person),
            field: line.field,
            ours: text(line.ours),
            theirs: text(line.theirs),
            expected_vnd: line
                .expected
                .and_then(|vnd| i64::try_from(vnd).ok())
                .unwrap_or(0),
            province: line.province,
            tolerated: i64::try_from(tolerated).unwrap_or(i64::MAX),
            tolerated_bp,
        })
        .collect()
}

/// Written when every page is noted.
pub(super) const NOTED: &str = "noted";
const RUN_BYTES_MAX: usize = 64;
const CONCLUDED_AT_ONCE: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fields_of_one_subject_and_category_are_one_row() {
        let line = |field: &str| FindingLine {
            category: "E-UNDERPAID".into(),
            field: field.into(),
            mst: "9900000016".into(),
            province: "01".into(),
            expected: Some(5),
            ..FindingLine::default()
        };
        let rows = findings(vec![line("due"), line("paid")], &Tolerance::STRICT);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].field.as_str(), rows[0].expected_vnd), ("due", 5));
    }

    #[test]
    fn a_row_bears_what_was_tolerated_of_its_figure() {
        let tolerance = Tolerance {
            count: 2,
            fund_bp: 50,
            base_vnd: 7_000,
            ..Tolerance::STRICT
        };
        for (category, tolerated) in [
            ("E-UNDERCOUNT", (2, 0)),
            ("E-UNDERPAID", (1_000, 50)),
            ("P-INCOME", (7_000, 0)),
            ("E-NAME", (0, 0)),
        ] {
            let line = FindingLine {
                category: category.into(),
                ..FindingLine::default()
            };
            let row = findings(vec![line], &tolerance).remove(0);
            assert_eq!((row.tolerated, row.tolerated_bp), tolerated, "{category}");
        }
    }
}
