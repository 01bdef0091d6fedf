//! The way out: how a case stands is told to the software that handed it on, each time that is something else.
//!
//! One change of a case is one parcel and one call, in the order of the case; what it says is what `LayKetQua` says at
//! that moment, made from the same row. It goes as JSON beside our detached JWS, to the partner's own server or to its
//! API at the national platform. Own profile: the status message of one-stop systems, sent by us.

mod desk;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use gateway_core::{
    Operation,
    adapter::{Effect, ProofKind},
    ports::{Class, Parcel},
};
use schemas::{
    id::PartnerId,
    proto::{
        Message as _,
        insurance::{Change, change::What},
    },
};

pub use desk::{Desk, DeskConfig, Exchange, Pen};

/// A status told unasked, as agreements name it.
pub static STATUS: Operation = Operation {
    name: "civil.status",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// The parcel of one change of a birth or a death; none where the change is of something else.
#[must_use]
pub fn parcel(partner: &PartnerId, change: &Change) -> Option<Parcel> {
    let class = match change.what.as_ref()? {
        // a newborn's card is waited for
        What::Birth(_) => Class::Urgent,
        What::Death(_) => Class::Normal,
        What::Dossier(_) | What::Employer(_) | What::Person(_) | What::Vital(_) => return None,
    };
    Some(Parcel {
        id: change.id.clone(),
        partner: partner.clone(),
        subject: change.subject.clone(),
        sequence: change.subject_sequence,
        kind: KIND,
        content: Bytes::from(change.encode_to_vec()),
        class,
        due: None,
    })
}

const KIND: &str = "civil.status";
