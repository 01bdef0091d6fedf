//! The listener over a real socket.

use futures_util::future::BoxFuture;
use gateway_core::Evidence;
use gateway_core::ports::{
    Access, AccessStory, Act, ActStory, Acted, Adoption, Answered, Census, Claimed, Entry, InForce,
    Judgement, Known, LaneCensus, Ledger, LookUp, Note, Notes, Orders, Parcel, ParcelFile,
    ParcelFilter, ParcelStory, Pull, PullBook, PullFile, PullStory, Receipted, Recovering,
    RefusalNote, Resent, StoreError, StoredAnswer, Story, SystemClock, Telling, Unfinished, Wish,
};
use schemas::{
    id::{MessageId, PartnerId},
    proto::admin::{ActRequest, ListParcelsRequest},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

mod operators;

/// A log that remembers one dead parcel and nothing else.
struct Remembered;

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

fn unused<T: Send + 'static>() -> Answer<'static, T> {
    Box::pin(async { Err(StoreError::Busy) })
}

impl MessageLog for Remembered {
    fn known(&self, _: &PartnerId, _: &MessageId, _: &[u8; 32]) -> Answer<'_, Known> {
        unused()
    }
    fn claim(&self, _: Entry) -> Answer<'_, Claimed> {
        unused()
    }
    fn commit(
        &self,
        _: Evidence,
        _: StoredAnswer,
        _: Vec<Parcel>,
        _: Vec<Access>,
    ) -> Answer<'_, ()> {
        unused()
    }
    fn record(&self, _: Entry, _: StoredAnswer, _: Vec<Access>) -> Answer<'_, Claimed> {
        unused()
    }
    fn release(&self, _: Evidence) -> Answer<'_, ()> {
        unused()
    }
    fn refuse(&self, _: RefusalNote) -> Answer<'_, ()> {
        unused()
    }
    fn unfinished(&self, _: usize) -> Answer<'_, Vec<Unfinished>> {
        unused()
    }
    fn quarantine(&self, _: Evidence, _: &'static str) -> Answer<'_, bool> {
        unused()
    }
    fn story(&self, _: &str) -> Answer<'_, Vec<Story>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn census(&self) -> Answer<'_, Census> {
        let lane = LaneCensus {
            partner: PartnerId::parse("portal").unwrap(),
            waiting: 2,
            dead: 1,
            poison: 0,
            oldest: None,
        };
        Box::pin(async {
            Ok(Census {
                journal_records: 5,
                lanes: vec![lane],
                ..Census::default()
            })
        })
    }
}

/// An outbox that knows nothing and takes every act.
struct Quiet;

impl Office for Quiet {
    fn list(&self, _: ParcelFilter) -> Answer<'_, Vec<ParcelStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn show(&self, _: &str) -> Answer<'_, Option<ParcelFile>> {
        Box::pin(async { Ok(None) })
    }
    fn act(&self, _: Act) -> Answer<'_, Acted> {
        Box::pin(async { Ok(Acted::NotNow("being-sent")) })
    }
    fn orders(&self) -> Answer<'_, Orders> {
        Box::pin(async { Ok(Orders::default()) })
    }
    fn recovering(&self) -> Answer<'_, Option<Recovering>> {
        Box::pin(async { Ok(None) })
    }
    fn acts(&self, _: usize) -> Answer<'_, Vec<ActStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn newest_act(&self, _: &'static str, _: &str) -> Answer<'_, Option<ActStory>> {
        Box::pin(async { Ok(None) })
    }
}

