//! Dossiers.SubmitReissue, Dossiers.Get, and the steps that a dossier takes.

use insurance::Insurance;
use schemas::fault::FaultCode::{self, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::id::DossierCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    CardState, Change, Dossier, DossierChange, GetDossierRequest, LeaseRequest, ListCardsRequest,
    SubmitReissueRequest, change,
};

use crate::over_both;
use crate::scene::{Scene, context, open, soon};

over_both! {
    a_dossier_moves_1_2_4_9_10_and_tells_each_step
    the_reissued_card_keeps_number_and_validity_and_the_old_print_is_replaced
    the_same_key_gets_the_same_bytes_while_the_dossier_moves_on
    the_same_foreign_id_is_one_dossier_or_a_conflict
    codes_have_no_gaps_and_start_anew_each_day
    a_dossier_is_shown_to_its_owner_only
    every_broken_application_is_refused_and_changes_nothing
    who_is_not_the_holder_is_refused
    a_card_that_is_not_valid_is_refused
    a_dossier_whose_holder_died_meanwhile_stops_at_8
    an_applicant_may_be_known_by_si_number_and_birth_date
}

async fn submit(insurance: &Insurance, request: &SubmitReissueRequest) -> Dossier {
    insurance
        .submit_reissue(soon(), request.clone())
        .await
        .unwrap()
        .dossier
        .unwrap()
}

async fn feed(scene: &Scene) -> Vec<Change> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    scene
        .insurance
        .lease(soon(), request)
        .await
        .unwrap()
        .changes
}

fn told(change: &Change) -> &DossierChange {
    let Some(change::What::Dossier(told)) = &change.what else {
        panic!("not a dossier's change")
    };
    told
}

async fn a_dossier_moves_1_2_4_9_10_and_tells_each_step(scene: Scene) {
    let dossier = submit(&scene.insurance, &scene.reissue(1)).await;
    assert_eq!((dossier.state, dossier.owner.as_str()), (1, "portal"));
    assert_eq!(dossier.due_at, "2026-11-26T10:00:00Z");
    for _ in 0..4 {
        scene.time.pass(1);
        assert_eq!(scene.registry.advance().await.unwrap(), 1);
    }
    assert_eq!(scene.registry.advance().await.unwrap(), 0);

    let changes = feed(&scene).await;
    let states: Vec<u32> = changes
        .iter()
        .map(|change| told(change).dossier.as_ref().unwrap().state)
        .collect();
    assert_eq!(states, [1, 2, 4, 9, 10]);
    for (at, change) in (1_u32..).zip(&changes) {
        assert_eq!(
            (change.subject_sequence, told(change).step),
            (u64::from(at), at)
        );
        assert_eq!(
            (&change.subject, change.partner.as_str()),
            (&dossier.code, "portal")
        );
        assert!(!told(change).text.is_empty());
        assert_eq!(
            told(change).dossier.as_ref().unwrap().card.is_some(),
            at >= 4
        );
    }
}

async fn the_reissued_card_keeps_number_and_validity_and_the_old_print_is_replaced(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let list = ListCardsRequest {
        context: Some(context("portal", "cards")),
        si_number: holder.si_number,
    };
    let before = scene
        .insurance
        .cards(soon(), list.clone())
        .await
        .unwrap()
        .cards;
    let old = before
        .iter()
        .find(|card| card.state() == CardState::Valid)
        .unwrap();
    submit(&scene.insurance, &scene.reissue(1)).await;
    for _ in 0..4 {
        scene.registry.advance().await.unwrap();
    }
    let after = scene.insurance.cards(soon(), list).await.unwrap().cards;
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(
        (after[0].state(), after[0].serial),
        (CardState::Valid, old.serial + 1)
    );
    assert_eq!(
        (&after[0].number, &after[0].valid_from, &after[0].valid_to),
        (&old.number, &old.valid_from, &old.valid_to)
    );
    assert!(
        after[1..]
            .iter()
            .all(|card| card.state() == CardState::Replaced)
    );
}

async fn the_same_key_gets_the_same_bytes_while_the_dossier_moves_on(scene: Scene) {
    let request = scene.reissue(1);
    let first = scene
        .insurance
        .submit_reissue(soon(), request.clone())
        .await
        .unwrap();
    scene.registry.advance().await.unwrap();
    let fingerprint = scene.fingerprint().await;
    let second = scene
        .insurance
        .submit_reissue(soon(), request)
        .await
        .unwrap();
    assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    assert_eq!(scene.fingerprint().await, fingerprint);
}

