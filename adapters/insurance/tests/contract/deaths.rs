//! Deaths.Register, Withdraw and GetCases.

use insurance::Insurance;
use schemas::fault::FaultCode::{self, AmbiguousSubject, Conflict, Invalid, UnknownSubject};
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::{
    BirthCaseState, Card, CardState, DeathCase, Deceased, FindRequest, FuneralState,
    GetBirthCasesRequest, GetContributionsRequest, GetDeathCasesRequest, ListCardsRequest,
    RegisterBirthRequest, RegisterDeathRequest, WithdrawDeathRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_death_ends_cards_and_participation_with_its_day_and_opens_the_funeral_case
    a_withdrawn_death_gives_everything_back
    a_death_reported_twice_is_one_and_is_over_only_when_both_are_withdrawn
    a_death_on_another_day_is_a_conflict
    a_death_before_its_birth_leaves_a_number_and_no_card
    a_child_who_lives_after_all_gets_the_card
    a_death_under_another_persons_pin_waits_without_touching_the_child
    every_broken_fact_of_a_death_is_refused_and_changes_nothing
    deaths_are_told_to_their_sender_only
}

/// The death of the first card holder, who works.
fn death(scene: &Scene, n: u32) -> RegisterDeathRequest {
    let holder = &scene.marks.card_holders[0];
    RegisterDeathRequest {
        context: Some(context("dvclt", &format!("death-{n}"))),
        case_id: format!("G22.99.09-261120-{n:06}"),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: holder.pin.clone(),
            name: holder.name.clone(),
            sex: 0,
            birth_date: holder.birth_date.clone(),
            ..Deceased::default()
        }),
        died_on: "2026-11-19".into(),
        proof_kind: 1,
        ..RegisterDeathRequest::default()
    }
}

/// The death of the child of a birth, on the day after it.
fn of_child(scene: &Scene, birth: &RegisterBirthRequest) -> RegisterDeathRequest {
    let child = birth.child.as_ref().unwrap();
    RegisterDeathRequest {
        deceased: Some(Deceased {
            pin: child.pin.clone(),
            name: child.name.clone(),
            sex: child.sex,
            birth_date: "2026".into(),
            ..Deceased::default()
        }),
        died_on: "2026-11-16".into(),
        ..death(scene, 7)
    }
}

fn taken_back(n: u32) -> WithdrawDeathRequest {
    WithdrawDeathRequest {
        context: Some(context("dvclt", &format!("withdraw-{n}"))),
        case_id: format!("G22.99.10-261120-{n:06}"),
        withdraws: format!("G22.99.09-261120-{n:06}"),
        reason: "another person".into(),
    }
}

async fn die(insurance: &Insurance, request: &RegisterDeathRequest) -> DeathCase {
    let answer = insurance.register_death(soon(), request.clone()).await;
    answer.unwrap().case.unwrap()
}

async fn withdraw(scene: &Scene, n: u32) -> DeathCase {
    let answer = scene.insurance.withdraw_death(soon(), taken_back(n)).await;
    answer.unwrap().case.unwrap()
}

async fn cards(scene: &Scene, si_number: &str) -> Vec<Card> {
    let request = ListCardsRequest {
        context: Some(context("dvclt", "cards")),
        si_number: si_number.into(),
    };
    scene.insurance.cards(soon(), request).await.unwrap().cards
}

async fn is_dead(scene: &Scene, pin: &str) -> bool {
    let request = FindRequest {
        context: Some(context("dvclt", "find")),
        number: pin.into(),
        ..FindRequest::default()
    };
    scene.insurance.find(soon(), request).await.unwrap().people[0].dead
}

/// Months with contributions of the first holder, the month after the death included where it works on.
async fn last_month(scene: &Scene) -> String {
    let request = GetContributionsRequest {
        context: Some(context("tax", "contributions")),
        number: Some(Number::Pin(scene.marks.card_holders[0].pin.clone())),
        from: "2026-01".into(),
        to: "2026-12".into(),
    };
    let told = scene
        .insurance
        .contributions(soon(), request)
        .await
        .unwrap();
    told.stretches.last().unwrap().to.clone()
}

