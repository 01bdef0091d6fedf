//! VSS's gateway for electronic papers (eGW): a form that names a facility and carries its signed document.
//!
//! A JSON object or `application/x-www-form-urlencoded`, the document in base64. The form has no id, no time and no
//! receiver: it is told to us, since it came to us, when it arrived, and what it is remembered by is the adapter's to
//! find in the document. Nothing is trusted here; the facility is believed once its key has proven the document. What
//! the document says outside the signed element is read by nobody.
//!
//! Credentials in a form (`token`, `id_token`, `username`, `password`) are refused: who can sign needs none, and what is
//! journaled must hold none. Danger: where a facility without a key is allowed a token, it stands in the place of the
//! signature, and what is kept of the form has the token's digest and no credentials in it.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::xmldsig::Signed;
use gateway_core::{
    Claims, Direction, Envelope, Head, SignatureForm,
    login::{ShownToken, TokenDigest},
    partner::Environment,
};
use http::{HeaderMap, header};
use schemas::{
    fault::{Fault, FaultCode},
    id::{FacilityCode, PartnerId},
    wire::hospital::{self, Form, Kind},
};

use crate::{arrival, media};

/// A form's media types.
pub const FORM: &[&str] = &["application/json", "application/x-www-form-urlencoded"];

/// Whom the forms are for: us, and the environment we stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Us.
    pub us: PartnerId,
    /// Where we stand.
    pub environment: Environment,
}

/// The operation of a kind of papers at a path, or none where the path does not take it.
pub type Operations = fn(&str, Kind) -> Option<&'static str>;

/// Reads the envelope of a form.
///
/// # Errors
/// `UnsupportedMediaType`; `TooLarge` (`file-bytes`) for a document over a mebibyte; `Malformed` for a form that is
/// none, `bad-base64` among it; `Invalid` for a facility, kind or member that is not taken.
pub fn envelope(
    head: &Head,
    body: &Bytes,
    here: &Here,
    operations: Operations,
) -> Result<Envelope, Fault> {
    media::check(&head.headers, FORM)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    let form = read(body, is_json(&head.headers))?;
    let invalid = |reason, field| Fault::new(FaultCode::Invalid, reason).field(field);
    let token = form.token.as_deref().filter(|token| !token.is_empty());
    let credentials = [
        ("id_token", &form.id_token),
        ("username", &form.username),
        ("password", &form.password),
    ];
    let given = credentials
        .iter()
        .find(|(_, text)| text.as_ref().is_some_and(|text| !text.is_empty()));
    if let (Some((field, _)), None) = (given, token) {
        return Err(invalid("credentials-not-wanted", field));
    }
    let facility = FacilityCode::parse(form.facility.trim())
        .map_err(|error| invalid("bad-facility", "maCskcb").log(error.to_string()))?;
    let kind = Kind::parse(form.kind.trim()).ok_or_else(|| invalid("unknown-code", "loaiHs"))?;
    let operation = operations(&head.path, kind)
        .ok_or_else(|| invalid("operation-and-path-differ", "loaiHs"))?;
    let sender = facility.partner();
    Ok(Envelope {
        road: arrival(head, &sender),
        claims: Claims {
            sender,
            receiver: here.us.clone(),
            environment: here.environment,
            direction: Direction::Request,
            id: head.evidence.message_id(),
            sent_at: head.arrived_at,
            operation: operation.to_owned(),
        },
        key_hint: None,
        signature: match token {
            None => SignatureForm::Carried {
                document: document(&form)?,
                signed: signed(kind),
            },
            Some(token) => {
                let id = form.id_token.as_deref().unwrap_or_default();
                let shown = match TokenDigest::of_kept(token) {
                    Some(digest) => ShownToken::Kept(digest),
                    None => ShownToken::Whole(TokenDigest::of(token, id)),
                };
                SignatureForm::Login {
                    shown,
                    document: document(&form)?,
                    signed: signed(kind),
                    kept: kept(&form, shown, is_json(&head.headers)),
                }
            }
        },
    })
}

