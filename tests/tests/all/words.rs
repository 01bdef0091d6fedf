//! What may be said: XML and JSON without anything that means two things, and fields by their rules.
//! Every message here is signed by its sender; only its content is bent.

use gateway_tests::{
    house::House,
    message::{Birth, Json, Message, Tax, birth::pin, dossier, tax::xml},
};
use schemas::fault::FaultCode::{self, Invalid, Malformed, TooLarge};
use serde_json::{Value, json};

async fn refuses_xml(house: &House, bend: impl Fn(&str) -> String, code: FaultCode, reason: &str) {
    let signed = house.verify(&["participants"]).signed(&house.key("tax"));
    let bent = bend(&signed);
    assert_ne!(bent, signed);
    house.refuses("tax", &xml(bent), code, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_that_is_too_deep_is_refused() {
    let house = House::start().await;
    let deep = format!("{}{}", "<x>".repeat(70), "</x>".repeat(70));
    let bend = |signed: &str| signed.replacen("<Fields>", &format!("{deep}<Fields>"), 1);
    refuses_xml(&house, bend, TooLarge, "xml-too-deep").await;
    let deepest = format!("{}{}", "<x>".repeat(100_000), "</x>".repeat(100_000));
    let bend = |signed: &str| signed.replacen("<Fields>", &format!("{deepest}<Fields>"), 1);
    refuses_xml(&house, bend, TooLarge, "xml-too-deep").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_with_too_many_attributes_or_elements_is_refused() {
    let house = House::start().await;
    let wide: String = (0..5_000).map(|n| format!(" a{n}=\"\"")).collect();
    let bend = |signed: &str| signed.replacen("<Fields>", &format!("<x{wide}></x><Fields>"), 1);
    refuses_xml(&house, bend, TooLarge, "xml-too-many-attributes").await;
    let bend = |signed: &str| {
        signed.replacen("<Fields>", &format!("{}<Fields>", "<x/>".repeat(20_001)), 1)
    };
    refuses_xml(&house, bend, TooLarge, "xml-too-many-elements").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_entity_is_refused_and_never_fetched() {
    let house = House::start().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    for target in ["file:///etc/passwd", &uri] {
        let bend = |signed: &str| {
            format!("<!DOCTYPE TaxMessage [<!ENTITY x SYSTEM \"{target}\">]>{signed}").replacen(
                "<Period>",
                "<Period>&x;",
                1,
            )
        };
        refuses_xml(&house, bend, Malformed, "xml-doctype").await;
    }
    let fetched =
        tokio::time::timeout(std::time::Duration::from_millis(300), listener.accept()).await;
    assert!(fetched.is_err(), "somebody fetched the entity");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_billion_laughs_are_refused_at_the_first_word() {
    let house = House::start().await;
    let laughs: String = (1..10)
        .map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)))
        .collect();
    let bend = |signed: &str| {
        format!("<!DOCTYPE TaxMessage [<!ENTITY l0 \"ha\">{laughs}]>{signed}").replacen(
            "<Period>",
            "<Period>&l9;",
            1,
        )
    };
    let started = std::time::Instant::now();
    refuses_xml(&house, bend, Malformed, "xml-doctype").await;
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_instructions_cdata_and_entities_are_refused() {
    let house = House::start().await;
    for (inserted, reason) in [
        ("<!-- x -->", "xml-comment"),
        ("<?x y?>", "xml-processing-instruction"),
        ("<![CDATA[9]]>", "xml-cdata"),
        ("&x;", "xml-entity"),
        ("&#0;", "xml-entity"),
    ] {
        let bend = |signed: &str| signed.replacen("<Mst>", &format!("<Mst>{inserted}"), 1);
        refuses_xml(&house, bend, Malformed, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_in_another_encoding_is_refused() {
    let house = House::start().await;
    for (declared, reason) in [
        (
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
            "xml-encoding",
        ),
        ("<?xml version=\"1.0\" encoding=\"UTF-7\"?>", "xml-encoding"),
        ("\u{feff}", "xml-bom"),
    ] {
        refuses_xml(
            &house,
            |signed| format!("{declared}{signed}"),
            Malformed,
            reason,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tax_code_with_a_wrong_check_digit_is_refused() {
    let house = House::start().await;
    let good = &house.landmarks.employer.mst;
    let last = good.as_bytes()[9];
    let bad = format!(
        "{}{}",
        &good[..9],
        char::from(if last == b'9' { b'0' } else { last + 1 })
    );
    let message = Tax::verify(
        house.now(),
        &bad,
        &house.landmarks.period,
        &["participants"],
    );
    let reply = house
        .refuses(
            "tax",
            &message.sign(&house.key("tax")),
            Invalid,
            "mst-check-digit",
        )
        .await;
    assert!(reply.text().contains("<Field>Mst</Field>"));
    assert!(!reply.text().contains(&bad), "the fault repeats the value");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_off_its_schema_is_refused() {
    let house = House::start().await;
    let good = house.verify(&["participants"]);
    for (from, to) in [
        ("<Period>", "<Period>x"),
        ("<Field>participants</Field>", "<Field>salary</Field>"),
        (
            "<Field>participants</Field>",
            "<Field>fund</Field><Field>fund</Field>",
        ),
        ("<Purpose>tax-compliance</Purpose>", ""),
        ("</VerifyEmployer>", "</VerifyEmployer><Ping></Ping>"),
        (
            "<VerifyEmployer>",
            "<VerifyEmployer xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"PingType\">",
        ),
    ] {
        assert!(good.body.contains(from));
        let bent = Tax {
            body: good.body.replacen(from, to, 1),
            id: gateway_tests::message::fresh_id("tax"),
            ..good.clone()
        };
        let reply = house
            .refuses_any("tax", &bent.sign(&house.key("tax")), Invalid)
            .await;
        assert!(
            reply.reason().starts_with("schema-"),
            "{to}: {}",
            reply.reason()
        );
    }
}

fn birth(house: &House) -> Birth {
    Birth::new(house.now(), &house.landmarks, 1)
}

async fn refuses_birth(house: &House, birth: &Birth, code: FaultCode, reason: &str, field: &str) {
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    let reply = house.refuses("dvclt", &message, code, reason).await;
    assert!(
        reply.text().contains(field),
        "{field} is not named: {}",
        reply.text()
    );
    assert!(
        !reply.text().contains(&birth.pin),
        "the fault repeats a PIN"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_birth_is_taken_so_that_the_bent_ones_prove_something() {
    let house = House::start().await;
    let before = house.fingerprint().await;
    let message = birth(&house).message(house.now());
    let reply = house
        .wire("dvclt")
        .send(&message.sign(&house.key("dvclt")))
        .await;
    reply.assert_ok();
    assert!(
        house.fingerprint().await != before,
        "nothing was registered"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_contradicts_sex_or_year_is_refused() {
    let house = House::start().await;
    let good = birth(&house);
    let born = schemas::date::parse_dotted(good.form["nksNgaySinh"].as_str().unwrap()).unwrap();
    let serial = house.landmarks.child_pin_serial_from + 7;
    let boy = pin(1, born, serial);
    let elder = pin(2, born.saturating_sub(jiff::Span::new().years(1)), serial);
    for (pin, reason) in [(boy, "pin-sex-mismatch"), (elder, "pin-year-mismatch")] {
        let bent = good.clone().with("ketQuaXuLy.soDinhDanh", pin);
        refuses_birth(&house, &bent, Invalid, reason, "soDinhDanh").await;
    }
    let short = good.clone().with("ketQuaXuLy.soDinhDanh", "09922600000");
    refuses_birth(&house, &short, Invalid, "bad-pin", "soDinhDanh").await;
    let wide = good.clone().with(
        "ketQuaXuLy.soDinhDanh",
        good.pin.replacen('0', "\u{ff10}", 1),
    );
    refuses_birth(&house, &wide, Invalid, "bad-pin", "soDinhDanh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commune_that_is_unknown_or_has_ended_is_refused() {
    let house = House::start().await;
    for commune in ["99999", house.landmarks.ended_commune.as_str()] {
        let mut bent = birth(&house)
            .with("ketQuaXuLy.ndkksMaXa", commune)
            .with("noiDangKy", commune);
        bent.envelope["maDonVi"] = commune.into();
        refuses_birth(&house, &bent, Invalid, "unknown-commune", "ndkksMaXa").await;
        let bent = birth(&house).with("baoHiem.noiCuTru.maXa", commune);
        refuses_birth(&house, &bent, Invalid, "unknown-commune", "noiCuTru").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_that_contradicts_itself_is_refused() {
    let house = House::start().await;
    let bent = birth(&house).with("nksHoTen", "Trần Thị Khác");
    refuses_birth(&house, &bent, Invalid, "form-and-result-differ", "nksHoTen").await;
    let bent = birth(&house).with("baoHiem", Value::Null);
    refuses_birth(&house, &bent, Invalid, "missing-field", "baoHiem").await;
    let mut bent = birth(&house);
    bent.envelope["module"] = "LTKH".into();
    refuses_birth(&house, &bent, Invalid, "module-not-for-us", "module").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_that_has_not_happened_yet_is_refused() {
    let house = House::start().await;
    let tomorrow = house.now() + jiff::SignedDuration::from_hours(48);
    let bent = Birth::new(tomorrow, &house.landmarks, 1);
    let message = bent.message(house.now()).sign(&house.key("dvclt"));
    house.refuses_any("dvclt", &message, Invalid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_twice_is_refused_outside_and_inside() {
    let house = House::start().await;
    let birth = birth(&house);
    let outer = String::from_utf8(birth.body()).unwrap();
    let form = birth.form.to_string();
    let inner = |twice: &str| birth.body_with(&form.replacen('{', twice, 1));
    for body in [
        outer.replacen('{', "{\"module\":\"LTKT\",", 1).into_bytes(),
        outer
            .replacen('{', "{\"modul\\u0065\":\"LTKT\",", 1)
            .into_bytes(),
        inner("{\"nksHoTen\":\"x\","),
        inner("{\"nksHo\\u0054en\":\"x\","),
    ] {
        let message = birth
            .message_of(house.now(), body)
            .sign(&house.key("dvclt"));
        house
            .refuses("dvclt", &message, Malformed, "json-duplicate-key")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_leaves_something_open_is_refused() {
    let house = House::start().await;
    let good =
        String::from_utf8(Json::poll(house.now(), &["G22.99.08-260101-000001"]).body).unwrap();
    for (body, code, reason) in [
        (format!("{good}{good}"), Malformed, "json-trailing"),
        (
            good.replacen("LTKS", "LT\\u0000KS", 1),
            Malformed,
            "json-nul",
        ),
        (
            good.replacen("LTKS", "\\ud800", 1),
            Malformed,
            "json-syntax",
        ),
        (format!("\u{feff}{good}"), Malformed, "json-bom"),
        (good.replacen("[\"", "[NaN,\"", 1), Malformed, "json-syntax"),
        (
            good[..good.len() - 1].to_owned(),
            Malformed,
            "json-truncated",
        ),
        (
            good.replacen(
                "\"01\"",
                &format!("{}1{}", "[".repeat(40), "]".repeat(40)),
                1,
            ),
            TooLarge,
            "json-too-deep",
        ),
        (
            good.replacen("\"01\"", "12345678901234567890123", 1),
            Malformed,
            "json-number",
        ),
        (
            good.replacen("\"01\"", "{\"x\":1}", 1),
            Invalid,
            "json-mismatch",
        ),
        (
            good.replacen('{', "{\"unheard\":1,", 1),
            Invalid,
            "json-mismatch",
        ),
    ] {
        let mut message = Json::poll(house.now(), &[]);
        message.body = body.into_bytes();
        house
            .refuses("dvclt", &message.sign(&house.key("dvclt")), code, reason)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_three_cases_in_a_poll_are_refused() {
    let house = House::start().await;
    let cases: Vec<_> = (1..=4)
        .map(|n| format!("G22.99.08-260101-00000{n}"))
        .collect();
    let cases: Vec<_> = cases.iter().map(String::as_str).collect();
    let poll = |cases: &[&str]| Json::poll(house.now(), cases).sign(&house.key("dvclt"));
    house
        .refuses("dvclt", &poll(&cases), Invalid, "too-many-cases")
        .await;
    house
        .refuses("dvclt", &poll(&[]), Invalid, "missing-field")
        .await;
    house
        .wire("dvclt")
        .send(&poll(&cases[..3]))
        .await
        .assert_ok();
}

fn dossier(house: &House, bend: impl Fn(&mut Value)) -> Message {
    let holder = &house.landmarks.card_holders[0];
    let mut members = dossier::members(house.now(), holder, &holder.name);
    bend(&mut members);
    dossier::message(house.now(), &members).sign(&house.key("portal"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_whose_fields_break_their_rules_is_refused() {
    let house = House::start().await;
    type Bend = fn(&mut Value);
    let cases: [(Bend, &str); 6] = [
        (|m| m["MaTTHC"] = "1.000001".into(), "procedure-not-for-us"),
        (|m| m["MaThe"] = "DN401".into(), "bad-card"),
        (|m| m["LyDoCapLai"] = "KHAC".into(), "unknown-code"),
        (
            |m| m["ChuHoSo"]["NgayThangNamSinh"] = "31/02/1990".into(),
            "bad-date",
        ),
        (
            |m| m["ChuHoSo"]["HoVaTen"] = "Nguyễn\u{202e}Văn".into(),
            "bad-name",
        ),
        (
            |m| m["MaThamChieu"] = "a'; DROP TABLE dossiers; --".into(),
            "bad-reference",
        ),
    ];
    for (bend, reason) in cases {
        house
            .refuses("portal", &dossier(&house, bend), Invalid, reason)
            .await;
    }
    house
        .refuses(
            "portal",
            &dossier(&house, |m| m["x"] = json!(1)),
            Invalid,
            "json-mismatch",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_nobody_or_of_somebody_else_is_refused_for_good_and_signed() {
    let house = House::start().await;
    let other = house.landmarks.card_holders[1].card_number.clone();
    let message = dossier(&house, |m| m["MaThe"] = other.clone().into());
    let before = house.fingerprint().await;
    let reply = house.wire("portal").send(&message).await;
    let code = reply.header("lienthong-fault").to_owned();
    assert!(
        ["UNKNOWN-SUBJECT", "RULE-REFUSED"].contains(&code.as_str()),
        "{code}"
    );
    assert!(
        !reply.header("x-jws-signature").is_empty(),
        "a final refusal is signed"
    );
    let again = house.wire("portal").send(&message).await;
    assert_eq!(
        (again.status, &again.body, again.evidence()),
        (reply.status, &reply.body, reply.evidence())
    );
    assert!(house.fingerprint().await == before);
}
