//! Procedures are data: one file of `procedures/` each, and nothing in code knows how many there are.
//!
//! A row says what a procedure is called, since when, what its form asks, which papers it needs, which states
//! its dossiers may come to, its time limit, what has to be paid and who decides. Whoever takes dossiers in
//! reads it here, at both ends of the insurance contract. It refuses to know any dossier.

mod form;
mod kind;

use std::sync::LazyLock;

use jiff::Zoned;
use jiff::civil::{Date, time};
use jiff::{Span, Timestamp};
use serde::Deserialize;

pub use form::{Filled, Form, Lines, Named};
pub use kind::{Field, Kind, Role, Said};

use crate::calendar;
use crate::codes::{Certainty, Term};
use crate::date::VIET_NAM;
use crate::id::ProcedureCode;
use crate::json::{self, Limits};

/// All procedures that are known.
#[derive(Debug)]
pub struct Catalog {
    rows: Vec<Procedure>,
}

impl Catalog {
    /// The procedures of this build.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::of(FILES).expect("a test reads every file that is compiled in")
        });
        &CATALOG
    }

    /// A catalogue of these rows, each a text of `procedures/`. It lives as long as the process, and so do they.
    ///
    /// # Errors
    /// Where a text is not a row, or two rows hold for one code on one day.
    pub fn of(texts: &[&'static str]) -> Result<Self, CatalogError> {
        let mut rows: Vec<Procedure> = Vec::new();
        for text in texts {
            let row = Procedure::read(text)?;
            let twice = |other: &Procedure| {
                let (one, two) = (&row.term, &other.term);
                other.code == row.code
                    && (one.holds_on(two.valid_from) || two.holds_on(one.valid_from))
            };
            if rows.iter().any(twice) {
                return Err(CatalogError::new("a code twice on one day"));
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// The texts of this build, for a catalogue with more of them.
    #[must_use]
    pub fn texts() -> &'static [&'static str] {
        FILES
    }

    /// The procedure of a code on a day, whatever office's suffix the code has.
    #[must_use]
    pub fn find(&'static self, code: &ProcedureCode, on: Date) -> Option<&'static Procedure> {
        let fits = |row: &&Procedure| row.code == code.national() && row.term.holds_on(on);
        self.rows.iter().find(fits)
    }

    /// Every row, past ones too.
    pub fn rows(&'static self) -> impl Iterator<Item = &'static Procedure> {
        self.rows.iter()
    }
}

/// One procedure.
#[derive(Debug)]
pub struct Procedure {
    /// Its code, national part.
    pub code: &'static str,
    /// Its name in Vietnamese, as the portal shows it.
    pub vi: &'static str,
    /// Its name in English.
    pub en: &'static str,
    /// When it holds, by which text, and how sure we are.
    pub term: Term,
    /// The purpose, as agreements name it.
    pub purpose: &'static str,
    /// Who applies.
    pub applicant: Applicant,
    /// What is asked.
    pub form: Form,
    /// The papers that go with it.
    pub papers: Vec<Paper>,
    /// The states (TrangThaiHoSo) that its dossiers may come to.
    pub steps: Vec<u32>,
    /// Its time limit.
    pub limit: Limit,
    /// By when the applicant is told that it has come, where a law says so: such a dossier's times are watched.
    pub acknowledge: Option<Limit>,
    /// Whether a parent may apply for a child under age, and a recorded representative for whom they represent.
    pub represented: bool,
    /// What has to be paid, by which quote.
    pub pays: Option<Pays>,
    /// Who decides.
    pub decides: Decides,
}

impl Procedure {
    fn read(text: &'static str) -> Result<Self, CatalogError> {
        json::check(text.as_bytes(), &Limits::default())
            .map_err(|error| CatalogError::new(error.code()))?;
        let row: Row = serde_json::from_str(text)
            .map_err(|error| CatalogError(format!("not a procedure: {error}")))?;
        let wrong = |what: &str| CatalogError(format!("{}: {what}", row.code));
        let code = ProcedureCode::parse(row.code).map_err(|_| wrong("no procedure code"))?;
        let day = |text: &str| text.parse::<Date>().map_err(|_| wrong("no day"));
        let mut term = Term::since(day(row.valid_from)?, row.source, row.certainty.into());
        term.valid_to = row.valid_to.map(day).transpose()?;
        if code.national() != row.code {
            return Err(wrong("a code with an office's suffix"));
        }
        if !BASIC.iter().all(|state| row.steps.contains(state))
            || !row.steps.iter().all(|state| (1..=10).contains(state))
        {
            return Err(wrong("steps that no dossier can take"));
        }
        if row.pays.is_some() != row.steps.contains(&PAYMENT) {
            return Err(wrong("a payment without its state, or the other way round"));
        }
        if row.decides == Decides::Payment && row.pays.is_none() {
            return Err(wrong("decided by a payment that is not asked for"));
        }
        if row.represented && (row.pays.is_some() || row.applicant == Applicant::Employer) {
            return Err(wrong("a parent applies for what is not a child's alone"));
        }
        let working = |limit: &Limit| limit.count == Count::Working;
        if row.acknowledge.as_ref().is_some_and(|first| {
            !working(first) || !working(&row.limit) || first.days > row.limit.days
        }) {
            return Err(wrong("times that cannot be watched"));
        }
        row.form.check().map_err(wrong)?;
        Ok(Self {
            code: row.code,
            vi: row.vi,
            en: row.en,
            term,
            purpose: row.purpose,
            applicant: row.applicant,
            form: row.form,
            papers: row.papers,
            steps: row.steps,
            limit: row.limit,
            acknowledge: row.acknowledge,
            represented: row.represented,
            pays: row.pays,
            decides: row.decides,
        })
    }

    /// Proves that every paper that is asked for is named, and no other.
    ///
    /// # Errors
    /// `missing-paper` or `unknown-paper`.
    pub fn papers_suffice(&self, named: &[&str]) -> Result<(), Wrong> {
        let wrong = |reason| Wrong {
            reason,
            field: "TaiLieuNop",
        };
        let known = |code: &&str| self.papers.iter().any(|paper| paper.code == *code);
        if !named.iter().all(known) {
            return Err(wrong("unknown-paper"));
        }
        let there = |paper: &Paper| paper.optional || named.contains(&paper.code);
        match self.papers.iter().all(there) {
            true => Ok(()),
            false => Err(wrong("missing-paper")),
        }
    }

    /// The instant by which the result is due: the end of the working hours of the limit's last day.
    #[must_use]
    pub fn due(&self, received: &Zoned) -> Timestamp {
        let day = match self.limit.count {
            Count::Working => calendar::due(received, self.limit.days),
            Count::Calendar => {
                let span = Span::new().days(i64::from(self.limit.days));
                received.date().checked_add(span).unwrap_or(Date::MAX)
            }
        };
        VIET_NAM
            .to_timestamp(day.to_datetime(time(17, 0, 0, 0)))
            .unwrap_or_else(|_| received.timestamp())
    }
}

/// Why what was said does not fit a procedure: a stable word and the name of the field, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrong {
    /// One of [`REASONS`].
    pub reason: &'static str,
    /// The field's own name, or that of the form where the caller's name is none of ours.
    pub field: &'static str,
}

/// Every reason of [`Wrong`].
pub const REASONS: &[&str] = &[
    "bad-amount",
    "bad-card",
    "bad-date",
    "bad-number",
    "bad-name",
    "control-character",
    "missing-field",
    "missing-paper",
    "text-too-long",
    "too-many-lines",
    "unknown-code",
    "unknown-field",
    "unknown-paper",
    "wrong-kind",
];

/// Who applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicant {
    /// A person, for themselves or their household.
    Person,
    /// An employer, by the person who is logged in for it.
    Employer,
}

/// One paper.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// Its code (MaThanhPhanHoSo). Own profile.
    pub code: &'static str,
    /// Its name in Vietnamese.
    pub vi: &'static str,
    /// Whether the dossier is complete without it.
    #[serde(default)]
    pub optional: bool,
}

/// A time limit, not counting the day of receipt.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many days.
    pub days: u16,
    /// Of which kind.
    pub count: Count,
    /// The text that says so.
    pub source: &'static str,
}

