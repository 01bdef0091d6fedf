//! Numbers of a person: PIN, old identity card, social insurance number; and the sex they may carry.

use super::{IdError, Rule, digits, personal_id};
use crate::codes::provinces;

/// A personal identification number (số định danh cá nhân): 12 digits `PPP G YY NNNNNN`, no check digit.
///
/// `PPP` is `0` and a code of the 63-province list, which stays in use for people numbered before
/// the merger and after, or a country code from 100 up for a birth registered abroad (its table is
/// not public and so not checked), or the synthetic province 099. Circular 07/2016/TT-BCA.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin(Box<str>);

impl Pin {
    /// Parses 12 digits whose first three are a known province, a country or the synthetic 099.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        digits("Pin", text, 12)?;
        let place = text.get(..3).unwrap_or_default();
        let known = match place.strip_prefix('0') {
            Some(province) => place == SYNTHETIC_PROVINCE || provinces::in_list_of_63(province),
            None => true,
        };
        match known {
            true => Ok(Self(text.into())),
            false => Err(IdError::new("Pin", Rule::Province)),
        }
    }

    /// The three digits of the province (`0NN`) or country where the birth was registered.
    pub fn province(&self) -> &str {
        self.0.get(..3).unwrap_or_default()
    }

    /// The sex that the century digit carries: even is male, odd is female.
    pub fn sex(&self) -> Sex {
        match self.digit(3) % 2 {
            0 => Sex::Male,
            _ => Sex::Female,
        }
    }

    /// The full year of birth, 1900 to 2399.
    pub fn birth_year(&self) -> i16 {
        1900 + i16::from(self.digit(3) / 2) * 100
            + i16::from(self.digit(4)) * 10
            + i16::from(self.digit(5))
    }

    /// What in the number contradicts a sex and year of birth, if anything.
    ///
    /// An undetermined sex contradicts nothing, since the number can only say male or female.
    pub fn conflict(&self, sex: Sex, birth_year: i16) -> Option<PinConflict> {
        if self.birth_year() != birth_year {
            return Some(PinConflict::BirthYear);
        }
        (sex != Sex::Undetermined && sex != self.sex()).then_some(PinConflict::Sex)
    }

    /// Whether the number fits a sex and year of birth.
    pub fn agrees_with(&self, sex: Sex, birth_year: i16) -> bool {
        self.conflict(sex, birth_year).is_none()
    }

    /// Whether the number carries province 099, which is reserved for synthetic people.
    pub fn is_synthetic(&self) -> bool {
        self.province() == SYNTHETIC_PROVINCE
    }

    fn digit(&self, at: usize) -> u8 {
        self.0.as_bytes().get(at).map_or(0, |byte| byte - b'0')
    }
}

personal_id!(Pin);

/// What in a PIN contradicts the person it is said to belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinConflict {
    /// The century digit says the other sex.
    Sex,
    /// The century digit and year digits say another year of birth.
    BirthYear,
}

/// An old identity card number (CMND): 9 digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cmnd(Box<str>);

impl Cmnd {
    /// Parses 9 digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        digits("Cmnd", text, 9)?;
        Ok(Self(text.into()))
    }
}

personal_id!(Cmnd);

/// A social insurance number (mã số BHXH): 10 digits, one person for life; no public check-digit rule exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiNumber(Box<str>);

impl SiNumber {
    /// Parses 10 digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        digits("SiNumber", text, 10)?;
        Ok(Self(text.into()))
    }

    /// Whether the number begins with 99, which is reserved for synthetic people.
    pub fn is_synthetic(&self) -> bool {
        self.0.starts_with("99")
    }
}

personal_id!(SiNumber);

/// The sex of a person as civil status and insurance write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sex {
    /// Code 1.
    Male = 1,
    /// Code 2.
    Female = 2,
    /// Code 3, not determined at birth.
    Undetermined = 3,
}

