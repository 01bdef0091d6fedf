//! Checkpoints: signed statements of where a chain stands, each over the records since the one before.
//!
//! A checkpoint names the chain's head, the root of a hash tree over the hashes of its records, and the digest
//! of the checkpoint before. Whoever keeps a copy elsewhere finds a store that was put back to an older state;
//! whoever has one record and its path to the root can show it without the others. It refuses to know who
//! signs, and who stamps the time.

use std::collections::VecDeque;

use gateway_core::ports::StoreError;
use gateway_core::seal::{evidence, merkle, sha256};
use jiff::Timestamp;

use crate::Store;
use crate::journal::Head;
use crate::postgres::{base_of, chain_of};
use crate::sql::{self, Connection, OptionalExtension as _, Row, params};
use crate::writer::{Command, RowError, Turn};

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Whose chain it is.
    pub writer: String,
    /// The first record that it covers.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// The hash of the last one: SHA-256.
    pub head: [u8; 32],
    /// The root of the tree over the hashes of all that it covers (RFC 6962, 2.1).
    pub root: [u8; 32],
    /// SHA-256 of the text of the checkpoint before; zeros in the first one.
    pub before: [u8; 32],
    /// When it was made, by the gateway's clock, to the second.
    pub at: Timestamp,
}

impl Checkpoint {
    /// The text that is signed and stamped: one field a line.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        format!(
            "{TITLE}\nwriter {}\nfirst {}\nlast {}\nhead {}\nroot {}\nbefore {}\nat {}\n",
            self.writer,
            self.first,
            self.last,
            hex(&self.head),
            hex(&self.root),
            hex(&self.before),
            self.at
        )
        .into_bytes()
    }

    /// Reads the text back; anything that would be written in another way is nothing.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(text).ok()?.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let read = Self {
            writer: field("writer")?.to_owned(),
            first: field("first")?.parse().ok()?,
            last: field("last")?.parse().ok()?,
            head: unhex(field("head")?)?,
            root: unhex(field("root")?)?,
            before: unhex(field("before")?)?,
            at: field("at")?.parse().ok()?,
        };
        (read.text() == text && read.first <= read.last).then_some(read)
    }
}

/// A checkpoint and who signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// [`Checkpoint::text`].
    pub text: Vec<u8>,
    /// Over the text, as [`evidence::sign`] makes it.
    pub signature: Vec<u8>,
    /// The signer's certificate, DER.
    pub certificate: Vec<u8>,
}

impl SignedCheckpoint {
    /// What it says, where its own certificate's key has signed it.
    #[must_use]
    pub fn proven(&self) -> Option<Checkpoint> {
        evidence::verify(&self.certificate, &self.text, &self.signature).ok()?;
        Checkpoint::parse(&self.text)
    }

    pub(crate) fn read(row: &Row<'_>, from: usize) -> sql::Result<Self> {
        Ok(Self {
            text: row.get(from)?,
            signature: row.get(from + 1)?,
            certificate: row.get(from + 2)?,
        })
    }
}

/// How the checkpoints of a store stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckpointCensus {
    /// Those without a time-stamp.
    pub unstamped: u64,
    /// When the oldest of them was made.
    pub oldest_unstamped: Option<Timestamp>,
}

