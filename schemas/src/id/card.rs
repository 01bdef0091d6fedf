//! The health insurance card number.

use super::{IdError, Rule, SiNumber, personal_id};
use crate::codes::card_objects;

/// A health insurance card number (mã thẻ BHYT): object code, benefit level, province, SI number; 15 characters.
///
/// QĐ 1351/QĐ-BHXH. The level must be the one that its object code carries in
/// [`card_objects`](crate::codes::card_objects); a code that is in no row is held to the open list of level 4.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardNumber(Box<str>);

const KIND: &str = "CardNumber";

impl CardNumber {
    /// Parses 15 characters and proves that object code and benefit level go together.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.len() != LEN {
            return Err(IdError::new(KIND, Rule::Length));
        }
        if !text
            .bytes()
            .enumerate()
            .all(|(at, byte)| stands_right(at, byte))
        {
            return Err(IdError::new(KIND, Rule::Characters));
        }
        let card = Self(text.into());
        if card.province() == "00" {
            return Err(IdError::new(KIND, Rule::Province));
        }
        if !card_objects::pair_is_possible(card.object_code(), card.level()) {
            return Err(IdError::new(KIND, Rule::Level));
        }
        Ok(card)
    }

    /// Puts a card number together from its four parts; `province` is two digits 01–99.
    pub fn compose(
        object_code: &str,
        level: u8,
        province: &str,
        si_number: &SiNumber,
    ) -> Result<Self, IdError> {
        Self::parse(&format!(
            "{object_code}{level}{province}{}",
            si_number.as_str()
        ))
    }

    /// The two letters that say for which group of people and at whose expense the card was issued.
    pub fn object_code(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// The benefit level 1–5.
    pub fn level(&self) -> u8 {
        self.0.as_bytes().get(2).map_or(0, |byte| byte - b'0')
    }

    /// The two digits of the province of issue, 01–99.
    pub fn province(&self) -> &str {
        self.0.get(3..5).unwrap_or_default()
    }

    /// The SI number of the holder.
    pub fn si_number(&self) -> SiNumber {
        SiNumber::parse(self.0.get(5..).unwrap_or_default())
            .expect("the last ten characters were proven digits by parse")
    }

    /// Whether the holder is synthetic.
    pub fn is_synthetic(&self) -> bool {
        self.si_number().is_synthetic()
    }
}

personal_id!(CardNumber);

fn stands_right(at: usize, byte: u8) -> bool {
    match at {
        0 | 1 => byte.is_ascii_uppercase(),
        2 => matches!(byte, b'1'..=b'5'),
        _ => byte.is_ascii_digit(),
    }
}

const LEN: usize = 15;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> Rule {
        CardNumber::parse(text).unwrap_err().rule()
    }

    #[test]
    fn a_card_number_is_its_four_parts() {
        let card = CardNumber::parse("TE1799912345678").unwrap();
        assert_eq!(
            (card.object_code(), card.level(), card.province()),
            ("TE", 1, "79")
        );
        assert_eq!(card.si_number().as_str(), "9912345678");
        assert_eq!(
            CardNumber::compose("TE", 1, "79", &card.si_number()).unwrap(),
            card
        );
        assert!(card.is_synthetic());
    }

    #[test]
    fn a_level_that_the_object_code_does_not_carry_is_refused() {
        for (object, level) in [
            ("TE", 1),
            ("GD", 4),
            ("HN", 2),
            ("DT", 2),
            ("CN", 3),
            ("QN", 5),
        ] {
            for tried in 1..=5 {
                let text = format!("{object}{tried}799912345678");
                assert_eq!(
                    CardNumber::parse(&text).is_ok(),
                    tried == level,
                    "{object}{tried}"
                );
            }
        }
        assert_eq!(rule("TE4799912345678"), Rule::Level);
    }

    #[test]
    fn an_object_code_in_no_row_is_possible_at_level_four_only() {
        assert!(CardNumber::parse("ZZ4799912345678").is_ok());
        assert_eq!(rule("ZZ1799912345678"), Rule::Level);
    }

    #[test]
    fn other_shapes_are_refused_with_their_reason() {
        assert_eq!(rule("TE179991234567"), Rule::Length);
        assert_eq!(rule("te1799912345678"), Rule::Characters);
        assert_eq!(rule("TE0799912345678"), Rule::Characters);
        assert_eq!(rule("TE179991234567X"), Rule::Characters);
        assert_eq!(rule("TE1009912345678"), Rule::Province);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,16}") {
            let _ = CardNumber::parse(&text);
        }
    }
}
