//! The house itself: who may import whom, who alone may name a dangerous library, what lies where.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use serde_json::Value;

/// What each package may import of this house, for building and for testing alike.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("certs", &["schemas"]),
    ("gateway-core", &["schemas", "certs"]),
    ("gateway-store", &["schemas", "gateway-core"]),
    ("roads", &["schemas", "certs", "gateway-core"]),
    ("tax", &["schemas", "gateway-core", "roads"]),
    ("civil", &["schemas", "gateway-core", "roads"]),
    ("hospital", &["schemas", "gateway-core", "roads"]),
    ("dci", &["schemas", "gateway-core", "roads"]),
    // one set of checks and one call for what civil registries tell
    ("opencrvs", &["schemas", "gateway-core", "roads", "dci"]),
    ("portal", &["schemas", "gateway-core", "roads"]),
    ("insurance", &["schemas", "certs", "gateway-core"]),
    ("conformance", &["schemas", "certs"]),
    (
        "gateway",
        &[
            "schemas",
            "certs",
            "gateway-core",
            "gateway-store",
            "roads",
            "tax",
            "civil",
            "hospital",
            "dci",
            "opencrvs",
            "portal",
            "insurance",
            "conformance",
        ],
    ),
    (
        "gateway-tests",
        &[
            "schemas",
            "certs",
            "gateway-core",
            "gateway-store",
            "roads",
            "tax",
            "civil",
            "hospital",
            "dci",
            "opencrvs",
            "portal",
            "insurance",
            "conformance",
            "gateway",
        ],
    ),
];

/// Libraries that only some packages may name, and why.
const ALONE_MAY_NAME: &[(&[&str], &[&str], &str)] = &[
    (
        &[
            "rustls",
            "tokio-rustls",
            "openssl",
            "cryptoki",
            "aws-lc-rs",
            "jsonwebtoken",
            "bergshamra",
            "rcgen",
            "x509-parser",
            "subtle",
            "zeroize",
        ],
        &["certs"],
        "one package names cryptography",
    ),
    (
        &["rusqlite"],
        &["gateway-store", "insurance", "gateway-tests"],
        "SQL stands behind the ports and behind the contract; the torture bench's checker reads with its own eyes",
    ),
    (
        &["tokio-postgres"],
        &["gateway-store", "insurance", "certs"],
        "SQL stands behind the ports and behind the contract; certs makes the driver's handshake, and no query",
    ),
    (
        &[
            "quick-xml",
            "prost",
            "tonic-prost",
            "tonic-prost-build",
            "protox",
        ],
        &["schemas"],
        "one parser decides meaning",
    ),
    (
        &["uppsala"],
        &["schemas", "certs"],
        "schemas validate, the verifier builds trees",
    ),
    (
        &["governor"],
        &["gateway-core"],
        "limits are decided in two rooms",
    ),
    (
        &["redis"],
        &["gateway"],
        "one count of limits for all replicas",
    ),
    (
        &["tower"],
        &[
            "gateway-core",
            "gateway",
            "insurance",
            "schemas",
            "roads",
            "gateway-tests",
        ],
        "layers are the pipeline's; tonic's services are tower services, and so is the way out",
    ),
    (
        &["tonic"],
        &["schemas", "insurance", "gateway"],
        "schemas re-export the generated types, insurance serves and calls, gateway has the admin port",
    ),
    (
        &["hyper", "hyper-util"],
        &[
            "gateway",
            "roads",
            "insurance",
            "conformance",
            "gateway-tests",
        ],
        "the server is gateway's; roads, insurance and the partners' side are clients, conformance also serves its simulated portal",
    ),
    (
        &["zip"],
        &["gateway"],
        "one kind of archive, written and read in one place",
    ),
    (
        &["flate2", "ruzstd"],
        &["tax"],
        "packed chunks are opened in one place, within bounds",
    ),
    (&["axum"], &[], "no framework beside tower and hyper"),
    (
        &["prometheus-client"],
        &["gateway"],
        "metrics are counted in one place",
    ),
    (
        &["clap", "indicatif", "comfy-table"],
        &["gateway"],
        "one command line",
    ),
    (
        &["unicode-normalization"],
        &["schemas", "gateway-tests"],
        "names are compared in one place; tests take them apart",
    ),
];

