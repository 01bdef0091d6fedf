//! The platform's listener: mutual TLS with any agency, `POST /token`, and what is let through.

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::tls::PeerCertificate;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{BEHALF, BODY_BYTES_MAX, Platform, Refused, Service};
use crate::call::Trouble;
use crate::client::{Error, Reply};
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving};

impl Platform {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    async fn token(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let refused = |status, word: &str| reply(status, &json!({ "error": word }));
        let shown = request.headers().get(header::AUTHORIZATION).cloned();
        let body = Limited::new(request.into_body(), TOKEN_BYTES_MAX)
            .collect()
            .await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let asked = b"grant_type=client_credentials";
        if !body.split(|byte| *byte == b'&').any(|pair| pair == asked) {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        let pair = shown.as_ref().and_then(|shown| basic(shown.as_bytes()));
        let token = pair.and_then(|(key, secret)| self.grant(&key, &secret));
        match token {
            None => refused(StatusCode::UNAUTHORIZED, "invalid_client"),
            Some(token) => reply(
                StatusCode::OK,
                &json!({
                    "access_token": token,
                    "scope": "am_application_scope default",
                    "token_type": "Bearer",
                    "expires_in": self.token_life.as_secs(),
                }),
            ),
        }
    }

    /// None where the reply is to be lost.
    async fn call(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let path = request.uri().path().to_owned();
        let api = api_of(&path);
        let token = request.headers().get(header::AUTHORIZATION);
        let token = token.and_then(|shown| shown.to_str().ok()?.strip_prefix("Bearer "));
        let passed = match self.admit(token, api) {
            Err(refused) => Err(refused),
            Ok((service, name)) => {
                let target = format!("{}{}", service.base, &path[api.len()..]);
                match forwarded(request, &target, name.map(String::as_str)).await {
                    Err(Unread::Cut) => return Some(listener::status(StatusCode::BAD_REQUEST)),
                    Err(Unread::TooLarge) => Err(Refused::TooLarge),
                    Ok((id, request)) => self.bring_to(&service, id, request).await,
                }
            }
        };
        match passed {
            Err(refused) => Some(self.refuse(api, refused)),
            Ok(answer) => {
                let mut state = self.state();
                let lost = state.to_lose > 0;
                state.to_lose -= u32::from(lost);
                (!lost).then(|| brought(answer))
            }
        }
    }

    /// What the service says, after whatever mischief was asked for.
    async fn bring_to(
        &self,
        service: &Service,
        id: String,
        mut request: Request<Bytes>,
    ) -> Result<Reply, Refused> {
        let times = {
            let mut state = self.state();
            if state.to_alter > 0 {
                state.to_alter -= 1;
                altered(&mut request);
            }
            let repeats = state.to_repeat > 0;
            state.to_repeat -= u32::from(repeats);
            let times = 1 + usize::from(repeats);
            state.seen.passed.extend(std::iter::repeat_n(id, times));
            times
        };
        let mut answer = Err(Refused::Unanswered);
        for _ in 0..times {
            // a call that was begun is ended, also where whoever asked for it has gone
            let (client, request) = (service.client.clone(), request.clone());
            let called = tokio::spawn(async move { client.send(request).await });
            answer = match called.await {
                Ok(answer) => answer.map_err(unreached),
                Err(_) => Err(Refused::Unanswered),
            };
        }
        answer
    }

    fn refuse(&self, api: &str, refused: Refused) -> Response<Full<Bytes>> {
        let (status, code, message) = refused.words();
        let mut state = self.state();
        state.seen.refused.push(code);
        if refused == Refused::Unreachable {
            state
                .suspended
                .insert(api.to_owned(), Instant::now() + self.window);
        }
        let mut response = reply(
            status,
            &json!({ "fault": { "code": code, "message": message, "description": message } }),
        );
        if let Refused::Throttled(left) = refused {
            let seconds = HeaderValue::from(left.as_secs() + 1);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

impl Counterpart for Platform {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whoever has a certificate: who calls is known by the token.
    fn admits(&self, _: &PeerCertificate) -> bool {
        true
    }

    /// Agencies' mistakes are answered, not noted.
    fn violate(&self, _: String) {}

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        match request.uri().path() {
            "/token" => Some(self.token(request).await),
            _ => self.call(request).await,
        }
    }
}

impl Refused {
    fn words(self) -> (StatusCode, u32, &'static str) {
        match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, 900_902, "Missing Credentials"),
            Self::BadToken => (StatusCode::UNAUTHORIZED, 900_901, "Invalid Credentials"),
            Self::OldToken => (StatusCode::UNAUTHORIZED, 900_903, "Access Token Expired"),
            Self::NoApi => (StatusCode::NOT_FOUND, 404, "Not Found"),
            Self::Forbidden => (StatusCode::FORBIDDEN, 900_908, "Resource forbidden"),
            Self::Throttled(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                900_804,
                "Subscription level throttled out",
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, 413, "Payload Too Large"),
            Self::Suspended => (StatusCode::SERVICE_UNAVAILABLE, 303_001, "Runtime Error"),
            Self::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, 101_503, "Runtime Error"),
            Self::Unanswered => (StatusCode::GATEWAY_TIMEOUT, 101_504, "Runtime Error"),
        }
    }
}

