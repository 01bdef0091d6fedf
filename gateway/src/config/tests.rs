//! The sample is whole, and every mistake is told with its line and its cure.

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
fn missing_and_mismatched_key_files_are_told_where_they_are_named() {
    let scene = Scene::new();
    let problems = scene
        .with(&[("cert = \"tls.pem\"", "cert = \"sign.pem\"")])
        .unwrap_err();
    let problem = only(problems);
    assert_eq!(problem.line, line_of(GATEWAY, "cert = \"tls.pem\""));
    assert!(problem.what.contains("does not belong"), "{}", problem.what);
    let problems = scene
        .with(&[("anchors = [\"anchors.pem\"]", "anchors = [\"none.pem\"]")])
        .unwrap_err();
    assert!(only(problems).what.contains("none.pem"));
}

#[test]
fn a_key_that_others_can_read_is_refused_and_one_that_its_group_can_read_is_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let key = scene.folder.path().join("sign.key");
    for (mode, shown) in [(0o644, "mode 0644"), (0o660, "mode 0660")] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let problem = only(scene.with(&[]).unwrap_err());
        assert_eq!(problem.line, line_of(GATEWAY, "key = \"sign.key\""));
        assert!(problem.what.contains(shown), "{}", problem.what);
        assert!(problem.cure.contains("chmod 0600"));
    }
    for mode in [0o400, 0o440, 0o640] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        scene.with(&[]).unwrap();
    }
    scene.write("seal.key", &"00".repeat(32));
    let seal_key = scene.folder.path().join("seal.key");
    fs::set_permissions(seal_key, fs::Permissions::from_mode(0o604)).unwrap();
    let problem = only(scene.with(&[]).unwrap_err());
    assert_eq!(problem.line, line_of(GATEWAY, "seal_key = "));
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
fn weak_and_unfit_signing_keys_are_refused() {
    let scene = Scene::new();
    scene.issue("sign", KeyChoice::DangerRsa1024, Usage::Signing);
    let problems = scene.with(&[]).unwrap_err();
    assert!(
        problems
            .iter()
            .any(|problem| problem.what.contains("shorter than 2048")),
        "{problems:#?}"
    );
    scene.issue("sign", KeyChoice::Ed25519, Usage::Signing);
    assert!(scene.with(&[]).is_ok());
    scene.issue("sign", KeyChoice::Rsa2048, Usage::Signing);
    let xml_only = [("kid = \"vss-1\"", "algorithm = \"RS512\"\nkid = \"vss-1\"")];
    let problem = only(scene.with(&xml_only).unwrap_err());
    assert_eq!(problem.what, "RS512 cannot sign JSON answers");
}

#[test]
fn production_refuses_development_keys_danger_options_and_synthetic_people() {
    let problems = Scene::new()
        .with(&[
            ("environment = \"sandbox\"", "environment = \"production\""),
            (
                "admin_beyond_loopback = false",
                "admin_beyond_loopback = true",
            ),
            ("sha1_signatures_of = []", "sha1_signatures_of = [\"tax\"]"),
        ])
        .unwrap_err();
    let sha1 = problems.iter().find(|one| one.cure.contains("SHA-2"));
    assert!(sha1.is_some(), "{problems:#?}");
    let whats: Vec<&str> = problems
        .iter()
        .map(|problem| problem.what.as_str())
        .collect();
    let development = whats
        .iter()
        .filter(|what| what.contains("development authority"))
        .count();
    assert_eq!(development, 3, "TLS, signing and anchors: {whats:#?}");
    for part in [
        "every danger option",
        "synthetic people",
        "simulated office",
        "two officers must be able to sign",
        "knows its operators by their certificates",
    ] {
        assert!(whats.iter().any(|what| what.contains(part)), "{part}");
    }
}

