//! Messages as the published words write them, good until a test bends them.

pub mod birth;
pub mod dci;
pub mod dossier;
pub mod json;
pub mod login;
pub mod notice;
pub mod tax;

pub use birth::Birth;
pub use dci::Notify;
pub use json::Json;
pub use notice::Notice;
pub use tax::Tax;

/// What goes over the wire beside Host and Content-Length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The path.
    pub path: &'static str,
    /// The media type.
    pub content_type: String,
    /// The detached JWS beside a JSON body.
    pub signature: Option<String>,
    /// The exact bytes.
    pub body: Vec<u8>,
}

/// An id that was never used.
#[must_use]
pub fn fresh_id(partner: &str) -> String {
    format!("{partner}-{}", uuid::Uuid::now_v7().simple())
}

/// Lower-case hex of the content digest: each part preceded by its length, 8 bytes big-endian.
#[must_use]
pub fn content_digest(operation: &str, sender: &str, receiver: &str, payload: &[u8]) -> String {
    let mut hash = certs::digest::Sha256::new();
    for part in [
        operation.as_bytes(),
        sender.as_bytes(),
        receiver.as_bytes(),
        payload,
    ] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finish())
}
