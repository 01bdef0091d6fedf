//! Fault points: each stands where its name says, and what is shipped has none.

use std::{collections::BTreeMap, fs, path::Path};

use gateway_core::faultpoint::POINTS;

#[test]
fn every_fault_point_stands_in_the_source_once_and_at_the_commit_of_each_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeMap::new();
    for folder in [
        "gateway/core/src",
        "gateway/store/src",
        "gateway/src",
        "adapters/insurance/src",
    ] {
        count(&root.join(folder), &mut found);
    }
    for point in POINTS {
        let writers = if point.starts_with("store-commit") {
            2
        } else {
            1
        };
        assert_eq!(found.remove(*point), Some(writers), "{point}");
    }
    assert!(found.is_empty(), "not in the list: {found:?}");
}

fn count(folder: &Path, found: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            count(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for rest in text.split("faultpoint!(\"").skip(1) {
            let name = rest.split('"').next().unwrap().to_owned();
            *found.entry(name).or_default() += 1;
        }
    }
}

#[test]
fn the_shipped_program_has_no_fault_point() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    assert!(
        !manifest.contains("faultpoints"),
        "the shipped package could have them"
    );
    let me = std::env::current_exe().unwrap();
    let program = me.ancestors().nth(2).unwrap().join("lienthong");
    let Ok(bytes) = fs::read(&program) else {
        println!("not run: {} is not built", program.display());
        return;
    };
    let variable = b"LIENTHONG_FAULTPOINT";
    let has = bytes.windows(variable.len()).any(|piece| piece == variable);
    assert!(!has, "{} can be told to end itself", program.display());
}
