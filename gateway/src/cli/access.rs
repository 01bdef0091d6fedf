//! `lienthong access`: who has asked about a person, over the operators' listener.

use std::process::ExitCode;

use clap::Args;
use schemas::proto::admin::{AccessLine, AccessRequest};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

#[derive(Debug, Clone, Args)]
pub(super) struct Access {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// A PIN, a social insurance number or a card number; - reads it from standard input, so that it stands
    /// in no list of processes.
    #[arg(long)]
    person: String,
    /// At most so many, at most 1,000.
    #[arg(long, default_value_t = 50)]
    max: u32,
}

impl Access {
    pub(super) async fn run(self) -> Ended {
        let person = match self.person.as_str() {
            "-" => std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
            _ => self.person,
        };
        let request = AccessRequest {
            person,
            who: self.reason.who()?,
            why: self.reason.why,
            max: self.max,
        };
        let found = client::accesses(self.which.address()?, request).await?;
        for line in &found.accesses {
            println!("{}", line_of(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(line: &AccessLine) -> String {
    let AccessLine {
        at,
        operation,
        rule,
        purpose,
        journal,
        ..
    } = line;
    if !line.operator.is_empty() {
        let (operator, why) = (&line.operator, &line.why);
        return format!("{at} operator {operator} looked here: {why} (journal {journal})");
    }
    let fields = match line.fields.as_str() {
        "" => "nothing disclosed".to_owned(),
        fields => format!("disclosed {fields}"),
    };
    format!(
        "{at} {} {operation} under {rule} for {purpose}, {fields} (evidence {}, journal {journal})",
        line.partner, line.evidence
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_when_under_which_rule_for_what_and_which_fields() {
        let line = AccessLine {
            at: "2026-11-22T05:00:00Z".to_owned(),
            partner: "dvclt".to_owned(),
            operation: "civil.result".to_owned(),
            rule: "QC-2/civil.result".to_owned(),
            purpose: "child-health-insurance".to_owned(),
            fields: "siNumber,card".to_owned(),
            evidence: "e".to_owned(),
            journal: 7,
            ..AccessLine::default()
        };
        assert_eq!(
            line_of(&line),
            "2026-11-22T05:00:00Z dvclt civil.result under QC-2/civil.result for child-health-insurance, \
            disclosed siNumber,card (evidence e, journal 7)"
        );
        let operator = AccessLine {
            at: "t".to_owned(),
            operator: "an".to_owned(),
            why: "her request".to_owned(),
            journal: 8,
            ..AccessLine::default()
        };
        assert_eq!(
            line_of(&operator),
            "t operator an looked here: her request (journal 8)"
        );
    }
}
