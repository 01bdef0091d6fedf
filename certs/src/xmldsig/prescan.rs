//! One pass over the bytes before any tree is built.
//!
//! The tree builder is quadratic in attributes and hungry for memory; and what is refused here by its
//! first two bytes can never be read differently by two parsers. In a well-formed document without
//! comments and CDATA every `<` opens markup, so the pass is exact.

use std::borrow::Cow;

use super::{Profile, XmlSigError};

/// Checks size, encoding, forbidden markup, element and attribute counts; gives the text to build a tree of.
pub(super) fn prescan<'a>(
    document: &'a [u8],
    profile: &Profile,
) -> Result<Cow<'a, str>, XmlSigError> {
    if document.len() > profile.bytes_max {
        return Err(XmlSigError::OverLimit);
    }
    let text = std::str::from_utf8(document).map_err(|_| XmlSigError::NotUtf8)?;
    if !has_xml_characters_only(text) {
        return Err(XmlSigError::Malformed);
    }
    let body = after_declaration(text)?;
    let (mut elements, mut is_plain) = (0, true);
    for markup in body.split('<').skip(1) {
        match markup.as_bytes().first() {
            Some(b'!') if markup.starts_with("!DOCTYPE") => return Err(XmlSigError::Dtd),
            Some(b'!') if markup.starts_with("!--") => return Err(XmlSigError::Comment),
            Some(b'!') => return Err(XmlSigError::Cdata),
            Some(b'?') => return Err(XmlSigError::Instruction),
            Some(b'/') => {}
            _ => {
                elements += 1;
                let tag = StartTag::scan(markup);
                if tag.unbinds_a_prefix {
                    return Err(XmlSigError::Malformed);
                }
                if elements > profile.elements_max || tag.attributes > profile.attributes_max {
                    return Err(XmlSigError::OverLimit);
                }
                is_plain &= !tag.has_white_values;
            }
        }
    }
    Ok(match is_plain {
        true => Cow::Borrowed(text),
        false => Cow::Owned(with_plain_white_space(text)),
    })
}

/// Whether every character is one that XML 1.0 has (§2.2, `Char`). The tree builder asks in some places only: a
/// control character before a reference in an attribute's value gets by, and no other parser could read what we
/// make of it.
fn has_xml_characters_only(text: &str) -> bool {
    // without an early exit, so that it is done many bytes at a time
    let no_control = text.bytes().fold(true, |so_far, byte| {
        so_far & (byte >= b' ' || byte == b'\t' || byte == b'\n' || byte == b'\r')
    });
    no_control && !text.contains('\u{fffe}') && !text.contains('\u{ffff}')
}

/// The white space of attribute values as XML 1.0 wants it (§2.11, §3.3.3): a line end is one character,
/// and each is a space. The tree builder does not see to it; what is written `&#10;` is left alone.
fn with_plain_white_space(text: &str) -> String {
    let of_one = text.replace("\r\n", "\n").replace('\r', "\n");
    let (mut in_tag, mut quote) = (false, None);
    let plain = |character: char| {
        match (quote, character) {
            (Some(_), '\t' | '\n') => return ' ',
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if in_tag => quote = Some(character),
            (None, '<') => in_tag = true,
            (None, '>') => in_tag = false,
            (None, _) => {}
        }
        character
    };
    of_one.chars().map(plain).collect()
}

/// Steps over `<?xml …?>`, which may name UTF-8 and nothing else.
fn after_declaration(text: &str) -> Result<&str, XmlSigError> {
    if text.starts_with('\u{feff}') {
        return Err(XmlSigError::Malformed);
    }
    let Some(rest) = text.strip_prefix("<?xml ") else {
        return Ok(text);
    };
    let (declaration, body) = rest.split_once("?>").ok_or(XmlSigError::Malformed)?;
    match declaration.split_once("encoding") {
        Some((_, encoding)) if !names_utf8(encoding) => Err(XmlSigError::NotUtf8),
        _ => Ok(body),
    }
}

fn names_utf8(encoding: &str) -> bool {
    let value = encoding.trim_start().trim_start_matches('=').trim_start();
    let name = value.get(1..6).unwrap_or_default();
    name.eq_ignore_ascii_case("utf-8") && value.get(6..7) == value.get(0..1)
}

/// What one pass over a start tag tells.
struct StartTag {
    /// `=` outside quotes: attributes and namespace declarations together.
    attributes: usize,
    /// Whether a value holds a tab or a line end as it is.
    has_white_values: bool,
    /// `xmlns:p=""`, which Namespaces in XML 1.0 (§2.2) has not, and the tree builder overlooks.
    unbinds_a_prefix: bool,
}

