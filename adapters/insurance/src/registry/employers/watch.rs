//! Who is told of what is recorded of employers, and from which step on of their participants; and of which fields of a
//! corrected person.

use schemas::proto::insurance::{
    EmployerChange, NoticeKind, WatchEmployersRequest, WatchEmployersResponse,
};

use super::super::{Desk, Error, Registry, Tx, changes, facts, persons};
use crate::sql::values;

impl Registry {
    /// The sender watches from now on by this step, or no more; the same again changes nothing.
    ///
    /// The key of the context is not looked at: what stands afterwards is what was said last.
    ///
    /// # Errors
    /// `INVALID` where the context or step is malformed.
    pub async fn watch_employers(
        &self,
        request: WatchEmployersRequest,
    ) -> Result<WatchEmployersResponse, Error> {
        let context = facts::context(request.context)?;
        let Some(step) = request.step else {
            return self.end_watch(context.sender).await;
        };
        if step.percent > PERCENT_MAX {
            return Err(facts::invalid("too-many", "percent"));
        }
        let is_field = |field: &String| persons::FIELDS.contains(&field.as_str());
        if !request.person_fields.iter().all(is_field) {
            return Err(facts::invalid("unknown-code", "person_fields"));
        }
        let fields = request.person_fields.join(" ");
        self.write(Desk::Business, "employers.watch", move |tx| {
            let since = tx.sql.query_one(
                "INSERT INTO employer_watches (partner, people, percent, since, persons) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (partner) DO UPDATE SET people = excluded.people, percent = excluded.percent,
                   persons = excluded.persons
                 RETURNING since",
                values![
                    context.sender,
                    i64::from(step.people),
                    i64::from(step.percent),
                    facts::instant(tx.now),
                    fields,
                ],
                |row| row.get(0),
            )?;
            Ok(WatchEmployersResponse { since })
        })
        .await
    }

    async fn end_watch(&self, partner: String) -> Result<WatchEmployersResponse, Error> {
        self.write(Desk::Business, "employers.unwatch", move |tx| {
            tx.sql.execute(
                "DELETE FROM employer_watches WHERE partner = ?1",
                values![partner],
            )?;
            Ok(WatchEmployersResponse::default())
        })
        .await
    }
}

/// Tells everybody who watches and is to be told of this; counts them.
pub(super) fn tell(tx: &Tx<'_>, employer: i64, change: &EmployerChange) -> Result<u32, Error> {
    let watches: Vec<(String, i64, i64)> = tx.sql.query(
        "SELECT partner, people, percent FROM employer_watches ORDER BY partner",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut told = 0;
    for (partner, people, percent) in watches {
        let mut change = change.clone();
        if change.kind() == NoticeKind::Headcount {
            let before = last_told(tx, &partner, employer, change.participants_before)?;
            let now = i64::from(change.participants);
            if !is_beyond(before, now, people, percent) {
                continue;
            }
            change.participants_before =
                u32::try_from(before).map_err(|_| Error::Corrupt("participants"))?;
            tx.sql.execute(
                "UPDATE employer_told SET participants = ?3 WHERE partner = ?1 AND employer = ?2",
                values![partner, employer, now],
            )?;
        }
        changes::append_employer(tx, &partner, change)?;
        told += 1;
    }
    Ok(told)
}

/// What the partner was told last of the participants; where it never was, those of the month before, which it is
/// measured by from then on: many small steps are one large one.
fn last_told(tx: &Tx<'_>, partner: &str, employer: i64, before: u32) -> Result<i64, Error> {
    tx.sql.execute(
        "INSERT INTO employer_told (partner, employer, participants) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        values![partner, employer, i64::from(before)],
    )?;
    Ok(tx.sql.query_one(
        "SELECT participants FROM employer_told WHERE partner = ?1 AND employer = ?2",
        values![partner, employer],
        |row| row.get(0),
    )?)
}

/// By more people, and by more of what was, than agreed.
fn is_beyond(before: i64, now: i64, people: i64, percent: i64) -> bool {
    let by = (now - before).abs();
    by > people && by * 100 > before * percent
}

const PERCENT_MAX: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::is_beyond;

    #[test]
    fn a_step_is_passed_by_people_and_per_cent_together() {
        for (before, now, people, percent, told) in [
            (100, 110, 10, 10, false),
            (100, 111, 10, 10, true),
            (100, 89, 10, 10, true),
            (100, 90, 10, 10, false),
            (1_000, 1_050, 10, 10, false), // eleven people are no step of a large one
            (5, 8, 10, 10, false),         // nor half of a small one
            (0, 11, 10, 10, true),
            (7, 7, 0, 0, false),
            (7, 8, 0, 0, true),
        ] {
            let what = format!("{before} -> {now} by {people} and {percent} %");
            assert_eq!(is_beyond(before, now, people, percent), told, "{what}");
        }
    }
}
