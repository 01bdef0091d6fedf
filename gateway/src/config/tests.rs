//! The sample is whole, and every mistake is told with its line and its cure.

mod hub;
mod keys;
mod partners;
mod population;
mod reload;

use std::{fs, sync::Arc};

use certs::pki::{Authority, IssueParams, KeyChoice, Usage};
use gateway_core::{
    Operation,
    adapter::{Effect, ProofKind},
};
use jiff::Timestamp;
use tempfile::TempDir;

use super::{partner::PartnerFile, read::Section, watch::Reload, *};

const GATEWAY: &str = include_str!("../../sample/gateway.toml");
const TAX: &str = include_str!("../../sample/partners/tax.toml");

/// The peer that the sample registers.
const URI: &str = "urn:lienthong:sandbox:partner:tax";

static VERIFY: Operation = Operation {
    name: "tax.verify-employer",
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &["participationState", "participants", "arrears"],
};
static PING: Operation = Operation {
    name: "tax.ping",
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};
const OPERATIONS: [&Operation; 2] = [&VERIFY, &PING];

/// A folder with the sample config and every file that it names.
struct Scene {
    folder: TempDir,
    authority: Authority,
}

impl Scene {
    fn new() -> Self {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let scene = Self {
            folder: tempfile::tempdir().unwrap(),
            authority: Authority::generate("sandbox", now).unwrap(),
        };
        scene.issue("tls", KeyChoice::P256, Usage::Both);
        scene.issue("sign", KeyChoice::P256, Usage::Signing);
        scene.write("anchors.pem", scene.authority.root_pem());
        scene.issue("partners/tax-sign", KeyChoice::P256, Usage::Signing);
        scene.write("gateway.toml", GATEWAY);
        scene.write("partners/tax.toml", TAX);
        scene
    }

    fn issue(&self, name: &str, key: KeyChoice, usage: Usage) {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let params = IssueParams {
            key,
            ..IssueParams::new(name, usage, now)
        };
        let issued = self.authority.issue(&params).unwrap();
        let path = |end: &str| self.folder.path().join(format!("{name}{end}"));
        certs::pki::write_public(&path(".pem"), &issued.chain_pem).unwrap();
        certs::pki::write_private(&path(".key"), &issued.key_pem).unwrap();
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The config after replacing `from` with `to` in gateway.toml.
    fn with(&self, changes: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        self.write("gateway.toml", &changed(GATEWAY, changes));
        Config::load(&self.folder.path().join("gateway.toml"))
    }

    fn config(&self) -> Config {
        self.with(&[]).unwrap()
    }

    /// The snapshot after replacing `from` with `to` in tax.toml.
    fn partners(&self, changes: &[(&str, &str)]) -> Result<Snapshot, Vec<Problem>> {
        self.write("partners/tax.toml", &changed(TAX, changes));
        Snapshot::load(&self.config(), &OPERATIONS)
    }
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in the sample");
        text = text.replacen(from, to, 1);
    }
    text
}

fn line_of(text: &str, part: &str) -> usize {
    1 + text.lines().position(|line| line.contains(part)).unwrap()
}

fn only(problems: Vec<Problem>) -> Problem {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

/// Every dotted key that stands in a sample, commented out or not.
fn keys_in(sample: &str) -> Vec<String> {
    let mut section = String::new();
    let mut keys = Vec::new();
    for line in sample.lines() {
        let line = line.trim_start_matches("# ");
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.trim_start_matches('[').split(']').next().unwrap();
            let name = name.split(".\"").next().unwrap();
            section = format!("{name}.");
        } else if let Some((key, _)) = line.split_once('=')
            && key
                .trim()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            keys.push(format!("{section}{}", key.trim()));
        }
    }
    keys
}

#[test]
fn the_samples_are_whole_and_load() {
    let scene = Scene::new();
    let config = scene.config();
    assert_eq!(config.environment, Environment::Sandbox);
    assert_eq!(config.listen.socket().to_string(), "127.0.0.1:8443");
    assert_eq!(config.tls.cert, scene.folder.path().join("tls.pem"));
    let snapshot = scene.partners(&[]).unwrap();
    let tax = PartnerId::parse("tax").unwrap();
    let tax = snapshot.partners.get(&tax).unwrap();
    assert_eq!(tax.keys[0].kid, "tax-1");
    assert_eq!(tax.agreements[0].operations.len(), 2);
    assert!(snapshot.deliveries.is_empty());
}

