//! How old what is owed is: payments settle the oldest month first, so what is left is of the newest ones.

use schemas::id::Period;
use schemas::proto::insurance::ArrearsAge;

use crate::registry::Error;
use crate::sql::{Sql, values};

/// The arrears at the end of `period`, by age.
pub(super) fn of(
    sql: &Sql,
    employer: i64,
    period: &str,
    arrears_vnd: i64,
) -> Result<ArrearsAge, Error> {
    if arrears_vnd <= 0 {
        return Ok(ArrearsAge::default());
    }
    let dues = sql.query(
        "SELECT period, due_vnd FROM contributions
         WHERE employer = ?1 AND period <= ?2 ORDER BY period DESC",
        values![employer, period],
        |row| Ok((row.get::<String>(0)?, row.get(1)?)),
    )?;
    let month = |text: &str| Period::parse(text).map_err(|_| Error::Corrupt("a period"));
    let end = month(period)?;
    let dues: Result<Vec<(u32, i64)>, Error> = dues
        .iter()
        .map(|(due_for, due)| Ok((months_between(month(due_for)?, end), *due)))
        .collect();
    Ok(spread(&dues?, arrears_vnd))
}

/// Spreads what is owed over the months, newest first; what no month explains is the oldest.
fn spread(dues: &[(u32, i64)], arrears_vnd: i64) -> ArrearsAge {
    let mut age = ArrearsAge::default();
    let mut left = arrears_vnd;
    for &(months, due) in dues {
        let of_this_month = due.clamp(0, left);
        *band(&mut age, months) += of_this_month;
        left -= of_this_month;
    }
    age.months_12_vnd += left;
    age
}

fn band(age: &mut ArrearsAge, months: u32) -> &mut i64 {
    match months {
        0 => &mut age.current_vnd,
        1..=2 => &mut age.months_1_vnd,
        3..=5 => &mut age.months_3_vnd,
        6..=11 => &mut age.months_6_vnd,
        _ => &mut age.months_12_vnd,
    }
}

fn months_between(from: Period, to: Period) -> u32 {
    let months = |period: Period| i32::from(period.year()) * 12 + i32::from(period.month());
    u32::try_from(months(to) - months(from)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_of_the_newest_months_since_payments_settle_the_oldest() {
        let dues = [(0, 10), (1, 10), (2, 10), (3, 10), (6, 10), (13, 10)];
        let age = spread(&dues, 25);
        let bands = [age.current_vnd, age.months_1_vnd, age.months_3_vnd];
        assert_eq!(bands, [10, 15, 0]);
        let age = spread(&dues, 57);
        let bands = [age.months_1_vnd, age.months_3_vnd, age.months_6_vnd];
        assert_eq!((bands, age.months_12_vnd), ([20, 10, 10], 7));
    }

    #[test]
    fn what_no_month_explains_is_the_oldest_and_nothing_is_lost() {
        let age = spread(&[(0, 5)], 100);
        assert_eq!((age.current_vnd, age.months_12_vnd), (5, 95));
        assert_eq!(spread(&[], 7).months_12_vnd, 7);
    }

    #[test]
    fn months_are_counted_over_the_years() {
        let month = |text| Period::parse(text).unwrap();
        assert_eq!(months_between(month("2025-11"), month("2026-02")), 3);
        assert_eq!(months_between(month("2026-02"), month("2026-02")), 0);
    }
}
