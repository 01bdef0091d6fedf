//! Households of one to seven, their members and every number each of them had.

use std::collections::HashSet;

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::id::Sex;
use schemas::name::PersonName;

use super::places::{Place, Places};
use super::random::Random;
use super::sheet::{Sheet, Table};
use super::{SeedError, SeedParams, Tick, names};
use crate::sql::values;

/// A person as the further steps need them.
pub(super) struct Resident {
    pub(super) id: i64,
    pub(super) birth: Date,
    pub(super) age: i64,
    pub(super) province: &'static str,
    pub(super) died_on: Option<Date>,
    pub(super) poor: bool,
    pub(super) employed: bool,
}

impl Resident {
    /// The first numbers of the reserved block, in the order in which people are written down.
    pub(super) fn si_number(&self) -> String {
        format!("99{:08}", self.id)
    }
}

/// A member of a household before they have any number.
struct Member {
    relation: &'static str,
    sex: Sex,
    age: i64,
    family: &'static str,
}

/// Fills households until there are enough people.
pub(super) fn settle(
    sheet: &mut Sheet<'_>,
    random: &mut Random,
    params: &SeedParams,
    places: &Places,
    tick: &mut Tick<'_>,
) -> Result<Vec<Resident>, SeedError> {
    let mut residents = Vec::with_capacity(params.people);
    let mut pins = HashSet::with_capacity(params.people);
    let mut household = 0;
    while residents.len() < params.people {
        let place = places.one(random);
        household += 1;
        house(sheet, household, place)?;
        let poor = random.percent(4);
        let size = usize::try_from(random.weighted(SIZES)).unwrap_or(1);
        for member in members(random, size)
            .into_iter()
            .take(params.people - residents.len())
        {
            let mut newcomer = Newcomer {
                sheet,
                random,
                as_of: params.as_of,
                place,
                household,
                pins: &mut pins,
            };
            residents.push(newcomer.enrol(&member, poor, residents.len() + 1)?);
            tick.one();
        }
    }
    Ok(residents)
}

fn house(sheet: &mut Sheet<'_>, id: i64, place: &Place) -> Result<(), SeedError> {
    let row = values![id, place.commune.code, place.before];
    Ok(sheet.add(Table::Households, row)?)
}

/// A couple or one person, their children, then a parent, then brothers and sisters.
fn members(random: &mut Random, size: usize) -> Vec<Member> {
    let family = names::family(random);
    let sex = if random.percent(65) {
        Sex::Male
    } else {
        Sex::Female
    };
    let age = if size == 1 {
        random.range(22, 86)
    } else {
        random.range(26, 66)
    };
    let mut all = vec![Member {
        relation: "00",
        sex,
        age,
        family,
    }];
    if size >= 2 && random.percent(85) {
        all.push(spouse(random, &all[0]));
    }
    while all.len() < size {
        let next = child(random, &all)
            .or_else(|| elder(random, &all))
            .unwrap_or_else(|| sibling(random, &all[0]));
        all.push(next);
    }
    all
}

fn spouse(random: &mut Random, head: &Member) -> Member {
    let (relation, sex, older) = match head.sex {
        Sex::Female => ("02", Sex::Male, random.range(-1, 7)),
        Sex::Male | Sex::Undetermined => ("01", Sex::Female, random.range(-6, 2)),
    };
    Member {
        relation,
        sex,
        age: (head.age + older).max(20),
        family: names::family(random),
    }
}

/// A child that this mother could have had between 20 and 42; none where there is no such age, or four already.
fn child(random: &mut Random, all: &[Member]) -> Option<Member> {
    let couple = || {
        all.iter()
            .filter(|member| matches!(member.relation, "00" | "01" | "02"))
    };
    let mother_age = couple()
        .filter(|member| member.sex == Sex::Female)
        .map(|member| member.age)
        .next()?;
    let children = all.iter().filter(|member| member.relation == "08").count();
    let (youngest, oldest) = ((mother_age - 42).max(0), (mother_age - 20).min(27));
    if children >= 4 || youngest > oldest || random.percent(10) {
        return None;
    }
    let father = couple().find(|member| member.sex == Sex::Male);
    let family = father.or(all.first())?.family;
    let sex = if random.percent(52) {
        Sex::Male
    } else {
        Sex::Female
    };
    Some(Member {
        relation: "08",
        sex,
        age: random.range(youngest, oldest + 1),
        family,
    })
}

/// The head's father or mother, while neither lives here yet and the head is young enough.
fn elder(random: &mut Random, all: &[Member]) -> Option<Member> {
    let head = all.first()?;
    if head.age > 62
        || all
            .iter()
            .any(|member| matches!(member.relation, "03" | "04"))
    {
        return None;
    }
    let age = head.age + random.range(21, 34);
    match random.percent(40) {
        true => Some(Member {
            relation: "03",
            sex: Sex::Male,
            age,
            family: head.family,
        }),
        false => Some(Member {
            relation: "04",
            sex: Sex::Female,
            age,
            family: names::family(random),
        }),
    }
}

