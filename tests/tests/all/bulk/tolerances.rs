//! How far the sides may differ: by the config of the day on which a month was announced, and by no other.

use std::collections::BTreeMap;

use gateway_tests::house::replace;
use schemas::proto::insurance::{DiscrepancyState, Finding};

use super::*;

const ROW: &str = "path = \"bulk\"\n\n[[bulk.tolerances]]\nvalid_from = 1995-01-01\ncount = 3\n";

/// What the pages say of findings, without what each answer has of its own.
fn lines(pages: &[String]) -> Vec<String> {
    let within = |text: &String| {
        let from = text.find("<Finding>")?;
        let to = text.rfind("</Finding>")?;
        text.get(from..to).map(str::to_owned)
    };
    pages.iter().filter_map(within).collect()
}

async fn announced(house: &House, department: &Department, id: &str) -> Sending {
    let sending = department.cut(id, Form::Xml, Packing::Plain, 4);
    let message = manifest(house, department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&message).await.assert_ok();
    sending
}

async fn sent_from(house: &House, sending: &Sending, first: usize) {
    for number in first..=sending.chunks.len() {
        put(house, sending, number).await.assert_ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_judged_by_the_tolerances_of_its_announcement_through_a_restart_under_others() {
    let mut house = House::plan()
        .replace("gateway.toml", "path = \"bulk\"\n", ROW)
        .start()
        .await;
    let department = Department::of(&house, Kind::Employer).await;
    let counted = |seed: &Seed| ["E-UNDERCOUNT", "E-OVERCOUNT"].contains(&seed.0.as_str());
    let mut within = department.seeds.clone();
    within.retain(|seed| !counted(seed));
    assert_eq!(within.len() + 2, department.seeds.len());

    let whole = announced(&house, &department, "tolerant-whole").await;
    sent_from(&house, &whole, 1).await;
    let (found, pages) = told(&house, &whole).await;
    assert_eq!(found, within, "three people are nothing");
    let halved = announced(&house, &department, "tolerant-halved").await;
    put(&house, &halved, 1).await.assert_ok();

    house.kill().await;
    let from = "count = 3\n";
    replace(&house.file("gateway.toml"), from, "count = 0  # now\n");
    house.open().await;
    sent_from(&house, &halved, 2).await;
    let (found, again) = told(&house, &halved).await;
    assert_eq!(found, within, "it was announced before");
    assert_eq!(lines(&again), lines(&pages), "the same bytes");
    let strict = announced(&house, &department, "strict-month").await;
    sent_from(&house, &strict, 1).await;
    assert_eq!(told(&house, &strict).await.0, department.seeds);
}

/// Open rows of the ledger, by category.
async fn open_rows(house: &House) -> BTreeMap<String, Finding> {
    let request = ListDiscrepanciesRequest {
        context: Some(Context {
            sender: "tax".into(),
            ..Context::default()
        }),
        state: DiscrepancyState::Unspecified.into(),
        max: 1_000,
        ..ListDiscrepanciesRequest::default()
    };
    let by = tokio::time::Instant::now() + 10 * SECOND;
    let client = &house.gateway().contract().client;
    let rows = client.discrepancies(by, request).await.unwrap();
    let rows = rows.discrepancies.into_iter();
    let findings = rows.filter_map(|row| row.finding);
    findings.map(|one| (one.category.clone(), one)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_tolerated_stands_beside_each_figure_in_the_ledger() {
    let row = "path = \"bulk\"\n\n[[bulk.tolerances]]\nvalid_from = 1995-01-01\n\
        count = 2\nfund_vnd = 4000000\nfund_bp = 1\n";
    let house = House::plan()
        .replace("gateway.toml", "path = \"bulk\"\n", row)
        .start()
        .await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = announced(&house, &department, "tolerated-rows").await;
    sent_from(&house, &sending, 1).await;
    settled(&house, &sending, "done").await;
    in_the_ledger(&house).await;
    let rows = open_rows(&house).await;
    let of = |category: &str| {
        let row = &rows[category];
        (row.tolerated, row.tolerated_bp)
    };
    assert_eq!(of("E-UNDERCOUNT"), (2, 0));
    assert_eq!(of("E-UNDERFUND"), (4_000_000, 1));
    assert_eq!(of("E-NAME"), (0, 0), "a name is no figure");
    assert!(!rows.contains_key("E-OVERCOUNT"), "one person is nothing");
}
