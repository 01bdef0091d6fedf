//! How parcels come in: sealed, once for ever, each at its place in its subject.

use gateway_core::head::Evidence;
use gateway_core::ports::{Parcel, StoreError};
use gateway_core::seal::{Sealed, Vault, sha256};
use rusqlite::params;
use schemas::id::PartnerId;

use super::bound;
use super::front::refresh_front;
use crate::writer::{Command, RowError, Turn};

/// A parcel whose content is sealed.
#[derive(Debug)]
pub(crate) struct SealedParcel {
    id: String,
    partner: PartnerId,
    subject: String,
    sequence: i64,
    kind: String,
    digest: [u8; 32],
    content: Sealed,
}

impl SealedParcel {
    pub(crate) fn seal(vault: &Vault, parcel: &Parcel) -> Result<Self, StoreError> {
        let sequence = i64::try_from(parcel.sequence)
            .map_err(|_| StoreError::Unavailable("a parcel's sequence is beyond 2^63".into()))?;
        let bound = bound(
            parcel.partner.as_str(),
            &parcel.id,
            &parcel.subject,
            sequence,
            parcel.kind,
        );
        Ok(Self {
            id: parcel.id.clone(),
            partner: parcel.partner.clone(),
            subject: parcel.subject.clone(),
            sequence,
            kind: parcel.kind.into(),
            // Every part of `bound` carries its length, so the content begins where nothing else can end.
            digest: sha256(&[bound.as_slice(), parcel.content.as_ref()].concat()),
            content: vault.seal(&bound, &parcel.content),
        })
    }

    pub(crate) fn seal_all(vault: &Vault, parcels: &[Parcel]) -> Result<Vec<Self>, StoreError> {
        parcels
            .iter()
            .map(|parcel| Self::seal(vault, parcel))
            .collect()
    }

    /// Whether the parcel that is known under this id is this one. One of version 1 has no digest.
    fn is_known(&self, turn: &Turn<'_>) -> Result<bool, RowError> {
        let mut known = turn.conn.prepare_cached(KNOWN)?;
        Ok(known.query_row([&self.id], |row| {
            let digest: Option<[u8; 32]> = row.get(4)?;
            Ok(row.get::<_, String>(0)? == self.partner.as_str()
                && row.get::<_, String>(1)? == self.subject
                && row.get::<_, i64>(2)? == self.sequence
                && row.get::<_, String>(3)? == self.kind
                && digest.is_none_or(|digest| digest == self.digest))
        })?)
    }
}

/// Puts one parcel in. The same one again is left as it is; another one under a known id is refused,
/// and with it everything that was to be put in together: it must not be taken for delivered.
pub(crate) fn insert(
    turn: &mut Turn<'_>,
    parcel: &SealedParcel,
    cause: Option<Evidence>,
) -> Result<(), RowError> {
    let inserted = turn.conn.prepare_cached(INSERT)?.execute(params![
        parcel.id,
        parcel.partner.as_str(),
        parcel.subject,
        parcel.sequence,
        parcel.kind,
        turn.now,
        cause
            .as_ref()
            .map(|evidence| evidence.as_bytes().as_slice()),
        parcel.content.wrapped_key,
        parcel.content.ciphertext,
        parcel.digest,
    ])?;
    if inserted == 1 {
        refresh_front(turn, parcel.partner.as_str(), &parcel.subject)
    } else if parcel.is_known(turn)? {
        Ok(())
    } else {
        Err(RowError::Refused(StoreError::Unavailable(format!(
            "parcel {}: another one is known under this id",
            parcel.id
        ))))
    }
}

/// Puts parcels in.
#[derive(Debug)]
pub(crate) struct Put(pub(crate) Vec<SealedParcel>);

impl Command for Put {
    type Out = ();
    const TAKES_IN: bool = true;

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        self.0
            .iter()
            .try_for_each(|parcel| insert(turn, parcel, None))
    }
}

const INSERT: &str = "INSERT INTO outbox (id, partner, subject, sequence, kind, state, due_at, \
    attempts, put_at, cause, wrapped_key, ciphertext, digest) \
    VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING";
const KNOWN: &str = "SELECT partner, subject, sequence, kind, digest FROM outbox WHERE id = ?1";
