//! Children's cards that end soon: announced to whoever registered the birth, each once and the soonest first.

use insurance::Insurance;
use schemas::fault::FaultCode::Invalid;
use schemas::proto::insurance::{
    AckRequest, AnnounceEndsRequest, AnnounceEndsResponse, BirthCase, BirthChanges, CardEnding,
    CorrectBirthRequest, Deceased, GetBirthCasesRequest, LeaseRequest, RegisterBirthRequest,
    RegisterDeathRequest, change::What,
};

use crate::over_both;
use crate::scene::{Scene, context, open, soon};

over_both! {
    cards_are_announced_once_the_soonest_first_and_to_whose_births_they_are
    what_follows_a_child_card_is_said_by_the_rule
    a_card_is_announced_a_month_before_and_not_of_a_dead_child
    a_last_day_that_moves_is_announced_anew
    a_partner_that_is_none_is_refused
}

const DAY: i64 = 86_400;
/// From 2026-11-23 to 2032-10-20: 26 days before the sixth birthday of the scene's children, which is no school year's end.
const YEARS: i64 = 2_158 * DAY;

async fn born(scene: &Scene, sender: &str, n: u32, day: &str) -> BirthCase {
    let mut birth = scene.birth(n);
    birth.context = Some(context(sender, &format!("birth-{n}")));
    birth.child.as_mut().unwrap().birth_date = day.into();
    register(scene, birth).await
}

async fn register(scene: &Scene, request: RegisterBirthRequest) -> BirthCase {
    let answer = scene.insurance.register_birth(soon(), request).await;
    let case = answer.unwrap().case.unwrap();
    assert!(case.card.is_some() && case.ending.is_none());
    case
}

async fn announce(insurance: &Insurance, partner: &str, max: u32) -> AnnounceEndsResponse {
    let request = AnnounceEndsRequest {
        context: Some(context("registry", "ends")),
        partner: partner.into(),
        max,
    };
    insurance.announce_ends(soon(), request).await.unwrap()
}

/// The births that were told since the last time: partner, case, and the last day of its card.
async fn told(scene: &Scene) -> Vec<(String, String, String)> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    let leased = scene.insurance.lease(soon(), request).await.unwrap();
    let ids = leased.changes.iter().map(|one| one.id.clone()).collect();
    let owner = "test".into();
    let ack = AckRequest { owner, ids };
    scene.insurance.ack(soon(), ack).await.unwrap();
    let line = |one: &schemas::proto::insurance::Change| match &one.what {
        Some(What::Birth(case)) => {
            let ends = case.ending.clone().unwrap_or_default().ends_on;
            Some((one.partner.clone(), case.case_id.clone(), ends))
        }
        _ => None,
    };
    leased.changes.iter().filter_map(line).collect()
}

async fn polled(scene: &Scene, sender: &str, n: u32) -> BirthCase {
    let request = GetBirthCasesRequest {
        context: Some(context(sender, "poll")),
        case_ids: vec![scene.birth(n).case_id],
    };
    let polled = scene.insurance.birth_cases(soon(), request).await;
    polled.unwrap().cases.remove(0)
}

fn line(scene: &Scene, partner: &str, n: u32, ends: &str) -> (String, String, String) {
    (partner.into(), scene.birth(n).case_id, ends.into())
}

async fn cards_are_announced_once_the_soonest_first_and_to_whose_births_they_are(scene: Scene) {
    for (sender, n, day) in [
        ("dvclt", 1, "2026-11-12"),
        ("dvclt", 2, "2026-11-03"),
        ("ward", 3, "2026-11-04"),
        ("dvclt", 4, "2026-11-04"),
    ] {
        born(&scene, sender, n, day).await;
    }
    told(&scene).await;
    assert_eq!(announce(&scene.insurance, "dvclt", 500).await.announced, 0);
    scene.time.pass(YEARS);
    let first = announce(&scene.insurance, "dvclt", 2).await;
    assert_eq!((first.announced, first.more), (2, true));
    let rest = announce(&scene.insurance, "dvclt", 2).await;
    assert_eq!((rest.announced, rest.more), (1, false));
    assert_eq!(
        told(&scene).await,
        [
            line(&scene, "dvclt", 2, "2032-11-03"),
            line(&scene, "dvclt", 4, "2032-11-04"),
            line(&scene, "dvclt", 1, "2032-11-12"),
        ]
    );
    // again, as a restart or another replica does
    let fingerprint = scene.fingerprint().await;
    let again = announce(&scene.insurance, "dvclt", 500).await;
    assert_eq!((again.announced, again.more), (0, false));
    scene.time.pass(DAY);
    assert_eq!(announce(&scene.insurance, "dvclt", 500).await.announced, 0);
    assert_eq!(scene.fingerprint().await, fingerprint);
    assert!(told(&scene).await.is_empty());
    let case = polled(&scene, "dvclt", 1).await;
    assert_eq!(case.ending.unwrap().ends_on, "2032-11-12");
    assert!(polled(&scene, "ward", 3).await.ending.is_none());
    assert_eq!(announce(&scene.insurance, "ward", 500).await.announced, 1);
    assert_eq!(told(&scene).await, [line(&scene, "ward", 3, "2032-11-04")]);
}