#[test]
fn what_an_agreement_misspells_is_told_with_the_nearest_word() {
    let scene = Scene::new();
    let problems = scene
        .partners(&[
            ("operations.\"tax.ping\"", "operations.\"tax.pong\""),
            ("\"participants\"]", "\"participant\"]"),
        ])
        .unwrap_err();
    let told: Vec<(usize, &str, &str)> = problems
        .iter()
        .map(|problem| (problem.line, problem.what.as_str(), problem.cure.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                line_of(TAX, "tax.ping"),
                "there is no operation `tax.pong`",
                "did you mean `tax.ping`?"
            ),
            (
                line_of(TAX, "fields = "),
                "`tax.verify-employer` has no field `participant`",
                "did you mean `participants`?"
            ),
        ]
    );
}

#[test]
fn a_partners_file_is_held_to_its_rules() {
    let scene = Scene::new();
    let cases: &[(&str, &str, &str)] = &[
        (
            "environment = \"sandbox\"",
            "environment = \"test\"",
            "registered for test, but this gateway is sandbox",
        ),
        (
            "algorithm = \"ES256\"",
            "algorithm = \"RS256\"",
            "RS256 does not fit",
        ),
        ("cert = \"tax-sign.pem\"", "cert = \"none.pem\"", "none.pem"),
        (
            "valid_to = 2030-12-31",
            "valid_to = 2020-12-31",
            "ends before it begins",
        ),
        (
            "valid_from = 2026-01-01",
            "valid_from = \"soon\"",
            "must be a date",
        ),
        (
            "roads = [\"direct\"]",
            "roads = [\"pigeon\"]",
            "`agreements.0.roads.0` must be one of",
        ),
        (
            "relays = []",
            "relays = [{ road = \"ngsp\", relay = \"ngsp\" }]",
            "no partner `ngsp` is registered",
        ),
    ];
    for (from, to, what) in cases {
        let problem = only(scene.partners(&[(from, to)]).unwrap_err());
        assert!(problem.what.contains(what), "{to}: {}", problem.what);
        assert_eq!(problem.line, line_of(TAX, from), "{to}");
        assert!(problem.file.ends_with("tax.toml"));
    }
}

#[test]
fn no_partner_has_our_own_id() {
    let changes = [
        ("id = \"tax\"", "id = \"vss\""),
        (URI, "urn:lienthong:sandbox:partner:vss"),
    ];
    let problem = only(Scene::new().partners(&changes).unwrap_err());
    assert!(problem.what.contains("this gateway's own id"));
    assert_eq!(problem.line, line_of(TAX, "id = \"tax\""));
}

#[test]
fn a_peer_is_the_partners_own_uri_in_this_environment_or_a_whole_pin() {
    let scene = Scene::new();
    let pin = format!("spki:{}", "0f".repeat(32));
    scene.partners(&[(URI, &pin)]).unwrap();
    for peer in [
        "tax",
        "urn:lienthong:sandbox:partner:dvclt",
        "urn:lienthong:sandbox:partner:taxx",
        "urn:lienthong:test:partner:tax",
        "urn:lienthong:sandbox:gateway:tax",
        "URN:lienthong:sandbox:partner:tax",
        " urn:lienthong:sandbox:partner:tax",
        "https://tax.example",
        "spki:abcd",
        &pin[..pin.len() - 1],
        &format!("{pin}00"),
        &format!("SPKI:{}", "0f".repeat(32)),
    ] {
        let problem = only(scene.partners(&[(URI, peer)]).unwrap_err());
        assert_eq!(
            problem.what, "neither the URI of this partner here nor a pin",
            "{peer}"
        );
        assert_eq!(problem.line, line_of(TAX, URI), "{peer}");
        assert!(problem.cure.contains(URI) && problem.cure.contains("spki:"));
    }
}

