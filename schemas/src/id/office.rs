//! Codes of offices and their papers: units, organisations, dossiers, procedures, facilities.

use jiff::civil::Date;

use super::{IdError, PartnerId, Rule, digits, open_id};

/// An employer's unit code at VSS (mã đơn vị): two letters, four digits, one letter, for example `TZ0000L`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode(Box<str>);

impl UnitCode {
    /// Parses two capital letters, four digits and one capital letter.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let kind = "UnitCode";
        if text.len() != 7 {
            return Err(IdError::new(kind, Rule::Length));
        }
        let right = |(at, byte): (usize, u8)| match at {
            0 | 1 | 6 => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        };
        match text.bytes().enumerate().all(right) {
            true => Ok(Self(text.into())),
            false => Err(IdError::new(kind, Rule::Characters)),
        }
    }
}

open_id!(UnitCode);

/// The code of a state organisation, kept in the left-to-right form of QĐ 20/2020/QĐ-TTg, for example `H56.14`.
///
/// The older 13-character form of QCVN 102:2016 (`000.00.14.H56`) is accepted and turned round:
/// `VVV.ZZ.YY.Mxx` becomes `Mxx.YY.ZZ.VVV` without its trailing groups of zeros.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganId(Box<str>);

impl OrganId {
    /// Parses either form, at most 35 characters of `[0-9A-Z.]`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let kind = "OrganId";
        if text.is_empty() || text.len() > 35 {
            return Err(IdError::new(kind, Rule::Length));
        }
        if !text.bytes().all(|byte| byte == b'.' || is_code(byte)) {
            return Err(IdError::new(kind, Rule::Characters));
        }
        if text.split('.').any(str::is_empty) {
            return Err(IdError::new(kind, Rule::Shape));
        }
        match is_right_to_left(text) {
            true => Ok(Self(turned(text).into())),
            false => Ok(Self(text.into())),
        }
    }

    /// The older 13-character form of QCVN 102:2016, where the code has one.
    pub fn right_to_left(&self) -> Option<String> {
        let mut groups = self.0.split('.');
        let (level_1, level_2) = (groups.next()?, groups.next().unwrap_or("00"));
        let (level_3, level_4) = (
            groups.next().unwrap_or("00"),
            groups.next().unwrap_or("000"),
        );
        let text = format!("{level_4}.{level_3}.{level_2}.{level_1}");
        (groups.next().is_none() && is_right_to_left(&text)).then_some(text)
    }
}

open_id!(OrganId);

fn is_right_to_left(text: &str) -> bool {
    text.len() == 13
        && text.bytes().enumerate().all(|(at, byte)| match at {
            3 | 6 | 9 => byte == b'.',
            10 => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        })
}

fn turned(text: &str) -> String {
    let mut groups: Vec<&str> = text.split('.').rev().collect();
    while groups.len() > 1
        && groups
            .last()
            .is_some_and(|group| group.bytes().all(|byte| byte == b'0'))
    {
        groups.pop();
    }
    groups.join(".")
}

/// A dossier's code (mã hồ sơ): `<organisation>-YYMMDD-<serial of 4 to 6 digits>`.
///
/// Both the style of Circular 01/2018/TT-VPCP art. 19 (`000.00.00.H56-190115-0001`) and the newer
/// `G22.99.08-260115-000001` are accepted as written; nothing is turned round, since the code is a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DossierCode(Box<str>);

impl DossierCode {
    /// Parses organisation groups of 1 to 3 characters, six digits and a serial of 4 to 6 digits.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let shape = || IdError::new("DossierCode", Rule::Shape);
        if text.len() > DOSSIER_LEN_MAX {
            return Err(IdError::new("DossierCode", Rule::Length));
        }
        let (rest, serial) = text.rsplit_once('-').ok_or_else(shape)?;
        let (organ, day) = rest.rsplit_once('-').ok_or_else(shape)?;
        if !(4..=6).contains(&serial.len()) || day.len() != 6 || !is_organ(organ) {
            return Err(shape());
        }
        if !serial
            .bytes()
            .chain(day.bytes())
            .all(|byte| byte.is_ascii_digit())
        {
            return Err(IdError::new("DossierCode", Rule::Characters));
        }
        Ok(Self(text.into()))
    }

    /// The organisation's groups, as written in the code.
    pub fn organ(&self) -> &str {
        self.0.rsplitn(3, '-').nth(2).unwrap_or_default()
    }

    /// The day in the code, in the years 2000–2099, where it is a day at all.
    pub fn day(&self) -> Option<Date> {
        let day = self.0.rsplit('-').nth(1)?;
        crate::date::parse_compact(&format!("20{day}")).ok()
    }
}