impl StartTag {
    fn scan(markup: &str) -> Self {
        let mut quote = None;
        let mut tag = Self {
            attributes: 0,
            has_white_values: false,
            unbinds_a_prefix: false,
        };
        for (at, byte) in markup.bytes().enumerate() {
            match (quote, byte) {
                (None, b'>') => break,
                (None, b'=') => tag.attributes += 1,
                (None, b'"' | b'\'') => {
                    let is_empty = markup.as_bytes().get(at + 1) == Some(&byte);
                    tag.unbinds_a_prefix |= is_empty && binds_a_prefix(markup.get(..at));
                    quote = Some(byte);
                }
                (Some(_), b'\t' | b'\r' | b'\n') => tag.has_white_values = true,
                (Some(open), close) if open == close => quote = None,
                _ => {}
            }
        }
        tag
    }
}

/// Whether what stands before a value is `xmlns:p=`.
fn binds_a_prefix(before: Option<&str>) -> bool {
    let name = before.and_then(|tag| tag.trim_end().strip_suffix('='));
    let name = name.and_then(|tag| tag.trim_end().rsplit(char::is_whitespace).next());
    name.is_some_and(|name| name.starts_with("xmlns:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(document: &str) -> Option<&'static str> {
        let profile = Profile {
            elements_max: 3,
            attributes_max: 2,
            ..Profile::default()
        };
        prescan(document.as_bytes(), &profile)
            .err()
            .map(|refused| refused.reason())
    }

    #[test]
    fn markup_that_is_never_ours_is_refused_by_name() {
        let table = [
            ("<!DOCTYPE a><a/>", "dtd-refused"),
            ("<a><!-- x --></a>", "comment-refused"),
            ("<a><![CDATA[x]]></a>", "cdata-refused"),
            ("<a><?pi x?></a>", "instruction-refused"),
            ("<?xml-stylesheet href='x'?><a/>", "instruction-refused"),
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", "not-utf8"),
            ("<?xml version='1.0' encoding='utf-7'?><a/>", "not-utf8"),
            ("\u{feff}<a/>", "xml-malformed"),
            ("<a><b/><b/><b/></a>", "over-limit"),
            ("<a b='1' c='2' d='3'/>", "over-limit"),
            ("<a xmlns:p=''/>", "xml-malformed"),
            ("<a b='&amp;\u{6}'/>", "xml-malformed"),
            ("<a b='\n\u{0}'/>", "xml-malformed"),
            ("<a>\u{1f}</a>", "xml-malformed"),
            ("<a b='&amp;\u{fffe}'/>", "xml-malformed"),
            ("<a>\u{ffff}</a>", "xml-malformed"),
            ("<a><p:b b='1'\txmlns:p\n= \"\"/></a>", "xml-malformed"),
        ];
        for (document, expected) in table {
            assert_eq!(reason(document), Some(expected), "{document}");
        }
        for document in [
            "<a xmlns=''/>",
            "<a xmlns:p='u' b=''/>",
            "<a b='xmlns:p=\"\"'/>",
            "<a b='\u{7f}\u{85}\u{fffd}\u{1f600}'>\t\r\n</a>",
        ] {
            assert_eq!(reason(document), None, "{document}");
        }
    }

    #[test]
    fn white_space_in_values_is_what_the_standard_makes_of_it() {
        let text =
            "<?xml version='1.0'?>\r\n<a b='1\t2\r\n3\r4\n' c=\"'\t'\">\r\n\t'x\t' = \"\n\"</a>";
        let scanned = prescan(text.as_bytes(), &Profile::default()).unwrap();
        assert_eq!(
            scanned,
            "<?xml version='1.0'?>\n<a b='1 2 3 4 ' c=\"' '\">\n\t'x\t' = \"\n\"</a>"
        );
        let plain = "<a\n\tb='&#9;'>\r\n</a>";
        let scanned = prescan(plain.as_bytes(), &Profile::default()).unwrap();
        assert!(matches!(scanned, Cow::Borrowed(same) if same == plain));
    }

    #[test]
    fn ordinary_documents_pass() {
        for document in [
            "<a/>",
            "<a b='x=y>=z' c=\"'=\"><d/></a>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>",
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?><a/>",
            "<?xml version='1.0'?><a/>",
        ] {
            assert_eq!(reason(document), None, "{document}");
        }
    }
}
