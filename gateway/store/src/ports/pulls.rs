//! The port of reconciliation.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use gateway_core::ports::{
    Acted, Again, Answered, Judgement, Parcel, Pull, PullBook, PullFile, PullStory, Receipted,
    Resent, StoreError, Telling, Wish,
};
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

use crate::Store;
use crate::meta::time;
use crate::outbox::pulls::{self, AnsweredRow, Judge, Plan, PutAgain, ToldRow};
use crate::sql::{self, Connection};

impl PullBook for Store {
    fn planned(&self, partner: &PartnerId) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>> {
        let partner = partner.clone();
        Box::pin(async move {
            let look_up = move |conn: &Connection| pulls::planned(conn, &partner);
            Ok(self.0.readers.read(look_up).await?.and_then(time))
        })
    }

    fn telling(
        &self,
        pull: &Pull,
        subjects_max: usize,
    ) -> BoxFuture<'_, Result<Telling, StoreError>> {
        let pull = pull.clone();
        Box::pin(async move {
            let look_up = move |conn: &Connection| pulls::told(conn, &pull, subjects_max);
            let (rows, more) = self.0.readers.read(look_up).await?;
            let open = |row: ToldRow| row.open(&self.0.vault);
            let told = rows.into_iter().map(open).collect::<Result<_, _>>();
            let told = told.map_err(|error| self.0.health.note(error))?;
            Ok(Telling { told, more })
        })
    }

    fn plan(&self, pulls: Vec<(Pull, Parcel)>) -> BoxFuture<'_, Result<usize, StoreError>> {
        Box::pin(async move {
            let plan = Plan::seal(&self.0.vault, pulls)?;
            self.0.writer.submit(plan).await
        })
    }

    fn answered(
        &self,
        partner: &PartnerId,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<Answered>, StoreError>> {
        let partner = partner.clone();
        Box::pin(async move {
            let look_up = move |conn: &Connection| pulls::answered(conn, &partner, max);
            let rows = self.0.readers.read(look_up).await?;
            let open = |row: AnsweredRow| row.open(&self.0.vault);
            let opened: Result<_, _> = rows.into_iter().map(open).collect();
            opened.map_err(|error| self.0.health.note(error))
        })
    }

    fn never_came(
        &self,
        sender: &PartnerId,
        ids: Vec<MessageId>,
    ) -> BoxFuture<'_, Result<Vec<MessageId>, StoreError>> {
        let sender = sender.clone();
        Box::pin(
            self.0
                .readers
                .read(move |conn| pulls::never_came(conn, &sender, ids)),
        )
    }

    fn judge(&self, judgement: Judgement) -> BoxFuture<'_, Result<Acted, StoreError>> {
        Box::pin(async move {
            let who = format!("lienthong, as {}", self.0.name);
            let judge = Judge::seal(&self.0.vault, &who, judgement)?;
            self.0.writer.submit(judge).await
        })
    }

    fn receipted(
        &self,
        pull: &Pull,
        kinds: &'static [&'static str],
        max: usize,
    ) -> BoxFuture<'_, Result<Receipted, StoreError>> {
        let pull = pull.clone();
        let look_up = move |conn: &Connection| pulls::receipted(conn, &pull, kinds, max);
        Box::pin(self.0.readers.read(look_up))
    }

    fn resend(&self, wish: Wish, lost_max: u32) -> BoxFuture<'_, Result<Resent, StoreError>> {
        Box::pin(async move {
            let asked = wish.clone();
            let look_up = move |conn: &Connection| {
                if pulls::is_fulfilled(conn, &asked.key)? {
                    return Ok(None);
                }
                let found = asked.ids.into_iter().map(|id| {
                    let lines = pulls::wanted_again(conn, &asked.partner, asked.kinds, &id)?;
                    Ok((id, lines))
                });
                found.collect::<sql::Result<Vec<_>>>().map(Some)
            };
            let Some(found) = self.0.readers.read(look_up).await? else {
                return Ok(Resent::Already);
            };
            let mut again = BTreeMap::new();
            for (id, lines) in found {
                let Some(lines) = lines else {
                    return Ok(Resent::Unknown(id.as_str().to_owned()));
                };
                again.extend(lines.into_iter().map(|line| (line.id.clone(), line)));
            }
            if let Some(line) = again.values().find(|line| line.healed >= lost_max) {
                return Ok(Resent::TooOften(line.id.clone()));
            }
            let again = again.into_values().map(|line| Again {
                id: line.id,
                receipt: line.receipt,
            });
            let again: Vec<Again> = again.collect();
            let many = u32::try_from(again.len()).unwrap_or(u32::MAX);
            let who = format!("lienthong, as {}", self.0.name);
            let put = PutAgain::seal(&self.0.vault, &who, &wish, again);
            Ok(match self.0.writer.submit(put).await? {
                Acted::NotNow(reason) => Resent::NotNow(reason),
                Acted::AlreadySo => Resent::Already,
                _ => Resent::Again(many),
            })
        })
    }

    fn pulls(
        &self,
        partner: Option<&PartnerId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<PullStory>, StoreError>> {
        let partner = partner.cloned();
        Box::pin(
            self.0
                .readers
                .read(move |conn| pulls::list(conn, partner.as_ref(), max)),
        )
    }

    fn pull(&self, id: &str) -> BoxFuture<'_, Result<Option<PullFile>, StoreError>> {
        let id = id.to_owned();
        Box::pin(async move {
            let look_up = move |conn: &Connection| pulls::one(conn, &id);
            let Some((story, record)) = self.0.readers.read(look_up).await? else {
                return Ok(None);
            };
            let judgement = match record {
                Some(record) => self.acts_of(&[record])?.into_iter().next(),
                None => None,
            };
            Ok(Some(PullFile { story, judgement }))
        })
    }
}
