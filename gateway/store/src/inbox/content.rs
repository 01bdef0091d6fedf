//! What the records of a message and of its answer say beside their bodies, sealed and opened.

use gateway_core::head::Evidence;
use gateway_core::ports::{Entry, StoreError, StoredAnswer, Unfinished};
use gateway_core::seal::Vault;

use crate::access::Shown;
use crate::journal::{Draft, Kind, Record};
use crate::meta::{Fields, Meta, Tag, missing};

/// Everything needed to act again.
pub(crate) fn reopen(vault: &Vault, record: &Record, lost: u32) -> Result<Unfinished, StoreError> {
    let body = record.open(vault)?;
    let meta = Meta::parse(&record.metadata).ok_or_else(|| missing(record.seq))?;
    let read = || {
        Some(Unfinished {
            evidence: record.evidence(),
            path: meta.text(Tag::Path)?,
            peer: meta.partner(Tag::Peer)?,
            peer_certificate: meta.array(Tag::PeerCertificate)?,
            received_at: meta.time(Tag::ReceivedAt)?,
            content_type: meta.text(Tag::ContentType)?,
            signature: meta.text(Tag::Signature),
            attested: meta.text(Tag::Attested),
            body: body.into(),
            lost,
        })
    };
    read().ok_or_else(|| missing(record.seq))
}

pub(super) fn request_metadata(entry: &Entry) -> Vec<u8> {
    Fields::new()
        .put(Tag::Sender, entry.sender.as_str())
        .put(Tag::MessageId, entry.id.as_str())
        .put(Tag::Operation, entry.operation)
        .put(Tag::ContentDigest, entry.digest)
        .put_time(Tag::ReceivedAt, entry.received_at)
        .put_time(Tag::SentAt, entry.sent_at)
        .put(Tag::Peer, entry.peer.as_str())
        .put(Tag::PeerCertificate, entry.peer_certificate)
        .put(Tag::Road, entry.road)
        .put(Tag::Path, &entry.path)
        .put(Tag::Proof, entry.proof)
        .put(Tag::Rule, &entry.rule)
        .put(Tag::Purpose, &entry.purpose)
        .put(Tag::FieldNames, &entry.fields)
        .put(Tag::ContentType, &entry.content_type)
        .put_some(Tag::Signature, entry.signature.as_deref())
        .put_some(Tag::Attested, entry.attested.as_deref())
        .finish()
}

/// Seals an answer under the evidence of its request; it names the rows of the access ledger beside it.
pub(crate) fn seal_answer(
    vault: &Vault,
    evidence: Evidence,
    answer: &StoredAnswer,
    shown: &Shown,
) -> Draft {
    let metadata = Fields::new()
        .put(Tag::ContentType, &answer.content_type)
        .put_some(Tag::Signature, answer.signature.as_deref())
        .put(Tag::Status, answer.status.to_be_bytes())
        .put_some(Tag::Fault, answer.fault.as_deref())
        .put_some(Tag::Shown, shown.digest())
        .finish();
    Draft::seal(vault, Kind::Answer, evidence, metadata, &answer.body)
}

/// The answer, byte for byte as it was committed.
pub(crate) fn open_answer(vault: &Vault, record: &Record) -> Result<StoredAnswer, StoreError> {
    let body = record.open(vault)?;
    let meta = Meta::parse(&record.metadata).ok_or_else(|| missing(record.seq))?;
    let read = || {
        Some(StoredAnswer {
            evidence: record.evidence(),
            status: meta.array(Tag::Status).map(u16::from_be_bytes)?,
            content_type: meta.text(Tag::ContentType)?,
            signature: meta.text(Tag::Signature),
            fault: meta.text(Tag::Fault),
            body: body.into(),
        })
    };
    read().ok_or_else(|| missing(record.seq))
}