/// Which days count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Days on which state offices work.
    Working,
    /// Every day.
    Calendar,
}

/// Which quote ([`crate::quote`]) says what has to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pays {
    /// Household health insurance.
    Household,
    /// Voluntary social insurance.
    Voluntary,
    /// Compulsory contributions, overdue ones with the cost of lateness.
    Arrears,
}

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decides {
    /// The registry: a valid card of the applicant is printed again.
    ReissueCard,
    /// A person.
    Person,
    /// The registry, once it is paid.
    Payment,
}

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue of procedures: {0}")]
pub struct CatalogError(String);

impl CatalogError {
    fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// A row as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    valid_from: &'static str,
    valid_to: Option<&'static str>,
    source: &'static str,
    certainty: Sure,
    purpose: &'static str,
    applicant: Applicant,
    form: Form,
    papers: Vec<Paper>,
    steps: Vec<u32>,
    limit: Limit,
    acknowledge: Option<Limit>,
    #[serde(default)]
    represented: bool,
    pays: Option<Pays>,
    decides: Decides,
}

/// [`Certainty`] as the files write it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sure {
    Read,
    Secondary,
    Weak,
    OwnProfile,
}

impl From<Sure> for Certainty {
    fn from(sure: Sure) -> Self {
        match sure {
            Sure::Read => Self::Read,
            Sure::Secondary => Self::Secondary,
            Sure::Weak => Self::Weak,
            Sure::OwnProfile => Self::OwnProfile,
        }
    }
}

const FILES: &[&str] = include!(concat!(env!("OUT_DIR"), "/procedures.rs"));
/// The states that every dossier goes through which ends well.
const BASIC: [u32; 5] = [1, 2, 4, 9, 10];
const PAYMENT: u32 = 6;

#[cfg(test)]
pub(crate) mod tests;
