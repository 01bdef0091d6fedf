//! The only place where the counterparts look at the clock.

/// This instant.
#[expect(
    clippy::disallowed_methods,
    reason = "the counterparts live outside of the gateway's clock"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// This instant to the second, as the XML profile writes it: `2026-11-22T05:00:00Z`.
pub(crate) fn rfc3339(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_to_the_second_in_utc() {
        let at = "2026-11-22T12:00:00.9+07:00".parse().unwrap();
        assert_eq!(rfc3339(at), "2026-11-22T05:00:00Z");
    }
}
