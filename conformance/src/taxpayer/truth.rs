//! What the department knows: taxpayers with their months, and who was paid by whom.

use std::collections::{BTreeMap, BTreeSet};

use schemas::id::Period;
use schemas::wire::tax_records::{Record, Status};

/// The whole register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Taxpayers by tax code.
    pub employers: BTreeMap<String, Employer>,
    /// People by PIN.
    pub people: BTreeMap<String, Person>,
    /// The last month that is declared, `yyyy-MM`; what is asked of later ones is incomplete.
    pub declared_to: String,
    /// Fields that the agreement, as the department has it, does not let it tell.
    pub withheld: BTreeSet<String>,
    /// Numbers that it cannot tell of: a line about one of them is refused, the others are not.
    pub ambiguous: BTreeSet<String>,
}

/// One taxpayer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Employer {
    /// The status, two digits.
    pub status: String,
    /// Since when, `yyyy-MM-dd`.
    pub since: String,
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// By month: people who were paid an income, and how much, VND.
    pub months: BTreeMap<String, (u32, u64)>,
}

/// One person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Every payment, in the order in which it was declared.
    pub paid: Vec<Paid>,
}

/// What one payer paid in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// The payer's tax code.
    pub mst: String,
    /// The month, `yyyy-MM`.
    pub period: String,
    /// VND.
    pub vnd: u64,
}

impl Truth {
    /// Takes the tax side's record of one month into the register: the same rows that a month in bulk carries.
    ///
    /// A status of the insurance side's words is none of a taxpayer's and is left out.
    pub fn add(&mut self, period: Period, record: &Record<'_>) {
        let month = period.to_string();
        match record {
            Record::Employer(row) => {
                let employer = self.employers.entry(row.mst.to_string()).or_default();
                if let Status::Taxpayer(code) = row.status {
                    employer.status = format!("{code:02}");
                }
                employer.since = format!("{month}-01");
                employer.name = row.name.to_string();
                employer.address = row.address.to_string();
                let (count, amount) = employer.months.entry(month.clone()).or_default();
                *count += row.count;
                *amount += row.amount;
            }
            Record::Person(row) => {
                let person = self.people.entry(row.person.text()).or_default();
                person.name = row.name.to_string();
                person.paid.push(Paid {
                    mst: row.mst.to_string(),
                    period: month.clone(),
                    vnd: row.amount,
                });
            }
        }
        self.declared_to = self.declared_to.clone().max(month);
    }
}
