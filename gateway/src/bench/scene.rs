//! A seeded sandbox folder, and messages signed before the clock starts.

use std::{
    error::Error,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use certs::{keys::SigningKey, pki::KeyChoice};
use conformance::identity::Identity;
use gateway_core::ports::{Clock, SystemClock};
use insurance::seed::Landmarks;
use schemas::{
    id::{MessageId, PartnerId, Period, TaxId},
    wire::tax::{
        Body, Direction, Environment, FieldName, Header, Message, Ping, Request, VerifyEmployer,
        encode, root_id,
    },
};

use super::{Key, Options};
use crate::{
    config::{Config, Snapshot},
    gateway::StartError,
    sandbox::{files::Settings, layout::Layout},
    wiring,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// Everything that a run needs.
pub(super) struct Scene {
    pub(super) layout: Layout,
    pub(super) config: Config,
    pub(super) tax: Identity,
    pub(super) landmarks: Landmarks,
    stock: Stock,
    pings: Stock,
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// One employer.
    Employer,
    /// Whether anybody is there; the registry is not asked.
    Ping,
}

impl Scene {
    pub(super) async fn make(options: &Options) -> Result<Self, Trouble> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (folder, choice, algorithm) = match options.key {
            Key::P256 => ("p256", KeyChoice::P256, "ES256"),
            Key::Rsa2048 => ("rsa2048", KeyChoice::Rsa2048, "RS256"),
        };
        let layout = Layout::new(&options.dir.join(folder));
        layout.make(clock.now(), choice)?;
        let (port, admin_port) = free_ports()?;
        layout.write_config(&Settings {
            port,
            admin_port,
            people: options.people,
            seed: 1,
            portal: "https://localhost:9".to_owned(), // nothing is sent there
            algorithm,
            step_millis: 0,
            department: None,
            time_stamps: None,
        })?;
        layout.write_identities(&format!("https://localhost:{port}"))?;
        lift_the_limit_of_pings(&layout)?;
        let config = Config::load(&layout.config()).map_err(StartError::Config)?;
        let question = Question::find(&config, &clock).await?;
        let tax = Identity::load(&layout.agency("tax"))?;
        let landmarks = question.landmarks.clone();
        let maker = |request| Maker::new(&layout.agency("tax"), request, Arc::clone(&clock));
        let verify = maker(Request::VerifyEmployer(question.ask))?;
        let ping = maker(Request::Ping(Ping::default()))?;
        let ahead = options.seconds as usize
            * match options.key {
                Key::P256 => 5_000,
                Key::Rsa2048 => 2_000,
            };
        let pings = ahead / options.seconds as usize * PING_SECONDS as usize;
        eprintln!("signing {} messages ahead", ahead + pings);
        Ok(Self {
            layout,
            config,
            tax,
            landmarks,
            stock: Stock::sign(verify, ahead)?,
            pings: Stock::sign(ping, pings)?,
        })
    }

    /// The next message: signed ahead, or now where the stock is used up.
    pub(super) fn message(&self, ask: Ask) -> Result<Bytes, Trouble> {
        let stock = match ask {
            Ask::Employer => &self.stock,
            Ask::Ping => &self.pings,
        };
        let next = stock.next.fetch_add(1, Ordering::Relaxed);
        match stock.signed.get(next) {
            Some(message) => Ok(message.clone()),
            None => stock.maker.make(),
        }
    }

    pub(super) fn message_bytes(&self) -> usize {
        self.stock.signed.first().map_or(0, Bytes::len)
    }
}

/// Messages signed ahead.
struct Stock {
    signed: Vec<Bytes>,
    next: AtomicUsize,
    maker: Maker,
}

impl Stock {
    fn sign(maker: Maker, ahead: usize) -> Result<Self, Trouble> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let share = ahead.div_ceil(workers);
        let signed = std::thread::scope(|scope| {
            let make = || {
                (0..share)
                    .map(|_| maker.make())
                    .collect::<Result<Vec<_>, _>>()
            };
            let running: Vec<_> = (0..workers).map(|_| scope.spawn(make)).collect();
            let mut all = Vec::with_capacity(ahead);
            for worker in running {
                let made = worker.join().map_err(|_| "a signing thread stopped")?;
                all.extend(made?);
            }
            Ok::<_, Trouble>(all)
        })?;
        Ok(Self {
            signed,
            next: AtomicUsize::new(0),
            maker,
        })
    }
}

