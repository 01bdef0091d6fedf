//! The XML form, event by event: quick-xml finds the tags, one pass over each tag finds its attributes.
//!
//! Only what the profile writes is read: one root, empty record elements, white space between them. Comments,
//! processing instructions, DTD, CDATA, references outside attribute values and prefixes are refused.

use quick_xml::events::Event;

use super::fields::{Escapes, Field, Raw, Slots};
use super::{Head, Kind, NAMESPACE, Party, RECORD_BYTES_MAX, Reason, Wrong};
use crate::id::Period;

/// The tags of a stream.
pub(super) struct Events<'a> {
    text: &'a str,
    reader: quick_xml::Reader<&'a [u8]>,
    /// The root was `<TaxRecords …/>`: there are no records and no end tag.
    empty: bool,
}

impl<'a> Events<'a> {
    pub(super) fn open(text: &'a str) -> Result<(Self, Head), Wrong> {
        let mut events = Self {
            text,
            reader: quick_xml::Reader::from_str(text),
            empty: false,
        };
        let head = loop {
            let at = events.position();
            match events.read()? {
                Event::Decl(_) => declaration(events.between(at, events.position()))?,
                Event::Text(_) => events.space(at)?,
                Event::Start(_) => break head(events.tag(at, 1))?,
                Event::Empty(_) => {
                    events.empty = true;
                    break head(events.tag(at, 2))?;
                }
                Event::Eof => return Err(Reason::Truncated.into()),
                _ => return Err(Reason::Malformed.into()),
            }
        };
        Ok((events, head))
    }

    /// Fills the slots from the next record element; false at the end of the stream.
    pub(super) fn next(&mut self, kind: Kind, slots: &mut Slots<'a>) -> Result<bool, Wrong> {
        if self.empty {
            return self.end();
        }
        loop {
            let at = self.position();
            match self.read()? {
                Event::Empty(_) => {
                    self.record(at, 2, kind, slots)?;
                    return Ok(true);
                }
                Event::Start(_) => {
                    self.record(at, 1, kind, slots)?;
                    return match self.read()? {
                        Event::End(_) => Ok(true),
                        Event::Eof => Err(Reason::Truncated.into()),
                        _ => Err(Reason::Structure.into()),
                    };
                }
                Event::Text(_) => self.space(at)?,
                Event::End(_) => return self.end(),
                Event::Eof => return Err(Reason::Truncated.into()),
                _ => return Err(Reason::Malformed.into()),
            }
        }
    }

    /// After the root: white space, then nothing.
    fn end(&mut self) -> Result<bool, Wrong> {
        loop {
            let at = self.position();
            match self.read()? {
                Event::Text(_) => self.space(at)?,
                Event::Eof => return Ok(false),
                _ => return Err(Reason::Structure.into()),
            }
        }
    }

    fn record(
        &self,
        at: usize,
        closing: usize,
        kind: Kind,
        slots: &mut Slots<'a>,
    ) -> Result<(), Wrong> {
        let inside = self.tag(at, closing);
        if inside.len() > RECORD_BYTES_MAX {
            return Err(Reason::TooLong.into());
        }
        let element = match kind {
            Kind::Employer => EMPLOYER,
            Kind::Person => PERSON,
        };
        let rest = inside.strip_prefix(element).ok_or(Reason::Structure)?;
        attributes(rest, |name, raw| match Field::find(name.as_bytes()) {
            Some(field) => slots.put(field, raw),
            None => Err(Reason::Unknown.into()),
        })
    }

    fn read(&mut self) -> Result<Event<'a>, Wrong> {
        self.reader.read_event().map_err(|error| match error {
            quick_xml::Error::Syntax(_) => Reason::Truncated.into(),
            _ => Reason::Malformed.into(),
        })
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    /// What stands between `<` and `>` or `/>` of the tag that began at `at`.
    fn tag(&self, at: usize, closing: usize) -> &'a str {
        self.between(at + 1, self.position() - closing)
    }

    fn space(&self, at: usize) -> Result<(), Wrong> {
        match self.between(at, self.position()).bytes().all(is_space) {
            true => Ok(()),
            false => Err(Reason::Structure.into()),
        }
    }

    fn between(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }
}

