//! A whole gateway in this process: its folder, its people, its partners, real sockets.
//!
//! The folder is made and seeded once per test binary and copied for each house. Each gateway has a
//! runtime of its own, so that killing it takes everything with it, as a killed process would.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use certs::{
    keys::{Algorithm, SigningKey, VerifyingKey},
    pki::{Authority, KeyChoice},
    tls::{Anchors, Identity},
    xmldsig,
};
use conformance::portal::{Portal, Serving};
use gateway::{
    config::Config,
    gateway::Gateway,
    sandbox::{files::Settings, layout::Layout},
};
use gateway_core::ports::Clock as _;
use insurance::seed::Landmarks;
use jiff::Timestamp;
use schemas::{fault::FaultCode, proto::insurance::FingerprintRequest};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

use crate::{
    client::{Reply, Wire},
    clock::TestClock,
    message::{Json, Message, Tax, tax::text_of},
    tape,
};

/// How many synthetic people live in each house.
const PEOPLE: u32 = 300;

/// What differs from the usual house.
type Edit = Box<dyn Fn(&Path) + Send>;

/// A house that is not built yet.
pub struct Plan {
    edits: Vec<Edit>,
    portal: bool,
    step_millis: u64,
}

impl Plan {
    /// Replaces a piece of text in a file of the gateway's; the piece must be there.
    #[must_use]
    pub fn replace(
        mut self,
        file: &'static str,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        let (from, to) = (from.into(), to.into());
        self.edits.push(Box::new(move |root| {
            replace(&root.join("gateway").join(file), &from, &to)
        }));
        self
    }

    /// Puts a file beside the gateway's.
    #[must_use]
    pub fn write(mut self, file: &'static str, text: String) -> Self {
        self.edits.push(Box::new(move |root| {
            fs::write(root.join("gateway").join(file), &text).unwrap()
        }));
        self
    }

    /// Puts a file beside the gateway's that nobody else may read.
    #[must_use]
    pub fn secret(mut self, file: &'static str, text: &'static str) -> Self {
        self.edits.push(Box::new(move |root| {
            certs::pki::write_private(&root.join("gateway").join(file), text).unwrap();
        }));
        self
    }

    /// Adds lines to the section `[limits]`.
    #[must_use]
    pub fn limits(self, lines: &str) -> Self {
        self.replace("gateway.toml", "[limits]\n", format!("[limits]\n{lines}\n"))
    }

    /// With the simulated portal, and an office that moves dossiers every so many milliseconds.
    #[must_use]
    pub fn with_portal(mut self, step_millis: u64) -> Self {
        (self.portal, self.step_millis) = (true, step_millis);
        self
    }

    /// Builds the house and opens its doors.
    pub async fn start(self) -> House {
        House::build(self).await
    }
}

/// Replaces a piece of text in a file; the piece must be there.
pub fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", file.display());
    // a file that changes within the clock's tick must change its length as well, or not be the same
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// A running gateway and everything around it.
pub struct House {
    folder: TempDir,
    /// Where each file is.
    pub layout: Layout,
    /// The gateway's clock.
    pub clock: Arc<TestClock>,
    /// People and employers to speak about.
    pub landmarks: Landmarks,
    /// The simulated portal, where the plan has one.
    pub portal: Option<Arc<Portal>>,
    running: Option<Running>,
    served: Option<Serving>,
}

struct Running {
    gateway: Arc<Gateway>,
    runtime: Runtime,
    address: SocketAddr,
}

impl House {
    /// The usual house.
    pub async fn start() -> Self {
        Self::plan().start().await
    }

    /// A house to change before it starts.
    #[must_use]
    pub fn plan() -> Plan {
        Plan {
            edits: Vec::new(),
            portal: false,
            step_millis: 0,
        }
    }

    async fn build(plan: Plan) -> Self {
        let _ = tape::tape();
        let (folder, landmarks) = self::folder();
        let layout = Layout::new(folder.path());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        layout
            .write_config(&settings(port, plan.step_millis))
            .unwrap();
        for edit in &plan.edits {
            edit(folder.path());
        }
        let mut house = Self {
            folder,
            layout,
            clock: TestClock::running(),
            landmarks,
            portal: None,
            running: None,
            served: None,
        };
        house.open().await;
        if plan.portal {
            let portal = Portal::open(&house.layout.agency("portal"), None).unwrap();
            house.served = Some(portal.serve(listener).unwrap());
            house.portal = Some(portal);
        }
        house
    }

