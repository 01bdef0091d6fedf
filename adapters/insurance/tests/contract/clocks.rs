//! The clock of the law: marks told once, and what became of the cases of a month.

use insurance::Insurance;
use jiff::civil::date;
use schemas::codes::communes;
use schemas::fault::FaultCode::{Invalid, UnknownSubject};
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::{
    BirthCase, BirthStory, ClockMark, DecideReviewRequest, GetBirthCasesRequest,
    JudgeClocksRequest, JudgeClocksResponse, LawfulTimesRequest, ProvinceTimes,
    RegisterBirthRequest, ShowBirthRequest, ShowReviewRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_case_knows_when_it_is_due_as_it_comes
    a_case_that_waits_is_told_at_half_nine_tenths_and_all_of_its_time_once_each
    a_judge_that_was_away_tells_the_last_mark_only
    a_case_decided_in_time_is_told_no_more
    a_case_decided_too_late_is_told_once_and_stays_counted
    a_month_is_reported_for_every_province_of_its_list
    a_month_before_the_merger_is_reported_by_the_list_of_63
    a_month_that_is_none_is_refused
    a_birth_is_shown_from_its_message_to_its_card
    a_birth_that_nobody_knows_is_not_shown
}

/// Monday 2026-11-23 09:00 in Viet Nam: due on Thursday at 17:00, since Tuesday is a holiday.
const HALF: i64 = 2 * DAY + 8 * HOUR;
const MOST: i64 = 3 * DAY + 6 * HOUR + 12 * MINUTE;
const DUE: i64 = 3 * DAY + 8 * HOUR;
const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 60 * MINUTE;
const MINUTE: i64 = 60;

async fn register(insurance: &Insurance, request: RegisterBirthRequest) -> BirthCase {
    let answer = insurance.register_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

/// Two births of which the second waits for a person.
async fn doubt(scene: &Scene) -> BirthCase {
    let first = RegisterBirthRequest {
        birth_notice: "GCS.99.000001".into(),
        ..scene.birth(1)
    };
    let mut again = first.clone();
    again.context = Some(context("dvclt", "again"));
    again.case_id = "H99.14-261120-000002".into();
    again.child.as_mut().unwrap().pin = scene.birth(2).child.unwrap().pin;
    register(&scene.insurance, first).await;
    let case = register(&scene.insurance, again).await;
    assert!(case.card.is_none());
    case
}

async fn decide(scene: &Scene) {
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id: 1,
    };
    let shown = scene.insurance.review(soon(), request).await.unwrap();
    let request = DecideReviewRequest {
        context: Some(context("registry", "decide")),
        id: 1,
        decision: Some(Decision::NewPerson(true)),
        version: shown.version,
        who: "an".into(),
        why: "asked the ward".into(),
        population: None,
    };
    scene
        .insurance
        .decide_review(soon(), request)
        .await
        .unwrap();
}

async fn judge(scene: &Scene) -> JudgeClocksResponse {
    let request = JudgeClocksRequest {
        context: Some(context("registry", "judge")),
        max: 10,
    };
    scene.insurance.judge_clocks(soon(), request).await.unwrap()
}

async fn percents(scene: &Scene) -> Vec<u32> {
    let marks = judge(scene).await.marks;
    marks.iter().map(|mark| mark.percent).collect()
}

async fn month(scene: &Scene, month: &str) -> Vec<ProvinceTimes> {
    let request = LawfulTimesRequest {
        context: Some(context("registry", "month")),
        month: month.into(),
    };
    let times = scene.insurance.lawful_times(soon(), request).await;
    times.unwrap().provinces
}

async fn a_case_knows_when_it_is_due_as_it_comes(scene: Scene) {
    let waits = doubt(&scene).await;
    assert_eq!(waits.due_at, "2026-11-26T10:00:00Z");
    let late = RegisterBirthRequest {
        received_at: "2026-11-23T08:01:00Z".into(),
        ..scene.birth(3)
    };
    scene.time.pass(7 * HOUR);
    let done = register(&scene.insurance, late.clone()).await;
    assert_eq!(done.due_at, "2026-11-27T10:00:00Z");
    let request = GetBirthCasesRequest {
        context: Some(context("dvclt", "get")),
        case_ids: vec![waits.case_id.clone(), late.case_id],
    };
    let asked = scene.insurance.birth_cases(soon(), request).await.unwrap();
    assert_eq!(asked.cases, [waits, done]);
}

