//! `multipart/related` as SOAP with Attachments has it: the envelope first, then the files, each by its `Content-ID`.
//!
//! Everything is bounded before it is kept: how many parts, how many header lines of each, how long a line. One
//! reading only: no preamble, no folded lines, no nesting, each field that counts once. RFC 2045, 2046 and 2387,
//! W3C Note SOAP with Attachments; MTOM (XOP) is refused by its name.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::fault::{Fault, FaultCode};

/// Most attachments of one message.
pub const ATTACHMENTS_MAX: usize = 20;
/// Most header lines of one part.
pub const LINES_MAX: usize = 16;
/// Longest header line, bytes.
pub const LINE_BYTES_MAX: usize = 512;
/// Longest `Content-ID`, bytes, without its brackets.
pub const ID_BYTES_MAX: usize = 128;

/// Why a body is refused: a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RelatedError {
    /// The word.
    pub reason: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Form,
    Limit,
    MediaType,
}

const fn form(reason: &'static str) -> RelatedError {
    RelatedError {
        reason,
        kind: Kind::Form,
    }
}

const fn limit(reason: &'static str) -> RelatedError {
    RelatedError {
        reason,
        kind: Kind::Limit,
    }
}

const fn media(reason: &'static str) -> RelatedError {
    RelatedError {
        reason,
        kind: Kind::MediaType,
    }
}

impl From<RelatedError> for Fault {
    fn from(error: RelatedError) -> Self {
        let code = match error.kind {
            Kind::Form => FaultCode::Malformed,
            Kind::Limit => FaultCode::TooLarge,
            Kind::MediaType => FaultCode::UnsupportedMediaType,
        };
        Self::new(code, error.reason)
    }
}

/// A body as its `Content-Type` says: the envelope, and what came with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Related<'a> {
    /// The bytes of the envelope.
    pub soap: &'a [u8],
    /// The files, in their order.
    pub attachments: Vec<Attachment<'a>>,
}

/// One file.
#[derive(Debug, PartialEq, Eq)]
pub struct Attachment<'a> {
    /// Its `Content-ID` without the brackets.
    pub id: &'a str,
    /// Its media type as it is said; nobody believes it.
    pub media_type: &'a str,
    /// Its bytes, decoded where the part was in base64.
    pub content: Cow<'a, [u8]>,
}

impl<'a> Related<'a> {
    /// Reads a body by its one `Content-Type`.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn read(content_type: &str, body: &'a [u8]) -> Result<Self, RelatedError> {
        match Form::of(content_type)? {
            Form::Plain => Ok(Self {
                soap: body,
                attachments: Vec::new(),
            }),
            Form::Related { boundary, start } => parts(&boundary, start.as_deref(), body),
        }
    }
}

/// What a `Content-Type` announces.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    Plain,
    Related {
        boundary: String,
        start: Option<String>,
    },
}

impl Form {
    fn of(content_type: &str) -> Result<Self, RelatedError> {
        let (kind, parameters) = typed(content_type).ok_or(media("media-type"))?;
        match kind.as_str() {
            "text/xml" => plain_xml(&parameters).map(|()| Self::Plain),
            "multipart/related" => Self::related(parameters),
            "application/soap+xml" => Err(media("soap-12")),
            "application/xop+xml" => Err(media("mtom")),
            _ => Err(media("media-type")),
        }
    }

    fn related(parameters: Vec<(String, String)>) -> Result<Self, RelatedError> {
        let (mut boundary, mut start, mut root) = (None, None, None);
        for (name, value) in parameters {
            let place = match name.as_str() {
                "boundary" => &mut boundary,
                "start" => &mut start,
                "type" => &mut root,
                // by which MTOM names its envelope's own type
                "start-info" => return Err(media("mtom")),
                _ => return Err(media("media-type-parameter")),
            };
            if place.replace(value).is_some() {
                return Err(media("media-type-parameter"));
            }
        }
        match root.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("text/xml") => {}
            Some("application/xop+xml") => return Err(media("mtom")),
            Some("application/soap+xml") => return Err(media("soap-12")),
            Some(_) => return Err(media("media-type-parameter")),
        }
        let boundary = boundary.filter(|said| is_boundary(said));
        Ok(Self::Related {
            boundary: boundary.ok_or(form("mime-boundary"))?,
            start: start.map(|start| bare(&start).unwrap_or(&start).to_owned()),
        })
    }
}

