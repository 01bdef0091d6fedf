//! The same words as JSON: one object with one member, the body element by its name.
//!
//! What a message means is said once, by the typed readers of this module's parent. A JSON body is spelled
//! over into the body element that they read, and back, by the table below: members are the elements,
//! in any order; counts and amounts are whole numbers, everything else is text; a list is an array. So the
//! refusals are the same in both, by the same names. Published as `schemas/json/tax/v1/tax.schema.json`.

use serde_json::{Map, Value};

use super::{Answer, NAMESPACE, Request, WireError, wrong};
use crate::json::{self, JsonError};
use crate::xml::{Limits, Name, Reader, Writer, is_text};

/// A JSON body that is not one of this profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No JSON that we read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Not what the profile says.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Reads a question.
///
/// # Errors
/// The first thing that is not as it must be.
pub fn decode_request(bytes: &[u8]) -> Result<Request, BodyError> {
    OF_REQUESTS.decode(bytes, Request::read)
}

/// Reads an answer.
///
/// # Errors
/// As [`decode_request`].
pub fn decode_answer(bytes: &[u8]) -> Result<Answer, BodyError> {
    OF_ANSWERS.decode(bytes, Answer::read)
}

/// Writes a question.
#[must_use]
pub fn encode_request(request: &Request) -> Vec<u8> {
    OF_REQUESTS.encode(|writer| request.write(writer))
}

/// Writes an answer.
#[must_use]
pub fn encode_answer(answer: &Answer) -> Vec<u8> {
    OF_ANSWERS.encode(|writer| answer.write(writer))
}

/// An element and what may stand in it, in the order of the schema.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub element: &'static str,
    /// Its parts.
    pub parts: &'static [Part],
}

/// One part of an element.
#[derive(Debug)]
pub enum Part {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Number(&'static str),
    /// An element with parts of its own.
    Object(&'static Shape),
    /// Any number of such elements: an array under their name.
    Objects(&'static Shape),
    /// Any number of texts: an array under their name.
    Texts(&'static str),
    /// A list of `Field` elements: an array of their texts under the list's name.
    Fields(&'static str),
    /// Any number of texts of these names, mixed: the array `Keys` of objects with one member.
    Keys(&'static [&'static str]),
}

impl Part {
    /// The JSON member that carries it.
    #[must_use]
    pub const fn member(&self) -> &'static str {
        match self {
            Self::Text(member) | Self::Number(member) | Self::Texts(member) => member,
            Self::Fields(member) => member,
            Self::Object(shape) | Self::Objects(shape) => shape.element,
            Self::Keys(_) => "Keys",
        }
    }
}

/// How the bodies of one profile and direction are spelled over.
pub(super) struct Spelling {
    pub(super) namespace: &'static str,
    pub(super) bodies: &'static [&'static Shape],
    /// Longest JSON body, bytes.
    pub(super) bytes_max: usize,
    /// The bounds of the element that it stands for.
    pub(super) limits: fn() -> Limits,
}

impl Spelling {
    const fn name(&self, local: &'static str) -> Name {
        Name::plain(self.namespace, local)
    }

    const fn json_limits(&self) -> json::Limits {
        json::Limits {
            bytes_max: self.bytes_max,
            depth_max: 12,
            members_max: 64,
            items_max: super::LINES_MAX + 1,
        }
    }

    fn open<'a>(
        &self,
        document: &'a [u8],
        root: &'static str,
        limits: &Limits,
    ) -> Result<Reader<'a>, WireError> {
        Reader::open(document, self.namespace, limits).or_else(|error| wrong(root, error.code()))
    }

    /// Reads a JSON body by the reader of the element that it stands for.
    pub(super) fn decode<T>(
        &self,
        bytes: &[u8],
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, WireError>,
    ) -> Result<T, BodyError> {
        let (document, root) = self.over(bytes)?;
        let mut reader = self.open(&document, root, &(self.limits)())?;
        let body = read(&mut reader)?;
        reader.finish(root).map_err(WireError::from)?;
        Ok(body)
    }

