//! How long a call may take: the caller's `grpc-timeout`, within our own bound.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// The time left for a call; a missing, malformed or absurd timeout means our own maximum.
pub(super) fn of(metadata: &MetadataMap) -> Duration {
    metadata
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok())
        .and_then(parse)
        .map_or(CALL_MAX, |timeout| timeout.min(CALL_MAX))
}

/// At most eight digits and a unit, as the gRPC specification has it.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

const CALL_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn timeout(text: &'static str) -> Duration {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        of(&metadata)
    }

    #[test]
    fn a_callers_timeout_is_kept_within_our_maximum() {
        assert_eq!(timeout("250m"), Duration::from_millis(250));
        assert_eq!(timeout("5S"), Duration::from_secs(5));
        assert_eq!(timeout("1u"), Duration::from_micros(1));
        assert_eq!(timeout("99999999H"), CALL_MAX);
    }

    #[test]
    fn an_absurd_timeout_means_our_maximum() {
        for text in ["", "S", "123456789S", "-1S", "1.5S", "5x", "5"] {
            assert_eq!(timeout(text), CALL_MAX, "{text:?}");
        }
        assert_eq!(of(&MetadataMap::new()), CALL_MAX);
    }
}
