//! The inbox: who said what under which id, who acts upon it, and which record holds its answer.

mod recover;

use gateway_core::head::Evidence;
use gateway_core::ports::{Entry, StoreError, StoredAnswer, Unfinished};
use gateway_core::seal::Vault;
use schemas::id::{MessageId, PartnerId};

pub(crate) use recover::{HandOut, Quarantine, recover_again};

use crate::access::Shown;
use crate::journal::{self, Draft, Kind, Record};
use crate::meta::{Fields, Meta, Tag, missing, time};
use crate::outbox::{self, SealedParcel};
use crate::postgres::ahead::{Ahead, Asks, Claimed};
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{Command, RowError, Turn};

/// What is remembered of one (sender, id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) request: i64,
    pub(crate) digest: [u8; 32],
    pub(crate) answer: Option<i64>,
    /// Until when somebody holds it; none where nobody does.
    pub(crate) held_until: Option<i64>,
}

impl Row {
    /// Reads request, digest, answer and the end of the lease from this column on.
    pub(crate) fn read(row: &sql::Row<'_>, from: usize) -> sql::Result<Self> {
        Ok(Self {
            request: row.get(from)?,
            digest: row.get(from + 1)?,
            answer: row.get(from + 2)?,
            held_until: row.get(from + 3)?,
        })
    }
}

/// What that means for one more message under the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never seen.
    Unknown,
    /// The same, answered by this record.
    Same(i64),
    /// Other content.
    Conflict,
    /// The same, and somebody acts upon it.
    Held,
    /// The same, and whoever acted upon it has gone; this record holds the request.
    Abandoned(i64),
}

/// Decides, without regard to freshness.
pub(crate) fn judge(row: Option<&Row>, digest: &[u8; 32], now: i64) -> Verdict {
    let Some(row) = row else {
        return Verdict::Unknown;
    };
    if row.digest != *digest {
        return Verdict::Conflict;
    }
    match (row.answer, row.held_until) {
        (Some(answer), _) => Verdict::Same(answer),
        (None, Some(until)) if until > now => Verdict::Held,
        (None, _) => Verdict::Abandoned(row.request),
    }
}

/// The row of (sender, id).
pub(crate) fn look_up(
    conn: &Connection,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    find(conn, LOOK_UP, sender, id)
}

/// The same, held until the end of the transaction, where others may write too.
fn look_up_locked(
    conn: &Connection,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    find(conn, LOOK_UP_LOCKED, sender, id)
}

