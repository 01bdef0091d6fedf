//! Compiles the contracts in `proto/` with protox, so that no `protoc` is needed, and lists the files of
//! `procedures/`: one more file is one more procedure.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = [
        "proto/insurance/v1/insurance.proto",
        "proto/admin/v1/admin.proto",
    ];
    for proto in protos {
        println!("cargo:rerun-if-changed={proto}");
    }
    let descriptors = protox::compile(protos, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    tonic_prost_build::configure()
        .out_dir(&out)
        .build_transport(false)
        .compile_fds(descriptors)?;
    list_procedures(&out)
}

/// Writes the texts of all procedures, in the order of their files' names, as one Rust expression.
fn list_procedures(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=procedures");
    let folder = fs::canonicalize("procedures")?;
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let mut list = "&[".to_owned();
    for file in files {
        write!(list, "include_str!({:?}),", file.display().to_string())?;
    }
    fs::write(out.join("procedures.rs"), list + "]")?;
    Ok(())
}
