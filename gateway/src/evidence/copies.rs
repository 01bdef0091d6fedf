//! Copies of checkpoints in a folder away from the store: text, signature, certificate and time-stamp, each a
//! file that `openssl` reads.
//!
//! Nothing is ever overwritten: a store that was put back and went on writes another file for the same record,
//! and both stay.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use certs::tsp::Token;
use gateway_store::{Checkpoint, SignedCheckpoint};

/// Writes one checkpoint down.
///
/// # Errors
/// Where the folder cannot be written to.
pub(crate) fn keep(
    folder: &Path,
    checkpoint: &Checkpoint,
    signed: &SignedCheckpoint,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = name(checkpoint, signed);
    let pem = certs::evidence::to_pem(&signed.certificate).unwrap_or_default();
    write(folder, &format!("{name}.sig"), &signed.signature)?;
    write(folder, &format!("{name}.pem"), &pem)?;
    // last: whoever reads the folder meanwhile finds what belongs to a text
    write(folder, &format!("{name}.txt"), &signed.text)
}

/// Writes its time-stamp down.
///
/// # Errors
/// Where the folder cannot be written to.
pub(crate) fn keep_token(
    folder: &Path,
    checkpoint: &Checkpoint,
    signed: &SignedCheckpoint,
    token: &Token,
) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = name(checkpoint, signed);
    let stamped = super::stamped(signed, checkpoint.last);
    write(folder, &format!("{name}.xml"), &stamped)?;
    write(folder, &format!("{name}.tst"), token.der())
}

/// Every checkpoint in the folder, each proven by the certificate beside it.
///
/// # Errors
/// Where a file cannot be read or a signature does not hold, by its name.
pub fn kept(folder: &Path) -> Result<Vec<Checkpoint>, String> {
    let told = |error: io::Error| format!("{}: {error}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_none_or(|ending| ending != "txt") {
            continue;
        }
        let beside = |ending: &str| fs::read(path.with_extension(ending)).map_err(told);
        let signed = SignedCheckpoint {
            text: beside("txt")?,
            signature: beside("sig")?,
            certificate: certs::evidence::first_certificate(&beside("pem")?).unwrap_or_default(),
        };
        let wrong = || format!("{}: its signature does not hold", path.display());
        all.push(signed.proven().ok_or_else(wrong)?);
    }
    Ok(all)
}

/// Writer and last record; the digest, since a forked chain has two of them.
fn name(checkpoint: &Checkpoint, signed: &SignedCheckpoint) -> String {
    let writer: String = checkpoint
        .writer
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let digest = certs::digest::sha256_hex(&signed.text);
    format!("{writer}-{:016}-{}", checkpoint.last, &digest[..8])
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(folder.join(name));
    let mut file = match file {
        Ok(file) => file,
        // the same content: its name holds the digest
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    file.write_all(bytes)?;
    file.sync_all()
}
