//! OpenCRVS 1.x over the wire: a birth that it tells of by a webhook becomes one card, a death ends it, in both forms of the
//! keyed hash; whatever is lost, repeated, late or forged changes nothing.

use certs::hub::{HubForm, HubSecret};
use conformance::opencrvs::{
    Mischief, OpenCrvs, Tally, WEBHOOK, body,
    bundle::{self, Registered},
};
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::{
        Message, Notify, birth as births,
        dci::{CRVS, birth_event},
    },
    tape::tape,
};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use schemas::{
    date::day_in_viet_nam,
    fault::FaultCode::{
        self, BadSignature, Conflict, Forbidden, Invalid, Malformed, RuleRefused, Stale, TooLarge,
        Unauthenticated, UnsupportedMediaType,
    },
    proto::insurance::{Context, GetBirthCasesRequest, InfoRequest},
};
use serde_json::{Value, json};
use tokio::time::Instant;

const SECRET: &str = "made up for a test of webhooks";
const FILE: &str = "partners/crvs.toml";
const BIRTH: &str = "BIRTH_REGISTERED";

fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_secs(20)
}

/// The registry of every house as an OpenCRVS that signs in this form.
fn telling(form: HubForm) -> Plan {
    let section = format!(
        "[opencrvs]\nsignature = \"{}\"\nsecret_file = \"../crvs.secret\"\n\n[dci]\n",
        form.as_str()
    );
    let operations = "[agreements.operations.\"opencrvs.birth\"]\n\n[agreements.operations.\"opencrvs.death\"]\n\n[agreements.operations.\"dci.notify\"]\n";
    House::plan()
        .replace(FILE, "[dci]\n", section)
        .replace(FILE, "[agreements.operations.\"dci.notify\"]\n", operations)
        .secret("crvs.secret", SECRET)
}

fn child(house: &House, number: u32) -> Registered {
    let (place, mother) = (&house.landmarks.places[0], &house.landmarks.mothers[0]);
    let born = day_in_viet_nam(house.now()).saturating_sub(10.days());
    Registered {
        number: format!("2026B{number:09}"),
        pin: births::pin(2, born, house.landmarks.child_pin_serial_from + number),
        name: "Nguyễn Thị Hoà Bình".to_owned(),
        sex: 2,
        born: born.to_string(),
        commune: place.commune.clone(),
        province: place.province.clone(),
        facility: place.facility.clone(),
        mother: (
            mother.name.clone(),
            births::mother_of(&house.landmarks, number),
            mother.birth_date.clone(),
        ),
        at: house.now().to_string(),
    }
}

fn birth(house: &House, number: u32) -> Value {
    bundle::birth(&child(house, number))
}

fn death(house: &House, number: u32) -> Value {
    let today = day_in_viet_nam(house.now());
    let its = format!("2026D{number:09}");
    bundle::death(&child(house, number), &its, today, house.now())
}

/// A webhook and its right hash.
fn webhook(form: HubForm, topic: &str, at: Timestamp, bundle: &Value) -> (Message, String) {
    let text = body(topic, at, bundle);
    let secret = HubSecret::new(form, SECRET.as_bytes());
    let hash = match form {
        HubForm::Sha256 => secret.sign(text.as_bytes()),
        HubForm::Sha1 => secret.sign(bundle.to_string().as_bytes()),
    };
    (message(text), hash)
}

fn message(text: impl Into<Vec<u8>>) -> Message {
    Message {
        path: WEBHOOK,
        content_type: "application/json".to_owned(),
        signature: None,
        body: text.into(),
    }
}

async fn send(house: &House, (message, hash): &(Message, String)) -> Reply {
    let more = [("x-hub-signature", hash.as_str())];
    house.wire(CRVS).send_with(message, &more).await
}

