//! How parcels come in: sealed, once for ever, each at its place in its subject.

use gateway_core::head::Evidence;
use gateway_core::ports::{Class, Parcel, ParcelState, StoreError};
use gateway_core::seal::{Sealed, Vault, sha256};
use schemas::id::PartnerId;

use super::bound;
use super::front::refresh_front;
use crate::sql::params;
use crate::writer::{Command, RowError, Turn};

/// A parcel whose content is sealed.
#[derive(Debug)]
pub(crate) struct SealedParcel {
    id: String,
    partner: PartnerId,
    subject: String,
    sequence: i64,
    kind: String,
    class: Class,
    give_up_at: Option<i64>,
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
            class: parcel.class,
            give_up_at: parcel.due.map(jiff::Timestamp::as_microsecond),
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
            Ok(row.get::<String>(0)? == self.partner.as_str()
                && row.get::<String>(1)? == self.subject
                && row.get::<i64>(2)? == self.sequence
                && row.get::<String>(3)? == self.kind
                && digest.is_none_or(|digest| digest == self.digest))
        })?)
    }

    /// Under which id it is kept where another one has its own.
    fn aside_id(&self) -> String {
        let first: String = self
            .digest
            .iter()
            .take(4)
            .map(|b| format!("{b:02x}"))
            .collect();
        format!("{}~{first}", self.id)
    }

    /// True where it is in under this id now; false where something is there already.
    fn write(
        &self,
        turn: &mut Turn<'_>,
        place: &Place<'_>,
        cause: Option<Evidence>,
    ) -> Result<bool, RowError> {
        let inserted = turn.conn.prepare_cached(INSERT)?.execute(params![
            place.id,
            self.partner.as_str(),
            self.subject,
            self.sequence,
            self.kind,
            turn.now,
            cause
                .as_ref()
                .map(|evidence| evidence.as_bytes().as_slice()),
            self.content.wrapped_key,
            self.content.ciphertext,
            self.digest,
            self.class as i64,
            self.give_up_at,
            place.state as i64,
            place.reason,
            place.named,
        ])?;
        if inserted == 1 {
            refresh_front(turn, self.partner.as_str(), &self.subject)?;
        }
        Ok(inserted == 1)
    }
}

/// How a parcel is written down.
struct Place<'a> {
    id: &'a str,
    state: ParcelState,
    reason: Option<&'a str>,
    /// The id that its content is bound to, where that is another.
    named: Option<&'a str>,
}

/// Puts one parcel in. The same one again is left as it is; another one under a known id is set
/// aside in quarantine, and its id given back: it must neither be taken for delivered nor hold up others.
pub(crate) fn insert(
    turn: &mut Turn<'_>,
    parcel: &SealedParcel,
    cause: Option<Evidence>,
) -> Result<Option<String>, RowError> {
    let place = Place {
        id: &parcel.id,
        state: ParcelState::Waiting,
        reason: None,
        named: None,
    };
    if parcel.write(turn, &place, cause)? || parcel.is_known(turn)? {
        return Ok(None);
    }
    let aside = Place {
        id: &parcel.aside_id(),
        state: ParcelState::Poison,
        reason: Some("id-conflict"),
        named: Some(&parcel.id),
    };
    parcel.write(turn, &aside, cause)?;
    Ok(Some(parcel.id.clone()))
}

/// Puts parcels in; gives back the ids of those set aside.
#[derive(Debug)]
pub(crate) struct Put(pub(crate) Vec<SealedParcel>);

impl Command for Put {
    type Out = Vec<String>;
    const TAKES_IN: bool = true;

    fn moves_parcels(&self) -> bool {
        true
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Vec<String>, RowError> {
        let mut aside = Vec::new();
        for parcel in &self.0 {
            aside.extend(insert(turn, parcel, None)?);
        }
        Ok(aside)
    }
}

const INSERT: &str = "INSERT INTO outbox (id, partner, subject, sequence, kind, state, due_at, \
    attempts, put_at, cause, wrapped_key, ciphertext, digest, class, give_up_at, reason, named) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?13, ?6, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?14, ?15) \
    ON CONFLICT (id) DO NOTHING";
const KNOWN: &str = "SELECT partner, subject, sequence, kind, digest FROM outbox WHERE id = ?1";