async fn birth_case(scene: &Scene, birth: &RegisterBirthRequest) -> (i32, Option<Card>) {
    let request = GetBirthCasesRequest {
        context: Some(context("dvclt", "poll")),
        case_ids: vec![birth.case_id.clone()],
    };
    let mut cases = scene
        .insurance
        .birth_cases(soon(), request)
        .await
        .unwrap()
        .cases;
    let case = cases.remove(0);
    (case.state, case.card)
}

async fn a_death_ends_cards_and_participation_with_its_day_and_opens_the_funeral_case(
    scene: Scene,
) {
    let holder = &scene.marks.card_holders[0];
    let mut early = death(&scene, 1);
    early.died_on = "2026-08-10".into();
    let before = last_month(&scene).await;
    let case = die(&scene.insurance, &early).await;
    assert_eq!(
        (
            case.si_number.as_str(),
            case.died_on.as_str(),
            case.funeral()
        ),
        (holder.si_number.as_str(), "2026-08-10", FuneralState::Open)
    );
    let cards = cards(&scene, &holder.si_number).await;
    assert!(cards.iter().all(|card| card.state() != CardState::Valid));
    let card = cards
        .iter()
        .find(|card| card.number == holder.card_number)
        .unwrap();
    assert_eq!(
        (card.state(), card.valid_to.as_str()),
        (CardState::Revoked, "2026-08-10")
    );
    assert!(is_dead(&scene, &holder.pin).await);
    assert!(before.as_str() > "2026-08");
    assert_eq!(last_month(&scene).await, "2026-08");
    let dossier = scene.insurance.submit_reissue(soon(), scene.reissue(1));
    scene
        .refuses(
            dossier,
            FaultCode::RuleRefused,
            "person-is-dead",
            "applicant_name",
        )
        .await;
}

async fn a_withdrawn_death_gives_everything_back(scene: Scene) {
    let holder = &scene.marks.card_holders[0];
    let (before, month) = (
        cards(&scene, &holder.si_number).await,
        last_month(&scene).await,
    );
    die(&scene.insurance, &death(&scene, 1)).await;
    let case = withdraw(&scene, 1).await;
    assert_eq!(case.withdrawn_by, taken_back(1).case_id);
    assert_eq!(case.funeral(), FuneralState::Cancelled);
    assert_eq!(cards(&scene, &holder.si_number).await, before);
    assert_eq!(last_month(&scene).await, month);
    assert!(!is_dead(&scene, &holder.pin).await);
    // again, by the same message and by another one
    let fingerprint = scene.fingerprint().await;
    assert_eq!(withdraw(&scene, 1).await, case);
    let again = WithdrawDeathRequest {
        context: Some(context("dvclt", "another message")),
        ..taken_back(1)
    };
    let told = scene.insurance.withdraw_death(soon(), again).await.unwrap();
    assert_eq!(told.case, Some(case));
    assert_eq!(scene.fingerprint().await, fingerprint);
    // who was dead by mistake can die
    let case = die(&scene.insurance, &death(&scene, 2)).await;
    assert_eq!(case.funeral(), FuneralState::Open);
    assert!(is_dead(&scene, &holder.pin).await);
}

