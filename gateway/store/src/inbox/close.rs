//! Ending a claim: with an answer, or by giving it back.

use gateway_core::head::Evidence;
use gateway_core::ports::StoreError;

use crate::access::Shown;
use crate::journal::Draft;
use crate::outbox::{self, SealedParcel};
use crate::postgres::ahead::{Asks, Claimed};
use crate::sql::{self, Connection, params};
use crate::writer::{Command, RowError, Turn};

/// The answer, done, and what has to be sent because of it.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) answer: Draft,
    pub(crate) parcels: Vec<SealedParcel>,
    pub(crate) shown: Shown,
}

impl Command for Commit {
    /// Ids of parcels that were set aside.
    type Out = Vec<String>;
    /// The effect is done: whoever asks again should find its answer.
    const UNASKED: bool = true;

    fn leaves(&self) -> Option<[u8; 16]> {
        Some(*self.answer.evidence.as_bytes())
    }

    fn moves_parcels(&self) -> bool {
        !self.parcels.is_empty()
    }

    fn asks(&self) -> Option<Asks<'_>> {
        Some(Asks::Claim(self.answer.evidence.as_bytes()))
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Vec<String>, RowError> {
        self.answer(turn)?;
        let evidence = self.answer.evidence;
        let mut aside = Vec::new();
        for parcel in &self.parcels {
            aside.extend(outbox::insert(turn, parcel, Some(evidence))?);
        }
        Ok(aside)
    }
}

impl Commit {
    fn answer(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        let evidence = self.answer.evidence.as_bytes();
        let never = || RowError::refused("an answer to a message that was never claimed");
        let known = turn.ahead.as_deref();
        match known.and_then(|ahead| ahead.claimed(evidence)) {
            Some(Claimed::Never) => Err(never()),
            Some(Claimed::Closed) => Err(RowError::refused(CLOSED)),
            Some(Claimed::Locked) => Err(RowError::Refused(StoreError::Busy)),
            Some(Claimed::Open(request)) => close(turn, request, &self.answer, &self.shown),
            None => {
                turn.go_to_the_inbox()?;
                let request = turn.request_of(evidence)?.ok_or_else(never)?;
                close(turn, request, &self.answer, &self.shown)
            }
        }
    }
}

/// Appends the answer, tells the ledger whom it shows, and marks the request as answered; refused where
/// another has it by now.
pub(super) fn close(
    turn: &mut Turn<'_>,
    request: i64,
    answer: &Draft,
    shown: &Shown,
) -> Result<(), RowError> {
    let evidence = answer.evidence;
    let answer = answer.append(turn)?;
    shown.write(turn, answer, evidence)?;
    if let Some(ahead) = turn.ahead.as_deref_mut()
        && ahead.close(evidence.as_bytes(), request, answer)
    {
        return Ok(());
    }
    turn.go_to_the_inbox()?;
    let closed = turn
        .conn
        .prepare_cached(CLOSE)?
        .execute([answer, request])?;
    match closed {
        1 => Ok(()),
        _ => Err(RowError::refused(CLOSED)),
    }
}

/// Gives a claim back.
#[derive(Debug)]
pub(crate) struct Release(pub(crate) Evidence);

impl Command for Release {
    type Out = ();
    /// Its caller may go without waiting; another may wait for what it gives back.
    const UNASKED: bool = true;

    fn leaves(&self) -> Option<[u8; 16]> {
        Some(*self.0.as_bytes())
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        if let Some(request) = turn.request_of(self.0.as_bytes())? {
            // No row: it was answered or taken over meanwhile, and there is nothing to give back.
            let mut release = turn.conn.prepare_cached(RELEASE)?;
            release.execute(params![request, turn.now, turn.terms.writer.as_str()])?;
        }
        Ok(())
    }
}

/// Ends the claims that an earlier process of this writer left behind: whoever has the writer's lock knows
/// that nobody acts upon them, and their effect keys make a second try safe.
///
/// In a database so many at a time that each statement ends within its bound, however many there are.
pub(crate) fn let_go(conn: &Connection, writer: &str, now: i64) -> sql::Result<usize> {
    let Connection::Postgres(session) = conn else {
        return conn.prepare_cached(LET_GO)?.execute(params![writer, now]);
    };
    let (mut all, mut page) = (0, 1);
    while page > 0 {
        session.begin_turn();
        let mut let_go = conn.prepare_cached(LET_SOME_GO)?;
        page = let_go.execute(params![writer, now, LET_GO_AT_ONCE])?;
        all += page;
    }
    Ok(all)
}

const CLOSED: &str = "the claim was answered or taken over by another";
const CLOSE: &str = "UPDATE inbox SET answer = ?1, owner = NULL, leased_until = NULL, poison = NULL \
    WHERE request = ?2 AND answer IS NULL";
const LET_GO: &str = "UPDATE inbox SET owner = NULL, leased_until = ?2 \
    WHERE answer IS NULL AND owner = ?1 AND leased_until > ?2";
const LET_GO_AT_ONCE: i64 = 2_000;
const LET_SOME_GO: &str = "UPDATE inbox i SET owner = NULL, leased_until = ?2 \
    FROM (SELECT message_id, sender FROM inbox \
    WHERE answer IS NULL AND owner = ?1 AND leased_until > ?2 LIMIT ?3) held \
    WHERE i.message_id = held.message_id AND i.sender = held.sender";
/// One that was never handed out has its turn at once; another one waits as it would have, so that
/// giving back is no way to the front.
const RELEASE: &str = "UPDATE inbox SET owner = NULL, lost = 0, leased_until = ?2 + \
    iif(tries = 0, 0, min(1 << min(tries - 1, 9)/*pg ::integer*/, 300) * 1000000) \
    WHERE request = ?1 AND answer IS NULL AND poison IS NULL AND (owner IS NULL OR owner = ?3)";
