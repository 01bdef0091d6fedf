//! A notice that is issued again (cấp lại) stands for the one before, under the same code or another.
//!
//! PL02 does not say which one it replaces. It is the one under its own code; else the one that the same hospital told of a child
//! of the same mother, by her PIN, within half a year, in which no mother gives birth twice: also the day may have been wrong. Of several
//! children the paper says which, or the sex; where neither does, nothing is replaced. One whose first notice never came is taken as a first one.
//!
//! A notice that was taken back is told anew as a first one, under another code: where it is of the same mother, day and sex it stands
//! for the one that was taken back, and the child goes on under its number with a new print of its card.
//!
//! What it says otherwise of a child whom nobody has registered is so from now on, and its temporary card is printed again where
//! something printed is otherwise; what the civil register has said of a child stands.

use jiff::ToSpan as _;
use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{BirthNotice, Card, HospitalAnswer};

use super::super::births::{self, matching};
use super::super::{Error, Tx, cards, deaths, facts, law, people};
use super::{Hospital, Told, answer, conflict, kept, newborns, siblings};
use crate::sql::{Sql, values};
use schemas::proto::insurance::CardState;

/// The notice that is replaced.
struct Before {
    code: String,
    paper: String,
}

impl Hospital<'_> {
    /// Puts a notice in the place of the one before; none where there is none, or of none it is known whom it meant.
    pub(super) fn again(
        &self,
        tx: &Tx<'_>,
        told: &Told<'_>,
    ) -> Result<Option<HospitalAnswer>, Error> {
        let Some(before) = self.before(tx.sql, told)? else {
            return Ok(None);
        };
        let named = BirthNotice {
            code: before.code.clone(),
            paper: before.paper.clone(),
            ..BirthNotice::default()
        };
        let known = kept(tx.sql, self.sender, &named)?;
        let known = known.ok_or(Error::Corrupt("a notice that was just found"))?;
        let said = BirthNotice::decode(known.facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored notice"))?;
        if !is_of_her(&said, told)? {
            return Err(conflict("another-birth"));
        }
        self.replace(tx, &before, &known.facts, told)?;
        let Some(person) = known.person else {
            // it is judged as a first one is: what it says now may settle whom it means
            return Ok(None);
        };
        siblings(tx.sql, self.sender, told)?;
        let outcome = known.outcome.try_into();
        let outcome = outcome.map_err(|_| Error::Corrupt("an outcome"))?;
        self.keep(tx, told, outcome, Some(person))?;
        matching::renotice(tx, person, &told.notice.code)?;
        if people::number_of(tx.sql, person, "pin")?.is_none() {
            tell(tx, person, told)?;
            if known.withdrawn {
                self.restore(tx, person, told)?;
            }
        }
        answer(tx.sql, told.notice, outcome, Some(person)).map(Some)
    }

    /// The card of a child who is told of anew after its notice was taken back; none for whoever is dead, or too old for it.
    fn restore(&self, tx: &Tx<'_>, person: i64, told: &Told<'_>) -> Result<(), Error> {
        if cards::open_of(tx.sql, person)?.is_some() || deaths::is_dead(tx.sql, person)? {
            return Ok(());
        }
        match law::temporary_card(told.birth_date, tx.today) {
            Some(validity) => self.print(tx, person, told, &validity),
            None => Ok(()),
        }
    }

    fn before(&self, sql: &Sql, told: &Told<'_>) -> Result<Option<Before>, Error> {
        let notice = told.notice;
        if kept(sql, self.sender, notice)?.is_some() {
            return Ok(Some(Before {
                code: notice.code.clone(),
                paper: notice.paper.clone(),
            }));
        }
        let mut found = Vec::new();
        // her number alone: a name is no key
        let span = match notice.reissued {
            true => SPAN_DAYS,
            false => 0,
        };
        let span = [-span, span].map(|days| told.birth_date.saturating_add(days.days()));
        for known in matching::born_of(sql, &told.origin.mother_pin, span.into())? {
            let of_person = newborns::notice_of(sql, known.person)?;
            let ours = of_person.filter(|one| {
                one.sender == self.sender
                    && one.children == notice.children
                    && (one.withdrawn || notice.reissued && one.code != notice.code)
            });
            found.extend(ours.map(|one| (one, known.sex)));
        }
        if !notice.reissued {
            found.retain(|(_, sex)| *sex == told.sex_code());
        }
        if found.iter().any(|(one, _)| !one.withdrawn) {
            found.retain(|(one, _)| !one.withdrawn);
        }
        if notice.children > 1 {
            let papers = found.iter().filter(|(one, _)| one.paper == notice.paper);
            match papers.count() {
                0 => found.retain(|(_, sex)| *sex == told.sex_code()),
                _ => found.retain(|(one, _)| one.paper == notice.paper),
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop().map(|(one, _)| Before {
                code: one.code,
                paper: one.paper,
            })),
            _ => Err(Error::refused(
                FaultCode::RuleRefused,
                "which-notice",
                "paper",
            )),
        }
    }

    /// The notice before stays as it was told, beside the others; whatever stood for it is stood for by the new one.
    fn replace(
        &self,
        tx: &Tx<'_>,
        before: &Before,
        facts: &[u8],
        told: &Told<'_>,
    ) -> Result<(), Error> {
        let by = told.notice;
        tx.sql.execute(
            "DELETE FROM birth_notices WHERE sender = ?1 AND code = ?2 AND paper = ?3",
            values![self.sender, before.code, before.paper],
        )?;
        tx.sql.execute(
            "UPDATE replaced_notices SET by_code = ?4, by_paper = ?5 WHERE sender = ?1 AND by_code = ?2 AND by_paper = ?3",
            values![self.sender, before.code, before.paper, by.code, by.paper],
        )?;
        tx.sql.execute(
            "INSERT INTO replaced_notices (sender, code, paper, nth, facts, by_code, by_paper, at)
             SELECT ?1, ?2, ?3, count(*) + 1, ?4, ?5, ?6, ?7 FROM replaced_notices WHERE sender = ?1 AND code = ?2 AND paper = ?3",
            values![
                self.sender,
                before.code,
                before.paper,
                facts,
                by.code,
                by.paper,
                facts::instant(tx.now),
            ],
        )?;
        Ok(())
    }
}

