//! `lienthong civil show`: one birth on one page.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;
use schemas::{
    date::in_viet_nam,
    proto::admin::{AccessLine, BirthPage, MessageStory, ParcelLine, ShowBirthRequest},
};

use super::super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The case of this partner, where several have one of this id.
    #[arg(long, default_value = "")]
    sender: String,
    /// The case's id (maHoSo).
    case_id: String,
}

impl Show {
    pub(super) async fn run(self) -> Ended {
        let request = ShowBirthRequest {
            case_id: self.case_id,
            sender: self.sender,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let shown = client::birth(self.which.address()?, request).await?;
        for birth in &shown.births {
            print!("{}", page_of(birth));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn page_of(birth: &BirthPage) -> String {
    let mut out = String::new();
    let mut row = |name: &str, text: String| {
        // writing to a String cannot fail
        let _ = writeln!(out, "{name:<10}{text}");
    };
    row(
        "case",
        format!(
            "{} of {}, state {}",
            birth.case_id, birth.sender, birth.state
        ),
    );
    row(
        "received",
        format!(
            "{}, counts as {}, province {}",
            local(&birth.received_at),
            birth.counted_on,
            birth.province
        ),
    );
    row("due", due_of(birth));
    row("child", settled_of(birth));
    if let Some(review) = &birth.review {
        row("review", review_of(review));
    }
    row("card", card_of(birth));
    for later in &birth.later {
        row(
            "after",
            format!(
                "{} {} by {} of {}",
                local(&later.at),
                later.what,
                later.case_id,
                later.sender
            ),
        );
    }
    for message in &birth.messages {
        row("message", message_of(message));
    }
    for (file, number) in birth.files.iter().zip(1..) {
        row(
            &format!("file {number}"),
            format!(
                "{} {}, {} bytes",
                local(&file.came_at),
                file.media_type,
                file.bytes
            ),
        );
    }
    for sent in &birth.sent {
        row("sent", sent_of(sent));
    }
    for told in &birth.told {
        row("told", told_of(told));
    }
    out
}

fn due_of(birth: &BirthPage) -> String {
    let due = format!(
        "{}, {} % of its time",
        local(&birth.due_at),
        birth.over_percent
    );
    let warned = match birth.told_percent {
        0 => String::new(),
        100 => "; BREACHED".to_owned(),
        percent => format!("; warned at {percent} %"),
    };
    match birth.done_at.as_str() {
        "" => format!("{due} is over, open{warned}"),
        done_at => format!(
            "{due} was over when it was done on {}{warned}",
            local(done_at)
        ),
    }
}

fn settled_of(birth: &BirthPage) -> String {
    let how = match birth.settled.as_str() {
        "minted" => "new: nobody was alike, a number was given",
        "by-pin" => "known by its PIN",
        "by-key" => "known by the hospital's notice and the mother; the new PIN was added",
        "said-known" => "a known one, as a person decided",
        "said-new" => "new, as a person decided",
        "refused" => "not settled: the case ended without a card",
        _ => "a person has to say whether it is known",
    };
    match birth.si_number_end.as_str() {
        "" => how.to_owned(),
        end => format!("{how}; number ends in {end}"),
    }
}

fn review_of(review: &schemas::proto::admin::ReviewLine) -> String {
    let opened = format!("{}, {} points: {}", review.id, review.score, review.why);
    match review.decided_at.as_str() {
        "" if !review.supplement_by.is_empty() => {
            format!(
                "{opened}; the partner was asked, until {}",
                review.supplement_by
            )
        }
        "" => format!("{opened}; waits since {}", local(&review.opened_at)),
        at => format!(
            "{opened}; decided {} by {}: {}",
            local(at),
            review.decided_by,
            review.reason
        ),
    }
}

fn card_of(birth: &BirthPage) -> String {
    match birth.card_begin.as_str() {
        "" => "none".to_owned(),
        begin => format!(
            "{begin}…{}, {}, {} to {}, print {}, facility {}; {}",
            birth.si_number_end,
            birth.card_state,
            birth.valid_from,
            birth.valid_to,
            birth.print,
            birth.facility,
            birth.rule
        ),
    }
}

fn message_of(message: &MessageStory) -> String {
    format!(
        "{} {}: {} (evidence {})",
        message.operation, message.message_id, message.verdict, message.evidence
    )
}

/// A state on its way, or that has arrived: where it stands, and the journal's records of what was sent and of the receipt.
fn sent_of(sent: &ParcelLine) -> String {
    let record = |number: u64, what: &str| match number {
        0 => String::new(),
        number => format!(", {what} in record {number}"),
    };
    format!(
        "{} {}: {}, {} tries{}{}{}",
        local(&sent.put_at),
        sent.id,
        sent.state,
        sent.attempts,
        match sent.reason.as_str() {
            "" => String::new(),
            reason => format!(", last {reason}"),
        },
        record(sent.sending, "sent"),
        record(sent.receipt, "receipt"),
    )
}

fn told_of(told: &AccessLine) -> String {
    format!(
        "{} by {}: {} (evidence {})",
        local(&told.at),
        told.operation,
        told.fields,
        told.evidence
    )
}

/// A moment by the clock in Viet Nam; as it is where it is none.
fn local(text: &str) -> String {
    match text.parse() {
        Ok(at) => in_viet_nam(at).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use schemas::proto::admin::KeptFile;

    use super::*;

    fn birth() -> BirthPage {
        BirthPage {
            sender: "dvclt".to_owned(),
            case_id: "H99.14-261120-000002".to_owned(),
            state: 3,
            received_at: "2026-11-23T01:30:00Z".to_owned(),
            counted_on: "2026-11-23".to_owned(),
            province: "75".to_owned(),
            due_at: "2026-11-26T10:00:00Z".to_owned(),
            over_percent: 62,
            told_percent: 50,
            ..BirthPage::default()
        }
    }

    #[test]
    fn an_open_birth_tells_its_age_and_what_it_waits_for() {
        let page = page_of(&birth());
        for line in [
            "case      H99.14-261120-000002 of dvclt, state 3",
            "received  2026-11-23 08:30, counts as 2026-11-23, province 75",
            "due       2026-11-26 17:00, 62 % of its time is over, open; warned at 50 %",
            "child     a person has to say whether it is known",
            "card      none",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn its_files_and_what_its_partner_is_told_unasked_stand_with_their_records() {
        let sent = ParcelLine {
            id: "LTKS-H99.14-261120-000002.1".to_owned(),
            state: "done".to_owned(),
            attempts: 2,
            reason: "closed".to_owned(),
            put_at: "2026-11-23T01:31:00Z".to_owned(),
            sending: 7,
            receipt: 8,
            ..ParcelLine::default()
        };
        let waits = ParcelLine {
            state: "waiting".to_owned(),
            attempts: 0,
            reason: String::new(),
            sending: 0,
            receipt: 0,
            ..sent.clone()
        };
        let page = page_of(&BirthPage {
            sent: vec![sent, waits],
            files: vec![KeptFile {
                media_type: "application/pdf".to_owned(),
                bytes: 30_000,
                came_at: "2026-11-23T01:30:01Z".to_owned(),
            }],
            ..birth()
        });
        for line in [
            "file 1    2026-11-23 08:30 application/pdf, 30000 bytes\n",
            "sent      2026-11-23 08:31 LTKS-H99.14-261120-000002.1: done, 2 tries, last closed, sent in record 7, receipt in record 8\n",
            "sent      2026-11-23 08:31 LTKS-H99.14-261120-000002.1: waiting, 0 tries\n",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }

    #[test]
    fn a_birth_done_too_late_says_so_and_shows_the_card_without_its_number() {
        let page = page_of(&BirthPage {
            done_at: "2026-11-27T02:00:00Z".to_owned(),
            over_percent: 100,
            told_percent: 100,
            settled: "said-new".to_owned(),
            si_number_end: "0042".to_owned(),
            card_begin: "TE175".to_owned(),
            card_state: "valid".to_owned(),
            valid_from: "2026-11-15".to_owned(),
            valid_to: "2032-11-30".to_owned(),
            print: 1,
            facility: "75001".to_owned(),
            rule: "law".to_owned(),
            ..birth()
        });
        for line in [
            "100 % of its time was over when it was done on 2026-11-27 09:00; BREACHED",
            "child     new, as a person decided; number ends in 0042",
            "card      TE175…0042, valid, 2026-11-15 to 2032-11-30, print 1, facility 75001; law",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
    }
}
