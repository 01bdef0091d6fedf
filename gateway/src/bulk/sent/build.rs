//! Our month is read from behind the insurance contract in the order of its keys, and written as chunks: a stretch of keys
//! at a time, so that no more of it is in memory, and one that was not written whole is read again.

use certs::digest;
use gateway_core::bulk::unhex;
use insurance::client::Records;
use schemas::{
    proto::insurance::RecordBatch,
    wire::{
        tax::CHUNKS_MAX,
        tax_records::{self as wire, Head, NumberKey, Party, Record},
    },
};
use serde::{Deserialize, Serialize};
use tax::{
    reconcile::{Announced, Totals},
    taxpayer::sent::NUMBER,
    unpack::pack,
};
use tokio::{runtime::Handle, sync::watch};

use super::{
    super::{
        Inner,
        ours::{Trouble, records, request, some},
    },
    Sent,
};

/// What was written so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Built {
    /// The key behind which it goes on.
    after: String,
    pub(super) chunks: Vec<Line>,
    /// All of the month is written.
    pub(super) over: bool,
}

/// One chunk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    sha256: String,
    bytes: u64,
    records: u64,
    amount: u64,
}

impl Line {
    pub(super) fn announced(&self) -> Option<Announced> {
        Some(Announced {
            digest: unhex(&self.sha256)?,
            bytes: self.bytes,
            totals: Totals {
                records: self.records,
                amount: self.amount,
            },
        })
    }
}

impl Inner {
    /// Writes what is not written yet; none where it would be more chunks than a manifest has. Blocks.
    pub(super) fn build(
        &self,
        sent: &Sent,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<Option<Built>, Trouble> {
        let mut built: Built = sent.get(BUILT)?.unwrap_or_default();
        if built.over {
            return Ok(Some(built));
        }
        let request = request(&sent.month(), &built.after);
        let begun = self.insurance.records(self.patience, request);
        let mut stream: Records = runtime.block_on(begun).map_err(Trouble::Registry)?;
        loop {
            if *stop.borrow() {
                return Err(Trouble::Stopped);
            }
            let batches = some(&mut stream, runtime)?;
            let Some(last) = batches.last() else { break };
            let until = last.next.clone();
            self.write_stretch(sent, &batches, &mut built)?;
            built.after = until;
            if built.chunks.len() > CHUNKS_MAX {
                return Ok(None);
            }
            sent.put(BUILT, &built)?;
        }
        if built.chunks.is_empty() {
            // a month with nobody in it is one, too
            let nothing = Chunk::new(sent);
            self.keep_chunk(sent, nothing, &mut built)?;
        }
        built.over = true;
        sent.put(BUILT, &built)?;
        Ok(Some(built))
    }

    /// The records of these batches, in chunks as even as may be.
    fn write_stretch(
        &self,
        sent: &Sent,
        batches: &[RecordBatch],
        built: &mut Built,
    ) -> Result<(), Trouble> {
        let all: usize = batches
            .iter()
            .map(|batch| batch.employers.len() + batch.persons.len())
            .sum();
        let pieces = ((all + self.chunk_records / 2) / self.chunk_records).max(1);
        let most = u64::try_from(all.div_ceil(pieces)).unwrap_or(u64::MAX);
        let mut chunk = Chunk::new(sent);
        for record in batches.iter().flat_map(records) {
            chunk.write(sent, record);
            if chunk.totals.records >= most || chunk.text.len() >= TEXT_BYTES_MAX {
                let full = std::mem::replace(&mut chunk, Chunk::new(sent));
                self.keep_chunk(sent, full, built)?;
            }
        }
        match chunk.totals.records {
            0 => Ok(()),
            _ => self.keep_chunk(sent, chunk, built),
        }
    }

    fn keep_chunk(&self, sent: &Sent, chunk: Chunk, built: &mut Built) -> Result<(), Trouble> {
        let Chunk { mut text, totals } = chunk;
        wire::close(sent.terms.form, &mut text);
        let bytes = pack(sent.terms.packing, &text)?;
        drop(text);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let number = u32::try_from(built.chunks.len() + 1).unwrap_or(u32::MAX);
        let reserved = self.room.reserve(length).map_err(Trouble::Registry)?;
        sent.keep(number, &bytes, reserved)?;
        built.chunks.push(Line {
            sha256: digest::sha256_hex(&bytes),
            bytes: length,
            records: totals.records,
            amount: totals.amount,
        });
        Ok(())
    }
}

/// A chunk that is being written.
struct Chunk {
    text: Vec<u8>,
    totals: Totals,
}

impl Chunk {
    fn new(sent: &Sent) -> Self {
        let head = Head {
            party: Party::Si,
            kind: sent.terms.kind,
            period: sent.terms.period,
        };
        let mut text = Vec::new();
        wire::open(sent.terms.form, head, &mut text);
        Self {
            text,
            totals: Totals::default(),
        }
    }

    /// A number that is not agreed is not written; every other field has to be, or nothing was begun.
    fn write(&mut self, sent: &Sent, record: Record<'_>) {
        let record = match record {
            Record::Person(mut person) => {
                if !sent.terms.fields.contains(NUMBER) {
                    person.number = NumberKey::default();
                }
                person.region = LOWEST_REGION;
                Record::Person(person)
            }
            Record::Employer(mut employer) => {
                employer.region = LOWEST_REGION;
                Record::Employer(employer)
            }
        };
        self.totals.add(&record);
        wire::write(sent.terms.form, Party::Si, &record, &mut self.text);
    }
}

/// The registry's rows have no region of the minimum wage, and a record that is sent must have one: that of the lowest
/// floor, so that nobody is judged by one that may not hold.
const LOWEST_REGION: u8 = 4;
/// What was written of the month.
pub(super) const BUILT: &str = "built";
/// A chunk is cut here at the latest: what it is packed into is never longer than a chunk may be.
const TEXT_BYTES_MAX: usize = 15 << 20;
