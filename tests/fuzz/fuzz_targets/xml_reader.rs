//! The one strict XML reader: no panic, and a message that can be read is the same when written and read again.
#![no_main]

use std::sync::OnceLock;

use gateway_fuzz::edited;
use libfuzzer_sys::fuzz_target;
use schemas::id::Mst;
use schemas::wire::tax;
use schemas::xml::{self, Limits};

/// A request that is in order.
fn original() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let check = Mst::compute_check(&[9, 9, 0, 0, 0, 0, 0, 0, 8]).expect("a check digit");
        let text = format!(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-tax-00000002\"><Header>\
             <MessageId>tax-00000002</MessageId><SentAt>2026-11-22T05:00:00Z</SentAt>\
             <Environment>sandbox</Environment><Direction>request</Direction><Sender>tax</Sender>\
             <Receiver>vss</Receiver><Operation>tax.verify-employer</Operation></Header>\
             <VerifyEmployer><Mst>990000008{check}</Mst><Period>2026-10</Period><Fields><Field>fund</Field>\
             <Field>arrears</Field></Fields><Purpose>tax-audit</Purpose></VerifyEmployer></TaxMessage>"
        );
        tax::decode(text.as_bytes()).expect("the original can be read");
        text
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some((road, bytes)) = bytes.split_first() else {
        return;
    };
    let document = match road % 2 {
        0 => bytes.to_vec(),
        _ => edited(original().as_bytes(), bytes),
    };
    let accepted = xml::prescan(&document, &Limits::default()).is_ok();
    if let Ok(message) = tax::decode(&document) {
        assert!(accepted, "a message was read out of a refused document");
        let written = tax::encode(&message);
        let read = tax::decode(&written).expect("what is written can be read");
        assert_eq!(message, read);
    }
});
