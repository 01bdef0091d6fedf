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
use schemas::{
    id::{MessageId, PartnerId, Period, TaxId},
    wire::tax::{
        Body, Direction, Environment, FieldName, Header, Message, Request, VerifyEmployer, encode,
        root_id,
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
    stock: Stock,
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
            time_stamps: None,
        })?;
        layout.write_identities(&format!("https://localhost:{port}"))?;
        let config = Config::load(&layout.config()).map_err(StartError::Config)?;
        let question = Question::find(&config, &clock).await?;
        let tax = Identity::load(&layout.agency("tax"))?;
        let maker = Maker::new(&layout.agency("tax"), question, clock)?;
        let ahead = options.seconds as usize
            * match options.key {
                Key::P256 => 5_000,
                Key::Rsa2048 => 2_000,
            };
        eprintln!("signing {ahead} messages ahead");
        Ok(Self {
            layout,
            config,
            tax,
            stock: Stock::sign(maker, ahead)?,
        })
    }

    /// The next message: signed ahead, or now where the stock is used up.
    pub(super) fn message(&self) -> Result<Bytes, Trouble> {
        let next = self.stock.next.fetch_add(1, Ordering::Relaxed);
        match self.stock.signed.get(next) {
            Some(message) => Ok(message.clone()),
            None => self.stock.maker.make(),
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
        })
    }
}

/// Signs fresh messages of the tax department, its certificate inside.
struct Maker {
    question: Question,
    key: SigningKey,
    certificate: Vec<u8>,
    clock: Arc<dyn Clock>,
    sender: PartnerId,
    receiver: PartnerId,
}

impl Maker {
    fn new(folder: &Path, question: Question, clock: Arc<dyn Clock>) -> Result<Self, Trouble> {
        let key = std::fs::read(folder.join("sign.key"))?;
        let algorithm = match SigningKey::from_pem(&key, None)?.algorithm() {
            certs::keys::Algorithm::Ps256 => Some(certs::keys::Algorithm::Rs256),
            other => Some(other),
        };
        let (cert, key_file) = (folder.join("sign.pem"), folder.join("sign.key"));
        let chain = certs::tls::Identity::from_files(&cert, &key_file)?;
        Ok(Self {
            question,
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
                operation: "tax.verify-employer".to_owned(),
                reply: None,
            },
            body: Body::Request(Request::VerifyEmployer(self.question.ask.clone())),
        };
        let canonical = encode(&message);
        let certificate = Some(self.certificate.as_slice());
        let signed =
            certs::xmldsig::sign_enveloped(&canonical, &root_id(&id), &self.key, certificate)?;
        Ok(Bytes::from(signed))
    }
}

/// Two ports that nobody has at this moment.
fn free_ports() -> std::io::Result<(u16, u16)> {
    let (one, two) = (
        TcpListener::bind("127.0.0.1:0")?,
        TcpListener::bind("127.0.0.1:0")?,
    );
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}
