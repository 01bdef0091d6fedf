use schemas::{
    date::PartialDate,
    id::{PartnerId, Pin, Sex},
    proto::insurance::{Child, Parent, PopulationVerdict as Verdict, RegisterBirthRequest},
    wire::population::Citizen,
};

use super::*;

const PIN: &str = "099226000001";
const MOTHER: &str = "099193000001";

fn birth() -> RegisterBirthRequest {
    RegisterBirthRequest {
        child: Some(Child {
            pin: PIN.into(),
            name: "Nguyễn Gia An".into(),
            sex: 1,
            birth_date: "2026-11-20".into(),
            residence_detail: "1 Hoà Bình".into(),
            ..Child::default()
        }),
        mother: Some(Parent {
            pin: MOTHER.into(),
            ..Parent::default()
        }),
        ..RegisterBirthRequest::default()
    }
}

fn citizen() -> Citizen {
    Citizen {
        pin: Pin::parse(PIN).ok(),
        name: "NGUYỄN  GIA AN".into(),
        sex: Some(Sex::Male),
        born: PartialDate::parse("20.11.2026").ok(),
        mother: Pin::parse(MOTHER).ok(),
        father: None,
    }
}

#[test]
fn whoever_is_as_we_were_told_agrees_and_what_nobody_says_does_not_differ() {
    let nothing_said = Citizen {
        sex: None,
        mother: None,
        born: PartialDate::parse("2026").ok(),
        father: Pin::parse("099090000001").ok(),
        ..citizen()
    };
    for known in [citizen(), nothing_said] {
        let finding = compare(&birth(), &[known]);
        assert_eq!(
            (finding.verdict(), finding.differs),
            (Verdict::Agrees, vec![])
        );
    }
}

#[test]
fn each_fact_that_differs_is_named() {
    let known = citizen();
    let other = Pin::parse("099193000002").ok();
    for (bent, word) in [
        (
            Citizen {
                pin: None,
                ..known.clone()
            },
            "population-number",
        ),
        (
            Citizen {
                name: "Nguyễn Gia Ân".into(),
                ..known.clone()
            },
            "population-name",
        ),
        (
            Citizen {
                name: String::new(),
                ..known.clone()
            },
            "population-name",
        ),
        (
            Citizen {
                sex: Some(Sex::Female),
                ..known.clone()
            },
            "population-sex",
        ),
        (
            Citizen {
                born: None,
                ..known.clone()
            },
            "population-birth-date",
        ),
        (
            Citizen {
                born: PartialDate::parse("21.11.2026").ok(),
                ..known.clone()
            },
            "population-birth-date",
        ),
        (
            Citizen {
                mother: other,
                ..known.clone()
            },
            "population-mother",
        ),
    ] {
        let finding = compare(&birth(), &[bent]);
        assert_eq!(
            (finding.verdict(), finding.differs),
            (Verdict::Differs, vec![word.to_owned()])
        );
    }
    assert_eq!(compare(&birth(), &[]).differs, ["population-unknown"]);
    assert_eq!(
        compare(&birth(), &[known.clone(), known]).differs,
        ["population-several"]
    );
}

#[test]
fn a_question_has_the_name_of_its_message_which_tells_nobody_whom_it_is_about() {
    let partner = PartnerId::parse("population").unwrap();
    let child = birth().child.unwrap();
    let one = parcel(&partner, &[7; 32], &child);
    assert_eq!(parcel(&partner, &[7; 32], &child), one);
    let other = Child {
        name: "Nguyễn Gia Ân".into(),
        ..child.clone()
    };
    let same = parcel(&partner, &[7; 32], &other).id;
    assert_eq!(same, one.id, "nothing of the child is in it");
    assert_ne!(
        parcel(&partner, &[8; 32], &child).id,
        one.id,
        "another message"
    );
    let asked = Child::decode(one.content.clone()).unwrap();
    assert_eq!(asked.residence_detail, "", "no more than is asked with");
    assert!(id_of(&one.id, &partner).is_some_and(|id| id.as_str().len() == 40));
    assert_eq!(id_of("ask.tax.x-00000001", &partner), None);
    assert_eq!(told(b"no receipt"), None);
}
