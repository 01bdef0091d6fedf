//! A registered birth becomes one social insurance number for life and one TE1 card.
//!
//! Before a number is given out, the child is looked for among those who have one; where a person must say
//! whether it is known already, the case waits in [`super::reviews`].

pub(super) mod again;
pub(super) mod matching;
mod parse;
pub(super) mod population;

use jiff::civil::Date;
use schemas::fault::FaultCode;
use schemas::id::{CardNumber, Sex, SiNumber};
use schemas::proto::Message;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, Card, CardState, Context, GetBirthCasesRequest,
    GetBirthCasesResponse, PopulationFinding, RegisterBirthRequest, RegisterBirthResponse,
};

use super::clocks::Settled;
use super::effects::Asked;
use super::facts::Name;
use super::hospitals::newborns;
use super::people::Known;
use super::{
    Error, Registry, Tx, cards, clocks, corrections, counters, deaths, endings, facts, law, people,
    reviews, subscriptions, told,
};
use crate::sql::{Sql, values};
use matching::{Candidate, Match};
pub(super) use parse::{Birth, Origin, known_facility, optional_code, parent};

impl Registry {
    /// Registers a birth: the same key, or the same case with no other facts ([`again`]), gives the same answer.
    ///
    /// # Errors
    /// `INVALID`, `CONFLICT`, `AMBIGUOUS-SUBJECT` or `RULE-REFUSED`, that too where the population database has to be asked
    /// first (`population-not-asked`); nothing is changed then.
    pub async fn register_birth(
        &self,
        request: RegisterBirthRequest,
    ) -> Result<RegisterBirthResponse, Error> {
        let (context, mut said) = split(request)?;
        let finding = said.population.take();
        let asked = Asked::new("Births.Register", &context, said.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let case = match stored_case(tx.sql, &context.sender, &said.case_id)? {
                Some((stored, case)) => {
                    let key = CaseKey {
                        sender: &context.sender,
                        case_id: &said.case_id,
                    };
                    again::birth(tx, &key, &stored, &said)?;
                    case
                }
                None => register(tx, &context.sender, (&said, finding.as_ref()), facts)?,
            };
            Ok(RegisterBirthResponse { case: Some(case) })
        })
        .await
    }

    /// The newest state of up to 3 of the sender's own cases, in the order asked.
    ///
    /// # Errors
    /// `INVALID` where none or more than 3 are asked for.
    pub async fn birth_cases(
        &self,
        request: GetBirthCasesRequest,
    ) -> Result<GetBirthCasesResponse, Error> {
        let sender = facts::context(request.context)?.sender;
        match request.case_ids.len() {
            0 => return Err(facts::invalid("missing", "case_ids")),
            1..=CASES_MAX => {}
            _ => return Err(facts::invalid("too-many", "case_ids")),
        }
        self.read("birth-cases", move |sql| {
            let case = |case_id: &String| {
                let known = case_of(sql, &sender, case_id)?;
                Ok(known.unwrap_or_else(|| BirthCase {
                    case_id: case_id.clone(),
                    ..BirthCase::default()
                }))
            };
            let cases = request
                .case_ids
                .iter()
                .map(case)
                .collect::<Result<_, Error>>()?;
            Ok(GetBirthCasesResponse { cases })
        })
        .await
    }
}

/// The context, and what was said without it.
fn split(mut request: RegisterBirthRequest) -> Result<(Context, RegisterBirthRequest), Error> {
    let context = facts::context(request.context.take())?;
    facts::word(&request.case_id, 64, "case_id")?;
    Ok((context, request))
}

fn register(
    tx: &Tx<'_>,
    sender: &str,
    (said, finding): (&RegisterBirthRequest, Option<&PopulationFinding>),
    facts: &[u8],
) -> Result<BirthCase, Error> {
    let birth = Birth::parse(&tx.sight(), said)?;
    let doubts = population::doubts(tx, &birth, finding)?;
    let case = CaseKey {
        sender,
        case_id: &said.case_id,
    };
    match whose(tx, &birth, &doubts)? {
        Whose::Known(person, settled) => {
            clocks::start(tx, &case, &birth, Some(settled))?;
            complete(tx, &case, facts, person, &birth)
        }
        Whose::Doubtful(doubt) => {
            clocks::start(tx, &case, &birth, None)?;
            reviews::open(tx, &case, facts, &birth, &doubt, finding.is_some())?;
            as_told(tx, &case)
        }
    }
}

