//! What a later month does not find again is matched in the ledger, and what it finds again is mismatched.

use schemas::proto::insurance::{Discrepancy, DiscrepancyState as State};

use super::*;

/// Sends a month whole and waits until it is compared.
async fn send(house: &House, department: &Department, id: &str) {
    let sending = department.cut(id, Form::Ndjson, Packing::Zstd, 1_000);
    let announced = manifest(house, department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    for number in 1..=sending.chunks.len() {
        put(house, &sending, number).await.assert_ok();
    }
    settled(house, &sending, "done").await;
}

async fn rows(house: &House) -> Vec<Discrepancy> {
    let request = ListDiscrepanciesRequest {
        context: Some(Context {
            sender: "tax".into(),
            ..Context::default()
        }),
        max: 1_000,
        ..ListDiscrepanciesRequest::default()
    };
    let by = tokio::time::Instant::now() + 10 * SECOND;
    let listed = house.gateway().contract().client.discrepancies(by, request);
    listed.await.unwrap().discrepancies
}

/// The state of each row of these categories, once all of them stand so.
async fn stand(house: &House, of_persons: bool, expected: impl Fn(&str) -> State) {
    let mut left = Vec::new();
    for _ in 0..120 {
        left = rows(house).await;
        left.retain(|row| {
            let category = &row.finding.as_ref().unwrap().category;
            category.starts_with('P') == of_persons && row.state() != expected(category)
        });
        if left.is_empty() {
            return;
        }
        tokio::time::sleep(SECOND / 4).await;
    }
    panic!("they stand otherwise: {left:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_corrected_month_does_not_find_again_matches_and_only_of_its_kind() {
    let house = House::start().await;
    let persons = Department::of(&house, Kind::Person).await;
    let mut employers = Department::of(&house, Kind::Employer).await;
    send(&house, &persons, "persons-first").await;
    send(&house, &employers, "employers-first").await;
    let seeds = persons.seeds.len() + employers.seeds.len();
    assert_eq!(rows(&house).await.len(), seeds);
    stand(&house, true, |_| State::Notified).await;
    stand(&house, false, |_| State::Notified).await;

    // the department mends the status that contradicted ours, and nothing else
    let (_, ended, _) = employers
        .seeds
        .iter()
        .find(|seed| seed.0 == "E-STATUS-TAX")
        .cloned()
        .unwrap();
    for row in &mut employers.rows {
        if let schemas::wire::tax_records::Record::Employer(row) = row
            && row.mst.to_string() == ended
        {
            row.status = schemas::wire::tax_records::Status::Taxpayer(0);
        }
    }
    send(&house, &employers, "employers-mended").await;
    stand(&house, false, |category| match category {
        "E-STATUS-TAX" => State::Matched,
        _ => State::Mismatched,
    })
    .await;
    // a month of employers says nothing of persons
    stand(&house, true, |_| State::Notified).await;
    assert_eq!(rows(&house).await.len(), seeds, "nothing is noted anew");
}