/// Shows that it is refused so, and that not one row of the insurance database has changed.
async fn refuses(house: &House, told: &(Message, String), code: FaultCode, reason: &str) -> Reply {
    let before = house.fingerprint().await;
    let reply = send(house, told).await;
    reply.assert_fault(code, reason);
    assert!(house.fingerprint().await == before, "{reason}: changed");
    reply
}

async fn people(house: &House) -> u64 {
    let insurance = &house.gateway().contract().client;
    insurance.info(soon(), InfoRequest {}).await.unwrap().people
}

/// The card of a birth that was told of: its number and state.
async fn case(house: &House, number: &str) -> (String, i32) {
    let request = GetBirthCasesRequest {
        context: Some(Context {
            sender: CRVS.to_owned(),
            ..Context::default()
        }),
        case_ids: vec![format!("dci-{number}")],
    };
    let insurance = &house.gateway().contract().client;
    let mut told = insurance.birth_cases(soon(), request).await.unwrap();
    let case = told.cases.remove(0);
    let card = case.card.unwrap_or_default();
    (card.number, card.state)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_becomes_one_card_and_a_death_ends_it_in_both_forms() {
    for form in HubForm::ALL {
        let house = telling(form).start().await;
        let before = people(&house).await;
        let told = webhook(form, BIRTH, house.now(), &birth(&house, 0));
        let first = send(&house, &told).await;
        let said = first.assert_ok().json();
        assert_eq!(said["evidence"], first.evidence());
        let (card, state) = case(&house, "2026B000000000").await;
        assert!(card.starts_with("TE1") && state == 1, "{state}");
        assert_eq!(people(&house).await, before + 1);

        // the same event later, with what the database adds of its own: the same bytes, nothing changed
        let after = house.fingerprint().await;
        let mut again = birth(&house, 0);
        again["entry"][0]["resource"]["_transforms"]["meta"]["lastUpdated"] = "x".into();
        let later = house.now() + SignedDuration::from_secs(1);
        let again = send(&house, &webhook(form, BIRTH, later, &again)).await;
        assert_eq!(again.assert_ok().body, first.body);
        assert!(house.fingerprint().await == after);

        // the same number with other facts
        let mut other = birth(&house, 0);
        other["entry"][3]["resource"]["name"][0]["family"] = "Lê".into();
        let other = webhook(form, BIRTH, house.now(), &other);
        refuses(&house, &other, Conflict, "same-id-other-content").await;

        let dead = webhook(form, "DEATH_REGISTERED", house.now(), &death(&house, 0));
        send(&house, &dead).await.assert_ok();
        assert_eq!(
            case(&house, "2026B000000000").await.1,
            3,
            "a card of the dead"
        );
        // of the dead nobody is born again
        let mut anew = birth(&house, 0).to_string();
        anew = anew.replace("2026B000000000", "2026B000000009");
        let anew = serde_json::from_str(&anew).unwrap();
        let anew = webhook(form, BIRTH, house.now(), &anew);
        refuses(&house, &anew, RuleRefused, "person-is-dead").await;
        let log = tape().everything();
        for secret in [SECRET, &child(&house, 0).pin] {
            assert!(!log.contains(secret), "the log tells it");
        }
    }
}

/// The birth of a number as DCI tells of it: with the commune of registration, which no webhook names.
fn by_dci(house: &House, number: u32) -> Notify {
    let event = birth_event(house.now(), &house.landmarks, number);
    Notify::new(house.now(), &[event]).with(
        &format!("{RECORD}/identifier/1/identifier_value"),
        format!("2026B{number:09}"),
    )
}

const RECORD: &str = "/message/notify_event/0/data/reg_records/0";

async fn notify(house: &House, told: Notify) -> Reply {
    let signed = told.sign(&house.key(CRVS), house.now());
    house.wire(CRVS).send(&signed).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_registry_tells_by_dci_and_by_a_webhook_is_one_case_in_either_order() {
    let house = telling(HubForm::Sha256).start().await;
    let by_webhook = |n| webhook(HubForm::Sha256, BIRTH, house.now(), &birth(&house, n));

    // the webhook names no commune of registration: that is no other one
    notify(&house, by_dci(&house, 3)).await.assert_ok();
    let (before, first) = (people(&house).await, case(&house, "2026B000000003").await);
    assert!(first.0.starts_with("TE1") && first.1 == 1, "{first:?}");
    let after = house.fingerprint().await;
    send(&house, &by_webhook(3)).await.assert_ok();
    assert!(house.fingerprint().await == after, "the webhook changed it");

    // what DCI names beside it is kept, and from then on it is told otherwise by nobody
    send(&house, &by_webhook(4)).await.assert_ok();
    let card = case(&house, "2026B000000004").await;
    let bare = house.fingerprint().await;
    let said = notify(&house, by_dci(&house, 4)).await.assert_ok().json();
    assert_eq!(said["message"]["ack_status"], "ACK", "{said}");
    assert_eq!(people(&house).await, before + 1);
    assert_eq!(case(&house, "2026B000000004").await, card);
    let kept = house.fingerprint().await;
    assert!(kept != bare, "nothing of it was kept");
    let commune = &house.landmarks.places[0].commune;
    let mut others = house.landmarks.places.iter().map(|place| &place.commune);
    let other = others.find(|one| *one != commune).unwrap();
    for (member, value) in [
        ("viet_nam/registration_place", other.as_str()),
        ("viet_nam/mother/name/given_name", "Lê Thị Khác"),
    ] {
        let told = by_dci(&house, 4).with(&format!("{RECORD}/{member}"), value);
        let said = notify(&house, told).await.json();
        let said = said["message"]["error"]["message"].to_string();
        assert!(said.contains("case-has-other-facts"), "{member}: {said}");
        assert!(house.fingerprint().await == kept, "{member}: changed");
    }
    // and of the other order
    let mut other = birth(&house, 3);
    other["entry"][3]["resource"]["name"][0]["family"] = "Lê".into();
    let other = webhook(HubForm::Sha256, BIRTH, house.now(), &other);
    refuses(&house, &other, Conflict, "same-id-other-content").await;
    assert_eq!(case(&house, "2026B000000003").await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hash_does_not_prove_changes_nothing() {
    for form in HubForm::ALL {
        let house = telling(form).start().await;
        let at = house.now();
        let told = birth(&house, 1);
        let (good, hash) = webhook(form, BIRTH, at, &told);
        let text = String::from_utf8(good.body.clone()).unwrap();
        let stranger = HubSecret::new(form, b"another secret of that length");
        let other_form = HubForm::ALL.into_iter().find(|one| *one != form).unwrap();
        let (_, of_other_form) = webhook(other_form, BIRTH, at, &told);
        let edited = text.replacen("\"birthDate\":\"20", "\"birthDate\":\"19", 1);
        let spaced = text.replacen(
            "\"resourceType\":\"Bundle\"",
            "\"resourceType\": \"Bundle\"",
            1,
        );
        let of = |text: &str, hash: &str| (message(text), hash.to_owned());
        let covered = match form {
            HubForm::Sha256 => text.clone(),
            HubForm::Sha1 => told.to_string(),
        };
        for (told, reason) in [
            (of(&text, &stranger.sign(covered.as_bytes())), "hub-hmac"),
            (of(&edited, &hash), "hub-hmac"),
            (of(&spaced, &hash), "hub-hmac"),
            (of(&text, &of_other_form), "hub-form"),
            (of(&text, hash.split_once('=').unwrap().1), "hub-form"),
            (of(&text, &hash.to_uppercase()), "hub-form"),
            (of(&text, &hash[..hash.len() - 1]), "hub-form"),
            (of(&text, ""), "hub-form"),
            (of(&text, &"0".repeat(200)), "signature-too-long"),
        ] {
            refuses(&house, &told, BadSignature, reason).await;
        }
        let before = house.fingerprint().await;
        let bare = house.wire(CRVS).send(&good).await;
        bare.assert_fault(BadSignature, "no-signature");
        let twice = [
            ("x-hub-signature", hash.as_str()),
            ("x-hub-signature", &hash),
        ];
        let twice = house.wire(CRVS).send_with(&good, &twice).await;
        twice.assert_fault(BadSignature, "two-signatures");
        // somebody else with the secret, who is no OpenCRVS
        let stolen = [("x-hub-signature", hash.as_str())];
        let stolen = house.wire("tax").send_with(&good, &stolen).await;
        stolen.assert_fault(Unauthenticated, "unknown-sender");
        // under the topic and the time of another message: covered by one form, and by the bundle in the other
        let (as_death, _) = webhook(form, "DEATH_REGISTERED", at, &told);
        let as_death = send(&house, &(as_death, hash.clone())).await;
        match form {
            HubForm::Sha256 => as_death.assert_fault(BadSignature, "hub-hmac"),
            HubForm::Sha1 => as_death.assert_fault(Invalid, "topic-and-bundle-differ"),
        }
        assert!(house.fingerprint().await == before);
        send(&house, &(good, hash)).await.assert_ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_proven_and_not_for_us_is_refused_by_its_reason() {
    let form = HubForm::Sha256;
    let house = telling(form).start().await;
    let (at, told) = (house.now(), birth(&house, 2));
    let signed = |text: String| {
        let secret = HubSecret::new(form, SECRET.as_bytes());
        let hash = secret.sign(text.as_bytes());
        (message(text), hash)
    };
    let text = body(BIRTH, at, &told);
    let bent = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        signed(text.replacen(from, to, 1))
    };
    let old = at - SignedDuration::from_mins(6);
    let ahead = at + SignedDuration::from_mins(6);
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    let cases = [
        (webhook(form, BIRTH, old, &told), Stale, "outside-window"),
        (webhook(form, BIRTH, ahead, &told), Stale, "outside-window"),
        (
            webhook(form, "BIRTH_CERTIFIED", at, &told),
            Invalid,
            "event-not-for-us",
        ),
        (
            webhook(form, "MARRIAGE_REGISTERED", at, &told),
            Invalid,
            "event-not-for-us",
        ),
        (
            webhook(form, "DEATH_REGISTERED", at, &told),
            Invalid,
            "topic-and-bundle-differ",
        ),
        (
            bent(
                &format!("\"timestamp\":\"{at}"),
                "\"timestamp\":\"yesterday",
            ),
            Invalid,
            "bad-timestamp",
        ),
        (
            bent("\"context\":[", "\"context\":[{},"),
            Invalid,
            "too-many-contexts",
        ),
        (
            bent("\"context\"", "\"contexts\""),
            Invalid,
            "json-mismatch",
        ),
        (
            bent("\"id\":", "\"id\":\"x\",\"id\":"),
            Malformed,
            "json-duplicate-key",
        ),
        (
            bent("\"subject\":{}", &format!("\"subject\":{deep}")),
            TooLarge,
            "json-too-deep",
        ),
        (
            bent("\"subject\":{}", "\"subject\":{\"a\":1,\"a\":2}"),
            Malformed,
            "json-duplicate-key",
        ),
        (
            bent("Patient/child", "Patient/nobody"),
            Invalid,
            "unknown-reference",
        ),
        (
            bent("\"id\":\"mother\"", "\"id\":\"child\""),
            Invalid,
            "resource-twice",
        ),
        (
            bent("\"code\":\"REGISTERED\"", "\"code\":\"DECLARED\""),
            Invalid,
            "not-registered",
        ),
        (
            signed(text[..text.len() - 2].to_owned()),
            Malformed,
            "json-truncated",
        ),
        (signed(String::new()), Malformed, "empty-body"),
        (
            bent(
                "\"author\":[]",
                &format!("\"author\":[{}0]", "0,".repeat(600)),
            ),
            TooLarge,
            "json-too-many",
        ),
    ];
    for (told, code, reason) in &cases {
        refuses(&house, told, *code, reason).await;
    }
    let (mut form_encoded, hash) = webhook(form, BIRTH, at, &told);
    form_encoded.content_type = "text/plain".to_owned();
    refuses(
        &house,
        &(form_encoded, hash),
        UnsupportedMediaType,
        "media-type",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_is_refused() {
    let house = telling(HubForm::Sha256)
        .replace(FILE, "[agreements.operations.\"opencrvs.death\"]\n", "")
        .start()
        .await;
    let dead = webhook(
        HubForm::Sha256,
        "DEATH_REGISTERED",
        house.now(),
        &death(&house, 4),
    );
    refuses(&house, &dead, Forbidden, "operation-not-agreed").await;
}

/// The simulated registry beside the house.
fn registry(house: &House, form: HubForm) -> OpenCrvs {
    let folder = house.layout.agency(CRVS);
    let (place, mother) = (&house.landmarks.places[0], &house.landmarks.mothers[0]);
    let landmarks = json!({
        "mothers": [{ "name": mother.name, "pin": mother.pin, "birth_date": mother.birth_date, "commune": place.commune }],
        "communes": [{ "code": place.commune, "province": place.province, "facility": place.facility }],
    });
    std::fs::write(folder.join("landmarks.json"), landmarks.to_string()).unwrap();
    OpenCrvs::open(&folder, form, SECRET).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_loses_answers_repeats_and_reorders_is_satisfied_and_a_forger_is_not() {
    for form in HubForm::ALL {
        let house = telling(form).start().await;
        let (registry, before) = (registry(&house, form), people(&house).await);
        let mut numbers = Vec::new();
        for _ in 0..4 {
            numbers.push(registry.register_birth().unwrap());
        }
        registry.register_death(&numbers[1]).unwrap();
        let all = [
            Mischief::LosesAnswers,
            Mischief::Repeats,
            Mischief::IsForged,
        ];
        let tally = registry.deliver(&all).await.unwrap();
        let expected = Tally {
            received: 5,
            lost: 5,
            turned_away: 30,
            refused: Vec::new(),
        };
        assert_eq!(tally, expected);
        assert_eq!(people(&house).await, before + 4);
        let mut states = Vec::new();
        for number in &numbers {
            states.push(case(&house, number).await.1);
        }
        assert_eq!(states, [1, 3, 1, 1]);
        // the newest first: a death that overtakes its birth
        let late = registry.register_birth().unwrap();
        registry.register_death(&late).unwrap();
        let tally = registry.deliver(&[Mischief::Reorders]).await.unwrap();
        assert_eq!(tally.received + tally.refused.len(), 2, "{tally:?}");
        for (_, reason) in &tally.refused {
            assert_eq!(reason, "person-is-dead");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_before_a_kill_is_acknowledged_again_and_done_once() {
    for form in HubForm::ALL {
        let mut house = telling(form).start().await;
        let told = webhook(form, BIRTH, house.now(), &birth(&house, 5));
        let first = send(&house, &told).await;
        let before = people(&house).await;
        house.kill().await;
        house.open().await;
        let again = send(&house, &told).await;
        assert_eq!(again.assert_ok().body, first.body);
        assert_eq!(people(&house).await, before);
        // killed while it is sent: whatever was done of it, at the end it is done once
        let next = webhook(form, BIRTH, house.now(), &birth(&house, 6));
        let wire = house.wire(CRVS);
        let (message, hash) = next.clone();
        let sent = tokio::spawn(async move {
            let more = [("x-hub-signature", hash.as_str())];
            let patience = std::time::Duration::from_millis(3);
            let _ = tokio::time::timeout(patience, wire.send_with(&message, &more)).await;
        });
        sent.await.unwrap();
        house.kill().await;
        house.open().await;
        send(&house, &next).await.assert_ok();
        assert_eq!(people(&house).await, before + 1);
    }
}
