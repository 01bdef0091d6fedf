//! Money that no contribution is due for, and orders that are over.

use schemas::fault::FaultCode::{Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    AskedPaymentRequest, DossierDecision as Word, ListPaymentsRequest, PaymentOrder, PaymentState,
    RecordPaymentRequest, RefundPaymentRequest,
};

use super::{decide, due, entry, of, open, opened, quoted, said, show, voluntary, word};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    money_that_no_contribution_is_due_for_is_a_refund_case_with_its_reason
    a_quote_after_its_last_instant_is_neither_opened_nor_booked_by_hand
    an_order_that_nobody_pays_is_over_and_its_dossier_stopped
}

async fn money_that_no_contribution_is_due_for_is_a_refund_case_with_its_reason(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    let mut other = said(&order, "GD-LESS");
    other.transaction.as_mut().unwrap().vnd -= 1;
    assert_eq!(entry(&scene, other).await.reason, "amount-differs");
    let mut late = said(&order, "GD-LATE");
    late.transaction.as_mut().unwrap().paid_at = "2026-11-30T17:00:00Z".into();
    assert_eq!(entry(&scene, late).await.reason, "paid-too-late");
    let shown = show(&scene, &order.reference).await;
    assert_eq!(shown.order.unwrap().dossier_state, 6);
    assert!(shown.bookings.is_empty());
    assert!(entry(&scene, said(&order, "GD-RIGHT")).await.booked);
    assert_eq!(
        entry(&scene, said(&order, "GD-TWICE")).await.reason,
        "paid-twice"
    );

    let withdrawn = opened(&scene, voluntary(&scene, 2, "06/2027", 1)).await;
    assert_eq!(
        decide(&scene, &withdrawn.dossier, 4, Word::Withdraw, "")
            .await
            .state,
        7
    );
    assert_eq!(
        entry(&scene, said(&withdrawn, "GD-ENDED")).await.reason,
        "dossier-ended"
    );
    assert_eq!(
        show(&scene, &withdrawn.dossier)
            .await
            .order
            .unwrap()
            .dossier_state,
        7
    );

    // the same months by two orders: whichever is paid first has them
    let first = opened(&scene, voluntary(&scene, 3, "01/2028", 3)).await;
    let second = opened(&scene, voluntary(&scene, 4, "03/2028", 3)).await;
    assert!(entry(&scene, said(&first, "GD-FIRST")).await.booked);
    assert_eq!(
        entry(&scene, said(&second, "GD-SECOND")).await.reason,
        "months-paid-already"
    );
    assert_eq!(
        show(&scene, &second.dossier)
            .await
            .order
            .unwrap()
            .dossier_state,
        8
    );

    let to_refund = |max| ListPaymentsRequest {
        context: Some(context("vss", "list")),
        to_refund: true,
        max,
        ..ListPaymentsRequest::default()
    };
    let listed = scene
        .insurance
        .payments(soon(), to_refund(10))
        .await
        .unwrap();
    assert_eq!(listed.orders.len(), 3);
    let refund = |id: &str, key: &str| RefundPaymentRequest {
        context: Some(context("vss", key)),
        transaction: id.into(),
        refunded: "CK-1".into(),
        who: "an.officer".into(),
        why: "transferred back".into(),
    };
    let done = scene
        .insurance
        .refund_payment(soon(), refund("GD-ENDED", "r1"))
        .await;
    let done = done.unwrap().entry.unwrap();
    assert_eq!(
        (done.refunded.as_str(), done.refunded_by.as_str()),
        ("CK-1", "an.officer")
    );
    let call = scene
        .insurance
        .refund_payment(soon(), refund("GD-ENDED", "r2"));
    scene
        .refuses(call, Conflict, "refunded-already", "transaction")
        .await;
    let call = scene
        .insurance
        .refund_payment(soon(), refund("GD-RIGHT", "r3"));
    scene
        .refuses(call, RuleRefused, "not-to-refund", "transaction")
        .await;
    let call = scene
        .insurance
        .refund_payment(soon(), refund("GD-NONE", "r4"));
    scene
        .refuses(call, UnknownSubject, "unknown-payment", "transaction")
        .await;
    let nameless = RefundPaymentRequest {
        who: " ".into(),
        ..refund("GD-LATE", "r5")
    };
    let call = scene.insurance.refund_payment(soon(), nameless);
    scene.refuses(call, Invalid, "missing", "who").await;
    let listed = scene
        .insurance
        .payments(soon(), to_refund(10))
        .await
        .unwrap();
    assert_eq!(listed.orders.len(), 2);
}

