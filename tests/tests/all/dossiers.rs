//! Dossiers of every procedure with a known truth, over real sockets, with losses, repeats, another order and restarts of the
//! gateway, the portal and the platform: at the end each has one final state and one history on both sides, and every đồng
//! is accounted for on three.

mod acts;
mod country;
mod weather;

use std::{collections::BTreeMap, time::Duration};

use conformance::payment::Mischief;
use gateway::admin::client;
use schemas::{
    date::{VIET_NAM, day_in_viet_nam, portal_time},
    proto::{Message as _, admin::ReconcilePaymentsRequest, insurance::DossierChange as Change},
};
use tokio::time::Instant;

use country::{Country, Kind};
use weather::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn every_dossier_has_one_end_and_one_history_on_both_sides_and_every_dong_is_accounted_for() {
    let count: usize = std::env::var("LIENTHONG_DOSSIERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(DOSSIERS);
    let patience = Duration::from_secs(120 + count as u64 / 5);
    let mut scene = Scene::start(count).await;
    let country = Country::of(&scene.house, count);
    let mut codes: Vec<String> = Vec::new();
    let rounds = count.div_ceil(ROUNDS);
    for (round, dossiers) in country.dossiers.chunks(rounds).enumerate() {
        scene.turn_bad(dossiers.len());
        let told = scene.submit(dossiers).await;
        scene.act(dossiers, &told, patience).await;
        codes.extend(told);
        // what was said last is still on its way
        scene.restart(round).await;
    }
    let (started, all) = (Instant::now(), country.dossiers.iter().zip(&codes));
    let ends: BTreeMap<&str, &[u8]> = all
        .clone()
        .map(|(dossier, code)| (code.as_str(), dossier.states()))
        .collect();
    assert_eq!(ends.len(), count, "two dossiers under one code");
    while let Some(missing) = scene.not_at_their_end(&ends) {
        if started.elapsed() >= patience {
            let parcels = scene.parcels(&missing).await;
            let violations = scene.house.portal.as_ref().unwrap().violations();
            panic!("{missing:?}, {parcels:#?}, {violations:?}");
        }
        scene.a_minute_passes().await;
    }
    one_history_on_both_sides(&scene, &ends);
    let portal = scene.house.portal.clone().unwrap();
    assert_eq!(portal.violations(), Vec::<String>::new());
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
    assert!(scene.lost > 0, "no answer was lost");
    every_dong(&scene, &country, &codes, patience).await;
}

/// As many dossiers as were submitted, and of each the same states at the same times.
fn one_history_on_both_sides(scene: &Scene, ends: &BTreeMap<&str, &[u8]>) {
    let portal = scene.house.portal.as_ref().unwrap();
    assert_eq!(portal.dossiers(), ends.len(), "dossiers at the portal");
    let file = scene.registry();
    let mut rows = file
        .prepare(
            "SELECT subject, payload FROM changes WHERE kind = 'dossier' ORDER BY subject, subject_sequence",
        )
        .unwrap();
    let mut ours: BTreeMap<String, Vec<(u8, String)>> = BTreeMap::new();
    let changes = rows.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    for (code, payload) in changes.unwrap().map(Result::unwrap) {
        let dossier = Change::decode(payload.as_slice()).unwrap().dossier.unwrap();
        let at = portal_time::format(dossier.updated_at.parse().unwrap());
        let state = u8::try_from(dossier.state).unwrap();
        ours.entry(code).or_default().push((state, at));
    }
    assert_eq!(ours.len(), ends.len(), "dossiers at the registry");
    let mut repeats = 0;
    for (code, states) in ends {
        let (ours, theirs) = (&ours[*code], portal.dossier(code).unwrap());
        assert_eq!(theirs.states(), *states, "{code}");
        assert_eq!(ours.len(), theirs.steps.len(), "{code}");
        for ((state, at), step) in ours.iter().zip(&theirs.steps) {
            // the call that tells of a whole dossier has no field for when it came to its state
            let same = step.state == *state && (step.at.is_empty() || step.at == *at);
            assert!(same, "{code}: {ours:?} and {theirs:?}");
        }
        repeats += theirs.repeats;
    }
    assert!(repeats > 0, "the line lost nothing");
}

/// The platform, the ledger and the registry hold the same money, and what was booked is what was due.
async fn every_dong(scene: &Scene, country: &Country, codes: &[String], patience: Duration) {
    // the next day the statement is asked for, page by page; what nobody was told of is found there
    scene.platform.misbehave(|knobs| {
        let page = knobs.page;
        *knobs = Mischief {
            drop_replies: 1,
            wrong_hash: 1,
            page,
            ..Mischief::default()
        };
    });
    let day = day_in_viet_nam(jiff::Timestamp::now());
    let told = VIET_NAM.to_timestamp(day.tomorrow().unwrap().at(2, 0, 0, 0));
    let told = told.unwrap();
    let ahead = told.duration_since(scene.house.now());
    scene.house.clock.advance(ahead);
    let request = ReconcilePaymentsRequest {
        day: day.to_string(),
    };
    let started = Instant::now();
    let compared = loop {
        let admin = scene.house.gateway().admin();
        let compared = client::reconcile_payments(admin, request.clone()).await;
        let compared = compared.unwrap();
        if compared.whole {
            break compared;
        }
        assert!(started.elapsed() < patience, "no statement: {compared:?}");
        scene.a_minute_passes().await;
    };
    let (mut due, mut booked, mut renewed) = (0, 0, 0);
    for (dossier, code) in country.dossiers.iter().zip(codes) {
        let Some(fate) = dossier.fate.pays() else {
            continue;
        };
        let shown = scene.payment(code).await;
        let ends = |words: &str| {
            shown
                .entries
                .iter()
                .filter(|one| one.ends_with(words))
                .count()
        };
        assert_eq!(
            ends(": booked"),
            usize::from(fate.books),
            "{:?}",
            shown.entries
        );
        assert_eq!(
            shown.entries.len(),
            fate.transactions,
            "{:?}",
            shown.entries
        );
        if fate.books {
            booked += 1;
            due += shown.payment.unwrap().vnd;
        }
        if fate.books && dossier.kind == Kind::Household {
            renewed += 1;
            let print = |line: &String| line.contains("print 2 of the card");
            assert!(shown.bookings.iter().all(print), "{:?}", shown.bookings);
        }
    }
    assert!(renewed > 0 && booked > 0);
    assert_eq!(compared.differences, Vec::<String>::new());
    let paid = scene.platform.paid();
    let sum = paid.iter().map(|one| one.vnd).sum::<i64>();
    let side = |name: &str, count: usize, vnd: i64| format!("{name}: {count} payments, {vnd} đ");
    assert_eq!(
        compared.sides,
        [
            side("platform", paid.len(), sum),
            side("ledger", paid.len(), sum),
            side("booked", booked, due),
            side("to refund", paid.len() - booked, sum - due),
        ]
    );
}

/// Dossiers of a run in the suite; LIENTHONG_DOSSIERS says another number.
const DOSSIERS: usize = 1_000;
/// After each of so many parts of them everything is started again.
const ROUNDS: usize = 4;
