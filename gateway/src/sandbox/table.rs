//! What the sandbox prints: the table of flows, and commands that work as pasted.

use std::path::PathBuf;

use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use conformance::flow::{FlowReport, Outcome};
use insurance::seed::Landmarks;

use super::layout::Layout;
use crate::gateway::Gateway;

/// The table, or one JSON line per flow.
pub(super) fn print(reports: &[FlowReport], json: bool) {
    if json {
        for report in reports {
            println!("{}", report.to_json_line());
        }
        return;
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["flow", "words", "road", "outcome", "ms", "evidence"]);
    for report in reports {
        table.add_row([
            report.flow.to_owned(),
            report.words.to_owned(),
            report.road.to_owned(),
            match &report.outcome {
                Outcome::Ok => "ok".to_owned(),
                Outcome::Failed(why) => format!("failed: {why}"),
            },
            report.ms.to_string(),
            report.evidence.clone().unwrap_or_default(),
        ]);
    }
    println!("{table}");
    for report in reports {
        for detail in &report.details {
            println!("  {}: {detail}", report.flow);
        }
    }
}

/// How to go on by hand.
pub(super) fn invite(
    layout: &Layout,
    gateway: &Gateway,
    address: &str,
    reports: &[FlowReport],
    landmarks: &Landmarks,
) {
    let dir = layout.root().display();
    let admin = gateway.admin();
    let bin = myself();
    let bin = bin.display();
    let (mst, period) = (&landmarks.employer.mst, &landmarks.period);
    let hospital = super::layout::HOSPITAL;
    let evidence = reports
        .iter()
        .rev()
        .find_map(|report| report.evidence.clone())
        .unwrap_or_default();
    println!(
        "
The gateway is at {address}, its admin listener at http://{admin}. Try, in another terminal:

  {bin} sign --dir {dir} --as tax tax.ping | curl --config -
  {bin} sign --dir {dir} --as tax tax.verify-employer | curl --config -
  {bin} sign --dir {dir} --as dvclt civil.birth | curl --config -
  {bin} sign --dir {dir} --as {hospital} hospital.birth-notice | curl --config -
  {bin} sign --dir {dir} --as crvs dci.notify | curl --config -
  {bin} sign --dir {dir} --as portal portal.submit-dossier | curl --config -
  {bin} tax ask employer {mst} --period {period} --who an.operator --why \"a first try\" --admin http://{admin}
  {bin} status --admin http://{admin}
  {bin} explain --admin http://{admin} {evidence}
  {bin} conformance --target {address} --identity {dir}/agencies
  curl -s http://{admin}/metrics | grep room

Ctrl-C stops it; starting again in the same folder goes on with what is there."
    );
}

/// This program as one would type it here.
fn myself() -> PathBuf {
    let Ok(whole) = std::env::current_exe() else {
        return PathBuf::from("lienthong");
    };
    let here = std::env::current_dir().unwrap_or_default();
    match whole.strip_prefix(&here) {
        // a bare name would be looked for elsewhere
        Ok(name) if name.components().count() == 1 => PathBuf::from(".").join(name),
        Ok(path) => path.to_owned(),
        Err(_) => whole,
    }
}
