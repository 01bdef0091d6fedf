//! The card of a child under six, judged by this side's own reading of the law.
//!
//! Object code TE, level 1, province of the child's residence, then the SI number (QĐ 1351/QĐ-BHXH).
//! Valid from the day of birth. To: Decree 146/2018/NĐ-CP for cards issued before 2025-08-15; since then
//! the Law on Health Insurance art. 16.3(d), until the wording of Decree 188/2025 has been read.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use schemas::date::parse_slash;

use crate::call::Trouble;

/// A card as the gateway told it; `Debug` shows its dates only.
#[derive(Clone, PartialEq, Eq)]
pub struct CardSeen {
    /// SI number, 10 digits.
    pub si_number: String,
    /// Card number, 15 characters.
    pub number: String,
    /// First valid day, `dd/MM/yyyy`.
    pub valid_from: String,
    /// Last valid day, `dd/MM/yyyy`.
    pub valid_to: String,
    /// Initial facility.
    pub facility: String,
}

impl std::fmt::Debug for CardSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CardSeen(***, {} to {})", self.valid_from, self.valid_to)
    }
}

/// The last valid day of the card of a child born on one day and issued on another.
pub fn expected_end(born: Date, issued: Date) -> Date {
    let reached = born.saturating_add(72.months());
    let september = date(reached.year(), 9, 30);
    if born.month() <= 9 {
        september
    } else if issued < DECREE_146_ENDS {
        reached.last_of_month()
    } else {
        reached
    }
}

/// Refuses a card that the law would not give this child.
pub(super) fn judge(
    card: &CardSeen,
    born: Date,
    province: &str,
    facility: &str,
    today: Date,
) -> Result<(), Trouble> {
    let expected = format!("TE1{province}{}", card.si_number);
    // the card may have been issued yesterday, where midnight passed in between
    let ends = [
        expected_end(born, today),
        expected_end(born, today.yesterday().unwrap_or(today)),
    ];
    let is = |text: &str, day: Date| parse_slash(text) == Ok(day);
    for (holds, what) in [
        (
            is_si_number(&card.si_number),
            "the SI number is not ten digits of the synthetic range",
        ),
        (
            card.number == expected,
            "the card number is not TE1, the province and the SI number",
        ),
        (
            is(&card.valid_from, born),
            "the card is not valid from the day of birth",
        ),
        (
            ends.iter().any(|end| is(&card.valid_to, *end)),
            "the card does not end when the law says",
        ),
        (card.facility == facility, "the card names another facility"),
    ] {
        if !holds {
            return Err(Trouble::answer(what));
        }
    }
    Ok(())
}

fn is_si_number(text: &str) -> bool {
    text.len() == 10 && text.starts_with("99") && text.bytes().all(|byte| byte.is_ascii_digit())
}

const DECREE_146_ENDS: Date = date(2025, 8, 15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decree_146_ends_a_card_in_september_or_with_the_month() {
        for (born, end) in [
            (date(2019, 3, 15), date(2025, 9, 30)),
            (date(2019, 9, 30), date(2025, 9, 30)),
            (date(2019, 10, 1), date(2025, 10, 31)),
            (date(2020, 2, 29), date(2026, 9, 30)),
        ] {
            assert_eq!(expected_end(born, date(2025, 1, 1)), end, "{born}");
        }
    }

    #[test]
    fn the_law_ends_a_later_birth_on_the_day_of_72_months() {
        assert_eq!(
            expected_end(date(2026, 10, 5), date(2026, 11, 22)),
            date(2032, 10, 5)
        );
        assert_eq!(
            expected_end(date(2026, 9, 30), date(2026, 11, 22)),
            date(2032, 9, 30)
        );
    }

    #[test]
    fn this_reading_and_the_published_table_agree_for_every_day_of_eight_years() {
        for issued in [date(2025, 8, 14), date(2025, 8, 15), date(2026, 11, 22)] {
            let mut born = issued;
            for _ in 0..365 * 5 {
                let table = schemas::codes::child_card::validity(born, issued).unwrap();
                assert_eq!(expected_end(born, issued), table.to, "{born} {issued}");
                born = born.yesterday().unwrap();
            }
        }
    }

    #[test]
    fn each_wrong_part_of_a_card_is_refused_by_name() {
        let good = CardSeen {
            si_number: "9900000001".into(),
            number: "TE1019900000001".into(),
            valid_from: "05/10/2026".into(),
            valid_to: "05/10/2032".into(),
            facility: "01001".into(),
        };
        let judged =
            |card: &CardSeen| judge(card, date(2026, 10, 5), "01", "01001", date(2026, 11, 22));
        assert!(judged(&good).is_ok());
        type Bend = fn(&mut CardSeen);
        let bends: [(Bend, &str); 5] = [
            (|card| card.si_number = "0100000001".into(), "SI number"),
            (|card| card.number = "TE1799900000001".into(), "card number"),
            (|card| card.valid_from = "06/10/2026".into(), "day of birth"),
            (|card| card.valid_to = "31/10/2032".into(), "the law"),
            (|card| card.facility = "79001".into(), "facility"),
        ];
        for (bend, why) in bends {
            let mut card = good.clone();
            bend(&mut card);
            assert!(
                judged(&card).unwrap_err().to_string().contains(why),
                "{why}"
            );
        }
    }
}
