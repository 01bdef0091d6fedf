//! Whether a proven answer is the one to our question, and tells no more than was asked.

use std::collections::BTreeSet;

use schemas::wire::tax::{
    Direction, Header, LookUpNotices, NoticesHeld, ReconcileChunkReceipt, ReconcileResult,
    ReconcileState,
    taxpayer::{Answer, Body, Many, ManyLine, Message, Question, SentPage},
};

/// What an answer has to be bound to.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The question's header.
    pub(super) header: Header,
    /// Its content digest.
    pub(super) digest: [u8; 32],
    /// What was asked or sent.
    pub(super) said: Said,
    /// Whether it was asked in JSON, and is answered so.
    pub(super) is_json: bool,
}

/// What goes out.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// A question, or what is told.
    Question(Question),
    /// A chunk of a month, with the receipt that it has to have.
    Chunk(ReconcileChunkReceipt),
}

impl Asked {
    /// Whether somebody waits for what is told, a refusal included; a notice and a request are done or not.
    pub(super) fn is_asked(&self) -> bool {
        match &self.said {
            Said::Chunk(_) => true,
            Said::Question(question) => matches!(
                question,
                Question::Employer(_)
                    | Question::Individual(_)
                    | Question::Many(_)
                    | Question::Reconcile(_)
                    | Question::Result(_)
            ),
        }
    }
}

/// Why a proven answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is not to this question.
    Elsewhere(&'static str),
    /// It is, and says what it must not.
    Content(&'static str),
}

/// The answer to this question.
pub(super) fn fitting(asked: &Asked, message: Message) -> Result<Answer, Unfit> {
    let Body::Answer(answer) = message.body else {
        return Err(Unfit::Elsewhere("no-answer"));
    };
    let (ours, theirs) = (&asked.header, &message.header);
    for (holds, reason) in [
        (theirs.direction == Direction::Answer, "no-answer"),
        (
            theirs.environment == ours.environment,
            "answer-of-another-environment",
        ),
        (theirs.sender == ours.receiver, "answer-of-another-sender"),
        (theirs.receiver == ours.sender, "answer-to-another-receiver"),
        (
            theirs.operation == ours.operation,
            "answer-of-another-operation",
        ),
    ] {
        if !holds {
            return Err(Unfit::Elsewhere(reason));
        }
    }
    let bound = theirs.reply.as_ref();
    if bound.is_none_or(|reply| reply.to != ours.message_id || reply.digest != asked.digest) {
        return Err(Unfit::Elsewhere("answer-of-another-question"));
    }
    match (&asked.said, &answer) {
        (_, Answer::Fault(_)) => {}
        (Said::Question(question), answer) => about(question, answer).map_err(Unfit::Content)?,
        (Said::Chunk(wanted), Answer::Chunk(told)) if wanted == told => {}
        (Said::Chunk(_), _) => return Err(Unfit::Content("answer-of-another-subject")),
    }
    Ok(answer)
}

/// It is about whom and when we asked, and tells and names no field that we did not ask for.
fn about(question: &Question, answer: &Answer) -> Result<(), &'static str> {
    let (same, within) = match (question, answer) {
        (Question::Result(ask), Answer::Page(told)) => return of_page(ask, told),
        (Question::Reconcile(month), Answer::Taken(told)) => (
            month.manifest == told.manifest
                && u32::try_from(month.chunks.len()).is_ok_and(|chunks| chunks == told.chunks),
            true,
        ),
        (Question::Employer(ask), Answer::Employer(told)) => (
            (&ask.mst, ask.period) == (&told.mst, told.period),
            within(&ask.fields, &told.told(), &told.not_disclosed),
        ),
        (Question::Individual(ask), Answer::Individual(told)) => (
            (&ask.mst, ask.from, ask.to) == (&told.mst, told.from, told.to),
            within(&ask.fields, &told.told(), &told.not_disclosed),
        ),
        (Question::Many(ask), Answer::Many(told)) => each_about(&ask.asked, &told.lines),
        (Question::Notice(_), Answer::Notice(_)) | (Question::Month(_), Answer::Month(_)) => {
            (true, true)
        }
        (Question::Resend(_), Answer::Resend(_)) | (Question::Person(_), Answer::Person(_)) => {
            (true, true)
        }
        (Question::LookUp(ask), Answer::Held(told)) => (true, looked_up(ask, told)),
        _ => (false, true),
    };
    match (same, within) {
        (false, _) => Err("answer-of-another-subject"),
        (true, false) => Err("answer-tells-more"),
        (true, true) => Ok(()),
    }
}

/// Held is one of those asked about; what was sent is told where it was asked about, and was sent in that time.
fn looked_up(ask: &LookUpNotices, told: &NoticesHeld) -> bool {
    let sent = match (&ask.sent_in, &told.sent) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(time), Some(sent)) => {
            let within = |at| (time.from()..time.until()).contains(&at);
            sent.notices.iter().all(|one| within(one.at))
        }
    };
    sent && told.held.is_subset(&ask.notices)
}

/// It is of the month and of the page that we asked for, and holds what such a page holds.
fn of_page(asked: &ReconcileResult, page: &SentPage) -> Result<(), &'static str> {
    let told = &page.told;
    let done = told.state == ReconcileState::Done;
    for (holds, reason) in [
        (told.manifest == asked.manifest, "answer-of-another-subject"),
        (told.page == asked.page, "answer-of-another-page"),
        (
            asked.page == 0 || !done || asked.page <= told.pages,
            "answer-of-another-page",
        ),
        (
            told.findings.len() <= SentPage::FINDINGS_MAX,
            "page-too-large",
        ),
        (
            told.findings.is_empty() || done && asked.page > 0,
            "answer-tells-more",
        ),
        (
            told.summary.is_empty() || done && asked.page == 0,
            "answer-tells-more",
        ),
    ] {
        if !holds {
            return Err(reason);
        }
    }
    Ok(())
}

/// One line for each number, in the order asked: each about it, and telling no more. A line that is refused tells nothing.
fn each_about(asked: &Many, lines: &[ManyLine]) -> (bool, bool) {
    let keys = asked.keys();
    let judged = keys
        .iter()
        .zip(lines)
        .map(|(key, line)| match (asked, line) {
            (_, ManyLine::Refused(refused)) => (refused.key == key.as_str(), true),
            (Many::Employers { period, fields, .. }, ManyLine::Employer(told)) => (
                (key, *period) == (&told.mst, told.period),
                within(fields, &told.told(), &told.not_disclosed),
            ),
            (
                Many::Individuals {
                    from, to, fields, ..
                },
                ManyLine::Individual(told),
            ) => (
                (key, *from, *to) == (&told.mst, told.from, told.to),
                within(fields, &told.told(), &told.not_disclosed),
            ),
            _ => (false, true),
        });
    let whole = (keys.len() == lines.len(), true);
    judged.fold(whole, |(same, within), (this, fits)| {
        (same && this, within && fits)
    })
}

fn within<F: Ord>(asked: &BTreeSet<F>, told: &BTreeSet<F>, withheld: &BTreeSet<F>) -> bool {
    told.is_subset(asked) && withheld.is_subset(asked) && told.is_disjoint(withheld)
}
