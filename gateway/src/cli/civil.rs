//! `lienthong civil`: one birth on one page, the law's time by province, and births of which a person must say whether the child is known already, over the
//! operators' listener.

mod file;
mod report;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::{
    DecideReviewRequest, DecideReviewResponse, ListReviewsRequest, ReviewChild, ReviewLine,
    ShowReviewRequest, ShowReviewResponse, decide_review_request::Decision,
};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Civil status.
#[derive(Debug, Subcommand)]
pub(super) enum Civil {
    /// Births that wait for a person: list, show, decide.
    #[command(subcommand)]
    Review(Review),
    /// One birth from its message to its card and what came after; the look is kept, with its reason.
    Show(show::Show),
    /// Writes a file of one that is kept here into a file; the look is kept, with its reason.
    File(file::File),
    /// Births of one month within the law's time, by province; tells nothing of a child.
    Report(report::Report),
}

/// Births that wait for a person.
#[derive(Debug, Subcommand)]
pub(super) enum Review {
    /// Those that wait, the oldest first; tells nothing of a child.
    List(List),
    /// The child as it was told beside everybody who may be it; the look is kept, with its reason.
    Show(Show),
    /// Says who the child is, of those that were shown; asks the partner for what is missing; or refuses the case.
    Decide(Decide),
}

