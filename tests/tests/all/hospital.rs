//! Hospitals over the wire: a notice gives a card before anybody has registered the birth, the registration goes on
//! under its number, and whatever is wrong with a notice changes nothing.

use certs::{jws, keys::Algorithm};
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::House,
    message::{
        Birth, Json, Message, Notice, content_digest,
        notice::{HOSPITAL, PACKETS, birth_paper, death_paper},
    },
    tape::tape,
};
use schemas::{
    fault::FaultCode::{
        self, AmbiguousSubject, BadSignature, Conflict, Forbidden, Invalid, Malformed, RuleRefused,
        TokenRefused, TooLarge, Unauthenticated, UnsupportedMediaType,
    },
    proto::{
        admin::AccessRequest,
        insurance::{Context, InfoRequest, ListCardsRequest},
    },
    wire::hospital::BirthPaper,
};
use serde_json::Value;
use tokio::time::Instant;

fn soon() -> Instant {
    Instant::now() + std::time::Duration::from_secs(20)
}

fn paper(house: &House) -> BirthPaper {
    birth_paper(house.now(), &house.landmarks, 0)
}

/// The registration of the same child, which names its notice.
fn registration(house: &House) -> Birth {
    let code = paper(house).code.unwrap();
    Birth::new(house.now(), &house.landmarks, 0).with("maGCS", code)
}

fn signed(house: &House, notice: &Notice) -> Message {
    notice.sign(&house.key(HOSPITAL))
}

async fn told(house: &House, notice: &Notice) -> Value {
    let reply = house.wire(HOSPITAL).send(&signed(house, notice)).await;
    reply.assert_ok();
    assert_eq!(reply.json()["maKetQua"], "200");
    reply.json()
}

async fn registered(house: &House, birth: &Birth) -> Value {
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&poll).await;
    let row = reply.assert_ok().json()["value"][0].clone();
    assert_eq!(row["trangThai"], 4, "{row}");
    serde_json::from_str(row["ketQuaXuLy"].as_str().unwrap()).unwrap()
}

async fn people(house: &House) -> u64 {
    let insurance = &house.gateway().contract().client;
    insurance.info(soon(), InfoRequest {}).await.unwrap().people
}

/// How many valid cards somebody has.
async fn valid_cards(house: &House, number: &str) -> usize {
    let request = ListCardsRequest {
        context: Some(Context {
            sender: "vss".to_owned(),
            ..Context::default()
        }),
        si_number: number.to_owned(),
    };
    let insurance = &house.gateway().contract().client;
    let cards = insurance.cards(soon(), request).await.unwrap().cards;
    cards.iter().filter(|card| card.state == 1).count()
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap()
}

