//! What X-Road adds to HTTP: its header fields, its errors and the serialisation that its request hash covers.
//!
//! X-Road REST message protocol r1, and what version 7 does. Error codes are written `snake_case` since
//! version 7 and were `CamelCase` before; both are read, and which one is written is config.

pub mod related;
pub mod soap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::fault::{Blame, FaultCode};

/// Who calls, `instance/class/member[/subsystem]`.
pub const CLIENT: &str = "x-road-client";
/// The message's id.
pub const ID: &str = "x-road-id";
/// The exchange's id, made by the consumer's security server.
pub const REQUEST_ID: &str = "x-road-request-id";
/// What an answer answers, [`hash_text`].
pub const REQUEST_HASH: &str = "x-road-request-hash";
/// The service that was called.
pub const SERVICE: &str = "x-road-service";
/// The person who asks, as the consumer names them.
pub const USER_ID: &str = "x-road-userid";
/// The consumer's own case.
pub const ISSUE: &str = "x-road-issue";
/// Through which security server.
pub const SECURITY_SERVER: &str = "x-road-security-server";
/// On whose behalf, `[class/]code`.
pub const REPRESENTED_PARTY: &str = "x-road-represented-party";
/// The code of an error that a security server made.
pub const ERROR: &str = "x-road-error";

/// Fields that are dropped on the way and so not part of what is hashed (implementation, version 7).
pub const DROPPED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// How error codes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Spelling {
    /// `server.clientproxy.network_error`: version 7.
    #[default]
    New,
    /// `Server.ClientProxy.NetworkError`: before, and in the REST specification.
    Old,
}

impl Spelling {
    /// The word in config.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Old => "old",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::New, Self::Old]
            .into_iter()
            .find(|spelling| spelling.as_str() == word)
    }

    /// A code of the new spelling, written like this.
    #[must_use]
    pub fn write(self, code: &str) -> String {
        match self {
            Self::New => code.to_owned(),
            Self::Old => code.split('.').map(camel).collect::<Vec<_>>().join("."),
        }
    }
}

/// A code of either spelling, in the new one.
#[must_use]
pub fn canonical(code: &str) -> String {
    code.split('.').map(snake).collect::<Vec<_>>().join(".")
}

/// Words that the old spelling writes as two.
const COMPOUNDS: [(&str, &str); 2] = [
    ("clientproxy", "ClientProxy"),
    ("serverproxy", "ServerProxy"),
];

fn camel(part: &str) -> String {
    if let Some((_, old)) = COMPOUNDS.iter().find(|(new, _)| *new == part) {
        return (*old).to_owned();
    }
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    part.split('_').map(word).collect()
}

fn snake(part: &str) -> String {
    if let Some((new, _)) = COMPOUNDS.iter().find(|(_, old)| *old == part) {
        return (*new).to_owned();
    }
    let mut out = String::with_capacity(part.len() + 4);
    for letter in part.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// The body of an error: exactly these three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The same code as in `X-Road-Error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub message: String,
    /// An id that appears in the log.
    pub detail: String,
}

/// The forms of an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// `{"type":…,"message":…,"detail":…}`
    Json,
    /// `<error><type/><message/><detail/></error>`, labelled like this.
    Xml(&'static str),
}

impl ErrorForm {
    /// What an `Accept` field asks for: the first known range counts, q-values do not.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        let ranges = accept.unwrap_or_default().split(',');
        let known = |range: &str| {
            let kind = range.split(';').next().unwrap_or_default().trim();
            match kind.to_ascii_lowercase().as_str() {
                "application/xml" => Some(Self::Xml("application/xml")),
                "text/xml" | "text/*" => Some(Self::Xml("text/xml")),
                "application/json" | "application/*" | "*/*" => Some(Self::Json),
                _ => None,
            }
        };
        ranges.filter_map(known).next().unwrap_or(Self::Json)
    }

    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Xml(label) => label,
        }
    }
}

impl ErrorBody {
    /// The bytes in this form.
    #[must_use]
    pub fn encode(&self, form: ErrorForm) -> Vec<u8> {
        match form {
            ErrorForm::Json => serde_json::json!({
                "type": self.kind, "message": self.message, "detail": self.detail,
            })
            .to_string()
            .into_bytes(),
            ErrorForm::Xml(_) => {
                let [kind, message, detail] = [&self.kind, &self.message, &self.detail]
                    .map(|text| quick_xml::escape::escape(text.as_str()));
                format!("<error><type>{kind}</type><message>{message}</message><detail>{detail}</detail></error>")
                    .into_bytes()
            }
        }
    }