    /// Writes as JSON what the writer of an element writes.
    pub(super) fn encode(&self, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::new();
        write(&mut writer);
        self.back(&writer.finish())
    }

    /// The body element that a JSON body stands for, and its name.
    fn over(&self, bytes: &[u8]) -> Result<(Vec<u8>, &'static str), BodyError> {
        let value: Value = json::read(bytes, &self.json_limits())?;
        let unknown = || WireError {
            field: "body",
            reason: "body-unknown",
        };
        let members = value.as_object().filter(|members| members.len() == 1);
        let (said, inside) = members
            .and_then(|all| all.iter().next())
            .ok_or_else(unknown)?;
        let shape = self
            .bodies
            .iter()
            .find(|shape| shape.element == said)
            .ok_or_else(unknown)?;
        let mut writer = Writer::new();
        self.write(&mut writer, shape, inside)?;
        Ok((writer.finish(), shape.element))
    }

    fn write(
        &self,
        writer: &mut Writer,
        shape: &'static Shape,
        value: &Value,
    ) -> Result<(), WireError> {
        let Some(members) = value.as_object() else {
            return wrong(shape.element, "member-type");
        };
        let known = |member: &String| shape.parts.iter().any(|part| part.member() == member);
        if !members.keys().all(known) {
            return wrong(shape.element, "member-unexpected");
        }
        writer.open(self.name(shape.element), &[]);
        for part in shape.parts {
            if let Some(value) = members.get(part.member()) {
                self.write_part(writer, part, value)?;
            }
        }
        writer.close();
        Ok(())
    }

    fn write_part(
        &self,
        writer: &mut Writer,
        part: &'static Part,
        value: &Value,
    ) -> Result<(), WireError> {
        match part {
            Part::Text(member) => self.leaf(writer, member, value),
            Part::Number(member) => match value.as_i64() {
                Some(number) => {
                    writer.leaf(self.name(member), &number.to_string());
                    Ok(())
                }
                None => wrong(member, "member-type"),
            },
            Part::Object(shape) => self.write(writer, shape, value),
            Part::Objects(shape) => items(value, shape.element)?
                .iter()
                .try_for_each(|item| self.write(writer, shape, item)),
            Part::Texts(member) => items(value, member)?
                .iter()
                .try_for_each(|item| self.leaf(writer, member, item)),
            Part::Fields(list) => {
                writer.open(self.name(list), &[]);
                items(value, list)?
                    .iter()
                    .try_for_each(|item| self.leaf(writer, "Field", item))?;
                writer.close();
                Ok(())
            }
            Part::Keys(names) => items(value, "Keys")?
                .iter()
                .try_for_each(|item| self.key(writer, names, item)),
        }
    }

