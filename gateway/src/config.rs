//! Everything an operator can set: one TOML file and one file per partner, read whole before a port opens.
//!
//! Unknown keys are refused, every problem is told at once with file, line and cure, and relative
//! paths start from the folder of the file that names them. It refuses to know what the values are
//! used for.

mod dci;
mod destination;
mod evidence;
mod keys;
mod ngsp;
pub(crate) mod officers;
pub(crate) mod partner;
mod payment;
mod peers;
mod problem;
mod promotion;
pub(crate) mod read;
mod registry;
mod relays;
mod revocation;
mod rules;
mod sealing;
mod secret;
mod shared;
mod signing;
pub(crate) mod snapshot;
mod stamp;
mod store;
pub(crate) mod terms;
pub(crate) mod value;
pub(crate) mod watch;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use certs::keys::Algorithm;
use gateway_core::partner::Environment;
use jiff::civil::Date;
use schemas::id::PartnerId;

pub use destination::Destination;
pub(crate) use evidence::{authorities as tsa_authorities, retention, stampers};
pub(crate) use keys::anchors_beside;
pub use ngsp::NgspAccess;
pub use officers::Officer;
pub use partner::{Delivery, Login, Notices, OutwardWords, QuestionForm, Reconcile};
pub use payment::PaymentAccess;
pub use problem::{Problem, Severity};
pub(crate) use registry::address as registry_address;
pub(crate) use revocation::{Point as RevocationPoint, points as revocation_points};
pub(crate) use sealing::{key_file, lock as seal_lock};
pub(crate) use shared::{shown as shared_shown, tally as shared_tally};
pub(crate) use signing::{files as signing_files, shown as signing_shown, signing_key};
pub use snapshot::Snapshot;
pub(crate) use store::{engine as store_engine, params as store_params, shown as store_shown};
pub use value::Secret;
pub use watch::Watched;

pub use crate::papers::Scanner;
pub use crate::schedules::CronTime;
use read::{Place, read_file, section};
use value::words;

/// A whole config, with the place of each of its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    parts: Parts,
    place: Place,
}

impl Config {
    /// Reads and checks the file; partners' files are read by [`Snapshot::load`].
    ///
    /// # Errors
    /// Every problem, in the order of the lines.
    pub fn load(path: &Path) -> Result<Self, Vec<Problem>> {
        let outcome = read_file::<Parts>(path);
        let mut problems = outcome.problems;
        let Some(parts) = outcome.value else {
            return Err(problems);
        };
        let config = Self {
            parts,
            place: outcome.place,
        };
        problems.extend(rules::check(&config));
        problems.sort_by_key(|problem| problem.line);
        if problems.iter().any(Problem::is_error) {
            return Err(problems);
        }
        Ok(config)
    }

    /// The file it was read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }
}

