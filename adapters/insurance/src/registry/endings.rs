//! Children's cards that end soon: told to whoever registered the birth, and to whoever watches the child ([`watches`]), each once
//! and the soonest first.
//!
//! An announcement is a row that its change is written with, so that none is told twice, whoever announces, however
//! often, before or after a restart. It is of one last day: where a correction moves that, the card is announced anew.
//! What may follow is said by [`after_child_card`]; nothing is issued by itself.

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::codes::after_child_card::{self, Standing};
use schemas::id::PartnerId;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    AnnounceEndsRequest, AnnounceEndsResponse, Card, CardEnding, CardState, RegisterBirthRequest,
};

use super::births::{self, CHILD};
use super::{Desk, Error, Registry, Tx, facts, law, told, watches};
use crate::sql::{Sql, values};

impl Registry {
    /// Announces the cards of a partner's births, and of the persons whom it watches, that end within a month; at most so many
    /// of either.
    ///
    /// # Errors
    /// `INVALID` where the context or partner is malformed.
    pub async fn announce_ends(
        &self,
        request: AnnounceEndsRequest,
    ) -> Result<AnnounceEndsResponse, Error> {
        facts::context(request.context)?;
        PartnerId::parse(&request.partner)
            .map_err(|_| facts::invalid("malformed-sender", "partner"))?;
        let max = request.max.clamp(1, AT_ONCE_MAX);
        self.write(Desk::Business, "births.ends", move |tx| {
            let ending = soon(tx, &request.partner, max)?;
            let (watched, mut announced) = watches::announce(tx, &request.partner, max)?;
            let more = ending.len().max(watched) >= max as usize;
            for one in ending {
                announced += u32::from(announce(tx, &request.partner, one)?);
            }
            Ok(AnnounceEndsResponse { announced, more })
        })
        .await
    }
}

/// A case whose card ends soon.
struct Ending {
    case_id: String,
    facts: Vec<u8>,
    ends_on: String,
}

/// Those that nobody was told of, the soonest first.
fn soon(tx: &Tx<'_>, partner: &str, max: u32) -> Result<Vec<Ending>, Error> {
    let day = |days: i64| tx.today.saturating_add(days.days()).to_string();
    Ok(tx.sql.query(
        "SELECT b.case_id, b.facts, c.valid_to FROM cards c JOIN birth_cases b ON b.person = c.person AND b.card_number = c.number
         WHERE c.state = 1 AND c.number >= 'TE' AND c.number < 'TF' AND c.valid_to >= ?2 AND c.valid_to <= ?3 AND b.sender = ?1
           AND NOT EXISTS (SELECT 1 FROM card_endings e WHERE e.sender = b.sender AND e.case_id = b.case_id AND e.ends_on = c.valid_to)
         ORDER BY c.valid_to, b.case_id LIMIT ?4",
        values![partner, day(-DAYS_AFTER), day(DAYS_BEFORE), i64::from(max)],
        |row| {
            Ok(Ending {
                case_id: row.get(0)?,
                facts: row.get(1)?,
                ends_on: row.get(2)?,
            })
        },
    )?)
}

/// Writes it down and tells it; false where another has meanwhile.
fn announce(tx: &Tx<'_>, partner: &str, one: Ending) -> Result<bool, Error> {
    let said = RegisterBirthRequest::decode(one.facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    let standing = match said.poor_household_certificate.is_empty() {
        true => Standing::Other,
        false => Standing::PoorHousehold,
    };
    let ends_on: Date = one
        .ends_on
        .parse()
        .map_err(|_| Error::Corrupt("a card's last day"))?;
    let from = ends_on.saturating_add(1.day());
    let next =
        after_child_card::next(standing, from).ok_or(Error::Corrupt("no rule for the day"))?;
    let level = law::benefit_level(next.object_code, from)
        .ok_or(Error::Corrupt("no benefit level for a code"))?;
    let written = tx.sql.execute(
        "INSERT INTO card_endings (sender, case_id, ends_on, next_object, next_level, next_from, rule, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (sender, case_id, ends_on) DO NOTHING",
        values![
            partner,
            one.case_id,
            one.ends_on,
            next.object_code,
            i64::from(level),
            from.to_string(),
            next.term.source,
            facts::instant(tx.now),
        ],
    )?;
    if written == 0 {
        return Ok(false);
    }
    tx.sql.execute(
        "UPDATE birth_cases SET updated_at = ?3 WHERE sender = ?1 AND case_id = ?2",
        values![partner, one.case_id, facts::instant(tx.now)],
    )?;
    let case = births::case_of(tx.sql, partner, &one.case_id)?
        .ok_or(Error::Corrupt("an announced case"))?;
    told::birth(tx, partner, &case)?;
    Ok(true)
}

/// What was announced of a case's card, as long as that ends on the day that was told.
pub(super) fn of(
    sql: &Sql,
    sender: &str,
    case_id: &str,
    card: &Card,
) -> Result<Option<CardEnding>, Error> {
    if card.state() != CardState::Valid || !card.number.starts_with(CHILD) {
        return Ok(None);
    }
    Ok(sql.query_opt(
        "SELECT ends_on, next_object, next_level, next_from, rule FROM card_endings
         WHERE sender = ?1 AND case_id = ?2 AND ends_on = ?3",
        values![sender, case_id, card.valid_to],
        |row| {
            Ok(CardEnding {
                ends_on: row.get(0)?,
                next_object: row.get(1)?,
                next_level: row.get(2)?,
                next_from: row.get(3)?,
                rule: row.get(4)?,
            })
        },
    )?)
}

/// How long before its last day a card is announced, and how long after it where nobody was there (own profile).
pub(super) const DAYS_BEFORE: i64 = 30;
pub(super) const DAYS_AFTER: i64 = 60;
const AT_ONCE_MAX: u32 = 500;
