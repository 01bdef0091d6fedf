//! The civil registry hears how its cases stand, unasked: each state once and in order, whatever is lost on the way,
//! and what it heard last is what a poll tells.

use std::{collections::BTreeSet, sync::Arc};

use conformance::{
    dvclt::inbox::{Inbox, PATH, Serving},
    identity::Target,
    ngsp::{Application, Platform},
};
use gateway::admin::client;
use gateway_tests::{
    house::{House, Plan},
    message::{Birth, Json},
};
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    fault::FaultCode,
    id::PartnerId,
    proto::admin::{
        AccessLine, AccessRequest, DecideReviewRequest, DecideReviewResponse, ListParcelsRequest,
        ParcelLine, decide_review_request::Decision,
    },
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    time::{Duration, Instant},
};

use super::civil::{
    again, correction, death, page, polled, say, send, show, supplement, taken_back, waiting,
};

/// What stands last in the file of the sandbox's civil registry.
const LAST: &str = "[agreements.operations.\"civil.result\"]\n";

/// What stands for the registry at the platform.
const API: &str = "/LienThongDVC/1.0";

/// The registry's own server at this address, with further lines about the way, and whether states are agreed.
fn plan_by(uri: &str, way: &str, agreed: bool) -> Plan {
    with_inbox(House::plan(), uri, way, agreed)
}

/// The same beside what the plan has.
pub(super) fn with_inbox(plan: Plan, uri: &str, way: &str, agreed: bool) -> Plan {
    let agreed = match agreed {
        true => "[agreements.operations.\"civil.status\"]\n",
        false => "",
    };
    let terms = format!(
        "{LAST}{agreed}[delivery]\nwords = \"civil\"\nuri = \"{uri}\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\nconcurrency = 4\n\
         timeout_ms = 2000\n{way}"
    );
    plan.replace("partners/dvclt.toml", LAST, terms).replace(
        "gateway.toml",
        "poll_ms = 100",
        "poll_ms = 20\nbackoff_ms = 20",
    )
}

/// The same at a port of this machine.
fn plan(port: u16) -> Plan {
    plan_by(&format!("https://localhost:{port}{PATH}"), "", true)
}

struct Scene {
    house: House,
    inbox: Arc<Inbox>,
    serving: Option<Serving>,
    port: u16,
}

impl Scene {
    async fn start() -> Self {
        Self::start_with(|plan| plan).await
    }

    async fn start_with(change: impl FnOnce(Plan) -> Plan) -> Self {
        let listener = free().await;
        let port = listener.local_addr().unwrap().port();
        let house = change(plan(port)).start().await;
        let inbox = Inbox::open(&house.layout.agency("dvclt")).unwrap();
        Self {
            serving: Some(inbox.serve(listener).unwrap()),
            house,
            inbox,
            port,
        }
    }

    fn birth(&self, number: u32) -> Birth {
        Birth::new(self.house.now(), &self.house.landmarks, number)
    }

