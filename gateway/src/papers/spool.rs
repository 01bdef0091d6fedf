//! A part on its way in: its blocks go into a draft of its folder, which gets its name when it is whole.

use std::{
    fs::{self, File},
    path::PathBuf,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::bulk::{Announced, Spool};
use schemas::{fault::Fault, id::PartnerId};

use super::{Inner, file::BYTES};
use crate::bulk::{Known, Target, Writing, aside, disk};

/// A file that is being written. Its folder goes away with it unless it is finished.
struct Coming {
    writing: Option<Writing>,
    draft: PathBuf,
    place: PathBuf,
}

impl Inner {
    /// A place for the bytes of a file.
    pub(super) fn spool(
        &self,
        sender: &PartnerId,
        announced: Announced,
    ) -> Result<Box<dyn Spool>, Fault> {
        if self.find(sender, &announced.sha256)?.is_some() {
            return Ok(Box::new(Known));
        }
        let reserved = self.room.reserve(announced.bytes)?;
        let (place, name) = self.place(sender, &announced.sha256);
        let draft = self.draft(sender);
        fs::create_dir_all(&draft).map_err(disk)?;
        let mut coming = Coming {
            writing: None,
            place,
            draft: draft.clone(),
        };
        let target = Target {
            cover: self.lock_up(&draft, &name)?,
            draft: draft.join("draft"),
            place: draft.join(BYTES),
            name,
            reserved,
        };
        coming.writing = Some(Writing::open(target).map_err(disk)?);
        Ok(Box::new(coming))
    }
}

impl Spool for Coming {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Fault>> {
        match &mut self.writing {
            Some(writing) => writing.write(piece),
            None => Box::pin(std::future::ready(Err(disk("written after its end")))),
        }
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async move {
            if let Some(writing) = self.writing.take() {
                Box::new(writing).finish().await?;
            }
            aside(move || {
                match fs::rename(&self.draft, &self.place) {
                    // somebody else was quicker with the same bytes
                    Err(_) if self.place.exists() => return Ok(()),
                    renamed => renamed?,
                }
                match self.place.parent() {
                    Some(parent) => File::open(parent)?.sync_all(),
                    None => Ok(()),
                }
            })
            .await
        })
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        // gone already where it was finished
        let _ = fs::remove_dir_all(&self.draft);
    }
}
