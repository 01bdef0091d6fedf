//! Hospitals' notices: a birth that nobody has registered gives a number and a temporary card, a death closes what
//! every death closes.
//!
//! A notice names no PIN, since the child has none. Whom it tells of is settled by its code, the mother's PIN, the
//! day and the sex, and by nothing less; the children of one birth share code and mother, and where more than one
//! of them it may be, nothing is given. The registration goes on under the number that a notice gave
//! ([`newborns`]).

mod again;
mod asked;
mod back;
pub(super) mod newborns;
mod parse;

use jiff::civil::Date;
use schemas::fault::FaultCode;
use schemas::id::{CardNumber, FacilityCode};
use schemas::name::score;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthNotice, Card, CardState, DeathCase, HospitalAnswer, HospitalDeathWithdrawal,
    HospitalNotice, NoticeOutcome, RecordHospitalNoticesRequest, RecordHospitalNoticesResponse,
    RegisterDeathRequest, WithdrawDeathRequest, hospital_notice::Notice,
};

use super::births;
use super::births::matching::{self, BornAlike};
use super::effects::Asked;
use super::{Error, Registry, Tx, cards, counters, deaths, facts, law, people};
use crate::sql::{self, Row, Sql, values};
use parse::Told;

impl Registry {
    /// Keeps the notices of one packet, all or none: the same key, or the same notice with the same facts, gives the
    /// same answer.
    ///
    /// # Errors
    /// `INVALID`, `CONFLICT`, `AMBIGUOUS-SUBJECT`, `UNKNOWN-SUBJECT` or `RULE-REFUSED`; nothing is changed then.
    pub async fn record_hospital_notices(
        &self,
        mut request: RecordHospitalNoticesRequest,
    ) -> Result<RecordHospitalNoticesResponse, Error> {
        let context = facts::context(request.context.take())?;
        let asked = Asked::new("Hospitals.Record", &context, request.encode_to_vec())?;
        match request.notices.len() {
            0 => return Err(facts::invalid("missing", "notices")),
            1..=NOTICES_MAX => {}
            _ => return Err(facts::invalid("too-many", "notices")),
        }
        self.effect(asked, move |tx, _| {
            facts::moment(&request.received_at, "received_at")?;
            let hospital = Hospital::of(tx, &context.sender, &request.facility)?;
            let answers = request
                .notices
                .iter()
                .map(|notice| hospital.take(tx, notice, &request.received_at));
            Ok(RecordHospitalNoticesResponse {
                answers: answers.collect::<Result<_, Error>>()?,
            })
        })
        .await
    }
}

/// A facility that sends what it signed itself.
struct Hospital<'a> {
    sender: &'a str,
    facility: String,
}

impl<'a> Hospital<'a> {
    /// A sender speaks for the facility that its name says and for no other.
    fn of(tx: &Tx<'_>, sender: &'a str, facility: &str) -> Result<Self, Error> {
        let facility = births::known_facility(&tx.sight(), facility)?;
        let code = FacilityCode::parse(&facility).map_err(|_| Error::Corrupt("a facility"))?;
        match sender == code.partner().as_str() {
            true => Ok(Self { sender, facility }),
            false => Err(facts::invalid("facility-of-another", "facility")),
        }
    }

    fn take(
        &self,
        tx: &Tx<'_>,
        notice: &HospitalNotice,
        received_at: &str,
    ) -> Result<HospitalAnswer, Error> {
        match &notice.notice {
            Some(Notice::Birth(birth)) => self.birth(tx, birth),
            Some(Notice::Death(death)) => self.death(tx, death, received_at),
            Some(Notice::Withdrawal(said)) => self.withdraw(tx, said),
            Some(Notice::BirthWithdrawal(said)) => self.birth_back(tx, said),
            None => Err(facts::invalid("missing", "notices")),
        }
    }

    fn death(
        &self,
        tx: &Tx<'_>,
        said: &RegisterDeathRequest,
        received_at: &str,
    ) -> Result<HospitalAnswer, Error> {
        let said = RegisterDeathRequest {
            context: None,
            received_at: received_at.to_owned(),
            ..said.clone()
        };
        let case = deaths::notice(tx, self.sender, &said, &said.encode_to_vec())?;
        if !case.withdrawn_by.is_empty() {
            if deaths::was_replaced(tx, self.sender, &said, &case)? {
                return Err(conflict("notice-was-replaced"));
            }
            // whoever died after all is told of under another code
            return Err(Error::refused(
                FaultCode::RuleRefused,
                "death-was-withdrawn",
                "code",
            ));
        }
        Ok(of_death(case, NoticeOutcome::Death))
    }

