//! A month reconciled in bulk: what is announced, what is asked about it, and what is told.
//!
//! The records themselves travel as chunks, each a message of its own ([`crate::wire::tax_records`]).

use super::answer::{number, optional, reason_word};
use super::header::word;
use super::request::{period, purpose};
use super::{WireError, wrong};
use crate::codes::province_set::ProvinceSet;
use crate::id::{MessageId, Period};
use crate::wire::tax_records::{CHUNK_BYTES_MAX, Form, Kind, Packing};
use crate::xml::{Name, Reader, Writer};

/// Most chunks of one manifest: 1,000 of 16 MiB.
pub const CHUNKS_MAX: usize = 1_000;

/// Longest id of a manifest: its chunks are remembered as `<id>.<number>`.
pub const MANIFEST_ID_MAX: usize = 100;

/// What is announced: whose month, how many records in which chunks, and the digest of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconcile {
    /// The manifest's id: taken once.
    pub manifest: MessageId,
    /// Employers or persons.
    pub kind: Kind,
    /// The month.
    pub period: Period,
    /// The provinces that records may be of.
    pub provinces: ProvinceSet,
    /// How chunks are written.
    pub form: Form,
    /// How chunks are packed.
    pub packing: Packing,
    /// All records.
    pub records: u64,
    /// The sum of all amounts, VND.
    pub amount: u64,
    /// The chunks in the order in which they are sent.
    pub chunks: Vec<Chunk>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// One chunk as announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// SHA-256 of its bytes as they are sent.
    pub sha256: [u8; 32],
    /// How many bytes are sent.
    pub bytes: u64,
    /// Its records.
    pub records: u64,
    /// The sum of their amounts, VND.
    pub amount: u64,
}

impl Reconcile {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Reconcile")?;
        let ask = Self {
            manifest: manifest(reader)?,
            kind: word(reader, "Kind", Kind::parse)?,
            period: period(reader)?,
            provinces: provinces(reader)?,
            form: word(reader, "Form", Form::parse)?,
            packing: word(reader, "Packing", Packing::parse)?,
            records: word(reader, "Records", count)?,
            amount: word(reader, "Amount", count)?,
            chunks: chunks(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("Reconcile")?;
        Ok(ask)
    }

    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("Reconcile"), &[]);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("Kind"), self.kind.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        for province in self.provinces.words() {
            writer.leaf(name("Province"), &province);
        }
        writer.leaf(name("Form"), self.form.as_str());
        writer.leaf(name("Packing"), self.packing.as_str());
        writer.leaf(name("Records"), &self.records.to_string());
        writer.leaf(name("Amount"), &self.amount.to_string());
        for chunk in &self.chunks {
            chunk.write_in(writer, namespace);
        }
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

impl Chunk {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Chunk")?;
        let chunk = Self {
            sha256: word(reader, "Sha256", digest)?,
            bytes: word(reader, "Bytes", length)?,
            records: word(reader, "Records", count)?,
            amount: word(reader, "Amount", count)?,
        };
        reader.leave("Chunk")?;
        Ok(chunk)
    }

    fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("Chunk"), &[]);
        writer.leaf(name("Sha256"), &hex::encode(self.sha256));
        writer.leaf(name("Bytes"), &self.bytes.to_string());
        writer.leaf(name("Records"), &self.records.to_string());
        writer.leaf(name("Amount"), &self.amount.to_string());
        writer.close();
    }
}

/// That a manifest is taken, and how many chunks are awaited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconcileReceipt {
    /// The manifest's id.
    pub manifest: MessageId,
    /// Chunks awaited.
    pub chunks: u32,
}

impl ReconcileReceipt {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ReconcileReceipt")?;
        let receipt = Self {
            manifest: manifest(reader)?,
            chunks: word(reader, "Chunks", number)?,
        };
        reader.leave("ReconcileReceipt")?;
        Ok(receipt)
    }

    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("ReconcileReceipt"), &[]);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("Chunks"), &self.chunks.to_string());
        writer.close();
    }
}

/// That a chunk is taken: proven, unpacked, read and found as announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconcileChunkReceipt {
    /// The manifest's id.
    pub manifest: MessageId,
    /// The chunk, from 1.
    pub number: u32,
    /// Its records.
    pub records: u64,
    /// The sum of their amounts, VND.
    pub amount: u64,
}

