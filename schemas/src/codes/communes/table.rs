//! The compiled-in lists and their indexes, made at first use.
//!
//! A list is lines: `=PPDDD` (or `=PP` without districts) heads the communes of one district, and each
//! other line is a 5-digit code and the name. The merge list is an old code and its one or more successors.

use std::sync::LazyLock;

use jiff::civil::Date;

use super::Commune;
use crate::codes::provinces::LAST_DAY_OF_63;

/// One list, ordered by code.
pub(super) struct Index(Vec<Commune>);

impl Index {
    pub(super) fn get(&self, code: &str) -> Option<&Commune> {
        let at = self.0.binary_search_by(|row| row.code.cmp(code)).ok()?;
        self.0.get(at)
    }

    pub(super) fn rows(&self) -> &[Commune] {
        &self.0
    }
}

/// The lists of a day, the one to look in first first.
pub(super) fn list(on: Date) -> &'static [Index] {
    match on <= LAST_DAY_OF_63 {
        true => &*BEFORE,
        false => &*AFTER,
    }
}

/// The successors of an old code, the largest share first.
pub(super) fn merged(old: &str) -> Option<&'static [&'static str]> {
    let at = MERGED.binary_search_by(|(code, _)| (*code).cmp(old)).ok()?;
    MERGED.get(at).map(|(_, new)| &**new)
}

/// An old code and its successors.
type Merged = (&'static str, Box<[&'static str]>);

static BEFORE: LazyLock<[Index; 2]> = LazyLock::new(|| {
    [
        index(include_str!("../../../data/communes-until-2025-06-30.txt")),
        index(include_str!("../../../data/communes-until-2020.txt")),
    ]
});

static AFTER: LazyLock<[Index; 1]> = LazyLock::new(|| {
    [index(include_str!(
        "../../../data/communes-from-2025-07-01.txt"
    ))]
});

static MERGED: LazyLock<Vec<Merged>> = LazyLock::new(|| {
    let lines = include_str!("../../../data/communes-merge-2025-07-01.txt").lines();
    let mut merged: Vec<_> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(old, new)| (old, new.split(' ').collect()))
        .collect();
    merged.sort_unstable_by_key(|(old, _)| *old);
    merged
});

fn index(text: &'static str) -> Index {
    let mut rows = Vec::with_capacity(text.len() / 24);
    let mut area = "";
    for line in text.lines() {
        match line.strip_prefix('=') {
            Some(next) => area = next,
            None => rows.extend(commune(area, line)),
        }
    }
    rows.sort_unstable_by_key(|row: &Commune| row.code);
    Index(rows)
}

fn commune(area: &'static str, line: &'static str) -> Option<Commune> {
    let (province, district) = area.split_at_checked(2)?;
    let (code, name) = line.split_at_checked(5)?;
    let district = (!district.is_empty()).then_some(district);
    Some(Commune {
        code,
        name,
        province,
        district,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_list_is_a_row_and_no_code_occurs_twice() {
        for (list, count) in [(&BEFORE[0], 10_035), (&BEFORE[1], 567), (&AFTER[0], 3_321)] {
            assert_eq!(list.rows().len(), count);
            assert!(
                list.rows()
                    .windows(2)
                    .all(|pair| pair[0].code < pair[1].code)
            );
            for row in list.rows() {
                assert!(row.code.bytes().all(|byte| byte.is_ascii_digit()));
                assert!(!row.name.is_empty() && row.name.trim() == row.name);
            }
        }
        assert_eq!(MERGED.len(), 10_035);
    }
}
