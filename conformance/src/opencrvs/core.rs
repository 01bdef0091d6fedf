//! The core of a simulated OpenCRVS 2.0: it asks by triggers before it registers, holds what is answered with 202, and hears later
//! what became of it.
//!
//! Its own server gives tokens as the real one does (by a system's id and secret, exchanged for one that is good for one action), and
//! takes `event.actions.register.accept` and `.reject`. What the gateway should not have said is a violation.

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use certs::keys::{Algorithm, SigningKey, jwk};
use certs::pki::{Authority, IssueParams, KeyChoice, Usage};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use crate::listener::Serving;
pub use record::{birth, death};

use crate::call::Trouble;
use crate::client::{Client, Reply};
use crate::identity::Identity;
use crate::listener::{self, Counterpart, status};

/// Our system's id and secret there.
pub const CLIENT: (&str, &str) = ("made-up-system", "made-up-system-secret");
/// Who gives its tokens.
pub const ISSUER: &str = "opencrvs:auth-service";
/// Whom they are for where a trigger shows them.
pub const AUDIENCE: &str = "opencrvs:countryconfig-user";

/// The key of its auth service.
#[derive(Debug)]
pub struct AuthKey {
    kid: String,
    signing: SigningKey,
}

impl AuthKey {
    /// A new one, RSA as the real one's.
    pub fn make(kid: &str, now: Timestamp) -> Result<Self, Trouble> {
        let bad = |error: &dyn ToString| Trouble::Params(error.to_string());
        let authority = Authority::generate("sandbox", now).map_err(|error| bad(&error))?;
        let mut params = IssueParams::new("opencrvs-auth", Usage::Signing, now);
        params.key = KeyChoice::Rsa2048;
        let issued = authority.issue(&params).map_err(|error| bad(&error))?;
        let pem = issued.key_pem.as_bytes();
        let signing = SigningKey::from_pem(pem, Some(Algorithm::Rs256));
        Ok(Self {
            kid: kid.to_owned(),
            signing: signing.map_err(|error| bad(&error))?,
        })
    }

    /// Its public part, as a JWK set.
    pub fn jwks(&self) -> Result<Value, Trouble> {
        let jwk = jwk(self.signing.public_spki(), &self.kid, Algorithm::Rs256);
        let jwk = jwk.map_err(|error| Trouble::Params(error.to_string()))?;
        Ok(json!({ "keys": [jwk] }))
    }

    /// The SubjectPublicKeyInfo: what anybody may know.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.signing.public_spki()
    }

    /// Signs any claims under any header.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<String, Trouble> {
        let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", text(header), text(claims));
        let signature = self.signing.sign(input.as_bytes());
        let signature = signature.map_err(|error| Trouble::Params(error.to_string()))?;
        Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The claims of an honest token for one action of one record.
#[must_use]
pub fn claims(event: &str, action: &str, now: Timestamp) -> Value {
    json!({
        "scope": ["type=record.confirm-registration", "type=record.reject-registration"],
        "eventId": event,
        "actionId": action,
        "userType": "user",
        "iat": now.as_second(),
        "exp": now.as_second() + 604_800,
        "aud": ["opencrvs:gateway-user", "opencrvs:events-user", AUDIENCE],
        "iss": ISSUER,
        "sub": "6f0a1c9e-0000-4000-8000-00000000beef",
    })
}

/// The header of every token of its own: it names no key.
#[must_use]
pub fn plain_header() -> Value {
    json!({ "alg": "RS256", "typ": "JWT" })
}

/// How an action was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmed {
    /// Under this number.
    Accepted(String),
    /// It is not registered.
    Rejected,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many confirmations are taken and the answer never sent.
    pub drop_replies: u32,
    /// So many are answered with HTTP 500, and not taken.
    pub fail: u32,
    /// So many calls for a token are answered with HTTP 503.
    pub no_tokens: u32,
}

