//! Names of people: accepted in any Unicode form, kept in NFC, compared by a key.
//!
//! The key folds what different keyboards and registers write differently for one name: case, spaces,
//! the place of a tone mark (hoà, hòa) and the look-alikes of Đ. It keeps every tone mark, and y and i
//! apart: those are different names. The key finds people; it is never stored as a name.
//!
//! This module refuses to know which names exist; it refuses characters that no Vietnamese or foreign
//! civil register writes (TCVN 6909:2001, Circular 39/2017/TT-BTTTT item 3.14).

mod fold;
mod score;

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub use score::{Score, Why, score};

/// A person's name in NFC, 1 to 255 characters; `Debug` is redacted and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(Box<str>);

/// Why a text is no name; it never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing but white space.
    #[error("the name is empty")]
    Empty,
    /// More than 255 characters after composition.
    #[error("the name is longer than 255 characters")]
    TooLong,
    /// A character other than a letter, mark, space, apostrophe, hyphen or dot, or a full-width or other form of a letter.
    #[error("the name has a character that names do not have")]
    Character,
    /// A letter that is not Latin, as look-alikes use them.
    #[error("the name has a letter that is not Latin")]
    NotLatin,
    /// More than four marks on one letter, or a mark without a letter.
    #[error("the name has marks that no letter carries")]
    Marks,
    /// No letter at all.
    #[error("the name has no letter")]
    NoLetter,
}

impl NameError {
    /// The reason as a stable word for faults and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "name-empty",
            Self::TooLong => "name-too-long",
            Self::Character => "name-character",
            Self::NotLatin => "name-not-latin",
            Self::Marks => "name-marks",
            Self::NoLetter => "name-no-letter",
        }
    }
}

impl PersonName {
    /// Parses a name; white space around it is dropped, everything else is kept as written, in NFC.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim_matches(' ');
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > BYTES_MAX {
            return Err(NameError::TooLong);
        }
        check_characters(text)?;
        check_marks(text)?;
        let composed: String = text.nfc().collect();
        match composed.chars().count() > CHARS_MAX {
            true => Err(NameError::TooLong),
            false => Ok(Self(composed.into())),
        }
    }

    /// The name in NFC.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which spellings of one name are equal; for comparison only.
    pub fn match_key(&self) -> String {
        fold::key(&self.0)
    }

    /// Whether two names are spellings of one name.
    pub fn matches(&self, other: &Self) -> bool {
        self.match_key() == other.match_key()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(***)")
    }
}

impl std::str::FromStr for PersonName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

fn check_characters(text: &str) -> Result<(), NameError> {
    let mut letters = 0_usize;
    for c in text.chars() {
        match c {
            ' ' | '\'' | '\u{2019}' | '-' | '.' => {}
            _ if is_mark(c) => {}
            _ if is_latin(c) => letters += 1,
            _ if c.is_alphabetic() && !is_another_form(c) => return Err(NameError::NotLatin),
            _ => return Err(NameError::Character),
        }
    }
    match letters {
        0 => Err(NameError::NoLetter),
        _ => Ok(()),
    }
}

/// Letters of Latin alphabets in use; not those of phonetics, among which are look-alikes (ɑ, ɡ, ǀ).
fn is_latin(c: char) -> bool {
    let in_use = match c {
        'A'..='Z' | 'a'..='z' | '\u{0256}' | '\u{02BB}' | '\u{02BC}' => true,
        '\u{01C0}'..='\u{01C3}' => false,
        '\u{00C0}'..='\u{024F}' | '\u{1E00}'..='\u{1EFF}' => c.is_alphabetic(),
        _ => false,
    };
    in_use && !is_another_form(c)
}

/// Marks that letters carry; not the joiners, overlays, enclosing marks or letters written above.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{0333}' | '\u{0339}'..='\u{034E}' | '\u{0350}'..='\u{035B}')
}

/// Full width, mathematical, enclosed, ligature: a character that stands for another one.
fn is_another_form(c: char) -> bool {
    std::iter::once(c).nfkd().ne(std::iter::once(c).nfd())
}

/// Counted after full decomposition, so that a composed letter brings its marks along.
fn check_marks(text: &str) -> Result<(), NameError> {
    let mut on_letter = None;
    for c in text.nfd() {
        on_letter = match (is_combining_mark(c), on_letter) {
            (true, None) => return Err(NameError::Marks),
            (true, Some(count)) if count >= MARKS_MAX => return Err(NameError::Marks),
            (true, Some(count)) => Some(count + 1),
            (false, _) => is_latin(c).then_some(0),
        };
    }
    Ok(())
}

const CHARS_MAX: usize = 255;
const BYTES_MAX: usize = CHARS_MAX * 16;
const MARKS_MAX: usize = 4;

#[cfg(test)]
mod tests;
