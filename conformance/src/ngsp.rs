//! A simulated national platform (NGSP): an API manager between agencies, with its own applications, tokens, quotas
//! and memory.
//!
//! It gives tokens for a key and a secret (`POST /token`), lets a call to `/<api>/<version>/<resource>` through whose
//! application is subscribed and within its quota, brings it to the service behind the API under its own
//! certificate, and refuses in the words of the real one. A test may make it forget its tokens, lose replies, bring a call twice or
//! another body than it was given. [`Way`] is how an agency calls through it.

mod server;
mod way;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use certs::tls;

use crate::call::Trouble;
use crate::client::Client;
use crate::identity::{Identity, Target};

pub use way::{Said, Unheard, Way};

/// The platform.
#[derive(Debug)]
pub struct Platform {
    /// As which it listens.
    identity: Identity,
    /// As which it calls the services.
    caller: tls::Identity,
    applications: BTreeMap<String, Application>,
    /// Partners as whose the calls of an application are announced, by its key.
    names: BTreeMap<String, String>,
    services: Mutex<BTreeMap<String, Service>>,
    token_life: Duration,
    window: Duration,
    state: Mutex<State>,
}

/// Who may call.
#[derive(Clone)]
pub struct Application {
    /// What goes with its key.
    pub secret: String,
    /// The APIs that it is subscribed to, each `/<api>/<version>`.
    pub apis: Vec<String>,
    /// How many calls it has in a window: of [`WINDOW`], unless [`Platform::with_window`] says otherwise.
    pub quota: u32,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Application({:?}, {} a window)", self.apis, self.quota)
    }
}

/// A service behind an API.
#[derive(Debug, Clone)]
struct Service {
    client: Client,
    base: String,
}

#[derive(Debug, Default)]
struct State {
    tokens: HashMap<String, Token>,
    used: HashMap<String, (Instant, u32)>,
    /// Services that could not be reached, and until when nobody is let through to them.
    suspended: HashMap<String, Instant>,
    to_throttle: u32,
    to_lose: u32,
    to_repeat: u32,
    to_alter: u32,
    seen: Seen,
}

#[derive(Debug, Clone)]
struct Token {
    application: String,
    ends: Instant,
}

/// What it has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Tokens given.
    pub tokens: u32,
    /// Codes of the calls that it refused, in their order.
    pub refused: Vec<u32>,
    /// Correlation ids of the calls that it let through, in their order.
    pub passed: Vec<String>,
}

impl Platform {
    /// Opens its folder, whose certificate it calls services with; it listens as `server`. Nobody may call yet.
    pub fn open(
        folder: &Path,
        server: tls::Identity,
        token_life: Duration,
    ) -> Result<Self, Trouble> {
        let mut identity = Identity::load(folder)?;
        let caller = std::mem::replace(&mut identity.tls, server);
        Ok(Self {
            identity,
            caller,
            applications: BTreeMap::new(),
            names: BTreeMap::new(),
            services: Mutex::default(),
            token_life,
            window: WINDOW,
            state: Mutex::default(),
        })
    }

    /// Registers an application under its key.
    #[must_use]
    pub fn with_application(mut self, key: &str, application: Application) -> Self {
        self.applications.insert(key.to_owned(), application);
        self
    }

    /// Announces every call of an application as this partner's, in [`BEHALF`], and drops what its caller says there. Of one that it
    /// has no partner for it passes the caller's own word on.
    #[must_use]
    pub fn naming(mut self, key: &str, partner: &str) -> Self {
        self.names.insert(key.to_owned(), partner.to_owned());
        self
    }

    /// Counts quotas, and leaves alone a service that it could not reach, for so long.
    #[must_use]
    pub fn with_window(self, window: Duration) -> Self {
        Self { window, ..self }
    }

    /// Puts a service behind an API: what comes to `/<api>/<version>/x` goes to `base/x` there.
    pub fn with_service(self, api: &str, target: &Target, base: &str) -> Result<Self, Trouble> {
        self.bring(api, target, base)?;
        Ok(self)
    }