/// The form without its credentials, the token's digest in the token's place; as it came, JSON or not.
fn kept(form: &Form, shown: ShownToken, is_json: bool) -> Bytes {
    let (ShownToken::Whole(digest) | ShownToken::Kept(digest)) = shown;
    let kept = Form {
        token: Some(digest.kept()),
        id_token: None,
        username: None,
        password: None,
        ..form.clone()
    };
    if is_json {
        return Bytes::from(hospital::encode(&kept));
    }
    let members = [
        ("maCskcb", Some(&kept.facility)),
        ("loaiHs", Some(&kept.kind)),
        ("fileBase64Str", kept.file.as_ref()),
        ("fileHsBase64", kept.file_hs.as_ref()),
        ("token", kept.token.as_ref()),
    ];
    let mut written = form_urlencoded::Serializer::new(String::new());
    for (name, text) in members {
        if let Some(text) = text {
            written.append_pair(name, text);
        }
    }
    Bytes::from(written.finish())
}

/// The document in a form that was journaled, and what of it is signed; none where the bytes are no such form.
#[must_use]
pub fn carried(body: &[u8]) -> Option<(Bytes, Signed)> {
    let form = read(body, body.first() == Some(&b'{')).ok()?;
    let kind = Kind::parse(form.kind.trim())?;
    Some((document(&form).ok()?, signed(kind)))
}

/// The unit's signature stands alone in the last element, beside what it signs.
fn signed(kind: Kind) -> Signed {
    Signed::Beside {
        namespace: "",
        name: kind.signed(),
        holder: Kind::SIGNATURE,
    }
}

/// Whether a form is JSON.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with(FORM[0]))
}

fn read(body: &[u8], is_json: bool) -> Result<Form, Fault> {
    let malformed = |reason| Fault::new(FaultCode::Malformed, reason);
    if is_json {
        return hospital::decode(body)
            .map_err(|error| malformed(error.code()).log(error.to_string()));
    }
    let mut form = Form::default();
    let mut seen: Vec<Cow<'_, str>> = Vec::with_capacity(8);
    for (name, text) in form_urlencoded::parse(body) {
        if seen.contains(&name) {
            return Err(malformed("form-member-twice"));
        }
        let member = match &*name {
            "maCskcb" => &mut form.facility,
            "loaiHs" => &mut form.kind,
            "fileBase64Str" => form.file.get_or_insert_default(),
            "fileHsBase64" => form.file_hs.get_or_insert_default(),
            "token" => form.token.get_or_insert_default(),
            "id_token" => form.id_token.get_or_insert_default(),
            "username" => form.username.get_or_insert_default(),
            "password" => form.password.get_or_insert_default(),
            _ => return Err(malformed("form-member-unknown")),
        };
        *member = text.into_owned();
        seen.push(name);
    }
    Ok(form)
}

fn document(form: &Form) -> Result<Bytes, Fault> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let text = match (given(&form.file), given(&form.file_hs)) {
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => {
            return Err(Fault::new(FaultCode::Invalid, "missing-field").field("fileBase64Str"));
        }
        (Some(_), Some(_)) => {
            return Err(Fault::new(FaultCode::Invalid, "two-files").field("fileHsBase64"));
        }
    };
    if text.len() > DOCUMENT_CHARS_MAX {
        return Err(Fault::new(FaultCode::TooLarge, "file-bytes").field("fileBase64Str"));
    }
    let bad = |_| Fault::new(FaultCode::Malformed, "bad-base64").field("fileBase64Str");
    STANDARD.decode(text.trim()).map(Bytes::from).map_err(bad)
}

/// A document of a mebibyte, in base64.
const DOCUMENT_CHARS_MAX: usize = (1 << 20) / 3 * 4 + 4;

#[cfg(test)]
mod tests;
