//! The element in the body as the members that JSON would have, so that both have one reader.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemas::{
    fault::{Fault, FaultCode},
    procedure::{Kind, Procedure},
    wire::{
        portal::{self, FormMembers, Submission},
        xroad::related::Attachment,
    },
    xml::Element,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::NAMESPACE;

/// The element that holds the form's own members.
const FORM: &str = "ToKhai";
/// The element of one paper; there may be several.
const PAPER: &str = "TaiLieuNop";
/// The element by which a paper names its attachment.
const FILE: &str = "TepDinhKem";

/// The members in an element: each of this namespace, without attributes, once; papers and lines of a form's table as
/// often as they come.
pub(super) fn members(element: &Element<'_>) -> Result<Map<String, Value>, Fault> {
    object(element, &|name, _| name == PAPER)
}

fn object(
    element: &Element<'_>,
    is_list: &dyn Fn(&str, &Element<'_>) -> bool,
) -> Result<Map<String, Value>, Fault> {
    well(element)?;
    let mut members = Map::new();
    for child in &element.children {
        well(child)?;
        let value = match (child.children.is_empty(), child.local) {
            // an empty form is a form, an empty text is a text
            (true, FORM) if child.text.trim().is_empty() => Value::Object(Map::new()),
            (true, _) => Value::String(child.text.clone()),
            (false, FORM) => Value::Object(object(child, &|_, one| !one.children.is_empty())?),
            (false, _) => Value::Object(object(child, &|_, _| false)?),
        };
        let place = members.entry(child.local.to_owned());
        match (is_list(child.local, child), place) {
            (true, place) => match place.or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(list) => list.push(value),
                _ => return Err(invalid("element-twice")),
            },
            (false, serde_json::map::Entry::Vacant(place)) => {
                place.insert(value);
            }
            (false, serde_json::map::Entry::Occupied(_)) => return Err(invalid("element-twice")),
        }
    }
    Ok(members)
}

fn well(element: &Element<'_>) -> Result<(), Fault> {
    if element.namespace != NAMESPACE {
        return Err(invalid("element-namespace"));
    }
    if !element.attributes.is_empty() {
        return Err(invalid("element-attribute"));
    }
    match element.is_mixed() {
        true => Err(invalid("element-text")),
        false => Ok(()),
    }
}

/// Each attachment is one paper's, and each paper that names one has it. Takes the names out, and gives for each paper
/// its file, where it has one.
pub(super) fn named<'f>(
    members: &mut Map<String, Value>,
    attachments: &'f [Attachment<'f>],
) -> Result<Vec<Option<&'f [u8]>>, Fault> {
    let (mut named, mut files) = (BTreeSet::new(), Vec::new());
    let papers = members.get_mut(PAPER).and_then(Value::as_array_mut);
    for paper in papers.into_iter().flatten() {
        let Some(said) = paper.as_object_mut().and_then(|paper| paper.remove(FILE)) else {
            files.push(None);
            continue;
        };
        let id = said.as_str().and_then(|said| said.strip_prefix("cid:"));
        let id = id.ok_or_else(|| invalid("attachment-name").field(FILE))?;
        let file = attachments.iter().find(|one| one.id == id);
        let file = file.ok_or_else(|| invalid("attachment-missing").field(FILE))?;
        files.push(Some(file.content.as_ref()));
        if !named.insert(id.to_owned()) {
            return Err(invalid("attachment-twice").field(FILE));
        }
    }
    match attachments.iter().all(|one| named.contains(one.id)) {
        true => Ok(files),
        false => Err(invalid("attachment-not-named").field(FILE)),
    }
}

/// A file beside the envelope is its paper's content, as if it stood in the dossier.
pub(super) fn attach(said: &mut Submission, files: &[Option<&[u8]>]) -> Result<(), Fault> {
    for (paper, file) in said.papers.iter_mut().zip(files) {
        let Some(file) = file else { continue };
        if paper.data.replace(STANDARD.encode(file)).is_some() {
            return Err(invalid("field-twice").field("DuLieuTepDinhKem"));
        }
    }
    Ok(())
}

/// The members by the one strict reader.
pub(super) fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Fault> {
    let text = Value::Object(members).to_string();
    portal::decode(text.as_bytes()).map_err(|error| invalid("element").log(error.code()))
}

/// Digits become numbers where the procedure's form asks for a sum or a count.
pub(super) fn numbers(procedure: &Procedure, members: &mut FormMembers) {
    let form = &procedure.form;
    counted(&form.fields, members);
    let Some(table) = &form.lines else { return };
    let lines = members.get_mut(table.name).and_then(Value::as_array_mut);
    for line in lines.into_iter().flatten() {
        if let Some(line) = line.as_object_mut() {
            counted(&table.fields, line);
        }
    }
}

fn counted(fields: &[schemas::procedure::Field], members: &mut FormMembers) {
    for field in fields {
        if !matches!(field.kind, Kind::Vnd | Kind::Count) {
            continue;
        }
        let Some(value) = members.get_mut(field.name) else {
            continue;
        };
        let digits = value.as_str().filter(|text| {
            text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
        });
        if let Some(number) = digits.and_then(|text| text.parse::<u64>().ok()) {
            *value = number.into();
        }
    }
}

fn invalid(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason)
}