impl Deref for Config {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

section! {
    /// The keys of `gateway.toml`.
    pub Parts {
        /// Where this gateway stands; part of what is signed.
        environment: Environment,
        /// Our own partner id, as receiver and sender.
        us: PartnerId = our_id(),
        /// Folder of the partners' files, one `*.toml` each.
        partners: PathBuf,
        /// How often files are looked at for changes, seconds.
        reload_seconds: u64 = 2 => 1..=3600,
        /// Where partners connect.
        listen: Listen,
        /// Where a payment platform without a client certificate calls back; off where absent.
        callbacks: Option<CallbackListen>,
        /// Where operators connect.
        admin: Admin,
        /// Probes and metrics for machines on another address than the admin's; off where absent.
        health: Option<Health>,
        /// Operators by their certificates, where the admin listener has TLS.
        operators: Vec<OperatorLine> = Vec::new(),
        /// Officers, two of whom sign whatever loosens in a partner's file.
        officers: Vec<Officer> = Vec::new(),
        /// Our TLS identity and whom we let connect.
        tls: Tls,
        /// Which authorities are asked what they have taken back.
        revocation: Revocation,
        /// How the keys of token issuers are kept.
        tokens: TokenKeys,
        /// The key that signs our answers.
        sign: Sign,
        /// Messages, journal and outbox.
        store: Store,
        /// Whole months in bulk; none are taken where absent.
        bulk: Option<Bulk>,
        /// Files of dossiers; none are taken where absent.
        papers: Option<Papers>,
        /// What is begun by itself when its time comes.
        schedules: Vec<ScheduleLine> = Vec::new(),
        /// Evidence: checkpoints, time-stamps, retention.
        journal: Journal,
        /// What stands behind the insurance contract.
        insurance: Insurance,
        /// Every bound on what comes in.
        limits: Limits,
        /// How callbacks go out.
        delivery: Outgoing,
        /// What is logged and how.
        log: Log,
        /// Options that weaken something; production refuses them all.
        danger: Danger,
    }
}

section! {
    /// Where partners connect.
    pub Listen {
        /// Address to bind.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 8443,
        /// Connections that may wait in the kernel.
        backlog: u32 = 1024 => 1..=65_535,
    }
}

section! {
    /// Where operators connect: gRPC admin.v1, metrics and probes.
    pub Admin {
        /// Address to bind: without TLS a loopback address, unless danger.admin_beyond_loopback.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 9443,
        /// Mutual TLS; plain where absent, which production refuses.
        tls: Option<AdminTls>,
    }
}

section! {
    /// TLS of the admin listener.
    pub AdminTls {
        /// Our certificate chain there, leaf first, PEM.
        cert: PathBuf,
        /// Its private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: PathBuf,
        /// Authorities that operators' certificates must lead to, PEM.
        anchors: PathBuf,
    }
}

words! {
    /// What an operator may do; each may what those before it may.
    #[derive(PartialOrd, Ord)]
    Role {
        /// See how things stand.
        Viewer = "viewer",
        /// See messages, run the outbox, stop a partner or an operation.
        Operator = "operator",
        /// Look up who asked about a person, take back a stop, retire a partner, release a restored store.
        SecurityOfficer = "security-officer",
    }
}

section! {
    /// An operator.
    pub OperatorLine {
        /// Its name, as it stands in the journal beside what it did.
        name: String,
        /// Its certificate: the one URI among its alternative names, or `spki:` and 64 hex digits.
        peer: String,
        /// What it may do.
        role: Role,
    }
}

section! {
    /// Probes and metrics only: no message, no partner, no gRPC.
    pub Health {
        /// Address to bind.
        address: IpAddr,
        /// Port to bind; 0 takes any free one.
        port: u16,
    }
}

section! {
    /// Our TLS identity and whom we let connect.
    pub Tls {
        /// Our certificate chain, leaf first, PEM.
        cert: PathBuf,
        /// Its private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: PathBuf,
        /// Authorities that client certificates must lead to, PEM files; with more than one every partner
        /// must be pinned, since each of them could issue any partner's URI.
        anchors: Vec<PathBuf>,
        /// Revocation lists, PEM files; with any, an issuer without a current list is refused.
        crls: Vec<PathBuf> = Vec::new(),
        /// Whether TLS 1.2 with AEAD suites is allowed beside 1.3.
        tls12: bool = false,
    }
}

section! {
    /// Which authorities are asked what they have taken back, while running. From a change to our refusal
    /// it takes `every_seconds` and `timeout_ms` together at most.
    pub Revocation {
        /// Folder in which the last good lists are kept; needed where lists are fetched.
        folder: Option<PathBuf>,
        /// How often lists are fetched and responders asked again, seconds.
        every_seconds: u64 = 20 => 1..=40,
        /// How long one fetch may take, milliseconds.
        timeout_ms: u64 = 5_000 => 100..=15_000,
        /// The authorities; the certificates of one that is named here are refused while it is silent.
        sources: Vec<RevocationSource> = Vec::new(),
    }
}

section! {
    /// One authority that takes certificates back.
    pub RevocationSource {
        /// Its certificate, PEM; it must be allowed to sign lists.
        issuer: PathBuf,
        /// Where its revocation list stands, `http://` or `https://`, DER or PEM.
        crl: Option<String>,
        /// Where its OCSP responder is asked, by POST.
        ocsp: Option<String>,
        /// Whether these hosts may have addresses of a private network or of this machine.
        private: bool = false,
        /// Authorities of these servers' certificates, PEM; needed for `https://`.
        anchors: Option<PathBuf>,
    }
}

section! {
    /// The key sets of token issuers, each fetched from its registered address alone.
    pub TokenKeys {
        /// A set is fetched anew when it is older, seconds: so long a key that its issuer has taken back is
        /// still believed.
        fresh_seconds: u64 = 900 => 1..=86_400,
        /// Between two fetches at least, seconds: so long a key that the issuer has just added may be unknown.
        between_seconds: u64 = 30 => 1..=3_600,
    }
}

section! {
    /// The key that signs our answers: `key`, `[sign.pkcs12]` or `[sign.pkcs11]`.
    pub Sign {
        /// Private key, PKCS#8 PEM, mode 0600 or, for a group, 0640.
        key: Option<PathBuf>,
        /// Its certificate chain, leaf first, PEM.
        cert: PathBuf,
        /// The name by which partners know it.
        kid: String,
        /// Algorithm; by default the usual one of the key's kind.
        algorithm: Option<Algorithm>,
        /// A key in a PKCS#12 file.
        pkcs12: Option<Pkcs12Key>,
        /// A key that stays in its token.
        pkcs11: Option<Pkcs11Key>,
        /// RSA keys in files: threads that sign with them. P-256 signs where it is asked.
        threads: usize = 2 => 1..=64,
        /// RSA keys and tokens: signatures that may wait; above it messages are shed.
        queue: usize = 256 => 1..=65_536,
    }
}

section! {
    /// A key in a PKCS#12 file.
    pub Pkcs12Key {
        /// The file, mode 0600 or, for a group, 0640.
        file: PathBuf,
        /// File with its passphrase on the first line; mode 0600 or, for a group, 0640.
        passphrase_file: Option<PathBuf>,
        /// Environment variable with the passphrase.
        passphrase_env: Option<String>,
    }
}

section! {
    /// A key in a PKCS#11 token (HSM). While the token is away what needs a signature is answered with
    /// SIGNING-UNAVAILABLE, and the token is used again when it is back.
    pub Pkcs11Key {
        /// The vendor's library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The key's label; P-256 or RSA.
        label: String,
        /// File with the user's PIN on its first line; mode 0600 or, for a group, 0640.
        pin_file: Option<PathBuf>,
        /// Environment variable with the PIN.
        pin_env: Option<String>,
        /// Sessions, and as many threads that sign.
        sessions: usize = 4 => 1..=64,
    }
}

section! {
    /// A secret key in a PKCS#11 token (AES, 256 bits) that locks the file of the sealing key. It is asked once, at
    /// the start: a gateway does not start without its token, and goes on when it goes.
    pub SealToken {
        /// The vendor's library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The secret key's label; `lienthong journal lock` makes the key where there is none.
        label: String,
        /// File with the user's PIN on its first line; mode 0600 or, for a group, 0640.
        pin_file: Option<PathBuf>,
        /// Environment variable with the PIN.
        pin_env: Option<String>,
    }
}

words! {
    /// What keeps messages, journal and outbox.
    StoreEngine {
        /// SQLite in a file of this gateway's own.
        Sqlite = "sqlite",
        /// PostgreSQL 15 or newer, shared by every replica.
        Postgres = "postgres",
    }
}

section! {
    /// Messages, journal and outbox.
    pub Store {
        /// `sqlite` or `postgres`.
        engine: StoreEngine = StoreEngine::Sqlite,
        /// Sqlite: the file.
        path: Option<PathBuf>,
        /// Postgres: `postgresql://user@host[,host]/database`, without a password. Of several hosts the one
        /// that takes writes is used.
        url: Option<String>,
        /// Postgres: file with the url on its first line, a password included; mode 0600 or, for a group, 0640.
        url_file: Option<PathBuf>,
        /// Postgres: authorities that the server's certificate must lead to, PEM; needed over a network.
        anchors: Option<PathBuf>,
        /// Postgres: sessions that read; one more writes.
        pool: usize = 2 => 1..=64,
        /// Postgres: how long a connection may take to be made, milliseconds.
        connect_timeout_ms: u64 = 500 => 50..=60_000,
        /// Postgres: how long a batch or a look-up may take, milliseconds; then its callers are told that
        /// the store is unavailable.
        timeout_ms: u64 = 800 => 50..=60_000,
        /// Postgres: weeks of the journal that stay attached; for ever where absent.
        keep_weeks: Option<u32>,
        /// The name of this gateway's journal chain; each replica needs one of its own and must keep it.
        /// By default `gateway` for a file, the host's name in a database.
        writer: Option<String>,
        /// The key that seals stored content: 64 hex digits, mode 0600 or, for a group, 0640.
        seal_key: PathBuf,
        /// What locks that file: without this token nobody opens it. `lienthong journal lock` locks one that is there.
        seal_token: Option<SealToken>,
        /// How long a claim is held before another worker may take it over, seconds; longer than
        /// `limits.deadline_ms`.
        lease_seconds: u64 = 30 => 5..=600,
        /// Commands that may wait for the writer.
        queue: usize = 1024 => 16..=65_536,
    }
}

section! {
    /// Where a payment platform without a client certificate calls back: one path, proven by its keyed hash.
    pub CallbackListen {
        /// Address to bind.
        address: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST),
        /// Port to bind; 0 takes any free one.
        port: u16 = 8444,
        /// Whose callbacks they are: a partner with `[payment]`.
        partner: PartnerId,
        /// Connections at once.
        connections: usize = 64 => 1..=10_000,
        /// Connections of one address at once.
        per_address: usize = 8 => 1..=10_000,
    }
}

