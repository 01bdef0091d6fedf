//! The facts of a birth notice, checked in the order in which a clerk would.

use jiff::civil::Date;
use schemas::id::{CardNumber, Sex};
use schemas::proto::insurance::{BirthNotice, Parent};

use super::super::births::{self, Newcomer, Origin};
use super::super::facts::{self, Name, invalid};
use super::super::{Error, Sight, law};

/// A notice whose every fact has passed its rule.
pub(super) struct Told<'a> {
    pub(super) notice: &'a BirthNotice,
    /// As the hospital calls the child; where it has no name, its mother's child.
    pub(super) name: Name,
    pub(super) sex: Sex,
    pub(super) birth_date: Date,
    pub(super) province: String,
    pub(super) ethnicity: String,
    pub(super) nationality: String,
    pub(super) origin: Origin,
    pub(super) card: Option<CardNumber>,
}

impl<'a> Told<'a> {
    pub(super) fn parse(at: &Sight<'_>, notice: &'a BirthNotice) -> Result<Self, Error> {
        let is_one_of_several = notice.children > 1;
        match (notice.children, notice.paper.as_str()) {
            (0 | 11.., _) => return Err(invalid("unknown-code", "children")),
            (1, "") => {}
            (_, paper) if is_one_of_several => {
                facts::word(paper, PAPER_CHARS_MAX, "paper")?;
            }
            _ => return Err(invalid("paper-of-one", "paper")),
        }
        let sex = u8::try_from(notice.sex)
            .ok()
            .and_then(|code| Sex::from_code(code).ok())
            .ok_or_else(|| invalid("unknown-code", "sex"))?;
        let (birth_date, issued_on) = days(at, notice)?;
        let mother = notice
            .mother
            .as_ref()
            .filter(|mother| **mother != Parent::default())
            .ok_or_else(|| invalid("missing", "mother"))?;
        births::parent(
            at,
            Some(mother),
            birth_date,
            ["mother.name", "mother.pin", "mother.birth_date"],
        )?;
        let mother_name = facts::name(&mother.name, "mother.name")?;
        let name = match notice.name.is_empty() {
            true => facts::name(&format!("{UNNAMED} {}", mother_name.text), "mother.name")?,
            false => facts::name(&notice.name, "name")?,
        };
        let card = match notice.card.as_str() {
            "" => None,
            card => Some(CardNumber::parse(card).map_err(|_| invalid("malformed-number", "card"))?),
        };
        Ok(Self {
            notice,
            name,
            sex,
            birth_date,
            province: law::province_of(&notice.residence_commune, issued_on, at.today)
                .ok_or_else(|| invalid("unknown-commune", "residence_commune"))?
                .to_owned(),
            ethnicity: births::optional_code(&notice.ethnicity, u8::is_ascii_digit, "ethnicity")?,
            nationality: births::optional_code(
                &notice.nationality,
                u8::is_ascii_uppercase,
                "nationality",
            )?,
            origin: Origin {
                notice: notice.code.clone(),
                mother_pin: mother.pin.clone(),
                mother_name: mother_name.text,
                mother_key: mother_name.match_key,
            },
            card,
        })
    }

    /// The child as the notice tells it.
    pub(super) fn newcomer(&self) -> Newcomer<'_> {
        Newcomer {
            name: &self.name,
            birth_date: self.birth_date,
            sex: self.sex,
            ethnicity: &self.ethnicity,
            nationality: &self.nationality,
            commune: &self.notice.residence_commune,
        }
    }

    pub(super) fn sex_code(&self) -> i32 {
        i32::from(self.sex.code())
    }
}

/// Born, then told, and neither tomorrow.
fn days(at: &Sight<'_>, notice: &BirthNotice) -> Result<(Date, Date), Error> {
    let birth_date = facts::date(&notice.birth_date, "birth_date")?;
    let issued_on = facts::date(&notice.issued_on, "issued_on")?;
    if birth_date > at.today {
        return Err(invalid("in-the-future", "birth_date"));
    }
    if issued_on > at.today {
        return Err(invalid("in-the-future", "issued_on"));
    }
    match birth_date <= issued_on {
        true => Ok((birth_date, issued_on)),
        false => Err(invalid("before-birth", "issued_on")),
    }
}

/// What hospitals call a child that has no name yet: the child of Mrs so-and-so (own profile).
const UNNAMED: &str = "Con bà";
/// The longest name of a child's own paper.
const PAPER_CHARS_MAX: usize = 64;
