//! What a quote comes to after its last instant: a new one, and money that was seen in between is kept somewhere.

use schemas::fault::FaultCode::{Conflict, Invalid};
use schemas::proto::insurance::{
    CertifyGroupRequest, DecideDossierRequest, DecideDossierResponse, DossierDecision as Word,
    GroupMember, HeardBy, PaymentState,
};

use crate::over_both;
use crate::payments::{
    arrears, decide, due, entry, open, opened, owes, quoted, said, show, voluntary, word,
};
use crate::scene::{Scene, context, soon};

over_both! {
    a_quote_that_ended_is_followed_by_one_with_the_price_of_the_day
    a_quote_that_ended_while_papers_were_awaited_is_followed_once_they_are_there
    money_of_the_last_day_is_booked_on_the_next_morning
    money_that_an_officer_saw_is_a_refund_case_where_nothing_is_due_for_it
    where_two_prices_were_told_the_officer_says_which_was_paid
    quotes_that_the_platform_never_takes_hold_up_no_other_order
    a_quote_that_is_replaced_in_the_second_in_which_it_was_made_gets_a_reference_of_its_own
}

/// A list that counts today alone ends each quote with the last second of the day.
async fn a_quote_that_is_replaced_in_the_second_in_which_it_was_made_gets_a_reference_of_its_own(
    scene: Scene,
) {
    let holder = &scene.marks.card_holders[0];
    let today = CertifyGroupRequest {
        context: Some(context("vss", "list of a day")),
        decision: "QĐ 1".into(),
        group: "poor".into(),
        from: "2026-11-23".into(),
        to: "2026-11-23".into(),
        members: vec![GroupMember {
            number: holder.pin.clone(),
            name: holder.name.clone(),
        }],
        who: "an.officer".into(),
        why: "the commune's list".into(),
    };
    scene.insurance.certify_group(soon(), today).await.unwrap();
    scene.time.at("2026-11-23T16:59:59.200Z");
    let first = quoted(&scene, voluntary(&scene, 1, "01/2027", 1)).await;
    assert_eq!(first.valid_until, "2026-11-23T16:59:59Z");
    assert!(first.reference.ends_with("20261123235959"));
    scene.time.at("2026-11-23T16:59:59.700Z");
    let mut last = first.reference;
    for second in ["20261124000000", "20261124000001"] {
        assert_eq!(
            open(&scene, &last).await.state(),
            PaymentState::Over,
            "{last}"
        );
        let next = show(&scene, &first.dossier).await.order.unwrap();
        assert_eq!(next.state(), PaymentState::Quoted);
        assert!(next.reference.ends_with(second), "{}", next.reference);
        assert!(last < next.reference, "the newest is the last by name");
        last = next.reference;
    }
    // a clock that was put back gives no reference again either
    scene.time.at("2026-11-24T01:00:00Z");
    assert_eq!(open(&scene, &last).await.state(), PaymentState::Over);
    let day = show(&scene, &first.dossier).await.order.unwrap();
    assert!(
        day.reference.ends_with("20261124080000"),
        "{}",
        day.reference
    );
    let opened = open(&scene, &day.reference).await;
    assert_eq!(
        (opened.state(), opened.dossier_state),
        (PaymentState::Open, 6)
    );
    assert!(entry(&scene, said(&opened, "GD-1")).await.booked);
}

const DAY: i64 = 86_400;

/// From the beginning of a scene to the first second of 1 December in Viet Nam.
const TO_DECEMBER: i64 = 7 * DAY + 15 * 3_600;

async fn advance(scene: &Scene) {
    scene.registry.advance().await.unwrap();
}

async fn approve(
    scene: &Scene,
    (dossier, step): (&str, u32),
    (paid, on, vnd): (&str, &str, i64),
) -> DecideDossierResponse {
    let request = seen((dossier, step), (paid, on, vnd));
    let decided = scene.insurance.decide_dossier(soon(), request).await;
    decided.unwrap()
}

