//! Runs the rules against one gateway and reports: a table for people, JUnit XML for machines.

mod junit;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::call::Trouble;
use crate::identity::Target;
use crate::rules::{self, Context, Rule, Verdict};

/// Longest time for one rule; longer is a failure.
const RULE_TIME_MAX: Duration = Duration::from_secs(120);

/// What to run against what.
#[derive(Debug, Clone)]
pub struct RunParams {
    /// The gateway, `https://HOST:PORT`; the identities' own when absent.
    pub target: Option<String>,
    /// One agency's folder, or the folder that holds them.
    pub identity: PathBuf,
    /// Where to write JUnit XML.
    pub junit: Option<PathBuf>,
    /// Run only rules whose id starts with one of these; all when empty.
    pub only: Vec<String>,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The gateway that was tried.
    pub target: String,
    /// One row per rule, in the order of the run.
    pub rows: Vec<Row>,
}

/// One rule's row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The rule's id.
    pub id: &'static str,
    /// Its sentence.
    pub title: &'static str,
    /// What it rests on.
    pub citation: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// How many passed, failed and were not run.
    pub fn counts(&self) -> (usize, usize, usize) {
        let count =
            |is: fn(&Verdict) -> bool| self.rows.iter().filter(|row| is(&row.verdict)).count();
        (
            count(|verdict| matches!(verdict, Verdict::Passed)),
            count(|verdict| matches!(verdict, Verdict::Failed(_))),
            count(|verdict| matches!(verdict, Verdict::NotRun(_))),
        )
    }

    /// 0 when something passed and nothing failed; 1 when something failed; 2 when nothing could be tried.
    pub fn exit_code(&self) -> u8 {
        match self.counts() {
            (_, failed, _) if failed > 0 => 1,
            (0, _, _) => 2,
            _ => 0,
        }
    }

    /// The table for people, with a line of sums.
    pub fn table(&self) -> String {
        let mut text = format!("conformance of {}\n", self.target);
        for row in &self.rows {
            let (word, why) = match &row.verdict {
                Verdict::Passed => ("passed ", String::new()),
                Verdict::Failed(why) => ("FAILED ", format!("\n          {why}")),
                Verdict::NotRun(why) => ("not run", format!("\n          {why}")),
            };
            let ms = row.took.as_millis();
            text.push_str(&format!(
                "{word} {ms:>6} ms  {:<28} {}{why}\n",
                row.id, row.title
            ));
        }
        let (passed, failed, not_run) = self.counts();
        text.push_str(&format!(
            "{passed} passed, {failed} failed, {not_run} not run\n"
        ));
        text
    }

    /// JUnit XML; a rule that was not run is skipped with its reason.
    pub fn junit(&self) -> String {
        junit::write(self)
    }
}

/// Runs the rules one after another and writes the JUnit file where one is asked for; prints nothing.
pub async fn run(params: RunParams) -> Result<Report, Trouble> {
    run_telling(params, |_| {}).await
}

/// The same, telling each row as soon as it is known.
pub async fn run_telling(params: RunParams, mut tell: impl FnMut(&Row)) -> Result<Report, Trouble> {
    let target = params.target.as_deref().map(parse).transpose()?;
    let context = Context::open(&params.identity, target)?;
    let mut rows = Vec::new();
    for rule in rules::ALL.iter().filter(|rule| wanted(rule, &params.only)) {
        let row = try_one(rule, &context).await;
        tell(&row);
        rows.push(row);
    }
    let report = Report {
        target: format!("https://{}", context.target().authority()),
        rows,
    };
    if let Some(path) = &params.junit {
        write(path, &report.junit())?;
    }
    Ok(report)
}

async fn try_one(rule: &Rule, context: &Context) -> Row {
    let started = Instant::now();
    let verdict = tokio::time::timeout(RULE_TIME_MAX, rule.run(context))
        .await
        .unwrap_or_else(|_| Verdict::Failed("no end in time".to_owned()));
    Row {
        id: rule.id,
        title: rule.title,
        citation: rule.citation,
        verdict,
        took: started.elapsed(),
    }
}

fn wanted(rule: &Rule, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|start| rule.id.starts_with(start.as_str()))
}

fn parse(url: &str) -> Result<Target, Trouble> {
    Target::parse(url).ok_or_else(|| Trouble::Params("target is not https://HOST:PORT".to_owned()))
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    let failed = |error| crate::state::Error::File(path.display().to_string(), error);
    Ok(std::fs::write(path, text).map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(verdicts: &[Verdict]) -> Report {
        let row = |verdict: &Verdict| Row {
            id: "001-a<b>",
            title: "A & B",
            citation: "RFC 0",
            verdict: verdict.clone(),
            took: Duration::from_millis(1_500),
        };
        Report {
            target: "https://localhost:1".into(),
            rows: verdicts.iter().map(row).collect(),
        }
    }

    #[test]
    fn one_failure_fails_the_run_and_nothing_tried_is_no_success() {
        let (failed, not_run) = (Verdict::Failed("x".into()), Verdict::NotRun("y".into()));
        assert_eq!(report(&[Verdict::Passed, failed]).exit_code(), 1);
        assert_eq!(report(std::slice::from_ref(&not_run)).exit_code(), 2);
        assert_eq!(report(&[Verdict::Passed, not_run]).exit_code(), 0);
        assert_eq!(report(&[]).exit_code(), 2);
    }

    #[test]
    fn the_table_never_says_passed_of_what_was_not_run() {
        let table = report(&[Verdict::NotRun("no identity of tax".into())]).table();
        assert!(table.contains("not run") && table.contains("no identity of tax"));
        assert!(table.ends_with("0 passed, 0 failed, 1 not run\n"));
    }

    #[test]
    fn junit_tells_failures_and_skips_with_escaped_reasons() {
        let text = report(&[
            Verdict::Passed,
            Verdict::Failed("a<\"b\"\u{1}".into()),
            Verdict::NotRun("c&d".into()),
        ])
        .junit();
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
        assert!(text.contains("<failure message=\"a&lt;&quot;b&quot;?\""));
        assert!(text.contains("<skipped message=\"c&amp;d\""));
        assert!(text.contains("name=\"001-a&lt;b&gt;\"") && text.contains("time=\"1.500\""));
    }

    #[tokio::test]
    async fn a_folder_without_agencies_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let params = RunParams {
            target: None,
            identity: folder.path().to_owned(),
            junit: None,
            only: Vec::new(),
        };
        assert!(
            run(params)
                .await
                .unwrap_err()
                .to_string()
                .contains("identity.toml")
        );
    }
}
