//! Health insurance cards: a number for a holder, and a serial for each print of it.

use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::proto::insurance::{Card, CardState, ListCardsRequest, ListCardsResponse};

use super::{Error, Registry, Tx, facts, people};
use crate::sql::{self, Row, Sql, values};

/// A query of prints, as [`card`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT number, valid_from, valid_to, facility, state, serial FROM cards ",
            $rest
        )
    };
}

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
            let cards = sql.query(
                select!("WHERE person = ?1 ORDER BY issued_on DESC, serial DESC, number"),
                values![holder.id],
                card,
            )?;
            Ok(ListCardsResponse { cards })
        })
        .await
    }
}

/// The newest valid print of a person's cards on a day: not replaced, not revoked, not run out.
pub(super) fn valid_of(sql: &Sql, person: i64, on: &str) -> Result<Option<Card>, Error> {
    Ok(sql.query_opt(
        select!("WHERE person = ?1 AND state = 1 AND valid_to >= ?2 ORDER BY issued_on DESC, serial DESC LIMIT 1"),
        values![person, on],
        card,
    )?)
}

/// The newest print of a person's cards that nothing has ended, also where its days are over, and its rule.
pub(super) fn open_of(sql: &Sql, person: i64) -> Result<Option<(Card, String)>, Error> {
    Ok(sql.query_opt(
        "SELECT number, valid_from, valid_to, facility, state, serial, rule FROM cards
         WHERE person = ?1 AND state = 1 ORDER BY issued_on DESC, serial DESC LIMIT 1",
        values![person],
        |row| Ok((card(row)?, row.get(6)?)),
    )?)
}

/// The rule under which a print of a person's card was issued.
pub(super) fn rule_of(sql: &Sql, person: i64, card: &Card) -> Result<String, Error> {
    Ok(sql.query_one(
        "SELECT rule FROM cards WHERE person = ?1 AND number = ?2 AND serial = ?3",
        values![person, card.number, card.serial],
        |row| row.get(0),
    )?)
}

/// One print of a person's card.
pub(super) fn print(
    sql: &Sql,
    person: i64,
    number: &str,
    serial: u32,
) -> Result<Option<Card>, Error> {
    Ok(sql.query_opt(
        select!("WHERE person = ?1 AND number = ?2 AND serial = ?3"),
        values![person, number, serial],
        card,
    )?)
}

/// The newest print of a person's card number.
///
/// A card is looked for with its holder, since cards lie where their holder's other cards lie.
pub(super) fn newest(sql: &Sql, person: i64, number: &str) -> Result<Option<Card>, Error> {
    Ok(sql.query_opt(
        select!("WHERE person = ?1 AND number = ?2 ORDER BY serial DESC LIMIT 1"),
        values![person, number],
        card,
    )?)
}

/// A card about to be issued to somebody, under the rule that gave its validity.
pub(super) struct Issue<'a> {
    pub(super) person: i64,
    pub(super) card: &'a Card,
    pub(super) rule: &'a str,
}

/// Writes a print of a card.
pub(super) fn issue(tx: &Tx<'_>, issue: &Issue<'_>) -> Result<(), Error> {
    let Issue { person, card, rule } = *issue;
    tx.sql.execute(
        "INSERT INTO cards (number, serial, person, valid_from, valid_to, facility, state, rule, issued_on)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        values![
            card.number,
            card.serial,
            person,
            card.valid_from,
            card.valid_to,
            card.facility,
            card.state,
            rule,
            tx.today.to_string(),
        ],
    )?;
    Ok(())
}

/// Issues the next print of a card; the old one is marked as replaced, number and validity stay.
pub(super) fn reissue(tx: &Tx<'_>, person: i64, number: &str) -> Result<Card, Error> {
    let card =
        newest(tx.sql, person, number)?.ok_or(Error::Corrupt("a card that is to be reissued"))?;
    let rule = rule_of(tx.sql, person, &card)?;
    print_again(tx, person, card, &rule)
}

/// Issues the next print of a card that is as it says, under a rule; the print before is marked as replaced.
pub(super) fn print_again(
    tx: &Tx<'_>,
    person: i64,
    mut card: Card,
    rule: &str,
) -> Result<Card, Error> {
    end(tx, person, &card, CardState::Replaced)?;
    card.serial += 1;
    issue(
        tx,
        &Issue {
            person,
            card: &card,
            rule,
        },
    )?;
    Ok(card)
}

/// Ends a print that is valid.
pub(super) fn end(tx: &Tx<'_>, person: i64, card: &Card, state: CardState) -> Result<(), Error> {
    let ended = tx.sql.execute(
        "UPDATE cards SET state = ?4 WHERE person = ?1 AND number = ?2 AND serial = ?3 AND state = 1",
        values![person, card.number, card.serial, state as i32],
    )?;
    match ended {
        1 => Ok(()),
        _ => Err(Error::Corrupt("a card that is to be reissued")),
    }
}

fn card(row: &Row<'_>) -> Result<Card, sql::Error> {
    Ok(Card {
        number: row.get(0)?,
        valid_from: row.get(1)?,
        valid_to: row.get(2)?,
        facility: row.get(3)?,
        state: row.get(4)?,
        serial: row.get(5)?,
    })
}
