//! Health insurance cards: a number for a holder, and a serial for each print of it.

use rusqlite::{Connection, OptionalExtension as _, Row};
use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::proto::insurance::{Card, CardState, ListCardsRequest, ListCardsResponse};

use super::{Error, Registry, Tx, facts, people};

impl Registry {
    /// Cards of one person, newest first, every print included.
    ///
    /// # Errors
    /// `INVALID` where the number is malformed, `UNKNOWN-SUBJECT` where nobody has it.
    pub async fn cards(&self, request: ListCardsRequest) -> Result<ListCardsResponse, Error> {
        facts::context(request.context)?;
        let number = SiNumber::parse(&request.si_number)
            .map_err(|_| facts::invalid("malformed-number", "si_number"))?;
        self.read("cards", move |sql| {
            let unknown =
                || Error::refused(FaultCode::UnknownSubject, "unknown-person", "si_number");
            let holder = people::by_si_number(sql, &number)?.ok_or_else(unknown)?;
            let mut statement = sql.prepare_cached(&select(
                "WHERE person = ?1 ORDER BY issued_on DESC, serial DESC, number",
            ))?;
            let cards = statement
                .query_map([holder.id], card)?
                .collect::<Result<_, _>>()?;
            Ok(ListCardsResponse { cards })
        })
        .await
    }
}

/// The newest valid print of a person's cards on a day: not replaced, not revoked, not run out.
pub(super) fn valid_of(sql: &Connection, person: i64, on: &str) -> Result<Option<Card>, Error> {
    let found = sql
        .prepare_cached(&select(
            "WHERE person = ?1 AND state = 1 AND valid_to >= ?2 ORDER BY issued_on DESC, serial DESC LIMIT 1",
        ))?
        .query_row((person, on), card)
        .optional()?;
    Ok(found)
}

/// The rule under which a print was issued.
pub(super) fn rule_of(sql: &Connection, card: &Card) -> Result<String, Error> {
    let rule = sql
        .prepare_cached("SELECT rule FROM cards WHERE number = ?1 AND serial = ?2")?
        .query_row((&card.number, card.serial), |row| row.get(0))?;
    Ok(rule)
}

/// One print of a card.
pub(super) fn print(sql: &Connection, number: &str, serial: u32) -> Result<Option<Card>, Error> {
    let found = sql
        .prepare_cached(&select("WHERE number = ?1 AND serial = ?2"))?
        .query_row((number, serial), card)
        .optional()?;
    Ok(found)
}

/// The newest print of a card number.
pub(super) fn newest(sql: &Connection, number: &str) -> Result<Option<Card>, Error> {
    let found = sql
        .prepare_cached(&select("WHERE number = ?1 ORDER BY serial DESC LIMIT 1"))?
        .query_row([number], card)
        .optional()?;
    Ok(found)
}

/// A card about to be issued to somebody, under the rule that gave its validity.
pub(super) struct Issue<'a> {
    pub(super) person: i64,
    pub(super) card: &'a Card,
    pub(super) rule: &'a str,
}

/// Writes a print of a card.
pub(super) fn issue(tx: &Tx<'_>, issue: &Issue<'_>) -> Result<(), Error> {
    let Issue { person, card, rule } = issue;
    tx.sql
        .prepare_cached(
            "INSERT INTO cards (number, serial, person, valid_from, valid_to, facility, state, rule, issued_on)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            &card.number,
            card.serial,
            person,
            &card.valid_from,
            &card.valid_to,
            &card.facility,
            card.state,
            rule,
            tx.today.to_string(),
        ))?;
    Ok(())
}

/// Issues the next print of a card; the old one is marked as replaced, number and validity stay.
pub(super) fn reissue(tx: &Tx<'_>, number: &str) -> Result<Card, Error> {
    let (person, rule): (i64, String) = tx
        .sql
        .prepare_cached("SELECT person, rule FROM cards WHERE number = ?1 AND state = 1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut card =
        newest(tx.sql, number)?.ok_or(Error::Corrupt("a card that is to be reissued"))?;
    let replaced = tx
        .sql
        .prepare_cached(
            "UPDATE cards SET state = ?3 WHERE number = ?1 AND serial = ?2 AND state = 1",
        )?
        .execute((number, card.serial, CardState::Replaced as i32))?;
    if replaced != 1 {
        return Err(Error::Corrupt("a card that is to be reissued"));
    }
    card.serial += 1;
    issue(
        tx,
        &Issue {
            person,
            card: &card,
            rule: &rule,
        },
    )?;
    Ok(card)
}

fn select(rest: &str) -> String {
    format!("SELECT number, valid_from, valid_to, facility, state, serial FROM cards {rest}")
}

fn card(row: &Row<'_>) -> rusqlite::Result<Card> {
    Ok(Card {
        number: row.get(0)?,
        valid_from: row.get(1)?,
        valid_to: row.get(2)?,
        facility: row.get(3)?,
        state: row.get(4)?,
        serial: row.get(5)?,
    })
}
