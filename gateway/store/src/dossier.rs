//! All that is kept about one message, with what proves it: for an export that stands without the store.
//!
//! It opens records, so whoever asks has been written down as an act before. It refuses to know the form of
//! the export.

use gateway_core::head::Evidence;
use gateway_core::seal::{DataKey, Vault, merkle};
use jiff::Timestamp;
use rusqlite::OpenFlags;

use crate::journal::{Head, Kind, Record};
use crate::meta::{Meta, Tag, time};
use crate::postgres::{Target, base_of, chain_of};
use crate::signed::{self, Checkpoint, SignedCheckpoint};
use crate::sql::{self, Connection, OptionalExtension as _, Row};
use crate::{Engine, erasure, outbox, story};

/// One message and everything that came of it.
#[derive(Debug)]
pub struct Dossier {
    /// Its name here.
    pub evidence: Evidence,
    /// Its records, ascending: the request, the answer, what was sent and receipted because of it.
    pub records: Vec<Exported>,
}

/// One record, opened.
#[derive(Debug)]
pub struct Exported {
    /// Its number.
    pub seq: u64,
    /// `request`, `answer`, `sending`, `receipt`.
    pub kind: &'static str,
    /// The number of the kind, as the chain has it.
    pub code: u8,
    /// Its evidence id, 16 bytes.
    pub evidence: [u8; 16],
    /// When it was appended, microseconds since 1970.
    pub at: i64,
    /// Tagged fields, as the chain has them.
    pub metadata: Vec<u8>,
    /// The hash of the record before.
    pub before: [u8; 32],
    /// Its own hash.
    pub hash: [u8; 32],
    /// Its bytes as they stand in the journal.
    pub ciphertext: Vec<u8>,
    /// The exact bytes and the key that shows that they are what was sealed; or what stands in their place.
    pub content: Result<(Vec<u8>, DataKey), Gone>,
    /// Media type, where it has one.
    pub content_type: Option<String>,
    /// The detached signature beside the bytes, where there is one.
    pub signature: Option<String>,
    /// The checkpoint that covers it; none where none does yet.
    pub covered: Option<Covered>,
}

/// The tombstone in the place of a record's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Under which article.
    pub law: String,
    /// The journal record of the act.
    pub act: u64,
    /// When; none where the record cannot be read.
    pub at: Option<Timestamp>,
}

/// How a checkpoint covers a record.
#[derive(Debug)]
pub struct Covered {
    /// What was signed.
    pub checkpoint: SignedCheckpoint,
    /// What the record's hash needs to lead to its root, the nearest first.
    pub path: Vec<[u8; 32]>,
    /// The time-stamp over it, an RFC 3161 token, where there is one.
    pub token: Option<Vec<u8>>,
}

/// Gathers everything about an evidence id or a message id, of the newest message under it; none where
/// nothing is known. The store may be in use.
///
/// # Errors
/// Where the store cannot be read or contradicts itself, in words.
pub fn dossier(engine: &Engine, vault: &Vault, id: &str) -> Result<Option<Dossier>, String> {
    match engine {
        Engine::Sqlite(path) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
            let conn = rusqlite::Connection::open_with_flags(path, flags)
                .map_err(|error| error.to_string())?;
            let conn = Connection::Sqlite(conn);
            conn.execute_batch("BEGIN")
                .map_err(|error| error.to_string())?;
            gather(&conn, vault, id)
        }
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        Engine::Postgres(database) => std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let target = Target::new(database, "export")?;
                let session = target.connect().map_err(|error| error.to_string())?;
                let conn = Connection::Postgres(session);
                gather(&conn, vault, id)
            });
            work.join().unwrap_or_else(|_| Err("it panicked".into()))
        }),
    }
}

fn gather(conn: &Connection, vault: &Vault, id: &str) -> Result<Option<Dossier>, String> {
    let told = |error: sql::Error| error.to_string();
    let stories = story::stories(conn, id).map_err(told)?;
    let Some(evidence) = stories
        .iter()
        .find(|story| story.id.is_some())
        .map(|story| story.evidence)
    else {
        return Ok(None);
    };
    let mut records = erasure::records_of(conn, evidence.as_bytes()).map_err(told)?;
    records.retain(|record| matches!(record.kind, Kind::Request | Kind::Answer));
    for parcel in outbox::caused_by(conn, evidence.as_bytes()).map_err(told)? {
        for seq in [parcel.sending, parcel.receipt].into_iter().flatten() {
            records.push(crate::journal::record(conn, seq.cast_signed()).map_err(told)?);
        }
    }
    records.sort_by_key(|record| record.seq);
    records.dedup_by_key(|record| record.seq);
    let records = records
        .into_iter()
        .map(|record| exported(conn, vault, record))
        .collect::<Result<_, _>>()?;
    Ok(Some(Dossier { evidence, records }))
}