async fn the_same_foreign_id_is_one_dossier_or_a_conflict(scene: Scene) {
    let request = scene.reissue(1);
    let first = submit(&scene.insurance, &request).await;
    let again = SubmitReissueRequest {
        context: Some(context("portal", "again")),
        ..request.clone()
    };
    assert_eq!(submit(&scene.insurance, &again).await.code, first.code);
    let other = SubmitReissueRequest {
        context: Some(context("portal", "other")),
        reason: 2,
        ..request
    };
    let call = scene.insurance.submit_reissue(soon(), other);
    scene
        .refuses(call, Conflict, "dossier-has-other-facts", "foreign_id")
        .await;
}

async fn codes_have_no_gaps_and_start_anew_each_day(scene: Scene) {
    let refused = SubmitReissueRequest {
        applicant_name: "Ai Đó Khác".into(),
        ..scene.reissue(9)
    };
    let mut codes = vec![submit(&scene.insurance, &scene.reissue(1)).await.code];
    scene
        .insurance
        .submit_reissue(soon(), refused)
        .await
        .unwrap_err();
    codes.push(submit(&scene.insurance, &scene.reissue(2)).await.code);
    scene.time.pass(86_400);
    codes.push(submit(&scene.insurance, &scene.reissue(3)).await.code);
    assert_eq!(
        codes,
        [
            "G99.00.01-261123-000001",
            "G99.00.01-261123-000002",
            "G99.00.01-261124-000001"
        ]
    );
    assert!(codes.iter().all(|code| DossierCode::parse(code).is_ok()));
}

/// Two replicas on one server, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_issue_codes_at_once_leave_no_gap_and_repeat_none() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    let other = Insurance::embedded(open(&scene.place, &scene.time));
    let issued = |insurance: Insurance, requests: Vec<SubmitReissueRequest>| async move {
        let mut codes = Vec::new();
        for request in requests {
            codes.push(submit(&insurance, &request).await.code);
        }
        codes
    };
    let [odd, even] =
        [1, 2].map(|first| (first..=40).step_by(2).map(|n| scene.reissue(n)).collect());
    let (one, two) = tokio::join!(
        tokio::spawn(issued(scene.insurance.clone(), odd)),
        tokio::spawn(issued(other, even))
    );
    let mut codes = [one.unwrap(), two.unwrap()].concat();
    codes.sort();
    let expected = (1..=40).map(|serial| format!("G99.00.01-261123-{serial:06}"));
    assert_eq!(codes, expected.collect::<Vec<_>>());
}

async fn a_dossier_is_shown_to_its_owner_only(scene: Scene) {
    let dossier = submit(&scene.insurance, &scene.reissue(1)).await;
    let get = |sender: &str, code: &str| GetDossierRequest {
        context: Some(context(sender, "get")),
        code: code.into(),
    };
    let shown = scene
        .insurance
        .dossier(soon(), get("portal", &dossier.code))
        .await
        .unwrap();
    assert_eq!(shown.dossier, Some(dossier.clone()));
    let call = scene.insurance.dossier(soon(), get("tax", &dossier.code));
    scene
        .refuses(call, UnknownSubject, "unknown-dossier", "code")
        .await;
    let call = scene
        .insurance
        .dossier(soon(), get("portal", "G99.00.01-261123-999999"));
    scene
        .refuses(call, UnknownSubject, "unknown-dossier", "code")
        .await;
    let call = scene.insurance.dossier(soon(), get("portal", "x"));
    scene.refuses(call, Invalid, "malformed-id", "code").await;
}

type Break = fn(&mut SubmitReissueRequest);

