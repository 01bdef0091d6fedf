//! Compulsory contributions that are overdue: each month's debt, and what its lateness costs.

use jiff::civil::Date;

use super::{Line, Quote, Unquotable, VND_MAX, less_sure, product};
use crate::{codes::contributions, id::Period};

/// What is owed for one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debt {
    /// The month.
    pub period: Period,
    /// What is owed for it, đồng.
    pub vnd: u64,
}

/// What a debtor pays on `paid_on`: the debts, and for each day after its last day a part of it.
///
/// # Errors
/// [`Unquotable`]: no debt, a month twice (`Members`), an amount beyond every contribution, or a lateness that
/// began before the table of its cost does.
pub fn arrears(debts: &[Debt], paid_on: Date) -> Result<Quote, Unquotable> {
    let mut debts = debts.to_vec();
    debts.sort_by_key(|debt| debt.period);
    if debts.is_empty() || debts.iter().any(|debt| debt.vnd == 0) {
        return Err(Unquotable::Nothing);
    }
    if debts.windows(2).any(|two| two[0].period == two[1].period) {
        return Err(Unquotable::Members);
    }
    let mut lines = Vec::new();
    for debt in debts {
        lines.extend(lines_of(debt, paid_on)?);
    }
    Quote::of(lines, paid_on)
}

fn lines_of(debt: Debt, paid_on: Date) -> Result<Vec<Line>, Unquotable> {
    if debt.vnd > VND_MAX {
        return Err(Unquotable::TooMuch);
    }
    let deadline = contributions::deadline(debt.period).ok_or(Unquotable::NoRule)?;
    let Debt { period, vnd } = debt;
    let owed = Line {
        vi: format!("Tiền còn nợ tháng {period}, hạn {}", deadline.last_day),
        en: format!("owed for {period}, due on {}", deadline.last_day),
        base_vnd: vnd,
        factors: Vec::new(),
        vnd,
        is_support: false,
        source: deadline.term.source,
        certainty: deadline.term.certainty,
    };
    let days = (paid_on - deadline.last_day).get_days();
    let Some(days) = u64::try_from(days).ok().filter(|days| *days > 0) else {
        return Ok(vec![owed]);
    };
    let first = deadline
        .last_day
        .tomorrow()
        .map_err(|_| Unquotable::NoRule)?;
    // one rate for all its days: a change of rate in between is a row that this reading does not know
    let rate = contributions::late_payment_a_day(first).ok_or(Unquotable::NoRule)?;
    if !rate.term.holds_on(paid_on) {
        return Err(Unquotable::NoRule);
    }
    let late = Line {
        vi: format!("Tiền chậm đóng tháng {period}"),
        en: format!("late payment of {period}"),
        base_vnd: vnd,
        factors: vec![super::percent(rate.bp), format!("{days} ngày")],
        vnd: product(vnd, &[rate.bp], days)?,
        is_support: false,
        source: rate.term.source,
        certainty: less_sure(&rate.term, deadline.term),
    };
    Ok(vec![owed, late])
}
