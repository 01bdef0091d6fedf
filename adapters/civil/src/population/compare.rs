//! Whether a child is as the population database has it.

use schemas::{
    date::PartialDate,
    id::{Pin, Sex},
    name::PersonName,
    proto::insurance::{Parent, PopulationFinding, PopulationVerdict, RegisterBirthRequest},
    wire::population::Citizen,
};

/// Holds a birth against what the database told of its child. Every fact that differs is named; what the database
/// leaves open of sex and parents says nothing, but number, name and date of birth have to be there and agree.
#[must_use]
pub fn compare(birth: &RegisterBirthRequest, citizens: &[Citizen]) -> PopulationFinding {
    let differs: Vec<&'static str> = match citizens {
        [] => vec!["population-unknown"],
        [one] => differences(birth, one),
        _ => vec!["population-several"],
    };
    let verdict = match differs.is_empty() {
        true => PopulationVerdict::Agrees,
        false => PopulationVerdict::Differs,
    };
    PopulationFinding {
        verdict: verdict.into(),
        differs: differs.into_iter().map(str::to_owned).collect(),
    }
}

fn differences(birth: &RegisterBirthRequest, known: &Citizen) -> Vec<&'static str> {
    let Some(child) = &birth.child else {
        return vec!["population-unknown"];
    };
    let name = |text: &str| PersonName::parse(text).ok();
    let same_name = match (name(&child.name), name(&known.name)) {
        (Some(told), Some(known)) => told.match_key() == known.match_key(),
        _ => false,
    };
    let sex = u8::try_from(child.sex).ok();
    let sex = sex.and_then(|code| Sex::from_code(code).ok());
    let same_day = |born: &PartialDate| child.birth_date.parse().is_ok_and(|day| born.admits(day));
    [
        (
            "population-number",
            known.pin.as_ref().map(Pin::as_str) == Some(child.pin.as_str()),
        ),
        ("population-name", same_name),
        ("population-sex", agree(known.sex, sex)),
        (
            "population-birth-date",
            known.born.as_ref().is_some_and(same_day),
        ),
        (
            "population-mother",
            same_parent(known.mother.as_ref(), birth.mother.as_ref()),
        ),
        (
            "population-father",
            same_parent(known.father.as_ref(), birth.father.as_ref()),
        ),
    ]
    .into_iter()
    .filter(|(_, agrees)| !agrees)
    .map(|(word, _)| word)
    .collect()
}

/// Of what either side leaves open nothing is known to differ.
fn agree(known: Option<Sex>, told: Option<Sex>) -> bool {
    match (known, told) {
        (Some(known), Some(told)) => {
            known == told || known == Sex::Undetermined || told == Sex::Undetermined
        }
        _ => true,
    }
}

fn same_parent(known: Option<&Pin>, told: Option<&Parent>) -> bool {
    let told = told.map(|parent| parent.pin.as_str());
    match (known, told.filter(|pin| !pin.is_empty())) {
        (Some(known), Some(told)) => known.as_str() == told,
        _ => true,
    }
}
