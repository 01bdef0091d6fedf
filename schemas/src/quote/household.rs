//! Health insurance of a household: each member by its place among those who pay.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Group, Groups, Line, Quote, Unquotable, best, less_sure, percent, product};
use crate::codes::{
    contributions::{Share, household_first, household_share, household_support},
    reference_levels,
};

/// Months that may be paid at once. Own reading of the forms: 3, 6 or 12.
const MONTHS: [u8; 3] = [3, 6, 12];

/// Most members that one household has; more is a slip of the pen.
const MEMBERS_MAX: u8 = 50;

/// Who renews, for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Household {
    /// Those who pay now.
    pub members: Vec<Member>,
    /// 3, 6 or 12.
    pub months: u8,
}

/// Somebody who pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// The place, from 1, among all members who pay this year.
    pub place: u8,
    /// To whom the state adds.
    pub groups: Groups,
}

impl From<u8> for Member {
    fn from(place: u8) -> Self {
        Self {
            place,
            groups: Groups::default(),
        }
    }
}

/// What a household's renewal costs when it is paid on `paid_on`: the level of that day and the groups that hold on it count
/// for all its months. The lines are in the order of the places; the state's part follows the line it is taken off.
///
/// # Errors
/// [`Unquotable`]: other months, no members, one place twice or none, somebody for whom the state pays, a day without a rule.
pub fn household(asked: &Household, paid_on: Date) -> Result<Quote, Unquotable> {
    if !MONTHS.contains(&asked.months) {
        return Err(Unquotable::Months);
    }
    let members: BTreeMap<u8, Groups> = asked
        .members
        .iter()
        .map(|member| (member.place, member.groups))
        .collect();
    let is_known = |place: &u8| (1..=MEMBERS_MAX).contains(place);
    if members.is_empty() || members.len() != asked.members.len() || !members.keys().all(is_known) {
        return Err(Unquotable::Members);
    }
    let mut lines = Vec::new();
    for (place, groups) in members {
        let (due, support) = line(place, groups, asked.months, paid_on)?;
        lines.push(due);
        lines.extend(support);
    }
    Quote::of(lines, paid_on)
}

fn line(
    place: u8,
    groups: Groups,
    months: u8,
    on: Date,
) -> Result<(Line, Option<Line>), Unquotable> {
    let level = reference_levels::find(on).ok_or(Unquotable::NoRule)?;
    let first = household_first(on).ok_or(Unquotable::NoRule)?;
    let share = household_share(usize::from(place), on).ok_or(Unquotable::NoRule)?;
    // a month is rounded, as it is printed; months are added
    let month = product(level.vnd, &[first.bp, share.bp], 1)?;
    let due = Line {
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
    };
    let Some((group, help)) = best(groups, household_support_rows(on), Group::household_row) else {
        return Ok((due, None));
    };
    if help.bp >= 10_000 {
        return Err(Unquotable::PaidByState);
    }
    let month = product(month, &[help.bp], 1)?;
    let support = Line {
        vi: format!("Nhà nước hỗ trợ thành viên thứ {place} ({})", group.vi()),
        en: format!("the state's support of member {place} ({})", group.as_str()),
        base_vnd: level.vnd,
        factors: vec![
            percent(first.bp),
            percent(share.bp),
            percent(help.bp),
            format!("{months} tháng"),
        ],
        vnd: product(month, &[], u64::from(months))?,
        is_support: true,
        source: help.term.source,
        certainty: less_sure(&help.term, &share.term),
    };
    Ok((due, Some(support)))
}

fn household_support_rows(on: Date) -> impl Iterator<Item = &'static Share> + Clone {
    let rows: Vec<&'static Share> = household_support(on).collect();
    rows.into_iter()
}
