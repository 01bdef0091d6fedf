//! Months.StreamRecords.

use std::collections::BTreeSet;
use std::time::Duration;

use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    GetParticipationRequest, RecordBatch, RecordKind, StreamRecordsRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_month_comes_whole_and_in_the_order_of_its_keys
    a_stream_goes_on_after_any_key_and_gives_the_rest
    rows_of_other_provinces_never_leave_the_registry
    malformed_streams_are_refused
}

pub fn month(kind: RecordKind, provinces: &[&str], after: &str) -> StreamRecordsRequest {
    StreamRecordsRequest {
        context: Some(context("tax", "q")),
        kind: kind.into(),
        period: "2026-09".into(),
        provinces: provinces.iter().map(|code| (*code).to_owned()).collect(),
        after: after.into(),
    }
}

pub async fn all(scene: &Scene, request: StreamRecordsRequest) -> Vec<RecordBatch> {
    let stream = scene.insurance.records(Duration::from_secs(60), request);
    let (mut stream, mut batches) = (stream.await.unwrap(), Vec::new());
    while let Some(batch) = stream.next().await.unwrap() {
        batches.push(batch);
    }
    batches
}

/// Keys of what came: tax codes, or PINs and tax codes.
fn keys(batches: &[RecordBatch]) -> Vec<(String, String)> {
    let employers = batches.iter().flat_map(|batch| &batch.employers);
    let employers = employers.map(|one| (one.tax_code.clone(), String::new()));
    let persons = batches.iter().flat_map(|batch| &batch.persons);
    let persons = persons.map(|one| (one.pin.clone(), one.tax_code.clone()));
    employers.chain(persons).collect()
}

async fn a_month_comes_whole_and_in_the_order_of_its_keys(scene: Scene) {
    for kind in [RecordKind::Employer, RecordKind::Person] {
        let batches = all(&scene, month(kind, &[], "")).await;
        let keys = keys(&batches);
        assert!(!keys.is_empty() && keys.is_sorted());
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        for one in batches.iter().flat_map(|batch| &batch.employers) {
            let asked = scene.insurance.participation(
                soon(),
                GetParticipationRequest {
                    context: Some(context("tax", "q")),
                    tax_code: one.tax_code.clone(),
                    period: "2026-09".into(),
                    ..GetParticipationRequest::default()
                },
            );
            let told = asked.await.unwrap();
            assert_eq!(
                (
                    told.participants,
                    told.fund_vnd,
                    told.due_vnd,
                    told.paid_vnd
                ),
                (one.participants, one.fund_vnd, one.due_vnd, one.paid_vnd)
            );
        }
    }
}

async fn a_stream_goes_on_after_any_key_and_gives_the_rest(scene: Scene) {
    for kind in [RecordKind::Employer, RecordKind::Person] {
        let whole = keys(&all(&scene, month(kind, &[], "")).await);
        for place in [0, whole.len() / 2, whole.len() - 1] {
            let (first, second) = &whole[place];
            let after = format!("{first} {second}");
            let rest = keys(&all(&scene, month(kind, &[], after.trim_end())).await);
            assert_eq!(rest, whole[place + 1..]);
        }
    }
}

async fn rows_of_other_provinces_never_leave_the_registry(scene: Scene) {
    let whole = all(&scene, month(RecordKind::Person, &[], "")).await;
    let persons: Vec<_> = whole.iter().flat_map(|batch| &batch.persons).collect();
    let province = persons[0].province.as_str();
    let expected = persons
        .iter()
        .filter(|one| one.province == province)
        .count();
    let of_one = all(&scene, month(RecordKind::Person, &[province], "")).await;
    let told: Vec<_> = of_one.iter().flat_map(|batch| &batch.persons).collect();
    assert!(told.iter().all(|one| one.province == province));
    assert_eq!(told.len(), expected);
}

async fn malformed_streams_are_refused(scene: Scene) {
    let good = || month(RecordKind::Person, &[], "");
    let cases = [
        StreamRecordsRequest {
            context: None,
            ..good()
        },
        month(RecordKind::Unspecified, &[], ""),
        StreamRecordsRequest {
            period: "2026-13".into(),
            ..good()
        },
        month(RecordKind::Person, &["1"], ""),
        month(RecordKind::Person, &["01", "01"], ""),
        month(RecordKind::Person, &["x'"], ""),
        month(RecordKind::Person, &[], "099'; DROP TABLE people"),
    ];
    for request in cases {
        let refused = scene
            .insurance
            .records(Duration::from_secs(60), request.clone());
        let fault = refused.await.unwrap_err();
        assert_eq!(fault.code(), FaultCode::Invalid, "{request:?}");
    }
}
