//! The tax department is asked for a month when its time has come: once, by however many replicas, and not while paused.

use std::{sync::Arc, time::Duration};

use conformance::taxpayer::{MonthWanted, PATH, Register, Serving};
use gateway::admin::client;
use gateway_tests::{
    department::Department,
    house::{House, Plan},
    pg,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    proto::admin::{AccessRequest, ActRequest, ScheduleLine, StartScheduleRequest},
    wire::tax_records::{Form, Kind, Packing},
};
use tokio::{net::TcpListener, time::Instant};

use super::bulk::{manifest, put, settled};

const AT_MOST: Duration = Duration::from_secs(60);
/// What stands last in the file of the sandbox's tax department.
const LAST: &str = "[agreements.operations.\"tax.ping\"]\nper_minute = 600\nburst = 60\n";

/// With each month in Viet Nam, however late: what fell due last is begun at the start, whatever day it is.
fn plan(port: u16) -> Plan {
    let terms = format!(
        "{LAST}\n[agreements.operations.\"taxpayer.request-month\"]\n\
         [delivery]\nwords = \"taxpayer\"\nuri = \"https://localhost:{port}{PATH}\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\n"
    );
    let schedule = "path = \"bulk\"\n\n[[schedules]]\nname = \"employers\"\npartner = \"tax\"\n\
        what = \"employers\"\ncron = \"0 0 1 * *\"\n\
        days_off = \"run\"\nlate_hours = 744\n\n\
        [[schedules]]\nname = \"ledger\"\npartner = \"tax\"\nwhat = \"recheck\"\ncron = \"0 1 * * *\"\n\
        days_off = \"run\"\n";
    House::plan()
        .replace("partners/tax.toml", LAST, terms)
        .replace("gateway.toml", "path = \"bulk\"", schedule)
}

struct Scene {
    house: House,
    register: Arc<Register>,
    _serving: Serving,
}

async fn scene() -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let house = plan(listener.local_addr().unwrap().port()).start().await;
    let register = Register::open(&house.layout.agency("tax")).unwrap();
    Scene {
        _serving: register.serve(listener).unwrap(),
        house,
        register,
    }
}

