//! A table of stories and what is said of them.

use gateway_core::{Evidence, ports::Class};
use schemas::id::{MessageId, PartnerId};

use super::*;

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn now() -> Timestamp {
    at(60)
}

/// A message that was claimed and answered.
fn done() -> Story {
    Story {
        evidence: Evidence::from_bytes([7; 16]),
        sender: Some(partner("tax")),
        id: Some(MessageId::parse("tax-20261122-1").unwrap()),
        operation: Some("tax.verify-employer".to_owned()),
        peer: partner("tax"),
        road: Some("direct".to_owned()),
        proof: Some("xml-dsig".to_owned()),
        rule: Some("99/2026 tax.verify-employer".to_owned()),
        purpose: Some("tax-inspection".to_owned()),
        fields: Some("fund,arrears".to_owned()),
        received_at: at(0),
        answered_at: Some(at(1)),
        status: Some(200),
        fault: None,
        reason: None,
        room: None,
        leased_until: None,
        quarantined: None,
        journal: vec![41, 42],
        parcels: Vec::new(),
        acts: Vec::new(),
    }
}

fn claimed(leased_until: Option<Timestamp>) -> Story {
    Story {
        answered_at: None,
        status: None,
        leased_until,
        journal: vec![41],
        ..done()
    }
}

fn turned_away(room: &str, code: &str, reason: &str) -> Story {
    Story {
        id: None,
        operation: None,
        answered_at: None,
        status: None,
        fault: Some(code.to_owned()),
        reason: Some(reason.to_owned()),
        room: Some(room.to_owned()),
        journal: Vec::new(),
        ..done()
    }
}

fn parcel(state: &str) -> ParcelStory {
    ParcelStory {
        id: "change-9".to_owned(),
        partner: partner("portal"),
        subject: "X99.01-261122-000001".to_owned(),
        sequence: 2,
        kind: "portal.sync".to_owned(),
        class: Class::Normal,
        state: ParcelState::parse(state).unwrap(),
        attempts: 8,
        reason: Some("connection-refused".to_owned()),
        put_at: at(2),
        due_at: at(3),
        due: None,
        owner: None,
        sending: None,
        receipt: None,
        cause: None,
    }
}

#[test]
fn every_kind_of_story_has_its_verdict_its_next_step_and_its_word_on_replay() {
    let declined = Story {
        status: Some(422),
        fault: Some("UNKNOWN-SUBJECT".to_owned()),
        ..done()
    };
    let undelivered = Story {
        parcels: vec![parcel("done"), parcel("dead")],
        ..done()
    };
    let table: &[(Story, &str, &str, bool)] = &[
        (done(), "done and answered", "gets the stored answer", true),
        (
            claimed(Some(at(90))),
            "being acted upon",
            "never send it under a new id",
            false,
        ),
        (
            claimed(Some(at(30))),
            "its holder has gone",
            "recovery",
            true,
        ),
        (claimed(None), "its holder has gone", "recovery", true),
        (
            declined,
            "final refusal, UNKNOWN-SUBJECT",
            "a corrected one needs a new id",
            true,
        ),
        (
            turned_away("verify", "BAD-SIGNATURE", "digest-mismatch"),
            "refused in the verify room with BAD-SIGNATURE",
            "schemas/faults/BAD-SIGNATURE.md",
            true,
        ),
        (
            turned_away("permit", "RATE-LIMITED", "sender-quota"),
            "refused in the permit room with RATE-LIMITED",
            "the same message again",
            true,
        ),
        (
            turned_away("permit", "FORBIDDEN", "no-agreement"),
            "Nothing was done.",
            "has to correct it",
            true,
        ),
        (
            undelivered,
            "a callback to portal could not be delivered",
            "change-9 (8 tries, last: connection-refused)",
            true,
        ),
    ];
    for (story, verdict, next_step, replay_safe) in table {
        let told = explain(story, now());
        assert!(told.verdict.contains(verdict), "{}", told.verdict);
        assert!(told.next_step.contains(next_step), "{}", told.next_step);
        assert_eq!(told.replay_safe, *replay_safe, "{verdict}");
        assert_eq!(told.rooms.len(), 8);
    }
}

fn line(told: &MessageStory, room: &str) -> (String, String) {
    let line = told.rooms.iter().find(|line| line.room == room).unwrap();
    (line.outcome.clone(), line.detail.clone())
}

#[test]
fn the_rooms_of_a_done_message_name_its_evidence() {
    let told = explain(&done(), now());
    assert!(told.rooms.iter().all(|line| line.outcome == "ok"));
    assert_eq!(line(&told, "verify").1, "proof xml-dsig");
    assert_eq!(line(&told, "record").1, "journal 41 and 42");
    let permit = "rule 99/2026 tax.verify-employer, purpose tax-inspection, fields fund,arrears";
    assert_eq!(line(&told, "permit").1, permit);
    assert!(line(&told, "answer").1.contains("status 200"));
}

#[test]
fn rooms_behind_the_refusing_one_were_not_reached() {
    let told = explain(
        &turned_away("verify", "BAD-SIGNATURE", "digest-mismatch"),
        now(),
    );
    let outcomes: Vec<&str> = told
        .rooms
        .iter()
        .map(|line| line.outcome.as_str())
        .collect();
    assert_eq!(outcomes[..4], ["ok", "ok", "ok", "refused"]);
    assert!(
        outcomes[4..]
            .iter()
            .all(|outcome| *outcome == "not reached")
    );
    assert_eq!(line(&told, "verify").1, "BAD-SIGNATURE (digest-mismatch)");
}

#[test]
fn a_message_without_its_holder_is_unknown_in_the_perform_room() {
    let told = explain(&claimed(None), now());
    assert_eq!(line(&told, "perform").0, "unknown");
    assert_eq!(line(&told, "answer").0, "not reached");
    let told = explain(&claimed(Some(at(90))), now());
    assert_eq!(line(&told, "perform").0, "in progress");
}