async fn an_order_that_nobody_pays_is_over_and_its_dossier_stopped(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    assert!(due(&scene).await.is_empty());
    scene.time.pass(61);
    assert_eq!(due(&scene).await, [order.reference.as_str()]);
    let asked = |n: u32, answered: &str| AskedPaymentRequest {
        context: Some(context("vss", &format!("asked/{n}/{answered}"))),
        reference: order.reference.clone(),
        asked: n,
        answered_at: answered.into(),
        ask_after: 60,
    };
    for _ in 0..2 {
        let told = scene
            .insurance
            .asked_payment(soon(), asked(0, "2026-11-30T16:59:59Z"))
            .await;
        let told = told.unwrap().order.unwrap();
        assert_eq!(
            (told.asked, told.state(), told.dossier_state),
            (1, PaymentState::Open, 6)
        );
    }
    // an answer to a question that was counted before
    scene
        .insurance
        .asked_payment(soon(), asked(0, "2026-11-30T17:00:01Z"))
        .await
        .unwrap();
    let told = scene
        .insurance
        .asked_payment(soon(), asked(1, "2026-11-30T17:00:00Z"))
        .await;
    let told = told.unwrap().order.unwrap();
    assert_eq!((told.state(), told.dossier_state), (PaymentState::Over, 8));
    scene.time.pass(86_400);
    assert!(due(&scene).await.is_empty());
    assert_eq!(
        entry(&scene, said(&order, "GD-OVER")).await.reason,
        "dossier-ended"
    );
}

fn said_late(order: &PaymentOrder, id: &str) -> RecordPaymentRequest {
    let mut told = said(order, id);
    of(&mut told).paid_at = "2026-11-30T17:00:00Z".into();
    told
}

async fn a_quote_after_its_last_instant_is_neither_opened_nor_booked_by_hand(scene: Scene) {
    let late = quoted(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    let open_late = opened(&scene, voluntary(&scene, 2, "06/2027", 1)).await;
    let last = quoted(&scene, voluntary(&scene, 3, "09/2027", 1)).await;
    for order in [&late, &open_late, &last] {
        assert_eq!(order.valid_until, "2026-11-30T16:59:59Z");
    }
    // the last second still counts
    scene.time.pass(7 * 86_400 + 14 * 3_600 + 59 * 60 + 59);
    let done = decide(&scene, &last.dossier, 3, Word::Approve, "FT-1").await;
    assert_eq!(done.state, 9);
    scene.time.pass(1);
    for (order, step, paid) in [(&late, 3, "FT-2"), (&open_late, 4, "FT-3")] {
        let call = word(&order.dossier, step, Word::Approve, paid);
        let said = scene.insurance.decide_dossier(soon(), call).await.unwrap();
        assert_eq!(said.refund, "paid-too-late");
        let kept = show(&scene, &order.reference).await;
        assert_eq!(kept.entries[0].reason, "paid-too-late");
        assert_eq!(kept.entries[0].transaction.as_ref().unwrap().vnd, order.vnd);
        assert!(kept.bookings.is_empty());
        assert_eq!(said.dossier.unwrap().state, order.dossier_state);
    }
    // the platform answers too late: nobody is told to pay what is no price any more
    let over = open(&scene, &late.reference).await;
    assert_eq!((over.state(), over.dossier_state), (PaymentState::Over, 4));
    assert_eq!(over.url, "");
    assert!(!due(&scene).await.contains(&late.reference));
    assert_eq!(
        entry(&scene, said_late(&late, "GD-OVER")).await.reason,
        "paid-too-late"
    );
    assert!(show(&scene, &late.reference).await.bookings.is_empty());
    // whoever asks again has the price of the new day
    let again = quoted(&scene, voluntary(&scene, 4, "12/2026", 1)).await;
    assert_eq!(again.state(), PaymentState::Quoted);
    assert!(again.valid_until > late.valid_until);
}
