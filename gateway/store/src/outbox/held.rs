//! What a parcel holds, for whoever asks what became of it.

use bytes::Bytes;
use gateway_core::ports::StoreError;
use gateway_core::seal::{Sealed, Vault};

use super::bound;
use crate::sql::{self, Connection};

/// The content of a parcel, still sealed.
#[derive(Debug)]
pub(crate) struct Held {
    id: String,
    bound: Vec<u8>,
    content: Sealed,
}

/// What this parcel holds.
pub(crate) fn held(conn: &Connection, id: &str) -> sql::Result<Held> {
    conn.prepare_cached(HELD)?.query_row([id], |row| {
        let (partner, named): (String, String) = (row.get(0)?, row.get(1)?);
        let (subject, kind): (String, String) = (row.get(2)?, row.get(4)?);
        Ok(Held {
            id: id.to_owned(),
            bound: bound(&partner, &named, &subject, row.get(3)?, &kind),
            content: Sealed {
                wrapped_key: row.get(5)?,
                ciphertext: row.get(6)?,
            },
        })
    })
}

impl Held {
    pub(crate) fn open(self, vault: &Vault) -> Result<Bytes, StoreError> {
        let opened = vault.open(&self.bound, &self.content);
        opened
            .map(Bytes::from)
            .map_err(|error| StoreError::Corrupt(format!("parcel {}: {}", self.id, error.reason())))
    }
}

const HELD: &str = "SELECT partner, coalesce(named, id), subject, sequence, kind, wrapped_key, ciphertext \
    FROM outbox WHERE id = ?1";
