//! One person: all that either side has under one PIN, whoever the employer is.

use schemas::{
    name,
    wire::tax_records::{Party, Person},
};

use super::{Category, Finding, Rules, Value, finding::seen_by};

/// Compares what both sides have under one PIN; either may have nothing.
///
/// Both slices hold records of the same person, in the order of `mst` and number. Findings come in a fixed order.
pub fn people<'a>(
    us: Party,
    ours: &'a [Person<'a>],
    theirs: &'a [Person<'a>],
    rules: &Rules,
    found: &mut impl FnMut(Finding<'a>),
) {
    let (si, tax) = match us {
        Party::Si => (ours, theirs),
        Party::Tax => (theirs, ours),
    };
    let mut found = |finding| found(seen_by(us, finding));
    employers_of(si, tax, rules, &mut found);
    let left = |value| (value, Value::None);
    let right = |value| (Value::None, value);
    twice(si, left, &mut found);
    twice(tax, right, &mut found);
    two_full_time(si, left, &mut found);
    two_full_time(tax, right, &mut found);
}

/// Walks both sides by employer.
fn employers_of<'a>(
    si: &'a [Person<'a>],
    tax: &'a [Person<'a>],
    rules: &Rules,
    found: &mut impl FnMut(Finding<'a>),
) {
    let matched = si.iter().filter(|person| at(tax, person).is_some()).count();
    if let (0, Some(insured), Some(paid)) = (matched, si.first(), tax.iter().find(|paid| paid.full))
    {
        found(about(
            Category::OtherEmployer,
            insured,
            Value::Tax(insured.mst),
            Value::Tax(paid.mst),
        ));
        return;
    }
    for (place, insured) in si.iter().enumerate() {
        let first = place == 0 || si[place - 1].mst != insured.mst;
        match at(tax, insured) {
            Some(paid) if first => pair(insured, paid, rules, found),
            Some(_) => {}
            None if first => found(about(
                Category::UnknownToTax,
                insured,
                Value::Tax(insured.mst),
                Value::None,
            )),
            None => {}
        }
    }
    if si.is_empty() {
        for (place, paid) in tax.iter().enumerate() {
            if place == 0 || tax[place - 1].mst != paid.mst {
                found(about(
                    Category::Uninsured,
                    paid,
                    Value::None,
                    Value::Tax(paid.mst),
                ));
            }
        }
    }
}

/// The first record of one side with the same employer.
fn at<'a>(side: &'a [Person<'a>], person: &Person<'_>) -> Option<&'a Person<'a>> {
    side.iter().find(|other| other.mst == person.mst)
}

fn pair<'a>(
    si: &'a Person<'a>,
    tax: &'a Person<'a>,
    rules: &Rules,
    found: &mut impl FnMut(Finding<'a>),
) {
    let expected = rules.base_of(tax.amount, si.region, si.full);
    let category = match (
        rules.base_below(si.amount, expected),
        rules.base_below(expected, si.amount),
    ) {
        (true, _) => Some(Category::BaseBelowIncome),
        (_, true) => Some(Category::IncomeBelowBase),
        _ => None,
    };
    if let Some(category) = category {
        found(Finding {
            expected: Some(expected),
            ..about(
                category,
                si,
                Value::Number(si.amount),
                Value::Number(tax.amount),
            )
        });
    }
    let score = name::score(&si.name, &tax.name);
    if score.value < rules.tolerance.name_score {
        found(Finding {
            score: Some(score),
            ..about(
                Category::PersonName,
                si,
                Value::Text(&si.name),
                Value::Text(&tax.name),
            )
        });
    }
    if !same_birth(si.born, tax.born) {
        found(about(
            Category::Birth,
            si,
            Value::Born(si.born),
            Value::Born(tax.born),
        ));
    }
}

/// Where one side knows only the year, only the year is compared.
const fn same_birth(a: u32, b: u32) -> bool {
    a == b || (a / 10_000 == b / 10_000 && (a.is_multiple_of(10_000) || b.is_multiple_of(10_000)))
}

/// One person under several numbers with one employer, once for each employer.
fn twice<'a>(
    side: &'a [Person<'a>],
    values: impl Fn(Value<'a>) -> (Value<'a>, Value<'a>),
    found: &mut impl FnMut(Finding<'a>),
) {
    for same in side.chunk_by(|a, b| a.mst == b.mst) {
        if let [first, _, ..] = same {
            let (ours, theirs) =
                values(Value::Number(u64::try_from(same.len()).unwrap_or(u64::MAX)));
            found(about(Category::PersonTwice, first, ours, theirs));
        }
    }
}

/// Full-time work for two employers, told once with the second one's tax code.
fn two_full_time<'a>(
    side: &'a [Person<'a>],
    values: impl Fn(Value<'a>) -> (Value<'a>, Value<'a>),
    found: &mut impl FnMut(Finding<'a>),
) {
    let mut full = side.iter().filter(|person| person.full);
    let Some(first) = full.next() else {
        return;
    };
    if let Some(second) = full.find(|other| other.mst != first.mst) {
        let (ours, theirs) = values(Value::Tax(second.mst));
        found(about(Category::TwoFullTime, first, ours, theirs));
    }
}

fn about<'a>(
    category: Category,
    at: &Person<'_>,
    ours: Value<'a>,
    theirs: Value<'a>,
) -> Finding<'a> {
    Finding {
        category,
        field: category.field(),
        mst: at.mst,
        person: Some(at.person),
        province: at.province,
        ours,
        theirs,
        expected: None,
        score: None,
    }
}