impl Store {
    /// The next checkpoint of this writer's chain, ready to be signed: over at most 65,536 records. None while
    /// there are fewer than `least` new ones.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_checkpoint(&self, least: u64) -> Result<Option<Checkpoint>, StoreError> {
        let (writer, now) = (self.0.name.clone(), self.now());
        let least = usize::try_from(least.max(1)).unwrap_or(usize::MAX);
        let look_up = move |conn: &Connection| next(conn, &writer, now, least.min(RECORDS_MAX));
        self.0.readers.read(look_up).await
    }

    /// Keeps a signed checkpoint; one that is there already stays as it is.
    ///
    /// # Errors
    /// Where it does not prove what it says, or the store cannot write.
    pub async fn keep_checkpoint(&self, signed: SignedCheckpoint) -> Result<(), StoreError> {
        let Some(said) = signed.proven() else {
            let why = "a checkpoint whose signature does not hold";
            return Err(StoreError::Unavailable(why.into()));
        };
        self.0.writer.submit(Keep { said, signed }).await
    }

    /// Checkpoints of this writer without a time-stamp, the oldest first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn unstamped(&self, max: usize) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let (writer, max) = (self.0.name.clone(), i64::try_from(max).unwrap_or(i64::MAX));
        let look_up = move |conn: &Connection| {
            conn.prepare_cached(UNSTAMPED)?
                .query_map(params![writer, max], |row| SignedCheckpoint::read(row, 0))?
                .collect()
        };
        self.0.readers.read(look_up).await
    }

    /// Keeps the time-stamp (RFC 3161 token, DER) of the checkpoint that ends with this record.
    ///
    /// # Errors
    /// Where the store cannot write.
    pub async fn keep_stamp(
        &self,
        last: u64,
        token: Vec<u8>,
        authority: String,
    ) -> Result<(), StoreError> {
        let last = last.cast_signed();
        let stamp = Stamp {
            last,
            token,
            authority,
        };
        self.0.writer.submit(stamp).await
    }

    /// How many wait for a time-stamp, and since when.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn checkpoint_census(&self) -> Result<CheckpointCensus, StoreError> {
        let look_up = |conn: &Connection| {
            let unstamped: i64 = conn.query_row(COUNT, [], |row| row.get(0))?;
            let oldest: Option<Vec<u8>> =
                conn.query_row(OLDEST, [], |row| row.get(0)).optional()?;
            let oldest = oldest.and_then(|text| Checkpoint::parse(&text));
            Ok(CheckpointCensus {
                unstamped: unstamped.unsigned_abs(),
                oldest_unstamped: oldest.map(|checkpoint| checkpoint.at),
            })
        };
        self.0.readers.read(look_up).await
    }
}

struct Keep {
    said: Checkpoint,
    signed: SignedCheckpoint,
}

impl Command for Keep {
    type Out = ();

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        let (last, signed) = (self.said.last.cast_signed(), &self.signed);
        turn.conn.prepare_cached(KEEP)?.execute(params![
            last,
            self.said.writer,
            signed.text,
            signed.signature,
            signed.certificate,
        ])?;
        Ok(())
    }
}

struct Stamp {
    last: i64,
    token: Vec<u8>,
    authority: String,
}

impl Command for Stamp {
    type Out = ();

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        turn.conn
            .prepare_cached(STAMP)?
            .execute(params![self.last, self.token, self.authority])?;
        Ok(())
    }
}

