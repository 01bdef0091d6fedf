//! We send our own month in bulk: its manifest, its chunks one by one, and the questions what was found in it, from parcels
//! to messages and back. The bytes of a chunk are in no parcel and in no journal: its ticket is.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    bulk::{ChunkName, Ticket, unhex},
    outbound::Crowd,
    ports::{Class, Parcel},
    sign::hex,
};
use schemas::{
    codes::province_set::ProvinceSet,
    id::{MessageId, PartnerId},
    wire::{
        tax::{Chunk as Announced, Reconcile, ReconcileResult, taxpayer::Question},
        tax_records::{Kind, Party},
    },
};
use serde::{Deserialize, Serialize};

use super::{PURPOSE, RECONCILE};
use crate::reconcile::Manifest;

/// The bytes of one chunk of ours, and what was announced of it.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// As they are sent.
    pub bytes: Bytes,
    /// Its records.
    pub records: u64,
    /// The sum of their amounts, VND.
    pub amount: u64,
}

/// Why a chunk of ours is not sent, in a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// It could not be read now: it may be a moment later.
    NotNow(&'static str),
    /// It never can be.
    Never(&'static str),
}

impl Unsent {
    /// The disk does not give its bytes now.
    pub const UNREAD: Self = Self::NotNow("chunk-unread");
    /// Its folder or its bytes are gone, or not those of its ticket.
    pub const LOST: Self = Self::Never("chunk-bytes-lost");
    /// Nobody can say of whom its bytes tell.
    pub const UNREADABLE: Self = Self::Never("chunk-unreadable");
    /// Its month has ended.
    pub const OVER: Self = Self::Never("month-over");
    /// There is no place where months lie.
    pub const NO_MONTHS: Self = Self::Never("no-months");

    const ALL: [Self; 5] = [
        Self::UNREAD,
        Self::LOST,
        Self::UNREADABLE,
        Self::OVER,
        Self::NO_MONTHS,
    ];

    /// The word.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotNow(reason) | Self::Never(reason) => reason,
        }
    }

    /// Whether this word is one of them.
    pub(super) fn is_one(reason: &str) -> bool {
        Self::ALL.iter().any(|one| one.reason() == reason)
    }
}

/// Where the chunks of our months lie.
pub trait Months: Send + Sync + 'static {
    /// The chunk of a ticket of ours, whose bytes are those of the ticket.
    fn chunk<'a>(
        &'a self,
        partner: &'a PartnerId,
        ticket: &'a Ticket,
    ) -> BoxFuture<'a, Result<Chunk, Unsent>>;

    /// The persons of whom that chunk tells, and what of them; none where it tells of none.
    fn persons<'a>(
        &'a self,
        partner: &'a PartnerId,
        ticket: &'a Ticket,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Unsent>>;
}

/// No months at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMonths;

impl Months for NoMonths {
    fn chunk<'a>(
        &'a self,
        _: &'a PartnerId,
        _: &'a Ticket,
    ) -> BoxFuture<'a, Result<Chunk, Unsent>> {
        Box::pin(std::future::ready(Err(Unsent::NO_MONTHS)))
    }

    fn persons<'a>(
        &'a self,
        _: &'a PartnerId,
        _: &'a Ticket,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Unsent>> {
        Box::pin(std::future::ready(Err(Unsent::NO_MONTHS)))
    }
}

/// The fields that every record of ours has: without a grant of each of them nothing can be sent.
#[must_use]
pub fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Employer => &[
            "mst", "unit", "province", "region", "status", "name", "address", "count", "amount",
            "due", "paid",
        ],
        Kind::Person => &[
            "mst", "person", "province", "region", "name", "born", "amount", "full",
        ],
    }
}