/// What every message asks.
struct Question {
    ask: VerifyEmployer,
    landmarks: Landmarks,
}

impl Question {
    /// The largest employer of the seeded registry, for a purpose that the agreement names.
    async fn find(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, Trouble> {
        let registry = wiring::open_registry(config, clock)?;
        wiring::seed_if_new(config, clock, &registry).await?;
        let marks = tokio::task::spawn_blocking(move || insurance::seed::landmarks(&registry));
        let marks = marks.await?.map_err(|error| error.to_string())?;
        let operations = wiring::operations();
        let snapshot = Snapshot::load(config, &operations).map_err(StartError::Config)?;
        let tax = snapshot
            .partners
            .get(&PartnerId::parse("tax")?)
            .ok_or("no partner tax")?;
        let agreement = tax
            .agreements
            .iter()
            .find(|agreement| agreement.operations.contains_key("tax.verify-employer"))
            .ok_or("no agreement for tax.verify-employer")?;
        let purpose = agreement
            .purposes
            .first()
            .ok_or("an agreement without purposes")?;
        let fields = [
            FieldName::ParticipationState,
            FieldName::Participants,
            FieldName::Fund,
            FieldName::Due,
            FieldName::Paid,
            FieldName::Arrears,
        ];
        Ok(Self {
            ask: VerifyEmployer {
                mst: TaxId::parse(&marks.employer.mst)?,
                parent: None,
                period: Period::parse(&marks.period)?,
                fields: fields.into(),
                purpose: purpose.clone(),
            },
            landmarks: marks,
        })
    }
}

/// Signs fresh messages of the tax department, its certificate inside.
struct Maker {
    request: Request,
    key: SigningKey,
    certificate: Vec<u8>,
    clock: Arc<dyn Clock>,
    sender: PartnerId,
    receiver: PartnerId,
}

impl Maker {
    fn new(folder: &Path, request: Request, clock: Arc<dyn Clock>) -> Result<Self, Trouble> {
        let key = std::fs::read(folder.join("sign.key"))?;
        let algorithm = match SigningKey::from_pem(&key, None)?.algorithm() {
            certs::keys::Algorithm::Ps256 => Some(certs::keys::Algorithm::Rs256),
            other => Some(other),
        };
        let (cert, key_file) = (folder.join("sign.pem"), folder.join("sign.key"));
        let chain = certs::tls::Identity::from_files(&cert, &key_file)?;
        Ok(Self {
            request,
            key: SigningKey::from_pem(&key, algorithm)?,
            certificate: chain.chain_der().next().unwrap_or_default().to_vec(),
            clock,
            sender: PartnerId::parse("tax")?,
            receiver: PartnerId::parse("vss")?,
        })
    }

    fn make(&self) -> Result<Bytes, Trouble> {
        let id = MessageId::parse(&format!("bench-{}", uuid::Uuid::now_v7().simple()))?;
        let sent_at = jiff::Timestamp::from_second(self.clock.now().as_second())?;
        let message = Message {
            header: Header {
                message_id: id.clone(),
                sent_at,
                environment: Environment::Sandbox,
                direction: Direction::Request,
                sender: self.sender.clone(),
                receiver: self.receiver.clone(),
                operation: self.request.operation().to_owned(),
                reply: None,
            },
            body: Body::Request(self.request.clone()),
        };
        let canonical = encode(&message);
        let certificate = Some(self.certificate.as_slice());
        let signed =
            certs::xmldsig::sign_enveloped(&canonical, &root_id(&id), &self.key, certificate)?;
        Ok(Bytes::from(signed))
    }
}

/// The sandbox lets few pings in, so that its limit can be seen; here they are measured.
fn lift_the_limit_of_pings(layout: &Layout) -> Result<(), Trouble> {
    let file = layout.config().with_file_name("partners").join("tax.toml");
    let text = std::fs::read_to_string(&file)?;
    let (before, after) = text
        .split_once("[agreements.operations.\"tax.ping\"]")
        .ok_or("no agreement for tax.ping")?;
    let after = after
        .replacen("per_minute = 600", "per_minute = 6000000", 1)
        .replacen("burst = 60", "burst = 100000", 1);
    let text = format!("{before}[agreements.operations.\"tax.ping\"]{after}");
    Ok(std::fs::write(file, text)?)
}

/// How long pings run, seconds.
pub(super) const PING_SECONDS: u64 = 3;

/// Two ports that nobody has at this moment.
fn free_ports() -> std::io::Result<(u16, u16)> {
    let (one, two) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}
