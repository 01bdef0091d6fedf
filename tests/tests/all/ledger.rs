//! The tax ledger over the operators' listener.

use gateway::admin::client;
use gateway_tests::{
    house::House,
    message::{Json, Tax},
};
use schemas::{
    fault::FaultCode,
    proto::{
        admin::{
            DiscrepancyLine, ListDiscrepanciesRequest, MoveDiscrepancyRequest, RecheckLedgerRequest,
        },
        insurance::{Context, Finding, NoteFindingsRequest},
    },
};
use tokio::time::{Duration, Instant};

/// What a reconciliation found: of an employer, and of a person.
async fn noted(house: &House) -> Vec<String> {
    let of_employer = Finding {
        category: "E-UNDERCOUNT".to_owned(),
        tax_code: house.landmarks.employer.mst.clone(),
        field: "count".to_owned(),
        ours: "=3".to_owned(),
        theirs: "99999".to_owned(),
        province: "01".to_owned(),
        ..Finding::default()
    };
    let of_person = Finding {
        category: "P-NAME".to_owned(),
        person: house.landmarks.card_holders[0].pin.clone(),
        field: "name".to_owned(),
        ours: house.landmarks.card_holders[0].name.clone(),
        ..of_employer.clone()
    };
    let request = NoteFindingsRequest {
        context: Some(Context {
            key: vec![7; 32],
            sender: "tax".to_owned(),
            ..Context::default()
        }),
        run: "m-1".to_owned(),
        period: house.landmarks.period.clone(),
        due_on: "2099-12-31".to_owned(),
        findings: vec![of_employer, of_person],
        ..NoteFindingsRequest::default()
    };
    let client = &house.gateway().contract().client;
    let noted = client.note_findings(soon(), request).await;
    noted.unwrap().ids
}

async fn listed(house: &House) -> Vec<DiscrepancyLine> {
    let request = ListDiscrepanciesRequest::default();
    let listed = client::discrepancies(house.gateway().admin(), request).await;
    listed.unwrap().discrepancies
}

