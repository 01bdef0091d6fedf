//! Whom we may call: an address that config registers, read strictly, and the network it may lead to.
//!
//! A text that means another host to somebody else's parser (user names, numbers in odd spellings,
//! zones, escapes) is no location at all. A name is resolved once per connection, every address of the
//! answer is judged, and the connection goes to an address that was judged, never to the name. Addresses
//! of private networks and of this machine are for hosts that config registers as private; those of the
//! link (cloud metadata), of groups and of transition mechanisms are for nobody.

mod kind;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

pub use kind::Kind;

/// Which addresses a registered host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Addresses of the Internet only.
    Public,
    /// Also those of private networks and of this machine: config says so for this very host.
    Private,
}

impl Reach {
    /// Reads config's yes or no to private addresses.
    #[must_use]
    pub fn private(allowed: bool) -> Self {
        match allowed {
            true => Self::Private,
            false => Self::Public,
        }
    }
}

/// How a location is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// HTTP in clear: for what is signed itself, such as revocation lists and time-stamps.
    Http,
    /// HTTP over TLS.
    Https,
}

/// A registered address: scheme, host, port, path and query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    scheme: Scheme,
    host: String,
    literal: Option<IpAddr>,
    port: u16,
    target: String,
    reach: Reach,
}

/// Why a text is no location; never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLocation {
    /// No address at all, or one with spaces, escapes in the host or letters outside ASCII.
    #[error("not an address of the form scheme://host[:port]/path")]
    Shape,
    /// Another scheme than `http` and `https`, in lower case.
    #[error("the scheme is neither http nor https")]
    Scheme,
    /// A user name or password in it.
    #[error("an address must not hold credentials")]
    Credentials,
    /// A fragment.
    #[error("an address has no fragment")]
    Fragment,
    /// A host that is neither a name of letters, digits and hyphens nor an address.
    #[error("the host is neither a DNS name nor an address")]
    Host,
    /// A number that some parsers read as an address: decimal, octal, hex or shortened.
    #[error("the host is a number in another form than four decimal parts")]
    Obscured,
    /// A port that is none.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// An address that this host may not have.
    #[error("the address is {0}")]
    Address(Kind),
}

impl Location {
    /// Parses `http[s]://host[:port][/path][?query]`.
    ///
    /// # Errors
    /// [`BadLocation`], without the text.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, BadLocation> {
        let (scheme, rest) = text.split_once("://").ok_or(BadLocation::Shape)?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(BadLocation::Scheme),
        };
        if text.contains('#') {
            return Err(BadLocation::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(BadLocation::Credentials);
        }
        let (host, port) = host_and_port(authority)?;
        let (host, literal) = read_host(host)?;
        let location = Self {
            scheme,
            literal,
            port: match port {
                Some(port) => read_port(port)?,
                None => scheme.port(),
            },
            target: read_target(target)?,
            host,
            reach,
        };
        location
            .known_kind()
            .map_or(Ok(location), |kind| Err(BadLocation::Address(kind)))
    }

    /// How it is spoken to.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// DNS name in lower case, or address without brackets: the name that a certificate must carry.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query; begins with a slash.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Which addresses the host may have.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// What stands in `Host`.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The addresses to connect to: the answer of one resolution, if every address in it may be called.
    ///
    /// One refused address refuses the answer: a name that leads to both kinds is an attack or a mistake.
    ///
    /// # Errors
    /// The kind of the first address that this host may not have.
    pub fn judge(&self, answer: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Kind> {
        let refused = answer.iter().find_map(|address| self.refuses(address.ip()));
        refused.map_or(Ok(answer), Err)
    }

    /// The address that stands in the text itself, where it is no name.
    #[must_use]
    pub fn literal(&self) -> Option<SocketAddr> {
        self.literal.map(|ip| SocketAddr::new(ip, self.port))
    }

    #[cfg(test)]
    pub(crate) fn narrowed(self) -> Self {
        Self {
            reach: Reach::Public,
            ..self
        }
    }

    fn refuses(&self, ip: IpAddr) -> Option<Kind> {
        Kind::of(ip).filter(|kind| self.reach == Reach::Public || !kind.is_for_private())
    }

    /// What the text alone tells of the address.
    fn known_kind(&self) -> Option<Kind> {
        let is_local = self.host == "localhost" || self.host.ends_with(".localhost");
        let ip = self
            .literal
            .or(is_local.then_some(IpAddr::V4(Ipv4Addr::LOCALHOST)))?;
        self.refuses(ip)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}{}",
            self.scheme.word(),
            self.authority(),
            self.target
        )
    }
}

impl Scheme {
    fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

fn host_and_port(authority: &str) -> Result<(&str, Option<&str>), BadLocation> {
    let after = match authority.starts_with('[') {
        true => authority.find(']').ok_or(BadLocation::Host)? + 1,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(after);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(BadLocation::Host),
    }
}

fn read_port(text: &str) -> Result<u16, BadLocation> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or(BadLocation::Port)
}

fn read_host(text: &str) -> Result<(String, Option<IpAddr>), BadLocation> {
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        let ip: Ipv6Addr = inner.parse().map_err(|_| BadLocation::Host)?;
        return Ok((ip.to_string(), Some(ip.into())));
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok((text.to_owned(), Some(ip.into())));
    }
    let name = text.to_ascii_lowercase();
    let labels: Vec<&str> = name.split('.').collect();
    if name.len() > 253 || !labels.iter().all(|label| is_label(label)) {
        return Err(BadLocation::Host);
    }
    match labels.last().is_some_and(|last| is_number(last)) {
        true => Err(BadLocation::Obscured),
        false => Ok((name, None)),
    }
}

/// RFC 1123 §2.1.
fn is_label(label: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether some parser reads a host with this last label as an address (WHATWG URL, «ends in a number»).
fn is_number(label: &str) -> bool {
    let is_hex = label
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || label.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_target(text: &str) -> Result<String, BadLocation> {
    let text = match text.starts_with('/') {
        true => text.to_owned(),
        false => format!("/{text}"),
    };
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let parsed = text.parse::<http::uri::PathAndQuery>();
    match is_plain && parsed.is_ok() {
        true => Ok(text),
        false => Err(BadLocation::Shape),
    }
}

#[cfg(test)]
mod tests;
