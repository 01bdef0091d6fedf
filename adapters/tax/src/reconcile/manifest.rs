//! What a partner announces before it sends: whose records, which month and provinces, how many, and the digest of
//! each chunk. Own profile, version 1: `schemas/json/tax-records/v1/manifest.schema.json`.
//!
//! A manifest is the signed message; chunks are proven by the digests in it. Its id makes it one: the same id with
//! other content is another manifest's business to refuse.

use schemas::{
    id::{MessageId, Period},
    json,
    wire::tax_records::{CHUNK_BYTES_MAX, Form, Kind, Party},
};
use serde::{Deserialize, Serialize};

use super::{Scope, Totals};
use crate::unpack::Packing;

/// A manifest that adds up in itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its id; a manifest is taken once.
    pub id: MessageId,
    /// Whose records.
    pub party: Party,
    /// Employers or persons.
    pub kind: Kind,
    /// The month.
    pub period: Period,
    /// The provinces that records may be of.
    pub scope: Scope,
    /// How chunks are written.
    pub form: Form,
    /// How chunks are packed.
    pub packing: Packing,
    /// The chunks, numbered from 1 in this order.
    pub chunks: Vec<Announced>,
    /// All records and amounts.
    pub totals: Totals,
}

/// One chunk as announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// SHA-256 of its bytes as they are sent.
    pub digest: [u8; 32],
    /// How many bytes are sent.
    pub bytes: u64,
    /// Its records and amounts.
    pub totals: Totals,
}

/// Why a manifest is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// No strict JSON of this profile.
    #[error("no manifest of this profile")]
    Malformed,
    /// A value against its rule.
    #[error("the manifest's {0} breaks its rule")]
    Value(&'static str),
    /// A month that has not ended.
    #[error("the month has not ended")]
    Future,
    /// The chunks do not give the totals.
    #[error("totals do not add up")]
    Totals,
    /// More records or chunks than agreed.
    #[error("more than agreed")]
    TooMany,
    /// A province that is not the sender's.
    #[error("a province outside the agreement")]
    Province,
    /// The records are not the sender's own.
    #[error("records of the other party")]
    Party,
}

/// What the agreement allows.
#[derive(Debug, Clone, Copy)]
pub struct Agreed {
    /// Whose records the sender may send.
    pub party: Party,
    /// The provinces that it may send.
    pub scope: Scope,
    /// Most records of one manifest.
    pub records_max: u64,
    /// The month that runs; only those before it can be reconciled.
    pub running: Period,
}

impl Manifest {
    /// Reads a manifest and holds it against the agreement.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn parse(bytes: &[u8], agreed: &Agreed) -> Result<Self, ManifestError> {
        let wire: Wire = json::read(bytes, &LIMITS).map_err(|_| ManifestError::Malformed)?;
        let manifest = wire.typed()?;
        manifest.check(agreed)?;
        Ok(manifest)
    }

    /// Reads back a manifest that was held against its agreement before.
    ///
    /// # Errors
    /// What [`Manifest::text`] did not write.
    pub fn stored(bytes: &[u8]) -> Result<Self, ManifestError> {
        let wire: Wire = json::read(bytes, &LIMITS).map_err(|_| ManifestError::Malformed)?;
        wire.typed()
    }

    fn check(&self, agreed: &Agreed) -> Result<(), ManifestError> {
        if self.party != agreed.party {
            return Err(ManifestError::Party);
        }
        if self.period >= agreed.running {
            return Err(ManifestError::Future);
        }
        if !self.scope.is_within(agreed.scope) {
            return Err(ManifestError::Province);
        }
        if self.totals.records > agreed.records_max {
            return Err(ManifestError::TooMany);
        }
        let sum = self
            .chunks
            .iter()
            .try_fold(Totals::default(), |sum, chunk| sum.plus(chunk.totals));
        match sum == Some(self.totals) {
            true => Ok(()),
            false => Err(ManifestError::Totals),
        }
    }

    /// Writes the manifest, as it is signed.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec(&Wire::of(self)).unwrap_or_default()
    }

    /// A chunk by its number from 1.
    #[must_use]
    pub fn chunk(&self, number: u32) -> Option<&Announced> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.chunks.get(place)
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    manifest: String,
    id: String,
    party: String,
    kind: String,
    period: String,
    provinces: Vec<String>,
    form: String,
    packing: String,
    records: u64,
    amount: u64,
    chunks: Vec<WireChunk>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireChunk {
    sha256: String,
    bytes: u64,
    records: u64,
    amount: u64,
}

