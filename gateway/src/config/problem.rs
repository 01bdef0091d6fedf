//! What is wrong with a config: which file, which line, what, and what to do about it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The gateway does not start with it.
    Error,
    /// It starts, and somebody has to do something before long.
    Warning,
}

impl Severity {
    /// The word on the status page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, with its place and its cure. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The config file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl Problem {
    /// Something that keeps the gateway from starting.
    #[must_use]
    pub fn error(
        file: &Path,
        line: usize,
        what: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            file: file.to_owned(),
            line,
            what: what.into(),
            cure: cure.into(),
        }
    }

    /// The same place and words, as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self {
            severity: Severity::Warning,
            ..self
        }
    }

    /// True where the gateway would not start.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}\n    cure: {}",
            self.file.display(),
            self.line,
            self.severity.as_str(),
            self.what,
            self.cure
        )
    }
}
