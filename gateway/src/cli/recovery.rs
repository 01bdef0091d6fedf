//! `lienthong recovery`: a store that was put back from a backup, and the person who releases it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{ActRequest, StatusResponse};

use super::{
    Ended,
    admin::Which,
    office::{Reason, act_of},
};
use crate::admin::client;

/// A store that was put back from a backup.
#[derive(Debug, Subcommand)]
pub(super) enum Recovery {
    /// Whether it is Recovering, since when and by whom, and what waits; exits 1 where it is.
    Status(Status),
    /// Changes are taken again and everything goes out; for every replica, within seconds.
    Release(Release),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Status {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Release {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

impl Recovery {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Status(status) => status.run().await,
            Self::Release(release) => release.run().await,
        }
    }
}

impl Status {
    async fn run(self) -> Ended {
        let page = client::status(self.which.address()?).await?;
        print!("{}", page_of(&page));
        Ok(match page.recovery {
            Some(_) => ExitCode::FAILURE,
            None => ExitCode::SUCCESS,
        })
    }
}

impl Release {
    async fn run(self) -> Ended {
        let request = ActRequest {
            deed: "release".to_owned(),
            target: String::new(),
            who: self.reason.who()?,
            why: self.reason.why.clone(),
            law: String::new(),
        };
        let acted = client::act(self.which.address()?, request).await?;
        println!("release: {}", acted.outcome);
        Ok(ExitCode::SUCCESS)
    }
}

fn page_of(page: &StatusResponse) -> String {
    let Some(recovery) = &page.recovery else {
        return "not recovering: changes are taken and everything goes out\n".to_owned();
    };
    let mut out = format!(
        "recovering: everything acknowledged before {} is here, what came later is forgotten\n",
        recovery.cut
    );
    if let Some(act) = &recovery.act {
        out.push_str(&format!("act      {}\n", act_of(act)));
    }
    out.push_str(&format!(
        "inbox    {} messages without an answer wait; they are taken up after the release\n\
         changes  {} sent away so far (RECOVERING): each comes again\n",
        page.inbox_in_progress, recovery.sent_away
    ));
    for lane in &page.lanes {
        out.push_str(&format!(
            "lane     {:<12} {} parcels go out after the release\n",
            lane.partner, lane.waiting
        ));
    }
    out.push_str(
        "next     look at `lienthong outbox list`, then `lienthong recovery release --why`\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::{ActLine, Lane, Recovery};

    use super::*;

    #[test]
    fn the_page_says_who_put_it_back_why_and_what_waits() {
        let mut page = StatusResponse::default();
        assert!(page_of(&page).starts_with("not recovering"));
        page.inbox_in_progress = 3;
        page.lanes.push(Lane {
            partner: "portal".to_owned(),
            waiting: 7,
            ..Lane::default()
        });
        page.recovery = Some(Recovery {
            cut: "2026-11-22T05:00:00Z".to_owned(),
            act: Some(ActLine {
                who: "an".to_owned(),
                why: "the disk died".to_owned(),
                ..ActLine::default()
            }),
            sent_away: 12,
        });
        let told = page_of(&page);
        for words in [
            "before 2026-11-22T05:00:00Z is here",
            "by an: the disk died",
            "3 messages without an answer",
            "12 sent away",
            "portal       7 parcels",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}
