//! The consumer's side of a simulated security server: it takes what the gateway calls, proves nothing to
//! anybody, and gives the service's answer back with the header fields that a real one adds. Its reading of
//! the protocol is its own: the hash is computed here from what has come in.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use bytes::Bytes;
use certs::digest::{random, sha512};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use schemas::id::{MessageId, XRoadClient, XRoadService};
use schemas::wire::xroad::{self, ErrorBody, ErrorForm, Spelling};
use serde::{Deserialize, Serialize};

/// How the exchange may go wrong, one call each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The hash is of another request.
    Hash,
    /// The id is of another message.
    Id,
    /// The service was reached, and the exchange says that the network failed.
    NetworkAfter,
    /// The answer to somebody else's call: everything in it fits together, and nothing fits the call.
    Swapped,
    /// Another service is said to have answered.
    Service,
    /// The hash stands twice, once as it should be.
    Twice,
    /// The header fields of the exchange are missing.
    Bare,
    /// The answer is elsewhere.
    Redirect,
    /// The answer is longer than anybody reads.
    Huge,
    /// The answer comes when nobody waits for it any more.
    Slow,
}

/// How late a slow answer is.
pub(crate) const SLOW: std::time::Duration = std::time::Duration::from_secs(4);

/// One call that has come in.
#[derive(Debug)]
pub(crate) struct Exchange {
    service: XRoadService,
    /// What follows the service in the path.
    pub(crate) path: String,
    id: MessageId,
    request_id: String,
    hash: String,
    head: String,
    body: String,
}

/// One call as the exchange kept it: what its hash covers, and what it was answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanged {
    /// What follows the service in the path.
    pub path: String,
    /// `X-Road-Id`.
    pub id: String,
    /// Method, target and the kept fields, a line each; the body and its secrets are not in it.
    pub head: String,
    /// SHA-512 of the body, hex.
    pub body: String,
    /// The hash that a right answer bears.
    pub hash: String,
    /// How the answer was wrong, where it was.
    pub wrong: Option<String>,
}

/// Every call that was answered from this folder's exchange, oldest first.
///
/// # Errors
/// Where the file cannot be read.
pub fn exchanged(folder: &Path) -> std::io::Result<Vec<Exchanged>> {
    let text = std::fs::read_to_string(folder.join(KEPT))?;
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().map_err(Into::into)
}

const KEPT: &str = "exchanged.jsonl";

