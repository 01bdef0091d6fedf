//! `MAPPING.md` says of every element and member what the tables in `schemas::wire::hospital` say, no more and no less.

use schemas::wire::{hospital, object::departures};

const DOCUMENT: &str = include_str!("../MAPPING.md");

#[test]
fn every_element_of_the_wire_stands_in_the_document_with_its_fate_and_no_other() {
    assert_eq!(
        departures(DOCUMENT, &hospital::fields()),
        Vec::<String>::new()
    );
}
