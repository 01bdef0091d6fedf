//! A month of the insurance side in bulk: announced, taken chunk by chunk, compared with the department's own rows by its own
//! reading, and told page by page.

use std::collections::BTreeMap;
use std::path::PathBuf;

use certs::digest::{sha256, sha256_hex};
use schemas::fault::FaultCode;
use schemas::wire::tax_records::{Form, Kind, Packing, Party, Record, Records};
use serde::{Deserialize, Serialize};

use super::Register;
use super::compare::{Finding, compared};
use super::question::{Wrong, is_month};
use crate::xml::{Element, escape};

/// Opens a packed chunk; none where it is not what its packing says.
pub type Unpack = fn(Packing, &[u8]) -> Option<Vec<u8>>;

/// A month that the insurance side sends, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMonth {
    /// `employer` or `person`.
    pub kind: String,
    /// `yyyy-MM`.
    pub period: String,
    /// None is the whole country.
    pub provinces: Vec<String>,
    /// `xml` or `ndjson`.
    pub form: String,
    /// `plain`, `gzip` or `zstd`.
    pub packing: String,
    /// As announced.
    pub chunks: Vec<SentChunk>,
    /// Chunks that are taken.
    pub taken: usize,
    /// Chunks that came, those that were taken before included.
    pub calls: usize,
    /// What was found, once all of it is there.
    pub found: Option<Vec<Finding>>,
    /// How often it was asked what was found, before it was.
    pub polls: u32,
    /// How often a page of it was asked for; page 0 is none.
    #[serde(default)]
    pub pages: u32,
}

/// One chunk as announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentChunk {
    /// Of the bytes as they come.
    pub sha256: String,
    /// How many bytes come.
    pub bytes: u64,
    /// Its records.
    pub records: u64,
    /// The sum of their amounts, VND.
    pub amount: u64,
}

/// What was asked about a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageAsked {
    pub(super) manifest: String,
    pub(super) page: usize,
}

/// Reads what is announced; its totals are the sums of its chunks.
pub(super) fn announced(body: &Element) -> Result<(String, SentMonth), Wrong> {
    let text = |name: &'static str| body.text_of(name).ok_or(wrong(name));
    let chunks: Result<Vec<SentChunk>, Wrong> = body.all("Chunk").map(chunk).collect();
    let chunks = chunks?;
    let sum = |of: fn(&SentChunk) -> u64| chunks.iter().map(of).sum::<u64>();
    for (name, all) in [
        ("Records", sum(|one| one.records)),
        ("Amount", sum(|one| one.amount)),
    ] {
        if number(body, name)? != all {
            return Err((FaultCode::Invalid, "totals-do-not-add-up", name));
        }
    }
    text("Purpose")?;
    if chunks.is_empty() || chunks.len() > 1_000 {
        return Err(wrong("Chunk"));
    }
    let one_of = |name: &'static str, words: &[&str]| {
        let word = text(name)?;
        words
            .contains(&word)
            .then(|| word.to_owned())
            .ok_or(wrong(name))
    };
    let period = text("Period")?;
    if !is_month(period) {
        return Err(wrong("Period"));
    }
    let month = SentMonth {
        kind: one_of("Kind", &["employer", "person"])?,
        period: period.to_owned(),
        provinces: body.all("Province").map(|one| one.text.clone()).collect(),
        form: one_of("Form", &["xml", "ndjson"])?,
        packing: one_of("Packing", &["plain", "gzip", "zstd"])?,
        chunks,
        taken: 0,
        calls: 0,
        found: None,
        polls: 0,
        pages: 0,
    };
    Ok((text("Manifest")?.to_owned(), month))
}

fn chunk(one: &Element) -> Result<SentChunk, Wrong> {
    let sha256 = one.text_of("Sha256").unwrap_or_default();
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if sha256.len() != 64 || !sha256.bytes().all(hex) {
        return Err(wrong("Sha256"));
    }
    Ok(SentChunk {
        sha256: sha256.to_owned(),
        bytes: number(one, "Bytes")?,
        records: number(one, "Records")?,
        amount: number(one, "Amount")?,
    })
}

/// Reads which page is asked for.
pub(super) fn asked(body: &Element) -> Result<PageAsked, Wrong> {
    body.text_of("Purpose").ok_or(wrong("Purpose"))?;
    let manifest = body.text_of("Manifest").ok_or(wrong("Manifest"))?;
    Ok(PageAsked {
        manifest: manifest.to_owned(),
        page: usize::try_from(number(body, "Page")?).map_err(|_| wrong("Page"))?,
    })
}

fn number(one: &Element, name: &'static str) -> Result<u64, Wrong> {
    one.text_of(name)
        .and_then(|text| text.parse().ok())
        .ok_or(wrong(name))
}