fn seen((dossier, step): (&str, u32), (paid, on, vnd): (&str, &str, i64)) -> DecideDossierRequest {
    DecideDossierRequest {
        context: Some(context(
            "vss",
            &format!("{dossier}/{step}/{paid}/{on}/{vnd}"),
        )),
        paid_on: on.into(),
        paid_vnd: vnd,
        ..word(dossier, step, Word::Approve, paid)
    }
}

/// State of an order and of its dossier.
async fn stand(scene: &Scene, reference: &str) -> (PaymentState, u32) {
    let order = show(scene, reference).await.order.unwrap();
    (order.state(), order.dossier_state)
}

/// Reason, amount and day of payment of each transaction of an order.
async fn kept(scene: &Scene, reference: &str) -> Vec<(String, i64, String)> {
    let entries = show(scene, reference).await.entries.into_iter();
    entries
        .map(|entry| {
            assert_eq!(entry.heard_by(), HeardBy::Officer);
            let told = entry.transaction.unwrap();
            (entry.reason, told.vnd, told.paid_at)
        })
        .collect()
}

fn refund(reason: &str, vnd: i64, at: &str) -> (String, i64, String) {
    (reason.to_owned(), vnd, at.to_owned())
}

async fn a_quote_that_ended_is_followed_by_one_with_the_price_of_the_day(scene: Scene) {
    owes(&scene, 10_000_000);
    let old = quoted(&scene, arrears(&scene, 1, 4_000_000)).await;
    assert_eq!(old.vnd, 4_027_600);
    assert_eq!(old.valid_until, "2026-11-24T16:59:59Z");
    // its last second
    scene.time.pass(DAY + 14 * 3_600 + 59 * 60 + 59);
    advance(&scene).await;
    assert_eq!(due(&scene).await, [old.reference.as_str()]);
    // nobody asks the platform for it any more, and the mover has not come by yet
    scene.time.pass(1);
    assert!(due(&scene).await.is_empty());
    assert_eq!(scene.registry.advance().await.unwrap(), 1);
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
    assert_eq!(stand(&scene, &old.reference).await, (PaymentState::Over, 4));
    let new = show(&scene, &old.dossier).await.order.unwrap();
    assert_ne!(new.reference, old.reference);
    // 25 days late at 0.03 % a day
    assert_eq!((new.state(), new.vnd), (PaymentState::Quoted, 4_030_000));
    assert_eq!(due(&scene).await, [new.reference.as_str()]);
    // what the platform says of the old one moves nothing
    let before = scene.fingerprint().await;
    let late = open(&scene, &old.reference).await;
    assert_eq!((late.state(), late.url.as_str()), (PaymentState::Over, ""));
    assert_eq!(scene.fingerprint().await, before);
    assert_eq!(open(&scene, &new.reference).await.dossier_state, 6);
    let mut told = said(&new, "GD-1");
    told.transaction.as_mut().unwrap().paid_at = "2026-11-25T02:00:00Z".into();
    assert!(entry(&scene, told).await.booked);
    assert_eq!(stand(&scene, &new.reference).await, (PaymentState::Paid, 9));
    assert_eq!(stand(&scene, &old.reference).await, (PaymentState::Over, 9));
    let lines = show(&scene, &old.dossier).await.bookings;
    let lines: Vec<i64> = lines.iter().map(|line| line.vnd).collect();
    assert_eq!(lines, [4_000_000, 30_000]);
    assert!(show(&scene, &old.reference).await.bookings.is_empty());
}

