//! Our own month is sent to the department, which compares it with its own rows and tells what it found: noted once, as found
//! by them, and nothing of it where anything is not as it has to be.

mod beyond;
mod ended;
mod told;
mod unread;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use conformance::{
    identity::Target,
    ngsp::{Application, Platform},
    taxpayer::{Mischief, PATH, Register, Unpack},
};
use gateway::admin::client;
use gateway_tests::{
    department::{Department, Seed},
    house::{House, Plan},
};
use jiff::SignedDuration;
use schemas::{
    id::PartnerId,
    proto::{
        admin::{ActRequest, ListParcelsRequest, ScheduleLine, StartScheduleRequest},
        insurance::{Context, ListDiscrepanciesRequest, Party},
    },
    wire::tax_records::Kind,
};
use tax::unpack::{Bounds, unpack};
use tokio::{net::TcpListener, time::Instant};

const AT_MOST: Duration = Duration::from_secs(120);
const MOMENT: Duration = Duration::from_millis(50);
/// What stands last in the file of the sandbox's tax department.
const LAST: &str = "[agreements.operations.\"tax.ping\"]\nper_minute = 600\nburst = 60\n";
/// What a killed gateway was sending is taken over soon, and what failed is tried again soon.
const SOON: &str = "poll_ms = 100\nlease_seconds = 5\nbackoff_ms = 100\nbackoff_seconds_max = 2";
const API: &str = "/XacMinhThue/1.0";
const ALL: &str = "\"mst\", \"unit\", \"person\", \"number\", \"province\", \"region\", \"status\", \"name\", \"address\", \
    \"born\", \"count\", \"amount\", \"due\", \"paid\", \"full\"";

/// What is agreed of our month, and how it is sent.
struct Terms {
    agreed: String,
    delivery: &'static str,
    schedules: &'static str,
    chunk_records: usize,
    through_the_platform: bool,
    /// How long one call may take.
    timeout_ms: u32,
}

impl Terms {
    fn of(schedules: &'static str, chunk_records: usize) -> Self {
        Self {
            agreed: reconcile(ALL, ""),
            delivery: "",
            schedules,
            chunk_records,
            through_the_platform: false,
            timeout_ms: 1_500,
        }
    }
}

fn reconcile(fields: &str, more: &str) -> String {
    format!("[agreements.operations.\"taxpayer.reconcile\"]\nfields = [{fields}]\n{more}\n")
}

const EMPLOYERS: &str = "name = \"ours\"\npartner = \"tax\"\nwhat = \"send-employers\"\n";
const PERSONS: &str = "name = \"ours\"\npartner = \"tax\"\nwhat = \"send-persons\"\nform = \"ndjson\"\npacking = \"zstd\"\n";

/// No time of these schedules comes by itself.
fn plan(port: u16, terms: &Terms) -> Plan {
    let Terms {
        agreed,
        delivery,
        schedules,
        chunk_records,
        through_the_platform,
        timeout_ms,
    } = terms;
    let (path, platform) = match through_the_platform {
        false => (PATH, String::new()),
        true => (
            "",
            format!(
                "[delivery.ngsp]\ntoken = \"https://localhost:{port}/token\"\nclient = \"vss\"\n\
                 secret_file = \"ngsp.secret\"\napi = \"{API}\"\nresource = \"/messages\"\n"
            ),
        ),
    };
    let department = format!(
        "{LAST}\n{agreed}\n[agreements.operations.\"taxpayer.reconcile-result\"]\n\
         [delivery]\nwords = \"taxpayer\"\nuri = \"https://localhost:{port}{path}\"\nprivate = true\n{delivery}\
         anchors = \"../ca.pem\"\ntimeout_ms = {timeout_ms}\nbreaker_failures = 1000\nper_minute = 60000\n{platform}"
    );
    let lines: String = schedules
        .split("\n\n")
        .map(|one| format!("\n[[schedules]]\n{one}\ncron = \"0 0 1 1 *\"\nlate_hours = 1\n"))
        .collect();
    let bulk = format!("path = \"bulk\"\nchunk_records = {chunk_records}\n{lines}");
    let plan = House::plan()
        .replace("partners/tax.toml", LAST, department)
        .replace("gateway.toml", "path = \"bulk\"", bulk)
        .replace("gateway.toml", "poll_ms = 100", SOON);
    match through_the_platform {
        true => plan.secret("partners/ngsp.secret", "s3cret\n"),
        false => plan,
    }
}

struct Scene {
    house: House,
    register: Arc<Register>,
    department: Department,
    platform: Option<Arc<Platform>>,
    _serving: Vec<Box<dyn std::any::Any>>,
}

