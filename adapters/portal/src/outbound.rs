//! The way out: a change of a dossier becomes parcels, parcels become calls of the portal.
//!
//! Which calls one step makes (the facts say what each call is, not when; this choice is ours):
//!
//! | step | call |
//! |---|---|
//! | the first | `DongBoHoSoMC`, `isUpdating` False: the portal learns of the dossier |
//! | every later one | `CapNhatTienDoHoSoMC`: one line in its history |
//! | … into state 3, 7, 8, 9 or 10 | and then `DongBoHoSoMC`, `isUpdating` True: day of return, refusal and result papers stand only there |
//!
//! Beside dossiers a portal is told of the citizens whom they are about, where that is agreed ([`citizens`]).
//!
//! One parcel is one call's worth, so that each is repeated and settled by itself. Pulls ([`Reconciler`]) go
//! by the same desk.

mod citizens;
mod desk;
mod pulls;
mod words;

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
        insurance::{Change, DossierChange, change::What},
    },
    wire::portal::Service,
};

pub use citizens::citizens;
pub use desk::{Desk, DeskConfig, Exchange};
pub use pulls::Reconciler;

/// `DongBoHoSoMC` as agreements name it. The portal proves us by session and certificate, not by a
/// signature; `proof` is what we would demand and plays no part outwards.
pub static SYNC: Operation = Operation {
    name: "portal.sync-dossier",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// `CapNhatTienDoHoSoMC` as agreements name it.
pub static PROGRESS: Operation = Operation {
    name: "portal.update-progress",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

/// `TraCuuHoSo` as agreements name it: what the portal holds. Own profile.
pub static LOOK_UP: Operation = Operation {
    name: "portal.look-up-dossiers",
    effect: Effect::Read,
    proof: ProofKind::Jws,
    fields: &[],
};

/// `ThongBaoCongDan` as agreements name it: what is corrected of a citizen, or that a child's card ends, told unasked; each
/// field is granted by itself. Own profile.
pub static CITIZEN_NOTICE: Operation = Operation {
    name: "portal.citizen-notice",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &["pin", "name", "birthDate", "sex", "parents", "cardEnd"],
};

/// The parcels of one change, in the order in which the portal must hear them.
///
/// # Errors
/// A stable word where the change says nothing that the portal has words for.
pub fn parcels(partner: &PartnerId, change: &Change) -> Result<Vec<Parcel>, &'static str> {
    let dossier = told(change)?;
    let content = Bytes::from(change.encode_to_vec());
    let parcels = calls(dossier.step, state(dossier))
        .iter()
        .zip(0_u64..)
        .map(|(&service, nth)| Parcel {
            id: format!("{}.{}", change.id, suffix(service)),
            partner: partner.clone(),
            subject: change.subject.clone(),
            sequence: change
                .subject_sequence
                .saturating_mul(2)
                .saturating_add(nth),
            kind: kind(service),
            content: content.clone(),
            class: Class::Normal,
            due: due(dossier),
        });
    Ok(parcels.collect())
}

/// The calls of one step.
fn calls(step: u32, state: u32) -> &'static [Service] {
    match (step, state) {
        (0 | 1, _) => &[Service::SyncDossier],
        (_, 3 | 7 | 8 | 9 | 10) => &[Service::UpdateProgress, Service::SyncDossier],
        _ => &[Service::UpdateProgress],
    }
}

fn told(change: &Change) -> Result<&DossierChange, &'static str> {
    match &change.what {
        Some(What::Dossier(dossier)) if dossier.dossier.is_some() => Ok(dossier),
        _ => Err("not-a-dossier"),
    }
}

/// The day of return, where the dossier has one: the portal must know by then.
fn due(change: &DossierChange) -> Option<jiff::Timestamp> {
    change.dossier.as_ref()?.due_at.parse().ok()
}

fn state(change: &DossierChange) -> u32 {
    change.dossier.as_ref().map_or(0, |dossier| dossier.state)
}

fn kind(service: Service) -> &'static str {
    match service {
        Service::SyncDossier => "portal.sync",
        Service::UpdateProgress => "portal.progress",
        Service::LookUp => "portal.pull",
        Service::NotifyCitizen => "portal.citizen",
    }
}

fn suffix(service: Service) -> &'static str {
    match service {
        Service::SyncDossier => "sync",
        Service::UpdateProgress => "progress",
        Service::LookUp => "pull",
        Service::NotifyCitizen => "citizen",
    }
}

fn service_of(kind: &str) -> Option<Service> {
    [
        Service::SyncDossier,
        Service::UpdateProgress,
        Service::LookUp,
        Service::NotifyCitizen,
    ]
    .into_iter()
    .find(|&service| self::kind(service) == kind)
}

#[cfg(test)]
mod tests;
