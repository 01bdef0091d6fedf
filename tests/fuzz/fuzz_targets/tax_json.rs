//! The tax exchange in JSON: what is read is written again and read as the same; so are records in NDJSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use schemas::wire::tax::json::{decode_answer, decode_request, encode_answer, encode_request};
use schemas::wire::tax_records::{Form, Records};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(request) = decode_request(bytes) {
        let written = encode_request(&request);
        let read = decode_request(&written).expect("what is written can be read");
        assert_eq!(request, read);
    }
    if let Ok(answer) = decode_answer(bytes) {
        let written = encode_answer(&answer);
        let read = decode_answer(&written).expect("what is written can be read");
        assert_eq!(answer, read);
    }
    if let Ok(mut records) = Records::open(Form::Ndjson, bytes) {
        while let Ok(Some(_)) = records.next_record() {}
    }
});