fn wrong(element: &'static str) -> Wrong {
    (FaultCode::Invalid, "element", element)
}

impl SentMonth {
    /// The body element that says how far it is, or one page of what was found.
    pub(super) fn page(&self, manifest: &str, asked: usize, size: usize, bend: Bend) -> String {
        let Some(found) = &self.found else {
            let state = match self.taken == self.chunks.len() {
                true => "comparing",
                false => "receiving",
            };
            return told(manifest, state, (50, asked, 0, 0), "");
        };
        let pages: Vec<&[Finding]> = found.chunks(size).collect();
        let counts = counted(found, bend);
        let all: u64 = counts.values().sum();
        let inside = match asked.checked_sub(1) {
            None => summary(counts),
            Some(nth) => pages
                .get(nth)
                .copied()
                .unwrap_or_default()
                .iter()
                .map(Finding::xml)
                .collect(),
        };
        let last = if asked == 0 { pages.len() } else { asked };
        let start = sha256(manifest.as_bytes());
        let chain = pages.iter().take(last).fold(start, |before, page| {
            let mut text = before.to_vec();
            page.iter().for_each(|one| one.chained(&mut text));
            sha256(&text)
        });
        let chain = element("Chain", &hex::encode(chain));
        let many = match bend.count {
            None => pages.len() as u64,
            Some(_) => all.div_ceil(size.max(1) as u64),
        };
        told(
            manifest,
            "done",
            (100, asked, many, all),
            &(inside + &chain),
        )
    }
}

/// By category and province.
type Counts<'a> = BTreeMap<(&'a str, &'a str), u64>;

/// How a result is told otherwise than it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bend {
    /// One more was found than the pages have.
    pub(super) found: bool,
    /// The summary counts another category.
    pub(super) summary: bool,
    /// The summary says that so many of a category were found.
    pub(super) count: Option<(&'static str, u64)>,
}

fn told(
    manifest: &str,
    state: &str,
    (progress, page, pages, found): (u32, usize, u64, u64),
    inside: &str,
) -> String {
    let head = element("Manifest", manifest)
        + &element("State", state)
        + &element("Progress", &progress.to_string())
        + &element("Page", &page.to_string())
        + &element("Pages", &pages.to_string())
        + &element("Found", &found.to_string());
    format!("<ReconcileResultPage>{head}{inside}</ReconcileResultPage>")
}

/// How many by category and province, as it is told.
fn counted(found: &[Finding], bend: Bend) -> Counts<'_> {
    let mut counts = Counts::new();
    for one in found {
        let category = match bend.summary {
            true => "E-DUP",
            false => &one.category,
        };
        *counts.entry((category, &one.province)).or_default() += 1;
    }
    if bend.found
        && let Some(count) = counts.values_mut().next()
    {
        *count += 1;
    }
    if let Some((category, count)) = bend.count {
        counts.retain(|(known, _), _| *known != category);
        counts.insert((category, "01"), count);
    }
    counts
}

fn summary(counts: Counts<'_>) -> String {
    let row = |((category, province), count): ((&str, &str), u64)| {
        let parts = element("Category", category)
            + &element("Province", province)
            + &element("Count", &count.to_string());
        format!("<Summary>{parts}</Summary>")
    };
    counts.into_iter().map(row).collect()
}

impl Finding {
    fn parts(&self) -> [(&'static str, &str); 7] {
        [
            ("Category", &self.category),
            ("Field", &self.field),
            ("Mst", &self.mst),
            ("Person", &self.person),
            ("Province", &self.province),
            ("Ours", &self.ours),
            ("Theirs", &self.theirs),
        ]
    }

    fn xml(&self) -> String {
        let told = self
            .parts()
            .into_iter()
            .filter(|(_, text)| !text.is_empty());
        let parts: String = told.map(|(name, text)| element(name, text)).collect();
        format!("<Finding>{parts}</Finding>")
    }

    /// Its parts, each behind its length: what the rules ask for and scores are not told, reasons are none.
    fn chained(&self, text: &mut Vec<u8>) {
        let parts = self.parts().map(|(_, part)| part);
        for part in parts.into_iter().chain(["", "", "0"]) {
            text.extend_from_slice(&(part.len() as u64).to_be_bytes());
            text.extend_from_slice(part.as_bytes());
        }
    }
}

impl Register {
    /// The rows of one month that the department compares with.
    pub fn keep_month(&self, kind: Kind, period: &str, rows: Vec<Record<'static>>) {
        let mut declared = self
            .declared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        declared.insert((kind.as_str().to_owned(), period.to_owned()), rows);
    }

    /// How packed chunks are opened; the first one stays. Without it only those are that are not packed.
    pub fn unpack_with(&self, unpack: Unpack) {
        let _ = self.unpack.set(unpack);
    }

