//! Exactly once: nothing is done before T1, nothing is said before T2, and one message has one effect.

use std::{sync::atomic::Ordering, time::Duration};

use schemas::fault::FaultCode;

use super::{
    bench::Bench,
    letter::{Letter, letter},
    log::LEASE,
};

fn change() -> Letter {
    letter("t.change", "m-0000001")
}

#[tokio::test]
async fn nothing_is_performed_before_the_claim_is_durable() {
    let bench = Bench::new();
    let claim = bench.knobs.hold_next("claim");
    let caller = bench.start(&change());
    claim.reached().await;
    assert_eq!(bench.effects(), 0);
    claim.release();
    caller.await.unwrap().assert_done("hello");
    assert_eq!(bench.effects(), 1);
}

#[tokio::test]
async fn a_log_that_cannot_claim_refuses_before_anything_is_done() {
    let bench = Bench::new();
    bench.knobs.break_next("claim");
    let refused = bench.send(&change()).await;
    refused.assert_fault(FaultCode::JournalUnavailable, "store");
    refused.assert_bound_to(&change());
    assert_eq!((bench.effects(), refused.header("retry-after")), (0, "1"));
    bench.send(&change()).await.assert_done("hello");
}

#[tokio::test]
async fn nothing_leaves_before_the_answer_is_durable() {
    for (operation, step) in [
        ("t.change", "commit"),
        ("t.look", "record"),
        ("t.poll", "record"),
    ] {
        let bench = Bench::new();
        let write = bench.knobs.hold_next(step);
        let caller = bench.start(&letter(operation, "m-0000001"));
        write.reached().await;
        tokio::task::yield_now().await;
        assert!(!caller.is_finished(), "{operation}");
        write.release();
        caller.await.unwrap().assert_done("hello");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_commit_the_same_id_is_performed_under_the_same_key_and_answered_once() {
    let bench = Bench::new();
    bench.knobs.break_next("commit");
    let lost = bench.send(&change()).await;
    lost.assert_fault(FaultCode::InProgress, "answer-not-committed");
    lost.assert_bound_to(&change());
    assert!(bench.log.parcels.lock().unwrap().is_empty());
    bench.send(&change()).await.assert_done("hello");
    let keys = bench.effect_keys();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
    bench.send(&change()).await.assert_done("hello");
    assert_eq!((bench.effects(), bench.diary.times("log commit")), (2, 1));
}

#[tokio::test]
async fn a_read_that_cannot_be_recorded_is_not_answered() {
    let bench = Bench::new();
    bench.knobs.break_next("record");
    let read = letter("t.look", "m-0000001");
    bench
        .send(&read)
        .await
        .assert_fault(FaultCode::JournalUnavailable, "store");
    assert!(bench.diary.about("answered").is_empty());
    bench.send(&read).await.assert_done("hello");
}

#[tokio::test]
async fn effect_keys_differ_by_sender_id_and_operation_and_by_nothing_else() {
    let bench = Bench::with(|setup| {
        setup.dvclt.agreements[0].legal_basis = "another".into();
    });
    for letter in [
        change(),
        change().of_dvclt(),
        letter("t.change", "m-0000002"),
        letter("t.look", "m-0000003"),
    ] {
        bench.send(&letter).await.assert_done("hello");
    }
    let keys = bench.effect_keys();
    let different: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), different.len()), (4, 4));
}

#[tokio::test]
async fn a_retryable_fault_after_the_claim_releases_it_and_stores_nothing() {
    for code in [FaultCode::InsuranceUnavailable, FaultCode::Internal] {
        let bench = Bench::new();
        bench.fail_with(code, "registry");
        let refused = bench.send(&change()).await;
        refused.assert_fault(code, "registry");
        refused.assert_bound_to(&change());
        assert_eq!(bench.diary.about("log"), ["claim", "release"]);
        bench.send(&change()).await.assert_done("hello");
        let keys = bench.effect_keys();
        assert_eq!(keys[0], keys[1]);
    }
}