/// Whose birth it is.
pub(super) enum Whose {
    /// This person's, who has a number now.
    Known(i64, Settled),
    /// A person must say.
    Doubtful(Doubt),
}

/// Why a person must say.
pub(super) struct Doubt {
    /// Of the likeliest who may be the child; 0 where nobody may be.
    pub(super) score: u32,
    /// Words, with commas between them.
    pub(super) why: String,
}

impl Doubt {
    /// What was told otherwise elsewhere, then who may be the child, the likeliest first.
    pub(super) fn of(elsewhere: &[String], candidates: &[Candidate]) -> Self {
        let likeliest = candidates.first().map(|one| &one.score);
        let words = likeliest.into_iter().flat_map(|score| &score.why);
        let elsewhere = elsewhere.iter().map(String::as_str);
        let why: Vec<&str> = elsewhere.chain(words.copied()).collect();
        Self {
            score: likeliest.map_or(0, |score| score.value),
            why: why.join(","),
        }
    }
}

/// Looks for the child among those who are known; one whom nobody knows gets its number. Where something was told
/// otherwise elsewhere, nobody gets one without a person.
pub(super) fn whose(tx: &Tx<'_>, birth: &Birth, elsewhere: &[String]) -> Result<Whose, Error> {
    if let Some(known) = people::by_pin(tx.sql, &birth.pin)? {
        return Ok(Whose::Known(recognise(&known, birth)?, Settled::ByPin));
    }
    let found = matching::find(tx.sql, birth)?;
    Ok(match (found, elsewhere.is_empty()) {
        (Match::Nobody, true) => Whose::Known(enrol(tx, birth)?, Settled::Minted),
        (Match::One(known), true) => Whose::Known(adopt(tx, known.person, birth)?, Settled::ByKey),
        (Match::Nobody, false) => Whose::Doubtful(Doubt::of(elsewhere, &[])),
        (Match::One(known), false) => Whose::Doubtful(Doubt::of(elsewhere, &[known])),
        (Match::Doubtful(candidates), _) => Whose::Doubtful(Doubt::of(elsewhere, &candidates)),
    })
}

/// Whose case it is, and what its sender calls it.
pub(super) struct CaseKey<'a> {
    pub(super) sender: &'a str,
    pub(super) case_id: &'a str,
}

/// The card of a person who is known now, and the case as it is answered; a child whose death came before its
/// birth has a number and no card.
pub(super) fn complete(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    facts: &[u8],
    person: i64,
    birth: &Birth,
) -> Result<BirthCase, Error> {
    matching::remember(tx, person, birth)?;
    deaths::meet(tx, person, &birth.pin)?;
    let (card, rule) = match deaths::is_dead(tx.sql, person)? {
        true => (Card::default(), String::new()),
        false => card_of(tx, person, birth)?,
    };
    tx.sql.execute(
        "INSERT INTO birth_cases (sender, case_id, facts, person, state, due_on, updated_at, card_number, card_rule)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        values![
            case.sender,
            case.case_id,
            facts,
            person,
            BirthCaseState::Completed as i32,
            law::birth_card(birth.received_at).due_on().to_string(),
            facts::instant(tx.now),
            card.number,
            rule,
        ],
    )?;
    subscriptions::birth(tx, case.sender, person, &birth.pin)?;
    as_told(tx, case)
}

/// A case that was written just now, told to its sender too.
pub(super) fn as_told(tx: &Tx<'_>, case: &CaseKey<'_>) -> Result<BirthCase, Error> {
    let found = case_of(tx.sql, case.sender, case.case_id)?;
    let found = found.ok_or(Error::Corrupt("a case just written"))?;
    told::birth(tx, case.sender, &found)?;
    Ok(found)
}

