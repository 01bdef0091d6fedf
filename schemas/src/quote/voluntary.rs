//! Voluntary social insurance: a part of the income that the insured chose, less what the state adds.

use jiff::civil::Date;

use super::{Group, Groups, Line, Quote, Unquotable, best, less_sure, percent, product};
use crate::codes::contributions::{self, Share};
use crate::codes::reference_levels;

/// Months that may be paid at once; several years at once have a rule of their own, which is not here.
const MONTHS: [u8; 4] = [1, 3, 6, 12];

/// Who pays how much, for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voluntary {
    /// The chosen income, đồng a month.
    pub base_vnd: u64,
    /// 1, 3, 6 or 12.
    pub months: u8,
    /// To whom the state adds.
    pub groups: Groups,
}

/// What voluntary social insurance costs when it is paid on `paid_on`.
///
/// The income lies between the rural poverty line and so many reference levels; the state's part is counted on
/// the poverty line, whatever was chosen.
///
/// # Errors
/// [`Unquotable`]: other months, an income out of its bounds, a day without a rule.
pub fn voluntary(asked: &Voluntary, paid_on: Date) -> Result<Quote, Unquotable> {
    if !MONTHS.contains(&asked.months) {
        return Err(Unquotable::Months);
    }
    let lowest = reference_levels::rural_poverty_line(paid_on).ok_or(Unquotable::NoRule)?;
    let highest = reference_levels::salary_cap_vnd(paid_on).ok_or(Unquotable::NoRule)?;
    if asked.base_vnd < lowest.vnd {
        return Err(Unquotable::BaseTooLow);
    }
    if asked.base_vnd > highest {
        return Err(Unquotable::BaseTooHigh);
    }
    let rate = contributions::voluntary(paid_on).ok_or(Unquotable::NoRule)?;
    let months = format!("{} tháng", asked.months);
    let month = product(asked.base_vnd, &[rate.bp], 1)?;
    let mut lines = vec![Line {
        vi: "BHXH tự nguyện".to_owned(),
        en: "voluntary social insurance".to_owned(),
        base_vnd: asked.base_vnd,
        factors: vec![percent(rate.bp), months.clone()],
        vnd: product(month, &[], u64::from(asked.months))?,
        is_support: false,
        source: rate.term.source,
        certainty: rate.term.certainty,
    }];
    let rows: Vec<&'static Share> = contributions::voluntary_support(paid_on).collect();
    let row = |group: Group| Some(group.voluntary_row());
    if let Some((group, share)) = best(asked.groups, rows.into_iter(), row) {
        let month = product(lowest.vnd, &[rate.bp, share.bp], 1)?;
        lines.push(Line {
            vi: format!(
                "Nhà nước hỗ trợ ({}), tính trên chuẩn hộ nghèo nông thôn",
                group.vi()
            ),
            en: format!(
                "the state's support ({}), of the rural poverty line",
                group.as_str()
            ),
            base_vnd: lowest.vnd,
            factors: vec![percent(rate.bp), percent(share.bp), months],
            vnd: product(month, &[], u64::from(asked.months))?,
            is_support: true,
            source: share.term.source,
            certainty: less_sure(&share.term, &lowest.term),
        });
    }
    Quote::of(lines, paid_on)
}
