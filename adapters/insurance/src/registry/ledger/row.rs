//! The rows of the ledger: how a discrepancy is read, and how its steps are written.

use schemas::proto::insurance::{
    Discrepancy, DiscrepancyState as State, DiscrepancyStep, Finding, Party,
};

use crate::registry::{Error, Tx, facts};
use crate::sql::{self, Row, Sql, values};

/// The columns in the order of [`read`]; a condition follows.
pub(super) const ROW: &str = "SELECT seq, id, partner, period, category, tax_code, person, province, field, ours, theirs, expected,
     state, run, found, due_on, noted_at, moved_at, checked_at,
     tolerated, tolerated_bp, sides, tax_run FROM tax_ledger";

/// Which side moves it, who, and why.
pub(super) struct By<'a> {
    pub(super) side: Party,
    pub(super) who: &'a str,
    pub(super) reason: &'a str,
}

/// One row and its number.
pub(super) fn read(row: &Row<'_>) -> Result<(i64, Discrepancy), sql::Error> {
    let finding = Finding {
        category: row.get(4)?,
        tax_code: row.get(5)?,
        person: row.get(6)?,
        province: row.get(7)?,
        field: row.get(8)?,
        ours: row.get(9)?,
        theirs: row.get(10)?,
        expected_vnd: row.get(11)?,
        tolerated: row.get(19)?,
        tolerated_bp: row.get(20)?,
    };
    let discrepancy = Discrepancy {
        id: row.get(1)?,
        partner: row.get(2)?,
        period: row.get(3)?,
        finding: Some(finding),
        state: row.get(12)?,
        run: row.get(13)?,
        found: row.get(14)?,
        due_on: row.get(15)?,
        noted_at: row.get(16)?,
        moved_at: row.get(17)?,
        checked_at: row.get(18)?,
        found_by: finders(row.get(21)?),
        tax_run: row.get(22)?,
    };
    Ok((row.get(0)?, discrepancy))
}

/// The sides that these bits stand for.
fn finders(sides: i64) -> Vec<i32> {
    let named = [Party::Insurance, Party::Tax].into_iter();
    let finding = named.filter(|side| sides & bit(*side) != 0);
    finding.map(i32::from).collect()
}

/// A side in the column of those that find it; who does not say is the insurance side.
pub(super) const fn bit(side: Party) -> i64 {
    match side {
        Party::Insurance | Party::Unspecified => 1,
        Party::Tax => 2,
    }
}

/// The discrepancy of an id.
pub(super) fn by_id(sql: &Sql, id: &str) -> Result<Option<(i64, Discrepancy)>, Error> {
    const BY_ID: &str = "WHERE id = ?1";
    Ok(sql.query_opt(&format!("{ROW} {BY_ID}"), values![id], read)?)
}

/// Its steps, oldest first.
pub(super) fn steps(sql: &Sql, seq: i64) -> Result<Vec<DiscrepancyStep>, Error> {
    Ok(sql.query(
        "SELECT state, side, who, reason, at, key FROM tax_ledger_steps WHERE discrepancy = ?1 ORDER BY nth",
        values![seq],
        |row| {
            Ok(DiscrepancyStep {
                state: row.get(0)?,
                side: row.get(1)?,
                who: row.get(2)?,
                reason: row.get(3)?,
                at: row.get(4)?,
                key: row.get(5)?,
            })
        },
    )?)
}

/// Writes the steps that a discrepancy went, and where it stands now; nothing where it went none.
pub(super) fn apply(tx: &Tx<'_>, seq: i64, steps: Vec<State>, by: &By<'_>) -> Result<(), Error> {
    let (key, now) = (tx.key.get().unwrap_or_default(), facts::instant(tx.now));
    for state in &steps {
        tx.sql.execute(
            "INSERT INTO tax_ledger_steps (discrepancy, nth, state, side, who, reason, at, key)
             VALUES (?1, (SELECT coalesce(max(nth), 0) + 1 FROM tax_ledger_steps WHERE discrepancy = ?1),
               ?2, ?3, ?4, ?5, ?6, ?7)",
            values![seq, *state as i32, by.side as i32, by.who, by.reason, now, key],
        )?;
    }
    let Some(last) = steps.last() else {
        return Ok(());
    };
    tx.sql.execute(
        "UPDATE tax_ledger SET state = ?2, moved_at = ?3 WHERE seq = ?1",
        values![seq, *last as i32, now],
    )?;
    Ok(())
}
