//! Where the synthetic people live and where they are treated.

use std::collections::HashMap;

use jiff::civil::{Date, date};
use schemas::codes::communes::{self, Commune, Successor};
use schemas::codes::provinces;

use super::SeedError;
use super::random::Random;
use super::sheet::{Sheet, Table};
use crate::sql::values;

/// A commune of residence, and a code that became it on 2025-07-01, where one did.
pub(super) struct Place {
    pub(super) commune: &'static Commune,
    pub(super) before: Option<&'static str>,
}

/// The drawn communes.
pub(super) struct Places(Vec<Place>);

impl Places {
    /// Draws the communes and writes the facilities of every province there ever was.
    pub(super) fn draw(
        sheet: &mut Sheet<'_>,
        random: &mut Random,
        as_of: Date,
    ) -> Result<Self, SeedError> {
        facilities(sheet)?;
        let today: Vec<_> = communes::all(as_of).collect();
        if today.is_empty() {
            return Err(SeedError::Day("communes"));
        }
        let before = predecessors();
        let places = (0..COMMUNES).map(|_| {
            let commune = *random.pick(&today);
            Place {
                commune,
                before: before.get(commune.code).copied(),
            }
        });
        Ok(Self(places.collect()))
    }

    pub(super) fn one(&self, random: &mut Random) -> &Place {
        random.pick(&self.0)
    }
}

/// A facility of a province; facilities keep the code of a province that was merged away.
pub(super) fn facility(random: &mut Random, province: &str) -> String {
    format!(
        "{province}{:03}",
        random.range(1, FACILITIES_PER_PROVINCE + 1)
    )
}

fn facilities(sheet: &mut Sheet<'_>) -> Result<(), SeedError> {
    for province in provinces::on(provinces::LAST_DAY_OF_63) {
        for number in 1..=FACILITIES_PER_PROVINCE {
            let name = format!(
                "Cơ sở khám chữa bệnh tổng hợp số {number} {}",
                province.name
            );
            let code = format!("{}{number:03}", province.code);
            sheet.add(Table::Facilities, values![code, name])?;
        }
    }
    Ok(())
}

/// For each present commune the first old one that went into it whole.
fn predecessors() -> HashMap<&'static str, &'static str> {
    let mut before = HashMap::new();
    for old in communes::all(EVE_OF_THE_MERGER) {
        if let Successor::Whole(new) = communes::successor(old.code) {
            before.entry(new).or_insert(old.code);
        }
    }
    before
}

const EVE_OF_THE_MERGER: Date = date(2025, 6, 30);
const COMMUNES: usize = 60;
const FACILITIES_PER_PROVINCE: i64 = 4;
