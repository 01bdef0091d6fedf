use gateway_core::{
    outbound::{Courier, Shipment},
    ports::Leased,
};
use schemas::{
    proto::insurance::{Card, Dossier},
    wire::portal::{DossierRecord, Progress, Push, decode},
};

use super::*;

mod sent;
mod told;

/// Step `step` of dossier `serial`, into `state`.
pub(super) fn change(serial: u32, step: u32, state: u32) -> Change {
    let code = format!("X99.01-261122-{serial:06}");
    let card = Card {
        number: "DN4019912345678".into(),
        serial: 2,
        ..Card::default()
    };
    let dossier = Dossier {
        code: code.clone(),
        procedure: "9.000001".into(),
        state,
        applicant_name: "Lê Văn Mẫu".into(),
        applicant_pin: "099090000001".into(),
        received_at: "2026-11-22T05:00:00Z".into(),
        due_at: "2026-11-27T10:00:00Z".into(),
        card: (state >= 9).then_some(card),
        reason: if matches!(state, 3 | 8) {
            "thiếu điều kiện".into()
        } else {
            String::new()
        },
        ..Dossier::default()
    };
    Change {
        id: format!("change-{serial}-{step}"),
        partner: "portal".into(),
        subject: code,
        subject_sequence: u64::from(step),
        at: "2026-11-22T08:05:09Z".into(),
        what: Some(What::Dossier(DossierChange {
            dossier: Some(dossier),
            step,
            officer: "Cán bộ Mẫu".into(),
            unit: "Phòng Mẫu".into(),
            text: String::new(),
            supported: Vec::new(),
        })),
    }
}

/// The parcels of a change as a worker leases them.
pub(super) fn leased(change: &Change, attempts: u32) -> Vec<Leased> {
    let partner = PartnerId::parse("portal").unwrap();
    let parcels = parcels(&partner, change).unwrap();
    let leased = parcels.into_iter().map(|parcel| Leased {
        id: parcel.id,
        subject: parcel.subject,
        sequence: parcel.sequence,
        kind: parcel.kind.to_owned(),
        content: parcel.content,
        attempts,
        class: parcel.class,
        due: parcel.due,
        refusals: 0,
        lost: 0,
        reason: (attempts > 0).then(|| "busy".to_owned()),
        said: None,
        put_at: "2026-11-22T08:05:10Z".parse().unwrap(),
    });
    leased.collect()
}

pub(super) fn config() -> DeskConfig {
    DeskConfig {
        unit: "X99.01".into(),
        domain: Some(("X99-BHYT".into(), "Bảo hiểm y tế".into())),
        result_code: Some("KQ.X99.000001".into()),
        retry_after: std::time::Duration::from_secs(5),
        retry_after_refusal: std::time::Duration::from_secs(900),
        batch_max: 1_000,
        procedures: schemas::procedure::Catalog::embedded(),
    }
}

fn pack(changes: &[Change]) -> Vec<Shipment> {
    let leased: Vec<_> = changes
        .iter()
        .flat_map(|change| leased(change, 0))
        .collect();
    let (shipments, unsayable) = sent::desk_without_portal().pack(&leased);
    assert!(unsayable.is_empty(), "{unsayable:?}");
    shipments
}

