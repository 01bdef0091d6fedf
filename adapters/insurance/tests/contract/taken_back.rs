//! Hospitals.Record: notices of a birth that a hospital takes back, and notices of a death that are issued again.

use schemas::fault::FaultCode::{Conflict, RuleRefused, UnknownSubject};
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::hospital_notice::Notice;
use schemas::proto::insurance::{
    BirthCaseState, BirthNotice, Card, CardState, Deceased, FuneralState, GetContributionsRequest,
    GetDeathCasesRequest, HospitalAnswer, HospitalBirthWithdrawal, HospitalDeathWithdrawal,
    ListReviewsRequest, NoticeOutcome, RegisterDeathRequest, ShowBirthRequest, ShowReviewRequest,
};

use crate::hospitals::{
    born, cards, died, notice, packet, people, person, register, registration, tell, twin,
};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_birth_that_is_taken_back_ends_its_temporary_card_and_nothing_else
    a_birth_is_taken_back_only_as_it_was_told_and_by_whoever_told_it
    a_birth_that_was_taken_back_is_told_anew_under_another_code_and_keeps_its_number
    a_registration_of_a_birth_that_was_taken_back_waits_for_a_person
    a_notice_that_stands_is_not_doubted_for_one_that_was_taken_back
    a_registered_child_keeps_its_card_and_its_case_says_that_the_notice_was_taken_back
    of_twins_one_is_taken_back_and_told_anew
    a_card_that_a_death_ended_does_not_come_back_after_its_notice_was_taken_back
    a_death_notice_issued_again_moves_the_day_and_leaves_one_case_of_the_allowance
    a_death_notice_issued_again_of_somebody_else_gives_the_first_one_back
    a_death_notice_issued_again_before_the_first_is_a_first_one
    a_number_without_its_book_is_of_the_same_person_alone
    a_day_that_the_civil_registry_tells_otherwise_is_not_moved
    a_replacement_that_is_taken_back_gives_everything_back
}

const ANEW: &str = "GCS.99001.26.00002";

fn back(birth: &BirthNotice) -> Notice {
    Notice::BirthWithdrawal(HospitalBirthWithdrawal {
        birth: Some(birth.clone()),
        case_id: "Id-back".into(),
        reason: "nhầm mẹ".into(),
    })
}

fn anew(scene: &Scene) -> BirthNotice {
    BirthNotice {
        code: ANEW.into(),
        ..notice(scene)
    }
}

