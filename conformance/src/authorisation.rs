//! A simulated authorisation server (OAuth 2.0 client credentials, as NGSP has it): its own keys and its
//! own clients. It gives tokens bound to the caller's certificate (RFC 8705) and shows its key set; a test
//! may have it write any token at all, and change its keys.

mod server;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use certs::digest;
use certs::keys::SigningKey;
use certs::pki::{Authority, IssueParams, Usage};
use certs::tls::{Anchors, Identity};
use jiff::Timestamp;
use serde_json::{Value, json};

pub use server::Serving;

use crate::call::Trouble;

/// What a server is made of.
pub struct Params {
    /// The name in its tokens.
    pub issuer: String,
    /// Its TLS identity.
    pub tls: Identity,
    /// Who its clients' certificates must lead to.
    pub client_anchors: Anchors,
    /// Clients and their secrets.
    pub clients: BTreeMap<String, String>,
    /// How long its tokens live, seconds.
    pub life_seconds: i64,
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Params");
        shown.field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// The server's memory.
#[derive(Debug)]
pub struct AuthorisationServer {
    params: Params,
    keys: Mutex<Keys>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Keys {
    current: Key,
    number: u64,
}

#[derive(Debug)]
struct Key {
    kid: String,
    signing: SigningKey,
}

/// What was asked of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Tokens given.
    pub tokens: u64,
    /// Callers refused.
    pub refused: u64,
    /// Times that the key set was shown.
    pub key_sets: u64,
}

impl AuthorisationServer {
    /// A server with a first key.
    pub fn new(params: Params, now: Timestamp) -> Result<Self, Trouble> {
        Ok(Self {
            params,
            keys: Mutex::new(Keys {
                current: Key::make(1, now)?,
                number: 1,
            }),
            seen: Mutex::default(),
        })
    }

    /// What was asked of it so far.
    pub fn seen(&self) -> Seen {
        *lock(&self.seen)
    }

    /// Takes a new key; the old one is shown no longer.
    pub fn rotate(&self, now: Timestamp) -> Result<(), Trouble> {
        let mut keys = lock(&self.keys);
        keys.number += 1;
        keys.current = Key::make(keys.number, now)?;
        Ok(())
    }

    /// The name of the key in use.
    pub fn kid(&self) -> String {
        lock(&self.keys).current.kid.clone()
    }

    /// The key set (RFC 7517).
    pub fn key_set(&self) -> Value {
        json!({ "keys": [lock(&self.keys).current.jwk()] })
    }

    /// The claims of an honest token for this client and audience, bound to this certificate.
    pub fn claims(
        &self,
        client: &str,
        audience: &str,
        certificate: &[u8; 32],
        now: Timestamp,
    ) -> Value {
        json!({
            "iss": self.params.issuer,
            "aud": audience,
            "sub": client,
            "client_id": client,
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": now.as_second() + self.params.life_seconds,
            "jti": uuid::Uuid::now_v7().to_string(),
            "cnf": { "x5t#S256": URL_SAFE_NO_PAD.encode(certificate) },
        })
    }

    /// Signs any claims under the usual header.
    pub fn sign(&self, claims: &Value) -> Result<String, Trouble> {
        let header = json!({ "alg": "ES256", "kid": self.kid(), "typ": "at+jwt" });
        self.sign_under(&header, claims)
    }

    /// Signs any claims under any header with the key in use.
    pub fn sign_under(&self, header: &Value, claims: &Value) -> Result<String, Trouble> {
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", text(header), text(claims));
        let signature = lock(&self.keys).current.signing.sign(input.as_bytes());
        let signature = signature.map_err(|error| Trouble::Params(error.to_string()))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The secret of a client, compared without telling how much of it was right.
    fn admits(&self, client: &str, secret: &str) -> bool {
        let known = self.params.clients.get(client);
        known.is_some_and(|known| digest::constant_time_eq(known.as_bytes(), secret.as_bytes()))
    }

    fn note(&self, what: impl FnOnce(&mut Seen)) {
        what(&mut lock(&self.seen));
    }
}

impl Key {
    fn make(number: u64, now: Timestamp) -> Result<Self, Trouble> {
        let params = |error: &dyn ToString| Trouble::Params(error.to_string());
        let authority = Authority::generate("sandbox", now).map_err(|error| params(&error))?;
        let issued = authority
            .issue(&IssueParams::new("token-signing", Usage::Signing, now))
            .map_err(|error| params(&error))?;
        let signing = SigningKey::from_pem(issued.key_pem.as_bytes(), None)
            .map_err(|error| params(&error))?;
        Ok(Self {
            kid: format!("as-{number}"),
            signing,
        })
    }

    /// P-256: the point's coordinates are the last 64 bytes of the SubjectPublicKeyInfo (RFC 5480 §2.2).
    fn jwk(&self) -> Value {
        let spki = self.signing.public_spki();
        let point = &spki[spki.len().saturating_sub(64)..];
        let (x, y) = point.split_at(point.len() / 2);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "kid": self.kid, "x": text(x), "y": text(y),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