fn plain_xml(parameters: &[(String, String)]) -> Result<(), RelatedError> {
    match parameters {
        [] => Ok(()),
        [(name, value)] if name == "charset" && value.eq_ignore_ascii_case("utf-8") => Ok(()),
        _ => Err(media("media-type-parameter")),
    }
}

/// 1 to 70 of RFC 2046's characters, no space at the end.
fn is_boundary(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    (1..=70).contains(&text.len()) && text.bytes().all(allowed) && !text.ends_with(' ')
}

/// Type and parameters of a `Content-Type`, names in small letters. None where it is none.
fn typed(text: &str) -> Option<(String, Vec<(String, String)>)> {
    let (kind, mut rest) = match text.split_once(';') {
        Some((kind, rest)) => (kind, rest.trim_start()),
        None => (text, ""),
    };
    let mut parameters = Vec::new();
    while !rest.is_empty() {
        if parameters.len() == 8 {
            return None;
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted
                    .find(['"', '\\'])
                    .filter(|at| quoted.as_bytes()[*at] == b'"')?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim_end(), &after[end..])
            }
        };
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        parameters.push((name.to_ascii_lowercase(), value.to_owned()));
        let after = after.trim_start();
        rest = match (after.is_empty(), after.strip_prefix(';')) {
            (true, _) => "",
            (false, Some(more)) if !more.trim().is_empty() => more.trim_start(),
            (false, _) => return None,
        };
    }
    let kind = kind.trim().to_ascii_lowercase();
    let (top, sub) = kind.split_once('/')?;
    let named = |part: &str| !part.is_empty() && part.bytes().all(is_token);
    (named(top) && named(sub)).then_some((kind, parameters))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn parts<'a>(
    boundary: &str,
    start: Option<&str>,
    body: &'a [u8],
) -> Result<Related<'a>, RelatedError> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let first = delimiter.get(2..).unwrap_or_default();
    let body = body.strip_prefix(b"\r\n").unwrap_or(body);
    let mut rest = body.strip_prefix(first).ok_or(form("mime-boundary"))?;
    let mut soap = None;
    let mut attachments: Vec<Attachment<'a>> = Vec::new();
    loop {
        if let Some(end) = rest.strip_prefix(b"--") {
            return match (end, soap) {
                (b"" | b"\r\n", Some(soap)) => Ok(Related { soap, attachments }),
                (b"" | b"\r\n", None) => Err(form("mime-empty")),
                _ => Err(form("mime-epilogue")),
            };
        }
        let part = rest.strip_prefix(b"\r\n").ok_or(form("mime-boundary"))?;
        let end = find(part, &delimiter).ok_or(form("mime-truncated"))?;
        let (this, after) = (&part[..end], &part[end + delimiter.len()..]);
        let part = Part::read(this)?;
        match soap {
            None => soap = Some(part.envelope(start)?),
            Some(_) if attachments.len() == ATTACHMENTS_MAX => {
                return Err(limit("attachments"));
            }
            Some(_) => {
                let one = part.attachment()?;
                if attachments.iter().any(|other| other.id == one.id) {
                    return Err(form("mime-id-twice"));
                }
                attachments.push(one);
            }
        }
        rest = after;
    }
}

