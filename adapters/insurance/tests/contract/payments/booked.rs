//! Money that arrived: one contribution and one card each, an order paid, a debt made less.

use schemas::fault::FaultCode::{Conflict, RuleRefused};
use schemas::proto::insurance::{
    BillPaymentRequest, Card, DossierDecision as Word, GetParticipationRequest, HeardBy,
    ListCardsRequest, PaymentState, RecordPaymentRequest, SubmitDossierRequest,
};
use serde_json::json;

use super::{
    URL, arrears, decide, due, entry, household, open, opened, owes, quoted, record, said, show,
    voluntary, word,
};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_household_pays_once_and_each_of_its_cards_is_renewed_once
    a_households_shares_begin_anew_at_new_year_in_viet_nam
    a_payment_that_is_told_before_its_opening_is_booked_all_the_same
    an_employers_debt_becomes_less_by_what_was_paid_and_by_nothing_else
    voluntary_months_are_paid_once
    an_officer_who_saw_the_money_books_it_once
}

async fn cards(scene: &Scene, holder: usize) -> Vec<Card> {
    let request = ListCardsRequest {
        context: Some(context("vss", "cards")),
        si_number: scene.marks.card_holders[holder].si_number.clone(),
    };
    let mut cards = scene.insurance.cards(soon(), request).await.unwrap().cards;
    cards.retain(|card| card.number.starts_with("GD"));
    cards.sort_by_key(|card| std::cmp::Reverse(card.serial));
    cards
}

async fn a_household_pays_once_and_each_of_its_cards_is_renewed_once(scene: Scene) {
    let order = opened(&scene, household(&scene, 1)).await;
    // 113,850 a month and 70 % of it, three months
    assert_eq!((order.vnd, order.state()), (580_635, PaymentState::Open));
    assert_eq!((order.url.as_str(), order.dossier_state), (URL, 6));
    assert!(
        order
            .page
            .contains("2.530.000 đ × 4,5 % × 70 % × 3 tháng = 239.085 đ")
    );
    assert_eq!(order.valid_until, "2026-11-30T16:59:59Z");
    let before = [cards(&scene, 0).await, cards(&scene, 1).await];

    let told = entry(&scene, said(&order, "GD00000001")).await;
    assert!(told.booked && told.reason.is_empty());
    let after = scene.fingerprint().await;
    for (key, by) in [
        ("a", HeardBy::Callback),
        ("b", HeardBy::Query),
        ("c", HeardBy::Statement),
    ] {
        let again = RecordPaymentRequest {
            context: Some(context("vss", &format!("again/{key}"))),
            heard_by: by.into(),
            ..said(&order, "GD00000001")
        };
        assert!(record(&scene, again).await.again);
    }
    assert_eq!(scene.fingerprint().await, after);

    for (holder, before) in before.iter().enumerate() {
        let now = cards(&scene, holder).await;
        assert_eq!(now.len(), before.len() + 1);
        assert_eq!(now[0].serial, before[0].serial + 1);
        let end: jiff::civil::Date = before[0].valid_to.parse().unwrap();
        let first = end.tomorrow().unwrap();
        let expected = first
            .saturating_add(jiff::Span::new().months(3))
            .yesterday();
        assert_eq!(now[0].valid_to, expected.unwrap().to_string());
    }
    let shown = show(&scene, &order.dossier).await;
    let booked: Vec<(&str, i64)> = shown
        .bookings
        .iter()
        .map(|line| (line.kind.as_str(), line.vnd))
        .collect();
    assert_eq!(booked, [("household", 341_550), ("household", 239_085)]);
    assert_eq!(shown.order.unwrap().dossier_state, 9);
    assert_eq!(scene.registry.advance().await.unwrap(), 1);

    let bill = BillPaymentRequest {
        context: Some(context("vss", "bill")),
        reference: order.reference.clone(),
        bill: "BL0000001".into(),
    };
    assert_eq!(due(&scene).await, [order.reference.as_str()]);
    scene.insurance.bill_payment(soon(), bill).await.unwrap();
    assert!(due(&scene).await.is_empty());
    // whoever comes next of the same household pays the third share
    let third = SubmitDossierRequest {
        form: json!({"MaBHXH": scene.marks.card_holders[0].si_number, "SoThang": "3",
            "ThanhVien": [{"MaBHXH": scene.marks.card_holders[0].si_number,
                "HoVaTen": scene.marks.card_holders[0].name}]})
        .to_string(),
        ..household(&scene, 2)
    };
    assert_eq!(quoted(&scene, third).await.vnd, 239_085);
}

/// One member of the household alone, by the same applicant.
fn alone(scene: &Scene, n: u32, holder: usize) -> SubmitDossierRequest {
    let applicant = &scene.marks.card_holders[0];
    let holder = &scene.marks.card_holders[holder];
    SubmitDossierRequest {
        form: json!({"MaBHXH": applicant.si_number, "SoThang": "3",
            "ThanhVien": [{"MaBHXH": holder.si_number, "HoVaTen": holder.name}]})
        .to_string(),
        ..household(scene, n)
    }
}

