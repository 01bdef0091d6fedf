//! One pass over the bytes before any tree is built.
//!
//! The tree builder is quadratic in attributes and hungry for memory; and what is refused here by its
//! first two bytes can never be read differently by two parsers. In a well-formed document without
//! comments and CDATA every `<` opens markup, so the pass is exact.

use super::{Profile, XmlSigError};

/// Checks size, encoding, forbidden markup, element and attribute counts; gives the text.
pub(super) fn prescan<'a>(document: &'a [u8], profile: &Profile) -> Result<&'a str, XmlSigError> {
    if document.len() > profile.bytes_max {
        return Err(XmlSigError::OverLimit);
    }
    let text = std::str::from_utf8(document).map_err(|_| XmlSigError::NotUtf8)?;
    let body = after_declaration(text)?;
    let mut elements = 0;
    for markup in body.split('<').skip(1) {
        match markup.as_bytes().first() {
            Some(b'!') if markup.starts_with("!DOCTYPE") => return Err(XmlSigError::Dtd),
            Some(b'!' | b'?') => return Err(XmlSigError::ForbiddenNode),
            Some(b'/') => {}
            _ => {
                elements += 1;
                if elements > profile.elements_max
                    || count_attributes(markup) > profile.attributes_max
                {
                    return Err(XmlSigError::OverLimit);
                }
            }
        }
    }
    Ok(text)
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

/// Counts `=` outside quotes in a start tag: attributes and namespace declarations together.
fn count_attributes(markup: &str) -> usize {
    let mut quote = None;
    let mut count = 0;
    for byte in markup.bytes() {
        match (quote, byte) {
            (None, b'>') => break,
            (None, b'=') => count += 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    count
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
            ("<a><!-- x --></a>", "forbidden-node"),
            ("<a><![CDATA[x]]></a>", "forbidden-node"),
            ("<a><?pi x?></a>", "forbidden-node"),
            ("<?xml-stylesheet href='x'?><a/>", "forbidden-node"),
            ("<?xml version='1.0' encoding='UTF-16'?><a/>", "not-utf8"),
            ("<?xml version='1.0' encoding='utf-7'?><a/>", "not-utf8"),
            ("\u{feff}<a/>", "xml-malformed"),
            ("<a><b/><b/><b/></a>", "over-limit"),
            ("<a b='1' c='2' d='3'/>", "over-limit"),
        ];
        for (document, expected) in table {
            assert_eq!(reason(document), Some(expected), "{document}");
        }
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
