//! Working days of state offices, from dated rows, and the day a time limit ends on.
//!
//! Saturdays and Sundays are free. So are the public holidays with a fixed date (Labour Code art. 112), and the
//! days that the Government declares for one year: Tết, the Hùng Kings' day, days in place of a holiday that falls
//! on a weekend, and days exchanged for a worked Saturday. A year whose declared days are not here yet is told by
//! [`covers`]; its fixed holidays hold all the same.

mod limit;
mod table;

use jiff::Zoned;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;

use crate::date::VIET_NAM;
pub use limit::{Limit, closes};

/// Whether the declared days of a year are in the table; where not, a due date may be too early.
pub fn covers(year: i16) -> bool {
    table::FREE.iter().any(|row| row.first.year() == year)
}

/// Whether state offices work on a day.
pub fn is_working_day(day: Date) -> bool {
    if table::WORKED.iter().any(|row| row.day == day) {
        return true;
    }
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && holiday(day).is_none()
}

/// The name of the holiday or declared free day, with its source, if the day is one.
pub fn holiday(day: Date) -> Option<(&'static str, &'static str)> {
    let fixed = table::FIXED
        .iter()
        .find(|row| row.holds_on(day))
        .map(|row| (row.name, row.term.source));
    let declared = || {
        table::FREE
            .iter()
            .find(|row| row.first <= day && day <= row.last)
            .map(|row| (row.name, row.source))
    };
    fixed.or_else(declared)
}

/// The day that counts as the day of receipt: after 15:00 in Viet Nam, or on a free day, the next working day.
pub fn counted_as_received(received: &Zoned) -> Date {
    let local = received.with_time_zone(TimeZone::fixed(VIET_NAM));
    let late = table::CUT_OFFS
        .iter()
        .any(|row| row.term.holds_on(local.date()) && local.time() > row.after);
    match late || !is_working_day(local.date()) {
        true => next_working_day(local.date()),
        false => local.date(),
    }
}

/// The last day of a limit of `working_days`, not counting the day of receipt; 0 is the day of receipt itself.
pub fn due(received: &Zoned, working_days: u16) -> Date {
    (0..working_days).fold(counted_as_received(received), |day, _| {
        next_working_day(day)
    })
}

/// The first working day after a day, or the last day of the calendar.
pub fn next_working_day(day: Date) -> Date {
    let mut next = day;
    while let Ok(tomorrow) = next.tomorrow() {
        next = tomorrow;
        if is_working_day(next) {
            break;
        }
    }
    next
}

/// The time of day after which a paper counts as received on the next working day, if a rule says so.
pub fn cut_off(on: Date) -> Option<Time> {
    table::CUT_OFFS
        .iter()
        .find(|row| row.term.holds_on(on))
        .map(|row| row.after)
}

/// The office hours of a day, first and last moment: what a working day's share of a time limit is measured in.
pub fn office_hours(on: Date) -> (Time, Time) {
    let row = table::OFFICE_HOURS.iter().find(|row| row.term.holds_on(on));
    row.map_or((Time::MIN, Time::MAX), |row| (row.from, row.to))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn at(day: Date, hour: i8, minute: i8) -> Zoned {
        day.at(hour, minute, 0, 0)
            .to_zoned(TimeZone::fixed(VIET_NAM))
            .unwrap()
    }

    #[test]
    fn two_working_days_are_counted_as_the_law_has_it() {
        for (received, end) in [
            (at(date(2026, 11, 23), 14, 59), date(2026, 11, 26)),
            (at(date(2026, 11, 23), 15, 1), date(2026, 11, 27)),
            (at(date(2026, 2, 13), 15, 1), date(2026, 2, 25)),
        ] {
            assert_eq!(due(&received, 2), end, "{received}");
        }
    }

    #[test]
    fn fifteen_o_clock_itself_is_not_late() {
        assert_eq!(
            counted_as_received(&at(date(2026, 11, 23), 15, 0)),
            date(2026, 11, 23)
        );
        let second_later = at(date(2026, 11, 23), 15, 0)
            .checked_add(jiff::Span::new().seconds(1))
            .unwrap();
        assert_eq!(counted_as_received(&second_later), date(2026, 11, 25));
    }

    #[test]
    fn the_hour_is_that_of_viet_nam_whatever_zone_the_time_is_written_in() {
        let utc = at(date(2026, 11, 23), 15, 1).with_time_zone(TimeZone::UTC);
        assert_eq!(utc.hour(), 8);
        assert_eq!(due(&utc, 2), date(2026, 11, 27));
    }

    #[test]
    fn what_comes_on_a_free_day_counts_from_the_next_working_day() {
        assert_eq!(
            counted_as_received(&at(date(2026, 11, 21), 9, 0)),
            date(2026, 11, 23)
        );
        assert_eq!(
            counted_as_received(&at(date(2026, 11, 24), 9, 0)),
            date(2026, 11, 25)
        );
        assert_eq!(due(&at(date(2026, 11, 21), 9, 0), 0), date(2026, 11, 23));
    }

    #[test]
    fn the_24th_of_november_is_free_from_2026() {
        assert!(is_working_day(date(2025, 11, 24)));
        assert_eq!(holiday(date(2026, 11, 24)).unwrap().1, "NQ 28/2026/QH16");
        assert!(!is_working_day(date(2026, 11, 24)) && !is_working_day(date(2027, 11, 24)));
    }

    #[test]
    fn a_saturday_worked_in_exchange_is_a_working_day() {
        assert!(is_working_day(date(2024, 5, 4)) && !is_working_day(date(2024, 4, 29)));
        assert!(is_working_day(date(2026, 1, 10)) && !is_working_day(date(2026, 1, 2)));
    }

    #[test]
    fn tet_is_free_in_each_covered_year() {
        for first_of_tet in [date(2024, 2, 10), date(2025, 1, 29), date(2026, 2, 17)] {
            assert!(!is_working_day(first_of_tet), "{first_of_tet}");
        }
    }

    #[test]
    fn a_year_without_declared_days_is_told_and_keeps_its_fixed_holidays() {
        assert!(covers(2024) && covers(2025) && covers(2026));
        assert!(!covers(2023) && !covers(2027));
        assert!(!is_working_day(date(2027, 9, 2)) && is_working_day(date(2027, 9, 3)));
    }

    #[test]
    fn every_declared_day_lies_in_one_year_and_would_have_been_worked() {
        for row in table::FREE {
            assert!(
                row.first <= row.last && row.first.year() == row.last.year(),
                "{}",
                row.name
            );
            assert!(!row.source.is_empty());
        }
        for row in table::WORKED {
            assert!(
                matches!(row.day.weekday(), Weekday::Saturday | Weekday::Sunday),
                "{}",
                row.day
            );
        }
    }

    proptest! {
        #[test]
        fn a_due_day_is_a_working_day_after_receipt(days in 0_i32..1_500, hour in 0_i8..24, limit in 0_u16..60) {
            let received = date(2024, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let end = due(&at(received, hour, 30), limit);
            prop_assert!(is_working_day(end));
            prop_assert!(end >= received);
            prop_assert!(due(&at(received, hour, 30), limit + 1) > end);
        }
    }
}
