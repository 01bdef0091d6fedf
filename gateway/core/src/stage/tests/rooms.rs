//! Which rooms a message passes, and what has happened by then.

use schemas::fault::FaultCode;

use super::{
    bench::Bench,
    letter::{DVCLT, Letter, letter},
    words::BODY_BYTES_MAX,
};

const ROOMS: [&str; 7] = [
    "admit", "receive", "verify", "permit", "record", "perform", "answer",
];

/// Rooms left so far: those before the last with `ok`, the last with this outcome.
fn up_to(last: &str, outcome: &str) -> Vec<String> {
    let before = ROOMS.iter().take_while(|room| **room != last);
    let mut passed: Vec<_> = before.map(|room| format!("{room} ok")).collect();
    passed.push(format!("{last} {outcome}"));
    passed
}

#[tokio::test]
async fn a_change_is_claimed_before_it_is_performed_and_committed_before_it_is_answered() {
    let bench = Bench::new();
    bench
        .send(&letter("t.change", "m-0000001"))
        .await
        .assert_done("hello");
    let expected = [
        "room admit ok",
        "room receive ok",
        "room verify ok",
        "room permit ok",
        "log claim",
        "room record ok",
        "perform",
        "room perform ok",
        "room answer ok",
        "log commit",
        "answered tax t.change done",
    ];
    assert_eq!(bench.diary.lines(), expected);
}

#[tokio::test]
async fn a_read_costs_one_durable_write_after_it_is_performed() {
    let bench = Bench::new();
    bench
        .send(&letter("t.look", "m-0000001"))
        .await
        .assert_done("hello");
    assert_eq!(bench.diary.about("log"), ["record"]);
    let lines = bench.diary.lines();
    let at = |line: &str| lines.iter().position(|seen| seen == line).unwrap();
    assert!(at("perform") < at("log record") && at("log record") < at("answered tax t.look done"));
}

#[tokio::test]
async fn a_refusal_in_a_room_leaves_the_later_rooms_unvisited_and_performs_nothing() {
    let good = || letter("t.change", "m-0000001");
    let large: &'static str = "x".repeat(BODY_BYTES_MAX).leak();
    let long_ago = good().sent_at - std::time::Duration::from_secs(301);
    let cases: [(&str, Letter, FaultCode, &str); 6] = [
        (
            "admit",
            Letter {
                path: "/elsewhere",
                ..good()
            },
            FaultCode::UnknownRoute,
            "route",
        ),
        (
            "receive",
            Letter {
                text: large,
                ..good()
            },
            FaultCode::TooLarge,
            "body-bytes",
        ),
        (
            "verify",
            Letter {
                pen: &DVCLT,
                ..good()
            },
            FaultCode::BadSignature,
            "signature-mismatch",
        ),
        (
            "verify",
            Letter {
                operation: "t.none",
                ..good()
            },
            FaultCode::Invalid,
            "operation",
        ),
        (
            "permit",
            Letter {
                purpose: "other",
                ..good()
            },
            FaultCode::Forbidden,
            "purpose-not-agreed",
        ),
        (
            "record",
            Letter {
                sent_at: long_ago,
                ..good()
            },
            FaultCode::Stale,
            "outside-window",
        ),
    ];
    for (room, letter, code, reason) in cases {
        let bench = Bench::new();
        bench.send(&letter).await.assert_fault(code, reason);
        assert_eq!(bench.diary.about("room"), up_to(room, code.row().code));
        assert_eq!(bench.effects(), 0, "{room}");
        assert!(bench.log.entry("tax", "m-0000001").is_none(), "{room}");
        let told = format!("{room} tax {}", code.row().code);
        assert_eq!(bench.diary.about("refused"), [told]);
    }
}

#[tokio::test]
async fn refusals_of_verify_and_permit_are_kept_without_a_body_and_earlier_ones_are_not() {
    let bench = Bench::new();
    let good = || letter("t.change", "m-0000001");
    bench
        .send(&Letter {
            path: "/elsewhere",
            ..good()
        })
        .await;
    bench.send(&good().with("content-length", "99999")).await;
    assert_eq!(bench.log.notes.lock().unwrap().len(), 0);
    bench
        .send(
            &Letter {
                pen: &DVCLT,
                ..good()
            }
            .relayed(),
        )
        .await;
    bench
        .send(&Letter {
            purpose: "other",
            ..good()
        })
        .await;
    let notes = bench.log.notes.lock().unwrap();
    let seen: Vec<_> = notes
        .iter()
        .map(|n| (n.room, n.peer.as_str(), n.code, n.reason))
        .collect();
    let expected = [
        ("verify", "ngsp", "BAD-SIGNATURE", "signature-mismatch"),
        ("permit", "tax", "FORBIDDEN", "purpose-not-agreed"),
    ];
    assert_eq!(seen, expected);
    assert!(
        notes
            .iter()
            .all(|n| n.sender.as_ref().unwrap().as_str() == "tax")
    );
}

#[tokio::test]
async fn a_refusal_that_cannot_be_kept_is_still_a_refusal() {
    let bench = Bench::new();
    bench.knobs.break_next("refuse");
    let refused = bench
        .send(&Letter {
            purpose: "other",
            ..letter("t.look", "m-0000001")
        })
        .await;
    refused.assert_fault(FaultCode::Forbidden, "purpose-not-agreed");
    assert_eq!(bench.effects(), 0);
}

#[tokio::test]
async fn the_journal_entry_names_rule_road_purpose_peer_and_disclosed_fields() {
    let bench = Bench::new();
    let asks = Letter {
        asked: "fund,name",
        ..letter("t.change", "m-0000001")
    };
    bench
        .send(&asks.clone().relayed())
        .await
        .assert_done("hello");
    let entry = bench.log.entry("tax", "m-0000001").unwrap();
    assert_eq!(
        (entry.rule.as_str(), entry.road),
        ("TN-01/t.change", "ngsp")
    );
    assert_eq!(
        (entry.purpose.as_str(), entry.fields.as_str()),
        ("audit", "fund")
    );
    assert_eq!(
        (entry.peer.as_str(), entry.peer_certificate),
        ("ngsp", [7; 32])
    );
    assert_eq!((entry.proof, entry.operation), ("jws", "t.change"));
    assert_eq!(entry.body, asks.body().as_bytes());
}
