//! Whether a child that comes under a new PIN has a number already.
//!
//! The hospital's birth notice and the mother's PIN together are a key, where name, day and sex agree and the
//! one who is known has no PIN yet. Whatever else looks alike is told to a person with its score and the
//! words of it: two children of one birth (one notice, one mother) are never made one by a guess. Children whom
//! so far only a hospital's notice has told of are judged by [`newborns`](super::super::hospitals::newborns).

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemas::id::Sex;
use schemas::name::score;

use super::super::hospitals::newborns::{self, Newborn};
use super::super::{Error, Tx, people};
use super::{Birth, Origin};
use crate::sql::{self, Row, Sql, values};

/// What the search for a child came to.
pub(in crate::registry) enum Match {
    /// Nobody is alike: a new person.
    Nobody,
    /// This person, by the key.
    One(Candidate),
    /// A person must say; the likeliest first.
    Doubtful(Vec<Candidate>),
}

/// Somebody who may be the child.
pub(in crate::registry) struct Candidate {
    pub(in crate::registry) person: i64,
    pub(in crate::registry) score: Score,
    pub(in crate::registry) origin: Origin,
}

/// How alike two children are, 0 to 80, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::registry) struct Score {
    pub(in crate::registry) value: u32,
    pub(in crate::registry) why: Vec<&'static str>,
}

/// A child as the two sides know it.
pub(in crate::registry) struct Told<'a> {
    pub(in crate::registry) name: &'a str,
    pub(in crate::registry) sex: i32,
    pub(in crate::registry) origin: &'a Origin,
}

/// A row of somebody who was born on the day.
pub(in crate::registry) struct BornAlike {
    pub(in crate::registry) person: i64,
    pub(in crate::registry) name: String,
    pub(in crate::registry) sex: i32,
    dead: bool,
    pub(in crate::registry) origin: Origin,
}

impl BornAlike {
    fn told(&self) -> Told<'_> {
        Told {
            name: &self.name,
            sex: self.sex,
            origin: &self.origin,
        }
    }
}

/// Looks for the child of a birth whose PIN nobody has.
pub(in crate::registry) fn find(sql: &Sql, birth: &Birth) -> Result<Match, Error> {
    let sex = i32::from(birth.sex.code());
    let told = Told {
        name: &birth.name.text,
        sex,
        origin: &birth.origin,
    };
    let mut found: Vec<Candidate> = Vec::new();
    let mut newborns: Vec<Newborn> = Vec::new();
    let mut is_certain = false;
    for known in born_alike(sql, birth.birth_date, &birth.origin)? {
        if let Some(notice) = newborns::of(sql, known.person)? {
            newborns.push(Newborn { known, notice });
            continue;
        }
        let other = known.told();
        let Some(score) = weigh(&told, &other).filter(|score| score.value >= DOUBTFUL) else {
            continue;
        };
        let has_no_pin = people::number_of(sql, known.person, "pin")?.is_none();
        is_certain |= is_key(&told, &other) && has_no_pin && !known.dead;
        found.push(Candidate {
            person: known.person,
            score,
            origin: known.origin,
        });
    }
    let (certain, doubtful) = newborns::judge(sql, &told, newborns)?;
    is_certain |= certain.is_some();
    found.extend(certain.into_iter().chain(doubtful));
    found.sort_by_key(|one| (std::cmp::Reverse(one.score.value), one.person));
    Ok(match found.len() {
        0 => Match::Nobody,
        1 if is_certain => found.pop().map_or(Match::Nobody, Match::One),
        _ => Match::Doubtful(found),
    })
}

/// Keeps where a person was born, at the first case that tells it.
pub(in crate::registry) fn remember(tx: &Tx<'_>, person: i64, birth: &Birth) -> Result<(), Error> {
    remember_origin(tx, person, birth.birth_date, &birth.origin)
}

/// The same of a child that is not registered.
pub(in crate::registry) fn remember_origin(
    tx: &Tx<'_>,
    person: i64,
    birth_date: Date,
    origin: &Origin,
) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO birth_origins (person, birth_date, birth_notice, mother_pin, mother_name, mother_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (person) DO NOTHING",
        values![
            person,
            birth_date.to_string(),
            origin.notice,
            origin.mother_pin,
            origin.mother_name,
            origin.mother_key,
        ],
    )?;
    Ok(())
}

/// Writes again by what a person is recognised, after a correction.
pub(in crate::registry) fn correct(
    tx: &Tx<'_>,
    person: i64,
    birth_date: Date,
    origin: &Origin,
) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_origins SET birth_date = ?2, mother_pin = ?3, mother_name = ?4, mother_key = ?5 WHERE person = ?1",
        values![
            person,
            birth_date.to_string(),
            origin.mother_pin,
            origin.mother_name,
            origin.mother_key,
        ],
    )?;
    Ok(())
}