async fn a_quote_that_ended_while_papers_were_awaited_is_followed_once_they_are_there(
    scene: Scene,
) {
    let old = quoted(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    let asked = DecideDossierRequest {
        days: 30,
        ..word(&old.dossier, 3, Word::Supplement, "")
    };
    let asked = scene.insurance.decide_dossier(soon(), asked).await.unwrap();
    assert_eq!(asked.dossier.unwrap().state, 5);
    scene.time.pass(20 * DAY);
    // the platform answers in between: nobody is told to pay, and nothing is stopped
    open(&scene, &old.reference).await;
    advance(&scene).await;
    assert_eq!(
        stand(&scene, &old.reference).await,
        (PaymentState::Quoted, 5)
    );
    assert!(due(&scene).await.is_empty());
    let resumed = decide(&scene, &old.dossier, 4, Word::Resume, "").await;
    assert_eq!(resumed.state, 4);
    assert!(due(&scene).await.is_empty());
    advance(&scene).await;
    assert_eq!(stand(&scene, &old.reference).await, (PaymentState::Over, 4));
    let new = show(&scene, &old.dossier).await.order.unwrap();
    assert_eq!((new.state(), new.vnd), (PaymentState::Quoted, old.vnd));
    assert!(new.valid_until.as_str() > "2026-12-13");
    assert_eq!(due(&scene).await, [new.reference.as_str()]);
    assert_eq!(open(&scene, &new.reference).await.dossier_state, 6);
}

async fn money_of_the_last_day_is_booked_on_the_next_morning(scene: Scene) {
    let old = quoted(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    let told = opened(&scene, voluntary(&scene, 2, "06/2027", 1)).await;
    scene.time.pass(TO_DECEMBER);
    advance(&scene).await;
    let new = show(&scene, &old.dossier).await.order.unwrap();
    assert_eq!(new.state(), PaymentState::Quoted);
    for (order, step, paid) in [(&old, 3, "FT-1"), (&told, 4, "FT-2")] {
        let at = (order.dossier.as_str(), step);
        let done = approve(&scene, at, (paid, "2026-11-30", 0)).await;
        assert_eq!((done.refund.as_str(), done.dossier.unwrap().state), ("", 9));
        let shown = show(&scene, &order.reference).await;
        assert_eq!(shown.order.unwrap().state(), PaymentState::Paid);
        assert_eq!(
            (shown.bookings.len(), shown.bookings[0].vnd),
            (1, order.vnd)
        );
        assert_eq!(
            kept(&scene, &order.reference).await,
            [refund("", order.vnd, "2026-11-30T05:00:00Z")]
        );
    }
    // the quote that came after it is over, and the paid one is the dossier's
    assert_eq!(stand(&scene, &new.reference).await, (PaymentState::Over, 9));
    let shown = show(&scene, &old.dossier).await.order.unwrap();
    assert_eq!(shown.reference, old.reference);
}

async fn money_that_an_officer_saw_is_a_refund_case_where_nothing_is_due_for_it(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 3)).await;
    let same_months = opened(&scene, voluntary(&scene, 2, "01/2027", 3)).await;
    let at = (order.dossier.as_str(), 4);
    for (field, reason, bend) in [
        ("paid_on", "in-the-future", ("FT-1", "2026-11-24", 0)),
        ("paid_on", "malformed-date", ("FT-1", "23/11/2026", 0)),
        ("paid_vnd", "bad-amount", ("FT-1", "", -1)),
    ] {
        let call = scene.insurance.decide_dossier(soon(), seen(at, bend));
        scene.refuses(call, Invalid, reason, field).await;
    }
    for (field, on, vnd) in [("paid_on", "2026-11-23", 0), ("paid_vnd", "", 5)] {
        let unnamed = seen(at, ("", on, vnd));
        let call = scene.insurance.decide_dossier(soon(), unnamed);
        scene
            .refuses(call, Invalid, "payment-not-asked", field)
            .await;
    }
    // too little, and the dossier waits for the rest of its life
    let less = approve(&scene, at, ("FT-1", "", order.vnd - 1)).await;
    assert_eq!(less.refund, "amount-differs");
    assert_eq!(less.dossier.unwrap().state, 6);
    let call = seen(at, ("FT-1", "", order.vnd));
    let call = scene.insurance.decide_dossier(soon(), call);
    scene
        .refuses(call, Conflict, "payment-used-already", "paid")
        .await;
    let right = approve(&scene, at, ("FT-2", "", order.vnd)).await;
    assert_eq!(
        (right.refund.as_str(), right.dossier.unwrap().state),
        ("", 9)
    );
    let now = "2026-11-23T02:00:00Z";
    assert_eq!(
        kept(&scene, &order.reference).await,
        [
            refund("amount-differs", order.vnd - 1, now),
            refund("", order.vnd, now)
        ]
    );
    // the dossier is done
    let twice = approve(&scene, (at.0, 6), ("FT-3", "", 0)).await;
    assert_eq!(twice.refund, "paid-twice");
    assert_eq!(twice.dossier.unwrap().state, 9);
    // a rule that no longer holds ends the dossier, and the money is there
    let at = (same_months.dossier.as_str(), 4);
    let stopped = approve(&scene, at, ("FT-4", "", 0)).await;
    assert_eq!(stopped.refund, "months-paid-already");
    assert_eq!(
        stand(&scene, &same_months.reference).await,
        (PaymentState::Over, 8)
    );
    let ended = approve(&scene, (at.0, 5), ("FT-5", "", 0)).await;
    assert_eq!(ended.refund, "dossier-ended");
    assert_eq!(
        kept(&scene, &same_months.reference).await,
        [
            refund("months-paid-already", same_months.vnd, now),
            refund("dossier-ended", same_months.vnd, now)
        ]
    );
    assert!(show(&scene, at.0).await.bookings.is_empty());
}