#[tokio::test]
async fn a_final_refusal_of_a_rule_is_stored_signed_and_repeated_byte_for_byte() {
    for (operation, write) in [("t.change", "commit"), ("t.look", "record")] {
        let bench = Bench::new();
        let letter = letter(operation, "m-0000001");
        bench.fail_with(FaultCode::RuleRefused, "too-young");
        let first = bench.send(&letter).await;
        first.assert_fault(FaultCode::RuleRefused, "too-young");
        first.assert_bound_to(&letter);
        bench.clock.turn(Duration::from_secs(86_400));
        assert_eq!(bench.send(&letter).await, first);
        assert_eq!(
            (bench.effects(), bench.diary.times(&format!("log {write}"))),
            (1, 1)
        );
        assert!(bench.log.parcels.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_was_taken_before_keeps_its_answer_whatever_is_objected_to_now() {
    for (operation, again) in [("t.change", "claim"), ("t.look", "record")] {
        let bench = Bench::new();
        let known = letter(operation, "m-0000001");
        let first = bench.send(&known).await;
        first.assert_done("hello");
        bench.object_to_all(FaultCode::Invalid, "bad-file");
        assert_eq!(bench.send(&known).await, first);
        let other = Letter {
            text: "others",
            ..known.clone()
        };
        bench
            .send(&other)
            .await
            .assert_fault(FaultCode::Conflict, "same-id-other-content");
        let new = letter(operation, "m-0000002");
        for _ in 0..2 {
            let refused = bench.send(&new).await;
            refused.assert_fault(FaultCode::Invalid, "bad-file");
            refused.assert_bound_to(&new);
        }
        assert_eq!(
            (bench.effects(), bench.diary.times(&format!("log {again}"))),
            (1, 1)
        );
    }
    // what nobody remembers
    let bench = Bench::new();
    bench.object_to_all(FaultCode::Invalid, "bad-file");
    let poll = letter("t.poll", "m-0000001");
    bench
        .send(&poll)
        .await
        .assert_fault(FaultCode::Invalid, "bad-file");
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn a_refusal_for_what_is_objected_to_is_kept_as_a_note() {
    let bench = Bench::new();
    bench.object_to_all(FaultCode::Invalid, "bad-file");
    bench.send(&change()).await;
    assert_eq!(bench.diary.times("log refuse"), 1);
}

#[tokio::test]
async fn what_was_claimed_before_is_taken_up_whatever_is_objected_to_now() {
    let bench = Bench::new();
    bench.knobs.break_next("commit");
    bench.knobs.break_next("release");
    bench.send(&change()).await;
    bench.clock.turn(LEASE);
    bench.object_to_all(FaultCode::Invalid, "bad-file");
    let unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    let committed = bench.take_up(unfinished).await.unwrap();
    let again = bench.send(&change()).await;
    again.assert_done("hello");
    assert_eq!(again.body, committed.answer().body);
}

#[tokio::test]
async fn a_change_commits_its_callbacks_with_its_answer() {
    let bench = Bench::new();
    bench.send(&change()).await.assert_done("hello");
    bench.send(&change()).await.assert_done("hello");
    let parcels = bench.log.parcels.lock().unwrap();
    assert_eq!(parcels.len(), 1);
    assert_eq!(parcels[0].id, "callback-of-m-0000001");
}

#[tokio::test]
async fn a_caller_that_goes_away_after_the_claim_changes_nothing() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let caller = bench.start(&change());
    effect.reached().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    effect.release();
    bench.settle().await;
    assert_eq!(bench.diary.about("log"), ["claim", "commit"]);
    bench.send(&change()).await.assert_done("hello");
    assert_eq!(bench.effects(), 1);
}

#[tokio::test]
async fn a_message_whose_holder_died_is_taken_up_under_its_own_evidence_and_key() {
    let bench = Bench::new();
    bench.knobs.break_next("commit");
    bench.knobs.break_next("release");
    bench
        .send(&change())
        .await
        .assert_fault(FaultCode::InProgress, "answer-not-committed");
    assert!(bench.parts.log.unfinished(9).await.unwrap().is_empty());
    bench.clock.turn(LEASE * 100);
    let unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    let evidence = unfinished.evidence;
    let committed = bench.take_up(unfinished).await.unwrap();
    assert_eq!(committed.answer().evidence, evidence);
    let keys = bench.effect_keys();
    assert_eq!(keys[0], keys[1]);
    let again = bench.send(&change()).await;
    assert_eq!(again.body, committed.answer().body);
    assert_eq!(again.header("lienthong-evidence"), evidence.to_string());
    assert_eq!(bench.effects(), 2);
}

#[tokio::test]
async fn a_message_whose_route_is_gone_is_not_taken_up() {
    let bench = Bench::new();
    bench.knobs.break_next("commit");
    bench.knobs.break_next("release");
    bench.send(&change()).await;
    bench.clock.turn(LEASE);
    let mut unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    unfinished.path = "/gone".into();
    let refusal = bench.take_up(unfinished).await.unwrap_err();
    assert_eq!(
        (refusal.room, refusal.fault.reason()),
        ("resume", "route-is-gone")
    );
    assert_eq!(bench.effects(), 1);
}

#[tokio::test]
async fn a_bug_in_the_words_is_a_fault_of_ours_and_the_house_stands() {
    let bench = Bench::new();
    let refused = bench
        .send(&Letter {
            text: "a bug",
            ..change()
        })
        .await;
    refused.assert_fault(FaultCode::Internal, "record-task");
    bench
        .send(&letter("t.change", "m-0000002"))
        .await
        .assert_done("hello");
}

#[tokio::test]
async fn a_holder_that_lost_its_lease_answers_with_the_bytes_of_the_one_that_took_over() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let slow = bench.start(&change());
    effect.reached().await;
    bench.clock.turn(LEASE);
    let quick = bench.send(&change()).await;
    quick.assert_done("hello");
    effect.release();
    assert_eq!(slow.await.unwrap(), quick);
    let keys = bench.effect_keys();
    assert_eq!((keys[0], bench.diary.times("log commit")), (keys[1], 1));
}

/// A house with one dead claim of tax, long after.
async fn after_a_crash(change_setup: impl FnOnce(&mut super::bench::Setup)) -> Bench {
    let bench = Bench::with(change_setup);
    bench.knobs.break_next("commit");
    bench.knobs.break_next("release");
    bench.send(&change()).await;
    bench.clock.turn(LEASE);
    bench
}

#[tokio::test]
async fn a_message_that_is_taken_up_is_judged_as_of_its_arrival_and_costs_nobodys_limit() {
    let bench = after_a_crash(|setup| {
        let agreement = &mut setup.tax.agreements[0];
        agreement.valid_to = Some(jiff::civil::date(2026, 6, 1));
        let granted = agreement.operations.get_mut("t.change").unwrap();
        granted.quota = super::bench::burst(1);
    })
    .await;
    bench.clock.turn(Duration::from_secs(3 * 365 * 86_400));
    let unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    let committed = bench.take_up(unfinished).await.unwrap();
    assert_eq!((committed.answer().status, bench.effects()), (200, 2));
}

#[tokio::test]
async fn a_message_that_is_refused_when_taken_up_is_not_noted_at_each_try() {
    let bench = after_a_crash(|_| {}).await;
    let nobody = crate::partner::Partners::new(
        crate::partner::Environment::Sandbox,
        super::bench::id("vss"),
        Vec::new(),
    );
    bench
        .parts
        .partners
        .store(std::sync::Arc::new(nobody.unwrap()));
    let unfinished = bench.parts.log.unfinished(9).await.unwrap().remove(0);
    let refusal = bench.take_up(unfinished).await.unwrap_err();
    assert_eq!(
        (refusal.room, refusal.fault.reason()),
        ("verify", "unknown-sender")
    );
    assert!(bench.log.notes.lock().unwrap().is_empty());
    assert_eq!(bench.effects(), 1);
}

#[tokio::test]
async fn while_recovering_a_change_is_sent_away_and_reads_and_known_answers_are_given() {
    let bench = Bench::new();
    let known = letter("t.change", "m-0000009");
    bench.send(&known).await.assert_done("hello");
    bench.log.recovering.store(true, Ordering::SeqCst);
    let refused = bench.send(&change()).await;
    refused.assert_fault(FaultCode::Recovering, "put-back-from-a-backup");
    refused.assert_bound_to(&change());
    assert_eq!((bench.effects(), refused.header("retry-after")), (1, "60"));
    bench.send(&known).await.assert_done("hello");
    bench
        .send(&letter("t.look", "m-0000002"))
        .await
        .assert_done("hello");
    bench.log.recovering.store(false, Ordering::SeqCst);
    bench.send(&change()).await.assert_done("hello");
}