#[derive(Debug, Default)]
struct Table {
    /// Record and action of what was answered with 202.
    held: BTreeMap<String, String>,
    confirmed: BTreeMap<String, Confirmed>,
    /// Tokens that were given for one action, and not used.
    given: BTreeMap<String, (String, String)>,
    systems: BTreeSet<String>,
    calls: u32,
    mischief: Mischief,
    violations: Vec<String>,
}

/// The core.
#[derive(Debug)]
pub struct Core {
    identity: Identity,
    key: AuthKey,
    table: Mutex<Table>,
}

impl Core {
    /// Opens the registry's folder; its tokens are by this key.
    pub fn open(folder: &Path, key: AuthKey) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            key,
            table: Mutex::default(),
        }))
    }

    /// Serves until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.table().mischief);
    }

    /// The key of its auth service.
    #[must_use]
    pub fn key(&self) -> &AuthKey {
        &self.key
    }

    /// How an action was confirmed.
    #[must_use]
    pub fn confirmed(&self, action: &str) -> Option<Confirmed> {
        self.table().confirmed.get(action).cloned()
    }

    /// How many confirmations it has heard, those that were lost as well.
    #[must_use]
    pub fn calls(&self) -> u32 {
        self.table().calls
    }

    /// What the gateway should not have said.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.table().violations.clone()
    }

    /// An action of a record is decided here, whoever is asked.
    pub fn decide(&self, action: &str, as_what: Confirmed) {
        let mut table = self.table();
        table.confirmed.insert(action.to_owned(), as_what);
    }

    /// Asks for an action, as the real one does; what is answered with 202 it holds.
    pub async fn ask(&self, folder: &Path, kind: &str, record: &Value) -> Result<Reply, Trouble> {
        let (event, action) = names(record);
        let now = crate::clock::now();
        let token = self
            .key
            .sign(&plain_header(), &claims(&event, &action, now))?;
        let request = Request::post(path(record, kind))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Bytes::from(record.to_string()))
            .map_err(|error| Trouble::Params(error.to_string()))?;
        // the gateway may stand elsewhere by now
        let identity = Identity::load(folder)?;
        let client = Client::new(&identity.gateway, &identity.anchors, Some(&identity.tls))?;
        // it holds the action before it asks: the confirmation may come before the answer
        self.hold(&event, &action);
        Ok(client.send(request).await?)
    }

    /// Holds an action until it is confirmed.
    pub fn hold(&self, event: &str, action: &str) {
        let held = &mut self.table().held;
        held.insert(action.to_owned(), event.to_owned());
    }

    fn token(&self, said: &Value) -> Response<Full<Bytes>> {
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let mut table = self.table();
        if took(&mut table.mischief.no_tokens) {
            return status(StatusCode::SERVICE_UNAVAILABLE);
        }
        let token = format!(
            "made.up-{:x}",
            u64::from_be_bytes(certs::digest::random::<8>())
        );
        match text("grant_type").as_str() {
            "client_credentials" => {
                if (text("client_id").as_str(), text("client_secret").as_str()) != CLIENT {
                    return status(StatusCode::UNAUTHORIZED);
                }
                table.systems.insert(token.clone());
            }
            "urn:opencrvs:oauth:grant-type:token-exchange" => {
                let kinds = (text("subject_token_type"), text("requested_token_type"));
                let kinds = (kinds.0.as_str(), kinds.1.as_str());
                if !table.systems.remove(&text("subject_token")) {
                    return status(StatusCode::UNAUTHORIZED);
                }
                if kinds
                    != (
                        "urn:ietf:params:oauth:token-type:access_token",
                        "urn:opencrvs:oauth:token-type:single_record_token",
                    )
                {
                    return status(StatusCode::BAD_REQUEST);
                }
                let of = (text("event_id"), text("action_id"));
                table.given.insert(token.clone(), of);
            }
            _ => return status(StatusCode::BAD_REQUEST),
        }
        let granted = json!({ "access_token": token, "token_type": "Bearer" });
        Response::new(Full::new(Bytes::from(granted.to_string())))
    }

    /// None where the answer is lost.
    fn confirm(
        &self,
        bearer: &str,
        is_accept: bool,
        body: &Value,
    ) -> Option<Response<Full<Bytes>>> {
        let said = &body["json"];
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let (event, action) = (text("eventId"), text("actionId"));
        let mut table = self.table();
        if took(&mut table.mischief.fail) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        table.calls += 1;
        if table.given.remove(bearer) != Some((event.clone(), action.clone())) {
            let wrong = "a confirmation without a token for this action";
            table.violations.push(wrong.to_owned());
            return Some(failed(StatusCode::FORBIDDEN, "FORBIDDEN", "FORBIDDEN"));
        }
        if text("transactionId").is_empty() {
            table.violations.push("no transactionId".to_owned());
        }
        if table.held.get(&action) != Some(&event) {
            return Some(failed(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "Action not found.",
            ));
        }
        let number = text("registrationNumber");
        let now = match is_accept {
            true if number.is_empty() => {
                table
                    .violations
                    .push("accepted without a number".to_owned());
                return Some(failed(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Invalid"));
            }
            true => Confirmed::Accepted(number),
            false => Confirmed::Rejected,
        };
        match (table.confirmed.get(&action), &now) {
            (Some(Confirmed::Rejected), Confirmed::Accepted(_)) => {
                let message = "Action has already been rejected.";
                return Some(failed(StatusCode::BAD_REQUEST, "BAD_REQUEST", message));
            }
            (Some(Confirmed::Accepted(_)), Confirmed::Rejected) => {
                return Some(failed(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "INTERNAL_SERVER_ERROR",
                    "Action has already been accepted.",
                ));
            }
            (Some(known), now) if known != now => {
                let wrong = "accepted again under another number";
                table.violations.push(wrong.to_owned());
            }
            (Some(_), _) => {}
            (None, _) => {
                table.confirmed.insert(action.clone(), now);
            }
        }
        let lost = took(&mut table.mischief.drop_replies);
        let answer = json!({ "result": { "data": { "json": { "id": event } } } });
        (!lost).then(|| Response::new(Full::new(Bytes::from(answer.to_string()))))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record's id, and that of the action which it is asked for: the last.
#[must_use]
pub fn names(record: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let last = record["actions"].as_array().and_then(|all| all.last());
    (
        text(&record["id"]),
        last.map(|one| text(&one["id"])).unwrap_or_default(),
    )
}

/// Where an action of a record is asked for.
#[must_use]
pub fn path(record: &Value, kind: &str) -> String {
    let event = record["type"].as_str().unwrap_or_default();
    format!("/trigger/events/{event}/actions/{kind}")
}

fn took(counter: &mut u32) -> bool {
    let any = *counter > 0;
    *counter = counter.saturating_sub(1);
    any
}

/// A failure as tRPC writes it.
fn failed(code: StatusCode, word: &str, message: &str) -> Response<Full<Bytes>> {
    let data = json!({ "code": word, "httpStatus": code.as_u16() });
    let said = json!({ "error": { "json": { "message": message, "code": -32600, "data": data } } });
    let mut response = Response::new(Full::new(Bytes::from(said.to_string())));
    *response.status_mut() = code;
    response
}

impl Counterpart for Core {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn violate(&self, what: String) {
        self.table().violations.push(what);
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?;
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let bearer = head.headers.get(header::AUTHORIZATION);
        let bearer = bearer.and_then(|one| one.to_str().ok()?.strip_prefix("Bearer "));
        let bearer = bearer.unwrap_or_default();
        match (&head.method, head.uri.path()) {
            (&Method::POST, "/token") => Some(self.token(&body)),
            (&Method::POST, "/events/event.actions.register.accept") => {
                self.confirm(bearer, true, &body)
            }
            (&Method::POST, "/events/event.actions.register.reject") => {
                self.confirm(bearer, false, &body)
            }
            (_, path) => {
                self.violate(format!("nobody is at {path}"));
                Some(status(StatusCode::NOT_FOUND))
            }
        }
    }
}

const BODY_BYTES_MAX: usize = 64 << 10;