section! {
    /// Whole months in bulk: where chunks lie, encrypted, until they are compared and told.
    pub Bulk {
        /// The folder; replicas need one that they all see.
        path: PathBuf,
        /// Most bytes in it, the comparison's own included.
        bytes_max: u64 = 17_179_869_184 => 1_048_576..=1_125_899_906_842_624,
        /// Hours for which all chunks of a manifest are waited for; then the reconciliation is over, and refused.
        wait_hours: u32 = 168 => 1..=8_760,
        /// Days for which a finished reconciliation is kept and told.
        keep_days: u32 = 30 => 1..=3_650,
        /// Days after which a discrepancy in the ledger that nobody settled expires.
        due_days: u32 = 60 => 1..=3_650,
        /// Reconciliations of one sender that may be under way.
        open: usize = 16 => 1..=1_000,
        /// How far the two sides may differ before it is a finding, by date; nothing but rounding to 1,000 VND is
        /// overlooked before the first row.
        tolerances: Vec<ToleranceLine> = Vec::new(),
    }
}

section! {
    /// One row of tolerances. A figure differs where it does by more than its fixed part and by more than its share of
    /// the larger figure. What is changed here counts for months announced afterwards; each keeps its own.
    pub ToleranceLine {
        /// The first day of the first month that it is for.
        valid_from: Date,
        /// Participants: so many people,
        count: u32 = 0 => 0..=1_000_000,
        /// and basis points (hundredths of a per cent).
        count_bp: u32 = 0 => 0..=10_000,
        /// Fund, due and paid: VND,
        fund_vnd: u64 = 1_000 => 0..=1_000_000_000_000,
        /// and basis points.
        fund_bp: u32 = 0 => 0..=10_000,
        /// A person's base: VND,
        base_vnd: u64 = 1_000 => 0..=1_000_000_000,
        /// and basis points.
        base_bp: u32 = 0 => 0..=10_000,
        /// The lowest score of a name that is no finding; 100 is the same name.
        name_score: u8 = 100 => 1..=100,
        /// The lowest score of an address that is no finding.
        address_score: u8 = 100 => 1..=100,
    }
}