    /// The same while it serves: a service that has moved is found again.
    pub fn bring(&self, api: &str, target: &Target, base: &str) -> Result<(), Trouble> {
        let client = Client::new(target, &self.identity.anchors, Some(&self.caller))?;
        let base = base.to_owned();
        self.services()
            .insert(api.to_owned(), Service { client, base });
        self.state().suspended.remove(api);
        Ok(())
    }

    /// What it has done so far.
    pub fn seen(&self) -> Seen {
        self.state().seen.clone()
    }

    /// Forgets every token that it gave, as after a restart.
    pub fn forget_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Ends every token that it gave before its time.
    pub fn end_tokens(&self) {
        let now = Instant::now();
        for token in self.state().tokens.values_mut() {
            token.ends = now;
        }
    }

    /// Takes the next calls for those beyond their quota, whose window is about to end.
    pub fn throttle(&self, calls: u32) {
        self.state().to_throttle = calls;
    }

    /// Loses the replies of the next calls that it lets through.
    pub fn lose(&self, replies: u32) {
        self.state().to_lose = replies;
    }

    /// Brings the next calls that it lets through twice, one after the other; the second answer is told.
    pub fn repeat(&self, calls: u32) {
        self.state().to_repeat = calls;
    }

    /// Changes one byte in the middle of the bodies of the next calls that it lets through.
    pub fn alter(&self, bodies: u32) {
        self.state().to_alter = bodies;
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<String, Service>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new token for a key with its secret.
    fn grant(&self, key: &str, secret: &str) -> Option<String> {
        let known = self.applications.get(key)?;
        if known.secret != secret {
            return None;
        }
        let token = Token {
            application: key.to_owned(),
            ends: Instant::now() + self.token_life,
        };
        let text = uuid::Uuid::now_v7().to_string();
        let mut state = self.state();
        state.tokens.insert(text.clone(), token);
        state.seen.tokens += 1;
        Some(text)
    }

    /// Whether a call may go through to an API, and as whose, or the refusal.
    fn admit(&self, token: Option<&str>, api: &str) -> Result<(Service, Option<&String>), Refused> {
        let service = self.services().get(api).cloned();
        let mut state = self.state();
        let key = state.holder(token)?;
        let service = service.ok_or(Refused::NoApi)?;
        let application = self.applications.get(&key).ok_or(Refused::Forbidden)?;
        if !application.apis.iter().any(|one| one == api) {
            return Err(Refused::Forbidden);
        }
        state.count(&key, application.quota, self.window)?;
        let until = state.suspended.get(api).copied();
        match until.is_some_and(|until| Instant::now() < until) {
            true => Err(Refused::Suspended),
            false => Ok((service, self.names.get(&key))),
        }
    }
}

impl State {
    fn holder(&self, token: Option<&str>) -> Result<String, Refused> {
        let token = token.ok_or(Refused::NoToken)?;
        let known = self.tokens.get(token).ok_or(Refused::BadToken)?;
        match Instant::now() < known.ends {
            true => Ok(known.application.clone()),
            false => Err(Refused::OldToken),
        }
    }

    fn count(&mut self, key: &str, quota: u32, window: Duration) -> Result<(), Refused> {
        if self.to_throttle > 0 {
            self.to_throttle -= 1;
            return Err(Refused::Throttled(Duration::ZERO));
        }
        let now = Instant::now();
        let used = self.used.entry(key.to_owned()).or_insert((now, 0));
        if now.duration_since(used.0) >= window {
            *used = (now, 0);
        }
        if used.1 >= quota {
            return Err(Refused::Throttled(window - now.duration_since(used.0)));
        }
        used.1 += 1;
        Ok(())
    }
}

/// Why the platform itself answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    NoToken,
    BadToken,
    OldToken,
    NoApi,
    Forbidden,
    Throttled(Duration),
    TooLarge,
    Suspended,
    Unreachable,
    Unanswered,
}

/// How long a quota's window is.
pub const WINDOW: Duration = Duration::from_secs(60);
/// In which a relay says whose chunk it brings (own profile of the service behind: a chunk has no envelope).
pub const BEHALF: &str = "lienthong-on-behalf-of";
/// The largest body that it carries: a chunk of a month in bulk.
pub const BODY_BYTES_MAX: usize = 16 << 20;
