//! One partner's file: who it is, what it signs with, what was agreed, and where callbacks go.

use std::{path::PathBuf, time::Duration};

use certs::keys::Algorithm;
use gateway_core::{Road, partner::Environment};
use jiff::civil::Date;
use roads::client::Endpoint;
use schemas::{
    id::{PartnerId, XRoadClient, XRoadService},
    wire::xroad::Spelling,
};

use super::{
    Destination,
    dci::DciLine,
    hub::HubLine,
    login::LoginLine,
    ngsp::{NgspAccess, NgspLine},
    payment::{PaymentAccess, PaymentLine},
    read::section,
    triggers::CoreAccess,
    value::{Named, Secret, words},
};

section! {
    /// The keys of one file in `partners/`.
    pub(crate) PartnerFile {
        /// Its id: 2 to 32 of a-z, 0-9 and -.
        id: PartnerId,
        /// Its name, for people.
        name: String,
        /// The environment this registration is for; must be the gateway's.
        environment: Environment,
        /// False suspends it: nothing in, nothing out.
        active: bool = true,
        /// How far its clock may be off, seconds.
        window_seconds: u64 = 300 => 1..=86_400,
        /// Certificates it may connect with: `urn:lienthong:<environment>:partner:<id>` as SAN URI, or `spki:`
        /// and 64 hex digits.
        peers: Vec<String>,
        /// Who may carry its messages beside itself.
        relays: Vec<RelayLine> = Vec::new(),
        /// How much its connections may bring to one route before a body is read.
        quota: QuotaLine,
        /// The access token that its connections must show beside their certificate; none where absent.
        token: Option<TokenLine>,
        /// Keys it signs with.
        keys: Vec<KeyLine> = Vec::new(),
        /// Its agreements.
        agreements: Vec<AgreementLine> = Vec::new(),
        /// It is our X-Road security server, whose word about others' identity is taken.
        xroad: Option<XRoadLine>,
        /// The conformance run that it passed; production demands one.
        conformance: Option<ConformanceLine>,
        /// It is a payment platform: the secret between us, and whom the money is for.
        payment: Option<PaymentLine>,
        /// It speaks DCI: how each of us is called there, and how it signs.
        dci: Option<DciLine>,
        /// It is an OpenCRVS that tells by webhooks: the secret between us, and the form of the keyed hash; or that asks by triggers.
        opencrvs: Option<HubLine>,
        /// Danger: it is a hospital that gets tokens for the MD5 of a password, in the place of signatures.
        md5_login: Option<LoginLine>,
        /// Where callbacks go; none go where absent.
        delivery: Option<DeliveryLine>,
    }
}

section! {
    /// A rate.
    pub(crate) QuotaLine {
        /// Messages per minute.
        per_minute: u32 = 60_000 => 1..=100_000_000,
        /// Messages at once.
        burst: u32 = 2_000 => 1..=1_000_000,
    }
}

section! {
    /// An access token: a JWT, signed by a key of the issuer's set.
    pub(crate) TokenLine {
        /// Who gives it, as it says itself.
        issuer: String,
        /// Our name for the issuer.
        audience: String,
        /// Where the issuer's key set is, `https://host:port/path`; fetched from nowhere else.
        keys: String,
        /// Whether that host may have an address of a private network or of this machine.
        private: bool = false,
        /// Authorities that the certificate there must lead to, PEM.
        anchors: PathBuf,
        /// Algorithms that it may be signed with.
        algorithms: Vec<Algorithm>,
        /// Whose token it must be (`client_id`, else `sub`).
        subject: Option<String>,
        /// Whether it must be bound to the certificate that shows it (RFC 8705).
        bound: bool = true,
    }
}

section! {
    /// A relay of one road.
    pub(crate) RelayLine {
        /// The road.
        road: Road,
        /// The relay's partner id.
        relay: PartnerId,
        /// X-Road: the client by which the security server knows this partner, `instance/class/member/subsystem`.
        client: Option<XRoadClient>,
    }
}

section! {
    /// How we speak to our X-Road security server.
    pub(crate) XRoadLine {
        /// Our own name there, `instance/class/member/subsystem`; what it brings for another is refused.
        name: XRoadClient,
        /// How error codes are spelt: `new` as `server.service_failed`, `old` as `Server.ServiceFailed`.
        errors: Spelling = Spelling::New,
    }
}

section! {
    /// One signing key.
    pub(crate) KeyLine {
        /// The name by which messages hint at it.
        kid: String,
        /// The one algorithm it is used with.
        algorithm: Algorithm,
        /// Its certificate, PEM.
        cert: PathBuf,
    }
}