impl Sex {
    /// Parses the wire code `1`, `2` or `3`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match text {
            "1" => Ok(Self::Male),
            "2" => Ok(Self::Female),
            "3" => Ok(Self::Undetermined),
            _ => Err(IdError::new("Sex", Rule::Unknown)),
        }
    }

    /// The sex of a wire code 1, 2 or 3.
    pub fn from_code(code: u8) -> Result<Self, IdError> {
        match code {
            1 => Ok(Self::Male),
            2 => Ok(Self::Female),
            3 => Ok(Self::Undetermined),
            _ => Err(IdError::new("Sex", Rule::Unknown)),
        }
    }

    /// The wire code 1, 2 or 3.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The wire code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Male => "1",
            Self::Female => "2",
            Self::Undetermined => "3",
        }
    }
}

const SYNTHETIC_PROVINCE: &str = "099";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pin(text: &str) -> Pin {
        Pin::parse(text).unwrap()
    }

    #[test]
    fn the_century_digit_says_sex_and_century() {
        for (text, sex, year) in [
            ("001099000001", Sex::Male, 1999),
            ("001199000001", Sex::Female, 1999),
            ("079219000001", Sex::Male, 2019),
            ("079319000001", Sex::Female, 2019),
            ("099407000001", Sex::Male, 2107),
            ("099907000001", Sex::Female, 2307),
        ] {
            assert_eq!((pin(text).sex(), pin(text).birth_year()), (sex, year));
        }
    }

    #[test]
    fn a_province_outside_the_list_of_63_is_refused() {
        for text in [
            "000219000001",
            "003219000001",
            "097219000001",
            "098219000001",
        ] {
            assert_eq!(Pin::parse(text).unwrap_err().rule(), Rule::Province);
        }
    }

    #[test]
    fn a_province_that_was_merged_away_still_numbers_its_people() {
        assert_eq!(pin("002219000001").province(), "002");
    }

    #[test]
    fn the_synthetic_province_and_a_country_are_accepted() {
        assert!(pin("099219000001").is_synthetic());
        assert!(!pin("101219000001").is_synthetic());
    }

    #[test]
    fn a_contradicting_sex_or_year_is_found() {
        let boy_of_2026 = pin("099226000001");
        assert_eq!(
            boy_of_2026.conflict(Sex::Female, 2026),
            Some(PinConflict::Sex)
        );
        assert_eq!(
            boy_of_2026.conflict(Sex::Male, 2025),
            Some(PinConflict::BirthYear)
        );
        assert!(boy_of_2026.agrees_with(Sex::Male, 2026));
        assert!(boy_of_2026.agrees_with(Sex::Undetermined, 2026));
        assert!(!boy_of_2026.agrees_with(Sex::Male, 1926));
    }

    #[test]
    fn other_lengths_and_letters_are_refused_with_their_reason() {
        assert_eq!(Pin::parse("09921900001").unwrap_err().rule(), Rule::Length);
        assert_eq!(
            Pin::parse("09921900000O").unwrap_err().rule(),
            Rule::Characters
        );
        assert_eq!(Cmnd::parse("12345678").unwrap_err().rule(), Rule::Length);
        assert_eq!(
            SiNumber::parse("991234567").unwrap_err().rule(),
            Rule::Length
        );
        assert_eq!(
            SiNumber::parse("99123 5678").unwrap_err().rule(),
            Rule::Characters
        );
    }

    #[test]
    fn a_sex_is_one_of_three_codes() {
        for sex in [Sex::Male, Sex::Female, Sex::Undetermined] {
            assert_eq!(Sex::parse(sex.as_str()), Ok(sex));
            assert_eq!(Sex::from_code(sex.code()), Ok(sex));
        }
        assert_eq!(Sex::parse("0").unwrap_err().rule(), Rule::Unknown);
        assert_eq!(Sex::from_code(4).unwrap_err().rule(), Rule::Unknown);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,16}") {
            let _ = (Pin::parse(&text), Cmnd::parse(&text), SiNumber::parse(&text), Sex::parse(&text));
        }
    }
}
