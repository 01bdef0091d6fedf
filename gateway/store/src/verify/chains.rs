//! The chains of a database: one of each replica, walked beside those who write.

use std::collections::HashMap;
use std::time::Duration;

use gateway_core::seal::Vault;

use super::inbox::stray_inbox;
use super::walk::{Begin, Walk};
use super::{Broken, Verified, What, Witnesses, broken, unreadable};
use crate::anchor;
use crate::journal::Head;
use crate::postgres::{PostgresParams, Target, base_of};
use crate::sql::{self, Connection, Row};

pub(super) fn database_chains(
    database: &PostgresParams,
    vault: &Vault,
    only: Option<&str>,
    witnesses: &Witnesses,
) -> Result<Vec<Verified>, Broken> {
    let target = Target::new(database, "verify").map_err(|why| broken(0, What::Unreadable(why)))?;
    let failed = |error: sql::Error| unreadable(0, &error);
    let session = target.connect().map_err(failed)?;
    session.take_time(WALK_MAX).map_err(failed)?;
    let conn = Connection::Postgres(session);
    let cuts = cuts(&conn, vault)?;
    let chains: Vec<Chain> = conn
        .prepare_cached(CHAINS)
        .and_then(|mut chains| chains.query_map([], Chain::read)?.collect())
        .map_err(failed)?;
    let mut all = Vec::new();
    for chain in chains {
        if only.is_none_or(|only| only == chain.writer) {
            all.push(chain.verify(&conn, vault, cuts.clone(), witnesses)?);
        }
    }
    stray_inbox(&conn)?;
    Ok(all)
}

/// The last detached record of each chain, by the chain's id.
pub(super) type Cuts = HashMap<i64, Head>;

pub(super) fn cuts(conn: &Connection, vault: &Vault) -> Result<Cuts, Broken> {
    let failed = |error: sql::Error| unreadable(0, &error);
    let mut ends: HashMap<i64, (String, Vec<Vec<u8>>)> = HashMap::new();
    let rows: Vec<(i64, String, Vec<u8>)> = conn
        .prepare_cached(CUTS)
        .and_then(|mut rows| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            rows.query_map([], read)?.collect()
        })
        .map_err(failed)?;
    for (chain, writer, anchor) in rows {
        let (_, anchors) = ends.entry(chain).or_insert((writer, Vec::new()));
        anchors.push(anchor);
    }
    let open = |(chain, (writer, anchors)): (i64, (String, Vec<Vec<u8>>))| {
        let end = anchor::open_ends(vault, &writer, anchors.iter().map(Vec::as_slice));
        let end = end.ok_or(broken(base_of(chain).unsigned_abs(), What::HeadRow))?;
        Ok((chain, end))
    };
    ends.into_iter().map(open).collect()
}

/// A chain in a database.
struct Chain {
    id: i64,
    writer: String,
}

impl Chain {
    fn read(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            writer: row.get(1)?,
        })
    }

    /// Page by page, each read in a statement of its own while the chain goes on growing, so that no
    /// snapshot is held for as long as months of journal take; what came meanwhile in one short
    /// transaction at the end.
    fn verify(
        self,
        conn: &Connection,
        vault: &Vault,
        cuts: Cuts,
        witnesses: &Witnesses,
    ) -> Result<Verified, Broken> {
        let begin = Begin {
            writer: self.writer.clone(),
            base: base_of(self.id),
            head: cuts.get(&self.id).copied(),
            cuts,
        };
        let mut walk = Walk::new(conn, vault, self.end(conn, vault)?, begin, witnesses)?;
        loop {
            let before = walk.head.seq;
            walk.up_to_seen()?;
            if walk.head.seq - before <= NEAR {
                break;
            }
            walk.seen = self.end(conn, vault)?;
        }
        let failed = |error: sql::Error| unreadable(0, &error);
        conn.execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .map_err(failed)?;
        let end = self.end(conn, vault)?;
        walk.seen = end;
        walk.whole(&end)?;
        conn.execute_batch("COMMIT").map_err(failed)?;
        Ok(walk.verified())
    }

    /// Its sealed head as it stands now.
    fn end(&self, conn: &Connection, vault: &Vault) -> Result<Head, Broken> {
        let sealed: Vec<u8> = conn
            .query_row(HEAD, [self.id], |row| row.get(0))
            .map_err(|error| unreadable(0, &error))?;
        let place = base_of(self.id).unsigned_abs();
        anchor::open(vault, &self.writer, &sealed).ok_or(broken(place, What::HeadRow))
    }
}

const CHAINS: &str = "SELECT id, writer FROM chain ORDER BY id";
const HEAD: &str = "SELECT anchor FROM chain WHERE id = ?1";
const CUTS: &str = "SELECT d.chain, c.writer, d.anchor FROM detached d JOIN chain c ON c.id = d.chain \
    ORDER BY d.chain, d.seq";
/// A chain that grew by no more than this during a walk is near enough its end to be held still.
const NEAR: i64 = 4_096;
const WALK_MAX: Duration = Duration::from_secs(24 * 3600);
