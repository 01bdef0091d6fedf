//! Requests of data subjects: acknowledged in two working days, answered in ten, by the clock of births.

use schemas::proto::insurance::{
    DossierDecision as Word, JudgeClocksRequest, JudgeClocksResponse, RequestMark, RequestTimes,
    SubmitDossierRequest,
};
use serde_json::json;

use crate::decisions::{say, word};
use crate::representation::{born, change};
use crate::said::withdrawal;
use crate::scene::{Scene, context, soon};
use crate::{forms, over_both};

over_both! {
    a_request_that_nobody_takes_in_is_told_at_half_nine_tenths_and_all_of_two_working_days_once_each
    a_request_that_was_acknowledged_is_told_by_its_answer_alone
    an_answer_in_time_is_told_no_more_and_one_too_late_is_told_once
    the_clock_stands_still_while_the_applicant_is_waited_for
    every_end_of_a_request_stops_both_clocks
    a_judge_that_was_away_tells_the_last_mark_of_each_clock
    no_other_procedure_has_these_clocks
    a_request_whose_procedure_is_offered_no_more_keeps_its_clocks
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// From Monday 2026-11-23 09:00: the 24th is a holiday, so two working days end on Thursday at 17:00.
const ACKNOWLEDGED: i64 = 3 * DAY + 8 * HOUR;
/// Ten working days end on Tuesday 2026-12-08 at 17:00; five of them on Tuesday 2026-12-01, nine on Monday 2026-12-07.
const ANSWERED: i64 = 15 * DAY + 8 * HOUR;
const HALF: i64 = 8 * DAY + 8 * HOUR;
const MOST: i64 = 14 * DAY + 8 * HOUR;

/// The first holder asks who has looked.
pub fn request(scene: &Scene, n: u32) -> SubmitDossierRequest {
    let holder = &scene.marks.card_holders[0];
    SubmitDossierRequest {
        procedure: "9.000013".into(),
        form: json!({"MaBHXH": holder.si_number, "LoaiYeuCau": "XEM", "NoiDung": "Ai đã xem"})
            .to_string(),
        papers: Vec::new(),
        ..forms::change(scene, n)
    }
}

async fn submit(scene: &Scene, n: u32) -> String {
    let answer = scene.insurance.submit_dossier(soon(), request(scene, n));
    answer.await.unwrap().dossier.unwrap().code
}

async fn taken_in(scene: &Scene, n: u32) -> String {
    let code = submit(scene, n).await;
    for _ in 0..3 {
        scene.registry.advance().await.unwrap();
    }
    code
}

async fn judge(scene: &Scene) -> JudgeClocksResponse {
    let request = JudgeClocksRequest {
        context: Some(context("registry", "judge")),
        max: 10,
    };
    scene.insurance.judge_clocks(soon(), request).await.unwrap()
}

async fn told(scene: &Scene) -> Vec<(String, u32)> {
    let marks = judge(scene).await.requests.into_iter();
    marks.map(|mark| (mark.clock, mark.percent)).collect()
}

/// In time, half, most, late, breached.
async fn stands(scene: &Scene, clock: &str) -> [u64; 5] {
    let times = judge(scene).await.request_times;
    let one = times.into_iter().find(|one| one.clock == clock).unwrap();
    let RequestTimes {
        in_time,
        half,
        most,
        late,
        breached,
        ..
    } = one;
    [in_time, half, most, late, breached]
}

async fn a_request_that_nobody_takes_in_is_told_at_half_nine_tenths_and_all_of_two_working_days_once_each(
    scene: Scene,
) {
    let code = submit(&scene, 1).await;
    assert_eq!(stands(&scene, "acknowledge").await, [1, 0, 0, 0, 0]);
    let mut passed = 0;
    for (at, percent) in [
        (2 * DAY + 8 * HOUR, 50),
        (3 * DAY + 6 * HOUR + 12 * MINUTE, 90),
        (ACKNOWLEDGED, 100),
    ] {
        scene.time.pass(at - 1 - passed);
        assert!(told(&scene).await.is_empty(), "{percent} too early");
        scene.time.pass(1);
        passed = at;
        let expected = RequestMark {
            dossier: code.clone(),
            clock: "acknowledge".into(),
            percent,
            due_at: "2026-11-26T10:00:00Z".into(),
        };
        assert_eq!(judge(&scene).await.requests, [expected]);
        assert!(told(&scene).await.is_empty(), "{percent} twice");
    }
    assert_eq!(stands(&scene, "acknowledge").await, [0, 0, 0, 1, 1]);
    // it is taken in at last, and stays counted
    scene.registry.advance().await.unwrap();
    assert_eq!(stands(&scene, "acknowledge").await, [0, 0, 0, 0, 1]);
    assert_eq!(stands(&scene, "answer").await, [1, 0, 0, 0, 0]);
}

async fn a_request_that_was_acknowledged_is_told_by_its_answer_alone(scene: Scene) {
    let code = taken_in(&scene, 1).await;
    assert_eq!(stands(&scene, "acknowledge").await, [0; 5]);
    let mut passed = 0;
    for (at, percent) in [(HALF, 50), (MOST, 90), (ANSWERED, 100)] {
        scene.time.pass(at - 1 - passed);
        assert!(told(&scene).await.is_empty(), "{percent} too early");
        scene.time.pass(1);
        passed = at;
        let expected = RequestMark {
            dossier: code.clone(),
            clock: "answer".into(),
            percent,
            due_at: "2026-12-08T10:00:00Z".into(),
        };
        assert_eq!(judge(&scene).await.requests, [expected]);
    }
    assert_eq!(stands(&scene, "answer").await, [0, 0, 0, 1, 1]);
}

async fn an_answer_in_time_is_told_no_more_and_one_too_late_is_told_once(scene: Scene) {
    let first = taken_in(&scene, 1).await;
    let second = taken_in(&scene, 2).await;
    assert_eq!(say(&scene, word(&first, 3, Word::Approve)).await, 9);
    scene.time.pass(ANSWERED + 1);
    assert_eq!(say(&scene, word(&second, 3, Word::Approve)).await, 9);
    assert_eq!(told(&scene).await, [("answer".to_owned(), 100)]);
    assert!(told(&scene).await.is_empty());
    assert_eq!(stands(&scene, "answer").await, [0, 0, 0, 0, 1]);
}

async fn the_clock_stands_still_while_the_applicant_is_waited_for(scene: Scene) {
    let code = taken_in(&scene, 1).await;
    scene.time.pass(HALF + 1);
    assert_eq!(told(&scene).await, [("answer".to_owned(), 50)]);
    assert_eq!(say(&scene, word(&code, 3, Word::Supplement)).await, 5);
    scene.time.pass(4 * DAY);
    assert!(told(&scene).await.is_empty());
    // Saturday 2026-12-05, 17:00: ten working days begin anew, the first of them the seventh after Sunday and Monday
    let resumed = say(&scene, word(&code, 4, Word::Resume)).await;
    assert_eq!(resumed, 4);
    assert_eq!(stands(&scene, "answer").await, [1, 0, 0, 0, 0]);
    scene.time.pass(30 * DAY);
    let judged = judge(&scene).await;
    let due = crate::decisions::show(&scene, &code).await.dossier.unwrap();
    assert_eq!(judged.requests.len(), 1);
    assert_eq!(
        (judged.requests[0].percent, &judged.requests[0].due_at),
        (100, &due.due_at),
        "as the dossier itself says"
    );
}

async fn every_end_of_a_request_stops_both_clocks(scene: Scene) {
    // taken back before anybody has looked
    let code = submit(&scene, 1).await;
    let mut back = withdrawal(&scene, 1, &code);
    back.procedure = "9.000013".into();
    scene
        .insurance
        .withdraw_dossier(soon(), back)
        .await
        .unwrap();
    // and stopped by a person
    let code = taken_in(&scene, 2).await;
    assert_eq!(say(&scene, word(&code, 3, Word::Stop)).await, 8);
    scene.time.pass(40 * DAY);
    assert!(told(&scene).await.is_empty());
    assert_eq!(stands(&scene, "acknowledge").await, [0; 5]);
    assert_eq!(stands(&scene, "answer").await, [0; 5]);
}

async fn a_judge_that_was_away_tells_the_last_mark_of_each_clock(scene: Scene) {
    submit(&scene, 1).await;
    scene.time.pass(HALF + 1);
    assert_eq!(
        told(&scene).await,
        [("acknowledge".to_owned(), 100), ("answer".to_owned(), 50)]
    );
}

async fn no_other_procedure_has_these_clocks(scene: Scene) {
    let other = scene
        .insurance
        .submit_dossier(soon(), forms::change(&scene, 1));
    other.await.unwrap();
    scene.time.pass(40 * DAY);
    assert!(told(&scene).await.is_empty());
    assert_eq!(stands(&scene, "answer").await, [0; 5]);
}

async fn a_request_whose_procedure_is_offered_no_more_keeps_its_clocks(scene: Scene) {
    let ended = |code: &str| {
        scene.change(
            "UPDATE dossiers SET procedure = '9.000099' WHERE code = ?",
            code,
        );
    };
    let back = submit(&scene, 1).await;
    ended(&back);
    let taken = schemas::proto::insurance::WithdrawDossierRequest {
        procedure: "9.000099".into(),
        ..withdrawal(&scene, 1, &back)
    };
    let taken = scene.insurance.withdraw_dossier(soon(), taken).await;
    taken.unwrap();
    assert_eq!(stands(&scene, "acknowledge").await, [0; 5]);
    assert_eq!(stands(&scene, "answer").await, [0; 5]);
    let answered = taken_in(&scene, 2).await;
    ended(&answered);
    assert_eq!(say(&scene, word(&answered, 3, Word::Approve)).await, 9);
    assert_eq!(stands(&scene, "answer").await, [0; 5]);

    let asked = taken_in(&scene, 3).await;
    ended(&asked);
    scene.time.pass(HALF + 1);
    assert_eq!(told(&scene).await, [("answer".to_owned(), 50)]);
    assert_eq!(say(&scene, word(&asked, 3, Word::Supplement)).await, 5);
    scene.time.pass(8 * DAY);
    assert!(told(&scene).await.is_empty(), "it stands still");
    assert_eq!(say(&scene, word(&asked, 4, Word::Resume)).await, 4);
    // no row says how long it has now: it goes on where it stood
    scene.time.pass(MOST - HALF - 2);
    assert!(told(&scene).await.is_empty());
    scene.time.pass(1);
    let due_at = "2026-12-16T10:00:00Z".to_owned(); // eight days after Tuesday 2026-12-08
    let expected = RequestMark {
        dossier: asked.clone(),
        clock: "answer".into(),
        percent: 90,
        due_at,
    };
    assert_eq!(judge(&scene).await.requests, [expected]);
    assert_eq!(say(&scene, word(&asked, 5, Word::Approve)).await, 9);
    scene.time.pass(40 * DAY);
    assert!(told(&scene).await.is_empty());
    assert_eq!(stands(&scene, "answer").await, [0; 5]);
}

/// Runs every statement of requests and of parents once.
pub async fn ask_everything(scene: &Scene) {
    let case = born(scene, scene.birth(30)).await;
    let mother = scene.birth(30).mother.unwrap();
    let of_child = change(scene, &mother, &case, 60);
    scene
        .insurance
        .submit_dossier(soon(), of_child)
        .await
        .unwrap();
    let code = taken_in(scene, 61).await;
    assert_eq!(say(scene, word(&code, 3, Word::Supplement)).await, 5);
    assert_eq!(say(scene, word(&code, 4, Word::Resume)).await, 4);
    scene.time.pass(40 * DAY);
    assert_eq!(judge(scene).await.requests.len(), 1);
    scene.time.pass(-40 * DAY);
    let taken = withdrawal(scene, 61, &code);
    let taken = schemas::proto::insurance::WithdrawDossierRequest {
        procedure: "9.000013".into(),
        ..taken
    };
    scene
        .insurance
        .withdraw_dossier(soon(), taken)
        .await
        .unwrap();
}
