//! The claims of a trigger, out of its path and its token; nothing of either is believed here.

use bytes::Bytes;
use gateway_core::{
    Claims, Direction, Envelope, Head, Operation, Road, SignatureForm, stage::SIGNATURE,
    trigger::RecordToken,
};
use jiff::Timestamp;
use roads::{bearer, dci::unreadable, media};
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    json,
    wire::opencrvs::{self as wire, Topic},
};
use serde::{Deserialize, Serialize};

use super::{TRIGGER_BIRTH, TRIGGER_DEATH, TRIGGER_OTHER};
use crate::decode::invalid;

/// What a token claims of itself, and of which action of which record it is made for. This much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    pub(super) event_id: String,
    pub(super) action_id: String,
}

pub(super) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    media::check(&head.headers, media::JSON)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    // whoever has no keys with us asks nothing here, whatever its token looks like
    if head.triggers().is_none() {
        return Err(Fault::new(FaultCode::Unauthenticated, "unknown-sender"));
    }
    let (topic, operation) = asked(&head.path)?;
    let (token, shown) = token(head)?;
    let kept = serde_json::to_string(&token).map_err(|_| refused("token-claims"))?;
    let is_registration = operation.name != TRIGGER_OTHER.name;
    let (event, kind, without) = match is_registration {
        true => {
            let record = wire::decode_event(body).map_err(unreadable)?;
            (record.id, record.kind, None)
        }
        // nothing else of what nobody has a use for is kept
        false => {
            let known: Known = json::read(body, &wire::EVENT_LIMITS).map_err(unreadable)?;
            let without = serde_json::to_vec(&known).unwrap_or_default();
            (known.id, known.kind, Some(Bytes::from(without)))
        }
    };
    if event != token.event_id {
        return Err(refused("token-of-another-record"));
    }
    if Topic::of_event(&kind) != Some(topic) {
        return Err(invalid("path-and-record-differ", "type"));
    }
    let (receiver, environment) = head
        .house()
        .ok_or_else(|| Fault::new(FaultCode::Internal, "no-house"))?;
    Ok(Envelope {
        road: Road::Direct,
        claims: Claims {
            sender: head.peer.partner().clone(),
            receiver,
            environment,
            direction: Direction::Request,
            id: MessageId::parse(&token.action_id).map_err(|_| refused("token-claims"))?,
            sent_at: Timestamp::from_second(token.iat).map_err(|_| refused("token-claims"))?,
            operation: operation.name.to_owned(),
        },
        key_hint: None,
        signature: SignatureForm::Record(RecordToken {
            shown,
            kept,
            body: without,
        }),
    })
}

/// All that is kept of what nobody has a use for.
#[derive(Serialize, Deserialize)]
struct Known {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Of which kind of record the path is, and what it asks for.
fn asked(path: &str) -> Result<(Topic, &'static Operation), Fault> {
    let unknown = || Fault::new(FaultCode::UnknownRoute, "route");
    let rest = path.strip_prefix("/trigger/events/").ok_or_else(unknown)?;
    let (event, action) = rest.split_once("/actions/").ok_or_else(unknown)?;
    let topic = Topic::of_event(event).ok_or_else(unknown)?;
    Ok(match (action == "REGISTER", topic) {
        (true, Topic::BirthRegistered) => (topic, &TRIGGER_BIRTH),
        (true, Topic::DeathRegistered) => (topic, &TRIGGER_DEATH),
        (false, _) => (topic, &TRIGGER_OTHER),
    })
}

/// The token as it came, or what was kept of it of a message that is taken up again from the journal; the verify room believes
/// the latter of no other.
fn token(head: &Head) -> Result<(Token, Option<String>), Fault> {
    if let Some((token, claims)) = bearer::shown(&head.headers)? {
        return Ok((claims, Some(token)));
    }
    let kept = head.headers.get(SIGNATURE).map(|kept| kept.as_bytes());
    let kept = kept.and_then(|kept| serde_json::from_slice(kept).ok());
    Ok((kept.ok_or_else(|| refused("token-missing"))?, None))
}

fn refused(reason: &'static str) -> Fault {
    Fault::new(FaultCode::TokenRefused, reason)
}
