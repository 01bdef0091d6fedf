//! What must hold whatever happened, read from the ledgers of the sender, the insurance database and the
//! portal, and from the outbox as it was left.

use std::collections::BTreeMap;

use gateway_core::ports::{Office as _, ParcelFilter, ParcelState};

use super::{agency, gateway, world::World};
use crate::torture::office::STATES;

/// Everything that is not as it must be.
pub(super) fn check(world: &World) -> Vec<String> {
    let mut wrong = effects(world);
    wrong.extend(steps(world));
    wrong.extend(parcels(world));
    wrong.extend(world.twice_underway());
    wrong.extend(world.agency.lock().unwrap().wrong.iter().cloned());
    wrong
}

/// One effect for each message, and the answer names it.
fn effects(world: &World) -> Vec<String> {
    let agency = world.agency.lock().unwrap();
    let insurance = world.insurance.lock().unwrap();
    let mut by_reference: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (reference, code) in &insurance.effects {
        by_reference.entry(reference).or_default().push(code);
    }
    let mut wrong = Vec::new();
    for nth in 0..agency.letters {
        let reference = agency::reference(nth);
        let codes = by_reference.remove(reference.as_str()).unwrap_or_default();
        if codes.len() > 1 {
            wrong.push(format!("{reference} had {} effects", codes.len()));
        }
        let Some(told) = agency.told.get(&reference) else {
            continue;
        };
        match codes.first() {
            None => wrong.push(format!("{reference} was acknowledged and has no effect")),
            Some(code) if !told.body.contains(*code) => {
                wrong.push(format!("{reference} was told of another dossier"));
            }
            Some(_) => {}
        }
    }
    let ghosts = by_reference.into_keys();
    wrong.extend(ghosts.map(|ghost| format!("{ghost} was never sent")));
    wrong
}

/// The portal has heard every state of every dossier, each first told in its turn.
fn steps(world: &World) -> Vec<String> {
    let insurance = world.insurance.lock().unwrap();
    let portal = world.portal.lock().unwrap();
    let mut wrong = portal.violations.clone();
    for (_, code) in &insurance.effects {
        let heard = portal.files.get(code).map(|file| file.states.clone());
        if heard.as_deref() != Some(&STATES[..]) {
            wrong.push(format!("{code}: the portal has heard {heard:?}"));
        }
    }
    wrong
}

/// Every parcel has come to a good end.
fn parcels(world: &World) -> Vec<String> {
    let store = match gateway::open(world) {
        Ok(store) => store,
        Err(error) => return vec![format!("the store does not open: {error}")],
    };
    if let Err(broken) = store.verify() {
        return vec![format!("the journal: {broken:?}")];
    }
    let all = ParcelFilter {
        max: 1_000,
        ..ParcelFilter::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let listed = runtime.block_on(store.list(all)).unwrap();
    let open = listed
        .into_iter()
        .filter(|parcel| parcel.state != ParcelState::Done);
    open.map(|parcel| format!("{} is {}", parcel.id, parcel.state.word()))
        .collect()
}