fn exported(conn: &Connection, vault: &Vault, record: Record) -> Result<Exported, String> {
    let told = |error: sql::Error| error.to_string();
    let hash = hash_of(conn, record.seq)
        .map_err(told)?
        .ok_or("a record has gone")?;
    let meta = Meta::parse(&record.metadata).ok_or("the metadata of a record cannot be read")?;
    let content = if record.is_erased() {
        Err(gone(conn, record.seq).map_err(told)?)
    } else {
        let key = vault.data_key(&record.sealed.wrapped_key);
        let key = key.map_err(|error| error.to_string())?;
        let plain = key.open(&record.bound(), &record.sealed.ciphertext);
        Ok((plain.map_err(|error| error.to_string())?, key))
    };
    Ok(Exported {
        seq: record.seq.unsigned_abs(),
        kind: word(record.kind),
        code: record.kind as u8,
        evidence: record.evidence,
        at: record.at,
        before: before(conn, record.seq).map_err(told)?,
        hash,
        content_type: meta.text(Tag::ContentType),
        signature: meta.text(Tag::Signature),
        content,
        covered: covered(conn, record.seq).map_err(told)?,
        metadata: record.metadata,
        ciphertext: record.sealed.ciphertext,
    })
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Request => "request",
        Kind::Answer => "answer",
        Kind::Sending => "sending",
        Kind::Receipt => "receipt",
        Kind::Refusal => "refusal",
        Kind::Act => "act",
    }
}

fn gone(conn: &Connection, seq: i64) -> sql::Result<Gone> {
    let act = erasure::tombstone_of(conn, seq)?;
    let meta = act.as_ref().and_then(|act| Meta::parse(&act.metadata));
    Ok(Gone {
        law: meta
            .and_then(|meta| meta.text(Tag::Law))
            .unwrap_or_default(),
        act: act.as_ref().map_or(0, |act| act.seq.unsigned_abs()),
        at: act.as_ref().and_then(|act| time(act.at)),
    })
}

fn covered(conn: &Connection, seq: i64) -> sql::Result<Option<Covered>> {
    let Some((found, token)) = signed::covering(conn, seq)? else {
        return Ok(None);
    };
    let Some(said) = Checkpoint::parse(&found.text) else {
        return Ok(None);
    };
    let (first, last) = (said.first.cast_signed(), said.last.cast_signed());
    let place = usize::try_from(seq - first).ok();
    let hashes = signed::hashes(conn, first - 1, last + 1)?;
    let leaves: Vec<[u8; 32]> = hashes.into_iter().map(|(_, hash)| hash).collect();
    let path = place.and_then(|place| merkle::path(&leaves, place));
    Ok(path.map(|path| Covered {
        checkpoint: found,
        path,
        token,
    }))
}

/// The hash of the record before; before a chain's first one that of its beginning.
fn before(conn: &Connection, seq: i64) -> sql::Result<[u8; 32]> {
    let base = base_of(chain_of(seq));
    if seq - 1 > base {
        return Ok(hash_of(conn, seq - 1)?.unwrap_or_default());
    }
    let writer: String = match conn.is_postgres() {
        false => conn.query_row("SELECT writer FROM head", [], |row| row.get(0))?,
        true => conn.query_row(
            "SELECT writer FROM chain WHERE id = ?1",
            [chain_of(seq)],
            |row| row.get(0),
        )?,
    };
    Ok(Head::genesis(&writer).hash)
}

fn hash_of(conn: &Connection, seq: i64) -> sql::Result<Option<[u8; 32]>> {
    let read = |row: &Row<'_>| row.get(0);
    conn.prepare_cached("SELECT hash FROM journal WHERE seq = ?1")?
        .query_row([seq], read)
        .optional()
}

/// The hash that a record's fields give, as the chain has it; `before` is that of the record before.
///
/// `metadata` and `digest` (SHA-256 of the ciphertext) are taken as they stand.
#[must_use]
pub fn chained_hash(
    before: [u8; 32],
    (seq, at, code): (u64, i64, u8),
    evidence: &[u8; 16],
    metadata: &[u8],
    digest: &[u8; 32],
) -> [u8; 32] {
    let head = Head {
        seq: seq.cast_signed() - 1,
        hash: before,
    };
    let chained = crate::journal::Chained {
        kind: code,
        evidence,
        metadata,
        digest,
    };
    head.next(at, &chained).hash
}

/// What the ciphertext of a record of this kind is bound to.
#[must_use]
pub fn bound_to(code: u8, evidence: &[u8; 16], metadata: &[u8]) -> Option<Vec<u8>> {
    let kind = Kind::from_code(code.into())?;
    Some(crate::journal::bound(kind, evidence, metadata))
}

/// Sender, receiver, operation and the like out of a record's metadata: names of fields and their texts.
#[must_use]
pub fn told(metadata: &[u8]) -> Vec<(&'static str, String)> {
    let Some(meta) = Meta::parse(metadata) else {
        return Vec::new();
    };
    let named = [
        ("sender", Tag::Sender),
        ("message-id", Tag::MessageId),
        ("operation", Tag::Operation),
        ("peer", Tag::Peer),
        ("road", Tag::Road),
        ("proof", Tag::Proof),
        ("rule", Tag::Rule),
        ("purpose", Tag::Purpose),
        ("partner", Tag::Partner),
    ];
    named
        .into_iter()
        .filter_map(|(name, tag)| Some((name, meta.text(tag)?)))
        .collect()
}
