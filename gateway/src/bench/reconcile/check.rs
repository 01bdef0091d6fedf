//! What was found against what was seeded, in one pass over both: nothing missing, nothing extra.

use std::{fs, path::PathBuf};

use schemas::wire::tax_records::Kind;
use serde::Deserialize;
use tax::country::{Country, Seeded};

use super::Trouble;

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Checked {
    pub(super) found: u64,
    pub(super) missing: u64,
    pub(super) extra: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    category: &'a str,
    mst: &'a str,
    #[serde(default)]
    person: &'a str,
}

/// Holds all pages of one kind against the country; both rise with the person or employer.
pub(super) fn against_seeds(
    country: &Country,
    kind: Kind,
    pages: &[PathBuf],
) -> Result<Checked, Trouble> {
    let mut seeded = seeds(country, kind).peekable();
    let mut checked = Checked::default();
    for page in pages {
        for line in fs::read_to_string(page)?.lines() {
            let line: Line<'_> = serde_json::from_str(line)?;
            checked.found += 1;
            let subject = match kind {
                Kind::Employer => line.mst,
                Kind::Person => line.person,
            };
            while seeded
                .next_if(|(other, _)| other.as_str() < subject)
                .is_some()
            {
                checked.missing += 1;
            }
            let meant = |seed: &Seeded| {
                seed.category.code() == line.category && seed.mst.to_string() == line.mst
            };
            match seeded.next_if(|(other, seed)| other == subject && meant(seed)) {
                Some(_) => {}
                None => checked.extra += 1,
            }
        }
    }
    checked.missing += u64::try_from(seeded.count())?;
    Ok(checked)
}

/// Person or employer as a text of fixed length, and what must be found of it.
fn seeds(country: &Country, kind: Kind) -> Box<dyn Iterator<Item = (String, Seeded)> + '_> {
    match kind {
        Kind::Employer => Box::new((0..country.employers()).filter_map(|nth| {
            let seed = country.employer_findings(nth)?;
            Some((seed.mst.to_string(), seed))
        })),
        Kind::Person => Box::new(
            (0..country.people())
                .filter_map(|nth| Some((country.pin(nth).text(), country.person_findings(nth)?))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use schemas::id::Period;
    use tax::country::Size;

    use super::*;

    fn country() -> Country {
        let size = Size {
            employees: 30,
            payees: 40,
            employers: 110,
        };
        Country::new(size, Period::new(2026, 10).unwrap()).unwrap()
    }

    fn checked(lines: &[String]) -> Checked {
        let dir = tempfile::tempdir().unwrap();
        let page = dir.path().join("page");
        fs::write(&page, lines.concat()).unwrap();
        against_seeds(&country(), Kind::Employer, &[page]).unwrap()
    }

    #[test]
    fn what_is_left_out_is_missing_and_what_nobody_seeded_is_extra() {
        let country = country();
        let mut lines: Vec<String> = seeds(&country, Kind::Employer)
            .map(|(mst, seed)| {
                format!(
                    "{{\"category\":\"{}\",\"mst\":\"{mst}\"}}\n",
                    seed.category.code()
                )
            })
            .collect();
        let all = u64::try_from(lines.len()).unwrap();
        assert_eq!(
            checked(&lines),
            Checked {
                found: all,
                missing: 0,
                extra: 0
            }
        );
        lines.remove(3);
        assert_eq!(
            checked(&lines),
            Checked {
                found: all - 1,
                missing: 1,
                extra: 0
            }
        );
        lines[0] = lines[0].replace("E-", "E-X");
        let other = Checked {
            found: all - 1,
            missing: 2,
            extra: 1,
        };
        assert_eq!(checked(&lines), other);
        assert_eq!(
            checked(&[]),
            Checked {
                found: 0,
                missing: all,
                extra: 0
            }
        );
    }
}