impl PullBook for Quiet {
    fn planned(&self, _: &PartnerId) -> Answer<'_, Option<jiff::Timestamp>> {
        Box::pin(async { Ok(None) })
    }
    fn telling(&self, _: &Pull, _: usize) -> Answer<'_, Telling> {
        Box::pin(async { Ok(Telling::default()) })
    }
    fn plan(&self, _: Vec<(Pull, Parcel)>) -> Answer<'_, usize> {
        Box::pin(async { Ok(0) })
    }
    fn answered(&self, _: &PartnerId, _: usize) -> Answer<'_, Vec<Answered>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn never_came(&self, _: &PartnerId, _: Vec<MessageId>) -> Answer<'_, Vec<MessageId>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn judge(&self, _: Judgement) -> Answer<'_, Acted> {
        Box::pin(async { Ok(Acted::NotFound) })
    }
    fn receipted(&self, _: &Pull, _: &'static [&'static str], _: usize) -> Answer<'_, Receipted> {
        Box::pin(async { Ok(Receipted::default()) })
    }
    fn resend(&self, _: Wish, _: u32) -> Answer<'_, Resent> {
        Box::pin(async { Ok(Resent::Again(0)) })
    }
    fn pulls(&self, _: Option<&PartnerId>, _: usize) -> Answer<'_, Vec<PullStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn pull(&self, _: &str) -> Answer<'_, Option<PullFile>> {
        Box::pin(async { Ok(None) })
    }
}

impl Ledger for Quiet {
    fn accesses(&self, _: LookUp, _: usize) -> Answer<'_, Vec<AccessStory>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Notes for Quiet {
    fn notes(&self, _: &PartnerId) -> Answer<'_, Vec<Note>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn write(&self, _: &PartnerId, _: Note) -> Answer<'_, bool> {
        Box::pin(async { Ok(true) })
    }
}

impl Registrations for Quiet {
    fn in_force(&self) -> Answer<'_, Vec<InForce>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn adopt(&self, _: Adoption, _: String, _: String) -> Answer<'_, Acted> {
        unused()
    }
}

struct Scene {
    address: std::net::SocketAddr,
    readiness: Readiness,
    _stop: watch::Sender<bool>,
}

async fn scene(scope: Scope) -> Scene {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let us = PartnerId::parse("vss").unwrap();
    let partners = Partners::new(Environment::Sandbox, us, Vec::new()).unwrap();
    let readiness = Readiness::new();
    let parts = AdminParts {
        log: Arc::new(Remembered),
        office: Arc::new(Quiet),
        book: Arc::new(Quiet),
        notes: Arc::new(Quiet),
        ledger: Arc::new(Quiet),
        registrations: Arc::new(Quiet),
        insurance: None,
        asking: None,
        papers: None,
        population: None,
        operators: None,
        metrics: Arc::new(Metrics::new()),
        partners: Arc::new(ArcSwap::from_pointee(partners)),
        clock: Arc::new(SystemClock),
        readiness: readiness.clone(),
        environment: Environment::Sandbox,
    };
    let (stop, stops) = watch::channel(false);
    tokio::spawn(accept(listener, parts, scope, stops));
    Scene {
        address,
        readiness,
        _stop: stop,
    }
}

async fn get(scene: &Scene, path: &str) -> String {
    send(
        scene,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    )
    .await
}

