//! What the department found in our month: what its pages have to hold, and whether they do. Nothing is noted before all of
//! them are proven to be one whole result.

use std::collections::BTreeMap;

use certs::digest;
use gateway_core::bulk::unhex;
use schemas::{
    id::{Pin, TaxId},
    wire::{
        tax::{
            FindingLine, ReconcileState,
            taxpayer::{SentPage, chained},
        },
        tax_records::Kind,
    },
};
use serde::{Deserialize, Serialize};
use tax::compare::Category;

use super::Terms;

/// What page 0 says of the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Expected {
    pub(super) pages: u32,
    found: u64,
    /// The chain of the last page, hex.
    chain: String,
    /// How many by category and province.
    counts: BTreeMap<String, u64>,
}

/// What the pages held so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Held {
    /// Pages that are proven.
    pub(super) pages: u32,
    pub(super) found: u64,
    /// The chain up to there, hex; none before the first.
    chain: Option<String>,
    counts: BTreeMap<String, u64>,
}

impl Expected {
    /// Page 0 of a result that is done; a stable word where it contradicts itself, or finds more than can be found in so
    /// many records of ours.
    pub(super) fn of(page: &SentPage, records: u64) -> Result<Self, &'static str> {
        let told = &page.told;
        let (mut counts, mut of_category) = (BTreeMap::new(), BTreeMap::new());
        for row in &told.summary {
            let category = Category::of_code(&row.category).ok_or("finding-of-no-category")?;
            let found = of_category.entry(category).or_insert(0_u64);
            *found = found.saturating_add(row.count);
            if *found > most(category, records) {
                return Err("more-findings-than-records");
            }
            let name = counted(&row.category, &row.province);
            if counts.insert(name, row.count).is_some() {
                return Err("summary-row-twice");
            }
        }
        let sum = counts
            .values()
            .try_fold(0_u64, |sum, one| sum.checked_add(*one));
        if sum != Some(told.found) {
            return Err("summary-does-not-add-up");
        }
        let (least, most) = (u64::from(told.pages), u64::from(told.pages) * PAGE_MAX);
        if !(least..=most).contains(&told.found) {
            return Err("pages-do-not-add-up");
        }
        Ok(Self {
            pages: told.pages,
            found: told.found,
            chain: page.chain.map(hex::encode).ok_or("page-chain")?,
            counts,
        })
    }
}

impl Held {
    /// Takes the next page; a stable word where it is none of this result, and nothing is taken.
    pub(super) fn take(
        &mut self,
        terms: &Terms,
        expected: &Expected,
        page: &SentPage,
    ) -> Result<(), &'static str> {
        let told = &page.told;
        let of_it = (told.state, told.pages, told.found)
            == (ReconcileState::Done, expected.pages, expected.found);
        if !of_it {
            return Err("page-of-another-result");
        }
        if told.page != self.pages + 1 {
            return Err("page-out-of-order");
        }
        if told.findings.is_empty() {
            return Err("page-empty");
        }
        let chain = digest::sha256(&chained(&self.chain(terms), &told.findings));
        if page.chain != Some(chain) {
            return Err("page-chain");
        }
        let mut counts = self.counts.clone();
        for line in &told.findings {
            check(terms, line)?;
            *counts
                .entry(counted(&line.category, &line.province))
                .or_default() += 1;
        }
        self.pages += 1;
        self.found += told.findings.len() as u64;
        self.chain = Some(hex::encode(chain));
        self.counts = counts;
        Ok(())
    }

    /// All pages are there: together they are what page 0 says.
    pub(super) fn whole(&self, terms: &Terms, expected: &Expected) -> Result<(), &'static str> {
        if self.found != expected.found {
            return Err("totals-do-not-add-up");
        }
        if self.counts != expected.counts {
            return Err("summary-does-not-add-up");
        }
        match hex::encode(self.chain(terms)) == expected.chain {
            true => Ok(()),
            false => Err("page-chain"),
        }
    }

    fn chain(&self, terms: &Terms) -> [u8; 32] {
        let before = self.chain.as_deref().and_then(unhex);
        before.unwrap_or_else(|| digest::sha256(terms.id.as_str().as_bytes()))
    }
}

/// A finding that the ledger can keep, about the month that was sent.
fn check(terms: &Terms, line: &FindingLine) -> Result<(), &'static str> {
    let of_person = Category::of_code(&line.category)
        .map(|_| line.category.starts_with('P'))
        .ok_or("finding-of-no-category")?;
    if of_person != (terms.kind == Kind::Person) {
        return Err("finding-of-another-kind");
    }
    let number = line.person.as_deref();
    let numbers = TaxId::parse(&line.mst).is_ok()
        && number.is_some() == of_person
        && number.is_none_or(|number| Pin::parse(number).is_ok());
    if !numbers {
        return Err("finding-of-no-subject");
    }
    let province = line.province.parse().ok();
    if !province.is_some_and(|province| terms.provinces.has(province)) {
        return Err("finding-of-another-province");
    }
    let values = [&line.ours, &line.theirs].into_iter().flatten();
    let fits =
        |value: &String| value.len() <= VALUE_BYTES_MAX && !value.chars().any(char::is_control);
    match values.into_iter().all(fits) {
        true => Ok(()),
        false => Err("finding-value"),
    }
}