fn officer(id: &str) -> MoveDiscrepancyRequest {
    MoveDiscrepancyRequest {
        id: id.to_owned(),
        who: "an.officer".to_owned(),
        why: "counted by hand".to_owned(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officers_word_is_sealed_in_the_journal_under_the_key_of_its_step() {
    let house = House::start().await;
    let ids = noted(&house).await;
    let admin = house.gateway().admin();

    let early = client::settle(admin, officer(&ids[0])).await.unwrap_err();
    assert!(early.to_string().contains("ledger-state"), "{early}");
    let acts = client::acts(admin, 10).await.unwrap();
    assert!(acts.acts.is_empty(), "what was refused is no act");

    let disputed = client::dispute(admin, officer(&ids[0])).await.unwrap();
    assert_eq!(disputed.discrepancy.unwrap().state, "disputed");
    client::settle(admin, officer(&ids[0])).await.unwrap();
    let shown = client::discrepancy(admin, &ids[0]).await.unwrap();
    let states: Vec<&str> = shown.steps.iter().map(|step| &*step.state).collect();
    assert_eq!(states, ["notified", "mismatched", "disputed", "settled"]);

    let acts = client::acts(admin, 10).await.unwrap();
    for (act, step) in acts.acts.iter().zip(shown.steps.iter().rev()) {
        assert_eq!(act.target, format!("{}/{}", ids[0], step.key));
        assert_eq!((&act.who, &act.why), (&step.who, &step.reason));
        assert!(act.journal > 0);
    }
    let deeds: Vec<&str> = acts.acts.iter().map(|act| &*act.deed).collect();
    assert_eq!(deeds, ["settle-discrepancy", "dispute-discrepancy"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_department_disputes_and_hears_the_same_receipt_again() {
    let house = House::start().await;
    let ids = noted(&house).await;
    let folder = house.layout.agency("tax");
    let department = conformance::tax::Department::open_beside(&folder, None, "beside.json");
    let department = department.unwrap();
    let of = |id: &str| -> conformance::call::Params {
        [("discrepancy".to_owned(), id.to_owned())].into()
    };
    let sent = department.prepare("tax.dispute", &of(&ids[0])).unwrap();
    let first = department.send(&sent).await.unwrap();
    assert_eq!(first.answer.get("Discrepancy"), Some(&ids[0]));
    let again = department.send(&sent).await.unwrap();
    assert_eq!(again.body, first.body);
    let shown = client::discrepancy(house.gateway().admin(), &ids[0]).await;
    let disputed = shown.unwrap().steps.into_iter();
    let disputed = disputed.filter(|step| step.state == "disputed");
    assert_eq!(disputed.count(), 1);

    let nobodys = format!("d-{}", "0".repeat(32));
    let refused = department.call("tax.dispute", &of(&nobodys)).await;
    assert!(matches!(refused, Err(conformance::call::Trouble::Fault(_))));
    let none = department.prepare("tax.dispute", &conformance::call::Params::new());
    assert!(none.is_err(), "a dispute of nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recheck_is_one_act_and_no_list_tells_a_person() {
    let house = House::start().await;
    noted(&house).await;
    let admin = house.gateway().admin();
    let request = RecheckLedgerRequest {
        before: "2099-01-01T00:00:00Z".to_owned(),
        who: "an.officer".to_owned(),
        why: "the month is closed".to_owned(),
    };
    tokio::time::sleep(Duration::from_millis(1_100)).await; // looked at in a later second
    let looked = client::recheck_ledger(admin, request).await.unwrap();
    assert_eq!((looked.checked, looked.mismatched), (2, 1));
    assert!(!looked.more);
    let acts = client::acts(admin, 10).await.unwrap();
    assert_eq!(acts.acts.len(), 1);
    assert_eq!(acts.acts[0].deed, "recheck-ledger");

    let lines = listed(&house).await;
    let (told, holder) = (format!("{lines:?}"), &house.landmarks.card_holders[0]);
    assert_eq!(lines.len(), 2);
    assert!(!told.contains(&holder.pin) && !told.contains(&holder.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tax_department_disputes_by_a_signed_message_in_either_words_once() {
    let house = House::start().await;
    let (ids, key) = (noted(&house).await, house.key("tax"));
    let unknown = format!("d-{}", "0".repeat(32));
    let dispute = |id: &str| {
        let body = format!(
            "<Dispute><Discrepancy>{id}</Discrepancy><Reason>we count 99999</Reason>\
             <Purpose>tax-compliance</Purpose></Dispute>"
        );
        Tax::new(house.now(), "tax.dispute", body)
    };
    house
        .refuses(
            "tax",
            &dispute(&unknown).sign(&key),
            FaultCode::UnknownSubject,
            "unknown-discrepancy",
        )
        .await;
    let told = dispute(&ids[0]);
    let message = told.sign(&key);
    let first = house.wire("tax").send(&message).await;
    house.assert_answers(&told, &first);
    let before = house.fingerprint().await;
    let again = house.wire("tax").send(&message).await;
    house.assert_answers(&told, &again);
    assert_eq!(house.fingerprint().await, before, "once");
    house
        .refuses(
            "tax",
            &dispute(&ids[0]).sign(&key),
            FaultCode::RuleRefused,
            "ledger-state",
        )
        .await;

    let body = serde_json::json!({"Dispute": {
        "Discrepancy": ids[1], "Reason": "it is her name", "Purpose": "tax-compliance"
    }});
    let said = body.to_string().into_bytes();
    let json = Json::new(house.now(), "tax", "tax.dispute", "/tax/v1/json", said);
    let reply = house.wire("tax").send(&json.sign(&key)).await;
    house.assert_answers_json(&json, json.text("jti"), &reply);
    assert_eq!(reply.json()["DisputeReceipt"]["Discrepancy"], *ids[1]);

    let shown = client::discrepancy(house.gateway().admin(), &ids[0])
        .await
        .unwrap();
    let last = shown.steps.last().unwrap();
    assert_eq!((&*last.state, &*last.side), ("disputed", "tax"));
    assert_eq!((&*last.who, &*last.reason), ("tax", "we count 99999"));
}
