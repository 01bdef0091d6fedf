//! Texts of records: escapes resolved, characters judged; fast where nothing is unusual.

use std::borrow::Cow;

use super::TEXT_BYTES_MAX;
use super::fields::{Escapes, Raw};
use crate::{name::PersonName, xml};

/// The value of a text; borrowed where it has no escapes, `None` where an escape is none.
pub(super) fn resolve(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    match raw.escapes {
        Escapes::None => Some(Cow::Borrowed(raw.text)),
        Escapes::Xml => references(raw.text).map(Cow::Owned),
        Escapes::Json => serde_json::from_str(&format!("\"{}\"", raw.text))
            .ok()
            .map(Cow::Owned),
    }
}

fn references(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (plain, reference) = rest.split_at(at);
        out.push_str(plain);
        let (char, length) = xml::reference(reference.as_bytes())?;
        out.push(char);
        rest = reference.get(length..)?;
    }
    out.push_str(rest);
    Some(out)
}

/// Whether a text is a person's name by the rule of [`PersonName`], with nothing around it.
pub(super) fn is_name(text: &str) -> bool {
    is_trimmed(text) && (is_vietnamese(text) || PersonName::parse(text).is_ok())
}

/// Letters that Vietnamese is written with, composed, and spaces: most names, and none that has to be looked at twice.
fn is_vietnamese(text: &str) -> bool {
    text.len() <= VIETNAMESE_BYTES_MAX
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.chars().all(is_vietnamese_letter)
}

const fn is_vietnamese_letter(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | ' '
        | 'À'..='Ã' | 'È'..='Ê' | 'Ì' | 'Í' | 'Ò'..='Õ' | 'Ù' | 'Ú' | 'Ý'
        | 'à'..='ã' | 'è'..='ê' | 'ì' | 'í' | 'ò'..='õ' | 'ù' | 'ú' | 'ý'
        | 'Ă' | 'ă' | 'Đ' | 'đ' | 'Ĩ' | 'ĩ' | 'Ũ' | 'ũ' | 'Ơ' | 'ơ' | 'Ư' | 'ư'
        | '\u{1EA0}'..='\u{1EF9}')
}

/// Whether a text may be an employer's name or address: one line of characters, nothing around it.
pub(super) fn is_line(text: &str) -> bool {
    text.len() <= TEXT_BYTES_MAX
        && is_trimmed(text)
        && text.chars().all(|c| !c.is_control())
        && xml::is_text(text)
}

fn is_trimmed(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

/// So few bytes that they are not more than 255 characters.
const VIETNAMESE_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_letter_of_the_fast_road_is_a_letter_of_names() {
        for c in ('\0'..='\u{1EFF}').filter(|c| is_vietnamese_letter(*c) && *c != ' ') {
            assert!(PersonName::parse(&format!("A{c}")).is_ok(), "{c:?}");
        }
    }

    #[test]
    fn a_text_with_something_around_it_or_a_second_line_is_refused() {
        for text in ["", " A", "A ", "A\u{a0}", "A\nB", "A\u{85}B", "\u{FFFE}"] {
            assert!(!is_line(text), "{text:?}");
        }
        assert!(is_line("Số 12/3 đường Lê Lợi, phường 1") && !is_name("Nguyễn Văn 2"));
    }

    proptest! {
        #[test]
        fn the_fast_road_accepts_no_name_that_the_rule_refuses(text in "[A-Za-zÀ-ỹ 0-9'.-]{0,40}") {
            let trimmed = is_trimmed(&text);
            prop_assert_eq!(is_name(&text), trimmed && PersonName::parse(&text).is_ok());
        }
    }
}
