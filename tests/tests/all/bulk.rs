//! A whole month reconciled through the rooms: manifest, chunks, result pages.

use std::{collections::BTreeSet, time::Duration};

use certs::{
    keys::{Algorithm, SigningKey},
    tls::{Anchors, Identity},
};
use gateway_tests::{
    client::{Reply, Wire},
    department::{Department, Seed, Sending},
    house::{House, Plan},
    message::{Json, Tax, fresh_id, tax::text_of},
    torture::{
        process::Launch,
        site::{Site, binary, free_port},
    },
};
use insurance::{
    Insurance,
    registry::{Params, Registry},
};
use schemas::{
    fault::FaultCode::{
        self, BadSignature, Conflict, Forbidden, Invalid, Malformed, OutOfOrder, TooLarge,
        Unauthenticated, UnknownSubject,
    },
    proto::insurance::{Context, ListDiscrepanciesRequest},
    wire::tax_records::{Form, Kind, Packing},
};
use serde_json::json;

const SECOND: Duration = Duration::from_secs(1);

/// Path, bytes and headers of a chunk that is refused, and how.
type Bent<'a> = (
    &'a str,
    Vec<u8>,
    &'a [(&'a str, &'a str)],
    FaultCode,
    &'a str,
);

/// A chunk with its totals, its packing and provinces, and how it is refused.
type Content<'a> = (
    (Vec<u8>, u64, u64),
    Packing,
    &'a [&'a str],
    (FaultCode, &'a str),
);

