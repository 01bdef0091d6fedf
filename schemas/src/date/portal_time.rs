//! The portal's time: `yyyyMMddHHmmss` at +07:00, 24-hour clock.

use jiff::Timestamp;

use super::{DateError, VIET_NAM, number, parse_compact};

/// Writes an instant, to the second below, as the portal reads it.
pub fn format(at: Timestamp) -> String {
    let local = VIET_NAM.to_datetime(at);
    format!(
        "{}{:02}{:02}{:02}",
        super::format_compact(local.date()),
        local.hour(),
        local.minute(),
        local.second()
    )
}

/// Parses exactly 14 digits; the second 60 is refused.
pub fn parse(text: &str) -> Result<Timestamp, DateError> {
    let error = DateError {
        form: "yyyyMMddHHmmss",
    };
    if text.len() != 14 || !text.is_ascii() {
        return Err(error);
    }
    let day = parse_compact(&text[..8]).map_err(|_| error)?;
    let part = |at: usize| {
        number(&text[at..at + 2], 2)
            .and_then(|part| i8::try_from(part).ok())
            .ok_or(error)
    };
    let time = jiff::civil::Time::new(part(8)?, part(10)?, part(12)?, 0).map_err(|_| error)?;
    VIET_NAM
        .to_timestamp(day.to_datetime(time))
        .map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn midnight_utc_is_seven_in_the_morning() {
        let at: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        assert_eq!(format(at), "20261122070000");
        assert_eq!(parse("20261122070000"), Ok(at));
    }

    #[test]
    fn the_afternoon_is_written_with_24_hours() {
        assert_eq!(
            format("2026-11-22T08:05:09.999Z".parse().unwrap()),
            "20261122150509"
        );
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "20261122240000",
            "20261122006000",
            "20261122000060",
            "2026112200000",
            "2026112200000a",
            "20261322000000",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0_i64..4_000_000_000) {
            let at = Timestamp::from_second(seconds).unwrap();
            prop_assert_eq!(parse(&format(at)), Ok(at));
        }
    }
}
