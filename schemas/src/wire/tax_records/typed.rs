//! From the slots of one record to its type: every value by its field's rule, on the month's dated lists.

use std::borrow::Cow;

use super::fields::{Escapes, Slots, Wanted};
use super::key::digits;
use super::{
    Employer, Field, Head, Kind, NumberKey, Party, Person, PersonKey, Reason, Record, Status,
    TaxKey, Wrong, text,
};
use crate::{
    codes::{provinces, taxpayer_statuses},
    id::UnitCode,
};

/// What holds for every record of a stream.
pub(super) struct Rules {
    pub(super) head: Head,
    wanted: Wanted,
    /// Provinces and taxpayer statuses of the month's last day, by their two digits.
    provinces: [bool; 100],
    statuses: [bool; 100],
}

impl Rules {
    pub(super) fn of(head: Head) -> Self {
        let day = head.period.last_day();
        let mut rules = Self {
            head,
            wanted: Wanted::of(head.party, head.kind),
            provinces: [false; 100],
            statuses: [false; 100],
        };
        mark(&mut rules.provinces, provinces::on(day).map(|row| row.code));
        mark(
            &mut rules.statuses,
            taxpayer_statuses::LIST.on(day).map(|row| row.code),
        );
        rules
    }

    pub(super) fn record<'a>(&self, slots: &Slots<'a>) -> Result<Record<'a>, Wrong> {
        self.wanted.check(slots)?;
        match self.head.kind {
            Kind::Employer => self.employer(slots).map(Record::Employer),
            Kind::Person => self.person(slots).map(Record::Person),
        }
    }

    fn employer<'a>(&self, slots: &Slots<'a>) -> Result<Employer<'a>, Wrong> {
        let si = self.head.party == Party::Si;
        Ok(Employer {
            mst: mst(slots)?,
            unit: if si { unit(slots)? } else { "" },
            province: self.province(slots)?,
            region: region(slots)?,
            status: self.status(slots)?,
            name: line(slots, Field::Name)?,
            address: line(slots, Field::Address)?,
            count: u32::try_from(number(slots, Field::Count, u64::from(u32::MAX))?)
                .map_err(|_| wrong(Field::Count))?,
            amount: number(slots, Field::Amount, VND_MAX)?,
            due: if si {
                number(slots, Field::Due, VND_MAX)?
            } else {
                0
            },
            paid: if si {
                number(slots, Field::Paid, VND_MAX)?
            } else {
                0
            },
        })
    }

    fn person<'a>(&self, slots: &Slots<'a>) -> Result<Person<'a>, Wrong> {
        let person = plain(slots, Field::Person)?;
        let name = text::resolve(slots.value(Field::Name)).ok_or(wrong(Field::Name))?;
        if !text::is_name(&name) {
            return Err(wrong(Field::Name));
        }
        Ok(Person {
            person: PersonKey::parse(person).ok_or(wrong(Field::Person))?,
            number: own_number(slots)?,
            mst: mst(slots)?,
            province: self.province(slots)?,
            region: region(slots)?,
            name,
            born: born(plain(slots, Field::Born)?.as_bytes()).ok_or(wrong(Field::Born))?,
            amount: number(slots, Field::Amount, VND_MAX)?,
            full: match plain(slots, Field::Full)? {
                "true" => true,
                "false" => false,
                _ => return Err(wrong(Field::Full)),
            },
        })
    }

    fn province(&self, slots: &Slots<'_>) -> Result<u8, Wrong> {
        let code = two_digits(plain(slots, Field::Province)?).ok_or(wrong(Field::Province))?;
        match self.provinces.get(usize::from(code)) {
            Some(true) => Ok(code),
            _ => Err(wrong(Field::Province)),
        }
    }

    fn status(&self, slots: &Slots<'_>) -> Result<Status, Wrong> {
        let word = plain(slots, Field::Status)?;
        match (self.head.party, word) {
            (Party::Si, "active") => Ok(Status::Active),
            (Party::Si, "suspended") => Ok(Status::Suspended),
            (Party::Si, "closed") => Ok(Status::Closed),
            (Party::Tax, _) => two_digits(word)
                .filter(|code| self.statuses.get(usize::from(*code)) == Some(&true))
                .map(Status::Taxpayer)
                .ok_or(wrong(Field::Status)),
            (Party::Si, _) => Err(wrong(Field::Status)),
        }
    }
}