/// A recorded body as the portal reads it once the session is there.
fn push<T: serde::de::DeserializeOwned>(shipment: &Shipment) -> Push<T> {
    let body = String::from_utf8(shipment.body.to_vec()).unwrap();
    assert!(!body.contains("session"));
    decode(body.replacen('{', r#"{"session":"s","#, 1).as_bytes()).unwrap()
}

#[test]
fn the_first_step_is_told_whole_and_later_ones_as_progress_and_an_end_both_ways() {
    let kinds = |step, state| -> Vec<&str> {
        let partner = PartnerId::parse("portal").unwrap();
        parcels(&partner, &change(1, step, state))
            .unwrap()
            .iter()
            .map(|parcel| parcel.kind)
            .collect()
    };
    assert_eq!(kinds(1, 1), ["portal.sync"]);
    for state in [2, 4, 5, 6] {
        assert_eq!(kinds(2, state), ["portal.progress"]);
    }
    for state in [3, 7, 8, 9, 10] {
        assert_eq!(kinds(5, state), ["portal.progress", "portal.sync"]);
    }
}

#[test]
fn parcels_are_unique_and_in_order_over_the_life_of_a_dossier() {
    let partner = PartnerId::parse("portal").unwrap();
    let life = [1, 2, 4, 9, 10].into_iter().zip(1..);
    let parcels: Vec<_> = life
        .flat_map(|(state, step)| parcels(&partner, &change(1, step, state)).unwrap())
        .collect();
    assert_eq!(parcels.len(), 7);
    assert!(parcels.is_sorted_by(|one, next| one.sequence < next.sequence));
    let ids: std::collections::BTreeSet<_> = parcels.iter().map(|parcel| &parcel.id).collect();
    assert_eq!(ids.len(), 7);
    assert!(
        parcels
            .iter()
            .all(|parcel| parcel.subject == "X99.01-261122-000001")
    );
}

#[test]
fn a_change_about_nothing_is_refused() {
    let partner = PartnerId::parse("portal").unwrap();
    let empty = Change {
        what: None,
        ..change(1, 1, 1)
    };
    assert_eq!(parcels(&partner, &empty), Err("not-a-dossier"));
}

#[test]
fn a_new_dossier_is_a_record_that_is_not_an_update() {
    let shipment = pack(&[change(1, 1, 1)]).remove(0);
    assert_eq!(
        (shipment.operation.name, shipment.service),
        ("portal.sync-dossier", "DongBoHoSoMC")
    );
    assert_eq!(
        (&*shipment.purpose, shipment.parcels.as_slice()),
        ("card-reissue", &["change-1-1.sync".to_owned()][..])
    );
    let call: Push<DossierRecord> = push(&shipment);
    assert_eq!(
        (
            call.unit.as_str(),
            call.service.as_str(),
            call.is_updating.as_deref()
        ),
        ("X99.01", "DongBoHoSoMC", Some("False"))
    );
    let record = &call.data[0];
    assert_eq!(
        (record.received_at.as_str(), record.due_at.as_str()),
        ("20261122120000", "20261127170000")
    );
    assert_eq!(
        (
            record.state.as_str(),
            record.channel.as_str(),
            record.applicant_kind.as_str()
        ),
        ("1", "2", "1")
    );
    assert_eq!(
        record.procedure_name.as_deref(),
        Some("Cấp lại thẻ BHYT do mất, hỏng")
    );
    assert_eq!(record.domain.as_deref(), Some("X99-BHYT"));
    assert_eq!(record.identities[0].number, "099090000001");
    assert_eq!(
        (
            &record.returned_at,
            &record.finished_at,
            record.results.len()
        ),
        (&None, &None, 0)
    );
}

#[test]
fn a_returned_result_shows_its_day_and_a_paper_without_the_cards_number() {
    let shipments = pack(&[change(1, 5, 10)]);
    let call: Push<DossierRecord> = push(&shipments[1]);
    assert_eq!(call.is_updating.as_deref(), Some("True"));
    let record = &call.data[0];
    assert_eq!(record.returned_at.as_deref(), Some("20261122150509"));
    assert_eq!(record.finished_at.as_deref(), Some("20261122150509"));
    assert_eq!(
        (record.return_form.as_deref(), record.refused_at.as_deref()),
        (Some("2"), None)
    );
    assert_eq!(
        (
            record.results[0].name.as_str(),
            record.results[0].id.as_str()
        ),
        ("Thẻ bảo hiểm y tế", "X99.01-261122-000001-2")
    );
    assert!(
        !String::from_utf8(shipments[1].body.to_vec())
            .unwrap()
            .contains("9912345678")
    );
}

#[test]
fn a_refusal_shows_its_day_and_reason() {
    let call: Push<DossierRecord> = push(&pack(&[change(1, 2, 3)])[1]);
    assert_eq!(call.data[0].refused_at.as_deref(), Some("20261122150509"));
    assert_eq!(call.data[0].note.as_deref(), Some("thiếu điều kiện"));
    assert_eq!(call.data[0].returned_at, None);
}

#[test]
fn a_step_is_a_line_of_progress_in_the_portals_words() {
    let shipment = pack(&[change(1, 3, 4)]).remove(0);
    assert_eq!(
        (shipment.operation.name, shipment.service),
        ("portal.update-progress", "CapNhatTienDoHoSoMC")
    );
    let call: Push<Progress> = push(&shipment);
    let step = &call.data[0];
    assert_eq!(
        (
            call.is_updating.as_deref(),
            step.state.as_str(),
            step.at.as_str()
        ),
        (None, "4", "20261122150509")
    );
    assert_eq!(
        (
            step.text.as_str(),
            step.officer.as_str(),
            step.unit.as_str()
        ),
        ("Đang xử lý", "Cán bộ Mẫu", "Phòng Mẫu")
    );
    assert_eq!(step.due_at.as_deref(), Some("20261127170000"));
}

#[test]
fn an_officers_name_is_cut_at_fifty_characters() {
    let mut long = change(1, 3, 4);
    if let Some(What::Dossier(step)) = &mut long.what {
        step.officer = "ễ".repeat(60);
    }
    let call: Push<Progress> = push(&pack(&[long])[0]);
    assert_eq!(call.data[0].officer.chars().count(), 50);
}

#[test]
fn at_most_ten_steps_travel_together() {
    let changes: Vec<_> = (1..=23).map(|serial| change(serial, 2, 2)).collect();
    let sizes: Vec<_> = pack(&changes)
        .iter()
        .map(|shipment| shipment.parcels.len())
        .collect();
    assert_eq!(sizes, [10, 10, 3]);
}

#[test]
fn a_smaller_batch_of_the_config_binds_and_a_greater_one_does_not() {
    let parcels: Vec<_> = (1..=5)
        .flat_map(|serial| leased(&change(serial, 2, 2), 0))
        .collect();
    for (batch_max, sizes, lease) in [
        (0, &[1, 1, 1, 1, 1][..], 2),
        (2, &[2, 2, 1], 4),
        (1_000, &[5], 20),
    ] {
        let desk = sent::desk(DeskConfig {
            batch_max,
            ..config()
        });
        let (shipments, _) = desk.pack(&parcels);
        let carried: Vec<_> = shipments.iter().map(|one| one.parcels.len()).collect();
        assert_eq!((carried.as_slice(), desk.batch_max()), (sizes, lease));
    }
}

#[test]
fn everything_goes_by_the_portals_own_road() {
    for shipment in pack(&[change(1, 1, 1), change(2, 5, 10)]) {
        assert_eq!(shipment.road, gateway_core::Road::Vdxp);
    }
}

#[test]
fn every_sync_travels_alone() {
    let changes: Vec<_> = (1..=3).map(|serial| change(serial, 1, 1)).collect();
    assert_eq!(
        pack(&changes)
            .iter()
            .map(|shipment| shipment.parcels.len())
            .collect::<Vec<_>>(),
        [1, 1, 1]
    );
}

#[test]
fn no_step_overtakes_its_own_dossier() {
    let mut changes = Vec::new();
    for serial in 1..=3 {
        changes.extend(
            [(1, 1), (2, 2), (3, 4), (4, 9), (5, 10)]
                .map(|(step, state)| change(serial, step, state)),
        );
    }
    let order: Vec<String> = pack(&changes)
        .into_iter()
        .flat_map(|shipment| shipment.parcels)
        .collect();
    assert_eq!(order.len(), 21);
    for serial in 1..=3 {
        let prefix = format!("change-{serial}-");
        let seen: Vec<&str> = order
            .iter()
            .filter_map(|id| id.strip_prefix(&prefix))
            .collect();
        assert_eq!(
            seen,
            [
                "1.sync",
                "2.progress",
                "3.progress",
                "4.progress",
                "4.sync",
                "5.progress",
                "5.sync"
            ]
        );
    }
}

#[test]
fn a_parcel_that_failed_before_travels_alone() {
    let mut parcels = leased(&change(1, 2, 2), 0);
    parcels.extend(leased(&change(2, 2, 2), 1));
    parcels.extend(leased(&change(3, 2, 2), 0));
    let (shipments, _) = sent::desk_without_portal().pack(&parcels);
    let carried: Vec<_> = shipments
        .iter()
        .map(|shipment| shipment.parcels.len())
        .collect();
    assert_eq!(carried, [2, 1]);
    assert_eq!(shipments[1].parcels, ["change-2-2.progress"]);
}

#[test]
fn a_parcel_that_cannot_be_said_is_given_back_and_the_others_go() {
    let unsayable = |parcel: Leased| {
        let good = leased(&change(9, 2, 2), 0);
        let (shipments, back) = sent::desk_without_portal().pack(&[vec![parcel], good].concat());
        assert_eq!(shipments.len(), 1);
        back.into_iter()
            .map(|(_, reason)| reason)
            .collect::<Vec<_>>()
    };
    let parcel = |change: &Change| leased(change, 0).remove(0);
    assert_eq!(
        unsayable(Leased {
            kind: "portal.else".into(),
            ..parcel(&change(1, 2, 2))
        }),
        ["unknown-kind"]
    );
    let garbage = Bytes::from_static(&[0xff]);
    assert_eq!(
        unsayable(Leased {
            content: garbage,
            ..parcel(&change(1, 2, 2))
        }),
        ["unreadable-content"]
    );
    assert_eq!(unsayable(parcel(&change(1, 2, 11))), ["unknown-state"]);
    let timeless = Change {
        at: "soon".into(),
        ..change(1, 2, 2)
    };
    assert_eq!(unsayable(parcel(&timeless)), ["bad-time"]);
}

#[test]
fn what_follows_an_unsayable_step_of_a_dossier_waits_for_it() {
    let parcels = [change(1, 2, 11), change(1, 3, 4), change(2, 2, 2)]
        .map(|change| leased(&change, 0))
        .concat();
    let (shipments, back) = sent::desk_without_portal().pack(&parcels);
    assert_eq!(back, [("change-1-2.progress".to_owned(), "unknown-state")]);
    let carried: Vec<_> = shipments
        .into_iter()
        .flat_map(|shipment| shipment.parcels)
        .collect();
    assert_eq!(carried, ["change-2-2.progress"]);
}