async fn a_case_that_waits_is_told_at_half_nine_tenths_and_all_of_its_time_once_each(scene: Scene) {
    let case = doubt(&scene).await;
    let mut passed = 0;
    for (at, percent) in [(HALF, 50), (MOST, 90), (DUE, 100)] {
        scene.time.pass(at - 1 - passed);
        assert!(judge(&scene).await.marks.is_empty(), "{percent} too early");
        scene.time.pass(1);
        passed = at;
        let judged = judge(&scene).await;
        let [mark] = judged.marks.as_slice() else {
            panic!("{percent}: {:?}", judged.marks)
        };
        let expected = ClockMark {
            sender: "dvclt".into(),
            case_id: case.case_id.clone(),
            province: scene.marks.places[0].province.clone(),
            percent,
            due_at: "2026-11-26T10:00:00Z".into(),
        };
        assert_eq!(*mark, expected);
        assert!(percents(&scene).await.is_empty(), "{percent} twice");
    }
    let judged = judge(&scene).await;
    assert_eq!((judged.late, judged.breached), (1, 1));
    assert_eq!((judged.in_time, judged.half, judged.most), (0, 0, 0));
}

async fn a_judge_that_was_away_tells_the_last_mark_only(scene: Scene) {
    doubt(&scene).await;
    scene.time.pass(MOST + 1);
    assert_eq!(percents(&scene).await, [90]);
    scene.time.pass(DAY);
    assert_eq!(percents(&scene).await, [100]);
    assert_eq!(judge(&scene).await.breached, 1);
}

async fn a_case_decided_in_time_is_told_no_more(scene: Scene) {
    doubt(&scene).await;
    scene.time.pass(HALF);
    assert_eq!(percents(&scene).await, [50]);
    decide(&scene).await;
    scene.time.pass(DAY * 9);
    let judged = judge(&scene).await;
    assert!(judged.marks.is_empty());
    assert_eq!((judged.half, judged.breached), (0, 0));
}

async fn a_case_decided_too_late_is_told_once_and_stays_counted(scene: Scene) {
    doubt(&scene).await;
    scene.time.pass(DUE + HOUR);
    decide(&scene).await;
    assert_eq!(percents(&scene).await, [100]);
    assert!(percents(&scene).await.is_empty());
    let judged = judge(&scene).await;
    assert_eq!((judged.late, judged.breached), (0, 1));
}

async fn a_month_is_reported_for_every_province_of_its_list(scene: Scene) {
    doubt(&scene).await; // one done, one that waits
    for n in 4..7 {
        register(&scene.insurance, scene.birth(n)).await;
    }
    let here = scene.marks.places[0].province.clone();
    let told = |times: &[ProvinceTimes]| {
        let (ours, others): (Vec<_>, Vec<_>) = times.iter().partition(|one| one.code == here);
        assert!(others.iter().all(|one| one.received == 0));
        let [one] = ours.as_slice() else {
            panic!("{} rows of one province", ours.len())
        };
        [one.received, one.in_time, one.late, one.open, one.overdue]
    };
    let now = month(&scene, "2026-11").await;
    assert_eq!(now.len(), 34);
    assert!(now.is_sorted_by_key(|one| one.code.clone()));
    assert_eq!(told(&now), [5, 4, 0, 1, 0]);
    scene.time.pass(DUE + 1);
    assert_eq!(told(&month(&scene, "2026-11").await), [5, 4, 0, 0, 1]);
    decide(&scene).await;
    assert_eq!(told(&month(&scene, "2026-11").await), [5, 4, 1, 0, 0]);
    let before = month(&scene, "2025-06").await;
    assert_eq!(before.len(), 63);
    assert!(before.iter().all(|one| one.received == 0));
}

