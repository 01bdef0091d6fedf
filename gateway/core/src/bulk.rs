//! Bulk is many messages: a signed manifest announces chunks, and each chunk is a message of its own, proven by the
//! digest that the manifest announces for it.
//!
//! A chunk is never held in memory on its way in: its bytes go to a [`Bulk`] port while they are hashed, and what goes
//! through the rooms is its [`Ticket`]. The journal keeps the ticket, the port keeps the bytes.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    json,
};
use serde::Deserialize;

use crate::adapter::Route;

/// A chunk by its place: which one of which manifest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChunkName {
    /// The manifest's id, the sender's own.
    pub manifest: MessageId,
    /// From 1.
    pub number: u32,
}

impl ChunkName {
    /// The id under which the chunk is remembered: `<manifest>.<number>`; none where that would be too long.
    #[must_use]
    pub fn id(&self) -> Option<MessageId> {
        MessageId::parse(&format!("{}.{}", self.manifest, self.number)).ok()
    }
}

impl Route {
    /// Whether this is the door of a path: the path itself, or a chunk's, where the route is one of chunks.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        match self.bulk {
            None => self.path == path,
            Some(_) => self.chunk(path).is_some(),
        }
    }

    /// The chunk that a path names: `{manifest}` stands for a message id, `{chunk}` for a number from 1.
    #[must_use]
    pub fn chunk(&self, path: &str) -> Option<ChunkName> {
        let (mut manifest, mut number) = (None, None);
        let mut said = path.split('/');
        for part in self.path.split('/') {
            let word = said.next()?;
            match part {
                "{manifest}" => manifest = Some(MessageId::parse(word).ok()?),
                "{chunk}" => number = Some(place(word)?),
                literal if literal == word => {}
                _ => return None,
            }
        }
        let chunk = ChunkName {
            manifest: manifest?,
            number: number?,
        };
        (said.next().is_none() && chunk.id().is_some()).then_some(chunk)
    }
}

/// A number from 1 in its one spelling.
fn place(word: &str) -> Option<u32> {
    let number: u32 = word.parse().ok()?;
    (number > 0 && number.to_string() == word).then_some(number)
}

/// What stands for a chunk in the rooms and in the journal: its name, whose it is, its digest and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Whose manifest.
    pub sender: PartnerId,
    /// Which chunk.
    pub chunk: ChunkName,
    /// SHA-256 of its bytes as they came.
    pub sha256: [u8; 32],
    /// How many bytes came.
    pub bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    bytes: u64,
    chunk: u32,
    manifest: String,
    sender: String,
    sha256: String,
}

impl Ticket {
    /// The ticket as one line of JSON, always the same for the same chunk.
    #[must_use]
    pub fn text(&self) -> Bytes {
        let digest: String = self
            .sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let (ChunkName { manifest, number }, sender) = (&self.chunk, &self.sender);
        let bytes = self.bytes;
        // every text in it is of letters, digits and `._-`
        Bytes::from(format!(
            r#"{{"bytes":{bytes},"chunk":{number},"manifest":"{manifest}","sender":"{sender}","sha256":"{digest}"}}"#
        ))
    }

    /// Reads a ticket back from the journal.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let wire: Wire = json::read(text, &LIMITS).ok()?;
        Some(Self {
            sender: PartnerId::parse(&wire.sender).ok()?,
            chunk: ChunkName {
                manifest: MessageId::parse(&wire.manifest).ok()?,
                number: wire.chunk,
            },
            sha256: unhex(&wire.sha256)?,
            bytes: wire.bytes,
        })
    }
}

/// Reads a SHA-256 of 64 lower-case hexadecimal digits.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(digest)
}

/// What a manifest announces of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many there are.
    pub bytes: u64,
}

/// What was announced of a chunk, and a place for its bytes.
pub type Place = (Announced, Box<dyn Spool>);