/// One part, its fields read.
struct Part<'a> {
    kind: Option<&'a str>,
    id: Option<&'a str>,
    coding: Option<&'a str>,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, RelatedError> {
        // a part without fields begins with the empty line
        let (head, content) = match bytes.strip_prefix(b"\r\n") {
            Some(content) => (&b""[..], content),
            None => {
                let searched = &bytes[..bytes.len().min(LINES_MAX * (LINE_BYTES_MAX + 2) + 2)];
                let end =
                    find(searched, b"\r\n\r\n").ok_or(match searched.len() < bytes.len() {
                        true => limit("mime-header-lines"),
                        false => form("mime-header"),
                    })?;
                (&bytes[..end], &bytes[end + 4..])
            }
        };
        let head = std::str::from_utf8(head)
            .ok()
            .filter(|head| head.is_ascii());
        let head = head.ok_or(form("mime-header"))?;
        let mut part = Self {
            kind: None,
            id: None,
            coding: None,
            content,
        };
        let lines = head.split("\r\n").filter(|_| !head.is_empty());
        for (number, line) in lines.enumerate() {
            if number == LINES_MAX || line.len() > LINE_BYTES_MAX {
                return Err(limit("mime-header-lines"));
            }
            part.field(line)?;
        }
        Ok(part)
    }

    fn field(&mut self, line: &'a str) -> Result<(), RelatedError> {
        let (name, value) = line.split_once(':').ok_or(form("mime-header"))?;
        let controls = value.bytes().any(|byte| byte < b' ' && byte != b'\t');
        if name.is_empty() || !name.bytes().all(is_token) || controls {
            return Err(form("mime-header"));
        }
        let place = match name.to_ascii_lowercase().as_str() {
            "content-type" => &mut self.kind,
            "content-id" => &mut self.id,
            "content-transfer-encoding" => &mut self.coding,
            _ => return Ok(()),
        };
        match place.replace(value.trim()) {
            None => Ok(()),
            Some(_) => Err(form("mime-header-twice")),
        }
    }

    fn envelope(self, start: Option<&str>) -> Result<&'a [u8], RelatedError> {
        let (kind, parameters) = self.kind.and_then(typed).ok_or(media("mime-root-type"))?;
        match kind.as_str() {
            "text/xml" => plain_xml(&parameters)?,
            "application/xop+xml" => return Err(media("mtom")),
            "application/soap+xml" => return Err(media("soap-12")),
            _ => return Err(media("mime-root-type")),
        }
        if start.is_some() && self.id.and_then(bare) != start {
            return Err(form("mime-start"));
        }
        match self.is_plain() {
            true => Ok(self.content),
            false => Err(form("mime-encoding")),
        }
    }

    fn attachment(self) -> Result<Attachment<'a>, RelatedError> {
        let id = self.id.and_then(bare).ok_or(form("mime-id"))?;
        let media_type = self.kind.unwrap_or("application/octet-stream");
        let lower = media_type.to_ascii_lowercase();
        if lower.starts_with("multipart/") || lower.starts_with("message/") {
            return Err(form("mime-nested"));
        }
        let coding = self.coding.unwrap_or_default();
        let content = match (self.is_plain(), coding.eq_ignore_ascii_case("base64")) {
            (true, _) => Cow::Borrowed(self.content),
            (false, true) => Cow::Owned(base64(self.content)?),
            (false, false) => return Err(form("mime-encoding")),
        };
        Ok(Attachment {
            id,
            media_type,
            content,
        })
    }

    fn is_plain(&self) -> bool {
        let named = ["7bit", "8bit", "binary"];
        self.coding
            .is_none_or(|coding| named.iter().any(|one| coding.eq_ignore_ascii_case(one)))
    }
}

fn base64(text: &[u8]) -> Result<Vec<u8>, RelatedError> {
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !b"\r\n".contains(byte))
        .collect();
    STANDARD.decode(digits).map_err(|_| form("mime-encoding"))
}

/// `<id>` without its brackets: printable ASCII, bounded.
fn bare(id: &str) -> Option<&str> {
    let bare = id.strip_prefix('<')?.strip_suffix('>')?;
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>\"".contains(&byte);
    ((1..=ID_BYTES_MAX).contains(&bare.len()) && bare.bytes().all(plain)).then_some(bare)
}

/// Where `what`, which begins with a carriage return and has no second one but in the empty line, first stands.
fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == b'\r') {
        if bytes[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests;
