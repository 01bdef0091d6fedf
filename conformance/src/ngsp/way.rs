//! An agency's own way through the platform: its key, its token, and what it does where the platform does not let a call through.
//!
//! A token is fetched when there is none or when it is about to end. One that the platform does not take any more is fetched anew
//! once for each call. Over its quota a call waits as long as `Retry-After` says, whoever said it: the platform or the service
//! behind it. What the platform says in its own words (`{"fault":{"code":…}}`) is told from what the service says.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use serde_json::Value;

use crate::client::{Client, Error, Reply};
use crate::identity::{Identity, Target};

/// One application of an agency.
#[derive(Debug)]
pub struct Way {
    client: Client,
    key: String,
    secret: String,
    api: String,
    token: Mutex<Option<Token>>,
    said: Mutex<Said>,
}

#[derive(Clone)]
struct Token {
    shown: HeaderValue,
    /// From then on it is not used any more.
    ends: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(REDACTED)")
    }
}

/// What it had to do so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Tokens fetched.
    pub tokens: u32,
    /// Calls that were made again with a new token.
    pub renewed: u32,
    /// Times that it waited for a quota, and how long each time.
    pub waited: Vec<Duration>,
}

/// Why the service's own answer was not heard.
#[derive(Debug, thiserror::Error)]
pub enum Unheard {
    /// Nothing came back.
    #[error(transparent)]
    Client(#[from] Error),
    /// No token was given for key and secret.
    #[error("no token: HTTP {0}")]
    NoToken(u16),
    /// The platform answered, not the service: HTTP status and code.
    #[error("the platform answered {0}: {1}")]
    Platform(u16, u32),
    /// A call that HTTP cannot say.
    #[error("the call cannot be written: {0}")]
    Call(#[from] http::Error),
}

impl Unheard {
    /// The platform's own code, where it answered.
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Platform(_, code) => Some(*code),
            Self::Client(_) | Self::NoToken(_) | Self::Call(_) => None,
        }
    }
}

impl Way {
    /// The way of this agency's application to `api`, `/<api>/<version>`, at a platform.
    pub fn new(
        agency: &Identity,
        platform: &Target,
        (key, secret): (&str, &str),
        api: &str,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(platform, &agency.anchors, Some(&agency.tls))?,
            key: key.to_owned(),
            secret: secret.to_owned(),
            api: api.to_owned(),
            token: Mutex::default(),
            said: Mutex::default(),
        })
    }

    /// What it had to do so far.
    pub fn said(&self) -> Said {
        hold(&self.said).clone()
    }

    /// Makes a call; its target is the resource of the API, beginning with a slash. Gives the service's own answer, whatever its
    /// status. Where it gives none, the same call may be made again: whether the service has acted is not known.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Reply, Unheard> {
        let (mut is_renewed, mut waits) = (false, 0);
        loop {
            let token = self.token().await?;
            let reply = self
                .client
                .send(self.addressed(&request, token.shown)?)
                .await?;
            let fault = fault(&reply);
            let again_after = again_after(&reply);
            if reply.status == 401 && fault.is_some_and(is_of_token) && !is_renewed {
                is_renewed = true;
                hold(&self.token).take();
                hold(&self.said).renewed += 1;
                continue;
            }
            match (reply.status, again_after) {
                (429, Some(wait)) if waits < WAITS_MAX => {
                    waits += 1;
                    hold(&self.said).waited.push(wait);
                    tokio::time::sleep(wait).await;
                }
                _ => {
                    return match fault {
                        Some(code) => Err(Unheard::Platform(reply.status, code)),
                        None => Ok(reply),
                    };
                }
            }
        }
    }

    fn addressed(
        &self,
        request: &Request<Bytes>,
        token: HeaderValue,
    ) -> Result<Request<Bytes>, Unheard> {
        let mut sent = Request::builder().method(request.method()).uri(format!(
            "{}{}",
            self.api,
            request.uri().path()
        ));
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let sent = sent.header(header::AUTHORIZATION, token);
        Ok(sent.body(request.body().clone())?)
    }

    /// The token that there is, or a new one.
    async fn token(&self) -> Result<Token, Unheard> {
        let held = hold(&self.token).clone();
        if let Some(held) = held.filter(|held| Instant::now() < held.ends) {
            return Ok(held);
        }
        let pair = STANDARD.encode(format!("{}:{}", self.key, self.secret));
        let asked = Request::post("/token")
            .header(header::AUTHORIZATION, format!("Basic {pair}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"grant_type=client_credentials"))?;
        let asked_at = Instant::now();
        let reply = self.client.send(asked).await?;
        let token = granted(&reply, asked_at).ok_or(Unheard::NoToken(reply.status))?;
        hold(&self.said).tokens += 1;
        *hold(&self.token) = Some(token.clone());
        Ok(token)
    }
}

/// A token out of its grant; it is not used in the last tenth of its life.
fn granted(reply: &Reply, asked_at: Instant) -> Option<Token> {
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    let seconds = u32::try_from(body.get("expires_in")?.as_u64()?).ok()?;
    let shown = format!("Bearer {}", body.get("access_token")?.as_str()?);
    let shown = HeaderValue::from_str(&shown).ok()?;
    let life = Duration::from_secs(u64::from(seconds));
    (reply.status == 200).then(|| Token {
        shown,
        ends: asked_at + life - life / 10,
    })
}

/// The code of `{"fault":{"code":…}}`; none where the service itself answered.
fn fault(reply: &Reply) -> Option<u32> {
    if (200..300).contains(&reply.status) {
        return None;
    }
    let body: Value = serde_json::from_slice(&reply.body).ok()?;
    let code = body.get("fault")?.get("code")?;
    let number = code.as_u64().and_then(|code| u32::try_from(code).ok());
    number.or_else(|| code.as_str()?.parse().ok())
}

/// Missing, unknown or over.
fn is_of_token(code: u32) -> bool {
    (900_900..=900_904).contains(&code)
}

fn again_after(reply: &Reply) -> Option<Duration> {
    let seconds: u64 = reply.header("retry-after")?.parse().ok()?;
    let wait = Duration::from_secs(seconds);
    (wait <= WAIT_MAX).then_some(wait)
}

fn hold<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often one call waits for a quota; then whoever asked hears of it.
const WAITS_MAX: u32 = 5;
/// The longest that is waited here; what asks for more is told.
const WAIT_MAX: Duration = Duration::from_secs(60);
