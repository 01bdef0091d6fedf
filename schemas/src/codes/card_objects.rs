//! Object codes and benefit levels of health insurance cards.

/// Whether a card may carry this object code with this benefit level in any row; a code in no row goes with level 4.
pub fn pair_is_possible(code: &str, level: u8) -> bool {
    LEVELS
        .iter()
        .find(|row| row.0.split(' ').any(|each| each == code))
        .map_or(4, |row| row.1)
        == level
}

const LEVELS: [(&str, u8); 4] = [
    ("CC TE", 1),
    ("CK CB KC HN DT DK XD BT TS AK CT", 2),
    ("HT TC CN PV TG DS HK", 3),
    ("QN CA CY", 5),
];