fn sibling(random: &mut Random, head: &Member) -> Member {
    let sex = if random.percent(50) {
        Sex::Male
    } else {
        Sex::Female
    };
    let years = random.range(1, 10);
    let (relation, age) = match (random.percent(60), sex) {
        (true, _) => ("05", head.age - years),
        (false, Sex::Female) => ("07", head.age + years),
        (false, _) => ("06", head.age + years),
    };
    Member {
        relation,
        sex,
        age,
        family: head.family,
    }
}

/// Somebody about to be written down.
struct Newcomer<'a, 's> {
    sheet: &'a mut Sheet<'s>,
    random: &'a mut Random,
    as_of: Date,
    place: &'a Place,
    household: i64,
    /// The PINs that were given, as numbers: millions fit.
    pins: &'a mut HashSet<u64>,
}

impl Newcomer<'_, '_> {
    fn enrol(&mut self, member: &Member, poor: bool, count: usize) -> Result<Resident, SeedError> {
        let days = self.random.range(0, 365);
        let birth = self
            .as_of
            .saturating_sub(member.age.years())
            .saturating_sub(days.days());
        let died_on = (member.age > 64 && self.random.percent(6))
            .then(|| self.as_of.saturating_sub(self.random.range(20, 500).days()));
        let id = i64::try_from(count).map_err(|_| SeedError::Range("the number of people"))?;
        let resident = Resident {
            id,
            birth,
            age: member.age,
            province: self.place.commune.province,
            died_on,
            poor,
            employed: false,
        };
        self.write(member, &resident)?;
        self.number(
            id,
            "si",
            &resident.si_number(),
            birth.max(FIRST_NUMBERS),
            None,
        )?;
        self.pins(id, member.sex, birth)?;
        Ok(resident)
    }

    fn write(&mut self, member: &Member, resident: &Resident) -> Result<(), SeedError> {
        let name = names::full(self.random, member.family, member.sex);
        let match_key = PersonName::parse(&name)
            .map_err(|_| SeedError::Range("a name"))?
            .match_key();
        let ethnicity = self.random.weighted(ETHNICITIES);
        let (birth, died_on) = (
            resident.birth.to_string(),
            resident.died_on.map(|day| day.to_string()),
        );
        let sex = i64::from(member.sex.code());
        let row = values![
            resident.id,
            name,
            match_key,
            birth,
            sex,
            ethnicity,
            "VN",
            self.place.commune.code,
            self.household,
            member.relation,
            died_on,
        ];
        Ok(self.sheet.add(Table::People, row)?)
    }

    /// The PIN, and for one in two hundred an earlier one that was corrected.
    fn pins(&mut self, id: i64, sex: Sex, birth: Date) -> Result<(), SeedError> {
        let since = birth.max(FIRST_PINS);
        let corrected = self.random.percent(1) && self.random.percent(50);
        if corrected {
            let former = self.pin(sex, birth);
            self.number(id, "pin", &former, since, Some(CORRECTED))?;
        }
        let pin = self.pin(sex, birth);
        let from = if corrected { CORRECTED } else { since };
        self.number(id, "pin", &pin, from, None)
    }

    fn pin(&mut self, sex: Sex, birth: Date) -> String {
        let century = (birth.year() - 1900) / 100 * 2 + i16::from(sex == Sex::Female);
        loop {
            // the upper half is left to the newborn of the simulated agencies
            let serial = self
                .random
                .range(0, i64::from(super::landmarks::CHILD_PIN_SERIAL_FROM));
            let pin = format!("099{century}{:02}{serial:06}", birth.year() % 100);
            if self.pins.insert(pin.parse().unwrap_or_default()) {
                return pin;
            }
        }
    }

    fn number(
        &mut self,
        person: i64,
        scheme: &str,
        number: &str,
        from: Date,
        to: Option<Date>,
    ) -> Result<(), SeedError> {
        let (from, to) = (from.to_string(), to.map(|day| day.to_string()));
        let row = values![scheme, number, person, from, to];
        Ok(self.sheet.add(Table::Numbers, row)?)
    }
}

/// How many households of each size there are in a hundred.
const SIZES: &[(i64, u32)] = &[(1, 10), (2, 17), (3, 22), (4, 27), (5, 14), (6, 6), (7, 4)];
const ETHNICITIES: &[(&str, u32)] = &[
    ("01", 853),
    ("02", 19),
    ("03", 19),
    ("06", 15),
    ("08", 14),
    ("05", 14),
    ("07", 11),
    ("09", 9),
    ("04", 8),
];
const FIRST_NUMBERS: Date = jiff::civil::date(2017, 1, 1);
const FIRST_PINS: Date = jiff::civil::date(2016, 1, 1);
const CORRECTED: Date = jiff::civil::date(2024, 7, 1);