impl ReconcileChunkReceipt {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ReconcileChunkReceipt")?;
        let receipt = Self {
            manifest: manifest(reader)?,
            number: word(reader, "Number", number)?,
            records: word(reader, "Records", count)?,
            amount: word(reader, "Amount", count)?,
        };
        reader.leave("ReconcileChunkReceipt")?;
        Ok(receipt)
    }

    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("ReconcileChunkReceipt"), &[]);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("Number"), &self.number.to_string());
        writer.leaf(name("Records"), &self.records.to_string());
        writer.leaf(name("Amount"), &self.amount.to_string());
        writer.close();
    }
}

/// How far a reconciliation is, or one page of what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconcileResult {
    /// The manifest's id.
    pub manifest: MessageId,
    /// The page, from 1; 0 asks for state and summary.
    pub page: u32,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl ReconcileResult {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ReconcileResult")?;
        let ask = Self {
            manifest: manifest(reader)?,
            page: word(reader, "Page", number)?,
            purpose: purpose(reader)?,
        };
        reader.leave("ReconcileResult")?;
        Ok(ask)
    }

    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("ReconcileResult"), &[]);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("Page"), &self.page.to_string());
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// How far a reconciliation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcileState {
    /// Chunks are awaited.
    Receiving,
    /// All chunks are there; the comparison runs.
    Comparing,
    /// Every page can be asked for.
    Done,
    /// What was sent contradicts itself: another manifest has to be sent.
    Refused,
}

impl ReconcileState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Receiving, Self::Comparing, Self::Done, Self::Refused];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Comparing => "comparing",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// State and summary, or one page of findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconcileResultPage {
    /// The manifest's id.
    pub manifest: MessageId,
    /// How far it is.
    pub state: ReconcileState,
    /// Why it is refused.
    pub reason: Option<String>,
    /// Per cent.
    pub progress: u32,
    /// The page told, 0 for the summary.
    pub page: u32,
    /// How many pages there are, 0 until it is done.
    pub pages: u32,
    /// How many findings there are on all pages.
    pub found: u64,
    /// How many by category and province; with page 0.
    pub summary: Vec<SummaryRow>,
    /// The findings of the page.
    pub findings: Vec<FindingLine>,
    /// Fields whose values are agreed with nobody or not with the asker.
    pub not_disclosed: Vec<String>,
}

/// How many findings of one category there are in one province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRow {
    /// The category's code.
    pub category: String,
    /// Two digits.
    pub province: String,
    /// How many.
    pub count: u64,
}

/// One discrepancy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingLine {
    /// The category's code.
    pub category: String,
    /// The field.
    pub field: String,
    /// The employer's tax code.
    pub mst: String,
    /// The person's PIN, where it is about one.
    pub person: Option<String>,
    /// Two digits of the province.
    pub province: String,
    /// The insurance side's value.
    pub ours: Option<String>,
    /// The tax side's value.
    pub theirs: Option<String>,
    /// What the figures of the month ask for, VND.
    pub expected: Option<u64>,
    /// How alike two names are, 0 to 100.
    pub score: Option<u32>,
    /// Why they are not more alike.
    pub why: Vec<String>,
}

impl ReconcileResultPage {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ReconcileResultPage")?;
        let page = Self::parts(reader)?;
        reader.leave("ReconcileResultPage")?;
        Ok(page)
    }

    /// What stands inside its element; in the other direction more follows.
    pub(super) fn parts(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            manifest: manifest(reader)?,
            state: word(reader, "State", ReconcileState::parse)?,
            reason: optional(reader, "Reason", reason_word)?,
            progress: word(reader, "Progress", number)?,
            page: word(reader, "Page", number)?,
            pages: word(reader, "Pages", number)?,
            found: word(reader, "Found", count)?,
            summary: all(reader, "Summary", SummaryRow::read)?,
            findings: all(reader, "Finding", FindingLine::read)?,
            not_disclosed: not_disclosed(reader)?,
        })
    }

    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        writer.open(Name::plain(namespace, "ReconcileResultPage"), &[]);
        self.write_parts(writer, namespace);
        writer.close();
    }

    /// What stands inside its element.
    pub(super) fn write_parts(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("State"), self.state.as_str());
        if let Some(reason) = &self.reason {
            writer.leaf(name("Reason"), reason);
        }
        writer.leaf(name("Progress"), &self.progress.to_string());
        writer.leaf(name("Page"), &self.page.to_string());
        writer.leaf(name("Pages"), &self.pages.to_string());
        writer.leaf(name("Found"), &self.found.to_string());
        self.summary
            .iter()
            .for_each(|row| row.write_in(writer, namespace));
        self.findings
            .iter()
            .for_each(|line| line.write_in(writer, namespace));
        if !self.not_disclosed.is_empty() {
            writer.open(name("NotDisclosed"), &[]);
            for field in &self.not_disclosed {
                writer.leaf(name("Field"), field);
            }
            writer.close();
        }
    }
}

