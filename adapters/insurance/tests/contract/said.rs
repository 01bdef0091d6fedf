//! Dossiers.Supplement and Withdraw: what an applicant says later, once, about their own dossier, in its place.

use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    DossierDecision as Word, SupplementDossierRequest, WithdrawDossierRequest,
};

use crate::decisions::{list, say, show, waiting, word};
use crate::over_both;
use crate::scene::{Scene, context, soon};
use crate::{forms, payments};

over_both! {
    papers_that_were_asked_for_come_once_and_the_dossier_goes_on
    a_supplement_out_of_its_place_is_refused_and_changes_nothing
    papers_that_come_after_their_day_are_refused_before_anybody_has_stopped_the_dossier
    an_applicant_takes_a_dossier_back_wherever_it_is_not_decided
    a_withdrawal_out_of_its_place_is_refused_and_changes_nothing
    money_for_a_dossier_that_was_taken_back_is_a_refund_case
}

pub fn supplement(scene: &Scene, n: u32, code: &str) -> SupplementDossierRequest {
    let change = forms::change(scene, n);
    SupplementDossierRequest {
        context: Some(context("portal", &format!("supplement-{n}"))),
        code: code.into(),
        procedure: change.procedure,
        supplement_id: format!("BS-{n}"),
        applicant_pin: change.applicant_pin,
        papers: change.papers,
        text: "Bản sao có chứng thực".into(),
        sent_at: "2026-11-23T02:30:00Z".into(),
    }
}

pub fn withdrawal(scene: &Scene, n: u32, code: &str) -> WithdrawDossierRequest {
    let change = forms::change(scene, n);
    WithdrawDossierRequest {
        context: Some(context("portal", &format!("withdraw-{n}"))),
        code: code.into(),
        procedure: change.procedure,
        applicant_pin: change.applicant_pin,
        text: "Không còn nhu cầu".into(),
        sent_at: "2026-11-23T02:30:00Z".into(),
    }
}

/// A dossier of whose applicant papers are asked.
async fn asked(scene: &Scene, n: u32) -> String {
    let code = waiting(scene, forms::change(scene, n)).await.code;
    assert_eq!(say(scene, word(&code, 3, Word::Supplement)).await, 5);
    code
}

async fn papers_that_were_asked_for_come_once_and_the_dossier_goes_on(scene: Scene) {
    let code = asked(&scene, 1).await;
    scene.time.pass(86_400 * 2);
    let request = supplement(&scene, 1, &code);
    let insurance = &scene.insurance;
    let came = insurance.supplement_dossier(soon(), request.clone()).await;
    let dossier = came.unwrap().dossier.unwrap();
    // the time limit begins anew: five working days from the 25th
    assert_eq!(
        (dossier.state, dossier.due_at.as_str()),
        (4, "2026-12-02T10:00:00Z")
    );
    let after = scene.fingerprint().await;
    let again = SupplementDossierRequest {
        context: Some(context("portal", "another message")),
        sent_at: "2026-11-25T02:30:00Z".into(),
        ..request.clone()
    };
    let again = insurance.supplement_dossier(soon(), again).await.unwrap();
    assert_eq!(again.dossier.unwrap().state, 4);
    assert_eq!(scene.fingerprint().await, after);
    let other = SupplementDossierRequest {
        context: Some(context("portal", "a third message")),
        text: "Bản khác".into(),
        ..request
    };
    let call = insurance.supplement_dossier(soon(), other);
    let wrong = ("supplement-has-other-facts", "supplement_id");
    scene.refuses(call, Conflict, wrong.0, wrong.1).await;
    // a person looks again, at what has come
    assert_eq!(list(&scene).await.len(), 1);
    let shown = show(&scene, &code).await;
    assert_eq!(shown.supplements[0].id, "BS-1");
    assert_eq!(shown.supplements[0].papers.len(), 1);
    assert_eq!(say(&scene, word(&code, 5, Word::Approve)).await, 9);
}

type Bend<T> = fn(&mut T);

const BENT: &[(FaultCode, &str, &str, Bend<SupplementDossierRequest>)] = &[
    (UnknownSubject, "unknown-dossier", "code", |s| {
        s.code = "G99.00.01-261123-999999".into()
    }),
    (UnknownSubject, "unknown-dossier", "code", |s| {
        s.context = Some(context("tax", "another sender"))
    }),
    (UnknownSubject, "unknown-dossier", "code", |s| {
        s.procedure = "9.000001".into()
    }),
    (RuleRefused, "not-the-applicant", "applicant_pin", |s| {
        s.applicant_pin = "099090999999".into()
    }),
    (Invalid, "missing-paper", "papers", |s| s.papers.clear()),
    (Invalid, "unknown-paper", "papers", |s| {
        s.papers[0].code = "ANH".into()
    }),
    (Invalid, "malformed-text", "papers", |s| {
        s.papers[0].bytes = 1
    }),
    (Invalid, "malformed-id", "supplement_id", |s| {
        s.supplement_id.clear()
    }),
    (Invalid, "malformed-instant", "sent_at", |s| {
        s.sent_at = "today".into()
    }),
    (Invalid, "malformed-text", "text", |s| {
        s.text = "x".repeat(401)
    }),
    (Invalid, "no-context", "context", |s| s.context = None),
];