impl Scene {
    async fn new(terms: &Terms, kind: Kind) -> Self {
        let opens: Unpack = |packing, bytes| unpack(packing, bytes, Bounds::default()).ok();
        Self::that(terms, kind, Some(opens)).await
    }

    async fn that(terms: &Terms, kind: Kind, opens: Option<Unpack>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let house = plan(port, terms).start().await;
        let register = Register::open(&house.layout.agency("tax")).unwrap();
        if let Some(opens) = opens {
            register.unpack_with(opens);
        }
        register.misbehave(|knobs| knobs.page_findings = 3);
        let department = Department::of(&house, kind).await;
        register.keep_month(kind, &department.period, department.rows.clone());
        let mut serving: Vec<Box<dyn std::any::Any>> = Vec::new();
        let mut platform = None;
        if terms.through_the_platform {
            let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stands = before(&house, &behind);
            register.stand_behind(PartnerId::parse("ngsp").unwrap());
            serving.push(Box::new(stands.serve(listener).unwrap()));
            serving.push(Box::new(register.serve(behind).unwrap()));
            platform = Some(stands);
        } else {
            serving.push(Box::new(register.serve(listener).unwrap()));
        }
        Self {
            house,
            register,
            department,
            platform,
            _serving: serving,
        }
    }

    async fn start(&self, name: &str) -> Result<String, String> {
        // what an operator begins is named to the second
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let request = StartScheduleRequest {
            name: name.to_owned(),
            period: self.department.period.clone(),
            who: "an.operator".to_owned(),
            why: "agreed for this month".to_owned(),
        };
        let started = client::start_schedule(self.house.gateway().admin(), request).await;
        started
            .map(|started| started.run)
            .map_err(|error| error.to_string())
    }

    async fn line(&self) -> ScheduleLine {
        let listed = client::schedules(self.house.gateway().admin())
            .await
            .unwrap();
        let line = listed
            .schedules
            .into_iter()
            .find(|line| line.name == "ours");
        line.unwrap()
    }