    fn key(
        &self,
        writer: &mut Writer,
        names: &[&'static str],
        value: &Value,
    ) -> Result<(), WireError> {
        let members = value.as_object().filter(|members| members.len() == 1);
        let Some((said, text)) = members.and_then(|all| all.iter().next()) else {
            return wrong("Keys", "member-type");
        };
        match names.iter().find(|known| *known == said) {
            Some(known) => self.leaf(writer, known, text),
            None => wrong("Keys", "member-unexpected"),
        }
    }

    fn leaf(
        &self,
        writer: &mut Writer,
        member: &'static str,
        value: &Value,
    ) -> Result<(), WireError> {
        match value.as_str() {
            Some(text) if is_text(text) => {
                writer.leaf(self.name(member), text);
                Ok(())
            }
            Some(_) => wrong(member, "text-characters"),
            None => wrong(member, "member-type"),
        }
    }

    /// What we wrote ourselves as JSON.
    fn back(&self, document: &[u8]) -> Vec<u8> {
        let read = || -> Result<Value, WireError> {
            // a thousand employers with long names are more than a question may be
            let ours = Limits {
                bytes_max: usize::MAX,
                elements_max: usize::MAX,
                ..Limits::default()
            };
            let mut reader = self.open(document, "body", &ours)?;
            for shape in self.bodies {
                if reader.comes(shape.element)? {
                    let inside = read(&mut reader, shape)?;
                    return Ok(Value::Object(Map::from_iter([(
                        shape.element.to_owned(),
                        inside,
                    )])));
                }
            }
            wrong("body", "body-unknown")
        };
        let value =
            read().expect("the table holds every element that the writers write: a property test");
        serde_json::to_vec(&value).expect("texts, whole numbers and lists of them")
    }
}

fn items<'v>(value: &'v Value, member: &'static str) -> Result<&'v Vec<Value>, WireError> {
    match value.as_array() {
        Some(items) => Ok(items),
        None => wrong(member, "member-type"),
    }
}

fn read(reader: &mut Reader<'_>, shape: &'static Shape) -> Result<Value, WireError> {
    reader.enter(shape.element)?;
    let mut members = Map::new();
    for part in shape.parts {
        if let Some(value) = read_part(reader, part)? {
            members.insert(part.member().to_owned(), value);
        }
    }
    reader.leave(shape.element)?;
    Ok(Value::Object(members))
}

fn read_part(reader: &mut Reader<'_>, part: &'static Part) -> Result<Option<Value>, WireError> {
    let some = |items: Vec<Value>| (!items.is_empty()).then_some(Value::Array(items));
    Ok(match part {
        Part::Text(member) => reader
            .optional(member)?
            .map(|text| Value::String(text.into_owned())),
        Part::Number(member) => match reader.optional(member)? {
            Some(text) => match text.parse::<i64>() {
                Ok(number) => Some(number.into()),
                Err(_) => return wrong(member, "number"),
            },
            None => None,
        },
        Part::Object(shape) => match reader.comes(shape.element)? {
            true => Some(read(reader, shape)?),
            false => None,
        },
        Part::Objects(shape) => {
            let mut items = Vec::new();
            while reader.comes(shape.element)? {
                items.push(read(reader, shape)?);
            }
            some(items)
        }
        Part::Texts(member) => some(texts(reader, member)?),
        Part::Fields(list) => match reader.comes(list)? {
            true => {
                reader.enter(list)?;
                let items = texts(reader, "Field")?;
                reader.leave(list)?;
                Some(Value::Array(items))
            }
            false => None,
        },
        Part::Keys(names) => some(read_keys(reader, names)?),
    })
}

fn texts(reader: &mut Reader<'_>, element: &'static str) -> Result<Vec<Value>, WireError> {
    let mut items = Vec::new();
    while let Some(text) = reader.optional(element)? {
        items.push(Value::String(text.into_owned()));
    }
    Ok(items)
}

fn read_keys(reader: &mut Reader<'_>, names: &[&'static str]) -> Result<Vec<Value>, WireError> {
    let mut items = Vec::new();
    loop {
        let before = items.len();
        for element in names {
            if let Some(text) = reader.optional(element)? {
                let key = ((*element).to_owned(), Value::String(text.into_owned()));
                items.push(Value::Object(Map::from_iter([key])));
                break;
            }
        }
        if items.len() == before {
            return Ok(items);
        }
    }
}

const OF_REQUESTS: Spelling = Spelling {
    namespace: NAMESPACE,
    bodies: REQUESTS,
    bytes_max: 1 << 20,
    limits: Limits::default,
};
const OF_ANSWERS: Spelling = Spelling {
    namespace: NAMESPACE,
    bodies: ANSWERS,
    bytes_max: 1 << 20,
    limits: Limits::default,
};

