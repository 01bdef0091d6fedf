//! Danger: a hospital that signs nothing gets a token for the MD5 of its password, and its notices come under it. Whoever
//! shows the wrong thing is refused by its reason, and nothing changes.

use conformance::hospital::Hospital;
use gateway_tests::{
    client::Reply,
    house::{House, replace},
    message::{
        Message, Notice,
        login::{MD5, OTHER, as_form, call, file, token, under, with_logins},
        notice::{HOSPITAL, birth_paper},
    },
    tape::tape,
};
use jiff::SignedDuration;
use schemas::fault::FaultCode::{Forbidden, Invalid, Malformed, RateLimited, TokenRefused};

const NOBODYS: &str = "00000000000000000000000000000000";

async fn house() -> House {
    with_logins(House::plan()).start().await
}

fn notice(house: &House, number: u32) -> Notice {
    Notice::birth(&birth_paper(house.now(), &house.landmarks, number))
}

async fn given(house: &House) -> [String; 2] {
    token(&house.wire(HOSPITAL).send(&call("bv-01001", MD5)).await)
}

/// What is refused to a call for a token, and its code in PL02's words.
async fn refused(house: &House, peer: &str, message: &Message, reason: &str, told: &str) -> Reply {
    let reply = house.refuses(peer, message, TokenRefused, reason).await;
    let answer = reply.json();
    assert_eq!(
        (&answer["maKetQua"], &answer["APIKey"]),
        (&told.into(), &().into())
    );
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_brings_a_notice_and_the_notice_a_card_and_no_secret_is_kept() {
    let house = house().await;
    let upper = call("bv-01001", &MD5.to_ascii_uppercase());
    let asked = [
        call("bv-01001", MD5),
        as_form(&call("bv-01001", MD5)),
        upper,
    ];
    let mut tokens = Vec::new();
    for call in &asked {
        let reply = house.wire(HOSPITAL).send(call).await;
        let key = &reply.json()["APIKey"];
        assert_eq!(
            (&key["token_type"], &key["username"], &key["expires_in"]),
            (&"bearer".into(), &"bv-01001".into(), &"1800".into())
        );
        tokens.push(token(&reply));
    }
    let all: std::collections::BTreeSet<_> = tokens.iter().flatten().collect();
    assert_eq!(all.len(), 6, "every half of every token is another");

    let first = under(&notice(&house, 0), &tokens[0]);
    let reply = house.wire(HOSPITAL).send(&first).await;
    let answer = reply.assert_ok().json();
    let row = &answer["dsTheTam"][0];
    assert_eq!(
        (&answer["maKetQua"], &row["ketQua"]),
        (&"200".into(), &"1".into())
    );
    assert!(row["maTheTam"].as_str().unwrap().starts_with("TE1"));
    // sent again, under another token and as a form: the same answer
    let before = house.fingerprint().await;
    for again in [
        under(&notice(&house, 0), &tokens[1]),
        as_form(&under(&notice(&house, 0), &tokens[2])),
    ] {
        let reply = house.wire(HOSPITAL).send(&again).await;
        assert_eq!(reply.assert_ok().json(), answer);
    }
    assert!(house.fingerprint().await == before);

    let log = tape().everything();
    for secret in all.into_iter().map(String::as_str).chain([MD5]) {
        assert!(!log.contains(secret), "{secret}");
    }
    let folder = std::fs::read_dir(house.file("partners")).unwrap();
    for file in folder.map(|file| file.unwrap().path()) {
        assert!(
            !std::fs::read_to_string(&file).unwrap().contains(MD5),
            "{file:?}"
        );
    }
    let hash = std::fs::read_to_string(house.file("md5.hash")).unwrap();
    assert!(hash.starts_with("pbkdf2-sha256$") && !hash.contains(MD5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_hospital_of_the_older_kind_judges_the_cards_that_it_gets() {
    let house = house().await;
    let folder = house.layout.agency(HOSPITAL);
    let (place, mother) = (&house.landmarks.places[0], &house.landmarks.mothers[0]);
    let landmarks = serde_json::json!({
        "mothers": [{ "name": mother.name, "pin": mother.pin, "birth_date": mother.birth_date, "commune": place.commune }],
        "communes": [{ "code": place.commune, "province": place.province, "facility": place.facility }],
    });
    std::fs::write(folder.join("landmarks.json"), landmarks.to_string()).unwrap();
    let hospital = Hospital::open(&folder, None).unwrap();
    let token = hospital.log_in("bv-01001", MD5).await.unwrap();
    assert_eq!(token.lives, 1_800);
    let (first, sent) = hospital.tell_birth_under(&token).await.unwrap();
    let again = hospital.send(&sent).await.unwrap();
    assert_eq!(again.body, first.body);
    let wrong = hospital.log_in("bv-01001", NOBODYS).await.unwrap_err();
    assert!(wrong.to_string().contains("login-wrong"), "{wrong}");
    // how it was proven stands in the journal
    let evidence = first.evidence.unwrap();
    let page = gateway::admin::client::explain(house.gateway().admin(), &evidence).await;
    let page = format!("{:?}", page.unwrap());
    assert!(page.contains("password-token"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_wrongly_gets_no_token() {
    let house = house().await;
    refused(
        &house,
        HOSPITAL,
        &call("bv-09999", MD5),
        "login-unknown",
        "401",
    )
    .await;
    // the facility's name is no user name
    refused(
        &house,
        HOSPITAL,
        &call("01001", MD5),
        "login-unknown",
        "401",
    )
    .await;
    // another facility's, which does not come over this connection
    refused(
        &house,
        HOSPITAL,
        &call("bv-01002", MD5),
        "login-of-another",
        "402",
    )
    .await;
    refused(
        &house,
        "tax",
        &call("bv-01001", MD5),
        "login-of-another",
        "402",
    )
    .await;
    let with = |body: &str| Message {
        body: body.as_bytes().to_vec(),
        ..call("", "")
    };
    for (message, code, reason) in [
        (call("bv-01001", ""), Invalid, "missing-field"),
        (with("{}"), Malformed, "json-mismatch"),
        (
            with(r#"{"username":"a","password":"b","x":"c"}"#),
            Malformed,
            "json-mismatch",
        ),
        (
            with(&"x".repeat(5_000)),
            schemas::fault::FaultCode::TooLarge,
            "body-bytes",
        ),
    ] {
        house.refuses(HOSPITAL, &message, code, reason).await;
    }
    // nobody's tries count against the account
    given(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_facility_its_connection_and_its_time_alone() {
    let house = house().await;
    let own = given(&house).await;
    let others = token(&house.wire("ngsp").send(&call("bv-01002", MD5)).await);
    let cases = [
        // guessed, one half of it, halves of two
        (HOSPITAL, ["x".repeat(43), "y".repeat(43)], "token-unknown"),
        (HOSPITAL, [own[0].clone(), String::new()], "token-unknown"),
        (
            HOSPITAL,
            [own[0].clone(), others[1].clone()],
            "token-unknown",
        ),
        // what the journal keeps of one is none
        (
            HOSPITAL,
            [
                gateway_core::login::TokenDigest::of(&own[0], &own[1]).kept(),
                String::new(),
            ],
            "token-unknown",
        ),
        // brought by the relay that may bring this facility's notices, but did not ask
        ("ngsp", own.clone(), "token-of-another-peer"),
        ("ngsp", others.clone(), "token-of-another-facility"),
    ];
    for (peer, shown, reason) in cases {
        let message = under(&notice(&house, 0), &shown);
        let reply = house.refuses(peer, &message, TokenRefused, reason).await;
        assert_eq!(reply.json()["maKetQua"], "401", "{reason}");
    }
    // without one, or with the password alone, a facility without keys says nothing
    let bare = notice(&house, 0);
    let bare = bare.carrying(&bare.document(""));
    house
        .refuses_any(HOSPITAL, &bare, schemas::fault::FaultCode::BadSignature)
        .await;
    let with_password = notice(&house, 0).with("password", MD5);
    let with_password = with_password.carrying(&with_password.document(""));
    house
        .refuses(HOSPITAL, &with_password, Invalid, "credentials-not-wanted")
        .await;
    // what it says beside the element that would be signed is read by nobody, and two are none
    let twice = notice(&house, 0);
    let element = String::from_utf8(twice.element.clone()).unwrap();
    let document = twice
        .document("")
        .replace("<HSDLGCS>", &format!("<HSDLGCS>{element}"));
    let message = twice
        .with("token", &own[0])
        .with("id_token", &own[1])
        .carrying(&document);
    house.refuses_any(HOSPITAL, &message, Malformed).await;
    // a packet was not agreed
    let packet = Notice::packet(
        "Id-packet-9",
        &[birth_paper(house.now(), &house.landmarks, 0)],
    );
    house
        .refuses_any(HOSPITAL, &under(&packet, &own), Forbidden)
        .await;

    let message = under(&notice(&house, 0), &own);
    house.clock.advance(SignedDuration::from_secs(1_801));
    house
        .refuses(HOSPITAL, &message, TokenRefused, "token-expired")
        .await;
    // and then it is forgotten
    house
        .refuses(HOSPITAL, &message, TokenRefused, "token-unknown")
        .await;
    let anew = given(&house).await;
    house
        .wire(HOSPITAL)
        .send(&under(&notice(&house, 0), &anew))
        .await
        .assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_lock_the_account_for_its_time_and_a_restart_is_no_way_round() {
    let mut house = house().await;
    let held = given(&house).await;
    let wrong = call("bv-01001", NOBODYS);
    for _ in 0..2 {
        refused(&house, HOSPITAL, &wrong, "login-wrong", "401").await;
    }
    // the right one in between: the count begins anew
    given(&house).await;
    for _ in 0..3 {
        refused(&house, HOSPITAL, &wrong, "login-wrong", "401").await;
    }
    let locked = refused(
        &house,
        HOSPITAL,
        &call("bv-01001", MD5),
        "login-locked",
        "403",
    )
    .await;
    let wait: u64 = locked.header("retry-after").parse().unwrap();
    assert!((590..=600).contains(&wait), "{wait}");
    // who has a token goes on, and the other facility is not locked
    house
        .wire(HOSPITAL)
        .send(&under(&notice(&house, 0), &held))
        .await
        .assert_ok();
    let _ = token(&house.wire("ngsp").send(&call("bv-01002", MD5)).await);
    house.clock.advance(SignedDuration::from_secs(595));
    refused(
        &house,
        HOSPITAL,
        &call("bv-01001", MD5),
        "login-locked",
        "403",
    )
    .await;
    house.clock.advance(SignedDuration::from_secs(10));
    given(&house).await;

    // a restart ends every token, and gives a guesser one guess
    house.kill().await;
    house.open().await;
    let message = under(&notice(&house, 1), &held);
    house
        .refuses(HOSPITAL, &message, TokenRefused, "token-unknown")
        .await;
    refused(&house, HOSPITAL, &wrong, "login-wrong", "401").await;
    refused(
        &house,
        HOSPITAL,
        &call("bv-01001", MD5),
        "login-locked",
        "403",
    )
    .await;
    house.clock.advance(SignedDuration::from_secs(601));
    given(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_guesses_at_once_no_more_are_looked_at_than_may_be_wrong() {
    let house = house().await;
    given(&house).await;
    let wire = house.wire(HOSPITAL);
    let guesses = (0..8).map(|_| {
        let wire = wire.clone();
        async move { wire.send(&call("bv-01001", NOBODYS)).await.reason() }
    });
    let reasons = futures_util::future::join_all(guesses).await;
    let looked_at = reasons
        .iter()
        .filter(|reason| *reason == "login-wrong")
        .count();
    assert_eq!(looked_at, 3, "{reasons:?}");
    let others = |reason: &&String| *reason != "login-wrong" && *reason != "login-locked";
    assert_eq!(reasons.iter().find(others), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_notices_have_their_limits_for_each_facility() {
    let house = house().await;
    let held = given(&house).await;
    for number in 0..3 {
        let message = under(&notice(&house, number), &held);
        house.wire(HOSPITAL).send(&message).await.assert_ok();
    }
    let message = under(&notice(&house, 3), &held);
    house.refuses_any(HOSPITAL, &message, RateLimited).await;
    // 12 tokens at once, one was given; of 8 that are good together the first went
    for _ in 0..11 {
        given(&house).await;
    }
    let reply = house
        .refuses(HOSPITAL, &call("bv-01001", MD5), RateLimited, "login")
        .await;
    assert_eq!(reply.json()["maKetQua"], "429");
    house
        .refuses(HOSPITAL, &message, TokenRefused, "token-unknown")
        .await;
    let _ = token(&house.wire("ngsp").send(&call("bv-01002", MD5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_ends_what_was_given_for_the_one_before() {
    let house = house().await;
    let held = given(&house).await;
    let hash = certs::password::SlowHash::of(NOBODYS.as_bytes()).text();
    std::fs::write(house.file("md5.hash"), format!("{hash}\n\n")).unwrap();
    let message = under(&notice(&house, 0), &held);
    let mut reason = String::new();
    for _ in 0..20 {
        // taken until the file is looked at; then it is not even looked for among what is known
        let reply = house.wire(HOSPITAL).send(&message).await;
        if reply.header("lienthong-fault") == TokenRefused.row().code {
            reason = reply.reason();
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    assert_eq!(reason, "token-login-changed");
    let _ = token(&house.wire(HOSPITAL).send(&call("bv-01001", NOBODYS)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_taken_only_where_danger_names_the_facility_and_of_none_that_can_sign() {
    let house = House::start().await;
    let load = || {
        let config = gateway::config::Config::load(&house.layout.config()).unwrap();
        let loaded = gateway::config::Snapshot::load(&config, &gateway::wiring::operations());
        loaded.map_err(|problems| problems.into_iter().map(|one| one.what).collect::<Vec<_>>())
    };
    let hash = certs::password::SlowHash::of(MD5.as_bytes()).text();
    certs::pki::write_private(&house.file("md5.hash"), &hash).unwrap();
    let partner = house.file(&format!("partners/{OTHER}.toml"));
    std::fs::write(&partner, file("01002", true)).unwrap();
    let said = |problems: Vec<String>, what: &str| {
        assert!(
            problems.len() == 1 && problems[0].contains(what),
            "{problems:?}"
        );
    };
    said(load().unwrap_err(), "proves nobody who has seen it once");
    replace(
        &house.layout.config(),
        "[danger]\n",
        "[danger]\nmd5_tokens_of = [\"cskcb-01001\", \"cskcb-01002\"]\n",
    );
    assert!(load().is_ok());
    replace(&partner, "failures = 3", "failures = 30");
    said(load().unwrap_err(), "md5_login.failures");
    replace(&partner, "failures = 30", "failures = 3");
    std::fs::write(house.file("md5.hash"), MD5).unwrap();
    said(load().unwrap_err(), "not pbkdf2-sha256$");
    std::fs::write(house.file("md5.hash"), &hash).unwrap();
    let key = format!(
        "[[keys]]\nkid = \"k\"\nalgorithm = \"ES256\"\ncert = \"../../agencies/{HOSPITAL}/sign.pem\"\n\n[quota]"
    );
    replace(&partner, "[quota]", &key);
    said(load().unwrap_err(), "may not fall back to a password");
    std::fs::remove_file(&partner).unwrap();
    // the facility that signs: neither a token nor what would be one
    let mine = house.file(&format!("partners/{HOSPITAL}.toml"));
    let login = "[md5_login]\nusername = \"bv-01001\"\nhash_file = \"../md5.hash\"\n\n[quota]";
    replace(&mine, "[quota]", login);
    said(load().unwrap_err(), "may not fall back to a password");
    replace(&mine, login, "[quota]");
    assert!(load().is_ok());
    house
        .refuses(
            HOSPITAL,
            &call("bv-01001", MD5),
            TokenRefused,
            "md5-token-not-taken",
        )
        .await;
    let shown = ["t".to_owned(), "i".to_owned()];
    let message = under(&notice(&house, 0), &shown);
    house
        .refuses(HOSPITAL, &message, Invalid, "credentials-not-wanted")
        .await;
}
