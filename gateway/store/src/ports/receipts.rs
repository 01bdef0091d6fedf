//! The port of receipts.

use futures_util::future::BoxFuture;
use gateway_core::ports::{Heard, Kept, ParcelName, Receipts, StoreError};

use crate::sql::Connection;
use crate::{Store, erasure, journal, outbox};

impl Receipts for Store {
    fn heard(&self, parcel: &str) -> BoxFuture<'_, Result<Option<Heard>, StoreError>> {
        let id = parcel.to_owned();
        Box::pin(async move {
            let look_up = move |conn: &Connection| {
                let Some(story) = outbox::one(conn, &id)? else {
                    return Ok(None);
                };
                let record = story
                    .receipt
                    .map(|seq| journal::record(conn, seq.cast_signed()))
                    .transpose()?;
                Ok(Some((story, record)))
            };
            let Some((story, record)) = self.0.readers.read(look_up).await? else {
                return Ok(None);
            };
            let record = record.filter(|record| !record.is_erased());
            let opened = record.map(|record| record.open(&self.0.vault)).transpose();
            let receipt = opened.map_err(|error| self.0.health.note(error))?;
            Ok(Some(Heard {
                story,
                receipt: receipt.map(Into::into),
            }))
        })
    }

    fn kept(&self, name: ParcelName) -> BoxFuture<'_, Result<Option<Kept>, StoreError>> {
        Box::pin(async move {
            let look_up = move |conn: &Connection| {
                let story = match &name {
                    ParcelName::Id(id) => outbox::one(conn, id)?,
                    ParcelName::Cause(evidence) => outbox::caused_by(conn, evidence.as_bytes())?
                        .into_iter()
                        .next(),
                };
                let Some(story) = story else {
                    return Ok(None);
                };
                let held = match erasure::parcel_is_erased(conn, &story.id)? {
                    true => None,
                    false => Some(outbox::held(conn, &story.id)?),
                };
                Ok(Some((story, held)))
            };
            let Some((story, held)) = self.0.readers.read(look_up).await? else {
                return Ok(None);
            };
            let opened = held.map(|held| held.open(&self.0.vault)).transpose();
            let content = opened.map_err(|error| self.0.health.note(error))?;
            Ok(Some(Kept { story, content }))
        })
    }
}
