//! A month in bulk: a manifest announces it, its chunks are taken one by one, its result is told page by page.
//!
//! What is kept where, and when both sides are compared, is the implementer's of [`Reconciliations`].

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Claims, Context, Decoded, Encoded, Identity,
    bulk::Ticket,
    policy::Permit,
    ports::{Person, PersonNumber},
};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, Period, Pin},
    wire::{
        tax::{
            Answer, FindingLine, Reconcile, ReconcileChunkReceipt, ReconcileReceipt,
            ReconcileResult, ReconcileResultPage, ReconcileState, SummaryRow,
        },
        tax_records::Party,
    },
};

use crate::{
    Outcome, PURPOSE, Words,
    reconcile::{Announced, Manifest, Refusal, Totals},
    unpack::UnpackError,
};

/// Where manifests and chunks are kept and compared with the insurance side.
pub trait Reconciliations: Send + Sync + 'static {
    /// Takes a manifest; the same one again changes nothing.
    fn announce(&self, context: Context, manifest: Manifest) -> BoxFuture<'_, Result<(), Fault>>;

    /// Takes a chunk whose bytes have been proven; the same one again changes nothing.
    fn take(&self, context: Context, ticket: &Ticket) -> BoxFuture<'_, Result<Totals, Fault>>;

    /// How far the sender's reconciliation is, with all values; `page` 0 tells the summary.
    fn result(
        &self,
        context: Context,
        manifest: &MessageId,
        page: u32,
    ) -> BoxFuture<'_, Result<Told, Fault>>;
}

/// What a reconciliation has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// How far it is.
    pub state: ReconcileState,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Per cent.
    pub progress: u32,
    /// Pages; 0 until it is done.
    pub pages: u32,
    /// Findings on all pages.
    pub found: u64,
    /// With page 0.
    pub summary: Vec<SummaryRow>,
    /// With every other page.
    pub findings: Vec<FindingLine>,
}

/// A proven chunk as a request; its ticket is all that there is to read.
pub(crate) fn chunk(
    ticket: &Ticket,
    claims: &Claims,
    text: &[u8],
    words: Words,
) -> Decoded<Ticket> {
    Decoded {
        claims: claims.clone(),
        operation: words.chunk(),
        identity: Identity::Envelope,
        purpose: PURPOSE.to_owned(),
        asked: BTreeSet::new(),
        lines: 1,
        provinces: None,
        payload: Bytes::copy_from_slice(text),
        objection: None,
        synthetic: false,
        persons: Vec::new(),
        request: ticket.clone(),
    }
}

/// A manifest is of a month that has ended, and its chunks give its totals.
pub(crate) fn adds_up(ask: &Reconcile, now: Period) -> Result<(), Fault> {
    if ask.period >= now {
        let reason = match ask.period > now {
            true => "period-in-the-future",
            false => "month-not-ended",
        };
        return Err(Fault::new(FaultCode::Invalid, reason).field("Period"));
    }
    let sum = ask.chunks.iter().try_fold((0_u64, 0_u64), |sum, chunk| {
        let (records, amount) = sum;
        Some((
            records.checked_add(chunk.records)?,
            amount.checked_add(chunk.amount)?,
        ))
    });
    match sum {
        Some((records, _)) if records != ask.records => Err(unlike("Records")),
        Some((_, amount)) if amount == ask.amount => Ok(()),
        _ => Err(unlike("Amount")),
    }
}

fn unlike(field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, "totals-do-not-add-up").field(field)
}

/// The manifest as the engine takes it.
pub(crate) fn manifest(ask: &Reconcile) -> Manifest {
    let announced = |chunk: &schemas::wire::tax::Chunk| Announced {
        digest: chunk.sha256,
        bytes: chunk.bytes,
        totals: Totals {
            records: chunk.records,
            amount: chunk.amount,
        },
    };
    Manifest {
        id: ask.manifest.clone(),
        party: Party::Tax,
        kind: ask.kind,
        period: ask.period,
        scope: ask.provinces,
        form: ask.form,
        packing: ask.packing,
        chunks: ask.chunks.iter().map(announced).collect(),
        totals: Totals {
            records: ask.records,
            amount: ask.amount,
        },
    }
}

/// That a manifest is taken.
pub(crate) fn receipt(ask: &Reconcile) -> Answer {
    Answer::ReconcileReceipt(ReconcileReceipt {
        manifest: ask.manifest.clone(),
        chunks: u32::try_from(ask.chunks.len()).unwrap_or(u32::MAX),
    })
}

