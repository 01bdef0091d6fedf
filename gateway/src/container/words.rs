//! What was found, in Vietnamese and in English.

use std::fmt;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Shown.
    Proven,
    /// Not shown, and not contradicted: the words say what is missing.
    Open,
    /// Contradicted: something was changed.
    Broken,
}

/// One thing that the container proves, or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it ended.
    pub verdict: Verdict,
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl Finding {
    pub(super) fn proven(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Verdict::Proven, vi, en)
    }

    pub(super) fn open(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Verdict::Open, vi, en)
    }

    pub(super) fn broken(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Verdict::Broken, vi, en)
    }

    fn new(verdict: Verdict, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            verdict,
            vi: vi.into(),
            en: en.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Proven => "+ ",
            Verdict::Open => "? ",
            Verdict::Broken => "! ",
        };
        write!(f, "{mark}{}\n  {}", self.vi, self.en)
    }
}