/// The hospital's notice of a person has another code from now on.
pub(in crate::registry) fn renotice(tx: &Tx<'_>, person: i64, code: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE birth_origins SET birth_notice = ?2 WHERE person = ?1",
        values![person, code],
    )?;
    Ok(())
}

/// Notice, mother's PIN, name and sex: nothing is left to doubt.
fn is_key(told: &Told<'_>, known: &Told<'_>) -> bool {
    let (one, other) = (told.origin, known.origin);
    !one.notice.is_empty()
        && one.notice == other.notice
        && !one.mother_pin.is_empty()
        && one.mother_pin == other.mother_pin
        && told.sex == known.sex
        && score(told.name, known.name).value == 100
}

/// Whether two children have one name.
pub(in crate::registry) fn is_named_alike(told: &Told<'_>, known: &BornAlike) -> bool {
    score(told.name, &known.name).value == 100
}

/// The score as a person is shown it: nothing where two mothers tell them apart.
pub(in crate::registry) fn weigh_or_nothing(told: &Told<'_>, known: &BornAlike) -> Score {
    weigh(told, &known.told()).unwrap_or(Score {
        value: 0,
        why: vec!["other-mother"],
    })
}

/// The score of two children born on one day; none where they have different mothers.
///
/// The name counts 50 where it is the same, less by its own score; the same mother 30 by her PIN, 20 by her name;
/// the same notice 30 in the mother's place, since both say the same thing. Another notice takes 20 away,
/// the other sex 15.
fn weigh(told: &Told<'_>, known: &Told<'_>) -> Option<Score> {
    let name = score(told.name, known.name);
    let mut why: Vec<&'static str> = name.why.words().collect();
    if name.value == 100 {
        why.insert(0, "same-name");
    }
    let (mother, word) = mothers(told.origin, known.origin);
    let (notice, said) = notices(told.origin, known.origin);
    let event = match (mother, notice) {
        (None, 1..) => notice,
        (None, _) => return None,
        (Some(mother), 0..) => mother.max(notice),
        (Some(mother), _) => mother + notice,
    };
    why.extend([word, said].into_iter().filter(|word| !word.is_empty()));
    let undetermined = i32::from(Sex::Undetermined.code());
    let other_sex = told.sex != known.sex && told.sex != undetermined && known.sex != undetermined;
    if other_sex {
        why.push("other-sex");
    }
    let value = i32::from(name.value) / 2 + event - if other_sex { 15 } else { 0 };
    Some(Score {
        value: u32::try_from(value).unwrap_or_default(),
        why,
    })
}

/// What the mothers say; none where they are two.
fn mothers(one: &Origin, other: &Origin) -> (Option<i32>, &'static str) {
    let both = |one: &str, other: &str| !one.is_empty() && !other.is_empty();
    if both(&one.mother_pin, &other.mother_pin) {
        return match one.mother_pin == other.mother_pin {
            true => (Some(30), "same-mother"),
            false => (None, "other-mother"),
        };
    }
    match both(&one.mother_key, &other.mother_key) {
        true if one.mother_key == other.mother_key => (Some(20), "mothers-name"),
        true => (None, "other-mother"),
        false => (Some(0), "mother-unknown"),
    }
}

/// What the hospital's codes say.
fn notices(one: &Origin, other: &Origin) -> (i32, &'static str) {
    match (one.notice.as_str(), other.notice.as_str()) {
        ("", _) | (_, "") => (0, ""),
        (one, other) if one == other => (30, "same-notice"),
        _ => (-20, "other-notice"),
    }
}

/// A query of children, as [`known`] reads them.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT o.person, p.name, p.sex, p.died_on IS NOT NULL, o.birth_notice, o.mother_pin, o.mother_name, o.mother_key
             FROM birth_origins o JOIN people p ON p.id = o.person ",
            $rest
        )
    };
}

/// Those who were born on the day, under the notice or of the mother; each once.
pub(in crate::registry) fn born_alike(
    sql: &Sql,
    birth_date: Date,
    origin: &Origin,
) -> Result<Vec<BornAlike>, Error> {
    let day = birth_date.to_string();
    let mut found: Vec<BornAlike> = Vec::new();
    if !origin.notice.is_empty() {
        found.extend(sql.query(
            select!("WHERE o.birth_notice = ?1 AND o.birth_date = ?2 ORDER BY o.person LIMIT 20"),
            values![origin.notice, day],
            known,
        )?);
    }
    if !origin.mother_pin.is_empty() {
        found.extend(sql.query(
            select!("WHERE o.mother_pin = ?1 AND o.birth_date = ?2 ORDER BY o.person LIMIT 20"),
            values![origin.mother_pin, day],
            known,
        )?);
    }
    if !origin.mother_key.is_empty() {
        // two mothers with a PIN each are told apart by it
        let alike = match origin.mother_pin.is_empty() {
            true => {
                select!("WHERE o.mother_key = ?1 AND o.birth_date = ?2 ORDER BY o.person LIMIT 20")
            }
            false => select!(
                "WHERE o.mother_key = ?1 AND o.birth_date = ?2 AND o.mother_pin = ''
             ORDER BY o.person LIMIT 20"
            ),
        };
        found.extend(sql.query(alike, values![origin.mother_key, day], known)?);
    }
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.person));
    Ok(found)
}

