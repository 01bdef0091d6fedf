//! `lienthong employer`: what happened to an employer, by an officer's word, over the operators' listener.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{RecordEmployerRequest, RecordEmployerResponse};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Employers.
#[derive(Debug, Subcommand)]
pub(super) enum Employer {
    /// Records a change; departments that watch employers are told of it.
    Record(Box<Record>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Record {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// registered, dissolved, suspended, resumed, moved, merged, or headcount: a month's statement is closed.
    #[arg(long)]
    kind: String,
    /// The day from which it counts, yyyy-MM-dd; not for headcount.
    #[arg(long, default_value = "")]
    on: String,
    /// registered: the VSS unit code, such as TZ0000L.
    #[arg(long, default_value = "")]
    unit_code: String,
    /// registered: its name.
    #[arg(long, default_value = "")]
    name: String,
    /// registered and moved: the commune, 5 digits.
    #[arg(long, default_value = "")]
    commune: String,
    /// merged: tax code of the employer that it became part of.
    #[arg(long, default_value = "")]
    into: String,
    /// headcount: the month, yyyy-MM.
    #[arg(long, default_value = "")]
    period: String,
    /// headcount: participants in the month.
    #[arg(long, default_value_t = 0)]
    participants: u32,
    /// headcount: the month's contribution fund, VND.
    #[arg(long, default_value_t = 0)]
    fund: i64,
    /// headcount: what is due for the month, VND.
    #[arg(long, default_value_t = 0)]
    due: i64,
    /// headcount: what was paid in it, VND.
    #[arg(long, default_value_t = 0)]
    paid: i64,
    /// The employer's tax code.
    tax_code: String,
}

impl Employer {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Record(record) => record.run().await,
        }
    }
}

impl Record {
    async fn run(self) -> Ended {
        let request = RecordEmployerRequest {
            tax_code: self.tax_code,
            kind: self.kind,
            effective_on: self.on,
            unit_code: self.unit_code,
            name: self.name,
            commune: self.commune,
            merged_into: self.into,
            period: self.period,
            participants: self.participants,
            fund_vnd: self.fund,
            due_vnd: self.due,
            paid_vnd: self.paid,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let recorded = client::record_employer(self.which.address()?, request).await?;
        println!("{}", line_of(&recorded));
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(recorded: &RecordEmployerResponse) -> String {
    let RecordEmployerResponse {
        unit_code,
        state,
        told,
    } = recorded;
    match told {
        0 => format!("unit {unit_code} is {state}; no department is told of it"),
        1 => format!("unit {unit_code} is {state}; one department is told of it"),
        many => format!("unit {unit_code} is {state}; {many} departments are told of it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_the_unit_stands_and_how_many_are_told() {
        for (told, words) in [
            (0, "no department is"),
            (1, "one department is"),
            (3, "3 departments are"),
        ] {
            let recorded = RecordEmployerResponse {
                unit_code: "TZ0000L".to_owned(),
                state: "closed".to_owned(),
                told,
            };
            let line = line_of(&recorded);
            assert_eq!(line, format!("unit TZ0000L is closed; {words} told of it"));
        }
    }
}
