//! The inside of a start tag, scanned once: name, then attributes, no two alike.
//!
//! quick-xml compares each attribute with all before it (RUSTSEC-2026-0194); here they are bounded
//! first and compared after sorting.

use std::borrow::Cow;

use super::{Limits, Reason, XmlError, lexical};

/// One attribute as it stands in the tag, its value not resolved yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    /// Prefix and local name.
    pub(super) name: Split<'a>,
    /// What stands between the quotes.
    pub(super) value: &'a str,
    /// Where the name begins.
    pub(super) offset: usize,
}

/// A qualified name, split at its colon; the prefix is empty where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Split<'a> {
    pub(super) prefix: &'a str,
    pub(super) local: &'a str,
}

impl<'a> Split<'a> {
    pub(super) fn parse(text: &'a str, offset: usize, limits: &Limits) -> Result<Self, XmlError> {
        if text.len() > limits.name_bytes_max {
            return Err(XmlError::new(Reason::NameTooLong, offset));
        }
        let (prefix, local) = match text.split_once(':') {
            Some((prefix, local)) if is_plain(prefix) => (prefix, local),
            Some(_) => return Err(XmlError::new(Reason::Name, offset)),
            None => ("", text),
        };
        match is_plain(local) {
            true => Ok(Self { prefix, local }),
            false => Err(XmlError::new(Reason::Name, offset)),
        }
    }
}

fn is_plain(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// Everything after the name of a start tag; `offset` is where `text` begins in the document.
pub(super) fn scan<'a>(
    text: &'a str,
    offset: usize,
    limits: &Limits,
) -> Result<Vec<Raw<'a>>, XmlError> {
    let mut found = Vec::new();
    let mut cursor = Cursor { text, offset };
    while let Some(raw) = cursor.attribute(limits)? {
        if found.len() == limits.attributes_max {
            return Err(XmlError::new(Reason::TooManyAttributes, raw.offset));
        }
        found.push(raw);
    }
    Ok(found)
}

/// What an attribute's value says: references resolved, white space as XML 1.0 §3.3.3 has it.
pub(super) fn value(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|byte| b"&\t\r\n".contains(&byte)) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let (char, length) = match first {
            '&' => lexical::reference(rest.as_bytes()).unwrap_or((first, 1)),
            '\t' | '\r' | '\n' => (' ', 1),
            _ => (first, first.len_utf8()),
        };
        out.push(char);
        rest = rest.get(length..).unwrap_or_default();
    }
    Cow::Owned(out)
}

struct Cursor<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// The next `S Name Eq AttValue`, or nothing at the end of the tag.
    fn attribute(&mut self, limits: &Limits) -> Result<Option<Raw<'a>>, XmlError> {
        let spaces = self.skip_spaces();
        if self.text.is_empty() {
            return Ok(None);
        }
        if spaces == 0 {
            return Err(self.malformed());
        }
        let offset = self.offset;
        let name = self.take_while(|byte| !b"= \t\r\n".contains(&byte));
        let name = Split::parse(name, offset, limits)?;
        self.skip_spaces();
        self.expect(b'=')?;
        self.skip_spaces();
        let value = self.quoted(limits)?;
        Ok(Some(Raw {
            name,
            value,
            offset,
        }))
    }

    fn quoted(&mut self, limits: &Limits) -> Result<&'a str, XmlError> {
        let quote = match self.text.bytes().next() {
            Some(quote @ (b'"' | b'\'')) => quote,
            _ => return Err(self.malformed()),
        };
        self.expect(quote)?;
        let start = self.offset;
        let value = self.take_while(|byte| byte != quote);
        self.expect(quote)?;
        if value.len() > limits.text_bytes_max {
            return Err(XmlError::new(Reason::TextTooLong, start));
        }
        match value.contains('<') {
            true => Err(XmlError::new(Reason::Malformed, start)),
            false => Ok(value),
        }
    }

    fn skip_spaces(&mut self) -> usize {
        self.take_while(|byte| b" \t\r\n".contains(&byte)).len()
    }

    fn expect(&mut self, byte: u8) -> Result<(), XmlError> {
        match self.text.bytes().next() {
            Some(found) if found == byte => {
                self.advance(1);
                Ok(())
            }
            _ => Err(self.malformed()),
        }
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'a str {
        let length = self
            .text
            .bytes()
            .position(|byte| !keep(byte))
            .unwrap_or(self.text.len());
        let taken = self.text.get(..length).unwrap_or_default();
        self.advance(length);
        taken
    }

    fn advance(&mut self, length: usize) {
        self.text = self.text.get(length..).unwrap_or_default();
        self.offset += length;
    }

    fn malformed(&self) -> XmlError {
        XmlError::new(Reason::Malformed, self.offset)
    }
}
