//! Provinces: the list of 63 until 2025-06-30 and the list of 34 from 2025-07-01.
//!
//! Seven codes changed their meaning that day (15, 24, 44, 52, 80, 82, 91) and one more its name before (46), so a
//! code without a day means nothing. PINs keep the codes of the list of 63 for ever.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// A province or centrally run city.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Province {
    /// Two digits.
    pub code: &'static str,
    /// The name without its rank.
    pub name: &'static str,
    /// When this code has this name.
    pub term: Term,
}

/// The last day of the list of 63.
pub const LAST_DAY_OF_63: Date = date(2025, 6, 30);

/// The province of a two-digit code on a day.
pub fn find(code: &str, on: Date) -> Option<&'static Province> {
    ROWS.iter()
        .find(|row| row.code == code && row.term.holds_on(on))
}

/// The provinces of a day, in the order of their codes.
pub fn on(day: Date) -> impl Iterator<Item = &'static Province> {
    ROWS.iter().filter(move |row| row.term.holds_on(day))
}

/// The code in the list of 34 of what a code of the list of 63 became.
pub fn successor(code: &str) -> Option<&'static str> {
    let old = find(code, LAST_DAY_OF_63)?;
    Some(
        MERGED
            .iter()
            .find(|(from, _)| *from == old.code)
            .map_or(old.code, |(_, to)| to),
    )
}

/// Whether two digits are a code of the list of 63, which PINs keep for ever.
pub fn in_list_of_63(code: &str) -> bool {
    find(code, LAST_DAY_OF_63).is_some()
}

const fn row(code: &'static str, name: &'static str, term: Term) -> Province {
    Province { code, name, term }
}

const BEFORE: Term = Term::since(date(2004, 7, 8), "QĐ 124/2004/QĐ-TTg", Certainty::Read);
const HUE: Term = Term::since(date(2025, 1, 1), "NQ 175/2024/QH15", Certainty::Weak);
const AFTER: Term = Term::since(date(2025, 7, 1), "QĐ 19/2025/QĐ-TTg", Certainty::Read);