    /// The notice must be told as it was: everything that it closed is as it was, unless another report stands.
    fn withdraw(
        &self,
        tx: &Tx<'_>,
        said: &HospitalDeathWithdrawal,
    ) -> Result<HospitalAnswer, Error> {
        let death = said.death.as_ref();
        let death = death.ok_or_else(|| facts::invalid("missing", "deceased"))?;
        let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-case", "code");
        let known = deaths::stored(tx, self.sender, &death.case_id)?.ok_or_else(unknown)?;
        if !deaths::same_facts(&known, death)? {
            return Err(conflict("case-has-other-facts"));
        }
        let case = deaths::case_of(tx.sql, self.sender, &death.case_id)?.ok_or_else(unknown)?;
        if deaths::was_replaced(tx, self.sender, death, &case)? {
            return Err(conflict("notice-was-replaced"));
        }
        let request = WithdrawDeathRequest {
            context: None,
            case_id: facts::word(&said.case_id, CODE_CHARS_MAX, "case_id")?,
            withdraws: death.case_id.clone(),
            reason: said.reason.clone(),
        };
        deaths::withdraw(tx, self.sender, &request)?;
        let case = deaths::case_of(tx.sql, self.sender, &death.case_id)?.ok_or_else(unknown)?;
        Ok(of_death(case, NoticeOutcome::DeathWithdrawn))
    }

    fn birth(&self, tx: &Tx<'_>, said: &BirthNotice) -> Result<HospitalAnswer, Error> {
        facts::word(&said.code, CODE_CHARS_MAX, "code")?;
        if let Some(kept) = kept(tx.sql, self.sender, said)? {
            if kept.withdrawn {
                // whoever was born after all is told of under another code
                return Err(Error::refused(
                    FaultCode::RuleRefused,
                    "notice-was-withdrawn",
                    "code",
                ));
            }
            if kept.facts == said.encode_to_vec() {
                return answer(tx.sql, said, kept.outcome, kept.person);
            }
            if !said.reissued {
                return Err(conflict("notice-has-other-facts"));
            }
        } else if again::was_replaced(tx.sql, self.sender, said)? {
            return Err(conflict("notice-was-replaced"));
        }
        let told = Told::parse(&tx.sight(), said)?;
        if let Some(answer) = self.again(tx, &told)? {
            return Ok(answer);
        }
        let siblings = siblings(tx.sql, self.sender, &told)?;
        let whose = whose(tx.sql, &told, &siblings)?;
        let (outcome, person) = match whose {
            Whose::Known(person) => (NoticeOutcome::Known, Some(person)),
            Whose::Doubtful => (NoticeOutcome::Doubtful, None),
            Whose::Nobodys => match law::temporary_card(told.birth_date, tx.today) {
                Some(validity) => (
                    NoticeOutcome::Temporary,
                    Some(self.give(tx, &told, &validity)?),
                ),
                None => (NoticeOutcome::Late, None),
            },
        };
        self.keep(tx, &told, outcome, person)?;
        answer(tx.sql, said, outcome, person)
    }

    /// A child with a number of its own, no PIN yet, and the temporary card.
    fn give(&self, tx: &Tx<'_>, told: &Told<'_>, validity: &law::Validity) -> Result<i64, Error> {
        let person = births::add(tx, &told.newcomer())?;
        let number = counters::si_number(tx)?;
        births::give(tx, person, ("si", number.as_str()), tx.today)?;
        matching::remember_origin(tx, person, told.birth_date, &told.origin)?;
        self.print(tx, person, told, validity)?;
        Ok(person)
    }

    /// The temporary card; one that was printed before, and ended, goes on where its serials did.
    fn print(
        &self,
        tx: &Tx<'_>,
        person: i64,
        told: &Told<'_>,
        validity: &law::Validity,
    ) -> Result<(), Error> {
        let number = births::card_number(tx, person, &told.province)?;
        let printed = cards::newest(tx.sql, person, number.as_str())?.map_or(0, |card| card.serial);
        let card = Card {
            number: number.as_str().to_owned(),
            valid_from: validity.from.to_string(),
            valid_to: validity.to.to_string(),
            facility: self.facility.clone(),
            state: CardState::Valid as i32,
            serial: printed + 1,
        };
        let rule = &validity.rule;
        cards::issue(
            tx,
            &cards::Issue {
                person,
                card: &card,
                rule,
            },
        )
    }

    fn keep(
        &self,
        tx: &Tx<'_>,
        told: &Told<'_>,
        outcome: NoticeOutcome,
        person: Option<i64>,
    ) -> Result<(), Error> {
        let said = told.notice;
        tx.sql.execute(
            "INSERT INTO birth_notices (sender, code, paper, facts, children, sex, outcome, person, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values![
                self.sender,
                said.code,
                said.paper,
                said.encode_to_vec(),
                said.children,
                told.sex_code(),
                outcome as i32,
                person,
                facts::instant(tx.now),
            ],
        )?;
        Ok(())
    }
}

fn of_death(case: DeathCase, outcome: NoticeOutcome) -> HospitalAnswer {
    HospitalAnswer {
        code: case.case_id,
        outcome: outcome.into(),
        si_number: case.si_number,
        ..HospitalAnswer::default()
    }
}

/// Whom a notice tells of.
enum Whose {
    /// One who is known.
    Known(i64),
    /// It may be one who is known, and nothing proves which.
    Doubtful,
    /// Nobody who is known.
    Nobodys,
}

