//! The same id twice: its stored answer, its twin's answer, a conflict, or nothing that old.

use std::time::Duration;

use schemas::fault::FaultCode;
use tokio::time::Instant;

use super::{
    bench::Bench,
    letter::{Letter, START, letter},
};

fn change() -> Letter {
    letter("t.change", "m-0000001")
}

#[tokio::test]
async fn a_known_id_gets_its_stored_answer_at_any_age_and_an_unknown_one_is_stale() {
    for operation in ["t.change", "t.look"] {
        let bench = Bench::new();
        let known = letter(operation, "m-0000001");
        let first = bench.send(&known).await;
        first.assert_done("hello");
        bench.clock.turn(Duration::from_secs(360 * 86_400));
        assert_eq!(bench.send(&known).await, first);
        let unknown = bench.send(&letter(operation, "m-0000002")).await;
        unknown.assert_fault(FaultCode::Stale, "outside-window");
        unknown.assert_bound_to(&letter(operation, "m-0000002"));
        assert_eq!(bench.effects(), 1, "{operation}");
    }
}

#[tokio::test]
async fn a_resend_that_is_signed_again_gets_the_stored_answer() {
    let bench = Bench::new();
    let first = bench.send(&change()).await;
    bench.clock.turn(Duration::from_secs(360));
    let again = Letter {
        sent_at: *START + Duration::from_secs(360),
        ..change()
    };
    assert_eq!(bench.send(&again).await, first);
    assert_eq!(bench.send(&change().relayed()).await, first);
    assert_eq!(bench.effects(), 1);
}

#[tokio::test]
async fn a_message_from_the_future_is_stale_too() {
    let bench = Bench::new();
    for (ahead, outcome) in [(300, ""), (301, "STALE")] {
        let sent_at = *START + Duration::from_secs(ahead);
        let id = if ahead == 300 {
            "m-0000001"
        } else {
            "m-0000002"
        };
        let seen = bench
            .send(&Letter {
                sent_at,
                ..letter("t.change", id)
            })
            .await;
        assert_eq!(seen.header("lienthong-fault"), outcome);
    }
}

#[tokio::test]
async fn the_same_id_with_other_content_is_a_conflict_answered_or_not() {
    let bench = Bench::new();
    let other = Letter {
        text: "other",
        ..change()
    };
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change());
    effect.reached().await;
    let refused = bench.send(&other).await;
    refused.assert_fault(FaultCode::Conflict, "same-id-other-content");
    effect.release();
    first.await.unwrap().assert_done("hello");
    let refused = bench.send(&other).await;
    refused.assert_fault(FaultCode::Conflict, "same-id-other-content");
    refused.assert_bound_to(&other);
    let read = Letter {
        operation: "t.look",
        ..change()
    };
    bench
        .send(&read)
        .await
        .assert_fault(FaultCode::Conflict, "same-id-other-content");
    // a fresh read is looked up before its id is: that changes nothing, and none of it is told
    assert_eq!(bench.effects(), 2);
}

