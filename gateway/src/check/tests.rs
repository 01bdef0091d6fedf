//! What check says, over the sample config and certificates of every age.

use std::fs;

use certs::pki::{Authority, IssueParams, Usage, write_private, write_public};
use gateway_core::adapter::{Effect, ProofKind};
use tempfile::TempDir;

use super::*;

static VERIFY: Operation = Operation {
    name: "tax.verify-employer",
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &["participationState", "participants"],
};
static PING: Operation = Operation {
    name: "tax.ping",
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};
const OPERATIONS: [&Operation; 2] = [&VERIFY, &PING];

fn now() -> Timestamp {
    "2026-08-22T05:00:00Z".parse().unwrap()
}

/// The sample config with certificates that end so many days from now.
fn scene(days: i64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::generate("sandbox", now() - days_long(400)).unwrap();
    let put = |name: &str, usage: Usage, days: i64| {
        let params = IssueParams {
            not_before: now() - days_long(300),
            not_after: now() + days_long(days) + SignedDuration::from_hours(1),
            ..IssueParams::new(name, usage, now())
        };
        let issued = authority.issue(&params).unwrap();
        let path = |end: &str| folder.path().join(format!("{name}{end}"));
        write_public(&path(".pem"), &issued.chain_pem).unwrap();
        write_private(&path(".key"), &issued.key_pem).unwrap();
    };
    put("tls", Usage::Both, days);
    put("sign", Usage::Signing, 300);
    put("partners/tax-sign", Usage::Signing, 300);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("anchors.pem", authority.root_pem());
    write("gateway.toml", include_str!("../../sample/gateway.toml"));
    write(
        "partners/tax.toml",
        include_str!("../../sample/partners/tax.toml"),
    );
    folder
}

fn report(folder: &TempDir, now: Timestamp) -> Report {
    examine(&folder.path().join("gateway.toml"), &OPERATIONS, now)
}

#[test]
fn a_good_config_gets_a_page_that_names_partners_and_operations() {
    let report = report(&scene(300), now());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let page = report.summary.unwrap();
    for part in [
        "environment           sandbox",
        "127.0.0.1:8443",
        "partner tax",
        "tax.ping, tax.verify-employer",
    ] {
        assert!(page.contains(part), "{part} is not in\n{page}");
    }
}

