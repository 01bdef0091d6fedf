//! What the platform's API manager (WSO2) says where it does not let a call through, and what that means.
//!
//! Source: WSO2 API Manager, «Error handling» (codes of its handlers) and the transport's codes of its gateway. JSON in
//! both of its forms; we ask for JSON, so its XML form is taken for the service's own answer.

use std::fmt;

use schemas::json::{self, Limits};
use serde::Deserialize;

use crate::client::Answer;

/// A code of the platform's; its words are not kept, they may repeat what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault(u32);

/// What a code means for whoever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The token is missing, unknown or over: a new one may do.
    Token,
    /// We may not call this: a person has to subscribe us.
    Forbidden,
    /// No such API, version or resource.
    Unknown,
    /// More calls than agreed.
    Throttled,
    /// The platform stopped this API, or could not reach the service.
    Unreachable,
    /// The service was reached and did not answer: whether it has acted is unknown.
    Unanswered,
    /// Another code: whether the service was reached is unknown.
    Other,
}

impl Meaning {
    /// A stable word for logs, metrics and the outbox.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Token => "ngsp-token",
            Self::Forbidden => "ngsp-forbidden",
            Self::Unknown => "ngsp-unknown-api",
            Self::Throttled => "ngsp-throttled",
            Self::Unreachable => "ngsp-unreachable",
            Self::Unanswered => "ngsp-unanswered",
            Self::Other => "ngsp-fault",
        }
    }

    /// Whether the service surely has not seen the call.
    #[must_use]
    pub fn is_before_the_service(self) -> bool {
        !matches!(self, Self::Unanswered | Self::Other)
    }
}

impl Fault {
    /// The fault of an answer that is not a success; none where the service itself answered.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        match answer.status.is_success() {
            true => None,
            false => Self::read(&answer.body),
        }
    }

    /// `{"fault":{"code":…}}`, or without the word around it where a message and a description stand beside the code.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        json::check(body, &Limits::default()).ok()?;
        let written = serde_json::from_slice::<Wrapped>(body)
            .map(|wrapped| wrapped.fault)
            .or_else(|_| serde_json::from_slice::<Bare>(body).map(Said::from))
            .ok()?;
        written.code.number().map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn code(self) -> u32 {
        self.0
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> Meaning {
        match self.0 {
            900_900..=900_904 => Meaning::Token,
            900_905 | 900_907..=900_910 => Meaning::Forbidden,
            404 | 405 | 900_906 => Meaning::Unknown,
            900_800..=900_807 => Meaning::Throttled,
            700_700 | 303_000 | 303_001 | 101_503 => Meaning::Unreachable,
            101_504..=101_510 | 101_000 | 101_001 => Meaning::Unanswered,
            _ => Meaning::Other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.meaning().reason())
    }
}

#[derive(Deserialize)]
struct Wrapped {
    fault: Said,
}

#[derive(Deserialize)]
struct Said {
    code: Code,
}

/// A service's own answer may have a code too, so that its companions have to be there.
#[derive(Deserialize)]
struct Bare {
    code: Code,
    #[serde(rename = "message")]
    _message: String,
    #[serde(rename = "description")]
    _description: String,
}

impl From<Bare> for Said {
    fn from(bare: Bare) -> Self {
        Self { code: bare.code }
    }
}

/// Older releases write a number, newer ones a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Number(u32),
    Text(String),
}

impl Code {
    fn number(&self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}