async fn refused(scene: &Scene, key: &str, notice: Notice, reason: &'static str) {
    let code = match reason {
        "which-notice" | "notice-was-withdrawn" => RuleRefused,
        "unknown-case" => UnknownSubject,
        _ => Conflict,
    };
    let field = match reason {
        "death-on-another-day" => "died_on",
        _ => "code",
    };
    let before = scene.fingerprint().await;
    let call = packet(scene, key, vec![notice]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene.refuses(call, code, reason, field).await;
    assert_eq!(scene.fingerprint().await, before, "{reason}");
}

async fn valid(scene: &Scene, number: &str) -> Vec<Card> {
    let mut all = cards(scene, number).await;
    all.retain(|card| card.state() == CardState::Valid);
    all
}

/// The events of the one case under an id.
async fn events(scene: &Scene, case_id: &str) -> Vec<String> {
    let request = ShowBirthRequest {
        context: Some(context("registry", "show")),
        case_id: case_id.into(),
        ..ShowBirthRequest::default()
    };
    let shown = scene.insurance.birth_stories(soon(), request).await;
    let mut births = shown.unwrap().births;
    let later = births.remove(0).later.into_iter();
    later
        .map(|event| format!("{} {}", event.what, event.case_id))
        .collect()
}

async fn a_birth_that_is_taken_back_ends_its_temporary_card_and_nothing_else(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    let (child, before) = (person(&scene, &first.si_number).await, people(&scene).await);
    let answer = tell(&scene, "2", back(&notice(&scene))).await;
    assert_eq!(
        (answer.outcome(), &answer.si_number, &answer.card),
        (NoticeOutcome::BirthWithdrawn, &first.si_number, &None)
    );
    let all = cards(&scene, &first.si_number).await;
    let states: Vec<_> = all.iter().map(Card::state).collect();
    assert_eq!(states, [CardState::Revoked]);
    // the number is nobody else's, and the row stays
    assert_eq!(person(&scene, &first.si_number).await, child);
    assert_eq!(people(&scene).await, before);
    // once more changes nothing
    let after = scene.fingerprint().await;
    assert_eq!(tell(&scene, "3", back(&notice(&scene))).await, answer);
    assert_eq!(scene.fingerprint().await, after);
    refused(
        &scene,
        "4",
        Notice::Birth(notice(&scene)),
        "notice-was-withdrawn",
    )
    .await;
    let again = BirthNotice {
        reissued: true,
        ..notice(&scene)
    };
    refused(&scene, "5", Notice::Birth(again), "notice-was-withdrawn").await;
}

async fn a_birth_is_taken_back_only_as_it_was_told_and_by_whoever_told_it(scene: Scene) {
    // before its notice
    refused(&scene, "never", back(&notice(&scene)), "unknown-case").await;
    let first = born(&scene, "1", notice(&scene)).await;
    let other = BirthNotice {
        birth_date: "2026-11-14".into(),
        ..notice(&scene)
    };
    refused(&scene, "day", back(&other), "case-has-other-facts").await;
    // another facility knows no such notice
    let stranger = &scene.marks.places[1].facility;
    let mut call = packet(&scene, "stranger", vec![back(&notice(&scene))]);
    let partner = schemas::id::FacilityCode::parse(stranger)
        .unwrap()
        .partner();
    call.context = Some(context(partner.as_str(), "stranger"));
    call.facility.clone_from(stranger);
    let before = scene.fingerprint().await;
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, UnknownSubject, "unknown-case", "code")
        .await;
    assert_eq!(scene.fingerprint().await, before);
    assert_eq!(valid(&scene, &first.si_number).await.len(), 1);
    // one that was replaced is nothing to take back
    let again = BirthNotice {
        reissued: true,
        ..anew(&scene)
    };
    born(&scene, "2", again).await;
    refused(&scene, "old", back(&notice(&scene)), "notice-was-replaced").await;
    assert_eq!(valid(&scene, &first.si_number).await.len(), 1);
}

async fn a_birth_that_was_taken_back_is_told_anew_under_another_code_and_keeps_its_number(
    scene: Scene,
) {
    let first = born(&scene, "1", notice(&scene)).await;
    let before = people(&scene).await;
    tell(&scene, "2", back(&notice(&scene))).await;
    let told = born(&scene, "3", anew(&scene)).await;
    assert_eq!(
        (told.outcome(), &told.si_number),
        (NoticeOutcome::Temporary, &first.si_number)
    );
    let (old, new) = (first.card.unwrap(), told.card.unwrap());
    assert_eq!((&new.number, new.serial), (&old.number, old.serial + 1));
    assert_eq!(valid(&scene, &first.si_number).await, [new]);
    assert_eq!(people(&scene).await, before);
    // the registration that names the new sheet goes on under the number, and nobody is asked
    let mut request = registration(&scene, 0, 1);
    request.birth_notice = ANEW.into();
    let case = register(&scene, &request).await;
    assert_eq!(
        (case.state(), case.si_number),
        (BirthCaseState::Completed, first.si_number)
    );
    assert_eq!(people(&scene).await, before);
}

async fn a_registration_of_a_birth_that_was_taken_back_waits_for_a_person(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    tell(&scene, "2", back(&notice(&scene))).await;
    let before = people(&scene).await;
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    assert_eq!(people(&scene).await, before, "nobody was given a number");
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided: false,
    };
    let waiting = scene.insurance.reviews(soon(), request).await.unwrap();
    let review = &waiting.reviews[0];
    assert!(review.why.contains("notice-withdrawn"), "{}", review.why);
    let request = ShowReviewRequest {
        context: Some(context("registry", "look")),
        id: review.id,
    };
    let shown = scene.insurance.review(soon(), request).await.unwrap();
    let who = shown.candidates[0].person.clone().unwrap();
    assert_eq!(who.si_number, first.si_number);
}

