//! `MAPPING.md` says of every member what the tables in `schemas::wire::opencrvs` say, no more and no less.

use schemas::wire::{object::departures, opencrvs};

const DOCUMENT: &str = include_str!("../MAPPING.md");

#[test]
fn every_member_of_the_wire_stands_in_the_document_with_its_fate_and_no_other() {
    assert_eq!(
        departures(DOCUMENT, &opencrvs::fields()),
        Vec::<String>::new()
    );
}
