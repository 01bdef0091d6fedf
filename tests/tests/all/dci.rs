//! A civil registry of the DCI kind over the wire: its births become cards, its deaths end them, in each dialect of its
//! signatures; and everything that other implementations were seen to let through is refused and changes nothing.

use certs::{
    dci::Dialect,
    keys::SigningKey,
    pki::{Authority, IssueParams, KeyChoice, Usage},
};
use conformance::crvs::Crvs;
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::{
        Birth, Json, Message, Notify,
        dci::{CRVS, RECEIVER_ID, SENDER_ID, birth_event, death_event},
        fresh_id,
    },
    tape::tape,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    fault::FaultCode::{
        self, BadSignature, Conflict, Forbidden, Invalid, Malformed, RateLimited, RuleRefused,
        Stale, Unauthenticated, UnsupportedMediaType, WrongEnvironment,
    },
    proto::{
        admin::{BirthPage, ShowBirthRequest},
        insurance::{Context, GetBirthCasesRequest, InfoRequest},
    },
};
use serde_json::{Value, json};
use tokio::time::Instant;

fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_secs(20)
}

fn event(house: &House, number: u32) -> Value {
    birth_event(house.now(), &house.landmarks, number)
}

fn birth(house: &House, number: u32) -> Notify {
    Notify::new(house.now(), &[event(house, number)])
}

fn signed(house: &House, notify: &Notify) -> Message {
    notify.sign(&house.key(CRVS), house.now())
}

async fn send(house: &House, notify: &Notify) -> Reply {
    house.wire(CRVS).send(&signed(house, notify)).await
}

fn ack(reply: &Reply) -> Value {
    reply.assert_ok().json()["message"].clone()
}

async fn people(house: &House) -> u64 {
    let insurance = &house.gateway().contract().client;
    insurance.info(soon(), InfoRequest {}).await.unwrap().people
}

/// Number, card and state of a birth that the registry has told of.
async fn case(house: &House, number: &str) -> (String, String, i32) {
    let request = GetBirthCasesRequest {
        context: Some(Context {
            sender: CRVS.to_owned(),
            ..Context::default()
        }),
        case_ids: vec![format!("dci-{number}")],
    };
    let insurance = &house.gateway().contract().client;
    let case = insurance
        .birth_cases(soon(), request)
        .await
        .unwrap()
        .cases
        .remove(0);
    let card = case.card.unwrap_or_default();
    (case.si_number, card.number, card.state)
}