/// The least versions that are free of the known attacks.
const FLOORS: &[(&str, &str)] = &[
    ("h2", "0.4.16"),
    ("hyper", "1.11.0"),
    ("rustls", "0.23.18"),
    ("rustls-webpki", "0.103.13"),
    ("tonic", "0.12.3"),
    ("quick-xml", "0.41.0"),
    ("tracing-subscriber", "0.3.20"),
    ("idna", "1.0.0"),
    ("ring", "0.17.12"),
    ("prost", "0.6.1"),
    ("tokio-postgres", "0.7.18"),
    ("openssl", "0.10.70"),
];

/// Dead, unsound or unneeded.
const NEVER: &[&str] = &[
    "serde_yaml",
    "tokio-tar",
    "pkcs11",
    "confusables",
    "native-tls",
    "reqwest",
    "sqlx",
];

/// The eight entries of the house, and the files beside them.
const ENTRIES: [&str; 8] = [
    "schemas",
    "gateway",
    "adapters",
    "certs",
    "conformance",
    "tests",
    "charts",
    "Cargo.toml",
];
const BESIDE: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE",
    "rust-toolchain.toml",
    "Cargo.lock",
    ".git",
    ".gitignore",
    ".gitattributes",
    ".clippy.toml",
    ".deny.toml",
    ".rustfmt.toml",
    ".config",
    ".ci",
    ".cargo",
    ".editorconfig",
    ".dockerignore",
    ".github",
    "target",
    "var",
];

struct Package {
    folder: PathBuf,
    /// (name, kind); the kind is `normal`, `build` or `dev`.
    imports: Vec<(String, String)>,
}

struct House {
    root: PathBuf,
    packages: BTreeMap<String, Package>,
    whole: Value,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned();
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--all-features",
        ])
        .args(["--filter-platform", &platform]) // what was never built here was never fetched
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members: BTreeSet<_> = whole["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    let ours = list(&whole["packages"]).filter(|package| members.contains(&text(&package["id"])));
    let packages = ours
        .map(|package| (text(&package["name"]), Package::of(package)))
        .collect();
    House {
        root,
        packages,
        whole,
    }
});

