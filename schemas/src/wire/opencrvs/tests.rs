use proptest::prelude::*;

use super::*;
use crate::json::Reason;
use crate::wire::object::samples::{Sample, Words};

fn survives<T: Sample + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(seed: &[u32]) {
    let value = T::sample(&mut Words(seed.iter()));
    let text = encode(&value);
    assert!(
        decode::<T>(&text).unwrap() == value,
        "{}",
        String::from_utf8_lossy(&text)
    );
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(seed in prop::collection::vec(any::<u32>(), 0..300)) {
        survives::<Payload>(&seed);
        survives::<Receipt>(&seed);
        survives::<Bundle>(&seed);
        survives::<Composition>(&seed);
        survives::<Task>(&seed);
        survives::<Patient>(&seed);
        survives::<RelatedPerson>(&seed);
        survives::<Location>(&seed);
        survives::<Questionnaire>(&seed);
        survives::<Login>(&seed);
        survives::<Subscribe>(&seed);
        survives::<Subscriptions>(&seed);
        survives::<FullName>(&seed);
        survives::<Call>(&seed);
        survives::<Granted>(&seed);
        let record = EventDocument::sample(&mut Words(seed.iter()));
        assert!(decode_event(&encode(&record)).unwrap() == record);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Raw::read(&bytes);
        let _ = decode::<Bundle>(&bytes);
        let _ = decode::<Patient>(&bytes);
        let _ = decode_event(&bytes);
    }
}

#[test]
fn a_body_is_taken_apart_as_it_stands() {
    let body = br#"{"timestamp":"t","id":"i","event":{"hub":{"topic":"BIRTH_REGISTERED"},"context":[ {"a" : [1,  2]} ,{}]}}"#;
    let raw = Raw::read(body).unwrap();
    assert_eq!((&*raw.timestamp, &*raw.topic), ("t", "BIRTH_REGISTERED"));
    assert_eq!(raw.contexts, [r#"{"a" : [1,  2]}"#, "{}"]);
    let event = r#""event":{"hub":{"topic":"x"},"context":[]}"#;
    for (body, reason) in [
        (
            r#"{"id":"i","event":{"hub":{"topic":"x"},"context":[]}}"#.to_owned(),
            Reason::Mismatch,
        ),
        (
            format!(r#"{{"timestamp":"t","id":"i",{event},"x":1}}"#),
            Reason::Mismatch,
        ),
        (
            format!(r#"{{"timestamp":"t","id":"i","id":"i",{event}}}"#),
            Reason::DuplicateKey,
        ),
        (
            format!(r#"{{"timestamp":"t","id":"i",{event}}} x"#),
            Reason::Trailing,
        ),
        (
            format!(
                r#"{{"timestamp":"t","id":"i","event":{{"hub":{{"topic":"x"}},"context":[{}1{}]}}}}"#,
                "[".repeat(30),
                "]".repeat(30)
            ),
            Reason::TooDeep,
        ),
    ] {
        let error = Raw::read(body.as_bytes()).unwrap_err();
        assert_eq!(error.reason(), reason, "{body}");
    }
}

#[test]
fn topics_are_read_back_and_no_others() {
    for topic in Topic::ALL {
        assert_eq!(Topic::parse(topic.as_str()), Some(topic));
    }
    for other in [
        "BIRTH_CERTIFIED",
        "MARRIAGE_REGISTERED",
        "birth_registered",
        "",
    ] {
        assert_eq!(Topic::parse(other), None);
    }
}

#[test]
fn nothing_of_a_person_is_in_a_debug_text() {
    let patient = Patient {
        birth_date: Some("2026-11-20".to_owned()),
        ..Patient::default()
    };
    assert_eq!(format!("{patient:?}"), "Patient(***)");
}