fn next(
    conn: &Connection,
    writer: &str,
    now: i64,
    least: usize,
) -> sql::Result<Option<Checkpoint>> {
    let base = match conn.is_postgres() {
        false => 0,
        true => {
            let id: i64 =
                conn.query_row("SELECT id FROM chain WHERE writer = ?1", [writer], |row| {
                    row.get(0)
                })?;
            base_of(id)
        }
    };
    let newest: Option<(i64, Vec<u8>)> = conn
        .prepare_cached(NEWEST)?
        .query_row([writer], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (after, before) = match newest {
        Some((last, text)) => (last, sha256(&text)),
        None => (base, [0; 32]),
    };
    let until = base_of(chain_of(base) + 1);
    let newest: Option<i64> = conn
        .prepare_cached(LAST)?
        .query_row([after, until], |row| row.get(0))
        .optional()?;
    // numbers have no gap, so this spares the reading
    let least_here = usize::try_from(newest.unwrap_or(after) - after).unwrap_or(0) >= least;
    if !least_here {
        return Ok(None);
    }
    let records = hashes(conn, after, until)?;
    let (Some((first, _)), Some((last, head))) = (records.first(), records.last()) else {
        return Ok(None);
    };
    let leaves: Vec<[u8; 32]> = records.iter().map(|(_, hash)| *hash).collect();
    let seconds = Timestamp::from_second(now.div_euclid(1_000_000));
    Ok(Some(Checkpoint {
        writer: writer.to_owned(),
        first: first.unsigned_abs(),
        last: last.unsigned_abs(),
        head: *head,
        root: merkle::root(&leaves),
        before,
        at: seconds.map_err(|_| sql::Error::out_of_range(0, now))?,
    }))
}

/// Numbers and hashes of the records behind one number and before another, at most 65,536.
pub(crate) fn hashes(
    conn: &Connection,
    after: i64,
    until: i64,
) -> sql::Result<Vec<(i64, [u8; 32])>> {
    conn.prepare_cached(HASHES)?
        .query_map([after, until, RECORDS_MAX as i64], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect()
}

/// The checkpoint that covers this record, and its time-stamp.
pub(crate) fn covering(
    conn: &Connection,
    seq: i64,
) -> sql::Result<Option<(SignedCheckpoint, Option<Vec<u8>>)>> {
    conn.prepare_cached(COVERING)?
        .query_row([seq, base_of(chain_of(seq) + 1)], |row| {
            Ok((SignedCheckpoint::read(row, 0)?, row.get(3)?))
        })
        .optional()
}

/// What a walk over a chain holds against its checkpoints.
#[derive(Debug)]
pub(crate) struct Marks {
    /// Stored ones that are ahead, the nearest first.
    stored: VecDeque<SignedCheckpoint>,
    /// Copies kept elsewhere that are ahead, the nearest last.
    copies: Vec<Checkpoint>,
    /// The hashes of the records since the checkpoint before.
    leaves: VecDeque<[u8; 32]>,
    /// The number of the first of them.
    from: u64,
    /// The last record of the checkpoint before and the digest of its text; none behind a cut.
    link: Option<(u64, [u8; 32])>,
    /// The last of those that were read.
    read: i64,
    /// At which record the next ones are asked for.
    ask_at: i64,
    /// How many held.
    pub(crate) held: u64,
    /// The certificate that signed the newest.
    pub(crate) signer: Option<Vec<u8>>,
}

/// Why a chain and a checkpoint contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contradiction {
    /// A stored checkpoint does not follow, does not prove what it says, or says something else.
    Stored,
    /// A copy kept elsewhere does.
    Copy,
    Unreadable,
}

impl Marks {
    /// From this head on, which is the chain's base or what was cut last.
    pub(crate) fn new(base: i64, head: &Head, mut copies: Vec<Checkpoint>) -> Self {
        let last = head.seq.unsigned_abs();
        copies.retain(|copy| copy.last > last);
        copies.sort_by_key(|copy| std::cmp::Reverse(copy.last));
        Self {
            stored: VecDeque::new(),
            copies,
            leaves: VecDeque::new(),
            from: last + 1,
            link: (head.seq == base).then_some((last, [0; 32])),
            read: head.seq,
            ask_at: head.seq,
            held: 0,
            signer: None,
        }
    }

    /// Holds one more record, whose chain is right so far, against them.
    pub(crate) fn pass(
        &mut self,
        conn: &Connection,
        writer: &str,
        head: &Head,
    ) -> Result<(), Contradiction> {
        let seq = head.seq.unsigned_abs();
        while let Some(copy) = self.copies.last().filter(|copy| copy.last <= seq) {
            if copy.last != seq || copy.head != head.hash {
                return Err(Contradiction::Copy);
            }
            self.copies.pop();
        }
        self.leaves.push_back(head.hash);
        if self.leaves.len() > 2 * RECORDS_MAX {
            self.leaves.pop_front(); // beyond what any checkpoint covers
            self.from += 1;
        }
        if self.stored.is_empty() && head.seq >= self.ask_at {
            self.ask(conn, writer, head.seq)?;
        }
        self.hold_all(seq)
    }

    /// Whether none goes on behind the journal's end, where the journal ends here.
    pub(crate) fn beyond(
        &mut self,
        conn: &Connection,
        writer: &str,
        end: &Head,
    ) -> Result<(), Contradiction> {
        if !self.copies.is_empty() {
            return Err(Contradiction::Copy);
        }
        loop {
            self.hold_all(end.seq.unsigned_abs())?;
            if !self.stored.is_empty() {
                return Err(Contradiction::Stored);
            }
            self.ask(conn, writer, end.seq)?;
            if self.stored.is_empty() {
                return Ok(());
            }
        }
    }

    /// Holds those that end with this record or before it.
    fn hold_all(&mut self, seq: u64) -> Result<(), Contradiction> {
        while let Some(due) = self.stored.front() {
            let said = Checkpoint::parse(&due.text).ok_or(Contradiction::Stored)?;
            if said.last > seq {
                break;
            }
            let due = self.stored.pop_front().ok_or(Contradiction::Stored)?;
            self.hold(due, &said).ok_or(Contradiction::Stored)?;
        }
        Ok(())
    }

    fn hold(&mut self, due: SignedCheckpoint, said: &Checkpoint) -> Option<()> {
        due.proven()?;
        let place = |seq: u64| usize::try_from(seq.checked_sub(self.from)?).ok();
        let last = place(said.last)?;
        if *self.leaves.get(last)? != said.head {
            return None;
        }
        if let Some((before, digest)) = self.link
            && (said.first != before + 1 || said.before != digest)
        {
            return None;
        }
        // of what was detached nobody knows the hashes any more
        if let Some(first) = place(said.first) {
            let covered: Vec<[u8; 32]> = self.leaves.range(first..=last).copied().collect();
            if merkle::root(&covered) != said.root {
                return None;
            }
        }
        self.leaves.drain(..=last);
        self.from = said.last + 1;
        self.link = Some((said.last, sha256(&due.text)));
        self.held += 1;
        self.signer = Some(due.certificate);
        Some(())
    }

    /// Reads the next ones; where there are none, they are asked for again a while later.
    fn ask(&mut self, conn: &Connection, writer: &str, seq: i64) -> Result<(), Contradiction> {
        let read = |row: &Row<'_>| Ok((row.get(3)?, SignedCheckpoint::read(row, 0)?));
        let page: Vec<(i64, SignedCheckpoint)> = conn
            .prepare_cached(AHEAD)
            .and_then(|mut ahead| ahead.query_map(params![writer, self.read], read)?.collect())
            .map_err(|_| Contradiction::Unreadable)?;
        match page.last() {
            Some((last, _)) => self.read = *last,
            None => self.ask_at = seq + ASK_EVERY,
        }
        self.stored = page.into_iter().map(|(_, signed)| signed).collect();
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    gateway_core::sign::hex(bytes)
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

const TITLE: &str = "lienthong-checkpoint-v1";
/// Records under one checkpoint.
const RECORDS_MAX: usize = 65_536;
const ASK_EVERY: i64 = 512;
const LAST: &str = "SELECT seq FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";
const HASHES: &str =
    "SELECT seq, hash FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
const NEWEST: &str =
    "SELECT last, text FROM checkpoint WHERE writer = ?1 ORDER BY last DESC LIMIT 1";
const KEEP: &str = "INSERT INTO checkpoint (last, writer, text, signature, certificate) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (last) DO NOTHING";
const STAMP: &str =
    "UPDATE checkpoint SET token = ?2, authority = ?3 WHERE last = ?1 AND token IS NULL";
const UNSTAMPED: &str = "SELECT text, signature, certificate FROM checkpoint \
    WHERE token IS NULL AND writer = ?1 ORDER BY last LIMIT ?2";
const COUNT: &str = "SELECT count(*) FROM checkpoint WHERE token IS NULL";
const OLDEST: &str = "SELECT text FROM checkpoint WHERE token IS NULL ORDER BY last LIMIT 1";
const COVERING: &str = "SELECT text, signature, certificate, token FROM checkpoint \
    WHERE last >= ?1 AND last < ?2 ORDER BY last LIMIT 1";
const AHEAD: &str = "SELECT text, signature, certificate, last FROM checkpoint \
    WHERE writer = ?1 AND last > ?2 ORDER BY last LIMIT 64";

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint {
        Checkpoint {
            writer: "gateway".into(),
            first: 1,
            last: 1_000,
            head: [1; 32],
            root: [2; 32],
            before: [0; 32],
            at: Timestamp::from_second(1_790_000_000).unwrap(),
        }
    }

    #[test]
    fn a_text_is_read_back_and_any_other_spelling_of_it_is_nothing() {
        let text = sample().text();
        assert_eq!(Checkpoint::parse(&text), Some(sample()));
        let said = String::from_utf8(text.clone()).unwrap();
        for (from, to) in [
            ("first 1\n", "first 01\n"),
            ("first 1\n", "first 1001\n"),
            ("first 1\n", ""),
            ("v1", "v2"),
            ("last 1000", "last  1000"),
            ("at 2026", "more x\nat 2026"),
        ] {
            let changed = said.replacen(from, to, 1);
            assert_ne!(changed, said);
            assert_eq!(Checkpoint::parse(changed.as_bytes()), None, "{to}");
        }
        for length in 0..text.len() {
            assert_eq!(Checkpoint::parse(&text[..length]), None);
        }
    }
}
