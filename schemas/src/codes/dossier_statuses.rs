//! `TrangThaiHoSo`: the statuses of a dossier on the National Public Service Portal.
//!
//! Which status may follow which is in no public text; that matrix is the portal adapter's own profile.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// One status of a dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DossierStatus {
    /// 1 to 10, as on the wire.
    pub code: u8,
    /// Its meaning in Vietnamese, as the portal shows it.
    pub vi: &'static str,
    /// Its meaning in English.
    pub en: &'static str,
    /// Whether no other status can follow.
    pub terminal: bool,
    /// When it holds.
    pub term: Term,
}

/// The status of a code on a day.
pub fn find(code: u8, on: Date) -> Option<&'static DossierStatus> {
    ROWS.iter()
        .find(|row| row.code == code && row.term.holds_on(on))
}

/// The statuses of a day, in the order of their codes.
pub fn on(day: Date) -> impl Iterator<Item = &'static DossierStatus> {
    ROWS.iter().filter(move |row| row.term.holds_on(day))
}

/// The portal's status for a word of local one-stop software; 0 is "interoperating", which only they know.
pub fn of_local_word(word: &str) -> Option<u8> {
    LOCAL_WORDS
        .iter()
        .find(|(local, _)| *local == word)
        .map(|(_, code)| *code)
}

const TERM: Term = Term::since(
    date(2019, 12, 9),
    "integrators' DongBoHoSoMC (National Public Service Portal)",
    Certainty::Read,
);

const fn row(code: u8, vi: &'static str, en: &'static str, terminal: bool) -> DossierStatus {
    DossierStatus {
        code,
        vi,
        en,
        terminal,
        term: TERM,
    }
}

const ROWS: &[DossierStatus] = &[
    row(1, "Mới đăng ký", "newly registered", false),
    row(2, "Được tiếp nhận", "received", false),
    row(3, "Không được tiếp nhận", "not received", true),
    row(4, "Đang xử lý", "processing", false),
    row(
        5,
        "Yêu cầu bổ sung giấy tờ",
        "papers to be supplemented",
        false,
    ),
    row(
        6,
        "Yêu cầu thực hiện nghĩa vụ tài chính",
        "payment required",
        false,
    ),
    row(
        7,
        "Công dân yêu cầu rút hồ sơ",
        "withdrawn by the citizen",
        true,
    ),
    row(8, "Dừng xử lý", "processing stopped", true),
    row(9, "Đã xử lý xong", "processed", false),
    row(10, "Đã trả kết quả", "result returned", true),
];

const LOCAL_WORDS: [(&str, u8); 11] = [
    ("interoperating", 0),
    ("receiving", 1),
    ("new", 2),
    ("denied", 3),
    ("processing", 4),
    ("waiting", 5),
    ("paying", 6),
    ("cancelled", 7),
    ("unresolved", 8),
    ("releasing", 9),
    ("done", 10),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_ten_statuses_are_terminal() {
        let today = date(2026, 11, 22);
        assert_eq!(
            on(today).map(|row| row.code).collect::<Vec<_>>(),
            (1..=10).collect::<Vec<u8>>()
        );
        let terminal: Vec<u8> = on(today)
            .filter(|row| row.terminal)
            .map(|row| row.code)
            .collect();
        assert_eq!(terminal, [3, 7, 8, 10]);
    }

    #[test]
    fn other_codes_and_words_are_unknown() {
        let today = date(2026, 11, 22);
        assert_eq!((find(0, today), find(11, today)), (None, None));
        assert_eq!(
            (of_local_word("done"), of_local_word("finished")),
            (Some(10), None)
        );
    }
}