    /// The line, once it says this.
    async fn until(&self, what: &str, holds: impl Fn(&ScheduleLine) -> bool) -> ScheduleLine {
        let started = Instant::now();
        loop {
            let line = self.line().await;
            if holds(&line) {
                return line;
            }
            assert!(started.elapsed() < AT_MOST, "never {what}: {line:?}");
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// What stands open in the ledger, by whose comparison.
    async fn ledger(&self) -> BTreeSet<(Vec<Party>, Seed)> {
        let request = ListDiscrepanciesRequest {
            context: Some(Context {
                sender: "tax".into(),
                ..Context::default()
            }),
            max: 1_000,
            ..ListDiscrepanciesRequest::default()
        };
        let by = Instant::now() + Duration::from_secs(10);
        let client = &self.house.gateway().contract().client;
        let rows = client.discrepancies(by, request).await.unwrap();
        rows.discrepancies
            .into_iter()
            .map(|row| {
                assert_eq!(row.found, 1, "noted twice: {row:?}");
                let sides = row.found_by().collect();
                let one = row.finding.unwrap();
                (sides, (one.category, one.tax_code, one.person))
            })
            .collect()
    }

    fn seeded(&self) -> BTreeSet<(Vec<Party>, Seed)> {
        let seeds = self.department.seeds.iter().cloned();
        seeds.map(|seed| (vec![Party::Tax], seed)).collect()
    }

    /// Cancels whatever of this subject is not over, until the month is.
    async fn cancel(&self, run: &str, subject: &str) {
        let admin = self.house.gateway().admin();
        let started = Instant::now();
        loop {
            let line = self.line().await;
            if line.run == run && line.percent == 100 {
                assert_eq!((&*line.state, &*line.reason), ("refused", "cancelled"));
                return;
            }
            let listed = client::parcels(
                admin,
                ListParcelsRequest {
                    partner: "tax".to_owned(),
                    subject: subject.to_owned(),
                    ..ListParcelsRequest::default()
                },
            );
            for parcel in listed.await.unwrap().parcels {
                let request = ActRequest {
                    deed: "cancel".to_owned(),
                    target: parcel.id,
                    who: "an.operator".to_owned(),
                    why: "the department cannot be believed".to_owned(),
                    law: String::new(),
                };
                // one that is being sent is not cancelled now
                let _ = client::act(admin, request).await;
            }
            assert!(started.elapsed() < AT_MOST, "never cancelled: {line:?}");
            tokio::time::sleep(MOMENT).await;
        }
    }
}

/// The national platform in front of the department, which listens there.
fn before(house: &House, department: &TcpListener) -> Arc<Platform> {
    let target = Target {
        host: "localhost".to_owned(),
        port: department.local_addr().unwrap().port(),
    };
    let application = Application {
        secret: "s3cret".to_owned(),
        apis: vec![API.to_owned()],
        quota: 10_000,
    };
    let (agency, server) = (
        house.layout.agency("ngsp"),
        super::super::ngsp::server(house),
    );
    let platform = Platform::open(&agency, server, Duration::from_secs(3_600)).unwrap();
    let platform = platform.with_application("vss", application);
    let platform = platform.with_service(API, &target, "/taxpayer/v1");
    Arc::new(platform.unwrap())
}

/// Announced, and some of its chunks lost on the way there or back; killed in the middle; each taken once, compared, and
/// noted once.
async fn sent_through_losses_and_a_death(mut scene: Scene) {
    let register = Arc::clone(&scene.register);
    register.misbehave(|knobs| {
        (knobs.drop_replies, knobs.server_errors, knobs.compare_polls) = (2, 2, 2);
        knobs.delay = Duration::from_millis(40);
    });
    let run = scene.start("ours").await.unwrap();
    let started = Instant::now();
    while register
        .sent_month(&run)
        .is_none_or(|month| month.taken < 2)
    {
        assert!(started.elapsed() < AT_MOST, "no chunk came");
        tokio::time::sleep(MOMENT).await;
    }
    register.misbehave(|knobs| knobs.drop_replies += 1);
    scene.house.kill().await;
    scene.house.open().await;
    register.misbehave(|knobs| knobs.drop_replies += 1);
    let line = scene.until("fetching", |line| line.percent >= 60).await;
    assert_eq!(line.run, run);
    scene.house.kill().await;
    scene.house.open().await;
    let line = scene.until("done", |line| line.state == "done").await;
    assert_eq!((&line.run, line.percent), (&run, 100));
    assert_eq!(line.found, scene.department.seeds.len() as u64);
    assert_eq!(register.violations(), Vec::<String>::new());

    // what came is our month: every record once
    let month = register.sent_month(&run).unwrap();
    assert_eq!(month.taken, month.chunks.len());
    assert!(month.taken >= 3 && month.calls > month.taken, "{month:?}");
    assert_eq!(month.period, scene.department.period);
    let found = month.found.unwrap();
    assert!(found.len() > 6, "more than two pages: {found:#?}");

    // nothing missing, nothing extra, and found by them
    assert_eq!(scene.ledger().await, scene.seeded());

    // the same run is the same month: nothing is said or noted again
    scene.house.kill().await;
    scene.house.open().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(scene.line().await.state, "done");
    assert_eq!(register.sent_month(&run).unwrap().calls, month.calls);
    assert_eq!(scene.ledger().await, scene.seeded());
}

#[tokio::test(flavor = "multi_thread")]
async fn our_month_of_employers_in_xml_comes_back_with_what_was_seeded() {
    let scene = Scene::new(&Terms::of(EMPLOYERS, 3), Kind::Employer).await;
    sent_through_losses_and_a_death(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_month_of_persons_in_ndjson_said_in_json_comes_back_with_what_was_seeded() {
    let terms = Terms {
        delivery: "form = \"json\"\n",
        ..Terms::of(PERSONS, 40)
    };
    let scene = Scene::new(&terms, Kind::Person).await;
    sent_through_losses_and_a_death(scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_month_through_the_national_platform_comes_back_the_same() {
    let terms = Terms {
        through_the_platform: true,
        ..Terms::of(EMPLOYERS, 3)
    };
    let scene = Scene::new(&terms, Kind::Employer).await;
    let platform = scene.platform.clone().unwrap();
    platform.lose(1);
    sent_through_losses_and_a_death(scene).await;
    let seen = platform.seen();
    let unanswered = 101_504; // the replies that the department lost
    assert!(
        seen.refused.iter().all(|code| *code == unanswered),
        "{seen:?}"
    );
    assert!(seen.passed.len() > 10, "chunks pass, too: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_department_tells_wrongly_is_refused_by_its_reason_and_notes_nothing() {
    let scene = Scene::new(&Terms::of(EMPLOYERS, 100), Kind::Employer).await;
    let register = &scene.register;
    let set = |bend: &dyn Fn(&mut Mischief)| {
        register.misbehave(|knobs| {
            *knobs = Mischief {
                page_findings: 3,
                ..Mischief::default()
            };
            bend(knobs);
        });
    };
    // what it signs and contradicts itself is over at once
    type Bend = fn(&mut Mischief);
    let signed: [(&str, Bend); 3] = [
        ("page-chain", |knobs| knobs.another_chain = 1),
        ("totals-do-not-add-up", |knobs| knobs.misstate_found = true),
        ("summary-does-not-add-up", |knobs| {
            knobs.misstate_summary = true;
        }),
    ];
    for (reason, bend) in signed {
        set(&bend);
        let run = scene.start("ours").await.unwrap();
        let line = scene
            .until(reason, |line| line.run == run && line.percent == 100)
            .await;
        assert_eq!((&*line.state, &*line.reason), ("refused", reason));
        assert_eq!(scene.ledger().await, BTreeSet::new(), "{reason}");
    }
    // what is not the answer to our question is not taken, and is asked for again
    let unproven: [(&str, &str, Bend); 8] = [
        ("page", "answer-not-proven", |knobs| {
            knobs.another_key = 1_000
        }),
        ("page", "answer-not-proven", |knobs| {
            knobs.flip_a_byte = 1_000
        }),
        ("page", "http-status", |knobs| knobs.server_errors = 1_000),
        ("page", "answer-of-another-subject", |knobs| {
            knobs.another_manifest = 1_000;
        }),
        ("page", "answer-of-another-page", |knobs| {
            knobs.another_page = 1_000;
        }),
        ("page", "page-too-large", |knobs| {
            knobs.too_many_findings = 1_000;
        }),
        ("page", "answer-of-another-question", |knobs| {
            knobs.repeat_page = 1_000;
        }),
        ("chunk", "answer-of-another-subject", |knobs| {
            knobs.another_receipt = 1_000;
        }),
    ];
    for (at, reason, bend) in unproven {
        // up to its pages all is well
        set(&|knobs| match at {
            "page" => knobs.compare_polls = u32::MAX,
            _ => bend(knobs),
        });
        let run = scene.start("ours").await.unwrap();
        let of_run = |line: &ScheduleLine| line.run == run;
        if at == "page" {
            scene
                .until("comparing", |line| {
                    of_run(line) && line.state == "comparing"
                })
                .await;
            set(&bend);
        }
        let line = scene
            .until(reason, |line| of_run(line) && line.reason == reason)
            .await;
        assert!(line.percent < 90, "{line:?}");
        assert_eq!(scene.ledger().await, BTreeSet::new(), "{reason}");
        let subject = match at {
            "chunk" => format!("sent.tax.{run}"),
            _ => format!("page.tax.{run}"),
        };
        scene.cancel(&run, &subject).await;
        assert_eq!(scene.ledger().await, BTreeSet::new(), "{reason}");
    }
    // and nothing that was wrong before keeps an honest month from being taken
    set(&|_| {});
    let run = scene.start("ours").await.unwrap();
    scene
        .until("done", |line| line.run == run && line.state == "done")
        .await;
    assert_eq!(scene.ledger().await, scene.seeded());
}

/// Whether these bytes stand anywhere in a folder of our months. The month goes on meanwhile: where a draft
/// took its last name between the listing and the reading, the folder is read once more.
fn stands_in(folder: &Path, words: &[u8]) -> bool {
    let started = Instant::now();
    loop {
        match all_of(folder) {
            Ok(files) => {
                assert!(!files.is_empty(), "an empty folder shows nothing");
                return files
                    .iter()
                    .any(|bytes| bytes.windows(words.len()).any(|some| some == words));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                assert!(started.elapsed() < AT_MOST, "it never stands still");
            }
        }
    }
}

/// Every file of a folder, or the first that could not be read.
fn all_of(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    fs::read_dir(folder)?
        .map(|entry| fs::read(entry?.path()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_lies_sealed_is_over_without_a_result_in_time_and_goes_away() {
    let terms = Terms {
        schedules: "name = \"ours\"\npartner = \"tax\"\nwhat = \"send-employers\"\npacking = \"plain\"\n",
        ..Terms::of(EMPLOYERS, 100)
    };
    let scene = Scene::new(&terms, Kind::Employer).await;
    scene
        .register
        .misbehave(|knobs| knobs.compare_polls = u32::MAX);
    let run = scene.start("ours").await.unwrap();
    scene
        .until("comparing", |line| line.state == "comparing")
        .await;
    let folder = scene
        .house
        .file("bulk")
        .join("tax")
        .join(format!("o-{run}"));
    // what went in the clear over TLS lies here under a key of its own
    let sent = scene.register.taken_chunk(&run, 1).unwrap();
    let code = sent.split(" mst=\"").nth(1).unwrap();
    let code = code.split('"').next().unwrap();
    assert!(!stands_in(&folder, code.as_bytes()));
    assert!(!stands_in(&folder, b"TaxRecords"));

    scene.house.clock.advance(SignedDuration::from_hours(169));
    let line = scene.until("over", |line| line.state == "refused").await;
    assert_eq!((&*line.run, &*line.reason), (&*run, "no-result-in-time"));
    assert_eq!(scene.ledger().await, BTreeSet::new());
    scene
        .house
        .clock
        .advance(SignedDuration::from_hours(31 * 24));
    until_it(|| !folder.exists()).await;
}

/// Waits for what stands on the disk.
async fn until_it(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < AT_MOST, "never");
        tokio::time::sleep(MOMENT).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_nobody_can_read_any_more_ends_in_time_and_goes_away_too() {
    let mut scene = Scene::new(&Terms::of(EMPLOYERS, 100), Kind::Employer).await;
    scene
        .register
        .misbehave(|knobs| knobs.compare_polls = u32::MAX);
    let run = scene.start("ours").await.unwrap();
    scene
        .until("comparing", |line| line.state == "comparing")
        .await;
    let bulk = scene.house.file("bulk").join("tax");
    let folder = bulk.join(format!("o-{run}"));
    scene.house.kill().await;
    fs::write(folder.join("built"), b"no block of ours").unwrap();
    scene.house.open().await;
    scene.house.clock.advance(SignedDuration::from_hours(169));
    until_it(|| folder.join("outcome").exists()).await;
    let line = scene.line().await;
    assert_eq!((&*line.run, &*line.reason), (&*run, "no-result-in-time"));
    assert_eq!(scene.ledger().await, BTreeSet::new());
    let month = SignedDuration::from_hours(31 * 24);
    scene.house.clock.advance(month);
    until_it(|| !folder.exists()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_the_department_refuses_is_over_with_its_words() {
    // nobody has told it how to open what is packed
    let scene = Scene::that(&Terms::of(EMPLOYERS, 100), Kind::Employer, None).await;
    let run = scene.start("ours").await.unwrap();
    let line = scene.until("over", |line| line.percent == 100).await;
    let reason = "department-refuses: MALFORMED chunk";
    assert_eq!((&*line.state, &*line.reason), ("refused", reason));
    assert_eq!(scene.register.sent_month(&run).unwrap().taken, 0);
    assert_eq!(scene.ledger().await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_agreed_is_sent() {
    // neither the amounts due of employers nor the second number of a person, and of one province only
    let fields = ALL.replace("\"number\", ", "").replace("\"due\", ", "");
    let schedules = "name = \"ours\"\npartner = \"tax\"\nwhat = \"send-persons\"\nprovinces = [\"01\"]\npacking = \"plain\"\n\n\
        name = \"elsewhere\"\npartner = \"tax\"\nwhat = \"send-persons\"\n\n\
        name = \"employers\"\npartner = \"tax\"\nwhat = \"send-employers\"\nprovinces = [\"01\"]\n";
    let terms = Terms {
        agreed: reconcile(&fields, "provinces = [\"01\"]"),
        ..Terms::of(schedules, 1_000)
    };
    let scene = Scene::new(&terms, Kind::Person).await;
    for (name, reason) in [
        ("elsewhere", "province-not-agreed"),
        ("employers", "field-not-agreed"),
    ] {
        let refused = scene.start(name).await.unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
    let run = scene.start("ours").await.unwrap();
    scene.until("done", |line| line.state == "done").await;
    let month = scene.register.sent_month(&run).unwrap();
    assert_eq!(month.provinces, ["01"]);
    let text = scene.register.taken_chunk(&run, 1).unwrap();
    let records = text.matches("<Person ").count();
    assert!(!text.contains(" number="), "not agreed");
    assert_eq!(text.matches(" province=\"01\"").count(), records);
    let whole: u64 = month.chunks.iter().map(|chunk| chunk.records).sum();
    assert_eq!(whole, records as u64);
    // nothing of the others was made or said
    let kept = std::fs::read_dir(scene.house.file("bulk").join("tax")).unwrap();
    assert_eq!(kept.count(), 1);
    let sides: BTreeSet<_> = scene
        .ledger()
        .await
        .into_iter()
        .map(|(_, seed)| seed)
        .collect();
    assert!(sides.is_subset(&scene.department.seeds), "{sides:?}");

    // and without the operation nothing at all
    let terms = Terms {
        agreed: String::new(),
        ..Terms::of(PERSONS, 1_000)
    };
    let scene = Scene::new(&terms, Kind::Person).await;
    let refused = scene.start("ours").await.unwrap_err();
    assert!(refused.contains("operation-not-agreed"), "{refused}");
    assert!(!scene.house.file("bulk").join("tax").exists());
}
