//! `journal/proof.json`: what the journal holds of each record, and its way to the checkpoint.

use serde::{Deserialize, Serialize};

/// The form of the file.
pub(super) const FORM: &str = "lienthong-journal-proof-v1";
/// Where it stands.
pub(super) const NAME: &str = "journal/proof.json";

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    pub(super) form: String,
    /// The evidence id under which everything about the message is kept.
    pub(super) evidence: String,
    /// Ascending.
    pub(super) records: Vec<Record>,
}

/// One record of the journal. Bytes are lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Its number in the journal.
    pub(super) seq: u64,
    /// request, answer, sending or receipt.
    pub(super) kind: String,
    /// The number of the kind.
    pub(super) code: u8,
    /// When it was appended, microseconds since 1970.
    pub(super) at: i64,
    /// 16 bytes.
    pub(super) evidence: String,
    /// Tagged fields.
    pub(super) metadata: String,
    /// The hash of the record before, 32 bytes.
    pub(super) before: String,
    /// Its own hash: SHA-256 over the hash before, number, time, kind, evidence, metadata and the SHA-256 of
    /// the sealed bytes, each preceded by its length (u64, big-endian).
    pub(super) hash: String,
    /// The entry with the sealed bytes.
    pub(super) sealed: String,
    /// The entry with the exact bytes; none where they were erased.
    pub(super) file: Option<String>,
    /// The record's own key (AES-256-GCM), 32 bytes.
    pub(super) key: Option<String>,
    /// The entry with the detached signature beside the bytes (JWS).
    pub(super) signature: Option<String>,
    /// In the place of bytes that were erased.
    pub(super) erased: Option<Erased>,
    /// None where no checkpoint covers it yet.
    pub(super) covered: Option<Covered>,
}

/// The tombstone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Erased {
    /// The article.
    pub(super) law: String,
    /// The record of the act.
    pub(super) act: u64,
    /// RFC 3339.
    pub(super) at: Option<String>,
}

/// The way to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Covered {
    /// The last record of the checkpoint, which its entries are named after.
    pub(super) checkpoint: u64,
    /// The path to its root, the nearest first (RFC 6962, 2.1.1).
    pub(super) path: Vec<String>,
}
