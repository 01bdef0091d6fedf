//! What came of one promise: one line for people, one object for machines.

use std::fmt;

use serde_json::{Value, json};

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Within its limit.
    Pass,
    /// Not within its limit, and what was seen.
    Fail(Vec<String>),
    /// It could not be tried here.
    NotRun(String),
}

/// One promise's line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The promise, such as `R1`.
    pub id: &'static str,
    /// What was done, in a word or two.
    pub name: String,
    /// What was seen, each a figure with its unit.
    pub figures: Vec<String>,
    /// What would have been allowed.
    pub limit: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The seed of its schedule.
    pub seed: u64,
    /// How long it took.
    pub seconds: f64,
}

impl Line {
    /// A line for something that could not be tried here.
    #[must_use]
    pub fn not_run(id: &'static str, name: &str, why: impl Into<String>, seed: u64) -> Self {
        Self {
            id,
            name: name.to_owned(),
            figures: Vec::new(),
            limit: String::new(),
            verdict: Verdict::NotRun(why.into()),
            seed,
            seconds: 0.0,
        }
    }

    /// Whether it failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.verdict, Verdict::Fail(_))
    }

    /// The same for machines.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (verdict, why) = match &self.verdict {
            Verdict::Pass => ("pass", Value::Null),
            Verdict::Fail(seen) => ("fail", json!(seen)),
            Verdict::NotRun(why) => ("not run", json!(why)),
        };
        json!({
            "id": self.id, "name": self.name, "figures": self.figures, "limit": self.limit,
            "verdict": verdict, "why": why, "seed": self.seed, "seconds": self.seconds,
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, name, .. } = self;
        if let Verdict::NotRun(why) = &self.verdict {
            return write!(f, "{id:<5}{name}  not run: {why}");
        }
        write!(f, "{id:<5}{name}")?;
        for figure in &self.figures {
            write!(f, "  {figure}")?;
        }
        let verdict = if self.failed() { "FAIL" } else { "pass" };
        let (limit, seed, seconds) = (&self.limit, self.seed, self.seconds);
        write!(f, "  limit {limit}  {verdict}  seed {seed}  {seconds:.0} s")?;
        if let Verdict::Fail(seen) = &self.verdict {
            for what in seen.iter().take(SHOWN) {
                write!(f, "\n      {what}")?;
            }
            if seen.len() > SHOWN {
                write!(f, "\n      and {} more", seen.len() - SHOWN)?;
            }
        }
        Ok(())
    }
}

/// A number with its thousands parted: `53,211`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many reasons a line shows.
const SHOWN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        assert_eq!(
            [0, 999, 1_000, 53_211, 1_000_000].map(thousands),
            ["0", "999", "1,000", "53,211", "1,000,000"]
        );
    }

    #[test]
    fn a_line_says_figure_limit_verdict_and_seed() {
        let line = Line {
            id: "R1",
            name: "kill -9".to_owned(),
            figures: vec!["100 kills".to_owned(), "lost 0".to_owned()],
            limit: "0 lost".to_owned(),
            verdict: Verdict::Pass,
            seed: 42,
            seconds: 1.0,
        };
        assert_eq!(
            line.to_string(),
            "R1   kill -9  100 kills  lost 0  limit 0 lost  pass  seed 42  1 s"
        );
        assert_eq!(line.to_json()["verdict"], "pass");
    }
}
