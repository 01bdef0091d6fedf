//! The latest time that was seen, over restarts and replicas. It only rises, but by an act of a person.

use futures_util::future::BoxFuture;
use gateway_core::ports::{StoreError, TimeBook, TimeMark};

use crate::Store;
use crate::meta::time;
use crate::sql::{self, Connection, params};
use crate::writer::{Command, RowError, Turn};

impl TimeBook for Store {
    fn mark(&self) -> BoxFuture<'_, Result<TimeMark, StoreError>> {
        Box::pin(self.0.readers.read(read))
    }

    fn reach(&self, mark: TimeMark) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.0.writer.submit(Reach(mark)))
    }
}

fn read(conn: &Connection) -> sql::Result<TimeMark> {
    conn.query_row("SELECT at, act FROM time_mark WHERE one = 1", [], |row| {
        let micros: i64 = row.get(0)?;
        Ok(TimeMark {
            at: time(micros).ok_or(sql::Error::out_of_range(0, micros))?,
            act: row.get::<i64>(1)?.unsigned_abs(),
        })
    })
}

/// A later time. It needs no room of its own on the disk, so a full one does not stop it.
#[derive(Debug)]
struct Reach(TimeMark);

impl Command for Reach {
    type Out = ();

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        let Reach(mark) = self;
        let sql = "UPDATE time_mark SET at = ?1 WHERE one = 1 AND at < ?1 AND act = ?2";
        // No row: another replica was further, or a person has accepted an earlier time meanwhile.
        turn.conn
            .prepare_cached(sql)?
            .execute(params![mark.at.as_microsecond(), mark.act.cast_signed()])?;
        Ok(())
    }
}

/// Whether the mark lies ahead of now.
pub(crate) fn is_ahead(turn: &Turn<'_>) -> Result<bool, RowError> {
    let sql = "SELECT at > ?1 FROM time_mark WHERE one = 1";
    Ok(turn
        .conn
        .query_row(sql, params![turn.now], |row| row.get(0))?)
}

/// Takes the clock as it is for right; `act` is the record of whoever says so.
pub(crate) fn accept(turn: &Turn<'_>, act: i64) -> Result<(), RowError> {
    turn.conn
        .prepare_cached("UPDATE time_mark SET at = ?1, act = ?2 WHERE one = 1")?
        .execute(params![turn.now, act])?;
    Ok(())
}
