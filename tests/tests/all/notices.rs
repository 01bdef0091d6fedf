//! What is recorded of employers is told to the tax department, in order and once, whatever is lost on the way or there.

mod persons;
mod theirs;

use std::{sync::Arc, time::Duration};

use conformance::taxpayer::{Notice, PATH, Register, Serving};
use gateway::admin::client;
use gateway_tests::{
    house::{House, Plan},
    tape::tape,
};
use schemas::proto::admin::{ListPullsRequest, PullLine, RecordEmployerRequest};
use tokio::{net::TcpListener, time::Instant};

const AT_MOST: Duration = Duration::from_secs(60);
/// What stands last in the file of the sandbox's tax department.
const LAST: &str = "[agreements.operations.\"tax.ping\"]\nper_minute = 600\nburst = 60\n";
/// It is told of employers, and asked every second what it holds.
const WATCHES: &str = "[delivery.notices]\nstep_people = 2\nstep_percent = 5\n\
    [delivery.reconcile]\nevery_seconds = 1\nwindow_seconds = 60\nlag_seconds = 0\n";

struct Scene {
    house: House,
    register: Arc<Register>,
    _serving: Serving,
}

fn plan(port: u16, operations: &str, watches: &str) -> Plan {
    let terms = format!(
        "{LAST}\n{operations}\n\
         [delivery]\nwords = \"taxpayer\"\nuri = \"https://localhost:{port}{PATH}\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\n{watches}"
    );
    House::plan().replace("partners/tax.toml", LAST, terms)
}

const AGREED: &str = "[agreements.operations.\"taxpayer.change-notice\"]\n\
    [agreements.operations.\"taxpayer.look-up-notices\"]\n";

impl Scene {
    async fn start() -> Self {
        Self::with(AGREED, WATCHES).await
    }

    async fn with(operations: &str, watches: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let house = plan(port, operations, watches).start().await;
        let register = Register::open(&house.layout.agency("tax")).unwrap();
        Self {
            _serving: register.serve(listener).unwrap(),
            house,
            register,
        }
    }

    fn said(&self, kind: &str, on: &str) -> RecordEmployerRequest {
        RecordEmployerRequest {
            tax_code: self.house.landmarks.employer.mst.clone(),
            kind: kind.to_owned(),
            effective_on: on.to_owned(),
            who: "an.officer".to_owned(),
            why: "a decision of the district".to_owned(),
            ..RecordEmployerRequest::default()
        }
    }

    /// How many departments are told.
    async fn record(&self, said: RecordEmployerRequest) -> u32 {
        let recorded = client::record_employer(self.house.gateway().admin(), said).await;
        recorded.unwrap().told
    }

