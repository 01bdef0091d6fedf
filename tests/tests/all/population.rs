//! Nobody gets a number on a guess: the national population database is asked first, whatever becomes of the question.

use std::sync::Arc;

use conformance::{
    identity::Target,
    ngsp::{Application, Platform},
    population::{Database, PARTNER, PATH, Person, Serving, TERMS},
};
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::{House, Plan, replace},
    message::Birth,
    tape::tape,
};
use schemas::{
    fault::FaultCode,
    id::PartnerId,
    proto::{
        admin::{
            AccessRequest, DecideReviewRequest, ListParcelsRequest, ParcelLine,
            decide_review_request::Decision,
        },
        insurance::InfoRequest,
    },
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    time::{Duration, Instant},
};

use super::civil::{again, polled, send, show, waiting};

/// What stands for the database at the platform.
const API: &str = "/CSDL_DanCu/1.0";

struct Scene {
    house: House,
    database: Arc<Database>,
    serving: Option<Serving>,
    port: u16,
}

/// What says that the database is asked, and its file, with further lines about the way.
fn files(uri: &str, way: &str, wait_ms: u32) -> [String; 2] {
    let [integration, service, officer] = TERMS;
    let section = format!(
        "[population]\npartner = \"{PARTNER}\"\nintegration = \"{integration}\"\nservice = \"{service}\"\n\
         officer = \"{officer}\"\nwait_ms = {wait_ms}\n\n[limits]\n"
    );
    let partner = format!(
        "id = \"{PARTNER}\"\nname = \"Simulated population database\"\nenvironment = \"sandbox\"\n\
         peers = [\"urn:lienthong:sandbox:partner:{PARTNER}\"]\n[quota]\n\
         [[keys]]\nkid = \"{PARTNER}-1\"\nalgorithm = \"ES256\"\ncert = \"../../agencies/{PARTNER}/sign.pem\"\n\
         [[agreements]]\nnumber = \"POPULATION-01\"\nlegal_basis = \"Circular 46/2022/TT-BCA\"\n\
         purposes = [\"identity-verification\"]\nroads = [\"direct\", \"ngsp\"]\nvalid_from = \"2024-01-01\"\n\
         [agreements.operations.\"population.verify\"]\nfields = [\"pin\", \"name\", \"birthDate\"]\n\
         [delivery]\nwords = \"population\"\nuri = \"{uri}\"\nprivate = true\nanchors = \"../ca.pem\"\n\
         breaker_failures = 1000\nper_minute = 60000\nconcurrency = 4\ntimeout_ms = 2000\n{way}"
    );
    [section, partner]
}

/// A house that asks the database at an address.
fn plan(uri: &str, way: &str, wait_ms: u32) -> Plan {
    let [section, partner] = files(uri, way, wait_ms);
    House::plan()
        .write("partners/population.toml", partner)
        .replace("gateway.toml", "[limits]\n", section)
        .replace(
            "gateway.toml",
            "poll_ms = 100",
            "poll_ms = 20\nbackoff_ms = 20\nbackoff_seconds_max = 1",
        )
}

impl Scene {
    async fn start(wait_ms: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let uri = format!("https://localhost:{port}{PATH}");
        let house = plan(&uri, "", wait_ms).start().await;
        let database = Database::open(&house.layout.agency(PARTNER)).unwrap();
        Self {
            serving: Some(database.serve(listener).unwrap()),
            database,
            house,
            port,
        }
    }

    /// A birth, of whose child the database knows what it was told.
    fn birth(&self, number: u32) -> Birth {
        let birth = Birth::new(self.house.now(), &self.house.landmarks, number);
        self.database.learn(&birth.pin, person(&birth)).unwrap();
        birth
    }

    async fn send(&self, birth: &Birth) -> Reply {
        let message = birth.message(self.house.now());
        let message = message.sign(&self.house.key("dvclt"));
        self.house.wire("dvclt").send(&message).await
    }

    async fn people(&self) -> u64 {
        let insurance = &self.house.gateway().contract().client;
        let soon = Instant::now() + Duration::from_secs(10);
        insurance.info(soon, InfoRequest {}).await.unwrap().people
    }

