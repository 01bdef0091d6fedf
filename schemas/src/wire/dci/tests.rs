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
        survives::<MsgHeader>(&seed);
        survives::<AckBody>(&seed);
        survives::<Notify>(&seed);
        survives::<Person>(&seed);
        survives::<Search>(&seed);
        survives::<CallbackHeader>(&seed);
        survives::<Found>(&seed);
        survives::<Subscribe>(&seed);
        survives::<Subscribed>(&seed);
        survives::<Unsubscribe>(&seed);
        survives::<Unsubscribed>(&seed);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Raw::read(&bytes);
        let _ = decode::<MsgHeader>(&bytes);
        let _ = decode::<Notify>(&bytes);
        let _ = decode::<Subscribe>(&bytes);
        let _ = decode::<Unsubscribe>(&bytes);
    }
}

#[test]
fn a_body_is_taken_apart_as_it_stands() {
    let body = br#"{ "message" : {"a": [1,  2]}, "signature":"s\u0022", "header":{ } }"#;
    let (raw, signature) = Raw::read(body).unwrap();
    assert_eq!((raw.header, raw.message), ("{ }", r#"{"a": [1,  2]}"#));
    assert_eq!(signature.as_deref(), Some("s\""));
    for (body, reason) in [
        (&br#"{"header":{}}"#[..], Reason::Mismatch),
        (br#"{"header":{},"message":{},"x":1}"#, Reason::Mismatch),
        (
            br#"{"header":{},"message":{},"signature":1}"#,
            Reason::Mismatch,
        ),
        (
            br#"{"header":{},"header":{},"message":{}}"#,
            Reason::DuplicateKey,
        ),
        (
            br#"{"header":{"a":1,"\u0061":2},"message":{}}"#,
            Reason::DuplicateKey,
        ),
        (br#"{"header":{},"message":{}} x"#, Reason::Trailing),
        (b"", Reason::Truncated),
    ] {
        assert_eq!(Raw::read(body).unwrap_err().reason(), reason);
    }
    for absent in [
        &br#"{"header":{},"message":{}}"#[..],
        br#"{"header":{},"message":{},"signature":""}"#,
    ] {
        assert_eq!(Raw::read(absent).unwrap().1, None);
    }
}

#[test]
fn no_member_has_two_rows() {
    let mut rows: Vec<_> = fields()
        .iter()
        .map(|field| (field.object, field.wire))
        .collect();
    rows.sort_unstable();
    let count = rows.len();
    rows.dedup();
    assert_eq!(rows.len(), count);
}

#[test]
fn an_event_is_known_by_its_code_and_by_its_longer_name() {
    for (word, event) in [
        ("live_birth", Some(VitalEvent::LiveBirth)),
        (
            "spdci-common:RegistryEventType:LiveBirth",
            Some(VitalEvent::LiveBirth),
        ),
        (
            "spdci-common:RegistryEventType:Death",
            Some(VitalEvent::Death),
        ),
        ("death", Some(VitalEvent::Death)),
        ("LiveBirth", None),
        ("spdci-common:RegistryEventType:live_birth", None),
        ("", None),
    ] {
        assert_eq!(VitalEvent::parse(word), event, "{word}");
    }
}

#[test]
fn debug_shows_nothing_of_anybody() {
    assert_eq!(format!("{:?}", Person::default()), "Person(***)");
    let (raw, _) = Raw::read(br#"{"header":{},"message":{"a":"b"}}"#).unwrap();
    assert_eq!(format!("{raw:?}"), "Raw(***)");
}
