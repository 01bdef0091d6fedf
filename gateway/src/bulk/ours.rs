//! Our own side of a month: read from behind the insurance contract in the order of its keys, batch by batch.
//!
//! Which key a chunk of ours ends with is noted before the chunk is taken, so that a process that dies in between asks for
//! the same rows again, and one that dies afterwards for those that follow.

use std::{borrow::Cow, io};

use insurance::client::Records;
use schemas::{
    fault::Fault,
    proto::insurance::{
        EmployerMonth, ParticipationState, PersonMonth, RecordBatch, StreamRecordsRequest,
    },
    wire::tax_records::{Employer, NumberKey, Party, Person, PersonKey, Record, Status, TaxKey},
};
use serde::{Deserialize, Serialize};
use tax::reconcile::{Reconciliation, Refusal};
use tokio::{runtime::Handle, sync::watch};

use super::{Covered, Inner, case::Case, ledger::Month};

/// Why our side could not be read; asked again later.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the registry: {0}")]
    Registry(Fault),
    #[error("the engine: {0}")]
    Engine(#[from] Refusal),
    #[error("the disk: {0}")]
    Disk(#[from] io::Error),
    #[error("the gateway stops")]
    Stopped,
}

/// Between which keys a chunk of ours lies.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    number: u32,
    after: String,
    until: String,
}

impl Inner {
    /// Takes all of our side, from where it stands. Blocks; the runtime is asked for the stream.
    pub(super) fn take_ours(
        &self,
        case: &Case,
        engine: &mut Reconciliation<Covered>,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let mut taken = u32::try_from(engine.chunks(Party::Si).len()).unwrap_or(u32::MAX);
        let mut after = begins_after(case, taken)?;
        let request = request(&case.month(), &after);
        let begun = self.insurance.records(self.patience, request);
        let mut stream = runtime.block_on(begun).map_err(Trouble::Registry)?;
        loop {
            if *stop.borrow() {
                return Err(Trouble::Stopped);
            }
            let batches = some(&mut stream, runtime)?;
            let Some(until) = batches.last().map(|batch| batch.next.clone()) else {
                break;
            };
            taken += 1;
            let cursor = Cursor {
                number: taken,
                after: std::mem::replace(&mut after, until.clone()),
                until,
            };
            case.put(CURSOR, &cursor)?;
            let records = batches.iter().flat_map(records);
            engine.take_records(Party::Si, taken, records)?;
        }
        let all = engine.taken(Party::Si);
        Ok(engine.seal(Party::Si, taken, all)?)
    }
}

/// The key after which the next chunk begins.
fn begins_after(case: &Case, taken: u32) -> Result<String, Trouble> {
    let cursor: Cursor = case.get(CURSOR)?.unwrap_or_default();
    match cursor.number {
        number if number == taken => Ok(cursor.until),
        number if number == taken + 1 => Ok(cursor.after),
        _ => Err(Refusal::Folder.into()),
    }
}

/// Our side of a month from behind a key on.
pub(super) fn request(month: &Month<'_>, after: &str) -> StreamRecordsRequest {
    StreamRecordsRequest {
        context: Some(month.reading()),
        kind: month.kind().into(),
        period: month.period.to_string(),
        provinces: month.scope.words(),
        after: after.to_owned(),
    }
}

/// Batches until they are as many records as one chunk holds, or the end.
pub(super) fn some(stream: &mut Records, runtime: &Handle) -> Result<Vec<RecordBatch>, Trouble> {
    let (mut batches, mut count) = (Vec::new(), 0);
    while count < CHUNK_RECORDS {
        let batch = runtime.block_on(stream.next()).map_err(Trouble::Registry)?;
        match batch {
            Some(batch) if !batch.next.is_empty() => {
                count += batch.employers.len() + batch.persons.len();
                batches.push(batch);
            }
            _ => break,
        }
    }
    Ok(batches)
}

/// The records of a batch; one whose numbers are of no rule cannot meet anything and is left out.
pub(super) fn records(batch: &RecordBatch) -> impl Iterator<Item = Record<'_>> {
    let employers = batch
        .employers
        .iter()
        .map(|one| employer(one).map(Record::Employer));
    let persons = batch
        .persons
        .iter()
        .map(|one| person(one).map(Record::Person));
    let all = employers.chain(persons);
    all.filter_map(|record| {
        if record.is_none() {
            tracing::warn!("a record of the registry has a number that breaks its rule");
        }
        record
    })
}

fn employer(row: &EmployerMonth) -> Option<Employer<'_>> {
    Some(Employer {
        mst: TaxKey::parse(&row.tax_code)?,
        unit: &row.unit_code,
        province: row.province.parse().ok()?,
        region: REGION_UNKNOWN,
        status: match row.state() {
            ParticipationState::Active => Status::Active,
            ParticipationState::Suspended => Status::Suspended,
            _ => Status::Closed,
        },
        name: Cow::Borrowed(&row.name),
        address: Cow::Borrowed(&row.address),
        count: row.participants,
        amount: u64::try_from(row.fund_vnd).ok()?,
        due: u64::try_from(row.due_vnd).ok()?,
        paid: u64::try_from(row.paid_vnd).ok()?,
    })
}

fn person(row: &PersonMonth) -> Option<Person<'_>> {
    Some(Person {
        person: PersonKey::parse(&row.pin)?,
        number: NumberKey::parse(&row.si_number).unwrap_or_default(),
        mst: TaxKey::parse(&row.tax_code)?,
        province: row.province.parse().ok()?,
        region: REGION_UNKNOWN,
        name: Cow::Borrowed(&row.name),
        born: row.birth_date.replace('-', "").parse().ok()?,
        amount: u64::try_from(row.base_vnd).ok()?,
        // the registry does not say; compulsory insurance is of full-time work in its rows
        full: true,
    })
}

const CURSOR: &str = "cursor";
/// Records of one chunk of ours: what is held in memory of them.
const CHUNK_RECORDS: usize = 50_000;
/// The registry's rows have no region of the minimum wage: no floor is judged by them.
const REGION_UNKNOWN: u8 = 0;
