//! The portal is told of the citizens whom its dossiers are about: what civil status corrects, and that a child's card ends; once, in
//! order, no more than is agreed, and of nobody else.

use std::collections::BTreeMap;

use conformance::portal::Portal;
use gateway_tests::message::birth::Birth;
use tokio::time::Instant;

use super::*;
use crate::civil::{correction, say, send};

const AGREED: &str = "\"portal.citizen-notice\"]\n\
    fields = [\"pin\", \"name\", \"birthDate\", \"sex\", \"parents\", \"cardEnd\"]\n";
const AT_MOST: Duration = Duration::from_secs(60);

/// A child whose mother asked for its card at the portal.
async fn child_of_a_dossier(house: &House, number: u32) -> Birth {
    let mother = &house.landmarks.mothers[number as usize];
    let born = schemas::date::format_dotted(mother.birth_date.parse().unwrap());
    let birth = Birth::new(house.now(), &house.landmarks, number)
        .with("meSoDDCN", &*mother.pin)
        .with("meHoTen", &*mother.name)
        .with("ketQuaXuLy.meHoTen", &*mother.name)
        .with("meNgaySinh", &*born)
        .with("ketQuaXuLy.meNgaySinh", &*born);
    send(house, &birth).await;
    let mut members = dossier::members(house.now(), mother, &mother.name);
    members["MaThe"] = applicant::si_number(house, &birth.pin).into();
    let message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    let code = reply.assert_ok().json()["MaHoSo"].clone();
    let portal = house.portal.clone().unwrap();
    assert_told(&portal, code.as_str().unwrap()).await;
    birth
}

async fn correct(house: &House, birth: &Birth, nth: u32, facts: serde_json::Value) {
    let case = format!("G22.99.10-261123-{nth:06}");
    say(house, correction(house, birth, &case, facts))
        .await
        .assert_ok();
}

