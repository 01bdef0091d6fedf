//! Where an exchange stands: what was promised of it, and whether that has arrived.

use gateway_core::{
    Context,
    ports::{ParcelName, ParcelState, Receipts},
};
use schemas::{
    fault::{Fault, FaultCode},
    wire::dci::{Found, Subscribed, Subscription, Unsubscribed},
};
use serde::de::DeserializeOwned;

use super::{Kept, Outcome, Stand, store};
use crate::{
    Asked, Begun, Parts, Status,
    outbound::{self, Letter, ON_SEARCH, ON_SUBSCRIBE, ON_UNSUBSCRIBE},
};

/// Another's exchange, or one that was begun for something else, is told from none by nobody.
pub(super) async fn stands(
    receipts: &dyn Receipts,
    context: &Context,
    status: &Status,
) -> Result<Outcome, Fault> {
    let name = match status.asked {
        Asked::Transaction(short) => {
            let name = outbound::named(&short);
            ParcelName::Id(outbound::parcel_id(&context.sender, &name))
        }
        Asked::Correlation(evidence) => ParcelName::Cause(evidence),
    };
    let kind = match status.begun {
        Begun::Search => ON_SEARCH,
        Begun::Subscribe => ON_SUBSCRIBE,
        Begun::Unsubscribe => ON_UNSUBSCRIBE,
    };
    let unknown = || Fault::new(FaultCode::UnknownSubject, "no-such-exchange");
    let kept = receipts.kept(name).await.map_err(store)?;
    let kept = kept
        .filter(|kept| kept.story.partner == context.sender && kept.story.kind == kind)
        .ok_or_else(unknown)?;
    // its time of keeping is over
    let content = kept.content.ok_or_else(unknown)?;
    let parts = &status.parts;
    let kept_parts = match status.begun {
        Begun::Search => Kept::Found(Box::new(found(message(&content)?, parts)?)),
        Begun::Subscribe => Kept::Subscribed(Box::new(subscribed(message(&content)?, parts)?)),
        Begun::Unsubscribe => {
            Kept::Unsubscribed(Box::new(unsubscribed(message(&content)?, parts)?))
        }
    };
    let stand = match kept.story.state {
        ParcelState::Done => Stand::Told,
        ParcelState::Cancelled => Stand::TakenBack,
        _ => Stand::Pending,
    };
    Ok(Outcome::Stands(kept_parts, stand))
}

fn message<T: DeserializeOwned>(content: &[u8]) -> Result<T, Fault> {
    let read = Letter::read(content).and_then(|letter| serde_json::from_value(letter.message).ok());
    read.ok_or_else(|| Fault::new(FaultCode::Internal, "unreadable-callback"))
}

/// Those that are named, in the order in which they are; none may be missing.
fn picked<T: Clone>(
    all: &[T],
    named: &[String],
    is: impl Fn(&T, &String) -> bool,
) -> Result<Vec<T>, Fault> {
    let one = |name: &String| {
        let found = all.iter().find(|one| is(one, name)).cloned();
        found.ok_or_else(|| {
            Fault::new(FaultCode::UnknownSubject, "no-such-reference").field("attribute_value")
        })
    };
    named.iter().map(one).collect()
}

fn found(found: Found, parts: &Parts) -> Result<Found, Fault> {
    let Parts::References(named) = parts else {
        return Ok(found);
    };
    let responses = picked(&found.responses, named, |one, name| {
        one.reference_id == *name
    })?;
    Ok(Found { responses, ..found })
}

fn subscribed(told: Subscribed, parts: &Parts) -> Result<Subscribed, Fault> {
    let has = |all: &[Subscription], code: &String| all.iter().any(|one| one.code == *code);
    let responses = match parts {
        Parts::All => return Ok(told),
        Parts::References(named) => picked(&told.responses, named, |one, name| {
            one.reference_id == *name
        })?,
        Parts::Codes(named) => picked(&told.responses, named, |one, code| {
            has(&one.subscriptions, code)
        })?,
    };
    Ok(Subscribed { responses, ..told })
}

fn unsubscribed(told: Unsubscribed, parts: &Parts) -> Result<Unsubscribed, Fault> {
    let Parts::Codes(named) = parts else {
        return Ok(told);
    };
    let subscriptions = picked(&told.subscriptions, named, |one, code| one.code == *code)?;
    Ok(Unsubscribed {
        subscriptions,
        ..told
    })
}
