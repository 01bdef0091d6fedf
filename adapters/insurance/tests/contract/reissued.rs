//! Hospitals.Record: notices that are issued again, and deaths that a hospital takes back.

use schemas::fault::FaultCode::{Conflict, RuleRefused, UnknownSubject};
use schemas::proto::insurance::hospital_notice::Notice;
use schemas::proto::insurance::{
    BirthCaseState, BirthNotice, Card, CardState, Deceased, GetBirthFactsRequest,
    HospitalDeathWithdrawal, NoticeOutcome, Parent, RegisterDeathRequest,
};

use crate::hospitals::{
    CODE, born, cards, died, notice, packet, people, person, register, registration, tell, twin,
};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_notice_issued_again_stands_for_the_one_before_and_keeps_the_childs_number
    a_registration_finds_the_child_by_the_earlier_code_and_by_the_new_one
    a_notice_issued_again_after_the_registration_says_nothing_otherwise_of_the_child
    of_twins_the_paper_or_the_sex_says_which_notice_is_replaced
    a_wrong_day_is_corrected_under_a_new_code_and_no_second_number_is_given
    a_notice_of_another_mother_replaces_nothing
    one_whose_first_notice_never_came_is_a_first_one
    another_province_ends_the_card_and_prints_one_of_its_own
    a_death_that_a_hospital_takes_back_gives_everything_back
    a_death_is_taken_back_only_as_it_was_told_and_by_whoever_told_it
    a_death_that_the_civil_registry_tells_as_well_stands
}

const AGAIN: &str = "GCS.99001.26.00002";

/// The notice issued again under another code, now with the child's name.
fn again(scene: &Scene) -> BirthNotice {
    BirthNotice {
        code: AGAIN.into(),
        name: "Trần Hoà An".into(),
        reissued: true,
        ..notice(scene)
    }
}

