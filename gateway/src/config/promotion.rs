//! From the test environment to production: what a partner's file must name by then.

use std::{fs, path::Path};

use certs::digest::sha256_hex;
use gateway_core::partner::Environment;

use super::{
    Problem,
    partner::{AgreementLine, ConformanceLine, PartnerFile},
    read::Place,
};

/// What is missing, and a report that is not the one that was named or has failures.
pub(super) fn check(file: &PartnerFile, environment: Environment, place: &Place) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(line) = &file.conformance
        && let Err(what) = passed(line)
    {
        let cure = "name the JUnit report of a run without failures, and its SHA-256";
        problems.push(place.error("conformance", what, cure));
    }
    if environment != Environment::Production {
        return problems;
    }
    if file.conformance.is_none() && !file.agreements.is_empty() {
        problems.push(place.error(
            "conformance",
            "production takes a partner that has passed the conformance run",
            "run `lienthong conformance --junit FILE` in the test environment and add [conformance]",
        ));
    }
    for (index, agreement) in file.agreements.iter().enumerate() {
        for blank in blanks(agreement) {
            problems.push(place.error(
                &format!("agreements.{index}.{blank}"),
                format!("an agreement in production says its {blank}"),
                format!("add `{blank} = …`; the sample shows it"),
            ));
        }
    }
    problems
}

fn blanks(agreement: &AgreementLine) -> Vec<&'static str> {
    let all = [
        ("parties", agreement.parties.is_empty()),
        ("retention_years", agreement.retention_years.is_none()),
        ("contacts", agreement.contacts.is_empty()),
        ("valid_to", agreement.valid_to.is_none()),
    ];
    all.into_iter()
        .filter_map(|(name, blank)| blank.then_some(name))
        .collect()
}

fn passed(line: &ConformanceLine) -> Result<(), String> {
    let report = read(&line.report)?;
    if sha256_hex(report.as_bytes()) != line.sha256.to_ascii_lowercase() {
        return Err(format!(
            "{}: another report than the one named",
            line.report.display()
        ));
    }
    let numbers = |name: &str| -> Vec<&str> {
        let mark = format!(" {name}=\"");
        let parts = report.split(mark.as_str()).skip(1);
        parts.filter_map(|rest| rest.split('"').next()).collect()
    };
    let none = |name: &str| numbers(name).iter().all(|number| *number == "0");
    let ran = numbers("tests").iter().any(|number| *number != "0");
    match ran && none("failures") && none("errors") && !report.contains("<failure") {
        true => Ok(()),
        false => Err(format!(
            "{}: nothing was run, or something failed",
            line.report.display()
        )),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let length = fs::metadata(path).map_err(told)?.len();
    match length > REPORT_BYTES_MAX {
        true => Err(format!("{}: larger than a report is", path.display())),
        false => fs::read_to_string(path).map_err(told),
    }
}

const REPORT_BYTES_MAX: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::read_text;

    const REPORT: &str = "<testsuites>\n<testsuite name=\"conformance\" tests=\"2\" failures=\"0\" errors=\"0\" \
        skipped=\"0\" time=\"1\">\n<testcase name=\"r001\"/></testsuite>\n</testsuites>\n";

    fn file(folder: &Path, extra: &str, agreement: &str) -> (PartnerFile, Place) {
        let text = format!(
            "id = \"tax\"\nname = \"T\"\nenvironment = \"production\"\npeers = []\n\
             [[agreements]]\nnumber = \"1\"\nlegal_basis = \"a\"\npurposes = []\nroads = []\n\
             valid_from = 2026-01-01\n{agreement}[agreements.operations.\"tax.ping\"]\n{extra}"
        );
        let read = read_text::<PartnerFile>(&folder.join("tax.toml"), &text);
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        (read.value.unwrap(), read.place)
    }

    const WHOLE: &str = "valid_to = 2026-12-31\nretention_years = 10\nparties = [\"VSS\", \"Tax\"]\n\
        contacts = [{ name = \"duty officer\", phone = \"024\" }]\n";

    #[test]
    fn production_takes_only_whole_agreements_of_partners_that_passed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tax.xml"), REPORT).unwrap();
        let named = format!(
            "[conformance]\nreport = \"tax.xml\"\nsha256 = \"{}\"\n",
            sha256_hex(REPORT.as_bytes())
        );
        let found = |extra: &str, agreement: &str, environment| {
            let (file, place) = file(folder.path(), extra, agreement);
            check(&file, environment, &place).len()
        };
        let production = Environment::Production;
        assert_eq!(found(&named, WHOLE, production), 0);
        assert_eq!(found("", WHOLE, production), 1, "no report");
        assert_eq!(found(&named, "", production), 4, "blanks");
        assert_eq!(found("", "", Environment::Test), 0);
    }

    #[test]
    fn a_report_counts_only_as_it_was_named_and_without_failures() {
        let folder = tempfile::tempdir().unwrap();
        let line = |report: &str, digest_of: &str| {
            let path = folder.path().join("tax.xml");
            fs::write(&path, report).unwrap();
            let sha256 = sha256_hex(digest_of.as_bytes());
            passed(&ConformanceLine {
                report: path,
                sha256,
            })
        };
        line(REPORT, REPORT).unwrap();
        assert!(line(REPORT, "another").is_err());
        for (from, to) in [
            ("failures=\"0\"", "failures=\"1\""),
            ("errors=\"0\"", "errors=\"1\""),
            (" tests=\"2\"", " tests=\"0\""),
            (
                "<testcase name=\"r001\"/>",
                "<testcase><failure message=\"no\"/></testcase>",
            ),
        ] {
            let bent = REPORT.replacen(from, to, 1);
            assert!(line(&bent, &bent).is_err(), "{to}");
        }
        let path = folder.path().join("none.xml");
        assert!(
            passed(&ConformanceLine {
                report: path,
                sha256: String::new()
            })
            .is_err()
        );
    }
}