    /// Waits until a dossier was told so much.
    async fn told(&self, module: &str, birth: &Birth, states: &[u8]) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let told = self.inbox.dossier(module, &birth.case_id);
            let told = told.map(|dossier| dossier.states()).unwrap_or_default();
            if told == states {
                return;
            }
            assert!(
                Instant::now() < until && told.len() <= states.len(),
                "{module}: {told:?} instead of {states:?}, {:?}",
                self.inbox.violations()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What a dossier heard last is what a poll tells.
    async fn agrees(&self, module: &str, birth: &Birth) {
        let row = match module {
            "LTKS" => polled(&self.house, birth).await,
            _ => self.polled_death(birth).await,
        };
        let dossier = self.inbox.dossier(module, &birth.case_id).unwrap();
        let last = dossier.told.last().unwrap();
        let said = |value: &Value| value.as_str().map(str::to_owned);
        assert_eq!(row["trangThai"], last.state);
        assert_eq!(said(&row["ketQuaXuLy"]), last.result);
        assert_eq!(said(&row["ghiChu"]), last.note);
        assert_eq!(said(&row["thoiGianThucHien"]).as_deref(), Some(&*last.at));
        assert_eq!(said(&row["hanBoSungHoSo"]), last.supplement_by);
    }

    async fn polled_death(&self, birth: &Birth) -> Value {
        let poll = json!({ "maDinhDanhHoSo": [birth.case_id], "maTinh": "01", "module": "LTKT" });
        let body = poll.to_string().into_bytes();
        let path = "/civil/v1/LayKetQua";
        let poll = Json::new(self.house.now(), "dvclt", "civil.result", path, body);
        say(&self.house, poll).await.assert_ok().json()["value"][0].clone()
    }

    /// Waits until nothing is on its way.
    async fn quiet(&self) {
        self.left(0).await;
    }

    /// Waits until so many parcels are neither done nor cancelled.
    async fn left(&self, parcels: usize) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.parcels().await.len() != parcels {
            assert!(Instant::now() < until, "{:?}", self.parcels().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn parcels(&self) -> Vec<ParcelLine> {
        let request = ListParcelsRequest {
            partner: "dvclt".to_owned(),
            ..ListParcelsRequest::default()
        };
        let listed = client::parcels(self.house.gateway().admin(), request).await;
        listed.unwrap().parcels
    }

    /// Waits until the parcel of a case stands so.
    async fn stands(&self, birth: &Birth, state: &str, reason: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let parcels = self.parcels().await;
            let found = parcels
                .iter()
                .find(|one| one.subject.ends_with(&birth.case_id));
            if found.is_some_and(|one| (&*one.state, &*one.reason) == (state, reason)) {
                return;
            }
            assert!(Instant::now() < until, "{found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Says that the child of the only case that waits is the first one shown.
    async fn decide(&self) {
        let decided = self.say(Decision::Candidate(1)).await;
        assert!(decided.card);
    }

    /// Says this of the only case that waits.
    async fn say(&self, decision: Decision) -> DecideReviewResponse {
        let review = waiting(&self.house).await.remove(0);
        let shown = show(&self.house, review.id).await;
        let request = DecideReviewRequest {
            id: review.id,
            decision: Some(decision),
            version: shown.version,
            who: "an.operator".to_owned(),
            why: "asked the ward".to_owned(),
        };
        let decided = client::decide_review(self.house.gateway().admin(), request).await;
        decided.unwrap()
    }
}

/// The card of the newest state that a case was told.
fn card_number(inbox: &Inbox, birth: &Birth) -> String {
    let dossier = inbox.dossier("LTKS", &birth.case_id).unwrap();
    let result = dossier.told.last().unwrap().result.clone().unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    result["maThe"].as_str().unwrap().to_owned()
}

/// Who was told of a person, or asked.
async fn looked(house: &House, person: &str) -> Vec<AccessLine> {
    let request = AccessRequest {
        person: person.to_owned(),
        who: "the auditor".to_owned(),
        why: "who was told".to_owned(),
        max: 50,
    };
    let found = client::accesses(house.gateway().admin(), request).await;
    found.unwrap().accesses
}

async fn free() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_a_case_is_told_once_and_in_order_as_a_poll_tells_it() {
    let scene = Scene::start().await;
    let house = &scene.house;
    scene.inbox.misbehave(|knobs| {
        (knobs.drop_replies, knobs.server_errors, knobs.mumble) = (2, 2, 1);
    });
    let (first, twice) = (scene.birth(0), again(house));
    send(house, &first).await;
    send(house, &twice).await;
    scene.told("LTKS", &first, &[4]).await;
    scene.told("LTKS", &twice, &[3]).await;
    scene.agrees("LTKS", &twice).await;
    let number = card_number(&scene.inbox, &first);
    let rows = looked(house, &number).await;
    let pushed = rows.iter().filter(|row| row.operation == "civil.status");
    let pushed: Vec<_> = pushed.map(|row| (&*row.partner, &*row.fields)).collect();
    assert!(!pushed.is_empty(), "{rows:?}");
    assert!(
        pushed
            .iter()
            .all(|row| *row == ("dvclt", "siNumber,card,validity,facility")),
        "{pushed:?}"
    );
    scene.decide().await;
    scene.told("LTKS", &twice, &[3, 4]).await;

    // the child is one: what is corrected by one case is told of both
    let name = json!({ "nksHoTen": "Trần Hoà Giang" });
    let corrects = "G22.99.10-261123-000001";
    say(house, correction(house, &first, corrects, name))
        .await
        .assert_ok();
    scene.told("LTKS", &first, &[4, 4]).await;
    scene.told("LTKS", &twice, &[3, 4, 4]).await;
    let last = scene.inbox.dossier("LTKS", &first.case_id).unwrap();
    assert!(last.told[1].note.as_ref().unwrap().contains(corrects));

    let dead = Birth {
        name: "Trần Hoà Giang".to_owned(),
        ..first.clone()
    };
    say(house, death(house, &dead)).await.assert_ok();
    scene.told("LTKT", &first, &[4]).await;
    scene.told("LTKS", &first, &[4, 4, 4]).await;
    scene.told("LTKS", &twice, &[3, 4, 4, 4]).await;
    scene.agrees("LTKS", &first).await;
    say(house, taken_back(house, &first)).await.assert_ok();
    scene.told("LTKT", &first, &[4, 4]).await;
    scene.told("LTKS", &first, &[4, 4, 4, 4]).await;
    for (module, birth) in [("LTKS", &first), ("LTKS", &twice), ("LTKT", &first)] {
        scene.agrees(module, birth).await;
    }
    // a repeated message changes nothing, so nothing is told of it
    send(house, &first).await;
    say(house, taken_back(house, &first)).await.assert_ok();
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.told("LTKS", &first, &[4, 4, 4, 4]).await;
    scene.told("LTKT", &first, &[4, 4]).await;
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
    // all of it is on one page: what came, and what was sent with its records
    let shown = page(house, &first).await;
    let came: Vec<_> = shown.messages.iter().map(|one| &*one.operation).collect();
    assert_eq!(
        came,
        [
            "civil.birth",
            "civil.death",
            "civil.correction",
            "civil.correction"
        ]
    );
    let evidence: BTreeSet<_> = shown.messages.iter().map(|one| &one.evidence).collect();
    assert_eq!(evidence.len(), came.len());
    let sent: Vec<_> = shown.sent.iter().map(|one| &*one.subject).collect();
    let of = |module: &str| sent.iter().filter(|one| one.starts_with(module)).count();
    assert_eq!((of("LTKS-"), of("LTKT-"), sent.len()), (4, 2, 6));
    for one in &shown.sent {
        assert!(
            one.state == "done" && one.sending > 0 && one.receipt > 0,
            "{one:?}"
        );
    }
    let repeats = |birth: &Birth| scene.inbox.dossier("LTKS", &birth.case_id).unwrap().repeats;
    assert!(
        repeats(&first) + repeats(&twice) >= 2,
        "what was lost was told again"
    );
    scene.quiet().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_asks_of_the_registry_is_told_answered_and_ends_in_a_card_or_without_one() {
    let scene = Scene::start().await;
    let house = &scene.house;
    scene
        .inbox
        .misbehave(|knobs| (knobs.drop_replies, knobs.server_errors) = (1, 1));
    let (first, twice) = (scene.birth(0), again(house));
    send(house, &first).await;
    send(house, &twice).await;
    let own = "G22.99.10-261123-000001";
    let mother = || json!({ "meSoDDCN": house.landmarks.mothers[1].pin, "meHoTen": "Lê Thị Khác" });
    let early = supplement(house, &twice, own, mother()).sign(&house.key("dvclt"));
    house
        .refuses(
            "dvclt",
            &early,
            FaultCode::RuleRefused,
            "supplement-not-asked",
        )
        .await;
    scene.told("LTKS", &twice, &[3]).await;

    let words = "Bổ sung giấy chứng sinh";
    let asked = scene.say(Decision::Ask(words.to_owned())).await;
    assert_eq!((asked.state, asked.card), (2, false));
    scene.told("LTKS", &twice, &[3, 2]).await;
    scene.agrees("LTKS", &twice).await;
    let row = polled(house, &twice).await;
    assert_eq!(
        (&row["trangThai"], row["noiDungXuLy"].as_str()),
        (&2.into(), Some(words))
    );
    assert!(row["hanBoSungHoSo"].is_string());
    assert!(!waiting(house).await[0].supplement_by.is_empty());

    // papers alone leave the doubt, and a person says more; what was refused is sent under a case of its own
    let papers = "G22.99.10-261123-000002";
    let sent = say(house, supplement(house, &twice, papers, json!({}))).await;
    sent.assert_ok();
    let again = say(house, supplement(house, &twice, papers, json!({}))).await;
    assert_eq!(again.text(), sent.text(), "the same supplement again");
    scene.told("LTKS", &twice, &[3, 2, 3]).await;
    scene.say(Decision::Ask("Sai mẹ?".to_owned())).await;
    scene.told("LTKS", &twice, &[3, 2, 3, 2]).await;
    let facts = supplement(house, &twice, "G22.99.10-261123-000003", mother());
    say(house, facts).await.assert_ok();
    scene.told("LTKS", &twice, &[3, 2, 3, 2, 4]).await;
    scene.agrees("LTKS", &twice).await;
    let (one, other) = (polled(house, &first).await, polled(house, &twice).await);
    assert_ne!(one["ketQuaXuLy"], other["ketQuaXuLy"], "two children");

    // a third case of the first child, which is refused
    let third = Birth::new(house.now(), &house.landmarks, 2)
        .with("meSoDDCN", house.landmarks.mothers[0].pin.clone());
    send(house, &third).await;
    let refused = scene.say(Decision::Refuse("Đã có thẻ".to_owned())).await;
    assert_eq!((refused.state, refused.card), (6, false));
    scene.told("LTKS", &third, &[3, 6]).await;
    scene.agrees("LTKS", &third).await;
    let row = polled(house, &third).await;
    assert_eq!(
        (&row["noiDungXuLy"], &row["ketQuaXuLy"]),
        (&"Đã có thẻ".into(), &Value::Null)
    );
    assert!(waiting(house).await.is_empty());
    scene.quiet().await;
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_card_that_ends_soon_is_announced_once_when_its_schedule_says_so() {
    let schedule = "path = \"bulk\"\n\n[[schedules]]\nname = \"child-cards\"\npartner = \"dvclt\"\n\
        what = \"child-cards\"\ncron = \"* * * * *\"\ndays_off = \"run\"\n";
    let scene = Scene::start_with(|plan| plan.replace("gateway.toml", "path = \"bulk\"", schedule));
    let mut scene = scene.await;
    let births = [scene.birth(0), scene.birth(1)];
    for birth in &births {
        send(&scene.house, birth).await;
        scene.told("LTKS", birth, &[4]).await;
    }
    // six years go by for the first child
    let ends = day_in_viet_nam(scene.house.now()).saturating_add(20.days());
    let registry = rusqlite::Connection::open(scene.house.file("registry.sqlite")).unwrap();
    registry.busy_timeout(Duration::from_secs(5)).unwrap();
    let change = "UPDATE cards SET valid_to = ?2 WHERE number = (SELECT card_number FROM birth_cases WHERE case_id = ?1)";
    let changed = registry.execute(change, (&births[0].case_id, ends.to_string()));
    assert_eq!(changed.unwrap(), 1);
    let minute = jiff::SignedDuration::from_secs(61);
    scene.house.clock.advance(minute);
    scene.told("LTKS", &births[0], &[4, 4]).await;
    scene.agrees("LTKS", &births[0]).await;
    let dossier = scene.inbox.dossier("LTKS", &births[0].case_id).unwrap();
    let note = dossier.told[1].note.clone().unwrap();
    let words = format!("Thẻ hết hạn ngày {}; từ ", ends.strftime("%d/%m/%Y"));
    assert!(
        note.contains(&words) && note.contains("đối tượng HS"),
        "{note}"
    );

    // the next minute, and a new process, tell it no more
    scene.house.kill().await;
    scene.house.open().await;
    scene.house.clock.advance(minute);
    let listed = client::schedules(scene.house.gateway().admin()).await;
    assert_eq!(listed.unwrap().schedules[0].what, "child-cards");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    scene.told("LTKS", &births[0], &[4, 4]).await;
    scene.told("LTKS", &births[1], &[4]).await;
    scene.quiet().await;
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_told_before_a_kill_is_told_after_it_in_order() {
    let mut scene = Scene::start().await;
    scene.serving.take().unwrap().stop().await;
    let births: Vec<Birth> = (0..20).map(|number| scene.birth(number)).collect();
    for birth in &births {
        send(&scene.house, birth).await;
    }
    for (number, birth) in births.iter().enumerate().take(10) {
        let name = json!({ "nksHoTen": "Trần Hoà Giang" });
        let own = format!("G22.99.10-261123-{number:06}");
        let corrected = correction(&scene.house, birth, &own, name);
        say(&scene.house, corrected).await.assert_ok();
    }
    scene.house.kill().await;
    scene.house.open().await;
    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.inbox.misbehave(|knobs| knobs.drop_replies = 5);
    scene.serving = Some(scene.inbox.serve(listener).unwrap());
    for (number, birth) in births.iter().enumerate() {
        let states: &[u8] = if number < 10 { &[4, 4] } else { &[4] };
        scene.told("LTKS", birth, states).await;
        scene.agrees("LTKS", birth).await;
    }
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
    assert_eq!(scene.inbox.dossiers(), births.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_behind_the_national_platform_is_told_through_it() {
    let (front, behind) = (free().await, free().await);
    let port = front.local_addr().unwrap().port();
    let way = format!(
        "[delivery.ngsp]\ntoken = \"https://localhost:{port}/token\"\nclient = \"vss\"\n\
         secret_file = \"ngsp.secret\"\napi = \"{API}\"\nresource = \"/CapNhatTrangThai\"\n"
    );
    let plan = plan_by(&format!("https://localhost:{port}"), &way, true);
    let house = plan
        .secret("partners/ngsp.secret", "s3cret\n")
        .start()
        .await;
    let target = Target {
        host: "localhost".to_owned(),
        port: behind.local_addr().unwrap().port(),
    };
    let application = Application {
        secret: "s3cret".to_owned(),
        apis: vec![API.to_owned()],
        quota: 100,
    };
    let server = super::ngsp::server(&house);
    let life = Duration::from_secs(3_600);
    let platform = Platform::open(&house.layout.agency("ngsp"), server, life).unwrap();
    let platform = platform.with_application("vss", application);
    let platform = Arc::new(platform.with_service(API, &target, "/dvclt/v1").unwrap());
    let _front = platform.serve(front).unwrap();
    let inbox = Inbox::open(&house.layout.agency("dvclt")).unwrap();
    inbox.stand_behind(PartnerId::parse("ngsp").unwrap());
    let scene = Scene {
        serving: Some(inbox.serve(behind).unwrap()),
        house,
        inbox,
        port,
    };
    let birth = scene.birth(0);
    platform.lose(1); // what was lost on the way back is told again under the same id
    send(&scene.house, &birth).await;
    scene.told("LTKS", &birth, &[4]).await;
    scene.quiet().await;
    platform.forget_tokens();
    let name = json!({ "nksHoTen": "Trần Hoà Giang" });
    let corrected = correction(&scene.house, &birth, "G22.99.10-261123-000001", name);
    say(&scene.house, corrected).await.assert_ok();
    scene.told("LTKS", &birth, &[4, 4]).await;
    scene.agrees("LTKS", &birth).await;
    scene.quiet().await;
    let seen = platform.seen();
    assert_eq!((seen.tokens, seen.refused), (2, vec![900_901]));
    let id = |nth: u32| format!("LTKS-{}.{nth}", birth.case_id);
    assert_eq!(seen.passed, [id(1), id(1), id(2)]);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_was_handed_out_holds_up_no_other_and_waits_for_a_person() {
    let scene = Scene::start().await;
    let (closed, open) = (scene.birth(0), scene.birth(1));
    scene.inbox.hand_out("LTKS", &closed.case_id).unwrap();
    send(&scene.house, &closed).await;
    send(&scene.house, &open).await;
    scene.told("LTKS", &open, &[4]).await;
    scene.stands(&closed, "poison", "returned-already").await;
    scene.left(1).await;
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_agreed_never_leaves_and_who_has_no_lane_is_told_nothing() {
    let listener = free().await;
    let port = listener.local_addr().unwrap().port();
    let uri = format!("https://localhost:{port}{PATH}");
    let house = plan_by(&uri, "", false).start().await;
    let inbox = Inbox::open(&house.layout.agency("dvclt")).unwrap();
    let scene = Scene {
        serving: Some(inbox.serve(listener).unwrap()),
        house,
        inbox,
        port,
    };
    let birth = scene.birth(0);
    send(&scene.house, &birth).await;
    scene
        .stands(&birth, "waiting", "operation-not-agreed")
        .await;
    assert_eq!(scene.inbox.dossiers(), 0);

    let house = House::start().await;
    let birth = Birth::new(house.now(), &house.landmarks, 0);
    send(&house, &birth).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let request = ListParcelsRequest::default();
    let listed = client::parcels(house.gateway().admin(), request).await;
    assert_eq!(listed.unwrap().parcels, []);
}
