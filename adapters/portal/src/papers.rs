//! The files of a dossier: announced, sent as upload parts, named by their SHA-256; or in the dossier itself.
//!
//! What a file is, is read from its first bytes and never believed of its name: PDF, JPEG and PNG are taken, at byte 0,
//! and nothing is ever unpacked. It refuses to know where files are kept.

mod read;

use futures_util::future::BoxFuture;
use gateway_core::{Context, Encoded, Unsigned, bulk::Ticket, files::nowhere};
use jiff::Timestamp;
use schemas::{
    date::portal_time,
    fault::Fault,
    id::MessageId,
    wire::portal::{self, PartTaken, UploadTaken},
};

pub use gateway_core::files::{Content, Files, Kept, NoFiles};
pub(crate) use read::{announce, attached, file_name, part};
pub use schemas::file_kind::Kind;

/// Files that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The message's id, which the parts' paths name.
    pub id: MessageId,
    /// Each, by its part's number less one.
    pub files: Vec<Announced>,
}

/// One file that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// What its name says it is.
    pub kind: Kind,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many there are.
    pub bytes: u64,
}

/// Where the files of dossiers are kept, and awaited.
pub trait Papers: Files {
    /// Awaits the parts of an announcement, and tells until when. The same one again changes nothing.
    fn announce(
        &self,
        context: Context,
        announcement: &Announcement,
    ) -> BoxFuture<'_, Result<Timestamp, Fault>>;

    /// Judges a part whose bytes are those announced: its type, what the scanner says. One that is refused is gone.
    fn take(&self, context: Context, ticket: &Ticket) -> BoxFuture<'_, Result<Kept, Fault>>;
}

impl Papers for NoFiles {
    fn announce(
        &self,
        _context: Context,
        _announcement: &Announcement,
    ) -> BoxFuture<'_, Result<Timestamp, Fault>> {
        nowhere()
    }

    fn take(&self, _context: Context, _ticket: &Ticket) -> BoxFuture<'_, Result<Kept, Fault>> {
        nowhere()
    }
}

/// The receipt of an announcement.
pub(crate) fn announced(asked: &Announcement, until: Timestamp) -> Encoded {
    said(portal::encode(&UploadTaken {
        id: asked.id.to_string(),
        files: i64::try_from(asked.files.len()).unwrap_or(i64::MAX),
        until: portal_time::format(until),
    }))
}

/// The receipt of a part.
pub(crate) fn taken(ticket: &Ticket, kept: &Kept) -> Encoded {
    said(portal::encode(&PartTaken {
        id: ticket.chunk.manifest.to_string(),
        number: i64::from(ticket.chunk.number),
        sha256: hex(&kept.sha256),
        bytes: i64::try_from(kept.bytes).unwrap_or(i64::MAX),
        media_type: kept.kind.media_type().to_owned(),
    }))
}

fn said(body: Vec<u8>) -> Encoded {
    Encoded {
        unsigned: Unsigned::Json(body),
        callbacks: Vec::new(),
        persons: Vec::new(),
    }
}

/// 64 lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files of one announcement, and papers of one dossier.
pub const FILES_MAX: usize = 20;

#[cfg(test)]
mod tests;