async fn a_month_before_the_merger_is_reported_by_the_list_of_63(scene: Scene) {
    let old = communes::all(date(2025, 6, 30)).find(|one| one.province == "74");
    let commune = old.unwrap().code.to_owned();
    let mut birth = scene.birth(1);
    birth.received_at = "2025-06-27T02:00:00Z".into();
    let (child, record) = (
        birth.child.as_mut().unwrap(),
        birth.record.as_mut().unwrap(),
    );
    child.pin.replace_range(4..6, "25");
    child.birth_date = "2025-06-20".into();
    child.residence_commune = commune.clone();
    record.registered_on = "2025-06-26".into();
    record.commune = commune;
    register(&scene.insurance, birth).await;
    let june = month(&scene, "2025-06").await;
    let told: Vec<_> = june.iter().filter(|one| one.received > 0).collect();
    assert_eq!((june.len(), told.len()), (63, 1));
    assert_eq!(
        (told[0].code.as_str(), told[0].name.as_str(), told[0].late),
        ("74", "Bình Dương", 1)
    );
    assert!(
        month(&scene, "2026-11")
            .await
            .iter()
            .all(|one| one.received == 0)
    );
    let judged = judge(&scene).await;
    assert_eq!((judged.marks.len(), judged.breached), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_told_before_a_restart_is_not_told_after_it() {
    let scene = Scene::embedded();
    doubt(&scene).await;
    scene.time.pass(HALF);
    assert_eq!(percents(&scene).await, [50]);
    let scene = scene.reopened();
    assert!(percents(&scene).await.is_empty());
    scene.time.pass(DUE);
    let scene = scene.reopened();
    assert_eq!(percents(&scene).await, [100]);
    assert_eq!(judge(&scene.reopened()).await.breached, 1);
}

async fn shown(scene: &Scene, case_id: &str) -> BirthStory {
    let request = ShowBirthRequest {
        context: Some(context("registry", "story")),
        case_id: case_id.into(),
        ..ShowBirthRequest::default()
    };
    let found = scene.insurance.birth_stories(soon(), request).await;
    let mut births = found.unwrap().births;
    assert_eq!(births.len(), 1);
    births.remove(0)
}

async fn a_birth_is_shown_from_its_message_to_its_card(scene: Scene) {
    let waits = doubt(&scene).await;
    scene.time.pass(HALF);
    judge(&scene).await;
    let open = shown(&scene, &waits.case_id).await;
    assert_eq!(open.case, Some(waits.clone()));
    assert_eq!((open.over_percent, open.told_percent), (50, 50));
    assert_eq!((open.settled.as_str(), open.done_at.as_str()), ("", ""));
    assert!(open.review.unwrap().decided_at.is_empty());
    decide(&scene).await;
    scene.time.pass(DAY);
    let done = shown(&scene, &waits.case_id).await;
    assert_eq!((done.over_percent, done.settled.as_str()), (50, "said-new"));
    assert_eq!(done.done_at, "2026-11-25T10:00:00Z");
    assert_eq!(done.review.unwrap().decided_by, "an");
    assert!(done.case.unwrap().card.is_some());
    let first = shown(&scene, &scene.birth(1).case_id).await;
    assert_eq!(
        (first.settled.as_str(), first.received_at.as_str()),
        ("minted", "2026-11-23T01:30:00Z")
    );
    assert!(first.review.is_none());
}

async fn a_birth_that_nobody_knows_is_not_shown(scene: Scene) {
    doubt(&scene).await;
    for (case_id, sender) in [("no-such-case", ""), ("H99.14-261120-000002", "other")] {
        let request = ShowBirthRequest {
            context: Some(context("registry", "story")),
            case_id: case_id.into(),
            sender: sender.into(),
        };
        let asked = scene.insurance.birth_stories(soon(), request);
        scene
            .refuses(asked, UnknownSubject, "unknown-case", "case_id")
            .await;
    }
}

async fn a_month_that_is_none_is_refused(scene: Scene) {
    for month in ["", "2026-13", "11/2026"] {
        let request = LawfulTimesRequest {
            context: Some(context("registry", "month")),
            month: month.into(),
        };
        let asked = scene.insurance.lawful_times(soon(), request);
        scene
            .refuses(asked, Invalid, "malformed-period", "month")
            .await;
    }
}
