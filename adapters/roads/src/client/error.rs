//! Why a call failed, told apart by whether the partner can have seen it.

use certs::tls::HandshakeError;

use crate::reach::Kind;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The target is no path.
    #[error("the target is not a path")]
    BadTarget,
    /// No TCP connection in time, or none at all.
    #[error("cannot connect: {0}")]
    Connect(#[source] std::io::Error),
    /// The name leads to an address that this host may not have; nothing was connected.
    #[error("the name leads to an address that is {0}")]
    Forbidden(Kind),
    /// TLS failed.
    #[error("cannot make the handshake: {0}")]
    Handshake(#[source] HandshakeError),
    /// The partner insists on another application protocol than HTTP/1.1.
    #[error("the partner does not speak HTTP/1.1")]
    Protocol,
    /// The whole call took too long.
    #[error("the call took too long")]
    Deadline,
    /// The connection ended before the answer was whole.
    #[error("the connection ended before the answer did")]
    Closed,
    /// The answer is not HTTP, or its head is over the limit.
    #[error("the answer is not acceptable HTTP: {0}")]
    Http(String),
    /// The answer's body is over the limit.
    #[error("the answer is too large")]
    AnswerTooLarge,
    /// The partner wants us elsewhere; we go nowhere that config does not name.
    #[error("the partner redirects")]
    Redirect,
}

impl Error {
    pub(crate) fn http(error: hyper::Error) -> Self {
        match error.is_parse() {
            true => Self::Http(error.to_string()),
            false => Self::Closed,
        }
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BadTarget => "bad-target",
            Self::Connect(_) => "connect",
            Self::Forbidden(_) => "forbidden-address",
            Self::Handshake(error) => error.reason(),
            Self::Protocol => "protocol",
            Self::Deadline => "deadline",
            Self::Closed => "closed",
            Self::Http(_) => "bad-http",
            Self::AnswerTooLarge => "answer-too-large",
            Self::Redirect => "redirect",
        }
    }

    /// Whether the partner cannot have seen the call.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::BadTarget
                | Self::Connect(_)
                | Self::Forbidden(_)
                | Self::Handshake(_)
                | Self::Protocol
        )
    }
}