impl Scene {
    /// Waits until the department was asked for so many months, and for no more.
    async fn wanted(&self, many: usize) -> Vec<MonthWanted> {
        let started = Instant::now();
        while self.register.months().len() < many {
            assert!(started.elapsed() < AT_MOST, "{many} never asked for");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.still(many).await
    }

    /// Nothing more is asked for in the time in which it would be.
    async fn still(&self, many: usize) -> Vec<MonthWanted> {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let months = self.register.months();
        assert_eq!(months.len(), many, "{months:#?}");
        months
    }

    async fn line(&self, name: &str) -> ScheduleLine {
        let listed = client::schedules(self.house.gateway().admin())
            .await
            .unwrap();
        let line = listed.schedules.into_iter().find(|line| line.name == name);
        line.unwrap()
    }

    async fn act(&self, deed: &str, target: &str) -> Result<String, String> {
        let request = ActRequest {
            deed: deed.to_owned(),
            target: target.to_owned(),
            who: "an.operator".to_owned(),
            why: "the department asked for it".to_owned(),
            law: String::new(),
        };
        let acted = client::act(self.house.gateway().admin(), request).await;
        acted
            .map(|acted| acted.outcome)
            .map_err(|error| error.to_string())
    }

    async fn start(&self, name: &str, period: &str) -> Result<String, String> {
        let request = StartScheduleRequest {
            name: name.to_owned(),
            period: period.to_owned(),
            who: "an.operator".to_owned(),
            why: "it is wanted sooner".to_owned(),
        };
        let started = client::start_schedule(self.house.gateway().admin(), request).await;
        started
            .map(|started| started.run)
            .map_err(|error| error.to_string())
    }

    /// Waits until this schedule's last run stands so.
    async fn stands(&self, name: &str, state: &str) -> ScheduleLine {
        let started = Instant::now();
        loop {
            let line = self.line(name).await;
            if line.state == state {
                return line;
            }
            assert!(started.elapsed() < AT_MOST, "never {state}: {line:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Moves the clock behind this instant.
    fn until(&self, then: Timestamp) {
        self.house
            .clock
            .advance(then.duration_since(self.house.now()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_asked_for_when_its_time_has_come_and_seen_until_it_is_compared() {
    let mut scene = scene().await;
    let wanted = scene.wanted(1).await.remove(0);
    assert!(wanted.manifest.starts_with("run.employers."), "{wanted:?}");
    assert_eq!((&*wanted.kind, wanted.provinces.len()), ("employer", 0));
    assert_eq!(scene.register.violations(), Vec::<String>::new());
    let line = scene.stands("employers", "requested").await;
    assert_eq!((line.run.as_str(), line.percent), (&*wanted.manifest, 0));

    // a new process knows what was begun
    scene.house.kill().await;
    scene.house.open().await;
    scene.still(1).await;

    let house = &scene.house;
    let department = Department::of(house, Kind::Employer).await;
    let run = scene.start("employers", &department.period).await.unwrap();
    let wanted = scene.wanted(2).await.remove(1);
    assert_eq!(
        (&wanted.manifest, &wanted.period),
        (&run, &department.period)
    );
    let sending = department.cut(&wanted.manifest, Form::Ndjson, Packing::Zstd, 8);
    let announced = manifest(house, &department, &sending).sign(&house.key("tax"));
    house.wire("tax").send(&announced).await.assert_ok();
    put(house, &sending, 1).await.assert_ok();
    let line = scene.stands("employers", "receiving").await;
    assert!((1..50).contains(&line.percent), "{line:?}");
    for number in 2..=sending.chunks.len() {
        put(house, &sending, number).await.assert_ok();
    }
    settled(house, &sending, "done").await;
    let line = scene.stands("employers", "done").await;
    assert_eq!(line.percent, 100);
    assert_eq!(line.found, department.seeds.len() as u64);
    // the ledger is looked at again by its own time
    let ledger = scene.stands("ledger", "done").await;
    assert_eq!((ledger.what.as_str(), ledger.percent), ("recheck", 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_schedule_begins_nothing_and_makes_up_for_it_when_it_is_resumed() {
    let mut scene = scene().await;
    let first = scene.wanted(1).await;
    assert_eq!(
        scene.act("pause-schedule", "employers").await.unwrap(),
        "done"
    );
    assert_eq!(
        scene.act("pause-schedule", "employers").await.unwrap(),
        "already-so"
    );
    let refused = scene.act("pause-schedule", "nobody").await.unwrap_err();
    assert!(refused.contains("no such schedule"), "{refused}");
    // a pause outlives the process, and lasts over the next time
    scene.house.kill().await;
    scene.house.open().await;
    let started = Instant::now();
    while !scene.line("employers").await.paused {
        assert!(started.elapsed() < AT_MOST, "not paused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let next: Timestamp = scene.line("employers").await.next_at.parse().unwrap();
    assert!(next > scene.house.now());
    scene.until(next + SignedDuration::from_mins(1));
    let day = schemas::date::day_in_viet_nam(next);
    let month = schemas::id::Period::of(day).unwrap().previous().unwrap();
    let named = format!("run.employers.{month}.{}T0000", day.strftime("%Y%m%d"));
    let admin = scene.house.gateway().admin();
    let parcel = format!("month.tax.{named}");
    assert_eq!(scene.still(1).await, first);
    assert!(
        client::parcel(admin, &parcel).await.is_err(),
        "begun while paused"
    );
    let resumed = scene.act("resume-schedule", "employers").await;
    assert_eq!(resumed.unwrap(), "done");
    // the department's own clock is behind: what it is asked for waits in its lane
    let started = Instant::now();
    while client::parcel(admin, &parcel).await.is_err() {
        assert!(started.elapsed() < AT_MOST, "never begun");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.line("employers").await.run, named);
    let acts = client::acts(scene.house.gateway().admin(), 100)
        .await
        .unwrap();
    let deeds: Vec<&str> = acts.acts.iter().map(|act| act.deed.as_str()).collect();
    assert!(deeds.contains(&"pause-schedule") && deeds.contains(&"resume-schedule"));
    assert!(
        acts.acts
            .iter()
            .any(|act| act.target == "tax/schedule:employers")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_begins_one_before_its_time_and_none_that_cannot_be() {
    let scene = scene().await;
    scene.wanted(1).await;
    for (name, period, reason) in [
        ("nobody", "", "no such schedule"),
        ("employers", "2026-13", "a month, yyyy-MM"),
        ("employers", "2099-01", "period-not-ended"),
    ] {
        let refused = scene.start(name, period).await.unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
    scene.still(1).await;
    let run = scene.start("employers", "2026-09").await.unwrap();
    let months = scene.wanted(2).await;
    assert_eq!((&months[1].manifest, &*months[1].period), (&run, "2026-09"));
    assert_eq!(scene.stands("employers", "requested").await.run, run);
    let acts = client::acts(scene.house.gateway().admin(), 100)
        .await
        .unwrap();
    let act = acts.acts.iter().find(|act| act.deed == "start-schedule");
    let act = act.unwrap();
    assert_eq!(
        (&*act.who, act.target.clone()),
        ("an.operator", format!("tax/{run}"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_ledger_is_seen_by_a_process_that_never_looked_behind_a_thousand_acts() {
    let mut scene = scene().await;
    let run = scene.start("ledger", "2026-09").await.unwrap();
    let line = scene.stands("ledger", "done").await;
    assert_eq!((line.run.as_str(), line.percent), (&*run, 100));
    // somebody looks up who asked about persons, a thousand times and one
    let asked = AccessRequest {
        person: "099000000001".to_owned(),
        who: "a.security.officer".to_owned(),
        why: "a long list".to_owned(),
        max: 1,
    };
    for _ in 0..126 {
        let admin = scene.house.gateway().admin();
        let asks = (0..8).map(|_| client::accesses(admin, asked.clone()));
        for told in futures_util::future::join_all(asks).await {
            told.unwrap();
        }
    }
    let acts = client::acts(scene.house.gateway().admin(), 1_000).await;
    let acts = acts.unwrap().acts;
    assert!(acts.len() == 1_000 && acts.iter().all(|act| act.deed == "look-up-person"));
    assert_eq!(scene.line("ledger").await.run, run);
    scene.house.kill().await;
    scene.house.open().await;
    let line = scene.line("ledger").await;
    assert_eq!(
        (line.run.as_str(), line.state.as_str(), line.percent),
        (&*run, "done", 100)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_on_one_database_ask_once() {
    let Some(cluster) = pg::Cluster::shared() else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = cluster.database();
    let on = |plan: Plan, writer: &str| {
        let database = format!(
            "engine = \"postgres\"\nurl = {url:?}\nwriter = {writer:?}\nconnect_timeout_ms = 10000\ntimeout_ms = 30000"
        );
        plan.replace("gateway.toml", "path = \"store.sqlite\"", database)
    };
    let one = on(plan(port), "one").start().await;
    let register = Register::open(&one.layout.agency("tax")).unwrap();
    let _serving = register.serve(listener).unwrap();
    let seal = format!("seal_key = {:?}", one.file("seal.key"));
    let _two = on(plan(port), "two")
        .replace("gateway.toml", "seal_key = \"seal.key\"", seal)
        .start()
        .await;
    let started = Instant::now();
    while register.months().is_empty() {
        assert!(started.elapsed() < AT_MOST, "never asked for");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(register.months().len(), 1, "{:#?}", register.months());
    let database = url.strip_prefix("postgresql:///").unwrap();
    let database = database.split('?').next().unwrap();
    let sql = "SELECT count(*) FROM lienthong_store.outbox WHERE kind = 'taxpayer.month'";
    assert_eq!(cluster.psql(database, sql).trim(), "1");
}