impl Exchange {
    /// Reads a call of `/r1/…`, strictly; refused with the code of a client's mistake.
    pub(crate) fn take(parts: &Parts, body: &[u8]) -> Result<Self, &'static str> {
        const BAD: &str = "server.clientproxy.internal_error";
        if parts.method != Method::POST {
            return Err("server.clientproxy.invalid_http_method");
        }
        let client = one(&parts.headers, xroad::CLIENT).and_then(|id| XRoadClient::parse(id).ok());
        client.ok_or("server.clientproxy.invalid_client_identifier")?;
        let id = one(&parts.headers, xroad::ID).and_then(|id| MessageId::parse(id).ok());
        let id = id.ok_or(BAD)?;
        // what only security servers make is nobody's to send
        if [xroad::REQUEST_ID, xroad::REQUEST_HASH, xroad::ERROR]
            .iter()
            .any(|name| parts.headers.contains_key(*name))
        {
            return Err(BAD);
        }
        let named = parts.uri.path().strip_prefix("/r1/").ok_or(BAD)?;
        let end = named
            .match_indices('/')
            .nth(4)
            .map_or(named.len(), |(at, _)| at);
        let (service, path) = named.split_at(end);
        let service =
            XRoadService::parse(service).map_err(|_| "server.clientproxy.unknown_service")?;
        let request_id = format!("00000000-0000-4000-8000-{}", hex::encode(random::<6>()));
        let (hash, head) = hash(parts, body, &request_id).ok_or(BAD)?;
        Ok(Self {
            service,
            path: path.to_owned(),
            id,
            request_id,
            hash,
            head,
            body: hex::encode(sha512(body)),
        })
    }

    /// Keeps the call and how it is answered.
    pub(crate) fn keep(&self, folder: &Path, wrong: Option<Wrong>) -> std::io::Result<()> {
        let kept = Exchanged {
            path: self.path.clone(),
            id: self.id.as_str().to_owned(),
            head: self.head.clone(),
            body: self.body.clone(),
            hash: self.hash.clone(),
            wrong: wrong.map(|wrong| format!("{wrong:?}")),
        };
        let line = serde_json::to_string(&kept)? + "\n";
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(KEPT))?;
        file.write_all(line.as_bytes())
    }

    /// Adds what a security server adds to the service's answer, or what a wrong one would.
    pub(crate) fn give(
        self,
        mut response: Response<Full<Bytes>>,
        wrong: Option<Wrong>,
    ) -> Response<Full<Bytes>> {
        let (mut id, mut hash) = (self.id.as_str().to_owned(), self.hash);
        let mut service = self.service.to_string();
        let another = || xroad::hash_text(&sha512(b"another request"));
        match wrong {
            Some(Wrong::NetworkAfter) => return error("server.serverproxy.network_error"),
            Some(Wrong::Hash) => hash = another(),
            Some(Wrong::Id) => id = "another-message".to_owned(),
            Some(Wrong::Swapped) => (id, hash) = ("another-message".to_owned(), another()),
            Some(Wrong::Service) => service.push('x'),
            Some(Wrong::Bare) => return response,
            Some(Wrong::Redirect) => {
                *response.status_mut() = StatusCode::FOUND;
                let elsewhere = HeaderValue::from_static("/r1/elsewhere");
                response.headers_mut().insert("location", elsewhere);
            }
            Some(Wrong::Huge) => *response.body_mut() = Full::from(vec![b' '; 4 << 20]),
            Some(Wrong::Twice) => {
                let name = HeaderName::from_static(xroad::REQUEST_HASH);
                if let Ok(other) = HeaderValue::from_str(&another()) {
                    response.headers_mut().append(name, other);
                }
            }
            Some(Wrong::Slow) | None => {}
        }
        for (name, value) in [
            (xroad::ID, id),
            (xroad::REQUEST_ID, self.request_id),
            (xroad::REQUEST_HASH, hash),
            (xroad::SERVICE, service),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response
                    .headers_mut()
                    .append(HeaderName::from_static(name), value);
            }
        }
        response
    }
}

/// An error of the exchange, in the old spelling: the new one is what the gateway writes itself.
pub(crate) fn error(code: &str) -> Response<Full<Bytes>> {
    let kind = Spelling::Old.write(code);
    let body = ErrorBody {
        kind: kind.clone(),
        message: "simulated".to_owned(),
        detail: hex::encode(random::<16>()),
    };
    let mut response = Response::new(Full::from(body.encode(ErrorForm::Json)));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        let name = HeaderName::from_static(xroad::ERROR);
        response.headers_mut().insert(name, kind);
    }
    response
}

/// Method, target, every field but those that end at the server, then the exchange's id; then the body.
fn hash(parts: &Parts, body: &[u8], request_id: &str) -> Option<(String, String)> {
    let target = parts.uri.path_and_query()?.as_str();
    let mut head = format!("{}\r\n{target}\r\n", parts.method);
    for (name, value) in &parts.headers {
        if !xroad::DROPPED.contains(&name.as_str()) {
            head += &format!("{name}:{}\r\n", value.to_str().ok()?);
        }
    }
    head += &format!("{}:{request_id}\r\n", xroad::REQUEST_ID);
    let hashed = sha512(head.as_bytes());
    let whole = match body {
        [] => hashed,
        body => sha512(&[hashed, sha512(body)].concat()),
    };
    Some((xroad::hash_text(&whole), head))
}

fn one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
