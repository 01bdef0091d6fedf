//! `lienthong reconcile`: what partners were asked, and what they had lost or never sent.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{ListPullsRequest, PullLine, ShowPullResponse};

use super::{Ended, admin::Which, office::act_of};
use crate::admin::client;

/// Reconciliation pulls.
#[derive(Debug, Subcommand)]
pub(super) enum Reconcile {
    /// Windows that partners were asked about, the newest first.
    List(List),
    /// One window: what was lost and goes again, what never came.
    Show(Show),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// Of this partner.
    #[arg(long, default_value = "")]
    partner: String,
    /// At most so many, at most 1,000.
    #[arg(long, default_value_t = 50)]
    max: u32,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    /// A pull's id.
    id: String,
}

impl Reconcile {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = ListPullsRequest {
            partner: self.partner,
            max: self.max,
        };
        let listed = client::pulls(self.which.address()?, request).await?;
        if listed.pulls.is_empty() {
            println!("no pulls");
        }
        for pull in &listed.pulls {
            println!("{}", line_of(pull));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let shown = client::pull(self.which.address()?, &self.id).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

fn line_of(pull: &PullLine) -> String {
    let what = match pull.state.as_str() {
        "judged" if pull.instead > 0 => format!("asked again in {} parts", pull.instead),
        "judged" => format!(
            "{} compared, {} lost and told again, {} left to a person, {} never came",
            pull.compared, pull.again, pull.given_up, pull.never_came
        ),
        _ => format!("{} tries {}", pull.attempts, pull.reason),
    };
    let line = format!(
        "{:<9} {} {} to {}: {what}",
        pull.state, pull.id, pull.from, pull.until
    );
    line.trim_end().to_owned()
}

fn page_of(shown: &ShowPullResponse) -> String {
    let Some(pull) = &shown.pull else {
        return "no such pull\n".to_owned();
    };
    let mut out = format!("{}\nplanned  {}\n", line_of(pull), pull.planned_at);
    if let Some(act) = &shown.judgement {
        out.push_str(&format!("found    {}\n", act_of(act)));
    }
    out
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::ActLine;

    use super::*;

    #[test]
    fn a_pull_tells_what_was_lost_and_where_the_journal_has_it() {
        let pull = PullLine {
            id: "pull.portal.0-60".to_owned(),
            from: "1970-01-01T00:00:00Z".to_owned(),
            until: "1970-01-01T00:01:00Z".to_owned(),
            state: "judged".to_owned(),
            compared: 5,
            again: 2,
            never_came: 1,
            ..PullLine::default()
        };
        let page = page_of(&ShowPullResponse {
            pull: Some(pull.clone()),
            judgement: Some(ActLine {
                deed: "reconcile".to_owned(),
                target: pull.id.clone(),
                who: "lienthong, as gateway".to_owned(),
                why: "go again: change-9.sync".to_owned(),
                journal: 44,
                ..ActLine::default()
            }),
        });
        for words in [
            "judged    pull.portal.0-60 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z",
            "5 compared, 2 lost and told again, 0 left to a person, 1 never came",
            "go again: change-9.sync (journal 44)",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        let waiting = PullLine {
            state: "waiting".to_owned(),
            attempts: 3,
            reason: "refused".to_owned(),
            ..pull
        };
        assert!(line_of(&waiting).ends_with("3 tries refused"));
    }
}