    /// Opens the doors (again), on a new port.
    pub async fn open(&mut self) {
        assert!(self.running.is_none(), "it is open");
        let config =
            Config::load(&self.layout.config()).unwrap_or_else(|problems| panic!("{problems:?}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let clock: Arc<dyn gateway_core::ports::Clock> = Arc::<TestClock>::clone(&self.clock);
        let gateway = runtime
            .spawn(Gateway::start_with(config, clock))
            .await
            .unwrap();
        let gateway = gateway.unwrap_or_else(|error| panic!("{error}"));
        let address = gateway.address();
        self.layout
            .write_identities(&format!("https://localhost:{}", address.port()))
            .unwrap();
        self.running = Some(Running {
            gateway: Arc::new(gateway),
            runtime,
            address,
        });
    }

    /// Ends the gateway as a kill would: nothing is finished, nothing is written down.
    pub async fn kill(&mut self) {
        let running = self.running.take().expect("it runs");
        let ended = tokio::task::spawn_blocking(move || {
            running.runtime.shutdown_timeout(Duration::from_secs(10));
            drop(running.gateway);
        });
        ended.await.unwrap();
    }

    /// Starts the portal again on its port, from what it wrote down.
    pub async fn reopen_portal(&mut self) {
        let served = self.served.take().expect("it serves");
        let address = served.address();
        served.stop().await;
        self.portal = None;
        let portal = Portal::open(&self.layout.agency("portal"), None).unwrap();
        let listener = TcpListener::bind(address).await.unwrap();
        self.served = Some(portal.serve(listener).unwrap());
        self.portal = Some(portal);
    }

    /// Lets the gateway finish what is inside, then ends it.
    pub async fn drain(&mut self) {
        let running = self.running.take().expect("it runs");
        let gateway = Arc::into_inner(running.gateway).expect("nobody else holds the gateway");
        running.runtime.spawn(gateway.drain()).await.unwrap();
        running.runtime.shutdown_background();
    }

    /// The running gateway.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.running().gateway
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }

    /// Where partners connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// The house's own folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the gateway's.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.layout.gateway(name)
    }

    /// Now, by the gateway's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The wire of a registered partner.
    #[must_use]
    pub fn wire(&self, partner: &str) -> Wire {
        let folder = self.layout.agency(partner);
        let identity =
            Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key")).unwrap();
        self.wire_of(Some(&identity))
    }

    /// The wire of somebody with this certificate, or none.
    #[must_use]
    pub fn wire_of(&self, identity: Option<&Identity>) -> Wire {
        Wire::new(self.address(), &self.anchors(), identity)
    }

    /// What a server's certificate must lead to.
    #[must_use]
    pub fn anchors(&self) -> Anchors {
        Anchors::from_file(&self.file("ca.pem")).unwrap()
    }

    /// One of the certificates that must be refused.
    #[must_use]
    pub fn hostile(&self, name: &str) -> Identity {
        let file = |end: &str| self.layout.hostile().join(format!("{name}.{end}"));
        Identity::from_files(&file("pem"), &file("key")).unwrap()
    }

    /// The authority that issued every certificate of the house.
    #[must_use]
    pub fn authority(&self) -> Authority {
        Authority::open_or_create(&self.layout.pki(), "sandbox", Timestamp::now()).unwrap()
    }

    /// A partner's signing key.
    #[must_use]
    pub fn key(&self, partner: &str) -> SigningKey {
        let pem = fs::read(self.layout.agency(partner).join("sign.key")).unwrap();
        SigningKey::from_pem(&pem, Some(Algorithm::Es256)).unwrap()
    }

    /// The key under our answers.
    #[must_use]
    pub fn our_key(&self) -> VerifyingKey {
        VerifyingKey::from_certificate_pem(&fs::read(self.file("sign.pem")).unwrap()).unwrap()
    }

