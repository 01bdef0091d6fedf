//! The pass over single bytes: encoding, characters, references, and markup that is refused by its first bytes.

use super::{Limits, Reason, XmlError};

/// The document as text, if every character and every reference in it is allowed.
pub(super) fn check<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, XmlError> {
    if bytes.len() > limits.bytes_max {
        return Err(XmlError::new(Reason::TooLarge, limits.bytes_max));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(XmlError::new(Reason::ByteOrderMark, 0));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| XmlError::new(Reason::Encoding, error.valid_up_to()))?;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(next_remarkable) {
        at += found;
        at += examine(text, at)?;
    }
    Ok(text)
}

fn next_remarkable(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| REMARKABLE[usize::from(*byte)])
}

/// Looks at one remarkable byte and says how far to go on.
fn examine(text: &str, at: usize) -> Result<usize, XmlError> {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'<') => markup(rest, at),
        Some(b'&') => reference(rest)
            .map(|(_, length)| length)
            .ok_or(XmlError::new(Reason::Entity, at)),
        _ => character(text, at),
    }
}

fn markup(rest: &[u8], at: usize) -> Result<usize, XmlError> {
    let reason = match rest.get(1) {
        Some(b'!') if rest.starts_with(b"<!--") => Reason::Comment,
        Some(b'!') if rest.starts_with(b"<![CDATA[") => Reason::Cdata,
        Some(b'!') if starts_doctype(rest) => Reason::Doctype,
        Some(b'!') => Reason::Malformed,
        Some(b'?') if at > 0 || !starts_declaration(rest) => Reason::ProcessingInstruction,
        _ => return Ok(1),
    };
    Err(XmlError::new(reason, at))
}

fn starts_doctype(rest: &[u8]) -> bool {
    rest.get(2)
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'd'))
}

fn starts_declaration(rest: &[u8]) -> bool {
    rest.starts_with(b"<?xml") && rest.get(5).is_some_and(|byte| b" \t\r\n".contains(byte))
}

fn character(text: &str, at: usize) -> Result<usize, XmlError> {
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some(char) if is_allowed(char) => Ok(char.len_utf8()),
        _ => Err(XmlError::new(Reason::Character, at)),
    }
}

/// The character that `&…;` at the start of `rest` stands for, and the length of the reference.
pub(crate) fn reference(rest: &[u8]) -> Option<(char, usize)> {
    let head = rest.get(..rest.len().min(REFERENCE_BYTES_MAX))?;
    let end = head.iter().position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(head.get(1..end)?).ok()?;
    Some((named(name).or_else(|| numbered(name))?, end + 1))
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    if !digits.chars().all(|char| char.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(number).filter(|char| is_allowed(*char))
}

/// XML 1.0 `Char`, less the noncharacters of Unicode.
pub(super) fn is_allowed(char: char) -> bool {
    let number = u32::from(char);
    match number {
        0x9 | 0xA | 0xD => true,
        0..=0x1F | 0xFDD0..=0xFDEF => false,
        _ => number & 0xFFFE != 0xFFFE,
    }
}

/// The longest reference that can be valid is `&#x0010FFFD;`.
const REFERENCE_BYTES_MAX: usize = 12;

/// Controls, markup, references, and the first bytes of characters among which noncharacters lie.
const REMARKABLE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte, 0..=8 | 0xB | 0xC | 0xE..=0x1F | 0x26 | 0x3C | 0xEF..=0xFF);
        byte += 1;
    }
    table
};
