//! Against the synthetic country: every seeded discrepancy is found and nothing else, seen from either side.

use proptest::prelude::*;
use schemas::{
    id::Period,
    wire::tax_records::{Employer, NumberKey, Party, Person, PersonKey, Status, TaxKey},
};

use super::*;
use crate::country::{Country, Seeded, Size};

fn country() -> Country {
    let size = Size {
        employees: 15_100,
        payees: 20_000,
        employers: 550,
    };
    Country::new(size, Period::parse("2026-10").unwrap()).unwrap()
}

fn all_of<T: Clone>(records: [Option<T>; 2]) -> Vec<T> {
    records.into_iter().flatten().collect()
}

fn found_of_people<'a>(
    us: Party,
    ours: &'a [Person<'a>],
    theirs: &'a [Person<'a>],
    rules: &Rules,
) -> Vec<Finding<'a>> {
    let mut findings = Vec::new();
    people(us, ours, theirs, rules, &mut |finding| {
        findings.push(finding)
    });
    findings
}

fn found_of_employers<'a>(
    us: Party,
    ours: &'a [Employer<'a>],
    theirs: &'a [Employer<'a>],
    rules: &Rules,
) -> Vec<Finding<'a>> {
    let mut findings = Vec::new();
    employers(us, ours, theirs, rules, &mut |finding| {
        findings.push(finding)
    });
    findings
}

fn seeded(findings: &[Finding<'_>]) -> Vec<Seeded> {
    findings
        .iter()
        .map(|one| Seeded {
            category: one.category,
            mst: one.mst,
        })
        .collect()
}

#[test]
fn every_seeded_discrepancy_of_a_person_is_found_and_nothing_else() {
    let country = country();
    for nth in 0..country.people() {
        let si = all_of(country.person(Party::Si, nth));
        let tax = all_of(country.person(Party::Tax, nth));
        let findings = found_of_people(Party::Si, &si, &tax, country.rules());
        assert_eq!(
            seeded(&findings),
            Vec::from_iter(country.person_findings(nth)),
            "{nth}"
        );
        assert!(
            findings
                .iter()
                .all(|one| one.person == Some(country.pin(nth)))
        );
    }
}

#[test]
fn every_seeded_discrepancy_of_an_employer_is_found_and_nothing_else() {
    let country = country();
    for nth in 0..country.employers() {
        let si = all_of(country.employer(Party::Si, nth));
        let tax = all_of(country.employer(Party::Tax, nth));
        let findings = found_of_employers(Party::Tax, &tax, &si, country.rules());
        assert_eq!(
            seeded(&findings),
            Vec::from_iter(country.employer_findings(nth)),
            "{nth}"
        );
    }
}

#[test]
fn a_name_alone_never_matches() {
    let country = country();
    let rules = country.rules();
    let one = |pin| Person {
        person: PersonKey::from_raw(pin),
        ..person(1, 0, 0, 6_000_000, true)
    };
    let (si, tax) = ([one(99_000_000_001)], [one(99_000_000_002)]);
    let alone = |us, ours, theirs| found_of_people(us, ours, theirs, rules)[0].category;
    assert_eq!(alone(Party::Si, &si, &[]), Category::UnknownToTax);
    assert_eq!(alone(Party::Si, &[], &tax), Category::Uninsured);
}

#[test]
fn a_mismatch_names_its_field_and_shows_values_only_where_permitted() {
    let (si, tax) = (
        [person(1, 0, 0, 6_000_000, true)],
        [person(1, 0, 0, 7_000_000, true)],
    );
    let country = country();
    let findings = found_of_people(Party::Si, &si, &tax, country.rules());
    let open = findings[0].seen_with(Disclosed::NONE.and(findings[0].field));
    assert_eq!(
        (open.ours, open.theirs, open.expected),
        (
            Value::Number(6_000_000),
            Value::Number(7_000_000),
            Some(7_000_000)
        )
    );
    let closed = findings[0].seen_with(Disclosed::NONE);
    assert_eq!(
        (closed.field, closed.ours, closed.theirs, closed.expected),
        (open.field, Value::None, Value::None, None)
    );
    assert!(!format!("{open:?}").contains("6000000"));
}

fn person(employer: u64, number: u64, name: usize, amount: u64, full: bool) -> Person<'static> {
    Person {
        person: PersonKey::from_raw(99_000_000_001),
        number: NumberKey::from_raw(number),
        mst: TaxKey::from_raw(employer * 1_000),
        province: 1,
        region: 1,
        name: ["Trần Thị Hoà", "TRẦN THỊ HÒA", "Lê Văn An"][name].into(),
        born: [19_900_101, 19_900_000, 19_910_101][name],
        amount,
        full,
    }
}

fn side() -> impl Strategy<Value = Vec<Person<'static>>> {
    let one = (1_u64..4, 0_u64..3, 0_usize..3, 1_u64..80, any::<bool>()).prop_map(
        |(mst, number, name, millions, full)| person(mst, number, name, millions * 1_000_000, full),
    );
    prop::collection::vec(one, 0..4).prop_map(|mut people| {
        people.sort_by_key(|one| (one.mst, one.number));
        people.dedup_by_key(|one| (one.mst, one.number));
        people
    })
}

