//! Where a partner listens: `https`, host, port and the path before every target.

use std::fmt;

use http::Uri;

/// An `https` address without user, query or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    base: String,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// No address at all.
    #[error("not an address")]
    Shape,
    /// Another scheme than `https`.
    #[error("the scheme is not https")]
    Scheme,
    /// A user name or password in it.
    #[error("an address must not hold credentials")]
    Credentials,
    /// A query or fragment.
    #[error("an endpoint has no query and no fragment")]
    Query,
}

impl Endpoint {
    /// Parses `https://host[:port][/base]`.
    ///
    /// # Errors
    /// [`BadEndpoint`], without the text.
    pub fn parse(text: &str) -> Result<Self, BadEndpoint> {
        let uri: Uri = text.parse().map_err(|_| BadEndpoint::Shape)?;
        let authority = uri.authority().ok_or(BadEndpoint::Shape)?;
        if uri.scheme_str() != Some("https") {
            return Err(BadEndpoint::Scheme);
        }
        if authority.as_str().contains('@') {
            return Err(BadEndpoint::Credentials);
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(BadEndpoint::Query);
        }
        let host = authority.host();
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        match host.is_empty() {
            true => Err(BadEndpoint::Shape),
            false => Ok(Self {
                host: host.to_owned(),
                port: authority.port_u16().unwrap_or(443),
                base: uri.path().trim_end_matches('/').to_owned(),
            }),
        }
    }

    /// DNS name or address, without brackets: the name that the certificate must carry.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path before every target, without a slash at its end; may be empty.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What stands in `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_its_parts() {
        let endpoint = Endpoint::parse("https://adapter.example:8444/one/").unwrap();
        assert_eq!(
            (endpoint.host(), endpoint.port(), endpoint.base()),
            ("adapter.example", 8444, "/one")
        );
        assert_eq!(
            Endpoint::parse("https://[::1]:9").unwrap().authority(),
            "[::1]:9"
        );
        assert_eq!(
            Endpoint::parse("https://localhost").unwrap().to_string(),
            "https://localhost:443"
        );
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused_with_its_reason() {
        for (text, why) in [
            ("http://a", BadEndpoint::Scheme),
            ("/only/a/path", BadEndpoint::Shape),
            ("", BadEndpoint::Shape),
            ("https://user:secret@a", BadEndpoint::Credentials),
            ("https://a/b?c=d", BadEndpoint::Query),
            ("https://a/b#c", BadEndpoint::Query),
        ] {
            assert_eq!(Endpoint::parse(text), Err(why), "{text}");
        }
    }
}
