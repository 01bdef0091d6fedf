//! Where sender, time and proof of a webhook come from. Its body names no sender and no receiver: it is told by whoever
//! holds the other end, to us since it came to us. Nothing is trusted here; the verify room proves what the keyed hash covers.

use bytes::Bytes;
use gateway_core::{
    Claims, Direction, Envelope, Head, Proven, Road, SignatureForm, hub::HubSignature,
};
use roads::{
    dci::{moment, unreadable},
    jws::SIGNATURE,
    media,
};
use schemas::{
    fault::{Fault, FaultCode},
    wire::opencrvs::{Raw, Topic},
};

use crate::{BIRTH, DEATH, decode::invalid};

/// The header field of the keyed hash.
pub(crate) const HUB_SIGNATURE: &str = "x-hub-signature";

/// Longer than any keyed hash in hex.
const SIGNATURE_BYTES_MAX: usize = 128;

pub(crate) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    media::check(&head.headers, media::JSON)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    // whoever has no secret with us tells nothing here, whatever its body looks like
    let terms = head
        .hub()
        .ok_or_else(|| Fault::new(FaultCode::Unauthenticated, "unknown-sender"))?;
    let text = hash(head)?;
    let raw = Raw::read(body).map_err(unreadable)?;
    let topic = Topic::parse(&raw.topic).ok_or_else(|| invalid("event-not-for-us", "topic"))?;
    let context = match raw.contexts.as_slice() {
        [] => return Err(invalid("missing-field", "context")),
        [one] => body.slice_ref(one.as_bytes()),
        _ => return Err(invalid("too-many-contexts", "context")),
    };
    let (receiver, environment) = head
        .house()
        .ok_or_else(|| Fault::new(FaultCode::Internal, "no-house"))?;
    let operation = match topic {
        Topic::BirthRegistered => &BIRTH,
        Topic::DeathRegistered => &DEATH,
    };
    Ok(Envelope {
        road: Road::Direct,
        claims: Claims {
            sender: head.peer.partner().clone(),
            receiver,
            environment,
            direction: Direction::Request,
            id: head.evidence.message_id(),
            sent_at: moment(&raw.timestamp, "timestamp")?,
            operation: operation.name.to_owned(),
        },
        key_hint: None,
        signature: SignatureForm::Hub(HubSignature {
            text,
            covered: terms.covered(body, &context),
            context,
        }),
    })
}

/// The claims, once the secret of their sender has proven what they are about.
pub(crate) fn claims(proven: &Proven<'_>) -> Result<Claims, Fault> {
    let claimed = proven.claimed();
    claimed
        .cloned()
        .ok_or_else(|| Fault::new(FaultCode::BadSignature, "proof-of-another-kind"))
}

/// The keyed hash as it came, or as it was kept of a message that is taken up again from the journal.
fn hash(head: &Head) -> Result<String, Fault> {
    let bad = |reason| Fault::new(FaultCode::BadSignature, reason);
    for name in [HUB_SIGNATURE, SIGNATURE.as_str()] {
        let mut given = head.headers.get_all(name).iter();
        let Some(one) = given.next() else {
            continue;
        };
        if given.next().is_some() {
            return Err(bad("two-signatures"));
        }
        if one.len() > SIGNATURE_BYTES_MAX {
            return Err(bad("signature-too-long"));
        }
        let text = one.to_str().map_err(|_| bad("signature-characters"))?;
        return Ok(text.to_owned());
    }
    Err(bad("no-signature"))
}