/// A month's income or fund above this is a mistake in the unit, not an amount: 10^15 VND.
const VND_MAX: u64 = 1_000_000_000_000_000;

const fn wrong(field: Field) -> Wrong {
    Wrong(Reason::Value, Some(field))
}

fn mark(places: &mut [bool; 100], codes: impl Iterator<Item = &'static str>) {
    for code in codes {
        if let Some(place) = two_digits(code).and_then(|code| places.get_mut(usize::from(code))) {
            *place = true;
        }
    }
}

/// A value that has no reason to be written with escapes.
fn plain<'a>(slots: &Slots<'a>, field: Field) -> Result<&'a str, Wrong> {
    let raw = slots.value(field);
    match raw.escapes {
        Escapes::None => Ok(raw.text),
        _ => Err(wrong(field)),
    }
}

fn mst(slots: &Slots<'_>) -> Result<TaxKey, Wrong> {
    TaxKey::parse(plain(slots, Field::Mst)?).ok_or(wrong(Field::Mst))
}

fn unit<'a>(slots: &Slots<'a>) -> Result<&'a str, Wrong> {
    let unit = plain(slots, Field::Unit)?;
    match UnitCode::parse(unit) {
        Ok(_) => Ok(unit),
        Err(_) => Err(wrong(Field::Unit)),
    }
}

fn own_number(slots: &Slots<'_>) -> Result<NumberKey, Wrong> {
    if !slots.has(Field::Number) {
        return Ok(NumberKey::default());
    }
    NumberKey::parse(plain(slots, Field::Number)?).ok_or(wrong(Field::Number))
}

fn region(slots: &Slots<'_>) -> Result<u8, Wrong> {
    match plain(slots, Field::Region)?.as_bytes() {
        [digit @ b'1'..=b'4'] => Ok(digit - b'0'),
        _ => Err(wrong(Field::Region)),
    }
}

fn number(slots: &Slots<'_>, field: Field, max: u64) -> Result<u64, Wrong> {
    let text = plain(slots, field)?.as_bytes();
    match digits(text) {
        Some(number) if number <= max && (text.len() == 1 || text[0] != b'0') => Ok(number),
        _ => Err(wrong(field)),
    }
}

fn line<'a>(slots: &Slots<'a>, field: Field) -> Result<Cow<'a, str>, Wrong> {
    let value = text::resolve(slots.value(field)).ok_or(wrong(field))?;
    match text::is_line(&value) {
        true => Ok(value),
        false => Err(wrong(field)),
    }
}

fn two_digits(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

/// `yyyy-MM-dd`, or `yyyy` where only the year is known, from 1900 on.
fn born(text: &[u8]) -> Option<u32> {
    let part = |from: usize, to: usize| u32::try_from(digits(text.get(from..to)?)?).ok();
    let year = part(0, 4).filter(|year| *year >= 1900)?;
    match text.len() {
        4 => Some(year * 10_000),
        10 if text[4] == b'-' && text[7] == b'-' => {
            let (month, day) = (part(5, 7)?, part(8, 10)?);
            (day >= 1 && day <= days_of(year, month)).then_some(year * 10_000 + month * 100 + day)
        }
        _ => None,
    }
}

const fn days_of(year: u32, month: u32) -> u32 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_year_alone_is_a_birth_and_a_year_with_a_month_is_not() {
        assert_eq!(born(b"1960"), Some(19_600_000));
        assert_eq!(born(b"1960-01"), None);
        assert_eq!(born(b"1899"), None);
    }

    proptest! {
        #[test]
        fn a_day_is_read_where_the_calendar_has_it(year in 1900_i16..2100, month in 0_i8..14, day in 0_i8..33) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(born(text.as_bytes()).is_some(), jiff::civil::Date::new(year, month, day).is_ok());
        }
    }
}
