//! The NDJSON form: one flat object on each line, the head first, each line ended by one line feed.
//!
//! Strict as [`crate::json`]: no key twice, no number but whole ones from 0, nothing after the object. A key is
//! written without escapes.

use super::fields::{Escapes, FIELDS, Field, Raw, Shape, Slots};
use super::{Head, RECORD_BYTES_MAX, Reason, Wrong, xml};

/// The lines of a stream.
pub(super) struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    pub(super) fn open(text: &'a str) -> Result<(Self, Head), Wrong> {
        let mut lines = Self { rest: text };
        let line = lines.line()?.ok_or(Reason::Truncated)?;
        let [mut version, mut party, mut kind, mut period] = [None; 4];
        members(line, |key, raw, shape| {
            let slot = match key {
                "records" => &mut version,
                "party" => &mut party,
                "kind" => &mut kind,
                "period" => &mut period,
                _ => return Err(Reason::Head.into()),
            };
            if shape != Shape::Text {
                return Err(Reason::Head.into());
            }
            match slot.replace(raw.text) {
                None => Ok(()),
                Some(_) => Err(Reason::Twice.into()),
            }
        })?;
        let head = match version {
            Some(VERSION) => xml::from_words(party, kind, period).ok_or(Reason::Head)?,
            _ => return Err(Reason::Head.into()),
        };
        Ok((lines, head))
    }

    /// Fills the slots from the next line; false at the end of the stream.
    pub(super) fn next(&mut self, slots: &mut Slots<'a>) -> Result<bool, Wrong> {
        let Some(line) = self.line()? else {
            return Ok(false);
        };
        members(line, |key, raw, shape| {
            let field = Field::find(key.as_bytes()).ok_or(Reason::Unknown)?;
            match FIELDS[field as usize].shape == shape {
                true => slots.put(field, raw),
                false => Err(Wrong(Reason::Value, Some(field))),
            }
        })?;
        Ok(true)
    }

    fn line(&mut self) -> Result<Option<&'a str>, Wrong> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (line, rest) = self.rest.split_once('\n').ok_or(Reason::Truncated)?;
        if line.len() > RECORD_BYTES_MAX {
            return Err(Reason::TooLong.into());
        }
        self.rest = rest;
        Ok(Some(line))
    }
}

/// Gives key, value and shape of each member of a flat object.
fn members<'a>(
    line: &'a str,
    mut take: impl FnMut(&'a str, Raw<'a>, Shape) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut cursor = Cursor { line, at: 0 };
    cursor.expect(b'{')?;
    if cursor.peek() == Some(b'}') {
        cursor.at += 1;
        return cursor.finish();
    }
    loop {
        let key = cursor.text()?;
        if key.escapes != Escapes::None {
            return Err(Reason::Unknown.into());
        }
        cursor.expect(b':')?;
        let (raw, shape) = cursor.value()?;
        take(key.text, raw, shape)?;
        match cursor.peek() {
            Some(b',') => cursor.at += 1,
            Some(b'}') => {
                cursor.at += 1;
                return cursor.finish();
            }
            _ => return Err(Reason::Malformed.into()),
        }
    }
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.line.as_bytes().get(self.at) {
                Some(b' ' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Result<(), Wrong> {
        match self.peek() == Some(wanted) {
            true => {
                self.at += 1;
                Ok(())
            }
            false => Err(Reason::Malformed.into()),
        }
    }

    fn finish(&mut self) -> Result<(), Wrong> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Reason::Malformed.into()),
        }
    }

    fn text(&mut self) -> Result<Raw<'a>, Wrong> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escapes = Escapes::None;
        let bytes = self.line.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = Escapes::Json;
                    self.at += 2;
                }
                Some(0..=0x1F) | None => return Err(Reason::Malformed.into()),
                Some(_) => self.at += 1,
            }
        }
        let text = self.line.get(start..self.at).ok_or(Reason::Malformed)?;
        self.at += 1;
        Ok(Raw { text, escapes })
    }

    fn value(&mut self) -> Result<(Raw<'a>, Shape), Wrong> {
        match self.peek() {
            Some(b'"') => Ok((self.text()?, Shape::Text)),
            Some(b'0'..=b'9') => Ok((self.word(), Shape::Number)),
            Some(b't' | b'f') => {
                let word = self.word();
                match word.text {
                    "true" | "false" => Ok((word, Shape::Flag)),
                    _ => Err(Reason::Malformed.into()),
                }
            }
            _ => Err(Reason::Malformed.into()),
        }
    }

    /// Letters, digits and what else a number may be written with; its field's rule judges it.
    fn word(&mut self) -> Raw<'a> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'.' | b'+' | b'-') =
            self.line.as_bytes().get(self.at)
        {
            self.at += 1;
        }
        Raw {
            text: self.line.get(start..self.at).unwrap_or_default(),
            escapes: Escapes::None,
        }
    }
}

pub(super) const VERSION: &str = "v1";