#[test]
fn what_an_agreement_says_about_keeping_needs_an_article() {
    let folder = scene(300);
    let file = folder.path().join("partners/tax.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("# retention_years", "retention_years")).unwrap();
    let said = |report: Report| -> Vec<String> {
        let problems = report.problems.iter();
        problems.map(ToString::to_string).collect()
    };
    let found = said(report(&folder, now()));
    assert!(
        found.len() == 1 && found[0].contains("no article is named"),
        "{found:?}"
    );
    let gateway = folder.path().join("gateway.toml");
    let text = fs::read_to_string(&gateway).unwrap();
    fs::write(&gateway, text.replace("# retention_law", "retention_law")).unwrap();
    assert_eq!(said(report(&folder, now())), Vec::<String>::new());
}

#[test]
fn a_certificate_is_told_before_it_ends_and_refused_after() {
    for (days, urgency) in [
        (59, Some("within two months")),
        (29, Some("soon: within a month")),
        (6, Some("at once: within a week")),
        (61, None),
    ] {
        let report = report(&scene(days), now());
        assert!(report.is_good(), "a warning keeps nothing from starting");
        let told = report.problems.first().map(|problem| problem.what.clone());
        match urgency {
            Some(urgency) => assert!(told.as_ref().unwrap().contains(urgency), "{told:?}"),
            None => assert_eq!(told, None),
        }
    }
    let report = report(&scene(-1), now());
    assert!(!report.is_good());
    assert!(
        report.problems[0].what.contains("ended on"),
        "{:?}",
        report.problems
    );
}

#[test]
fn an_ended_agreement_and_key_are_warnings_with_their_lines() {
    let folder = scene(4_000);
    let later: Timestamp = "2031-06-01T00:00:00Z".parse().unwrap();
    let report = report(&folder, later);
    let agreement = report
        .problems
        .iter()
        .find(|problem| problem.what.contains("this agreement ended"));
    let agreement = agreement.expect("the sample's agreement ends in 2030");
    assert!(!agreement.is_error());
    assert!(agreement.file.ends_with("tax.toml"));
    let text = include_str!("../../sample/partners/tax.toml");
    let line = 1 + text
        .lines()
        .position(|line| line.starts_with("valid_to"))
        .unwrap();
    assert_eq!(agreement.line, line);
    let key = report
        .problems
        .iter()
        .find(|problem| problem.what.contains("key tax-1 ended"));
    assert!(
        key.is_some_and(|key| !key.is_error()),
        "{:?}",
        report.problems
    );
}

#[test]
fn a_year_without_holidays_is_told() {
    // the next year is told before it comes, while nothing of it is announced
    for (now, year) in [("2090-03-01", "2090"), ("2026-11-23", "2027")] {
        let now: Timestamp = format!("{now}T00:00:00Z").parse().unwrap();
        let report = report(&scene(30_000), now);
        let told = |problem: &&Problem| problem.what.ends_with(&format!("does not cover {year}"));
        let found: Vec<_> = report.problems.iter().filter(told).collect();
        assert!(matches!(found[..], [one] if !one.is_error()), "{year}");
    }
}

#[test]
fn errors_of_partners_come_with_the_warnings_and_before_them() {
    let folder = scene(6);
    let text =
        include_str!("../../sample/partners/tax.toml").replace("kid = \"tax-1\"", "kid = \"\"");
    fs::write(folder.path().join("partners/tax.toml"), text).unwrap();
    let report = report(&folder, now());
    assert!(!report.is_good());
    assert!(
        report.problems[0].is_error() && !report.problems[1].is_error(),
        "{:?}",
        report.problems
    );
}

#[test]
fn a_token_that_cannot_sign_is_a_warning_that_says_what_would_happen() {
    let folder = scene(300);
    let file = folder.path().join("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    let token = "[sign.pkcs11]\nmodule = \"/nonexistent.so\"\ntoken = \"vss\"\nlabel = \"sign\"\npin_env = \"PIN\"\n\n[store]\n";
    let text = text.replacen("key = \"sign.key\"\n", "", 1);
    fs::write(&file, text.replacen("[store]\n", token, 1)).unwrap();
    let report = report(&folder, now());
    assert!(report.is_good(), "{:#?}", report.problems);
    let told = report.problems.iter().map(|problem| problem.what.as_str());
    let told: Vec<&str> = told
        .filter(|what| what.contains("SIGNING-UNAVAILABLE"))
        .collect();
    assert_eq!(told.len(), 1, "{:#?}", report.problems);
    assert!(told[0].contains("pkcs11-module"));
}

#[test]
fn children_whom_nobody_asks_about_are_a_warning_outside_the_sandbox() {
    let folder = scene(300);
    let file = folder.path().join("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    let told = |text: &str| {
        fs::write(&file, text).unwrap();
        let problems = report(&folder, now()).problems.into_iter();
        let found = problems.filter(|one| one.what.contains("population database"));
        found
            .map(|one| (one.is_error(), one.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&text), []);
    let test = text.replacen("environment = \"sandbox\"", "environment = \"test\"", 1);
    let found = told(&test);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!found[0].0 && found[0].1.contains("get their numbers without a question"));
    let section = "[population]\npartner = \"population\"\nintegration = \"V\"\nservice = \"S\"\nofficer = \"O\"\n";
    let found = told(&test.replacen("[limits]", &format!("{section}\n[limits]"), 1));
    assert!(
        found.iter().all(|(_, what)| what.contains("no lane")),
        "{found:?}"
    );
}

const RECONCILE: &str = "[agreements.operations.\"taxpayer.reconcile\"]\n";
const RESULT: &str = "[agreements.operations.\"taxpayer.reconcile-result\"]\n";
const PERSON: &str =
    "\"mst\", \"person\", \"province\", \"region\", \"name\", \"born\", \"amount\"";
const LANE: &str = "[delivery]\nwords = \"taxpayer\"\nuri = \"https://localhost:1/x\"\nprivate = true\n\
    anchors = \"../anchors.pem\"\n";

/// What is said of a month that a schedule sends to this partner's file, with the file and the line.
fn said_of_a_month(
    partner: &str,
    more: &str,
    agreed: &str,
) -> Vec<(String, usize, String, String)> {
    let folder = scene(300);
    let file = |name: &str| folder.path().join(name);
    let gateway = include_str!("../../sample/gateway.toml");
    let line = format!(
        "[[schedules]]\nname = \"ours\"\npartner = \"{partner}\"\nwhat = \"send-persons\"\n\
         cron = \"0 8 5 * *\"\n{more}\n"
    );
    let bulk = "\n[bulk]";
    assert!(gateway.contains(bulk));
    let text = gateway.replacen(bulk, &format!("\n{line}{bulk}"), 1);
    fs::write(file("gateway.toml"), text).unwrap();
    let tax = include_str!("../../sample/partners/tax.toml");
    let ping = "[agreements.operations.\"tax.ping\"]\n";
    let tax = tax.replace(
        "[\"tax-inspection\"]",
        "[\"tax-inspection\", \"tax-compliance\"]",
    );
    let tax = tax.replacen(ping, &format!("{ping}{agreed}"), 1);
    fs::write(file("partners/tax.toml"), &tax).unwrap();
    let report = examine(&file("gateway.toml"), &crate::wiring::operations(), now());
    assert!(
        report.is_good(),
        "a warning keeps nothing from starting: {:#?}",
        report.problems
    );
    let problems = report.problems.into_iter();
    problems
        .map(|one| {
            let name = one.file.file_name().unwrap().to_string_lossy().into_owned();
            (name, one.line, one.what, one.cure)
        })
        .collect()
}

#[test]
fn a_month_that_a_schedule_could_not_send_is_told_with_file_line_and_cure() {
    let whole = format!("{RECONCILE}fields = [{PERSON}, \"full\"]\n");
    let good = format!("{whole}{RESULT}{LANE}");
    assert_eq!(said_of_a_month("tax", "", &good), []);
    let lines_before =
        |file: &str, words: &str| 1 + file.split(words).next().unwrap().matches('\n').count();
    let ping = lines_before(
        include_str!("../../sample/partners/tax.toml"),
        "[agreements.operations.\"tax.ping\"]",
    );
    let cases: [(&str, &str, String, &str, &str, &str); 6] = [
        (
            "nobody",
            "",
            good.clone(),
            "gateway.toml",
            "a partner that is not registered",
            "add its file",
        ),
        (
            "tax",
            "",
            format!("{whole}{RESULT}"),
            "gateway.toml",
            "no lane takes it",
            "words = \"taxpayer\"",
        ),
        (
            "tax",
            "",
            format!("{RESULT}{LANE}"),
            "tax.toml",
            "operation-not-agreed",
            "[agreements.operations.\"taxpayer.reconcile\"]",
        ),
        (
            "tax",
            "",
            format!("{RECONCILE}fields = [{PERSON}]\n{RESULT}{LANE}"),
            "tax.toml",
            "field-not-agreed: full",
            "fields = [… full]",
        ),
        (
            "tax",
            "provinces = [\"79\"]",
            format!("{whole}provinces = [\"01\"]\n{RESULT}{LANE}"),
            "tax.toml",
            "province-not-agreed",
            "provinces",
        ),
        (
            "tax",
            "",
            format!("{whole}{LANE}"),
            "tax.toml",
            "taxpayer.reconcile-result is not agreed",
            "reconcile-result",
        ),
    ];
    for (partner, more, agreed, file, what, cure) in cases {
        let found = said_of_a_month(partner, more, &agreed);
        let [(found_in, line, told, cured)] = found.as_slice() else {
            panic!("{what}: {found:#?}")
        };
        assert_eq!(found_in, file, "{what}");
        assert!(told.contains("`ours`") && told.contains(what), "{told}");
        assert!(cured.contains(cure), "{cured}");
        assert!(*line > 1, "{what}: {line}");
        // at the operation, or at the field that is short of it
        let at = match what {
            "field-not-agreed: full" => Some(ping + 2),
            "province-not-agreed" | "taxpayer.reconcile-result is not agreed" => Some(ping + 1),
            _ => None,
        };
        assert!(at.is_none_or(|at| at == *line), "{what}: line {line}");
    }
    // what asks for theirs, or looks at the ledger, sends nothing
    let asks = said_of_a_month("tax", "", "").len();
    assert_eq!(asks, 1, "the lane alone is told where there is none");
}