#[test]
fn with_several_authorities_a_partner_is_pinned() {
    let scene = Scene::new();
    let other = Authority::generate("sandbox", Timestamp::from_second(1_790_000_000).unwrap());
    let other = other.unwrap().root_pem().to_owned();
    let own = scene.authority.root_pem().to_owned();
    let pin = format!("spki:{}", "0f".repeat(32));
    let in_two_files = [("[\"anchors.pem\"]", "[\"anchors.pem\", \"other.pem\"]")];
    scene.write("other.pem", &other);
    for (anchors, changes) in [
        (format!("{own}{other}"), [].as_slice()),
        (own.clone(), in_two_files.as_slice()),
    ] {
        scene.write("anchors.pem", &anchors);
        let load = |peer: &str| {
            scene.write("partners/tax.toml", &changed(TAX, &[(URI, peer)]));
            Snapshot::load(&scene.with(changes).unwrap(), &OPERATIONS)
        };
        let problem = only(load(URI).unwrap_err());
        assert!(problem.what.contains("each of the 2 authorities"));
        assert!(problem.cure.contains("spki:") && problem.cure.contains("one anchor"));
        assert_eq!(problem.line, line_of(TAX, URI));
        load(&pin).unwrap();
    }
    // anchors that change while the gateway runs are held to it too
    let beside = |peer: &str| {
        scene.write("anchors.pem", &own);
        let snapshot = scene.partners(&[(URI, peer)]).unwrap();
        let config = scene.config();
        assert_eq!(anchors_beside(&config, &snapshot.partners), None);
        scene.write("anchors.pem", &format!("{own}{other}"));
        anchors_beside(&config, &snapshot.partners)
    };
    assert!(beside(URI).unwrap().contains("`tax` is known by its URI"));
    assert_eq!(beside(&pin), None);
    // one authority that stands twice is one
    scene.write("anchors.pem", &own.repeat(2));
    scene.partners(&[]).unwrap();
}

#[test]
fn a_kid_or_an_identity_that_stands_twice_is_refused() {
    let scene = Scene::new();
    let again = "[[keys]]\nkid = \"tax-1\"\nalgorithm = \"ES256\"\ncert = \"tax-sign.pem\"\n\n[[agreements]]";
    let problem = only(scene.partners(&[("[[agreements]]", again)]).unwrap_err());
    assert_eq!(problem.what, "the kid `tax-1` stands twice");
    let pin = format!("spki:{}", "0f".repeat(32));
    scene.write(
        "partners/tax2.toml",
        &changed(TAX, &[("id = \"tax\"", "id = \"tax2\""), (URI, &pin)]),
    );
    let problem = only(scene.partners(&[(URI, &pin)]).unwrap_err());
    assert!(
        problem.what.contains("a peer identity is registered twice"),
        "{}",
        problem.what
    );
}

#[test]
fn a_login_is_read_from_its_file_and_never_shown() {
    let scene = Scene::new();
    let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n\
        username = \"vss\"\npassword_file = \"tax.password\"\n";
    let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
    scene.write("partners/tax.toml", &text);
    let problem = only(Snapshot::load(&scene.config(), &OPERATIONS).unwrap_err());
    assert!(problem.what.contains("tax.password"), "{}", problem.what);
    scene.write("partners/tax.password", "s3cret\n");
    let snapshot = Snapshot::load(&scene.config(), &OPERATIONS).unwrap();
    let login = snapshot
        .deliveries
        .values()
        .next()
        .unwrap()
        .login
        .clone()
        .unwrap();
    assert_eq!(login.password.reveal(), "s3cret");
    assert!(
        !format!("{snapshot:?}").contains("s3cret") && format!("{login:?}").contains("REDACTED")
    );
}

