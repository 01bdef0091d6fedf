//! What is refused, what the core makes of each refusal, and that nothing has changed.

use conformance::opencrvs::core::{self, AuthKey, ISSUER, claims, names, plain_header};
use gateway_tests::message::dci::CRVS;
use jiff::SignedDuration;
use schemas::fault::FaultCode::{
    Conflict, Forbidden, Invalid, Malformed, RuleRefused, Stale, TokenRefused, TooLarge,
    Unauthenticated,
};
use serde_json::{Value, json};

use super::{FILE, Scene, accepted, action, event, message};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_does_not_show_that_this_action_is_asked_for_changes_nothing() {
    let scene = Scene::start().await;
    let record = scene.birth(2);
    let (event, action) = names(&record);
    let (now, key) = (scene.house.now(), scene.core.key());
    let good = claims(&event, &action, now);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        key.sign(&plain_header(), &claims).unwrap()
    };
    let under = |header: Value| key.sign(&header, &good).unwrap();
    let stranger = AuthKey::make("auth-1", now).unwrap();
    let honest = key.sign(&plain_header(), &good).unwrap();
    let (head, signature) = honest.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let bent = format!("{other}{}", &signature[1..]);
    let unsigned = under(json!({ "alg": "none", "typ": "JWT" }));
    let second = now.as_second();
    let forged = stranger.sign(&plain_header(), &good).unwrap();
    let cases = [
        (forged, "token-signature"),
        (with("exp", (second - 60).into()), "token-expired"),
        (with("exp", Value::Null), "token-claims"),
        (with("nbf", (second + 600).into()), "token-not-yet-valid"),
        (with("iss", "https://elsewhere".into()), "token-issuer"),
        (
            with("aud", json!(["opencrvs:events-user"])),
            "token-audience",
        ),
        (
            with("eventId", core_id(9).into()),
            "token-of-another-record",
        ),
        (with("eventId", Value::Null), "token-claims"),
        (with("actionId", Value::Null), "token-claims"),
        (with("iat", Value::Null), "token-claims"),
        (
            under(json!({ "alg": "RS256", "kid": "auth-2" })),
            "token-unknown-kid",
        ),
        (
            under(json!({ "alg": "RS256", "typ": "secevent+jwt" })),
            "token-wrong-typ",
        ),
        (under(json!({ "alg": "PS256" })), "token-algorithm"),
        (format!("{head}.{bent}"), "token-signature"),
        ("a".repeat(9_000), "token-too-large"),
    ];
    for (token, reason) in &cases {
        let status = (TokenRefused, *reason, 401);
        scene.refuses(scene.ask_with(&record, token), status).await;
    }
    // no algorithm, and one that takes the public key for a secret
    let symmetric = under(json!({ "alg": "HS256", "typ": "JWT" }));
    for token in [&unsigned, &symmetric, &format!("{head}.")] {
        let before = scene.house.fingerprint().await;
        let reply = scene.ask_with(&record, token).await;
        assert_eq!(
            (reply.status, reply.header("lienthong-fault")),
            (401, TokenRefused.row().code)
        );
        assert!(scene.house.fingerprint().await == before);
    }
    // what the journal keeps in its place is no token
    let kept = json!({ "iat": second, "exp": second + 600, "eventId": event, "actionId": action });
    let kept = kept.to_string();
    let more = [("x-jws-signature", kept.as_str())];
    let sent = message(&record, "REGISTER");
    let wire = scene.house.wire(CRVS);
    let refused = (TokenRefused, "token-missing", 401);
    scene.refuses(wire.send_with(&sent, &more), refused).await;
    // another action of the same record, or the token of another
    let another = with("actionId", core_id(8).into());
    let refused = (Invalid, "unknown-action", 400);
    scene
        .refuses(scene.ask_with(&record, &another), refused)
        .await;
    // somebody else with the token, who is no OpenCRVS
    let bearer = format!("Bearer {honest}");
    let more = [("authorization", bearer.as_str())];
    let stolen = scene.house.wire("tax");
    let refused = (Unauthenticated, "unknown-sender", 401);
    scene.refuses(stolen.send_with(&sent, &more), refused).await;
    let twice = [more[0], more[0]];
    let refused = (TokenRefused, "token-twice", 401);
    scene.refuses(wire.send_with(&sent, &twice), refused).await;
    // old, and ahead
    for minutes in [-61, 61] {
        let at = now + SignedDuration::from_mins(minutes);
        let mut late = claims(&event, &action, at);
        late["exp"] = (second + 9_000).into();
        let token = key.sign(&plain_header(), &late).unwrap();
        let refused = (Stale, "outside-window", 422);
        scene
            .refuses(scene.ask_with(&record, &token), refused)
            .await;
    }
    // under the name of its key it holds too
    let named = under(json!({ "alg": "RS256", "typ": "JWT", "kid": "auth-1" }));
    scene.core.hold(&event, &action);
    assert_eq!(scene.ask_with(&record, &named).await.status, 202);
    assert_eq!(scene.confirmed(2).await, accepted(2));
    assert_eq!(good["iss"], ISSUER);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_record_is_refused_for_rejects_it_and_what_is_our_quarrel_does_not() {
    let scene = Scene::start().await;
    let record = scene.birth(3);
    let bent = |change: &dyn Fn(&mut Value)| {
        let mut record = record.clone();
        change(&mut record);
        record
    };
    let declared = "/actions/1/declaration";
    let set = |name: &'static str, value: Value| {
        bent(&|record| record.pointer_mut(declared).unwrap()[name] = value.clone())
    };
    let deep = format!("{}1{}", "[".repeat(30), "]".repeat(30));
    let deep: Value = serde_json::from_str(&deep).unwrap();
    let many: Vec<u32> = (0..600).collect();
    let answered = json!({
        "id": core_id(1), "type": "REGISTER", "status": "Rejected", "createdAt": record["updatedAt"],
        "originalActionId": action(3),
    });
    let cases = [
        (set("child.nid", "079204000000".into()), Invalid, None, 400),
        (
            set("child.nid", Value::Null),
            Invalid,
            Some("missing-field"),
            400,
        ),
        (
            set("child.name", "Nguyễn".into()),
            Invalid,
            Some("bad-code"),
            400,
        ),
        (set("child.gender", "other".into()), Invalid, None, 400),
        (set("child.commune", "99999".into()), Invalid, None, 400),
        (set("child.dob", 5.into()), Invalid, Some("bad-code"), 400),
        (
            bent(&|record| record["actions"][3]["status"] = "Accepted".into()),
            Invalid,
            Some("action-is-over"),
            400,
        ),
        (
            bent(&|record| record["actions"][3]["type"] = "DECLARE".into()),
            Invalid,
            Some("path-and-record-differ"),
            400,
        ),
        (
            bent(&|record| {
                let all = record["actions"].as_array_mut().unwrap();
                all.insert(3, answered.clone());
            }),
            Invalid,
            Some("action-is-over"),
            400,
        ),
        (
            bent(&|record| record["actions"][3]["registrationNumber"] = "a/b".into()),
            Invalid,
            None,
            400,
        ),
        (
            bent(&|record| record["surprise"] = 1.into()),
            Invalid,
            Some("json-mismatch"),
            422,
        ),
        (
            set("child.reason", deep),
            TooLarge,
            Some("json-too-deep"),
            413,
        ),
        (
            set("child.reason", json!(many)),
            TooLarge,
            Some("json-too-many"),
            413,
        ),
        (
            set("child.reason", "a".repeat(1 << 20).into()),
            TooLarge,
            Some("body-bytes"),
            413,
        ),
    ];
    for (index, (record, code, reason, status)) in cases.iter().enumerate() {
        let before = scene.house.fingerprint().await;
        let reply = scene.ask(record).await;
        let said = reply.json();
        let why = said["reason"].as_str().unwrap_or_default();
        assert_eq!(
            (reply.header("lienthong-fault"), reply.status),
            (code.row().code, *status),
            "{index}: {why}"
        );
        assert!(reason.is_none_or(|reason| reason == why), "{why}");
        assert!(scene.house.fingerprint().await == before, "{why}: changed");
    }
    let text = record.to_string();
    for (text, code, reason, status) in [
        (String::new(), Malformed, "empty-body", 422),
        (
            text[..text.len() - 2].to_owned(),
            Malformed,
            "json-truncated",
            422,
        ),
        (
            text.replacen("\"id\":", "\"id\":\"x\",\"id\":", 1),
            Malformed,
            "json-duplicate-key",
            422,
        ),
    ] {
        let (event, action) = names(&record);
        let claims = claims(&event, &action, scene.house.now());
        let token = scene.core.key().sign(&plain_header(), &claims).unwrap();
        let bearer = format!("Bearer {token}");
        let mut message = message(&record, "REGISTER");
        message.body = text.into();
        let more = [("authorization", bearer.as_str())];
        let wire = scene.house.wire(CRVS);
        scene
            .refuses(wire.send_with(&message, &more), (code, reason, status))
            .await;
    }
    // nobody was told of any of these
    assert_eq!(scene.core.calls(), 0);

    // the same action with other facts, once it is taken
    assert_eq!(scene.ask(&record).await.status, 202);
    assert_eq!(scene.confirmed(3).await, accepted(3));
    let mut other = record.clone();
    other["actions"][1]["declaration"]["child.name"]["surname"] = "Lê".into();
    let refused = (Conflict, "same-id-other-content", 409);
    scene.refuses(scene.ask(&other), refused).await;
    // the same number by another action: with the same facts it is the same case, with others it is none
    let mut anew = core::birth(&scene.child(3), (&event(3), &action(4)));
    assert_eq!(scene.ask(&anew).await.status, 202);
    assert_eq!(scene.confirmed(4).await, accepted(3));
    anew = core::birth(&scene.child(3), (&event(3), &action(5)));
    anew["actions"][1]["declaration"]["child.name"]["surname"] = "Lê".into();
    let refused = (Conflict, "case-has-other-facts", 409);
    scene.refuses(scene.ask(&anew), refused).await;
    // a rule of ours: whoever is dead is not born
    assert_eq!(scene.ask(&scene.death(3)).await.status, 202);
    scene.confirmed(503).await;
    let mut reborn = scene.child(3);
    reborn.number = "2026B000000777".to_owned();
    let reborn = core::birth(&reborn, (&event(6), &action(6)));
    let refused = (RuleRefused, "person-is-dead", 400);
    scene.refuses(scene.ask(&reborn), refused).await;
    scene.told_nothing_wrong();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_is_not_asked_and_what_is_more_than_agreed_is_asked_later() {
    let death = "[agreements.operations.\"opencrvs.trigger.death\"]\n";
    let birth = "[agreements.operations.\"opencrvs.trigger.birth\"]\n";
    let few = format!("{birth}per_minute = 1\nburst = 2\n");
    let scene =
        Scene::start_as(|plan| plan.replace(FILE, death, "").replace(FILE, birth, few)).await;
    let refused = (Forbidden, "operation-not-agreed", 403);
    scene.refuses(scene.ask(&scene.death(40)), refused).await;
    let mut statuses = Vec::new();
    for number in [40, 41, 42] {
        statuses.push(scene.ask(&scene.birth(number)).await.status);
    }
    assert_eq!(statuses, [202, 202, 429]);
    assert_eq!(scene.confirmed(41).await, accepted(41));
}

fn core_id(number: u32) -> String {
    format!("3c5f0b6a-0000-4000-8000-{number:012}")
}
