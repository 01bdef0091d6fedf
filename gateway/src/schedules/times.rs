//! When a schedule's time was and will be: its cron in Viet Nam's time, moved off the days off.

use std::str::FromStr as _;

use croner::Cron;
use jiff::{SignedDuration, Timestamp, Zoned, civil::DateTime, tz::TimeZone};
use schemas::{calendar, date::VIET_NAM};

use crate::config::{OnDaysOff, ScheduleLine};

/// A time in cron's five fields, in Viet Nam.
#[derive(Debug, Clone, PartialEq)]
pub struct CronTime(Cron);

impl CronTime {
    /// Reads minute, hour, day of the month, month, day of the week.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let five = text.split_whitespace().count() == 5;
        five.then(|| Cron::from_str(text).ok().map(Self)).flatten()
    }
}

impl std::fmt::Display for CronTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl ScheduleLine {
    /// The newest time that has come.
    pub(crate) fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let mut at = self
            .cron
            .0
            .find_previous_occurrence(&local(now), true)
            .ok()?;
        for _ in 0..LOOKED_AT_MAX {
            match self.moved(&at) {
                Some(due) if due <= now => return Some(due),
                _ => at = self.cron.0.find_previous_occurrence(&at, false).ok()?,
            }
        }
        None
    }

    /// The next time.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        // one before now may have been moved behind it: no row of days off is longer
        let from = now.checked_sub(LONGEST_REST).ok()?;
        let mut at = self.cron.0.find_next_occurrence(&local(from), true).ok()?;
        for _ in 0..LOOKED_AT_MAX {
            match self.moved(&at) {
                Some(due) if due > now => return Some(due),
                _ => at = self.cron.0.find_next_occurrence(&at, false).ok()?,
            }
        }
        None
    }

    /// Whether what fell due then is still begun.
    pub(crate) fn is_in_time(&self, due: Timestamp, now: Timestamp) -> bool {
        now.duration_since(due) <= SignedDuration::from_hours(i64::from(self.late_hours))
    }

    /// Off a day that is no working day, as the schedule says; none where it is left out.
    fn moved(&self, at: &Zoned) -> Option<Timestamp> {
        let day = at.date();
        if self.days_off == OnDaysOff::Run || calendar::is_working_day(day) {
            return Some(at.timestamp());
        }
        match self.days_off {
            OnDaysOff::Skip | OnDaysOff::Run => None,
            OnDaysOff::Next => {
                let day = calendar::next_working_day(day);
                let moved = day.to_datetime(at.time()).to_zoned(at.time_zone().clone());
                moved.ok().map(|moved| moved.timestamp())
            }
        }
    }
}

/// A minute in Viet Nam, as it stands in names.
pub(super) fn stamp(at: Timestamp) -> String {
    local(at).strftime("%Y%m%dT%H%M").to_string()
}

/// The same with its second.
pub(super) fn stamp_to_the_second(at: Timestamp) -> String {
    local(at).strftime("%Y%m%dT%H%M%S").to_string()
}

/// When a run began, as its name says.
pub(super) fn begun(run: &str) -> Option<Timestamp> {
    let (_, stamp) = run.rsplit_once('.')?;
    let (format, stamp) = match stamp.strip_suffix('s') {
        Some(stamp) => ("%Y%m%dT%H%M%S", stamp),
        None => ("%Y%m%dT%H%M", stamp),
    };
    let local = DateTime::strptime(format, stamp).ok()?;
    let zoned = local.to_zoned(TimeZone::fixed(VIET_NAM)).ok()?;
    Some(zoned.timestamp())
}

fn local(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::fixed(VIET_NAM))
}