/// The card of a child who lives after all, where its birth had to go without one.
pub(super) fn finish(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    let bare: Vec<(String, String, Vec<u8>)> = tx.sql.query(
        "SELECT sender, case_id, facts FROM birth_cases WHERE person = ?1 AND card_number = '' ORDER BY sender, case_id",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (sender, case_id, facts) in bare {
        let said = RegisterBirthRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored birth"))?;
        let said = corrections::as_it_stands(tx.sql, &sender, &case_id, said)?;
        let birth = Birth::parse(&tx.sight(), &said)?;
        if law::child_card(birth.birth_date, tx.today).is_none() {
            continue; // too old for one by now
        }
        let (card, rule) = card_of(tx, person, &birth)?;
        tx.sql.execute(
            "UPDATE birth_cases SET card_number = ?3, card_rule = ?4, updated_at = ?5 WHERE sender = ?1 AND case_id = ?2",
            values![sender, case_id, card.number, rule, facts::instant(tx.now)],
        )?;
    }
    Ok(())
}

/// The person whom the PIN already names, where the facts are that person's.
pub(super) fn recognise(known: &Known, birth: &Birth) -> Result<i64, Error> {
    if known.dead {
        return Err(Error::refused(
            FaultCode::RuleRefused,
            "person-is-dead",
            "child.pin",
        ));
    }
    let same = known.match_key == birth.name.match_key
        && known.birth_date == birth.birth_date.to_string()
        && known.sex == birth.sex_code();
    match same {
        true => Ok(known.id),
        false => Err(Error::refused(
            FaultCode::AmbiguousSubject,
            "pin-of-another-person",
            "child.pin",
        )),
    }
}

/// A child of whom nobody has a row yet.
pub(super) struct Newcomer<'a> {
    pub(super) name: &'a Name,
    pub(super) birth_date: Date,
    pub(super) sex: Sex,
    pub(super) ethnicity: &'a str,
    pub(super) nationality: &'a str,
    pub(super) commune: &'a str,
}

fn newcomer(birth: &Birth) -> Newcomer<'_> {
    Newcomer {
        name: &birth.name,
        birth_date: birth.birth_date,
        sex: birth.sex,
        ethnicity: &birth.ethnicity,
        nationality: &birth.nationality,
        commune: &birth.commune,
    }
}

/// Writes a child down; it has no number yet.
pub(super) fn add(tx: &Tx<'_>, child: &Newcomer<'_>) -> Result<i64, Error> {
    Ok(tx.sql.query_one(
        "INSERT INTO people (name, match_key, birth_date, sex, ethnicity, nationality, commune, relation)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '08') RETURNING id",
        values![
            child.name.text,
            child.name.match_key,
            child.birth_date.to_string(),
            i32::from(child.sex.code()),
            child.ethnicity,
            child.nationality,
            child.commune,
        ],
        |row| row.get(0),
    )?)
}

/// A new person under the new PIN and the one social insurance number that is theirs for life.
pub(super) fn enrol(tx: &Tx<'_>, birth: &Birth) -> Result<i64, Error> {
    let person = add(tx, &newcomer(birth))?;
    let number = counters::si_number(tx)?;
    give(tx, person, ("pin", birth.pin.as_str()), birth.registered_on)?;
    give(tx, person, ("si", number.as_str()), tx.today)?;
    Ok(person)
}

/// A person who is known already goes on under the PIN of this birth; the one before stays theirs, as a past one.
/// One whom only a hospital's notice has told of is from now on as this birth says.
pub(super) fn adopt(tx: &Tx<'_>, person: i64, birth: &Birth) -> Result<i64, Error> {
    if newborns::of(tx.sql, person)?.is_some() {
        newborns::name(tx, person, &newcomer(birth))?;
        matching::correct(tx, person, birth.birth_date, &birth.origin)?;
    }
    tx.sql.execute(
        "UPDATE numbers SET valid_to = ?2 WHERE person = ?1 AND scheme = 'pin' AND valid_to IS NULL",
        values![person, tx.today.to_string()],
    )?;
    give(tx, person, ("pin", birth.pin.as_str()), birth.registered_on)?;
    Ok(person)
}

/// Writes a number of a scheme as a person's from a day on.
pub(super) fn give(
    tx: &Tx<'_>,
    person: i64,
    number: (&str, &str),
    from: Date,
) -> Result<(), Error> {
    let (scheme, number) = number;
    tx.sql.execute(
        "INSERT INTO numbers (scheme, number, person, valid_from) VALUES (?1, ?2, ?3, ?4)",
        values![scheme, number, person, from.to_string()],
    )?;
    Ok(())
}

