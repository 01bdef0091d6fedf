//! X-Road's message protocol for SOAP, version 4.0: one envelope in, one envelope or one fault out.
//!
//! SOAP 1.1, document/literal wrapped. Of a message its header block is read (who calls, what, under which id) and
//! the wrapper in its body is given on as a tree. The answer begins with the very bytes of the request up to the end
//! of the header block, so that every field is copied in its order and value, prefixes and all.
//!
//! Stricter than X-Road: no attribute on envelope and body, one child in the body, every field of the block once, no
//! request hash in a request, no XOP. What stands in the block beside X-Road's own fields is copied and not read;
//! where it must be understood, the message is refused.

use std::borrow::Cow;

use crate::fault::{Fault, FaultCode};
use crate::id::{MessageId, XRoadClient};
use crate::xml::{Element, Limits, Writer, XmlError};

use super::{Spelling, code_of};

/// The namespace of SOAP 1.1.
pub const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of X-Road's header fields.
pub const FIELDS: &str = "http://x-road.eu/xsd/xroad.xsd";
/// The namespace of what identifies on X-Road.
pub const IDENTIFIERS: &str = "http://x-road.eu/xsd/identifiers";
/// The namespace of what a fault of ours tells beside X-Road's id. Own profile.
pub const REFUSAL: &str = "urn:vn:lienthong:soap:v1";
/// The media type of what we say.
pub const MEDIA_TYPE: &str = "text/xml; charset=utf-8";

/// The namespace of SOAP 1.2, which X-Road does not speak.
const ENVELOPE_12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// The namespace of XOP, by which MTOM puts a part in the place of a text.
const XOP: &str = "http://www.w3.org/2004/08/xop/include";
/// X-Road's extension for a represented party.
const REPRESENTATION: &str = "http://x-road.eu/xsd/representation.xsd";
const PROTOCOL: &str = "4.0";

/// The bounds of a SOAP part.
pub const LIMITS: Limits = Limits {
    bytes_max: 256 << 10,
    depth_max: 12,
    elements_max: 10_000,
    attributes_max: 16,
    namespaces_max: 24,
    name_bytes_max: 128,
    text_bytes_max: 16 << 10,
};

/// The header block comes back in every answer, so it is short.
const BLOCK_BYTES_MAX: usize = 8 << 10;

/// Why a message is refused: a stable word, and the field or element that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SoapError {
    /// The word.
    pub reason: &'static str,
    /// The field.
    pub field: Option<&'static str>,
    /// True where a bound was passed.
    pub is_limit: bool,
}

impl SoapError {
    const fn new(reason: &'static str) -> Self {
        Self {
            reason,
            field: None,
            is_limit: false,
        }
    }

    const fn of(reason: &'static str, field: &'static str) -> Self {
        Self {
            field: Some(field),
            ..Self::new(reason)
        }
    }
}

impl From<XmlError> for SoapError {
    fn from(error: XmlError) -> Self {
        Self {
            is_limit: error.reason().is_limit(),
            ..Self::new(error.code())
        }
    }
}

impl From<SoapError> for Fault {
    fn from(error: SoapError) -> Self {
        let code = match (error.is_limit, error.reason) {
            (true, _) => FaultCode::TooLarge,
            (false, "soap-client") => FaultCode::Unauthenticated,
            _ => FaultCode::Malformed,
        };
        let fault = Self::new(code, error.reason);
        match error.field {
            Some(field) => fault.field(field),
            None => fault,
        }
    }
}

/// What the header block says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who calls.
    pub client: XRoadClient,
    /// Whose service is called.
    pub provider: XRoadClient,
    /// The code of the service, which is the name of the wrapper.
    pub service: String,
    /// The version of the service, where the caller names one.
    pub version: Option<String>,
    /// The message's id.
    pub id: MessageId,
}

/// What an answer begins and ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The request up to the end of its header block.
    opening: String,
    /// The envelope's prefix with its colon, or nothing.
    prefix: String,
}

impl Frame {
    /// The answer with this in its body: an element that declares its own namespace.
    #[must_use]
    pub fn answer(&self, response: &[u8]) -> Vec<u8> {
        let Self { opening, prefix } = self;
        [
            opening.as_bytes(),
            format!("<{prefix}Body>").as_bytes(),
            response,
            format!("</{prefix}Body></{prefix}Envelope>").as_bytes(),
        ]
        .concat()
    }
}

/// One message, read whole.
#[derive(Debug)]
pub struct Message<'a> {
    /// What its header block says.
    pub block: Block,
    /// What its answer begins and ends with.
    pub frame: Frame,
    /// The one element in its body.
    pub wrapper: Element<'a>,
}