/// The most that can be found of a category beside so many records: a record of ours may differ in two of its fields; what
/// stands on their side alone is bounded by what is believable of one country. Own profile.
const fn most(category: Category, records: u64) -> u64 {
    match category {
        Category::NotRegistered
        | Category::Uninsured
        | Category::PersonTwice
        | Category::TwoFullTime => records.saturating_mul(10).saturating_add(STRANGERS_MAX),
        _ => records.saturating_mul(2),
    }
}

fn counted(category: &str, province: &str) -> String {
    format!("{category} {province}")
}

const PAGE_MAX: u64 = SentPage::FINDINGS_MAX as u64;
/// Those whom they have and we do not, beside ten for each record.
const STRANGERS_MAX: u64 = 1_000_000;
/// What the ledger takes of a value.
const VALUE_BYTES_MAX: usize = 1_020;

#[cfg(test)]
mod tests {
    use schemas::{
        codes::province_set::ProvinceSet,
        id::{MessageId, PartnerId},
        wire::{
            tax::{ReconcileResultPage, SummaryRow},
            tax_records::{Form, Packing},
        },
    };

    use super::*;

    /// Of our month.
    const RECORDS: u64 = 3;

    fn terms() -> Terms {
        Terms {
            partner: PartnerId::parse("tax").unwrap(),
            id: MessageId::parse("run.ours.2026-10.20261105T0800").unwrap(),
            kind: Kind::Employer,
            period: "2026-10".parse().unwrap(),
            provinces: ProvinceSet::of(&[1]),
            form: Form::Xml,
            packing: Packing::Gzip,
            fields: std::collections::BTreeSet::new(),
            rule: "A-1/taxpayer.reconcile".to_owned(),
            purpose: "tax-compliance".to_owned(),
        }
    }

    fn line(category: &str) -> FindingLine {
        FindingLine {
            category: category.to_owned(),
            field: "count".to_owned(),
            mst: "9900000016".to_owned(),
            province: "01".to_owned(),
            ours: Some("3".to_owned()),
            theirs: Some("5".to_owned()),
            ..FindingLine::default()
        }
    }

    /// A whole result of these findings, two on a page; page 0 stands first.
    fn told(findings: &[FindingLine]) -> Vec<SentPage> {
        let terms = terms();
        let chunks: Vec<_> = findings.chunks(2).collect();
        let mut chain = digest::sha256(terms.id.as_str().as_bytes());
        let page = |number: usize, findings: &[FindingLine], chain| SentPage {
            told: ReconcileResultPage {
                manifest: terms.id.clone(),
                state: ReconcileState::Done,
                reason: None,
                progress: 100,
                page: u32::try_from(number).unwrap(),
                pages: u32::try_from(chunks.len()).unwrap(),
                found: chunks.concat().len() as u64,
                summary: Vec::new(),
                findings: findings.to_vec(),
                not_disclosed: Vec::new(),
            },
            chain: Some(chain),
        };
        let mut pages = Vec::new();
        for (number, findings) in (1..).zip(&chunks) {
            chain = digest::sha256(&chained(&chain, findings));
            pages.push(page(number, findings, chain));
        }
        let mut first = page(0, &[], chain);
        let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for one in findings {
            *counts.entry((&one.category, &one.province)).or_default() += 1;
        }
        let row = |((category, province), count): ((&str, &str), u64)| SummaryRow {
            category: category.to_owned(),
            province: province.to_owned(),
            count,
        };
        first.told.summary = counts.into_iter().map(row).collect();
        pages.insert(0, first);
        pages
    }

    fn three() -> Vec<SentPage> {
        told(&[line("E-NAME"), line("E-ADDR"), line("E-UNDERCOUNT")])
    }

