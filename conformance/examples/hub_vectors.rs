//! Writes the vectors of OpenCRVS's keyed hash: `cargo run -p conformance --example hub_vectors -- conformance/vectors/opencrvs`.
#![allow(missing_docs, reason = "an example has no callers")]

use std::path::PathBuf;

use conformance::opencrvs::vectors;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.map_or_else(
        || PathBuf::from("conformance/vectors/opencrvs"),
        PathBuf::from,
    );
    for (name, suite) in vectors::all() {
        std::fs::write(folder.join(name), vectors::text(&suite))?;
    }
    Ok(())
}
