//! Some provinces, or the whole country.

/// A set of provinces, by their two digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvinceSet(u128);

impl ProvinceSet {
    /// The whole country.
    pub const COUNTRY: Self = Self((1 << 100) - 1);

    /// Some provinces.
    #[must_use]
    pub fn of(provinces: &[u8]) -> Self {
        Self(
            provinces
                .iter()
                .filter(|code| **code < 100)
                .fold(0, |set, code| set | 1 << code),
        )
    }

    /// The two digits of each province; none at all is the whole country.
    ///
    /// A word of another shape, or one twice, is refused.
    #[must_use]
    pub fn parse(words: &[String]) -> Option<Self> {
        if words.is_empty() {
            return Some(Self::COUNTRY);
        }
        let mut set = 0;
        for word in words {
            let digits = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_digit());
            let bit = 1_u128 << digits.then(|| word.parse::<u8>().ok()).flatten()?;
            if set & bit != 0 {
                return None;
            }
            set |= bit;
        }
        Some(Self(set))
    }

    /// The two digits of each, ascending; none at all for the whole country.
    #[must_use]
    pub fn words(self) -> Vec<String> {
        match self {
            Self::COUNTRY => Vec::new(),
            _ => (0..100)
                .filter(|code| self.has(*code))
                .map(|code| format!("{code:02}"))
                .collect(),
        }
    }

    /// Whether a province is in it.
    #[must_use]
    pub const fn has(self, province: u8) -> bool {
        province < 100 && self.0 & 1 << province != 0
    }

    /// Whether every province of it is in another.
    #[must_use]
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}