/// The child's card and the rule behind it: the valid one where there is one, else a new one.
fn card_of(tx: &Tx<'_>, person: i64, birth: &Birth) -> Result<(Card, String), Error> {
    let validity = law::child_card(birth.birth_date, tx.today).ok_or_else(|| {
        Error::refused(FaultCode::RuleRefused, "not-under-six", "child.birth_date")
    })?;
    newborns::end_temporary(tx, person, CardState::Replaced)?;
    if let Some(card) = cards::valid_of(tx.sql, person, &tx.today.to_string())? {
        let rule = cards::rule_of(tx.sql, person, &card)?;
        return Ok((card, rule));
    }
    let number = card_number(tx, person, &birth.province)?;
    // a number that was printed before, and revoked, goes on where its serials ended
    let printed = cards::newest(tx.sql, person, number.as_str())?.map_or(0, |card| card.serial);
    let card = Card {
        number: number.as_str().to_owned(),
        valid_from: validity.from.to_string(),
        valid_to: validity.to.to_string(),
        facility: birth.facility.clone(),
        state: CardState::Valid as i32,
        serial: printed + 1,
    };
    cards::issue(
        tx,
        &cards::Issue {
            person,
            card: &card,
            rule: &validity.rule,
        },
    )?;
    Ok((card, validity.rule))
}

/// The number of a child's card in a province: object code, level, province, and the child's own number.
pub(super) fn card_number(tx: &Tx<'_>, person: i64, province: &str) -> Result<CardNumber, Error> {
    let number = people::number_of(tx.sql, person, "si")?
        .ok_or(Error::Corrupt("a person without a number"))?;
    let number = SiNumber::parse(&number).map_err(|_| Error::Corrupt("a stored number"))?;
    let level = law::benefit_level(CHILD, tx.today)
        .ok_or(Error::Corrupt("no benefit level for a child"))?;
    CardNumber::compose(CHILD, level, province, &number)
        .map_err(|_| Error::Corrupt("a card number that cannot be composed"))
}

/// What was said of a case, and how it stands now; also while a person decides.
pub(super) fn stored_case(
    sql: &Sql,
    sender: &str,
    case_id: &str,
) -> Result<Option<(Vec<u8>, BirthCase)>, Error> {
    let facts: Option<Vec<u8>> = sql.query_opt(
        "SELECT facts FROM birth_cases WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| row.get(0),
    )?;
    let facts = match facts {
        None => reviews::facts_of(sql, sender, case_id)?,
        told => told,
    };
    match (facts, case_of(sql, sender, case_id)?) {
        (Some(facts), Some(case)) => Ok(Some((facts, case))),
        _ => Ok(None),
    }
}

/// A case of a sender as it stands now, with the newest print of its card; without one while a person decides.
pub(super) fn case_of(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<BirthCase>, Error> {
    let found: Option<(BirthCase, i64, String)> = sql.query_opt(
        "SELECT state, due_on, updated_at, card_rule, person, card_number
         FROM birth_cases WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| {
            let case = BirthCase {
                case_id: case_id.to_owned(),
                known: true,
                state: row.get(0)?,
                due_on: row.get(1)?,
                updated_at: row.get(2)?,
                card_rule: row.get(3)?,
                ..BirthCase::default()
            };
            Ok((case, row.get(4)?, row.get(5)?))
        },
    )?;
    let Some((mut case, person, card)) = found else {
        return reviews::waiting(sql, sender, case_id);
    };
    case.si_number = people::number_of(sql, person, "si")?.unwrap_or_default();
    case.card = cards::newest(sql, person, &card)?;
    case.due_at = clocks::due_at(&case.due_on)?;
    case.corrected_by = corrections::newest(sql, sender, case_id)?;
    if let Some(card) = &case.card {
        case.ending = endings::of(sql, sender, case_id, card)?;
    }
    Ok(Some(case))
}

/// The object code of children under six.
pub(super) const CHILD: &str = "TE";
const CASES_MAX: usize = 3;