async fn a_notice_that_stands_is_not_doubted_for_one_that_was_taken_back(scene: Scene) {
    // a boy, it was said; it is a girl
    let wrong = born(&scene, "1", notice(&scene)).await;
    tell(&scene, "2", back(&notice(&scene))).await;
    let girl = BirthNotice {
        sex: 2,
        ..anew(&scene)
    };
    let right = born(&scene, "3", girl).await;
    assert_eq!(right.outcome(), NoticeOutcome::Temporary);
    assert_ne!(right.si_number, wrong.si_number);
    let mut request = registration(&scene, 0, 2);
    request.birth_notice = ANEW.into();
    let case = register(&scene, &request).await;
    assert_eq!(
        (case.state(), case.si_number),
        (BirthCaseState::Completed, right.si_number)
    );
    assert!(valid(&scene, &wrong.si_number).await.is_empty());
}

async fn a_registered_child_keeps_its_card_and_its_case_says_that_the_notice_was_taken_back(
    scene: Scene,
) {
    born(&scene, "1", notice(&scene)).await;
    let request = registration(&scene, 0, 1);
    let case = register(&scene, &request).await;
    let (child, card) = (person(&scene, &case.si_number).await, case.card.unwrap());
    let answer = tell(&scene, "2", back(&notice(&scene))).await;
    assert_eq!(
        (answer.outcome(), answer.card.as_ref()),
        (NoticeOutcome::BirthWithdrawnLate, Some(&card))
    );
    assert_eq!(valid(&scene, &case.si_number).await, [card]);
    assert_eq!(person(&scene, &case.si_number).await, child);
    assert_eq!(
        events(&scene, &request.case_id).await,
        ["notice-withdrawn Id-back"]
    );
    assert_eq!(tell(&scene, "3", back(&notice(&scene))).await, answer);
    assert_eq!(events(&scene, &request.case_id).await.len(), 1);
}

async fn of_twins_one_is_taken_back_and_told_anew(scene: Scene) {
    let mut numbers = Vec::new();
    for paper in ["CT-1", "CT-2"] {
        let told = born(&scene, paper, twin(&scene, paper, 1)).await;
        numbers.push(told.si_number);
    }
    tell(&scene, "back", back(&twin(&scene, "CT-2", 1))).await;
    assert_eq!(valid(&scene, &numbers[0]).await.len(), 1);
    assert!(valid(&scene, &numbers[1]).await.is_empty());
    // of two told one stands: another paper of the birth is that child
    let told = born(&scene, "anew", twin(&scene, "CT-3", 1)).await;
    assert_eq!(told.si_number, numbers[1]);
    assert_eq!(valid(&scene, &numbers[1]).await.len(), 1);
}

async fn a_card_that_a_death_ended_does_not_come_back_after_its_notice_was_taken_back(
    scene: Scene,
) {
    let first = born(&scene, "1", notice(&scene)).await;
    let death = died(&first.si_number);
    tell(&scene, "2", Notice::Death(death.clone())).await;
    tell(&scene, "3", back(&notice(&scene))).await;
    // whoever is dead gets no card by a new sheet
    let told = born(&scene, "4", anew(&scene)).await;
    assert_eq!((told.si_number, told.card), (first.si_number.clone(), None));
    let withdrawal = HospitalDeathWithdrawal {
        death: Some(death),
        case_id: "Id-alive".into(),
        reason: String::new(),
    };
    tell(&scene, "5", Notice::Withdrawal(withdrawal)).await;
    assert!(!person(&scene, &first.si_number).await.dead);
    assert!(valid(&scene, &first.si_number).await.is_empty());
}

/// The death of somebody who has a card and has worked, as the first sheet of a book tells it.
fn first_sheet(scene: &Scene, holder: usize) -> RegisterDeathRequest {
    let holder = scene.marks.card_holders[holder].clone();
    RegisterDeathRequest {
        deceased: Some(Deceased {
            pin: holder.pin,
            name: holder.name,
            si_number: holder.si_number,
            ..Deceased::default()
        }),
        proof_number: "12".into(),
        proof_book: "01/2026".into(),
        ..died("")
    }
}