/// The manifest as a signed message; its message id is the manifest's.
fn manifest(house: &House, department: &Department, sending: &Sending) -> Tax {
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

async fn put(house: &House, sending: &Sending, number: usize) -> Reply {
    let wire = house.wire("tax");
    wire.put(&path(sending, number), chunk(sending, number), &[])
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
async fn settled(house: &House, sending: &Sending, state: &str) -> Reply {
    let key = house.key("tax");
    for _ in 0..120 {
        let asked = ask(house, sending, 0);
        let reply = house.wire("tax").send(&asked.sign(&key)).await;
        house.assert_answers(&asked, reply.assert_ok());
        if text_of(reply.text(), "State") == Some(state) {
            return reply;
        }
        tokio::time::sleep(SECOND / 2).await;
    }
    panic!("the reconciliation never became {state}");
}

/// What all pages tell, and the words of each page.
async fn told(house: &House, sending: &Sending) -> (BTreeSet<Seed>, Vec<String>) {
    let summary = settled(house, sending, "done").await;
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
        let reply = house.wire("tax").send(&asked.sign(&house.key("tax"))).await;
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

/// A house whose agreement is of one province and of few records.
fn narrow() -> Plan {
    House::plan().replace(
        "partners/tax.toml",
        "lines = 25000000",
        "lines = 900\nprovinces = [\"01\"]",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_against_its_agreement_or_itself_is_refused_and_takes_no_chunk() {
    let house = narrow().start().await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("refused-manifest", Form::Xml, Packing::Plain, 4);
    let key = house.key("tax");
    let body = |provinces: &[&str]| sending.xml(Kind::Employer, &department.period, provinces);
    let good = body(&["01"]);
    let (_, amount) = good.split_once("<Amount>").unwrap();
    let amount = amount.split_once('<').unwrap().0;
    let period = format!("<Period>{}</Period>", department.period);
    let now = house.now().strftime("%Y-%m").to_string();
    let cases: [(String, FaultCode, &str); 9] = [
        (body(&["79"]), Forbidden, "province-not-agreed"),
        (body(&[]), Forbidden, "province-not-agreed"),
        (
            good.replacen("<Amount>", "<Amount>1", 1),
            Invalid,
            "totals-do-not-add-up",
        ),
        (
            good.replace(
                &format!(
                    "<Records>{}</Records><Amount>{amount}",
                    department.rows.len()
                ),
                "<Records>901</Records><Amount>0",
            ),
            Invalid,
            "totals-do-not-add-up",
        ),
        (
            good.replace(&period, "<Period>2999-01</Period>"),
            Invalid,
            "period-in-the-future",
        ),
        (
            good.replace(&period, &format!("<Period>{now}</Period>")),
            Invalid,
            "month-not-ended",
        ),
        (
            good.replace(&period, "<Period>1994-12</Period>"),
            Invalid,
            "period-before-1995",
        ),
        (
            good.replace(&period, "<Period>1996-01</Period>"),
            Invalid,
            "month-not-judged",
        ),
        (body(&["01", "01"]), Invalid, "province"),
    ];
    for (body, code, reason) in cases {
        let bent = Tax {
            id: fresh_id("tax"),
            ..message(
                &house,
                &sending,
                body.replace("refused-manifest", &fresh_id("m")),
            )
        };
        house.refuses("tax", &bent.sign(&key), code, reason).await;
    }
    let reply = put(&house, &sending, 1).await;
    reply.assert_fault(OutOfOrder, "manifest-unknown");
    let many = Department {
        rows: std::iter::repeat_n(department.rows[0].clone(), 901).collect(),
        ..department.clone()
    };
    let many = many.cut("many-records", Form::Xml, Packing::Plain, 1_000);
    let body = many.xml(Kind::Employer, &department.period, &["01"]);
    let more = message(&house, &many, body).sign(&key);
    house
        .refuses("tax", &more, Forbidden, "more-lines-than-agreed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_not_what_was_announced_is_refused_by_its_reason_and_changes_nothing() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Employer).await;
    let sending = department.cut("chunks-refused", Form::Xml, Packing::Plain, 4);
    let wire = house.wire("tax");
    let announced = manifest(&house, &department, &sending);
    wire.send(&announced.sign(&house.key("tax")))
        .await
        .assert_ok();
    let other = Tax {
        id: fresh_id("tax"),
        ..message(
            &house,
            &sending,
            sending.xml(Kind::Employer, &department.period, &["01"]),
        )
    };
    let other = other.sign(&house.key("tax"));
    house
        .refuses("tax", &other, Conflict, "same-id-other-content")
        .await;
    let good = chunk(&sending, 1);
    let mut flipped = good.clone();
    flipped[10] ^= 1;
    let mut longer = good.clone();
    longer.push(b'\n');
    let first = path(&sending, 1);
    let cases: [Bent<'_>; 7] = [
        (
            &path(&sending, 2),
            chunk(&sending, 2),
            &[],
            OutOfOrder,
            "chunk-out-of-order",
        ),
        (
            &path(&sending, 99),
            good.clone(),
            &[],
            BadSignature,
            "chunk-not-in-manifest",
        ),
        (&first, flipped, &[], BadSignature, "chunk-not-as-announced"),
        (
            &first,
            good[..good.len() - 1].to_vec(),
            &[],
            BadSignature,
            "chunk-not-as-announced",
        ),
        (&first, longer, &[], TooLarge, "chunk-longer-than-announced"),
        (
            &first,
            good.clone(),
            &[("lienthong-on-behalf-of", "dvclt")],
            Unauthenticated,
            "peer-may-not-carry-sender",
        ),
        (
            &first,
            good.clone(),
            &[("lienthong-on-behalf-of", "No One")],
            Malformed,
            "sender-header",
        ),
    ];
    for (path, bytes, headers, code, reason) in cases {
        wire.put(path, bytes, headers)
            .await
            .assert_fault(code, reason);
    }
    let unknown = house.wire("dvclt").put(&first, good.clone(), &[]).await;
    unknown.assert_fault(OutOfOrder, "manifest-unknown");
    let state = settled(&house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"));
    // nothing of what was refused lies on the disk: the good one is taken as the first
    put(&house, &sending, 1).await.assert_ok();
    put(&house, &sending, 3)
        .await
        .assert_fault(OutOfOrder, "chunk-out-of-order");
    let stranger = ask(
        &house,
        &Sending {
            manifest: "nobody-s-month".into(),
            ..sending.clone()
        },
        0,
    );
    let stranger = stranger.sign(&house.key("tax"));
    house
        .refuses("tax", &stranger, UnknownSubject, "manifest-unknown")
        .await;
}

/// One manifest of one chunk of these bytes; the chunk is refused for good.
async fn refuses_content(
    house: &House,
    department: &Department,
    chunk: (Vec<u8>, u64, u64),
    packing: Packing,
    provinces: &[&str],
    (code, reason): (FaultCode, &str),
) {
    let sending = Sending {
        manifest: fresh_id("content"),
        form: Form::Ndjson,
        packing,
        chunks: vec![chunk],
    };
    let body = sending.xml(department.kind, &department.period, provinces);
    let announced = message(house, &sending, body).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    let before = house.fingerprint().await;
    let reply = put(house, &sending, 1).await;
    reply.assert_fault(code, reason);
    assert!(house.fingerprint().await == before);
    let again = put(house, &sending, 1).await;
    assert_eq!(again.body, reply.body, "{reason}: final, and stored");
    let state = settled(house, &sending, "receiving").await;
    assert_eq!(text_of(state.text(), "Progress"), Some("0"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_content_breaks_a_rule_is_refused_for_good_and_changes_nothing() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Person).await;
    let rows = &department.rows[..3];
    let (text, records, amount) = department.chunk(Form::Ndjson, Packing::Plain, rows);
    let twice = [rows, &rows[..1]].concat();
    let (twice, _, twice_amount) = department.chunk(Form::Ndjson, Packing::Plain, &twice);
    let not_utf8: Vec<u8> = [&text[..], &[0xC3, 0x28, b'\n']].concat();
    let bomb = vec![b' '; 60 << 20];
    let bomb = tax::unpack::pack(Packing::Gzip, &bomb).unwrap();
    let province: Vec<String> = (1..=99).map(|code| format!("{code:02}")).collect();
    let theirs = match &rows[0] {
        schemas::wire::tax_records::Record::Person(person) => format!("{:02}", person.province),
        schemas::wire::tax_records::Record::Employer(_) => unreachable!("persons were asked for"),
    };
    let others: Vec<&str> = province
        .iter()
        .map(String::as_str)
        .filter(|code| *code != theirs)
        .collect();
    let plain = Packing::Plain;
    let cases: [Content<'_>; 8] = [
        (
            (not_utf8, records, amount),
            plain,
            &[],
            (Invalid, "records-encoding"),
        ),
        (
            (twice, records + 1, twice_amount),
            plain,
            &[],
            (Invalid, "record-twice"),
        ),
        (
            (text.clone(), records + 1, amount),
            plain,
            &[],
            (Invalid, "totals-do-not-add-up"),
        ),
        (
            (text.clone(), records, amount + 1),
            plain,
            &[],
            (Invalid, "totals-do-not-add-up"),
        ),
        (
            (text.clone(), records, amount),
            plain,
            &others,
            (Invalid, "province-not-announced"),
        ),
        (
            (text.clone(), records, amount),
            Packing::Gzip,
            &[],
            (Invalid, "packing-damaged"),
        ),
        (
            (text.clone(), records, amount),
            Packing::Zstd,
            &[],
            (Invalid, "packing-damaged"),
        ),
        (
            (bomb, records, amount),
            Packing::Gzip,
            &[],
            (TooLarge, "chunk-unpacks-too-large"),
        ),
    ];
    for (chunk, packing, provinces, refusal) in cases {
        refuses_content(&house, &department, chunk, packing, provinces, refusal).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_stands_in_two_chunks_refuses_the_whole_month() {
    let house = House::start().await;
    let department = Department::of(&house, Kind::Person).await;
    let twice = Department {
        rows: [&department.rows[..4], &department.rows[..4]].concat(),
        ..department.clone()
    };
    let sending = twice.cut("twice-over-two", Form::Ndjson, Packing::Gzip, 4);
    let announced = manifest(&house, &twice, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    for number in 1..=2 {
        put(&house, &sending, number).await.assert_ok();
    }
    let state = settled(&house, &sending, "refused").await;
    assert_eq!(text_of(state.text(), "Reason"), Some("record-twice"));
    assert_eq!(text_of(state.text(), "Pages"), Some("0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_lie_encrypted_and_never_take_more_of_the_disk_than_agreed() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "path = \"bulk\"",
            "path = \"bulk\"\nbytes_max = 1048576",
        )
        .start()
        .await;
    let department = Department::of(&house, Kind::Person).await;
    let name = match &department.rows[department.rows.len() - 1] {
        schemas::wire::tax_records::Record::Person(person) => person.name.to_string(),
        schemas::wire::tax_records::Record::Employer(_) => unreachable!("persons were asked for"),
    };
    let sending = department.cut("encrypted-month", Form::Ndjson, Packing::Plain, 1_000);
    let announced = manifest(&house, &department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    put(&house, &sending, 1).await.assert_ok();
    settled(&house, &sending, "done").await;
    let mut files = 0;
    let mut folders = vec![house.file("bulk")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            files += 1;
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes
                .windows(name.len())
                .any(|window| window == name.as_bytes());
            assert!(!found, "{} holds a name", entry.path().display());
        }
    }
    assert!(files > 4);
    let large = Sending {
        manifest: "too-large-month".into(),
        chunks: vec![(vec![b' '; 2 << 20], 1, 1)],
        ..sending
    };
    let announced = manifest(&house, &department, &large).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    // whoever waits to be told to go on hears the refusal before a byte of it is sent
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        path(&large, 1),
        2 << 20
    );
    let refused = house.wire("tax").raw(head.as_bytes()).await;
    let reply = refused.reply.unwrap();
    reply.assert_fault(FaultCode::Overloaded, "spool-full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_never_sent_whole_is_over_after_its_time_and_holds_up_no_other() {
    let house = House::plan()
        .replace(
            "gateway.toml",
            "path = \"bulk\"",
            "path = \"bulk\"\nopen = 1\nwait_hours = 1",
        )
        .start()
        .await;
    let department = Department::of(&house, Kind::Employer).await;
    let half = department.cut("month-half-sent", Form::Ndjson, Packing::Gzip, 4);
    let other = Sending {
        manifest: "month-beside-it".into(),
        ..half.clone()
    };
    let announce = async |sending: &Sending| {
        let signed = manifest(&house, &department, sending).sign(&house.key("tax"));
        house.wire("tax").send(&signed).await
    };
    announce(&half).await.assert_ok();
    put(&house, &half, 1).await.assert_ok();
    let full = announce(&other).await;
    full.assert_fault(FaultCode::Overloaded, "reconciliations-open");
    house.clock.advance(jiff::SignedDuration::from_mins(61));
    let state = settled(&house, &half, "refused").await;
    assert_eq!(text_of(state.text(), "Reason"), Some("not-sent-in-time"));
    let before = house.fingerprint().await;
    let late = put(&house, &half, 2).await;
    late.assert_fault(OutOfOrder, "reconciliation-over");
    assert_eq!(house.fingerprint().await, before);
    put(&house, &half, 1).await.assert_ok();
    announce(&other).await.assert_ok();
}

/// A gateway in a process of its own, as the department sees it.
struct Far {
    wire: Wire,
    key: SigningKey,
}

impl Far {
    fn of(site: &Site) -> Self {
        let folder = site.layout.agency("tax");
        let identity = Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key"));
        let anchors = Anchors::from_file(&site.layout.gateway("ca.pem")).unwrap();
        let pem = std::fs::read(folder.join("sign.key")).unwrap();
        Self {
            wire: Wire::new(site.address, &anchors, Some(&identity.unwrap())),
            key: SigningKey::from_pem(&pem, Some(Algorithm::Es256)).unwrap(),
        }
    }

    async fn say(&self, operation: &str, body: String) -> Reply {
        let message = Tax::new(jiff::Timestamp::now(), operation, body);
        self.wire.send(&message.sign(&self.key)).await
    }

    async fn result(&self, manifest: &str, page: u32) -> Reply {
        let body = format!(
            "<ReconcileResult><Manifest>{manifest}</Manifest><Page>{page}</Page>\
             <Purpose>tax-compliance</Purpose></ReconcileResult>"
        );
        self.say("tax.reconcile-result", body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_with_signal_nine_goes_on_where_it_stood() {
    let Ok(program) = binary() else {
        println!("not run: lienthong is not built beside this test");
        return;
    };
    let nobody = free_port(); // the simulated portal is not wanted here
    let site = Site::make(nobody, 0);
    let department = {
        let params = Params::synthetic(site.layout.gateway("registry.sqlite"));
        let registry = Registry::open(params, std::sync::Arc::new(jiff::Timestamp::now)).unwrap();
        let client = Insurance::embedded(registry);
        Department::beside(&client, &site.landmarks, Kind::Person).await
    };
    let sending = department.cut("killed-month", Form::Ndjson, Packing::Gzip, 30);
    let launch = Launch {
        program: Some(program),
        ..Launch::default()
    };
    let far = Far::of(&site);
    let begin = || async {
        let mut process = launch.serve(&site);
        process.ready(60 * SECOND).await.unwrap();
        process
    };
    let mut process = begin().await;
    let body = sending.xml(department.kind, &department.period, &[]);
    far.say("tax.reconcile", body).await.assert_ok();
    let mut receipts = Vec::new();
    for number in 1..=sending.chunks.len() {
        // killed while a chunk is on its way, then sent again until it is taken
        let (path, bytes) = (path(&sending, number), chunk(&sending, number));
        let cut = tokio::spawn({
            let (wire, path, bytes) = (far.wire.clone(), path.clone(), bytes.clone());
            async move { wire.put(&path, bytes, &[]).await }
        });
        tokio::time::sleep(Duration::from_millis(7 * number as u64)).await;
        process.kill();
        let _ = cut.await;
        process = begin().await;
        let mut reply = far.wire.put(&path, bytes.clone(), &[]).await;
        for _ in 0..60 {
            if reply.header("lienthong-fault") != "IN-PROGRESS" {
                break;
            }
            tokio::time::sleep(SECOND).await;
            reply = far.wire.put(&path, bytes.clone(), &[]).await;
        }
        receipts.push(reply.assert_ok().body.clone());
    }
    process.kill();
    let mut process = begin().await;
    let again = far
        .wire
        .put(&path(&sending, 1), chunk(&sending, 1), &[])
        .await;
    assert_eq!(again.assert_ok().body, receipts[0], "the stored receipt");
    let mut summary = far.result(&sending.manifest, 0).await;
    for _ in 0..60 {
        if text_of(summary.assert_ok().text(), "State") == Some("done") {
            break;
        }
        tokio::time::sleep(SECOND).await;
        summary = far.result(&sending.manifest, 0).await;
    }
    let page = far.result(&sending.manifest, 1).await;
    let found = findings(page.assert_ok().text());
    assert_eq!(found.len(), department.seeds.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), department.seeds);
    assert!(process.ended().is_none());
    process.kill();
    let verified = launch.verify(&site);
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}