    /// Reads the JSON form.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

/// Our faults by X-Road's names: the nearest known code, in the new spelling. **Own profile**: X-Road names
/// the errors of security servers, and leaves those of information systems to them.
#[must_use]
pub fn code_of(code: FaultCode) -> &'static str {
    use FaultCode as F;
    match code {
        F::UnknownRoute => "client.unknown_service",
        F::UnsupportedMediaType => "client.invalid_content_type",
        F::Unauthenticated => "client.invalid_client_identifier",
        F::BadSignature => "client.invalid_signature_value",
        F::Forbidden | F::WrongEnvironment => "client.access_denied",
        F::DeadlineExceeded | F::TooSlow => "server.service_failed.io_error",
        F::InsuranceUnavailable | F::AuthorityUnavailable => "server.service_failed.network_error",
        F::JournalUnavailable => "server.logging_failed",
        F::SigningUnavailable => "server.cannot_create_signature",
        F::Draining | F::Recovering | F::Overloaded => "server.maintenance_mode",
        F::Internal => "server.internal_error",
        other => match other.row().blame {
            Blame::Sender => "client.bad_request",
            Blame::Us | Blame::Registry => "server.service_failed",
        },
    }
}

/// What is hashed of a request: method, target and the kept fields in their order, a line each.
///
/// `fields` are what stood in the request, names as they were written; those of [`DROPPED`] and the id and
/// hash of an exchange are left out, then `X-Road-Request-Id` follows, and `X-Road-Id` where the security
/// server had to make one. Implementation, version 7; the protocol leaves the serialisation open.
pub fn head_bytes<'a>(
    method: &str,
    target: &str,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
    added: &[(&str, &str)],
) -> Vec<u8> {
    let mut out = format!("{method}\r\n{target}\r\n").into_bytes();
    let mut line = |name: &str, value: &str| {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    let is_dropped = |name: &str| {
        let name = name.to_ascii_lowercase();
        DROPPED.contains(&name.as_str()) || [REQUEST_ID, REQUEST_HASH].contains(&name.as_str())
    };
    for (name, value) in fields.filter(|(name, _)| !is_dropped(name)) {
        line(name, value);
    }
    for (name, value) in added {
        line(name, value);
    }
    out
}

/// How a hash of 64 bytes stands in `X-Road-Request-Hash`.
#[must_use]
pub fn hash_text(hash: &[u8]) -> String {
    STANDARD.encode(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_written_in_both_spellings_and_read_from_both() {
        for (new, old) in [
            (
                "server.clientproxy.network_error",
                "Server.ClientProxy.NetworkError",
            ),
            (
                "server.serverproxy.service_failed.http_error",
                "Server.ServerProxy.ServiceFailed.HttpError",
            ),
            ("client.bad_request", "Client.BadRequest"),
        ] {
            assert_eq!(Spelling::Old.write(new), old);
            assert_eq!(Spelling::New.write(new), new);
            assert_eq!(
                (canonical(old).as_str(), canonical(new).as_str()),
                (new, new)
            );
        }
        for &code in FaultCode::ALL {
            let code = code_of(code);
            assert_eq!(canonical(&Spelling::Old.write(code)), code);
            assert!(code.starts_with("client.") || code.starts_with("server."));
        }
    }

    #[test]
    fn the_first_known_range_decides_the_form() {
        for (accept, form) in [
            (None, "application/json"),
            (Some(""), "application/json"),
            (Some("*/*"), "application/json"),
            (Some("application/json"), "application/json"),
            (Some("text/xml"), "text/xml"),
            (Some("application/xml"), "application/xml"),
            (Some("text/*"), "text/xml"),
            (
                Some("text/html, text/xml;q=0.1, application/json"),
                "text/xml",
            ),
            (
                Some("application/json;q=0.1, application/xml"),
                "application/json",
            ),
            (Some("image/png, TEXT/XML"), "text/xml"),
            (Some("text/plain"), "application/json"),
        ] {
            assert_eq!(ErrorForm::accepted(accept).media_type(), form, "{accept:?}");
        }
    }

    #[test]
    fn an_error_body_has_its_three_members_in_both_forms() {
        let body = ErrorBody {
            kind: "client.bad_request".into(),
            message: "a < b".into(),
            detail: "id".into(),
        };
        let json = body.encode(ErrorForm::Json);
        assert_eq!(ErrorBody::decode(&json).as_ref(), Some(&body));
        assert_eq!(
            String::from_utf8(body.encode(ErrorForm::Xml("text/xml"))).unwrap(),
            "<error><type>client.bad_request</type><message>a &lt; b</message><detail>id</detail></error>"
        );
    }

    #[test]
    fn what_is_hashed_leaves_out_what_the_servers_drop_and_make() {
        let fields = [
            ("Host", "ss"),
            ("x-road-client", "VN/GOV/a"),
            ("Content-Length", "2"),
            ("X-Road-Request-Id", "ours"),
            ("X-Road-Request-Hash", "ours"),
            ("Accept", "a"),
            ("Accept", "b"),
        ];
        let added = [("x-road-request-id", "made"), ("x-road-id", "VN-made")];
        assert_eq!(
            String::from_utf8(head_bytes("POST", "/r1/a?b=c", fields.into_iter(), &added)).unwrap(),
            "POST\r\n/r1/a?b=c\r\nx-road-client:VN/GOV/a\r\nAccept:a\r\nAccept:b\r\n\
             x-road-request-id:made\r\nx-road-id:VN-made\r\n"
        );
    }
}