/// Waits until the portal was told so many, and gives them in the order in which they came.
async fn told(portal: &Portal, many: usize) -> Vec<BTreeMap<String, String>> {
    let started = Instant::now();
    loop {
        let all = portal.citizens();
        if all.len() >= many {
            assert_eq!(all.len(), many, "{all:#?}");
            return all;
        }
        assert!(started.elapsed() < AT_MOST, "{many} never came: {all:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What the ledger of accesses says that the portal was told of a person unasked.
async fn in_the_ledger(house: &House, pin: &str) -> Vec<String> {
    let looked = AccessRequest {
        person: pin.to_owned(),
        who: "the auditor".to_owned(),
        why: "who was told".to_owned(),
        max: 50,
    };
    let admin = house.gateway().admin();
    let rows = client::accesses(admin, looked).await.unwrap().accesses;
    let told = rows
        .into_iter()
        .filter(|row| row.operation == "portal.citizen-notice");
    told.map(|row| row.fields).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_told_once_and_in_order_through_losses_and_a_kill() {
    let tape = gateway_tests::tape::tape();
    let mut house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    let birth = child_of_a_dossier(&house, 0).await;
    let stranger = Birth::new(house.now(), &house.landmarks, 1);
    send(&house, &stranger).await;
    portal.misbehave(|knobs| {
        knobs.drop_replies = 2;
        knobs.server_errors = 1;
        knobs.expire_sessions = 1;
    });
    let giang = json!({ "nksHoTen": "Trần Hoà Giang" });
    correct(&house, &birth, 1, giang.clone()).await;
    house.kill().await;
    house.open().await;
    // the same again, and another child of whom the portal never heard
    correct(&house, &birth, 1, giang.clone()).await;
    correct(&house, &stranger, 2, giang).await;
    correct(&house, &birth, 3, json!({ "meHoTen": "Trần Thị Khác" })).await;
    correct(&house, &birth, 4, json!({ "nksHoTen": "Trần Hoà Hải" })).await;
    let all = told(&portal, 3).await;
    let today = schemas::date::format_slash(schemas::date::day_in_viet_nam(house.now()));
    for (told, (name, value)) in all.iter().zip([
        ("HoVaTen", "Trần Hoà Giang"),
        ("ThayDoiChaMe", "1"),
        ("HoVaTen", "Trần Hoà Hải"),
    ]) {
        assert_eq!(told["SoDinhDanh"], birth.pin);
        assert_eq!((&*told[name], &told["NgayDinhChinh"]), (value, &today));
        assert_eq!(told.len(), 4, "{told:?}");
    }
    let mut rows = in_the_ledger(&house, &birth.pin).await;
    rows.sort();
    rows.dedup(); // a call whose answer was lost is made, and noted, again
    assert_eq!(rows, ["name", "parents"]);
    assert_eq!(in_the_ledger(&house, &stranger.pin).await.len(), 0);
    assert_eq!(portal.violations(), Vec::<String>::new());
    assert!(!tape.everything().contains(&birth.pin), "a PIN in the log");
    assert!(!house.gateway().metrics().text().contains(&birth.pin));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_is_not_told_and_without_an_agreement_nothing_is() {
    for (agreed, many) in [
        (
            "\"portal.citizen-notice\"]\nfields = [\"birthDate\", \"name\"]\n",
            1,
        ),
        ("\"portal.citizen-notice\"]\nfields = [\"sex\"]\n", 0),
        ("\"portal.update-progress\"]\n", 0),
    ] {
        let from = match agreed.contains("fields") {
            true => AGREED.to_owned(),
            false => format!(
                "\"portal.update-progress\"]\n\
                [agreements.operations.\"portal.look-up-dossiers\"]\n[agreements.operations.{AGREED}"
            ),
        };
        let house = House::plan()
            .with_portal(50)
            .replace("partners/portal.toml", &from, agreed)
            .start()
            .await;
        let portal = house.portal.clone().unwrap();
        let birth = child_of_a_dossier(&house, 0).await;
        let facts = json!({ "nksHoTen": "Trần Hoà Giang", "meHoTen": "Trần Thị Khác" });
        correct(&house, &birth, 1, facts).await;
        // what comes later is told in its turn
        let other = child_of_a_dossier(&house, 2).await;
        assert_ne!(other.pin, birth.pin);
        let all = told(&portal, many).await;
        for told in all {
            assert_eq!(told["HoVaTen"], "Trần Hoà Giang");
            assert!(!told.contains_key("ThayDoiChaMe"), "{told:?}");
        }
        assert_eq!(portal.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_card_that_ends_is_told_once_when_its_schedule_says_so() {
    let schedule = "path = \"bulk\"\n\n[[schedules]]\nname = \"card-ends\"\npartner = \"portal\"\n\
        what = \"child-cards\"\ncron = \"* * * * *\"\ndays_off = \"run\"\n";
    let mut house = House::plan()
        .with_portal(50)
        .replace("gateway.toml", "path = \"bulk\"", schedule)
        .start()
        .await;
    let portal = house.portal.clone().unwrap();
    let births = [
        child_of_a_dossier(&house, 0).await,
        child_of_a_dossier(&house, 1).await,
    ];
    let stranger = Birth::new(house.now(), &house.landmarks, 2);
    send(&house, &stranger).await;
    // six years go by for two of them
    let day = schemas::date::day_in_viet_nam(house.now());
    let ends = day.saturating_add(jiff::Span::new().days(20));
    let registry = rusqlite::Connection::open(house.file("registry.sqlite")).unwrap();
    registry.busy_timeout(Duration::from_secs(10)).unwrap();
    for birth in [&births[0], &stranger] {
        let change = "UPDATE cards SET valid_to = ?2 WHERE state = 1 AND number = (SELECT card_number FROM birth_cases WHERE case_id = ?1)";
        let changed = registry.execute(change, (&birth.case_id, ends.to_string()));
        assert_eq!(changed.unwrap(), 1);
    }
    let minute = jiff::SignedDuration::from_secs(61);
    house.clock.advance(minute);
    let all = told(&portal, 1).await;
    assert_eq!(all[0]["SoDinhDanh"], births[0].pin);
    assert_eq!(all[0]["NgayTheHetHan"], schemas::date::format_slash(ends));
    assert_eq!(all[0].len(), 3, "{all:?}");
    assert_eq!(in_the_ledger(&house, &births[0].pin).await, ["cardEnd"]);
    // the next minute, and a new process, tell it no more
    house.kill().await;
    house.open().await;
    house.clock.advance(minute);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(told(&portal, 1).await, all);
    assert_eq!(portal.violations(), Vec::<String>::new());
}
