//! What we send through our security server: REST r1, and an answer that is proven to be to this call.
//!
//! Who we are on X-Road and what we call come from config alone. Each answer must name our id and the service,
//! and bear the hash of the request as we wrote it: a security server computes it over what the provider's
//! server has received and signed, so an answer to anything else shows.

use bytes::Bytes;
use certs::digest::{constant_time_eq, sha512};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemas::{
    id::{MessageId, XRoadClient, XRoadService},
    wire::xroad::{self, canonical, hash_text, head_bytes},
};

use crate::client::{self, Client};

/// Why a call has no proven answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call itself failed.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// A name or a header field cannot be written.
    #[error("the configuration cannot be written into a request")]
    BadConfig,
    /// A security server answered, not the service.
    #[error("the exchange answered {status}: {code}")]
    Road {
        /// `X-Road-Error` in the new spelling, whichever was used.
        code: String,
        /// HTTP status.
        status: u16,
    },
    /// A header field that every answer has is absent, twice there or unreadable.
    #[error("the answer has no single {0}")]
    Field(&'static str),
    /// The answer names another message or another service.
    #[error("the answer is to another {0}")]
    Other(&'static str),
    /// The hash is not that of our request.
    #[error("the answer is to a request that we did not send")]
    Hash,
}

impl Error {
    /// A stable word for logs, metrics and the outbox.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
            Self::BadConfig => "bad-config",
            Self::Road { .. } => "xroad-error",
            Self::Field(_) => "xroad-field",
            Self::Other(_) => "xroad-other-answer",
            Self::Hash => "xroad-request-hash",
        }
    }

    /// Whether the service surely has not seen the call: it was never sent, or the exchange says so.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Client(error) => error.is_unsent(),
            Self::BadConfig => true,
            Self::Road { code, .. } => {
                let last = code.rsplit('.').next().unwrap_or_default();
                BEFORE_THE_SERVICE.contains(&last)
            }
            Self::Field(_) | Self::Other(_) | Self::Hash => false,
        }
    }
}

/// Errors that security servers raise before the service is called.
const BEFORE_THE_SERVICE: &[&str] = &[
    "access_denied",
    "global_conf_outdated",
    "invalid_client_identifier",
    "invalid_security_server",
    "maintenance_mode",
    "service_disabled",
    "service_malformed_url",
    "service_missing_url",
    "service_type",
    "ssl_authentication_failed",
    "unknown_member",
    "unknown_service",
];

/// Calls through one security server, in one name.
#[derive(Debug, Clone)]
pub struct Consumer {
    client: Client,
    us: XRoadClient,
}

impl Consumer {
    /// Calls in the name `us` through the server that `client` leads to.
    #[must_use]
    pub fn new(client: Client, us: XRoadClient) -> Self {
        Self { client, us }
    }

    /// Posts `body` to `path` of `service`, as the message `id`; gives the proven answer, whose status is the
    /// service's own. `path` is empty or begins with a slash; `headers` go along, before X-Road's own.
    ///
    /// # Errors
    /// [`Error`]; whether the service has acted is unknown unless [`Error::is_unsent`].
    pub async fn post(
        &self,
        (service, path): (&XRoadService, &str),
        id: &MessageId,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<client::Answer, Error> {
        let us = self.us.to_string();
        for (name, value) in [(xroad::CLIENT, us.as_str()), (xroad::ID, id.as_str())] {
            let value = HeaderValue::from_str(value).map_err(|_| Error::BadConfig)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let target = format!("{}/r1/{service}{path}", self.client.endpoint().base());
        let sent = (target.as_str(), headers.clone(), body.clone());
        let answer = self.client.post(&target, headers, body).await?;
        if let Some(code) = answer.headers.get(xroad::ERROR) {
            return Err(Error::Road {
                code: canonical(code.to_str().unwrap_or_default()),
                status: answer.status.as_u16(),
            });
        }
        self.prove(&answer.headers, service, id, sent)?;
        Ok(answer)
    }

    fn prove(
        &self,
        answered: &HeaderMap,
        service: &XRoadService,
        id: &MessageId,
        (target, headers, body): (&str, HeaderMap, Bytes),
    ) -> Result<(), Error> {
        if one(answered, xroad::ID)? != id.as_str() {
            return Err(Error::Other("id"));
        }
        if XRoadService::parse(one(answered, xroad::SERVICE)?).as_ref() != Ok(service) {
            return Err(Error::Other("service"));
        }
        let request_id = one(answered, xroad::REQUEST_ID)?;
        let hash = request_hash(target, &headers, &body, request_id).ok_or(Error::BadConfig)?;
        let told = one(answered, xroad::REQUEST_HASH)?;
        match constant_time_eq(hash.as_bytes(), told.as_bytes()) {
            true => Ok(()),
            false => Err(Error::Hash),
        }
    }
}

/// `X-Road-Request-Hash` of a POST: base64(SHA512(SHA512(head) ‖ SHA512(body))), base64(SHA512(head)) where
/// there is no body. Nothing where a header value is not text.
fn request_hash(
    target: &str,
    headers: &HeaderMap,
    body: &[u8],
    request_id: &str,
) -> Option<String> {
    let fields: Option<Vec<(&str, &str)>> = headers
        .iter()
        .map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let added = [(xroad::REQUEST_ID, request_id)];
    let head = sha512(&head_bytes("POST", target, fields?.into_iter(), &added));
    Some(hash_text(&match body.is_empty() {
        true => head,
        false => sha512(&[head, sha512(body)].concat()),
    }))
}

fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Error> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::Field(name));
    };
    value.to_str().map_err(|_| Error::Field(name))
}

#[cfg(test)]
mod tests;
