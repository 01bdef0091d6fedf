//! Everything an operator can set: one TOML file and one file per partner, read whole before a port opens.
//!
//! Unknown keys are refused, every problem is told at once with file, line and cure, and relative
//! paths start from the folder of the file that names them. It refuses to know what the values are
//! used for.

mod dci;
mod destination;
mod doors;
mod evidence;
mod hub;
mod kept;
mod keys;
mod limits;
mod login;
mod ngsp;
pub(crate) mod officers;
pub(crate) mod partner;
mod payment;
mod peers;
mod population;
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
mod triggers;
mod trust;
pub(crate) mod value;
pub(crate) mod watch;

use std::{
    ops::Deref,
    path::{Path, PathBuf},
};

use gateway_core::partner::Environment;
use schemas::id::PartnerId;

pub use destination::Destination;
pub use doors::{Admin, AdminTls, CallbackListen, Health, Listen, OperatorLine, Role};
pub(crate) use evidence::{authorities as tsa_authorities, retention, stampers};
pub use hub::HubAccess;
pub use kept::{Bulk, Journal, Papers, Store, StoreEngine, ToleranceLine};
pub(crate) use keys::anchors_beside;
pub use limits::{Limits, SharedLimits};
pub use ngsp::NgspAccess;
pub use officers::Officer;
pub use partner::{Delivery, Login, Notices, OutwardWords, QuestionForm, Reconcile};
pub use payment::PaymentAccess;
pub use population::Population;
pub use problem::{Problem, Severity};
pub(crate) use registry::address as registry_address;
pub(crate) use revocation::{Point as RevocationPoint, points as revocation_points};
pub(crate) use sealing::{key_file, lock as seal_lock};
pub(crate) use shared::{shown as shared_shown, tally as shared_tally};
pub(crate) use signing::{files as signing_files, keys_shown, shown as signing_shown, signing_key};
pub use snapshot::Snapshot;
pub(crate) use store::{engine as store_engine, params as store_params, shown as store_shown};
pub use triggers::CoreAccess;
pub use trust::{
    Pkcs11Key, Pkcs12Key, Revocation, RevocationSource, SealToken, ShownKey, Sign, Tls, TokenKeys,
};
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
        /// Files of dossiers and of civil status cases; where absent no dossier may bring one, and a case's stay in the journal.
        papers: Option<Papers>,
        /// What is begun by itself when its time comes.
        schedules: Vec<ScheduleLine> = Vec::new(),
        /// Evidence: checkpoints, time-stamps, retention.
        journal: Journal,
        /// What stands behind the insurance contract.
        insurance: Insurance,
        /// The database that is asked before a number is given to a child; nobody is asked where absent.
        population: Option<Population>,
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

words! {
    /// What a schedule does.
    ScheduledWork {
        /// The department is asked to send a month of its employers.
        Employers = "employers",
        /// The department is asked to send a month of its persons.
        Persons = "persons",
        /// Our month of employers is sent to the department, and what it found in it is noted.
        SendEmployers = "send-employers",
        /// Our month of persons, in the same way.
        SendPersons = "send-persons",
        /// Open discrepancies of the ledger are held against our present figures.
        Recheck = "recheck",
        /// A civil registry is told of the children's cards of its births that end within 30 days.
        ChildCards = "child-cards",
    }
}

words! {
    /// How the chunks of a month of ours are written.
    ChunkForm {
        /// XML.
        Xml = "xml",
        /// A record on each line, in JSON.
        Ndjson = "ndjson",
    }
}

words! {
    /// How the chunks of a month of ours are packed.
    ChunkPacking {
        /// As they are written.
        Plain = "plain",
        /// gzip.
        Gzip = "gzip",
        /// zstd.
        Zstd = "zstd",
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
        /// Which month before the one of its day is asked for or sent.
        months_back: u32 = 1 => 1..=60,
        /// Provinces that are asked for or sent, two digits each; the whole country where empty.
        provinces: Vec<String> = Vec::new(),
        /// How a month of ours is written.
        form: ChunkForm = ChunkForm::Xml,
        /// How its chunks are packed.
        packing: ChunkPacking = ChunkPacking::Gzip,
        /// How late it is still done, hours: where nobody was there, or it was paused.
        late_hours: u32 = 24 => 1..=744,
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
        /// Hospitals that may get tokens for the MD5 of a password in the place of signatures, until they can sign.
        md5_tokens_of: Vec<PartnerId> = Vec::new(),
    }
}

fn our_id() -> PartnerId {
    PartnerId::parse("vss").expect("the literal is a partner id")
}

#[cfg(test)]
mod tests;