impl Package {
    fn of(package: &Value) -> Self {
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let kind = |import: &Value| import["kind"].as_str().unwrap_or("normal").to_owned();
        let imports =
            list(&package["dependencies"]).map(|import| (text(&import["name"]), kind(import)));
        Self {
            folder: manifest.parent().unwrap().to_owned(),
            imports: imports.collect(),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

#[test]
fn every_package_is_in_the_table_and_imports_only_what_the_table_allows() {
    let named: BTreeSet<_> = MAY_IMPORT
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let ours: BTreeSet<_> = HOUSE.packages.keys().cloned().collect();
    assert_eq!(ours, named);
    for (name, allowed) in MAY_IMPORT {
        for (import, kind) in &HOUSE.packages[*name].imports {
            let fine = !ours.contains(import) || allowed.contains(&import.as_str());
            assert!(fine, "{name} may not import {import} ({kind})");
        }
    }
}

#[test]
fn a_dangerous_library_is_named_only_where_it_may_be() {
    for (libraries, packages, why) in ALONE_MAY_NAME {
        for (name, package) in &HOUSE.packages {
            for (import, kind) in &package.imports {
                let named =
                    libraries.contains(&import.as_str()) && !packages.contains(&name.as_str());
                let tested =
                    kind == "dev" && TESTED_WITH.contains(&(name.as_str(), import.as_str()));
                assert!(
                    !named || tested,
                    "{name} names {import} ({kind}), but {why}"
                );
            }
        }
    }
}

/// What a package's own tests may name beside.
const TESTED_WITH: &[(&str, &str)] = &[
    ("roads", "axum"), // its client is tested against a server
    ("conformance", "axum"),
    ("schemas", "tonic"),
    ("insurance", "unicode-normalization"),
];

#[test]
fn the_simulators_can_be_left_out_of_the_shipped_binary() {
    let gateway = list(&HOUSE.whole["packages"])
        .find(|package| package["name"] == "gateway")
        .unwrap();
    let import = list(&gateway["dependencies"])
        .find(|import| import["name"] == "conformance")
        .unwrap();
    assert_eq!(import["optional"], true, "conformance is not optional");
    assert!(
        gateway["features"]["sandbox"]
            .to_string()
            .contains("conformance")
    );
}

#[test]
fn no_dependency_comes_from_git_or_from_outside_the_house() {
    for package in list(&HOUSE.whole["packages"]) {
        match package["source"].as_str() {
            None => assert!(
                HOUSE.packages.contains_key(&text(&package["name"])),
                "{}",
                package["id"]
            ),
            Some(source) => assert!(
                source.starts_with("registry+https://github.com/rust-lang/crates.io-index"),
                "{source}"
            ),
        }
    }
}

#[test]
fn every_version_is_above_its_floor_and_nothing_forbidden_is_there() {
    for package in list(&HOUSE.whole["packages"]) {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        assert!(!NEVER.contains(&name.as_str()), "{name} {version}");
        for (_, floor) in FLOORS.iter().filter(|(floored, _)| *floored == name) {
            assert!(
                numbers(&version) >= numbers(floor),
                "{name} {version} is below {floor}"
            );
        }
    }
}

fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap();
    plain
        .split('.')
        .map(|number| number.parse().unwrap())
        .collect()
}

#[test]
fn every_package_says_what_it_is_for() {
    for (name, package) in &HOUSE.packages {
        let readme = package.folder.join("README.md");
        let said = fs::read_to_string(&readme).unwrap_or_default();
        assert!(said.len() > 200, "{name} has no README.md worth the name");
    }
}

#[test]
fn the_top_level_is_the_eight_entries_and_what_stands_beside_them() {
    for entry in fs::read_dir(&HOUSE.root).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let fine = ENTRIES.contains(&name.as_str()) || BESIDE.contains(&name.as_str());
        assert!(fine, "{name} does not belong at the top level");
    }
    for entry in ENTRIES {
        assert!(HOUSE.root.join(entry).exists(), "{entry} is missing");
    }
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with(['.', '#']);
        match path.is_dir() {
            _ if hidden || path.ends_with("target") || path.ends_with("var") => {}
            true => sources(&path, out),
            false => out.push(path),
        }
    }
}

#[test]
fn no_file_is_named_after_nothing() {
    let mut files = Vec::new();
    sources(&HOUSE.root, &mut files);
    let vague = [
        "util", "utils", "helper", "helpers", "common", "misc", "mod", "stuff", "temp", "tmp",
        "new", "old", "final",
    ];
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
    {
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!vague.contains(&stem.as_str()), "{}", file.display());
    }
}

#[test]
fn unsafe_code_is_forbidden_in_every_package() {
    let root = fs::read_to_string(HOUSE.root.join("Cargo.toml")).unwrap();
    assert!(root.contains("unsafe_code = \"forbid\""));
    for (name, package) in &HOUSE.packages {
        let manifest = fs::read_to_string(package.folder.join("Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        assert_eq!(
            manifest["lints"]["workspace"].as_bool(),
            Some(true),
            "{name} has lints of its own"
        );
    }
}

/// Files that are compiled for tests only.
const TESTING: &[&str] = &[
    "tests.rs",
    "testserver.rs",
    "testscene.rs",
    "testhead.rs",
    "bench.rs",
];

#[test]
fn the_machines_clock_is_read_in_one_place() {
    // elsewhere time is a Clock passed in; command lines, counterparts and tests read it themselves
    let own = [
        "gateway/core/src/ports.rs",
        "gateway/src/cli",
        "gateway/src/bench",
        "gateway/src/sandbox",
        "conformance/",
        "tests/",
    ];
    let mut files = Vec::new();
    sources(&HOUSE.root, &mut files);
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
    {
        let inside = file
            .strip_prefix(&HOUSE.root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let tests = inside.contains("/tests/")
            || inside.contains("/examples/")
            || TESTING.iter().any(|end| inside.ends_with(end));
        if tests || own.iter().any(|own| inside.starts_with(own)) {
            continue;
        }
        let whole = fs::read_to_string(file).unwrap();
        let code = whole.split("#[cfg(test)]").next().unwrap();
        assert!(
            !code.contains("Timestamp::now()") && !code.contains("SystemTime::now()"),
            "{inside}"
        );
    }
}
