//! The ports of gateway-core, each call one command to the writer or one look-up.
//!
//! Bytes are sealed and opened here, on the caller's thread: the writer only chains and writes.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::head::Evidence;
use gateway_core::ports::{
    Census, Claimed, Delivery, Entry, Known, Leased, MessageLog, Outbox, Parcel, RefusalNote,
    StoreError, StoredAnswer, Story, Unfinished,
};
use schemas::id::{MessageId, PartnerId};

use crate::inbox::{self, Claim, ClaimOut, Commit, Exchange, HandOut, Release, Verdict};
use crate::journal::{self, Record};
use crate::outbox::{Lease, Put, SealedParcel, Sending, Settle};
use crate::refusals::Refuse;
use crate::{Store, micros, story};

impl MessageLog for Store {
    /// A claim whose holder has gone is `Unknown` here: the next claim of the same content takes it.
    fn known(
        &self,
        sender: &PartnerId,
        id: &MessageId,
        digest: &[u8; 32],
    ) -> BoxFuture<'_, Result<Known, StoreError>> {
        let (sender, id, digest, now) = (sender.clone(), id.clone(), *digest, self.now());
        Box::pin(async move {
            let look_up = move |conn: &rusqlite::Connection| {
                let row = inbox::look_up(conn, &sender, &id)?;
                let verdict = inbox::judge(row.as_ref(), &digest, now);
                let answer = match verdict {
                    Verdict::Same(answer) => Some(journal::record(conn, answer)?),
                    _ => None,
                };
                Ok((verdict, answer))
            };
            let (verdict, answer) = self.0.readers.read(look_up).await?;
            Ok(match (answer, verdict) {
                (Some(record), _) => Known::Same(self.answer(&record)?),
                (None, Verdict::Conflict) => Known::Conflict,
                (None, Verdict::Held) => Known::InProgress,
                (None, _) => Known::Unknown,
            })
        })
    }

    fn claim(&self, entry: Entry) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let claim = Claim::seal(&self.0.vault, entry);
            let out = self.0.writer.submit(claim).await?;
            self.claimed(out)
        })
    }

    fn commit(
        &self,
        entry: Evidence,
        answer: StoredAnswer,
        parcels: Vec<Parcel>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let answer = inbox::seal_answer(&self.0.vault, entry, &answer);
            let parcels = SealedParcel::seal_all(&self.0.vault, &parcels)?;
            self.0.writer.submit(Commit { answer, parcels }).await
        })
    }

    fn record(
        &self,
        entry: Entry,
        answer: StoredAnswer,
    ) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let answer = inbox::seal_answer(&self.0.vault, entry.evidence, &answer);
            let claim = Claim::seal(&self.0.vault, entry);
            let out = self.0.writer.submit(Exchange { claim, answer }).await?;
            self.claimed(out)
        })
    }

    fn release(&self, evidence: Evidence) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.0.writer.submit(Release(evidence)))
    }

    fn refuse(&self, note: RefusalNote) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.0
                .writer
                .submit(Refuse::seal(&self.0.vault, &note))
                .await
        })
    }

    fn unfinished(&self, max: usize) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>> {
        Box::pin(async move {
            let records = self.0.writer.submit(HandOut { max }).await?;
            let reopen = |record| inbox::reopen(&self.0.vault, record);
            let reopened = records.iter().map(reopen).collect::<Result<_, _>>();
            reopened.map_err(|error| self.0.health.note(error))
        })
    }

    fn story(&self, id: &str) -> BoxFuture<'_, Result<Vec<Story>, StoreError>> {
        let id = id.to_owned();
        Box::pin(self.0.readers.read(move |conn| story::stories(conn, &id)))
    }

    fn census(&self) -> BoxFuture<'_, Result<Census, StoreError>> {
        Box::pin(async move {
            let census = self.0.readers.read(story::census).await?;
            Ok(Census {
                halted: self.halted().map(str::to_owned),
                ..census
            })
        })
    }
}

impl Outbox for Store {
    fn put(&self, parcels: Vec<Parcel>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let parcels = SealedParcel::seal_all(&self.0.vault, &parcels)?;
            self.0.writer.submit(Put(parcels)).await
        })
    }

    fn lease(
        &self,
        partner: &PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Leased>, StoreError>> {
        let command = Lease {
            partner: partner.clone(),
            max,
            lease_micros: micros(lease),
        };
        Box::pin(async move {
            let rows = self.0.writer.submit(command).await?;
            let opened: Result<_, _> = rows
                .into_iter()
                .map(|row| row.open(&self.0.vault))
                .collect();
            opened.map_err(|error| self.0.health.note(error))
        })
    }

    fn sending(
        &self,
        partner: &PartnerId,
        ids: Vec<String>,
        bytes: Bytes,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        let partner = partner.clone();
        Box::pin(async move {
            let sending = Sending::seal(&self.0.vault, &partner, ids, &bytes);
            self.0.writer.submit(sending).await
        })
    }

    fn settle(&self, results: Vec<(String, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.0
                .writer
                .submit(Settle::seal(&self.0.vault, results))
                .await
        })
    }
}

impl Store {
    fn claimed(&self, out: ClaimOut) -> Result<Claimed, StoreError> {
        Ok(match out {
            ClaimOut::New => Claimed::New,
            ClaimOut::Same(record) => Claimed::Same(self.answer(&record)?),
            ClaimOut::Conflict => Claimed::Conflict,
            ClaimOut::InProgress => Claimed::InProgress,
            ClaimOut::Stale => Claimed::Stale,
        })
    }

    fn answer(&self, record: &Record) -> Result<StoredAnswer, StoreError> {
        inbox::open_answer(&self.0.vault, record).map_err(|error| self.0.health.note(error))
    }
}
