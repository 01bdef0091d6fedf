//! Dossiers.ListWaiting, Show and Decide: a person's word takes one step of the table, and is kept.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    Change, DecideDossierRequest, Dossier, DossierChange, DossierDecision as Word, LeaseRequest,
    ListWaitingRequest, ShowDossierRequest, ShowDossierResponse, SubmitDossierRequest,
    WaitingDossier, change,
};
use serde_json::json;

use crate::forms;
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    what_waits_is_listed_by_its_day_without_its_applicant_and_says_when_it_is_overdue
    a_supplement_is_asked_for_comes_and_the_dossier_is_approved_and_every_step_is_told
    a_supplement_that_does_not_come_ends_the_dossier_on_its_day
    a_dossier_is_withdrawn_or_stopped_and_nothing_follows
    a_word_out_of_its_place_is_refused_and_changes_nothing
    one_payment_pays_for_one_dossier
    the_same_word_twice_is_one_word
    words_of_one_second_have_times_in_their_order
}

/// A dossier that waits for a person.
pub async fn waiting(scene: &Scene, request: SubmitDossierRequest) -> Dossier {
    let answer = scene.insurance.submit_dossier(soon(), request).await;
    let dossier = answer.unwrap().dossier.unwrap();
    for _ in 0..3 {
        scene.registry.advance().await.unwrap();
    }
    dossier
}

pub async fn list(scene: &Scene) -> Vec<WaitingDossier> {
    let request = ListWaitingRequest {
        context: Some(context("vss", "list")),
    };
    let listed = scene.insurance.waiting_dossiers(soon(), request).await;
    listed.unwrap().dossiers
}

pub async fn show(scene: &Scene, code: &str) -> ShowDossierResponse {
    let request = ShowDossierRequest {
        context: Some(context("vss", "show")),
        code: code.into(),
    };
    scene.insurance.show_dossier(soon(), request).await.unwrap()
}

pub fn word(code: &str, step: u32, decision: Word) -> DecideDossierRequest {
    DecideDossierRequest {
        context: Some(context("vss", &format!("{code}/{step}/{decision:?}"))),
        code: code.into(),
        step,
        decision: decision.into(),
        told: "Thiếu bản sao giấy khai sinh".into(),
        days: 5,
        paid: String::new(),
        who: "an.operator".into(),
        why: "the papers were read".into(),
        ..DecideDossierRequest::default()
    }
}

pub async fn say(scene: &Scene, request: DecideDossierRequest) -> u32 {
    let decided = scene.insurance.decide_dossier(soon(), request).await;
    decided.unwrap().dossier.unwrap().state
}

async fn feed(scene: &Scene) -> Vec<DossierChange> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    let leased = scene.insurance.lease(soon(), request).await.unwrap();
    let told = |change: Change| match change.what {
        Some(change::What::Dossier(told)) => told,
        _ => panic!("not a dossier's change"),
    };
    leased.changes.into_iter().map(told).collect()
}

/// When each change is said to have been, as far as they are still to be had.
async fn told_at(scene: &Scene) -> Vec<String> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    scene.time.pass(61);
    let leased = scene.insurance.lease(soon(), request).await.unwrap();
    leased.changes.into_iter().map(|change| change.at).collect()
}

fn states(told: &[DossierChange]) -> Vec<u32> {
    let state = |told: &DossierChange| told.dossier.as_ref().unwrap().state;
    told.iter().map(state).collect()
}

async fn what_waits_is_listed_by_its_day_without_its_applicant_and_says_when_it_is_overdue(
    scene: Scene,
) {
    let slow = waiting(&scene, forms::change(&scene, 1)).await;
    let quick = SubmitDossierRequest {
        procedure: "9.000010".into(), // three days
        form: json!({"MaBHXH": scene.marks.card_holders[0].si_number, "MucDich": "Vay vốn"})
            .to_string(),
        papers: Vec::new(),
        ..forms::change(&scene, 2)
    };
    let quick = waiting(&scene, quick).await;
    let listed = list(&scene).await;
    let codes: Vec<&str> = listed.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, [quick.code.as_str(), slow.code.as_str()]);
    assert!(listed.iter().all(|one| one.state == 4 && !one.overdue));
    let text = format!("{listed:?}");
    assert!(!text.contains(&slow.applicant_name) && !text.contains(&slow.applicant_pin));

    scene.time.pass(4 * 86_400 + 8 * 3_600 + 1);
    let overdue: Vec<bool> = list(&scene).await.iter().map(|one| one.overdue).collect();
    assert_eq!(overdue, [true, false]);
    let shown = show(&scene, &slow.code).await;
    assert!(shown.form.contains("Sai tên") && shown.papers.len() == 1 && shown.acts.is_empty());
}

