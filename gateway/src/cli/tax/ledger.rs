//! `lienthong tax ledger`: discrepancies from the day they were found until they are settled or have expired.

use std::{
    fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf, process::ExitCode,
};

use clap::{Args, Subcommand};
use schemas::proto::admin::{
    DiscrepancyLine, ListDiscrepanciesRequest, MoveDiscrepancyRequest, RecheckLedgerRequest,
    RecheckLedgerResponse, ShowDiscrepancyResponse,
};

use super::{
    super::{Ended, admin::Which, office::Reason},
    csv,
};
use crate::admin::client;

/// Discrepancies between us and the tax department.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Ledger {
    /// Those that are open, the newest first; names no person.
    List(List),
    /// One and its steps: who, when, why, and what was signed.
    Show(Show),
    /// Our side says that it is otherwise.
    Dispute(Move),
    /// Closes one that was looked at.
    Settle(Move),
    /// Holds the open ones against our present figures, and ends those whose term is over.
    Recheck(Recheck),
    /// All that a list would tell, as comma separated values.
    Export(Export),
}

#[derive(Debug, Clone, Args)]
struct Filter {
    /// Of this partner.
    #[arg(long, default_value = "")]
    partner: String,
    /// Of this employer.
    #[arg(long, default_value = "")]
    mst: String,
    /// Of this month, yyyy-MM.
    #[arg(long, default_value = "")]
    period: String,
    /// notified, matched, mismatched, disputed, settled or expired; else any that is open.
    #[arg(long, default_value = "")]
    state: String,
    /// Of this category, such as E-UNDERCOUNT.
    #[arg(long, default_value = "")]
    category: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    filter: Filter,
    /// Only what was noted before this one.
    #[arg(long, default_value = "")]
    before: String,
    /// At most so many, at most 1,000.
    #[arg(long, default_value_t = 50)]
    max: u32,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    which: Which,
    /// A discrepancy's id.
    id: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Move {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// A discrepancy's id.
    id: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Recheck {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    filter: Filter,
    /// The file that is written; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

impl Ledger {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Dispute(dispute) => dispute.run(true).await,
            Self::Settle(settle) => settle.run(false).await,
            Self::Recheck(recheck) => recheck.run().await,
            Self::Export(export) => export.run().await,
        }
    }
}

impl Filter {
    fn page(self, before: String, max: u32) -> ListDiscrepanciesRequest {
        ListDiscrepanciesRequest {
            partner: self.partner,
            tax_code: self.mst,
            period: self.period,
            state: self.state,
            category: self.category,
            before,
            max,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = self.filter.page(self.before, self.max);
        let listed = client::discrepancies(self.which.address()?, request).await?;
        if listed.discrepancies.is_empty() {
            println!("no discrepancies");
        }
        for line in &listed.discrepancies {
            println!("{}", line_of(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let shown = client::discrepancy(self.which.address()?, &self.id).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

impl Move {
    async fn run(self, dispute: bool) -> Ended {
        let request = MoveDiscrepancyRequest {
            id: self.id,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let address = self.which.address()?;
        let moved = match dispute {
            true => client::dispute(address, request).await?,
            false => client::settle(address, request).await?,
        };
        if let Some(line) = &moved.discrepancy {
            println!("{}", line_of(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Recheck {
    async fn run(self) -> Ended {
        let mut total = RecheckLedgerResponse {
            more: true,
            ..RecheckLedgerResponse::default()
        };
        while total.more {
            let request = RecheckLedgerRequest {
                before: total.before.clone(),
                who: self.reason.who()?,
                why: self.reason.why.clone(),
            };
            let looked = client::recheck_ledger(self.which.address()?, request).await?;
            total = added(&total, looked);
            println!("{}", counts_of(&total));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Export {
    async fn run(self) -> Ended {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.out)?;
        file.write_all(csv::line(COLUMNS).as_bytes())?;
        let (mut before, mut many) = (String::new(), 0_usize);
        loop {
            let request = self.filter.clone().page(before, PAGE);
            let listed = client::discrepancies(self.which.address()?, request).await?;
            for line in &listed.discrepancies {
                file.write_all(row_of(line).as_bytes())?;
            }
            many += listed.discrepancies.len();
            match listed.discrepancies.last() {
                Some(last) => before = last.id.clone(),
                None => break,
            }
        }
        file.sync_all()?;
        println!("{many} discrepancies in {}", self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(line: &DiscrepancyLine) -> String {
    let employer = match line.tax_code.as_str() {
        "" => "(household)",
        code => code,
    };
    let values = match (line.ours.as_str(), line.theirs.as_str()) {
        ("", "") => String::new(),
        (ours, theirs) => format!(
            ": ours {}, theirs {}",
            ours.escape_debug(),
            theirs.escape_debug()
        ),
    };
    format!(
        "{:<10} {} {} {:<12} {employer} {}{values} ({} days, until {})",
        line.state, line.id, line.period, line.category, line.field, line.age_days, line.due_on
    )
}

fn page_of(shown: &ShowDiscrepancyResponse) -> String {
    let Some(line) = &shown.discrepancy else {
        return "no such discrepancy\n".to_owned();
    };
    let mut out = format!(
        "{}\nnoted    {} for {}, found {} times, last by {}, now by {}\nlooked   {}\n",
        line_of(line),
        line.noted_at,
        line.partner,
        line.found,
        line.run,
        line.found_by,
        line.checked_at
    );
    for step in &shown.steps {
        out.push_str(&format!(
            "{} {:<10} {} {}: {} (key {})\n",
            step.at,
            step.state,
            step.side,
            step.who.escape_debug(),
            step.reason.escape_debug(),
            step.key
        ));
    }
    out
}

fn added(total: &RecheckLedgerResponse, one: RecheckLedgerResponse) -> RecheckLedgerResponse {
    RecheckLedgerResponse {
        checked: total.checked + one.checked,
        matched: total.matched + one.matched,
        mismatched: total.mismatched + one.mismatched,
        settled: total.settled + one.settled,
        expired: total.expired + one.expired,
        ..one
    }
}

fn counts_of(total: &RecheckLedgerResponse) -> String {
    let RecheckLedgerResponse {
        checked,
        matched,
        mismatched,
        settled,
        expired,
        ..
    } = total;
    format!(
        "{checked} looked at: {matched} match, {mismatched} differ, {settled} settled, {expired} expired"
    )
}

fn row_of(line: &DiscrepancyLine) -> String {
    let (expected, age, found) = (
        line.expected_vnd.to_string(),
        line.age_days.to_string(),
        line.found.to_string(),
    );
    csv::line([
        line.id.as_str(),
        &line.partner,
        &line.period,
        &line.category,
        &line.tax_code,
        &line.province,
        &line.field,
        &line.ours,
        &line.theirs,
        &expected,
        &line.state,
        &line.noted_at,
        &line.moved_at,
        &line.due_on,
        &age,
        &line.run,
        &line.found_by,
        &line.their_run,
        &found,
    ])
}

const COLUMNS: [&str; 19] = [
    "id",
    "partner",
    "period",
    "category",
    "mst",
    "province",
    "field",
    "ours",
    "theirs",
    "expected_vnd",
    "state",
    "noted_at",
    "moved_at",
    "due_on",
    "age_days",
    "run",
    "found_by",
    "their_run",
    "found",
];
const PAGE: u32 = 1_000;

#[cfg(test)]
mod tests {
    use schemas::proto::admin::DiscrepancyStepLine;

    use super::*;

    fn found() -> DiscrepancyLine {
        DiscrepancyLine {
            id: "d-1".to_owned(),
            period: "2026-10".to_owned(),
            category: "E-UNDERCOUNT".to_owned(),
            tax_code: "9900000016".to_owned(),
            field: "count".to_owned(),
            ours: "3".to_owned(),
            theirs: "=cmd|' /C calc'!A0".to_owned(),
            state: "notified".to_owned(),
            due_on: "2026-12-31".to_owned(),
            age_days: 4,
            ..DiscrepancyLine::default()
        }
    }

    #[test]
    fn a_discrepancy_is_one_line_and_its_page_has_every_step() {
        let page = page_of(&ShowDiscrepancyResponse {
            discrepancy: Some(found()),
            steps: vec![DiscrepancyStepLine {
                state: "disputed".to_owned(),
                side: "tax".to_owned(),
                who: "Officer\n7".to_owned(),
                reason: "counted".to_owned(),
                at: "t".to_owned(),
                key: "00ff".to_owned(),
            }],
        });
        for words in [
            "notified   d-1 2026-10 E-UNDERCOUNT 9900000016 count: ours 3, theirs =cmd",
            "(4 days, until 2026-12-31)",
            "t disputed   tax Officer\\n7: counted (key 00ff)",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let household = DiscrepancyLine {
            tax_code: String::new(),
            ..found()
        };
        assert!(line_of(&household).contains(" (household) count"));
    }

    #[test]
    fn a_row_has_every_column_and_no_formula() {
        let row = row_of(&found());
        assert!(row.contains(",\"'=cmd|' /C calc'!A0\","), "{row}");
        assert_eq!(row.matches(',').count() + 1, COLUMNS.len());
    }
}
