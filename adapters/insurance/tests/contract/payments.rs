//! Payments: one transaction is one contribution and one card each, or a refund case; the three sides of a day.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    AskedPaymentRequest, BillPaymentRequest, Card, ComparePaymentsRequest, ComparePaymentsResponse,
    DecideDossierRequest, Dossier, DossierDecision as Word, GetParticipationRequest, HeardBy,
    LedgerEntry, ListCardsRequest, ListDuePaymentsRequest, ListPaymentsRequest,
    NoteStatementRequest, OpenPaymentRequest, PaymentOrder, PaymentState, RecordPaymentRequest,
    RecordPaymentResponse, RefundPaymentRequest, ShowPaymentRequest, ShowPaymentResponse,
    SubmitDossierRequest, Transaction,
};
use serde_json::{Value, json};

use crate::over_both;
use crate::scene::{Scene, context, soon};
use crate::{decisions, forms, said};

over_both! {
    a_household_pays_once_and_each_of_its_cards_is_renewed_once
    a_households_shares_begin_anew_at_new_year_in_viet_nam
    a_payment_that_is_told_before_its_opening_is_booked_all_the_same
    money_that_no_contribution_is_due_for_is_a_refund_case_with_its_reason
    a_quote_after_its_last_instant_is_neither_opened_nor_booked_by_hand
    an_order_that_nobody_pays_is_over_and_its_dossier_stopped
    an_employers_debt_becomes_less_by_what_was_paid_and_by_nothing_else
    voluntary_months_are_paid_once
    a_form_without_a_price_is_refused_and_changes_nothing
    what_is_said_wrongly_of_a_payment_is_refused_and_changes_nothing
    the_three_sides_of_a_day_are_held_against_each_other
    an_officer_who_saw_the_money_books_it_once
}

const PAID_AT: &str = "2026-11-23T02:05:00Z";
const URL: &str = "https://pay.example/p/1";

/// What makes two people one household, each with a card of it: statements, each with its parameter.
fn one_household(scene: &Scene) -> Vec<(String, String)> {
    let person = "(SELECT person FROM numbers WHERE number = ?)";
    let home = format!(
        "UPDATE people SET household = (SELECT min(id) FROM households) WHERE id = {person}"
    );
    let card =
        format!("UPDATE cards SET number = 'GD4' || substr(number, 4) WHERE person = {person}");
    let each = scene.marks.card_holders[..2].iter();
    each.flat_map(|holder| [&home, &card].map(|text| (text.clone(), holder.si_number.clone())))
        .collect()
}

/// Two people of one household, each with a card of it.
pub fn household(scene: &Scene, n: u32) -> SubmitDossierRequest {
    for (text, parameter) in one_household(scene) {
        scene.change(&text, &parameter);
    }
    of_both(scene, n)
}

fn of_both(scene: &Scene, n: u32) -> SubmitDossierRequest {
    let [one, other, ..] = scene.marks.card_holders.as_slice() else {
        panic!("two holders")
    };
    with(
        scene,
        n,
        "9.000002",
        &json!({
            "MaBHXH": one.si_number, "SoThang": "3",
            "ThanhVien": [{"MaBHXH": one.si_number, "HoVaTen": one.name},
                {"MaBHXH": other.si_number, "HoVaTen": other.name}],
        }),
    )
}

pub fn voluntary(scene: &Scene, n: u32, from: &str, months: i64) -> SubmitDossierRequest {
    let number = &scene.marks.card_holders[0].si_number;
    let form =
        json!({"MaBHXH": number, "MucThuNhap": 3_000_000, "TuThang": from, "SoThang": months});
    with(scene, n, "9.000003", &form)
}

pub fn arrears(scene: &Scene, n: u32, vnd: i64) -> SubmitDossierRequest {
    let employer = &scene.marks.employer;
    let form = json!({
        "Masothue": employer.mst, "Madonvi": employer.unit_code, "Tendonvi": employer.name,
        "KhoanNop": [{"Thang": "09/2026", "SoTien": vnd}],
    });
    SubmitDossierRequest {
        applicant_tax_code: employer.mst.clone(),
        ..with(scene, n, "9.000004", &form)
    }
}

/// What the employer owes of September.
pub fn owes(scene: &Scene, vnd: u32) {
    let (text, parameter) = owing(scene, vnd);
    scene.change(&text, &parameter);
}

fn owing(scene: &Scene, vnd: u32) -> (String, String) {
    let text = format!(
        "UPDATE contributions SET due_vnd = paid_vnd + {vnd}, arrears_vnd = {vnd}, closed = 1
         WHERE period >= '2026-09' AND employer = (SELECT id FROM employers WHERE mst = ?)"
    );
    (text, scene.marks.employer.mst.clone())
}