async fn a_supplement_out_of_its_place_is_refused_and_changes_nothing(scene: Scene) {
    let early = waiting(&scene, forms::change(&scene, 2)).await.code;
    let call = scene
        .insurance
        .supplement_dossier(soon(), supplement(&scene, 2, &early));
    let not_asked = "supplement-not-asked";
    scene.refuses(call, RuleRefused, not_asked, "code").await;
    assert_eq!(say(&scene, word(&early, 3, Word::Supplement)).await, 5);
    for (fault, reason, field, bend) in BENT {
        let mut request = supplement(&scene, 2, &early);
        bend(&mut request);
        let call = scene.insurance.supplement_dossier(soon(), request);
        scene.refuses(call, *fault, reason, field).await;
    }
}

async fn papers_that_come_after_their_day_are_refused_before_anybody_has_stopped_the_dossier(
    scene: Scene,
) {
    let code = asked(&scene, 3).await;
    scene.time.pass(86_400 * 9);
    for ended in [false, true] {
        if ended {
            assert_eq!(scene.registry.advance().await.unwrap(), 1);
        }
        let late = supplement(&scene, 3, &code);
        let call = scene.insurance.supplement_dossier(soon(), late);
        let reason = ["supplement-too-late", "supplement-not-asked"][usize::from(ended)];
        scene.refuses(call, RuleRefused, reason, "code").await;
    }
    assert_eq!(show(&scene, &code).await.dossier.unwrap().state, 8);
}

async fn an_applicant_takes_a_dossier_back_wherever_it_is_not_decided(scene: Scene) {
    let registered = scene
        .insurance
        .submit_dossier(soon(), forms::change(&scene, 4));
    let registered = registered.await.unwrap().dossier.unwrap().code;
    let back = withdrawal(&scene, 4, &registered);
    let gone = scene.insurance.withdraw_dossier(soon(), back.clone()).await;
    assert_eq!(gone.unwrap().dossier.unwrap().state, 7);
    // the same message again is the same answer
    let again = scene.insurance.withdraw_dossier(soon(), back).await;
    assert_eq!(again.unwrap().dossier.unwrap().state, 7);
    let in_work = waiting(&scene, forms::change(&scene, 5)).await.code;
    let supplement = asked(&scene, 6).await;
    for (n, code) in [(5, in_work), (6, supplement)] {
        let gone = scene
            .insurance
            .withdraw_dossier(soon(), withdrawal(&scene, n, &code));
        assert_eq!(gone.await.unwrap().dossier.unwrap().state, 7);
        let acts = show(&scene, &code).await.acts;
        let last = acts.last().unwrap();
        assert_eq!(last.decision(), Word::Withdraw);
        assert_eq!(last.why, "Không còn nhu cầu");
    }
    assert!(list(&scene).await.is_empty());
    assert_eq!(scene.registry.advance().await.unwrap(), 0);
}

const BENT_BACK: &[(FaultCode, &str, &str, Bend<WithdrawDossierRequest>)] = &[
    (UnknownSubject, "unknown-dossier", "code", |w| {
        w.code = "G99.00.01-261123-999999".into()
    }),
    (UnknownSubject, "unknown-dossier", "code", |w| {
        w.context = Some(context("tax", "another sender"))
    }),
    (RuleRefused, "not-the-applicant", "applicant_pin", |w| {
        w.applicant_pin = "099090999999".into()
    }),
    (Invalid, "malformed-instant", "sent_at", |w| {
        w.sent_at.clear()
    }),
    (Invalid, "malformed-text", "text", |w| {
        w.text = "x".repeat(401)
    }),
];

async fn a_withdrawal_out_of_its_place_is_refused_and_changes_nothing(scene: Scene) {
    let code = waiting(&scene, forms::change(&scene, 7)).await.code;
    for (fault, reason, field, bend) in BENT_BACK {
        let mut request = withdrawal(&scene, 7, &code);
        bend(&mut request);
        let call = scene.insurance.withdraw_dossier(soon(), request);
        scene.refuses(call, *fault, reason, field).await;
    }
    // decided is decided, and what was handed out stays so
    assert_eq!(say(&scene, word(&code, 3, Word::Approve)).await, 9);
    for _ in 0..2 {
        let back = withdrawal(&scene, 7, &code);
        let call = scene.insurance.withdraw_dossier(soon(), back);
        let backwards = "dossier-state";
        scene.refuses(call, RuleRefused, backwards, "code").await;
        scene.registry.advance().await.unwrap();
    }
}

async fn money_for_a_dossier_that_was_taken_back_is_a_refund_case(scene: Scene) {
    let order = payments::opened(&scene, payments::voluntary(&scene, 8, "12/2026", 1)).await;
    let dossier = show(&scene, &order.dossier).await.dossier.unwrap();
    let back = WithdrawDossierRequest {
        procedure: dossier.procedure,
        applicant_pin: dossier.applicant_pin,
        ..withdrawal(&scene, 8, &order.dossier)
    };
    let gone = scene.insurance.withdraw_dossier(soon(), back).await;
    assert_eq!(gone.unwrap().dossier.unwrap().state, 7);
    let entry = payments::entry(&scene, payments::said(&order, "GD-8")).await;
    assert_eq!(
        (entry.booked, entry.reason.as_str()),
        (false, "dossier-ended")
    );
}
