//! What no gateway of this kind can avoid, on this machine, in this run: CPU microseconds of each.

use std::{error::Error, fs, io, sync::Arc, thread, time::Duration};

use bytes::Bytes;
use certs::{
    keys::VerifyingKey,
    seal::Vault,
    tls::{Acceptor, Alpn, ClientParams, Connector, ServerParams},
    xmldsig::{Profile, sign_enveloped, verify},
};
use futures_util::future::join_all;
use gateway_core::{
    Evidence,
    ports::{Clock, Entry, MessageLog as _, StoredAnswer, SystemClock},
};
use gateway_store::{Store, StoreParams};
use schemas::id::{MessageId, PartnerId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    scene::{Ask, Scene},
    server::{cpu_ticks, ticks},
};

type Trouble = Box<dyn Error + Send + Sync>;

/// CPU microseconds per message.
#[derive(Debug)]
pub(super) struct Primitives {
    /// One request and one answer through TLS, the server's half.
    pub(super) tls_us: f64,
    /// The request's signature.
    pub(super) verify_us: f64,
    /// The answer's signature.
    pub(super) sign_us: f64,
    /// One durable write of request and answer, batched with others.
    pub(super) commit_us: f64,
}

impl Primitives {
    pub(super) fn sum_us(&self) -> f64 {
        self.tls_us + self.verify_us + self.sign_us + self.commit_us
    }

    pub(super) async fn measure(scene: &Scene) -> Result<Self, Trouble> {
        let message = scene.message(Ask::Employer)?;
        Ok(Self {
            tls_us: tls(scene, &message).await?,
            verify_us: verifying(scene, &message)?,
            sign_us: signing(scene)?,
            commit_us: commit(scene, &message).await?,
        })
    }
}

/// This process's own CPU time over some work, per piece.
pub(super) struct Meter(u64);

impl Meter {
    pub(super) fn start() -> io::Result<Self> {
        cpu_ticks("self").map(Self)
    }

    pub(super) fn per_piece_us(&self, pieces: usize) -> io::Result<f64> {
        let spent: Duration = ticks(cpu_ticks("self")? - self.0);
        Ok(spent.as_secs_f64() * 1e6 / pieces as f64)
    }
}

async fn tls(scene: &Scene, message: &[u8]) -> Result<f64, Trouble> {
    let of = &scene.config.tls;
    let acceptor = Acceptor::new(ServerParams {
        identity: certs::tls::Identity::from_files(&of.cert, &of.key)?,
        client_anchors: scene.tax.anchors.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::Http1],
    })?;
    let connector = Connector::new(ClientParams {
        identity: Some(scene.tax.tls.clone()),
        anchors: scene.tax.anchors.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::Http1],
    })?;
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (client, server) = tokio::join!(connector.connect("localhost", near), acceptor.accept(far));
    let (mut client, mut server) = (client?.stream, server?.stream);
    let mut buffer = vec![0; message.len()];
    let meter = Meter::start()?;
    for _ in 0..PIECES {
        client.write_all(message).await?;
        client.flush().await?;
        server.read_exact(&mut buffer).await?;
        server.write_all(&buffer).await?;
        server.flush().await?;
        client.read_exact(&mut buffer).await?;
    }
    // both ends are in this process and do the same
    Ok(meter.per_piece_us(PIECES)? / 2.0)
}

fn verifying(scene: &Scene, message: &[u8]) -> Result<f64, Trouble> {
    let certificate = fs::read(scene.tax.folder.join("sign.pem"))?;
    let key = VerifyingKey::from_certificate_pem(&certificate)?;
    let profile = Profile::default();
    on_every_core(|| {
        let proven = verify(message, &key, &profile).map_err(|error| error.reason())?;
        std::hint::black_box(proven.canonical().len());
        Ok(())
    })
}

fn signing(scene: &Scene) -> Result<f64, Trouble> {
    let (key, _) = crate::config::signing_key(&scene.config).map_err(|(_, what, _)| what)?;
    let filling = "x".repeat(1_024);
    let root = format!("<A xmlns=\"urn:vn:lienthong:bench\" Id=\"m-bench\"><B>{filling}</B></A>");
    on_every_core(|| {
        let signed = sign_enveloped(root.as_bytes(), "m-bench", &key, None)?;
        std::hint::black_box(signed.len());
        Ok(())
    })
}

/// CPU microseconds of a piece of work while every core does the same, as every core is busy while the
/// gateway is measured: two cores of a cloud machine are often two threads of one, and a piece costs
/// up to twice as much beside a busy neighbour.
fn on_every_core(work: impl Fn() -> Result<(), Trouble> + Sync) -> Result<f64, Trouble> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let share = PIECES / cores;
    let all_of_it = || (0..share).try_for_each(|_| work());
    let meter = Meter::start()?;
    thread::scope(|scope| {
        let running: Vec<_> = (0..cores).map(|_| scope.spawn(all_of_it)).collect();
        for one in running {
            one.join().map_err(|_| "a measuring thread stopped")??;
        }
        Ok::<_, Trouble>(())
    })?;
    Ok(meter.per_piece_us(share * cores)?)
}

/// Writes in rounds of as many as the default number of clients, so that the writer can batch.
async fn commit(scene: &Scene, message: &Bytes) -> Result<f64, Trouble> {
    let folder = scene.layout.root().join("primitives");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let vault = Arc::new(Vault::open_or_create(&folder.join("seal.key"))?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Store::open(StoreParams::new(folder.join("store.sqlite"), vault, clock))?;
    let meter = Meter::start()?;
    for _ in 0..PIECES / BATCH {
        let writes: Vec<_> = (0..BATCH)
            .map(|_| Ok(store.record(entry(message)?, answer(), Vec::new())))
            .collect::<Result<_, Trouble>>()?;
        for written in join_all(writes).await {
            written?;
        }
    }
    let spent = meter.per_piece_us(PIECES / BATCH * BATCH)?;
    drop(store);
    fs::remove_dir_all(&folder)?;
    Ok(spent)
}

fn entry(message: &Bytes) -> Result<Entry, Trouble> {
    let evidence = Evidence::fresh();
    let now = SystemClock.now();
    let partner = PartnerId::parse("tax")?;
    Ok(Entry {
        evidence,
        sender: partner.clone(),
        id: MessageId::parse(&evidence.to_string())?,
        operation: "tax.verify-employer",
        digest: certs::digest::sha256(evidence.as_bytes()),
        received_at: now,
        sent_at: now,
        fresh: true,
        peer: partner,
        peer_certificate: [0; 32],
        road: "direct",
        path: "/tax/v1/messages".to_owned(),
        proof: "xml-dsig",
        rule: "bench".to_owned(),
        purpose: "bench".to_owned(),
        fields: String::new(),
        content_type: "application/xml".to_owned(),
        signature: None,
        attested: None,
        body: message.clone(),
    })
}

fn answer() -> StoredAnswer {
    StoredAnswer {
        evidence: Evidence::fresh(),
        status: 200,
        content_type: "application/xml".to_owned(),
        signature: None,
        fault: None,
        body: Bytes::from_static(&[b'x'; 2_048]),
    }
}

/// Enough of each that a hundredth of a second does not matter.
const PIECES: usize = 8_000;
const BATCH: usize = 32;