/// What has to stand in a registry before [`ask_everything`], each with its parameter.
pub fn before_asking(scene: &Scene) -> Vec<(String, String)> {
    let mut edits = one_household(scene);
    edits.push(owing(scene, 1_000_000));
    edits
}

/// Runs every statement about payments once.
pub async fn ask_everything(scene: &Scene) {
    let paid = opened(scene, voluntary(scene, 11, "12/2026", 1)).await;
    let late = opened(scene, voluntary(scene, 12, "12/2026", 1)).await;
    assert!(entry(scene, said(&paid, "GD-1")).await.booked);
    assert!(!entry(scene, said(&paid, "GD-2")).await.booked);
    assert!(!entry(scene, said(&late, "GD-3")).await.booked);
    let home = opened(scene, of_both(scene, 13)).await;
    assert!(entry(scene, said(&home, "GD-4")).await.booked);
    let debt = opened(scene, arrears(scene, 14, 400_000)).await;
    assert!(entry(scene, said(&debt, "GD-5")).await.booked);
    let request = RefundPaymentRequest {
        context: Some(context("vss", "plans/refund")),
        transaction: "GD-2".into(),
        refunded: "CK-1".into(),
        who: "an.officer".into(),
        why: "transferred back".into(),
    };
    scene
        .insurance
        .refund_payment(soon(), request)
        .await
        .unwrap();
    let request = BillPaymentRequest {
        context: Some(context("vss", "plans/bill")),
        reference: paid.reference.clone(),
        bill: "BL0000001".into(),
    };
    scene.insurance.bill_payment(soon(), request).await.unwrap();
    assert!(!due(scene).await.is_empty());
    let open = opened(scene, voluntary(scene, 15, "06/2027", 1)).await;
    let request = AskedPaymentRequest {
        context: Some(context("vss", "plans/asked")),
        reference: open.reference.clone(),
        asked: 0,
        answered_at: PAID_AT.into(),
        ask_after: 60,
    };
    scene
        .insurance
        .asked_payment(soon(), request)
        .await
        .unwrap();
    for to_refund in [true, false] {
        let request = ListPaymentsRequest {
            context: Some(context("vss", "plans/list")),
            to_refund,
            max: 10,
            ..ListPaymentsRequest::default()
        };
        scene.insurance.payments(soon(), request).await.unwrap();
    }
    show(scene, &paid.reference).await;
    // a dossier that a person decides
    let waits = scene
        .insurance
        .submit_dossier(soon(), forms::change(scene, 16));
    let waits = waits.await.unwrap().dossier.unwrap().code;
    for _ in 0..3 {
        scene.registry.advance().await.unwrap();
    }
    assert!(!decisions::list(scene).await.is_empty());
    let step = decisions::show(scene, &waits).await.step;
    for (step, decision) in (step..).zip([Word::Supplement, Word::Resume, Word::Supplement]) {
        decisions::say(scene, decisions::word(&waits, step, decision)).await;
    }
    let came = said::supplement(scene, 16, &waits);
    scene
        .insurance
        .supplement_dossier(soon(), came)
        .await
        .unwrap();
    decisions::show(scene, &waits).await;
    let back = said::withdrawal(scene, 16, &waits);
    scene
        .insurance
        .withdraw_dossier(soon(), back)
        .await
        .unwrap();
    let seen = quoted(scene, voluntary(scene, 17, "09/2027", 1)).await;
    let step = decisions::show(scene, &seen.dossier).await.step;
    decide(scene, &seen.dossier, step, Word::Approve, "FT-1").await;
    let request = NoteStatementRequest {
        context: Some(context("vss", "plans/statement")),
        day: "2026-11-23".into(),
        transactions: vec![said(&paid, "GD-1").transaction.unwrap()],
        whole: true,
    };
    scene
        .insurance
        .note_statement(soon(), request)
        .await
        .unwrap();
    assert!(compare(scene).await.whole);
    // an employer that names somebody who does not work there
    let stranger = &scene.marks.card_holders[1];
    let named = forms::list(scene, &[(&stranger.name, &stranger.si_number)]);
    let refused = scene.insurance.submit_dossier(soon(), named).await;
    assert_eq!(refused.unwrap_err().reason(), "not-an-employee");
    // and one whose supplement never comes
    let lapses = scene
        .insurance
        .submit_dossier(soon(), forms::change(scene, 18));
    let lapses = lapses.await.unwrap().dossier.unwrap().code;
    for _ in 0..3 {
        scene.registry.advance().await.unwrap();
    }
    let step = decisions::show(scene, &lapses).await.step;
    decisions::say(scene, decisions::word(&lapses, step, Word::Supplement)).await;
    // nor does the platform ever take this one
    quoted(scene, voluntary(scene, 19, "12/2027", 1)).await;
    scene.time.pass(14 * 86_400);
    scene.registry.advance().await.unwrap();
}