/// The mother is the same by her PIN, or by her name where it was not told, or is not any more.
fn is_of_her(said: &BirthNotice, told: &Told<'_>) -> Result<bool, Error> {
    let mother = said.mother.clone().unwrap_or_default();
    if mother.pin.is_empty() || told.origin.mother_pin.is_empty() {
        let name = facts::name(&mother.name, "mother.name")?;
        return Ok(name.match_key == told.origin.mother_key);
    }
    Ok(mother.pin == told.origin.mother_pin)
}

/// What a notice says of a child whom nobody has registered is so from now on.
fn tell(tx: &Tx<'_>, person: i64, told: &Told<'_>) -> Result<(), Error> {
    let known = people::person(tx.sql, person)?;
    newborns::name(tx, person, &told.newcomer())?;
    matching::correct(tx, person, told.birth_date, &told.origin)?;
    // whoever is dead, or too old for it, has none
    let Some((card, rule)) = cards::open_of(tx.sql, person)? else {
        return Ok(());
    };
    let validity = law::temporary_card(told.birth_date, tx.today);
    let next = Card {
        number: births::card_number(tx, person, &told.province)?
            .as_str()
            .to_owned(),
        valid_from: validity
            .as_ref()
            .map_or_else(|| card.valid_from.clone(), |days| days.from.to_string()),
        valid_to: validity
            .as_ref()
            .map_or_else(|| card.valid_to.clone(), |days| days.to.to_string()),
        ..card.clone()
    };
    let is_printed_alike = known.name == told.name.text
        && known.birth_date == told.birth_date.to_string()
        && known.sex == told.sex_code();
    if next.number == card.number {
        return match is_printed_alike && next == card {
            true => Ok(()),
            false => cards::print_again(tx, person, next, &rule).map(drop),
        };
    }
    cards::end(tx, person, &card, CardState::Replaced)?;
    let printed = cards::newest(tx.sql, person, &next.number)?.map_or(0, |card| card.serial);
    let card = Card {
        serial: printed + 1,
        ..next
    };
    cards::issue(
        tx,
        &cards::Issue {
            person,
            card: &card,
            rule: &rule,
        },
    )
}

/// Whether a notice was replaced by another.
pub(super) fn was_replaced(sql: &Sql, sender: &str, said: &BirthNotice) -> Result<bool, Error> {
    Ok(sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM replaced_notices WHERE sender = ?1 AND code = ?2 AND paper = ?3)",
        values![sender, said.code, said.paper],
        |row| row.get(0),
    )?)
}

/// Whether the notice under a code stands for one under another.
pub(super) fn stands_for(sql: &Sql, sender: &str, code: &str, old: &str) -> Result<bool, Error> {
    Ok(sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM replaced_notices WHERE sender = ?1 AND code = ?2 AND by_code = ?3)",
        values![sender, old, code],
        |row| row.get(0),
    )?)
}

/// No mother gives birth twice in so many days.
const SPAN_DAYS: i64 = 180;
