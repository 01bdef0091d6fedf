//! Which windows are due, and what is lost where.

use bytes::Bytes;

use super::*;

fn schedule(every: u64, window: u64, lag: u64) -> config::Reconcile {
    config::Reconcile {
        every_seconds: every,
        window_seconds: window,
        lag_seconds: lag,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ends(schedule: &config::Reconcile, planned: Option<i64>, now: i64) -> Vec<(i64, i64)> {
    let all = due(schedule, planned.map(at), at(now));
    let pair = |window: Window| (window.from().as_second(), window.until().as_second());
    all.into_iter().map(pair).collect()
}

#[test]
fn a_window_is_due_its_lag_after_its_end_and_not_a_second_before() {
    let hourly = schedule(3_600, 3_600, 300);
    for (planned, now, due) in [
        (None, 7_499, vec![(0, 3_600)]),
        (None, 7_500, vec![(3_600, 7_200)]),
        (Some(7_200), 11_099, vec![]),
        (Some(7_200), 11_100, vec![(7_200, 10_800)]),
    ] {
        assert_eq!(ends(&hourly, planned, now), due, "{planned:?} {now}");
    }
}

#[test]
fn after_a_stop_no_window_is_left_out_and_another_schedule_leaves_no_gap() {
    let hourly = schedule(3_600, 3_600, 0);
    let missed = ends(&hourly, Some(3_600), 14_400);
    assert_eq!(missed, [(3_600, 7_200), (7_200, 10_800), (10_800, 14_400)]);
    assert_eq!(ends(&hourly, Some(3_600), 3_600 * 1_000).len(), 24);
    // planned by another schedule, up to the middle of an hour
    assert_eq!(ends(&hourly, Some(5_000), 7_200), [(3_600, 7_200)]);
    // longer windows than the time between them meet the one before
    assert_eq!(
        ends(&schedule(3_600, 7_200, 0), Some(7_200), 10_800),
        [(3_600, 10_800)]
    );
}

fn pull() -> Pull {
    Pull {
        partner: PartnerId::parse("portal").unwrap(),
        window: Window::between(1_000, 2_000).unwrap(),
    }
}

/// `subject/sequence`, receipted then.
fn told(id: &str, second: i64, healed: u32) -> Told {
    let (subject, sequence) = id.split_once('/').unwrap();
    Told {
        id: id.to_owned(),
        subject: subject.to_owned(),
        sequence: sequence.parse().unwrap(),
        kind: "any".to_owned(),
        content: Bytes::new(),
        receipt: 1,
        at: at(second),
        healed,
    }
}

/// A partner that holds everything but these, and was not asked about the subject `x`.
struct Lacks(&'static [&'static str]);

impl Held for Lacks {
    fn more(&self) -> bool {
        false
    }

    fn has(&self, told: &Told) -> Option<bool> {
        (told.subject != "x").then(|| !self.0.contains(&told.id.as_str()))
    }

    fn sent(&self) -> Vec<(MessageId, Timestamp)> {
        Vec::new()
    }
}

fn found(all: Vec<Told>, lacks: &'static [&'static str]) -> (u32, Vec<String>, Vec<String>) {
    let telling = Telling {
        told: all,
        more: false,
    };
    let compared = compare(&pull(), &telling, &Lacks(lacks));
    let ids = |told: Vec<Told>| told.into_iter().map(|told| told.id).collect();
    (
        compared.compared,
        ids(compared.again),
        ids(compared.given_up),
    )
}

#[test]
fn everything_from_the_first_lost_on_goes_again_in_its_own_subject_only() {
    let all = vec![
        told("a/1", 1_100, 0),
        told("a/2", 1_200, 0),
        told("a/3", 1_300, 0),
        told("b/1", 1_100, 0),
        told("x/1", 1_100, 0),
    ];
    let (compared, again, given_up) = found(all, &["a/2"]);
    assert_eq!(compared, 4, "what was not asked about is not compared");
    assert_eq!(again, ["a/2", "a/3"]);
    assert!(given_up.is_empty());
}

#[test]
fn what_was_told_after_the_window_is_not_missed_yet_but_follows_what_is() {
    let all = vec![told("a/1", 1_999, 0), told("a/2", 2_000, 0)];
    assert_eq!(found(all.clone(), &["a/2"]).1, Vec::<String>::new());
    assert_eq!(found(all, &["a/1", "a/2"]).1, ["a/1", "a/2"]);
}

#[test]
fn what_is_lost_for_the_fourth_time_is_a_matter_for_a_person() {
    let lost = |healed| found(vec![told("a/1", 1_100, healed)], &["a/1"]);
    assert_eq!((lost(2).1.len(), lost(2).2.len()), (1, 0));
    assert_eq!((lost(3).1.len(), lost(3).2.len()), (0, 1));
    // one that was told anew as a companion does not stop what follows it
    let all = vec![told("a/1", 1_100, 0), told("a/2", 1_200, 3)];
    assert_eq!(found(all, &["a/1"]).1, ["a/1", "a/2"]);
}
