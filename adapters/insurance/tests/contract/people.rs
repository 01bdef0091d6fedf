//! Participants.Find and Cards.List.

use schemas::fault::FaultCode;
use schemas::proto::insurance::{FindRequest, ListCardsRequest, Person};
use unicode_normalization::UnicodeNormalization as _;

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    any_number_finds_the_person
    names_in_nfc_and_nfd_and_in_capitals_find_the_same_person
    what_contradicts_the_number_finds_nobody
    a_name_alone_never_finds_anybody
    malformed_numbers_are_refused
    cards_are_listed_newest_first
}

fn question() -> FindRequest {
    FindRequest {
        context: Some(context("tax", "find")),
        ..FindRequest::default()
    }
}

async fn find(scene: &Scene, request: FindRequest) -> Vec<Person> {
    scene.insurance.find(soon(), request).await.unwrap().people
}

async fn any_number_finds_the_person(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    for number in [&holder.pin, &holder.si_number, &holder.card_number] {
        let found = find(
            &scene,
            FindRequest {
                number: number.clone(),
                ..question()
            },
        )
        .await;
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].si_number, &found[0].pin),
            (&holder.si_number, &holder.pin)
        );
        assert_eq!((&found[0].name, found[0].dead), (&holder.name, false));
    }
}

async fn names_in_nfc_and_nfd_and_in_capitals_find_the_same_person(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let nfd: String = holder.name.nfd().collect();
    assert_ne!(
        nfd, holder.name,
        "the name has no marks: the test shows nothing"
    );
    for name in [
        holder.name.clone(),
        nfd,
        holder.name.to_uppercase(),
        format!("  {} ", holder.name),
    ] {
        let request = FindRequest {
            name,
            birth_date: holder.birth_date.clone(),
            ..question()
        };
        let found = find(&scene, request).await;
        assert!(
            found
                .iter()
                .any(|person| person.si_number == holder.si_number)
        );
    }
}

async fn what_contradicts_the_number_finds_nobody(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let by_pin = FindRequest {
        number: holder.pin.clone(),
        ..question()
    };
    let other_day = FindRequest {
        birth_date: "1900-01-01".into(),
        ..by_pin.clone()
    };
    let other_name = FindRequest {
        name: "Không Phải Người Này".into(),
        ..by_pin
    };
    assert_eq!(find(&scene, other_day).await, []);
    assert_eq!(find(&scene, other_name).await, []);
}

async fn a_name_alone_never_finds_anybody(scene: Scene) {
    let name = scene.marks.card_holders[0].name.clone();
    let alone = FindRequest { name, ..question() };
    scene
        .refuses(
            scene.insurance.find(soon(), alone),
            FaultCode::Invalid,
            "name-alone",
            "birth_date",
        )
        .await;
    let nothing = question();
    scene
        .refuses(
            scene.insurance.find(soon(), nothing),
            FaultCode::Invalid,
            "nothing-to-match",
            "number",
        )
        .await;
    let day = FindRequest {
        birth_date: "1990-01-01".into(),
        ..question()
    };
    scene
        .refuses(
            scene.insurance.find(soon(), day),
            FaultCode::Invalid,
            "nothing-to-match",
            "number",
        )
        .await;
}

async fn malformed_numbers_are_refused(scene: Scene) {
    for number in ["1", "097000000000", "99123456７", "TE4799912345678"] {
        let request = FindRequest {
            number: number.into(),
            ..question()
        };
        scene
            .refuses(
                scene.insurance.find(soon(), request),
                FaultCode::Invalid,
                "malformed-number",
                "number",
            )
            .await;
    }
    let request = FindRequest {
        name: "Nguyễn Văn An".into(),
        birth_date: "1990-2-1".into(),
        ..question()
    };
    scene
        .refuses(
            scene.insurance.find(soon(), request),
            FaultCode::Invalid,
            "malformed-date",
            "birth_date",
        )
        .await;
}

async fn cards_are_listed_newest_first(scene: Scene) {
    let holder = scene.marks.card_holders[0].clone();
    let request = ListCardsRequest {
        context: Some(context("tax", "cards")),
        si_number: holder.si_number,
    };
    let cards = scene
        .insurance
        .cards(soon(), request.clone())
        .await
        .unwrap()
        .cards;
    assert_eq!(cards[0].number, holder.card_number);
    let unknown = ListCardsRequest {
        si_number: "9999999999".into(),
        ..request
    };
    let code = FaultCode::UnknownSubject;
    scene
        .refuses(
            scene.insurance.cards(soon(), unknown),
            code,
            "unknown-person",
            "si_number",
        )
        .await;
}
