//! Keys of fixed size, parsed from bytes: what records are joined and sorted by.

use std::{fmt, sync::LazyLock};

use crate::{codes::provinces, id::Mst};

/// A tax code as a number that sorts and compares fast: an enterprise or branch, or a household business by its PIN.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxKey(u64);

impl TaxKey {
    /// Parses 10 digits, 10 digits `-` 3 digits, or a PIN of 12 digits; the check digit is proven.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        match bytes.len() {
            10 => enterprise(bytes).map(|root| Self(root * BRANCHES)),
            12 => PersonKey::parse(text).map(|pin| Self(PINS + pin.0)),
            14 if bytes[10] == b'-' => {
                let branch = digits(&bytes[11..])?;
                let root = enterprise(&bytes[..10])?;
                (branch > 0).then_some(Self(root * BRANCHES + branch))
            }
            _ => None,
        }
    }

    /// The number that stands for the code.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The key of a number that [`TaxKey::raw`] gave.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Display for TaxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 >= PINS, self.0 % BRANCHES) {
            (true, _) => write!(f, "{:012}", self.0 - PINS),
            (false, 0) => write!(f, "{:010}", self.0 / BRANCHES),
            (false, branch) => write!(f, "{:010}-{branch:03}", self.0 / BRANCHES),
        }
    }
}

impl fmt::Debug for TaxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 >= PINS {
            true => f.write_str("TaxKey(***)"),
            false => write!(f, "TaxKey({self})"),
        }
    }
}

/// A PIN as a number; it names a person, so it shows itself only by [`PersonKey::text`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey(u64);

impl PersonKey {
    /// Parses 12 digits by the rule of [`crate::id::Pin`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = (bytes.len() == 12).then(|| digits(bytes)).flatten()?;
        let place = usize::try_from(number / 1_000_000_000).ok()?;
        PLACES.get(place)?.then_some(Self(number))
    }

    /// The number that stands for the PIN.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The key of a number that [`PersonKey::raw`] gave.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The twelve digits.
    #[must_use]
    pub fn text(self) -> String {
        format!("{:012}", self.0)
    }
}

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKey(***)")
    }
}

/// A ten-digit number of a person, or none: an SI number, or a tax code from before PINs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NumberKey(u64);

impl NumberKey {
    /// Parses ten digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = (bytes.len() == 10).then(|| digits(bytes)).flatten()?;
        Some(Self(number + 1))
    }

    /// The number that stands for the key; 0 is none.
    #[must_use]
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// The key of a number that [`NumberKey::raw`] gave.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The ten digits, where there are any.
    #[must_use]
    pub fn text(self) -> Option<String> {
        Some(format!("{:010}", self.0.checked_sub(1)?))
    }
}

impl fmt::Debug for NumberKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NumberKey(***)")
    }
}

/// One to nineteen ASCII digits as a number; `None` for anything else.
#[must_use]
pub(super) fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    let mut number = 0_u64;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    Some(number)
}

/// The ten digits of an enterprise by the rule of [`Mst`].
fn enterprise(bytes: &[u8]) -> Option<u64> {
    let number = digits(bytes)?;
    let mut leading = [0; 9];
    for (slot, byte) in leading.iter_mut().zip(bytes) {
        *slot = byte - b'0';
    }
    let all_zero = leading[2..].iter().all(|digit| *digit == 0);
    let check = Mst::compute_check(&leading)?;
    (!all_zero && number % 10 == u64::from(check)).then_some(number)
}

/// Which three digits may begin a PIN.
static PLACES: LazyLock<[bool; 1_000]> = LazyLock::new(|| {
    std::array::from_fn(|place| match place {
        99 | 100.. => true,
        _ => provinces::in_list_of_63(&format!("{place:02}")),
    })
});

const BRANCHES: u64 = 1_000;

/// Above every enterprise and branch.
const PINS: u64 = 1 << 50;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{Pin, TaxId};

    #[test]
    fn both_kinds_of_tax_code_are_written_as_they_were_read() {
        for text in ["0100109106", "0100109106-001", "099300123456"] {
            assert_eq!(TaxKey::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_a_person_never_prints() {
        let pin = TaxKey::parse("099300123456").unwrap();
        let person = PersonKey::parse("099300123456").unwrap();
        let number = NumberKey::parse("9912345678").unwrap();
        let shown = format!("{pin:?} {person:?} {number:?}");
        assert_eq!(shown, "TaxKey(***) PersonKey(***) NumberKey(***)");
    }

    #[test]
    fn no_number_is_not_the_number_of_zeros() {
        let zeros = NumberKey::parse("0000000000").unwrap();
        assert_ne!(zeros, NumberKey::default());
        assert_eq!(zeros.text().as_deref(), Some("0000000000"));
        assert_eq!(NumberKey::default().text(), None);
    }

    proptest! {
        #[test]
        fn a_key_is_read_where_the_identifier_is_and_nowhere_else(text in "[0-9]{8,14}(-[0-9]{3})?") {
            let canonical = text.len() != 13;
            prop_assert_eq!(TaxKey::parse(&text).is_some(), canonical && TaxId::parse(&text).is_ok());
            prop_assert_eq!(PersonKey::parse(&text).is_some(), Pin::parse(&text).is_ok());
        }
    }
}
