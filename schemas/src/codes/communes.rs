//! Communes, wards, townships and special zones: 5-digit codes before and after 2025-07-01.
//!
//! A code without a day means nothing: 00004 was the ward Trúc Bạch and is the ward Ba Đình. The lists
//! lie in `schemas/data` (origin and licences there) and are indexed at their first use, a few milliseconds.
//! The five island districts that had no commune are in [`island`].

mod table;

use jiff::civil::{Date, date};

use super::provinces::LAST_DAY_OF_63;
use super::{Certainty, Term};

/// A commune, ward, township or special zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commune {
    /// Five digits.
    pub code: &'static str,
    /// The name with its rank, in NFC; for the present list as of mid-2026.
    pub name: &'static str,
    /// The two digits of its province on that day.
    pub province: &'static str,
    /// The three digits of its district; `None` since 2025-07-01, when districts ended.
    pub district: Option<&'static str>,
}

/// What became of a commune on 2025-07-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Successor {
    /// All of it went into this commune.
    Whole(&'static str),
    /// It was divided among these, the largest share first: an address or a person has to decide.
    Split(&'static [&'static str]),
    /// It was gone before the merger, or never was.
    Unknown,
}

/// The commune of a 5-digit code on a day.
///
/// Before 2025-07-01 the codes of about 2020 are accepted too, since older records carry them; on which
/// day each of those ended is not in the source.
pub fn find(code: &str, on: Date) -> Option<&'static Commune> {
    table::list(on).iter().find_map(|list| list.get(code))
}

/// The two digits of a commune's province on a day.
pub fn province_of(code: &str, on: Date) -> Option<&'static str> {
    find(code, on).map(|commune| commune.province)
}

/// The communes of a day in the order of their codes, without those that ended before the eve of the merger.
pub fn all(on: Date) -> impl Iterator<Item = &'static Commune> {
    table::list(on)[0].rows().iter()
}

/// The communes of one province on a day.
pub fn of_province(province: &str, on: Date) -> impl Iterator<Item = &'static Commune> {
    all(on).filter(move |commune| commune.province == province)
}

/// What became of an old code on 2025-07-01.
pub fn successor(old: &str) -> Successor {
    match table::merged(old) {
        Some(&[new]) => Successor::Whole(new),
        Some(several) => Successor::Split(several),
        None => Successor::Unknown,
    }
}

/// When the present list, or the last one before it, holds.
pub fn term(on: Date) -> Term {
    let before = Term::since(date(2004, 7, 8), "QĐ 124/2004/QĐ-TTg", Certainty::Secondary)
        .until(LAST_DAY_OF_63);
    match before.holds_on(on) {
        true => before,
        false => Term::since(date(2025, 7, 1), "QĐ 19/2025/QĐ-TTg", Certainty::Read),
    }
}

/// An island district that had no commune until 2025-06-30; an address in it had a district only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Island {
    /// The three digits of the district.
    pub district: &'static str,
    /// Its name with its rank.
    pub name: &'static str,
    /// The two digits of its province until 2025-06-30.
    pub province: &'static str,
    /// The special zone that it became.
    pub successor: &'static str,
}

/// The island district without communes of a 3-digit code on a day.
pub fn island(district: &str, on: Date) -> Option<&'static Island> {
    ISLANDS
        .iter()
        .find(|island| island.district == district && on <= LAST_DAY_OF_63)
}

const ISLANDS: [Island; 5] = [
    Island {
        district: "318",
        name: "Huyện Bạch Long Vĩ",
        province: "31",
        successor: "11948",
    },
    Island {
        district: "471",
        name: "Huyện Cồn Cỏ",
        province: "45",
        successor: "19742",
    },
    Island {
        district: "498",
        name: "Huyện Hoàng Sa",
        province: "48",
        successor: "20333",
    },
    Island {
        district: "536",
        name: "Huyện Lý Sơn",
        province: "51",
        successor: "21548",
    },
    Island {
        district: "755",
        name: "Huyện Côn Đảo",
        province: "77",
        successor: "26732",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_DAY_OF_34: Date = date(2025, 7, 1);

    #[test]
    fn the_lists_are_complete() {
        assert_eq!(all(LAST_DAY_OF_63).count(), 10_035);
        assert_eq!(all(FIRST_DAY_OF_34).count(), 3_321);
    }

    #[test]
    fn a_code_means_what_it_meant_on_that_day() {
        let before = find("00004", LAST_DAY_OF_63).unwrap();
        assert_eq!(
            (before.name, before.province, before.district),
            ("Phường Trúc Bạch", "01", Some("001"))
        );
        let after = find("00004", FIRST_DAY_OF_34).unwrap();
        assert_eq!(
            (after.name, after.province, after.district),
            ("Phường Ba Đình", "01", None)
        );
    }

    #[test]
    fn an_unknown_code_is_found_on_no_day() {
        for code in ["99999", "00000", "", "0004", "000041", "=0100", "Phườn"] {
            assert_eq!(
                (find(code, LAST_DAY_OF_63), find(code, FIRST_DAY_OF_34)),
                (None, None),
                "{code}"
            );
        }
    }

    #[test]
    fn a_code_that_ended_with_the_merger_is_unknown_afterwards() {
        assert!(find("00001", LAST_DAY_OF_63).is_some());
        assert_eq!(find("00001", FIRST_DAY_OF_34), None);
        assert_eq!(successor("00001"), Successor::Whole("00097"));
    }

    #[test]
    fn a_divided_commune_names_all_its_parts_the_largest_first() {
        assert_eq!(successor("00022"), Successor::Split(&["00008", "00004"]));
        assert_eq!(successor("99999"), Successor::Unknown);
        assert_eq!(
            all(LAST_DAY_OF_63)
                .filter(|old| matches!(successor(old.code), Successor::Split(_)))
                .count(),
            471
        );
    }

    #[test]
    fn every_commune_of_the_eve_has_successors_that_exist() {
        for old in all(LAST_DAY_OF_63) {
            let parts = match successor(old.code) {
                Successor::Whole(new) => vec![new],
                Successor::Split(parts) => parts.to_vec(),
                Successor::Unknown => panic!("{}", old.code),
            };
            assert!(
                parts.iter().all(|new| find(new, FIRST_DAY_OF_34).is_some()),
                "{}",
                old.code
            );
        }
    }

    #[test]
    fn codes_of_older_records_are_found_before_the_merger_but_lead_nowhere() {
        let old = table::list(LAST_DAY_OF_63)[1].rows().first().unwrap();
        assert_eq!(find(old.code, date(2019, 1, 1)), Some(old));
        assert_eq!(successor(old.code), Successor::Unknown);
    }

    #[test]
    fn an_island_district_without_communes_became_a_special_zone() {
        for island in &ISLANDS {
            let zone = find(island.successor, FIRST_DAY_OF_34).unwrap();
            assert!(zone.name.starts_with("Đặc khu"), "{}", zone.name);
            assert_eq!(
                Some(zone.province),
                super::super::provinces::successor(island.province)
            );
        }
        assert_eq!(island("318", LAST_DAY_OF_63).unwrap().province, "31");
        assert_eq!(
            (
                island("318", FIRST_DAY_OF_34),
                island("001", LAST_DAY_OF_63)
            ),
            (None, None)
        );
    }

    #[test]
    fn every_province_of_a_commune_is_a_province_of_that_day() {
        for day in [LAST_DAY_OF_63, FIRST_DAY_OF_34] {
            assert!(
                all(day)
                    .all(|commune| super::super::provinces::find(commune.province, day).is_some())
            );
        }
    }
}