section! {
    /// Files of dossiers: where they lie, encrypted, and what searches them.
    pub Papers {
        /// The folder; replicas need one that they all see.
        path: PathBuf,
        /// Most bytes in it.
        bytes_max: u64 = 68_719_476_736 => 1_048_576..=1_125_899_906_842_624,
        /// Largest file, bytes.
        file_bytes_max: u64 = 20_971_520 => 1_024..=67_108_864,
        /// Announcements of one sender whose time has not ended.
        open: usize = 10_000 => 1..=1_000_000,
        /// Hours for which parts are awaited, and files wait for a dossier that names them; then they are erased.
        wait_hours: u32 = 24 => 1..=720,
        /// Days for which a file that a dossier names is kept.
        keep_days: u32 = 3_650 => 1..=36_500,
        /// clamd, which searches each file before it is taken; none are searched where absent.
        scanner: Option<Scanner>,
        /// How long one search may take, milliseconds.
        scan_timeout_ms: u64 = 10_000 => 100..=60_000,
        /// Files that are searched at a time.
        scans: usize = 4 => 1..=64,
    }
}

words! {
    /// What a schedule does.
    ScheduledWork {
        /// The department is asked to send a month of its employers.
        Employers = "employers",
        /// The department is asked to send a month of its persons.
        Persons = "persons",
        /// Open discrepancies of the ledger are held against our present figures.
        Recheck = "recheck",
        /// A civil registry is told of the children's cards of its births that end within 30 days.
        ChildCards = "child-cards",
    }
}