impl<'a> Message<'a> {
    /// Reads the bytes of a SOAP part; a byte-order mark before them is nothing.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn read(bytes: &'a [u8]) -> Result<Self, SoapError> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let envelope = Element::parse(bytes, &LIMITS)?;
        let text = std::str::from_utf8(bytes).map_err(|_| SoapError::new("xml-encoding"))?;
        match envelope.namespace.as_ref() {
            ENVELOPE if envelope.local == "Envelope" => {}
            ENVELOPE_12 => return Err(SoapError::new("soap-version")),
            _ => return Err(SoapError::new("soap-envelope")),
        }
        plain(&envelope)?;
        let written = text.get(envelope.span.start + 1..).unwrap_or_default();
        let name = written.split([' ', '\t', '\r', '\n', '/', '>']).next();
        let prefix = match name.and_then(|name| name.split_once(':')) {
            Some((prefix, _)) => format!("{prefix}:"),
            None => String::new(),
        };
        let (header, body) = parts(envelope)?;
        let opening = text.get(..header.span.end).unwrap_or_default();
        if opening.len() > BLOCK_BYTES_MAX {
            return Err(SoapError {
                is_limit: true,
                ..SoapError::new("soap-header-bytes")
            });
        }
        let block = Block::read(&header)?;
        let wrapper = wrapper(body)?;
        if wrapper.local != block.service {
            return Err(SoapError::of("soap-service-code", "serviceCode"));
        }
        Ok(Self {
            block,
            frame: Frame {
                opening: opening.to_owned(),
                prefix,
            },
            wrapper,
        })
    }
}

/// Header and body: both there, each once, in this order, and nothing else.
fn parts(envelope: Element<'_>) -> Result<(Element<'_>, Element<'_>), SoapError> {
    let mut children = envelope.children.into_iter();
    let header = children.next().filter(|one| one.is(ENVELOPE, "Header"));
    let header = header.ok_or(SoapError::new("soap-header-missing"))?;
    let body = children.next().filter(|one| one.is(ENVELOPE, "Body"));
    let body = body.ok_or(SoapError::new("soap-body-missing"))?;
    match children.next() {
        None => Ok((header, body)),
        Some(_) => Err(SoapError::new("soap-structure")),
    }
}

/// The one element in the body.
fn wrapper(body: Element<'_>) -> Result<Element<'_>, SoapError> {
    plain(&body)?;
    let mut children = body.children.into_iter();
    let (Some(wrapper), None) = (children.next(), children.next()) else {
        return Err(SoapError::new("soap-body"));
    };
    match has_xop(&wrapper) {
        true => Err(SoapError::new("soap-xop")),
        false => Ok(wrapper),
    }
}

fn has_xop(element: &Element<'_>) -> bool {
    element.namespace == XOP || element.children.iter().any(has_xop)
}

/// No attribute, and no text beside elements.
fn plain(element: &Element<'_>) -> Result<(), SoapError> {
    if element.attribute(ENVELOPE, "encodingStyle").is_some() {
        return Err(SoapError::new("soap-encoding"));
    }
    if !element.attributes.is_empty() {
        return Err(SoapError::new("soap-attribute"));
    }
    match element.is_mixed() {
        true => Err(SoapError::new("soap-text")),
        false => Ok(()),
    }
}

impl Block {
    fn read(header: &Element<'_>) -> Result<Self, SoapError> {
        plain(header)?;
        for entry in &header.children {
            understood(entry)?;
        }
        for name in ONCE {
            let mut same = header.children.iter().filter(|one| {
                one.local == *name && [FIELDS, REPRESENTATION].contains(&one.namespace.as_ref())
            });
            if same.nth(1).is_some() {
                return Err(SoapError::of("soap-header-twice", name));
            }
        }
        let found = |name: &'static str| header.children.iter().find(|one| one.is(FIELDS, name));
        let field = |name: &'static str| {
            found(name).ok_or(SoapError::of("soap-header-field-missing", name))
        };
        if found("requestHash").is_some() {
            return Err(SoapError::of("soap-request-hash", "requestHash"));
        }
        if leaf(field("protocolVersion")?, "protocolVersion")?.trim() != PROTOCOL {
            return Err(SoapError::of("soap-protocol-version", "protocolVersion"));
        }
        let id = MessageId::parse(leaf(field("id")?, "id")?)
            .map_err(|_| SoapError::of("soap-id", "id"))?;
        let client = client(field("client")?)?;
        let (provider, service, version) = service(field("service")?)?;
        Ok(Self {
            client,
            provider,
            service,
            version,
            id,
        })
    }
}

/// X-Road's fields; each says one thing.
const ONCE: &[&str] = &[
    "client",
    "service",
    "id",
    "userId",
    "issue",
    "protocolVersion",
    "requestHash",
    "securityServer",
    "securityToken",
    "representedParty",
];

/// What must be understood and is no field of X-Road's is not (SOAP 1.1 §4.2.3).
fn understood(entry: &Element<'_>) -> Result<(), SoapError> {
    let must = entry.attribute(ENVELOPE, "mustUnderstand");
    let ours = entry.namespace == FIELDS || entry.namespace == REPRESENTATION;
    match must.is_some_and(|must| must.trim() != "0") && !ours {
        true => Err(SoapError::new("soap-must-understand")),
        false => Ok(()),
    }
}

