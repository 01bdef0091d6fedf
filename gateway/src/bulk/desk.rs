//! Manifests, chunks and results, as the rooms and the tax adapter ask for them.

use certs::digest;
use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    bulk::{Announced, Bulk, ChunkName, Spool, Ticket, no_manifest},
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
    reconcile::{Manifest, Totals},
    unpack::Bounds,
};

use super::{Bulks, Inner, case::Asked, case::Case, disk};

impl Bulk for Bulks {
    fn announced(
        &self,
        sender: &PartnerId,
        chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Announced, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| inner.awaited(&sender, &chunk)))
    }

    fn spool(
        &self,
        sender: &PartnerId,
        chunk: &ChunkName,
        announced: Announced,
    ) -> BoxFuture<'_, Result<Box<dyn Spool>, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| {
            let case = inner.known(&sender, &chunk.manifest)?;
            inner.spool(&case, chunk.number, announced)
        }))
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

    fn known(&self, sender: &PartnerId, manifest: &MessageId) -> Result<Case, Fault> {
        self.case(sender, manifest)?.ok_or_else(no_manifest)
    }

    /// What was announced of a chunk, where those before it are taken.
    fn awaited(&self, sender: &PartnerId, chunk: &ChunkName) -> Result<Announced, Fault> {
        let case = self.known(sender, &chunk.manifest)?;
        let announced = case
            .manifest
            .chunk(chunk.number)
            .ok_or_else(|| Fault::new(FaultCode::BadSignature, "chunk-not-in-manifest"))?;
        let taken = case.standing().map_err(|refusal| fault(&refusal))?.taken;
        let next = u32::try_from(taken.len()).unwrap_or(u32::MAX);
        match chunk.number.checked_sub(1) {
            Some(before) if before <= next => Ok(Announced {
                sha256: announced.digest,
                bytes: announced.bytes,
            }),
            _ => Err(Fault::new(FaultCode::OutOfOrder, "chunk-out-of-order")),
        }
    }

    /// Unpacks, reads and sorts a chunk, or tells again what became of it.
    fn take(&self, ticket: &Ticket) -> Result<Totals, Fault> {
        let number = ticket.chunk.number;
        let case = self.known(&ticket.sender, &ticket.chunk.manifest)?;
        let lock = case.lock()?;
        let mut engine = case.open(&lock).map_err(|refusal| fault(&refusal))?;
        let most = u64::try_from(CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        // bytes that went away are sent again: the same chunk is then taken as if it were new
        let lost = || Fault::new(FaultCode::OutOfOrder, "chunk-bytes-lost");
        let bytes = match engine.chunks(Party::Tax).contains(&number) {
            true => Vec::new(),
            false => case.bytes(number, most).map_err(disk)?.ok_or_else(lost)?,
        };
        if bytes.is_empty() {
            let announced = case.manifest.chunk(number).ok_or_else(lost)?;
            return Ok(announced.totals);
        }
        let sha256 = digest::sha256(&bytes);
        engine
            .accept(&case.manifest, number, &sha256, &bytes, Bounds::default())
            .map_err(|refusal| fault(&refusal))
    }
}
