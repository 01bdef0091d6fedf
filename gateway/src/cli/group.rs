//! `lienthong group`: who is poor, near-poor, of an island commune or of an averagely living farming household, by a
//! certified list, over the operators' listener.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use schemas::proto::admin::{CertifyGroupRequest, GroupMember, TakeBackGroupRequest};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Groups.
#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// Keeps a certified list, whole or not at all; quotes ask it from then on.
    Certify(Certify),
    /// Takes a certified list back, or people off it, by a later decision; quotes stop asking it from the day that is said.
    TakeBack(TakeBack),
}

/// Which list, and in whose name something is said of it.
#[derive(Debug, Clone, Args)]
struct OfList {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The decision that certifies the list, as it is written.
    #[arg(long)]
    decision: String,
    /// poor, island, near-poor or farming.
    #[arg(long)]
    group: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Certify {
    #[command(flatten)]
    list: OfList,
    /// The first day, yyyy-MM-dd.
    #[arg(long)]
    from: Date,
    /// The last day, yyyy-MM-dd.
    #[arg(long)]
    to: Date,
    /// A file with a person a line: PIN or SI number, a comma, the name. At most 1,000.
    file: PathBuf,
}

#[derive(Debug, Clone, Args)]
pub(super) struct TakeBack {
    #[command(flatten)]
    list: OfList,
    /// The first day on which it does not count any more, yyyy-MM-dd.
    #[arg(long)]
    from: Date,
    /// The decision that takes it back.
    #[arg(long)]
    by: String,
    /// A file with those who are taken off it, a person a line, as the list was brought.
    #[arg(required_unless_present = "everybody", conflicts_with = "everybody")]
    file: Option<PathBuf>,
    /// Everybody on it, at most 10,000.
    #[arg(long)]
    everybody: bool,
}

impl Group {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Certify(certify) => certify.run().await,
            Self::TakeBack(take_back) => take_back.run().await,
        }
    }
}

impl Certify {
    async fn run(self) -> Ended {
        let list = self.list;
        let request = CertifyGroupRequest {
            decision: list.decision.clone(),
            group: list.group.clone(),
            from: self.from.to_string(),
            to: self.to.to_string(),
            members: read(&self.file)?,
            who: list.reason.who()?,
            why: list.reason.why,
        };
        let certified = client::certify_group(list.which.address()?, request).await?;
        println!(
            "{}: {} certified as {}",
            list.decision,
            people(certified.certified),
            list.group
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl TakeBack {
    async fn run(self) -> Ended {
        let list = self.list;
        let request = TakeBackGroupRequest {
            decision: list.decision.clone(),
            group: list.group.clone(),
            from: self.from.to_string(),
            by: self.by.clone(),
            members: match &self.file {
                Some(file) => read(file)?,
                None => Vec::new(),
            },
            who: list.reason.who()?,
            why: list.reason.why,
        };
        let taken = client::take_back_group(list.which.address()?, request).await?;
        println!(
            "{}: {} taken off the list of {} from {} on, by {}",
            list.decision,
            people(taken.ended),
            list.group,
            self.from,
            self.by
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn people(many: u32) -> String {
    match many {
        0 => "nobody".to_owned(),
        1 => "1 person".to_owned(),
        many => format!("{many} people"),
    }
}

/// The people of a file; an error names the file.
fn read(file: &Path) -> Result<Vec<GroupMember>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    members(&text).map_err(|error| format!("{}: {error}", file.display()))
}

/// The people of a list; an error names the line and nobody on it.
fn members(text: &str) -> Result<Vec<GroupMember>, String> {
    let mut members = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = || format!("line {number}: write a number, a comma and a name");
        let (person, name) = line.split_once(',').ok_or_else(wrong)?;
        let (person, name) = (person.trim(), name.trim());
        if person.is_empty() || name.is_empty() || !person.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        members.push(GroupMember {
            number: person.to_owned(),
            name: name.to_owned(),
        });
    }
    match members.len() {
        0 => Err("the list is empty".to_owned()),
        1..=PEOPLE_MAX => Ok(members),
        many => Err(format!("{many} people; at most {PEOPLE_MAX} at once")),
    }
}

const PEOPLE_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_people_as_people_do() {
        assert_eq!([0, 1, 2].map(people), ["nobody", "1 person", "2 people"]);
    }

    #[test]
    fn a_list_is_read_line_by_line_and_a_wrong_line_is_named_without_what_it_says() {
        let read = members("099090000001, Lê Văn Mẫu\n\n9912345678,Trần Thị Mẫu\n").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(
            (read[0].number.as_str(), read[1].name.as_str()),
            ("099090000001", "Trần Thị Mẫu")
        );
        for (text, line) in [
            ("9912345678,A\n9912345678", "line 2"),
            ("Lê Văn Mẫu,9912345678", "line 1"),
            (",A", "line 1"),
            ("9912345678, ", "line 1"),
        ] {
            let error = members(text).unwrap_err();
            assert!(error.contains(line) && !error.contains("991"), "{error}");
        }
        assert!(members("\n").is_err());
        let many = "9912345678,A\n".repeat(PEOPLE_MAX + 1);
        assert!(members(&many).unwrap_err().contains("1001 people"));
    }
}
