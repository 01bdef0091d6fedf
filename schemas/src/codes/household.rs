//! Relations to the head of a household, two digits, as VSS writes them.

use jiff::civil::date;

use super::{Certainty, Code, List, Term, code};

/// Relations to the head of a household. Codes 12 to 21 are in no source that we could read.
pub const RELATIONS: List = List(ROWS);

const TERM: Term = Term::since(
    date(2018, 12, 1),
    "form TK1-TS of VSS",
    Certainty::Secondary,
);

const ROWS: &[Code] = &[
    code("00", "Chủ hộ", "head", TERM),
    code("01", "Vợ", "wife", TERM),
    code("02", "Chồng", "husband", TERM),
    code("03", "Bố", "father", TERM),
    code("04", "Mẹ", "mother", TERM),
    code("05", "Em", "younger sibling", TERM),
    code("06", "Anh", "elder brother", TERM),
    code("07", "Chị", "elder sister", TERM),
    code("08", "Con", "child", TERM),
    code("09", "Cháu", "grandchild, nephew or niece", TERM),
    code("10", "Ông", "grandfather", TERM),
    code("11", "Bà", "grandmother", TERM),
    code("22", "Khác", "other", TERM),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_08_and_an_unread_code_is_unknown() {
        let today = date(2026, 11, 22);
        assert_eq!(RELATIONS.find("08", today).unwrap().en, "child");
        assert!(!RELATIONS.holds("12", today));
    }
}
