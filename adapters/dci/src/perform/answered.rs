//! What a registry answers to us as its subscriber changes the note of that subscription, once.

use gateway_core::{
    Context,
    ports::{Note, Notes, Receipts},
    sign::hex,
};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
    wire::dci::VitalEvent,
};

use super::{Outcome, store};
use crate::follow::{self, Answered, Followed, Promise};

pub(super) async fn take(
    (notes, receipts): (&dyn Notes, &dyn Receipts),
    context: &Context,
    now: Timestamp,
    answer: &Answered,
) -> Result<Outcome, Fault> {
    let by = hex(&context.key);
    for _ in 0..TRIES {
        let (event, note, followed) = of(notes, &context.sender, &answer.transaction).await?;
        // an answer that overtakes its acknowledgement is taken by its own name
        let promised = promised(receipts, &context.sender, &answer.transaction).await?;
        let next = followed.answered(answer, (event, &by), promised.as_deref(), now.as_second())?;
        let Some(next) = next else {
            return Ok(Outcome::Heard);
        };
        let note = Note {
            content: next.write(),
            ..note
        };
        if notes.write(&context.sender, note).await.map_err(store)? {
            return Ok(Outcome::Heard);
        }
    }
    Err(Fault::new(FaultCode::InProgress, "followed-elsewhere"))
}

/// The subscription of an exchange; another partner's is none.
async fn of(
    notes: &dyn Notes,
    sender: &PartnerId,
    transaction: &str,
) -> Result<(VitalEvent, Note, Followed), Fault> {
    for note in notes.notes(sender).await.map_err(store)? {
        let event = note.name.strip_prefix(follow::NOTES);
        let Some(event) = event.and_then(VitalEvent::parse) else {
            continue;
        };
        if let Some(followed) = Followed::read(&note.content)
            && followed.knows(transaction)
        {
            return Ok((event, note, followed));
        }
    }
    Err(follow::no_such_exchange())
}

async fn promised(
    receipts: &dyn Receipts,
    partner: &PartnerId,
    transaction: &str,
) -> Result<Option<String>, Fault> {
    let parcel = follow::parcel_id(partner, transaction);
    let heard = receipts.heard(&parcel).await.map_err(store)?;
    let receipt = heard.and_then(|heard| heard.receipt);
    Ok(match receipt.map(|receipt| follow::promised(&receipt)) {
        Some(Promise::Callback(correlation)) => Some(correlation),
        _ => None,
    })
}

/// Somebody else may be writing the same note.
const TRIES: u32 = 5;