impl Wire {
    fn typed(self) -> Result<Manifest, ManifestError> {
        use ManifestError::Value;
        if self.manifest != VERSION {
            return Err(Value("manifest"));
        }
        Ok(Manifest {
            id: MessageId::parse(&self.id).map_err(|_| Value("id"))?,
            party: word(
                &self.party,
                [Party::Si, Party::Tax].map(|one| (one, one.as_str())),
            )
            .ok_or(Value("party"))?,
            kind: word(
                &self.kind,
                [Kind::Employer, Kind::Person].map(|one| (one, one.as_str())),
            )
            .ok_or(Value("kind"))?,
            period: Period::parse(&self.period).map_err(|_| Value("period"))?,
            scope: Scope::parse(&self.provinces).ok_or(Value("provinces"))?,
            form: word(&self.form, FORMS).ok_or(Value("form"))?,
            packing: word(&self.packing, Packing::WORDS).ok_or(Value("packing"))?,
            chunks: self
                .chunks
                .iter()
                .map(WireChunk::typed)
                .collect::<Option<_>>()
                .ok_or(Value("chunks"))?,
            totals: Totals {
                records: self.records,
                amount: self.amount,
            },
        })
    }

    fn of(manifest: &Manifest) -> Self {
        Self {
            manifest: VERSION.to_owned(),
            id: manifest.id.as_str().to_owned(),
            party: manifest.party.as_str().to_owned(),
            kind: manifest.kind.as_str().to_owned(),
            period: manifest.period.to_string(),
            provinces: manifest.scope.words(),
            form: written(manifest.form, FORMS),
            packing: written(manifest.packing, Packing::WORDS),
            records: manifest.totals.records,
            amount: manifest.totals.amount,
            chunks: manifest.chunks.iter().map(WireChunk::of).collect(),
        }
    }
}

impl WireChunk {
    fn typed(&self) -> Option<Announced> {
        let allowed = (1..=CHUNK_BYTES_MAX as u64).contains(&self.bytes);
        Some(Announced {
            digest: unhex(self.sha256.as_bytes()).filter(|_| allowed)?,
            bytes: self.bytes,
            totals: Totals {
                records: self.records,
                amount: self.amount,
            },
        })
    }

    fn of(chunk: &Announced) -> Self {
        Self {
            sha256: chunk
                .digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            bytes: chunk.bytes,
            records: chunk.totals.records,
            amount: chunk.totals.amount,
        }
    }
}

fn word<T: Copy, const N: usize>(text: &str, words: [(T, &str); N]) -> Option<T> {
    words
        .iter()
        .find(|(_, word)| *word == text)
        .map(|(one, _)| *one)
}

fn written<T: PartialEq, const N: usize>(one: T, words: [(T, &str); N]) -> String {
    words
        .iter()
        .find(|(other, _)| *other == one)
        .map_or("", |(_, word)| word)
        .to_owned()
}

/// 64 lower-case hexadecimal digits.
fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_chunks();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(digest)
}

const VERSION: &str = "v1";
const FORMS: [(Form, &str); 2] = [(Form::Xml, "xml"), (Form::Ndjson, "ndjson")];

/// 4,096 chunks of 16 MiB are 64 GiB.
const LIMITS: json::Limits = json::Limits {
    bytes_max: 1 << 20,
    depth_max: 4,
    members_max: 16,
    items_max: 4_096,
};
