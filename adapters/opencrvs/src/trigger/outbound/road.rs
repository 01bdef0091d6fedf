//! The core's own calls (tRPC over HTTP), and the tokens that it wants with them: one by our system's id and secret, exchanged for
//! one that is good for a single action (RFC 8693, with OpenCRVS's own names). Neither is kept.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use roads::{client::Answer, direct::Direct, fetch::Fetcher, oauth::SecretPlace, way::Failed};
use schemas::wire::opencrvs::{self as wire, Confirmation, Granted};

use super::Exchange;

/// Where tokens are given, and who we are there.
#[derive(Debug, Clone)]
pub struct TokenAccess {
    /// Where.
    pub fetcher: Fetcher,
    /// Our system's id there.
    pub client: String,
    /// Where its secret stands.
    pub secret: SecretPlace,
}

/// A core, as we call it.
#[derive(Debug)]
pub struct Core {
    calls: Direct,
    access: TokenAccess,
}

impl Core {
    /// Behind the address of `calls` stand the procedures.
    #[must_use]
    pub fn new(calls: Direct, access: TokenAccess) -> Self {
        Self { calls, access }
    }

    async fn call(
        &self,
        procedure: &str,
        of: &Confirmation,
        body: Bytes,
    ) -> Result<Answer, Failed> {
        let bearer = self.bearer(of).await.map_err(|reason| Failed {
            reason,
            is_unsent: true,
            again_after: None,
        })?;
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, bearer),
            (header::CONTENT_TYPE, JSON),
            (header::ACCEPT, JSON),
        ]);
        let posted = self.calls.post_behind(procedure, headers, body).await;
        posted.map_err(|error| {
            tracing::warn!(%error, "a confirmation did not reach its core");
            Failed {
                reason: error.reason(),
                is_unsent: error.is_unsent(),
                again_after: None,
            }
        })
    }

    async fn bearer(&self, of: &Confirmation) -> Result<HeaderValue, &'static str> {
        let secret = self.access.secret.read().map_err(|_| "token-secret")?;
        let ours = self
            .granted(&[
                ("grant_type", "client_credentials"),
                ("client_id", &self.access.client),
                ("client_secret", &secret),
            ])
            .await?;
        let token = self
            .granted(&[
                ("grant_type", "urn:opencrvs:oauth:grant-type:token-exchange"),
                ("subject_token", &ours),
                (
                    "subject_token_type",
                    "urn:ietf:params:oauth:token-type:access_token",
                ),
                (
                    "requested_token_type",
                    "urn:opencrvs:oauth:token-type:single_record_token",
                ),
                ("event_id", &of.event_id),
                ("action_id", &of.action_id),
            ])
            .await?;
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| "token-answer")?;
        bearer.set_sensitive(true);
        Ok(bearer)
    }

    /// In the body, where no log of addresses has it.
    async fn granted(&self, said: &[(&str, &str)]) -> Result<String, &'static str> {
        let said: serde_json::Map<String, serde_json::Value> = said
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let body = serde_json::to_vec(&said).unwrap_or_default();
        let asked = self.access.fetcher.post_as("application/json", body.into());
        let answer = asked.await.map_err(|error| error.reason())?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return Err("token-client-refused");
            }
            _ => return Err("token-status"),
        }
        let granted: Granted = wire::decode(&answer.body).map_err(|_| "token-answer")?;
        let is_bearer = granted.token_type.eq_ignore_ascii_case("bearer");
        let fits = (1..=TOKEN_CHARS_MAX).contains(&granted.access_token.len());
        (is_bearer && fits)
            .then_some(granted.access_token)
            .ok_or("token-answer")
    }
}

impl Exchange for Core {
    fn post<'a>(
        &'a self,
        procedure: &'static str,
        of: &'a Confirmation,
        body: Bytes,
    ) -> BoxFuture<'a, Result<Answer, Failed>> {
        Box::pin(self.call(procedure, of, body))
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TOKEN_CHARS_MAX: usize = 8 << 10;