fn with(scene: &Scene, n: u32, procedure: &str, form: &Value) -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: procedure.into(),
        form: form.to_string(),
        papers: Vec::new(),
        ..forms::change(scene, n)
    }
}

/// A dossier whose amount is known, and its order.
pub async fn quoted(scene: &Scene, request: SubmitDossierRequest) -> PaymentOrder {
    let answer = scene.insurance.submit_dossier(soon(), request).await;
    let dossier = answer.unwrap().dossier.unwrap();
    for _ in 0..3 {
        scene.registry.advance().await.unwrap();
    }
    show(scene, &dossier.code).await.order.unwrap()
}

pub async fn opened(scene: &Scene, request: SubmitDossierRequest) -> PaymentOrder {
    let order = quoted(scene, request).await;
    open(scene, &order.reference).await
}

pub async fn open(scene: &Scene, reference: &str) -> PaymentOrder {
    let request = OpenPaymentRequest {
        context: Some(context("vss", &format!("open/{reference}"))),
        reference: reference.into(),
        url: URL.into(),
        ask_after: 60,
    };
    let opened = scene.insurance.open_payment(soon(), request).await;
    opened.unwrap().order.unwrap()
}

pub async fn show(scene: &Scene, name: &str) -> ShowPaymentResponse {
    let request = ShowPaymentRequest {
        context: Some(context("vss", "show")),
        reference: name.into(),
    };
    scene.insurance.payment(soon(), request).await.unwrap()
}

pub fn said(order: &PaymentOrder, id: &str) -> RecordPaymentRequest {
    RecordPaymentRequest {
        context: Some(context("pay", &format!("record/{id}"))),
        transaction: Some(Transaction {
            id: id.into(),
            reference: order.reference.clone(),
            vnd: order.vnd,
            bank: "99999999".into(),
            paid_at: PAID_AT.into(),
        }),
        heard_by: HeardBy::Callback.into(),
    }
}

async fn record(scene: &Scene, request: RecordPaymentRequest) -> RecordPaymentResponse {
    let told = scene.insurance.record_payment(soon(), request).await;
    told.unwrap()
}

pub async fn entry(scene: &Scene, request: RecordPaymentRequest) -> LedgerEntry {
    record(scene, request).await.entry.unwrap()
}

pub async fn decide(scene: &Scene, code: &str, step: u32, decision: Word, paid: &str) -> Dossier {
    let decided = scene
        .insurance
        .decide_dossier(soon(), word(code, step, decision, paid));
    decided.await.unwrap().dossier.unwrap()
}

