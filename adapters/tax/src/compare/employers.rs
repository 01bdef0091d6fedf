//! One employer: all that either side has under one tax code.

use schemas::{
    codes::taxpayer_standings::Standing,
    name,
    wire::tax_records::{Employer, Field, Party, Status},
};

use super::{Category, Finding, Rules, Value, finding::seen_by};

/// Compares what both sides have under one tax code; either may have nothing, and several units.
///
/// Both slices hold records of the same `mst`, in the order of their units. Findings come in a fixed order.
pub fn employers<'a>(
    us: Party,
    ours: &'a [Employer<'a>],
    theirs: &'a [Employer<'a>],
    rules: &Rules,
    found: &mut impl FnMut(Finding<'a>),
) {
    let (si, tax) = match us {
        Party::Si => (ours, theirs),
        Party::Tax => (theirs, ours),
    };
    let mut found = |finding| found(seen_by(us, finding));
    match (Sum::of(si), Sum::of(tax)) {
        (Some(si), Some(tax)) => both(&si, &tax, rules, &mut found),
        (None, Some(tax)) => {
            let works = rules.standing(tax.status) != Some(Standing::Stopped);
            if works && tax.count > 0 {
                found(about(
                    Category::NotRegistered,
                    tax.first,
                    Value::None,
                    Value::Tax(tax.first.mst),
                ));
            }
        }
        (Some(si), None) => {
            if rules.standing(si.status) == Some(Standing::Working) {
                found(about(
                    Category::NoTaxpayer,
                    si.first,
                    Value::Tax(si.first.mst),
                    Value::None,
                ));
            }
        }
        (None, None) => {}
    }
    twice(
        si,
        |first, units| about(Category::EmployerTwice, first, units, Value::None),
        &mut found,
    );
    twice(
        tax,
        |first, units| about(Category::EmployerTwice, first, Value::None, units),
        &mut found,
    );
}

/// All units under one tax code, added up.
struct Sum<'a> {
    first: &'a Employer<'a>,
    status: Status,
    count: u64,
    amount: u64,
    due: u64,
    paid: u64,
}

impl<'a> Sum<'a> {
    fn of(units: &'a [Employer<'a>]) -> Option<Self> {
        let first = units.first()?;
        let add =
            |value: fn(&Employer<'a>) -> u64| units.iter().map(value).fold(0, u64::saturating_add);
        Some(Self {
            first,
            status: units
                .iter()
                .map(|unit| unit.status)
                .min()
                .unwrap_or(first.status),
            count: add(|unit| u64::from(unit.count)),
            amount: add(|unit| unit.amount),
            due: add(|unit| unit.due),
            paid: add(|unit| unit.paid),
        })
    }
}

fn both<'a>(si: &Sum<'a>, tax: &Sum<'a>, rules: &Rules, found: &mut impl FnMut(Finding<'a>)) {
    counts(si, tax, rules, found);
    paid(si, rules, found);
    let stopped = match (rules.standing(si.status), rules.standing(tax.status)) {
        (Some(Standing::Working), Some(Standing::Stopped)) => Some(Category::StoppedAtTax),
        (Some(Standing::Stopped), Some(Standing::Working)) => Some(Category::StoppedAtSi),
        _ => None,
    };
    if let Some(category) = stopped {
        found(about(
            category,
            si.first,
            Value::Status(si.status),
            Value::Status(tax.status),
        ));
    }
    texts(si.first, tax.first, rules, found);
}

fn counts<'a>(si: &Sum<'a>, tax: &Sum<'a>, rules: &Rules, found: &mut impl FnMut(Finding<'a>)) {
    let mut told = |is, category, si_value, tax_value| {
        if is {
            found(about(
                category,
                si.first,
                Value::Number(si_value),
                Value::Number(tax_value),
            ));
        }
    };
    told(
        rules.count_below(si.count, tax.count),
        Category::UnderCounted,
        si.count,
        tax.count,
    );
    told(
        rules.count_below(tax.count, si.count),
        Category::OverCounted,
        si.count,
        tax.count,
    );
    told(
        rules.fund_below(si.amount, tax.amount),
        Category::UnderFunded,
        si.amount,
        tax.amount,
    );
    told(
        rules.fund_below(tax.amount, si.amount),
        Category::OverFunded,
        si.amount,
        tax.amount,
    );
}

/// What is due by the rates of the month, then what was paid of it: only the insurance side knows either.
fn paid<'a>(si: &Sum<'a>, rules: &Rules, found: &mut impl FnMut(Finding<'a>)) {
    let expected = rules.due_of(si.amount);
    let mut told = |field, value, expected| {
        found(Finding {
            field,
            expected: Some(expected),
            ..about(
                Category::UnderPaid,
                si.first,
                Value::Number(value),
                Value::None,
            )
        });
    };
    if rules.fund_below(si.due, expected) {
        told(Field::Due, si.due, expected);
    }
    if rules.fund_below(si.paid, si.due) {
        told(Field::Paid, si.paid, si.due);
    }
}

fn texts<'a>(
    si: &'a Employer<'a>,
    tax: &'a Employer<'a>,
    rules: &Rules,
    found: &mut impl FnMut(Finding<'a>),
) {
    let mut told = |category, ours: &'a str, theirs: &'a str, least| {
        let score = name::score(ours, theirs);
        if score.value < least {
            found(Finding {
                score: Some(score),
                ..about(category, si, Value::Text(ours), Value::Text(theirs))
            });
        }
    };
    told(
        Category::EmployerName,
        &si.name,
        &tax.name,
        rules.tolerance.name_score,
    );
    told(
        Category::Address,
        &si.address,
        &tax.address,
        rules.tolerance.address_score,
    );
    if si.province != tax.province {
        found(Finding {
            field: Field::Province,
            ..about(
                Category::Address,
                si,
                Value::Number(si.province.into()),
                Value::Number(tax.province.into()),
            )
        });
    }
}

/// Several units of one side that are not closed.
fn twice<'a>(
    units: &'a [Employer<'a>],
    told: impl FnOnce(&'a Employer<'a>, Value<'a>) -> Finding<'a>,
    found: &mut impl FnMut(Finding<'a>),
) {
    let open = units
        .iter()
        .filter(|unit| unit.status != Status::Closed)
        .count();
    if let (Some(first), 2..) = (units.first(), open) {
        found(told(
            first,
            Value::Number(u64::try_from(open).unwrap_or(u64::MAX)),
        ));
    }
}

fn about<'a>(
    category: Category,
    at: &Employer<'_>,
    ours: Value<'a>,
    theirs: Value<'a>,
) -> Finding<'a> {
    Finding {
        category,
        field: category.field(),
        mst: at.mst,
        person: None,
        province: at.province,
        ours,
        theirs,
        expected: None,
        score: None,
    }
}
