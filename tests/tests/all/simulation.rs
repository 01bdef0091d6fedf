//! A whole exchange in virtual time: what holds from any seed, and that a mistake is found.

use gateway_tests::simulation::{Bend, Played, play};

#[track_caller]
fn assert_kept(played: &Played) {
    let told = played.events.join("\n");
    assert!(played.violations.is_empty(), "{told}\n{played}");
    assert!(played.acknowledged >= 4, "{played}");
}

#[test]
fn whatever_happens_each_message_has_one_effect_and_everything_is_told_in_order() {
    let mut kills = 0;
    for seed in 0..25 {
        let played = play(seed, Bend::Nothing);
        assert_kept(&played);
        kills += played.kills;
    }
    assert!(kills > 0);
}

#[test]
fn the_same_seed_plays_the_same_run_to_the_last_event() {
    for seed in [3, 14, 15] {
        let (first, again) = (play(seed, Bend::Nothing), play(seed, Bend::Nothing));
        for (one, other) in first.events.iter().zip(&again.events) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(first.digest, again.digest, "seed {seed}");
    }
    assert_ne!(play(3, Bend::Nothing).digest, play(4, Bend::Nothing).digest);
}

/// Within a few seeds the checker says this.
#[track_caller]
fn assert_found(bend: Bend, word: &str) {
    let mut said = Vec::new();
    for seed in 0..20 {
        let played = play(seed, bend);
        if played.violations.iter().any(|what| what.contains(word)) {
            return;
        }
        said.push(played.to_string());
    }
    panic!("{bend:?} was not found:\n{}", said.join("\n"));
}

#[test]
fn an_insurance_database_that_forgets_its_keys_is_found_by_a_second_effect() {
    assert_found(Bend::InsuranceForgetsKeys, "effects");
}

#[test]
fn an_outbox_that_forgets_parcels_is_found_by_what_the_portal_never_hears() {
    assert_found(Bend::OutboxForgetsParcels, "the portal has heard");
}

#[test]
fn a_lane_that_takes_silence_for_success_is_found_by_what_the_portal_never_hears() {
    assert_found(Bend::SilenceIsSuccess, "the portal has heard");
}

#[test]
fn a_store_that_forgets_claims_is_found_by_another_answer_or_a_second_effect() {
    assert_found(Bend::ClaimsAreForgotten, "another");
}

#[test]
fn a_lane_that_forgets_its_lease_is_found_by_two_calls_of_one_dossier_at_once() {
    assert_found(Bend::LaneForgetsItsLease, "at once");
}