/// That a chunk is taken.
pub(crate) fn chunk_answer(ticket: &Ticket, outcome: &Outcome) -> Result<Answer, Fault> {
    let Outcome::Taken(totals) = outcome else {
        return Err(Fault::new(
            FaultCode::Internal,
            "outcome-of-another-operation",
        ));
    };
    Ok(Answer::ReconcileChunkReceipt(ReconcileChunkReceipt {
        manifest: ticket.chunk.manifest.clone(),
        number: ticket.chunk.number,
        records: totals.records,
        amount: totals.amount,
    }))
}

/// A page with the values that the permit discloses; every other finding names its field only.
pub(crate) fn page(ask: &ReconcileResult, permit: &Permit, told: Told) -> Answer {
    let seen = |line: FindingLine| match permit.disclosed().contains(line.field.as_str()) {
        true => line,
        false => FindingLine {
            ours: None,
            theirs: None,
            expected: None,
            ..line
        },
    };
    let withheld = permit.withheld().iter();
    Answer::ReconcileResultPage(Box::new(ReconcileResultPage {
        manifest: ask.manifest.clone(),
        state: told.state,
        reason: told.reason,
        progress: told.progress,
        page: ask.page,
        pages: told.pages,
        found: told.found,
        summary: told.summary,
        findings: told.findings.into_iter().map(seen).collect(),
        not_disclosed: withheld.map(|field| (*field).to_owned()).collect(),
    }))
}

/// Whom a page tells of: each person once, with the fields whose values are shown.
pub(crate) fn persons(permit: &Permit, told: &Told) -> Vec<Person> {
    let mut persons: Vec<(Pin, BTreeSet<&'static str>)> = Vec::new();
    for line in &told.findings {
        let Some(pin) = line.person.as_deref().and_then(|pin| Pin::parse(pin).ok()) else {
            continue;
        };
        // findings of one person stand together
        if persons.last().is_none_or(|(last, _)| *last != pin) {
            persons.push((pin, BTreeSet::new()));
        }
        let shown = permit.disclosed().get(line.field.as_str());
        if let (Some((_, fields)), Some(field)) = (persons.last_mut(), shown) {
            fields.insert(field);
        }
    }
    let named = |(pin, fields): (Pin, BTreeSet<&'static str>)| Person {
        numbers: vec![PersonNumber::Pin(pin)],
        told: fields.into_iter().collect(),
    };
    persons.into_iter().map(named).collect()
}

/// An answer that tells of nobody.
pub(crate) fn about_nobody(unsigned: gateway_core::Unsigned) -> Encoded {
    Encoded {
        unsigned,
        callbacks: Vec::new(),
        persons: Vec::new(),
    }
}

/// What the engine refuses, as a fault: its reason is stable and holds no content.
#[must_use]
pub fn fault(refusal: &Refusal) -> Fault {
    let invalid = |reason| Fault::new(FaultCode::Invalid, reason);
    match refusal {
        Refusal::Records(error) => {
            let fault = invalid(error.reason.as_str()).log(format!("record {}", error.record));
            match error.field {
                Some(field) => fault.field(field.as_str()),
                None => fault,
            }
        }
        Refusal::Head => invalid("head-of-another-month"),
        Refusal::Unannounced => Fault::new(FaultCode::BadSignature, "chunk-not-as-announced"),
        Refusal::OutOfOrder => Fault::new(FaultCode::OutOfOrder, "chunk-out-of-order"),
        Refusal::OtherManifest | Refusal::Sealed => {
            Fault::new(FaultCode::Conflict, "side-is-complete")
        }
        Refusal::Unpack(UnpackError::Damaged) => invalid("packing-damaged"),
        Refusal::Unpack(_) => Fault::new(FaultCode::TooLarge, "chunk-unpacks-too-large"),
        Refusal::Province => invalid("province-not-announced").field("province"),
        Refusal::RecordTwice => invalid("record-twice"),
        Refusal::TooMany => invalid("more-records-than-announced"),
        Refusal::GroupTooLarge => invalid("too-many-records-of-one"),
        Refusal::Totals => invalid("totals-do-not-add-up"),
        Refusal::NotSealed | Refusal::Folder | Refusal::Io(_) => {
            Fault::new(FaultCode::Internal, "spool").log(refusal.to_string())
        }
    }
}
