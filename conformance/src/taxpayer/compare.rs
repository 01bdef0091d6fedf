//! The department's own comparison: what the insurance side sends beside what was declared to it. It is written apart from
//! the gateway's engine, and knows no tolerances.

use std::collections::{BTreeMap, BTreeSet};

use schemas::wire::tax_records::{Employer, Person, Record, Status};
use serde::{Deserialize, Serialize};

/// One discrepancy; what is not told is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The category's code.
    pub category: String,
    /// The field.
    pub field: String,
    /// The employer's tax code.
    pub mst: String,
    /// The person's PIN.
    pub person: String,
    /// Two digits.
    pub province: String,
    /// The insurance side's value.
    pub ours: String,
    /// The tax side's value.
    pub theirs: String,
}

/// What of an employer is kept of what came.
pub(super) struct SentEmployer {
    mst: String,
    province: u8,
    active: bool,
    name: String,
    address: String,
    count: u32,
    amount: u64,
    due: u64,
    paid: u64,
}

/// What of a person with one employer.
pub(super) struct SentPerson {
    person: String,
    mst: String,
    province: u8,
    name: String,
    born: u32,
    amount: u64,
}

/// One record that came.
pub(super) enum SentRecord {
    Employer(SentEmployer),
    Person(SentPerson),
}

/// A record that outlives its chunk.
pub(super) fn owned(record: Record<'_>) -> SentRecord {
    match record {
        Record::Employer(one) => SentRecord::Employer(SentEmployer {
            mst: one.mst.to_string(),
            province: one.province,
            active: one.status == Status::Active,
            name: one.name.into_owned(),
            address: one.address.into_owned(),
            count: one.count,
            amount: one.amount,
            due: one.due,
            paid: one.paid,
        }),
        Record::Person(one) => SentRecord::Person(SentPerson {
            person: one.person.text(),
            mst: one.mst.to_string(),
            province: one.province,
            name: one.name.into_owned(),
            born: one.born,
            amount: one.amount,
        }),
    }
}