async fn a_supplement_is_asked_for_comes_and_the_dossier_is_approved_and_every_step_is_told(
    scene: Scene,
) {
    let code = waiting(&scene, forms::change(&scene, 1)).await.code;
    let step = list(&scene).await[0].step;
    assert_eq!(say(&scene, word(&code, step, Word::Supplement)).await, 5);
    let listed = list(&scene).await;
    assert_eq!(
        (listed[0].state, listed[0].supplement_due.as_str()),
        (5, "2026-12-01T10:00:00Z")
    );
    scene.time.pass(86_400 * 2);
    assert_eq!(say(&scene, word(&code, step + 1, Word::Resume)).await, 4);
    let again = show(&scene, &code).await;
    // five working days from the 25th
    assert_eq!(again.dossier.unwrap().due_at, "2026-12-02T10:00:00Z");
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
    assert_eq!(say(&scene, word(&code, step + 2, Word::Approve)).await, 9);
    assert_eq!(scene.registry.advance().await.unwrap(), 1);
    assert!(list(&scene).await.is_empty());

    let told = feed(&scene).await;
    assert_eq!(states(&told), [1, 2, 4, 5, 4, 9, 10]);
    assert_eq!(
        (told[3].officer.as_str(), told[3].text.as_str()),
        (
            "an.operator",
            "Thiếu bản sao giấy khai sinh (hạn bổ sung: 01/12/2026)"
        )
    );
    assert_ne!(told[6].officer, "an.operator");
    let acts = show(&scene, &code).await.acts;
    let words: Vec<Word> = acts.iter().map(|act| act.decision()).collect();
    assert_eq!(words, [Word::Supplement, Word::Resume, Word::Approve]);
    assert!(acts.iter().all(|act| act.why == "the papers were read"));
}

async fn words_of_one_second_have_times_in_their_order(scene: Scene) {
    let code = waiting(&scene, forms::change(&scene, 1)).await.code;
    for (step, decision) in (3..).zip([
        Word::Supplement,
        Word::Resume,
        Word::Supplement,
        Word::Resume,
        Word::Approve,
    ]) {
        say(&scene, word(&code, step, decision)).await;
    }
    scene.registry.advance().await.unwrap();
    let told = feed(&scene).await;
    assert_eq!(states(&told), [1, 2, 4, 5, 4, 5, 4, 9, 10]);
    let times: Vec<_> = told
        .iter()
        .map(|one| one.dossier.as_ref().unwrap().updated_at.as_str())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(told_at(&scene).await, times);
    let of_words = &times[2..8];
    assert!(of_words.is_sorted_by(|one, next| one < next), "{times:?}");
}

async fn a_supplement_that_does_not_come_ends_the_dossier_on_its_day(scene: Scene) {
    let code = waiting(&scene, forms::change(&scene, 1)).await.code;
    say(&scene, word(&code, 3, Word::Supplement)).await;
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
    scene.time.pass(86_400 * 9);
    assert_eq!(scene.registry.advance().await.unwrap(), 1);
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
    let told = feed(&scene).await;
    assert_eq!(states(&told), [1, 2, 4, 5, 8]);
    assert!(!told[4].dossier.as_ref().unwrap().reason.is_empty());
}

async fn a_dossier_is_withdrawn_or_stopped_and_nothing_follows(scene: Scene) {
    for (n, end, state) in [(1, Word::Withdraw, 7), (2, Word::Stop, 8)] {
        let code = waiting(&scene, forms::change(&scene, n)).await.code;
        assert_eq!(say(&scene, word(&code, 3, end)).await, state);
        assert_eq!(scene.registry.advance().await.unwrap(), 0);
        for next in [Word::Approve, Word::Supplement, Word::Resume, Word::Stop] {
            let call = scene.insurance.decide_dossier(soon(), word(&code, 4, next));
            scene
                .refuses(call, RuleRefused, "dossier-state", "decision")
                .await;
        }
        let reason = show(&scene, &code).await.dossier.unwrap().reason;
        assert_eq!(reason.is_empty(), end == Word::Withdraw);
    }
}

type Bend = fn(&mut DecideDossierRequest);