/// Times that are looked at before a schedule is called without one: a cron of each minute over the longest holidays.
const LOOKED_AT_MAX: usize = 50_000;
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(24 * 16);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScheduledWork;
    use schemas::id::{PartnerId, Period};

    fn line(cron: &str, days_off: OnDaysOff) -> ScheduleLine {
        ScheduleLine {
            name: PartnerId::parse("monthly").unwrap(),
            partner: PartnerId::parse("tax").unwrap(),
            what: ScheduledWork::Employers,
            cron: CronTime::parse(cron).unwrap(),
            days_off,
            months_back: 1,
            provinces: Vec::new(),
            form: crate::config::ChunkForm::Xml,
            packing: crate::config::ChunkPacking::Gzip,
            late_hours: 24,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_is_one_of_viet_nam() {
        let line = line("0 8 5 * *", OnDaysOff::Run);
        // 8 o'clock in Ha Noi is 1 o'clock UTC
        assert_eq!(
            line.last(at("2026-11-23T00:00:00Z")),
            Some(at("2026-11-05T01:00:00Z"))
        );
        assert_eq!(
            line.last(at("2026-11-05T01:00:00Z")),
            Some(at("2026-11-05T01:00:00Z"))
        );
        assert_eq!(
            line.last(at("2026-11-05T00:59:59Z")),
            Some(at("2026-10-05T01:00:00Z"))
        );
        assert_eq!(
            line.next(at("2026-11-05T01:00:00Z")),
            Some(at("2026-12-05T01:00:00Z"))
        );
    }

    #[test]
    fn a_day_off_moves_a_time_leaves_it_out_or_leaves_it_there() {
        // 2026-12-05 is a Saturday
        let now = at("2026-12-05T02:00:00Z");
        let (next, skip, run) = (OnDaysOff::Next, OnDaysOff::Skip, OnDaysOff::Run);
        let last = |how| line("0 8 5 * *", how).last(now);
        assert_eq!(last(run), Some(at("2026-12-05T01:00:00Z")));
        assert_eq!(last(next), Some(at("2026-11-05T01:00:00Z")));
        assert_eq!(last(skip), Some(at("2026-11-05T01:00:00Z")));
        let after = |how| line("0 8 5 * *", how).next(now);
        assert_eq!(after(run), Some(at("2027-01-05T01:00:00Z")));
        assert_eq!(after(next), Some(at("2026-12-07T01:00:00Z")));
        assert_eq!(after(skip), Some(at("2027-01-05T01:00:00Z")));
        // a fixed holiday, in the week
        let holiday = line("0 8 2 9 *", next)
            .next(at("2026-08-01T00:00:00Z"))
            .unwrap();
        assert!(calendar::is_working_day(schemas::date::day_in_viet_nam(
            holiday
        )));
        assert!(holiday > at("2026-09-02T02:00:00Z"));
    }

    #[test]
    fn what_is_too_late_is_not_begun() {
        let line = line("0 8 5 * *", OnDaysOff::Run);
        let due = at("2026-11-05T01:00:00Z");
        assert!(line.is_in_time(due, at("2026-11-06T01:00:00Z")));
        assert!(!line.is_in_time(due, at("2026-11-06T01:00:01Z")));
    }

    #[test]
    fn a_run_is_named_by_its_month_and_its_time_alike_everywhere() {
        let line = line("0 8 5 * *", OnDaysOff::Run);
        let run = line.run_of(at("2026-11-05T01:00:00Z")).unwrap();
        assert_eq!(run.id, "run.monthly.2026-10.20261105T0800");
        assert_eq!(run.period.to_string(), "2026-10");
        assert!(schemas::id::MessageId::parse(&run.id).is_ok());
        let longest = ScheduleLine {
            name: PartnerId::parse(&"a".repeat(32)).unwrap(),
            ..line
        };
        assert!(longest.run_of(at("2026-11-05T01:00:00Z")).unwrap().id.len() <= 64);
    }

    #[test]
    fn the_name_of_a_run_says_when_it_began() {
        let line = line("0 8 5 * *", OnDaysOff::Run);
        let due = at("2026-11-05T01:00:00Z");
        assert_eq!(begun(&line.run_of(due).unwrap().id), Some(due));
        let month = Period::parse("2026-09").unwrap();
        let by_hand = line.run_by_hand(month, at("2026-11-22T03:04:05.9Z"));
        assert_eq!(begun(&by_hand.id), Some(at("2026-11-22T03:04:05Z")));
        for wrong in [
            "",
            "run",
            "run.monthly.2026-10.",
            "run.monthly.2026-10.20261305T0800",
        ] {
            assert_eq!(begun(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_has_five_fields() {
        for wrong in ["", "0 8 5 *", "0 0 8 5 * *", "61 8 5 * *", "@monthly"] {
            assert!(CronTime::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(
            CronTime::parse("0 8 5 * *").unwrap().to_string(),
            "0 8 5 * *"
        );
    }
}
