//! What a portal is told of the persons whom its dossiers are about: corrections and children's cards that end, and of nobody else.

use schemas::fault::FaultCode::Invalid;
use schemas::proto::insurance::change::What;
use schemas::proto::insurance::{
    AckRequest, AnnounceEndsRequest, AnnounceEndsResponse, BirthCase, BirthChanges, LeaseRequest,
    Parent, PersonChange, Sex, SubmitReissueRequest, WatchPersonsRequest, WatchPersonsResponse,
};

use crate::corrections::{born, correct, correction, mother, named, pin};
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_portal_hears_of_whom_its_dossiers_are_about_and_of_nobody_else
    a_portal_is_told_what_is_agreed_in_order_and_of_parents_only_that_they_are_others
    a_card_that_ends_is_told_once_and_anew_where_its_last_day_moves
    what_a_portal_watches_no_more_is_not_told_and_a_field_that_there_is_not_is_refused
}

const DAY: i64 = 86_400;
/// From 2026-11-23 to 26 days before the sixth birthday of the scene's children.
const YEARS: i64 = 2_158 * DAY;
const ALL: [&str; 6] = ["pin", "name", "birthDate", "sex", "parents", "cardEnd"];

fn watching(partner: &str, fields: &[&str]) -> WatchPersonsRequest {
    WatchPersonsRequest {
        context: Some(context(partner, "watch")),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    }
}

async fn watch(scene: &Scene, partner: &str, fields: &[&str]) -> WatchPersonsResponse {
    let said = scene
        .insurance
        .watch_persons(soon(), watching(partner, fields));
    said.await.unwrap()
}

/// The mother of a born child asks for its card at a portal.
async fn dossier(scene: &Scene, portal: &str, n: u32, case: &BirthCase) {
    let mother = scene.birth(n).mother.unwrap();
    let request = SubmitReissueRequest {
        context: Some(context(portal, &format!("child-card-{n}"))),
        card_or_si_number: case.card.clone().unwrap().number,
        applicant_name: mother.name,
        applicant_pin: mother.pin,
        applicant_birth_date: mother.birth_date,
        ..scene.reissue(n)
    };
    let answer = scene.insurance.submit_reissue(soon(), request).await;
    assert_eq!(answer.unwrap().dossier.unwrap().acts_as, "mother");
}

/// What was told of persons since the last time: to whom, under which id.
async fn told(scene: &Scene) -> Vec<(String, String, PersonChange)> {
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
    let persons = leased.changes.into_iter();
    let persons = persons.filter_map(|change| match change.what {
        Some(What::Person(told)) => Some((change.partner, change.id, told)),
        _ => None,
    });
    persons.collect()
}

async fn announce(scene: &Scene, partner: &str, max: u32) -> AnnounceEndsResponse {
    let request = AnnounceEndsRequest {
        context: Some(context("registry", "ends")),
        partner: partner.into(),
        max,
    };
    scene
        .insurance
        .announce_ends(soon(), request)
        .await
        .unwrap()
}

async fn a_portal_hears_of_whom_its_dossiers_are_about_and_of_nobody_else(scene: Scene) {
    for portal in ["portal", "another"] {
        assert!(!watch(&scene, portal, &ALL).await.since.is_empty());
    }
    let child = born(&scene, 1).await;
    correct(&scene, correction(&scene, 1, named("Nguyễn Hoà Giang"))).await;
    assert_eq!(told(&scene).await, [], "nobody has come to a portal");
    dossier(&scene, "portal", 1, &child).await;
    let request = correction(&scene, 2, named("Nguyễn Hoà Hải"));
    correct(&scene, request.clone()).await;
    correct(&scene, request).await;
    let all = told(&scene).await;
    assert_eq!(all.len(), 1, "{all:?}");
    let (partner, id, change) = &all[0];
    let pin = scene.birth(1).child.unwrap().pin;
    let expected = PersonChange {
        pin: pin.clone(),
        name: "Nguyễn Hoà Hải".into(),
        corrected_on: "2026-11-23".into(),
        ..PersonChange::default()
    };
    assert_eq!((&**partner, change), ("portal", &expected));
    assert!(id.starts_with("person.") && !id.contains(&pin), "{id}");
}