    /// A month that was announced to it.
    pub fn sent_month(&self, manifest: &str) -> Option<SentMonth> {
        self.memory.read(|book| book.ours.get(manifest).cloned())
    }

    /// The text of a chunk that it has taken.
    pub fn taken_chunk(&self, manifest: &str, number: usize) -> Option<String> {
        std::fs::read_to_string(self.chunk_file(manifest, number)).ok()
    }

    fn chunk_file(&self, manifest: &str, number: usize) -> PathBuf {
        self.identity
            .folder
            .join("ours")
            .join(format!("{manifest}.{number}"))
    }

    /// Takes a chunk as it comes: announced, in order, unpacked, read, and of the totals that it should have.
    pub(super) fn take(
        &self,
        manifest: &str,
        number: usize,
        bytes: &[u8],
    ) -> Result<SentChunk, Wrong> {
        let month = self.sent_month(manifest);
        let month = month.ok_or((FaultCode::OutOfOrder, "manifest-unknown", "Manifest"))?;
        let place = number.checked_sub(1).ok_or(wrong("Number"))?;
        let chunk = month.chunks.get(place).ok_or(wrong("Number"))?.clone();
        if sha256_hex(bytes) != chunk.sha256 || bytes.len() as u64 != chunk.bytes {
            return Err((FaultCode::BadSignature, "chunk-not-as-announced", "Sha256"));
        }
        let known = place < month.taken;
        if !known {
            if place > month.taken {
                return Err((FaultCode::OutOfOrder, "chunk-out-of-order", "Number"));
            }
            let text = self.read_chunk(&month, &chunk, bytes)?;
            let file = self.chunk_file(manifest, number);
            let folder = file.parent().unwrap_or(&file);
            let kept = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, text));
            kept.map_err(|_| (FaultCode::Internal, "disk", "Number"))?;
        }
        let noted = self.memory.change(|book| {
            if let Some(month) = book.ours.get_mut(manifest) {
                month.calls += 1;
                month.taken = month.taken.max(number);
            }
        });
        noted.map_err(|_| (FaultCode::Internal, "disk", "Number"))?;
        Ok(chunk)
    }

    fn read_chunk(
        &self,
        month: &SentMonth,
        chunk: &SentChunk,
        bytes: &[u8],
    ) -> Result<Vec<u8>, Wrong> {
        let malformed = (FaultCode::Malformed, "chunk", "Number");
        let packing = Packing::parse(&month.packing).ok_or(malformed)?;
        let text = match (packing, self.unpack.get()) {
            (Packing::Plain, _) => bytes.to_vec(),
            (_, Some(unpack)) => unpack(packing, bytes).ok_or(malformed)?,
            (_, None) => return Err(malformed),
        };
        let form = Form::parse(&month.form).ok_or(malformed)?;
        let (mut records, mut amount) = (0, 0);
        let mut reader = Records::open(form, &text).map_err(|_| malformed)?;
        let head = reader.head();
        if (head.party, head.kind.as_str(), head.period.to_string())
            != (Party::Si, month.kind.as_str(), month.period.clone())
        {
            return Err((FaultCode::Invalid, "head-of-another-month", "Period"));
        }
        while let Some(record) = reader.next_record().map_err(|_| malformed)? {
            let (province, vnd) = match &record {
                Record::Employer(one) => (one.province, one.amount),
                Record::Person(one) => (one.province, one.amount),
            };
            let province = format!("{province:02}");
            if !month.provinces.is_empty() && !month.provinces.contains(&province) {
                return Err((FaultCode::Invalid, "province-not-announced", "Province"));
            }
            records += 1;
            amount += vnd;
        }
        match (records, amount) == (chunk.records, chunk.amount) {
            true => Ok(text),
            false => Err((FaultCode::Invalid, "totals-do-not-add-up", "Records")),
        }
    }

    /// Compares a month whose chunks are all there with its own rows, once.
    pub(super) fn compare(&self, manifest: &str) -> Option<Vec<Finding>> {
        let month = self.sent_month(manifest)?;
        if month.taken < month.chunks.len() || month.found.is_some() {
            return month.found;
        }
        let form = Form::parse(&month.form)?;
        let mut theirs = Vec::new();
        for number in 1..=month.chunks.len() {
            let text = self.taken_chunk(manifest, number)?;
            let mut reader = Records::open(form, text.as_bytes()).ok()?;
            while let Some(record) = reader.next_record().ok()? {
                theirs.push(super::compare::owned(record));
            }
        }
        let declared = self
            .declared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let own = declared.get(&(month.kind, month.period))?;
        let within = |record: &&Record<'static>| {
            let province = format!("{:02}", record.province());
            month.provinces.is_empty() || month.provinces.contains(&province)
        };
        let own: Vec<&Record<'static>> = own.iter().filter(within).collect();
        Some(compared(&theirs, &own))
    }
}

fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escape(text))
}
