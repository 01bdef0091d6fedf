//! Which dossier claims a file: marked before the dossier is submitted, named when it is taken in, taken back when it is
//! refused for good. What is marked is never erased for want of a dossier.

use std::{fs, io};

use certs::digest;
use gateway_core::bulk::Announced;
use portal::papers::{Content, Kept};
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use serde::{Deserialize, Serialize};

use super::{
    Inner,
    file::{Paper, not_there},
};
use crate::bulk::disk;

/// A claim as it lies on the disk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claim {
    /// When it was made, seconds since 1970.
    pub(super) at: i64,
    /// The dossier's code; none where nobody knows yet.
    pub(super) dossier: Option<String>,
}

impl Inner {
    /// Finds or keeps each content, and marks it for the message of this key.
    pub(super) fn hold(
        &self,
        sender: &PartnerId,
        key: &[u8; 32],
        contents: &[Content],
    ) -> Result<Vec<Kept>, Fault> {
        let mut held = Vec::with_capacity(contents.len());
        for content in contents {
            match self.hold_one(sender, key, content) {
                Ok(kept) => held.push(kept),
                Err(fault) => {
                    // a dossier is held with all of its files or not at all
                    if fault.is_final() {
                        self.settle(sender, key, &held, None)?;
                    }
                    return Err(fault);
                }
            }
        }
        Ok(held)
    }

    fn hold_one(
        &self,
        sender: &PartnerId,
        key: &[u8; 32],
        content: &Content,
    ) -> Result<Kept, Fault> {
        let sha256 = match (&content.bytes, content.sha256) {
            (Some(bytes), named) => {
                let sha256 = digest::sha256(bytes);
                if named.is_some_and(|named| named != sha256) {
                    return Err(Fault::new(FaultCode::Invalid, "file-hash-differs").field("SHA256"));
                }
                self.put(sender, &sha256, bytes)?;
                self.judge(sender, &sha256, content.kind, "DuLieuTepDinhKem")?;
                sha256
            }
            (None, Some(named)) => named,
            (None, None) => return Err(not_there()),
        };
        let paper = self.find(sender, &sha256)?.ok_or_else(not_there)?;
        let _lock = paper.lock()?.ok_or_else(not_there)?;
        // one whose bytes are here and were not judged is no file yet
        let found = paper.found()?.ok_or_else(not_there)?;
        if found.kind()? != content.kind {
            let differs = Fault::new(FaultCode::Invalid, "file-type-differs-from-name");
            return Err(differs.field("TenTepDinhKem"));
        }
        let mark = mark(key);
        if paper.get::<Claim>(&mark)?.is_none() {
            paper.put(
                &mark,
                &Claim {
                    at: self.clock.now().as_second(),
                    dossier: None,
                },
            )?;
        }
        Ok(Kept {
            sha256,
            bytes: found.bytes,
            kind: content.kind,
        })
    }

    /// Keeps bytes that a dossier holds itself.
    fn put(
        &self,
        sender: &PartnerId,
        sha256: &[u8; 32],
        bytes: &bytes::Bytes,
    ) -> Result<(), Fault> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let announced = Announced {
            sha256: *sha256,
            bytes: length,
        };
        let mut spool = self.spool(sender, announced)?;
        let runtime = tokio::runtime::Handle::current();
        runtime.block_on(async {
            spool.write(bytes.clone()).await?;
            spool.finish().await
        })
    }

    /// Says what became of the dossier that files were held for.
    pub(super) fn settle(
        &self,
        sender: &PartnerId,
        key: &[u8; 32],
        held: &[Kept],
        dossier: Option<&str>,
    ) -> Result<(), Fault> {
        for kept in held {
            // erased meanwhile: its time to be kept is over
            let Some(paper) = self.find(sender, &kept.sha256)? else {
                continue;
            };
            let Some(_lock) = paper.lock()? else {
                continue;
            };
            self.settle_one(&paper, key, dossier)?;
        }
        Ok(())
    }

    fn settle_one(
        &self,
        paper: &Paper,
        key: &[u8; 32],
        dossier: Option<&str>,
    ) -> Result<(), Fault> {
        let mark = mark(key);
        let Some(claim) = paper.get::<Claim>(&mark)? else {
            return Ok(());
        };
        match (dossier, claim.dossier) {
            (Some(code), None) => paper.put(
                &mark,
                &Claim {
                    at: claim.at,
                    dossier: Some(code.to_owned()),
                },
            ),
            (None, None) => match fs::remove_file(paper.dir.join(&mark)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(disk(error)),
                _ => Ok(()),
            },
            (_, Some(_)) => Ok(()),
        }
    }
}

/// The name of a message's mark, which says nothing to whoever sees the folder.
fn mark(key: &[u8; 32]) -> String {
    let (half, _) = key.split_at(16);
    format!("{CLAIM}{}", hex::encode(half))
}

/// Before the key of a message in the name of its claim.
pub(super) const CLAIM: &str = "by-";
