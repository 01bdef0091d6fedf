//! What every message of our gateway to this registry must be, whatever it says.

use certs::dci::{self, Dialect, Said};
use schemas::wire::dci::Raw;
use serde_json::Value;

use super::{RECEIVER_ID, SENDER_ID};
use crate::clock;
use crate::identity::Identity;
use crate::jws::SKEW_SECONDS_MAX;

/// Header and message of a body of this action, signed by our gateway; or what is wrong with it.
pub(super) fn read(
    identity: &Identity,
    action: &str,
    body: &[u8],
) -> Result<(Value, Value), &'static str> {
    let (raw, signature) = Raw::read(body).map_err(|_| "no body of DCI")?;
    let said = Said {
        body,
        raw,
        sender_id: RECEIVER_ID,
        signature: signature.as_deref().ok_or("no signature")?,
    };
    let key = (&identity.gateway_key, identity.gateway_algorithm);
    let now = clock::now();
    dci::prove(Dialect::JwsCompact, &said, key, now.as_second()).map_err(|_| "signature")?;
    let header: Value = serde_json::from_str(raw.header).map_err(|_| "header")?;
    let message: Value = serde_json::from_str(raw.message).map_err(|_| "message")?;
    let text = |name: &str| header[name].as_str().unwrap_or_default();
    let moment = text("message_ts").parse::<jiff::Timestamp>();
    let age = moment.map(|at| (now.as_second() - at.as_second()).abs());
    for (holds, what) in [
        (text("action") == action, "action"),
        (text("version") == "1.0.0", "version"),
        (text("sender_id") == RECEIVER_ID, "sender_id"),
        (text("receiver_id") == SENDER_ID, "receiver_id"),
        (!text("message_id").is_empty(), "message_id"),
        (age.is_ok_and(|age| age <= SKEW_SECONDS_MAX), "message_ts"),
    ] {
        if !holds {
            return Err(what);
        }
    }
    Ok((header, message))
}