/// The field that is sent where it is granted: the number of a person beside the PIN.
pub const NUMBER: &str = "number";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestWords {
    manifest: String,
    fields: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChunkWords {
    manifest: String,
    number: u32,
    sha256: String,
    bytes: u64,
    provinces: Vec<String>,
    fields: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageWords {
    manifest: String,
    page: u32,
    nth: u32,
}

/// The parcel that announces a month with these fields; the same manifest is announced once.
#[must_use]
pub fn manifest_parcel(
    partner: &PartnerId,
    manifest: &Manifest,
    fields: &BTreeSet<String>,
) -> Parcel {
    let words = ManifestWords {
        manifest: String::from_utf8(manifest.text()).unwrap_or_default(),
        fields: fields.clone(),
    };
    parcel(partner, &manifest.id, MANIFEST, 0, &words)
}

/// The name of the parcel that announces a month.
#[must_use]
pub fn manifest_parcel_id(partner: &PartnerId, manifest: &MessageId) -> String {
    format!("sent.{partner}.{manifest}.0")
}

/// The subjects of everything that is said of a month: what is sent of it, and what is asked about it.
#[must_use]
pub fn subjects(partner: &PartnerId, manifest: &MessageId) -> [String; 2] {
    [
        format!("sent.{partner}.{manifest}"),
        format!("page.{partner}.{manifest}"),
    ]
}

/// The parcel of one chunk, behind those before it; none where there is no such chunk.
#[must_use]
pub fn chunk_parcel(
    partner: &PartnerId,
    manifest: &Manifest,
    number: u32,
    fields: &BTreeSet<String>,
) -> Option<Parcel> {
    let announced = manifest.chunk(number)?;
    let words = ChunkWords {
        manifest: manifest.id.to_string(),
        number,
        sha256: hex(&announced.digest),
        bytes: announced.bytes,
        provinces: manifest.scope.words(),
        fields: fields.clone(),
    };
    Some(parcel(
        partner,
        &manifest.id,
        CHUNK,
        u64::from(number),
        &words,
    ))
}

/// The parcel that asks for a page, for the `nth` time; page 0 is the state and the summary.
#[must_use]
pub fn page_parcel(partner: &PartnerId, manifest: &MessageId, page: u32, nth: u32) -> Parcel {
    let words = PageWords {
        manifest: manifest.to_string(),
        page,
        nth,
    };
    let sequence = u64::from(page) << 32 | u64::from(nth);
    parcel(partner, manifest, PAGE, sequence, &words)
}

fn parcel(
    partner: &PartnerId,
    manifest: &MessageId,
    kind: &'static str,
    sequence: u64,
    words: &impl Serialize,
) -> Parcel {
    let [sent, asked] = subjects(partner, manifest);
    let subject = match kind {
        PAGE => asked,
        _ => sent,
    };
    Parcel {
        id: format!("{subject}.{sequence}"),
        partner: partner.clone(),
        subject,
        sequence,
        kind,
        // texts and numbers: nothing that cannot be written
        content: Bytes::from(serde_json::to_vec(words).unwrap_or_default()),
        class: Class::Bulk,
        due: None,
    }
}

/// What a parcel says, under which id, and what has to be granted for it.
pub(super) struct Opened {
    pub(super) id: MessageId,
    pub(super) question: Question,
    pub(super) fields: BTreeSet<&'static str>,
    pub(super) provinces: Option<ProvinceSet>,
}

/// A manifest or a question of ours.
pub(super) fn opened(kind: &str, content: &[u8]) -> Result<Opened, &'static str> {
    match kind {
        MANIFEST => announced(content),
        _ => asked(content),
    }
}

fn announced(content: &[u8]) -> Result<Opened, &'static str> {
    let words: ManifestWords = read(content)?;
    let manifest = Manifest::stored(words.manifest.as_bytes()).map_err(|_| "unreadable-content")?;
    if manifest.party != Party::Si || manifest.chunks.is_empty() {
        return Err("unreadable-content");
    }
    let chunks = manifest.chunks.iter().map(|chunk| Announced {
        sha256: chunk.digest,
        bytes: chunk.bytes,
        records: chunk.totals.records,
        amount: chunk.totals.amount,
    });
    Ok(Opened {
        id: manifest.id.clone(),
        fields: granted(&words.fields)?,
        provinces: Some(manifest.scope),
        question: Question::Reconcile(Box::new(Reconcile {
            chunks: chunks.collect(),
            manifest: manifest.id,
            kind: manifest.kind,
            period: manifest.period,
            provinces: manifest.scope,
            form: manifest.form,
            packing: manifest.packing,
            records: manifest.totals.records,
            amount: manifest.totals.amount,
            purpose: PURPOSE.to_owned(),
        })),
    })
}

fn asked(content: &[u8]) -> Result<Opened, &'static str> {
    let words: PageWords = read(content)?;
    let manifest = id(&words.manifest)?;
    let own = format!("{manifest}.p{}.{}", words.page, words.nth);
    Ok(Opened {
        id: id(&own)?,
        fields: BTreeSet::new(),
        provinces: None,
        question: Question::Result(ReconcileResult {
            manifest,
            page: words.page,
            purpose: PURPOSE.to_owned(),
        }),
    })
}

/// A chunk's ticket in our name, and what has to be granted for it.
pub(super) fn chunk(
    us: &PartnerId,
    content: &[u8],
) -> Result<(Ticket, BTreeSet<&'static str>, ProvinceSet), &'static str> {
    let words: ChunkWords = read(content)?;
    let ticket = Ticket {
        sender: us.clone(),
        chunk: ChunkName {
            manifest: id(&words.manifest)?,
            number: words.number,
        },
        sha256: unhex(&words.sha256).ok_or("unreadable-content")?,
        bytes: words.bytes,
    };
    let provinces = ProvinceSet::parse(&words.provinces).ok_or("unreadable-content")?;
    Ok((ticket, granted(&words.fields)?, provinces))
}

fn read<'c, W: Deserialize<'c>>(content: &'c [u8]) -> Result<W, &'static str> {
    serde_json::from_slice(content).map_err(|_| "unreadable-content")
}

fn id(text: &str) -> Result<MessageId, &'static str> {
    MessageId::parse(text).map_err(|_| "unreadable-id")
}

fn granted(fields: &BTreeSet<String>) -> Result<BTreeSet<&'static str>, &'static str> {
    let known = |field: &String| RECONCILE.fields.iter().find(|one| *one == field).copied();
    let all: Option<BTreeSet<_>> = fields.iter().map(known).collect();
    all.ok_or("unreadable-content")
}

/// The kinds of its parcels.
pub(super) const MANIFEST: &str = "taxpayer.manifest";
pub(super) const CHUNK: &str = "taxpayer.chunk";
pub(super) const PAGE: &str = "taxpayer.page";
