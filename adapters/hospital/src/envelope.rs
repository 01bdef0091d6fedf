//! Where id, time, sender and receiver come from: the road `egw`; the form itself has only a facility and a kind.

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Proven};
use roads::egw::{self, Here};
use schemas::{
    fault::{Fault, FaultCode},
    wire::hospital::Kind,
};

use crate::{BIRTH_NOTICE, DEATH_NOTICE, PACKET};

/// Notices, one at a time.
pub(crate) const NOTICES: &str = "/api/hososuckhoe/guiGiayToDienTu";
/// Packets of papers.
pub(crate) const PACKETS: &str = "/api/chungtugw/GuiHoSoChungTu2025";
/// The legacy token.
pub(crate) const TOKEN: &str = "/api/token/take";

pub(crate) fn envelope(head: &Head, body: &Bytes, here: &Here) -> Result<Envelope, Fault> {
    if head.path == TOKEN {
        // an MD5 of a password proves nobody; nothing of the body is read or kept
        return Err(Fault::new(FaultCode::TokenRefused, "md5-token-not-taken"));
    }
    egw::envelope(head, body, here, operation)
}

/// The claims, once a key of their sender has proven what they are about.
pub(crate) fn claims(proven: &Proven<'_>) -> Result<Claims, Fault> {
    let claimed = proven.claimed();
    claimed
        .cloned()
        .ok_or_else(|| Fault::new(FaultCode::BadSignature, "proof-of-another-kind"))
}

fn operation(path: &str, kind: Kind) -> Option<&'static str> {
    match (path, kind) {
        (NOTICES, Kind::Birth) => Some(BIRTH_NOTICE.name),
        (NOTICES, Kind::Death) => Some(DEATH_NOTICE.name),
        (PACKETS, Kind::Packet) => Some(PACKET.name),
        _ => None,
    }
}
