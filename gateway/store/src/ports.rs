//! The ports of gateway-core, each call one command to the writer or one look-up.
//!
//! Bytes are sealed and opened here, on the caller's thread: the writer only chains and writes.

mod pulls;
mod receipts;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::head::Evidence;
use gateway_core::ports::{
    Access, AccessStory, Act, ActStory, Acted, Adoption, Census, Claimed, Deed, Delivery, Entry,
    Hold, InForce, Known, Leased, Ledger, LookUp, MessageLog, Office, Orders, Outbox, Parcel,
    ParcelFile, ParcelFilter, ParcelStory, Recovering, RefusalNote, Registrations, StoreError,
    StoredAnswer, Story, Unfinished, Whom,
};
use schemas::id::{MessageId, PartnerId};

use crate::access::{self, Shown};
use crate::inbox::{
    self, Claim, ClaimOut, Commit, Exchange, HandOut, Quarantine, Release, Verdict,
};
use crate::journal::{self, Record};
use crate::outbox::{self, Lease, Perform, Put, SealedParcel, Sending, Settle, Standing};
use crate::refusals::Refuse;
use crate::sql::{self, Connection};
use crate::{Store, micros, recovering, story};

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
            let look_up = move |conn: &Connection| {
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
                // What was erased is known to nobody any more; its age refuses it.
                (Some(record), _) if record.is_erased() => Known::Unknown,
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
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let shown = Shown::seal(&self.0.vault, &accesses);
            let commit = Commit {
                answer: inbox::seal_answer(&self.0.vault, entry, &answer, &shown),
                parcels: SealedParcel::seal_all(&self.0.vault, &parcels)?,
                shown,
            };
            let aside = self.0.writer.submit(commit).await?;
            for parcel in aside {
                // Nothing else tells of it: the message was answered, and this parcel goes nowhere.
                tracing::error!(parcel, evidence = %entry, "a parcel was set aside at the answer: its id is known with other content");
            }
            Ok(())
        })
    }

    fn record(
        &self,
        entry: Entry,
        answer: StoredAnswer,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<Claimed, StoreError>> {
        Box::pin(async move {
            let shown = Shown::seal(&self.0.vault, &accesses);
            let exchange = Exchange {
                answer: inbox::seal_answer(&self.0.vault, entry.evidence, &answer, &shown),
                shown,
                claim: Claim::seal(&self.0.vault, entry),
            };
            let out = self.0.writer.submit(exchange).await?;
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
            let reopen =
                |(record, lost): &(Record, u32)| inbox::reopen(&self.0.vault, record, *lost);
            let reopened = records.iter().map(reopen).collect::<Result<_, _>>();
            reopened.map_err(|error| self.0.health.note(error))
        })
    }

    fn quarantine(
        &self,
        evidence: Evidence,
        reason: &'static str,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.0.writer.submit(Quarantine { evidence, reason }))
    }

    fn story(&self, id: &str) -> BoxFuture<'_, Result<Vec<Story>, StoreError>> {
        let id = id.to_owned();
        Box::pin(async move {
            let look_up = move |conn: &Connection| {
                let stories = story::stories(conn, &id)?;
                stories
                    .into_iter()
                    .map(|story| {
                        let acts = outbox::acts_of(conn, &story.evidence.to_string())?;
                        Ok((story, acts))
                    })
                    .collect::<sql::Result<Vec<_>>>()
            };
            let found = self.0.readers.read(look_up).await?;
            let tell = |(story, acts): (Story, Vec<Record>)| {
                let acts = self.acts_of(&acts)?;
                Ok(Story { acts, ..story })
            };
            found.into_iter().map(tell).collect()
        })
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
    fn put(&self, parcels: Vec<Parcel>) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
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
        holds: Vec<Hold>,
        bytes: Bytes,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        let partner = partner.clone();
        Box::pin(async move {
            let crowd = accesses.iter().find(|access| access.whom == Whom::Many);
            let Some(crowd) = crowd else {
                let shown = Shown::seal(&self.0.vault, &accesses);
                let sending = Sending::seal(&self.0.vault, &partner, holds, (&bytes, shown));
                return self.0.writer.submit(sending).await;
            };
            let marks = access::marks(&self.0.vault, &holds, crowd);
            let known = marks.clone();
            let known = move |conn: &Connection| access::is_marked(conn, &known);
            let is_known = self.0.readers.read(known).await?;
            let vault = Arc::clone(&self.0.vault);
            // tens of thousands of digests
            let sealed = tokio::task::spawn_blocking(move || {
                let mut accesses = accesses;
                if is_known {
                    accesses.retain(|access| access.whom == Whom::One);
                }
                let mut shown = Shown::seal(&vault, &accesses);
                if let (false, Some(mark)) = (is_known, marks.first()) {
                    shown = shown.marked(*mark);
                }
                Sending::seal(&vault, &partner, holds, (&bytes, shown))
            });
            let lost = |_| StoreError::Unavailable("the crowd was not sealed".into());
            self.0.writer.submit(sealed.await.map_err(lost)?).await
        })
    }

    fn settle(&self, results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.0
                .writer
                .submit(Settle::seal(&self.0.vault, results))
                .await
        })
    }
}

