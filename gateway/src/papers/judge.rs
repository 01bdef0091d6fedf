//! A file is what its name says, and nothing was found in it: judged once, when all of its bytes are there.

use std::time::Duration;

use portal::papers::{Kept, Kind};
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};

use super::{
    Inner,
    file::{Found, Lock, Paper},
    scan::Verdict,
};
use crate::bulk::disk;

impl Inner {
    /// Judges a file whose bytes lie here, or tells again what was found. One that is refused is gone.
    pub(super) fn judge(
        &self,
        sender: &PartnerId,
        sha256: &[u8; 32],
        named: Kind,
        field: &'static str,
    ) -> Result<Kept, Fault> {
        // bytes that were refused or erased meanwhile are sent again
        let lost = || Fault::new(FaultCode::OutOfOrder, "chunk-bytes-lost");
        let paper = self.find(sender, sha256)?.ok_or_else(lost)?;
        let lock = paper.lock()?.ok_or_else(lost)?;
        let found = match paper.found()? {
            Some(found) => found,
            None => self.look(&paper, &lock, (named, field))?,
        };
        is_named(found.kind()?, named, field)?;
        Ok(Kept {
            sha256: *sha256,
            bytes: found.bytes,
            kind: found.kind()?,
        })
    }

    fn look(
        &self,
        paper: &Paper,
        lock: &Lock,
        (named, field): (Kind, &'static str),
    ) -> Result<Found, Fault> {
        let (kind, bytes) = read(paper)?;
        let judged = match kind {
            None => Err(Fault::new(FaultCode::Invalid, "file-type-not-taken").field(field)),
            Some(kind) => is_named(kind, named, field).map(|()| kind),
        };
        let judged = judged.and_then(|kind| self.search(paper).map(|()| kind));
        match judged {
            Ok(kind) => {
                let found = Found {
                    media_type: kind.media_type().to_owned(),
                    bytes,
                };
                paper.keep(&found, lock)?;
                Ok(found)
            }
            Err(fault) if fault.is_final() => {
                paper.erase(lock)?;
                Err(fault)
            }
            Err(fault) => Err(fault),
        }
    }

    fn search(&self, paper: &Paper) -> Result<(), Fault> {
        let Some(scanner) = &self.scanner else {
            return Ok(());
        };
        match scanner.scan(paper.blocks()?, self.scan_time) {
            Ok(Verdict::Clean) => Ok(()),
            Ok(Verdict::Found(name)) => {
                Err(Fault::new(FaultCode::Invalid, "malware-found").log(name))
            }
            Err(error) => Err(Fault::new(FaultCode::ScannerUnavailable, "scanner-down")
                .retry_after(Duration::from_secs(10))
                .log(error.to_string())),
        }
    }
}

/// What its first bytes say it is, and how many there are.
fn read(paper: &Paper) -> Result<(Option<Kind>, u64), Fault> {
    let (mut kind, mut bytes) = (None, 0_u64);
    for block in paper.blocks()? {
        let block = block.map_err(disk)?;
        if bytes == 0 {
            kind = Kind::of_bytes(&block);
        }
        bytes += u64::try_from(block.len()).unwrap_or(u64::MAX);
    }
    Ok((kind, bytes))
}

fn is_named(found: Kind, named: Kind, field: &'static str) -> Result<(), Fault> {
    match found == named {
        true => Ok(()),
        false => Err(Fault::new(FaultCode::Invalid, "file-type-differs-from-name").field(field)),
    }
}