async fn a_households_shares_begin_anew_at_new_year_in_viet_nam(scene: Scene) {
    // 1 January, 03:00 there; in London it is still the year before
    scene.time.pass(38 * 86_400 + 18 * 3_600);
    let order = opened(&scene, alone(&scene, 1, 0)).await;
    assert_eq!(order.vnd, 341_550);
    assert!(entry(&scene, said(&order, "GD00000001")).await.booked);
    scene.time.pass(86_400);
    let second = quoted(&scene, alone(&scene, 2, 0)).await;
    assert_eq!(second.vnd, 341_550, "who pays again is no other");
    scene.time.pass(86_400);
    let other = quoted(&scene, alone(&scene, 3, 1)).await;
    assert_eq!(other.vnd, 239_085, "the first has paid this year");
    scene.time.pass(365 * 86_400);
    let next_year = quoted(&scene, alone(&scene, 4, 1)).await;
    assert_eq!(next_year.vnd, 341_550);
}

async fn a_payment_that_is_told_before_its_opening_is_booked_all_the_same(scene: Scene) {
    let order = quoted(&scene, voluntary(&scene, 1, "12/2026", 6)).await;
    assert_eq!(
        (order.state(), order.dossier_state),
        (PaymentState::Quoted, 4)
    );
    assert_eq!(due(&scene).await, [order.reference.as_str()]);
    assert!(entry(&scene, said(&order, "GD00000001")).await.booked);
    let after = scene.fingerprint().await;
    let late = open(&scene, &order.reference).await;
    assert_eq!((late.state(), late.dossier_state), (PaymentState::Paid, 9));
    assert_eq!(scene.fingerprint().await, after);
}

async fn an_employers_debt_becomes_less_by_what_was_paid_and_by_nothing_else(scene: Scene) {
    owes(&scene, 10_000_000);
    let call = scene
        .insurance
        .submit_dossier(soon(), arrears(&scene, 1, 10_000_001));
    scene
        .refuses(call, RuleRefused, "more-than-owed", "form")
        .await;
    let order = opened(&scene, arrears(&scene, 2, 4_000_000)).await;
    // 23 days late at 0.03 % a day
    assert_eq!(order.vnd, 4_000_000 + 27_600);
    assert_eq!(order.valid_until, "2026-11-24T16:59:59Z");
    assert!(entry(&scene, said(&order, "GD-1")).await.booked);
    let lines = show(&scene, &order.reference).await.bookings;
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.kind.as_str(), line.vnd))
        .collect();
    assert_eq!(told, [("arrears", 4_000_000), ("late", 27_600)]);
    let month = GetParticipationRequest {
        context: Some(context("tax", "month")),
        tax_code: scene.marks.employer.mst.clone(),
        period: "2026-09".into(),
        ..GetParticipationRequest::default()
    };
    let month = scene.insurance.participation(soon(), month).await.unwrap();
    assert_eq!(
        (month.due_vnd - month.paid_vnd, month.arrears_vnd),
        (6_000_000, 6_000_000)
    );
    // two orders for the rest: the second finds nothing owed
    let first = opened(&scene, arrears(&scene, 3, 6_000_000)).await;
    let second = opened(&scene, arrears(&scene, 4, 5_000_000)).await;
    assert!(entry(&scene, said(&first, "GD-2")).await.booked);
    assert_eq!(
        entry(&scene, said(&second, "GD-3")).await.reason,
        "more-than-owed"
    );
}

async fn voluntary_months_are_paid_once(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 3)).await;
    // 22 % of 3,000,000 less 20 % of 22 % of the poverty line
    assert_eq!(order.vnd, 3 * (660_000 - 66_000));
    entry(&scene, said(&order, "GD-1")).await;
    for (n, from) in [(2, "10/2026"), (3, "02/2027")] {
        let call = scene
            .insurance
            .submit_dossier(soon(), voluntary(&scene, n, from, 3));
        scene
            .refuses(call, RuleRefused, "months-paid-already", "form")
            .await;
    }
    quoted(&scene, voluntary(&scene, 4, "03/2027", 3)).await;
}

async fn an_officer_who_saw_the_money_books_it_once(scene: Scene) {
    let order = quoted(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    assert_eq!(
        decide(&scene, &order.dossier, 3, Word::Approve, "FT-1")
            .await
            .state,
        9
    );
    let shown = show(&scene, &order.reference).await;
    assert_eq!(shown.entries[0].heard_by(), HeardBy::Officer);
    assert_eq!(
        (shown.bookings.len(), shown.bookings[0].vnd),
        (1, order.vnd)
    );
    // in state 6 as well, and never by a transaction that is known
    let order = opened(&scene, voluntary(&scene, 2, "06/2027", 1)).await;
    let call = scene
        .insurance
        .decide_dossier(soon(), word(&order.dossier, 4, Word::Approve, "FT-1"));
    scene
        .refuses(call, Conflict, "payment-used-already", "paid")
        .await;
    let call = scene
        .insurance
        .decide_dossier(soon(), word(&order.dossier, 4, Word::Approve, ""));
    scene
        .refuses(call, RuleRefused, "payment-not-named", "paid")
        .await;
    assert_eq!(
        decide(&scene, &order.dossier, 4, Word::Approve, "FT-2")
            .await
            .state,
        9
    );
    assert_eq!(
        entry(&scene, said(&order, "GD-LATER")).await.reason,
        "paid-twice"
    );
}