    async fn parcels(&self) -> Vec<ParcelLine> {
        let request = ListParcelsRequest {
            partner: PARTNER.to_owned(),
            ..ListParcelsRequest::default()
        };
        let listed = client::parcels(self.house.gateway().admin(), request).await;
        listed.unwrap().parcels
    }

    /// Waits until a birth stands so.
    async fn stands(&self, birth: &Birth, state: u8) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let row = polled(&self.house, birth).await;
            if row["trangThai"] == state {
                return row;
            }
            assert!(Instant::now() < until, "{row} {:?}", self.parcels().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the question's last try ended for this reason.
    async fn fails(&self, reason: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let parcels = self.parcels().await;
            if parcels.iter().any(|one| one.reason == reason) {
                return;
            }
            assert!(Instant::now() < until, "{reason}: {parcels:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A girl of ten days, as the database has her.
fn person(birth: &Birth) -> Person {
    let text = |name: &str| {
        let told = birth.form["ketQuaXuLy"][name].as_str();
        told.or(birth.form[name].as_str()).unwrap_or_default()
    };
    let born = text("nksNgaySinh");
    let mut parts: Vec<&str> = born.split('.').collect();
    parts.reverse();
    Person {
        name: birth.name.to_uppercase(),
        sex: 2,
        born: parts.concat(),
        mother: birth.form["meSoDDCN"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        father: String::new(),
    }
}

fn card(row: &Value) -> Value {
    let result = row["ketQuaXuLy"].as_str().unwrap();
    serde_json::from_str(result).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_whom_the_database_knows_so_gets_its_card_and_the_question_is_on_record() {
    let scene = Scene::start(10_000).await;
    let birth = scene.birth(1);
    scene.send(&birth).await.assert_ok();
    let row = scene.stands(&birth, 4).await;
    assert_eq!(scene.database.asked(), (1, 1));
    // the same message again asks nobody
    scene.send(&birth).await.assert_ok();
    assert_eq!(scene.database.asked(), (1, 1));
    assert_eq!(
        scene.stands(&birth, 4).await["ketQuaXuLy"],
        row["ketQuaXuLy"]
    );
    let looked = AccessRequest {
        person: birth.pin.clone(),
        who: "the auditor".to_owned(),
        why: "who was told".to_owned(),
        max: 50,
    };
    let ledger = client::accesses(scene.house.gateway().admin(), looked).await;
    let rows = ledger.unwrap().accesses;
    let asked = rows.iter().find(|row| row.operation == "population.verify");
    let asked = asked.unwrap();
    assert_eq!(
        (&*asked.partner, &*asked.fields),
        (PARTNER, "pin,name,birthDate")
    );
    assert_eq!(asked.rule, "POPULATION-01/population.verify");
    assert!(asked.journal > 0);
    assert_eq!(scene.database.violations(), Vec::<String>::new());
    for secret in [&birth.pin, &birth.name] {
        assert!(!tape().everything().contains(secret.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_whom_it_knows_otherwise_or_not_waits_for_a_person_and_gets_no_number() {
    let scene = Scene::start(10_000).await;
    let before = scene.people().await;
    let birth = scene.birth(1);
    let other = Person {
        name: "Trần Thị Khác".to_owned(),
        mother: scene.house.landmarks.mothers[2].pin.clone(),
        ..person(&birth)
    };
    scene.database.learn(&birth.pin, other).unwrap();
    scene.send(&birth).await.assert_ok();
    scene.stands(&birth, 3).await;
    let review = waiting(&scene.house).await.remove(0);
    assert_eq!(review.why, "population-name,population-mother");
    assert_eq!(scene.people().await, before, "nobody is on a guess");
    let shown = show(&scene.house, review.id).await;
    let request = DecideReviewRequest {
        id: review.id,
        decision: Some(Decision::NewPerson(true)),
        version: shown.version,
        who: "an.operator".to_owned(),
        why: "asked the ward".to_owned(),
    };
    let decided = client::decide_review(scene.house.gateway().admin(), request).await;
    assert!(decided.unwrap().card);
    scene.stands(&birth, 4).await;

    let stranger = Birth::new(scene.house.now(), &scene.house.landmarks, 2);
    scene.send(&stranger).await.assert_ok();
    scene.stands(&stranger, 3).await;
    assert_eq!(waiting(&scene.house).await[0].why, "population-unknown");
    assert_eq!(scene.people().await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_waited_before_the_database_was_asked_is_asked_about_before_its_number() {
    let mut house = House::start().await;
    send(&house, &Birth::new(house.now(), &house.landmarks, 0)).await;
    let twice = again(&house);
    send(&house, &twice).await;
    assert_eq!(waiting(&house).await.len(), 1);
    // from the next start on the database is asked, which knows the child otherwise
    house.kill().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let uri = format!("https://localhost:{port}{PATH}");
    let [section, partner] = files(&uri, "", 10_000);
    std::fs::write(house.file("partners/population.toml"), partner).unwrap();
    replace(&house.file("gateway.toml"), "[limits]\n", &section);
    house.open().await;
    let database = Database::open(&house.layout.agency(PARTNER)).unwrap();
    let other = Person {
        name: "Trần Thị Khác".to_owned(),
        ..person(&twice)
    };
    database.learn(&twice.pin, other).unwrap();
    let scene = Scene {
        serving: Some(database.serve(listener).unwrap()),
        database,
        house,
        port,
    };
    let before = scene.people().await;
    let review = waiting(&scene.house).await.remove(0);
    let decide = async |version: &str| {
        let request = DecideReviewRequest {
            id: review.id,
            decision: Some(Decision::NewPerson(true)),
            version: version.to_owned(),
            who: "an.operator".to_owned(),
            why: "asked the ward".to_owned(),
        };
        client::decide_review(scene.house.gateway().admin(), request).await
    };
    let stale = show(&scene.house, review.id).await.version;
    let decided = decide(&stale).await.unwrap();
    assert_eq!((decided.state, decided.card), (3, false));
    assert_eq!(scene.database.asked(), (1, 1));
    assert_eq!(scene.people().await, before, "nobody is on a guess");
    let waits = waiting(&scene.house).await.remove(0);
    assert_eq!(waits.why, format!("population-name,{}", review.why));
    // the same word about what was shown before is the same, and decides nothing
    let same = decide(&stale).await.unwrap();
    assert_eq!((same.state, same.card), (3, false));
    assert_eq!(scene.people().await, before);
    let seen = show(&scene.house, review.id).await.version;
    assert_ne!(seen, stale);
    assert!(decide(&seen).await.unwrap().card);
    scene.stands(&twice, 4).await;
    assert_eq!(scene.database.asked(), (1, 1), "it was asked once");
    assert_eq!(scene.people().await, before + 1);
    assert_eq!(scene.database.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_does_not_answer_a_birth_is_neither_refused_nor_done_and_ends_when_it_is_back() {
    let mut scene = Scene::start(100).await;
    let before = scene.people().await;
    let birth = scene.birth(1);
    scene.serving.take().unwrap().stop().await;
    let reply = scene.send(&birth).await;
    reply.assert_fault(FaultCode::AuthorityUnavailable, "population-unanswered");
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(scene.people().await, before);
    assert_eq!(polled(&scene.house, &birth).await["trangThai"], Value::Null);
    // it comes again while nobody answers, and that is no second question
    let again = scene.send(&birth).await;
    assert!(again.status >= 400, "{}", again.text());
    assert_eq!(scene.parcels().await.len(), 1);
    let address = format!("127.0.0.1:{}", scene.port);
    let listener = TcpListener::bind(address).await.unwrap();
    scene.serving = Some(scene.database.serve(listener).unwrap());
    // nobody sends it again: what was recorded comes to its end by itself
    let row = scene.stands(&birth, 4).await;
    assert_eq!(scene.people().await, before + 1);
    scene.send(&birth).await.assert_ok();
    assert_eq!(card(&scene.stands(&birth, 4).await), card(&row));
    assert_eq!(scene.database.asked().0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_question_and_the_number_there_is_one_question_and_one_number() {
    let mut scene = Scene::start(10_000).await;
    let before = scene.people().await;
    let birth = scene.birth(1);
    scene
        .database
        .misbehave(|knobs| knobs.delay = Duration::from_millis(1_500));
    let message = birth.message(scene.house.now());
    let message = message.sign(&scene.house.key("dvclt"));
    let wire = scene.house.wire("dvclt");
    let sending = tokio::spawn(async move {
        let _ = wire.send(&message).await;
    });
    let until = Instant::now() + Duration::from_secs(30);
    while scene.database.asked().0 == 0 {
        assert!(Instant::now() < until, "nobody was asked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    scene.house.kill().await;
    sending.abort();
    scene
        .database
        .misbehave(|knobs| knobs.delay = Duration::ZERO);
    scene.house.open().await;
    let row = scene.stands(&birth, 4).await;
    assert!(card(&row)["maThe"].is_string());
    assert_eq!(scene.people().await, before + 1);
    assert_eq!(
        scene.database.asked().0,
        1,
        "one question, however often it was asked"
    );
    assert_eq!(scene.database.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_its_signed_answer_to_this_question_gives_no_number() {
    let scene = Scene::start(100).await;
    let mut number = 0;
    type Bend = fn(&mut conformance::population::Mischief);
    let cases: [(Bend, &str); 10] = [
        (|knobs| knobs.unsigned = 1_000, "answer-not-proven"),
        (|knobs| knobs.another_key = 1_000, "answer-not-proven"),
        (|knobs| knobs.flip_a_byte = 1_000, "answer-not-proven"),
        (
            |knobs| knobs.another_id = 1_000,
            "answer-of-another-question",
        ),
        (
            |knobs| knobs.another_digest = 1_000,
            "answer-of-another-question",
        ),
        (
            |knobs| knobs.another_person = 1_000,
            "answer-of-another-person",
        ),
        (|knobs| knobs.doctype = 1_000, "answer-unreadable"),
        (|knobs| knobs.too_large = 1_000, "answer-unreadable"),
        (|knobs| knobs.faults = 1_000, "population-busy"),
        (|knobs| knobs.unavailable = 1_000, "http-status"),
    ];
    for (bend, reason) in cases {
        number += 1;
        let birth = scene.birth(number);
        scene.database.misbehave(bend);
        let reply = scene.send(&birth).await;
        reply.assert_fault(FaultCode::AuthorityUnavailable, "population-unanswered");
        scene.fails(reason).await;
        let stands = polled(&scene.house, &birth).await;
        assert_eq!(stands["trangThai"], Value::Null, "{reason}");
        scene
            .database
            .misbehave(|knobs| *knobs = Default::default());
    }
    // what could pass has passed; what was refused waits for its next try or for a person
    let last = scene.birth(number + 1);
    let _ = scene.send(&last).await;
    scene.stands(&last, 4).await;
    assert_eq!(scene.database.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_platform_it_is_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let way = format!(
        "[delivery.ngsp]\ntoken = \"https://localhost:{port}/token\"\nclient = \"vss\"\n\
         secret_file = \"ngsp.secret\"\napi = \"{API}\"\nresource = \"/XacMinhThongTinNhanThan\"\n"
    );
    let plan = plan(&format!("https://localhost:{port}"), &way, 10_000);
    let house = plan
        .secret("partners/ngsp.secret", "s3cret\n")
        .start()
        .await;
    let database = Database::open(&house.layout.agency(PARTNER)).unwrap();
    database.stand_behind(PartnerId::parse("ngsp").unwrap());
    let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target {
        host: "localhost".to_owned(),
        port: behind.local_addr().unwrap().port(),
    };
    let application = Application {
        secret: "s3cret".to_owned(),
        apis: vec![API.to_owned()],
        quota: 1_000,
    };
    let life = Duration::from_secs(3_600);
    let platform = Platform::open(
        &house.layout.agency("ngsp"),
        super::ngsp::server(&house),
        life,
    );
    let platform = platform
        .unwrap()
        .with_application("vss", application)
        .with_service(API, &target, "/qldc/v1")
        .unwrap();
    let platform = Arc::new(platform);
    let _platform = platform.serve(listener).unwrap();
    let scene = Scene {
        serving: Some(database.serve(behind).unwrap()),
        database,
        house,
        port,
    };
    platform.lose(1);
    let birth = scene.birth(1);
    scene.send(&birth).await.assert_ok();
    scene.stands(&birth, 4).await;
    assert_eq!(scene.database.asked().0, 1);
    assert_eq!(scene.database.violations(), Vec::<String>::new());
}
