//! Access tokens that we ask for: OAuth 2.0 client credentials (RFC 6749 §4.4), as NGSP's WSO2 has them.
//!
//! A token is kept and fetched anew before it ends; one call is under way at most, whoever else needs it
//! waits for its outcome. A token that a service refuses (401) is thrown away and asked for once more. The
//! secret stands in a file or the environment and is read for each call; with mutual TLS the certificate
//! is the secret (RFC 8705 §2).

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use schemas::json::{self, Limits};
use serde::Deserialize;
use tokio::time::Instant;

use crate::{client, fetch::Fetcher};

pub use certs::keys::SecretPlace;

/// Who we are to the authorisation server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A name and a secret, sent as HTTP Basic (RFC 6749 §2.3.1).
    Secret {
        /// The client's id.
        client: String,
        /// Where its secret stands.
        secret: SecretPlace,
    },
    /// Our TLS certificate; the fetcher shows it (RFC 8705 §2.1).
    Certificate {
        /// The client's id.
        client: String,
    },
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The secret could not be read.
    #[error("the client secret cannot be read")]
    Secret,
    /// The call failed; the word says how.
    #[error("the token could not be fetched: {0}")]
    Call(&'static str),
    /// The server refuses us (400 or 401).
    #[error("the authorisation server refuses the client")]
    Refused,
    /// Another status.
    #[error("the authorisation server answered with status {0}")]
    Status(u16),
    /// Not what RFC 6749 §5.1 describes, or a token that no header can carry.
    #[error("the token's answer cannot be read")]
    Answer,
    /// It failed a moment ago; it is not asked again at once.
    #[error("the authorisation server failed a moment ago: {0}")]
    TooSoon(&'static str),
}

impl Error {
    /// A stable word for logs, metrics and the outbox.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Secret => "token-secret",
            Self::Call(reason) | Self::TooSoon(reason) => reason,
            Self::Refused => "token-client-refused",
            Self::Status(_) => "token-status",
            Self::Answer => "token-answer",
        }
    }
}

/// A token with its end; its `Debug` shows the end only.
#[derive(Clone)]
pub struct Token {
    header: HeaderValue,
    /// Ours, not the server's: counted from before the call.
    ends: Instant,
    lives: Duration,
}

impl Token {
    /// `Bearer …`, marked as sensitive.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Fetched anew when a tenth of its life is left, or half a minute where that is more; a short one at half.
    fn is_fresh(&self) -> bool {
        let margin = (self.lives / 10).max(MARGIN).min(self.lives / 2);
        Instant::now() + margin < self.ends
    }

    fn is_alive(&self) -> bool {
        Instant::now() < self.ends
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(REDACTED, lives {:?})", self.lives)
    }
}

/// One client's tokens from one server.
#[derive(Debug)]
pub struct Tokens {
    fetcher: Fetcher,
    credentials: Credentials,
    scope: Option<String>,
    kept: Mutex<Kept>,
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<Arc<Token>>,
    failed: Option<(Instant, &'static str)>,
}

impl Tokens {
    /// Asks nobody yet. `fetcher` leads to the server's token address and shows our certificate where the
    /// credentials are one.
    #[must_use]
    pub fn new(fetcher: Fetcher, credentials: Credentials, scope: Option<String>) -> Self {
        Self {
            fetcher,
            credentials,
            scope,
            kept: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
        }
    }

    /// A token that lives a while yet.
    ///
    /// # Errors
    /// [`Error`]; one that could not be renewed in time is used to its end first.
    pub async fn token(&self) -> Result<Arc<Token>, Error> {
        if let Some(token) = self.kept().token.clone().filter(|token| token.is_fresh()) {
            return Ok(token);
        }
        let _flight = self.flight.lock().await;
        let kept = self.kept().token.clone();
        if let Some(token) = kept.clone().filter(|token| token.is_fresh()) {
            return Ok(token);
        }
        let alive = kept.filter(|token| token.is_alive());
        match (self.renew().await, alive) {
            (Ok(token), _) | (Err(_), Some(token)) => Ok(token),
            (Err(error), None) => Err(error),
        }
    }

