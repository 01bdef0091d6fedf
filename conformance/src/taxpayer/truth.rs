//! What the department knows: taxpayers with their months, and who was paid by whom.

use std::collections::{BTreeMap, BTreeSet};

use schemas::id::Period;
use schemas::wire::tax_records::{Record, Status};

use crate::landmarks::Landmarks;

/// What everybody is paid in a month of the landmarks.
const PAID_VND: u64 = 12_000_000;

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
    /// Everybody that an agency may speak about: employers that work and people whom the first of them paid, all in the
    /// newest month.
    pub fn of(landmarks: &Landmarks) -> Self {
        let period = landmarks.period.clone().unwrap_or_default();
        let people: BTreeMap<&str, &str> = landmarks
            .holders
            .iter()
            .chain(&landmarks.mothers)
            .map(|person| (person.pin.as_str(), person.name.as_str()))
            .collect();
        let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let others = [
            &landmarks.employer_incomplete,
            &landmarks.employer_in_arrears,
            &landmarks.branch,
            &landmarks.household,
            &landmarks.unregistered_mst,
        ];
        let codes = landmarks.employers.iter().map(|one| &one.mst);
        let codes = codes.chain(others.into_iter().flatten());
        let employer = |mst: &String| Employer {
            status: "00".to_owned(),
            since: format!("{period}-01"),
            name: format!("Simulated taxpayer {mst}"),
            address: "Simulated address".to_owned(),
            months: [(period.clone(), (count, u64::from(count) * PAID_VND))].into(),
        };
        let first = landmarks.employers.first().map(|one| one.mst.clone());
        let paid = |mst: &String| Paid {
            mst: mst.clone(),
            period: period.clone(),
            vnd: PAID_VND,
        };
        let person = |(pin, name): (&str, &str)| {
            let person = Person {
                name: name.to_owned(),
                paid: first.iter().map(paid).collect(),
            };
            (pin.to_owned(), person)
        };
        Self {
            employers: codes.map(|mst| (mst.clone(), employer(mst))).collect(),
            people: people.into_iter().map(person).collect(),
            declared_to: period.clone(),
            ..Self::default()
        }
    }

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
