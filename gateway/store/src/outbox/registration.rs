//! Which terms of a partner are in force: adopted by an act, which keeps them sealed.

use bytes::Bytes;
use gateway_core::ports::{Acted, Adoption, Deed, InForce, StoreError};
use gateway_core::seal::Vault;
use schemas::id::PartnerId;

use super::office::{Perform, act_story};
use super::partner;
use crate::journal::{COLUMNS, Record};
use crate::meta::{Meta, Tag, missing};
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{RowError, Turn};

/// The terms that the record of this deed keeps.
pub(super) fn terms(deed: &Deed) -> Option<&Bytes> {
    match deed {
        Deed::Adopt(Adoption {
            becomes: Some((_, terms)),
            ..
        }) => Some(terms),
        _ => None,
    }
}

/// Only what was judged beside the terms that are in force takes their place.
pub(super) fn adopt(
    act: &Perform,
    turn: &mut Turn<'_>,
    adoption: &Adoption,
) -> Result<Acted, RowError> {
    let partner = adoption.partner.as_str();
    let sql = "SELECT digest FROM registration WHERE partner = ?1/*pg  FOR UPDATE*/";
    let found: Option<[u8; 32]> = turn
        .conn
        .prepare_cached(sql)?
        .query_row([partner], |row| row.get(0))
        .optional()?;
    let wanted = adoption.becomes.as_ref().map(|(digest, _)| *digest);
    if found == wanted {
        return Ok(Acted::AlreadySo);
    }
    if found != adoption.replaces {
        return Ok(Acted::NotNow("replaced-meanwhile"));
    }
    let seq = act.write(turn)?;
    let mut delete = turn
        .conn
        .prepare_cached("DELETE FROM registration WHERE partner = ?1")?;
    delete.execute([partner])?;
    if let Some(digest) = wanted {
        let sql = "INSERT INTO registration (partner, digest, act) VALUES (?1, ?2, ?3)";
        turn.conn
            .prepare_cached(sql)?
            .execute(params![partner, digest, seq])?;
    }
    Ok(Acted::Done)
}

/// Terms in force, the act still sealed.
#[derive(Debug)]
pub(crate) struct Adopted {
    partner: PartnerId,
    digest: [u8; 32],
    record: Record,
}

pub(crate) fn in_force(conn: &Connection) -> sql::Result<Vec<Adopted>> {
    let sql = format!(
        "SELECT {COLUMNS}, r.partner, r.digest FROM registration r JOIN journal j ON j.seq = r.act \
        ORDER BY r.partner"
    );
    conn.prepare_cached(&sql)?
        .query_map([], |row| {
            Ok(Adopted {
                partner: partner(row, 7)?,
                digest: row.get(8)?,
                record: Record::read(row)?,
            })
        })?
        .collect()
}

impl Adopted {
    /// The record is what counts: a row whose digest is not that of its terms contradicts the journal.
    pub(crate) fn open(&self, vault: &Vault) -> Result<InForce, StoreError> {
        let words = self.record.open(vault)?;
        let unreadable = || missing(self.record.seq);
        let meta = Meta::parse(&words).ok_or_else(unreadable)?;
        let terms = meta.bytes(Tag::Terms).ok_or_else(unreadable)?;
        let target = Meta::parse(&self.record.metadata).and_then(|meta| meta.text(Tag::Target));
        let theirs = target.as_deref() == Some(self.partner.as_str());
        if !theirs || gateway_core::seal::sha256(terms) != self.digest {
            return Err(StoreError::Corrupt(format!(
                "the terms of {} in force are not those of journal record {}",
                self.partner, self.record.seq
            )));
        }
        Ok(InForce {
            partner: self.partner.clone(),
            digest: self.digest,
            terms: Bytes::copy_from_slice(terms),
            act: act_story(&self.record, vault)?,
        })
    }
}
