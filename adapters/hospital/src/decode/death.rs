//! A death notice and the typed one that it becomes.

use jiff::civil::Date;
use schemas::{
    fault::Fault,
    id::{CardNumber, FacilityCode, Pin, Sex, SiNumber},
    name::PersonName,
    wire::hospital::DeathPaper,
};

use super::check::{self, code, day, day_or_year, invalid, name, required};

/// A death notice, every value checked; `Debug` shows its code only.
#[derive(Clone, PartialEq, Eq)]
pub struct Death {
    /// The document's id.
    pub id: String,
    /// `MA_GBT`.
    pub code: String,
    /// `SO_BAOTU`; may be empty.
    pub number: String,
    /// `QUYEN_SO`; may be empty.
    pub book: String,
    /// Name.
    pub name: PersonName,
    /// None where it is not told.
    pub sex: Option<Sex>,
    /// ISO date or year; empty where it is not told.
    pub born: String,
    /// Day of death.
    pub died_on: Date,
    /// PIN; this or the SI number is there.
    pub pin: Option<Pin>,
    /// SI number, from `MA_BHXH` or the card.
    pub si_number: Option<SiNumber>,
    /// The notice in whose place it was issued again.
    pub replaces: Option<Replaced>,
    /// Why the hospital takes the notice back, which may be empty; none of one that tells of a death.
    pub withdrawn: Option<String>,
}

/// A notice as another names it.
#[derive(Clone, PartialEq, Eq)]
pub struct Replaced {
    /// `SO_BAOTU_BD`.
    pub number: String,
    /// `QUYEN_SO_BD`; may be empty.
    pub book: String,
}

impl std::fmt::Debug for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Death")
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

pub(super) fn read(told: &DeathPaper, facility: &FacilityCode) -> Result<Death, Fault> {
    let says = told.facility.as_deref();
    if says.is_some_and(|code| code != facility.as_str()) {
        return Err(invalid("facility-of-another", "MACSKCB"));
    }
    let (pin, si_number) = (pin(told)?, si_number(told)?);
    if pin.is_none() && si_number.is_none() {
        return Err(invalid("missing-field", "SO_GIAYTO"));
    }
    let born = told.born.as_deref();
    let sex = told.sex.as_ref();
    Ok(Death {
        id: code(&Some(told.id.clone()), "Id")?,
        code: code(&told.code, "MA_GBT")?,
        number: told.number.clone().unwrap_or_default(),
        book: told.book.clone().unwrap_or_default(),
        name: name(required(&told.name, "HO_TEN")?, "HO_TEN")?,
        sex: sex
            .map(|_| check::sex(&told.sex, "GIOI_TINH"))
            .transpose()?,
        born: born.map_or(Ok(String::new()), |text| day_or_year(text, "NGAY_SINH"))?,
        died_on: day(required(&told.died, "NGAY_TV")?, "NGAY_TV")?,
        pin,
        si_number,
        replaces: replaces(told)?,
        withdrawn: check::withdrawn(&told.withdrawn, &told.withdrawn_why)?,
    })
}

/// The notice that this one was issued again for; a first one may name itself there.
fn replaces(told: &DeathPaper) -> Result<Option<Replaced>, Fault> {
    let own = (told.number.as_deref(), told.book.as_deref());
    match (told.first_number.as_deref(), told.first_book.as_deref()) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid("missing-field", "SO_BAOTU_BD")),
        (Some(number), book) if (Some(number), book.or(own.1)) == own => Ok(None),
        (Some(number), book) => Ok(Some(Replaced {
            number: number.to_owned(),
            book: book.unwrap_or_default().to_owned(),
        })),
    }
}

/// Twelve digits are a PIN; another paper's number names nobody here.
fn pin(told: &DeathPaper) -> Result<Option<Pin>, Fault> {
    let number = told.paper_number.as_deref();
    let is_pin = |number: &&str| number.len() == 12 && number.bytes().all(|b| b.is_ascii_digit());
    let parse = |number: &str| {
        Pin::parse(number).map_err(|error| invalid("bad-pin", "SO_GIAYTO").log(error.to_string()))
    };
    number.filter(is_pin).map(parse).transpose()
}

fn si_number(told: &DeathPaper) -> Result<Option<SiNumber>, Fault> {
    let number = told.si_number.as_deref().map(|text| {
        SiNumber::parse(text)
            .map_err(|error| invalid("bad-number", "MA_BHXH").log(error.to_string()))
    });
    // a card by its ten digits, or whole
    let of_card = told.card.as_deref().map(|text| match text.len() {
        10 => SiNumber::parse(text)
            .map_err(|error| invalid("bad-card", "MA_THE").log(error.to_string())),
        _ => CardNumber::parse(text)
            .map(|card| card.si_number())
            .map_err(|error| invalid("bad-card", "MA_THE").log(error.to_string())),
    });
    match (number.transpose()?, of_card.transpose()?) {
        (Some(one), Some(other)) if one != other => Err(invalid("numbers-differ", "MA_THE")),
        (one, other) => Ok(one.or(other)),
    }
}
