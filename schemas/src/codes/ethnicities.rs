//! Ethnicities, two digits; 55 is a foreigner.

use jiff::civil::date;

use super::{Certainty, Code, List, Term, code};

/// The list of 54 ethnicities and 55 for foreigners.
pub const LIST: List = List(ROWS);

const TERM: Term = Term::since(date(1979, 3, 2), "QĐ 121-TCTK/PPCĐ", Certainty::Read);

const ROWS: &[Code] = &[
    code("01", "Kinh", "Kinh", TERM),
    code("02", "Tày", "Tày", TERM),
    code("03", "Thái", "Thái", TERM),
    code("04", "Hoa", "Hoa", TERM),
    code("05", "Khơ-me", "Khơ-me", TERM),
    code("06", "Mường", "Mường", TERM),
    code("07", "Nùng", "Nùng", TERM),
    code("08", "Mông", "Mông", TERM),
    code("09", "Dao", "Dao", TERM),
    code("10", "Gia-rai", "Gia-rai", TERM),
    code("11", "Ngái", "Ngái", TERM),
    code("12", "Ê-đê", "Ê-đê", TERM),
    code("13", "Ba-na", "Ba-na", TERM),
    code("14", "Xơ-đăng", "Xơ-đăng", TERM),
    code("15", "Sán Chay", "Sán Chay", TERM),
    code("16", "Cơ-ho", "Cơ-ho", TERM),
    code("17", "Chăm", "Chăm", TERM),
    code("18", "Sán Dìu", "Sán Dìu", TERM),
    code("19", "Hrê", "Hrê", TERM),
    code("20", "Mnông", "Mnông", TERM),
    code("21", "Ra-glai", "Ra-glai", TERM),
    code("22", "Xtiêng", "Xtiêng", TERM),
    code("23", "Bru-Vân Kiều", "Bru-Vân Kiều", TERM),
    code("24", "Thổ", "Thổ", TERM),
    code("25", "Giáy", "Giáy", TERM),
    code("26", "Cơ-tu", "Cơ-tu", TERM),
    code("27", "Gié-Triêng", "Gié-Triêng", TERM),
    code("28", "Mạ", "Mạ", TERM),
    code("29", "Khơ-mú", "Khơ-mú", TERM),
    code("30", "Co", "Co", TERM),
    code("31", "Ta-ôi", "Ta-ôi", TERM),
    code("32", "Chơ-ro", "Chơ-ro", TERM),
    code("33", "Kháng", "Kháng", TERM),
    code("34", "Xinh-mun", "Xinh-mun", TERM),
    code("35", "Hà Nhì", "Hà Nhì", TERM),
    code("36", "Chu-ru", "Chu-ru", TERM),
    code("37", "Lào", "Lào", TERM),
    code("38", "La Chí", "La Chí", TERM),
    code("39", "La Ha", "La Ha", TERM),
    code("40", "Phù Lá", "Phù Lá", TERM),
    code("41", "La Hủ", "La Hủ", TERM),
    code("42", "Lự", "Lự", TERM),
    code("43", "Lô Lô", "Lô Lô", TERM),
    code("44", "Chứt", "Chứt", TERM),
    code("45", "Mảng", "Mảng", TERM),
    code("46", "Pà Thẻn", "Pà Thẻn", TERM),
    code("47", "Cơ Lao", "Cơ Lao", TERM),
    code("48", "Cống", "Cống", TERM),
    code("49", "Bố Y", "Bố Y", TERM),
    code("50", "Si La", "Si La", TERM),
    code("51", "Pu Péo", "Pu Péo", TERM),
    code("52", "Brâu", "Brâu", TERM),
    code("53", "Ơ Đu", "Ơ Đu", TERM),
    code("54", "Rơ-măm", "Rơ-măm", TERM),
    code("55", "Người nước ngoài", "foreigner", TERM),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_run_from_01_to_55_without_a_gap() {
        let expected: Vec<String> = (1..=55).map(|number| format!("{number:02}")).collect();
        assert_eq!(
            LIST.rows().iter().map(|row| row.code).collect::<Vec<_>>(),
            expected
        );
        assert_eq!(LIST.find("14", date(2026, 1, 1)).unwrap().vi, "Xơ-đăng");
        assert!(!LIST.holds("56", date(2026, 1, 1)) && !LIST.holds("1", date(2026, 1, 1)));
    }
}
