//! The canonicaliser: what it writes can be read, is canonical already, and says what the document said.
#![no_main]

use certs::xmldsig::{Canonicalization, Profile, canonical_form};
use gateway_fuzz::edited;
use libfuzzer_sys::fuzz_target;

/// Namespaces that are shadowed, undone, unused and needed by an attribute alone; every character that is escaped.
const ORIGINAL: &str = "<m xmlns=\"u:d\" xmlns:a=\"u:a\" xmlns:b=\"u:b?q=1&amp;r\" Id=\"m-1\" xml:lang=\"vi\">\
    <a:n b:y=\"&#9;&#10;&#13;&quot;&lt;>&amp;'\" z='\t\n\r\n' xmlns:c=\"u:c\">Nguy\u{1ec5}n V\u{103}n \u{1f600}</a:n>\
    <p xmlns=\"\" a:k=\"1\" k=\"2\"><q xmlns=\"u:e\"/><a:n xmlns:a=\"u:other\"/></p>&#13;&lt;]]&gt;&amp;\"\t\n</m>";

fn form(choice: u8) -> Canonicalization {
    let listed = |prefixes: &[&str]| {
        Canonicalization::Exclusive(prefixes.iter().map(|one| (*one).to_owned()).collect())
    };
    match choice % 4 {
        0 => listed(&[]),
        1 => listed(&["#default", "a"]),
        2 => listed(&["b", "nobody", "xml"]),
        _ => Canonicalization::Inclusive,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let document = match choice & 0x80 {
        0 => edited(ORIGINAL.as_bytes(), bytes),
        _ => bytes.to_vec(),
    };
    let Ok(once) = canonical_form(&document, &form(*choice), &Profile::default()) else {
        return;
    };
    // it is longer than what was read, and declares a namespace on each element that needs it
    let wide = Profile {
        bytes_max: usize::MAX,
        attributes_max: usize::MAX,
        ..Profile::default()
    };
    let again = |form: &Canonicalization, of: &[u8]| {
        canonical_form(of, form, &wide).expect("what is canonical can be read")
    };
    assert_eq!(again(&form(*choice), &once), once, "not canonical yet");
    // another form of the document is that form of what was written
    assert_eq!(again(&form(0), &once), again(&form(0), &document), "it says something else");
});