async fn send(scene: &Scene, request: &str) -> String {
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn probes_follow_the_life_of_the_process() {
    let scene = scene(Scope::Operators).await;
    assert!(get(&scene, "/live").await.starts_with("HTTP/1.1 200"));
    assert!(get(&scene, "/ready").await.starts_with("HTTP/1.1 503"));
    assert!(get(&scene, "/startup").await.starts_with("HTTP/1.1 503"));
    scene.readiness.ready();
    assert!(get(&scene, "/ready").await.starts_with("HTTP/1.1 200"));
    assert!(get(&scene, "/startup").await.starts_with("HTTP/1.1 200"));
    scene.readiness.draining();
    assert!(get(&scene, "/ready").await.starts_with("HTTP/1.1 503"));
    assert!(get(&scene, "/live").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn metrics_are_open_metrics_with_the_stores_counts() {
    let answer = get(&scene(Scope::Operators).await, "/metrics").await;
    assert!(
        answer.contains("content-type: application/openmetrics-text"),
        "{answer}"
    );
    assert!(answer.contains("lienthong_journal_records 5"));
    assert!(answer.contains("lienthong_outbox_parcels{partner=\"portal\",state=\"dead\"} 1"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let scene = scene(Scope::Operators).await;
    assert!(get(&scene, "/etc/passwd").await.starts_with("HTTP/1.1 404"));
    let post =
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert!(send(&scene, post).await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn the_status_page_says_what_is_wrong_and_what_to_do() {
    let scene = scene(Scope::Operators).await;
    scene.readiness.ready();
    let page = client::status(scene.address).await.unwrap();
    assert!(page.ready);
    assert_eq!(page.journal_records, 5);
    assert_eq!(page.findings.len(), 1, "{:?}", page.findings);
    assert_eq!(page.findings[0].severity, "error");
    assert!(page.findings[0].what.contains("1 parcels for portal"));
    assert_eq!(page.lanes[0].state, "needs a person");
}

#[tokio::test]
async fn an_id_that_nobody_knows_has_no_story() {
    let scene = scene(Scope::Operators).await;
    assert!(
        client::explain(scene.address, "no-such-id")
            .await
            .unwrap()
            .stories
            .is_empty()
    );
    let refused = client::explain(scene.address, "").await.unwrap_err();
    assert!(matches!(refused, client::Error::Refused(_)));
}

#[tokio::test]
async fn the_probes_listener_knows_no_operators_contract() {
    let scene = scene(Scope::Probes).await;
    assert!(get(&scene, "/live").await.starts_with("HTTP/1.1 200"));
    assert!(client::status(scene.address).await.is_err());
}

#[tokio::test]
async fn a_gateway_that_is_down_is_told_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(
        client::status(address).await,
        Err(client::Error::Down(_))
    ));
}

#[tokio::test]
async fn an_act_without_who_or_why_or_of_no_known_kind_is_refused_with_its_reason() {
    let scene = scene(Scope::Operators).await;
    let good = || ActRequest {
        deed: "replay".to_owned(),
        target: "change-9.sync".to_owned(),
        who: "an".to_owned(),
        why: "repaired".to_owned(),
        law: String::new(),
    };
    let refusal = |act: ActRequest| async {
        client::act(scene.address, act)
            .await
            .unwrap_err()
            .to_string()
    };
    for (act, why) in [
        (
            ActRequest {
                who: " ".into(),
                ..good()
            },
            "who does it",
        ),
        (
            ActRequest {
                who: "x".repeat(201),
                ..good()
            },
            "who does it",
        ),
        (
            ActRequest {
                why: String::new(),
                ..good()
            },
            "why, in",
        ),
        (
            ActRequest {
                why: "x".repeat(2_001),
                ..good()
            },
            "why, in",
        ),
        (
            ActRequest {
                deed: "forget".into(),
                ..good()
            },
            "no such deed",
        ),
        (
            ActRequest {
                target: String::new(),
                ..good()
            },
            "a parcel's id",
        ),
        (
            ActRequest {
                deed: "recover".into(),
                ..good()
            },
            "an evidence id",
        ),
        (
            ActRequest {
                deed: "pause-lane".into(),
                target: "!".into(),
                ..good()
            },
            "a partner's id",
        ),
        (
            ActRequest {
                deed: "pause-lane".into(),
                target: "nobody".into(),
                ..good()
            },
            "no such partner",
        ),
        (good(), "being-sent"),
    ] {
        let refused = refusal(act.clone()).await;
        assert!(refused.contains(why), "{act:?}: {refused}");
    }
    let unknown = client::parcel(scene.address, "nobody").await.unwrap_err();
    assert!(unknown.to_string().contains("no such parcel"), "{unknown}");
    let state = ListParcelsRequest {
        state: "lost".to_owned(),
        ..ListParcelsRequest::default()
    };
    let unknown = client::parcels(scene.address, state).await.unwrap_err();
    assert!(unknown.to_string().contains("no such state"), "{unknown}");
}
