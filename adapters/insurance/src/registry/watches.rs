//! Which partners are told of the persons whom their own dossiers are about: of what is corrected, and of a child's card that
//! ends soon. The portal is one.
//!
//! Nobody hears of a person who never came to them: a birth that the civil registry corrects is told to a portal only where
//! a dossier of that portal's is about the child. Of the fields the agreed ones alone are told, and of the parents only
//! that they are others now. What an announcement tells of a card is a row that its change is written with.

use jiff::ToSpan as _;
use schemas::proto::insurance::{PersonChange, WatchPersonsRequest, WatchPersonsResponse};

use super::{Desk, Error, Registry, Tx, changes, endings, facts, people, persons};
use crate::sql::{Sql, values};

impl Registry {
    /// The sender watches these fields from now on, or nothing; the same again changes nothing.
    ///
    /// The key of the context is not looked at: what stands afterwards is what was said last.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed or a field is not known.
    pub async fn watch_persons(
        &self,
        request: WatchPersonsRequest,
    ) -> Result<WatchPersonsResponse, Error> {
        let context = facts::context(request.context)?;
        let known = |field: &String| {
            let known = persons::FIELDS.iter().chain(&[PARENTS, CARD_END]);
            known.into_iter().any(|one| one == field)
        };
        if !request.fields.iter().all(known) {
            return Err(facts::invalid("unknown-code", "fields"));
        }
        let fields = request.fields.join(" ");
        self.write(Desk::Business, "persons.watch", move |tx| {
            if fields.is_empty() {
                tx.sql.execute(
                    "DELETE FROM person_watches WHERE partner = ?1",
                    values![context.sender],
                )?;
                return Ok(WatchPersonsResponse::default());
            }
            let since = tx.sql.query_one(
                "INSERT INTO person_watches (partner, fields, since) VALUES (?1, ?2, ?3)
                 ON CONFLICT (partner) DO UPDATE SET fields = excluded.fields RETURNING since",
                values![context.sender, fields, facts::instant(tx.now)],
                |row| row.get(0),
            )?;
            Ok(WatchPersonsResponse { since })
        })
        .await
    }
}

/// Who watches a person, and which fields, in the order of their names.
pub(super) fn of(sql: &Sql, person: i64) -> Result<Vec<(String, String)>, Error> {
    Ok(sql.query(
        "SELECT w.partner, w.fields FROM person_watches w
         WHERE EXISTS (SELECT 1 FROM dossiers d WHERE d.person = ?1 AND d.owner = w.partner) ORDER BY w.partner",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

/// Tells a partner that watches of the children's cards that end soon, the soonest first; how many it looked at and told.
pub(super) fn announce(tx: &Tx<'_>, partner: &str, max: u32) -> Result<(usize, u32), Error> {
    let fields: Option<String> = tx.sql.query_opt(
        "SELECT fields FROM person_watches WHERE partner = ?1",
        values![partner],
        |row| row.get(0),
    )?;
    if !fields.is_some_and(|fields| persons::is_agreed(&fields, CARD_END)) {
        return Ok((0, 0));
    }
    let day = |days: i64| tx.today.saturating_add(days.days()).to_string();
    let ending: Vec<(i64, String)> = tx.sql.query(
        "SELECT c.person, c.valid_to FROM cards c
         WHERE c.state = 1 AND c.number >= 'TE' AND c.number < 'TF' AND c.valid_to >= ?2 AND c.valid_to <= ?3
           AND EXISTS (SELECT 1 FROM dossiers d WHERE d.person = c.person AND d.owner = ?1)
           AND NOT EXISTS (SELECT 1 FROM person_endings e WHERE e.partner = ?1 AND e.person = c.person AND e.ends_on = c.valid_to)
         ORDER BY c.valid_to, c.person LIMIT ?4",
        values![
            partner,
            day(-endings::DAYS_AFTER),
            day(endings::DAYS_BEFORE),
            i64::from(max)
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let found = ending.len();
    let mut told = 0;
    for (person, ends_on) in ending {
        told += u32::from(end(tx, partner, person, ends_on)?);
    }
    Ok((found, told))
}

/// Writes it down, and tells it of whoever has a PIN: nobody is named otherwise.
fn end(tx: &Tx<'_>, partner: &str, person: i64, ends_on: String) -> Result<bool, Error> {
    tx.sql.execute(
        "INSERT INTO person_endings (partner, person, ends_on, at) VALUES (?1, ?2, ?3, ?4)",
        values![partner, person, ends_on, facts::instant(tx.now)],
    )?;
    let Some(pin) = people::number_of(tx.sql, person, "pin")? else {
        return Ok(false);
    };
    let change = PersonChange {
        pin,
        card_ends_on: ends_on,
        ..PersonChange::default()
    };
    changes::append_person(tx, partner, person, &change)?;
    Ok(true)
}

/// That the parents are others, and not who.
pub(super) const PARENTS: &str = "parents";
/// The last day of a child's card that ends soon.
const CARD_END: &str = "cardEnd";