words! {
    /// What becomes of a time on a day that is no working day in Viet Nam.
    OnDaysOff {
        /// The same time on the next working day.
        Next = "next",
        /// Nothing.
        Skip = "skip",
        /// It is done all the same.
        Run = "run",
    }
}

section! {
    /// What is begun by itself when its time comes, once by however many replicas.
    pub ScheduleLine {
        /// Its name: 2 to 32 of a-z, 0-9 and -.
        name: PartnerId,
        /// The tax department.
        partner: PartnerId,
        /// What is done.
        what: ScheduledWork,
        /// When, in Viet Nam: minute, hour, day of the month, month, day of the week.
        cron: CronTime,
        /// What becomes of it on a day that is no working day.
        days_off: OnDaysOff = OnDaysOff::Next,
        /// Which month before the one of its day is asked for.
        months_back: u32 = 1 => 1..=60,
        /// Provinces that are asked for, two digits each; the whole country where empty.
        provinces: Vec<String> = Vec::new(),
        /// How late it is still done, hours: where nobody was there, or it was paused.
        late_hours: u32 = 24 => 1..=744,
    }
}

section! {
    /// Evidence: checkpoints, time-stamps, retention.
    pub Journal {
        /// A checkpoint is signed after so many records,
        checkpoint_records: u64 = 1_000 => 1..=65_536,
        /// and after this time where there is a new one, seconds.
        checkpoint_seconds: u64 = 60 => 1..=86_400,
        /// Folder, away from the store, where a copy of every checkpoint is written; `journal verify` holds the
        /// store against it. No copies where absent.
        checkpoints_to: Option<PathBuf>,
        /// The key that signs checkpoints and exports, PEM, mode 0600 or, for a group, 0640; [sign]'s where absent.
        key: Option<PathBuf>,
        /// Its certificate chain, leaf first, PEM.
        cert: Option<PathBuf>,
        /// Time-stamping authorities (RFC 3161), `http://` or `https://`; the first that answers stamps. With none
        /// there are no time-stamps.
        tsa: Vec<String> = Vec::new(),
        /// Roots that their tokens' certificates must lead to, PEM.
        tsa_anchors: Option<PathBuf>,
        /// Roots that their servers' certificates must lead to, PEM; needed for `https://`.
        tsa_tls_anchors: Option<PathBuf>,
        /// Whether they may have addresses of private networks or of this machine.
        tsa_private: bool = false,
        /// How long one of them may take, milliseconds.
        tsa_timeout_ms: u64 = 5_000 => 100..=60_000,
        /// How many days content is kept where nothing else says how long; for ever where absent.
        retention_days: Option<u32>,
        /// Operations that are kept for another time: `"tax.ping = 30"`, days.
        retention: Vec<String> = Vec::new(),
        /// The article under which content is destroyed; needed with either of the two.
        retention_law: Option<String>,
    }
}