const BENT: &[(FaultCode, &str, &str, Bend)] = &[
    (Invalid, "malformed-id", "code", |w| w.code = "x".into()),
    (UnknownSubject, "unknown-dossier", "code", |w| {
        w.code = "G99.00.01-261123-999999".into()
    }),
    (Conflict, "moved-meanwhile", "step", |w| w.step = 2),
    (Invalid, "missing", "decision", |w| w.decision = 0),
    (Invalid, "missing", "decision", |w| w.decision = 99),
    (Invalid, "missing", "who", |w| w.who = " ".into()),
    (Invalid, "missing", "why", |w| w.why.clear()),
    (Invalid, "missing", "told", |w| w.told = " ".into()),
    (Invalid, "malformed-text", "told", |w| {
        w.told = "x".repeat(801)
    }),
    (Invalid, "malformed-number", "days", |w| w.days = 0),
    (Invalid, "malformed-number", "days", |w| w.days = 61),
    (Invalid, "payment-not-asked", "paid", |w| {
        w.paid = "FT1".into()
    }),
    (RuleRefused, "dossier-state", "decision", |w| {
        w.decision = Word::Resume.into()
    }),
];

async fn a_word_out_of_its_place_is_refused_and_changes_nothing(scene: Scene) {
    let code = waiting(&scene, forms::change(&scene, 1)).await.code;
    for (fault, reason, field, bend) in BENT {
        let mut request = word(&code, 3, Word::Supplement);
        bend(&mut request);
        let call = scene.insurance.decide_dossier(soon(), request);
        scene.refuses(call, *fault, reason, field).await;
    }
    // a reissue on its way is the registry's to decide, and may be taken back
    let reissue = scene.insurance.submit_reissue(soon(), scene.reissue(1));
    let reissue = reissue.await.unwrap().dossier.unwrap().code;
    for _ in 0..2 {
        scene.registry.advance().await.unwrap();
    }
    for decision in [Word::Approve, Word::Supplement] {
        let call = scene
            .insurance
            .decide_dossier(soon(), word(&reissue, 3, decision));
        scene
            .refuses(call, RuleRefused, "decided-by-rule", "decision")
            .await;
    }
    assert_eq!(say(&scene, word(&reissue, 3, Word::Withdraw)).await, 7);
    assert_eq!(show(&scene, &reissue).await.form, "");
}

async fn one_payment_pays_for_one_dossier(scene: Scene) {
    let voluntary = |n: u32| SubmitDossierRequest {
        procedure: "9.000003".into(),
        form: json!({"MaBHXH": scene.marks.card_holders[0].si_number, "MucThuNhap": 3_000_000,
            "TuThang": format!("{:02}/2027", n), "SoThang": 1})
        .to_string(),
        papers: Vec::new(),
        ..forms::change(&scene, n)
    };
    let first = waiting(&scene, voluntary(1)).await.code;
    let second = waiting(&scene, voluntary(2)).await.code;
    let paid = |code: &str, reference: &str| DecideDossierRequest {
        paid: reference.into(),
        ..word(code, 3, Word::Approve)
    };
    let call = scene.insurance.decide_dossier(soon(), paid(&first, ""));
    scene
        .refuses(call, RuleRefused, "payment-not-named", "paid")
        .await;
    let call = scene.insurance.decide_dossier(soon(), paid(&first, "a b"));
    scene.refuses(call, Invalid, "malformed-id", "paid").await;
    assert_eq!(say(&scene, paid(&first, "FT26327000001")).await, 9);
    let call = scene
        .insurance
        .decide_dossier(soon(), paid(&second, "FT26327000001"));
    scene
        .refuses(call, Conflict, "payment-used-already", "paid")
        .await;
    assert_eq!(say(&scene, paid(&second, "FT26327000002")).await, 9);
}

async fn the_same_word_twice_is_one_word(scene: Scene) {
    let code = waiting(&scene, forms::change(&scene, 1)).await.code;
    say(&scene, word(&code, 3, Word::Approve)).await;
    let before = scene.fingerprint().await;
    assert_eq!(say(&scene, word(&code, 3, Word::Approve)).await, 9);
    assert_eq!(scene.fingerprint().await, before);
    let late = DecideDossierRequest {
        context: Some(context("vss", "another key")),
        ..word(&code, 3, Word::Stop)
    };
    let call = scene.insurance.decide_dossier(soon(), late);
    scene
        .refuses(call, Conflict, "moved-meanwhile", "step")
        .await;
}
