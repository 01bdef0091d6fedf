//! Participants.GetContributions.

use schemas::fault::FaultCode;
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::{GetContributionsRequest, GetContributionsResponse};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_person_is_the_same_under_every_number
    stretches_add_up_to_the_totals
    an_open_month_is_left_out_and_makes_the_answer_incomplete
    an_unknown_number_is_not_found
    a_code_of_two_people_is_ambiguous
    malformed_questions_are_refused
}

fn question(number: Number, from: &str, to: &str) -> GetContributionsRequest {
    GetContributionsRequest {
        context: Some(context("tax", "q")),
        number: Some(number),
        from: from.into(),
        to: to.into(),
    }
}

async fn ask(scene: &Scene, number: Number, from: &str, to: &str) -> GetContributionsResponse {
    let request = question(number, from, to);
    scene
        .insurance
        .contributions(soon(), request)
        .await
        .unwrap()
}

fn months(answer: &GetContributionsResponse) -> i64 {
    let at = |text: &str| -> i64 {
        let (year, month) = text.split_once('-').unwrap();
        year.parse::<i64>().unwrap() * 12 + month.parse::<i64>().unwrap()
    };
    let length = answer
        .stretches
        .iter()
        .map(|one| at(&one.to) - at(&one.from) + 1);
    length.sum()
}

async fn a_person_is_the_same_under_every_number(scene: Scene) {
    let (code, pin) = scene.marks.personal_mst.clone().unwrap();
    let by_code = ask(&scene, Number::TaxCode(code), "2025-01", "2026-09").await;
    assert!(by_code.found && by_code.pin == pin);
    let by_pin = ask(&scene, Number::Pin(pin), "2025-01", "2026-09").await;
    let si_number = Number::SiNumber(by_pin.si_number.clone());
    let by_si_number = ask(&scene, si_number, "2025-01", "2026-09").await;
    assert_eq!((&by_pin, &by_si_number), (&by_code, &by_code));
}

async fn stretches_add_up_to_the_totals(scene: Scene) {
    let mut seen = 0;
    for holder in &scene.marks.card_holders {
        let pin = || Number::Pin(holder.pin.clone());
        let answer = ask(&scene, pin(), "2024-01", "2026-08").await;
        assert_eq!(
            (&answer.name, &answer.birth_date),
            (&holder.name, &holder.birth_date)
        );
        assert_eq!(months(&answer), i64::from(answer.months));
        let each = answer.stretches.iter().map(|one| one.base_vnd);
        assert!(
            each.clone()
                .all(|base| (5_400_000..=50_600_000).contains(&base))
        );
        seen += answer.months;
        let one = ask(&scene, pin(), "2026-08", "2026-08").await;
        assert!(one.months <= 1 && one.base_total_vnd <= 50_600_000);
    }
    assert!(seen > 100);
}

async fn an_open_month_is_left_out_and_makes_the_answer_incomplete(scene: Scene) {
    let holder = &scene.marks.card_holders[0];
    let pin = || Number::Pin(holder.pin.clone());
    let closed = ask(&scene, pin(), "2026-01", "2026-08").await;
    let open = ask(&scene, pin(), "2026-01", "2026-11").await;
    assert!(!closed.incomplete && open.incomplete);
    assert!(
        open.stretches
            .iter()
            .all(|one| one.to.as_str() <= "2026-09")
    );
}

async fn an_unknown_number_is_not_found(scene: Scene) {
    for number in [
        Number::Pin("099290999999".into()),
        Number::SiNumber("9999999999".into()),
        Number::TaxCode(scene.marks.unregistered_mst.clone()),
    ] {
        let answer = ask(&scene, number, "2026-01", "2026-08").await;
        assert_eq!(answer, GetContributionsResponse::default());
    }
}

async fn a_code_of_two_people_is_ambiguous(scene: Scene) {
    let code = scene.marks.ambiguous_mst.clone().unwrap();
    let request = question(Number::TaxCode(code), "2026-01", "2026-08");
    let call = scene.insurance.contributions(soon(), request);
    scene
        .refuses(
            call,
            FaultCode::AmbiguousSubject,
            "several-people",
            "tax_code",
        )
        .await;
}

async fn malformed_questions_are_refused(scene: Scene) {
    let pin = || Number::Pin(scene.marks.card_holders[0].pin.clone());
    let good = question(pin(), "2026-01", "2026-08");
    let with = |change: fn(&mut GetContributionsRequest)| {
        let mut request = good.clone();
        change(&mut request);
        request
    };
    let cases = [
        (with(|it| it.number = None), "missing", "number"),
        (
            with(|it| it.number = Some(Number::Pin("1".into()))),
            "malformed-number",
            "number",
        ),
        (
            with(|it| it.from = "2026".into()),
            "malformed-period",
            "from",
        ),
        (
            with(|it| it.to = "1994-12".into()),
            "malformed-period",
            "to",
        ),
        (with(|it| it.to = "2025-12".into()), "span-backwards", "to"),
        (with(|it| it.from = "2021-08".into()), "span-too-long", "to"),
        (with(|it| it.context = None), "no-context", "context"),
    ];
    for (request, reason, field) in cases {
        let call = scene.insurance.contributions(soon(), request);
        scene.refuses(call, FaultCode::Invalid, reason, field).await;
    }
}