/// `<?xml version="1.0" encoding="UTF-8"?>`, the encoding optional and in any case.
fn declaration(tag: &str) -> Result<(), Wrong> {
    let inside = tag
        .strip_prefix("<?xml")
        .and_then(|rest| rest.strip_suffix("?>"));
    let mut place = 0;
    attributes(inside.ok_or(Reason::Malformed)?, |name, raw| {
        place += 1;
        match (place, name) {
            (1, "version") if raw.text == "1.0" => Ok(()),
            (2, "encoding") if raw.text.eq_ignore_ascii_case("utf-8") => Ok(()),
            (2, "encoding") => Err(Reason::Encoding.into()),
            _ => Err(Reason::Malformed.into()),
        }
    })
}

fn head(tag: &str) -> Result<Head, Wrong> {
    let rest = tag.strip_prefix(ROOT).ok_or(Reason::Structure)?;
    let [mut namespace, mut party, mut kind, mut period] = [None; 4];
    attributes(rest, |name, raw| {
        let slot = match name {
            "xmlns" => &mut namespace,
            "party" => &mut party,
            "kind" => &mut kind,
            "period" => &mut period,
            _ => return Err(Reason::Head.into()),
        };
        match slot.replace(raw.text) {
            None => Ok(()),
            Some(_) => Err(Reason::Twice.into()),
        }
    })?;
    match namespace {
        Some(NAMESPACE) => from_words(party, kind, period).ok_or(Reason::Head.into()),
        _ => Err(Reason::Head.into()),
    }
}

/// The head of its three words.
pub(super) fn from_words(
    party: Option<&str>,
    kind: Option<&str>,
    period: Option<&str>,
) -> Option<Head> {
    Some(Head {
        party: match party? {
            "si" => Party::Si,
            "tax" => Party::Tax,
            _ => return None,
        },
        kind: match kind? {
            "employer" => Kind::Employer,
            "person" => Kind::Person,
            _ => return None,
        },
        period: Period::parse(period?).ok()?,
    })
}

/// Gives name and value of each attribute behind an element's name.
fn attributes<'a>(
    text: &'a str,
    mut take: impl FnMut(&'a str, Raw<'a>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let gap = spaces(bytes, at);
        if gap == bytes.len() {
            return Ok(());
        }
        let name_end = gap
            + bytes[gap..]
                .iter()
                .position(|byte| *byte == b'=' || is_space(*byte))
                .ok_or(Reason::Malformed)?;
        let equals = spaces(bytes, name_end);
        if gap == at || bytes.get(equals) != Some(&b'=') {
            return Err(Reason::Malformed.into());
        }
        let open = spaces(bytes, equals + 1);
        let (end, escapes) = value(bytes, open)?;
        let raw = Raw {
            text: text.get(open + 1..end).unwrap_or_default(),
            escapes,
        };
        take(text.get(gap..name_end).unwrap_or_default(), raw)?;
        at = end + 1;
    }
}

/// Where the value that opens at `open` closes, and whether it has references. A character that a parser would
/// turn into a space is refused.
fn value(bytes: &[u8], open: usize) -> Result<(usize, Escapes), Wrong> {
    let quote = match bytes.get(open) {
        Some(quote @ (b'"' | b'\'')) => *quote,
        _ => return Err(Reason::Malformed.into()),
    };
    let mut escapes = Escapes::None;
    for (place, byte) in bytes.iter().enumerate().skip(open + 1) {
        match *byte {
            byte if byte == quote => return Ok((place, escapes)),
            b'&' => escapes = Escapes::Xml,
            b'<' | 0..=0x1F => return Err(Reason::Malformed.into()),
            _ => {}
        }
    }
    Err(Reason::Malformed.into())
}

fn spaces(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while bytes.get(at).is_some_and(|byte| is_space(*byte)) {
        at += 1;
    }
    at
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) const ROOT: &str = "TaxRecords";
pub(super) const EMPLOYER: &str = "Employer";
pub(super) const PERSON: &str = "Person";