section! {
    /// One agreement.
    pub(crate) AgreementLine {
        /// Its number.
        number: String,
        /// The article it rests on.
        legal_basis: String,
        /// Who agreed, as the agreement names them; production demands them.
        parties: Vec<String> = Vec::new(),
        /// Purposes it allows.
        purposes: Vec<String>,
        /// Roads it allows.
        roads: Vec<Road>,
        /// Whether the word of its security server suffices where a body bears no signature of its own.
        attested: bool = false,
        /// First day.
        valid_from: Date,
        /// Last day; open where absent.
        valid_to: Option<Date>,
        /// Years for which what was exchanged is kept; production demands them.
        retention_years: Option<u32>,
        /// What was promised to it.
        service_level: Option<ServiceLine>,
        /// Whom to call; production demands somebody.
        contacts: Vec<ContactLine> = Vec::new(),
        /// What it grants, by operation.
        operations: Named<GrantLine>,
    }
}

impl AgreementLine {
    /// Its number, and how long what it permits is kept, where it says so. No year is shorter than 366 days.
    pub(super) fn kept(&self) -> Option<(String, Duration)> {
        let years = self.retention_years?;
        let seconds = u64::from(years) * 366 * 24 * 3_600;
        Some((self.number.clone(), Duration::from_secs(seconds)))
    }
}

section! {
    /// What was promised: for people, and to hold the figures against.
    pub(crate) ServiceLine {
        /// 99 of 100 answers come within so many milliseconds.
        answer_ms: u64 = 3_000 => 1..=600_000,
        /// Of 10,000 minutes so many are served.
        available_minutes: u64 = 9_950 => 0..=10_000,
    }
}

section! {
    /// A person or an office.
    pub(crate) ContactLine {
        /// Its name.
        name: String,
        /// Its e-mail address.
        email: Option<String>,
        /// Its telephone.
        phone: Option<String>,
    }
}

section! {
    /// A conformance run, as `lienthong conformance --junit` wrote it.
    pub(crate) ConformanceLine {
        /// The JUnit report.
        report: PathBuf,
        /// Its SHA-256, 64 hex digits.
        sha256: String,
    }
}

section! {
    /// What one operation is granted.
    pub(crate) GrantLine {
        /// Fields that may be disclosed.
        fields: Vec<String> = Vec::new(),
        /// Messages per minute.
        per_minute: u32 = 6_000 => 1..=100_000_000,
        /// Messages at once.
        burst: u32 = 200 => 1..=1_000_000,
        /// Lines in one message, where the operation has lines.
        lines: u32 = 1_000 => 1..=100_000_000,
        /// Provinces that a message may be about, two digits each; the whole country where empty.
        provinces: Vec<String> = Vec::new(),
    }
}

section! {
    /// Where callbacks go.
    pub(crate) DeliveryLine {
        /// The partner's server, `https://host:port/path`.
        uri: String,
        /// What goes there: dossiers to a portal, our questions to a tax department or to the population database, payments
        /// to a platform, states of births and deaths to the civil registry's software, or what became of triggers to an OpenCRVS.
        words: OutwardWords = OutwardWords::Portal,
        /// How a tax department is spoken to, and answers.
        form: QuestionForm = QuestionForm::Xml,
        /// Whether this server may have an address of a private network or of this machine; others may not.
        private: bool = false,
        /// Authorities that its certificate must lead to, PEM.
        anchors: PathBuf,
        /// Its login, where its protocol has one.
        username: Option<String>,
        /// Where it stands in the exchange, where `uri` is the exchange's adapter; never taken from a message.
        destination: Destination = Destination::portal(),
        /// Its X-Road service, where `uri` is our security server; else `uri` is the exchange's adapter.
        xroad: Option<ServiceOnXRoad>,
        /// The platform's API that stands for it, where `uri` is the national platform.
        ngsp: Option<NgspLine>,
        /// File with the password on its first line.
        password_file: Option<PathBuf>,
        /// Environment variable with the password.
        password_env: Option<String>,
        /// Parcels in one call at most.
        batch: usize = 10 => 1..=1_000,
        /// How long one call may take, milliseconds.
        timeout_ms: u64 = 10_000 => 100..=120_000,
        /// Calls per minute.
        per_minute: u32 = 600 => 1..=1_000_000,
        /// Calls in flight at once, of different subjects; also the most connections.
        concurrency: usize = 2 => 1..=64,
        /// Failures in a row after which the lane pauses.
        breaker_failures: u32 = 5 => 1..=1_000,
        /// How long a paused lane waits before one try, seconds.
        breaker_seconds: u64 = 10 => 1..=3_600,
        /// When it is asked what it holds; never where absent.
        reconcile: Option<Reconcile>,
        /// Whether a tax department is told of employers' changes; it is not where absent.
        notices: Option<Notices>,
    }
}