#[test]
fn every_key_has_its_place_in_a_sample() {
    for (sample, keys) in [
        (GATEWAY, {
            let mut keys = Vec::new();
            Parts::section_keys("", &mut keys);
            keys
        }),
        (TAX, {
            let mut keys = Vec::new();
            PartnerFile::section_keys("", &mut keys);
            keys
        }),
    ] {
        let shown = keys_in(sample);
        for key in keys.iter().filter(|key| !key.starts_with("relays.")) {
            assert!(shown.contains(key), "`{key}` is not in the sample");
        }
        for key in shown.into_iter().filter(|key| key != "relays") {
            assert!(
                keys.contains(&key),
                "the sample shows `{key}`, which is no key"
            );
        }
    }
}

#[test]
fn what_is_absent_has_its_default() {
    let scene = Scene::new();
    let small = "environment = \"sandbox\"\npartners = \"partners\"\n\
        [tls]\ncert = \"tls.pem\"\nkey = \"tls.key\"\nanchors = [\"anchors.pem\"]\n\
        [sign]\nkey = \"sign.key\"\ncert = \"sign.pem\"\nkid = \"vss-1\"\n\
        [store]\npath = \"store.sqlite\"\nseal_key = \"seal.key\"\n\
        [insurance]\npath = \"registry.sqlite\"\n";
    scene.write("small.toml", small);
    let config = Config::load(&scene.folder.path().join("small.toml")).unwrap();
    assert_eq!(config.us.as_str(), "vss");
    assert_eq!(config.limits.body_bytes_max, 8 << 20, "the largest route's");
    assert!(config.admin.address.is_loopback());
    assert!(!config.tls.tls12 && !config.danger.admin_beyond_loopback);
    assert_eq!(config.insurance.people, 0);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_one() {
    let problem = only(
        Scene::new()
            .with(&[("backlog = 1024", "baklog = 1024")])
            .unwrap_err(),
    );
    assert_eq!(problem.line, line_of(GATEWAY, "backlog = 1024"));
    assert_eq!(problem.what, "unknown key `listen.baklog`");
    assert_eq!(problem.cure, "did you mean `backlog`?");
    assert!(problem.file.ends_with("gateway.toml"));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let problems = Scene::new()
        .with(&[
            ("environment = \"sandbox\"", "environment = \"staging\""),
            ("port = 8443", "port = 84430"),
            ("tls12 = false", "tls12 = \"no\""),
            ("kid = \"vss-1\"", "# no kid"),
            ("lease_seconds = 30 ", "lease_seconds = 1 "),
            ("[danger]", "[dangerous]"),
        ])
        .unwrap_err();
    let told: Vec<(usize, &str)> = problems
        .iter()
        .map(|problem| (problem.line, problem.what.as_str()))
        .collect();
    let line = |part| line_of(GATEWAY, part);
    assert_eq!(
        told,
        [
            (
                line("environment = "),
                "`environment` must be one of \"sandbox\", \"test\", \"production\""
            ),
            (
                line("port = 8443"),
                "`listen.port` must be a whole number (u16)"
            ),
            (line("tls12 = "), "`tls.tls12` must be true or false"),
            (line("[sign]"), "`sign.kid` is missing"),
            (
                line("lease_seconds = 30 "),
                "`store.lease_seconds` is 1, out of its bounds"
            ),
            (line("[danger]"), "unknown key `dangerous`"),
        ]
    );
    assert!(problems.iter().all(|problem| !problem.cure.is_empty()));
}

#[test]
fn a_claim_that_ends_before_its_message_may_is_refused() {
    let lease = ("lease_seconds = 30 ", "lease_seconds = 10 ");
    let problem = only(Scene::new().with(&[lease]).unwrap_err());
    assert_eq!(problem.line, line_of(GATEWAY, "lease_seconds = 30 "));
    assert_eq!(
        problem.what,
        "a claim is held for 10000 ms, and its message may take 10000 ms"
    );
    let deadline = ("deadline_ms = 10000", "deadline_ms = 9000");
    Scene::new().with(&[lease, deadline]).unwrap();
}

#[test]
fn broken_syntax_is_told_with_its_line_and_nothing_else() {
    let problems = Scene::new()
        .with(&[("port = 8443", "port = = 8443")])
        .unwrap_err();
    assert!(
        problems
            .iter()
            .all(|problem| problem.what.starts_with("not TOML")),
        "{problems:#?}"
    );
    assert_eq!(problems[0].line, line_of(GATEWAY, "port = 8443"));
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let problem = only(Config::load(Path::new("no/such.toml")).unwrap_err());
    assert!(problem.what.starts_with("the file cannot be read"));
}

#[test]
fn the_admin_listener_stays_on_loopback_unless_danger_says_otherwise() {
    let scene = Scene::new();
    let open = (
        "address = \"127.0.0.1\"          #",
        "address = \"0.0.0.0\" #",
    );
    let problem = only(scene.with(&[open]).unwrap_err());
    assert!(problem.what.contains("the admin listener has no TLS"));
    assert_eq!(
        problem.line,
        line_of(GATEWAY, "# without TLS loopback only")
    );
    let danger = (
        "admin_beyond_loopback = false",
        "admin_beyond_loopback = true",
    );
    assert!(scene.with(&[open, danger]).is_ok());
}

#[test]
fn operators_and_officers_are_held_to_their_rules() {
    let scene = Scene::new();
    scene.issue("an", KeyChoice::P256, Usage::Signing);
    scene.issue("binh", KeyChoice::P256, Usage::Signing);
    let officer = |name: &str, cert: &str, algorithm: &str| {
        format!("[[officers]]\nname = {name:?}\nalgorithm = {algorithm:?}\ncert = \"{cert}.pem\"\n")
    };
    let operator = |name: &str, peer: &str| {
        format!("[[operators]]\nname = {name:?}\npeer = {peer:?}\nrole = \"viewer\"\n")
    };
    let tls = "[admin.tls]\ncert = \"tls.pem\"\nkey = \"tls.key\"\nanchors = \"anchors.pem\"\n";
    let (an, binh) = (
        officer("an", "an", "ES256"),
        officer("binh", "binh", "ES256"),
    );
    let found = |added: &str| {
        let danger = "[danger]".to_owned();
        let problems = scene.with(&[("[danger]", &(added.to_owned() + &danger))]);
        problems.err().map(|problems| only(problems).what)
    };
    assert_eq!(found(&format!("{an}{binh}")), None);
    let (uri, pin) = (
        "urn:lienthong:sandbox:operator:an",
        format!("spki:{}", "0".repeat(64)),
    );
    let two = operator("An", uri) + &operator("Binh", &pin);
    assert_eq!(found(&format!("{tls}{two}")), None);
    for (added, what) in [
        (an.clone(), "two officers must be able"),
        (
            format!("{an}{binh}{}", officer("an", "sign", "ES256")),
            "stands twice",
        ),
        (
            format!("{an}{}", officer("binh", "an", "ES256")),
            "sign with one key",
        ),
        (
            format!("{an}{}", officer("binh", "binh", "EdDSA")),
            "does not fit",
        ),
        (
            format!("{an}{}", officer("binh", "nobody", "ES256")),
            "nobody.pem",
        ),
        (tls.to_owned(), "there are no operators"),
        (operator("An", uri), "without TLS"),
        (
            format!("{tls}{two}{}", operator("An", "urn:x:y")),
            "stands twice",
        ),
        (
            format!("{tls}{two}{}", operator("Chi", uri)),
            "share a certificate",
        ),
        (
            format!("{tls}{}", operator("An", "an")),
            "names no certificate",
        ),
    ] {
        let told = found(&added).unwrap_or_default();
        assert!(told.contains(what), "{what}: {told}");
    }
}

#[test]
fn two_listeners_never_share_a_port() {
    let problem = only(
        Scene::new()
            .with(&[("port = 9443", "port = 8443")])
            .unwrap_err(),
    );
    assert_eq!(problem.what, "127.0.0.1:8443 is the partners' listener");
}

#[test]
fn a_remote_registry_needs_an_address_and_anchors() {
    let problems = Scene::new()
        .with(&[("mode = \"embedded\"", "mode = \"remote\"")])
        .unwrap_err();
    let whats: Vec<&str> = problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    assert!(
        whats[0].contains("`insurance.uri`") && whats[1].contains("`insurance.anchors`"),
        "{whats:?}"
    );
}

#[test]
fn less_room_for_all_bodies_than_for_one_is_refused() {
    let changed = [(
        "body_bytes_in_flight_max = 134217728",
        "body_bytes_in_flight_max = 8388607",
    )];
    let problem = only(Scene::new().with(&changed).unwrap_err());
    assert_eq!(
        problem.line,
        line_of(GATEWAY, "body_bytes_in_flight_max = ")
    );
    assert!(problem.what.contains("less than one body may have"));
}

#[test]
fn a_registry_on_postgresql_needs_one_url_without_a_password_or_a_private_file_with_it() {
    let with = |lines: &str| {
        let scene = Scene::new();
        for (name, mode) in [("good.url", 0o600), ("open.url", 0o644)] {
            scene.write(name, "postgresql://gate:hidden@db/insurance\n");
            let file = scene.folder.path().join(name);
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(file, mode).unwrap();
        }
        scene.with(&[(
            "mode = \"embedded\"",
            &format!("mode = \"postgres\"\n{lines}"),
        )])
    };
    assert!(with("url = \"postgresql://gate@db1,db2/insurance\"").is_ok());
    assert!(with("url_file = \"good.url\"").is_ok());
    let refused = [
        ("", "`insurance.url` is missing"),
        (
            "url = \"mysql://db/insurance\"",
            "not a url of a PostgreSQL database",
        ),
        ("url = \"postgresql://db\"", "names no database"),
        (
            "url = \"postgresql://gate:hidden@db/insurance\"",
            "holds a password",
        ),
        ("url_file = \"absent.url\"", "`insurance.url_file`: "),
        ("url_file = \"open.url\"", "can be read by others"),
        (
            "url = \"postgresql://db/insurance\"\nurl_file = \"good.url\"",
            "are both there",
        ),
    ];
    for (lines, word) in refused {
        let problem = only(with(lines).unwrap_err());
        assert!(problem.what.contains(word), "{}", problem.what);
        assert!(!problem.what.contains("hidden"));
    }
}

#[test]
fn tolerances_are_rows_by_month_and_none_twice() {
    let scene = Scene::new();
    let with = |rows: &str| {
        let text = format!("{rows}\n[journal]                      #");
        scene.with(&[("[journal]                      #", text.as_str())])
    };
    let row = |day: &str, more: &str| format!("[[bulk.tolerances]]\nvalid_from = {day}\n{more}\n");
    let two = row("2026-01-01", "") + &row("2026-07-01", "base_bp = 100\ncount = 2");
    let config = with(&two).unwrap();
    let rows = &config.bulk.as_ref().unwrap().tolerances;
    assert_eq!((rows[0].fund_vnd, rows[0].name_score), (1_000, 100));
    assert_eq!((rows[1].base_bp, rows[1].count), (100, 2));
    for (rows, word) in [
        (row("2026-01-02", ""), "two tolerances"),
        (
            row("2026-01-01", "") + &row("2026-01-01", ""),
            "two rows begin",
        ),
        (row("2026-01-01", "base_bp = 10001"), "base_bp"),
        (row("2026-01-01", "name_score = 0"), "name_score"),
        (row("2026-01-01", "bse_bp = 1"), "unknown key"),
        (row("\"soon\"", ""), "valid_from"),
    ] {
        let problem = only(with(&rows).unwrap_err());
        assert!(problem.what.contains(word), "{}", problem.what);
    }
}

#[test]
fn a_schedule_has_a_name_of_its_own_a_time_and_room_for_its_month() {
    let scene = Scene::new();
    let line = |name: &str, more: &str| {
        format!("[[schedules]]\nname = \"{name}\"\npartner = \"tax\"\nwhat = \"persons\"\n{more}\n")
    };
    let cron = "cron = \"0 8 5 * *\"";
    let with = |lines: &str| {
        let text = format!("{lines}\n[journal]                      #");
        scene.with(&[("[journal]                      #", text.as_str())])
    };
    let config = with(&(line("first", cron) + &line("second", cron))).unwrap();
    assert_eq!(config.schedules.len(), 2);
    assert_eq!(config.schedules[0].days_off, OnDaysOff::Next);
    for (lines, key) in [
        (
            line("first", cron) + &line("first", cron),
            "schedules.1.name",
        ),
        (line("first", "cron = \"0 8 5\""), "schedules[0].cron"),
        (
            line("first", &format!("{cron}\ndays_off = \"never\"")),
            "days_off",
        ),
        (
            line("first", &format!("{cron}\nprovinces = [\"1\"]")),
            "schedules.0.provinces",
        ),
        (
            line("first", &format!("{cron}\nmonths_back = 0")),
            "months_back",
        ),
        (line("first", &format!("{cron}\nform = \"csv\"")), "form"),
        (
            line("first", &format!("{cron}\npacking = \"rar\"")),
            "packing",
        ),
    ] {
        let problem = only(with(&lines).unwrap_err());
        let last = key.rsplit(['.', ']']).next().unwrap();
        let told = format!("{problem:?}");
        assert!(told.contains(last), "{key}: {told}");
    }
}