#[test]
fn callbacks_to_a_private_address_need_a_word_for_that_very_host() {
    let scene = Scene::new();
    let with = |lines: &str| {
        let delivery = format!("[delivery]\n{lines}\nanchors = \"../anchors.pem\"\n");
        let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
        scene.write("partners/tax.toml", &text);
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    for (uri, what, cure) in [
        (
            "https://10.1.2.3/x",
            "of a private network",
            "private = true",
        ),
        ("https://localhost/x", "of this machine", "private = true"),
        (
            "https://169.254.169.254/x",
            "of the link only",
            "https://host:port",
        ),
        (
            "https://2130706433/x",
            "a number in another form",
            "https://host:port",
        ),
        (
            "http://tax.example/x",
            "the scheme is not https",
            "https://host:port",
        ),
    ] {
        let problem = only(with(&format!("uri = \"{uri}\"")).unwrap_err());
        assert!(problem.what.contains(what), "{}", problem.what);
        assert!(problem.cure.contains(cure), "{}", problem.cure);
    }
    let allowed = with("uri = \"https://10.1.2.3/x\"\nprivate = true").unwrap();
    let delivery = allowed.deliveries.values().next().unwrap();
    assert_eq!(delivery.endpoint.to_string(), "https://10.1.2.3:443/x");
}

#[test]
fn a_schedule_that_would_leave_times_out_is_refused_at_its_key() {
    let scene = Scene::new();
    let with = |schedule: &str| {
        let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"../anchors.pem\"\n";
        let text = TAX.split("# [delivery]").next().unwrap();
        let text = format!("{text}{delivery}\n[delivery.reconcile]\n{schedule}");
        scene.write("partners/tax.toml", &text);
        Snapshot::load(&scene.config(), &OPERATIONS)
    };
    let good = with("").unwrap();
    let schedule = good.deliveries.values().next().unwrap().reconcile.clone();
    let schedule = schedule.unwrap();
    assert_eq!(
        (
            schedule.every_seconds,
            schedule.window_seconds,
            schedule.lag_seconds
        ),
        (3_600, 3_600, 300)
    );
    let problem = only(with("every_seconds = 600\nwindow_seconds = 599\n").unwrap_err());
    assert!(
        problem.what.contains("599 s every 600 s leaves times"),
        "{}",
        problem.what
    );
    let line = fs::read_to_string(scene.folder.path().join("partners/tax.toml")).unwrap();
    let line = line
        .lines()
        .position(|line| line.starts_with("window_seconds = 599"));
    assert_eq!(problem.line, line.unwrap() + 1);
    assert!(with("every_seconds = 0\n").is_err());
}

#[test]
fn a_changed_partner_takes_effect_whole_and_a_broken_one_not_at_all() {
    let scene = Scene::new();
    let snapshot = scene.partners(&[]).unwrap();
    let watched = Arc::new(Watched::new(scene.config(), OPERATIONS.to_vec(), &snapshot));
    let tax = PartnerId::parse("tax").unwrap();
    let active = || watched.current().get(&tax).unwrap().active;
    assert!(matches!(watched.look(), Reload::Same));
    scene.write(
        "partners/tax.toml",
        &changed(TAX, &[("active = true ", "active = maybe ")]),
    );
    let Reload::Kept(problems) = watched.look() else {
        panic!("a broken file took effect");
    };
    assert!(!problems.is_empty() && active());
    scene.write(
        "partners/tax.toml",
        &changed(TAX, &[("active = true ", "active = false ")]),
    );
    assert!(matches!(watched.look(), Reload::Swapped));
    assert!(!active());
    assert!(matches!(watched.look(), Reload::Same));
}

#[test]
fn how_long_agreements_keep_what_they_permit_changes_with_the_files() {
    let scene = Scene::new();
    let snapshot = scene.partners(&[]).unwrap();
    let watched = Arc::new(Watched::new(scene.config(), OPERATIONS.to_vec(), &snapshot));
    let kept = watched.kept();
    assert!(kept.load().is_empty());
    let text = changed(TAX, &[("# retention_years = 10", "retention_years = 10")]);
    scene.write("partners/tax.toml", &text);
    assert!(matches!(watched.look(), Reload::Swapped));
    let years = Duration::from_secs(10 * 366 * 24 * 3_600);
    assert_eq!(kept.load().values().collect::<Vec<_>>(), [&years]);
}

#[test]
fn what_was_kept_back_is_read_again_when_a_file_that_it_named_appears_or_changes() {
    use std::os::unix::fs::PermissionsExt as _;
    let scene = Scene::new();
    let delivery = "[delivery]\nuri = \"https://localhost:1/x\"\nprivate = true\nanchors = \"late.pem\"\n\
        username = \"vss\"\npassword_file = \"late.password\"\n";
    let text = format!("{}{delivery}", TAX.split("# [delivery]").next().unwrap());
    let text = changed(&text, &[("tax-sign.pem", "late-sign.pem")]);
    let watched = Watched::load(&scene.config(), &OPERATIONS).unwrap();
    scene.write("partners/tax.toml", &text);
    let kept = |count: usize| {
        let Reload::Kept(problems) = watched.look() else {
            panic!("a partner took effect whose files are not there");
        };
        assert_eq!(problems.len(), count, "{problems:#?}");
        assert!(matches!(watched.look(), Reload::Same), "told once");
    };
    kept(3);
    scene.write("partners/late.pem", scene.authority.root_pem());
    kept(2);
    scene.write("partners/late.password", "");
    kept(1 + 1);
    scene.write("partners/late.password", "s3cret\n");
    kept(1);
    scene.issue("partners/late-sign", KeyChoice::P256, Usage::Signing);
    assert!(matches!(watched.look(), Reload::Swapped));
    assert!(matches!(watched.look(), Reload::Same));
    // a changed mode is a change too: what could not be read may be readable now
    let key = scene.folder.path().join("partners/late-sign.pem");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(watched.look(), Reload::Swapped));
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
fn the_signing_key_stands_in_exactly_one_place() {
    let scene = Scene::new();
    let key = "key = \"sign.key\"\n";
    let problem = only(scene.with(&[(key, "")]).unwrap_err());
    assert_eq!(problem.what, "nothing says where the signing key is");
    let token =
        "[sign.pkcs11]\nmodule = \"/nonexistent/module.so\"\ntoken = \"vss\"\nlabel = \"sign\"\n";
    let with = |pin: &str| format!("{token}{pin}\n[store]\n");
    let both = with("pin_file = \"sign.pin\"\n");
    let problem = only(scene.with(&[("[store]\n", &both)]).unwrap_err());
    assert_eq!(problem.what, "the signing key stands in two places");
    let no_pin = with("");
    let problem = only(
        scene
            .with(&[(key, ""), ("[store]\n", &no_pin)])
            .unwrap_err(),
    );
    assert!(problem.what.contains("one of the two"), "{}", problem.what);
    let config = scene.with(&[(key, ""), ("[store]\n", &both)]).unwrap();
    let (signs, _) = signing_key(&config).unwrap();
    assert_eq!(signs.sign(b"x").unwrap_err().reason(), "pkcs11-module");
    assert_eq!(
        signing_shown(&config.sign),
        "key sign in token vss (PKCS#11)"
    );
    let files: Vec<_> = signing_files(&config.sign).collect();
    assert!(files.iter().any(|file| file.ends_with("sign.pin")));
}

#[test]
fn the_token_that_locks_the_sealing_key_has_one_place_for_its_pin() {
    let scene = Scene::new();
    let with = |pins: &str| {
        let section = format!(
            "[store.seal_token]\nmodule = \"/nonexistent/module.so\"\ntoken = \"vss\"\nlabel = \"vault\"\n{pins}\n[journal]"
        );
        scene.with(&[("[journal]", &section)])
    };
    for pins in ["", "pin_file = \"pin\"\npin_env = \"PIN\"\n"] {
        let problem = only(with(pins).unwrap_err());
        assert!(problem.what.contains("one of the two"), "{}", problem.what);
    }
    let plain = key_file(&scene.config()).unwrap();
    plain.open_or_create().unwrap();
    let config = with("pin_file = \"pin\"\n").unwrap();
    let opened = key_file(&config).unwrap().open();
    assert_eq!(opened.unwrap_err().reason(), "vault-key-not-locked");
}

#[test]
fn a_signing_certificate_of_another_key_is_refused() {
    let scene = Scene::new();
    let problem = only(
        scene
            .with(&[("cert = \"sign.pem\"", "cert = \"partners/tax-sign.pem\"")])
            .unwrap_err(),
    );
    assert!(
        problem.what.contains("do not belong together"),
        "{}",
        problem.what
    );
}
