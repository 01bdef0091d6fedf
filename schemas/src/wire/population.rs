//! A question to the national population database: whether it knows a person as we were told of them.
//!
//! `XacMinhThongTinNhanThan`, SOAP 1.1. The names of the elements, their order in the question and the three namespaces
//! are those of implementations; which of them stands in the header block is not public. **Own profile:** the block holds
//! `MaYeuCau` alone, in the question and again in the answer, and the answer's element is the operation's name with
//! `Response`. Of an answer nothing is read but number, name, sex, date of birth and the parents' numbers: whatever else
//! the database tells is nobody's business here.

use jiff::civil::Date;

use super::xroad::soap::ENVELOPE;
use crate::date::{PartialDate, format_compact, parse_compact};
use crate::id::{MessageId, Pin, Sex};
use crate::name::PersonName;
use crate::xml::{Element, Limits, Name, Writer, is_text};

/// The operation.
pub const OPERATION: &str = "XacMinhThongTinNhanThan";
/// The namespace of what is asked and told.
pub const DATA: &str = "http://www.mic.gov.vn/dancu/1.0";
/// The namespace of the header block.
pub const HEADER: &str = "http://dancuquocgia.bca";
/// The namespace of the operation.
pub const SERVICE: &str = "http://gtel.vn/qldc";
/// The media type, both ways.
pub const MEDIA_TYPE: &str = "text/xml; charset=utf-8";

/// The bounds of an answer: one person, whatever the database has of it.
pub const LIMITS: Limits = Limits {
    bytes_max: 64 << 10,
    depth_max: 12,
    elements_max: 500,
    attributes_max: 16,
    namespaces_max: 24,
    name_bytes_max: 128,
    text_bytes_max: 4 << 10,
};

/// One question about one person: no more than the database has to know to find it.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// `MaYeuCau`: the same question has the same id.
    pub id: MessageId,
    /// `MaTichHop`: who we are to the database.
    pub integration: String,
    /// `MaDVC`: the service for which is asked.
    pub service: String,
    /// `MaCanBo`: in whose name.
    pub officer: String,
    /// `HoVaTen`.
    pub name: PersonName,
    /// `SoDinhDanh`.
    pub pin: Pin,
    /// `NgayThangNamSinh/NgayThangNam`.
    pub born: Date,
}

impl std::fmt::Debug for Question {
    /// Nothing of the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Question({})", self.id)
    }
}

/// One person as the database has it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Citizen {
    /// `SoDinhDanh`; none where it has another kind of number.
    pub pin: Option<Pin>,
    /// `HoVaTen`: family, middle and given name, with one space between them.
    pub name: String,
    /// `GioiTinh`: 1, 2 or 3; none where it does not say.
    pub sex: Option<Sex>,
    /// `NgayThangNamSinh`, as far as it is known.
    pub born: Option<PartialDate>,
    /// `Me/SoDinhDanh`.
    pub mother: Option<Pin>,
    /// `Cha/SoDinhDanh`.
    pub father: Option<Pin>,
}

impl std::fmt::Debug for Citizen {
    /// Nothing of the person.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Citizen")
    }
}

/// What the database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Whom it found for the question of this id; nobody where it knows nobody so.
    Found(MessageId, Vec<Citizen>),
    /// It cannot say now: a SOAP fault.
    Fault,
}

/// A document that is no question or answer: a stable word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

/// The envelope of a question.
#[must_use]
pub fn encode(question: &Question) -> Vec<u8> {
    let mut out = Writer::new();
    out.open(soap("Envelope"), &[]);
    out.open(soap("Header"), &[]);
    out.leaf(header("MaYeuCau"), question.id.as_str());
    out.close();
    out.open(soap("Body"), &[]);
    out.open(service(OPERATION), &[]);
    for (name, text) in [
        ("MaYeuCau", question.id.as_str()),
        ("MaTichHop", &question.integration),
        ("MaDVC", &question.service),
        ("MaCanBo", &question.officer),
        ("HoVaTen", question.name.as_str()),
        ("SoDinhDanh", question.pin.as_str()),
    ] {
        out.leaf(data(name), text);
    }
    out.open(data("NgayThangNamSinh"), &[]);
    out.leaf(data("NgayThangNam"), &format_compact(question.born));
    out.finish()
}

/// Reads a question of ours back.
///
/// # Errors
/// [`Unreadable`] where it is none.
pub fn decode(bytes: &[u8]) -> Result<Question, Unreadable> {
    let (_, body) = envelope(bytes)?;
    let asked = only(&body, SERVICE, OPERATION)?;
    let text = |name| one(asked, name).map(|element| element.text.as_str());
    let bad = |_| Unreadable("bad-value");
    let born = one(asked, "NgayThangNamSinh")?;
    Ok(Question {
        id: MessageId::parse(text("MaYeuCau")?).map_err(bad)?,
        integration: text("MaTichHop")?.to_owned(),
        service: text("MaDVC")?.to_owned(),
        officer: text("MaCanBo")?.to_owned(),
        name: PersonName::parse(text("HoVaTen")?).map_err(|_| Unreadable("bad-value"))?,
        pin: Pin::parse(text("SoDinhDanh")?).map_err(bad)?,
        born: parse_compact(&one(born, "NgayThangNam")?.text)
            .map_err(|_| Unreadable("bad-value"))?,
    })
}