async fn refused(
    scene: &Scene,
    key: &str,
    notice: Notice,
    reason: &'static str,
    field: &'static str,
) {
    let code = match reason {
        "which-notice" | "death-was-withdrawn" => RuleRefused,
        "unknown-case" => UnknownSubject,
        _ => Conflict,
    };
    let before = scene.fingerprint().await;
    let call = packet(scene, key, vec![notice]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene.refuses(call, code, reason, field).await;
    assert_eq!(scene.fingerprint().await, before, "{reason}");
}

/// How many children are told under a code.
async fn told_under(scene: &Scene, code: &str) -> usize {
    let request = GetBirthFactsRequest {
        context: Some(context("dvclt", "facts")),
        code: code.into(),
        mother_pin: scene.marks.mothers[0].pin.clone(),
    };
    let facts = scene.insurance.birth_facts(soon(), request).await;
    facts.unwrap().children.len()
}

fn valid(cards: &[Card]) -> Vec<&Card> {
    let valid = cards.iter().filter(|card| card.state() == CardState::Valid);
    valid.collect()
}

async fn a_notice_issued_again_stands_for_the_one_before_and_keeps_the_childs_number(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    let before = people(&scene).await;
    let second = born(&scene, "2", again(&scene)).await;
    assert_eq!(second.si_number, first.si_number);
    assert_eq!(
        (second.code.as_str(), second.outcome()),
        (AGAIN, NoticeOutcome::Temporary)
    );
    // the name is printed: the same card, printed again
    let (old, new) = (first.card.clone().unwrap(), second.card.clone().unwrap());
    assert_eq!((&new.number, new.serial), (&old.number, old.serial + 1));
    assert_eq!(valid(&cards(&scene, &first.si_number).await).len(), 1);
    assert_eq!(person(&scene, &first.si_number).await.name, "Trần Hoà An");
    assert_eq!(people(&scene).await, before);
    // the same again is the same, and the earlier paper is none any more
    assert_eq!(born(&scene, "again", again(&scene)).await, second);
    refused(
        &scene,
        "old",
        Notice::Birth(notice(&scene)),
        "notice-was-replaced",
        "code",
    )
    .await;
    assert_eq!(
        (
            told_under(&scene, CODE).await,
            told_under(&scene, AGAIN).await
        ),
        (0, 1)
    );
    // under its own code, once more: only what is printed is printed again
    let third = BirthNotice {
        issued_on: "2026-11-17".into(),
        ..again(&scene)
    };
    let third = born(&scene, "3", third).await;
    assert_eq!(third.card, second.card);
    let other = BirthNotice {
        reissued: false,
        ..again(&scene)
    };
    refused(
        &scene,
        "other",
        Notice::Birth(other),
        "notice-has-other-facts",
        "code",
    )
    .await;
}

async fn a_registration_finds_the_child_by_the_earlier_code_and_by_the_new_one(scene: Scene) {
    for (nth, code) in [(0_u32, CODE), (1, "GCS.99001.26.00003")] {
        let mother = &scene.marks.mothers[nth as usize];
        let mother = Parent {
            name: mother.name.clone(),
            birth_date: mother.birth_date.clone(),
            pin: mother.pin.clone(),
        };
        let mut first = notice(&scene);
        first.code = format!("GCS.99001.26.1000{nth}");
        first.mother = Some(mother.clone());
        let told = born(&scene, &format!("first-{nth}"), first.clone()).await;
        let number = told.si_number;
        let mut second = first.clone();
        (second.code, second.reissued) = (code.into(), true);
        let told = born(&scene, &format!("second-{nth}"), second.clone()).await;
        assert_eq!(told.si_number, number);
        // the sheet that was given out first, or the one that stands for it
        let mut request = registration(&scene, nth, 1);
        request.mother = Some(mother);
        request.birth_notice = if nth == 0 { first.code } else { second.code };
        let case = register(&scene, &request).await;
        assert_eq!(
            (case.state(), case.si_number),
            (BirthCaseState::Completed, number)
        );
    }
}

async fn a_notice_issued_again_after_the_registration_says_nothing_otherwise_of_the_child(
    scene: Scene,
) {
    let first = born(&scene, "1", notice(&scene)).await;
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    let (child, card) = (person(&scene, &first.si_number).await, case.card);
    let told = born(&scene, "2", again(&scene)).await;
    assert_eq!((&told.si_number, &told.card), (&first.si_number, &card));
    assert_eq!(person(&scene, &first.si_number).await, child);
    assert_eq!(
        (
            told_under(&scene, CODE).await,
            told_under(&scene, AGAIN).await
        ),
        (0, 1)
    );
}

async fn of_twins_the_paper_or_the_sex_says_which_notice_is_replaced(scene: Scene) {
    let mut numbers = Vec::new();
    for (paper, sex) in [("CT-1", 1), ("CT-2", 1)] {
        numbers.push(
            born(&scene, paper, twin(&scene, paper, sex))
                .await
                .si_number,
        );
    }
    let of = |paper: &str, sex| BirthNotice {
        code: AGAIN.into(),
        reissued: true,
        ..twin(&scene, paper, sex)
    };
    // neither paper nor sex tells two boys apart
    refused(
        &scene,
        "which",
        Notice::Birth(of("CT-9", 1)),
        "which-notice",
        "paper",
    )
    .await;
    let second = born(&scene, "second", of("CT-2", 1)).await;
    assert_eq!(second.si_number, numbers[1]);
    // now one is left under the earlier code
    let first = born(&scene, "first", of("CT-9", 1)).await;
    assert_eq!(first.si_number, numbers[0]);
    assert_eq!(
        (
            told_under(&scene, CODE).await,
            told_under(&scene, AGAIN).await
        ),
        (0, 2)
    );
    let third = Notice::Birth(twin(&scene, "CT-2", 1));
    refused(&scene, "old", third, "notice-was-replaced", "code").await;
}

async fn a_wrong_day_is_corrected_under_a_new_code_and_no_second_number_is_given(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    let before = people(&scene).await;
    let right = BirthNotice {
        birth_date: "2026-10-31".into(),
        issued_on: "2026-11-17".into(),
        ..again(&scene)
    };
    let told = born(&scene, "2", right).await;
    assert_eq!(told.si_number, first.si_number);
    let card = told.card.unwrap();
    assert_eq!(
        (
            card.valid_from.as_str(),
            card.valid_to.as_str(),
            card.serial
        ),
        ("2026-10-31", "2026-12-30", 2)
    );
    let child = person(&scene, &first.si_number).await;
    assert_eq!(child.birth_date, "2026-10-31");
    assert_eq!(people(&scene).await, before);
}

async fn a_notice_of_another_mother_replaces_nothing(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    let mut other = again(&scene);
    other.code = CODE.into();
    let mother = &scene.marks.mothers[1];
    let known = other.mother.as_mut().unwrap();
    (known.pin, known.name) = (mother.pin.clone(), mother.name.clone());
    known.birth_date.clone_from(&mother.birth_date);
    refused(
        &scene,
        "same-code",
        Notice::Birth(other.clone()),
        "another-birth",
        "code",
    )
    .await;
    other.code = AGAIN.into();
    let told = born(&scene, "2", other).await;
    assert_ne!(told.si_number, first.si_number, "another child");
    assert_eq!(told_under(&scene, CODE).await, 1);
}

async fn one_whose_first_notice_never_came_is_a_first_one(scene: Scene) {
    let before = people(&scene).await;
    let told = born(&scene, "1", again(&scene)).await;
    assert_eq!(told.outcome(), NoticeOutcome::Temporary);
    assert_eq!(people(&scene).await, before + 1);
    // the first one comes late: it is of a birth that is told already
    let late = born(&scene, "late", notice(&scene)).await;
    assert_ne!(late.outcome(), NoticeOutcome::Temporary);
    assert_eq!(people(&scene).await, before + 1);
}

async fn another_province_ends_the_card_and_prints_one_of_its_own(scene: Scene) {
    let first = born(&scene, "1", notice(&scene)).await;
    let places = &scene.marks.places;
    let elsewhere = places.iter().find(|one| one.province != places[0].province);
    let elsewhere = elsewhere.unwrap();
    let moved = BirthNotice {
        name: String::new(),
        residence_commune: elsewhere.commune.clone(),
        ..again(&scene)
    };
    let card = born(&scene, "2", moved).await.card.unwrap();
    let number = format!("TE1{}{}", elsewhere.province, first.si_number);
    assert_eq!((card.number.as_str(), card.serial), (number.as_str(), 1));
    let all = cards(&scene, &first.si_number).await;
    assert_eq!((all.len(), valid(&all).len()), (2, 1));
}

fn taken_back(death: &RegisterDeathRequest) -> Notice {
    Notice::Withdrawal(HospitalDeathWithdrawal {
        death: Some(death.clone()),
        case_id: "Id-back".into(),
        reason: "nhầm người".into(),
    })
}

/// The death of somebody who has a card and has worked.
fn of_a_holder(scene: &Scene) -> RegisterDeathRequest {
    let holder = scene.marks.card_holders[0].clone();
    RegisterDeathRequest {
        deceased: Some(Deceased {
            pin: holder.pin,
            name: holder.name,
            si_number: holder.si_number,
            ..Deceased::default()
        }),
        ..died("")
    }
}

async fn a_death_that_a_hospital_takes_back_gives_everything_back(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let before = (
        person(&scene, &holder.pin).await,
        cards(&scene, &holder.si_number).await,
    );
    let death = of_a_holder(&scene);
    tell(&scene, "1", Notice::Death(death.clone())).await;
    assert!(person(&scene, &holder.pin).await.dead);
    assert!(valid(&cards(&scene, &holder.si_number).await).is_empty());
    let answer = tell(&scene, "2", taken_back(&death)).await;
    assert_eq!(
        (answer.outcome(), &answer.si_number),
        (NoticeOutcome::DeathWithdrawn, &holder.si_number)
    );
    let after = (
        person(&scene, &holder.pin).await,
        cards(&scene, &holder.si_number).await,
    );
    assert_eq!(after, before, "nothing is lost");
    // once more changes nothing; and under that code nobody dies again
    assert_eq!(tell(&scene, "3", taken_back(&death)).await, answer);
    assert!(!person(&scene, &holder.pin).await.dead);
    assert_eq!(
        valid(&cards(&scene, &holder.si_number).await).len(),
        valid(&before.1).len()
    );
    refused(
        &scene,
        "4",
        Notice::Death(death.clone()),
        "death-was-withdrawn",
        "code",
    )
    .await;
    let anew = RegisterDeathRequest {
        case_id: "GBT.99001.26.00002".into(),
        death_notice: "GBT.99001.26.00002".into(),
        ..death
    };
    tell(&scene, "5", Notice::Death(anew)).await;
    assert!(person(&scene, &holder.pin).await.dead);
}

async fn a_death_is_taken_back_only_as_it_was_told_and_by_whoever_told_it(scene: Scene) {
    let death = of_a_holder(&scene);
    refused(&scene, "never", taken_back(&death), "unknown-case", "code").await;
    tell(&scene, "1", Notice::Death(death.clone())).await;
    let mut other = death.clone();
    other.died_on = "2026-11-16".into();
    refused(
        &scene,
        "day",
        taken_back(&other),
        "case-has-other-facts",
        "code",
    )
    .await;
    let mut other = death;
    other.deceased = died(&scene.marks.card_holders[1].si_number).deceased;
    refused(
        &scene,
        "who",
        taken_back(&other),
        "case-has-other-facts",
        "code",
    )
    .await;
    let holder = &scene.marks.card_holders[0];
    assert!(person(&scene, &holder.pin).await.dead);
}

async fn a_death_that_the_civil_registry_tells_as_well_stands(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let death = of_a_holder(&scene);
    tell(&scene, "1", Notice::Death(death.clone())).await;
    let registered = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        record: Some(Default::default()),
        ..death.clone()
    };
    let call = scene.insurance.register_death(soon(), registered);
    call.await.unwrap();
    let answer = tell(&scene, "2", taken_back(&death)).await;
    assert_eq!(answer.outcome(), NoticeOutcome::DeathWithdrawn);
    assert!(
        person(&scene, &holder.pin).await.dead,
        "the register says so"
    );
    assert!(valid(&cards(&scene, &holder.si_number).await).is_empty());
}
