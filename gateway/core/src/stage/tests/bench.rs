//! The house of one system: the layers in the order of `gateway/src/stack.rs`, over the fakes.

use std::{convert::Infallible, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use certs::keys::Algorithm;
use jiff::civil::date;
use schemas::{
    fault::{Fault, FaultCode},
    id::{PartnerId, XRoadClient},
    wire::xroad::Spelling,
};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tower::{ServiceBuilder, ServiceExt as _, util::BoxCloneSyncService};

use super::{
    super::{
        AdmitLayer, AnswerLayer, Bounds, FaceLayer, Gate, Parts, Perform, PermitLayer,
        ReceiveLayer, RecordLayer, Reply, ResumeLayer, VerifyLayer,
    },
    answered::{Answered, answered},
    diary::{Dial, Diary, Knobs},
    letter::{DVCLT, Letter, OLD, OURS, Pen, START, TAX},
    log::MemoryLog,
    words::{self, Words},
};
use crate::{
    Adapter as _, Committed, Refusal,
    adapter::Road,
    head::{Arrival, Body},
    limits::Tally,
    partner::{
        Agreement, Environment, Grant, Partner, Partners, Quota, Relay, SecurityServer, SenderKey,
    },
    ports::{NoTokens, Unfinished},
    sign::Signer,
};

const GENEROUS: Quota = Quota {
    per_minute: 1,
    burst: 1000,
};

/// So many at once, and no more while a test runs.
pub(super) const fn burst(burst: u32) -> Quota {
    Quota {
        per_minute: 1,
        burst,
    }
}

/// What a test may change before the house is built.
pub(super) struct Setup {
    pub(super) environment: Environment,
    pub(super) places: usize,
    /// The bodies inside, bytes in sum.
    pub(super) body_bytes: usize,
    pub(super) tally: Option<Arc<dyn Tally>>,
    /// How errors are spelt to the security server `ss`.
    pub(super) spelling: Spelling,
    pub(super) tax: Partner,
    pub(super) dvclt: Partner,
}

pub(super) struct Bench {
    pub(super) diary: Diary,
    pub(super) clock: Dial,
    pub(super) knobs: Knobs,
    pub(super) log: Arc<MemoryLog>,
    pub(super) words: Arc<Words>,
    pub(super) gate: Arc<Gate>,
    pub(super) parts: Parts,
    front: BoxCloneSyncService<Arrival, Reply, Infallible>,
    resume: BoxCloneSyncService<Unfinished, Committed, Refusal>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            environment: Environment::Sandbox,
            places: 100,
            body_bytes: usize::MAX,
            tally: None,
            spelling: Spelling::New,
            tax: partner("tax", &[("key-1", &TAX), ("key-old", &OLD)]),
            dvclt: partner("dvclt", &[("key-1", &DVCLT)]),
        };
        change(&mut setup);
        let (diary, clock, knobs) = (Diary::default(), Dial::at(*START), Knobs::default());
        let log = MemoryLog::new(clock.clone(), diary.clone(), knobs.clone());
        let words = Words {
            diary: diary.clone(),
            knobs: knobs.clone(),
            ..Words::default()
        };
        let bounds = Bounds {
            body_bytes: words::BODY_BYTES_MAX,
            body_bytes_in_flight: setup.body_bytes,
            ..Bounds::NONE
        };
        let gate = Gate::counted_by(setup.places, bounds, setup.tally.take());
        let log = Arc::new(log);
        let parts = Parts {
            signer: Arc::new(ArcSwap::from_pointee(signer(setup.environment))),
            partners: Arc::new(ArcSwap::from_pointee(partners(setup))),
            log: Arc::clone(&log) as _,
            clock: Arc::new(clock.clone()),
            sight: Arc::new(diary.clone()),
            tasks: TaskTracker::new(),
            tokens: Arc::new(NoTokens),
            logins: Arc::default(),
            bulk: Arc::new(crate::bulk::NoBulk),
        };
        Self::build(diary, clock, knobs, log, Arc::new(words), gate, parts)
    }

    fn build(
        diary: Diary,
        clock: Dial,
        knobs: Knobs,
        log: Arc<MemoryLog>,
        words: Arc<Words>,
        gate: Arc<Gate>,
        parts: Parts,
    ) -> Self {
        let routes = words.routes();
        let shared = || (parts.clone(), Arc::clone(&words));
        let ((p3, a3), (p4, a4), (p8, a8), (p7, a7)) = (shared(), shared(), shared(), shared());
        let rooms = ServiceBuilder::new()
            .layer(ReceiveLayer {
                parts: p3,
                adapter: a3,
            })
            .layer(VerifyLayer {
                parts: p4,
                adapter: a4,
            })
            .layer(PermitLayer::counted_by(parts.clone(), gate.tally()))
            .layer(RecordLayer {
                parts: parts.clone(),
            })
            .layer(AnswerLayer {
                parts: p8,
                adapter: a8,
            })
            .service(Perform {
                parts: p7,
                adapter: a7,
            });
        let (face_parts, face_words) = shared();
        let front = ServiceBuilder::new()
            .layer(FaceLayer {
                parts: face_parts,
                adapter: face_words,
            })
            .layer(AdmitLayer {
                parts: parts.clone(),
                gate: Arc::clone(&gate),
                routes,
                is_soap: false,
            })
            .service(rooms.clone());
        let resume = ServiceBuilder::new()
            .layer(ResumeLayer { routes })
            .service(rooms);
        Self {
            front: BoxCloneSyncService::new(front),
            resume: BoxCloneSyncService::new(resume),
            diary,
            clock,
            knobs,
            log,
            words,
            gate,
            parts,
        }
    }

    pub(super) async fn send(&self, letter: &Letter) -> Answered {
        self.arrive(letter.arrival()).await
    }

    pub(super) async fn send_body(&self, letter: &Letter, body: Body) -> Answered {
        self.arrive(letter.arrival_with(body)).await
    }

    pub(super) async fn arrive(&self, arrival: Arrival) -> Answered {
        let Ok(reply) = self.front.clone().oneshot(arrival).await;
        answered(reply).await
    }

    /// Sends on a connection of its own, which can be aborted.
    pub(super) fn start(&self, letter: &Letter) -> JoinHandle<Answered> {
        let (front, arrival) = (self.front.clone(), letter.arrival());
        tokio::spawn(async move {
            let Ok(reply) = front.oneshot(arrival).await;
            answered(reply).await
        })
    }

    pub(super) async fn take_up(&self, unfinished: Unfinished) -> Result<Committed, Refusal> {
        self.resume.clone().oneshot(unfinished).await
    }

    /// Waits until nothing is past T1 any more.
    pub(super) async fn settle(&self) {
        self.parts.tasks.close();
        self.parts.tasks.wait().await;
        self.parts.tasks.reopen();
    }

    /// The next effect ends with this fault.
    pub(super) fn fail_with(&self, code: FaultCode, reason: &'static str) {
        let fault = Fault::new(code, reason);
        self.words.faults.lock().unwrap().push_back(fault);
    }

    /// Every message from now on is one that is not taken where it is new.
    pub(super) fn object_to_all(&self, code: FaultCode, reason: &'static str) {
        let fault = Fault::new(code, reason);
        *self.words.objection.lock().unwrap() = Some(fault);
    }

    /// The keys under which effects were asked for.
    pub(super) fn effect_keys(&self) -> Vec<[u8; 32]> {
        let contexts = self.words.contexts.lock().unwrap();
        contexts.iter().map(|context| context.key).collect()
    }

    pub(super) fn effects(&self) -> usize {
        self.diary.times("perform")
    }
}

