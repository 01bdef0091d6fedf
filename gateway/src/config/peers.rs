//! Which certificates a partner may connect with, and who could issue them.

use gateway_core::partner::{Environment, PeerId};
use schemas::id::PartnerId;

/// Reads a peer of this partner in this environment; nothing else is one.
pub(super) fn peer(text: &str, environment: Environment, partner: &PartnerId) -> Option<PeerId> {
    if let Some(pin) = text.strip_prefix("spki:") {
        let mut bytes = [0; 32];
        hex::decode_to_slice(pin, &mut bytes).ok()?;
        return Some(PeerId::Spki(bytes));
    }
    (text == uri(environment, partner)).then(|| PeerId::Uri(text.to_owned()))
}

/// What to write instead.
pub(super) fn cure(environment: Environment, partner: &PartnerId) -> String {
    format!(
        "write \"{}\", or \"spki:\" and 64 hex digits",
        uri(environment, partner)
    )
}

fn uri(environment: Environment, partner: &PartnerId) -> String {
    format!(
        "urn:lienthong:{}:partner:{}",
        environment.as_str(),
        partner.as_str()
    )
}
