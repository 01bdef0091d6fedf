//! Writes the vectors of DCI's signatures: `cargo run -p conformance --example dci_vectors -- conformance/vectors/dci`.
#![allow(missing_docs, reason = "an example has no callers")]

use std::path::PathBuf;

use conformance::crvs::vectors;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.map_or_else(|| PathBuf::from("conformance/vectors/dci"), PathBuf::from);
    for (name, suite) in vectors::all() {
        std::fs::write(folder.join(name), vectors::text(&suite))?;
    }
    Ok(())
}
