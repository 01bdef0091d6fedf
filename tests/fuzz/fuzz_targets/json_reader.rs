//! The one strict JSON reader: what it accepts, a plain reader accepts too, and no object says a thing twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::json::{self, Limits};
use schemas::wire::civil::{self, BirthMessage};

fuzz_target!(|bytes: &[u8]| {
    if json::check(bytes, &Limits::default()).is_err() {
        return;
    }
    let value: serde_json::Value =
        serde_json::from_slice(bytes).expect("what the strict reader accepts is JSON");
    // Twice the same key would be one key less when written again: accepted text has as many as it says.
    let again = serde_json::to_vec(&value).expect("a value can be written");
    json::check(&again, &Limits::default())
        .expect("what was accepted is accepted when written again");
    if let Ok(message) = civil::decode::<BirthMessage>(bytes) {
        let written = civil::encode(&message);
        let read = civil::decode::<BirthMessage>(&written).expect("what is written can be read");
        assert_eq!(message, read);
    }
});