/// The children whom a mother, by her PIN, bore between two days.
pub(in crate::registry) fn born_of(
    sql: &Sql,
    mother_pin: &str,
    (from, to): (Date, Date),
) -> Result<Vec<BornAlike>, Error> {
    if mother_pin.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sql.query(
        select!(
            "WHERE o.mother_pin = ?1 AND o.birth_date >= ?2 AND o.birth_date <= ?3 ORDER BY o.person LIMIT 20"
        ),
        values![mother_pin, from.to_string(), to.to_string()],
        known,
    )?)
}

fn known(row: &Row<'_>) -> Result<BornAlike, sql::Error> {
    Ok(BornAlike {
        person: row.get(0)?,
        name: row.get(1)?,
        sex: row.get(2)?,
        dead: row.get(3)?,
        origin: Origin {
            notice: row.get(4)?,
            mother_pin: row.get(5)?,
            mother_name: row.get(6)?,
            mother_key: row.get(7)?,
        },
    })
}

/// From this score on a person looks.
const DOUBTFUL: u32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(notice: &str, mother_pin: &str, mother: &str) -> Origin {
        Origin {
            notice: notice.into(),
            mother_pin: mother_pin.into(),
            mother_name: mother.into(),
            mother_key: mother.to_lowercase(),
        }
    }

    fn weighed(one: (&str, i32, &Origin), other: (&str, i32, &Origin)) -> Option<Score> {
        let told = |(name, sex, origin)| Told { name, sex, origin };
        let there = weigh(&told(one), &told(other));
        assert_eq!(there, weigh(&told(other), &told(one)), "both ways");
        there
    }

    #[test]
    fn a_score_says_what_it_is_made_of() {
        let known = origin("GCS1", "099193000001", "Trần Thị Mẫu");
        let by_name = origin("", "", "Trần Thị Mẫu");
        let elsewhere = origin("GCS2", "099193000001", "Trần Thị Mẫu");
        let stranger = origin("", "099193000002", "Trần Thị Mẫu");
        let unknown = Origin::default();
        let child = "Nguyễn Gia An";
        for (name, sex, from, value, why) in [
            (child, 1, &known, 80, "same-name same-mother same-notice"),
            (
                "NGUYỄN GIA AN",
                1,
                &known,
                80,
                "same-name case same-mother same-notice",
            ),
            (child, 1, &by_name, 70, "same-name mothers-name"),
            ("Nguyễn Gia Ân", 1, &by_name, 60, "marks mothers-name"),
            (
                child,
                1,
                &elsewhere,
                60,
                "same-name same-mother other-notice",
            ),
            (
                child,
                2,
                &known,
                65,
                "same-name same-mother same-notice other-sex",
            ),
            (child, 3, &known, 80, "same-name same-mother same-notice"),
            (
                "Nguyễn Gia Hân",
                1,
                &known,
                55,
                "letters same-mother same-notice",
            ),
            (
                "Nguyễn Khánh Linh",
                2,
                &known,
                15,
                "different same-mother same-notice other-sex",
            ),
            (child, 1, &unknown, 50, "same-name mother-unknown"),
        ] {
            let score = weighed((child, 1, &known), (name, sex, from)).unwrap();
            assert_eq!(
                (score.value, score.why.join(" ")),
                (value, why.into()),
                "{name}"
            );
        }
        assert_eq!(weighed((child, 1, &known), (child, 1, &stranger)), None);
    }

    #[test]
    fn one_notice_makes_two_mothers_a_question_for_a_person() {
        let one = origin("GCS1", "099193000001", "Trần Thị Mẫu");
        let other = origin("GCS1", "099193000002", "Lê Thị Mẫu");
        let score = weighed(("Lê An", 1, &one), ("Lê An", 1, &other)).unwrap();
        assert_eq!(
            (score.value, score.why.join(" ")),
            (80, "same-name other-mother same-notice".into())
        );
    }

    #[test]
    fn only_notice_mother_name_and_sex_together_are_a_key() {
        let known = origin("GCS1", "099193000001", "Trần Thị Mẫu");
        let is = |name, sex, origin: &Origin| {
            let (told, known) = (
                Told { name, sex, origin },
                Told {
                    name: "Lê An",
                    sex: 1,
                    origin: &known,
                },
            );
            is_key(&told, &known)
        };
        assert!(is("LÊ AN", 1, &known));
        assert!(!is("Lê Ân", 1, &known), "a twin");
        assert!(!is("Lê An", 2, &known), "a twin of the other sex");
        assert!(!is("Lê An", 1, &origin("", "099193000001", "Trần Thị Mẫu")));
        assert!(!is("Lê An", 1, &origin("GCS1", "", "Trần Thị Mẫu")));
    }
}