async fn a_portal_is_told_what_is_agreed_in_order_and_of_parents_only_that_they_are_others(
    scene: Scene,
) {
    watch(&scene, "portal", &["parents", "pin", "sex"]).await;
    let child = born(&scene, 1).await;
    dossier(&scene, "portal", 1, &child).await;
    let (old, new) = (scene.birth(1).child.unwrap().pin, pin(&scene, "099326", 50));
    let moved = BirthChanges {
        pin: new.clone(),
        sex: Sex::Female.into(),
        name: "Nguyễn Hoà Giang".into(),
        ..BirthChanges::default()
    };
    let other = Parent {
        name: "Trần Thị Khác".into(),
        ..Parent::default()
    };
    correct(&scene, correction(&scene, 1, moved)).await;
    correct(&scene, correction(&scene, 2, mother(other))).await;
    // nothing that is agreed
    correct(&scene, correction(&scene, 3, named("Nguyễn Hoà Hải"))).await;
    let all = told(&scene).await.into_iter();
    let all: Vec<PersonChange> = all.map(|(.., told)| told).collect();
    let change = |pin: &str| PersonChange {
        pin: pin.to_owned(),
        corrected_on: "2026-11-23".into(),
        ..PersonChange::default()
    };
    let expected = [
        PersonChange {
            new_pin: new.clone(),
            sex: Sex::Female.into(),
            ..change(&old)
        },
        PersonChange {
            parents: true,
            ..change(&new)
        },
    ];
    assert_eq!(all, expected);
}

async fn a_card_that_ends_is_told_once_and_anew_where_its_last_day_moves(scene: Scene) {
    for portal in ["portal", "another"] {
        watch(&scene, portal, &["cardEnd", "name"]).await;
    }
    watch(&scene, "names", &["name"]).await;
    let mut cases = Vec::new();
    for n in 1..=3 {
        cases.push(born(&scene, n).await);
    }
    for (portal, n) in [("portal", 2), ("portal", 1), ("names", 1)] {
        dossier(&scene, portal, n, &cases[n as usize - 1]).await;
    }
    told(&scene).await;
    assert_eq!(announce(&scene, "portal", 500).await.announced, 0);
    scene.time.pass(YEARS);
    for (portal, announced) in [("another", 0), ("names", 0), ("portal", 2)] {
        assert_eq!(announce(&scene, portal, 500).await.announced, announced);
    }
    let all = told(&scene).await;
    assert_eq!(all.len(), 2, "{all:?}");
    for ((partner, _, change), n) in all.iter().zip([1, 2]) {
        let expected = PersonChange {
            pin: scene.birth(n).child.unwrap().pin,
            card_ends_on: cases[n as usize - 1].card.clone().unwrap().valid_to,
            ..PersonChange::default()
        };
        assert_eq!((&**partner, change), ("portal", &expected));
    }
    // again, as a restart or another replica does
    let fingerprint = scene.fingerprint().await;
    scene.time.pass(DAY);
    let again = announce(&scene, "portal", 1).await;
    assert_eq!((again.announced, again.more), (0, false));
    assert_eq!(scene.fingerprint().await, fingerprint);
    assert_eq!(told(&scene).await, []);
    // another day of birth, another last day
    let day = BirthChanges {
        birth_date: "2026-11-05".into(),
        ..BirthChanges::default()
    };
    let card = correct(&scene, correction(&scene, 1, day)).await.card;
    let ends = card.unwrap().valid_to;
    assert_ne!(ends, all[0].2.card_ends_on);
    assert_eq!(announce(&scene, "portal", 500).await.announced, 1);
    let all = told(&scene).await;
    assert_eq!((all.len(), &all[0].2.card_ends_on), (1, &ends));
}

async fn what_a_portal_watches_no_more_is_not_told_and_a_field_that_there_is_not_is_refused(
    scene: Scene,
) {
    let since = watch(&scene, "portal", &["name"]).await.since;
    scene.time.pass(DAY);
    assert_eq!(watch(&scene, "portal", &ALL).await.since, since);
    let child = born(&scene, 1).await;
    dossier(&scene, "portal", 1, &child).await;
    assert_eq!(watch(&scene, "portal", &[]).await.since, "");
    correct(&scene, correction(&scene, 1, named("Nguyễn Hoà Giang"))).await;
    scene.time.pass(YEARS);
    assert_eq!(announce(&scene, "portal", 500).await.announced, 0);
    assert_eq!(told(&scene).await, []);
    let asked = scene
        .insurance
        .watch_persons(soon(), watching("portal", &["name", "mother"]));
    scene
        .refuses(asked, Invalid, "unknown-code", "fields")
        .await;
}
