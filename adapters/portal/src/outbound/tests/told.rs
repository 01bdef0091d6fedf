//! What a citizen's change becomes on its way to the portal.

use gateway_core::{ports::Person, ports::PersonNumber};
use schemas::{
    id::Pin,
    proto::insurance::{PersonChange, Sex},
    wire::portal::CitizenNotice,
};

use super::*;
use crate::outbound::{citizens, desk::Desk};

fn change(told: PersonChange) -> Change {
    Change {
        id: "person.17.portal.2".into(),
        partner: "portal".into(),
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
        parents: true,
        ..PersonChange::default()
    }
}

fn ending() -> PersonChange {
    PersonChange {
        pin: "099226123456".into(),
        card_ends_on: "2032-09-30".into(),
        ..PersonChange::default()
    }
}

fn packed(told: PersonChange) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
    let partner = PartnerId::parse("portal").unwrap();
    let parcel = citizens(&partner, &change(told)).unwrap().remove(0);
    let leased = Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        ..leased(&super::change(1, 1, 1), 0).remove(0)
    };
    let desk: Desk<_> = sent::desk_without_portal();
    desk.pack(&[leased])
}

#[test]
fn a_correction_is_one_call_that_names_its_fields_and_its_person_by_both_numbers() {
    let (shipments, unsayable) = packed(corrected());
    assert!(unsayable.is_empty());
    let shipment = &shipments[0];
    let all = ["birthDate", "name", "parents", "pin", "sex"];
    assert_eq!(shipment.operation.name, "portal.citizen-notice");
    assert_eq!(shipment.fields, all.into_iter().collect());
    let pin = |text| PersonNumber::Pin(Pin::parse(text).unwrap());
    let person = Person {
        numbers: vec![pin("099226123456"), pin("099326123457")],
        told: all.to_vec(),
    };
    assert_eq!(shipment.persons, [person]);
    let pushed: Push<CitizenNotice> = push(shipment);
    assert_eq!(
        (&*pushed.service, &pushed.is_updating),
        ("ThongBaoCongDan", &None)
    );
    let expected = CitizenNotice {
        id: "person.17.portal.2".into(),
        pin: "099226123456".into(),
        new_pin: Some("099326123457".into()),
        name: Some("Nguyễn Hoà Giang".into()),
        born: Some("01/10/2026".into()),
        sex: Some("2".into()),
        parents: Some("1".into()),
        corrected_on: Some("22/11/2026".into()),
        card_ends_on: None,
    };
    assert_eq!(pushed.data, [expected]);
}

#[test]
fn the_end_of_a_card_tells_its_last_day_alone() {
    let (shipments, _) = packed(ending());
    assert_eq!(shipments[0].fields, ["cardEnd"].into_iter().collect());
    let body = String::from_utf8(shipments[0].body.to_vec()).unwrap();
    assert!(
        body.ends_with(
            r#""data":[{"MaThongBao":"person.17.portal.2","SoDinhDanh":"099226123456","NgayTheHetHan":"30/09/2032"}]}"#
        ),
        "{body}"
    );
}

#[test]
fn what_is_no_whole_notice_is_not_said() {
    let partner = PartnerId::parse("portal").unwrap();
    for (told, why) in [
        (
            PersonChange {
                pin: "1".into(),
                ..ending()
            },
            "pin",
        ),
        (
            PersonChange {
                new_pin: "1".into(),
                ..corrected()
            },
            "pin",
        ),
        (
            PersonChange {
                birth_date: "1/1".into(),
                ..corrected()
            },
            "day",
        ),
        (
            PersonChange {
                sex: 9,
                ..corrected()
            },
            "sex",
        ),
        (
            PersonChange {
                corrected_on: String::new(),
                ..corrected()
            },
            "parts",
        ),
        (
            PersonChange {
                corrected_on: "2026-11-22".into(),
                ..ending()
            },
            "parts",
        ),
        (
            PersonChange {
                name: "A".into(),
                ..ending()
            },
            "parts",
        ),
        (
            PersonChange {
                card_ends_on: String::new(),
                ..ending()
            },
            "parts",
        ),
    ] {
        assert_eq!(citizens(&partner, &change(told)).err(), Some(why));
    }
    let dossier = super::change(1, 1, 1);
    assert_eq!(citizens(&partner, &dossier).err(), Some("not-a-person"));
}