open_id!(DossierCode);

fn is_organ(text: &str) -> bool {
    text.split('.').count() <= 10
        && text.split('.').enumerate().all(|(at, group)| {
            let shortest = if at == 0 { 2 } else { 1 };
            (shortest..=3).contains(&group.len()) && group.bytes().all(is_code)
        })
}

/// An administrative procedure's code (mã TTHC): national `N.NNNNNN`, or with an organisation's suffix.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcedureCode(Box<str>);

impl ProcedureCode {
    /// Parses `N.NNNNNN`, `N.NNNNNN.Mxx` or `N.NNNNNN.000.00.00.Mxx`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let kind = "ProcedureCode";
        if !text.is_ascii() {
            return Err(IdError::new(kind, Rule::Characters));
        }
        let Some((national, suffix)) = text.split_at_checked(NATIONAL_LEN) else {
            return Err(IdError::new(kind, Rule::Length));
        };
        let (field, number) = national
            .split_once('.')
            .ok_or(IdError::new(kind, Rule::Shape))?;
        digits(kind, field, 1)?;
        digits(kind, number, 6)?;
        match suffix.is_empty() || suffix.strip_prefix('.').is_some_and(is_owner) {
            true => Ok(Self(text.into())),
            false => Err(IdError::new(kind, Rule::Shape)),
        }
    }

    /// The national part `N.NNNNNN`.
    pub fn national(&self) -> &str {
        self.0.get(..NATIONAL_LEN).unwrap_or(&self.0)
    }
}

open_id!(ProcedureCode);

fn is_owner(text: &str) -> bool {
    let short = text.len() == 3
        && text.bytes().enumerate().all(|(at, byte)| match at {
            0 => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        });
    short || is_right_to_left(text)
}

/// A health facility's code (mã CSKCB): five characters, the first two the province.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FacilityCode(Box<str>);

impl FacilityCode {
    /// Parses two digits and three digits or capital letters.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let kind = "FacilityCode";
        if text.len() != 5 {
            return Err(IdError::new(kind, Rule::Length));
        }
        let right = |(at, byte): (usize, u8)| byte.is_ascii_digit() || (at > 1 && is_code(byte));
        match text.bytes().enumerate().all(right) {
            true => Ok(Self(text.into())),
            false => Err(IdError::new(kind, Rule::Characters)),
        }
    }

    /// The id under which the facility is registered as a partner, for example `cskcb-01001` (own profile).
    pub fn partner(&self) -> PartnerId {
        PartnerId::parse(&format!("cskcb-{}", self.0.to_ascii_lowercase()))
            .expect("five ASCII letters or digits and a prefix of both with a hyphen")
    }

    /// The two digits of the province that gave the code; kept after the merger until a new code is given.
    pub fn province(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }
}

open_id!(FacilityCode);

