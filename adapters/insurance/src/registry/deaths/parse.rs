//! The facts of a death, checked in the order in which a clerk would.

use jiff::civil::Date;
use schemas::id::{Pin, Sex, SiNumber};
use schemas::proto::insurance::RegisterDeathRequest;

use super::super::facts::{self, Name, invalid};
use super::super::{Error, Sight};

/// A death whose every fact has passed its rule.
pub(super) struct Death {
    /// One of the two is there.
    pub(super) pin: Option<Pin>,
    pub(super) si_number: Option<SiNumber>,
    pub(super) name: Name,
    /// None where the sender does not say.
    pub(super) sex: Option<Sex>,
    /// An ISO date, a year alone, or nothing.
    pub(super) birth_date: String,
    pub(super) died_on: Date,
}

impl Death {
    pub(super) fn parse(at: &Sight<'_>, said: &RegisterDeathRequest) -> Result<Self, Error> {
        facts::moment(&said.received_at, "received_at")?;
        let deceased = said
            .deceased
            .as_ref()
            .ok_or_else(|| invalid("missing", "deceased"))?;
        let si_number = match deceased.si_number.as_str() {
            "" => None,
            number => Some(
                SiNumber::parse(number)
                    .map_err(|_| invalid("malformed-number", "deceased.si_number"))?,
            ),
        };
        let pin = match (deceased.pin.is_empty(), &si_number) {
            (true, Some(_)) => None,
            _ => Some(facts::pin(&deceased.pin, at.population, "deceased.pin")?),
        };
        let name = facts::name(&deceased.name, "deceased.name")?;
        let sex = match deceased.sex {
            0 => None,
            code => Some(sex_of(code)?),
        };
        let birth_date = birth_date(&deceased.birth_date)?;
        let died_on = facts::date(&said.died_on, "died_on")?;
        if died_on > at.today {
            return Err(invalid("in-the-future", "died_on"));
        }
        if said.proof_kind > PROOF_KIND_MAX {
            return Err(invalid("unknown-code", "proof_kind"));
        }
        if !said.death_notice.is_empty() {
            facts::word(&said.death_notice, NOTICE_CHARS_MAX, "death_notice")?;
        }
        if let Some(claimant) = said.claimant.as_ref().filter(|one| !one.name.is_empty()) {
            facts::name(&claimant.name, "claimant.name")?;
        }
        Ok(Self {
            pin,
            si_number,
            name,
            sex,
            birth_date,
            died_on,
        })
    }
}

fn sex_of(code: i32) -> Result<Sex, Error> {
    u8::try_from(code)
        .ok()
        .and_then(|code| Sex::from_code(code).ok())
        .ok_or_else(|| invalid("unknown-code", "deceased.sex"))
}

fn birth_date(text: &str) -> Result<String, Error> {
    if !text.is_empty() {
        facts::partial(text, "deceased.birth_date")?;
    }
    Ok(text.to_owned())
}

/// gbtLoai 0–7.
const PROOF_KIND_MAX: u32 = 7;
/// The longest code of a death notice.
const NOTICE_CHARS_MAX: usize = 64;
