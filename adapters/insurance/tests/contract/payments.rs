//! Payments: one transaction is one contribution and one card each, or a refund case; the three sides of a day.

mod booked;
mod compared;
mod ended;
mod refused;

use schemas::proto::insurance::{
    AskedPaymentRequest, BillPaymentRequest, ComparePaymentsRequest, ComparePaymentsResponse,
    DecideDossierRequest, Dossier, DossierDecision as Word, HeardBy, LedgerEntry,
    ListDuePaymentsRequest, ListPaymentsRequest, NoteStatementRequest, OpenPaymentRequest,
    PaymentOrder, RecordPaymentRequest, RecordPaymentResponse, RefundPaymentRequest,
    ShowPaymentRequest, ShowPaymentResponse, SubmitDossierRequest, Transaction,
};
use serde_json::{Value, json};

use crate::scene::{Scene, context, soon};
use crate::{decisions, forms, said};
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

fn of(request: &mut RecordPaymentRequest) -> &mut Transaction {
    request.transaction.as_mut().unwrap()
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