async fn page(house: &House, case_id: &str) -> BirthPage {
    let request = ShowBirthRequest {
        case_id: case_id.to_owned(),
        who: "an.operator".to_owned(),
        why: "the family asks".to_owned(),
        ..ShowBirthRequest::default()
    };
    let shown = gateway::admin::client::birth(house.gateway().admin(), request).await;
    let mut births = shown.unwrap().births;
    assert_eq!(births.len(), 1);
    births.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_that_a_registry_tells_of_becomes_one_card_whoever_else_tells_of_it() {
    let house = House::start().await;
    let before = people(&house).await;
    let notify = birth(&house, 0);
    let first = send(&house, &notify).await;
    let said = ack(&first);
    assert_eq!(
        (&said["ack_status"], &said["error"]),
        (&json!("ACK"), &Value::Null)
    );
    assert_eq!(said["correlation_id"], first.evidence());
    let (number, card, state) = case(&house, "B0/2026").await;
    assert_eq!((number.len(), state), (10, 1));
    assert!(card.starts_with("TE1"));
    assert_eq!(people(&house).await, before + 1);

    // the acknowledgement is ours, about this message
    let proof = certs::jws::parse(first.header("x-jws-signature"))
        .unwrap()
        .verify(&house.our_key(), certs::keys::Algorithm::Es256, &first.body)
        .unwrap();
    let head = proof.into_header();
    assert_eq!(
        (head.irt.as_deref(), head.dig),
        (Some(notify.id()), Some(notify.digest()))
    );

    // one page shows how it came, whatever road it came by
    let shown = page(&house, "dci-B0/2026").await;
    assert_eq!((&*shown.sender, &*shown.settled), (CRVS, "minted"));
    let came: Vec<_> = shown
        .messages
        .iter()
        .map(|one| (&*one.operation, &*one.evidence))
        .collect();
    assert_eq!(came, [("dci.notify", first.evidence())]);
    assert!(shown.told.is_empty() && shown.sent.is_empty());

    // the same message, signed again: the same bytes; another message of the same entry: the same case
    let after = house.fingerprint().await;
    let again = send(&house, &notify).await;
    assert_eq!(again.assert_ok().body, first.body);
    assert!(house.fingerprint().await == after);
    assert_eq!(
        ack(&send(&house, &birth(&house, 0)).await)["ack_status"],
        "ACK"
    );
    assert_eq!(people(&house).await, before + 1);

    // the civil registry's own software tells of the same child: one person, one card
    let told = Birth::new(house.now(), &house.landmarks, 0);
    let message = told.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
    let poll = Json::poll(house.now(), &[&told.case_id]).sign(&house.key("dvclt"));
    let row = house.wire("dvclt").send(&poll).await.json()["value"][0].clone();
    assert!(
        row["ketQuaXuLy"].as_str().unwrap().contains(&card),
        "another card"
    );
    assert_eq!(people(&house).await, before + 1);
    let log = tape().everything();
    for secret in [&number, &house.landmarks.mothers[0].pin] {
        assert!(!log.contains(secret.as_str()), "the log names somebody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_records_are_taken_each_by_itself_and_a_death_ends_the_right_card() {
    let house = House::start().await;
    let two = Notify::new(house.now(), &[event(&house, 1), event(&house, 2)]);
    assert_eq!(ack(&send(&house, &two).await)["ack_status"], "ACK");
    let death = death_event(house.now(), &event(&house, 1), 1);
    // in the same message: a birth with a number that is taken, with other facts
    let mut wrong = event(&house, 2);
    wrong["data"]["reg_records"][0]["birth_date"] = json!("2026-01-02");
    wrong["data"]["reg_records"][0]["identifier"][0]["identifier_value"] = json!("099326999999");
    let mixed = Notify::new(house.now(), &[wrong, death.clone()]);
    let said = ack(&send(&house, &mixed).await);
    assert_eq!(said["ack_status"], "NACK");
    assert_eq!(
        said["error"],
        json!({ "code": "err.request.bad", "message": "1 of 2 records refused; r-2 #1 CONFLICT case-has-other-facts" })
    );
    assert_eq!(case(&house, "B1/2026").await.2, 3, "a card of the dead");
    assert_eq!(case(&house, "B2/2026").await.2, 1);
    // of the dead nobody is born again
    let anew = event(&house, 1);
    let again = Notify::new(house.now(), &[anew]).with(
        "/message/notify_event/0/data/reg_records/0/identifier/1/identifier_value",
        "B9/2026",
    );
    let message = signed(&house, &again);
    house
        .refuses(CRVS, &message, RuleRefused, "person-is-dead")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_implementations_let_through_is_refused_and_changes_nothing() {
    let house = House::start().await;
    let notify = birth(&house, 3);
    let key = house.key(CRVS);
    let good = notify.signature(Dialect::JwsCompact, (&key, "crvs-1"), house.now());
    let other_name = notify.clone().with(
        "/message/notify_event/0/data/reg_records/0/name/given_name",
        "Bính",
    );
    let none = base64::Engine::encode(
        &base64::prelude::BASE64_URL_SAFE_NO_PAD,
        r#"{"alg":"none","kid":"crvs-1"}"#,
    );
    let (_, rest) = good.split_once('.').unwrap();
    let unsigned = format!("{none}.{}.", rest.split('.').next().unwrap());
    let of_dvclt = notify.signature(
        Dialect::JwsCompact,
        (&house.key("dvclt"), "crvs-1"),
        house.now(),
    );
    let unknown = notify.signature(Dialect::JwsCompact, (&key, "crvs-2"), house.now());
    let detached = notify.signature(Dialect::JwsDetached, (&key, "crvs-1"), house.now());
    type Case<'a> = (&'a str, Message, FaultCode, &'a str, &'a str);
    let resigned = |notify: Notify| signed(&house, &notify);
    let cases: Vec<Case<'_>> = vec![
        // dci-crvs-api takes it
        (
            "no signature",
            notify.carrying(None),
            BadSignature,
            "no-signature",
            "err.signature.missing",
        ),
        (
            "an empty one",
            notify.carrying(Some("")),
            BadSignature,
            "no-signature",
            "err.signature.missing",
        ),
        (
            "alg none",
            notify.carrying(Some(&unsigned)),
            BadSignature,
            "alg-none",
            "err.signature.invalid",
        ),
        (
            "another message than is signed",
            other_name.carrying(Some(&good)),
            BadSignature,
            "dci-payload-differs",
            "err.signature.invalid",
        ),
        (
            "another's key under its name",
            notify.carrying(Some(&of_dvclt)),
            BadSignature,
            "signature-mismatch",
            "err.signature.invalid",
        ),
        (
            "a key that nobody registered",
            notify.carrying(Some(&unknown)),
            BadSignature,
            "unknown-key",
            "err.signature.invalid",
        ),
        (
            "another dialect than is registered",
            notify.carrying(Some(&detached)),
            BadSignature,
            "signature-mismatch",
            "err.signature.invalid",
        ),
        // nothing is fetched from where these point to
        (
            "a sender whom nobody knows",
            resigned(
                notify
                    .clone()
                    .with("/header/sender_id", "https://127.0.0.1:1/evil"),
            ),
            Unauthenticated,
            "unknown-sender",
            "err.sender_id.invalid",
        ),
        (
            "another callback address",
            resigned(
                notify
                    .clone()
                    .with("/header/sender_uri", "https://127.0.0.1:1/evil"),
            ),
            Invalid,
            "sender-uri-not-registered",
            "err.sender_uri.invalid",
        ),
        (
            "for somebody else",
            resigned(
                notify
                    .clone()
                    .with("/header/receiver_id", "https://other.example"),
            ),
            WrongEnvironment,
            "receiver",
            "err.receiver_id.invalid",
        ),
        (
            "for nobody",
            resigned(notify.clone().with("/header/receiver_id", Value::Null)),
            WrongEnvironment,
            "receiver",
            "err.receiver_id.invalid",
        ),
        (
            "another version",
            resigned(notify.clone().with("/header/version", "2.0.0")),
            Invalid,
            "version-not-supported",
            "err.version.not_supported",
        ),
        (
            "encrypted",
            resigned(notify.clone().with("/header/is_msg_encrypted", true)),
            Invalid,
            "encryption-not-supported",
            "err.encryption.invalid",
        ),
        (
            "no action",
            resigned(notify.clone().with("/header/action", "on-search")),
            Invalid,
            "unknown-code",
            "rjct.action.invalid",
        ),
        (
            "no moment",
            resigned(
                notify
                    .clone()
                    .with("/header/message_ts", "2026-11-23T08:00:00"),
            ),
            Invalid,
            "bad-timestamp",
            "rjct.message_ts.invalid",
        ),
        (
            "an id that is none",
            resigned(notify.clone().with("/header/message_id", "a b c d e f")),
            Invalid,
            "bad-message-id",
            "err.request.bad",
        ),
        (
            "counted wrongly",
            resigned(notify.clone().with("/header/total_count", 2)),
            Invalid,
            "total-count-differs",
            "rjct.total_count.invalid",
        ),
        (
            "a marriage",
            resigned(
                notify
                    .clone()
                    .with("/message/notify_event/0/data/reg_event_type", "marriage"),
            ),
            Invalid,
            "event-not-for-us",
            "err.request.bad",
        ),
        (
            "a member that nobody knows",
            resigned(notify.clone().with("/message/x", 1)),
            Invalid,
            "json-mismatch",
            "err.request.bad",
        ),
        (
            "no JSON",
            Message {
                body: b"{".to_vec(),
                ..notify.carrying(None)
            },
            Malformed,
            "json-truncated",
            "err.request.bad",
        ),
        (
            "XML",
            Message {
                content_type: "text/xml".to_owned(),
                ..notify.carrying(None)
            },
            UnsupportedMediaType,
            "media-type",
            "err.request.bad",
        ),
    ];
    for (what, message, code, reason, told) in &cases {
        let reply = house.refuses(CRVS, message, *code, reason).await;
        let ack = reply.json()["message"].clone();
        assert_eq!(ack["ack_status"], "ERR", "{what}");
        assert_eq!(ack["error"]["code"], *told, "{what}");
    }
    // another partner brings it; the registered relay may
    let message = signed(&house, &notify);
    house
        .refuses(
            "tax",
            &message,
            Unauthenticated,
            "peer-may-not-carry-sender",
        )
        .await;
    house.wire("ngsp").send(&message).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_of_one_message_and_an_old_message_is_none() {
    let house = House::start().await;
    let notify = birth(&house, 4);
    send(&house, &notify).await.assert_ok();
    let other = birth(&house, 5).with("/header/message_id", notify.id());
    let message = signed(&house, &other);
    let reply = house
        .refuses(CRVS, &message, Conflict, "same-id-other-content")
        .await;
    assert_eq!(
        reply.json()["message"]["error"]["code"],
        "rjct.message_id.duplicate"
    );
    let old = (house.now() - SignedDuration::from_mins(6)).to_string();
    let stale = birth(&house, 5).with("/header/message_ts", old);
    let message = signed(&house, &stale);
    let reply = house.refuses_any(CRVS, &message, Stale).await;
    assert_eq!(
        reply.json()["message"]["error"]["code"],
        "rjct.message_ts.invalid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_and_what_is_too_often_is_refused() {
    let file = "partners/crvs.toml";
    let house = House::plan()
        .replace(file, "\"child-health-insurance\", ", "")
        .replace(
            file,
            "[agreements.operations.\"dci.notify\"]\n",
            "[agreements.operations.\"dci.notify\"]\nper_minute = 60\nburst = 3\n",
        )
        .start()
        .await;
    let message = signed(&house, &birth(&house, 6));
    let reply = house
        .refuses(CRVS, &message, Forbidden, "purpose-not-agreed")
        .await;
    assert_eq!(
        reply.json()["message"]["error"]["code"],
        "err.request.forbidden"
    );
    // a steady caller is let in again after its share of the minute, and is told when
    let notify = Notify::new(
        house.now(),
        &[death_event(house.now(), &event(&house, 6), 6)],
    );
    let message = signed(&house, &notify);
    let mut limited = None;
    for _ in 0..10 {
        let reply = house.wire(CRVS).send(&message).await;
        if reply.status == 429 {
            limited = Some(reply);
            break;
        }
        reply.assert_ok();
    }
    let limited = limited.expect("a limit");
    limited.assert_fault(RateLimited, "sender-operation");
    assert_eq!(
        limited.json()["message"]["error"]["code"],
        "err.request.too_many_requests"
    );
    assert!(limited.header("retry-after").parse::<u64>().unwrap() <= 2);
}

/// A house whose registry has this key, Ed25519, and this dialect.
fn speaking(dialect: &str, more: &str) -> (Plan, SigningKey) {
    let now = Timestamp::now();
    let authority = Authority::generate("elsewhere", now).unwrap();
    let params = IssueParams {
        key: KeyChoice::Ed25519,
        ..IssueParams::new("crvs signing", Usage::Signing, now)
    };
    let issued = authority.issue(&params).unwrap();
    let key = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
    let file = "partners/crvs.toml";
    let plan = House::plan()
        .write("crvs-ed25519.pem", issued.chain_pem)
        .replace(file, "algorithm = \"ES256\"", "algorithm = \"EdDSA\"")
        .replace(file, "../../agencies/crvs/sign.pem", "../crvs-ed25519.pem")
        .replace(
            file,
            "signature = \"jws-compact\"",
            format!("signature = \"{dialect}\"\n{more}"),
        );
    (plan, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_in_the_body_is_proven_by_its_own_rule_and_lives_shortly() {
    for dialect in [Dialect::CavageJcs, Dialect::CavagePyJson] {
        let (plan, key) = speaking(dialect.as_str(), "");
        let house = plan.start().await;
        let sign = |notify: &Notify, at: Timestamp| notify.signature(dialect, (&key, "crvs-1"), at);
        let notify = birth(&house, 7);
        let now = house.now();
        let good = sign(&notify, now);
        let expires = format!("expires=\"{}\"", now.as_second() + 300);
        let minute = SignedDuration::from_secs(61);
        for (signature, reason) in [
            (
                good.replace(&expires, "expires=\"4102444800\""),
                "dci-life-too-long",
            ),
            (good.replace(SENDER_ID, RECEIVER_ID), "dci-kid-of-another"),
            (good.replace("|crvs-1|", "|crvs-2|"), "unknown-key"),
            (sign(&notify, now - minute * 6), "dci-expired"),
            (sign(&notify, now + minute * 2), "dci-created-later"),
            (
                good.replace("algorithm=\"ed25519\"", "algorithm=\"none\""),
                "dci-kid-of-another",
            ),
        ] {
            let message = notify.carrying(Some(&signature));
            house.refuses(CRVS, &message, BadSignature, reason).await;
        }
        let whole = notify.clone().with(
            "/message/notify_event/0/data/reg_records/0/address/0/postal_code",
            "1.0",
        );
        house
            .refuses(
                CRVS,
                &whole.carrying(Some(&good)),
                BadSignature,
                "signature-mismatch",
            )
            .await;
        // what is signed is a spelling: other spaces are the same message
        let mut message = notify.carrying(Some(&good));
        message.body = String::from_utf8(message.body)
            .unwrap()
            .replace("\":", "\" : ")
            .into_bytes();
        let reply = house.wire(CRVS).send(&message).await;
        assert_eq!(ack(&reply)["ack_status"], "ACK", "{}", dialect.as_str());
        assert_eq!(case(&house, "B7/2026").await.2, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_beside_the_body_is_proven_over_the_received_bytes() {
    for dialect in [Dialect::PartnerJwt, Dialect::JwsDetached] {
        let (plan, key) = speaking(dialect.as_str(), "");
        let house = plan.start().await;
        let notify = birth(&house, 8);
        let name = dialect.header().unwrap();
        let good = notify.signature(dialect, (&key, "crvs-1"), house.now());
        let send = async |message: &Message, signature: &str| {
            house
                .wire(CRVS)
                .send_with(message, &[(name, signature)])
                .await
        };
        let before = house.fingerprint().await;
        let mut spaced = notify.carrying(None);
        spaced.body.push(b' ');
        let other = birth(&house, 9).carrying(None);
        send(&spaced, &good).await.assert_fault(
            BadSignature,
            match dialect {
                Dialect::PartnerJwt => "dci-payload-differs",
                _ => "signature-mismatch",
            },
        );
        assert_eq!(send(&other, &good).await.status, 401);
        // in the body, where this dialect has none
        let inside = notify.carrying(Some(&good));
        send(&inside, &good)
            .await
            .assert_fault(BadSignature, "signature-of-another-dialect");
        house
            .wire(CRVS)
            .send(&notify.carrying(None))
            .await
            .assert_fault(BadSignature, "no-signature");
        assert!(house.fingerprint().await == before);
        assert_eq!(
            ack(&send(&notify.carrying(None), &good).await)["ack_status"],
            "ACK"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyed_hash_covers_head_and_body() {
    const SECRET: &str = "made up for a test of hmac-x";
    const DATE: &str = "Mon, 23 Nov 2026 01:00:00 GMT";
    let (plan, _) = speaking("hmac-x", "secret_file = \"../crvs.secret\"\n");
    let house = plan.secret("crvs.secret", SECRET).start().await;
    let notify = birth(&house, 10);
    let message = notify.carrying(None);
    let good = notify.mac(SECRET, DATE);
    let send = async |message: &Message, mac: &str, date: &str| {
        let more = [("x-hmac", mac), ("date", date)];
        house.wire(CRVS).send_with(message, &more).await
    };
    let before = house.fingerprint().await;
    let later = "Mon, 23 Nov 2026 01:00:01 GMT";
    send(&message, &good, later)
        .await
        .assert_fault(BadSignature, "dci-hmac");
    let other = birth(&house, 11).carrying(None);
    send(&other, &good, DATE)
        .await
        .assert_fault(BadSignature, "dci-hmac");
    let wrong = notify.mac("another secret of that length", DATE);
    send(&message, &wrong, DATE)
        .await
        .assert_fault(BadSignature, "dci-hmac");
    let bare = house
        .wire(CRVS)
        .send_with(&message, &[("x-hmac", &good)])
        .await;
    bare.assert_fault(BadSignature, "signed-header-missing");
    assert!(house.fingerprint().await == before);
    assert_eq!(ack(&send(&message, &good, DATE).await)["ack_status"], "ACK");
    assert!(!tape().everything().contains(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulated_registry_is_satisfied() {
    let house = House::start().await;
    let folder = house.layout.agency(CRVS);
    let (place, mother) = (&house.landmarks.places[0], &house.landmarks.mothers[0]);
    let landmarks = json!({
        "mothers": [{ "name": mother.name, "pin": mother.pin, "birth_date": mother.birth_date, "commune": place.commune }],
        "communes": [{ "code": place.commune, "province": place.province, "facility": place.facility }],
    });
    std::fs::write(folder.join("landmarks.json"), landmarks.to_string()).unwrap();
    let registry = Crvs::open(&folder, None).unwrap();
    let report = registry.play().await;
    assert!(report.is_ok(), "{:?}", report.outcome);
    assert_eq!(report.details.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_tells_again_after_a_kill_finds_what_was_done() {
    let mut house = House::start().await;
    let notify = birth(&house, 12);
    let first = send(&house, &notify).await;
    let before = people(&house).await;
    house.kill().await;
    house.open().await;
    let again = send(&house, &notify).await;
    assert_eq!(again.assert_ok().body, first.body);
    let anew = birth(&house, 12).with("/header/message_id", fresh_id(CRVS));
    assert_eq!(ack(&send(&house, &anew).await)["ack_status"], "ACK");
    assert_eq!(people(&house).await, before);
}
