//! Taking a message in: its id is ours, or what there was before is told.

use gateway_core::ports::{Entry, StoreError};
use gateway_core::seal::Vault;
use schemas::id::{MessageId, PartnerId};

use super::close::close;
use super::content::request_metadata;
use super::{Row, Verdict, judge, look_up_locked};
use crate::access::Shown;
use crate::journal::{self, Draft, Kind, Record};
use crate::postgres::ahead::{Ahead, Asks};
use crate::sql::params;
use crate::writer::{Command, RowError, Turn};

/// A message, sealed and ready to be claimed.
#[derive(Debug)]
pub(crate) struct Claim {
    sender: PartnerId,
    id: MessageId,
    digest: [u8; 32],
    fresh: bool,
    sent_at: i64,
    request: Draft,
}

/// What came of a claim; `Same` holds the answer's record, still sealed.
#[derive(Debug)]
pub(crate) enum ClaimOut {
    New,
    Same(Box<Record>),
    Conflict,
    InProgress,
    Stale,
    Recovering,
}

impl Claim {
    pub(crate) fn seal(vault: &Vault, entry: Entry) -> Self {
        let metadata = request_metadata(&entry);
        let request = Draft::seal(vault, Kind::Request, entry.evidence, metadata, &entry.body);
        let Entry {
            sender,
            id,
            digest,
            fresh,
            sent_at,
            ..
        } = entry;
        Self {
            sender,
            id,
            digest,
            fresh,
            sent_at: sent_at.as_microsecond(),
            request,
        }
    }

    /// Judges the claim, and where it is ours gives what was there before.
    fn open(&self, turn: &mut Turn<'_>) -> Result<Result<Ours, ClaimOut>, RowError> {
        Ok(match self.judged(turn)? {
            Verdict::Unknown if self.fresh || self.is_forgotten(turn) => Ok(Ours::New),
            Verdict::Unknown => Err(ClaimOut::Stale),
            Verdict::Same(answer) => {
                turn.write_out(|pending| pending.holds(answer))?;
                let record = journal::record(turn.conn, answer)?;
                Err(ClaimOut::Same(Box::new(record)))
            }
            Verdict::Conflict => Err(ClaimOut::Conflict),
            Verdict::Held => Err(ClaimOut::InProgress),
            Verdict::Abandoned(request) => Ok(Ours::Abandoned(request)),
        })
    }

    /// Too old to begin with, were it not of a time that this store has forgotten.
    fn is_forgotten(&self, turn: &Turn<'_>) -> bool {
        turn.terms.fence.forgot(self.sent_at, turn.now)
    }

    fn name(&self) -> (String, String) {
        (self.sender.as_str().to_owned(), self.id.as_str().to_owned())
    }

    fn is_known_ahead(&self, turn: &Turn<'_>) -> bool {
        let known = turn.ahead.as_deref();
        known.is_some_and(|ahead| ahead.row(self.sender.as_str(), self.id.as_str()).is_some())
    }

    /// What is known of its id, with all that the batch has done so far.
    fn judged(&self, turn: &mut Turn<'_>) -> Result<Verdict, RowError> {
        let (sender, id) = (&self.sender, &self.id);
        let known = turn.ahead.as_deref();
        if known.is_some_and(|ahead| ahead.is_locked(sender.as_str(), id.as_str())) {
            return Err(RowError::Refused(StoreError::Busy));
        }
        if let Some(row) = known.and_then(|ahead| ahead.row(sender.as_str(), id.as_str())) {
            return Ok(judge(row, &self.digest, turn.now));
        }
        turn.go_to_the_inbox()?;
        let row = look_up_locked(turn.conn, sender, id)?;
        Ok(judge(row.as_ref(), &self.digest, turn.now))
    }

    /// The row of a new id.
    fn insert(&self, turn: &mut Turn<'_>, request: i64, begins: &Begins) -> Result<(), RowError> {
        let (answer, owner, until) = match *begins {
            Begins::Held { until } => (None, Some(turn.terms.writer.as_str()), Some(until)),
            Begins::Answered(answer) => (Some(answer), None, None),
        };
        if let Some(ahead) = turn.ahead.as_deref_mut() {
            let row = Row {
                request,
                digest: self.digest,
                answer,
                held_until: until,
            };
            ahead.insert(self.name(), row, self.request.evidence.as_bytes());
            return Ok(());
        }
        turn.conn.prepare_cached(INSERT)?.execute(params![
            request,
            self.sender.as_str(),
            self.id.as_str(),
            self.digest,
            answer,
            owner,
            until,
        ])?;
        Ok(())
    }

