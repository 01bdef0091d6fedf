//! Schedules that send a month of ours, held against the file of the partner that it goes to: what is missing there would be
//! found on the day when the month is due.

use gateway_core::policy::Denied;
use jiff::Timestamp;
use schemas::{codes::province_set::ProvinceSet, date::day_in_viet_nam};
use tax::taxpayer::{self, sent};

use crate::{
    config::{Config, OutwardWords, Problem, ScheduleLine, Snapshot},
    gateway::road,
    schedules::sendable,
};

/// Warnings: the gateway starts, and a schedule that cannot send begins nothing.
pub(super) fn unsent(config: &Config, snapshot: &Snapshot, now: Timestamp) -> Vec<Problem> {
    let lines = config.schedules.iter().enumerate();
    let lines = lines.filter(|(_, line)| line.sends());
    let found = lines.flat_map(|(index, line)| one(config, snapshot, now, (index, line)));
    found.map(Problem::warning).collect()
}

fn one(
    config: &Config,
    snapshot: &Snapshot,
    now: Timestamp,
    (index, line): (usize, &ScheduleLine),
) -> Vec<Problem> {
    let name = line.name.as_str();
    let path = format!("schedules.{index}.partner");
    let (Some(partner), Some(place)) = (
        snapshot.partners.get(&line.partner),
        snapshot.places.get(&line.partner),
    ) else {
        let what = format!("schedule `{name}` sends our month to a partner that is not registered");
        let cure = "name the tax department's id as `partner`, or add its file";
        return vec![config.place().error(&path, what, cure)];
    };
    let words = "words = \"taxpayer\" and the department's uri";
    let delivery = match snapshot.deliveries.get(&line.partner) {
        Some(delivery) if delivery.words == OutwardWords::Taxpayer => delivery,
        Some(_) => {
            let what = format!("schedule `{name}` sends our month here: no lane takes it");
            let cure = format!("let [delivery] have {words}");
            return vec![place.error("delivery.words", what, cure)];
        }
        None => {
            let what = format!(
                "schedule `{name}` sends our month to a partner without [delivery]: no lane takes it"
            );
            let cure = format!("add [delivery] with {words} to the partner's file");
            return vec![config.place().error(&path, what, cure)];
        }
    };
    // both are held against their rules before
    let (Some(kind), Some(provinces)) = (line.kind(), ProvinceSet::parse(&line.provinces)) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let on = day_in_viet_nam(now);
    let operation = taxpayer::RECONCILE.name;
    let path = path_of(partner, operation);
    match sendable(partner, road(delivery), kind, (provinces, on)) {
        Err(denied) => {
            let reason = denied.reason();
            let what = format!("schedule `{name}` would send nothing: {operation}: {reason}");
            problems.push(place.error(&path, what, cure(denied)));
        }
        Ok(permit) => {
            let required = sent::required(kind).iter().copied();
            let missing: Vec<&str> = required
                .filter(|field| permit.withheld().contains(field))
                .collect();
            if !missing.is_empty() {
                let missing = missing.join(", ");
                let reason = Denied::Field.reason();
                let what = format!(
                    "schedule `{name}` would send nothing: {operation}: {reason}: {missing}"
                );
                let cure = format!("grant them: every record has them; fields = [… {missing}]");
                problems.push(place.error(&format!("{path}.fields"), what, cure));
            }
        }
    }
    let asked = taxpayer::RECONCILE_RESULT.name;
    let is_granted =
        |agreement: &gateway_core::partner::Agreement| agreement.operations.contains_key(asked);
    if !partner.agreements.iter().any(is_granted) {
        let what = format!("schedule `{name}` could not ask what was found: {asked} is not agreed");
        let cure = format!("add [agreements.operations.\"{asked}\"]");
        problems.push(place.error(&path, what, cure));
    }
    problems
}

/// Where an operation is agreed with a partner; where it is not, its agreements.
fn path_of(partner: &gateway_core::partner::Partner, operation: &str) -> String {
    let mut agreements = partner.agreements.iter();
    match agreements.position(|one| one.operations.contains_key(operation)) {
        Some(index) => format!("agreements.{index}.operations.{operation}"),
        None => "agreements.0".to_owned(),
    }
}

fn cure(denied: Denied) -> &'static str {
    match denied {
        Denied::Suspended => "write active = true once it is to hear of us again",
        Denied::Stopped => "resume the operation: lienthong partner",
        Denied::Operation => {
            "add [agreements.operations.\"taxpayer.reconcile\"] with the fields of a record"
        }
        Denied::NotInForce => "renew the agreement that names it, or put the new one beside it",
        Denied::Road => "add the road that [delivery] takes to the agreement's roads",
        Denied::Purpose => "add \"tax-compliance\" to the agreement's purposes",
        Denied::Province => "grant the schedule's provinces, or write no others into the schedule",
        Denied::Proof | Denied::Lines | Denied::Field => "let the agreement allow a month in bulk",
    }
}
