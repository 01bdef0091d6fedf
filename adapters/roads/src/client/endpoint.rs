//! Where a partner listens: `https`, host, port and the path before every target.

use std::fmt;

use crate::reach::{BadLocation, Location, Reach, Scheme};

/// An `https` location without a query; targets are put behind its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    location: Location,
}

/// Why a text is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// No location.
    #[error(transparent)]
    Location(#[from] BadLocation),
    /// Another scheme than `https`.
    #[error("the scheme is not https")]
    Scheme,
    /// A query.
    #[error("an endpoint has no query and no fragment")]
    Query,
}

impl Endpoint {
    /// Parses `https://host[:port][/base]`; `reach` says which addresses the host may have.
    ///
    /// # Errors
    /// [`BadEndpoint`], without the text.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, BadEndpoint> {
        let location = Location::parse(text, reach)?;
        if location.scheme() != Scheme::Https {
            return Err(BadEndpoint::Scheme);
        }
        match location.target().contains('?') {
            true => Err(BadEndpoint::Query),
            false => Ok(Self { location }),
        }
    }

    /// The whole, as it is judged and dialled.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// DNS name or address, without brackets: the name that the certificate must carry.
    #[must_use]
    pub fn host(&self) -> &str {
        self.location.host()
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.location.port()
    }

    /// The path before every target, without a slash at its end; may be empty.
    #[must_use]
    pub fn base(&self) -> &str {
        self.location.target().trim_end_matches('/')
    }

    /// What stands in `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.location.authority()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.base())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Endpoint, BadEndpoint> {
        Endpoint::parse(text, Reach::Private)
    }

    #[test]
    fn an_endpoint_is_its_parts() {
        let endpoint = parse("https://adapter.example:8444/one/").unwrap();
        assert_eq!(
            (endpoint.host(), endpoint.port(), endpoint.base()),
            ("adapter.example", 8444, "/one")
        );
        assert_eq!(parse("https://[::1]:9").unwrap().authority(), "[::1]:9");
        assert_eq!(
            parse("https://localhost").unwrap().to_string(),
            "https://localhost:443"
        );
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused_with_its_reason() {
        for (text, why) in [
            ("http://a", BadEndpoint::Scheme),
            ("/only/a/path", BadLocation::Shape.into()),
            ("", BadLocation::Shape.into()),
            ("https://user:secret@a", BadLocation::Credentials.into()),
            ("https://a/b?c=d", BadEndpoint::Query),
            ("https://a/b#c", BadLocation::Fragment.into()),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }
}
