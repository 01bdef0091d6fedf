//! `lienthong tax`: what stands between us and the tax department, over the operators' listener.

mod ask;
mod csv;
mod ledger;
mod schedule;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::NoticeLine;

use super::{Ended, admin::Which};
use crate::admin::client;

/// The tax department.
#[derive(Debug, Subcommand)]
pub(super) enum Tax {
    /// Asks the department: employer, individual.
    #[command(subcommand)]
    Ask(ask::Ask),
    /// Discrepancies: list, show, dispute, settle, recheck, export.
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// What is begun by itself: list, start, pause, resume, watch.
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// What the department told unasked of one employer, the newest first.
    Notices(Notices),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Notices {
    #[command(flatten)]
    which: Which,
    /// The employer's tax code.
    tax_code: String,
}

impl Tax {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Ask(command) => command.run().await,
            Self::Ledger(command) => command.run().await,
            Self::Schedule(command) => command.run().await,
            Self::Notices(notices) => notices.run().await,
        }
    }
}

impl Notices {
    async fn run(self) -> Ended {
        let told = client::notices(self.which.address()?, &self.tax_code).await?;
        if told.notices.is_empty() {
            println!("no notices");
        }
        for notice in &told.notices {
            println!("{}", line_of(notice));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(notice: &NoticeLine) -> String {
    let mut line = format!("{} {}", notice.effective_on, notice.kind);
    for (name, value) in [
        ("status", &notice.status),
        ("reason", &notice.status_reason),
        ("name", &notice.name),
        ("address", &notice.address),
        ("into", &notice.merged_into),
    ] {
        if !value.is_empty() {
            line.push_str(&format!(" {name} {}", value.escape_debug()));
        }
    }
    if notice.kind == "headcount" {
        let (before, now) = (notice.headcount_before, notice.headcount);
        line.push_str(&format!(" {before} -> {now}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_whatever_its_words_hold() {
        let notice = NoticeLine {
            kind: "moved".to_owned(),
            effective_on: "2026-11-01".to_owned(),
            address: "1 Tràng Tiền\n\u{1b}[2J".to_owned(),
            ..NoticeLine::default()
        };
        let line = line_of(&notice);
        assert_eq!(line, "2026-11-01 moved address 1 Tràng Tiền\\n\\u{1b}[2J");
        let fewer = NoticeLine {
            kind: "headcount".to_owned(),
            effective_on: "2026-11-01".to_owned(),
            headcount_before: 90,
            headcount: 40,
            ..NoticeLine::default()
        };
        assert_eq!(line_of(&fewer), "2026-11-01 headcount 90 -> 40");
    }
}