#[derive(Debug, Clone, Args)]
pub(super) struct List {
    #[command(flatten)]
    which: Which,
    /// Also those that are decided, the newest first.
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The review's number.
    id: u64,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Decide {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    #[command(flatten)]
    who_it_is: WhoItIs,
    /// The version that was shown: it stands for the candidates.
    #[arg(long)]
    version: String,
    /// The review's number.
    id: u64,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct WhoItIs {
    /// The child is the candidate with this number in what was shown.
    #[arg(long)]
    candidate: Option<u32>,
    /// The child is none of them: it gets a number of its own.
    #[arg(long)]
    new_person: bool,
    /// Nobody can say yet: what the partner is told to send, within 7 working days.
    #[arg(long, value_name = "TEXT")]
    ask: Option<String>,
    /// The case ends without a card: why, as the partner is told.
    #[arg(long, value_name = "TEXT")]
    refuse: Option<String>,
}

impl Civil {
    pub(super) async fn run(self) -> Ended {
        match self {
            Self::Review(Review::List(list)) => list.run().await,
            Self::Review(Review::Show(show)) => show.run().await,
            Self::Review(Review::Decide(decide)) => decide.run().await,
            Self::Show(show) => show.run().await,
            Self::File(file) => file.run().await,
            Self::Report(report) => report.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let request = ListReviewsRequest {
            with_decided: self.all,
        };
        let listed = client::reviews(self.which.address()?, request).await?;
        if listed.reviews.is_empty() {
            println!("no birth waits for a person");
        }
        for review in &listed.reviews {
            println!("{}", line_of(review));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self) -> Ended {
        let request = ShowReviewRequest {
            id: self.id,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let shown = client::review(self.which.address()?, request).await?;
        print!("{}", page_of(&shown));
        Ok(ExitCode::SUCCESS)
    }
}

impl Decide {
    async fn run(self) -> Ended {
        let decision = match self.who_it_is {
            WhoItIs {
                ask: Some(told), ..
            } => Decision::Ask(told),
            WhoItIs {
                refuse: Some(told), ..
            } => Decision::Refuse(told),
            WhoItIs {
                candidate: Some(position),
                ..
            } => Decision::Candidate(position),
            WhoItIs { .. } => Decision::NewPerson(true),
        };
        let request = DecideReviewRequest {
            id: self.id,
            decision: Some(decision),
            version: self.version,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let decided = client::decide_review(self.which.address()?, request).await?;
        println!("{}", decided_line(self.id, &decided));
        Ok(ExitCode::SUCCESS)
    }
}

fn decided_line(id: u64, decided: &DecideReviewResponse) -> String {
    match decided.state {
        NEEDS_SUPPLEMENT => format!("review {id} waits for the partner, which is told so"),
        REFUSED => format!("review {id} is decided; the case ends without a card"),
        WAITS_ON => format!(
            "review {id} waits on: the population database tells the child otherwise; look at it again"
        ),
        _ => {
            let card = if decided.card { "a card" } else { "no card" };
            format!("review {id} is decided; the child has {card}")
        }
    }
}

/// trangThai 2 and 6.
const NEEDS_SUPPLEMENT: i32 = 2;
/// State 3 of the civil status exchange.
const WAITS_ON: i32 = 3;
const REFUSED: i32 = 6;

fn line_of(review: &ReviewLine) -> String {
    let ReviewLine {
        id,
        case_id,
        sender,
        ..
    } = review;
    let line = format!(
        "{id} {case_id} of {sender}, since {}, card due {}: {} points, {}",
        review.opened_at, review.due_on, review.score, review.why
    );
    if review.decided_at.is_empty() {
        return match review.supplement_by.as_str() {
            "" => line,
            until => format!("{line}; the partner was asked, until {until}"),
        };
    }
    let was = match (review.refused, review.known_person) {
        (true, _) => "refused",
        (false, true) => "a known child",
        (false, false) => "a new child",
    };
    format!(
        "{line}; {was}, decided {} by {}: {}",
        review.decided_at, review.decided_by, review.reason
    )
}

fn page_of(shown: &ShowReviewResponse) -> String {
    let mut out = String::new();
    if let Some(review) = &shown.review {
        out.push_str(&format!("{}\n", line_of(review)));
    }
    if let Some(told) = &shown.told {
        out.push_str(&format!("told        {}\n", child_of(told)));
    }
    for (at, one) in shown.candidates.iter().enumerate() {
        out.push_str(&format!(
            "candidate {} {}\n            SI {}{}, {} points: {}\n",
            at + 1,
            child_of(one),
            one.si_number,
            if one.dead { ", dead" } else { "" },
            one.score,
            one.why.join(", "),
        ));
    }
    if shown.candidates.is_empty() {
        out.push_str("nobody is alike any more\n");
    }
    out.push_str(&format!("version     {}\n", shown.version));
    out
}

fn child_of(child: &ReviewChild) -> String {
    let sex = match child.sex {
        1 => "male",
        2 => "female",
        _ => "sex undetermined",
    };
    let or_none = |text: &str| match text {
        "" => "none".to_owned(),
        text => text.to_owned(),
    };
    format!(
        "{}, {}, {sex}, PIN {}; mother {} (PIN {}); notice {}",
        child.name,
        child.birth_date,
        or_none(&child.pin),
        or_none(&child.mother_name),
        or_none(&child.mother_pin),
        or_none(&child.birth_notice),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review() -> ReviewLine {
        ReviewLine {
            id: 7,
            sender: "dvclt".to_owned(),
            case_id: "H99.14-261120-000002".to_owned(),
            score: 80,
            why: "same-name,same-mother".to_owned(),
            due_on: "2026-11-26".to_owned(),
            opened_at: "2026-11-23T02:00:00Z".to_owned(),
            ..ReviewLine::default()
        }
    }

    #[test]
    fn a_line_says_why_a_birth_waits_and_who_decided_it() {
        assert_eq!(
            line_of(&review()),
            "7 H99.14-261120-000002 of dvclt, since 2026-11-23T02:00:00Z, card due 2026-11-26: \
             80 points, same-name,same-mother"
        );
        let decided = ReviewLine {
            decided_at: "2026-11-23T03:00:00Z".to_owned(),
            decided_by: "an".to_owned(),
            reason: "asked the ward".to_owned(),
            ..review()
        };
        assert!(
            line_of(&decided)
                .ends_with("; a new child, decided 2026-11-23T03:00:00Z by an: asked the ward")
        );
    }

    #[test]
    fn a_page_shows_both_sides_and_the_version() {
        let child = |si: &str| ReviewChild {
            si_number: si.to_owned(),
            name: "Nguyễn Gia An".to_owned(),
            birth_date: "2026-11-15".to_owned(),
            sex: 1,
            mother_name: "Trần Thị Mẫu".to_owned(),
            score: 80,
            why: vec!["same-name".to_owned()],
            ..ReviewChild::default()
        };
        let page = page_of(&ShowReviewResponse {
            review: Some(review()),
            told: Some(child("")),
            candidates: vec![child("9900000001")],
            version: "0a1b2c3d".to_owned(),
        });
        for words in [
            "told        Nguyễn Gia An, 2026-11-15, male, PIN none; mother Trần Thị Mẫu (PIN none); notice none",
            "candidate 1 Nguyễn Gia An",
            "SI 9900000001, 80 points: same-name",
            "version     0a1b2c3d",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(page_of(&ShowReviewResponse::default()).contains("nobody is alike any more"));
    }
}