words! {
    /// How our questions are written.
    QuestionForm {
        /// XML with a signature in it.
        Xml = "xml",
        /// JSON with a detached JWS beside it.
        Json = "json",
    }
}

section! {
    /// From which step on a tax department is told of participants; other changes are always told.
    pub Notices {
        /// By more people than this, up or down.
        step_people: u32 = 10 => 0..=1_000_000,
        /// And by more than so many per cent of what was told last.
        step_percent: u32 = 10 => 0..=1_000,
    }
}

section! {
    /// Who calls what on X-Road.
    pub ServiceOnXRoad {
        /// We, `instance/class/member/subsystem`.
        client: XRoadClient,
        /// What is called, `instance/class/member/subsystem/service`.
        service: XRoadService,
    }
}

section! {
    /// When a partner is asked what it holds, and about which time.
    pub Reconcile {
        /// How often, seconds; a window ends at each whole multiple of it.
        every_seconds: u64 = 3_600 => 1..=86_400,
        /// How long a window is, seconds; never shorter than `every_seconds`.
        window_seconds: u64 = 3_600 => 1..=604_800,
        /// How long after its end a window is asked about, seconds: what is on its way arrives meanwhile.
        lag_seconds: u64 = 300 => 0..=86_400,
    }
}

/// Where and how one partner is called, its secret read.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The partner.
    pub partner: PartnerId,
    /// In whose words it is spoken to.
    pub words: OutwardWords,
    /// In which form, where it is a tax department.
    pub form: QuestionForm,
    /// Its server.
    pub endpoint: Endpoint,
    /// Authorities that its certificate must lead to, PEM file.
    pub anchors: PathBuf,
    /// Where it stands in the exchange, where the endpoint is the exchange's adapter.
    pub destination: Destination,
    /// Its X-Road service, where the endpoint is our security server.
    pub xroad: Option<ServiceOnXRoad>,
    /// The API that stands for it, where the endpoint is the national platform.
    pub ngsp: Option<NgspAccess>,
    /// How it is spoken with, where it is a payment platform.
    pub payment: Option<PaymentAccess>,
    /// Where we get tokens, where it is the core of an OpenCRVS.
    pub core: Option<CoreAccess>,
    /// Its login, where its protocol has one.
    pub login: Option<Login>,
    /// Parcels in one call at most.
    pub batch: usize,
    /// How long one call may take, milliseconds.
    pub timeout_ms: u64,
    /// Calls per minute.
    pub per_minute: u32,
    /// Calls in flight at once, of different subjects; also the most connections.
    pub concurrency: usize,
    /// Failures in a row after which the lane pauses.
    pub breaker_failures: u32,
    /// How long a paused lane waits before one try, seconds.
    pub breaker_seconds: u64,
    /// When it is asked what it holds.
    pub reconcile: Option<Reconcile>,
    /// From which step on it is told of employers' participants; of nothing where absent.
    pub notices: Option<Notices>,
}

/// In whose words a partner is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutwardWords {
    /// The National Public Service Portal's: a session, dossiers and their progress.
    #[default]
    Portal,
    /// The taxpayer profile: questions that we sign, answers that the department signs.
    Taxpayer,
    /// The payment platform's: what is to be paid, and what became of it.
    Payments,
    /// The civil registry's: states of births and deaths that we sign.
    Civil,
    /// The national population database's: questions that we sign, answers that it signs.
    Population,
    /// Of whoever speaks DCI and has asked us: callbacks that we sign.
    Dci,
    /// Of the core of an OpenCRVS 2.0: what became of what it asked by triggers.
    OpenCrvs,
}

impl OutwardWords {
    /// The words, as config names them.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "portal" => Some(Self::Portal),
            "taxpayer" => Some(Self::Taxpayer),
            "payments" => Some(Self::Payments),
            "civil" => Some(Self::Civil),
            "population" => Some(Self::Population),
            "dci" => Some(Self::Dci),
            "opencrvs" => Some(Self::OpenCrvs),
            _ => None,
        }
    }
}

/// A name and a password that a partner gave us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}