async fn a_death_reported_twice_is_one_and_is_over_only_when_both_are_withdrawn(scene: Scene) {
    let holder = &scene.marks.card_holders[0];
    let before = cards(&scene, &holder.si_number).await;
    let first = die(&scene.insurance, &death(&scene, 1)).await;
    let same = RegisterDeathRequest {
        context: Some(context("dvclt", "another message")),
        ..death(&scene, 1)
    };
    assert_eq!(die(&scene.insurance, &same).await, first);
    let second = die(&scene.insurance, &death(&scene, 2)).await;
    assert_eq!(second.si_number, first.si_number);
    assert_eq!(
        (first.funeral(), second.funeral()),
        (FuneralState::Open, FuneralState::None),
        "one allowance"
    );
    withdraw(&scene, 1).await;
    assert!(
        is_dead(&scene, &holder.pin).await,
        "the other report stands"
    );
    withdraw(&scene, 2).await;
    assert!(!is_dead(&scene, &holder.pin).await);
    assert_eq!(cards(&scene, &holder.si_number).await, before);
}

async fn a_death_on_another_day_is_a_conflict(scene: Scene) {
    die(&scene.insurance, &death(&scene, 1)).await;
    let mut other = death(&scene, 2);
    other.died_on = "2026-11-18".into();
    let call = scene.insurance.register_death(soon(), other);
    scene
        .refuses(call, Conflict, "death-on-another-day", "died_on")
        .await;
    let mut other = death(&scene, 1);
    other.context = Some(context("dvclt", "another message"));
    other.proof_number = "7".into();
    let call = scene.insurance.register_death(soon(), other);
    scene
        .refuses(call, Conflict, "case-has-other-facts", "case_id")
        .await;
}

async fn a_death_before_its_birth_leaves_a_number_and_no_card(scene: Scene) {
    let birth = scene.birth(1);
    let death = of_child(&scene, &birth);
    let case = die(&scene.insurance, &death).await;
    assert_eq!(
        (case.si_number.as_str(), case.funeral()),
        ("", FuneralState::None)
    );
    let answer = scene.insurance.register_birth(soon(), birth.clone()).await;
    let case = answer.unwrap().case.unwrap();
    assert_eq!(
        (case.state(), &case.card),
        (BirthCaseState::Completed, &None)
    );
    assert!(cards(&scene, &case.si_number).await.is_empty());
    assert!(is_dead(&scene, &birth.child.unwrap().pin).await);
    let request = GetDeathCasesRequest {
        context: Some(context("dvclt", "poll")),
        case_ids: vec![death.case_id],
    };
    let deaths = scene.insurance.death_cases(soon(), request).await.unwrap();
    assert_eq!(deaths.cases[0].si_number, case.si_number);
}

async fn a_child_who_lives_after_all_gets_the_card(scene: Scene) {
    let birth = scene.birth(1);
    die(&scene.insurance, &of_child(&scene, &birth)).await;
    let answer = scene.insurance.register_birth(soon(), birth.clone()).await;
    let number = answer.unwrap().case.unwrap().si_number;
    withdraw(&scene, 7).await;
    let (_, card) = birth_case(&scene, &birth).await;
    assert_eq!(cards(&scene, &number).await, [card.unwrap()]);
    // and where the card was there before the death: the same one
    let before = cards(&scene, &number).await;
    let again = RegisterDeathRequest {
        context: Some(context("dvclt", "death-8")),
        case_id: "G22.99.09-261120-000008".into(),
        ..of_child(&scene, &birth)
    };
    die(&scene.insurance, &again).await;
    assert_eq!(cards(&scene, &number).await[0].valid_to, "2026-11-16");
    withdraw(&scene, 8).await;
    assert_eq!(cards(&scene, &number).await, before);
}

async fn a_death_under_another_persons_pin_waits_without_touching_the_child(scene: Scene) {
    let birth = scene.birth(1);
    let mut death = of_child(&scene, &birth);
    death.deceased.as_mut().unwrap().name = "Trần Văn Khác".into();
    die(&scene.insurance, &death).await;
    let answer = scene.insurance.register_birth(soon(), birth).await;
    assert!(answer.unwrap().case.unwrap().card.is_some());
}

type Break = fn(&mut RegisterDeathRequest);