words! {
    /// What stands behind the insurance contract.
    InsuranceMode {
        /// SQLite in a file, in this process.
        Embedded = "embedded",
        /// The same registry on PostgreSQL, shared by every replica.
        Postgres = "postgres",
        /// Any gRPC server of the contract, over mutual TLS.
        Remote = "remote",
    }
}

section! {
    /// What stands behind the insurance contract.
    pub Insurance {
        /// `embedded`, `postgres` or `remote`.
        mode: InsuranceMode = InsuranceMode::Embedded,
        /// Embedded: the registry's SQLite file.
        path: Option<PathBuf>,
        /// Postgres: `postgresql://user@host[,host]/database`, without a password.
        url: Option<String>,
        /// Postgres: file with the url on its first line, a password included; mode 0600 or, for a group, 0640.
        url_file: Option<PathBuf>,
        /// Postgres: sessions that read; two more write.
        pool: usize = 4 => 1..=64,
        /// File in which the highest numbers are noted before they are given out, so that a registry restored
        /// from a backup gives none a second time; keep it out of the backup. Not noted where absent.
        marks: Option<PathBuf>,
        /// Synthetic people seeded into a new registry; 0 for none. Never in production.
        people: u32 = 0 => 0..=1_000_000,
        /// The seed of those people; the same seed gives the same people.
        seed: u64 = 1,
        /// The organisation in dossier codes, groups of at most three characters.
        organ_id: String = "G99.00.01".to_owned(),
        /// How long the simulated office takes per step of a dossier, milliseconds; 0 for never.
        step_millis: u64 = 0 => 0..=86_400_000,
        /// Remote: the server, `https://host:port`.
        uri: Option<String>,
        /// Remote, and postgres over a network: authorities that the server's certificate must lead to, PEM.
        anchors: Option<PathBuf>,
        /// How long one call may take, milliseconds.
        timeout_ms: u64 = 5_000 => 10..=120_000,
        /// Calls in flight at once.
        calls: usize = 256 => 1..=65_536,
    }
}

section! {
    /// Every bound on what comes in.
    pub Limits {
        /// Connections at once, all peers together.
        connections: usize = 4_096 => 1..=1_000_000,
        /// Connections at once of one peer.
        connections_per_peer: usize = 512 => 1..=100_000,
        /// A TLS handshake, milliseconds.
        handshake_ms: u64 = 5_000 => 100..=60_000,
        /// From the handshake to the first byte of a request, milliseconds.
        first_byte_ms: u64 = 10_000 => 100..=120_000,
        /// A whole request head, milliseconds.
        header_ms: u64 = 5_000 => 100..=60_000,
        /// A whole request body, milliseconds.
        body_ms: u64 = 15_000 => 100..=600_000,
        /// A connection without a request, milliseconds.
        idle_ms: u64 = 60_000 => 1_000..=3_600_000,
        /// Headers in one request.
        headers_max: usize = 64 => 8..=1_024,
        /// All headers of one request, bytes.
        header_bytes: usize = 16_384 => 8_192..=1_048_576,
        /// A request body, bytes; a route may allow less.
        body_bytes_max: usize = 8_388_608 => 1_024..=16_777_216,
        /// The bodies of all messages in the rooms, bytes; half of it at most for one peer, or one body.
        body_bytes_in_flight_max: usize = 134_217_728 => 1_024..=68_719_476_736,
        /// HTTP/2: streams at once on one connection.
        h2_streams: u32 = 128 => 1..=1_000,
        /// Messages in the rooms at once; above it they are shed.
        in_flight_max: usize = 1_024 => 1..=100_000,
        /// How long a message may take where neither route nor caller says less, milliseconds.
        deadline_ms: u64 = 10_000 => 100..=120_000,
        /// How long messages in the rooms may take to finish when the gateway stops, seconds.
        drain_seconds: u64 = 20 => 1..=300,
        /// One count of all replicas' messages; each replica counts for itself where absent.
        shared: Option<SharedLimits>,
    }
}