fn is_code(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

const NATIONAL_LEN: usize = 8;
const DOSSIER_LEN_MAX: usize = 53;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_code_is_two_letters_four_digits_and_a_letter() {
        assert!(UnitCode::parse("TZ0000L").is_ok());
        assert_eq!(UnitCode::parse("TZ0000").unwrap_err().rule(), Rule::Length);
        assert_eq!(
            UnitCode::parse("tz0000l").unwrap_err().rule(),
            Rule::Characters
        );
        assert_eq!(
            UnitCode::parse("TZ000OL").unwrap_err().rule(),
            Rule::Characters
        );
    }

    #[test]
    fn both_forms_of_an_organisation_are_one_code() {
        for (old, new) in [
            ("000.00.00.G22", "G22"),
            ("000.00.14.H56", "H56.14"),
            ("000.08.99.G22", "G22.99.08"),
            ("001.00.05.H56", "H56.05.00.001"),
        ] {
            let organ = OrganId::parse(old).unwrap();
            assert_eq!(organ.as_str(), new);
            assert_eq!(organ, OrganId::parse(new).unwrap());
            assert_eq!(organ.right_to_left().as_deref(), Some(old));
        }
    }

    #[test]
    fn an_enterprise_code_is_an_organisation_without_an_older_form() {
        let organ = OrganId::parse("9900109106").unwrap();
        assert_eq!(
            (organ.as_str(), organ.right_to_left()),
            ("9900109106", None)
        );
    }

    #[test]
    fn organisations_of_other_shapes_are_refused_with_their_reason() {
        assert_eq!(OrganId::parse("").unwrap_err().rule(), Rule::Length);
        assert_eq!(
            OrganId::parse(&"A".repeat(36)).unwrap_err().rule(),
            Rule::Length
        );
        assert_eq!(OrganId::parse("H56..14").unwrap_err().rule(), Rule::Shape);
        assert_eq!(OrganId::parse("h56").unwrap_err().rule(), Rule::Characters);
    }

    #[test]
    fn dossier_codes_of_both_styles_are_kept_as_written() {
        let old = DossierCode::parse("000.00.00.H56-190115-0001").unwrap();
        assert_eq!(
            (old.organ(), old.day()),
            ("000.00.00.H56", Some(jiff::civil::date(2019, 1, 15)))
        );
        let new = DossierCode::parse("G22.99.08-260115-000001").unwrap();
        assert_eq!(
            (new.organ(), new.day()),
            ("G22.99.08", Some(jiff::civil::date(2026, 1, 15)))
        );
        assert!(DossierCode::parse("H56.14-260115-0001").is_ok());
    }

    #[test]
    fn dossier_codes_of_other_shapes_are_refused_with_their_reason() {
        for (text, rule) in [
            ("H56", Rule::Shape),
            ("H56-260115", Rule::Shape),
            ("H56-260115-001", Rule::Shape),
            ("H56-26011-0001", Rule::Shape),
            ("H-260115-0001", Rule::Shape),
            ("h56-260115-0001", Rule::Shape),
            ("H56.1234-260115-0001", Rule::Shape),
            ("H56-26O115-0001", Rule::Characters),
            (&*format!("H56{}-260115-0001", ".1".repeat(10)), Rule::Shape),
            (&*"1".repeat(60), Rule::Length),
        ] {
            assert_eq!(DossierCode::parse(text).unwrap_err().rule(), rule, "{text}");
        }
    }

    #[test]
    fn a_procedure_code_may_name_its_owner() {
        for text in ["2.000986", "1.001193.H56", "2.002621.000.00.00.H56"] {
            assert_eq!(ProcedureCode::parse(text).unwrap().national(), &text[..8]);
        }
        for (text, rule) in [
            ("2.00098", Rule::Length),
            ("20000986", Rule::Shape),
            ("2.00098x", Rule::Characters),
            ("2.000986.01", Rule::Shape),
            ("2.000986H56", Rule::Shape),
        ] {
            assert_eq!(
                ProcedureCode::parse(text).unwrap_err().rule(),
                rule,
                "{text}"
            );
        }
    }

    #[test]
    fn a_facility_begins_with_its_province() {
        assert_eq!(FacilityCode::parse("79024").unwrap().province(), "79");
        assert_eq!(
            FacilityCode::parse("7902").unwrap_err().rule(),
            Rule::Length
        );
        assert_eq!(
            FacilityCode::parse("A9024").unwrap_err().rule(),
            Rule::Characters
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,60}") {
            let _ = (OrganId::parse(&text), DossierCode::parse(&text), ProcedureCode::parse(&text));
            let _ = (UnitCode::parse(&text), FacilityCode::parse(&text));
        }

        #[test]
        fn an_older_form_survives_being_turned_twice(text in "[0-9]{3}\\.[0-9]{2}\\.[0-9]{2}\\.[A-Z][0-9]{2}") {
            prop_assert_eq!(OrganId::parse(&text).unwrap().right_to_left(), Some(text));
        }
    }
}