/// `/<api>/<version>` at the beginning of a path; the whole where there is no more.
fn api_of(path: &str) -> &str {
    let third = path.match_indices('/').nth(2);
    let end = third.map_or(path.len(), |(at, _)| at);
    &path[..end]
}

/// What the service behind gets: the body, the fields that are the call's own, the correlation id, which is made
/// up where there is none, and the partner's name where the platform knows it.
async fn forwarded(
    request: Request<Incoming>,
    target: &str,
    name: Option<&str>,
) -> Result<(String, Request<Bytes>), Unread> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => Unread::TooLarge,
        false => Unread::Cut,
    })?;
    let given = head.headers.get(CORRELATION);
    let given = given.and_then(|id| Some(id.to_str().ok()?.to_owned()));
    let id = given.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let mut sent = Request::builder().method(head.method).uri(target);
    let fields = head.headers.iter();
    for (field, value) in fields.filter(|(field, _)| !NOT_FORWARDED.contains(field)) {
        if name.is_none() || field != BEHALF {
            sent = sent.header(field, value);
        }
    }
    if let Some(name) = name {
        sent = sent.header(BEHALF, name);
    }
    let sent = sent.header(CORRELATION, &id).body(body.to_bytes());
    sent.map(|sent| (id, sent)).map_err(|_| Unread::Cut)
}

/// Why a call's body did not come whole.
enum Unread {
    Cut,
    TooLarge,
}

/// One byte in the middle is another.
fn altered(request: &mut Request<Bytes>) {
    let mut body = request.body().to_vec();
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
    *request.body_mut() = body.into();
}

fn unreached(error: Error) -> Refused {
    match error {
        Error::Connect(..) | Error::Handshake(_) | Error::Config(_) => Refused::Unreachable,
        Error::Broken(_) | Error::Reply(_) | Error::Deadline => Refused::Unanswered,
    }
}

fn brought(answer: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let fields = answer
        .headers
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)));
    let fields = fields.filter(|(name, _)| !NOT_FORWARDED.contains(name));
    response.headers_mut().extend(fields);
    response
}

/// Key and secret of `Basic <base64>`.
fn basic(shown: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(shown).ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (key, secret) = pair.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The header field under which the platform's logs find a call.
const CORRELATION: HeaderName = HeaderName::from_static("activityid");
/// What belongs to one connection, or to the platform.
const NOT_FORWARDED: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    CORRELATION,
    header::EXPECT,
    header::HOST,
    header::TRANSFER_ENCODING,
];
const TOKEN_BYTES_MAX: usize = 4 << 10;
