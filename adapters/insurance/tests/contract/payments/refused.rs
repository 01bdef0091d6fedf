//! Forms without a price and what is said wrongly of a payment: refused with a reason, nothing changed.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{BillPaymentRequest, OpenPaymentRequest, RecordPaymentRequest};
use serde_json::{Value, json};

use super::{URL, entry, household, of, opened, quoted, said, voluntary, with};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_form_without_a_price_is_refused_and_changes_nothing
    what_is_said_wrongly_of_a_payment_is_refused_and_changes_nothing
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
