//! The dated tables of law that the registry asks: which day, which rule, which place.
//!
//! The tables are those of `schemas`; only the time limit of a newborn's card stands here, as dated rows with
//! their source, since no other package asks for it. Those of dossiers are in [`schemas::procedure`].

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
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

/// The temporary card of a child whom a hospital has told of and nobody registered yet; none where the time for
/// the registration is over.
pub(super) fn temporary_card(birth: Date, issued: Date) -> Option<Validity> {
    let row = TEMPORARY_CARD
        .iter()
        .find(|row| row.term.holds_on(issued))?;
    let to = birth.checked_add(row.days.days()).ok()?;
    (birth <= issued && issued <= to).then(|| Validity {
        from: birth,
        to,
        rule: row.term.source.to_owned(),
    })
}

/// Whether a card was issued under a rule for temporary ones.
pub(super) fn is_temporary(rule: &str) -> bool {
    TEMPORARY_CARD.iter().any(|row| row.term.source == rule)
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

/// The time limit on what a sender is asked for about a birth, from when it is asked.
pub(super) fn supplement(asked_at: Timestamp) -> calendar::Limit {
    limit(asked_at, SUPPLEMENT)
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

/// How many days a temporary card is good for, the day of birth not counted.
struct Temporary {
    days: i64,
    term: Term,
}

/// How long it is good for is written nowhere that we could read: as long as the law gives for the registration
/// (60 days, Law on Civil Status 60/2014/QH13 art. 15.1).
const TEMPORARY_CARD: &[Temporary] = &[Temporary {
    days: 60,
    term: Term::since(
        date(2021, 3, 1),
        "Circular 30/2020/TT-BYT art. 10; Law on Civil Status 60/2014/QH13 art. 15.1 (temporary card, own profile)",
        Certainty::OwnProfile,
    ),
}];

/// `hanBoSungHoSo` has 7 working days by default; that VSS gives as many is own profile.
const SUPPLEMENT: &[Limit] = &[Limit {
    working_days: 7,
    term: Term::since(
        date(2014, 8, 1),
        "hanBoSungHoSo of the inter-linked procedures (own profile)",
        Certainty::OwnProfile,
    ),
}];

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
    fn a_supplement_has_seven_working_days() {
        let due = |text: &str| supplement(text.parse().unwrap()).due_on();
        assert_eq!(due("2026-11-23T02:00:00Z"), date(2026, 12, 3)); // the 24th is a holiday
        assert_eq!(due("2026-11-23T08:01:00Z"), date(2026, 12, 4));
        assert_eq!(due("2026-02-13T02:00:00Z"), date(2026, 3, 3)); // Tết lies between
    }

    #[test]
    fn a_temporary_card_is_good_for_as_long_as_a_birth_may_be_registered() {
        let to = |issued| temporary_card(date(2026, 11, 15), issued).map(|card| card.to);
        let last = date(2027, 1, 14);
        assert_eq!(to(date(2026, 11, 15)), Some(last));
        assert_eq!(to(last), Some(last));
        assert_eq!(to(date(2027, 1, 15)), None);
        assert_eq!(to(date(2026, 11, 14)), None);
        let rule = temporary_card(date(2026, 11, 15), last).unwrap().rule;
        assert!(is_temporary(&rule) && !is_temporary(&child_card(last, last).unwrap().rule));
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