const ROWS: &[Province] = &[
    row("01", "Hà Nội", BEFORE.until(LAST_DAY_OF_63)),
    row("02", "Hà Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("04", "Cao Bằng", BEFORE.until(LAST_DAY_OF_63)),
    row("06", "Bắc Kạn", BEFORE.until(LAST_DAY_OF_63)),
    row("08", "Tuyên Quang", BEFORE.until(LAST_DAY_OF_63)),
    row("10", "Lào Cai", BEFORE.until(LAST_DAY_OF_63)),
    row("11", "Điện Biên", BEFORE.until(LAST_DAY_OF_63)),
    row("12", "Lai Châu", BEFORE.until(LAST_DAY_OF_63)),
    row("14", "Sơn La", BEFORE.until(LAST_DAY_OF_63)),
    row("15", "Yên Bái", BEFORE.until(LAST_DAY_OF_63)),
    row("17", "Hoà Bình", BEFORE.until(LAST_DAY_OF_63)),
    row("19", "Thái Nguyên", BEFORE.until(LAST_DAY_OF_63)),
    row("20", "Lạng Sơn", BEFORE.until(LAST_DAY_OF_63)),
    row("22", "Quảng Ninh", BEFORE.until(LAST_DAY_OF_63)),
    row("24", "Bắc Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("25", "Phú Thọ", BEFORE.until(LAST_DAY_OF_63)),
    row("26", "Vĩnh Phúc", BEFORE.until(LAST_DAY_OF_63)),
    row("27", "Bắc Ninh", BEFORE.until(LAST_DAY_OF_63)),
    row("30", "Hải Dương", BEFORE.until(LAST_DAY_OF_63)),
    row("31", "Hải Phòng", BEFORE.until(LAST_DAY_OF_63)),
    row("33", "Hưng Yên", BEFORE.until(LAST_DAY_OF_63)),
    row("34", "Thái Bình", BEFORE.until(LAST_DAY_OF_63)),
    row("35", "Hà Nam", BEFORE.until(LAST_DAY_OF_63)),
    row("36", "Nam Định", BEFORE.until(LAST_DAY_OF_63)),
    row("37", "Ninh Bình", BEFORE.until(LAST_DAY_OF_63)),
    row("38", "Thanh Hoá", BEFORE.until(LAST_DAY_OF_63)),
    row("40", "Nghệ An", BEFORE.until(LAST_DAY_OF_63)),
    row("42", "Hà Tĩnh", BEFORE.until(LAST_DAY_OF_63)),
    row("44", "Quảng Bình", BEFORE.until(LAST_DAY_OF_63)),
    row("45", "Quảng Trị", BEFORE.until(LAST_DAY_OF_63)),
    row("46", "Thừa Thiên Huế", BEFORE.until(date(2024, 12, 31))),
    row("46", "Huế", HUE.until(LAST_DAY_OF_63)),
    row("48", "Đà Nẵng", BEFORE.until(LAST_DAY_OF_63)),
    row("49", "Quảng Nam", BEFORE.until(LAST_DAY_OF_63)),
    row("51", "Quảng Ngãi", BEFORE.until(LAST_DAY_OF_63)),
    row("52", "Bình Định", BEFORE.until(LAST_DAY_OF_63)),
    row("54", "Phú Yên", BEFORE.until(LAST_DAY_OF_63)),
    row("56", "Khánh Hoà", BEFORE.until(LAST_DAY_OF_63)),
    row("58", "Ninh Thuận", BEFORE.until(LAST_DAY_OF_63)),
    row("60", "Bình Thuận", BEFORE.until(LAST_DAY_OF_63)),
    row("62", "Kon Tum", BEFORE.until(LAST_DAY_OF_63)),
    row("64", "Gia Lai", BEFORE.until(LAST_DAY_OF_63)),
    row("66", "Đắk Lắk", BEFORE.until(LAST_DAY_OF_63)),
    row("67", "Đắk Nông", BEFORE.until(LAST_DAY_OF_63)),
    row("68", "Lâm Đồng", BEFORE.until(LAST_DAY_OF_63)),
    row("70", "Bình Phước", BEFORE.until(LAST_DAY_OF_63)),
    row("72", "Tây Ninh", BEFORE.until(LAST_DAY_OF_63)),
    row("74", "Bình Dương", BEFORE.until(LAST_DAY_OF_63)),
    row("75", "Đồng Nai", BEFORE.until(LAST_DAY_OF_63)),
    row("77", "Bà Rịa - Vũng Tàu", BEFORE.until(LAST_DAY_OF_63)),
    row("79", "Hồ Chí Minh", BEFORE.until(LAST_DAY_OF_63)),
    row("80", "Long An", BEFORE.until(LAST_DAY_OF_63)),
    row("82", "Tiền Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("83", "Bến Tre", BEFORE.until(LAST_DAY_OF_63)),
    row("84", "Trà Vinh", BEFORE.until(LAST_DAY_OF_63)),
    row("86", "Vĩnh Long", BEFORE.until(LAST_DAY_OF_63)),
    row("87", "Đồng Tháp", BEFORE.until(LAST_DAY_OF_63)),
    row("89", "An Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("91", "Kiên Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("92", "Cần Thơ", BEFORE.until(LAST_DAY_OF_63)),
    row("93", "Hậu Giang", BEFORE.until(LAST_DAY_OF_63)),
    row("94", "Sóc Trăng", BEFORE.until(LAST_DAY_OF_63)),
    row("95", "Bạc Liêu", BEFORE.until(LAST_DAY_OF_63)),
    row("96", "Cà Mau", BEFORE.until(LAST_DAY_OF_63)),
    row("01", "Hà Nội", AFTER),
    row("04", "Cao Bằng", AFTER),
    row("08", "Tuyên Quang", AFTER),
    row("11", "Điện Biên", AFTER),
    row("12", "Lai Châu", AFTER),
    row("14", "Sơn La", AFTER),
    row("15", "Lào Cai", AFTER),
    row("19", "Thái Nguyên", AFTER),
    row("20", "Lạng Sơn", AFTER),
    row("22", "Quảng Ninh", AFTER),
    row("24", "Bắc Ninh", AFTER),
    row("25", "Phú Thọ", AFTER),
    row("31", "Hải Phòng", AFTER),
    row("33", "Hưng Yên", AFTER),
    row("37", "Ninh Bình", AFTER),
    row("38", "Thanh Hoá", AFTER),
    row("40", "Nghệ An", AFTER),
    row("42", "Hà Tĩnh", AFTER),
    row("44", "Quảng Trị", AFTER),
    row("46", "Huế", AFTER),
    row("48", "Đà Nẵng", AFTER),
    row("51", "Quảng Ngãi", AFTER),
    row("52", "Gia Lai", AFTER),
    row("56", "Khánh Hoà", AFTER),
    row("66", "Đắk Lắk", AFTER),
    row("68", "Lâm Đồng", AFTER),
    row("75", "Đồng Nai", AFTER),
    row("79", "Hồ Chí Minh", AFTER),
    row("80", "Tây Ninh", AFTER),
    row("82", "Đồng Tháp", AFTER),
    row("86", "Vĩnh Long", AFTER),
    row("91", "An Giang", AFTER),
    row("92", "Cần Thơ", AFTER),
    row("96", "Cà Mau", AFTER),
];

/// From the list of 63 to the list of 34, where the code changed.
const MERGED: [(&str, &str); 29] = [
    ("02", "08"),
    ("06", "19"),
    ("10", "15"),
    ("17", "25"),
    ("26", "25"),
    ("27", "24"),
    ("30", "31"),
    ("34", "33"),
    ("35", "37"),
    ("36", "37"),
    ("45", "44"),
    ("49", "48"),
    ("54", "66"),
    ("58", "56"),
    ("60", "68"),
    ("62", "51"),
    ("64", "52"),
    ("67", "68"),
    ("70", "75"),
    ("72", "80"),
    ("74", "79"),
    ("77", "79"),
    ("83", "86"),
    ("84", "86"),
    ("87", "82"),
    ("89", "91"),
    ("93", "92"),
    ("94", "92"),
    ("95", "96"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::communes;

    const FIRST_DAY_OF_34: Date = date(2025, 7, 1);

    fn name(code: &str, on: Date) -> Option<&'static str> {
        find(code, on).map(|province| province.name)
    }

    #[test]
    fn there_are_63_provinces_and_then_34() {
        assert_eq!(on(date(2024, 12, 31)).count(), 63);
        assert_eq!(on(LAST_DAY_OF_63).count(), 63);
        assert_eq!(on(FIRST_DAY_OF_34).count(), 34);
    }

    #[test]
    fn a_code_may_name_another_province_after_the_merger() {
        for (code, before, after) in [
            ("15", "Yên Bái", "Lào Cai"),
            ("24", "Bắc Giang", "Bắc Ninh"),
            ("44", "Quảng Bình", "Quảng Trị"),
            ("52", "Bình Định", "Gia Lai"),
            ("80", "Long An", "Tây Ninh"),
            ("82", "Tiền Giang", "Đồng Tháp"),
            ("91", "Kiên Giang", "An Giang"),
        ] {
            assert_eq!(
                (name(code, LAST_DAY_OF_63), name(code, FIRST_DAY_OF_34)),
                (Some(before), Some(after))
            );
        }
    }

    #[test]
    fn every_old_province_has_a_successor_and_every_new_one_is_one() {
        let mut reached: Vec<&str> = on(LAST_DAY_OF_63)
            .filter_map(|old| successor(old.code))
            .collect();
        assert_eq!(reached.len(), 63);
        reached.sort_unstable();
        reached.dedup();
        assert_eq!(
            reached,
            on(FIRST_DAY_OF_34).map(|new| new.code).collect::<Vec<_>>()
        );
        assert_eq!(
            (successor("77"), successor("01"), successor("03")),
            (Some("79"), Some("01"), None)
        );
    }

    #[test]
    fn a_code_that_was_merged_away_is_unknown_afterwards() {
        assert_eq!(
            (name("77", LAST_DAY_OF_63), name("77", FIRST_DAY_OF_34)),
            (Some("Bà Rịa - Vũng Tàu"), None)
        );
        assert_eq!(
            (name("46", date(2024, 12, 31)), name("46", date(2025, 1, 1))),
            (Some("Thừa Thiên Huế"), Some("Huế"))
        );
        assert_eq!(name("99", FIRST_DAY_OF_34), None);
    }

    #[test]
    fn each_new_province_has_the_number_of_communes_that_the_decision_gives_it() {
        for (code, count) in [
            ("01", 126),
            ("04", 56),
            ("08", 124),
            ("11", 45),
            ("12", 38),
            ("14", 75),
            ("15", 99),
            ("19", 92),
            ("20", 65),
            ("22", 54),
            ("24", 99),
            ("25", 148),
            ("31", 114),
            ("33", 104),
            ("37", 129),
            ("38", 166),
            ("40", 130),
            ("42", 69),
            ("44", 78),
            ("46", 40),
            ("48", 94),
            ("51", 96),
            ("52", 135),
            ("56", 65),
            ("66", 102),
            ("68", 124),
            ("75", 95),
            ("79", 168),
            ("80", 96),
            ("82", 102),
            ("86", 124),
            ("91", 102),
            ("92", 103),
            ("96", 64),
        ] {
            assert_eq!(
                communes::of_province(code, FIRST_DAY_OF_34).count(),
                count,
                "{code}"
            );
        }
    }

    #[test]
    fn the_communes_of_an_old_province_lie_in_its_successor() {
        let mut checked = 0;
        for old in communes::all(LAST_DAY_OF_63) {
            if let communes::Successor::Whole(new) = communes::successor(old.code) {
                assert_eq!(
                    communes::province_of(new, FIRST_DAY_OF_34),
                    successor(old.province),
                    "{}",
                    old.code
                );
                checked += 1;
            }
        }
        assert_eq!(checked, 9_564);
    }
}