fn find(
    conn: &Connection,
    sql: &str,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    conn.prepare_cached(sql)?
        .query_row([id.as_str(), sender.as_str()], |row| Row::read(row, 0))
        .optional()
}

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
fn close(turn: &mut Turn<'_>, request: i64, answer: &Draft, shown: &Shown) -> Result<(), RowError> {
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

fn one_row(changed: usize, what: &str) -> Result<(), RowError> {
    match changed {
        1 => Ok(()),
        _ => Err(RowError::Refused(StoreError::Corrupt(format!(
            "{what} changed {changed} rows"
        )))),
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

/// Everything needed to act again.
pub(crate) fn reopen(vault: &Vault, record: &Record, lost: u32) -> Result<Unfinished, StoreError> {
    let body = record.open(vault)?;
    let meta = Meta::parse(&record.metadata).ok_or_else(|| missing(record.seq))?;
    let read = || {
        Some(Unfinished {
            evidence: record.evidence(),
            path: meta.text(Tag::Path)?,
            peer: meta.partner(Tag::Peer)?,
            peer_certificate: meta.array(Tag::PeerCertificate)?,
            received_at: meta.time(Tag::ReceivedAt)?,
            content_type: meta.text(Tag::ContentType)?,
            signature: meta.text(Tag::Signature),
            attested: meta.text(Tag::Attested),
            body: body.into(),
            lost,
        })
    };
    read().ok_or_else(|| missing(record.seq))
}

fn request_metadata(entry: &Entry) -> Vec<u8> {
    Fields::new()
        .put(Tag::Sender, entry.sender.as_str())
        .put(Tag::MessageId, entry.id.as_str())
        .put(Tag::Operation, entry.operation)
        .put(Tag::ContentDigest, entry.digest)
        .put_time(Tag::ReceivedAt, entry.received_at)
        .put_time(Tag::SentAt, entry.sent_at)
        .put(Tag::Peer, entry.peer.as_str())
        .put(Tag::PeerCertificate, entry.peer_certificate)
        .put(Tag::Road, entry.road)
        .put(Tag::Path, &entry.path)
        .put(Tag::Proof, entry.proof)
        .put(Tag::Rule, &entry.rule)
        .put(Tag::Purpose, &entry.purpose)
        .put(Tag::FieldNames, &entry.fields)
        .put(Tag::ContentType, &entry.content_type)
        .put_some(Tag::Signature, entry.signature.as_deref())
        .put_some(Tag::Attested, entry.attested.as_deref())
        .finish()
}

/// Seals an answer under the evidence of its request; it names the rows of the access ledger beside it.
pub(crate) fn seal_answer(
    vault: &Vault,
    evidence: Evidence,
    answer: &StoredAnswer,
    shown: &Shown,
) -> Draft {
    let metadata = Fields::new()
        .put(Tag::ContentType, &answer.content_type)
        .put_some(Tag::Signature, answer.signature.as_deref())
        .put(Tag::Status, answer.status.to_be_bytes())
        .put_some(Tag::Fault, answer.fault.as_deref())
        .put_some(Tag::Shown, shown.digest())
        .finish();
    Draft::seal(vault, Kind::Answer, evidence, metadata, &answer.body)
}

/// The answer, byte for byte as it was committed.
pub(crate) fn open_answer(vault: &Vault, record: &Record) -> Result<StoredAnswer, StoreError> {
    let body = record.open(vault)?;
    let meta = Meta::parse(&record.metadata).ok_or_else(|| missing(record.seq))?;
    let read = || {
        Some(StoredAnswer {
            evidence: record.evidence(),
            status: meta.array(Tag::Status).map(u16::from_be_bytes)?,
            content_type: meta.text(Tag::ContentType)?,
            signature: meta.text(Tag::Signature),
            fault: meta.text(Tag::Fault),
            body: body.into(),
        })
    };
    read().ok_or_else(|| missing(record.seq))
}

/// Claims without an answer.
pub(crate) fn open_count(conn: &Connection) -> sql::Result<i64> {
    conn.query_row(
        "SELECT count(*) FROM inbox WHERE answer IS NULL",
        [],
        |row| row.get(0),
    )
}

/// Claims that recovery has given up.
pub(crate) fn poison_count(conn: &Connection) -> sql::Result<i64> {
    let sql = "SELECT count(*) FROM inbox WHERE poison IS NOT NULL";
    conn.query_row(sql, [], |row| row.get(0))
}

/// How a request stands that is still the current one of its id.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) answer: Option<i64>,
    pub(crate) leased_until: Option<jiff::Timestamp>,
    pub(crate) poison: Option<String>,
}

pub(crate) fn state_of(conn: &Connection, request: i64) -> sql::Result<Option<Standing>> {
    let sql = "SELECT answer, iif(owner IS NULL, NULL, leased_until), poison FROM inbox \
        WHERE request = ?1";
    conn.prepare_cached(sql)?
        .query_row([request], |row| {
            Ok(Standing {
                answer: row.get(0)?,
                leased_until: row.get::<Option<i64>>(1)?.and_then(time),
                poison: row.get(2)?,
            })
        })
        .optional()
}

/// The current requests under a message id, of any sender, newest first.
pub(crate) fn requests_under(conn: &Connection, id: &str, max: i64) -> sql::Result<Vec<i64>> {
    let sql = "SELECT request FROM inbox WHERE message_id = ?1 ORDER BY request DESC LIMIT ?2";
    conn.prepare_cached(sql)?
        .query_map(params![id, max], |row| row.get(0))?
        .collect()
}

const CLOSED: &str = "the claim was answered or taken over by another";
const LOOK_UP: &str = "SELECT request, digest, answer, iif(owner IS NULL, NULL, leased_until) \
    FROM inbox WHERE message_id = ?1 AND sender = ?2";
const LOOK_UP_LOCKED: &str = "SELECT request, digest, answer, iif(owner IS NULL, NULL, leased_until) \
    FROM inbox WHERE message_id = ?1 AND sender = ?2/*pg  FOR UPDATE*/";
const INSERT: &str = "INSERT INTO inbox \
    (request, sender, message_id, digest, answer, owner, leased_until) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const TAKE_OVER: &str = "UPDATE inbox SET request = ?1, owner = ?2, leased_until = ?3, poison = NULL \
    WHERE request = ?4 AND answer IS NULL";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_decides_and_the_lease_ends_at_its_very_end() {
        let digest = [1; 32];
        let row = |digest, answer, held_until| Row {
            request: 7,
            digest,
            answer,
            held_until,
        };
        for (row, verdict) in [
            (None, Verdict::Unknown),
            (Some(row([2; 32], None, Some(99))), Verdict::Conflict),
            (Some(row([2; 32], Some(8), None)), Verdict::Conflict),
            (Some(row(digest, Some(8), None)), Verdict::Same(8)),
            (Some(row(digest, None, Some(11))), Verdict::Held),
            (Some(row(digest, None, Some(10))), Verdict::Abandoned(7)),
            (Some(row(digest, None, None)), Verdict::Abandoned(7)),
        ] {
            assert_eq!(judge(row.as_ref(), &digest, 10), verdict, "{row:?}");
        }
    }
}