/// The same issued again in its place.
fn second_sheet(scene: &Scene, holder: usize) -> RegisterDeathRequest {
    RegisterDeathRequest {
        case_id: "GBT.99001.26.00002".into(),
        death_notice: "GBT.99001.26.00002".into(),
        proof_number: "13".into(),
        replaces_number: "12".into(),
        replaces_book: "01/2026".into(),
        ..first_sheet(scene, holder)
    }
}

fn death_back(death: &RegisterDeathRequest) -> Notice {
    Notice::Withdrawal(HospitalDeathWithdrawal {
        death: Some(death.clone()),
        case_id: "Id-alive".into(),
        reason: String::new(),
    })
}

/// The allowance's case of the first and of the second sheet.
async fn allowance(scene: &Scene) -> [FuneralState; 2] {
    let sender = packet(scene, "poll", Vec::new()).context.unwrap().sender;
    let request = GetDeathCasesRequest {
        context: Some(context(&sender, "poll")),
        case_ids: vec![
            first_sheet(scene, 0).case_id,
            second_sheet(scene, 0).case_id,
        ],
    };
    let cases = scene.insurance.death_cases(soon(), request).await;
    let cases = cases.unwrap().cases;
    [cases[0].funeral(), cases[1].funeral()]
}

/// The last month in which the first holder took part.
async fn last_month(scene: &Scene) -> String {
    let request = GetContributionsRequest {
        context: Some(context("tax", "contributions")),
        number: Some(Number::Pin(scene.marks.card_holders[0].pin.clone())),
        from: "2026-01".into(),
        to: "2026-12".into(),
    };
    let told = scene.insurance.contributions(soon(), request).await;
    told.unwrap().stretches.last().unwrap().to.clone()
}

async fn dead(scene: &Scene, key: &str, death: RegisterDeathRequest) -> HospitalAnswer {
    let answer = tell(scene, key, Notice::Death(death)).await;
    assert_eq!(answer.outcome(), NoticeOutcome::Death);
    answer
}

async fn a_death_notice_issued_again_moves_the_day_and_leaves_one_case_of_the_allowance(
    scene: Scene,
) {
    let holder = scene.marks.card_holders[0].clone();
    let alive = cards(&scene, &holder.si_number).await;
    dead(&scene, "1", first_sheet(&scene, 0)).await;
    assert!(last_month(&scene).await.as_str() > "2026-08");
    let second = RegisterDeathRequest {
        died_on: "2026-08-10".into(),
        ..second_sheet(&scene, 0)
    };
    let answer = dead(&scene, "2", second.clone()).await;
    assert_eq!(
        (answer.code.as_str(), &answer.si_number),
        ("GBT.99001.26.00002", &holder.si_number)
    );
    let ended = cards(&scene, &holder.si_number).await;
    assert_eq!(ended.len(), alive.len(), "no card is printed");
    let was_valid = alive.iter().filter(|card| card.state() == CardState::Valid);
    for card in was_valid {
        let now = ended.iter().find(|one| one.serial == card.serial).unwrap();
        assert_eq!(
            (now.state(), now.valid_to.as_str()),
            (CardState::Revoked, "2026-08-10")
        );
    }
    assert_eq!(last_month(&scene).await, "2026-08");
    assert_eq!(
        allowance(&scene).await,
        [FuneralState::Cancelled, FuneralState::Open]
    );
    // the same again is the same, and the first sheet is none any more
    let after = scene.fingerprint().await;
    assert_eq!(dead(&scene, "3", second.clone()).await, answer);
    assert_eq!(scene.fingerprint().await, after);
    let first = first_sheet(&scene, 0);
    refused(
        &scene,
        "4",
        Notice::Death(first.clone()),
        "notice-was-replaced",
    )
    .await;
    refused(&scene, "5", death_back(&first), "notice-was-replaced").await;
    // another sheet for the first one
    let third = RegisterDeathRequest {
        case_id: "GBT.99001.26.00003".into(),
        death_notice: "GBT.99001.26.00003".into(),
        proof_number: "14".into(),
        ..second_sheet(&scene, 0)
    };
    refused(
        &scene,
        "6",
        Notice::Death(third.clone()),
        "notice-was-replaced",
    )
    .await;
    // but one for the second
    let third = RegisterDeathRequest {
        replaces_number: "13".into(),
        ..third
    };
    dead(&scene, "7", third.clone()).await;
    // and everything is given back at the end
    tell(&scene, "8", death_back(&third)).await;
    assert_eq!(cards(&scene, &holder.si_number).await, alive);
    assert!(!person(&scene, &holder.pin).await.dead);
}

