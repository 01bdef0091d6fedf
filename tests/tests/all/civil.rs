//! Civil status over the wire: a death ends a card, one that was none gives it back; a child who may be known already waits for a person, who decides over the
//! operators' listener.

use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::House,
    message::{Birth, Json, birth as births},
};
use jiff::{ToSpan as _, civil::date};
use schemas::proto::admin::{
    AccessRequest, BirthPage, DecideReviewRequest, LawfulTimesRequest, ListReviewsRequest,
    ReviewLine, ShowBirthRequest, ShowReviewRequest, ShowReviewResponse,
    decide_review_request::Decision,
};
use schemas::{
    calendar::Limit,
    codes::communes,
    date::{day_in_viet_nam, format_dotted, in_viet_nam},
    fault::FaultCode,
};
use serde_json::{Value, json};

pub(super) async fn send(house: &House, birth: &Birth) {
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await.assert_ok();
}

pub(super) async fn polled(house: &House, birth: &Birth) -> Value {
    let poll = Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt"));
    let reply = house.wire("dvclt").send(&poll).await;
    reply.assert_ok().json()["value"][0].clone()
}

/// The death of a born child, five days later.
pub(super) fn death(house: &House, birth: &Birth) -> Json {
    let today = day_in_viet_nam(house.now());
    let died = format_dotted(today.saturating_sub(5.days()));
    let result = json!({
        "nktHoTen": birth.name, "nktGioiTinh": 2, "nktSoGiayTo": birth.pin, "nktNgayChet": died,
        "ngayDangKy": format_dotted(today), "soDangKy": "3", "quyenSo": "01/2026",
    });
    let form =
        json!({ "noiDangKy": birth.envelope["maDonVi"], "gbtLoai": "1", "ketQuaXuLy": result });
    told(house, birth, "LTKT", "civil.death", &form)
}

/// The message that takes the death of a child back.
pub(super) fn taken_back(house: &House, birth: &Birth) -> Json {
    let form =
        json!({ "loai": "2", "moduleGoc": "LTKT", "maHoSoGoc": birth.case_id, "lyDo": "nhầm" });
    told(house, birth, "LTCC", "civil.correction", &form)
}

/// The message under a case of its own that says what is true of a birth now.
pub(super) fn correction(house: &House, birth: &Birth, case_id: &str, facts: Value) -> Json {
    amendment(house, birth, case_id, "1", facts)
}

/// The message under a case of its own with what was asked for about a birth.
pub(super) fn supplement(house: &House, birth: &Birth, case_id: &str, facts: Value) -> Json {
    amendment(house, birth, case_id, "3", facts)
}

fn amendment(house: &House, birth: &Birth, case_id: &str, kind: &str, facts: Value) -> Json {
    let form = json!({
        "loai": kind, "moduleGoc": "LTKS", "maHoSoGoc": birth.case_id, "lyDo": "viết sai", "noiDung": facts,
    });
    let mut own = birth.clone();
    own.envelope["maHoSoLT"] = case_id.into();
    told(house, &own, "LTCC", "civil.correction", &form)
}

pub(super) fn told(
    house: &House,
    birth: &Birth,
    module: &str,
    operation: &str,
    form: &Value,
) -> Json {
    let mut envelope = birth.envelope.clone();
    envelope["module"] = module.into();
    envelope["data"] = form.to_string().into();
    let body = envelope.to_string().into_bytes();
    Json::new(house.now(), "dvclt", operation, "/civil/v1/NhanDKHT", body)
}

pub(super) async fn say(house: &House, message: Json) -> Reply {
    let message = message.sign(&house.key("dvclt"));
    house.wire("dvclt").send(&message).await
}

pub(super) async fn waiting(house: &House) -> Vec<ReviewLine> {
    let request = ListReviewsRequest::default();
    let listed = client::reviews(house.gateway().admin(), request).await;
    listed.unwrap().reviews
}

pub(super) async fn show(house: &House, id: u64) -> ShowReviewResponse {
    let request = ShowReviewRequest {
        id,
        who: "an.operator".to_owned(),
        why: "the case waits".to_owned(),
    };
    client::review(house.gateway().admin(), request)
        .await
        .unwrap()
}