async fn what_follows_a_child_card_is_said_by_the_rule(scene: Scene) {
    register(
        &scene,
        RegisterBirthRequest {
            poor_household_certificate: "HN-99".into(),
            ..scene.birth(1)
        },
    )
    .await;
    register(&scene, scene.birth(2)).await;
    scene.time.pass(YEARS);
    announce(&scene.insurance, "dvclt", 500).await;
    for (n, code, level, source) in [(1, "HN", 2, "art. 12.3"), (2, "HS", 4, "art. 12.4")] {
        let CardEnding {
            ends_on,
            next_object,
            next_level,
            next_from,
            rule,
        } = polled(&scene, "dvclt", n).await.ending.unwrap();
        assert_eq!(
            (&*ends_on, &*next_object, next_level, &*next_from),
            ("2032-11-15", code, level, "2032-11-16")
        );
        assert!(rule.contains(source));
        // until then it is TE and nothing else
        let card = polled(&scene, "dvclt", n).await.card.unwrap();
        assert!(card.number.starts_with("TE1") && card.valid_to == ends_on);
    }
}

async fn a_card_is_announced_a_month_before_and_not_of_a_dead_child(scene: Scene) {
    for n in [1, 2] {
        born(&scene, "dvclt", n, "2026-11-15").await;
    }
    let child = scene.birth(2).child.unwrap();
    let death = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: child.pin,
            name: child.name,
            sex: child.sex,
            birth_date: child.birth_date,
            ..Deceased::default()
        }),
        died_on: "2026-11-19".into(),
        proof_kind: 1,
        ..RegisterDeathRequest::default()
    };
    scene.insurance.register_death(soon(), death).await.unwrap();
    // the clock stands at 09:00; 31 days before, and 30
    scene.time.pass(YEARS - 5 * DAY);
    assert_eq!(announce(&scene.insurance, "dvclt", 500).await.announced, 0);
    scene.time.pass(DAY);
    assert_eq!(announce(&scene.insurance, "dvclt", 500).await.announced, 1);
    assert!(polled(&scene, "dvclt", 1).await.ending.is_some());
    assert!(polled(&scene, "dvclt", 2).await.ending.is_none());
}

async fn a_last_day_that_moves_is_announced_anew(scene: Scene) {
    born(&scene, "dvclt", 1, "2026-11-15").await;
    scene.time.pass(YEARS);
    announce(&scene.insurance, "dvclt", 500).await;
    told(&scene).await;
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct")),
        case_id: "G22.99.10-261123-000001".into(),
        corrects: scene.birth(1).case_id,
        received_at: "2032-10-20T01:40:00Z".into(),
        changes: Some(BirthChanges {
            birth_date: "2026-11-10".into(),
            ..BirthChanges::default()
        }),
        ..CorrectBirthRequest::default()
    };
    let corrected = scene.insurance.correct_birth(soon(), correction).await;
    let case = corrected.unwrap().case.unwrap();
    assert_eq!(case.card.unwrap().valid_to, "2032-11-10");
    assert!(case.ending.is_none(), "what was said is so no more");
    assert_eq!(announce(&scene.insurance, "dvclt", 500).await.announced, 1);
    let last = told(&scene).await.pop().unwrap();
    assert_eq!(last, line(&scene, "dvclt", 1, "2032-11-10"));
}

async fn a_partner_that_is_none_is_refused(scene: Scene) {
    for partner in ["", "two words"] {
        let request = AnnounceEndsRequest {
            context: Some(context("registry", "ends")),
            partner: partner.into(),
            max: 1,
        };
        let call = scene.insurance.announce_ends(soon(), request);
        scene
            .refuses(call, Invalid, "malformed-sender", "partner")
            .await;
    }
}

/// Two replicas on one server, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_announce_at_once_tell_each_card_once() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    for n in 1..=40 {
        born(&scene, "dvclt", n, "2026-11-15").await;
    }
    told(&scene).await;
    scene.time.pass(YEARS);
    let other = Insurance::embedded(open(&scene.place, &scene.time));
    let rounds = |insurance: Insurance| async move {
        let mut announced = 0;
        for _ in 0..10 {
            announced += announce(&insurance, "dvclt", 7).await.announced;
        }
        announced
    };
    let (one, two) = tokio::join!(
        tokio::spawn(rounds(scene.insurance.clone())),
        tokio::spawn(rounds(other))
    );
    assert_eq!(one.unwrap() + two.unwrap(), 40);
    let mut cases: Vec<_> = told(&scene).await.into_iter().map(|one| one.1).collect();
    assert_eq!(cases.len(), 40);
    cases.sort();
    cases.dedup();
    assert_eq!(cases.len(), 40);
}