    /// Throws a token away that a service has refused; a newer one stays.
    pub fn refused(&self, token: &Arc<Token>) {
        let mut kept = self.kept();
        if kept
            .token
            .as_ref()
            .is_some_and(|kept| Arc::ptr_eq(kept, token))
        {
            kept.token = None;
        }
    }

    /// Calls with a token, and once more with a new one where `is_refused` says that the answer was 401.
    ///
    /// # Errors
    /// No token, or the call's own error.
    pub async fn with<T, E, F>(
        &self,
        call: impl Fn(HeaderValue) -> F,
        is_refused: impl Fn(&T) -> bool,
    ) -> Result<T, E>
    where
        E: From<Error>,
        F: Future<Output = Result<T, E>>,
    {
        let token = self.token().await?;
        let answer = call(token.header()).await?;
        if !is_refused(&answer) {
            return Ok(answer);
        }
        self.refused(&token);
        let token = self.token().await?;
        call(token.header()).await
    }

    async fn renew(&self) -> Result<Arc<Token>, Error> {
        if let Some((at, reason)) = self.kept().failed
            && at.elapsed() < AGAIN
        {
            return Err(Error::TooSoon(reason));
        }
        let fetched = self.fetch().await;
        let mut kept = self.kept();
        match fetched {
            Ok(token) => {
                let token = Arc::new(token);
                *kept = Kept {
                    token: Some(Arc::clone(&token)),
                    failed: None,
                };
                Ok(token)
            }
            Err(error) => {
                kept.failed = Some((Instant::now(), error.reason()));
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<Token, Error> {
        let asked = Instant::now();
        let (headers, body) = self.request()?;
        let answer = self.fetcher.post(headers, body).await;
        let answer = answer.map_err(|error: client::Error| Error::Call(error.reason()))?;
        match answer.status {
            StatusCode::OK => read(&answer.body, asked),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Err(Error::Refused),
            status => Err(Error::Status(status.as_u16())),
        }
    }

    fn request(&self) -> Result<(HeaderMap, Bytes), Error> {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let mut body = "grant_type=client_credentials".to_owned();
        if let Some(scope) = &self.scope {
            body = format!("{body}&scope={}", encoded(scope));
        }
        match &self.credentials {
            Credentials::Secret { client, secret } => {
                let secret = secret.read().map_err(|_| Error::Secret)?;
                headers.insert(header::AUTHORIZATION, basic(client, &secret)?);
            }
            Credentials::Certificate { client } => {
                body = format!("{body}&client_id={}", encoded(client));
            }
        }
        Ok((headers, Bytes::from(body)))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

fn read(body: &[u8], asked: Instant) -> Result<Token, Error> {
    let granted: Granted = json::read(body, &LIMITS).map_err(|_| Error::Answer)?;
    let is_bearer = granted.token_type.eq_ignore_ascii_case("bearer");
    if !is_bearer || granted.access_token.is_empty() || granted.expires_in == 0 {
        return Err(Error::Answer);
    }
    let bearer = format!("Bearer {}", granted.access_token);
    let mut header = HeaderValue::from_str(&bearer).map_err(|_| Error::Answer)?;
    header.set_sensitive(true);
    let lives = Duration::from_secs(granted.expires_in).min(LIFE_MAX);
    Ok(Token {
        header,
        ends: asked + lives,
        lives,
    })
}

fn basic(client: &str, secret: &str) -> Result<HeaderValue, Error> {
    let pair = format!("{}:{}", encoded(client), encoded(secret));
    let text = format!("Basic {}", STANDARD.encode(pair));
    let mut header = HeaderValue::from_str(&text).map_err(|_| Error::Secret)?;
    header.set_sensitive(true);
    Ok(header)
}

/// `application/x-www-form-urlencoded` of one value (RFC 6749 appendix B).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => {
                use std::fmt::Write as _;
                let _ = write!(out, "%{other:02X}"); // writing to a String cannot fail
            }
        }
    }
    out
}

/// What a token's answer may be at most.
const LIMITS: Limits = Limits {
    bytes_max: 65_536,
    depth_max: 4,
    members_max: 32,
    items_max: 64,
};
const MARGIN: Duration = Duration::from_secs(30);
/// After a failure nobody asks again sooner.
const AGAIN: Duration = Duration::from_secs(1);
/// A longer life is taken for this one.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3_600);

#[cfg(test)]
mod tests;
