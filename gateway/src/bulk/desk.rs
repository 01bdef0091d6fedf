//! Manifests, chunks and results, as the rooms and the tax adapter ask for them.

use std::sync::Arc;

use certs::digest;
use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    bulk::{Announced, Bulk, ChunkName, Place, Ticket, no_manifest},
};
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    wire::tax_records::{CHUNK_BYTES_MAX, Party},
};
use tax::{
    Reconciliations, Told,
    bulk::fault,
    compare::Tolerance,
    reconcile::{self, Manifest, Totals},
    unpack::Bounds,
};

use super::{Bulks, Inner, case::Asked, case::Case, disk};
use crate::schedules::Progress;

impl Bulk for Bulks {
    fn announced(
        &self,
        sender: &PartnerId,
        chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Announced, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| {
            let case = inner.known(&sender, &chunk.manifest)?;
            awaited(&case, chunk.number)
        }))
    }

    fn spool(&self, sender: &PartnerId, chunk: &ChunkName) -> BoxFuture<'_, Result<Place, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| {
            let case = inner.known(&sender, &chunk.manifest)?;
            let announced = awaited(&case, chunk.number)?;
            let spool = inner.spool(&case, chunk.number, announced)?;
            Ok((announced, spool))
        }))
    }
}

impl Bulks {
    /// How far a month has come; none where its manifest has not come yet.
    ///
    /// # Errors
    /// The folder.
    pub(crate) async fn progress(
        &self,
        sender: &PartnerId,
        manifest: &MessageId,
    ) -> Result<Option<Progress>, Fault> {
        let (sender, manifest) = (sender.clone(), manifest.clone());
        self.aside(move |inner| {
            let Some(case) = inner.case(&sender, &manifest)? else {
                return Ok(None);
            };
            let told = case.told(0)?;
            Ok(Some(Progress {
                found: told.found,
                reason: told.reason.unwrap_or_default(),
                ..Progress::of(told.state.as_str(), told.progress)
            }))
        })
        .await
    }
}

impl Reconciliations for Bulks {
    fn announce(&self, context: Context, manifest: Manifest) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.aside(move |inner| {
            let text = String::from_utf8(manifest.text()).map_err(disk)?;
            let asked = Asked {
                sender: context.sender.as_str().to_owned(),
                rule: context.rule,
                purpose: context.purpose,
                due_on: inner.due_on(),
                at: Some(inner.clock.now().as_second()),
                tolerance: Tolerance::in_force(manifest.period, &inner.tolerances),
                manifest: text,
            };
            inner.announce(&asked, &manifest)
        }))
    }

    fn take(&self, _context: Context, ticket: &Ticket) -> BoxFuture<'_, Result<Totals, Fault>> {
        let ticket = ticket.clone();
        Box::pin(async move {
            let turn = self.0.readers.acquire().await;
            let _turn = turn.map_err(|_| Fault::new(FaultCode::Draining, "bulk"))?;
            let totals = self.aside(move |inner| inner.take(&ticket)).await?;
            self.0.wake.notify_one();
            Ok(totals)
        })
    }

    fn result(
        &self,
        context: Context,
        manifest: &MessageId,
        page: u32,
    ) -> BoxFuture<'_, Result<Told, Fault>> {
        let manifest = manifest.clone();
        Box::pin(self.aside(move |inner| {
            let unknown = || Fault::new(FaultCode::UnknownSubject, "manifest-unknown");
            let case = inner.case(&context.sender, &manifest)?;
            case.ok_or_else(unknown)?.told(page)
        }))
    }
}

impl Inner {
    /// Counted from the day on which the manifest is taken.
    fn due_on(&self) -> String {
        let today = day_in_viet_nam(self.clock.now());
        today.saturating_add(i64::from(self.due).days()).to_string()
    }

    fn known(&self, sender: &PartnerId, manifest: &MessageId) -> Result<Arc<Case>, Fault> {
        self.case(sender, manifest)?.ok_or_else(no_manifest)
    }

    /// Unpacks, reads and sorts a chunk, or tells again what became of it.
    fn take(&self, ticket: &Ticket) -> Result<Totals, Fault> {
        let number = ticket.chunk.number;
        let case = self.known(&ticket.sender, &ticket.chunk.manifest)?;
        let lock = case.lock()?;
        let mut engine = case.open(&lock).map_err(|refusal| fault(&refusal))?;
        if engine.chunks(Party::Tax).contains(&number) {
            return announced(&case, number).map(|announced| announced.totals);
        }
        // the time to send it may have ended while it was on its way
        if case.is_over() {
            return Err(over());
        }
        let most = u64::try_from(CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        // bytes that went away are sent again: the same chunk is then taken as if it were new
        let lost = || Fault::new(FaultCode::OutOfOrder, "chunk-bytes-lost");
        let bytes = case.bytes(number, most).map_err(disk)?.ok_or_else(lost)?;
        let sha256 = digest::sha256(&bytes);
        engine
            .accept(&case.manifest, number, &sha256, &bytes, Bounds::default())
            .map_err(|refusal| fault(&refusal))
    }
}

fn announced(case: &Case, number: u32) -> Result<&reconcile::Announced, Fault> {
    let unknown = || Fault::new(FaultCode::BadSignature, "chunk-not-in-manifest");
    case.manifest.chunk(number).ok_or_else(unknown)
}

/// What was announced of a chunk, where those before it are taken and it may still come.
fn awaited(case: &Case, number: u32) -> Result<Announced, Fault> {
    let announced = announced(case, number)?;
    let taken = case.standing().map_err(|refusal| fault(&refusal))?.taken;
    let next = u32::try_from(taken.len()).unwrap_or(u32::MAX);
    match number.checked_sub(1) {
        Some(before) if before == next && case.is_over() => Err(over()),
        Some(before) if before <= next => Ok(Announced {
            sha256: announced.digest,
            bytes: announced.bytes,
        }),
        _ => Err(Fault::new(FaultCode::OutOfOrder, "chunk-out-of-order")),
    }
}

/// The refusal of a chunk that comes when its month is over.
fn over() -> Fault {
    Fault::new(FaultCode::OutOfOrder, "reconciliation-over")
}
