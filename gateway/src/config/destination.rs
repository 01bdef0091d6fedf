//! Where a system stands in the exchange (VDXP), as its adapter is told in `dstcode`.

use std::fmt;

use schemas::id::OrganId;
use toml::de::DeValue;

use super::{
    read::{At, Reader, Value},
    value::parsed,
};

/// `instance:class:organisation:subsystem`, for example `VN:GOV:000.00.00.G22:vpcpdvcprovider`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination(Box<str>);

impl Destination {
    /// The portal's backend, as integrators call it.
    pub(crate) fn portal() -> Self {
        Self("VN:GOV:000.00.00.G22:vpcpdvcprovider".into())
    }

    /// Reads instance and class in capital letters, an organisation's code and a subsystem of letters, digits,
    /// `-` and `_`: nothing of it needs an escape in a header or a query.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word = |text: &str, fits: fn(&u8) -> bool| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| fits(&byte))
        };
        let mut parts = text.split(':');
        let (instance, class) = (parts.next()?, parts.next()?);
        let (organ, subsystem) = (parts.next()?, parts.next()?);
        let holds = parts.next().is_none()
            && word(instance, u8::is_ascii_uppercase)
            && word(class, u8::is_ascii_uppercase)
            && OrganId::parse(organ).is_ok()
            && word(subsystem, |byte| {
                byte.is_ascii_alphanumeric() || b"-_".contains(byte)
            });
        holds.then(|| Self(text.into()))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value for Destination {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted = "a destination in the exchange: instance:class:organisation:subsystem";
        parsed(reader, at, value, wanted, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_has_four_parts_that_need_no_escape() {
        let same = |text: &str| Destination::parse(text).is_some_and(|one| one.to_string() == text);
        assert!(same("VN:GOV:000.00.00.X99:portal"));
        assert!(same("VN:GOV:X99.01:portal_2-b"));
        assert!(same(&Destination::portal().to_string()));
        for wrong in [
            "",
            "VN:GOV:000.00.00.X99",
            "VN:GOV:000.00.00.X99:",
            "VN:GOV:000.00.00.X99:portal:more",
            "vn:GOV:000.00.00.X99:portal",
            "VN:GOV:x y:portal",
            "VN:GOV:000.00.00.X99:portal&providerurl=x",
            "VN:GOV:000.00.00.X99:portal\r\nX-Road-Client: a",
        ] {
            assert!(Destination::parse(wrong).is_none(), "{wrong:?}");
        }
    }
}
