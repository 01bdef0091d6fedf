//! `MAPPING.md` says of every member what the tables in `schemas::wire::portal` say, no more and no less.

use schemas::wire::{
    object::{Field, departures},
    payment, portal,
};

const DOCUMENT: &str = include_str!("../MAPPING.md");

fn fields() -> Vec<Field> {
    [portal::fields(), payment::fields()].concat()
}

#[test]
fn every_member_of_the_wire_stands_in_the_document_with_its_fate_and_no_other() {
    assert_eq!(departures(DOCUMENT, &fields()), Vec::<String>::new());
}

#[test]
fn a_row_that_is_missing_or_wrong_is_told() {
    let fields = fields();
    let row = DOCUMENT.lines().find(|line| line.starts_with("| `"));
    let row = row.unwrap();
    let object = fields[0].object.to_owned();
    let wrong = DOCUMENT.replacen(row, &format!("{row} "), 1);
    assert_eq!(departures(&wrong, &fields), vec![object.clone()]);
    let missing = DOCUMENT.replacen(&format!("{row}\n"), "", 1);
    let rows = format!("{} rows for {} members", fields.len() - 1, fields.len());
    assert_eq!(departures(&missing, &fields), [object, rows]);
}
