//! People: who they are, what each side holds of them, and what must be found.

use std::borrow::Cow;

use schemas::wire::tax_records::{NumberKey, Party, Person, PersonKey};

use super::{Country, Seeded, mixed, region, spread};
use crate::compare::Category;

/// What is special about a person whom both sides know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Twist {
    BaseBelow,
    BaseAbove,
    Name,
    Birth,
    TwoNumbers,
    PaidFullTwice,
    InsuredFullTwice,
    OtherEmployer,
    BelowFloor,
    // From here on nothing is wrong.
    AboveCap,
    PartTime,
    TonePlace,
    YearOnly,
    SecondIncome,
    Rounding,
    None,
}

/// One person and with whom they work.
struct Someone {
    nth: u64,
    employer: u64,
    second: u64,
    insured: bool,
    paid: bool,
    twist: Twist,
}

impl Country {
    /// What a side holds of the nth person: nothing, one record, or two in the order of their keys.
    #[must_use]
    pub fn person(&self, party: Party, nth: u64) -> [Option<Person<'_>>; 2] {
        let who = self.someone(nth);
        let mut records = match party {
            Party::Si if who.insured => self.of_si(&who),
            Party::Tax if who.paid => self.of_tax(&who),
            _ => [None, None],
        };
        records.sort_by_key(|record| match record {
            Some(record) => (false, Some((record.mst, record.number))),
            None => (true, None),
        });
        records
    }

    /// The nth person's number.
    #[must_use]
    pub fn pin(&self, nth: u64) -> PersonKey {
        PersonKey::from_raw(SYNTHETIC_PINS + nth * (PIN_NUMBERS / self.people()))
    }

    /// What must be found about the nth person.
    #[must_use]
    pub fn person_findings(&self, nth: u64) -> Option<Seeded> {
        let who = self.someone(nth);
        let (first, second) = (self.mst(who.employer), self.mst(who.second));
        let (category, mst) = match (who.insured, who.paid, who.twist) {
            (true, false, _) => (Category::UnknownToTax, first),
            (false, true, _) => (Category::Uninsured, first),
            (_, _, Twist::BaseBelow | Twist::BelowFloor) => (Category::BaseBelowIncome, first),
            (_, _, Twist::BaseAbove) => (Category::IncomeBelowBase, first),
            (_, _, Twist::Name) => (Category::PersonName, first),
            (_, _, Twist::Birth) => (Category::Birth, first),
            (_, _, Twist::TwoNumbers) => (Category::PersonTwice, first),
            (_, _, Twist::PaidFullTwice | Twist::InsuredFullTwice) if first != second => {
                (Category::TwoFullTime, first.min(second))
            }
            (_, _, Twist::OtherEmployer) if first != second => (Category::OtherEmployer, first),
            _ => return None,
        };
        Some(Seeded { category, mst })
    }

    fn someone(&self, nth: u64) -> Someone {
        let (only_insured, before) = spread(nth, self.only_insured(), self.people());
        let both = self.size.employees - self.only_insured();
        let (in_both, ordinal) = match only_insured {
            true => (false, 0),
            false => spread(nth - before, both, self.size.payees),
        };
        let employer = mixed(nth) % self.size.employers;
        let twist = match in_both {
            true => usize::try_from(ordinal % EVERY)
                .ok()
                .and_then(|place| TWISTS.get(place)),
            false => None,
        };
        Someone {
            nth,
            employer,
            second: (employer + 1) % self.size.employers,
            insured: only_insured || in_both,
            paid: !only_insured,
            twist: twist.copied().unwrap_or(Twist::None),
        }
    }

    fn of_si(&self, who: &Someone) -> [Option<Person<'_>>; 2] {
        let mut person = self.plain(who, Party::Si);
        person.number = NumberKey::from_raw(SYNTHETIC_NUMBERS + who.nth);
        match who.twist {
            Twist::BaseBelow => person.amount -= 500_000,
            Twist::BaseAbove => person.amount += 500_000,
            Twist::Rounding => person.amount += 1_000,
            Twist::BelowFloor => person.amount = BELOW_EVERY_FLOOR,
            Twist::AboveCap => person.amount = self.rules.base_of(u64::MAX, 1, true),
            Twist::TonePlace => person.name = Cow::Borrowed("TRẦN THỊ HÒA"),
            _ => {}
        }
        let again = match who.twist {
            Twist::TwoNumbers => Some(Person {
                number: NumberKey::from_raw(SECOND_NUMBERS + who.nth),
                ..person.clone()
            }),
            Twist::InsuredFullTwice => self.elsewhere(&person, who),
            _ => None,
        };
        [Some(person), again]
    }

