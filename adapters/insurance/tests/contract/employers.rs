//! Employers.GetParticipation.

use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    ArrearsAge, GetParticipationRequest, GetParticipationResponse, Units,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_closed_month_has_figures
    an_open_month_and_the_future_are_incomplete_and_have_none
    an_unregistered_code_is_not_found
    a_branch_is_its_own_row
    a_month_before_the_first_statement_is_not_found
    what_was_not_asked_for_is_not_told
    the_age_of_the_arrears_adds_up_to_the_arrears
    the_units_under_a_code_are_its_branches
    the_newest_declaration_is_not_after_the_month
    a_household_is_found_under_its_owners_number
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
        ..GetParticipationRequest::default()
    }
}

/// Everything that can be told beside the month.
async fn ask_all(scene: &Scene, tax_code: &str, period: &str) -> GetParticipationResponse {
    let request = GetParticipationRequest {
        with_units: true,
        with_ageing: true,
        with_last_d02: true,
        with_registered_from: true,
        ..question(tax_code, period)
    };
    scene
        .insurance
        .participation(soon(), request)
        .await
        .unwrap()
}

async fn what_was_not_asked_for_is_not_told(scene: Scene) {
    let mst = scene.marks.employer_in_arrears.clone().unwrap().mst;
    let answer = ask(&scene, &mst, &scene.marks.period).await;
    assert!(answer.units.is_none() && answer.ageing.is_none() && answer.last_d02.is_none());
    assert_eq!(answer.registered_from, "");
}

async fn the_age_of_the_arrears_adds_up_to_the_arrears(scene: Scene) {
    let mst = scene.marks.employer_in_arrears.clone().unwrap().mst;
    let answer = ask_all(&scene, &mst, &scene.marks.period).await;
    let age = answer.ageing.unwrap();
    let bands = [
        age.current_vnd,
        age.months_1_vnd,
        age.months_3_vnd,
        age.months_6_vnd,
        age.months_12_vnd,
    ];
    assert!(answer.arrears_vnd > 0 && bands.iter().all(|band| *band >= 0));
    assert_eq!(bands.iter().sum::<i64>(), answer.arrears_vnd);
    // what is owed of the month itself is not more than was due for it
    assert!(age.current_vnd > 0 && age.current_vnd <= answer.due_vnd);
    let paid_up = ask_all(&scene, &scene.marks.employer.mst, &scene.marks.period).await;
    assert_eq!(paid_up.ageing, Some(ArrearsAge::default()));
}

async fn the_units_under_a_code_are_its_branches(scene: Scene) {
    let branch = scene.marks.branch.clone().unwrap();
    let root = &branch.mst[..10];
    let units = ask_all(&scene, root, &scene.marks.period)
        .await
        .units
        .unwrap();
    assert_eq!((units.count, units.units.len()), (1, 1));
    assert_eq!(
        (&units.units[0].tax_code, &units.units[0].unit_code),
        (&branch.mst, &branch.unit_code)
    );
    let under_branch = ask_all(&scene, &branch.mst, &scene.marks.period).await;
    assert_eq!(under_branch.units, Some(Units::default()));
}

async fn the_newest_declaration_is_not_after_the_month(scene: Scene) {
    let mst = &scene.marks.employer.mst;
    let mut seen = 0;
    for period in [scene.marks.period.as_str(), "2026-01", "2025-06"] {
        let answer = ask_all(&scene, mst, period).await;
        assert_eq!(answer.registered_from, "2024-10", "{period}");
        if let Some(last) = answer.last_d02 {
            seen += 1;
            assert!(last.period.as_str() <= period);
            assert!(last.submitted_on.starts_with(&last.period));
            assert!(last.joined + last.gone > 0);
            assert!(["TM", "GH"].contains(&last.plan.as_str()));
        }
    }
    assert!(seen > 0);
}

async fn a_household_is_found_under_its_owners_number(scene: Scene) {
    let household = scene.marks.household.clone().unwrap();
    assert_eq!(household.mst.len(), 12);
    let answer = ask_all(&scene, &household.mst, &scene.marks.period).await;
    assert!(answer.found && answer.name.starts_with("Hộ kinh doanh"));
    assert_eq!(answer.units, Some(Units::default()));
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
