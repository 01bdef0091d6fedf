//! What the national population database says of a child stands before its number: nobody gets one without it where it
//! is asked, and where it says otherwise a person looks.

use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    PopulationFinding, PopulationVerdict as Verdict, RegisterBirthRequest,
};

use super::super::facts::invalid;
use super::super::{Error, Tx, people};
use super::Birth;

/// Why a person has to look at a birth that comes, by what the database says; nothing where the number is somebody's
/// already.
pub(in crate::registry) fn doubts(
    tx: &Tx<'_>,
    birth: &Birth,
    finding: Option<&PopulationFinding>,
) -> Result<Vec<String>, Error> {
    let Some(finding) = finding else {
        return Ok(Vec::new());
    };
    if people::by_pin(tx.sql, &birth.pin)?.is_some() {
        return Ok(Vec::new());
    }
    match finding.verdict() {
        Verdict::Unspecified | Verdict::Agrees if finding.differs.is_empty() => Ok(Vec::new()),
        Verdict::Differs if !finding.differs.is_empty() => {
            let known = |word: &String| DIFFERS.contains(&word.as_str());
            match finding.differs.iter().all(known) {
                true => Ok(finding.differs.clone()),
                false => Err(invalid("unknown-code", "population")),
            }
        }
        Verdict::ToBeAsked => Err(Error::refused(
            FaultCode::RuleRefused,
            "population-not-asked",
            "population",
        )),
        _ => Err(invalid("unknown-code", "population")),
    }
}

/// Why a person has to look again at a birth that waited unasked about; nothing where the database agrees, or is not asked.
pub(in crate::registry) fn doubts_of_waiting(
    tx: &Tx<'_>,
    birth: &Birth,
    finding: Option<&PopulationFinding>,
    was_asked: bool,
) -> Result<Vec<String>, Error> {
    match was_asked {
        true => Ok(Vec::new()),
        false => doubts(tx, birth, finding),
    }
}

/// Why a person has to look again at a birth with what its sender sent since: what the database said stands, and whoever
/// the child is now was never asked about. And whether what was asked still holds.
pub(in crate::registry) fn doubts_since(
    why: &str,
    finding: Option<&PopulationFinding>,
    (before, now): (&RegisterBirthRequest, &RegisterBirthRequest),
    was_asked: bool,
) -> (Vec<String>, bool) {
    let mut words: Vec<String> = why
        .split(',')
        .filter(|word| DIFFERS.contains(word) || *word == ANOTHER)
        .map(str::to_owned)
        .collect();
    let is_asked = finding.is_some_and(|finding| finding.verdict() == Verdict::ToBeAsked);
    let holds = was_asked && who(before) == who(now);
    if is_asked && !holds && !words.iter().any(|word| word == ANOTHER) {
        words.push(ANOTHER.to_owned());
    }
    (words, holds)
}

/// What the database is asked with, and what its answer is held against.
fn who(told: &RegisterBirthRequest) -> Option<(&str, &str, &str, i32, [&str; 2])> {
    let child = told.child.as_ref()?;
    let parents = [&told.mother, &told.father];
    let parents = parents.map(|parent| parent.as_ref().map_or("", |one| one.pin.as_str()));
    Some((
        &child.pin,
        &child.name,
        &child.birth_date,
        child.sex,
        parents,
    ))
}

/// What may differ.
const DIFFERS: [&str; 8] = [
    "population-number",
    "population-name",
    "population-sex",
    "population-birth-date",
    "population-mother",
    "population-father",
    "population-unknown",
    "population-several",
];
/// The child is told otherwise than it was asked about.
const ANOTHER: &str = "population-asked-otherwise";

#[cfg(test)]
mod tests {
    use schemas::proto::insurance::{Child, Parent};

    use super::*;

    fn told(name: &str, mother: &str, father: &str) -> RegisterBirthRequest {
        let parent = |pin: &str| Parent {
            pin: pin.to_owned(),
            ..Parent::default()
        };
        RegisterBirthRequest {
            child: Some(Child {
                pin: "099326000001".to_owned(),
                name: name.to_owned(),
                ..Child::default()
            }),
            mother: Some(parent(mother)),
            father: Some(parent(father)),
            ..RegisterBirthRequest::default()
        }
    }

    #[test]
    fn whoever_is_told_otherwise_than_the_answer_was_held_against_waits_for_a_person() {
        let before = told("Lê Thị An", "099193000001", "");
        let to_be_asked = PopulationFinding {
            verdict: Verdict::ToBeAsked.into(),
            ..PopulationFinding::default()
        };
        let words = |why: &str, finding: Option<&PopulationFinding>, now: &RegisterBirthRequest| {
            doubts_since(why, finding, (&before, now), true).0
        };
        for now in [
            told("Lê Thị Bình", "099193000001", ""),
            told("Lê Thị An", "099193000002", ""),
            told("Lê Thị An", "099193000001", "099093000003"),
        ] {
            assert_eq!(words("alike", Some(&to_be_asked), &now), [ANOTHER]);
            assert_eq!(words("alike", None, &now), [""; 0], "nobody is asked");
        }
        assert_eq!(words("alike", Some(&to_be_asked), &before), [""; 0]);
        assert_eq!(
            words("alike,population-mother", Some(&to_be_asked), &before),
            ["population-mother"]
        );
        // whoever came before the database was asked about anybody
        let unasked = doubts_since("alike", Some(&to_be_asked), (&before, &before), false);
        assert_eq!(unasked, (vec![ANOTHER.to_owned()], false));
        let unasked = doubts_since("alike", None, (&before, &before), false);
        assert_eq!(unasked, (Vec::new(), false), "nobody is asked");
    }
}
