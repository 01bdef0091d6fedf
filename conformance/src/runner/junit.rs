//! JUnit XML as CI systems read it.

use super::{Report, Row};
use crate::rules::Verdict;

pub(super) fn write(report: &Report) -> String {
    let (_, failed, not_run) = report.counts();
    let time: f64 = report.rows.iter().map(|row| row.took.as_secs_f64()).sum();
    let cases: String = report.rows.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
         <testsuite name=\"conformance {}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"{not_run}\" time=\"{time:.3}\">\n\
         {cases}</testsuite>\n</testsuites>\n",
        escape(&report.target),
        report.rows.len(),
    )
}

fn case(row: &Row) -> String {
    let inner = match &row.verdict {
        Verdict::Passed => String::new(),
        Verdict::Failed(why) => format!("<failure message=\"{0}\">{0}</failure>", escape(why)),
        Verdict::NotRun(why) => format!("<skipped message=\"{}\"/>", escape(why)),
    };
    format!(
        "<testcase classname=\"conformance\" name=\"{}\" time=\"{:.3}\">{inner}\
         <system-out>{} [{}]</system-out></testcase>\n",
        escape(row.id),
        row.took.as_secs_f64(),
        escape(row.title),
        escape(row.citation),
    )
}

/// XML 1.0 has no place for most control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(' '),
            control if control.is_control() => out.push('?'),
            letter => out.push(letter),
        }
    }
    out
}
