//! The parsing vectors of nst/JSONTestSuite against the strict reader.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use schemas::json::{Limits, Reason, check};

/// Valid by RFC 8259, refused by our rules: two with a key twice, two with an escaped NUL.
const REFUSED_BY_OUR_RULES: [(&str, Reason); 4] = [
    ("y_object_duplicated_key.json", Reason::DuplicateKey),
    (
        "y_object_duplicated_key_and_value.json",
        Reason::DuplicateKey,
    ),
    ("y_object_escaped_null_in_key.json", Reason::Nul),
    ("y_string_null_escape.json", Reason::Nul),
];

/// The number of vectors of each kind in the suite's version 1ef36fa.
const EXPECTED: [(&str, usize); 3] = [("y_", 95), ("n_", 188), ("i_", 35)];

#[test]
fn every_invalid_vector_is_refused_and_every_valid_one_but_four_is_accepted() {
    let Some(vectors) = vectors() else {
        println!("not run: vectors absent");
        return;
    };
    for (prefix, count) in EXPECTED {
        assert_eq!(
            vectors
                .iter()
                .filter(|(name, _)| name.starts_with(prefix))
                .count(),
            count,
            "vectors {prefix}"
        );
    }
    let wrong: Vec<&str> = vectors
        .iter()
        .filter(|(name, bytes)| !verdict_is_right(name, bytes))
        .map(|(name, _)| name.as_str())
        .collect();
    let names: Vec<&str> = REFUSED_BY_OUR_RULES.iter().map(|(name, _)| *name).collect();
    println!(
        "json vectors: {} passed, {} run, {} excluded ({})",
        vectors.len() - names.len() - wrong.len(),
        vectors.len() - names.len(),
        names.len(),
        names.join(", ")
    );
    assert!(wrong.is_empty(), "wrong verdict: {wrong:?}");
}

fn verdict_is_right(name: &str, bytes: &[u8]) -> bool {
    let verdict = check(
        bytes,
        &Limits {
            depth_max: 64,
            ..Limits::default()
        },
    );
    if let Some((_, reason)) = REFUSED_BY_OUR_RULES
        .iter()
        .find(|(refused, _)| *refused == name)
    {
        return verdict.is_err_and(|error| error.reason() == *reason);
    }
    match name.as_bytes().first() {
        Some(b'y') => verdict.is_ok(),
        Some(b'n') => verdict.is_err(),
        _ => true,
    }
}

fn vectors() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/vectors/jsontestsuite/test_parsing");
    let paths: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .map(|entry| entry.unwrap().path())
        .collect();
    Some(
        paths
            .iter()
            .map(|path| {
                (
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    fs::read(path).unwrap(),
                )
            })
            .collect(),
    )
}
