//! Announcements, parts and contents as they are read; every value is checked here and nowhere below.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use gateway_core::{Claims, Decoded, Identity, Operation, bulk::Ticket};
use schemas::{
    fault::{Fault, FaultCode},
    wire::portal::{self, SubmittedPaper, Upload, UploadedFile},
};

use super::{Announced, Announcement, Content, FILES_MAX, Kind};
use crate::{
    ANNOUNCE, PAPERS_PURPOSE, UPLOAD,
    decode::check::{invalid, is_for, json, optional},
};

/// Files that follow, as a signed message says.
pub(crate) fn announce(claims: Claims, bytes: &[u8]) -> Result<Decoded<Announcement>, Fault> {
    is_for(&claims, &ANNOUNCE)?;
    let said: Upload = portal::decode(bytes).map_err(json)?;
    if said.files.is_empty() {
        return Err(invalid("missing-field", "TepDinhKem"));
    }
    if said.files.len() > FILES_MAX {
        return Err(invalid("too-many-papers", "TepDinhKem"));
    }
    let files = said.files.iter().map(announced);
    let request = Announcement {
        id: claims.id.clone(),
        files: files.collect::<Result<_, _>>()?,
    };
    Ok(decoded(claims, &ANNOUNCE, bytes, request))
}

/// A part; its ticket is all that there is to read.
pub(crate) fn part(ticket: &Ticket, claims: &Claims, text: &[u8]) -> Decoded<Ticket> {
    decoded(claims.clone(), &UPLOAD, text, ticket.clone())
}

fn decoded<R>(
    claims: Claims,
    operation: &'static Operation,
    bytes: &[u8],
    request: R,
) -> Decoded<R> {
    Decoded {
        claims,
        operation,
        identity: Identity::Envelope,
        purpose: PAPERS_PURPOSE.to_owned(),
        asked: BTreeSet::new(),
        lines: 1,
        provinces: None,
        payload: Bytes::copy_from_slice(bytes),
        objection: None,
        synthetic: false,
        persons: Vec::new(),
        request,
    }
}

fn announced(file: &UploadedFile) -> Result<Announced, Fault> {
    Ok(Announced {
        kind: kind(&file.file_name)?,
        sha256: sha256(&file.sha256)?,
        bytes: match u64::try_from(file.bytes) {
            Ok(bytes) if bytes > 0 => bytes,
            _ => return Err(invalid("bad-number", "DungLuong")),
        },
    })
}

/// The content of a paper; none of one that stays at the portal.
pub(crate) fn attached(paper: &SubmittedPaper) -> Result<Option<Content>, Fault> {
    let content = Content {
        sha256: paper.sha256.as_deref().map(sha256).transpose()?,
        bytes: paper.data.as_deref().map(inline).transpose()?,
        kind: match (&paper.sha256, &paper.data) {
            (None, None) => return Ok(None),
            _ => kind(&paper.file_name)?,
        },
    };
    if let Some(bytes) = &content.bytes {
        is_what_it_says(content.kind, bytes)?;
    }
    Ok(Some(content))
}

fn is_what_it_says(named: Kind, bytes: &[u8]) -> Result<(), Fault> {
    match Kind::of_bytes(bytes) {
        Some(found) if found == named => Ok(()),
        Some(_) => Err(invalid("file-type-differs-from-name", "DuLieuTepDinhKem")),
        None => Err(invalid("file-type-not-taken", "DuLieuTepDinhKem")),
    }
}

fn inline(text: &str) -> Result<Bytes, Fault> {
    match STANDARD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes.into()),
        _ => Err(invalid("bad-base64", "DuLieuTepDinhKem")),
    }
}

/// A file's name, which is no path, says what the file is.
fn kind(name: &str) -> Result<Kind, Fault> {
    file_name(name)?;
    Kind::of_name(name).ok_or_else(|| invalid("file-type-not-taken", "TenTepDinhKem"))
}

/// It is shown to people and goes into no path; what looks like one is refused all the same.
pub(crate) fn file_name(name: &str) -> Result<(), Fault> {
    let name = optional(Some(&name.to_owned()), FILE_NAME_CHARS_MAX, "TenTepDinhKem")?;
    match name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':']) {
        true => Err(invalid("bad-file-name", "TenTepDinhKem")),
        false => Ok(()),
    }
}

fn sha256(text: &str) -> Result<[u8; 32], Fault> {
    gateway_core::bulk::unhex(text)
        .ok_or_else(|| Fault::new(FaultCode::Invalid, "bad-digest").field("SHA256"))
}

const FILE_NAME_CHARS_MAX: usize = 200;
