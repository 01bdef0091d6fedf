//! What a contribution costs: a sum of lines, each with its figures, its rule and the text that it follows.
//!
//! Rates, levels and bounds are rows of the dated tables; what holds is what holds on the day of payment.
//! Amounts are whole đồng, counted with exact integers: a line is rounded once, down (own profile: no text that
//! we have read says how). A quote refuses to know who asks, whether they may, and whether they have paid.

mod arrears;
mod group;
mod household;
mod voluntary;

use std::fmt::Write as _;

pub use arrears::{Debt, arrears};
pub use group::{Group, Groups};
pub use household::{Household, Member, household};
use jiff::civil::Date;
pub use voluntary::{Voluntary, voluntary};

use crate::codes::contributions::Share;
use crate::codes::{Certainty, Term};

/// The most that one amount may be, đồng: a thousand billion. More is a slip of the pen.
pub const VND_MAX: u64 = 1_000_000_000_000;

/// One amount and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is for, in Vietnamese.
    pub vi: String,
    /// The same in English.
    pub en: String,
    /// What it is counted from, đồng.
    pub base_vnd: u64,
    /// What it is multiplied by, in order, as people write it: `4,5 %`, `6 tháng`.
    pub factors: Vec<String>,
    /// The amount, đồng.
    pub vnd: u64,
    /// True where it is taken off: the state pays it.
    pub is_support: bool,
    /// The text that its rate follows.
    pub source: &'static str,
    /// How sure we are of that text.
    pub certainty: Certainty,
}

/// What has to be paid, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    lines: Vec<Line>,
    paid_on: Date,
    vnd: u64,
    support_vnd: u64,
}

impl Quote {
    fn of(lines: Vec<Line>, paid_on: Date) -> Result<Self, Unquotable> {
        let sum = |is_support: bool| {
            let mut lines = lines.iter().filter(|line| line.is_support == is_support);
            lines.try_fold(0_u64, |sum, line| sum.checked_add(line.vnd))
        };
        let (Some(due), Some(support_vnd)) = (sum(false), sum(true)) else {
            return Err(Unquotable::TooMuch);
        };
        let vnd = due.checked_sub(support_vnd).ok_or(Unquotable::TooMuch)?;
        match vnd {
            0 => Err(Unquotable::Nothing),
            1..=VND_MAX => Ok(Self {
                lines,
                paid_on,
                vnd,
                support_vnd,
            }),
            _ => Err(Unquotable::TooMuch),
        }
    }

    /// What is to be paid, đồng; never 0.
    #[must_use]
    pub fn vnd(&self) -> u64 {
        self.vnd
    }

    /// What the state adds, đồng.
    #[must_use]
    pub fn support_vnd(&self) -> u64 {
        self.support_vnd
    }

    /// Every amount, in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Of each payer, in order, whether the state adds to their amount.
    #[must_use]
    pub fn supported(&self) -> Vec<bool> {
        let mut each: Vec<bool> = Vec::new();
        for line in &self.lines {
            match (line.is_support, each.last_mut()) {
                (true, Some(payer)) => *payer = true,
                _ => each.push(false),
            }
        }
        each
    }

    /// What each payer pays, in order: their amount less what is taken off it.
    #[must_use]
    pub fn net(&self) -> Vec<u64> {
        let mut net: Vec<u64> = Vec::new();
        for line in &self.lines {
            match (line.is_support, net.last_mut()) {
                (true, Some(due)) => *due = due.saturating_sub(line.vnd),
                _ => net.push(line.vnd),
            }
        }
        net
    }

    /// The day whose rules hold.
    #[must_use]
    pub fn paid_on(&self) -> Date {
        self.paid_on
    }

    /// A page for people, in Vietnamese: each amount with its figures and its text, then the sum.
    #[must_use]
    pub fn explain(&self) -> String {
        let mut page = format!("Tính theo quy định có hiệu lực ngày {}\n\n", self.paid_on);
        for line in &self.lines {
            let sign = if line.is_support { "− " } else { "" };
            let base = std::iter::once(dong(line.base_vnd));
            let figures: Vec<String> = base.chain(line.factors.iter().cloned()).collect();
            // writing to a String cannot fail
            let _ = writeln!(
                page,
                "{}\n  {} = {sign}{}\n  {}{}",
                line.vi,
                figures.join(" × "),
                dong(line.vnd),
                line.source,
                doubt(line.certainty),
            );
        }
        if self.support_vnd > 0 {
            let _ = writeln!(page, "\nNhà nước hỗ trợ: {}", dong(self.support_vnd));
        }
        let _ = writeln!(page, "\nPhải nộp: {}", dong(self.vnd));
        page
    }
}

