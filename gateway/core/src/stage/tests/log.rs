//! A message log in memory, with the semantics that `ports` documents.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

use super::diary::{Dial, Diary, Knobs};
use crate::{
    head::Evidence,
    ports::{
        Access, Census, Claimed, Clock as _, Entry, Known, MessageLog, Parcel, RefusalNote,
        StoreError, StoredAnswer, Story, Unfinished,
    },
};

/// How long a claim is held without an answer.
pub(super) const LEASE: Duration = Duration::from_secs(30);

type Rows = HashMap<(PartnerId, MessageId), Row>;

struct Row {
    entry: Entry,
    leased_until: Option<Timestamp>,
    answer: Option<StoredAnswer>,
}

pub(super) struct MemoryLog {
    pub(super) clock: Dial,
    pub(super) diary: Diary,
    pub(super) knobs: Knobs,
    rows: Mutex<Rows>,
    pub(super) parcels: Mutex<Vec<Parcel>>,
    pub(super) accesses: Mutex<Vec<Access>>,
    pub(super) notes: Mutex<Vec<RefusalNote>>,
    /// Put back from a backup.
    pub(super) recovering: AtomicBool,
}

impl MemoryLog {
    pub(super) fn new(clock: Dial, diary: Diary, knobs: Knobs) -> Self {
        Self {
            clock,
            diary,
            knobs,
            rows: Mutex::default(),
            parcels: Mutex::default(),
            accesses: Mutex::default(),
            notes: Mutex::default(),
            recovering: AtomicBool::new(false),
        }
    }

    /// What was written of the message that is remembered under this id.
    pub(super) fn entry(&self, sender: &str, id: &str) -> Option<Entry> {
        let key = (
            PartnerId::parse(sender).unwrap(),
            MessageId::parse(id).unwrap(),
        );
        let rows = self.rows.lock().unwrap();
        rows.get(&key).map(|row| row.entry.clone())
    }

    /// One durable write, unless a knob breaks it.
    fn write<'a, T>(
        &'a self,
        step: &'static str,
        act: impl FnOnce(&mut Rows) -> Result<T, StoreError> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        Box::pin(async move {
            if !self.knobs.pass(step).await {
                return Err(StoreError::Unavailable("broken by a knob".into()));
            }
            let written = act(&mut self.rows.lock().unwrap())?;
            self.diary.write(format!("log {step}"));
            Ok(written)
        })
    }

    fn judge(&self, row: &Row, digest: &[u8; 32]) -> Option<Known> {
        if row.entry.digest != *digest {
            return Some(Known::Conflict);
        }
        if let Some(answer) = &row.answer {
            return Some(Known::Same(answer.clone()));
        }
        let held = row
            .leased_until
            .is_some_and(|until| until > self.clock.now());
        held.then_some(Known::InProgress)
    }

    fn take(&self, rows: &mut Rows, entry: Entry, answer: Option<StoredAnswer>) -> Claimed {
        let key = (entry.sender.clone(), entry.id.clone());
        match rows.get(&key).map(|row| self.judge(row, &entry.digest)) {
            Some(Some(Known::Conflict)) => return Claimed::Conflict,
            Some(Some(Known::Same(answer))) => return Claimed::Same(answer),
            Some(Some(_)) => return Claimed::InProgress,
            None if !entry.fresh => return Claimed::Stale,
            None | Some(None) => {}
        }
        let leased_until = answer.is_none().then(|| self.clock.now() + LEASE);
        let row = Row {
            entry,
            leased_until,
            answer,
        };
        rows.insert(key, row);
        Claimed::New
    }
}

/// The claim that this evidence holds and nobody has answered.
fn open_row(rows: &mut Rows, evidence: Evidence) -> Result<&mut Row, StoreError> {
    rows.values_mut()
        .find(|row| row.entry.evidence == evidence && row.answer.is_none())
        .ok_or_else(|| StoreError::Corrupt("no such claim".into()))
}

impl MessageLog for MemoryLog {
    fn known(
        &self,
        sender: &PartnerId,
        id: &MessageId,
        digest: &[u8; 32],
    ) -> BoxFuture<'_, Result<Known, StoreError>> {
        let (key, digest) = ((sender.clone(), id.clone()), *digest);
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            let judged = rows.get(&key).and_then(|row| self.judge(row, &digest));
            Ok(judged.unwrap_or(Known::Unknown))
        })
    }

    fn claim(&self, entry: Entry) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        self.write("claim", move |rows| {
            let known = rows.contains_key(&(entry.sender.clone(), entry.id.clone()));
            if self.recovering.load(Ordering::SeqCst) && !known {
                return Ok(Claimed::Recovering);
            }
            Ok(self.take(rows, entry, None))
        })
    }

    fn commit(
        &self,
        evidence: Evidence,
        answer: StoredAnswer,
        parcels: Vec<Parcel>,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write("commit", move |rows| {
            open_row(rows, evidence)?.answer = Some(answer);
            self.parcels.lock().unwrap().extend(parcels);
            self.accesses.lock().unwrap().extend(accesses);
            Ok(())
        })
    }

    fn record(
        &self,
        entry: Entry,
        answer: StoredAnswer,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        self.write("record", move |rows| {
            let claimed = self.take(rows, entry, Some(answer));
            if claimed == Claimed::New {
                self.accesses.lock().unwrap().extend(accesses);
            }
            Ok(claimed)
        })
    }

    fn release(&self, evidence: Evidence) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write("release", move |rows| {
            open_row(rows, evidence)?.leased_until = None;
            Ok(())
        })
    }

    fn refuse(&self, note: RefusalNote) -> BoxFuture<'_, Result<(), StoreError>> {
        self.write("refuse", move |_| {
            self.notes.lock().unwrap().push(note);
            Ok(())
        })
    }

    fn unfinished(&self, max: usize) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>> {
        let now = self.clock.now();
        let ended = move |row: &&Row| {
            row.answer.is_none() && row.leased_until.is_none_or(|until| until <= now)
        };
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            Ok(rows.values().filter(ended).take(max).map(again).collect())
        })
    }

    fn quarantine(&self, _: Evidence, _: &'static str) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn story(&self, _: &str) -> BoxFuture<'_, Result<Vec<Story>, StoreError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn census(&self) -> BoxFuture<'_, Result<Census, StoreError>> {
        Box::pin(std::future::ready(Ok(Census::default())))
    }
}

fn again(row: &Row) -> Unfinished {
    let entry = row.entry.clone();
    Unfinished {
        evidence: entry.evidence,
        path: entry.path,
        peer: entry.peer,
        peer_certificate: entry.peer_certificate,
        received_at: entry.received_at,
        content_type: entry.content_type,
        signature: entry.signature,
        attested: entry.attested,
        body: entry.body,
        lost: 0,
    }
}