/// Two births came and both are done, in their time, in one province.
async fn report(house: &House) {
    // they say that they were received when the day began
    let morning = in_viet_nam(house.now()).start_of_day().unwrap();
    let counted = Limit::of(&morning, 0).counted_on();
    let request = LawfulTimesRequest {
        month: counted.strftime("%Y-%m").to_string(),
    };
    let told = client::lawful_times(house.gateway().admin(), request).await;
    let told = told.unwrap().provinces;
    assert_eq!(told.len(), 34);
    let some: Vec<_> = told.iter().filter(|one| one.received > 0).collect();
    assert_eq!(some.len(), 1);
    assert_eq!((some[0].received, some[0].in_time), (2, 2));
}

/// One page of the case tells how it went, and nothing that names the child; the look is in the child's ledger.
pub(super) async fn page(house: &House, birth: &Birth) -> BirthPage {
    let request = ShowBirthRequest {
        case_id: birth.case_id.clone(),
        who: "an.operator".to_owned(),
        why: "the family asks".to_owned(),
        ..ShowBirthRequest::default()
    };
    let shown = client::birth(house.gateway().admin(), request).await;
    let mut births = shown.unwrap().births;
    assert_eq!(births.len(), 1);
    let page = births.remove(0);
    let text = format!("{page:?}");
    for secret in [&birth.pin, &birth.name] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    page
}

/// The first child, registered again under a second PIN.
pub(super) fn again(house: &House) -> Birth {
    let mother = house.landmarks.mothers[0].pin.clone();
    Birth::new(house.now(), &house.landmarks, 1).with("meSoDDCN", mother)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_registered_twice_waits_for_a_person_and_keeps_one_number_and_one_card() {
    let house = House::start().await;
    let (first, again) = (Birth::new(house.now(), &house.landmarks, 0), again(&house));
    send(&house, &first).await;
    send(&house, &again).await;
    let row = polled(&house, &again).await;
    assert_eq!(
        (&row["trangThai"], &row["ketQuaXuLy"]),
        (&3.into(), &Value::Null)
    );

    let reviews = waiting(&house).await;
    assert_eq!(reviews.len(), 1);
    let told = format!("{:?}", reviews[0]);
    assert!(
        !told.contains(&again.pin) && !told.contains(&again.name),
        "a list tells no child"
    );
    let shown = show(&house, reviews[0].id).await;
    assert_eq!(shown.told.as_ref().unwrap().pin, again.pin);
    assert_eq!(shown.candidates[0].pin, first.pin);
    let looked = AccessRequest {
        person: first.pin.clone(),
        who: "the auditor".to_owned(),
        why: "who looked".to_owned(),
        max: 10,
    };
    let accesses = client::accesses(house.gateway().admin(), looked)
        .await
        .unwrap();
    let operator = accesses
        .accesses
        .iter()
        .find(|line| line.operator == "an.operator");
    assert_eq!(operator.unwrap().why, "the case waits");

    let decide = |version: &str| DecideReviewRequest {
        id: reviews[0].id,
        decision: Some(Decision::Candidate(1)),
        version: version.to_owned(),
        who: "an.operator".to_owned(),
        why: "asked the ward".to_owned(),
    };
    let admin = house.gateway().admin();
    let refused = client::decide_review(admin, decide("00000000")).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("candidates-changed")
    );
    let decided = client::decide_review(admin, decide(&shown.version)).await;
    assert!(decided.unwrap().card);
    assert!(waiting(&house).await.is_empty());
    report(&house).await;
    let (one, two) = (polled(&house, &first).await, polled(&house, &again).await);
    let shown = page(&house, &again).await;
    assert_eq!(shown.settled, "said-known");
    assert_eq!(shown.review.unwrap().reason, "asked the ward");
    // its own message, and the one that had told of the same child before
    let came: Vec<_> = shown.messages.iter().map(|one| &*one.message_id).collect();
    let ids = [&again, &first].map(|birth| format!("LTKS-{}", birth.case_id));
    assert_eq!(came, ids);
    assert_eq!(shown.told[0].operation, "civil.result");
    assert_eq!((shown.card_begin.len(), shown.si_number_end.len()), (5, 4));
    let unknown = ShowBirthRequest {
        case_id: "H99.14-261120-999999".to_owned(),
        who: "an.operator".to_owned(),
        why: "the family asks".to_owned(),
        ..ShowBirthRequest::default()
    };
    let refused = client::birth(house.gateway().admin(), unknown).await;
    assert!(refused.unwrap_err().to_string().contains("unknown-case"));
    assert_eq!(two["trangThai"], 4);
    assert_eq!(one["ketQuaXuLy"], two["ketQuaXuLy"]);
}