/// Reads an answer. What stands in it beside what we ask for is passed over.
///
/// # Errors
/// [`Unreadable`]; nothing of the answer is to be used then.
pub fn read(bytes: &[u8]) -> Result<Said, Unreadable> {
    let (header, body) = envelope(bytes)?;
    if let [fault] = body.children.as_slice()
        && fault.is(ENVELOPE, "Fault")
    {
        return Ok(Said::Fault);
    }
    let mut ids = header
        .children
        .iter()
        .filter(|one| one.is(HEADER, "MaYeuCau"));
    let (Some(id), None) = (ids.next(), ids.next()) else {
        return Err(Unreadable("answer-id"));
    };
    let id = MessageId::parse(&id.text).map_err(|_| Unreadable("answer-id"))?;
    let answer = only(&body, SERVICE, RESPONSE)?;
    let found = one(answer, "CongdanCollection")?;
    let count: usize = (one(found, "SoCongDan")?.text.parse()).map_err(|_| Unreadable("count"))?;
    let citizens = found.children.iter().filter(|one| one.is(DATA, "CongDan"));
    let citizens: Vec<Citizen> = citizens.map(Citizen::read).collect::<Result<_, _>>()?;
    match citizens.len() == count {
        true => Ok(Said::Found(id, citizens)),
        false => Err(Unreadable("count")),
    }
}

impl Citizen {
    fn read(element: &Element<'_>) -> Result<Self, Unreadable> {
        let number = |of: Option<&Element<'_>>| match of {
            None => Ok(None),
            Some(of) => text_of(of, "SoDinhDanh")?
                .map(|text| Pin::parse(text).map_err(|_| Unreadable("number")))
                .transpose(),
        };
        let name = maybe(element, "HoVaTen")?;
        let mut words = Vec::new();
        for part in ["Ho", "ChuDem", "Ten"] {
            words.extend(name.map(|name| text_of(name, part)).transpose()?.flatten());
        }
        let sex = text_of(element, "GioiTinh")?;
        let sex = sex.map(|text| Sex::parse(text).map_err(|_| Unreadable("sex")));
        Ok(Self {
            pin: number(Some(element))?,
            name: words.join(" "),
            sex: sex.transpose()?,
            born: born(element)?,
            mother: number(maybe(element, "Me")?)?,
            father: number(maybe(element, "Cha")?)?,
        })
    }
}

/// The day where it is told, else the year.
fn born(element: &Element<'_>) -> Result<Option<PartialDate>, Unreadable> {
    let Some(told) = maybe(element, "NgayThangNamSinh")? else {
        return Ok(None);
    };
    let bad = |_| Unreadable("date");
    if let Some(day) = text_of(told, "NgayThangNam")? {
        let day = parse_compact(day).map_err(bad)?;
        let text = crate::date::format_dotted(day);
        return PartialDate::parse(&text).map(Some).map_err(bad);
    }
    let year = text_of(told, "Nam")?;
    year.map(|year| PartialDate::parse(year).map_err(bad))
        .transpose()
}

/// The header block and the body.
fn envelope(bytes: &[u8]) -> Result<(Element<'_>, Element<'_>), Unreadable> {
    let envelope = Element::parse(bytes, &LIMITS).map_err(|error| Unreadable(error.code()))?;
    let is_envelope = envelope.is(ENVELOPE, "Envelope");
    let mut children = envelope.children.into_iter();
    match (children.next(), children.next(), children.next()) {
        (Some(header), Some(body), None)
            if is_envelope && header.is(ENVELOPE, "Header") && body.is(ENVELOPE, "Body") =>
        {
            Ok((header, body))
        }
        _ => Err(Unreadable("soap-envelope")),
    }
}

/// The one element in the body.
fn only<'e, 'a>(
    body: &'e Element<'a>,
    namespace: &str,
    name: &str,
) -> Result<&'e Element<'a>, Unreadable> {
    match body.children.as_slice() {
        [one] if one.is(namespace, name) => Ok(one),
        _ => Err(Unreadable("soap-body")),
    }
}

fn maybe<'e, 'a>(
    element: &'e Element<'a>,
    name: &str,
) -> Result<Option<&'e Element<'a>>, Unreadable> {
    let mut found = element.children.iter().filter(|one| one.is(DATA, name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Unreadable("element-twice")),
        (found, None) => Ok(found),
    }
}

fn one<'e, 'a>(element: &'e Element<'a>, name: &str) -> Result<&'e Element<'a>, Unreadable> {
    maybe(element, name)?.ok_or(Unreadable("element-missing"))
}

/// A text that is there and not empty.
fn text_of<'e>(element: &'e Element<'_>, name: &str) -> Result<Option<&'e str>, Unreadable> {
    let text = maybe(element, name)?.map(|one| one.text.trim());
    match text {
        Some(text) if !is_text(text) => Err(Unreadable("xml-character")),
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

const RESPONSE: &str = "XacMinhThongTinNhanThanResponse";

const fn soap(local: &'static str) -> Name {
    Name {
        prefix: "soapenv",
        namespace: ENVELOPE,
        local,
    }
}

const fn header(local: &'static str) -> Name {
    Name {
        prefix: "bca",
        namespace: HEADER,
        local,
    }
}

const fn service(local: &'static str) -> Name {
    Name {
        prefix: "qldc",
        namespace: SERVICE,
        local,
    }
}

const fn data(local: &'static str) -> Name {
    Name {
        prefix: "dc",
        namespace: DATA,
        local,
    }
}

#[cfg(test)]
mod tests;