/// The text of a field that holds nothing else.
fn leaf<'e>(element: &'e Element<'_>, name: &'static str) -> Result<&'e str, SoapError> {
    match element.children.is_empty() {
        true => Ok(&element.text),
        false => Err(SoapError::of("soap-header-field", name)),
    }
}

fn client(field: &Element<'_>) -> Result<XRoadClient, SoapError> {
    let refused = || SoapError::of("soap-client", "client");
    let kind = field.attribute(IDENTIFIERS, "objectType");
    let parts = named(field).ok_or_else(refused)?;
    let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    let fits = match kind {
        Some("MEMBER") => names == MEMBER,
        Some("SUBSYSTEM") => names == SUBSYSTEM,
        _ => false,
    };
    let said: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
    match fits {
        true => XRoadClient::of(&said).map_err(|_| refused()),
        false => Err(refused()),
    }
}

fn service(field: &Element<'_>) -> Result<(XRoadClient, String, Option<String>), SoapError> {
    let refused = || SoapError::of("soap-service", "service");
    if field.attribute(IDENTIFIERS, "objectType") != Some("SERVICE") {
        return Err(refused());
    }
    let mut parts = named(field).ok_or_else(refused)?;
    let mut last = |name: &str| match parts.last() {
        Some((found, _)) if *found == name => parts.pop().map(|(_, text)| text.to_owned()),
        _ => None,
    };
    let version = last("serviceVersion");
    let code = last("serviceCode").filter(|code| !code.is_empty());
    let code = code.ok_or_else(refused)?;
    let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    let said: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
    match names == MEMBER || names == SUBSYSTEM {
        true => Ok((
            XRoadClient::of(&said).map_err(|_| refused())?,
            code,
            version,
        )),
        false => Err(refused()),
    }
}

const MEMBER: [&str; 3] = ["xRoadInstance", "memberClass", "memberCode"];
const SUBSYSTEM: [&str; 4] = [
    "xRoadInstance",
    "memberClass",
    "memberCode",
    "subsystemCode",
];

/// The parts of an identifier in their order: leaves of one namespace.
fn named<'e>(field: &'e Element<'_>) -> Option<Vec<(&'e str, &'e str)>> {
    if field.is_mixed() {
        return None;
    }
    let part = |one: &'e Element<'_>| {
        let plain = one.namespace == IDENTIFIERS && one.children.is_empty();
        (plain && one.attributes.is_empty()).then_some((one.local, one.text.as_str()))
    };
    field.children.iter().map(part).collect()
}

/// `faultcode` of a fault: X-Road's codes as its spelling has them, but for the two that SOAP 1.1 §4.4.1 names.
#[must_use]
pub fn fault_code(fault: &Fault, spelling: Spelling) -> Cow<'static, str> {
    let code = match (fault.code(), fault.reason()) {
        (_, "soap-version") => return Cow::Borrowed("SOAP-ENV:VersionMismatch"),
        (_, "soap-must-understand") => return Cow::Borrowed("SOAP-ENV:MustUnderstand"),
        (_, "soap-header-twice") => "client.duplicate_header_field",
        (_, "soap-header-field-missing" | "soap-header-missing") => "client.missing_header_field",
        (_, "soap-protocol-version") => "client.invalid_protocol_version",
        (FaultCode::Malformed, reason) if reason.starts_with("soap-") => "client.invalid_soap",
        (FaultCode::Malformed, reason) if reason.starts_with("xml-") => "client.invalid_xml",
        (FaultCode::Malformed, reason) if reason.starts_with("mime-") => {
            "client.mime_parsing_failed"
        }
        (code, _) => code_of(code),
    };
    Cow::Owned(spelling.write(code))
}

/// A SOAP 1.1 fault: X-Road's code, a sentence, and beside the id under which it stands in the log what a machine
/// needs to decide on a repetition. Nothing of the message comes back.
#[must_use]
pub fn fault(fault: &Fault, spelling: Spelling, evidence: &str) -> Vec<u8> {
    use crate::xml::Name;
    const SOAP: fn(&'static str) -> Name = |local| Name {
        prefix: "SOAP-ENV",
        namespace: ENVELOPE,
        local,
    };
    let row = fault.code().row();
    let plain = |local| Name::plain("", local);
    let ours = |local| Name::plain(REFUSAL, local);
    let mut out = Writer::new();
    for name in ["Envelope", "Body", "Fault"] {
        out.open(SOAP(name), &[]);
    }
    out.leaf(plain("faultcode"), &fault_code(fault, spelling));
    let said = format!("{} ({})", row.en, fault.reason());
    out.leaf(plain("faultstring"), &said);
    out.open(plain("detail"), &[]);
    out.leaf(plain("faultDetail"), evidence);
    out.open(ours("Refusal"), &[]);
    out.leaf(ours("Code"), row.code);
    out.leaf(ours("Reason"), fault.reason());
    if let Some(field) = fault.wrong_field() {
        out.leaf(ours("Field"), field);
    }
    out.leaf(ours("Retry"), row.retry.as_str());
    out.leaf(ours("Message"), row.vi);
    out.finish()
}

#[cfg(test)]
mod tests;
