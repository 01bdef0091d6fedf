//! Records that have their numbers and wait for the end of the transaction, to be written in one statement.

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
}

impl Pending {
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
        *self = Self::default();
        Ok(())
    }

    /// The parameters of [`INSERT`].
    pub(crate) fn with<T>(&self, now: i64, then: impl FnOnce(&[Value<'_>]) -> T) -> T {
        fn slices<T: AsRef<[u8]>>(all: &[T]) -> Vec<&[u8]> {
            all.iter().map(AsRef::as_ref).collect()
        }
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
}

pub(crate) const INSERT: &str = "INSERT INTO journal \
    (seq, kind, evidence, at, metadata, wrapped_key, ciphertext, digest, hash) \
    SELECT seq, kind, evidence, ?4, metadata, wrapped_key, ciphertext, digest, hash \
    FROM unnest(?1::bigint[], ?2::bigint[], ?3::bytea[], ?5::bytea[], ?6::bytea[], ?7::bytea[], \
    ?8::bytea[], ?9::bytea[]) AS r (seq, kind, evidence, metadata, wrapped_key, ciphertext, digest, hash)";
