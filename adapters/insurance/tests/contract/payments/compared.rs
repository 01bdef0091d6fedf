//! The three sides of a day: ours, the platform's and the bank's.

use schemas::fault::FaultCode::Conflict;
use schemas::proto::insurance::NoteStatementRequest;

use super::{compare, entry, opened, said, voluntary};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    the_three_sides_of_a_day_are_held_against_each_other
}

async fn the_three_sides_of_a_day_are_held_against_each_other(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    for id in ["GD-A", "GD-B", "GD-C", "GD-D"] {
        entry(&scene, said(&order, id)).await;
    }
    let told = |ids: &[(&str, i64)], key: &str, whole| NoteStatementRequest {
        context: Some(context("vss", key)),
        day: "2026-11-23".into(),
        transactions: ids
            .iter()
            .map(|(id, more)| {
                let mut one = said(&order, id).transaction.unwrap();
                one.vnd += more;
                one
            })
            .collect(),
        whole,
    };
    let first = told(&[("GD-A", 0), ("GD-B", 1)], "part-1", false);
    scene.insurance.note_statement(soon(), first).await.unwrap();
    assert!(!compare(&scene).await.whole);
    let last = told(&[("GD-C", 0), ("GD-X", 0)], "part-2", true);
    assert_eq!(
        scene
            .insurance
            .note_statement(soon(), last)
            .await
            .unwrap()
            .noted,
        4
    );
    let compared = compare(&scene).await;
    let kinds: Vec<(&str, &str)> = compared
        .differences
        .iter()
        .map(|one| (one.transaction.as_str(), one.kind.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("GD-B", "another-amount"),
            ("GD-X", "not-in-ledger"),
            ("GD-D", "not-in-statement")
        ]
    );
    let (ledger, booked, refunds) = (
        compared.ledger.unwrap(),
        compared.booked.unwrap(),
        compared.refunds.unwrap(),
    );
    assert_eq!((ledger.transactions, ledger.vnd), (4, 4 * order.vnd));
    assert_eq!((booked.vnd, refunds.vnd), (order.vnd, 3 * order.vnd));

    let otherwise = told(&[("GD-A", 7)], "part-3", false);
    let call = scene.insurance.note_statement(soon(), otherwise);
    scene
        .refuses(call, Conflict, "payment-has-other-facts", "transactions")
        .await;
    // what the registry lost of a booking has a name
    scene.change(
        "UPDATE contribution_lines SET transaction_id = '' WHERE transaction_id = ?",
        "GD-A",
    );
    let kinds: Vec<String> = compare(&scene)
        .await
        .differences
        .into_iter()
        .map(|one| one.kind)
        .collect();
    assert!(kinds.contains(&"not-booked".to_owned()), "{kinds:?}");
}