    /// A hash over every business row of the insurance database.
    pub async fn fingerprint(&self) -> Vec<u8> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        let client = &self.gateway().contract().client;
        client
            .fingerprint(deadline, FingerprintRequest {})
            .await
            .unwrap()
            .sha256
    }

    /// Sends from this partner and shows that the message is refused by this code and reason, and
    /// that not one row of the insurance database has changed.
    pub async fn refuses(
        &self,
        partner: &str,
        message: &Message,
        code: FaultCode,
        reason: &str,
    ) -> Reply {
        let before = self.fingerprint().await;
        let reply = self.wire(partner).send(message).await;
        reply.assert_fault(code, reason);
        assert!(
            self.fingerprint().await == before,
            "{reason}: the insurance database has changed"
        );
        reply
    }

    /// The same where the reason may be one of several.
    pub async fn refuses_any(&self, partner: &str, message: &Message, code: FaultCode) -> Reply {
        let before = self.fingerprint().await;
        let reply = self.wire(partner).send(message).await;
        reply.assert_fault(code, &reply.reason());
        assert!(
            self.fingerprint().await == before,
            "the insurance database has changed"
        );
        reply
    }

    /// A verification of the largest employer, for these fields.
    #[must_use]
    pub fn verify(&self, fields: &[&str]) -> Tax {
        let Landmarks {
            employer, period, ..
        } = &self.landmarks;
        Tax::verify(self.now(), &employer.mst, period, fields)
    }

    /// Proves that a reply is our signed answer to this message, by the binding in its header.
    #[track_caller]
    pub fn assert_answers(&self, asked: &Tax, reply: &Reply) {
        xmldsig::verify(&reply.body, &self.our_key(), &xmldsig::Profile::default()).unwrap();
        for (name, expected) in [
            ("InReplyTo", asked.id.as_str()),
            ("RequestDigest", &asked.digest()),
            ("Direction", "answer"),
            ("Sender", "vss"),
            ("Receiver", &asked.sender),
            ("Environment", "sandbox"),
            ("Operation", &asked.operation),
        ] {
            assert_eq!(text_of(reply.text(), name), Some(expected), "{name}");
        }
    }

    /// The same for JSON; `id` is the id under which the message is remembered.
    #[track_caller]
    pub fn assert_answers_json(&self, asked: &Json, id: &str, reply: &Reply) {
        let unproven = certs::jws::parse(reply.header("x-jws-signature")).unwrap();
        let proof = unproven
            .verify(&self.our_key(), Algorithm::Es256, &reply.body)
            .unwrap();
        let header = proof.into_header();
        assert_eq!(header.dir, certs::jws::Direction::Answer);
        assert_eq!(
            (header.iss.as_str(), header.aud.as_str()),
            ("vss", asked.text("iss"))
        );
        assert_eq!(
            (header.env.as_str(), header.op.as_str()),
            ("sandbox", asked.text("op"))
        );
        assert_eq!(
            (header.irt.as_deref(), header.dig),
            (Some(id), Some(asked.digest()))
        );
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}

/// A seeded folder that houses are copied from.
struct Model {
    folder: TempDir,
    landmarks: Landmarks,
}

/// A seeded folder of one's own whose config is still to be written, and whom one may speak about.
#[must_use]
pub fn folder() -> (TempDir, Landmarks) {
    let (model, folder) = (model(), tempfile::tempdir().unwrap());
    copy(model.folder.path(), folder.path());
    (folder, model.landmarks.clone())
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| std::thread::spawn(make_model).join().unwrap())
}

/// One gateway is started, so that whatever it makes on a first start is made, and drained.
fn make_model() -> Model {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    layout.make(Timestamp::now(), KeyChoice::P256).unwrap();
    layout.write_config(&settings(1, 0)).unwrap();
    let config = Config::load(&layout.config()).unwrap_or_else(|problems| panic!("{problems:?}"));
    let runtime = Runtime::new().unwrap();
    let landmarks = runtime.block_on(async {
        let gateway = Gateway::start(config).await.unwrap();
        let registry = gateway.contract().registry.clone().unwrap();
        let landmarks = insurance::seed::landmarks(&registry).unwrap();
        drop(registry);
        gateway.drain().await;
        landmarks
    });
    drop(runtime);
    for file in fs::read_dir(layout.gateway(""))
        .unwrap()
        .map(Result::unwrap)
    {
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("store.sqlite")
        {
            fs::remove_file(file.path()).unwrap();
        }
    }
    Model { folder, landmarks }
}

fn settings(portal: u16, step_millis: u64) -> Settings {
    Settings {
        port: 0,
        admin_port: 0,
        people: PEOPLE,
        seed: 20_261_122,
        portal: format!("https://localhost:{portal}"),
        algorithm: "ES256",
        step_millis,
        department: None,
        time_stamps: None,
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