impl SummaryRow {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Summary")?;
        let row = Self {
            category: word(reader, "Category", category)?,
            province: word(reader, "Province", province)?,
            count: word(reader, "Count", count)?,
        };
        reader.leave("Summary")?;
        Ok(row)
    }

    fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("Summary"), &[]);
        writer.leaf(name("Category"), &self.category);
        writer.leaf(name("Province"), &self.province);
        writer.leaf(name("Count"), &self.count.to_string());
        writer.close();
    }
}

impl FindingLine {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Finding")?;
        let mut line = Self {
            category: word(reader, "Category", category)?,
            field: word(reader, "Field", field)?,
            mst: word(reader, "Mst", value)?,
            person: optional(reader, "Person", value)?,
            province: word(reader, "Province", province)?,
            ours: optional(reader, "Ours", value)?,
            theirs: optional(reader, "Theirs", value)?,
            expected: optional(reader, "Expected", count)?,
            score: optional(reader, "Score", number)?,
            why: Vec::new(),
        };
        while reader.comes("Why")? {
            line.why.push(word(reader, "Why", reason_word)?);
        }
        reader.leave("Finding")?;
        Ok(line)
    }

    fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("Finding"), &[]);
        let values = [
            ("Category", Some(self.category.clone())),
            ("Field", Some(self.field.clone())),
            ("Mst", Some(self.mst.clone())),
            ("Person", self.person.clone()),
            ("Province", Some(self.province.clone())),
            ("Ours", self.ours.clone()),
            ("Theirs", self.theirs.clone()),
            ("Expected", self.expected.map(|vnd| vnd.to_string())),
            ("Score", self.score.map(|score| score.to_string())),
        ];
        for (element, value) in values {
            if let Some(text) = value {
                writer.leaf(name(element), &text);
            }
        }
        for word in &self.why {
            writer.leaf(name("Why"), word);
        }
        writer.close();
    }
}

fn manifest(reader: &mut Reader<'_>) -> Result<MessageId, WireError> {
    let text = reader.text("Manifest")?;
    match MessageId::parse(&text) {
        Ok(id) if text.len() <= MANIFEST_ID_MAX => Ok(id),
        _ => wrong("Manifest", "manifest-id"),
    }
}

/// None at all is the whole country.
pub(super) fn provinces(reader: &mut Reader<'_>) -> Result<ProvinceSet, WireError> {
    let mut words = Vec::new();
    while let Some(text) = reader.optional("Province")? {
        words.push(text.into_owned());
        if words.len() > 100 {
            return wrong("Province", "too-many");
        }
    }
    match ProvinceSet::parse(&words) {
        Some(set) => Ok(set),
        None => wrong("Province", "province"),
    }
}

fn chunks(reader: &mut Reader<'_>) -> Result<Vec<Chunk>, WireError> {
    let mut chunks = vec![Chunk::read(reader)?];
    while reader.comes("Chunk")? {
        if chunks.len() == CHUNKS_MAX {
            return wrong("Chunk", "too-many");
        }
        chunks.push(Chunk::read(reader)?);
    }
    Ok(chunks)
}

fn all<'a, T>(
    reader: &mut Reader<'a>,
    element: &'static str,
    read: fn(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let mut items = Vec::new();
    while reader.comes(element)? {
        items.push(read(reader)?);
    }
    Ok(items)
}

fn not_disclosed(reader: &mut Reader<'_>) -> Result<Vec<String>, WireError> {
    let mut fields = Vec::new();
    if reader.comes("NotDisclosed")? {
        reader.enter("NotDisclosed")?;
        while reader.comes("Field")? {
            fields.push(word(reader, "Field", field)?);
        }
        reader.leave("NotDisclosed")?;
    }
    Ok(fields)
}

/// Not above what JSON's readers hold exactly, and enough for everybody's income.
fn count(text: &str) -> Option<u64> {
    number(text).filter(|value: &u64| *value <= 1 << 53)
}

fn length(text: &str) -> Option<u64> {
    let most = u64::try_from(CHUNK_BYTES_MAX).ok()?;
    number(text).filter(|bytes| (1..=most).contains(bytes))
}

pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    (hex::decode_to_slice(text, &mut digest).is_ok() && lower).then_some(digest)
}

fn category(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
    ((3..=16).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn field(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase();
    ((2..=16).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn province(text: &str) -> Option<String> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.to_owned())
}

fn value(text: &str) -> Option<String> {
    (1..=1_020)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}