/// Where manifests are known and the bytes of chunks are kept, encrypted and bounded.
pub trait Bulk: Send + Sync + 'static {
    /// What was announced of a chunk that may come now.
    fn announced(
        &self,
        sender: &PartnerId,
        chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Announced, Fault>>;

    /// The same, with a place for its bytes, at most as many as announced.
    fn spool(&self, sender: &PartnerId, chunk: &ChunkName) -> BoxFuture<'_, Result<Place, Fault>>;
}

/// One chunk on its way in. Dropped before it is finished, it leaves nothing behind.
pub trait Spool: Send {
    /// Takes some bytes more.
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Fault>>;

    /// The bytes are those announced: they are kept, and on disk when this resolves.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>>;
}

/// No manifests at all: every chunk is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBulk;

impl Bulk for NoBulk {
    fn announced(
        &self,
        _sender: &PartnerId,
        _chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Announced, Fault>> {
        Box::pin(std::future::ready(Err(no_manifest())))
    }

    fn spool(
        &self,
        _sender: &PartnerId,
        _chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Place, Fault>> {
        Box::pin(std::future::ready(Err(no_manifest())))
    }
}

/// The refusal of a chunk whose manifest has not come.
#[must_use]
pub fn no_manifest() -> Fault {
    Fault::new(FaultCode::OutOfOrder, "manifest-unknown")
}

const LIMITS: json::Limits = json::Limits {
    bytes_max: 1_024,
    depth_max: 2,
    members_max: 8,
    items_max: 1,
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;

    use super::*;
    use crate::policy::tests::VERIFY;

    const DOOR: Route = Route {
        path: "/t/v1/manifests/{manifest}/chunks/{chunk}",
        method: Method::PUT,
        body_bytes_max: 1,
        deadline: Duration::ZERO,
        bulk: Some(&VERIFY),
    };

    #[test]
    fn a_chunks_path_is_its_manifest_and_a_number_from_one_in_one_spelling() {
        let chunk = DOOR
            .chunk("/t/v1/manifests/month-2026-10/chunks/12")
            .unwrap();
        assert_eq!(
            (chunk.manifest.as_str(), chunk.number),
            ("month-2026-10", 12)
        );
        assert_eq!(chunk.id().unwrap().as_str(), "month-2026-10.12");
        let long = "m".repeat(127);
        for path in [
            "/t/v1/manifests/month-2026-10/chunks/0",
            "/t/v1/manifests/month-2026-10/chunks/012",
            "/t/v1/manifests/month-2026-10/chunks/+1",
            "/t/v1/manifests/month-2026-10/chunks/",
            "/t/v1/manifests/month-2026-10/chunks/1/",
            "/t/v1/manifests/month-2026-10/chunks",
            "/t/v1/manifests/short/chunks/1",
            "/t/v1/manifests/month%2D2026/chunks/1",
            "/t/v1/manifests//chunks/1",
            "/t/v1/others/month-2026-10/chunks/1",
            &format!("/t/v1/manifests/{long}/chunks/1"),
        ] {
            assert!(!DOOR.takes(path), "{path}");
        }
    }

    #[test]
    fn a_ticket_is_read_back_and_nothing_else_is_one() {
        let ticket = Ticket {
            sender: PartnerId::parse("tax").unwrap(),
            chunk: ChunkName {
                manifest: MessageId::parse("month-2026-10").unwrap(),
                number: 3,
            },
            sha256: [0xa7; 32],
            bytes: 16 << 20,
        };
        let text = ticket.text();
        assert_eq!(Ticket::parse(&text), Some(ticket));
        let text = std::str::from_utf8(&text).unwrap();
        for changed in [
            text.replace("a7", "A7"),
            text.replace("\"tax\"", "\"TAX\""),
            text.replace("{", "{\"more\":1,"),
            text.replace("a7\"}", "\"}"),
        ] {
            assert_eq!(Ticket::parse(changed.as_bytes()), None, "{changed}");
        }
    }
}