fn unit(tax: bool) -> impl Strategy<Value = Employer<'static>> {
    (
        0_usize..3,
        0_usize..3,
        0_u32..5,
        0_u64..50,
        0_u64..20,
        0_u64..20,
    )
        .prop_map(move |(status, name, count, amount, due, paid)| Employer {
            mst: TaxKey::from_raw(9_900_000_016_000),
            unit: ["TZ0000L", "TZ0001L", "TZ0002L"][name],
            province: 1 + u8::from(name > 1) * 78,
            region: 1,
            status: match tax {
                true => [
                    Status::Taxpayer(0),
                    Status::Taxpayer(2),
                    Status::Taxpayer(3),
                ][status],
                false => [Status::Active, Status::Suspended, Status::Closed][status],
            },
            name: ["Công ty A", "CÔNG TY A", "Công ty B"][name].into(),
            address: "Hà Nội".into(),
            count,
            amount: amount * 1_000_000,
            due: due * 1_000_000,
            paid: paid * 1_000_000,
        })
}

fn mirrored<'a>(findings: &[Finding<'a>]) -> Vec<Finding<'a>> {
    findings.iter().map(|one| one.mirrored()).collect()
}

/// Rules of a month under any tolerance.
fn rules() -> impl Strategy<Value = Rules> {
    let bp = || prop::sample::select(vec![0_u32, 50, 1_500, 10_000]);
    let vnd = || prop::sample::select(vec![0_u64, 1_000, 3_000_000]);
    let score = || prop::sample::select(vec![1_u8, 80, 100]);
    (0_u32..3, vnd(), vnd(), bp(), bp(), bp(), score()).prop_map(
        |(count, fund_vnd, base_vnd, count_bp, fund_bp, base_bp, score)| {
            let row = Tolerance {
                count,
                count_bp,
                fund_vnd,
                fund_bp,
                base_vnd,
                base_bp,
                name_score: score,
                address_score: score,
                ..Tolerance::STRICT
            };
            Rules::of(Period::parse("2026-10").unwrap(), &[row]).unwrap()
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_tolerated_both_sides_see_the_same(
        (people, paid) in (side(), side()),
        (units, payers) in (prop::collection::vec(unit(false), 0..3), prop::collection::vec(unit(true), 0..2)),
        rules in rules(),
    ) {
        let ours = found_of_people(Party::Si, &people, &paid, &rules);
        let theirs = found_of_people(Party::Tax, &paid, &people, &rules);
        prop_assert_eq!(mirrored(&ours), theirs);
        let ours = found_of_employers(Party::Si, &units, &payers, &rules);
        let theirs = found_of_employers(Party::Tax, &payers, &units, &rules);
        prop_assert_eq!(mirrored(&ours), theirs);
    }

    #[test]
    fn a_wider_tolerance_finds_no_more(people in side(), paid in side(), rules in rules()) {
        let strict = Rules::of(Period::parse("2026-10").unwrap(), &[Tolerance::STRICT]).unwrap();
        let of = |rules: &Rules| -> Vec<Category> {
            found_of_people(Party::Si, &people, &paid, rules).iter().map(|one| one.category).collect()
        };
        let (narrow, wide) = (of(&strict), of(&rules));
        // a base of 0 VND tolerated is narrower than the strict thousand, and no figure here differs by less than a million
        prop_assert!(wide.iter().all(|category| narrow.contains(category)), "{:?} of {:?}", wide, narrow);
    }

    #[test]
    fn a_persons_comparison_seen_from_the_other_side_is_its_mirror(si in side(), tax in side()) {
        let country = country();
        let ours = found_of_people(Party::Si, &si, &tax, country.rules());
        let theirs = found_of_people(Party::Tax, &tax, &si, country.rules());
        prop_assert_eq!(mirrored(&ours), theirs);
    }

    #[test]
    fn an_employers_comparison_seen_from_the_other_side_is_its_mirror(
        si in prop::collection::vec(unit(false), 0..3), tax in prop::collection::vec(unit(true), 0..2)
    ) {
        let country = country();
        let ours = found_of_employers(Party::Si, &si, &tax, country.rules());
        let theirs = found_of_employers(Party::Tax, &tax, &si, country.rules());
        prop_assert_eq!(mirrored(&ours), theirs);
    }

    #[test]
    fn two_sides_that_hold_the_same_differ_in_nothing_but_what_one_side_alone_has_wrong(people in side()) {
        let country = country();
        for finding in found_of_people(Party::Si, &people, &people, country.rules()) {
            let alone = matches!(
                finding.category,
                Category::PersonTwice | Category::TwoFullTime | Category::BaseBelowIncome | Category::IncomeBelowBase
            );
            prop_assert!(alone, "{:?}", finding.category);
        }
    }
}
