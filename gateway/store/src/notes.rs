//! Notes of partners: small, in the clear, each changed only by whoever has seen it as it stands.

use futures_util::future::BoxFuture;
use gateway_core::ports::{Note, Notes, StoreError};
use schemas::id::PartnerId;

use crate::Store;
use crate::sql::{self, Connection, params};
use crate::writer::{Command, RowError, Turn};

impl Notes for Store {
    fn notes(&self, partner: &PartnerId) -> BoxFuture<'_, Result<Vec<Note>, StoreError>> {
        let partner = partner.clone();
        Box::pin(self.0.readers.read(move |conn| all(conn, &partner)))
    }

    fn write(&self, partner: &PartnerId, note: Note) -> BoxFuture<'_, Result<bool, StoreError>> {
        let partner = partner.clone();
        Box::pin(self.0.writer.submit(Write { partner, note }))
    }
}

fn all(conn: &Connection, partner: &PartnerId) -> sql::Result<Vec<Note>> {
    let sql = "SELECT name, version, content FROM note WHERE partner = ?1 ORDER BY name";
    conn.prepare_cached(sql)?
        .query_map([partner.as_str()], |row| {
            Ok(Note {
                name: row.get(0)?,
                version: row.get::<i64>(1)?.unsigned_abs(),
                content: row.get(2)?,
            })
        })?
        .collect()
}

/// One note.
#[derive(Debug)]
struct Write {
    partner: PartnerId,
    note: Note,
}

impl Command for Write {
    type Out = bool;

    fn run(&self, turn: &mut Turn<'_>) -> Result<bool, RowError> {
        let Note {
            name,
            version,
            content,
        } = &self.note;
        let partner = self.partner.as_str();
        let (name, content) = (name.as_str(), content.as_str());
        let written = match version {
            0 => turn
                .conn
                .prepare_cached(FIRST)?
                .execute(params![partner, name, turn.now, content])?,
            seen => turn.conn.prepare_cached(NEXT)?.execute(params![
                partner,
                name,
                turn.now,
                content,
                seen.cast_signed()
            ])?,
        };
        Ok(written == 1)
    }
}

const FIRST: &str = "INSERT INTO note (partner, name, version, at, content) \
    VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT (partner, name) DO NOTHING";
const NEXT: &str = "UPDATE note SET version = version + 1, at = ?3, content = ?4 \
    WHERE partner = ?1 AND name = ?2 AND version = ?5";
