//! One message is one trace, and nobody's data is in any of them.

mod unasked;

use std::collections::BTreeSet;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use gateway::{
    admin::client,
    config::{Log, LogFormat},
};
use gateway_tests::{
    client::Reply,
    house::House,
    message::{
        Birth, Json, Notice, Notify, Tax,
        dci::{CRVS, birth_event},
        dossier, fresh_id,
        notice::{HOSPITAL, birth_paper, death_paper},
    },
    pg,
    tape::tape,
};
use schemas::proto::admin::AccessRequest;
use unicode_normalization::UnicodeNormalization as _;

use super::database::on;
use unasked::Doors;

const ROOMS: [&str; 8] = [
    "accept", "admit", "receive", "verify", "permit", "record", "perform", "answer",
];

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_one_trace_through_eight_rooms() {
    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 1).message(house.now());
    for (partner, message) in [
        ("tax", house.verify(&["fund"]).sign(&house.key("tax"))),
        ("dvclt", birth.sign(&house.key("dvclt"))),
    ] {
        let reply = house.wire(partner).send(&message).await;
        let spans = tape().spans_of(reply.assert_ok().evidence());
        let rooms: BTreeSet<_> = spans.iter().map(|span| span.name).collect();
        assert_eq!(rooms, ROOMS.into_iter().collect(), "{partner}");
        assert_eq!(
            spans.len(),
            ROOMS.len(),
            "{partner}: a room was passed twice"
        );
        let roots: BTreeSet<_> = spans.iter().map(|span| tape().root_of(span)).collect();
        assert_eq!(roots.len(), 1, "{partner}: more than one trace");
        let accept = spans.iter().find(|span| span.name == "accept").unwrap();
        assert!(roots.contains(&accept.number) && accept.parent.is_none());
        assert_eq!(accept.fields["peer"], partner);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_is_a_trace_that_ends_in_the_room_that_refused() {
    let house = House::start().await;
    let good = house.verify(&["fund"]);
    let message = Tax {
        body: good.body.replacen("tax-compliance", "curiosity", 1),
        ..good
    };
    let reply = house
        .wire("tax")
        .send(&message.sign(&house.key("tax")))
        .await;
    let spans = tape().spans_of(reply.evidence());
    let rooms: BTreeSet<_> = spans.iter().map(|span| span.name).collect();
    assert_eq!(
        rooms,
        ["accept", "admit", "receive", "verify", "permit"]
            .into_iter()
            .collect()
    );
    let told = tape().wait_for("evidence", reply.evidence()).await;
    assert_eq!(
        (
            told.fields["message"].as_str(),
            told.fields["room"].as_str()
        ),
        ("refused", "permit")
    );
    assert_eq!(
        (told.fields["code"].as_str(), told.fields["reason"].as_str()),
        ("FORBIDDEN", "purpose-not-agreed")
    );
}

/// A piece of personal data in every form in which it could leak.
fn forms(canary: &str) -> Vec<String> {
    let apart: String = canary.nfd().collect();
    let percent = |text: &str| {
        text.bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<String>()
    };
    let escaped = serde_json::to_string(canary).unwrap();
    let words: String = canary
        .chars()
        .map(|letter| match letter.is_ascii() {
            true => letter.to_string(),
            false => percent(&letter.to_string()),
        })
        .collect();
    let ascii: String = canary
        .encode_utf16()
        .map(|unit| {
            if unit < 128 {
                char::from(unit as u8).to_string()
            } else {
                format!("\\u{unit:04x}")
            }
        })
        .collect();
    vec![
        canary.to_owned(),
        apart.clone(),
        canary.to_uppercase(),
        canary.to_lowercase(),
        canary.replace(' ', "+"),
        words.replace(' ', "%20"),
        words.replace(' ', "+"),
        percent(canary),
        percent(&apart),
        hex::encode(canary),
        STANDARD.encode(canary),
        STANDARD_NO_PAD.encode(canary),
        URL_SAFE_NO_PAD.encode(canary),
        STANDARD_NO_PAD.encode(&apart),
        ascii,
        format!("{canary:?}"),
        escaped,
    ]
}

fn canaries(house: &House, birth: &Birth) -> Vec<String> {
    let people = house.landmarks.card_holders[..4]
        .iter()
        .chain(&house.landmarks.mothers[..2]);
    let mut all = vec![birth.name.clone(), birth.pin.clone()];
    all.extend([PHONE, ADDRESS, EMAIL, WHY].map(str::to_owned));
    for person in people {
        all.extend([
            person.name.clone(),
            person.pin.clone(),
            person.si_number.clone(),
        ]);
        all.push(person.card_number.clone());
    }
    all.retain(|canary| canary.len() >= 8);
    all
}

/// Marked data of the applicant, and the reason of an operator who looks somebody up.
const PHONE: &str = "0999123457";
const ADDRESS: &str = "Ngách 999/1, đường Chim Hoàng Yến";
const EMAIL: &str = "chim.hoang.yen@dan.example";
const WHY: &str = "bà Chim Hoàng Yến hỏi ai đã xem";

/// A birth that names a telephone, an address and an e-mail address too.
fn marked(house: &House, number: u32) -> Birth {
    Birth::new(house.now(), &house.landmarks, number)
        .with("nycSoDienThoai", PHONE)
        .with("nycEmail", EMAIL)
        .with("meNoiCuTru.dcChiTiet", ADDRESS)
        .with("baoHiem.noiCuTru.dcChiTiet", ADDRESS)
}

/// An operator looks everybody up, by every number, and once by what is none.
async fn look_up(house: &House, birth: &Birth) {
    let holder = &house.landmarks.card_holders[0];
    let numbers = [
        &birth.pin,
        &holder.pin,
        &holder.si_number,
        &holder.card_number,
        &holder.name,
    ];
    let mut found = 0;
    for person in numbers {
        let request = AccessRequest {
            person: person.clone(),
            who: "an".to_owned(),
            why: WHY.to_owned(),
            max: 0,
        };
        match client::accesses(house.gateway().admin(), request).await {
            Ok(told) => found += told.accesses.len(),
            Err(error) => assert!(!error.to_string().contains(person.as_str())),
        }
    }
    assert!(found >= 8, "{found}");
}

/// Every flow, and every way that we know to make somebody stumble over personal data.
async fn play(house: &House, birth: &Birth) -> Vec<Reply> {
    let mut replies = Vec::new();
    let (tax, civil, portal) = (house.wire("tax"), house.wire("dvclt"), house.wire("portal"));
    let (holder, other) = (
        &house.landmarks.card_holders[0],
        &house.landmarks.card_holders[1],
    );
    replies.push(
        tax.send(&house.verify(&["fund", "name"]).sign(&house.key("tax")))
            .await,
    );
    let good = house.verify(&["fund"]);
    for (from, to) in [
        ("tax-compliance", holder.name.as_str()),
        (&house.landmarks.employer.mst, &holder.pin),
        (
            "<Field>fund</Field>",
            &format!("<Field>{}</Field>", holder.name),
        ),
        ("<Period>", &format!("<{}>", "x")),
        ("<Purpose>", &format!("<Purpose note=\"{}\">", holder.name)),
    ] {
        let bent = Tax {
            body: good.body.replacen(from, to, 1),
            id: gateway_tests::message::fresh_id("tax"),
            ..good.clone()
        };
        replies.push(tax.send(&bent.sign(&house.key("tax"))).await);
    }
    let sign = |birth: &Birth| birth.message(house.now()).sign(&house.key("dvclt"));
    replies.push(civil.send(&sign(birth)).await);
    replies.push(
        civil
            .send(&Json::poll(house.now(), &[&birth.case_id]).sign(&house.key("dvclt")))
            .await,
    );
    for (path, value) in [
        ("ketQuaXuLy.soDinhDanh", holder.pin.as_str()),
        ("nksHoTen", &holder.name),
        ("ketQuaXuLy.ndkksMaXa", &holder.name),
        ("baoHiem.noiKCBBanDau", &holder.name),
        ("ketQuaXuLy.nksNgaySinh", &holder.name),
        ("meSoDDCN", &format!("{}9", holder.pin)),
        ("x", &holder.name),
    ] {
        let mut bent = birth.clone().with(path, value);
        bent.case_id = format!("{}9", birth.case_id);
        replies.push(civil.send(&sign(&bent)).await);
    }
    let broken = birth.body_with(&format!("{{\"{}\": {}", holder.name, holder.pin));
    replies.push(
        civil
            .send(
                &birth
                    .message_of(house.now(), broken)
                    .sign(&house.key("dvclt")),
            )
            .await,
    );
    replies.push(
        civil
            .send(&Json::poll(house.now(), &[&holder.pin]).sign(&house.key("dvclt")))
            .await,
    );
    let dossier = |members: &serde_json::Value| {
        dossier::message(house.now(), members).sign(&house.key("portal"))
    };
    let mut members = dossier::members(house.now(), holder, &holder.name);
    members["ChuHoSo"]["SoDienThoai"] = PHONE.into();
    members["ChuHoSo"]["ThuDienTu"] = EMAIL.into();
    replies.push(portal.send(&dossier(&members)).await);
    for (pointer, value) in [
        ("/MaThe", other.card_number.as_str()),
        ("/MaThe", &holder.name),
        ("/ChuHoSo/HoVaTen", &other.name),
        ("/ChuHoSo/SoDinhDanh", &other.pin),
        ("/ChuHoSo/NgayThangNamSinh", &holder.pin),
        ("/MaThamChieu", &holder.name),
        ("/MaTTHC", &holder.name),
        ("/MaTTHC", PHONE),
        ("/MaThe", ADDRESS),
        ("/LyDoCapLai", &holder.name),
        ("/NgayNopHoSo", &holder.pin),
    ] {
        let mut bent = dossier::members(house.now(), holder, &holder.name);
        *bent.pointer_mut(pointer).unwrap() = value.into();
        replies.push(portal.send(&dossier(&bent)).await);
    }
    let hospital = house.wire(HOSPITAL);
    let paper = birth_paper(house.now(), &house.landmarks, 1);
    let told = |notice: Notice| notice.sign(&house.key(HOSPITAL));
    let taken = hospital.send(&told(Notice::birth(&paper))).await;
    taken.assert_ok();
    replies.push(taken);
    // somebody's number beside another's name and day
    let death = death_paper(house.now(), 2, &other.si_number);
    replies.push(hospital.send(&told(Notice::death(&death))).await);
    for bend in [
        Notice::birth(&paper).with("maCskcb", &holder.pin),
        Notice::birth(&paper).with("loaiHs", &holder.name),
        Notice::birth(&paper).with("fileHsBase64", &holder.name),
        Notice::birth(&paper).with(&holder.name, PHONE),
        Notice::birth(&paper).with("password", WHY),
    ] {
        replies.push(hospital.send(&told(bend)).await);
    }
    let unsigned = Notice::birth(&paper).document(&holder.name);
    replies.push(
        hospital
            .send(&Notice::birth(&paper).carrying(&unsigned))
            .await,
    );
    let registry = house.wire(CRVS);
    let event = birth_event(house.now(), &house.landmarks, 1);
    let notify = Notify::new(house.now(), &[event]);
    let told = |notify: &Notify| notify.sign(&house.key(CRVS), house.now());
    let taken = registry.send(&told(&notify)).await;
    taken.assert_ok();
    replies.push(taken);
    let record = "/message/notify_event/0/data/reg_records/0";
    for (pointer, value) in [
        ("/header/sender_id", &holder.name),
        ("/header/sender_uri", &holder.name),
        ("/header/message_id", &holder.name),
        ("/header/action", &holder.name),
        ("/message/transaction_id", &holder.name),
        ("/message/notify_event/0/reference_id", &holder.name),
        ("/message/notify_event/0/data/reg_event_type", &holder.pin),
        (&*format!("{record}/sex"), &holder.name),
        (&*format!("{record}/birth_date"), &holder.pin),
        (
            &*format!("{record}/identifier/0/identifier_value"),
            &holder.si_number,
        ),
        (
            &*format!("{record}/identifier/1/identifier_value"),
            &holder.name,
        ),
        (&*format!("{record}/viet_nam/initial_facility"), &holder.pin),
    ] {
        let bent = notify
            .clone()
            .with("/header/message_id", fresh_id(CRVS))
            .with(pointer, value.as_str());
        replies.push(registry.send(&told(&bent)).await);
    }
    replies.push(registry.send(&notify.carrying(Some(&holder.name))).await);
    // a message id, a key name and a path are said in the open: they are refused before they are told
    let named = Json::poll(house.now(), &[])
        .with("jti", holder.name.clone())
        .sign(&house.key("dvclt"));
    replies.push(civil.send(&named).await);
    let keyed = Json::poll(house.now(), &[])
        .with("kid", holder.name.clone())
        .sign(&house.key("dvclt"));
    replies.push(civil.send(&keyed).await);
    replies
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_data_is_in_logs_traces_metrics_headers_faults_or_the_store() {
    let doors = Doors::open().await;
    let plan = doors.plan(House::plan().with_portal(20));
    let mut house = plan.start().await;
    let sides = doors.staff(&house);
    let birth = marked(&house, 1);
    let replies = play(&house, &birth).await;
    let called_back = sides.play(&house, &birth).await;
    look_up(&house, &birth).await;
    sides.next_day(&house).await;
    let accepted = replies.iter().filter(|reply| reply.status == 200).count();
    let refused = replies.len() - accepted;
    assert!(
        accepted >= 4 && refused >= 20,
        "{accepted} accepted, {refused} refused"
    );
    let metrics = house.gateway().metrics().text();
    house.drain().await;

    let mut places = vec![
        ("log".to_owned(), tape().everything()),
        ("metrics".to_owned(), metrics),
    ];
    places.extend(called_back);
    for reply in &replies {
        places.push(("headers".to_owned(), format!("{:?}", reply.headers)));
        if reply.status != 200 {
            places.push(("a fault".to_owned(), reply.text().to_owned()));
        }
    }
    for file in std::fs::read_dir(house.file(""))
        .unwrap()
        .map(Result::unwrap)
    {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with("store.sqlite") {
            let bytes = std::fs::read(file.path()).unwrap();
            places.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    search(&house, &birth, &places);
}

/// The same in a database: every row of every table, bytes in hexadecimal.
#[tokio::test(flavor = "multi_thread")]
async fn nobodys_data_stands_in_the_rows_of_a_database() {
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let url = cluster.database();
    let doors = Doors::open().await;
    let plan = on(doors.plan(House::plan().with_portal(20)), &url, "one");
    let mut house = plan.start().await;
    let sides = doors.staff(&house);
    let birth = marked(&house, 1);
    play(&house, &birth).await;
    sides.play(&house, &birth).await;
    look_up(&house, &birth).await;
    sides.next_day(&house).await;
    house.drain().await;
    let rest = url.strip_prefix("postgresql:///").unwrap();
    let database = rest.split('?').next().unwrap();
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'lienthong_store'";
    let mut places = Vec::new();
    for table in cluster.psql(database, tables).lines() {
        let rows = format!("SELECT t::text FROM lienthong_store.\"{table}\" t");
        places.push((table.to_owned(), cluster.psql(database, &rows)));
    }
    let filled = places.iter().filter(|(_, rows)| !rows.is_empty());
    assert!(filled.count() >= 6, "the tables were not read");
    search(&house, &birth, &places);
}

#[track_caller]
fn search(house: &House, birth: &Birth, places: &[(String, String)]) {
    let mut looked = 0;
    for canary in canaries(house, birth) {
        for form in forms(&canary) {
            for (place, text) in places {
                looked += 1;
                assert!(
                    !text.contains(&form),
                    "{place} contains {form:?}: {}",
                    around(text, &form)
                );
            }
        }
    }
    assert!(looked > 5_000, "looked {looked} times only");
}

fn around(text: &str, form: &str) -> String {
    let at = text.find(form).unwrap();
    text[..at]
        .chars()
        .rev()
        .take(120)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect()
}

/// Where this is set the test beside it has started this program once more.
const SCENE: &str = "LIENTHONG_TEST_PANIC_SCENE";

#[test]
fn a_panic_is_told_by_its_place_and_never_by_its_text() {
    let this = std::env::current_exe().unwrap();
    for format in ["json", "human"] {
        let mut again = std::process::Command::new(&this);
        let ran = again
            .args(["sight::panics", "--exact", "--ignored", "--nocapture"])
            .env(SCENE, format)
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        let told = [ran.stdout, ran.stderr].concat();
        let told = String::from_utf8(told).unwrap();
        assert_eq!(told.matches("panicked").count(), 2, "{told}");
        assert!(told.contains("sight.rs:"), "{told}");
        for form in forms(PHONE).into_iter().chain(forms(ADDRESS)) {
            assert!(!told.contains(&form), "{form:?} in {told}");
        }
    }
}

#[tokio::test]
#[ignore = "a scene: the test before it starts it in a process of its own"]
async fn panics() {
    let Ok(format) = std::env::var(SCENE) else {
        return;
    };
    let format = match format.as_str() {
        "json" => LogFormat::Json,
        _ => LogFormat::Human,
    };
    let level = "trace".to_owned();
    gateway::telemetry::init(&Log { format, level }).unwrap();
    // as code might that trusts a message, in a task and in a thread
    let read = |text: &str| {
        text.parse::<u8>()
            .unwrap_or_else(|_| panic!("not a digit: {text}"))
    };
    assert!(tokio::spawn(async move { read(PHONE) }).await.is_err());
    let quoted = ADDRESS.parse::<u8>().map_err(|_| ADDRESS.to_owned());
    assert!(std::thread::spawn(move || quoted.unwrap()).join().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canaries_would_be_found() {
    let text = "hoTen=Nguy%E1%BB%85n+Th%E1%BB%8B+A";
    assert!(forms("Nguyễn Thị A").iter().any(|form| text.contains(form)));
    assert!(
        forms("Nguyễn Thị A")
            .iter()
            .any(|form| "x=\\u004e nguyễn thị a".contains(form))
    );
}
