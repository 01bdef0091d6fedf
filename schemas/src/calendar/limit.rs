//! One time limit of the law: the day it counts from, the moment it ends at, and how much of it is over when.
//!
//! Its measure is office hours: of a limit of two working days half is over when the first of them closes.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{counted_as_received, covers, next_working_day, office_hours};
use crate::date::VIET_NAM;

/// A limit of some working days on something that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    counted: Date,
    working_days: u16,
}

impl Limit {
    /// The limit of what was received then; 0 working days end with the day of receipt itself.
    pub fn of(received: &Zoned, working_days: u16) -> Self {
        Self {
            counted: counted_as_received(received),
            working_days,
        }
    }

    /// The day that counts as the day of receipt.
    pub fn counted_on(&self) -> Date {
        self.counted
    }

    /// The last day.
    pub fn due_on(&self) -> Date {
        self.nth(self.working_days)
    }

    /// The moment at which it is over: the end of office hours of the last day.
    pub fn due_at(&self) -> Timestamp {
        closes(self.due_on())
    }

    /// The moment at which so many percent of its office hours are over; 100 and more is [`Self::due_at`].
    pub fn over_at(&self, percent: u8) -> Timestamp {
        let percent = u64::from(percent.min(100));
        // in hundredths of a working day
        let over = u64::from(self.working_days) * percent;
        let (days, rest) = (over / 100, over % 100);
        let nth = |days: u64| self.nth(u16::try_from(days).unwrap_or(self.working_days));
        match rest {
            0 => closes(nth(days)),
            rest => {
                let day = nth(days + 1);
                let (from, to) = (opens(day), closes(day));
                let share =
                    to.duration_since(from).as_secs() / 100 * i64::try_from(rest).unwrap_or(0);
                from + SignedDuration::from_secs(share)
            }
        }
    }

    /// How many percent of its office hours are over then, 0 to 100.
    pub fn over(&self, then: Timestamp) -> u8 {
        (1..=100)
            .rev()
            .find(|percent| self.over_at(*percent) <= then)
            .unwrap_or(0)
    }

    /// Whether the calendar knows the declared free days of every year that it runs in.
    pub fn is_covered(&self) -> bool {
        (self.counted.year()..=self.due_on().year()).all(covers)
    }

    /// The nth working day after the day of receipt.
    fn nth(&self, nth: u16) -> Date {
        (0..nth).fold(self.counted, |day, _| next_working_day(day))
    }
}

/// When the offices close on a day: the moment at which what is due on it is due.
pub fn closes(on: Date) -> Timestamp {
    at(on, office_hours(on).1)
}

fn opens(on: Date) -> Timestamp {
    at(on, office_hours(on).0)
}

fn at(on: Date, time: jiff::civil::Time) -> Timestamp {
    // the calendar's last days have no such moment; they are due as late as can be
    VIET_NAM
        .to_timestamp(on.to_datetime(time))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn limit(received: &str, working_days: u16) -> Limit {
        let received: Timestamp = received.parse().unwrap();
        Limit::of(&received.to_zoned(TimeZone::UTC), working_days)
    }

    #[test]
    fn two_working_days_end_with_the_office_hours_of_the_second() {
        for (received, due) in [
            // 14:59 and 15:01 in Viet Nam, before the holiday of 24 November
            ("2026-11-23T07:59:00Z", "2026-11-26T10:00:00Z"),
            ("2026-11-23T08:01:00Z", "2026-11-27T10:00:00Z"),
            // 15:01 on the last Friday before Tết
            ("2026-02-13T08:01:00Z", "2026-02-25T10:00:00Z"),
        ] {
            assert_eq!(limit(received, 2).due_at().to_string(), due, "{received}");
        }
    }

    #[test]
    fn half_of_two_days_is_over_when_the_first_closes_and_nine_tenths_at_12_past_15_of_the_second()
    {
        let limit = limit("2026-11-23T07:59:00Z", 2);
        assert_eq!(limit.over_at(50).to_string(), "2026-11-25T10:00:00Z");
        assert_eq!(limit.over_at(90).to_string(), "2026-11-26T08:12:00Z");
        assert_eq!(limit.over_at(100), limit.due_at());
        for (then, over) in [
            ("2026-11-24T10:00:00Z", 0),
            ("2026-11-25T09:59:59Z", 49),
            ("2026-11-25T10:00:00Z", 50),
            ("2026-11-26T09:59:59Z", 99),
            ("2026-12-26T10:00:00Z", 100),
        ] {
            assert_eq!(limit.over(then.parse().unwrap()), over, "{then}");
        }
    }

    #[test]
    fn half_of_fifteen_days_is_over_in_the_middle_of_the_eighth() {
        let limit = limit("2024-03-01T02:00:00Z", 15);
        assert_eq!(limit.over_at(50).to_string(), "2024-03-13T05:30:00Z");
        assert_eq!(limit.due_on(), date(2024, 3, 22));
    }

    #[test]
    fn a_limit_of_no_day_ends_with_the_day_of_receipt() {
        let limit = limit("2026-11-23T02:00:00Z", 0);
        assert_eq!(limit.due_at().to_string(), "2026-11-23T10:00:00Z");
        assert_eq!(limit.over_at(50), limit.due_at());
    }

    #[test]
    fn a_limit_that_runs_into_a_year_without_declared_days_says_so() {
        assert!(limit("2026-12-28T02:00:00Z", 2).is_covered());
        assert!(!limit("2026-12-31T02:00:00Z", 2).is_covered());
        assert!(!limit("2026-12-31T09:00:00Z", 0).is_covered());
    }

    proptest! {
        #[test]
        fn more_of_a_limit_is_over_later(seconds in 0_i64..90_000_000, days in 1_u16..40, less in 0_u8..100) {
            let received: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
            let received = received + SignedDuration::from_secs(seconds);
            let limit = Limit::of(&received.to_zoned(TimeZone::UTC), days);
            prop_assert!(limit.over_at(less) <= limit.over_at(less + 1));
            prop_assert!(limit.over_at(less) <= limit.due_at());
            prop_assert!(limit.due_at() > received);
            prop_assert_eq!(limit.due_on(), super::super::due(&received.to_zoned(TimeZone::UTC), days));
        }
    }
}