section! {
    /// Quotas counted by all replicas together. While Redis does not answer each replica counts for itself.
    pub SharedLimits {
        /// Where Redis is: `unix:///path/to/socket`, `rediss://host:port`, or `redis://` on this machine;
        /// `user@` may stand before the host.
        redis: String,
        /// A user for a Unix socket; elsewhere it stands in the url.
        user: Option<String>,
        /// File with the password on its first line; mode 0600 or, for a group, 0640.
        password_file: Option<PathBuf>,
        /// Environment variable with the password.
        password_env: Option<String>,
        /// Authorities that the server's certificate must lead to, PEM; needed for `rediss://`.
        anchors: Option<PathBuf>,
        /// What every key begins with; installations that share a Redis need different ones.
        prefix: String = "lienthong".to_owned(),
        /// How long one decision may take, milliseconds; then the replica's own count decides.
        timeout_ms: u64 = 50 => 1..=10_000,
    }
}

section! {
    /// How callbacks go out, all partners alike; the rest stands in each partner's file.
    pub Outgoing {
        /// How often an idle worker looks for parcels, milliseconds.
        poll_ms: u64 = 200 => 10..=60_000,
        /// How long a parcel is held before another worker may take it over, seconds.
        lease_seconds: u64 = 30 => 5..=600,
        /// The first wait after a failure, milliseconds; it doubles, with jitter.
        backoff_ms: u64 = 500 => 10..=60_000,
        /// The same refusals of one parcel in a row after which it is set aside, where others get through
        /// meanwhile; four times as many where none do.
        poison_after: u32 = 5 => 1..=1_000,
        /// The longest wait between two tries, seconds.
        backoff_seconds_max: u64 = 300 => 1..=86_400,
        /// After how long a parcel that cannot be delivered waits for a person, hours.
        give_up_hours: u64 = 72 => 1..=8_760,
    }
}

words! {
    /// The form of a log line.
    LogFormat {
        /// One JSON object a line.
        Json = "json",
        /// For reading at a terminal.
        Human = "human",
    }
}

section! {
    /// What is logged and how.
    pub Log {
        /// `json` or `human`.
        format: LogFormat = LogFormat::Json,
        /// Levels, such as `info` or `info,gateway=debug`; LIENTHONG_LOG overrides it.
        level: String = "info".to_owned(),
    }
}

section! {
    /// Options that weaken something.
    pub Danger {
        /// The admin listener may bind an address that others can reach, without TLS.
        admin_beyond_loopback: bool = false,
        /// The store's database may be reached over a network without TLS.
        store_without_tls: bool = false,
        /// Partners whose XML signatures may be RSA with SHA-1, until their old tokens are renewed.
        sha1_signatures_of: Vec<PartnerId> = Vec::new(),
    }
}

impl Role {
    /// The word in the config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::SecurityOfficer => "security-officer",
        }
    }
}

impl Listen {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl CallbackListen {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl Admin {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl Health {
    /// The address and port together.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }
}

impl Limits {
    /// How long a TLS handshake may take.
    #[must_use]
    pub fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    /// How long a message may take where nobody says less.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline_ms)
    }

    /// How long messages in the rooms may take to finish when the gateway stops.
    #[must_use]
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

fn our_id() -> PartnerId {
    PartnerId::parse("vss").expect("the literal is a partner id")
}

#[cfg(test)]
mod tests;
