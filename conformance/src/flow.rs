//! The report of one played flow, for people and for machines.

use std::time::Instant;

use crate::call::Trouble;

/// What came of one flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowReport {
    /// The operation that names the flow, for example `tax.verify-employer`.
    pub flow: &'static str,
    /// Whose words, for example `signed XML`.
    pub words: &'static str,
    /// The road, for example `direct`.
    pub road: &'static str,
    /// Whether it succeeded.
    pub outcome: Outcome,
    /// The gateway's evidence id of its first message.
    pub evidence: Option<String>,
    /// How long it took, milliseconds.
    pub ms: u64,
    /// What was checked on the way, one line each, without personal data.
    pub details: Vec<String>,
}

/// Whether a flow succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every check held.
    Ok,
    /// The first check that did not hold.
    Failed(String),
}

impl FlowReport {
    /// Whether every check held.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// One line of JSON: `{"flow":…,"outcome":"ok","evidence":…,"ms":…}`; a failure adds `why`.
    pub fn to_json_line(&self) -> String {
        let mut line = serde_json::json!({
            "flow": self.flow,
            "outcome": if self.is_ok() { "ok" } else { "failed" },
            "evidence": self.evidence,
            "ms": self.ms,
        });
        if let Outcome::Failed(why) = &self.outcome {
            line["why"] = why.as_str().into();
        }
        line.to_string()
    }
}

/// A flow while it runs: what is known so far.
#[derive(Debug)]
pub(crate) struct Flow {
    name: &'static str,
    words: &'static str,
    started: Instant,
    pub(crate) evidence: Option<String>,
    details: Vec<String>,
}

impl Flow {
    pub(crate) fn start(name: &'static str, words: &'static str) -> Self {
        Self {
            name,
            words,
            started: Instant::now(),
            evidence: None,
            details: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, detail: impl Into<String>) {
        self.details.push(detail.into());
    }

    pub(crate) fn end(self, result: Result<(), Trouble>) -> FlowReport {
        FlowReport {
            flow: self.name,
            words: self.words,
            road: "direct",
            outcome: match result {
                Ok(()) => Outcome::Ok,
                Err(trouble) => Outcome::Failed(trouble.to_string()),
            },
            evidence: self.evidence,
            ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            details: self.details,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_flow_says_why_in_its_json_line() {
        let report =
            Flow::start("tax.ping", "signed XML").end(Err(Trouble::answer("no-signature")));
        let line: serde_json::Value = serde_json::from_str(&report.to_json_line()).unwrap();
        assert_eq!(line["outcome"], "failed");
        assert!(line["why"].as_str().unwrap().contains("no-signature"));
    }

    #[test]
    fn a_flow_that_succeeded_has_the_four_members() {
        let mut flow = Flow::start("civil.birth", "JSON");
        flow.evidence = Some("e".into());
        let line: serde_json::Value =
            serde_json::from_str(&flow.end(Ok(())).to_json_line()).unwrap();
        assert_eq!(line["evidence"], "e");
        assert_eq!(line.as_object().unwrap().len(), 4);
    }
}
