//! `lienthong dossier`: dossiers of the portal that wait for a person, over the operators' listener.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{
    DecideDossierRequest, DossierLine, ListDossiersRequest, ShowDossierRequest, ShowDossierResponse,
};

use super::{Ended, admin::Which, office::Reason, paper::Paper};
use crate::admin::client;

/// Dossiers.
#[derive(Debug, Subcommand)]
pub(super) enum Dossier {
    /// Those that wait, those due first; tells nothing of an applicant.
    List(List),
    /// One as it was told, and what persons did about it; the look is kept, with its reason.
    Show(Show),
    /// Writes a file of one that is kept here into a file; the look is kept, with its reason.
    Paper(Paper),
    /// Says what becomes of one, as it was shown.
    Decide(Decide),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The dossier's code.
    code: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    word: Word,
    /// The step that was shown: where the dossier has moved since, nothing is done.
    #[arg(long)]
    step: u32,
    /// What the applicant is told: what is missing, why it ends.
    #[arg(long, default_value = "")]
    told: String,
    /// Working days for a supplement.
    #[arg(long, default_value_t = 0)]
    days: u32,
    /// Reference of the payment that was seen, where the procedure has to be paid for.
    #[arg(long, default_value = "")]
    paid: String,
    /// With --paid: the day on which it was paid, YYYY-MM-DD; today unless it is said.
    #[arg(long, default_value = "", requires = "paid")]
    paid_on: String,
    /// With --paid: how much, VND; what was quoted unless it is said.
    #[arg(long, default_value_t = 0, requires = "paid")]
    paid_vnd: i64,
    /// The dossier's code.
    code: String,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Word {
    /// What was asked for is given.
    #[arg(long)]
    approve: bool,
    /// Papers are missing: --told says which, --days how long they are awaited.
    #[arg(long)]
    supplement: bool,
    /// The missing papers have come; the time limit begins anew.
    #[arg(long)]
    resume: bool,
    /// It cannot go on: --told says why.
    #[arg(long)]
    stop: bool,
    /// The applicant takes it back.
    #[arg(long)]
    withdraw: bool,
}

impl Word {
    fn as_str(&self) -> &'static str {
        let words = [
            (self.approve, "approve"),
            (self.supplement, "supplement"),
            (self.resume, "resume"),
            (self.stop, "stop"),
            (self.withdraw, "withdraw"),
        ];
        words
            .iter()
            .find(|(said, _)| *said)
            .map_or("", |(_, word)| word)
    }
}

impl Dossier {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Paper(paper) => paper.run().await,
            Self::Decide(decide) => decide.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let listed = client::dossiers(self.which.address()?, ListDossiersRequest {}).await?;
        if listed.dossiers.is_empty() {
            println!("no dossier waits for a person");
        }
        for dossier in &listed.dossiers {
            println!("{}", line_of(dossier));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let request = ShowDossierRequest {
            code: self.code,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let shown = client::dossier(self.which.address()?, request).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

impl Decide {
    async fn run(self) -> Ended {
        let request = DecideDossierRequest {
            code: self.code.clone(),
            step: self.step,
            decision: self.word.as_str().to_owned(),
            told: self.told,
            days: self.days,
            paid: self.paid,
            who: self.reason.who()?,
            why: self.reason.why,
            paid_on: self.paid_on,
            paid_vnd: self.paid_vnd,
        };
        let decided = client::decide_dossier(self.which.address()?, request).await?;
        println!("{} stands in state {}", self.code, decided.state);
        if !decided.refund.is_empty() {
            println!(
                "the money was not booked and is to be given back: {}",
                decided.refund
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(dossier: &DossierLine) -> String {
    let mut line = format!(
        "{} {} {}, of {}, state {}, step {}, received {}, due {}",
        dossier.code,
        dossier.procedure,
        dossier.name,
        dossier.owner,
        dossier.state,
        dossier.step,
        dossier.received_at,
        dossier.due_at
    );
    if dossier.overdue {
        line.push_str(" OVERDUE");
    }
    if !dossier.supplement_due.is_empty() {
        line.push_str(&format!(", papers by {}", dossier.supplement_due));
    }
    line
}

/// As what somebody acts, and for whom.
fn acting(word: &str) -> String {
    match word {
        "mother" | "father" | "guardian" => format!("{word} of a child"),
        "adult-guardian" => "guardian of an adult".to_owned(),
        "legal-representative" => "legal representative of the employer".to_owned(),
        "authorised" => "authorised by whom it is about".to_owned(),
        other => other.to_owned(),
    }
}

fn page_of(shown: &ShowDossierResponse) -> String {
    let mut out = String::new();
    if let Some(dossier) = &shown.dossier {
        out.push_str(&format!("{}\n", line_of(dossier)));
    }
    out.push_str(&format!(
        "applicant   {} (PIN {})\n",
        shown.applicant_name, shown.applicant_pin
    ));
    if !shown.acts_as.is_empty() {
        out.push_str(&format!("acts as     {}\n", acting(&shown.acts_as)));
    }
    if !shown.form.is_empty() {
        out.push_str(&format!("form        {}\n", shown.form));
    }
    for (line, number) in shown.papers.iter().zip(1..) {
        let name = format!("paper {number}");
        out.push_str(&format!("{name:<12}{line}\n"));
    }
    for line in &shown.acts {
        out.push_str(&format!("act         {line}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dossier() -> DossierLine {
        DossierLine {
            code: "G99.00.01-261123-000001".to_owned(),
            procedure: "9.000007".to_owned(),
            name: "Điều chỉnh thông tin".to_owned(),
            owner: "portal".to_owned(),
            state: 4,
            step: 3,
            received_at: "2026-11-23T02:00:00Z".to_owned(),
            due_at: "2026-12-01T10:00:00Z".to_owned(),
            ..DossierLine::default()
        }
    }

    #[test]
    fn a_line_says_what_waits_until_when_and_whether_that_is_over() {
        assert_eq!(
            line_of(&dossier()),
            "G99.00.01-261123-000001 9.000007 Điều chỉnh thông tin, of portal, state 4, step 3, \
             received 2026-11-23T02:00:00Z, due 2026-12-01T10:00:00Z"
        );
        let late = DossierLine {
            overdue: true,
            supplement_due: "2026-12-10T10:00:00Z".to_owned(),
            ..dossier()
        };
        assert!(line_of(&late).ends_with(" OVERDUE, papers by 2026-12-10T10:00:00Z"));
    }

    #[test]
    fn a_page_shows_the_form_the_papers_and_every_act() {
        let page = page_of(&ShowDossierResponse {
            dossier: Some(dossier()),
            applicant_name: "Lê Văn Mẫu".to_owned(),
            applicant_pin: "099090000001".to_owned(),
            acts_as: "mother".to_owned(),
            form: r#"{"LyDo":"Sai tên"}"#.to_owned(),
            papers: vec!["GIAY-TO khai-sinh.pdf".to_owned()],
            acts: vec!["2026-11-23T03:00:00Z supplement by an: one is missing".to_owned()],
        });
        for words in [
            "applicant   Lê Văn Mẫu (PIN 099090000001)",
            "acts as     mother of a child",
            r#"form        {"LyDo":"Sai tên"}"#,
            "paper 1     GIAY-TO khai-sinh.pdf",
            "act         2026-11-23T03:00:00Z supplement by an: one is missing",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }

    #[test]
    fn one_word_is_said() {
        let word = Word {
            approve: false,
            supplement: true,
            resume: false,
            stop: false,
            withdraw: false,
        };
        assert_eq!(word.as_str(), "supplement");
    }
}