    fn of_tax(&self, who: &Someone) -> [Option<Person<'_>>; 2] {
        let mut person = self.plain(who, Party::Tax);
        match who.twist {
            Twist::Name => person.name = Cow::Borrowed(&self.name(who.nth + 1)[0]),
            Twist::TonePlace => person.name = Cow::Borrowed("Trần Thị Hoà"),
            Twist::Birth => person.born = other_day(person.born),
            Twist::YearOnly => person.born = person.born / 10_000 * 10_000,
            Twist::BelowFloor => person.amount = BELOW_EVERY_FLOOR,
            Twist::AboveCap => person.amount = ABOVE_EVERY_CAP,
            Twist::OtherEmployer => person = self.elsewhere(&person, who).unwrap_or(person),
            _ => {}
        }
        let again = match who.twist {
            Twist::PaidFullTwice => self.elsewhere(&person, who),
            Twist::InsuredFullTwice | Twist::SecondIncome => {
                self.elsewhere(&person, who).map(|other| Person {
                    full: false,
                    ..other
                })
            }
            _ => None,
        };
        [Some(person), again]
    }

    fn plain(&self, who: &Someone, party: Party) -> Person<'_> {
        let hash = mixed(who.nth ^ 0xA5A5_A5A5);
        // The insurance side writes every second name in capital letters, as it does.
        let capitals = usize::from(party == Party::Si && who.nth.is_multiple_of(2));
        let day = u32::try_from(1 + hash % 28).unwrap_or(1);
        let month = u32::try_from(1 + (hash >> 8) % 12).unwrap_or(1);
        let year = u32::try_from(1962 + (hash >> 16) % 44).unwrap_or(1962);
        Person {
            person: self.pin(who.nth),
            number: NumberKey::default(),
            mst: self.mst(who.employer),
            province: self.province(who.employer),
            region: region(who.employer),
            name: Cow::Borrowed(&self.name(who.nth)[capitals]),
            born: year * 10_000 + month * 100 + day,
            amount: 6_000_000 + (hash >> 24) % 20_000 * 1_000,
            full: who.twist != Twist::PartTime,
        }
    }

    /// The same work with the second employer; nothing where there is only one.
    fn elsewhere<'a>(&self, person: &Person<'a>, who: &Someone) -> Option<Person<'a>> {
        (who.second != who.employer).then(|| Person {
            mst: self.mst(who.second),
            province: self.province(who.second),
            region: region(who.second),
            ..person.clone()
        })
    }

    fn name(&self, nth: u64) -> &[String; 2] {
        let place =
            usize::try_from(nth % u64::try_from(self.names.len()).unwrap_or(1)).unwrap_or(0);
        &self.names[place]
    }
}

fn other_day(born: u32) -> u32 {
    match born % 100 {
        28 => born - 1,
        _ => born + 1,
    }
}

/// Every name once, as it is written and in capital letters.
pub(super) fn names() -> Vec<[String; 2]> {
    let mut names = Vec::with_capacity(FAMILY.len() * MIDDLE.len() * GIVEN.len());
    for given in GIVEN {
        for middle in MIDDLE {
            for family in FAMILY {
                let name = format!("{family} {middle} {given}");
                let capitals = name.to_uppercase();
                names.push([name, capitals]);
            }
        }
    }
    names
}

const FAMILY: [&str; 12] = [
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô",
];
const MIDDLE: [&str; 8] = ["Văn", "Thị", "Hữu", "Đức", "Minh", "Ngọc", "Thanh", "Quốc"];
const GIVEN: [&str; 20] = [
    "An", "Bình", "Châu", "Dũng", "Đạt", "Giang", "Hà", "Hiếu", "Khánh", "Lan", "Linh", "Mai",
    "Nam", "Oanh", "Phúc", "Quỳnh", "Sơn", "Thảo", "Tuấn", "Yến",
];

/// By the place among each thousand of those whom both sides know.
const TWISTS: [Twist; 15] = [
    Twist::BaseBelow,
    Twist::BaseAbove,
    Twist::Name,
    Twist::Birth,
    Twist::TwoNumbers,
    Twist::PaidFullTwice,
    Twist::InsuredFullTwice,
    Twist::OtherEmployer,
    Twist::BelowFloor,
    Twist::AboveCap,
    Twist::PartTime,
    Twist::TonePlace,
    Twist::YearOnly,
    Twist::SecondIncome,
    Twist::Rounding,
];
const EVERY: u64 = 1_000;

const SYNTHETIC_PINS: u64 = 99_000_000_000;
const PIN_NUMBERS: u64 = 1_000_000_000;
/// One more than the digits, as [`NumberKey`] counts.
const SYNTHETIC_NUMBERS: u64 = 9_900_000_001;
const SECOND_NUMBERS: u64 = 9_950_000_001;
const BELOW_EVERY_FLOOR: u64 = 1_500_000;
const ABOVE_EVERY_CAP: u64 = 190_000_000;
