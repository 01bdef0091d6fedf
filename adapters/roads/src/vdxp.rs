//! The portal on VDXP: a login session, kept, and renewed once when it is refused.
//!
//! It is reached in one of two ways: through the exchange's adapter, which is told the destination in each
//! call, or as an X-Road service through our own security server. Both are config, never a message's word.
//!
//! The road adds the session when it sends: what the journal holds of a call has no credentials.
//! It knows the session and the answer's code; which records a call carries is the portal adapter's.

use bytes::Bytes;
use gateway_core::Evidence;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use schemas::{
    id::XRoadService,
    json::JsonError,
    wire::portal::{self, CALL_PATH, LOGIN_PATH, Login, LoginAnswer, PushAnswer},
};
use tokio::sync::Mutex;

use crate::{
    client::{self, Client},
    xroad,
};

/// What the session is made of.
#[derive(Clone)]
pub struct VdxpConfig {
    /// Account.
    pub username: String,
    /// Its secret.
    pub password: String,
}

impl std::fmt::Debug for VdxpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VdxpConfig")
            .field("username", &self.username)
            .field("password", &"REDACTED")
            .finish()
    }
}

/// A partner's answer to one call.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Code and words.
    pub answer: PushAnswer,
    /// The answer as received.
    pub raw: Bytes,
    /// SHA-256 of the certificate that the partner showed.
    pub peer_sha256: [u8; 32],
}

/// Why a call has no [`Reply`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call itself failed.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The exchange failed or answered in the service's place, or its answer is not to our call.
    #[error(transparent)]
    XRoad(#[from] xroad::Error),
    /// Config holds something that no HTTP header or target can carry.
    #[error("the configuration cannot be written into a request")]
    BadConfig,
    /// The body is not a JSON object that a session can be put into.
    #[error("the body is not an object")]
    BadBody,
    /// No session could be made: the call itself was never sent.
    #[error("cannot log in: {0}")]
    Login(#[source] Box<Error>),
    /// An HTTP status other than 200.
    #[error("the partner answered with status {0}")]
    Status(u16),
    /// The answer is not what the service answers.
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] JsonError),
    /// The account is refused.
    #[error("the login is refused with code {0}")]
    LoginRefused(i64),
    /// A session made just now is refused too.
    #[error("a fresh session is refused")]
    SessionRefused,
}

impl Error {
    /// A stable word for logs, metrics and the outbox.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
            Self::XRoad(error) => error.reason(),
            Self::Login(error) => error.reason(),
            Self::BadConfig => "bad-config",
            Self::BadBody => "bad-body",
            Self::Status(_) => "http-status",
            Self::Answer(_) => "bad-answer",
            Self::LoginRefused(_) => "login-refused",
            Self::SessionRefused => "session-refused",
        }
    }

    /// Whether the partner surely has not acted upon the call: it was never sent, or what answered
    /// refuses calls before it reads them. All else may have been acted upon.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Client(error) => error.is_unsent(),
            Self::XRoad(error) => error.is_unsent(),
            Self::Login(_)
            | Self::BadConfig
            | Self::BadBody
            | Self::LoginRefused(_)
            | Self::SessionRefused => true,
            Self::Status(status) => NEVER_READ.contains(status),
            Self::Answer(_) => false,
        }
    }
}

/// How the portal is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// Through the exchange's adapter, with the destination there, such as
    /// `VN:GOV:<organisation>:<subsystem>`.
    Adapter(Client, String),
    /// Through our security server, as this service.
    XRoad(xroad::Consumer, XRoadService),
}

/// The road to one portal.
#[derive(Debug)]
pub struct Vdxp {
    way: Way,
    config: VdxpConfig,
    session: Mutex<Option<Session>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Session(String);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(***)")
    }
}

impl Vdxp {
    /// A road without a session yet.
    #[must_use]
    pub fn new(config: VdxpConfig, way: Way) -> Self {
        Self {
            way,
            config,
            session: Mutex::new(None),
        }
    }

    /// Sends one call, an object without its session, and reads the answer.
    ///
    /// # Errors
    /// [`Error`]; after one that is not about login the partner may have acted.
    pub async fn call(&self, body: &[u8]) -> Result<Reply, Error> {
        let session = self.session().await?;
        if let Some(reply) = self.try_call(&session, body).await? {
            return Ok(reply);
        }
        let session = self.renewed(&session).await?;
        self.try_call(&session, body)
            .await?
            .ok_or(Error::SessionRefused)
    }

