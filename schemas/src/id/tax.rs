//! Tax codes: an enterprise's MST, or the PIN of an individual or household business.

use super::{IdError, Pin, Rule, digits, open_id};

/// An enterprise tax code (mã số thuế): 10 digits, or 10 digits and a branch, kept as `NNNNNNNNNN-NNN`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mst(Box<str>);

const KIND: &str = "Mst";

impl Mst {
    /// Parses `NNNNNNNNNN`, `NNNNNNNNNN-NNN` or 13 digits, and proves the check digit.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let (root, branch) = split(text)?;
        digits(KIND, root, ROOT_LEN)?;
        prove(root)?;
        let Some(branch) = branch else {
            return Ok(Self(root.into()));
        };
        digits(KIND, branch, BRANCH_LEN)?;
        if branch == "000" {
            return Err(IdError::new(KIND, Rule::Branch));
        }
        Ok(Self(format!("{root}-{branch}").into()))
    }

    /// The check digit for nine leading digits (values 0–9), or `None` where no valid code exists.
    ///
    /// 10 − (Σ digit × weight mod 11); a remainder of 0 would give the two-digit 10, so such a code is never issued.
    pub fn compute_check(leading: &[u8; 9]) -> Option<u8> {
        let sum: u32 = leading
            .iter()
            .zip(WEIGHTS)
            .map(|(digit, weight)| u32::from(*digit) * weight)
            .sum();
        match sum % 11 {
            0 => None,
            rest => u8::try_from(10 - rest).ok(),
        }
    }

    /// The 10 digits of the enterprise itself.
    pub fn root(&self) -> &str {
        self.0.get(..ROOT_LEN).unwrap_or(&self.0)
    }

    /// The branch number 1–999 of a dependent unit.
    pub fn branch(&self) -> Option<u16> {
        self.0.get(ROOT_LEN + 1..)?.parse().ok()
    }

    /// Whether the code stands in block 99, which is reserved for synthetic enterprises.
    pub fn is_synthetic(&self) -> bool {
        self.0.starts_with("99")
    }
}

open_id!(Mst);

fn split(text: &str) -> Result<(&str, Option<&str>), IdError> {
    match (text.len(), text.split_once('-')) {
        (10, None) => Ok((text, None)),
        (13, None) => match text.split_at_checked(ROOT_LEN) {
            Some((root, branch)) => Ok((root, Some(branch))),
            None => Err(IdError::new(KIND, Rule::Characters)),
        },
        (14, Some((root, branch))) => Ok((root, Some(branch))),
        (_, Some(_)) => Err(IdError::new(KIND, Rule::Shape)),
        (_, None) => Err(IdError::new(KIND, Rule::Length)),
    }
}

fn prove(root: &str) -> Result<(), IdError> {
    let mut leading = [0; 9];
    for (slot, byte) in leading.iter_mut().zip(root.bytes()) {
        *slot = byte - b'0';
    }
    if leading[2..].iter().all(|digit| *digit == 0) {
        return Err(IdError::new(KIND, Rule::AllZero));
    }
    let check = root.as_bytes().get(9).map(|byte| byte - b'0');
    if check.is_none() || Mst::compute_check(&leading) != check {
        return Err(IdError::new(KIND, Rule::CheckDigit));
    }
    Ok(())
}

/// A tax code as a return carries it: an enterprise's MST, or since 2025-07-01 the PIN of a person.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaxId {
    /// The code of an enterprise or one of its branches.
    Mst(Mst),
    /// The PIN of an individual or a household business (Circular 86/2024/TT-BTC).
    Pin(Pin),
}

impl TaxId {
    /// Parses 12 digits as a PIN and everything else as an MST.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match text.len() {
            12 => Pin::parse(text).map(Self::Pin),
            _ => Mst::parse(text).map(Self::Mst),
        }
    }

    /// The code as it is written on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Mst(mst) => mst.as_str(),
            Self::Pin(pin) => pin.as_str(),
        }
    }

    /// Whether the code lies in a range reserved for synthetic people and enterprises.
    pub fn is_synthetic(&self) -> bool {
        match self {
            Self::Mst(mst) => mst.is_synthetic(),
            Self::Pin(pin) => pin.is_synthetic(),
        }
    }
}