/// The form as XML, an element for each member.
fn as_xml(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(members) => {
            let inner = members.iter().map(|(name, value)| as_xml(name, value));
            inner.collect()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_whose_form_is_an_object_or_xml_gets_its_card_and_is_one_message() {
    let house = House::start().await;
    for (number, is_xml) in [(0, false), (1, true)] {
        let birth = Birth::new(house.now(), &house.landmarks, number);
        let mut envelope = birth.envelope.clone();
        envelope["data"] = match is_xml {
            true => as_xml("hoTich", &birth.form).into(),
            false => birth.form.clone(),
        };
        let body = envelope.to_string().into_bytes();
        let message = birth.message_of(house.now(), body);
        let first = say(&house, message.clone()).await;
        first.assert_ok();
        assert_eq!(polled(&house, &birth).await["trangThai"], 4);
        // the same again is the same; in another spelling it is another content under its id
        assert_eq!(say(&house, message).await.body, first.body);
        let reply = say(&house, birth.message(house.now())).await;
        reply.assert_fault(schemas::fault::FaultCode::Conflict, "same-id-other-content");
    }
}

/// Districts ended with June 2025: whoever still names one beside a commune of today, and whoever tells of a registration of before
/// with the commune of that day, is understood.
#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_an_address_lead_to_the_province_of_today() {
    let house = House::start().await;
    let (today, place) = (&house.landmarks, &house.landmarks.places[0]);
    let home = |district: Value| json!({ "maTinh": place.province, "maHuyen": district, "maXa": place.commune });
    let at = |birth: Birth, home: &Value| {
        let birth = birth.with("meNoiCuTru", home.clone());
        birth.with("baoHiem.noiCuTru", home.clone())
    };
    let mut births: Vec<(Birth, &str)> = [Value::Null, "".into(), "001".into()]
        .into_iter()
        .zip(0..)
        .map(|(district, number)| {
            let birth = Birth::new(house.now(), today, number);
            (at(birth, &home(district)), &*place.province)
        })
        .collect();

    // Bình Dương (74) is in Hồ Chí Minh City (79) now
    let (born, registered) = (date(2025, 6, 3), date(2025, 6, 20));
    let old = communes::all(registered).find(|one| one.province == "74");
    let old = old.unwrap();
    let pin = births::pin(2, born, today.child_pin_serial_from + 9);
    let there = json!({ "maTinh": "74", "maHuyen": old.district.unwrap(), "maXa": old.code });
    let mut before = Birth::new(house.now(), today, 9);
    for (member, value) in [
        ("noiDangKy", old.code),
        ("nksNgaySinh", "03.06.2025"),
        ("ketQuaXuLy.soDinhDanh", &pin),
        ("ketQuaXuLy.ngayDangKy", "20.06.2025"),
        ("ketQuaXuLy.ndkksMaTinh", "74"),
        ("ketQuaXuLy.ndkksMaHuyen", old.district.unwrap()),
        ("ketQuaXuLy.ndkksMaXa", old.code),
        ("ketQuaXuLy.nksNgaySinh", "03.06.2025"),
    ] {
        before = before.with(member, value);
    }
    before = at(before, &there);
    before.envelope["maDonVi"] = old.code.into();
    before.envelope["ngayTiepNhan"] = "20/06/2025 09:30:00".into();
    births.push((before, "79"));

    for (birth, province) in births {
        send(&house, &birth).await;
        let row = polled(&house, &birth).await;
        assert_eq!(row["trangThai"], 4, "{row}");
        let result: Value = serde_json::from_str(row["ketQuaXuLy"].as_str().unwrap()).unwrap();
        let card = result["maThe"].as_str().unwrap();
        let address = &birth.form["meNoiCuTru"];
        assert!(card.starts_with(&format!("TE1{province}")), "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_ends_the_card_and_one_that_was_none_gives_the_same_card_back() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    let nobody = Birth::new(house.now(), &house.landmarks, 1);
    let early = taken_back(&house, &nobody).sign(&house.key("dvclt"));
    house
        .refuses("dvclt", &early, FaultCode::UnknownSubject, "unknown-case")
        .await;
    send(&house, &birth).await;
    let card = |row: &Value| -> Value {
        serde_json::from_str(row["ketQuaXuLy"].as_str().unwrap()).unwrap()
    };
    let before = card(&polled(&house, &birth).await);
    let first = say(&house, death(&house, &birth)).await;
    first.assert_ok();
    let again = say(&house, death(&house, &birth)).await;
    assert_eq!(again.text(), first.text(), "the same death again");
    let died = day_in_viet_nam(house.now()).saturating_sub(5.days());
    let closed = card(&polled(&house, &birth).await);
    assert_eq!(closed["gtTheDen"], died.strftime("%d/%m/%Y").to_string());
    assert_eq!(closed["maThe"], before["maThe"]);

    let poll = json!({ "maDinhDanhHoSo": [birth.case_id], "maTinh": "01", "module": "LTKT" });
    let poll = || {
        let body = poll.to_string().into_bytes();
        let (operation, path) = ("civil.result", "/civil/v1/LayKetQua");
        say(
            &house,
            Json::new(house.now(), "dvclt", operation, path, body),
        )
    };
    let row = poll().await.assert_ok().json()["value"][0].clone();
    assert_eq!(
        (&row["trangThai"], &row["ghiChu"]),
        (&4.into(), &Value::Null)
    );
    assert_eq!(card(&row)["maSoBHXH"], before["maSoBHXH"]);

    say(&house, taken_back(&house, &birth)).await.assert_ok();
    assert_eq!(card(&polled(&house, &birth).await), before);
    let row = poll().await.assert_ok().json()["value"][0].clone();
    assert!(row["ghiChu"].as_str().unwrap().contains(&birth.case_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_name_is_on_a_new_card_of_the_same_number_and_the_poll_names_the_message() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    let correction = |case_id: &str, corrects: &str, facts: Value| {
        let named = Birth {
            case_id: corrects.to_owned(),
            ..birth.clone()
        };
        correction(&house, &named, case_id, facts)
    };
    let corrects = "G22.99.10-261123-000001";
    let name = || json!({ "nksHoTen": "Trần Hoà Giang" });
    let early = correction("G22.99.10-261123-000009", &birth.case_id, name());
    let early = early.sign(&house.key("dvclt"));
    house
        .refuses("dvclt", &early, FaultCode::UnknownSubject, "unknown-case")
        .await;
    send(&house, &birth).await;
    let before = polled(&house, &birth).await;
    let first = say(&house, correction(corrects, &birth.case_id, name())).await;
    first.assert_ok();
    let again = say(&house, correction(corrects, &birth.case_id, name())).await;
    assert_eq!(again.text(), first.text(), "the same correction again");
    let after = polled(&house, &birth).await;
    assert_eq!(
        after["ketQuaXuLy"], before["ketQuaXuLy"],
        "same number, same validity"
    );
    assert!(after["ghiChu"].as_str().unwrap().contains(corrects));
    let shown = page(&house, &birth).await;
    assert_eq!(
        (shown.print, shown.later[0].what.as_str()),
        (2, "correction-printed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_case_are_what_they_say_or_the_case_is_not_taken() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let house = House::start().await;
    let with = |name: &str, bytes: &[u8]| {
        let mut birth = Birth::new(house.now(), &house.landmarks, 0);
        birth.envelope["fileDinhKem"] = json!([
            { "id": "1", "loaiGiayTo": "01", "tenGiayTo": "Giấy chứng sinh", "tenTepDinhKem": name, "huyGiayTo": 0,
              "duLieuTepDinhKem": STANDARD.encode(bytes) },
        ]);
        birth
    };
    let pdf = b"%PDF-1.7\n1 0 obj\n";
    for (name, bytes, reason) in [
        ("gcs.png", &pdf[..], "file-type-differs-from-name"),
        ("gcs.pdf", b"MZ\x90", "file-type-not-taken"),
        ("gcs.exe", pdf, "file-type-not-taken"),
        ("../gcs.pdf", pdf, "bad-file-name"),
    ] {
        let message = with(name, bytes).message(house.now());
        let message = message.sign(&house.key("dvclt"));
        house
            .refuses("dvclt", &message, FaultCode::Invalid, reason)
            .await;
    }
    // the same case, with a file that is one
    let good = with("gcs.pdf", pdf);
    send(&house, &good).await;
    assert_eq!(polled(&house, &good).await["trangThai"], 4);
}