async fn where_two_prices_were_told_the_officer_says_which_was_paid(scene: Scene) {
    owes(&scene, 10_000_000);
    let old = quoted(&scene, arrears(&scene, 1, 4_000_000)).await;
    scene.time.pass(2 * DAY);
    advance(&scene).await;
    let new = show(&scene, &old.dossier).await.order.unwrap();
    assert_eq!((old.vnd, new.vnd), (4_027_600, 4_030_000));
    let at = (old.dossier.as_str(), 3);
    let call = seen(at, ("FT-1", "", 0));
    let call = scene.insurance.decide_dossier(soon(), call);
    scene.refuses(call, Invalid, "missing", "paid_vnd").await;
    // the old price on the new day
    let late = approve(&scene, at, ("FT-1", "", old.vnd)).await;
    assert_eq!(late.refund, "amount-differs");
    let order = show(&scene, at.0).await.order.unwrap();
    assert_eq!(
        (order.state(), order.dossier_state),
        (PaymentState::Quoted, 4)
    );
    // and on its own
    let done = approve(&scene, at, ("FT-2", "2026-11-24", old.vnd)).await;
    assert_eq!((done.refund.as_str(), done.dossier.unwrap().state), ("", 9));
    assert_eq!(stand(&scene, &old.reference).await, (PaymentState::Paid, 9));
    assert_eq!(stand(&scene, &new.reference).await, (PaymentState::Over, 9));
    let lines = show(&scene, &old.reference).await.bookings;
    let lines: Vec<i64> = lines.iter().map(|line| line.vnd).collect();
    assert_eq!(lines, [4_000_000, 27_600]);
    assert_eq!(
        kept(&scene, &new.reference).await,
        [refund("amount-differs", old.vnd, "2026-11-25T02:00:00Z")]
    );
}

async fn quotes_that_the_platform_never_takes_hold_up_no_other_order(scene: Scene) {
    for n in 1..=201 {
        let request = voluntary(&scene, n, "12/2026", 1);
        scene
            .insurance
            .submit_dossier(soon(), request)
            .await
            .unwrap();
    }
    for _ in 0..6 {
        advance(&scene).await;
    }
    assert_eq!(due(&scene).await.len(), 200);
    scene.time.pass(60);
    let order = opened(&scene, voluntary(&scene, 202, "06/2027", 1)).await;
    scene.time.pass(61);
    assert!(due(&scene).await.contains(&order.reference));
}
