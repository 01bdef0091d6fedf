//! Every fault code has its page in `schemas/faults`, and every page its code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::fault::{FaultCode, Retry};

const SECTIONS: [&str; 5] = [
    "\n## What it means\n\n",
    "\n## Causes\n\n- ",
    "\n## What the caller does\n\n",
    "\n## What the operator does\n\n",
    "\n## Safe to retry?\n\n",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faults")
}

fn page(code: FaultCode) -> String {
    fs::read_to_string(folder().join(format!("{}.md", code.row().code))).unwrap_or_default()
}

#[test]
fn pages_and_codes_are_the_same_set() {
    let pages: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let codes: BTreeSet<String> = FaultCode::ALL
        .iter()
        .map(|code| format!("{}.md", code.row().code))
        .collect();
    assert_eq!(pages, codes);
}

#[test]
fn a_page_quotes_both_sentences_and_the_faces_of_its_code() {
    for &code in FaultCode::ALL {
        let (row, page) = (code.row(), page(code));
        let faces = format!(
            "| {} | {} | {} | {} | {} |",
            row.http,
            row.grpc,
            row.blame.as_str(),
            row.retry.as_str(),
            row.room
        );
        for expected in [
            format!("# {}\n", row.code),
            format!("> {}\n", row.en),
            format!("> {}\n", row.vi),
            faces,
        ] {
            assert!(
                page.contains(&expected),
                "{}.md lacks {expected:?}",
                row.code
            );
        }
    }
}

#[test]
fn a_page_has_every_section_in_order() {
    for &code in FaultCode::ALL {
        let page = page(code);
        let places: Vec<Option<usize>> =
            SECTIONS.iter().map(|section| page.find(section)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{}.md: {places:?}",
            code.row().code
        );
    }
}

#[test]
fn a_page_says_of_a_retry_what_its_code_says() {
    for &code in FaultCode::ALL {
        let page = page(code);
        let answer = page.split(SECTIONS[4]).nth(1).unwrap_or_default();
        let expected = if code.row().retry == Retry::Never {
            "No"
        } else {
            "Yes, with the same id"
        };
        assert!(answer.starts_with(expected), "{}.md", code.row().code);
    }
}