    /// The registry has heard that the department watches.
    async fn watched(&self) {
        let started = Instant::now();
        // what moves nothing is told to whoever watches, too
        let mut day = 1;
        while self
            .record(RecordEmployerRequest {
                commune: self.house.landmarks.places[0].commune.clone(),
                ..self.said("moved", &format!("2026-10-{day:02}"))
            })
            .await
            == 0
        {
            day += 1;
            assert!(started.elapsed() < AT_MOST && day < 31, "nobody watches");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the department holds so many, and gives them in the order in which they came.
    async fn held(&self, many: usize) -> Vec<(String, Notice)> {
        let started = Instant::now();
        loop {
            let mut held: Vec<_> = self.register.notices().into_iter().collect();
            if held.len() >= many {
                held.sort_by_key(|(_, notice)| notice.nth);
                assert_eq!(held.len(), many, "{held:#?}");
                return held;
            }
            assert!(started.elapsed() < AT_MOST, "{many} never came: {held:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn pulls(&self) -> Vec<PullLine> {
        let request = ListPullsRequest {
            partner: "tax".to_owned(),
            max: 1_000,
        };
        let listed = client::pulls(self.house.gateway().admin(), request).await;
        listed.unwrap().pulls
    }

    /// Waits until windows that are asked about only from now on are judged.
    async fn asked_anew(&self) -> Vec<PullLine> {
        let newest = self.pulls().await.first().map(|pull| pull.until.clone());
        let newest = newest.unwrap_or_default();
        let started = Instant::now();
        loop {
            let all = self.pulls().await;
            let judged = all.iter().filter(|pull| pull.state == "judged");
            if judged.filter(|pull| pull.until > newest).count() >= 3 {
                return all;
            }
            assert!(started.elapsed() < AT_MOST, "never judged: {all:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn kinds(held: &[(String, Notice)]) -> Vec<&str> {
    held.iter()
        .map(|(_, notice)| notice.kind.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_told_in_order_once_through_every_loss() {
    told_in_order(Scene::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_is_told_in_order_in_json_too() {
    let in_json = format!("form = \"json\"\n{WATCHES}");
    told_in_order(Scene::with(AGREED, &in_json).await).await;
}

async fn told_in_order(scene: Scene) {
    scene.watched().await;
    scene.register.misbehave(|knobs| {
        knobs.drop_replies = 2;
        knobs.server_errors = 2;
        knobs.another_digest = 1;
        knobs.flip_a_byte = 1;
    });
    let told = scene.record(scene.said("suspended", "2026-11-02")).await;
    assert_eq!(told, 1);
    scene.record(scene.said("resumed", "2026-11-09")).await;
    let month = RecordEmployerRequest {
        period: "2026-11".to_owned(),
        participants: 90_000,
        fund_vnd: 1,
        due_vnd: 1,
        paid_vnd: 1,
        ..scene.said("headcount", "")
    };
    scene.record(month.clone()).await;
    // the same word of an officer again is the same record
    scene.record(month).await;
    scene.record(scene.said("dissolved", "2026-11-16")).await;
    let held = scene.held(5).await;
    assert_eq!(
        kinds(&held),
        ["moved", "suspended", "resumed", "headcount", "dissolved"]
    );
    let employer = &scene.house.landmarks.employer;
    for (nth, (id, notice)) in held.iter().enumerate() {
        assert_eq!(
            (&notice.mst, &notice.unit),
            (&employer.mst, &employer.unit_code)
        );
        assert_eq!(
            *id,
            format!("employer.{}.tax.{}", employer.unit_code, nth + 1)
        );
    }
    let (_, people) = &held[3];
    let (period, before, now) = people.participants.clone().unwrap();
    assert_eq!((&*period, now), ("2026-11", 90_000));
    assert!(before > 0 && before < now);
    assert_eq!(held[4].1.state, "closed");
    // each has the department's signed receipt in the journal
    for (id, _) in &held {
        let shown = client::parcel(scene.house.gateway().admin(), id)
            .await
            .unwrap();
        let started = Instant::now();
        let mut parcel = shown.parcel.unwrap();
        while parcel.receipt == 0 {
            assert!(
                started.elapsed() < AT_MOST,
                "{id} has no receipt: {parcel:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
            let shown = client::parcel(scene.house.gateway().admin(), id)
                .await
                .unwrap();
            parcel = shown.parcel.unwrap();
        }
        assert_eq!(parcel.state, "done", "{id}");
    }
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_department_has_lost_is_found_by_asking_and_told_again() {
    let scene = Scene::start().await;
    scene.watched().await;
    scene.record(scene.said("suspended", "2026-11-02")).await;
    scene.record(scene.said("resumed", "2026-11-09")).await;
    let before = scene.held(3).await;
    let all = scene.asked_anew().await;
    assert!(
        all.iter().all(|pull| pull.again == 0),
        "nothing was lost yet"
    );
    let (lost, _) = &before[1];
    assert!(scene.register.forget_notice(lost));
    let after = scene.held(3).await;
    let same = |held: &[(String, Notice)]| -> Vec<(String, String)> {
        let mut all: Vec<_> = held
            .iter()
            .map(|(id, notice)| (id.clone(), notice.effective_on.clone()))
            .collect();
        all.sort();
        all
    };
    assert_eq!(same(&after), same(&before), "the same under the same id");
    scene.asked_anew().await;
    let healed: u64 = scene.pulls().await.iter().map(|pull| pull.again).sum();
    assert_eq!(healed, 2, "the lost one and what followed it, once");
    let acts = client::acts(scene.house.gateway().admin(), 1_000)
        .await
        .unwrap();
    let heals = acts.acts.iter().filter(|act| act.deed == "heal");
    assert_eq!(heals.count(), 2);
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_refused_or_not_agreed_is_not_taken_for_told() {
    let scene = Scene::start().await;
    scene.watched().await;
    scene.held(1).await;
    scene
        .register
        .misbehave(|knobs| knobs.refuse_notices = 1_000);
    scene.record(scene.said("suspended", "2026-11-02")).await;
    let id = format!(
        "employer.{}.tax.2",
        scene.house.landmarks.employer.unit_code
    );
    let started = Instant::now();
    loop {
        let shown = client::parcel(scene.house.gateway().admin(), &id).await;
        match shown.ok().and_then(|shown| shown.parcel) {
            Some(parcel) if parcel.reason == "department-refuses" => {
                assert_eq!((parcel.receipt, parcel.state == "done"), (0, false));
                break;
            }
            _ => assert!(started.elapsed() < AT_MOST, "never refused"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.register.notices().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_to_be_told_is_told_nothing() {
    let scene = Scene::with(AGREED, "").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(scene.record(scene.said("suspended", "2026-11-02")).await, 0);
    assert_eq!(scene.register.notices().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owners_pin_stands_in_no_clear_column_and_no_log() {
    let (tape, scene) = (tape(), Scene::start().await);
    scene.watched().await;
    let pin = "099090000001".to_owned();
    let said = RecordEmployerRequest {
        tax_code: pin.clone(),
        unit_code: "ZZ9999Z".to_owned(),
        name: "Hộ kinh doanh Mẫu".to_owned(),
        commune: scene.house.landmarks.places[0].commune.clone(),
        ..scene.said("registered", "2026-11-02")
    };
    assert_eq!(scene.record(said).await, 1);
    let held = scene.held(2).await;
    assert!(held.iter().any(|(_, notice)| notice.mst == pin));
    assert!(held.iter().all(|(id, _)| !id.contains(&pin)));
    assert!(!tape.everything().contains(&pin), "a PIN in the log");
    let metrics = scene.house.gateway().metrics().text();
    assert!(!metrics.contains(&pin), "a PIN in the metrics");
}
