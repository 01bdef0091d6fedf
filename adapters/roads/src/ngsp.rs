//! Through the national platform (NGSP): its API manager asks for a token, has one path per API and answers in
//! words of its own where it does not let a call through.
//!
//! A call is a POST or PUT to `/<api>/<version>/<resource>` with our token and a correlation id; a token that the platform
//! does not take any more is fetched anew once. What the platform itself says is told from what the service
//! behind it says, since only then is it known whether the service has seen the call.

mod fault;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

pub use fault::{Fault, Meaning};

use crate::{
    client::{self, Answer, Client},
    oauth::{self, Tokens},
};

/// The header field under which the platform's logs find a call.
pub const CORRELATION: HeaderName = HeaderName::from_static("activityid");

/// `/<api>/<version>`, as the platform has registered an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api(String);

/// A text that is no `/<api>/<version>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not /<api>/<version>: letters, digits, - and _, then digits and dots, perhaps with a v before them"
)]
pub struct BadApi;

impl Api {
    /// Parses `/<api>/<version>`, such as `/QuanLyHoTich/1.0`.
    ///
    /// # Errors
    /// [`BadApi`], without the text.
    pub fn parse(text: &str) -> Result<Self, BadApi> {
        let parts = text.strip_prefix('/').and_then(|rest| rest.split_once('/'));
        let (name, version) = parts.ok_or(BadApi)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let digits = version.strip_prefix('v').unwrap_or(version);
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(is_name)
            && (1..=16).contains(&digits.len())
            && digits
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        fits.then(|| Self(text.to_owned())).ok_or(BadApi)
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a call has no answer of the service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no token: the call was never made.
    #[error(transparent)]
    Token(#[from] oauth::Error),
    /// The call itself failed.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// A correlation id that no header field can carry.
    #[error("the correlation id cannot be written into a request")]
    BadCorrelation,
    /// The platform answered, not the service.
    #[error("the platform answered {status}: {fault}")]
    Platform {
        /// What it says.
        fault: Fault,
        /// HTTP status.
        status: u16,
        /// When it wants to be asked again.
        again_after: Option<Duration>,
    },
}

impl Error {
    /// A stable word for logs, metrics and the outbox.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Token(error) => error.reason(),
            Self::Client(error) => error.reason(),
            Self::BadCorrelation => "bad-config",
            Self::Platform { fault, .. } => fault.meaning().reason(),
        }
    }

    /// Whether the service surely has not seen the call.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Token(_) | Self::BadCorrelation => true,
            Self::Client(error) => error.is_unsent(),
            Self::Platform { fault, .. } => fault.meaning().is_before_the_service(),
        }
    }

    /// When the platform wants to be asked again, where it says so.
    #[must_use]
    pub fn again_after(&self) -> Option<Duration> {
        match self {
            Self::Platform { again_after, .. } => *again_after,
            _ => None,
        }
    }
}

/// Calls through the platform in one application's name.
#[derive(Debug, Clone)]
pub struct Ngsp {
    client: Client,
    tokens: Arc<Tokens>,
}

impl Ngsp {
    /// `client` leads to the platform's gateway, `tokens` to its `/token`.
    #[must_use]
    pub fn new(client: Client, tokens: Arc<Tokens>) -> Self {
        Self { client, tokens }
    }

    /// Posts `body` to `resource` of `api`; gives the service's own answer, whatever its status. `resource` is empty or
    /// begins with a slash; `correlation` is found in the platform's logs and holds nothing personal.
    ///
    /// # Errors
    /// [`Error`]; whether the service has acted is unknown unless [`Error::is_unsent`].
    pub async fn post(
        &self,
        to: (&Api, &str),
        correlation: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        self.call(Method::POST, to, correlation, headers, body)
            .await
    }

    /// Puts `body` at `resource` of `api`, as [`Ngsp::post`] posts it.
    ///
    /// # Errors
    /// As [`Ngsp::post`].
    pub async fn put(
        &self,
        to: (&Api, &str),
        correlation: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        self.call(Method::PUT, to, correlation, headers, body).await
    }

    async fn call(
        &self,
        method: Method,
        (api, resource): (&Api, &str),
        correlation: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let id = HeaderValue::from_str(correlation).map_err(|_| Error::BadCorrelation)?;
        headers.insert(CORRELATION, id);
        let json = HeaderValue::from_static("application/json");
        headers.entry(header::ACCEPT).or_insert(json);
        let target = format!("{}{api}{resource}", self.client.endpoint().base());
        let call = |token: HeaderValue| {
            let mut headers = headers.clone();
            headers.insert(header::AUTHORIZATION, token);
            let sent = self
                .client
                .send_as(method.clone(), &target, headers, body.clone());
            async { Ok::<_, Error>(sent.await?) }
        };
        let refused = |answer: &Answer| {
            answer.status == StatusCode::UNAUTHORIZED
                && Fault::read(&answer.body).is_some_and(|fault| fault.meaning() == Meaning::Token)
        };
        let answer = self.tokens.with(call, refused).await?;
        match Fault::of(&answer) {
            None => Ok(answer),
            Some(fault) => Err(Error::Platform {
                fault,
                status: answer.status.as_u16(),
                again_after: again_after(&answer.headers),
            }),
        }
    }
}

/// One resource of one API.
#[derive(Debug, Clone)]
pub struct Resource {
    ngsp: Ngsp,
    api: Api,
    path: String,
}

impl Resource {
    /// `path` is empty or begins with a slash.
    #[must_use]
    pub fn new(ngsp: Ngsp, api: Api, path: String) -> Self {
        Self { ngsp, api, path }
    }

    /// Posts a body under these header fields.
    ///
    /// # Errors
    /// As [`Ngsp::post`].
    pub async fn post(
        &self,
        correlation: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let to = (&self.api, self.path.as_str());
        self.ngsp.post(to, correlation, headers, body).await
    }

    /// Puts a body beside the resource: `beside` stands in the place of the last part of its path.
    ///
    /// # Errors
    /// As [`Ngsp::post`].
    pub async fn put_beside(
        &self,
        correlation: &str,
        beside: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Error> {
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = format!("{folder}/{beside}");
        let to = (&self.api, path.as_str());
        self.ngsp.put(to, correlation, headers, body).await
    }
}

/// Seconds of `Retry-After`, at most a day; its other form, a date, is not looked at.
fn again_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u32 = text.parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)).min(AGAIN_MAX))
}

const AGAIN_MAX: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests;
