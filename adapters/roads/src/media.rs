//! Which media types a road takes, read strictly: a body is never guessed at.

use http::{HeaderMap, header};
use schemas::fault::{Fault, FaultCode};

/// JSON, as RFC 8259 registers it.
pub const JSON: &[&str] = &["application/json"];

/// XML, as RFC 7303 registers it.
pub const XML: &[&str] = &["application/xml", "text/xml"];

/// Takes exactly one `Content-Type` out of `accepted`, with no parameter but `charset=utf-8`, and no
/// content coding at all.
///
/// # Errors
/// `UnsupportedMediaType`: `media-type`, `media-type-parameter` or `content-coding`.
pub fn check(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Fault> {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return refused("media-type");
    };
    let value = value.to_str().unwrap_or_default();
    let (kind, parameter) = match value.split_once(';') {
        Some((kind, parameter)) => (kind, Some(parameter)),
        None => (value, None),
    };
    if !accepted
        .iter()
        .any(|one| kind.trim().eq_ignore_ascii_case(one))
    {
        return refused("media-type");
    }
    if !parameter.is_none_or(is_utf_8) {
        return refused("media-type-parameter");
    }
    match headers.contains_key(header::CONTENT_ENCODING) {
        true => refused("content-coding"),
        false => Ok(()),
    }
}

fn is_utf_8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.trim().split_once('=') else {
        return false;
    };
    let value = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    name.eq_ignore_ascii_case("charset") && value.eq_ignore_ascii_case("utf-8")
}

fn refused(reason: &'static str) -> Result<(), Fault> {
    Err(Fault::new(FaultCode::UnsupportedMediaType, reason))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn reason(types: &[&str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for one in types {
            headers.append(header::CONTENT_TYPE, HeaderValue::from_str(one).unwrap());
        }
        check(&headers, XML).err().map(|fault| fault.reason())
    }

    #[test]
    fn the_listed_types_pass_with_or_without_utf_8() {
        for one in [
            "application/xml",
            "text/xml",
            "Text/XML",
            "application/xml;charset=utf-8",
            "application/xml; charset=UTF-8",
            "application/xml; Charset=\"utf-8\"",
        ] {
            assert_eq!(reason(&[one]), None, "{one}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        for (types, expected) in [
            (&[][..], "media-type"),
            (&["application/json"][..], "media-type"),
            (&["application/xml", "application/xml"][..], "media-type"),
            (&["multipart/form-data; boundary=x"][..], "media-type"),
            (&["application/soap+xml"][..], "media-type"),
            (&["application/xml, application/json"][..], "media-type"),
            (
                &["application/xml; charset=utf-16"][..],
                "media-type-parameter",
            ),
            (&["application/xml; utf-8"][..], "media-type-parameter"),
            (
                &["application/xml; charset=utf-8; x=y"][..],
                "media-type-parameter",
            ),
            (&["application/xml; version=1"][..], "media-type-parameter"),
            (&["application/xml;"][..], "media-type-parameter"),
        ] {
            assert_eq!(reason(types), Some(expected), "{types:?}");
        }
    }

    #[test]
    fn a_content_coding_is_refused_even_if_it_is_identity() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert(
            header::CONTENT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        let fault = check(&headers, XML).unwrap_err();
        assert_eq!(fault.reason(), "content-coding");
    }
}
