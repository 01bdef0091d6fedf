//! The key sets of token issuers (RFC 7517), fetched from their registered addresses and nowhere else.
//!
//! A set is kept for a quarter of an hour, and fetched earlier where a token names a key that is not in
//! it, but not more often than every half minute: a stranger's tokens cannot make us call. While the
//! issuer does not answer, the last good set is used for a day. One call is under way per issuer at most,
//! and nobody who can be served from what is kept waits for it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use certs::{
    jwt::{KEY_SET_BYTES_MAX, KeySet},
    revocation::{Ask, Revocations},
    tls::{Alpn, Anchors, ClientParams, Connector, Identity},
};
use futures_util::future::BoxFuture;
use gateway_core::{
    partner::TokenRule,
    ports::{KeysUnavailable, Tokens},
};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::{
    fetch::{self, FetchLimits, Fetched, Fetcher},
    reach::{Location, Reach},
};

/// How long what is kept, and tried how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// After this a set is fetched anew.
    pub fresh: Duration,
    /// Between two fetches at least.
    pub between: Duration,
    /// After this a set that could not be fetched anew is no longer used.
    pub last: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(15 * 60),
            between: Duration::from_secs(30),
            last: Duration::from_secs(24 * 3_600),
        }
    }
}

/// Our certificate and key, for issuers that want to see one; read at each call, so that new ones count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The chain, leaf first, PEM.
    pub cert: PathBuf,
    /// The key, PEM.
    pub key: PathBuf,
}

/// How an issuer's server is called: what we show, and what is known of servers that were taken back. A key set is
/// believed for the server that gives it, and for nothing else.
#[derive(Clone)]
pub struct Calls {
    /// Our own certificate and key.
    pub identity: IdentityFiles,
    /// The lists and answers that are known,
    pub revocations: Arc<Revocations>,
    /// and who asks responders about a server, before a byte is said to it.
    pub ask: Arc<dyn Ask>,
}

impl std::fmt::Debug for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Calls({:?})", self.identity)
    }
}

/// The key sets of all issuers that registrations name.
#[derive(Debug)]
pub struct Issuers {
    patience: Patience,
    calls: Calls,
    known: Mutex<HashMap<Address, Arc<Issuer>>>,
}

/// Issuers at one address with one anchor are one.
type Address = (String, PathBuf, bool);

/// One issuer.
#[derive(Debug)]
struct Issuer {
    address: Address,
    kept: Mutex<Kept>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Option<(Arc<KeySet>, Instant)>,
    tried: Option<Instant>,
}

/// More addresses than registrations name are those of earlier registrations.
const ISSUERS_MAX: usize = 64;

impl Issuers {
    /// Asks nobody yet.
    #[must_use]
    pub fn new(calls: Calls, patience: Patience) -> Self {
        Self {
            patience,
            calls,
            known: Mutex::default(),
        }
    }

    fn issuer(&self, rule: &TokenRule) -> Arc<Issuer> {
        let address = (rule.keys.clone(), rule.anchors.clone(), rule.is_private);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(issuer) = known.get(&address) {
            return Arc::clone(issuer);
        }
        if known.len() >= ISSUERS_MAX {
            known.clear();
        }
        let issuer = Arc::new(Issuer {
            address: address.clone(),
            kept: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
        });
        known.insert(address, Arc::clone(&issuer));
        issuer
    }
}

impl Tokens for Issuers {
    fn keys<'a>(
        &'a self,
        rule: &'a TokenRule,
        kid: &'a str,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async move { self.issuer(rule).keys(kid, self).await })
    }
}

impl Issuer {
    async fn keys(&self, kid: &str, house: &Issuers) -> Result<Arc<KeySet>, KeysUnavailable> {
        let patience = house.patience;
        if let Some(keys) = self.kept().good_for(kid, patience) {
            return Ok(keys);
        }
        let _flight = self.flight.lock().await;
        // whoever waited may find that the one before has fetched it
        if let Some(keys) = self.kept().good_for(kid, patience) {
            return Ok(keys);
        }
        if self.kept().may_try(patience) {
            self.fetch(&house.calls).await;
        }
        self.kept().usable(patience)
    }

    async fn fetch(&self, calls: &Calls) {
        self.kept().tried = Some(Instant::now());
        match self.call(calls).await {
            Ok(keys) => self.kept().keys = Some((Arc::new(keys), Instant::now())),
            Err(reason) => {
                tracing::warn!(
                    issuer = self.address.0.as_str(),
                    reason,
                    "no new key set; the last good one stays"
                );
            }
        }
    }

    async fn call(&self, calls: &Calls) -> Result<KeySet, &'static str> {
        read(fetcher(&self.address, calls)?.get(HeaderMap::new()).await)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// A fresh set that knows the key.
    fn good_for(&self, kid: &str, patience: Patience) -> Option<Arc<KeySet>> {
        let (keys, since) = self.keys.as_ref()?;
        (since.elapsed() < patience.fresh && keys.knows(kid)).then(|| Arc::clone(keys))
    }

    fn may_try(&self, patience: Patience) -> bool {
        self.tried
            .is_none_or(|tried| tried.elapsed() >= patience.between)
    }

    fn usable(&self, patience: Patience) -> Result<Arc<KeySet>, KeysUnavailable> {
        match &self.keys {
            Some((keys, since)) if since.elapsed() < patience.last => Ok(Arc::clone(keys)),
            _ => Err(KeysUnavailable("issuer-unreachable")),
        }
    }
}

fn read(fetched: Result<Fetched, fetch::Error>) -> Result<KeySet, &'static str> {
    let fetched = fetched.map_err(|error| error.reason())?;
    if fetched.status != StatusCode::OK {
        return Err("issuer-status");
    }
    KeySet::from_json(&fetched.body).map_err(|error| error.reason())
}

fn fetcher(address: &Address, calls: &Calls) -> Result<Fetcher, &'static str> {
    let (keys, anchors, is_private) = address;
    let identity = &calls.identity;
    let location = Location::parse(keys, Reach::private(*is_private));
    let limits = FetchLimits {
        answer_bytes_max: KEY_SET_BYTES_MAX,
        deadline: CALL,
        ..FetchLimits::default()
    };
    let params = ClientParams {
        identity: Identity::from_files(&identity.cert, &identity.key).ok(),
        anchors: Anchors::from_file(anchors).map_err(|_| "issuer-anchors")?,
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: CALL,
        alpn: vec![Alpn::Http1],
    };
    let (known, ask) = (Arc::clone(&calls.revocations), Arc::clone(&calls.ask));
    let tls = Connector::confirmed_by(params, known, ask).map_err(|_| "issuer-anchors")?;
    Fetcher::new(location.map_err(|_| "issuer-address")?, Some(tls), limits)
        .map_err(|_| "issuer-address")
}

/// How long one fetch may take.
const CALL: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
