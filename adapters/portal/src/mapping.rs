//! `MAPPING.md` says of every member what the tables in `schemas::wire::portal` say, no more and no less.

use schemas::wire::{
    object::{Fate, Field},
    portal,
};

const DOCUMENT: &str = include_str!("../MAPPING.md");

fn line(field: &Field) -> String {
    match field.fate {
        Fate::Carried(to) => format!("| `{}` | {to} | |", field.wire),
        Fate::NotCarried(why) => format!("| `{}` | | {why} |", field.wire),
    }
}

/// The heading and rows of one object, as the document has them.
fn section(object: &str) -> Vec<&'static str> {
    let heading = format!("### `{object}`");
    let below = DOCUMENT.lines().skip_while(|line| *line != heading).skip(1);
    below
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `"))
        .collect()
}

#[test]
fn every_member_of_the_wire_stands_in_the_document_with_its_fate() {
    let fields = portal::fields();
    for field in &fields {
        let rows: Vec<String> = fields
            .iter()
            .filter(|each| each.object == field.object)
            .map(line)
            .collect();
        assert_eq!(section(field.object), rows, "{}", field.object);
    }
}

#[test]
fn the_document_has_no_member_that_the_wire_has_not() {
    let rows = DOCUMENT
        .lines()
        .filter(|line| line.starts_with("| `"))
        .count();
    assert_eq!(rows, portal::fields().len());
}
