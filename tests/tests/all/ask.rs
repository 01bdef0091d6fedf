//! We ask the tax department: what is told is what it signed for this question, and nothing else ever is.

mod long;
mod lost;
mod many;
mod roads;

use std::sync::Arc;

use conformance::taxpayer::{Mischief, PATH, Register, Serving, Truth};
use gateway::admin::client;
use gateway_tests::{
    department::Department,
    house::{House, Plan},
};
use schemas::{
    proto::admin::{AccessRequest, AskTaxRequest, AskTaxResponse, ParcelLine},
    wire::tax_records::{Kind, Record},
};
use tokio::{
    net::TcpListener,
    time::{Duration, Instant},
};

/// What stands last in the file of the sandbox's tax department.
const LAST: &str = "[agreements.operations.\"tax.ping\"]\nper_minute = 600\nburst = 60\n";

struct Scene {
    house: House,
    register: Arc<Register>,
    serving: Option<Serving>,
    port: u16,
}

/// Our agreement with the department, outwards, and its own server at this port.
fn plan(port: u16, way: &str) -> Plan {
    plan_by(&format!("https://localhost:{port}{PATH}"), way)
}

/// The same at an address, with further lines about the way.
fn plan_by(uri: &str, way: &str) -> Plan {
    let terms = format!(
        "{LAST}\n\
         [agreements.operations.\"taxpayer.verify-employer\"]\n\
         fields = [\"status\", \"name\", \"headcount\", \"incomePaid\"]\n\
         [agreements.operations.\"taxpayer.verify-individual\"]\n\
         fields = [\"name\", \"months\", \"income\", \"payers\"]\n\
         [agreements.operations.\"taxpayer.verify-many\"]\nlines = 3\n\
         fields = [\"status\", \"name\", \"headcount\", \"months\", \"income\"]\n\
         [delivery]\nwords = \"taxpayer\"\nuri = \"{uri}\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\n{way}"
    );
    House::plan().replace("partners/tax.toml", LAST, terms)
}

impl Scene {
    /// The department serves, and knows what it would send us of a month, bent in every category.
    async fn start() -> (Self, Vec<Department>) {
        Self::start_with("").await
    }

    async fn start_with(way: &str) -> (Self, Vec<Department>) {
        Self::start_by(|port| plan(port, way)).await
    }

    async fn start_by(plan: impl FnOnce(u16) -> Plan) -> (Self, Vec<Department>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let house = plan(port).start().await;
        let register = Register::open(&house.layout.agency("tax")).unwrap();
        let mut departments = Vec::new();
        let mut truth = Truth::default();
        for kind in [Kind::Employer, Kind::Person] {
            let department = Department::of(&house, kind).await;
            for row in &department.rows {
                truth.add(department.period.parse().unwrap(), row);
            }
            departments.push(department);
        }
        register.learn(truth);
        let scene = Self {
            serving: Some(register.serve(listener).unwrap()),
            house,
            register,
            port,
        };
        (scene, departments)
    }

    async fn ask(&self, asked: AskTaxRequest) -> Result<AskTaxResponse, String> {
        let told = client::ask_tax(self.house.gateway().admin(), asked).await;
        told.map_err(|error| error.to_string())
    }

    fn employer(&self, id: &str, mst: &str, fields: &[&str]) -> AskTaxRequest {
        AskTaxRequest {
            partner: "tax".into(),
            id: id.into(),
            about: "employer".into(),
            mst: mst.into(),
            from: self.house.landmarks.period.clone(),
            fields: fields.iter().map(|&field| field.to_owned()).collect(),
            wait_ms: 30_000,
            who: "an.officer".into(),
            why: "a discrepancy is looked at".into(),
            ..AskTaxRequest::default()
        }
    }

    fn person(&self, id: &str, pin: &str, fields: &[&str]) -> AskTaxRequest {
        AskTaxRequest {
            about: "individual".into(),
            ..self.employer(id, pin, fields)
        }
    }

    async fn parcel(&self, id: &str) -> ParcelLine {
        let shown = client::parcel(self.house.gateway().admin(), &format!("ask.tax.{id}")).await;
        shown.unwrap().parcel.unwrap()
    }

