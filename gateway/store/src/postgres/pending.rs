//! Records that have their numbers and wait for the end of the transaction, to be written in one statement.

use gateway_core::head::Evidence;

use super::Session;
use crate::journal::{Draft, Head};
use crate::sql::{Result, ToValue as _, Value};

/// Columns, since that is how they are sent: one array each.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    seq: Vec<i64>,
    kind: Vec<i64>,
    evidence: Vec<[u8; 16]>,
    metadata: Vec<Vec<u8>>,
    wrapped_key: Vec<Vec<u8>>,
    ciphertext: Vec<Vec<u8>>,
    digest: Vec<[u8; 32]>,
    hash: Vec<[u8; 32]>,
    told: Told,
}

/// Rows of the access ledger, as columns.
#[derive(Debug, Default)]
struct Told {
    person: Vec<[u8; 16]>,
    record: Vec<i64>,
    subject: Vec<i64>,
    evidence: Vec<[u8; 16]>,
    details: Vec<Vec<u8>>,
}

impl Pending {
    /// A row of the access ledger, beside a record that waits here.
    pub(crate) fn tell(
        &mut self,
        person: [u8; 16],
        record: i64,
        subject: i64,
        evidence: Evidence,
        details: &[u8],
    ) {
        self.told.person.push(person);
        self.told.record.push(record);
        self.told.subject.push(subject);
        self.told.evidence.push(*evidence.as_bytes());
        self.told.details.push(details.to_owned());
    }

    /// Whether rows of the access ledger wait.
    pub(crate) fn tells(&self) -> bool {
        !self.told.person.is_empty()
    }

    pub(crate) fn push(&mut self, head: &Head, draft: &Draft) {
        self.seq.push(head.seq);
        self.kind.push(i64::from(draft.kind as u8));
        self.evidence.push(*draft.evidence.as_bytes());
        self.metadata.push(draft.metadata.clone());
        self.wrapped_key.push(draft.sealed.wrapped_key.clone());
        self.ciphertext.push(draft.sealed.ciphertext.clone());
        self.digest.push(draft.digest);
        self.hash.push(head.hash);
    }

    /// Whether the record of this number waits here.
    pub(crate) fn holds(&self, seq: i64) -> bool {
        self.seq.first().is_some_and(|first| *first <= seq) && self.seq.contains(&seq)
    }

    /// Whether a record of this evidence does.
    pub(crate) fn has(&self, evidence: &[u8; 16]) -> bool {
        self.evidence.contains(evidence)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.seq.is_empty()
    }

    /// Writes them now, for whoever reads them back in the same transaction.
    pub(crate) fn flush(&mut self, session: &Session, now: i64) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let statement = session.prepare(INSERT)?;
        self.with(now, |values| session.execute(&statement, values))?;
        if self.tells() {
            let statement = session.prepare(TELL)?;
            self.with_told(now, |values| session.execute(&statement, values))?;
        }
        *self = Self::default();
        Ok(())
    }

    /// The parameters of [`INSERT`].
    pub(crate) fn with<T>(&self, now: i64, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let evidence = slices(&self.evidence);
        let (metadata, wrapped_key) = (slices(&self.metadata), slices(&self.wrapped_key));
        let (ciphertext, digest) = (slices(&self.ciphertext), slices(&self.digest));
        let hash = slices(&self.hash);
        then(&[
            Value::Ints(&self.seq),
            Value::Ints(&self.kind),
            Value::Blobs(&evidence),
            now.value(),
            Value::Blobs(&metadata),
            Value::Blobs(&wrapped_key),
            Value::Blobs(&ciphertext),
            Value::Blobs(&digest),
            Value::Blobs(&hash),
        ])
    }

    /// The parameters of [`TELL`].
    pub(crate) fn with_told<T>(&self, now: i64, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let told = &self.told;
        let (person, evidence) = (slices(&told.person), slices(&told.evidence));
        let details = slices(&told.details);
        then(&[
            Value::Blobs(&person),
            Value::Ints(&told.record),
            Value::Ints(&told.subject),
            now.value(),
            Value::Blobs(&evidence),
            Value::Blobs(&details),
        ])
    }
}

fn slices<T: AsRef<[u8]>>(all: &[T]) -> Vec<&[u8]> {
    all.iter().map(AsRef::as_ref).collect()
}

pub(crate) const TELL: &str = "INSERT INTO access (person, record, subject, at, evidence, details) \
    SELECT person, record, subject, ?4, evidence, details FROM unnest(?1::bytea[], ?2::bigint[], \
    ?3::bigint[], ?5::bytea[], ?6::bytea[]) AS r (person, record, subject, evidence, details)";

pub(crate) const INSERT: &str = "INSERT INTO journal \
    (seq, kind, evidence, at, metadata, wrapped_key, ciphertext, digest, hash) \
    SELECT seq, kind, evidence, ?4, metadata, wrapped_key, ciphertext, digest, hash \
    FROM unnest(?1::bigint[], ?2::bigint[], ?3::bytea[], ?5::bytea[], ?6::bytea[], ?7::bytea[], \
    ?8::bytea[], ?9::bytea[]) AS r (seq, kind, evidence, metadata, wrapped_key, ciphertext, digest, hash)";
