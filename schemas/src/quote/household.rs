//! Health insurance of a household: each member by its place among those who pay.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Line, Quote, Unquotable, less_sure, percent, product};
use crate::codes::{
    contributions::{household_first, household_share},
    reference_levels,
};

/// Months that may be paid at once. Own reading of the forms: 3, 6 or 12.
const MONTHS: [u8; 3] = [3, 6, 12];

/// Most members that one household has; more is a slip of the pen.
const MEMBERS_MAX: u8 = 50;

/// Who renews, for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// The places of those who pay now, from 1, among all members who pay this year.
    pub places: Vec<u8>,
    /// 3, 6 or 12.
    pub months: u8,
}

/// What a household's renewal costs when it is paid on `paid_on`: the level of that day holds for all its months.
///
/// # Errors
/// [`Unquotable`]: other months, no members, one place twice or none, a day without a rule.
pub fn household(asked: &Household, paid_on: Date) -> Result<Quote, Unquotable> {
    if !MONTHS.contains(&asked.months) {
        return Err(Unquotable::Months);
    }
    let places: BTreeSet<u8> = asked.places.iter().copied().collect();
    let is_known = |place: &u8| (1..=MEMBERS_MAX).contains(place);
    if places.is_empty() || places.len() != asked.places.len() || !places.iter().all(is_known) {
        return Err(Unquotable::Members);
    }
    let lines = places
        .into_iter()
        .map(|place| line(place, asked.months, paid_on))
        .collect::<Result<_, _>>()?;
    Quote::of(lines, paid_on)
}

fn line(place: u8, months: u8, on: Date) -> Result<Line, Unquotable> {
    let level = reference_levels::find(on).ok_or(Unquotable::NoRule)?;
    let first = household_first(on).ok_or(Unquotable::NoRule)?;
    let share = household_share(usize::from(place), on).ok_or(Unquotable::NoRule)?;
    // a month is rounded, as it is printed; months are added
    let month = product(level.vnd, &[first.bp, share.bp], 1)?;
    Ok(Line {
        vi: format!("BHYT hộ gia đình, thành viên thứ {place}"),
        en: format!("household health insurance, member {place}"),
        base_vnd: level.vnd,
        factors: vec![
            percent(first.bp),
            percent(share.bp),
            format!("{months} tháng"),
        ],
        vnd: product(month, &[], u64::from(months))?,
        is_support: false,
        source: share.term.source,
        certainty: less_sure(&share.term, &level.term),
    })
}