/// Our name on X-Road.
pub(super) const US: &str = "VN/GOV/000.00.00.X98/vss";

pub(super) fn id(text: &str) -> PartnerId {
    PartnerId::parse(text).unwrap()
}

fn signer(environment: Environment) -> Signer {
    Signer::new(OURS.signing(), "vss-1".into(), None, id("vss"), environment)
}

fn partners(setup: Setup) -> Partners {
    let server = Partner {
        security_server: Some(SecurityServer {
            us: XRoadClient::parse(US).unwrap(),
            errors: setup.spelling,
        }),
        keyed: None,
        login: None,
        dci: None,
        hub: None,
        triggers: None,
        relays: Vec::new(),
        ..partner("ss", &[])
    };
    let all = vec![setup.tax, setup.dvclt, partner("ngsp", &[]), server];
    Partners::new(setup.environment, id("vss"), all).unwrap()
}

fn partner(name: &str, pens: &[(&str, &Pen)]) -> Partner {
    let key = |(kid, pen): &(&str, &Pen)| {
        Arc::new(SenderKey {
            kid: (*kid).to_owned(),
            algorithm: Algorithm::Es256,
            key: pen.verifying(),
        })
    };
    let relay = Relay {
        road: Road::Ngsp,
        relay: id("ngsp"),
        client: None,
    };
    Partner {
        id: id(name),
        name: name.to_owned(),
        active: true,
        stopped: std::collections::BTreeSet::new(),
        peers: Vec::new(),
        relays: vec![relay],
        keys: pens.iter().map(key).collect(),
        agreements: vec![agreement()],
        window: Duration::from_secs(300),
        peer_quota: GENEROUS,
        token: None,
        security_server: None,
        keyed: None,
        login: None,
        dci: None,
        hub: None,
        triggers: None,
    }
}

fn agreement() -> Agreement {
    let grant = || Grant {
        fields: ["fund".to_owned()].into(),
        quota: GENEROUS,
        lines_max: 1_000,
        provinces: schemas::codes::province_set::ProvinceSet::COUNTRY,
    };
    let operations = words::operations().map(|operation| (operation.name.to_owned(), grant()));
    Agreement {
        number: "TN-01".into(),
        legal_basis: "Circular 13/2017".into(),
        purposes: ["audit".to_owned()].into(),
        operations: operations.into(),
        roads: [Road::Direct, Road::Ngsp].into(),
        valid_from: date(2026, 1, 1),
        valid_to: None,
        attested: false,
    }
}