impl std::fmt::Debug for TaxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mst(mst) => mst.fmt(f),
            Self::Pin(pin) => pin.fmt(f),
        }
    }
}

const WEIGHTS: [u32; 9] = [31, 29, 23, 19, 17, 13, 7, 5, 3];
const ROOT_LEN: usize = 10;
const BRANCH_LEN: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> Rule {
        Mst::parse(text).unwrap_err().rule()
    }

    #[test]
    fn published_codes_pass_their_check_digit() {
        for text in ["0100109106", "0100233488"] {
            assert_eq!(Mst::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_wrong_check_digit_is_refused() {
        assert_eq!(rule("0100109107"), Rule::CheckDigit);
    }

    #[test]
    fn a_remainder_of_zero_has_no_check_digit_and_no_code() {
        let leading = (0..1_000_000_u32)
            .map(|n| {
                let mut d = [9, 9, 0, 0, 0, 0, 0, 0, 0];
                for (i, slot) in d[3..].iter_mut().enumerate() {
                    *slot = (n / 10_u32.pow(u32::try_from(i).unwrap()) % 10) as u8;
                }
                d
            })
            .find(|d| d[2..].iter().any(|x| *x != 0) && Mst::compute_check(d).is_none())
            .unwrap();
        let root: String = leading.iter().map(|d| char::from(b'0' + d)).collect();
        for last in 0..10 {
            assert_eq!(rule(&format!("{root}{last}")), Rule::CheckDigit);
        }
    }

    #[test]
    fn digits_three_to_nine_may_not_all_be_zero() {
        assert_eq!(rule("0100000000"), Rule::AllZero);
    }

    #[test]
    fn both_ways_of_writing_a_branch_are_one_code() {
        let dashed = Mst::parse("0100109106-001").unwrap();
        assert_eq!(Mst::parse("0100109106001").unwrap(), dashed);
        assert_eq!((dashed.root(), dashed.branch()), ("0100109106", Some(1)));
        assert_eq!(dashed.as_str(), "0100109106-001");
    }

    #[test]
    fn branch_zero_is_refused() {
        assert_eq!(rule("0100109106-000"), Rule::Branch);
        assert_eq!(rule("0100109106000"), Rule::Branch);
    }

    #[test]
    fn other_shapes_are_refused_with_their_reason() {
        assert_eq!(rule(""), Rule::Length);
        assert_eq!(rule("010010910"), Rule::Length);
        assert_eq!(rule("01001091O6"), Rule::Characters);
        assert_eq!(rule("0100109106-01"), Rule::Shape);
        assert_eq!(rule("01001091060-01"), Rule::Length);
        assert_eq!(rule("0100109ệ"), Rule::Characters);
        assert_eq!(rule("010010910ệa"), Rule::Characters);
    }

    #[test]
    fn a_tax_id_of_twelve_digits_is_a_pin() {
        assert!(matches!(
            TaxId::parse("099300123456").unwrap(),
            TaxId::Pin(_)
        ));
        assert!(matches!(TaxId::parse("0100109106").unwrap(), TaxId::Mst(_)));
    }

    proptest! {
        #[test]
        fn a_computed_check_digit_is_accepted_and_no_other_is(n in 1_u32..10_000_000) {
            let mut leading = [9, 9, 0, 0, 0, 0, 0, 0, 0];
            for (slot, byte) in leading[2..].iter_mut().zip(format!("{n:07}").bytes()) {
                *slot = byte - b'0';
            }
            let check = Mst::compute_check(&leading);
            for last in 0..10_u8 {
                let text = format!("99{n:07}{last}");
                prop_assert_eq!(Mst::parse(&text).is_ok(), check == Some(last));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,20}") {
            let _ = TaxId::parse(&text);
        }
    }
}