/// This profile as JSON Schema, as published.
pub const TAX_V1: &str = include_str!("../../../json/tax/v1/tax.schema.json");
/// The bodies of questions.
pub const REQUESTS: &[&Shape] = &[
    &VERIFY_EMPLOYER,
    &VERIFY_INDIVIDUAL,
    &VERIFY_MANY,
    &CHANGE_NOTICE,
    &LOOK_UP_NOTICES,
    &RESEND_NOTICES,
    &DISPUTE,
    &RECONCILE,
    &RECONCILE_RESULT,
    &PING,
];
/// The bodies of answers.
pub const ANSWERS: &[&Shape] = &[
    &VERIFY_EMPLOYER_RESULT,
    &VERIFY_INDIVIDUAL_RESULT,
    &VERIFY_MANY_RESULT,
    &CHANGE_NOTICE_RECEIPT,
    &LOOK_UP_NOTICES_RESULT,
    &RESEND_NOTICES_RECEIPT,
    &DISPUTE_RECEIPT,
    &RECONCILE_RECEIPT,
    &RECONCILE_CHUNK_RECEIPT,
    &RECONCILE_RESULT_PAGE,
    &PONG,
    &FAULT,
];

/// Declares a shape.
macro_rules! shape {
    ($name:ident = $element:literal [$($part:expr),* $(,)?]) => {
        pub(in crate::wire::tax) static $name: $crate::wire::tax::json::Shape =
            $crate::wire::tax::json::Shape { element: $element, parts: &[$($part),*] };
    };
}

pub(super) use shape;

use Part::{Fields, Keys, Number, Object, Objects, Text, Texts};

const PERSON: &[&str] = &["Pin", "Mst", "SiNumber"];