    /// Writes the request and the row; gives the request's number. A message that is taken up again
    /// under its own evidence is in the journal already.
    fn take(&self, turn: &mut Turn<'_>, ours: Ours) -> Result<i64, RowError> {
        let until = turn.now.saturating_add(turn.terms.lease_micros);
        match ours {
            Ours::New => {
                let request = self.request.append(turn)?;
                self.insert(turn, request, &Begins::Held { until })?;
                Ok(request)
            }
            Ours::Abandoned(before) if self.is_known_ahead(turn) => {
                let evidence = self.request.evidence;
                let ours = |ahead: &Ahead| ahead.bears(before, evidence.as_bytes());
                let request = match turn.ahead.as_deref().is_some_and(ours) {
                    true => before,
                    false => self.request.append(turn)?,
                };
                let row = Row {
                    request,
                    digest: self.digest,
                    answer: None,
                    held_until: Some(until),
                };
                if let Some(ahead) = turn.ahead.as_deref_mut() {
                    ahead.take(self.name(), row, evidence.as_bytes());
                }
                Ok(request)
            }
            Ours::Abandoned(before) => {
                turn.go_to_the_inbox()?;
                let known = turn.request_of(self.request.evidence.as_bytes())?;
                let request = match known {
                    Some(known) if known == before => before,
                    _ => self.request.append(turn)?,
                };
                let taken = turn.conn.prepare_cached(TAKE_OVER)?.execute(params![
                    request,
                    turn.terms.writer,
                    until,
                    before,
                ])?;
                one_row(taken, "take-over")?;
                Ok(request)
            }
        }
    }
}

/// How a new row begins.
enum Begins {
    /// Acted upon, until then.
    Held { until: i64 },
    /// Answered by this record already.
    Answered(i64),
}

/// A claim that succeeds: of a new id, or of one whose holder has gone.
#[derive(Debug, Clone, Copy)]
enum Ours {
    New,
    Abandoned(i64),
}

impl Command for Claim {
    type Out = ClaimOut;
    const TAKES_IN: bool = true;

    fn claims(&self) -> Option<[u8; 16]> {
        Some(*self.request.evidence.as_bytes())
    }

    fn has_claimed(out: &ClaimOut) -> bool {
        matches!(out, ClaimOut::New)
    }

    fn asks(&self) -> Option<Asks<'_>> {
        Some(Asks::Row(self.sender.as_str(), self.id.as_str()))
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<ClaimOut, RowError> {
        match self.open(turn)? {
            Err(known) => Ok(known),
            Ok(_) if turn.terms.fence.is_up() => Ok(ClaimOut::Recovering),
            Ok(ours) => {
                self.take(turn, ours)?;
                Ok(ClaimOut::New)
            }
        }
    }
}

/// A read: request and answer in one write.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) claim: Claim,
    pub(crate) answer: Draft,
    pub(crate) shown: Shown,
}

impl Command for Exchange {
    type Out = ClaimOut;
    const TAKES_IN: bool = true;

    fn asks(&self) -> Option<Asks<'_>> {
        self.claim.asks()
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<ClaimOut, RowError> {
        match self.claim.open(turn)? {
            Err(known) => return Ok(known),
            Ok(Ours::New) => {
                let request = self.claim.request.append(turn)?;
                let answer = self.answer.append(turn)?;
                self.shown.write(turn, answer, self.answer.evidence)?;
                self.claim
                    .insert(turn, request, &Begins::Answered(answer))?;
            }
            Ok(abandoned) => {
                let request = self.claim.take(turn, abandoned)?;
                close(turn, request, &self.answer, &self.shown)?;
            }
        }
        Ok(ClaimOut::New)
    }
}

fn one_row(changed: usize, what: &str) -> Result<(), RowError> {
    match changed {
        1 => Ok(()),
        _ => Err(RowError::Refused(StoreError::Corrupt(format!(
            "{what} changed {changed} rows"
        )))),
    }
}

const INSERT: &str = "INSERT INTO inbox \
    (request, sender, message_id, digest, answer, owner, leased_until) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const TAKE_OVER: &str = "UPDATE inbox SET request = ?1, owner = ?2, leased_until = ?3, poison = NULL \
    WHERE request = ?4 AND answer IS NULL";