const BROKEN: &[(FaultCode, &str, &str, Break)] = &[
    (Invalid, "no-context", "context", |r| r.context = None),
    (Invalid, "malformed-key", "context.key", |r| {
        r.context.as_mut().unwrap().key.clear()
    }),
    (Invalid, "malformed-id", "foreign_id", |r| {
        r.foreign_id.clear()
    }),
    (Invalid, "malformed-id", "procedure", |r| {
        r.procedure = "a b".into()
    }),
    (Invalid, "malformed-instant", "submitted_at", |r| {
        r.submitted_at = "23/11/2026".into()
    }),
    (Invalid, "malformed-text", "phone", |r| {
        r.phone = "1".repeat(33)
    }),
    (Invalid, "malformed-text", "email", |r| {
        r.email = "a\n@b".into()
    }),
    (Invalid, "unknown-code", "reason", |r| r.reason = 0),
    (Invalid, "malformed-number", "card_or_si_number", |r| {
        r.card_or_si_number = "DN1799912345678".into()
    }),
    (Invalid, "malformed-pin", "applicant_pin", |r| {
        r.applicant_pin = "1".into()
    }),
    (Invalid, "other-population", "applicant_pin", |r| {
        r.applicant_pin = "001226500001".into()
    }),
    (Invalid, "malformed-date", "applicant_birth_date", |r| {
        r.applicant_birth_date = "1990".into()
    }),
    (Invalid, "malformed-name", "applicant_name", |r| {
        r.applicant_name = " ".into()
    }),
    (Invalid, "nothing-to-match", "applicant_pin", |r| {
        r.applicant_pin.clear();
        r.applicant_birth_date.clear();
    }),
    (UnknownSubject, "unknown-card", "card_or_si_number", |r| {
        r.card_or_si_number = "DN4019999999999".into()
    }),
    (UnknownSubject, "unknown-card", "card_or_si_number", |r| {
        r.card_or_si_number = "9999999999".into()
    }),
    (UnknownSubject, "unknown-card", "card_or_si_number", |r| {
        r.card_or_si_number.replace_range(..2, "GD")
    }),
];

async fn every_broken_application_is_refused_and_changes_nothing(scene: Scene) {
    for (code, reason, field, break_it) in BROKEN {
        let mut request = scene.reissue(1);
        break_it(&mut request);
        scene
            .refuses(
                scene.insurance.submit_reissue(soon(), request),
                *code,
                reason,
                field,
            )
            .await;
    }
    assert!(feed(&scene).await.is_empty());
    submit(&scene.insurance, &scene.reissue(1)).await;
}

async fn who_is_not_the_holder_is_refused(scene: Scene) {
    let (holder, other) = (&scene.marks.card_holders[0], &scene.marks.card_holders[1]);
    assert_ne!(holder.birth_date, other.birth_date);
    let strangers = [
        SubmitReissueRequest {
            applicant_name: "Ai Đó Khác".into(),
            ..scene.reissue(1)
        },
        SubmitReissueRequest {
            applicant_pin: other.pin.clone(),
            ..scene.reissue(1)
        },
        SubmitReissueRequest {
            applicant_birth_date: other.birth_date.clone(),
            ..scene.reissue(1)
        },
        SubmitReissueRequest {
            card_or_si_number: other.card_number.clone(),
            ..scene.reissue(1)
        },
    ];
    for request in strangers {
        let call = scene.insurance.submit_reissue(soon(), request);
        scene
            .refuses(call, RuleRefused, "not-the-holder", "applicant_name")
            .await;
    }
}

async fn a_card_that_is_not_valid_is_refused(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    scene.change(
        "UPDATE cards SET state = 3 WHERE number = ?",
        &holder.card_number,
    );
    for number in [holder.card_number, holder.si_number] {
        let request = SubmitReissueRequest {
            card_or_si_number: number,
            ..scene.reissue(1)
        };
        let call = scene.insurance.submit_reissue(soon(), request);
        scene
            .refuses(call, RuleRefused, "card-not-valid", "card_or_si_number")
            .await;
    }
}

async fn a_dossier_whose_holder_died_meanwhile_stops_at_8(scene: Scene) {
    let dossier = submit(&scene.insurance, &scene.reissue(1)).await;
    let card = scene.marks.card_holders[0].card_number.clone();
    scene.change(
        "UPDATE people SET died_on = '2026-11-23' WHERE id = (SELECT person FROM cards WHERE number = ?)",
        &card,
    );
    for _ in 0..5 {
        scene.registry.advance().await.unwrap();
    }
    let request = GetDossierRequest {
        context: Some(context("portal", "get")),
        code: dossier.code,
    };
    let dossier = scene
        .insurance
        .dossier(soon(), request)
        .await
        .unwrap()
        .dossier
        .unwrap();
    assert_eq!((dossier.state, dossier.card), (8, None));
    assert!(!dossier.reason.is_empty());
    assert_eq!(feed(&scene).await.len(), 4);

    let late = scene.insurance.submit_reissue(soon(), scene.reissue(2));
    scene
        .refuses(late, RuleRefused, "person-is-dead", "applicant_name")
        .await;
}

async fn an_applicant_may_be_known_by_si_number_and_birth_date(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let request = SubmitReissueRequest {
        card_or_si_number: holder.si_number,
        applicant_pin: String::new(),
        applicant_name: holder.name.to_uppercase(),
        ..scene.reissue(1)
    };
    assert_eq!(
        submit(&scene.insurance, &request).await.applicant_pin,
        holder.pin
    );
}