/// Everything in which the two differ, in the order of subjects.
pub(super) fn compared(theirs: &[SentRecord], own: &[&Record<'static>]) -> Vec<Finding> {
    let mut out = Vec::new();
    employers(theirs, own, &mut out);
    persons(theirs, own, &mut out);
    out.sort_by(|a, b| (&a.person, &a.mst, &a.category).cmp(&(&b.person, &b.mst, &b.category)));
    out
}

fn employers(theirs: &[SentRecord], own: &[&Record<'static>], out: &mut Vec<Finding>) {
    let mut sent: BTreeMap<&str, &SentEmployer> = BTreeMap::new();
    for record in theirs {
        if let SentRecord::Employer(one) = record {
            sent.insert(&one.mst, one);
        }
    }
    let mut declared: BTreeMap<String, &Employer<'static>> = BTreeMap::new();
    for record in own {
        if let Record::Employer(one) = record {
            declared.insert(one.mst.to_string(), one);
        }
    }
    for (mst, one) in &declared {
        let works = matches!(one.status, Status::Taxpayer(code) if code == 0);
        match sent.get(mst.as_str()) {
            None if works && one.count > 0 => {
                out.push(about("E-NOTREG", "mst", mst, one.province, "", mst));
            }
            None => {}
            Some(row) => employer(mst, row, one, works, out),
        }
    }
    for (mst, row) in &sent {
        if row.active && !declared.contains_key(*mst) {
            out.push(about("E-NOTAX", "mst", mst, row.province, mst, ""));
        }
    }
}

fn employer(
    mst: &str,
    row: &SentEmployer,
    one: &Employer<'_>,
    works: bool,
    out: &mut Vec<Finding>,
) {
    let mut say = |category: &str, field: &str, ours: &str, theirs: &str| {
        out.push(about(category, field, mst, row.province, ours, theirs));
    };
    let number = |value: u64| value.to_string();
    match (row.active, works) {
        (true, false) => say("E-STATUS-TAX", "status", "active", "stopped"),
        (false, true) => say("E-STATUS-SI", "status", "stopped", "active"),
        _ => {}
    }
    let (ours, theirs) = (u64::from(row.count), u64::from(one.count));
    if ours != theirs {
        let category = if ours < theirs {
            "E-UNDERCOUNT"
        } else {
            "E-OVERCOUNT"
        };
        say(category, "count", &number(ours), &number(theirs));
    }
    if row.amount.abs_diff(one.amount) > ROUNDING {
        let under = row.amount < one.amount;
        let category = if under { "E-UNDERFUND" } else { "E-OVERFUND" };
        say(category, "amount", &number(row.amount), &number(one.amount));
    }
    if row.paid + ROUNDING < row.due {
        say("E-UNDERPAID", "paid", &number(row.paid), "");
    }
    if !is_same(&row.name, &one.name) {
        say("E-NAME", "name", &row.name, &one.name);
    }
    if !is_same(&row.address, &one.address) {
        say("E-ADDR", "address", &row.address, &one.address);
    }
}

fn persons(theirs: &[SentRecord], own: &[&Record<'static>], out: &mut Vec<Finding>) {
    let mut people: BTreeMap<String, (Vec<&SentPerson>, Vec<&Person<'static>>)> = BTreeMap::new();
    for record in theirs {
        if let SentRecord::Person(one) = record {
            people.entry(one.person.clone()).or_default().0.push(one);
        }
    }
    for record in own {
        if let Record::Person(one) = record {
            people.entry(one.person.text()).or_default().1.push(one);
        }
    }
    for (person, (insured, paid)) in &people {
        self::person(person, insured, paid, out);
    }
}

fn person(person: &str, insured: &[&SentPerson], paid: &[&Person<'_>], out: &mut Vec<Finding>) {
    let mut say = |category: &str, field: &str, at: (&str, u8), ours: &str, theirs: &str| {
        out.push(Finding {
            person: person.to_owned(),
            ..about(category, field, at.0, at.1, ours, theirs)
        });
    };
    let payers: BTreeSet<String> = paid.iter().map(|one| one.mst.to_string()).collect();
    let Some(first) = insured.first() else {
        for one in paid {
            say(
                "P-UNINSURED",
                "person",
                (&one.mst.to_string(), one.province),
                "",
                person,
            );
        }
        return;
    };
    let at = (first.mst.as_str(), first.province);
    let Some(one) = paid.first() else {
        for row in insured {
            say("P-UNKNOWN", "person", (&row.mst, row.province), person, "");
        }
        return;
    };
    if payers.len() > 1 && paid.iter().all(|one| one.full) {
        // two jobs are told at the smaller tax code
        let smaller = payers.first().map_or("", String::as_str);
        say(
            "P-OVERLAP",
            "full",
            (smaller, first.province),
            "",
            &payers.len().to_string(),
        );
    } else if insured.len() == 1 && !payers.contains(&first.mst) {
        say("P-EMPLOYER", "mst", at, &first.mst, &one.mst.to_string());
        return;
    }
    let here: Vec<_> = paid
        .iter()
        .filter(|one| one.mst.to_string() == first.mst)
        .collect();
    let numbers: BTreeSet<_> = here.iter().map(|one| one.number.text()).collect();
    if numbers.len() > 1 {
        say("P-DUP", "number", at, "", &numbers.len().to_string());
    }
    if let Some(paid) = here.first()
        && first.amount.abs_diff(paid.amount) > ROUNDING
    {
        let category = if first.amount < paid.amount {
            "P-BASE"
        } else {
            "P-INCOME"
        };
        let (ours, theirs) = (first.amount.to_string(), paid.amount.to_string());
        say(category, "amount", at, &ours, &theirs);
    }
    if !is_same(&first.name, &one.name) {
        say("P-NAME", "name", at, &first.name, &one.name);
    }
    if first.born != one.born {
        say(
            "P-BORN",
            "born",
            at,
            &first.born.to_string(),
            &one.born.to_string(),
        );
    }
}

fn about(
    category: &str,
    field: &str,
    mst: &str,
    province: u8,
    ours: &str,
    theirs: &str,
) -> Finding {
    Finding {
        category: category.to_owned(),
        field: field.to_owned(),
        mst: mst.to_owned(),
        person: String::new(),
        province: format!("{province:02}"),
        ours: ours.to_owned(),
        theirs: theirs.to_owned(),
    }
}

/// The same letters, whatever their case and the spaces between them.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    plain(a) == plain(b)
}

/// Amounts are declared in thousands.
const ROUNDING: u64 = 1_000;