fn facts(house: &House, code: &str, mother: &str) -> Message {
    let body = serde_json::json!({ "maGCS": code, "meSoDDCN": mother });
    let body = body.to_string().into_bytes();
    let (operation, path) = ("civil.birth-facts", "/civil/v1/TraCuuGCS");
    Json::new(house.now(), "dvclt", operation, path, body).sign(&house.key("dvclt"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_civil_registry_asks_for_the_facts_of_a_notice_with_the_mothers_number() {
    let house = House::start().await;
    let paper = paper(&house);
    let (code, mother) = (
        paper.code.clone().unwrap(),
        paper.carer_paper_number.clone(),
    );
    let (mother, other) = (mother.unwrap(), &house.landmarks.mothers[1].pin);
    told(&house, &Notice::birth(&paper)).await;
    let before = house.fingerprint().await;
    let reply = house
        .wire("dvclt")
        .send(&facts(&house, &code, &mother))
        .await;
    let answer = reply.assert_ok().json();
    assert_eq!(answer["khongDuocCungCap"], serde_json::json!(["nksHoTen"]));
    let child = answer["value"][0].as_object().unwrap();
    let members: Vec<&str> = child.keys().map(String::as_str).collect();
    assert_eq!(members.len(), 4, "no name, no number, no card: {members:?}");
    assert_eq!(child["soCon"], 1);
    // of another mother it is as if there were no such notice
    let mut nothing = Vec::new();
    for (code, mother) in [(&*code, other), ("GCS.01001.26.999999", &mother)] {
        let reply = house.wire("dvclt").send(&facts(&house, code, mother)).await;
        nothing.push(reply.assert_ok().json());
    }
    assert_eq!(nothing[0], nothing[1]);
    assert_eq!(
        (&nothing[0]["statusDescription"], &nothing[0]["value"]),
        (&"Không có dữ liệu".into(), &Value::Null)
    );
    assert!(house.fingerprint().await == before);

    // the look is in the mother's ledger
    let looked = AccessRequest {
        person: mother.clone(),
        who: "the auditor".to_owned(),
        why: "who looked".to_owned(),
        max: 50,
    };
    let accesses = client::accesses(house.gateway().admin(), looked).await;
    let accesses = accesses.unwrap().accesses;
    let one = accesses
        .iter()
        .find(|line| line.operation == "civil.birth-facts");
    assert_eq!(one.unwrap().partner, "dvclt");
    let fields = |of: &'static str| {
        let lines = accesses.iter().filter(move |line| line.operation == of);
        lines.map(|line| line.fields.as_str()).collect::<Vec<_>>()
    };
    // the newest first: it was asked about once more, and nothing was said
    let told = "birthDate,children,issuedOn,sex";
    assert_eq!(fields("civil.birth-facts"), ["", told]);
    let of_other = AccessRequest {
        person: other.clone(),
        who: "the auditor".to_owned(),
        why: "who looked".to_owned(),
        max: 50,
    };
    let of_other = client::accesses(house.gateway().admin(), of_other).await;
    let of_other = of_other.unwrap().accesses;
    let asked = of_other.iter().filter(|line| line.operator.is_empty());
    let asked: Vec<_> = asked.map(|line| line.fields.as_str()).collect();
    assert_eq!(
        asked,
        [""],
        "another mother was asked about, and nothing told"
    );

    // a hospital may not ask, nor what is no code
    let refused = facts(&house, "GCS 1", &mother);
    house.refuses("dvclt", &refused, Invalid, "bad-code").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_agreement_lacks_the_facts_of_notices_is_told_none() {
    let house = House::start().await;
    let paper = paper(&house);
    let (code, mother) = (
        paper.code.clone().unwrap(),
        paper.carer_paper_number.clone().unwrap(),
    );
    told(&house, &Notice::birth(&paper)).await;
    let body = serde_json::json!({ "maGCS": code, "meSoDDCN": mother });
    let body = body.to_string().into_bytes();
    let path = "/civil/v1/TraCuuGCS";
    let asked = Json::new(house.now(), "portal", "civil.birth-facts", path, body);
    let asked = asked.sign(&house.key("portal"));
    house
        .refuses("portal", &asked, Forbidden, "operation-not-agreed")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newborn_has_a_card_from_the_notice_and_keeps_its_number_when_it_is_registered() {
    let house = House::start().await;
    let before = people(&house).await;
    let notice = Notice::birth(&paper(&house));
    let first = house.wire(HOSPITAL).send(&signed(&house, &notice)).await;
    let answer = first.assert_ok().json();
    assert_eq!(text(&answer, "maGD"), first.evidence());
    assert_eq!(text(&answer, "thoiGianTiepNhan").len(), 14);
    let card = &answer["dsTheTam"][0];
    let number = text(card, "maSoBHXH").to_owned();
    let province = &house.landmarks.places[0].province;
    assert_eq!(text(card, "maTheTam"), format!("TE1{province}{number}"));
    assert_eq!(card["ketQua"], "1");

    // the answer is ours, about this notice
    let proof = jws::parse(first.header("x-jws-signature"))
        .unwrap()
        .verify(&house.our_key(), Algorithm::Es256, &first.body)
        .unwrap();
    let head = proof.into_header();
    let id = "61-GCS.01001.26.000001-Id-0";
    let digest = content_digest("hospital.birth-notice", HOSPITAL, "vss", &notice.element);
    assert_eq!((head.irt.as_deref(), head.dig), (Some(id), Some(digest)));

    // signed again, in another form: the same answer, byte for byte
    let again = signed(&house, &notice);
    let form: Value = serde_json::from_slice(&again.body).unwrap();
    let file = text(&form, "fileBase64Str");
    let encoded = file
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let again = Message {
        content_type: "application/x-www-form-urlencoded".to_owned(),
        body: format!("maCskcb=01001&loaiHs=61&fileBase64Str={encoded}").into_bytes(),
        ..again
    };
    let second = house.wire(HOSPITAL).send(&again).await;
    assert_eq!(second.assert_ok().body, first.body);

    let result = registered(&house, &registration(&house)).await;
    assert_eq!(text(&result, "maSoBHXH"), number);
    assert_eq!(text(&result, "maThe"), text(card, "maTheTam"));
    assert_ne!(text(&result, "gtTheDen"), text(card, "gtTheDen"));
    assert_eq!(valid_cards(&house, &number).await, 1);
    assert_eq!(people(&house).await, before + 1);
    let log = tape().everything();
    let mother = &house.landmarks.mothers[0];
    for secret in [&number, &mother.pin, &mother.name] {
        assert!(!log.contains(secret.as_str()), "the log names somebody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_of_a_packet_have_a_card_each_and_a_death_ends_the_right_one() {
    let house = House::start().await;
    let twin = |paper_no: &str, sex: &str| BirthPaper {
        paper: Some(paper_no.to_owned()),
        children: Some("2".to_owned()),
        child_sex: Some(sex.to_owned()),
        ..paper(&house)
    };
    let twins = [twin("CT.0001", "2"), twin("CT.0002", "1")];
    let answer = told(&house, &Notice::packet("Id-00000001", &twins)).await;
    let rows = answer["dsTheTam"].as_array().unwrap();
    let numbers: Vec<&str> = rows.iter().map(|row| text(row, "maSoBHXH")).collect();
    assert_eq!(rows[1]["maCT"], "CT.0002");
    assert_ne!(numbers[0], numbers[1]);
    // one of them again by itself: known by its paper
    let alone = told(&house, &Notice::birth(&twins[0])).await;
    assert_eq!(alone["dsTheTam"][0], rows[0]);
    let third = Notice::birth(&twin("CT.0003", "2"));
    let refused = signed(&house, &third);
    house
        .refuses(HOSPITAL, &refused, RuleRefused, "more-children-than-told")
        .await;
    let death = Notice::death(&death_paper(house.now(), 0, numbers[0]));
    let answer = told(&house, &death).await;
    assert_eq!(answer["dsTheTam"], Value::Null);
    let mut left = Vec::new();
    for number in &numbers {
        left.push(valid_cards(&house, number).await);
    }
    assert_eq!(left, [0, 1]);
    // the other sex: another child
    let mut wrong = death_paper(house.now(), 1, numbers[1]);
    wrong.sex = Some("2".to_owned());
    let refused = signed(&house, &Notice::death(&wrong));
    house
        .refuses(
            HOSPITAL,
            &refused,
            AmbiguousSubject,
            "pin-of-another-person",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_issued_again_keeps_the_number_and_the_registration_names_either_code() {
    let house = House::start().await;
    let before = people(&house).await;
    let answer = told(&house, &Notice::birth(&paper(&house))).await;
    let first = answer["dsTheTam"][0].clone();
    let again = BirthPaper {
        id: "Id-again".to_owned(),
        code: Some("GCS.01001.26.900001".to_owned()),
        child_name: Some("Trần Hoà An".to_owned()),
        first_issue: Some("0".to_owned()),
        ..paper(&house)
    };
    let answer = told(&house, &Notice::birth(&again)).await;
    let second = &answer["dsTheTam"][0];
    assert_eq!(second["maGCS"], "GCS.01001.26.900001");
    for member in ["maSoBHXH", "maTheTam", "gtTheTu", "gtTheDen"] {
        assert_eq!(second[member], first[member], "{member}");
    }
    let number = text(second, "maSoBHXH");
    assert_eq!(valid_cards(&house, number).await, 1);
    let old = BirthPaper {
        id: "Id-old".to_owned(),
        ..paper(&house)
    };
    let message = signed(&house, &Notice::birth(&old));
    house
        .refuses(HOSPITAL, &message, Conflict, "notice-was-replaced")
        .await;
    // the sheet that was given out first
    let result = registered(&house, &registration(&house)).await;
    assert_eq!(text(&result, "maSoBHXH"), number);
    assert_eq!(people(&house).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_that_the_hospital_takes_back_gives_the_card_back_and_nothing_is_lost() {
    let house = House::start().await;
    let answer = told(&house, &Notice::birth(&paper(&house))).await;
    let number = text(&answer["dsTheTam"][0], "maSoBHXH").to_owned();
    let death = death_paper(house.now(), 0, &number);
    told(&house, &Notice::death(&death)).await;
    assert_eq!(valid_cards(&house, &number).await, 0);
    let back = |id: &str| schemas::wire::hospital::DeathPaper {
        id: id.to_owned(),
        withdrawn: Some("1".to_owned()),
        withdrawn_why: Some("nhầm người".to_owned()),
        ..death.clone()
    };
    // under the id of the notice itself it is another content, and of another day another death
    let message = signed(&house, &Notice::death(&back(&death.id)));
    house
        .refuses(HOSPITAL, &message, Conflict, "same-id-other-content")
        .await;
    let mut other = back("Id-other");
    other.number = Some("99/2026".to_owned());
    let message = signed(&house, &Notice::death(&other));
    house
        .refuses(HOSPITAL, &message, Conflict, "case-has-other-facts")
        .await;
    assert_eq!(valid_cards(&house, &number).await, 0);
    let answer = told(&house, &Notice::death(&back("Id-back"))).await;
    assert_eq!(answer["dsTheTam"], Value::Null);
    assert_eq!(valid_cards(&house, &number).await, 1);
    let again = schemas::wire::hospital::DeathPaper {
        id: "Id-dead".to_owned(),
        ..death
    };
    let message = signed(&house, &Notice::death(&again));
    house
        .refuses(HOSPITAL, &message, RuleRefused, "death-was-withdrawn")
        .await;
    let result = registered(&house, &registration(&house)).await;
    assert_eq!(text(&result, "maSoBHXH"), number);
    assert_eq!(valid_cards(&house, &number).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_of_one_notice() {
    let house = House::start().await;
    told(&house, &Notice::birth(&paper(&house))).await;
    let other = BirthPaper {
        child_sex: Some("1".to_owned()),
        ..paper(&house)
    };
    let message = signed(&house, &Notice::birth(&other));
    house
        .refuses(HOSPITAL, &message, Conflict, "same-id-other-content")
        .await;
    // as another document as well, and by another way in
    let anew = BirthPaper {
        id: "Id-99".to_owned(),
        ..other.clone()
    };
    let message = signed(&house, &Notice::birth(&anew));
    house
        .refuses(HOSPITAL, &message, Conflict, "notice-has-other-facts")
        .await;
    let packet = signed(&house, &Notice::packet("Id-00000002", &[other]));
    house
        .refuses(HOSPITAL, &packet, Conflict, "notice-has-other-facts")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_units_key_has_signed_is_read() {
    let house = House::start().await;
    let notice = Notice::birth(&paper(&house));
    let good = String::from_utf8(
        certs::xmldsig::sign_beside(&notice.element, &notice.id, &house.key(HOSPITAL), None)
            .unwrap(),
    )
    .unwrap();
    let document = notice.document(&good);
    let other = birth_paper(house.now(), &house.landmarks, 1).write();
    let other = String::from_utf8(other).unwrap();
    let root = "<HSDLGCS>";
    for (bent, reason) in [
        (notice.document(""), "no-signature"),
        (
            document.replace("<SO_CON>1<", "<SO_CON>2<"),
            "digest-mismatch",
        ),
        (
            document.replace(root, &format!("{root}{other}")),
            "signed-element",
        ),
        (
            document.replace("GIAYCHUNGSINH>", "GIAYCHUNGSINH2>"),
            "malformed",
        ),
        (
            document.replace("CHUKYDONVI", "CHUKY"),
            "signature-position",
        ),
        (format!("<!DOCTYPE a>{document}"), "dtd-refused"),
    ] {
        let message = notice.carrying(&bent);
        let reply = house.refuses_any(HOSPITAL, &message, BadSignature).await;
        assert!(
            reply.reason().contains(reason),
            "{} not {reason}",
            reply.reason()
        );
    }
    // another partner's key
    let forged = notice.sign(&house.key("dvclt"));
    house
        .refuses(HOSPITAL, &forged, BadSignature, "signature-mismatch")
        .await;
    // a kind that is not what was signed
    let as_death = notice.clone().with("loaiHs", "60");
    let message = signed(&house, &as_death);
    house
        .refuses(HOSPITAL, &message, BadSignature, "signed-element")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_facility_speaks_for_itself_and_only_where_it_may() {
    let house = House::start().await;
    let notice = Notice::birth(&paper(&house));
    let stranger = signed(&house, &notice.clone().with("maCskcb", "01002"));
    house
        .refuses(HOSPITAL, &stranger, Unauthenticated, "unknown-sender")
        .await;
    // another partner brings the hospital's own notice
    let message = signed(&house, &notice);
    house
        .refuses(
            "tax",
            &message,
            Unauthenticated,
            "peer-may-not-carry-sender",
        )
        .await;
    // the registered relay may
    house.wire("ngsp").send(&message).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_form_and_value_is_refused_and_changes_nothing() {
    let house = House::start().await;
    let notice = || Notice::birth(&paper(&house));
    let good = signed(&house, &notice());
    let with = |name: &str, value: &str| signed(&house, &notice().with(name, value));
    let documents = std::cell::Cell::new(1);
    let bent = |bend: fn(&mut BirthPaper)| {
        // what was refused for good is written anew, as another document
        documents.set(documents.get() + 1);
        let mut paper = BirthPaper {
            id: format!("Id-{}", documents.get()),
            ..paper(&house)
        };
        bend(&mut paper);
        signed(&house, &Notice::birth(&paper))
    };
    let long = "A".repeat(1_500_000);
    let mut elsewhere = good.clone();
    elsewhere.path = PACKETS;
    let mut not_base64 = good.clone();
    not_base64.body = br#"{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"<a>"}"#.to_vec();
    let mut too_long = good.clone();
    too_long.body =
        format!(r#"{{"maCskcb":"01001","loaiHs":"61","fileBase64Str":"{long}"}}"#).into_bytes();
    let mut plain = good.clone();
    plain.content_type = "text/plain".to_owned();
    type Case = (Message, FaultCode, &'static str, &'static str);
    let cases: Vec<Case> = vec![
        (plain, UnsupportedMediaType, "media-type", "422"),
        (not_base64, Malformed, "bad-base64", "205"),
        (too_long, TooLarge, "file-bytes", "1001"),
        (with("token", "t"), Invalid, "credentials-not-wanted", "422"),
        (
            with("password", "p"),
            Invalid,
            "credentials-not-wanted",
            "422",
        ),
        (with("maCskcb", "1"), Invalid, "bad-facility", "422"),
        (with("loaiHs", "62"), Invalid, "unknown-code", "422"),
        (with("ghiChu", "x"), Malformed, "json-mismatch", "422"),
        (elsewhere, Invalid, "operation-and-path-differ", "422"),
        (bent(|p| p.code = None), Invalid, "missing-field", "422"),
        (
            bent(|p| p.first_issue = Some("2".into())),
            Invalid,
            "unknown-code",
            "422",
        ),
        (
            bent(|p| p.residence_commune = Some("99999".into())),
            Invalid,
            "unknown-commune",
            "422",
        ),
        (
            bent(|p| p.temporary_card = Some("TE1019900000001".into())),
            RuleRefused,
            "not-the-holder",
            "422",
        ),
        (
            bent(|p| p.carer_paper_number = Some("001193000001".into())),
            Invalid,
            "other-population",
            "422",
        ),
    ];
    for (message, code, reason, told) in &cases {
        let reply = house.refuses(HOSPITAL, message, *code, reason).await;
        assert_eq!(text(&reply.json(), "maKetQua"), *told, "{reason}");
    }
    house.wire(HOSPITAL).send(&good).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_given_for_the_md5_of_a_password() {
    let house = House::start().await;
    let message = Message {
        path: "/api/token/take",
        content_type: "application/json".to_owned(),
        signature: None,
        body: br#"{"username":"01001","password":"5f4dcc3b5aa765d61d8327deb882cf99"}"#.to_vec(),
    };
    let reply: Reply = house
        .refuses(HOSPITAL, &message, TokenRefused, "md5-token-not-taken")
        .await;
    assert_eq!(text(&reply.json(), "maKetQua"), "401");
    let log = tape().everything();
    assert!(!log.contains("5f4dcc3b5aa765d61d8327deb882cf99"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_fields_are_told_to_a_hospital() {
    let granted =
        "[agreements.operations.\"hospital.birth-notice\"]\nfields = [\"siNumber\", \"card\"]\n";
    let house = House::plan()
        .replace(
            "partners/cskcb-01001.toml",
            granted,
            granted.replace("\"siNumber\", \"card\"", ""),
        )
        .start()
        .await;
    let answer = told(&house, &Notice::birth(&paper(&house))).await;
    let row = &answer["dsTheTam"][0];
    assert_eq!(row["ketQua"], "1");
    for name in ["maSoBHXH", "maTheTam", "gtTheTu"] {
        assert_eq!(row[name], Value::Null, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_was_answered_is_answered_the_same_after_a_kill() {
    let mut house = House::start().await;
    let notice = Notice::birth(&paper(&house));
    let first = told(&house, &notice).await;
    house.kill().await;
    house.open().await;
    let again = told(&house, &notice).await;
    assert_eq!(again, first);
}