fn whose(sql: &Sql, told: &Told<'_>, siblings: &[Kept]) -> Result<Whose, Error> {
    let alike = matching::born_alike(sql, told.birth_date, &told.origin)?;
    if let Some(card) = &told.card {
        return holder(sql, card, &alike).map(Whose::Known);
    }
    let mut of_the_birth = Vec::new();
    for known in &alike {
        if siblings.iter().any(|one| one.person == Some(known.person)) {
            continue;
        }
        // of the same mother by another notice, or of two mothers under one: a person has to look
        let is_hers = !told.origin.mother_pin.is_empty()
            && known.origin.mother_pin == told.origin.mother_pin
            && ["", &told.notice.code].contains(&known.origin.notice.as_str());
        if is_hers && newborns::notice_of(sql, known.person)?.is_none() {
            of_the_birth.push(known);
        } else if known.sex == told.sex_code() {
            return Ok(Whose::Doubtful);
        }
    }
    let of_one_sex: Vec<&&BornAlike> = of_the_birth
        .iter()
        .filter(|known| known.sex == told.sex_code())
        .collect();
    Ok(match (told.notice.children, of_one_sex.as_slice()) {
        (1, []) if of_the_birth.is_empty() => Whose::Nobodys,
        (1, [one]) if of_the_birth.len() == 1 => Whose::Known(one.person),
        (1, _) => Whose::Doubtful,
        (_, []) => Whose::Nobodys,
        (children, several) => {
            let named: Vec<_> = several
                .iter()
                .filter(|known| score(&known.name, &told.notice.name).value == 100)
                .collect();
            let all =
                siblings.iter().filter(|one| one.person.is_some()).count() + of_the_birth.len();
            match (named.as_slice(), several) {
                ([one], _) => Whose::Known(one.person),
                // every child of the birth is known, and this is the one that no notice has told of
                (_, [one]) if all >= children as usize => Whose::Known(one.person),
                _ => Whose::Doubtful,
            }
        }
    })
}

/// The child that has the card which the notice names; it must be of this mother and day.
fn holder(sql: &Sql, card: &CardNumber, alike: &[BornAlike]) -> Result<i64, Error> {
    let holder = people::by_si_number(sql, &card.si_number())?;
    let is_alike = |id: i64| alike.iter().any(|known| known.person == id);
    holder
        .map(|known| known.id)
        .filter(|id| is_alike(*id))
        .ok_or_else(|| Error::refused(FaultCode::RuleRefused, "not-the-holder", "card"))
}

/// A notice as it is kept.
struct Kept {
    facts: Vec<u8>,
    outcome: i32,
    person: Option<i64>,
    /// Taken back by the hospital.
    withdrawn: bool,
}

fn kept(sql: &Sql, sender: &str, said: &BirthNotice) -> Result<Option<Kept>, Error> {
    Ok(sql.query_opt(
        "SELECT facts, outcome, person, withdrawn_by IS NOT NULL FROM birth_notices WHERE sender = ?1 AND code = ?2 AND paper = ?3",
        values![sender, said.code, said.paper],
        row,
    )?)
}

fn row(row: &Row<'_>) -> Result<Kept, sql::Error> {
    Ok(Kept {
        facts: row.get(0)?,
        outcome: row.get(1)?,
        person: row.get(2)?,
        withdrawn: row.get(3)?,
    })
}

/// The other notices of the birth that stand; they must tell of one mother, so many children, and days that a birth can span.
fn siblings(sql: &Sql, sender: &str, told: &Told<'_>) -> Result<Vec<Kept>, Error> {
    let all: Vec<Kept> = sql.query(
        "SELECT facts, outcome, person, withdrawn_by IS NOT NULL FROM birth_notices
         WHERE sender = ?1 AND code = ?2 AND withdrawn_by IS NULL ORDER BY paper LIMIT 20",
        values![sender, told.notice.code],
        row,
    )?;
    for one in &all {
        let other = BirthNotice::decode(one.facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored notice"))?;
        let born: Date = facts::date(&other.birth_date, "birth_date")?;
        let apart = (told.birth_date - born).get_days().abs();
        if other.children != told.notice.children || other.mother != told.notice.mother || apart > 1
        {
            return Err(conflict("another-birth"));
        }
    }
    match all.len() < told.notice.children as usize {
        true => Ok(all),
        false => Err(Error::refused(
            FaultCode::RuleRefused,
            "more-children-than-told",
            "code",
        )),
    }
}

fn answer(
    sql: &Sql,
    said: &BirthNotice,
    outcome: impl Into<i32>,
    person: Option<i64>,
) -> Result<HospitalAnswer, Error> {
    let mut answer = HospitalAnswer {
        code: said.code.clone(),
        paper: said.paper.clone(),
        outcome: outcome.into(),
        ..HospitalAnswer::default()
    };
    if let Some(person) = person {
        answer.si_number = people::number_of(sql, person, "si")?.unwrap_or_default();
        answer.card = cards::open_of(sql, person)?.map(|(card, _)| card);
    }
    Ok(answer)
}

fn conflict(reason: &'static str) -> Error {
    Error::refused(FaultCode::Conflict, reason, "code")
}

/// Notices of one packet.
const NOTICES_MAX: usize = 20;
/// The longest code of a notice.
const CODE_CHARS_MAX: usize = 64;
