//! A synthetic country for one month: what both departments would hold, with known discrepancies in every category.
//!
//! For the bench and the tests: nothing of it is real, and nothing in production asks for it. Everything follows from
//! a number, so any part can be made at any time, in order and without memory: people rise with their PIN, employers
//! with their tax code. People carry PIN province 099, employers tax-code block 99, SI numbers begin with 99.
//!
//! Beside each discrepancy stand things that look like one and are none: capital letters, another place of a tone
//! mark, an income above the cap, part-time work below the floor, a second income, a year of birth alone.

mod firms;
mod people;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use schemas::{
    codes::provinces,
    id::{Mst, Period},
    wire::tax_records::TaxKey,
};

use crate::compare::{Category, RuleError, Rules, Tolerance};

/// How large the country is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// People with social insurance in the month.
    pub employees: u64,
    /// People who were paid income, as the tax side knows; at least as many as employees.
    pub payees: u64,
    /// Employers; 1 to 3,000,000.
    pub employers: u64,
}

/// The country.
#[derive(Debug, Clone)]
pub struct Country {
    size: Size,
    period: Period,
    rules: Rules,
    provinces: Vec<u8>,
    /// Each name as it is written, and in capital letters.
    names: Vec<[String; 2]>,
}

/// Why there is no such country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// More employees than payees, no employer, or more of something than there are synthetic numbers.
    #[error(
        "a country has at least as many payees as employees, below 900 million, and 1 to 3,000,000 employers"
    )]
    Numbers,
    /// The month can't be judged.
    #[error(transparent)]
    Month(#[from] RuleError),
}

/// A finding that the comparison must make, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seeded {
    /// What is wrong.
    pub category: Category,
    /// With which employer.
    pub mst: TaxKey,
}

impl Country {
    /// A country in a month.
    ///
    /// # Errors
    /// Impossible sizes, or a month without dated rows.
    pub fn new(size: Size, period: Period) -> Result<Self, SizeError> {
        let possible = size.employees <= size.payees
            && (1..PEOPLE_MAX).contains(&size.payees)
            && (1..=EMPLOYERS_MAX).contains(&size.employers);
        if !possible {
            return Err(SizeError::Numbers);
        }
        Ok(Self {
            size,
            period,
            rules: Rules::of(period, &[Tolerance::STRICT])?,
            provinces: province_codes(period.last_day()),
            names: people::names(),
        })
    }

    /// The month.
    #[must_use]
    pub const fn period(&self) -> Period {
        self.period
    }

    /// What the month is judged by.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many people there are on either side; [`Country::person`] takes a number below.
    #[must_use]
    pub const fn people(&self) -> u64 {
        self.size.payees + self.only_insured()
    }

    /// How many employers there are on either side; [`Country::employer`] takes a number below.
    #[must_use]
    pub const fn employers(&self) -> u64 {
        self.size.employers
    }

    /// One in a thousand of the insured is unknown to tax.
    const fn only_insured(&self) -> u64 {
        self.size.employees / 1_000
    }

    /// The tax code of the nth employer, which rises with n.
    fn mst(&self, nth: u64) -> TaxKey {
        let mut number = 1 + nth * (MST_NUMBERS / self.size.employers.max(1));
        loop {
            let leading: [u8; 9] = std::array::from_fn(|place| match place {
                0 | 1 => 9,
                _ => digit(number, 8 - place),
            });
            if let Some(check) = Mst::compute_check(&leading) {
                let root = (SYNTHETIC_BLOCK + number) * 10 + u64::from(check);
                return TaxKey::from_raw(root * 1_000);
            }
            number += 1;
        }
    }

    fn province(&self, employer: u64) -> u8 {
        let place = usize::try_from(employer).unwrap_or(0) % self.provinces.len().max(1);
        self.provinces.get(place).copied().unwrap_or(1)
    }
}

fn province_codes(day: Date) -> Vec<u8> {
    provinces::on(day)
        .filter_map(|row| row.code.parse().ok())
        .collect()
}

/// Region 1–4 of an employer.
const fn region(employer: u64) -> u8 {
    [1, 2, 3, 4][(employer % 4) as usize]
}

fn digit(number: u64, place: usize) -> u8 {
    u8::try_from(number / 10_u64.pow(u32::try_from(place).unwrap_or(0)) % 10).unwrap_or(0)
}

/// A number that looks random and is always the same (SplitMix64).
const fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Whether the nth of `of` is one of `some` that are spread evenly, and how many of them come before.
const fn spread(nth: u64, some: u64, of: u64) -> (bool, u64) {
    let before = (nth as u128 * some as u128 / of as u128) as u64;
    let after = ((nth as u128 + 1) * some as u128 / of as u128) as u64;
    (after > before, before)
}

const PEOPLE_MAX: u64 = 900_000_000;
const EMPLOYERS_MAX: u64 = 3_000_000;

/// The seven free digits of a synthetic tax code, without the last ones, where a step may have to go on.
const MST_NUMBERS: u64 = 9_999_990;
const SYNTHETIC_BLOCK: u64 = 990_000_000;