    /// `None` when the session is refused.
    async fn try_call(&self, session: &Session, body: &[u8]) -> Result<Option<Reply>, Error> {
        let body = with_session(session, body)?;
        let answer = self.post(CALL_PATH, body).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Ok(None);
        }
        let reply = Reply {
            answer: portal::decode(ok(&answer)?)?,
            raw: answer.body,
            peer_sha256: answer.peer_sha256,
        };
        Ok((!reply.answer.says_session_ended()).then_some(reply))
    }

    async fn session(&self) -> Result<Session, Error> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(session.clone());
        }
        Ok(kept.insert(self.fresh().await?).clone())
    }

    /// A new session, unless another call has renewed the refused one already.
    async fn renewed(&self, refused: &Session) -> Result<Session, Error> {
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| *session != refused) {
            return Ok(session.clone());
        }
        *kept = None;
        Ok(kept.insert(self.fresh().await?).clone())
    }

    /// What goes wrong at the login goes wrong before the call.
    async fn fresh(&self) -> Result<Session, Error> {
        self.login().await.map_err(|error| match error {
            refused @ (Error::LoginRefused(_) | Error::BadConfig) => refused,
            other => Error::Login(Box::new(other)),
        })
    }

    async fn login(&self) -> Result<Session, Error> {
        let VdxpConfig {
            username, password, ..
        } = self.config.clone();
        let body = portal::encode(&Login { username, password });
        let answer = self.post(LOGIN_PATH, body.into()).await?;
        let read: LoginAnswer = portal::decode(ok(&answer)?)?;
        match (read.error_code, read.session) {
            (0, Some(session)) if !session.is_empty() => Ok(Session(session)),
            (code, _) => Err(Error::LoginRefused(code)),
        }
    }

    /// Posts to one of the adapter's paths; as a service it has only what follows the adapter's own part.
    async fn post(&self, path: &str, body: Bytes) -> Result<client::Answer, Error> {
        match &self.way {
            Way::Adapter(client, destination) => {
                let base = client.endpoint().base();
                let target = format!("{base}{path}?dstcode={destination}");
                let headers = headers(Some(destination))?;
                Ok(client.post(&target, headers, body).await?)
            }
            Way::XRoad(consumer, service) => {
                let path = path.strip_prefix(ADAPTER).unwrap_or(path);
                let id = Evidence::fresh().message_id();
                let place = (service, path);
                Ok(consumer.post(place, &id, headers(None)?, body).await?)
            }
        }
    }
}

/// What stands before the portal's own paths at the adapter.
const ADAPTER: &str = "/XrdAdapter/RestService/forward";

fn headers(destination: Option<&str>) -> Result<HeaderMap, Error> {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, JSON),
        (header::ACCEPT, JSON),
        (
            HeaderName::from_static("charset"),
            HeaderValue::from_static("utf-8"),
        ),
    ]);
    if let Some(destination) = destination {
        let destination = HeaderValue::from_str(destination).map_err(|_| Error::BadConfig)?;
        headers.insert(HeaderName::from_static("dstcode"), destination);
    }
    Ok(headers)
}

fn ok(answer: &client::Answer) -> Result<&[u8], Error> {
    match answer.status {
        StatusCode::OK => Ok(&answer.body),
        other => Err(Error::Status(other.as_u16())),
    }
}

/// Puts the session first into an object that has other members.
fn with_session(session: &Session, body: &[u8]) -> Result<Bytes, Error> {
    let members = body
        .strip_prefix(b"{")
        .filter(|rest| rest.first() == Some(&b'"'))
        .ok_or(Error::BadBody)?;
    let session = portal::encode(&session.0);
    Ok([b"{\"session\":".as_slice(), &session, b",", members]
        .concat()
        .into())
}

/// Statuses that a server gives before it looks at a call: not found, wrong method, too large, wrong
/// type, too many, unavailable.
const NEVER_READ: &[u16] = &[403, 404, 405, 413, 415, 429, 503];

#[cfg(test)]
mod tests;
