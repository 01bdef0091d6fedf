//! Framing rules on top of hyper's: whatever two readers could read differently is refused.
//!
//! hyper normalises some forms before any layer sees them (Content-Length beside Transfer-Encoding,
//! equal Content-Lengths, bare LF); those are pinned by tests and listed in SECURITY.md. Nothing is
//! ever forwarded raw.

use http::{HeaderMap, Method, Request, Version, header};
use http_body::Body as _;

use crate::head::Body;

/// Says which rule the request breaks.
pub(super) fn check(request: &Request<Body>) -> Result<(), &'static str> {
    host(request)?;
    one_length(request.headers())?;
    coding(request.headers())?;
    no_body_where_none_belongs(request)?;
    target(request)
}

fn host(request: &Request<Body>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("two-hosts");
    }
    match (host, request.uri().authority()) {
        (None, None) => Err("no-host"),
        (None, Some(_)) if request.version() < Version::HTTP_2 => Err("no-host"),
        (Some(host), Some(authority)) if host.as_bytes() != authority.as_str().as_bytes() => {
            Err("host-differs-from-target")
        }
        _ => Ok(()),
    }
}

fn one_length(headers: &HeaderMap) -> Result<(), &'static str> {
    match headers.get_all(header::CONTENT_LENGTH).iter().count() {
        0 | 1 => Ok(()),
        _ => Err("two-content-lengths"),
    }
}

fn coding(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err("transfer-encoding"),
    }
}

fn no_body_where_none_belongs(request: &Request<Body>) -> Result<(), &'static str> {
    let bodyless = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS | Method::TRACE
    );
    let framed = request.headers().contains_key(header::TRANSFER_ENCODING)
        || !request.body().is_end_stream();
    match bodyless && framed {
        true => Err("body-on-a-bodyless-method"),
        false => Ok(()),
    }
}

fn target(request: &Request<Body>) -> Result<(), &'static str> {
    match request.uri().query() {
        Some(_) => Err("query-not-accepted"),
        None => Ok(()),
    }
}

/// Headers by which proxies tell identities; from outside they are only claims, so they go.
const IDENTITY: &[&str] = &[
    "x-road-",
    "x-forwarded-",
    "x-agency-",
    "x-client-",
    "x-ssl-",
    "x-real-",
    "x-original-",
    "x-http-method",
    "x-method-override",
    "x-partner",
    "ssl-client-",
    "lienthong-sender",
    "lienthong-peer",
    "forwarded",
    "x-user",
    "x-remote-",
];

/// Removes every header that could claim an identity, underscored twins included.
pub(super) fn strip_identity(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str().replace('_', "-");
            IDENTITY.iter().any(|prefix| name.starts_with(prefix))
        })
        .cloned()
        .collect();
    for name in claims {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Empty, Full};

    use super::*;

    fn empty() -> Body {
        Empty::new().map_err(Into::into).boxed_unsync()
    }

    fn full() -> Body {
        Full::new(Bytes::from_static(b"x"))
            .map_err(Into::into)
            .boxed_unsync()
    }

    fn request(
        method: Method,
        uri: &str,
        headers: &[(&'static str, &str)],
        body: Body,
    ) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }

    #[test]
    fn each_ambiguous_form_is_refused_by_its_name() {
        let post = |headers: &[(&'static str, &str)]| {
            check(&request(Method::POST, "/tax/v1/messages", headers, full()))
        };
        assert_eq!(post(&[("host", "a")]), Ok(()));
        assert_eq!(post(&[]), Err("no-host"));
        assert_eq!(post(&[("host", "a"), ("host", "a")]), Err("two-hosts"));
        assert_eq!(
            post(&[
                ("host", "a"),
                ("content-length", "1"),
                ("content-length", "1")
            ]),
            Err("two-content-lengths")
        );
        assert_eq!(
            post(&[("host", "a"), ("transfer-encoding", "gzip, chunked")]),
            Err("transfer-encoding")
        );
        let absolute = request(Method::POST, "http://b/x", &[("host", "a")], full());
        assert_eq!(check(&absolute), Err("host-differs-from-target"));
        let get = request(Method::GET, "/x", &[("host", "a")], full());
        assert_eq!(check(&get), Err("body-on-a-bodyless-method"));
        let query = request(Method::POST, "/x?y", &[("host", "a")], full());
        assert_eq!(check(&query), Err("query-not-accepted"));
        assert_eq!(
            check(&request(Method::GET, "/x", &[("host", "a")], empty())),
            Ok(())
        );
    }

    #[test]
    fn identity_headers_from_outside_are_removed_in_every_spelling() {
        let mut headers = HeaderMap::new();
        for name in [
            "x-road-client",
            "x_forwarded_for",
            "x-forwarded-client-cert",
            "forwarded",
        ] {
            headers.insert(name, "vss".parse().unwrap());
        }
        headers.insert("content-type", "application/xml".parse().unwrap());
        strip_identity(&mut headers);
        assert_eq!(
            headers.keys().map(|k| k.as_str()).collect::<Vec<_>>(),
            ["content-type"]
        );
    }
}
