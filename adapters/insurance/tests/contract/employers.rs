//! Employers.GetParticipation.

use schemas::fault::FaultCode;
use schemas::proto::insurance::{GetParticipationRequest, GetParticipationResponse};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_closed_month_has_figures
    an_open_month_and_the_future_are_incomplete_and_have_none
    an_unregistered_code_is_not_found
    a_branch_is_its_own_row
    a_month_before_the_first_statement_is_not_found
    malformed_questions_are_refused
}

async fn ask(scene: &Scene, tax_code: &str, period: &str) -> GetParticipationResponse {
    scene
        .insurance
        .participation(soon(), question(tax_code, period))
        .await
        .unwrap()
}

fn question(tax_code: &str, period: &str) -> GetParticipationRequest {
    GetParticipationRequest {
        context: Some(context("tax", "q")),
        tax_code: tax_code.into(),
        period: period.into(),
    }
}

async fn a_closed_month_has_figures(scene: Scene) {
    let answer = ask(&scene, &scene.marks.employer.mst, &scene.marks.period).await;
    assert!(answer.found && !answer.incomplete);
    assert_eq!(
        (answer.state, &answer.name),
        (1, &scene.marks.employer.name)
    );
    assert!(
        answer.participants > 0 && answer.fund_vnd >= i64::from(answer.participants) * 5_000_000
    );
    assert!(answer.due_vnd > answer.fund_vnd / 5 && answer.due_vnd < answer.fund_vnd / 3);
    assert_eq!((answer.paid_vnd, answer.arrears_vnd), (answer.due_vnd, 0));
}

async fn an_open_month_and_the_future_are_incomplete_and_have_none(scene: Scene) {
    let late = scene.marks.employer_incomplete.clone().unwrap();
    for (mst, period) in [
        (&late.mst, &*scene.marks.period),
        (&scene.marks.employer.mst, "2026-10"),
        (&scene.marks.employer.mst, "2031-01"),
    ] {
        let answer = ask(&scene, mst, period).await;
        assert!(answer.found && answer.incomplete, "{period}");
        assert_eq!(
            (answer.participants, answer.fund_vnd, answer.due_vnd),
            (0, 0, 0)
        );
    }
}

async fn an_unregistered_code_is_not_found(scene: Scene) {
    let answer = ask(&scene, &scene.marks.unregistered_mst, &scene.marks.period).await;
    assert_eq!(answer, GetParticipationResponse::default());
}

async fn a_branch_is_its_own_row(scene: Scene) {
    let branch = scene.marks.branch.clone().unwrap();
    let answer = ask(&scene, &branch.mst, &scene.marks.period).await;
    assert_eq!((answer.found, &answer.name), (true, &branch.name));
    let root = ask(&scene, &branch.mst[..10], &scene.marks.period).await;
    assert_ne!(root.unit_code, answer.unit_code);
    let unknown = ask(
        &scene,
        &format!("{}-999", &branch.mst[..10]),
        &scene.marks.period,
    )
    .await;
    assert!(!unknown.found);
}

async fn a_month_before_the_first_statement_is_not_found(scene: Scene) {
    assert!(
        !ask(&scene, &scene.marks.employer.mst, "2010-01")
            .await
            .found
    );
}

async fn malformed_questions_are_refused(scene: Scene) {
    let good = question(&scene.marks.employer.mst, &scene.marks.period);
    let cases = [
        (
            GetParticipationRequest {
                tax_code: "9900000000".into(),
                ..good.clone()
            },
            "malformed-tax-code",
            "tax_code",
        ),
        (
            GetParticipationRequest {
                period: "2026-13".into(),
                ..good.clone()
            },
            "malformed-period",
            "period",
        ),
        (
            GetParticipationRequest {
                context: None,
                ..good.clone()
            },
            "no-context",
            "context",
        ),
        (
            GetParticipationRequest {
                context: Some(context("", "x")),
                ..good.clone()
            },
            "malformed-sender",
            "context.sender",
        ),
    ];
    for (request, reason, field) in cases {
        scene
            .refuses(
                scene.insurance.participation(soon(), request),
                FaultCode::Invalid,
                reason,
                field,
            )
            .await;
    }
}
