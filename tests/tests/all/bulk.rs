//! A whole month reconciled through the rooms: manifest, chunks, result pages.

mod forms;
mod kept;
mod matched;
mod platform;
mod refused;
mod sent;
mod tolerances;

use std::{collections::BTreeSet, time::Duration};

use gateway_tests::{
    client::{Reply, Wire},
    department::{Department, Seed, Sending},
    house::House,
    message::{Json, Message, Tax, tax::text_of},
};
use schemas::{
    proto::insurance::{Context, ListDiscrepanciesRequest},
    wire::tax_records::{Form, Kind, Packing},
};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

/// By which the department speaks to us.
trait Line {
    async fn say(&self, message: &Message) -> Reply;

    /// Puts the bytes of a chunk.
    async fn bring(&self, path: &str, bytes: Vec<u8>) -> Reply;
}

impl Line for Wire {
    async fn say(&self, message: &Message) -> Reply {
        self.send(message).await
    }

    async fn bring(&self, path: &str, bytes: Vec<u8>) -> Reply {
        self.put(path, bytes, &[]).await
    }
}

/// The manifest as a signed message; its message id is the manifest's.
pub(super) fn manifest(house: &House, department: &Department, sending: &Sending) -> Tax {
    let body = sending.xml(department.kind, &department.period, &[]);
    message(house, sending, body)
}

fn message(house: &House, sending: &Sending, body: String) -> Tax {
    Tax {
        id: sending.manifest.clone(),
        ..Tax::new(house.now(), "tax.reconcile", body)
    }
}

fn path(sending: &Sending, number: usize) -> String {
    format!("/tax/v1/manifests/{}/chunks/{number}", sending.manifest)
}

fn chunk(sending: &Sending, number: usize) -> Vec<u8> {
    sending.chunks[number - 1].0.clone()
}

pub(super) async fn put(house: &House, sending: &Sending, number: usize) -> Reply {
    let line = house.wire("tax");
    line.bring(&path(sending, number), chunk(sending, number))
        .await
}

fn ask(house: &House, sending: &Sending, page: u32) -> Tax {
    let body = format!(
        "<ReconcileResult><Manifest>{}</Manifest><Page>{page}</Page>\
         <Purpose>tax-compliance</Purpose></ReconcileResult>",
        sending.manifest
    );
    Tax::new(house.now(), "tax.reconcile-result", body)
}

/// The signed summary, once it says this.
pub(super) async fn settled(house: &House, sending: &Sending, state: &str) -> Reply {
    settled_by(&house.wire("tax"), house, sending, state).await
}

async fn settled_by(line: &impl Line, house: &House, sending: &Sending, state: &str) -> Reply {
    let key = house.key("tax");
    for _ in 0..120 {
        let asked = ask(house, sending, 0);
        let reply = line.say(&asked.sign(&key)).await;
        house.assert_answers(&asked, reply.assert_ok());
        if text_of(reply.text(), "State") == Some(state) {
            return reply;
        }
        tokio::time::sleep(SECOND / 2).await;
    }
    panic!("the reconciliation never became {state}");
}

/// Announces the department's month in JSON, and gives the evidence id of that.
pub(super) async fn announced_in_json(house: &House, id: &str) -> String {
    let department = Department::of(house, Kind::Employer).await;
    let sending = department.cut(id, Form::Ndjson, Packing::Gzip, 100);
    let body = sending.json(Kind::Employer, &department.period).to_string();
    let path = "/tax/v1/json";
    let announced = Json::new(house.now(), "tax", "tax.reconcile", path, body.into_bytes());
    let reply = house
        .wire("tax")
        .send(&announced.sign(&house.key("tax")))
        .await;
    reply.assert_ok().evidence().to_owned()
}

/// What all pages tell, and the words of each page.
async fn told(house: &House, sending: &Sending) -> (BTreeSet<Seed>, Vec<String>) {
    told_by(&house.wire("tax"), house, sending).await
}

async fn told_by(
    line: &impl Line,
    house: &House,
    sending: &Sending,
) -> (BTreeSet<Seed>, Vec<String>) {
    let summary = settled_by(line, house, sending, "done").await;
    let number = |name| {
        text_of(summary.text(), name)
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let (pages, found) = (number("Pages"), number("Found"));
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    for page in 1..=u32::try_from(pages).unwrap() {
        let asked = ask(house, sending, page);
        let reply = line.say(&asked.sign(&house.key("tax"))).await;
        house.assert_answers(&asked, reply.assert_ok());
        all.extend(findings(reply.text()));
        texts.push(reply.text().to_owned());
    }
    assert_eq!(all.len(), found);
    let set: BTreeSet<Seed> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "a finding stands twice");
    (set, texts)
}

