//! Whoever is named or told of stands in the write that commits the answer, and nowhere else.

use schemas::fault::FaultCode;

use super::{
    bench::Bench,
    letter::{Letter, letter},
};
use crate::ports::PersonNumber;

/// A request that names one person by two numbers and another by one, and is told of a third.
const TEXT: &str = "about #099099000001+9900000001 and #9900000002 told @9900000003";

fn about(operation: &'static str) -> Letter {
    Letter {
        text: TEXT,
        ..letter(operation, "m-0000001")
    }
}

/// Each row's numbers and the fields that it says were told.
fn rows(bench: &Bench) -> Vec<(Vec<String>, String)> {
    let accesses = bench.log.accesses.lock().unwrap();
    let told = accesses.iter().map(|access| {
        assert_eq!(
            (access.sender.as_str(), access.purpose.as_str()),
            ("tax", "audit")
        );
        assert!(access.rule.starts_with("TN-01/"), "{}", access.rule);
        let numbers = access.numbers.iter().map(PersonNumber::indexed).collect();
        (numbers, access.fields.clone())
    });
    told.collect()
}

fn row(numbers: &[&str], fields: &str) -> (Vec<String>, String) {
    let numbers = numbers.iter().map(|number| (*number).to_owned()).collect();
    (numbers, fields.to_owned())
}

#[tokio::test]
async fn an_answer_is_committed_with_whom_it_names_and_tells_of() {
    for operation in ["t.change", "t.look", "t.poll"] {
        let bench = Bench::new();
        bench.send(&about(operation)).await.assert_done(TEXT);
        assert_eq!(
            rows(&bench),
            [
                row(&["pin:099099000001", "si:9900000001"], ""),
                row(&["si:9900000002"], ""),
                row(&["si:9900000003"], "card"),
            ],
            "{operation}"
        );
    }
}

#[tokio::test]
async fn whoever_shares_a_number_with_somebody_named_is_one_person_in_one_row() {
    let bench = Bench::new();
    let letter = Letter {
        text: "about #099099000001 told @9900000001+099099000001",
        ..letter("t.look", "m-0000001")
    };
    bench.send(&letter).await.assert_done(letter.text);
    let accesses = bench.log.accesses.lock().unwrap();
    assert_eq!(accesses.len(), 1, "{accesses:?}");
    assert_eq!(accesses[0].fields, "card");
    let both = [
        PersonNumber::parse("099099000001"),
        PersonNumber::parse("9900000001"),
    ];
    for number in both.into_iter().flatten() {
        assert!(accesses[0].numbers.contains(&number));
    }
}

/// What was agreed is not what was told: an answer without data discloses nothing of whom it was asked about.
#[tokio::test]
async fn a_person_of_whom_the_answer_says_nothing_was_asked_about_and_no_more() {
    let bench = Bench::new();
    let letter = Letter {
        text: "about #099099000001",
        ..letter("t.look", "m-0000001")
    };
    let sent = bench.send(&letter).await;
    assert!(
        sent.text().contains("shown fund"),
        "agreed: {}",
        sent.text()
    );
    assert_eq!(rows(&bench), [row(&["pin:099099000001"], "")]);
}

#[tokio::test]
async fn a_field_that_is_told_twice_of_one_person_is_one_field() {
    let bench = Bench::new();
    let letter = Letter {
        text: "told @099099000001 @099099000001",
        ..letter("t.look", "m-0000001")
    };
    bench.send(&letter).await.assert_done(letter.text);
    assert_eq!(rows(&bench), [row(&["pin:099099000001"], "card")]);
}

#[tokio::test]
async fn a_refused_question_was_asked_tells_nothing_and_makes_nobody_one_person() {
    let bench = Bench::new();
    bench.fail_with(FaultCode::UnknownSubject, "registry");
    let refused = bench.send(&about("t.change")).await;
    refused.assert_fault(FaultCode::UnknownSubject, "registry");
    assert_eq!(
        rows(&bench),
        [
            row(&["pin:099099000001"], ""),
            row(&["si:9900000001"], ""),
            row(&["si:9900000002"], ""),
        ]
    );
}

#[tokio::test]
async fn what_is_not_committed_is_told_to_nobody_and_a_resend_is_no_second_question() {
    for (operation, step) in [("t.change", "commit"), ("t.look", "record")] {
        let bench = Bench::new();
        bench.knobs.break_next(step);
        let refused = bench.send(&about(operation)).await;
        assert!(refused.status >= 400, "{operation}");
        assert!(!refused.text().contains("told @"), "{}", refused.text());
        assert!(rows(&bench).is_empty());
        for _ in 0..2 {
            bench.send(&about(operation)).await.assert_done(TEXT);
            assert_eq!(rows(&bench).len(), 3, "{operation}");
        }
    }
}