    /// The parcel, once its last try ended so; it has no receipt.
    async fn unanswered(&self, id: &str, reason: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let parcel = self.parcel(id).await;
            assert_ne!(parcel.state, "done", "{reason}: recorded as answered");
            assert_eq!(parcel.receipt, 0, "{reason}: a receipt");
            if parcel.reason == reason {
                return;
            }
            assert!(
                Instant::now() < until,
                "{} instead of {reason}",
                parcel.reason
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn value<'a>(told: &'a AskTaxResponse, field: &str) -> Option<&'a str> {
    let mut all = told.told.iter();
    all.find(|one| one.field == field)
        .map(|one| one.value.as_str())
}

fn seeded<'a>(department: &'a Department, category: &str) -> (&'a str, &'a str) {
    let seed = department.seeds.iter().find(|seed| seed.0 == category);
    let (_, mst, person) = seed.unwrap_or_else(|| panic!("no {category}"));
    (mst, person)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_department_knows_is_told_as_it_signed_it_with_its_discrepancies() {
    let (scene, departments) = Scene::start().await;
    let [employers, people] = departments.as_slice() else {
        panic!("two kinds")
    };
    let all = ["status", "name", "headcount", "incomePaid"];
    let about = async |category: &str| {
        let (mst, _) = seeded(employers, category);
        let told = scene.ask(scene.employer("", mst, &all)).await.unwrap();
        let row = employers.rows.iter().find_map(|row| match row {
            Record::Employer(row) if row.mst.to_string() == mst => Some(row),
            _ => None,
        });
        (told, row)
    };
    let ((ended, _), (renamed, _), (fewer, row), (nobody, none)) = tokio::join!(
        about("E-STATUS-TAX"),
        about("E-NAME"),
        about("E-UNDERCOUNT"),
        about("E-NOTAX"),
    );
    assert_eq!(value(&ended, "status"), Some("03"));
    assert_eq!(value(&renamed, "name"), Some("Hợp tác xã Chuồn Chuồn Ớt"));
    let row = row.unwrap();
    assert_eq!(fewer.result, "hasData");
    assert_eq!(
        value(&fewer, "headcount"),
        Some(row.count.to_string().as_str())
    );
    assert_eq!(
        value(&fewer, "incomePaid"),
        Some(row.amount.to_string().as_str())
    );
    assert_eq!(value(&fewer, "address"), None, "nobody asked for it");
    assert!(none.is_none());
    assert_eq!((nobody.result.as_str(), nobody.told.len()), ("noData", 0));

    let (_, pin) = seeded(people, "P-OVERLAP");
    let fields = ["months", "income", "payers"];
    let told = scene.ask(scene.person("", pin, &fields)).await.unwrap();
    let paid: Vec<_> = people
        .rows
        .iter()
        .filter_map(|row| match row {
            Record::Person(row) if row.person.text() == pin => Some(row.amount),
            _ => None,
        })
        .collect();
    assert_eq!((told.payers.len(), paid.len()), (2, 2));
    assert_eq!(
        value(&told, "income"),
        Some(paid.iter().sum::<u64>().to_string().as_str())
    );
    assert!(told.payers.iter().all(|payer| payer.months == Some(1)));
    let access = AccessRequest {
        person: pin.to_owned(),
        who: "a.security.officer".into(),
        why: "who looked".into(),
        max: 10,
    };
    let accesses = client::accesses(scene.house.gateway().admin(), access)
        .await
        .unwrap();
    let looked = |operator: &str| accesses.accesses.iter().any(|one| one.operator == operator);
    assert!(looked("an.officer"), "whoever asks about a person is noted");
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

/// The same scene, and the department is spoken to in JSON.
async fn in_json() -> (Scene, Vec<Department>) {
    Scene::start_with("form = \"json\"\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_the_department_is_asked_and_believed_by_the_same_rules() {
    let (scene, departments) = in_json().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    scene.register.misbehave(|knobs| knobs.drop_replies = 1);
    let asked = scene.employer("vss-json-0001", mst, &["name", "headcount"]);
    let told = scene.ask(asked.clone()).await.unwrap();
    assert_eq!(value(&told, "name"), Some("Hợp tác xã Chuồn Chuồn Ớt"));
    assert!(scene.register.times("vss-json-0001") >= 2, "a lost reply");
    assert_eq!(scene.ask(asked).await.unwrap(), told, "the same answer");
    // what was said and what was answered stand in the journal as JWS
    let parcel = scene.parcel("vss-json-0001").await;
    assert!(parcel.receipt > 0);

    let (_, pin) = seeded(&departments[1], "P-OVERLAP");
    let fields = ["months", "income", "payers"];
    let told = scene.ask(scene.person("", pin, &fields)).await.unwrap();
    assert_eq!(told.payers.len(), 2);
    let (other, _) = seeded(&departments[0], "E-NOTAX");
    let many = scene.many("", "employers", &[other, mst], &["headcount"]);
    let told = scene.ask(many).await.unwrap();
    assert_eq!(told.lines[0].result, "noData");
    assert_eq!(told.lines[1].result, "hasData");
    assert_eq!(scene.register.violations(), Vec::<String>::new());

    type Knob = fn(&mut Mischief) -> &mut u32;
    let cases: [(Knob, &str); 6] = [
        (|knobs| &mut knobs.another_id, "answer-of-another-question"),
        (
            |knobs| &mut knobs.another_digest,
            "answer-of-another-question",
        ),
        (|knobs| &mut knobs.another_key, "answer-not-proven"),
        (|knobs| &mut knobs.flip_a_byte, "answer-not-proven"),
        (
            |knobs| &mut knobs.another_subject,
            "answer-of-another-subject",
        ),
        (|knobs| &mut knobs.tell_more, "answer-tells-more"),
    ];
    for (nth, (knob, reason)) in cases.into_iter().enumerate() {
        scene.register.misbehave(|knobs| *knob(knobs) = 1_000);
        let id = format!("vss-jsonbad-{nth}");
        let asked = AskTaxRequest {
            wait_ms: 100,
            ..scene.employer(&id, mst, &["name"])
        };
        let refused = scene.ask(asked).await.unwrap_err();
        assert!(refused.contains("UNAVAILABLE"), "{reason}: {refused}");
        scene.unanswered(&id, reason).await;
        scene.register.misbehave(|knobs| *knob(knobs) = 0);
    }
}

impl Scene {
    fn many(&self, id: &str, about: &str, keys: &[&str], fields: &[&str]) -> AskTaxRequest {
        AskTaxRequest {
            about: about.into(),
            keys: keys.iter().map(|&key| key.to_owned()).collect(),
            ..self.employer(id, "", fields)
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_an_employer_and_why_is_an_act_before_it_is_asked_and_each_time_it_is_shown()
{
    let (scene, departments) = Scene::start().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    let asked = scene.employer("vss-audit-0001", mst, &["name"]);
    scene.ask(asked.clone()).await.unwrap();
    let another = AskTaxRequest {
        who: "another.officer".into(),
        why: "the answer is looked at once more".into(),
        ..asked
    };
    scene.ask(another).await.unwrap();
    let admin = scene.house.gateway().admin();
    let acts = client::acts(admin, 100).await.unwrap().acts;
    let asks: Vec<_> = acts
        .iter()
        .filter(|act| act.deed == "ask-tax" && act.target == "tax/vss-audit-0001")
        .map(|act| (act.who.as_str(), act.why.as_str()))
        .collect();
    assert_eq!(
        asks,
        [
            ("another.officer", "the answer is looked at once more"),
            ("an.officer", "a discrepancy is looked at"),
        ]
    );
    // who and why are sealed: nobody reads them in the file
    let store = std::fs::read(scene.house.file("store.sqlite")).unwrap();
    let log = std::fs::read(scene.house.file("store.sqlite-wal")).unwrap_or_default();
    let why = b"a discrepancy is looked at";
    let holds = |bytes: &[u8]| bytes.windows(why.len()).any(|some| some == why);
    assert!(!holds(&store) && !holds(&log));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_or_no_question_never_leaves() {
    let (scene, _) = Scene::start().await;
    let mst = scene.house.landmarks.employer.mst.clone();
    let good = scene.employer("vss-never-0001", &mst, &["name"]);
    type Bend = fn(&mut AskTaxRequest);
    let cases: [(Bend, &str); 8] = [
        (
            |asked| asked.fields.push("address".into()),
            "field-not-agreed: address",
        ),
        (|asked| asked.fields.push("fund".into()), "field"),
        (|asked| asked.mst = "9900000000".into(), "tax-code"),
        (
            |asked| asked.from = "2099-01".into(),
            "period-in-the-future",
        ),
        (|asked| asked.partner = "portal".into(), "no lane"),
        (|asked| asked.about = "individual".into(), "pin"),
        (|asked| asked.why.clear(), "why"),
        (|asked| asked.id = "short".into(), "an id"),
    ];
    for (bend, reason) in cases {
        let mut bent = good.clone();
        bend(&mut bent);
        let refused = scene.ask(bent).await.unwrap_err();
        assert!(refused.contains(reason), "{refused} instead of {reason}");
    }
    let unknown = client::parcel(scene.house.gateway().admin(), "ask.tax.vss-never-0001").await;
    assert!(unknown.is_err(), "a refused question stands in the outbox");
    assert_eq!(scene.register.times("vss-never-0001"), 0);
}