/// Why there is no quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unquotable {
    /// The tables have no row for the day.
    #[error("no rule is known for that day")]
    NoRule,
    /// Months that nobody can pay for at once.
    #[error("that many months cannot be paid at once")]
    Months,
    /// No member, one twice, or a place that no household has.
    #[error("the members are not those of one household")]
    Members,
    /// The chosen income lies below the lowest.
    #[error("the chosen income is too low")]
    BaseTooLow,
    /// The chosen income lies above the highest.
    #[error("the chosen income is too high")]
    BaseTooHigh,
    /// The state pays all of it: there is nothing to renew by paying.
    #[error("the state pays this contribution")]
    PaidByState,
    /// There is nothing to pay.
    #[error("there is nothing to pay")]
    Nothing,
    /// More than [`VND_MAX`].
    #[error("the amount is beyond every contribution")]
    TooMuch,
}

impl Unquotable {
    /// The stable word.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoRule => "no-rule-for-the-day",
            Self::Months => "months-not-offered",
            Self::Members => "not-one-household",
            Self::BaseTooLow => "base-too-low",
            Self::BaseTooHigh => "base-too-high",
            Self::PaidByState => "paid-by-the-state",
            Self::Nothing => "nothing-to-pay",
            Self::TooMuch => "amount-too-large",
        }
    }
}

/// `vnd` times all of `bp` (basis points) and `times`, rounded down once.
fn product(vnd: u64, bp: &[u32], times: u64) -> Result<u64, Unquotable> {
    let start = u128::from(vnd).checked_mul(u128::from(times));
    let over = bp
        .iter()
        .try_fold(1_u128, |over, _| over.checked_mul(10_000));
    let all = bp
        .iter()
        .try_fold(start.ok_or(Unquotable::TooMuch)?, |all, bp| {
            all.checked_mul(u128::from(*bp))
        });
    let (Some(all), Some(over)) = (all, over) else {
        return Err(Unquotable::TooMuch);
    };
    let vnd = u64::try_from(all / over).map_err(|_| Unquotable::TooMuch)?;
    match vnd <= VND_MAX {
        true => Ok(vnd),
        false => Err(Unquotable::TooMuch),
    }
}

/// The best row that one of somebody's groups has, and the group.
fn best(
    groups: Groups,
    rows: impl Iterator<Item = &'static Share> + Clone,
    row: fn(Group) -> Option<&'static str>,
) -> Option<(Group, &'static Share)> {
    let found = groups.iter().filter_map(|group| {
        let name = row(group)?;
        let share = rows.clone().find(|share| share.group == name)?;
        Some((group, share))
    });
    // of two that are worth the same the first
    found.reduce(|best, next| if next.1.bp > best.1.bp { next } else { best })
}

/// Of two texts behind one line the one that is less sure.
fn less_sure(one: &Term, other: &Term) -> Certainty {
    let rank = |certainty| match certainty {
        Certainty::Read => 0,
        Certainty::Secondary => 1,
        Certainty::Weak => 2,
        Certainty::OwnProfile => 3,
    };
    match rank(one.certainty) >= rank(other.certainty) {
        true => one.certainty,
        false => other.certainty,
    }
}

fn doubt(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Read | Certainty::Secondary => "",
        Certainty::Weak | Certainty::OwnProfile => " (chưa đối chiếu với văn bản)",
    }
}

/// `1.234.567 đ`.
fn dong(vnd: u64) -> String {
    let digits = vnd.to_string();
    let mut out = String::with_capacity(digits.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('.');
        }
        out.push(digit);
    }
    out + " đ"
}

/// `4,5 %` of 450 basis points.
fn percent(bp: u32) -> String {
    let (whole, part) = (bp / 100, bp % 100);
    match part {
        0 => format!("{whole} %"),
        part => format!("{whole},{} %", format!("{part:02}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests;