fn findings(text: &str) -> Vec<Seed> {
    let part = |one: &str, name| text_of(one, name).unwrap_or_default().to_owned();
    let lines = text.split("<Finding>").skip(1);
    lines
        .map(|one| (part(one, "Category"), part(one, "Mst"), part(one, "Person")))
        .collect()
}

/// What stands in the ledger behind the contract, once anything does.
async fn in_the_ledger(house: &House) -> BTreeSet<Seed> {
    for _ in 0..120 {
        let request = ListDiscrepanciesRequest {
            context: Some(Context {
                sender: "tax".into(),
                ..Context::default()
            }),
            max: 1_000,
            ..ListDiscrepanciesRequest::default()
        };
        let by = tokio::time::Instant::now() + 10 * SECOND;
        let client = &house.gateway().contract().client;
        let rows = client
            .discrepancies(by, request)
            .await
            .unwrap()
            .discrepancies;
        if !rows.is_empty() {
            let findings = rows.into_iter().filter_map(|row| row.finding);
            return findings
                .map(|one| (one.category, one.tax_code, one.person))
                .collect();
        }
        tokio::time::sleep(SECOND / 2).await;
    }
    panic!("nothing came into the ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_employers_in_xml_finds_what_was_seeded_after_duplicates_and_a_death() {
    let mut house = House::start().await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("employers-xml-1", Form::Xml, Packing::Gzip, 4);
    assert!(sending.chunks.len() >= 3);
    let announced = manifest(&house, &department, &sending);
    let message = announced.sign(&house.key("tax"));
    let reply = house.wire("tax").send(&message).await;
    house.assert_answers(&announced, reply.assert_ok());
    let again = house.wire("tax").send(&message).await;
    assert_eq!(again.body, reply.body, "the stored answer");
    let first = put(&house, &sending, 1).await;
    first.assert_ok();
    assert_eq!(text_of(first.text(), "Number"), Some("1"));
    let state = settled(&house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Found"), Some("0"));
    house.kill().await;
    house.open().await;
    let again = put(&house, &sending, 1).await;
    assert_eq!(again.assert_ok().body, first.body, "the stored answer");
    for number in 2..=sending.chunks.len() {
        put(&house, &sending, number).await.assert_ok();
    }
    house.kill().await;
    house.open().await;
    let (found, pages) = told(&house, &sending).await;
    assert_eq!(found, department.seeds);
    assert_eq!(in_the_ledger(&house).await, department.seeds);
    // values of a field that is not agreed are not told, the field is
    let address = pages.concat();
    let address = address
        .split("<Finding>")
        .find(|one| one.contains("E-ADDR"));
    assert!(!address.unwrap().contains("<Ours>"));
    let under = pages.concat();
    let under = under
        .split("<Finding>")
        .find(|one| one.contains("E-UNDERCOUNT"));
    assert!(under.unwrap().contains("<Ours>"));
    assert!(pages[0].contains("<NotDisclosed>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_persons_in_json_finds_the_same_however_it_is_cut_and_packed() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Person).await;
    let key = house.key("tax");
    for (form, packing, records, id) in [
        (Form::Ndjson, Packing::Zstd, 40, "persons-json-1"),
        (Form::Xml, Packing::Plain, 1_000, "persons-json-2"),
    ] {
        let sending = department.cut(id, form, packing, records);
        let body = sending.json(Kind::Person, &department.period).to_string();
        let announced = Json::new(
            house.now(),
            "tax",
            "tax.reconcile",
            "/tax/v1/json",
            body.into_bytes(),
        );
        let reply = house.wire("tax").send(&announced.sign(&key)).await;
        house.assert_answers_json(&announced, id, reply.assert_ok());
        for number in 1..=sending.chunks.len() {
            let path = format!("/tax/v1/json/manifests/{id}/chunks/{number}");
            let reply = house
                .wire("tax")
                .put(&path, chunk(&sending, number), &[])
                .await;
            let receipt = &reply.assert_ok().json()["ReconcileChunkReceipt"];
            assert_eq!(receipt["Number"], number);
            assert_eq!(receipt["Records"], sending.chunks[number - 1].1);
        }
        let (found, _) = told(&house, &sending).await;
        assert_eq!(found, department.seeds, "{id}");
    }
    let body = json!({ "ReconcileResult": {
        "Manifest": "persons-json-1", "Page": 1, "Purpose": "tax-compliance",
    }});
    let body = body.to_string().into_bytes();
    let asked = Json::new(
        house.now(),
        "tax",
        "tax.reconcile-result",
        "/tax/v1/json",
        body,
    );
    let reply = house.wire("tax").send(&asked.sign(&key)).await;
    let page = &reply.assert_ok().json()["ReconcileResultPage"];
    assert_eq!(
        page["Finding"].as_array().unwrap().len(),
        department.seeds.len()
    );
}
