//! Kinds of addresses that are not simply somewhere on the Internet (IANA special-purpose registries).

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// What is special about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// This machine: 127.0.0.0/8, `::1`.
    Loopback,
    /// A private network: RFC 1918, RFC 4193.
    Private,
    /// Shared behind a provider's translation: RFC 6598.
    Shared,
    /// Nothing, or «this network»: 0.0.0.0/8, `::`.
    Unspecified,
    /// The link only: RFC 3927, fe80::/10; where clouds keep their metadata.
    LinkLocal,
    /// A group of receivers.
    Multicast,
    /// An IPv6 address that carries an IPv4 address: mapped, compatible, NAT64, 6to4, Teredo.
    Embedded,
    /// Documentation, benchmarks, and what is assigned to nobody.
    Reserved,
}

impl Kind {
    /// The kind of `ip`; `None` for an address of the Internet.
    #[must_use]
    pub fn of(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// Whether a host that is registered as private may have it.
    #[must_use]
    pub fn is_for_private(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::Shared)
    }

    /// A stable word for logs and metrics.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Unspecified => "unspecified",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Embedded => "embedded",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "of this machine, and the host is not registered as private",
            Self::Private => "of a private network, and the host is not registered as private",
            Self::Shared => "of a shared network, and the host is not registered as private",
            Self::Unspecified => "unspecified",
            Self::LinkLocal => "of the link only",
            Self::Multicast => "of a group",
            Self::Embedded => "an IPv6 form of an IPv4 address",
            Self::Reserved => "reserved",
        })
    }
}

fn of_v4(ip: Ipv4Addr) -> Option<Kind> {
    Some(match ip.octets() {
        [0, ..] => Kind::Unspecified,
        [10, ..] | [192, 168, ..] => Kind::Private,
        [172, second, ..] if second & 0xf0 == 16 => Kind::Private,
        [100, second, ..] if second & 0xc0 == 64 => Kind::Shared,
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::LinkLocal,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Kind::Reserved
        }
        [198, second, ..] if second & 0xfe == 18 => Kind::Reserved,
        [first, ..] if first & 0xf0 == 224 => Kind::Multicast,
        [first, ..] if first & 0xf0 == 240 => Kind::Reserved,
        _ => return None,
    })
}

fn of_v6(ip: Ipv6Addr) -> Option<Kind> {
    let [a, b, c, d, e, f, _, _] = ip.segments();
    Some(match (a, b) {
        _ if ip.is_unspecified() => Kind::Unspecified,
        _ if ip.is_loopback() => Kind::Loopback,
        (0, 0) if (c, d) == (0, 0) && ((e, f) == (0, 0xffff) || (e, f) == (0xffff, 0)) => {
            Kind::Embedded
        }
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) => Kind::Embedded,
        (0x64, 0xff9b) | (0x2002, _) | (0x2001, 0) => Kind::Embedded,
        (0x2001, 0xdb8) | (0x3fff, 0..0x1000) => Kind::Reserved,
        (0x2001, second) if second < 0x200 => Kind::Reserved,
        _ if a & 0xfe00 == 0xfc00 => Kind::Private,
        _ if a & 0xffc0 == 0xfe80 => Kind::LinkLocal,
        _ if a & 0xff00 == 0xff00 => Kind::Multicast,
        _ if a & 0xe000 == 0x2000 => return None,
        _ => Kind::Reserved,
    })
}
