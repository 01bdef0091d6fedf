use schemas::{
    id::{Mst, Pin},
    wire::tax_records::Party,
};

use super::*;

fn country() -> Country {
    let size = Size {
        employees: 15_100,
        payees: 20_000,
        employers: 550,
    };
    Country::new(size, Period::parse("2026-10").unwrap()).unwrap()
}

#[test]
fn both_sides_have_as_many_people_as_asked() {
    let country = country();
    let count = |party| {
        (0..country.people())
            .filter(|nth| country.person(party, *nth)[0].is_some())
            .count()
    };
    assert_eq!((count(Party::Si), count(Party::Tax)), (15_100, 20_000));
}

#[test]
fn people_and_employers_rise_and_carry_valid_synthetic_numbers() {
    let country = country();
    for nth in 1..country.people() {
        assert!(country.pin(nth) > country.pin(nth - 1));
    }
    assert!(
        Pin::parse(&country.pin(country.people() - 1).text())
            .unwrap()
            .is_synthetic()
    );
    for nth in 1..country.employers() {
        assert!(country.mst(nth) > country.mst(nth - 1));
        assert!(
            Mst::parse(&country.mst(nth).to_string())
                .unwrap()
                .is_synthetic()
        );
    }
}

#[test]
fn every_category_is_seeded() {
    let country = country();
    let people = (0..country.people()).filter_map(|nth| country.person_findings(nth));
    let employers = (0..country.employers()).filter_map(|nth| country.employer_findings(nth));
    let mut seeded: Vec<_> = people.chain(employers).map(|one| one.category).collect();
    seeded.sort_unstable();
    seeded.dedup();
    assert_eq!(seeded, Category::ALL);
}

#[test]
fn impossible_sizes_are_refused() {
    let period = Period::parse("2026-10").unwrap();
    for (employees, payees, employers) in [(2, 1, 1), (1, 1, 0), (1, 1, 3_000_001), (0, 0, 1)] {
        let size = Size {
            employees,
            payees,
            employers,
        };
        assert_eq!(Country::new(size, period).unwrap_err(), SizeError::Numbers);
    }
    let size = Size {
        employees: 1,
        payees: 1,
        employers: 1,
    };
    let old = Period::parse("2000-01").unwrap();
    assert!(matches!(Country::new(size, old), Err(SizeError::Month(_))));
}
