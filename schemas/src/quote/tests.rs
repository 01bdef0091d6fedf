use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::{codes::reference_levels, id::Period};

const TODAY: Date = date(2026, 11, 22);

fn renewal(places: &[u8], months: u8) -> Result<Quote, Unquotable> {
    let asked = Household {
        members: places.iter().copied().map(Member::from).collect(),
        months,
    };
    household(&asked, TODAY)
}

fn chosen(base_vnd: u64, months: u8, group: Group) -> Result<Quote, Unquotable> {
    let asked = Voluntary {
        base_vnd,
        months,
        groups: group.into(),
    };
    voluntary(&asked, TODAY)
}

fn debt(month: &str, vnd: u64) -> Debt {
    Debt {
        period: Period::parse(month).unwrap(),
        vnd,
    }
}

#[test]
fn a_family_of_five_pays_its_shares_and_the_page_says_how() {
    let quote = renewal(&[1, 2, 3, 4, 5], 3).unwrap();
    let amounts: Vec<u64> = quote.lines().iter().map(|line| line.vnd).collect();
    assert_eq!(amounts, [341_550, 239_085, 204_930, 170_775, 136_620]);
    assert_eq!(quote.vnd(), 1_092_960);
    let page = quote.explain();
    for part in [
        "ngày 2026-11-22",
        "2.530.000 đ × 4,5 % × 70 % × 3 tháng = 239.085 đ",
        "Decree 188/2025/NĐ-CP",
        "(chưa đối chiếu với văn bản)",
        "Phải nộp: 1.092.960 đ",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
}

#[test]
fn the_level_of_the_day_of_payment_holds_for_all_months() {
    let asked = Household {
        members: vec![1.into()],
        months: 12,
    };
    let before = household(&asked, date(2026, 6, 30)).unwrap();
    let after = household(&asked, date(2026, 7, 1)).unwrap();
    assert_eq!((before.vnd(), after.vnd()), (105_300 * 12, 113_850 * 12));
    assert_eq!(
        household(&asked, date(2018, 6, 30)),
        Err(Unquotable::NoRule)
    );
}

#[test]
fn a_household_that_is_none_is_refused_with_its_reason() {
    for (places, months, reason) in [
        (&[][..], 3, "not-one-household"),
        (&[0][..], 3, "not-one-household"),
        (&[2, 2][..], 3, "not-one-household"),
        (&[51][..], 3, "not-one-household"),
        (&[1][..], 0, "months-not-offered"),
        (&[1][..], 4, "months-not-offered"),
        (&[1][..], 255, "months-not-offered"),
    ] {
        assert_eq!(
            renewal(places, months).unwrap_err().reason(),
            reason,
            "{places:?} {months}"
        );
    }
}

#[test]
fn voluntary_insurance_costs_22_percent_less_the_support_of_the_group() {
    let quote = chosen(5_000_000, 6, Group::Poor).unwrap();
    assert_eq!(
        (quote.vnd(), quote.support_vnd()),
        (6_600_000 - 990_000, 990_000)
    );
    let others = chosen(5_000_000, 6, Group::Other).unwrap();
    assert_eq!(others.support_vnd(), 396_000);
    assert!(quote.explain().contains("Nhà nước hỗ trợ: 990.000 đ"));
    // before the law of 2024 our table has no support
    let asked = Voluntary {
        base_vnd: 5_000_000,
        months: 1,
        groups: Group::Poor.into(),
    };
    assert_eq!(
        voluntary(&asked, date(2025, 6, 30)).unwrap().support_vnd(),
        0
    );
}

/// One first member of these groups, paying on a day.
fn member(groups: impl Into<Groups>, months: u8, on: Date) -> Result<Quote, Unquotable> {
    let member = Member {
        place: 1,
        groups: groups.into(),
    };
    let asked = Household {
        members: vec![member],
        months,
    };
    household(&asked, on)
}

#[test]
fn the_state_pays_its_share_of_a_households_member_by_group_and_day_and_the_page_says_so() {
    for (group, vnd, support) in [
        (Group::NearPoor, 102_465, 239_085),
        (Group::Farming, 239_085, 102_465),
        (Group::Minority, 341_550, 0),
        (Group::Other, 341_550, 0),
    ] {
        let quote = member(group, 3, TODAY).unwrap();
        assert_eq!(
            (quote.vnd(), quote.support_vnd()),
            (vnd, support),
            "{group:?}"
        );
        assert_eq!(quote.net(), [vnd]);
    }
    for group in [Group::Poor, Group::Island] {
        assert_eq!(member(group, 3, TODAY), Err(Unquotable::PaidByState));
    }
    let page = member(Group::NearPoor, 3, TODAY).unwrap().explain();
    for part in [
        "Nhà nước hỗ trợ thành viên thứ 1 (hộ cận nghèo)",
        "2.530.000 đ × 4,5 % × 100 % × 70 % × 3 tháng = − 239.085 đ",
        "Decree 188/2025/NĐ-CP; shares assumed unchanged (chưa đối chiếu với văn bản)",
        "Nhà nước hỗ trợ: 239.085 đ",
        "Phải nộp: 102.465 đ",
    ] {
        assert!(page.contains(part), "{part} in\n{page}");
    }
    // each day by its own row
    let before = member(Group::NearPoor, 3, date(2025, 8, 14)).unwrap();
    assert!(before.explain().contains("Decree 146/2018/NĐ-CP art. 8"));
    // of two groups the better one counts, once
    let both: Groups = [Group::Farming, Group::NearPoor].into_iter().collect();
    assert_eq!(member(both, 3, TODAY).unwrap().vnd(), 102_465);
}

#[test]
fn each_member_of_a_household_is_supported_alone() {
    let members = [(1, Group::Other), (2, Group::NearPoor), (3, Group::Other)];
    let asked = Household {
        members: members
            .map(|(place, group)| Member {
                place,
                groups: group.into(),
            })
            .to_vec(),
        months: 3,
    };
    let quote = household(&asked, TODAY).unwrap();
    assert_eq!(quote.net(), [341_550, 239_085 - 167_358, 204_930]);
    assert_eq!(quote.net().iter().sum::<u64>(), quote.vnd());
}

#[test]
fn an_income_out_of_its_bounds_is_refused_to_the_dong() {
    let lowest = reference_levels::rural_poverty_line(TODAY).unwrap().vnd;
    let refused = |base| chosen(base, 1, Group::Other).err().map(Unquotable::reason);
    assert_eq!(refused(lowest), None);
    assert_eq!(refused(lowest - 1), Some("base-too-low"));
    assert_eq!(refused(0), Some("base-too-low"));
    assert_eq!(refused(50_600_000), None);
    assert_eq!(refused(50_600_001), Some("base-too-high"));
    assert_eq!(refused(u64::MAX), Some("base-too-high"));
}

#[test]
fn a_debt_costs_three_ten_thousandths_a_day_from_the_day_after_its_last() {
    // September 2026 is due by 31 October
    let pays = |on| arrears(&[debt("2026-09", 10_000_000)], on).unwrap();
    assert_eq!(pays(date(2026, 10, 31)).vnd(), 10_000_000);
    assert_eq!(pays(date(2026, 11, 1)).vnd(), 10_003_000);
    assert_eq!(pays(date(2026, 11, 22)).vnd(), 10_066_000);
    let page = pays(date(2026, 11, 22)).explain();
    assert!(
        page.contains("10.000.000 đ × 0,03 % × 22 ngày = 66.000 đ"),
        "{page}"
    );
}

#[test]
fn debts_that_cannot_be_counted_are_refused_with_their_reason() {
    let refused = |debts: &[Debt]| arrears(debts, TODAY).unwrap_err().reason();
    assert_eq!(refused(&[]), "nothing-to-pay");
    assert_eq!(refused(&[debt("2026-09", 0)]), "nothing-to-pay");
    assert_eq!(
        refused(&[debt("2026-09", 1), debt("2026-09", 2)]),
        "not-one-household"
    );
    assert_eq!(refused(&[debt("2026-09", VND_MAX + 1)]), "amount-too-large");
    assert_eq!(
        refused(&[debt("2026-08", VND_MAX), debt("2026-09", VND_MAX)]),
        "amount-too-large"
    );
    assert_eq!(refused(&[debt("2025-05", 1)]), "no-rule-for-the-day");
}

proptest! {
    #[test]
    fn a_household_pays_more_for_more_and_nobody_more_than_the_first(
        mut places in proptest::collection::hash_set(1_u8..=50, 1..8).prop_map(Vec::from_iter),
        months in prop::sample::select(vec![3_u8, 6, 12]),
    ) {
        let quote = renewal(&places, months).unwrap();
        prop_assert_eq!(quote.vnd(), quote.lines().iter().map(|line| line.vnd).sum::<u64>());
        let first = renewal(&[1], months).unwrap().vnd();
        for line in quote.lines() {
            prop_assert!(line.vnd <= first && line.vnd * 10 >= first * 4 - 10 * u64::from(months));
        }
        places.reverse();
        prop_assert_eq!(renewal(&places, months).unwrap().vnd(), quote.vnd());
        if let Some(another) = (1..=50).find(|place| !places.contains(place)) {
            places.push(another);
            prop_assert!(renewal(&places, months).unwrap().vnd() > quote.vnd());
        }
        let three = renewal(&[1], 3).unwrap().vnd();
        prop_assert_eq!(first, three * u64::from(months) / 3);
    }

    #[test]
    fn support_never_makes_a_household_pay_more_and_is_within_what_is_due(
        groups in proptest::collection::vec(
            (1_u8..=50, prop::sample::subsequence(Group::ALL.to_vec(), 0..4)), 1..6),
        months in prop::sample::select(vec![3_u8, 6, 12]),
        day in 0_i32..3_000,
    ) {
        let on = date(2018, 12, 1) + jiff::Span::new().days(day);
        let mut members: Vec<Member> = groups
            .iter()
            .map(|(place, groups)| Member { place: *place, groups: groups.iter().copied().collect() })
            .collect();
        members.sort_by_key(|member| member.place);
        members.dedup_by_key(|member| member.place);
        let bare = Household { members: members.iter().map(|one| one.place.into()).collect(), months };
        let bare = household(&bare, on).unwrap();
        let paid_by_state = |one: &Member| one.groups.iter().any(|group| matches!(group, Group::Poor | Group::Island));
        match household(&Household { members: members.clone(), months }, on) {
            Ok(quote) => {
                prop_assert!(!members.iter().any(paid_by_state));
                prop_assert_eq!(quote.vnd() + quote.support_vnd(), bare.vnd());
                prop_assert!(quote.vnd() > 0 && quote.support_vnd() * 10 <= bare.vnd() * 7);
                prop_assert_eq!(quote.net().len(), members.len());
                for (net, due) in quote.net().iter().zip(bare.net()) {
                    prop_assert!(*net > 0 && *net <= due);
                }
                // one more group for somebody never costs more
                for (at, group) in [(0, Group::Farming), (0, Group::NearPoor), (0, Group::Minority)] {
                    let mut more = members.clone();
                    more[at].groups = more[at].groups.with(group);
                    let more = household(&Household { members: more, months }, on).unwrap();
                    prop_assert!(more.vnd() <= quote.vnd());
                }
            }
            Err(why) => prop_assert!(why == Unquotable::PaidByState && members.iter().any(paid_by_state)),
        }
    }

    #[test]
    fn a_higher_income_never_costs_less_and_support_never_exceeds_what_is_due(
        base in 1_500_000_u64..50_600_000,
        more in 0_u64..1_000_000,
        months in prop::sample::select(vec![1_u8, 3, 6, 12]),
    ) {
        let higher = (base + more).min(50_600_000);
        let mut last = 0;
        for group in Group::ALL {
            let quote = chosen(base, months, group).unwrap();
            prop_assert!(chosen(higher, months, group).unwrap().vnd() >= quote.vnd());
            prop_assert!(quote.support_vnd() <= quote.vnd() + quote.support_vnd());
            prop_assert!(quote.support_vnd() * 2 <= quote.lines()[0].vnd + u64::from(months));
            prop_assert!(quote.vnd() >= last, "the better supported pay less");
            last = quote.vnd();
        }
    }

    #[test]
    fn a_debt_grows_day_by_day_and_with_its_amount_and_never_wraps(
        vnd in 1_u64..VND_MAX / 2,
        more in 0_u64..1_000,
        days in 0_i32..300,
    ) {
        let on = date(2026, 1, 31) + jiff::Span::new().days(days);
        let pays = |vnd, on| arrears(&[debt("2025-12", vnd)], on).unwrap().vnd();
        let now = pays(vnd, on);
        prop_assert!(now >= vnd);
        prop_assert!(pays(vnd, on.tomorrow().unwrap()) >= now);
        prop_assert!(pays(vnd + more, on) >= now + more);
    }
}