async fn a_death_notice_issued_again_of_somebody_else_gives_the_first_one_back(scene: Scene) {
    let [wrong, right] = [0, 1].map(|at| scene.marks.card_holders[at].clone());
    let before = (
        person(&scene, &wrong.pin).await,
        cards(&scene, &wrong.si_number).await,
    );
    dead(&scene, "1", first_sheet(&scene, 0)).await;
    let answer = dead(&scene, "2", second_sheet(&scene, 1)).await;
    assert_eq!(answer.si_number, right.si_number);
    let after = (
        person(&scene, &wrong.pin).await,
        cards(&scene, &wrong.si_number).await,
    );
    assert_eq!(after, before, "nothing is lost");
    assert!(person(&scene, &right.pin).await.dead);
    assert!(valid(&scene, &right.si_number).await.is_empty());
}

async fn a_death_notice_issued_again_before_the_first_is_a_first_one(scene: Scene) {
    let holder = &scene.marks.card_holders[0];
    dead(&scene, "1", second_sheet(&scene, 0)).await;
    assert!(person(&scene, &holder.pin).await.dead);
    let late = first_sheet(&scene, 0);
    refused(&scene, "late", Notice::Death(late), "notice-was-replaced").await;
    // a first one of another book has nothing to do with it
    let other = RegisterDeathRequest {
        proof_book: "01/2025".into(),
        ..first_sheet(&scene, 1)
    };
    dead(&scene, "other", other).await;
}

async fn a_number_without_its_book_is_of_the_same_person_alone(scene: Scene) {
    let bookless = |death: RegisterDeathRequest| RegisterDeathRequest {
        proof_book: String::new(),
        replaces_book: String::new(),
        ..death
    };
    let other = scene.marks.card_holders[1].clone();
    dead(&scene, "1", bookless(first_sheet(&scene, 0))).await;
    // number 12 of some other year
    let answer = dead(&scene, "2", bookless(second_sheet(&scene, 1))).await;
    assert_eq!(answer.si_number, other.si_number);
    assert!(person(&scene, &scene.marks.card_holders[0].pin).await.dead);
    let again = RegisterDeathRequest {
        case_id: "GBT.99001.26.00009".into(),
        death_notice: "GBT.99001.26.00009".into(),
        died_on: "2026-11-12".into(),
        ..bookless(second_sheet(&scene, 0))
    };
    dead(&scene, "3", again).await;
    let first = bookless(first_sheet(&scene, 0));
    refused(&scene, "4", Notice::Death(first), "notice-was-replaced").await;
}

async fn a_day_that_the_civil_registry_tells_otherwise_is_not_moved(scene: Scene) {
    let first = first_sheet(&scene, 0);
    dead(&scene, "1", first.clone()).await;
    let registered = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        record: Some(Default::default()),
        ..first
    };
    let call = scene.insurance.register_death(soon(), registered);
    call.await.unwrap();
    let moved = RegisterDeathRequest {
        died_on: "2026-11-12".into(),
        ..second_sheet(&scene, 0)
    };
    refused(&scene, "2", Notice::Death(moved), "death-on-another-day").await;
    // of the same day it stands beside what is registered
    dead(&scene, "3", second_sheet(&scene, 0)).await;
    assert!(person(&scene, &scene.marks.card_holders[0].pin).await.dead);
}

async fn a_replacement_that_is_taken_back_gives_everything_back(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let before = (
        person(&scene, &holder.pin).await,
        cards(&scene, &holder.si_number).await,
    );
    dead(&scene, "1", first_sheet(&scene, 0)).await;
    dead(&scene, "2", second_sheet(&scene, 0)).await;
    let answer = tell(&scene, "3", death_back(&second_sheet(&scene, 0))).await;
    assert_eq!(answer.outcome(), NoticeOutcome::DeathWithdrawn);
    let after = (
        person(&scene, &holder.pin).await,
        cards(&scene, &holder.si_number).await,
    );
    assert_eq!(after, before, "the first sheet does not stand up again");
}
