//! What was corrected of a person, from a change to a signed message's words.

use gateway_core::{
    outbound::Courier as _,
    ports::{Leased, Parcel, PersonNumber},
};
use schemas::{
    proto::insurance::{Change, EmployerChange, PersonChange, Sex, change::What},
    wire::tax::taxpayer::{Body, Question, read},
};

use super::super::*;
use super::{desk, leased, tax, words};

fn change(told: PersonChange) -> Change {
    Change {
        id: "person.17.tax.2".into(),
        partner: "tax".into(),
        subject: "person.17".into(),
        subject_sequence: 2,
        at: "2026-11-22T05:00:00Z".into(),
        what: Some(What::Person(told)),
    }
}

fn corrected() -> PersonChange {
    PersonChange {
        pin: "099226123456".into(),
        new_pin: "099326123457".into(),
        name: "Nguyễn Hoà Giang".into(),
        birth_date: "2026-10-01".into(),
        sex: Sex::Female.into(),
        corrected_on: "2026-11-22".into(),
        ..PersonChange::default()
    }
}

fn leased_of(parcel: Parcel) -> Leased {
    Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        class: parcel.class,
        ..leased(&words())
    }
}

#[test]
fn a_correction_of_a_person_is_one_notice_that_names_its_fields_and_its_person() {
    let [parcel] = <[_; 1]>::try_from(persons(&tax(), &change(corrected())).unwrap()).unwrap();
    assert_eq!(
        (&*parcel.id, &*parcel.subject, parcel.sequence),
        ("person.17.tax.2", "person.17", 2)
    );
    let (shipments, unsayable) = desk().pack(&[leased_of(parcel)]);
    assert!(unsayable.is_empty());
    let shipment = &shipments[0];
    assert_eq!(shipment.operation.name, "taxpayer.person-notice");
    let fields: Vec<&str> = shipment.fields.iter().copied().collect();
    assert_eq!(fields, ["birthDate", "name", "pin", "sex"]);
    let [person] = shipment.persons.as_slice() else {
        panic!("one person: {:?}", shipment.persons)
    };
    let pins = person.numbers.iter().map(|number| match number {
        PersonNumber::Pin(pin) => pin.as_str().to_owned(),
        PersonNumber::Si(_) => panic!("no SI number"),
    });
    assert_eq!(
        pins.collect::<Vec<_>>(),
        ["099226123456", "099326123457"],
        "whoever asks under either number finds it"
    );
    let (message, _) = read(&shipment.body).unwrap();
    let Body::Question(Question::Person(notice)) = message.body else {
        panic!("a person's notice")
    };
    assert_eq!(notice.name.as_deref(), Some("Nguyễn Hoà Giang"));

    let name_only = PersonChange {
        pin: corrected().pin,
        name: corrected().name,
        corrected_on: corrected().corrected_on,
        ..PersonChange::default()
    };
    let parcel = persons(&tax(), &change(name_only)).unwrap().remove(0);
    let (shipments, _) = desk().pack(&[leased_of(parcel)]);
    assert_eq!(
        shipments[0].fields.iter().copied().collect::<Vec<_>>(),
        ["name"]
    );
}

#[test]
fn what_cannot_be_told_of_a_person_makes_no_parcel() {
    type Bend = fn(&mut PersonChange);
    let cases: [(Bend, &str); 6] = [
        (|one| one.pin = "99".into(), "pin"),
        (|one| one.new_pin = "9900000016".into(), "pin"),
        (|one| one.new_pin = one.pin.clone(), "parts"),
        (|one| one.birth_date = "2026".into(), "day"),
        (|one| one.sex = 9, "sex"),
        (
            |one| {
                *one = PersonChange {
                    pin: one.pin.clone(),
                    corrected_on: one.corrected_on.clone(),
                    ..PersonChange::default()
                }
            },
            "parts",
        ),
    ];
    for (bend, reason) in cases {
        let mut told = corrected();
        bend(&mut told);
        assert_eq!(persons(&tax(), &change(told)).unwrap_err(), reason);
    }
    let employer = Change {
        what: Some(What::Employer(EmployerChange::default())),
        ..change(corrected())
    };
    assert_eq!(persons(&tax(), &employer).unwrap_err(), "not-a-person");
    let short = Change {
        id: "p.1".into(),
        ..change(corrected())
    };
    assert_eq!(persons(&tax(), &short).unwrap_err(), "unreadable-id");
}
