//! The envelope of a DCI message (SPDCI API standards 1.0.0, §1.3): `{signature?, header, message}`.
//!
//! The sender is whoever is registered under `sender_id`, and nothing else of that text is used: no key is fetched from
//! it, and no `sender_uri` is called. In which dialect it signs is registered too ([`certs::dci::Dialect`]); a message
//! without a signature is refused, whoever sends it. Nothing is trusted here; the verify room proves it, and the header
//! is read once more from what is proven.

use bytes::Bytes;
use certs::dci::Dialect;
use gateway_core::{
    Claims, Direction, Envelope, Head, SignatureForm,
    dci::{CoveredHead, DciSignature, DciTerms},
};
use http::header;
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    json::Reason,
    wire::dci::{Action, CallbackHeader, MsgHeader, Raw, VERSION, decode},
};
use serde::Deserialize;

use crate::{arrival, jws::SIGNATURE, media};

/// The operation of an action at a path, or none where the path does not take it.
pub type Operations = fn(&str, Action) -> Option<&'static str>;

/// Longest signature beside a body, bytes: a JWT may carry its payload.
pub const SIGNATURE_BYTES_MAX: usize = 16 << 10;

/// Reads the envelope.
///
/// # Errors
/// `UnsupportedMediaType`; `Malformed`; `TooLarge`; `Unauthenticated` (`unknown-sender`); `WrongEnvironment`
/// (`receiver`); `BadSignature` (none there, or not where the dialect has it); `Invalid` for a member of the header.
pub fn envelope(head: &Head, body: &Bytes, operations: Operations) -> Result<Envelope, Fault> {
    media::check(&head.headers, media::JSON)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    let (raw, in_body) = Raw::read(body).map_err(unreadable)?;
    let header = header_of(head, raw, operations)?;
    let (claims, terms) = claimed(head, &header, operations)?;
    let signature = signature(head, &header.sender_id, terms.dialect, in_body)?;
    Ok(Envelope {
        road: arrival(head, &claims.sender),
        claims,
        key_hint: None,
        signature: SignatureForm::Dci(signature),
    })
}

/// Header and message out of proven bytes, with what the header claims.
///
/// # Errors
/// As [`envelope`].
pub fn proven<'a>(
    head: &Head,
    bytes: &'a [u8],
    operations: Operations,
) -> Result<(Claims, MsgHeader, &'a str), Fault> {
    let (raw, _) = Raw::read(bytes).map_err(unreadable)?;
    let header = header_of(head, raw, operations)?;
    let (claims, _) = claimed(head, &header, operations)?;
    Ok((claims, header, raw.message))
}

/// A text that is not JSON is malformed, one over a bound too large, one of other members invalid.
///
/// What of it is a [`schemas::json::JsonError`] is said by its code.
#[must_use]
pub fn unreadable(error: schemas::json::JsonError) -> Fault {
    let code = match error.reason() {
        Reason::Mismatch => FaultCode::Invalid,
        Reason::TooLong | Reason::TooDeep | Reason::TooMany => FaultCode::TooLarge,
        _ => FaultCode::Malformed,
    };
    Fault::new(code, error.code()).log(format!("at byte {}", error.offset()))
}

/// The header of a callback has members of its own, where one is taken; what both have is read alike.
fn header_of(head: &Head, raw: Raw<'_>, operations: Operations) -> Result<MsgHeader, Fault> {
    let text = raw.header.as_bytes();
    let header = match is_callback(&head.path, raw.header, operations) {
        true => decode(text).map(plain),
        false => decode(text),
    };
    header.map_err(|error| unreadable(error).field("header"))
}

fn is_callback(path: &str, header: &str, operations: Operations) -> bool {
    #[derive(Deserialize)]
    struct Said {
        action: String,
    }
    let said = serde_json::from_str::<Said>(header).ok();
    let action = said.and_then(|said| Action::parse(&said.action));
    action.is_some_and(|action| action.is_callback() && operations(path, action).is_some())
}

fn plain(header: CallbackHeader) -> MsgHeader {
    MsgHeader {
        version: Some(header.version).filter(|version| !version.is_empty()),
        message_id: header.message_id,
        message_ts: header.message_ts,
        action: header.action,
        sender_id: header.sender_id,
        receiver_id: Some(header.receiver_id),
        total_count: header.total_count,
        is_msg_encrypted: Some(header.is_msg_encrypted),
        ..MsgHeader::default()
    }
}

fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// What a header claims, as far as it can be of somebody registered and for us.
fn claimed(
    head: &Head,
    header: &MsgHeader,
    operations: Operations,
) -> Result<(Claims, std::sync::Arc<DciTerms>), Fault> {
    if header
        .version
        .as_deref()
        .is_some_and(|version| version != VERSION)
    {
        return Err(invalid("version-not-supported", "version"));
    }
    if header.is_msg_encrypted == Some(true) {
        return Err(invalid("encryption-not-supported", "is_msg_encrypted"));
    }
    let action = Action::parse(&header.action).ok_or_else(|| invalid("unknown-code", "action"))?;
    let operation = operations(&head.path, action)
        .ok_or_else(|| invalid("operation-and-path-differ", "action"))?;
    let unknown = || Fault::new(FaultCode::Unauthenticated, "unknown-sender").field("sender_id");
    let (sender, terms) = head.dci_sender(&header.sender_id).ok_or_else(unknown)?;
    if header.receiver_id.as_deref() != Some(terms.receiver_id.as_str()) {
        return Err(Fault::new(FaultCode::WrongEnvironment, "receiver").field("receiver_id"));
    }
    if header.sender_uri.is_some() && header.sender_uri != terms.sender_uri {
        return Err(invalid("sender-uri-not-registered", "sender_uri"));
    }
    let (receiver, environment) = head
        .house()
        .ok_or_else(|| Fault::new(FaultCode::Internal, "no-house"))?;
    let claims = Claims {
        sender,
        receiver,
        environment,
        direction: Direction::Request,
        id: MessageId::parse(&header.message_id)
            .map_err(|_| invalid("bad-message-id", "message_id"))?,
        sent_at: moment(&header.message_ts, "message_ts")?,
        operation: operation.to_owned(),
    };
    Ok((claims, terms))
}

/// ISO 8601 with an offset, to be one moment everywhere.
///
/// # Errors
/// `Invalid` (`bad-timestamp`).
pub fn moment(text: &str, field: &'static str) -> Result<Timestamp, Fault> {
    let read = text
        .parse()
        .ok()
        .filter(|_| text.len() <= TIMESTAMP_CHARS_MAX);
    read.ok_or_else(|| invalid("bad-timestamp", field))
}

/// Longer than any moment to the nanosecond.
const TIMESTAMP_CHARS_MAX: usize = 40;

fn bad(reason: &'static str) -> Fault {
    Fault::new(FaultCode::BadSignature, reason)
}

/// The signature from where the sender's dialect has it, and from nowhere else.
fn signature(
    head: &Head,
    sender_id: &str,
    dialect: Dialect,
    in_body: Option<String>,
) -> Result<DciSignature, Fault> {
    let sender_id = sender_id.to_owned();
    let Some(name) = dialect.header() else {
        return Ok(DciSignature {
            sender_id,
            text: in_body.ok_or_else(|| bad("no-signature"))?,
            head: None,
            kept: None,
        });
    };
    if in_body.is_some() {
        return Err(bad("signature-of-another-dialect"));
    }
    let (text, covered) = match (field(head, name)?, dialect) {
        (Some(text), Dialect::HmacX) => (text, Some(covered(head)?)),
        (Some(text), _) => (text, None),
        (None, _) => kept(head, dialect)?,
    };
    let kept = match &covered {
        None => text.clone(),
        Some(covered) => format!("{text}{BETWEEN}{}{BETWEEN}{}", covered.host, covered.date),
    };
    Ok(DciSignature {
        sender_id,
        text,
        head: covered,
        kept: Some(kept),
    })
}

/// What was kept of a message that is taken up again from the journal, where it stands in the place of the one header
/// field that is kept with a body.
fn kept(head: &Head, dialect: Dialect) -> Result<(String, Option<CoveredHead>), Fault> {
    let line = field(head, SIGNATURE.as_str())?.ok_or_else(|| bad("no-signature"))?;
    if dialect != Dialect::HmacX {
        return Ok((line, None));
    }
    let mut parts = line.split(BETWEEN);
    let (Some(text), Some(host), Some(date), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad("no-signature"));
    };
    let covered = CoveredHead {
        path: head.path.clone(),
        host: host.to_owned(),
        date: date.to_owned(),
        content_type: content_type(head)?,
    };
    Ok((text.to_owned(), Some(covered)))
}

fn covered(head: &Head) -> Result<CoveredHead, Fault> {
    let demanded = |name: &'static str| {
        let text = field(head, name)?.filter(|text| !text.contains(BETWEEN));
        text.ok_or_else(|| bad("signed-header-missing"))
    };
    Ok(CoveredHead {
        path: head.path.clone(),
        host: demanded("host")?,
        date: demanded("date")?,
        content_type: content_type(head)?,
    })
}

fn content_type(head: &Head) -> Result<String, Fault> {
    let text = field(head, header::CONTENT_TYPE.as_str())?;
    text.ok_or_else(|| bad("signed-header-missing"))
}

/// A header field that stands once.
fn field(head: &Head, name: &str) -> Result<Option<String>, Fault> {
    let mut given = head.headers.get_all(name).iter();
    let Some(one) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(bad("two-signatures"));
    }
    if one.len() > SIGNATURE_BYTES_MAX {
        return Err(bad("signature-too-long"));
    }
    let text = one.to_str().map_err(|_| bad("signature-characters"))?;
    Ok(Some(text.to_owned()))
}

/// Between the parts of a kept line; in no host and no date.
const BETWEEN: &str = " | ";

#[cfg(test)]
mod tests;
