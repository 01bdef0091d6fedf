//! `lienthong represent`: guardians, authorised persons and legal representatives, as an officer has seen the paper, over the
//! operators' listener.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use schemas::proto::admin::{
    EndRepresentationRequest, GroupMember, ListRepresentationsRequest, RecordRepresentationRequest,
    RepresentationLine,
};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Who represents whom.
#[derive(Debug, Subcommand)]
pub(super) enum Represent {
    /// Records a paper: from then on dossiers of that representative are taken in. A child's parents need none.
    Add(Box<Add>),
    /// Ends one from a day on; what it began is heard no more and given nothing.
    End(End),
    /// Everything that was recorded of a person, on either side, or of an employer; the look is kept, with its reason.
    List(List),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Add {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// guardian (of a child under age), adult-guardian, authorised, or legal-representative (of an employer).
    #[arg(long)]
    kind: String,
    /// What it rests on: court or commune (a guardian), authorisation, registration (a legal representative).
    #[arg(long)]
    basis: String,
    /// The paper, as it is named.
    #[arg(long)]
    document: String,
    /// The representative's PIN or SI number.
    #[arg(long)]
    representative: String,
    /// The representative's name.
    #[arg(long)]
    representative_name: String,
    /// PIN or SI number of whoever is represented.
    #[arg(long, requires = "person_name", required_unless_present = "employer")]
    person: Option<String>,
    /// Their name.
    #[arg(long, requires = "person")]
    person_name: Option<String>,
    /// The employer that is represented: its tax code.
    #[arg(long, conflicts_with = "person")]
    employer: Option<String>,
    /// The first day, yyyy-MM-dd.
    #[arg(long)]
    from: Date,
    /// The last day, yyyy-MM-dd; an authorisation that says none holds a year, everything else until it is ended.
    #[arg(long)]
    to: Option<Date>,
    /// A procedure that it is for, such as 9.000010; again for each. Any where none is named.
    #[arg(long = "procedure")]
    procedures: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct End {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The first day on which it does not count any more, yyyy-MM-dd; its first day where the paper was wrong.
    #[arg(long)]
    from: Date,
    /// What ends it, as it is named.
    #[arg(long)]
    by: String,
    /// Its number, as it was listed.
    id: u64,
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// PIN, SI or card number of a person.
    #[arg(required_unless_present = "employer", conflicts_with = "employer")]
    number: Option<String>,
    /// The tax code of an employer.
    #[arg(long)]
    employer: Option<String>,
}

impl Represent {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Add(add) => add.run().await,
            Self::End(end) => end.run().await,
            Self::List(list) => list.run().await,
        }
    }
}

impl Add {
    async fn run(self) -> Ended {
        let person = self.person.map(|number| GroupMember {
            number,
            name: self.person_name.unwrap_or_default(),
        });
        let request = RecordRepresentationRequest {
            kind: self.kind,
            basis: self.basis,
            document: self.document,
            representative: Some(GroupMember {
                number: self.representative,
                name: self.representative_name,
            }),
            person,
            tax_code: self.employer.unwrap_or_default(),
            from: self.from.to_string(),
            to: self.to.map_or_else(String::new, |day| day.to_string()),
            procedures: self.procedures,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let kept = client::record_representation(self.which.address()?, request).await?;
        println!("{}", line_of(&kept.representation.unwrap_or_default()));
        Ok(ExitCode::SUCCESS)
    }
}

impl End {
    async fn run(self) -> Ended {
        let request = EndRepresentationRequest {
            id: self.id,
            from: self.from.to_string(),
            by: self.by,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let ended = client::end_representation(self.which.address()?, request).await?;
        println!("{}", line_of(&ended.representation.unwrap_or_default()));
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = ListRepresentationsRequest {
            number: self.number.unwrap_or_default(),
            tax_code: self.employer.unwrap_or_default(),
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let listed = client::representations(self.which.address()?, request).await?;
        if listed.representations.is_empty() {
            println!("nothing was recorded");
        }
        for one in &listed.representations {
            println!("{}", line_of(one));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(one: &RepresentationLine) -> String {
    let named = |person: &Option<GroupMember>| {
        let person = person.clone().unwrap_or_default();
        format!("{} ({})", person.name, person.number)
    };
    let of = match one.tax_code.is_empty() {
        true => named(&one.person),
        false => format!("the employer {}", one.tax_code),
    };
    let until = match one.to.is_empty() {
        true => "until it is ended".to_owned(),
        false => format!("until {}", one.to),
    };
    let scope = match one.procedures.is_empty() {
        true => "any procedure".to_owned(),
        false => one.procedures.join(", "),
    };
    let mut line = format!(
        "{}: {} is {} of {}, from {} {until}, for {scope}; {} ({}), recorded {}",
        one.id,
        named(&one.representative),
        one.kind,
        of,
        one.from,
        one.document,
        one.basis,
        one.recorded
    );
    if !one.ended.is_empty() {
        line.push_str(&format!("; ENDED {}", one.ended));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_acts_for_whom_how_long_for_what_and_by_which_paper() {
        let member = |number: &str, name: &str| {
            Some(GroupMember {
                number: number.to_owned(),
                name: name.to_owned(),
            })
        };
        let one = RepresentationLine {
            id: 7,
            kind: "guardian".to_owned(),
            basis: "commune".to_owned(),
            document: "QĐ 12".to_owned(),
            representative: member("099090000001", "Lê Văn Mẫu"),
            person: member("099220000002", "Lê Thị Mẫu"),
            from: "2026-11-23".to_owned(),
            recorded: "2026-11-23T02:00:00Z by an: shown".to_owned(),
            ..RepresentationLine::default()
        };
        assert_eq!(
            line_of(&one),
            "7: Lê Văn Mẫu (099090000001) is guardian of Lê Thị Mẫu (099220000002), from 2026-11-23 until it is ended, \
             for any procedure; QĐ 12 (commune), recorded 2026-11-23T02:00:00Z by an: shown"
        );
        let ended = RepresentationLine {
            person: None,
            tax_code: "0990000001".to_owned(),
            to: "2027-11-22".to_owned(),
            procedures: vec!["9.000004".to_owned(), "9.000009".to_owned()],
            ended: "from 2026-12-01 by QĐ 13, says an: over".to_owned(),
            ..one
        };
        let line = line_of(&ended);
        for words in [
            "of the employer 0990000001, from 2026-11-23 until 2027-11-22, for 9.000004, 9.000009;",
            "; ENDED from 2026-12-01 by QĐ 13, says an: over",
        ] {
            assert!(line.contains(words), "{words}: {line}");
        }
    }
}
