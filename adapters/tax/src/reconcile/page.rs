//! Findings as pages of NDJSON, and how many there are by category and province.

use std::{collections::BTreeMap, io::Write as _};

use schemas::wire::tax_records::{PersonKey, Status};
use serde::{Deserialize, Serialize};

use super::{
    Refusal, Terms,
    folder::{Cover, Folder},
    state::Join,
};
use crate::compare::{Category, Disclosed, Finding, Value};

/// How many findings by category's code and province's two digits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary(BTreeMap<String, BTreeMap<u8, u64>>);

impl Summary {
    /// How many of a category.
    #[must_use]
    pub fn of(&self, category: Category) -> u64 {
        self.0
            .get(category.code())
            .map_or(0, |provinces| provinces.values().sum())
    }

    /// How many there are at all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().flat_map(BTreeMap::values).sum()
    }

    /// Category's code, province and count, in the order of both.
    pub fn rows(&self) -> impl Iterator<Item = (&str, u8, u64)> {
        self.0.iter().flat_map(|(code, provinces)| {
            provinces
                .iter()
                .map(move |(province, count)| (code.as_str(), *province, *count))
        })
    }

    fn add(&mut self, counts: &mut [[u64; 256]]) {
        for (category, provinces) in Category::ALL.into_iter().zip(counts) {
            for (province, count) in (0_u8..=255).zip(provinces).filter(|(_, count)| **count > 0) {
                let row = self.0.entry(category.code().to_owned()).or_default();
                *row.entry(province).or_default() += std::mem::take(count);
            }
        }
    }
}

/// The page being written.
pub(super) struct Pages {
    disclosed: Disclosed,
    page_findings: u64,
    /// Finished pages.
    done: u32,
    text: Vec<u8>,
    findings: u64,
    counts: Vec<[u64; 256]>,
}

impl Pages {
    /// Goes on with the page that the last checkpoint left unfinished.
    pub(super) fn open<C: Cover>(
        folder: &Folder<C>,
        join: &Join,
        terms: &Terms,
    ) -> Result<Self, Refusal> {
        let text = match join.partial {
            0 => Vec::new(),
            number => folder.read(&partial(number))?,
        };
        let findings = text.iter().filter(|byte| **byte == b'\n').count();
        Ok(Self {
            disclosed: terms.disclosed,
            page_findings: terms.page_findings.max(1),
            done: join.pages,
            findings: u64::try_from(findings).unwrap_or(u64::MAX),
            text,
            counts: vec![[0; 256]; Category::ALL.len()],
        })
    }

    pub(super) fn put(&mut self, finding: &Finding<'_>) {
        self.findings += 1;
        if let Some(provinces) = self.counts.get_mut(finding.category as usize) {
            provinces[usize::from(finding.province)] += 1;
        }
        write(&finding.seen_with(self.disclosed), &mut self.text);
    }

    /// Writes every full page. A finding never lies on two pages.
    pub(super) fn write_full<C: Cover>(&mut self, folder: &Folder<C>) -> Result<(), Refusal> {
        while self.findings >= self.page_findings {
            let lines = usize::try_from(self.page_findings).unwrap_or(usize::MAX);
            let ends = self
                .text
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n');
            let Some((end, _)) = ends.take(lines).last() else {
                return Ok(());
            };
            folder.write(&file(self.done + 1), &self.text[..=end])?;
            self.text.drain(..=end);
            self.done += 1;
            self.findings -= self.page_findings;
        }
        Ok(())
    }

    /// Puts the unfinished page aside; at the end of the join it is the last page.
    pub(super) fn checkpoint<C: Cover>(
        &mut self,
        folder: &Folder<C>,
        join: &mut Join,
        last: bool,
    ) -> Result<(), Refusal> {
        if last && !self.text.is_empty() {
            folder.write(&file(self.done + 1), &self.text)?;
            self.text.clear();
            self.done += 1;
            self.findings = 0;
        }
        join.partial += 1;
        folder.write(&partial(join.partial), &self.text)?;
        join.pages = self.done;
        join.summary.add(&mut self.counts);
        Ok(())
    }
}

/// The file of a page, from 1.
pub(super) fn file(number: u32) -> String {
    format!("page-{number:06}.ndjson")
}

/// The file of an unfinished page.
pub(super) fn partial(number: u64) -> String {
    format!("partial-{number:09}")
}

/// One finding on one line; `schemas/json/tax-records/v1/finding.schema.json`.
fn write(finding: &Finding<'_>, out: &mut Vec<u8>) {
    let (code, field) = (finding.category.code(), finding.field.as_str());
    put(
        out,
        format_args!(
            "{{\"category\":\"{code}\",\"field\":\"{field}\",\"mst\":\"{}\"",
            finding.mst
        ),
    );
    if let Some(person) = finding.person.map(PersonKey::raw) {
        put(out, format_args!(",\"person\":\"{person:012}\""));
    }
    put(
        out,
        format_args!(",\"province\":\"{:02}\"", finding.province),
    );
    value("ours", finding.ours, out);
    value("theirs", finding.theirs, out);
    if let Some(expected) = finding.expected {
        put(out, format_args!(",\"expected\":{expected}"));
    }
    if let Some(score) = finding.score {
        put(out, format_args!(",\"score\":{},\"why\":[", score.value));
        for (place, word) in score.why.words().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            put(out, format_args!("{comma}\"{word}\""));
        }
        out.push(b']');
    }
    out.extend_from_slice(b"}\n");
}

fn value(name: &str, value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::None => {}
        Value::Number(number) => put(out, format_args!(",\"{name}\":{number}")),
        Value::Tax(key) => put(out, format_args!(",\"{name}\":\"{key}\"")),
        Value::Born(born) if born.is_multiple_of(10_000) => {
            put(out, format_args!(",\"{name}\":\"{:04}\"", born / 10_000))
        }
        Value::Born(born) => {
            let (year, month, day) = (born / 10_000, born / 100 % 100, born % 100);
            put(
                out,
                format_args!(",\"{name}\":\"{year:04}-{month:02}-{day:02}\""),
            );
        }
        Value::Status(Status::Taxpayer(code)) => {
            put(out, format_args!(",\"{name}\":\"{code:02}\""))
        }
        Value::Status(Status::Active) => put(out, format_args!(",\"{name}\":\"active\"")),
        Value::Status(Status::Suspended) => put(out, format_args!(",\"{name}\":\"suspended\"")),
        Value::Status(Status::Closed) => put(out, format_args!(",\"{name}\":\"closed\"")),
        Value::Text(text) => {
            put(out, format_args!(",\"{name}\":"));
            let written = serde_json::to_writer(&mut *out, text);
            debug_assert!(written.is_ok(), "a vector takes every text");
        }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a vector takes every byte");
}