pub fn word(code: &str, step: u32, decision: Word, paid: &str) -> DecideDossierRequest {
    DecideDossierRequest {
        context: Some(context(
            "vss",
            &format!("{code}/{step}/{decision:?}/{paid}"),
        )),
        code: code.into(),
        step,
        decision: decision.into(),
        told: "đã xem".into(),
        paid: paid.into(),
        who: "an.operator".into(),
        why: "the money was seen".into(),
        ..DecideDossierRequest::default()
    }
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

pub async fn due(scene: &Scene) -> Vec<String> {
    let request = ListDuePaymentsRequest {
        context: Some(context("vss", "due")),
    };
    let due = scene
        .insurance
        .due_payments(soon(), request)
        .await
        .unwrap()
        .due;
    due.into_iter()
        .map(|due| due.order.unwrap().reference)
        .collect()
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

async fn a_form_without_a_price_is_refused_and_changes_nothing(scene: Scene) {
    let call = scene
        .insurance
        .submit_dossier(soon(), voluntary(&scene, 1, "12/2026", 5));
    scene
        .refuses(call, RuleRefused, "months-not-offered", "form")
        .await;
    let number = &scene.marks.card_holders[0].si_number;
    for (income, fault, reason) in [
        (1, RuleRefused, "base-too-low"),
        (60_000_000, RuleRefused, "base-too-high"),
        (0, Invalid, "bad-amount"),
        (-5, Invalid, "bad-amount"),
        (i64::MAX, Invalid, "bad-amount"),
    ] {
        let form =
            json!({"MaBHXH": number, "MucThuNhap": income, "TuThang": "12/2026", "SoThang": 1});
        let call = scene
            .insurance
            .submit_dossier(soon(), with(&scene, 2, "9.000003", &form));
        scene.refuses(call, fault, reason, "form").await;
    }
    let mut twice = household(&scene, 3);
    let mut form: Value = serde_json::from_str(&twice.form).unwrap();
    form["ThanhVien"][1] = form["ThanhVien"][0].clone();
    twice.form = form.to_string();
    let call = scene.insurance.submit_dossier(soon(), twice);
    scene
        .refuses(call, RuleRefused, "not-one-household", "form")
        .await;
    let request = household(&scene, 4);
    scene.change(
        "UPDATE cards SET state = 3 WHERE state = 1 AND person = (SELECT person FROM numbers WHERE number = ?)",
        &scene.marks.card_holders[1].si_number,
    );
    let call = scene.insurance.submit_dossier(soon(), request);
    scene
        .refuses(call, RuleRefused, "not-a-household-card", "form")
        .await;
}

type Bend = fn(&mut RecordPaymentRequest);

fn of(request: &mut RecordPaymentRequest) -> &mut Transaction {
    request.transaction.as_mut().unwrap()
}

const BENT: &[(FaultCode, &str, &str, Bend)] = &[
    (Invalid, "no-context", "context", |r| r.context = None),
    (Invalid, "malformed-key", "context.key", |r| {
        r.context.as_mut().unwrap().key.clear();
    }),
    (Invalid, "missing", "transaction", |r| r.transaction = None),
    (Invalid, "malformed-id", "transaction", |r| {
        of(r).id = "a b".into()
    }),
    (Invalid, "malformed-id", "reference", |r| {
        of(r).reference.clear()
    }),
    (Invalid, "bad-amount", "transaction", |r| of(r).vnd = 0),
    (Invalid, "bad-amount", "transaction", |r| of(r).vnd = -1),
    (Invalid, "bad-amount", "transaction", |r| {
        of(r).vnd = i64::MAX
    }),
    (Invalid, "malformed-instant", "transaction", |r| {
        of(r).paid_at = "now".into()
    }),
    (Invalid, "malformed-text", "transaction", |r| {
        of(r).bank = "x".repeat(65)
    }),
    (Invalid, "unknown-code", "heard_by", |r| r.heard_by = 0),
    (Invalid, "unknown-code", "heard_by", |r| r.heard_by = 4),
    (UnknownSubject, "unknown-payment", "reference", |r| {
        of(r).reference = "dvcG9900012611230000012026112309000".into();
    }),
];

async fn what_is_said_wrongly_of_a_payment_is_refused_and_changes_nothing(scene: Scene) {
    let order = opened(&scene, voluntary(&scene, 1, "12/2026", 1)).await;
    for (code, reason, field, bend) in BENT {
        let mut request = said(&order, "GD-1");
        bend(&mut request);
        let call = scene.insurance.record_payment(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    entry(&scene, said(&order, "GD-1")).await;
    let mut otherwise = said(&order, "GD-1");
    otherwise.context = Some(context("pay", "otherwise"));
    of(&mut otherwise).vnd += 1;
    let call = scene.insurance.record_payment(soon(), otherwise);
    scene
        .refuses(call, Conflict, "payment-has-other-facts", "transaction")
        .await;
    let request = OpenPaymentRequest {
        context: Some(context("vss", "open")),
        reference: order.reference.clone(),
        url: "http://pay.example".into(),
        ask_after: 60,
    };
    let call = scene.insurance.open_payment(soon(), request.clone());
    scene.refuses(call, Invalid, "malformed-id", "url").await;
    let never = OpenPaymentRequest {
        url: URL.into(),
        ask_after: 0,
        ..request
    };
    let call = scene.insurance.open_payment(soon(), never);
    scene
        .refuses(call, Invalid, "malformed-number", "ask_after")
        .await;
    let unpaid = quoted(&scene, voluntary(&scene, 2, "06/2027", 1)).await;
    let bill = BillPaymentRequest {
        context: Some(context("vss", "bill")),
        reference: unpaid.reference,
        bill: "BL1".into(),
    };
    let call = scene.insurance.bill_payment(soon(), bill);
    scene
        .refuses(call, RuleRefused, "payment-state", "reference")
        .await;
}

async fn compare(scene: &Scene) -> ComparePaymentsResponse {
    let request = ComparePaymentsRequest {
        context: Some(context("vss", "compare")),
        day: "2026-11-23".into(),
    };
    scene
        .insurance
        .compare_payments(soon(), request)
        .await
        .unwrap()
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
