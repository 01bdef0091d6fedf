//! One partner's address for a signed body, by whichever road the config names.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::Road;
use http::HeaderMap;

use crate::{client::Answer, direct::Direct, ngsp};

/// Straight to the partner's server, or to its API at the national platform.
#[derive(Debug, Clone)]
pub enum Way {
    /// Its own server.
    Direct(Direct),
    /// The platform.
    Ngsp(ngsp::Resource),
}

/// Why nobody has answered.
#[derive(Debug)]
pub struct Failed {
    /// A stable word.
    pub reason: &'static str,
    /// Whether the partner surely has not seen the body.
    pub is_unsent: bool,
    /// When whoever stands between wants to be asked again.
    pub again_after: Option<Duration>,
}

impl Way {
    /// By which road; the agreement must allow it.
    #[must_use]
    pub fn road(&self) -> Road {
        match self {
            Self::Direct(_) => Road::Direct,
            Self::Ngsp(_) => Road::Ngsp,
        }
    }

    /// Posts a body under these header fields; `correlation` is found in the platform's logs and holds nothing personal.
    ///
    /// # Errors
    /// [`Failed`]; an answer of any status is none.
    pub async fn post(
        &self,
        correlation: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Failed> {
        let failed = match self {
            Self::Direct(direct) => match direct.post(headers, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::warn!(%error, "a message did not reach its partner");
                    Failed {
                        reason: error.reason(),
                        is_unsent: error.is_unsent(),
                        again_after: None,
                    }
                }
            },
            Self::Ngsp(platform) => match platform.post(correlation, headers, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    tracing::warn!(%error, "a message did not get through the platform");
                    Failed {
                        reason: error.reason(),
                        is_unsent: error.is_unsent(),
                        again_after: error.again_after(),
                    }
                }
            },
        };
        Err(failed)
    }
}
