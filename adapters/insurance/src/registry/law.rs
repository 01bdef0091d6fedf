//! The dated tables of law that the registry asks: which day, which rule, which place.
//!
//! The tables are those of `schemas`; only the time limit of a newborn's card stands here, as dated rows with
//! their source, since no other package asks for it. Those of dossiers are in [`schemas::procedure`].

use jiff::Timestamp;
use jiff::civil::{Date, date};
use schemas::calendar;
use schemas::codes::communes::{self, Successor};
use schemas::codes::{Certainty, Term, card_objects, child_card, provinces};
use schemas::date::in_viet_nam;

/// From when to when a card is valid, and the rule that says so.
pub(super) struct Validity {
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) rule: String,
}

/// A child's card issued on a day; none where the child is too old for one.
pub(super) fn child_card(birth: Date, issued: Date) -> Option<Validity> {
    let validity = child_card::validity(birth, issued).ok()?;
    Some(Validity {
        from: validity.from,
        to: validity.to,
        rule: validity.rule.term.source.to_owned(),
    })
}

/// The benefit level that cards of an object code carry on a day.
pub(super) fn benefit_level(object_code: &str, on: Date) -> Option<u8> {
    card_objects::find(object_code, on).map(|row| row.level)
}

/// Whether a commune is in force on a day.
pub(super) fn is_commune(code: &str, on: Date) -> bool {
    communes::find(code, on).is_some()
}

/// The province, on a later day, of a commune that was in force on an earlier one: over the merger where it lies between.
pub(super) fn province_of(commune: &str, in_force_on: Date, on: Date) -> Option<&'static str> {
    let province = communes::province_of(commune, in_force_on)?;
    if in_force_on > provinces::LAST_DAY_OF_63 || on <= provinces::LAST_DAY_OF_63 {
        return Some(province);
    }
    let new = match communes::successor(commune) {
        Successor::Whole(new) => Some(new),
        // every share of a divided commune lies in one province but for none that we know; the largest decides
        Successor::Split(shares) => shares.first().copied(),
        Successor::Unknown => None,
    };
    new.and_then(|new| communes::province_of(new, on))
        .or_else(|| provinces::successor(province))
        .or(Some(province))
}

/// The time limit on a newborn's card, from when its sender received the case.
pub(super) fn birth_card(received_at: Timestamp) -> calendar::Limit {
    limit(received_at, BIRTH_CARD)
}

/// A time limit of a procedure, in working days.
struct Limit {
    working_days: u16,
    term: Term,
}

fn limit(received_at: Timestamp, limits: &[Limit]) -> calendar::Limit {
    let received = in_viet_nam(received_at);
    let limit = limits
        .iter()
        .find(|limit| limit.term.holds_on(received.date()));
    calendar::Limit::of(&received, limit.map_or(0, |limit| limit.working_days))
}

const BIRTH_CARD: &[Limit] = &[
    Limit {
        working_days: 15,
        term: Term::since(date(2014, 8, 1), "QĐ 1299/QĐ-TTg", Certainty::Secondary)
            .until(date(2024, 6, 30)),
    },
    Limit {
        working_days: 2,
        term: Term::since(
            date(2024, 7, 1),
            "Decree 63/2024/NĐ-CP; QĐ 296/QĐ-VPCP",
            Certainty::Secondary,
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newborns_card_is_due_after_two_working_days_and_the_holiday() {
        let due = |text: &str| birth_card(text.parse().unwrap()).due_on();
        assert_eq!(due("2026-11-23T07:59:00Z"), date(2026, 11, 26)); // 14:59 in Viet Nam; the 24th is a holiday
        assert_eq!(due("2026-11-23T08:01:00Z"), date(2026, 11, 27)); // 15:01
    }

    #[test]
    fn an_old_commune_leads_to_the_province_that_took_it_in() {
        let (before, today) = (date(2025, 6, 30), date(2026, 11, 22));
        let old = communes::all(before)
            .find(|commune| commune.province == "74")
            .unwrap();
        assert_eq!(province_of(old.code, before, before), Some("74"));
        assert_eq!(province_of(old.code, before, today), Some("79"));
        assert_eq!(province_of("99999", before, today), None);
    }
}