#[tokio::test]
async fn the_same_id_of_two_senders_is_two_messages() {
    let bench = Bench::new();
    bench.send(&change()).await.assert_done("hello");
    let other = Letter {
        text: "other",
        ..change()
    };
    bench.send(&other.of_dvclt()).await.assert_done("other");
    assert_eq!(bench.effects(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_in_flight_waits_for_its_twin_and_gets_the_same_bytes() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change());
    effect.reached().await;
    let second = bench.start(&change());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!second.is_finished());
    effect.release();
    let first = first.await.unwrap();
    first.assert_done("hello");
    assert_eq!(second.await.unwrap(), first);
    assert_eq!(bench.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_whose_twin_takes_too_long_is_told_to_ask_again() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change());
    effect.reached().await;
    let asked = Instant::now();
    let refused = bench.send(&change()).await;
    refused.assert_fault(FaultCode::InProgress, "twin");
    refused.assert_bound_to(&change());
    assert_eq!(refused.header("retry-after"), "1");
    let waited = asked.elapsed();
    assert!(waited >= Duration::from_secs(2) && waited < Duration::from_millis(2_100));
    effect.release();
    let first = first.await.unwrap();
    assert_eq!(bench.send(&change()).await, first);
    assert_eq!(bench.effects(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_waits_for_its_twin_no_longer_than_its_caller_does() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change());
    effect.reached().await;
    let asked = Instant::now();
    let hasty = change().with("lienthong-timeout-ms", "100");
    bench
        .send(&hasty)
        .await
        .assert_fault(FaultCode::InProgress, "twin");
    assert!(asked.elapsed() < Duration::from_millis(200));
    effect.release();
    first.await.unwrap().assert_done("hello");
}

/// The first gives up, and so gives its claim back; the one that waits for it does the work.
#[tokio::test(start_paused = true)]
async fn a_duplicate_takes_over_what_its_twin_gave_back() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change().with("lienthong-timeout-ms", "300"));
    effect.reached().await;
    let asked = Instant::now();
    let second = bench.start(&change());
    let refused = first.await.unwrap();
    refused.assert_fault(FaultCode::DeadlineExceeded, "perform");
    second.await.unwrap().assert_done("hello");
    assert!(
        asked.elapsed() < Duration::from_millis(400),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(
        bench.diary.times("log claim"),
        3,
        "its own first and the taking over"
    );
}

#[tokio::test(start_paused = true)]
async fn of_many_that_wait_for_a_claim_given_back_one_takes_it_and_all_get_its_answer() {
    let bench = Bench::new();
    let effect = bench.knobs.hold_next("perform");
    let first = bench.start(&change().with("lienthong-timeout-ms", "300"));
    effect.reached().await;
    let waiting: Vec<_> = (0..5).map(|_| bench.start(&change())).collect();
    first
        .await
        .unwrap()
        .assert_fault(FaultCode::DeadlineExceeded, "perform");
    for one in waiting {
        one.await.unwrap().assert_done("hello");
    }
    assert_eq!(
        bench.effects(),
        2,
        "the one given up and the one taken over, under one key"
    );
}

#[tokio::test]
async fn a_read_that_was_answered_is_answered_again_while_the_registry_is_away() {
    let bench = Bench::new();
    let read = letter("t.look", "m-0000001");
    let first = bench.send(&read).await;
    first.assert_done("hello");
    bench.fail_with(FaultCode::InsuranceUnavailable, "away");
    assert_eq!(bench.send(&read).await, first);
    bench.fail_with(FaultCode::InsuranceUnavailable, "away");
    let unknown = bench.send(&letter("t.look", "m-0000002")).await;
    unknown.assert_fault(FaultCode::InsuranceUnavailable, "away");
}

#[tokio::test]
async fn two_reads_at_once_are_answered_with_the_same_bytes() {
    let bench = Bench::new();
    let read = letter("t.look", "m-0000001");
    let effect = bench.knobs.hold_next("perform");
    let slow = bench.start(&read);
    effect.reached().await;
    let quick = bench.send(&read).await;
    quick.assert_done("hello");
    effect.release();
    assert_eq!(slow.await.unwrap(), quick);
    assert_eq!(bench.diary.times("log record"), 2);
}

#[tokio::test]
async fn a_read_without_an_id_of_its_own_is_asked_anew_each_time_and_only_fresh() {
    let bench = Bench::new();
    let poll = letter("t.poll", "m-0000001");
    let (first, second) = (bench.send(&poll).await, bench.send(&poll).await);
    assert_ne!(
        first.header("lienthong-evidence"),
        second.header("lienthong-evidence")
    );
    first.assert_bound_to(&poll);
    second.assert_bound_to(&poll);
    assert_eq!(bench.effects(), 2);
    bench.clock.turn(Duration::from_secs(301));
    bench
        .send(&poll)
        .await
        .assert_fault(FaultCode::Stale, "outside-window");
    assert_eq!(bench.effects(), 2);
}