shape!(VERIFY_EMPLOYER = "VerifyEmployer" [
    Text("Mst"), Text("Parent"), Text("Period"), Fields("Fields"), Text("Purpose"),
]);
shape!(SUBJECT = "Subject" [Text("Pin"), Text("Mst"), Text("SiNumber")]);
shape!(CLAIM = "Claim" [
    Text("Name"), Text("BirthDate"), Number("MonthsContributed"), Number("BaseTotal"),
]);
shape!(VERIFY_INDIVIDUAL = "VerifyIndividual" [
    Object(&SUBJECT), Number("Year"), Text("From"), Text("To"), Fields("Fields"), Object(&CLAIM),
    Text("Purpose"),
]);
shape!(EMPLOYERS = "Employers" [Text("Period"), Fields("Fields"), Texts("Mst")]);
shape!(INDIVIDUALS = "Individuals" [
    Number("Year"), Text("From"), Text("To"), Fields("Fields"), Keys(PERSON),
]);
shape!(VERIFY_MANY = "VerifyMany" [Object(&EMPLOYERS), Object(&INDIVIDUALS), Text("Purpose")]);
shape!(CHANGE_NOTICE = "ChangeNotice" [
    Text("Mst"), Text("Kind"), Text("EffectiveOn"), Text("Status"), Text("StatusReason"), Text("Name"),
    Text("Address"), Text("MergedInto"), Number("HeadcountBefore"), Number("Headcount"), Text("Purpose"),
]);
shape!(CHANGE_NOTICE_RECEIPT = "ChangeNoticeReceipt"[Text("ReceivedAt")]);
shape!(LOOK_UP_NOTICES = "LookUpNotices" [
    Texts("Notice"), Text("From"), Text("Until"), Text("Purpose"),
]);
shape!(NOTICE_SENT = "Sent" [Text("Notice"), Text("SentAt")]);
shape!(LOOK_UP_NOTICES_RESULT = "LookUpNoticesResult" [
    Texts("Held"), Objects(&NOTICE_SENT), Number("SentTotal"),
]);
shape!(RESEND_NOTICES = "ResendNotices" [Texts("Notice"), Text("Purpose")]);
shape!(RESEND_NOTICES_RECEIPT = "ResendNoticesReceipt"[Text("ReceivedAt")]);
shape!(DISPUTE = "Dispute" [Text("Discrepancy"), Text("Reason"), Text("Purpose")]);
shape!(DISPUTE_RECEIPT = "DisputeReceipt" [Text("Discrepancy"), Text("DisputedAt")]);
shape!(CHUNK = "Chunk" [Text("Sha256"), Number("Bytes"), Number("Records"), Number("Amount")]);
shape!(RECONCILE = "Reconcile" [
    Text("Manifest"), Text("Kind"), Text("Period"), Texts("Province"), Text("Form"), Text("Packing"),
    Number("Records"), Number("Amount"), Objects(&CHUNK), Text("Purpose"),
]);
shape!(RECONCILE_RESULT = "ReconcileResult" [Text("Manifest"), Number("Page"), Text("Purpose")]);
shape!(RECONCILE_RECEIPT = "ReconcileReceipt" [Text("Manifest"), Number("Chunks")]);
shape!(RECONCILE_CHUNK_RECEIPT = "ReconcileChunkReceipt" [
    Text("Manifest"), Number("Number"), Number("Records"), Number("Amount"),
]);
shape!(SUMMARY = "Summary" [Text("Category"), Text("Province"), Number("Count")]);
shape!(FINDING = "Finding" [
    Text("Category"), Text("Field"), Text("Mst"), Text("Person"), Text("Province"), Text("Ours"),
    Text("Theirs"), Number("Expected"), Number("Score"), Texts("Why"),
]);
shape!(RECONCILE_RESULT_PAGE = "ReconcileResultPage" [
    Text("Manifest"), Text("State"), Text("Reason"), Number("Progress"), Number("Page"), Number("Pages"),
    Number("Found"), Objects(&SUMMARY), Objects(&FINDING), Fields("NotDisclosed"),
]);
shape!(PING = "Ping"[Text("Nonce")]);
shape!(PONG = "Pong"[Text("Nonce")]);
shape!(UNIT = "Unit" [Text("Mst"), Text("UnitCode"), Text("ParticipationState")]);
shape!(UNITS = "Units" [Number("Count"), Objects(&UNIT)]);
shape!(AGEING = "Ageing" [
    Number("Current"), Number("Months1"), Number("Months3"), Number("Months6"), Number("Months12"),
]);
shape!(LAST_D02 = "LastD02" [
    Text("Period"), Text("SubmittedOn"), Text("Plan"), Number("Joined"), Number("Gone"),
]);
shape!(VERIFY_EMPLOYER_RESULT = "VerifyEmployerResult" [
    Text("Result"), Text("Mst"), Text("Period"), Text("ParticipationState"), Number("Participants"),
    Number("Fund"), Number("Due"), Number("Paid"), Number("Arrears"), Text("Name"), Text("UnitCode"),
    Text("RegisteredFrom"), Object(&UNITS), Object(&AGEING), Object(&LAST_D02), Fields("NotDisclosed"),
]);
shape!(EMPLOYMENT = "Employment" [Text("Mst"), Text("From"), Text("To"), Number("Base")]);
shape!(EMPLOYMENTS = "Employments"[Objects(&EMPLOYMENT)]);
shape!(VERIFY_INDIVIDUAL_RESULT = "VerifyIndividualResult" [
    Text("Result"), Object(&SUBJECT), Text("From"), Text("To"), Text("Name"), Text("BirthDate"),
    Text("Pin"), Text("SiNumber"), Number("MonthsContributed"), Number("BaseTotal"),
    Object(&EMPLOYMENTS), Fields("NotDisclosed"),
]);
shape!(REFUSED = "Refused" [Text("Key"), Text("Code"), Text("Reason")]);
shape!(LINE = "Line" [
    Object(&VERIFY_EMPLOYER_RESULT), Object(&VERIFY_INDIVIDUAL_RESULT), Object(&REFUSED),
]);
shape!(VERIFY_MANY_RESULT = "VerifyManyResult"[Objects(&LINE)]);
shape!(FAULT = "Fault" [
    Text("Code"), Text("Reason"), Text("Field"), Text("Blame"), Text("Retry"), Number("RetryAfter"),
    Text("TextVi"), Text("TextEn"),
]);

#[cfg(test)]
mod tests;