impl Office for Store {
    fn list(&self, filter: ParcelFilter) -> BoxFuture<'_, Result<Vec<ParcelStory>, StoreError>> {
        Box::pin(self.0.readers.read(move |conn| outbox::list(conn, &filter)))
    }

    fn show(&self, parcel: &str) -> BoxFuture<'_, Result<Option<ParcelFile>, StoreError>> {
        let id = parcel.to_owned();
        Box::pin(async move {
            let look_up = move |conn: &Connection| {
                let Some(story) = outbox::one(conn, &id)? else {
                    return Ok(None);
                };
                let behind = outbox::behind(conn, &id)?;
                Ok(Some((story, behind, outbox::acts_of(conn, &id)?)))
            };
            let Some((story, behind, acts)) = self.0.readers.read(look_up).await? else {
                return Ok(None);
            };
            Ok(Some(ParcelFile {
                story,
                behind,
                acts: self.acts_of(&acts)?,
            }))
        })
    }

    fn act(&self, act: Act) -> BoxFuture<'_, Result<Acted, StoreError>> {
        Box::pin(async move {
            if let Deed::Erase { evidence, law } = &act.deed {
                return self.erase(*evidence, law, &act).await;
            }
            let fences = matches!(act.deed, Deed::Restore(_) | Deed::Release);
            let perform = Perform::seal(&self.0.vault, act);
            let acted = self.0.writer.submit(perform).await?;
            if fences {
                self.recovering().await?;
            }
            Ok(acted)
        })
    }

    fn orders(&self) -> BoxFuture<'_, Result<Orders, StoreError>> {
        Box::pin(async move {
            let standing = self.0.readers.read(outbox::orders).await?;
            Standing::open_all(&standing, &self.0.vault).map_err(|error| self.0.health.note(error))
        })
    }

    fn recovering(&self) -> BoxFuture<'_, Result<Option<Recovering>, StoreError>> {
        Box::pin(async move {
            let look_up =
                |conn: &Connection| Ok((recovering::gaps(conn)?, recovering::standing(conn)?));
            let (gaps, standing) = self.0.readers.read(look_up).await?;
            self.0.fence.set(gaps);
            recovering::told(standing, &self.0.vault).map_err(|error| self.0.health.note(error))
        })
    }

    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<ActStory>, StoreError>> {
        Box::pin(async move {
            let look_up = move |conn: &Connection| outbox::newest_acts(conn, max);
            let acts = self.0.readers.read(look_up).await?;
            self.acts_of(&acts)
        })
    }

    fn newest_act(
        &self,
        deed: &'static str,
        target_begins: &str,
    ) -> BoxFuture<'_, Result<Option<ActStory>, StoreError>> {
        let target_begins = target_begins.to_owned();
        Box::pin(async move {
            let look_up = move |conn: &Connection| outbox::newest_act(conn, deed, &target_begins);
            let act = self.0.readers.read(look_up).await?;
            let told = self.acts_of(act.as_slice())?;
            Ok(told.into_iter().next())
        })
    }
}

impl Ledger for Store {
    fn accesses(
        &self,
        look_up: LookUp,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<AccessStory>, StoreError>> {
        Box::pin(async move {
            let (person, deed) = access::deed(&self.0.vault, &look_up);
            let known = access::digests(&self.0.vault, &look_up.number);
            let LookUp { who, why, .. } = look_up;
            let act = Act { who, why, deed };
            let shown = Shown::looked_up(person);
            // whoever looks is in the ledger before anything is seen
            let perform = Perform::telling(&self.0.vault, act, shown);
            self.0.writer.submit(perform).await?;
            let vault = Arc::clone(&self.0.vault);
            let look_up = move |conn: &Connection| access::find(conn, &vault, &known, max);
            let found = self.0.readers.read(look_up).await?;
            let told: Result<_, _> = found.iter().map(|row| row.told(&self.0.vault)).collect();
            told.map_err(|error| self.0.health.note(error))
        })
    }
}

impl Registrations for Store {
    fn in_force(&self) -> BoxFuture<'_, Result<Vec<InForce>, StoreError>> {
        Box::pin(async move {
            let found = self.0.readers.read(outbox::in_force).await?;
            let open = |row: &outbox::Adopted| row.open(&self.0.vault);
            let opened: Result<_, _> = found.iter().map(open).collect();
            opened.map_err(|error| self.0.health.note(error))
        })
    }

    fn adopt(
        &self,
        adoption: Adoption,
        who: String,
        why: String,
    ) -> BoxFuture<'_, Result<Acted, StoreError>> {
        let deed = Deed::Adopt(adoption);
        self.act(Act { who, why, deed })
    }
}

impl Store {
    fn acts_of(&self, records: &[Record]) -> Result<Vec<ActStory>, StoreError> {
        let open = |record| outbox::act_story(record, &self.0.vault);
        let opened: Result<_, _> = records.iter().map(open).collect();
        opened.map_err(|error| self.0.health.note(error))
    }

    fn claimed(&self, out: ClaimOut) -> Result<Claimed, StoreError> {
        Ok(match out {
            ClaimOut::New => Claimed::New,
            // Acted upon once, and its answer erased since: it is never acted upon again.
            ClaimOut::Same(record) if record.is_erased() => Claimed::Stale,
            ClaimOut::Same(record) => Claimed::Same(self.answer(&record)?),
            ClaimOut::Conflict => Claimed::Conflict,
            ClaimOut::InProgress => Claimed::InProgress,
            ClaimOut::Stale => Claimed::Stale,
            ClaimOut::Recovering => Claimed::Recovering,
        })
    }

    fn answer(&self, record: &Record) -> Result<StoredAnswer, StoreError> {
        inbox::open_answer(&self.0.vault, record).map_err(|error| self.0.health.note(error))
    }
}
