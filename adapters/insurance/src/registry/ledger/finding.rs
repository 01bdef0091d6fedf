//! What a comparison found, parsed once.

use std::collections::BTreeSet;

use schemas::fault::FaultCode;
use schemas::id::{Mst, Pin, SiNumber, TaxId};
use schemas::proto::insurance::Finding;
use schemas::proto::insurance::get_contributions_request::Number;

use crate::registry::{Error, facts};

/// The codes of the categories: employers' first. The comparison that finds them stands elsewhere and has
/// the same list.
pub const CATEGORIES: [&str; 21] = [
    "E-NOTREG",
    "E-NOTAX",
    "E-UNDERCOUNT",
    "E-OVERCOUNT",
    "E-UNDERFUND",
    "E-OVERFUND",
    "E-UNDERPAID",
    "E-STATUS-TAX",
    "E-STATUS-SI",
    "E-NAME",
    "E-ADDR",
    "E-DUP",
    "P-UNINSURED",
    "P-UNKNOWN",
    "P-EMPLOYER",
    "P-BASE",
    "P-INCOME",
    "P-NAME",
    "P-BORN",
    "P-DUP",
    "P-OVERLAP",
];

/// Proves every finding of one call, and that none stands in it twice.
pub(super) fn check_all(findings: &[Finding]) -> Result<(), Error> {
    if !(1..=FINDINGS_MAX).contains(&findings.len()) {
        return Err(facts::invalid("too-many", "findings"));
    }
    let mut seen = BTreeSet::new();
    for finding in findings {
        check(finding)?;
        if !seen.insert((&finding.category, &finding.tax_code, &finding.person)) {
            return Err(Error::refused(
                FaultCode::Invalid,
                "finding-twice",
                "findings",
            ));
        }
    }
    Ok(())
}

fn check(finding: &Finding) -> Result<(), Error> {
    category(&finding.category)?;
    TaxId::parse(&finding.tax_code)
        .map_err(|_| facts::invalid("malformed-tax-code", "tax_code"))?;
    let of_person = finding.category.starts_with('P');
    if of_person != number(&finding.person).is_some() || !of_person && !finding.person.is_empty() {
        return Err(facts::invalid("malformed-number", "person"));
    }
    let is_word = (1..=16).contains(&finding.field.len())
        && finding.field.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_word {
        return Err(facts::invalid("malformed-id", "field"));
    }
    for (text, field) in [(&finding.ours, "ours"), (&finding.theirs, "theirs")] {
        if text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(facts::invalid("malformed-text", field));
        }
    }
    if finding.expected_vnd < 0 {
        return Err(facts::invalid("malformed-number", "expected_vnd"));
    }
    if finding.tolerated < 0 {
        return Err(facts::invalid("malformed-number", "tolerated"));
    }
    if finding.tolerated_bp > ALL_BP {
        return Err(facts::invalid("malformed-number", "tolerated_bp"));
    }
    province(&finding.province)
}

/// One of [`CATEGORIES`].
pub(super) fn category(code: &str) -> Result<(), Error> {
    match CATEGORIES.contains(&code) {
        true => Ok(()),
        false => Err(facts::invalid("unknown-code", "category")),
    }
}

/// Two digits.
pub(super) fn province(text: &str) -> Result<(), Error> {
    match text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(facts::invalid("malformed-id", "province")),
    }
}

/// Under which number a person is looked for; 10 digits are an SI number or an old personal tax code, and
/// both are looked for.
pub(super) fn number(person: &str) -> Option<Vec<Number>> {
    if Pin::parse(person).is_ok() {
        return Some(vec![Number::Pin(person.to_owned())]);
    }
    let mut numbers = Vec::new();
    if SiNumber::parse(person).is_ok() {
        numbers.push(Number::SiNumber(person.to_owned()));
    }
    if Mst::parse(person).is_ok_and(|code| code.branch().is_none()) {
        numbers.push(Number::TaxCode(person.to_owned()));
    }
    (!numbers.is_empty()).then_some(numbers)
}

/// All of a figure in basis points.
const ALL_BP: u32 = 10_000;
const FINDINGS_MAX: usize = 1_000;
const TEXT_BYTES_MAX: usize = 1_020;