    /// What becomes of a result; a page that is refused takes nothing.
    fn judged(pages: &[SentPage]) -> Result<Held, &'static str> {
        let (terms, mut held) = (terms(), Held::default());
        let (first, rest) = pages.split_first().unwrap();
        let expected = Expected::of(first, RECORDS)?;
        for page in rest {
            let before = held.clone();
            if let Err(reason) = held.take(&terms, &expected, page) {
                assert_eq!(held, before, "{reason}");
                return Err(reason);
            }
        }
        held.whole(&terms, &expected).map(|()| held)
    }

    #[test]
    fn a_whole_result_is_taken_and_so_is_one_that_found_nothing() {
        let held = judged(&three()).unwrap();
        assert_eq!((held.pages, held.found), (2, 3));
        let nothing = judged(&told(&[])).unwrap();
        assert_eq!((nothing.pages, nothing.found), (0, 0));
    }

    #[test]
    fn what_contradicts_itself_is_refused_by_its_reason() {
        type Bend = fn(&mut Vec<SentPage>);
        let cases: [(Bend, &str); 12] = [
            (
                |all| {
                    let row = all[0].told.summary[0].clone();
                    all[0].told.summary.push(row);
                },
                "summary-row-twice",
            ),
            (|all| all[0].told.found += 1, "summary-does-not-add-up"),
            (
                |all| all[0].told.summary[0].category = "E-DUP".to_owned(),
                "summary-does-not-add-up",
            ),
            (
                |all| all[0].told.summary[0].category = "E-DRAGON".to_owned(),
                "finding-of-no-category",
            ),
            (|all| all[0].told.pages = 4, "pages-do-not-add-up"),
            (
                |all| {
                    all[0].told.summary[0].count += 1;
                    all.iter_mut().for_each(|page| page.told.found += 1);
                },
                "totals-do-not-add-up",
            ),
            (|all| all[2].told.found += 1, "page-of-another-result"),
            (|all| all[2].told.pages += 1, "page-of-another-result"),
            (|all| all.swap(1, 2), "page-out-of-order"),
            (|all| all[1].told.findings.clear(), "page-empty"),
            (
                |all| all[1].told.findings[0].ours = Some("4".to_owned()),
                "page-chain",
            ),
            (|all| all[0].chain = Some([7; 32]), "page-chain"),
        ];
        for (nth, (bend, reason)) in cases.into_iter().enumerate() {
            let mut bent = three();
            bend(&mut bent);
            assert_eq!(judged(&bent), Err(reason), "{nth}");
        }
    }

    #[test]
    fn more_than_can_be_found_in_what_was_sent_is_not_believed_nor_fetched() {
        // two provinces of one category, and how many pages they want us to fetch
        let judged = |category: &str, records: u64, counts: [u64; 2], pages: u32| {
            let mut first = told(&[]).remove(0);
            let row = |(province, count): (&str, u64)| SummaryRow {
                category: category.to_owned(),
                province: province.to_owned(),
                count,
            };
            first.told.summary = ["01", "79"].into_iter().zip(counts).map(row).collect();
            first.told.found = counts.into_iter().fold(0, u64::saturating_add);
            first.told.pages = pages;
            Expected::of(&first, records).map(|expected| expected.found)
        };
        let beyond = Err("more-findings-than-records");
        for category in ["E-NAME", "E-NOTAX", "E-DUP", "P-BASE", "P-UNKNOWN"] {
            assert_eq!(judged(category, 3, [3, 3], 1), Ok(6), "{category}");
            assert_eq!(judged(category, 3, [3, 4], 1), beyond, "{category}");
            assert_eq!(judged(category, 0, [0, 1], 1), beyond, "{category}");
            assert_eq!(judged(category, u64::MAX, [1, 1], 1), Ok(2), "{category}");
        }
        // a month in which we have nobody is met by all of theirs
        for category in ["E-NOTREG", "P-UNINSURED", "P-DUP", "P-OVERLAP"] {
            let pages = 2_000;
            assert_eq!(judged(category, 0, [0, 1_000_000], pages), Ok(1_000_000));
            assert_eq!(judged(category, 0, [1, 1_000_000], pages), beyond);
            assert_eq!(judged(category, 1, [10, 1_000_000], 2_001), Ok(1_000_010));
            let all = [u64::MAX, u64::MAX];
            assert_eq!(judged(category, 1, all, u32::MAX), beyond);
        }
    }

    #[test]
    fn a_finding_that_the_ledger_cannot_keep_or_of_another_month_is_refused() {
        type Bend = fn(&mut FindingLine);
        let cases: [(Bend, &str); 7] = [
            (
                |one| one.category = "E-DRAGON".to_owned(),
                "finding-of-no-category",
            ),
            (
                |one| one.category = "P-BASE".to_owned(),
                "finding-of-another-kind",
            ),
            (
                |one| one.mst = "9900000017".to_owned(),
                "finding-of-no-subject",
            ),
            (
                |one| one.person = Some("099300123456".to_owned()),
                "finding-of-no-subject",
            ),
            (
                |one| one.province = "79".to_owned(),
                "finding-of-another-province",
            ),
            (|one| one.ours = Some("a\nb".to_owned()), "finding-value"),
            (|one| one.theirs = Some("ệ".repeat(400)), "finding-value"),
        ];
        for (bend, reason) in cases {
            let mut bent = line("E-NAME");
            bend(&mut bent);
            assert_eq!(judged(&told(&[bent])), Err(reason), "{reason}");
        }
    }
}