const BROKEN: &[(FaultCode, &str, &str, Break)] = &[
    (Invalid, "missing", "deceased", |r| r.deceased = None),
    (Invalid, "malformed-pin", "deceased.pin", |r| {
        r.deceased.as_mut().unwrap().pin = "1".into()
    }),
    (Invalid, "malformed-name", "deceased.name", |r| {
        r.deceased.as_mut().unwrap().name = "12".into()
    }),
    (Invalid, "unknown-code", "deceased.sex", |r| {
        r.deceased.as_mut().unwrap().sex = 4
    }),
    (Invalid, "malformed-date", "deceased.birth_date", |r| {
        r.deceased.as_mut().unwrap().birth_date = "1/1/1990".into()
    }),
    (Invalid, "malformed-date", "deceased.birth_date", |r| {
        r.deceased.as_mut().unwrap().birth_date = "1990-00".into()
    }),
    (
        AmbiguousSubject,
        "pin-of-another-person",
        "deceased.pin",
        |r| {
            // another month of the same year
            let born = &mut r.deceased.as_mut().unwrap().birth_date;
            let other = if &born[5..7] == "01" { "02" } else { "01" };
            *born = format!("{}-{other}", &born[..4]);
        },
    ),
    (Invalid, "malformed-date", "died_on", |r| {
        r.died_on = "".into()
    }),
    (Invalid, "in-the-future", "died_on", |r| {
        r.died_on = "2026-11-24".into()
    }),
    (Invalid, "before-birth", "died_on", |r| {
        r.died_on = "1890-01-01".into()
    }),
    (Invalid, "unknown-code", "proof_kind", |r| r.proof_kind = 8),
    (Invalid, "malformed-id", "case_id", |r| {
        r.case_id = "".into()
    }),
    (
        AmbiguousSubject,
        "pin-of-another-person",
        "deceased.pin",
        |r| r.deceased.as_mut().unwrap().name = "Trần Văn Khác".into(),
    ),
    (
        AmbiguousSubject,
        "pin-of-another-person",
        "deceased.pin",
        |r| r.deceased.as_mut().unwrap().birth_date = "1890".into(),
    ),
];

async fn every_broken_fact_of_a_death_is_refused_and_changes_nothing(scene: Scene) {
    for (code, reason, field, break_it) in BROKEN {
        let mut request = death(&scene, 1);
        break_it(&mut request);
        let call = scene.insurance.register_death(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    let call = scene.insurance.withdraw_death(soon(), taken_back(1));
    scene
        .refuses(call, UnknownSubject, "unknown-case", "withdraws")
        .await;
    die(&scene.insurance, &death(&scene, 1)).await;
}

async fn deaths_are_told_to_their_sender_only(scene: Scene) {
    let case = die(&scene.insurance, &death(&scene, 1)).await;
    let ask = |sender: &str, ids: &[&str]| GetDeathCasesRequest {
        context: Some(context(sender, "poll")),
        case_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let asked = ask("dvclt", &["unknown", &case.case_id]);
    let cases = scene
        .insurance
        .death_cases(soon(), asked)
        .await
        .unwrap()
        .cases;
    assert!(!cases[0].known);
    assert_eq!(cases[1], case);
    let asked = ask("portal", &[&case.case_id]);
    let cases = scene
        .insurance
        .death_cases(soon(), asked)
        .await
        .unwrap()
        .cases;
    assert!(!cases[0].known && cases[0].si_number.is_empty());
    let none = scene.insurance.death_cases(soon(), ask("dvclt", &[]));
    scene.refuses(none, Invalid, "missing", "case_ids").await;
    let four = scene
        .insurance
        .death_cases(soon(), ask("dvclt", &["a", "b", "c", "d"]));
    scene.refuses(four, Invalid, "too-many", "case_ids").await;
    let other = WithdrawDeathRequest {
        context: Some(context("portal", "withdraw")),
        ..taken_back(1)
    };
    let call = scene.insurance.withdraw_death(soon(), other);
    scene
        .refuses(call, UnknownSubject, "unknown-case", "withdraws")
        .await;
}
