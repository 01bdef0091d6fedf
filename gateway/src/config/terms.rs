//! What a partner's file grants, as a flat list of terms: to be compared, signed and kept.
//!
//! A term is a path and a value. It is read from the TOML itself and not from the typed sections, so that a
//! key that this comparison has never heard of counts as loosening. A file that a term names (a
//! certificate, an authority) stands in it by the digest of its content.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use certs::digest::{sha256, sha256_hex};
use toml::{Table, Value};

/// The terms of one partner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms(BTreeMap<String, BTreeSet<String>>);

/// One difference between two sets of terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Where.
    pub(crate) path: String,
    /// What is there and was not.
    pub(crate) added: Vec<String>,
    /// What was there and is not.
    pub(crate) removed: Vec<String>,
    /// What it does.
    pub(crate) effect: Effect,
}

/// What a difference does to what a partner may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Words for people.
    Neutral,
    /// It may less, or less often, or less long.
    Restricts,
    /// It may more, or nobody can say that it may not.
    Loosens,
}

impl Effect {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Neutral => "says the same",
            Self::Restricts => "restricts",
            Self::Loosens => "loosens",
        }
    }
}

impl Terms {
    /// Reads the terms of a file's text; what it names is read from its folder.
    pub(crate) fn of(file: &Path, text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error| format!("not TOML: {error}"))?;
        let mut reader = Reader {
            folder: file.parent().unwrap_or(Path::new("")),
            terms: Self::default(),
        };
        reader.table("", "", &table)?;
        for (key, value) in FILE_DEFAULTS {
            reader.default(key, value);
        }
        Ok(reader.terms)
    }

    /// The one encoding of these terms: a JSON object of lists, in order.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        sha256(&self.bytes())
    }

    /// Every difference that `next` makes, in the order of the paths.
    pub(crate) fn changes(&self, next: &Self) -> Vec<Change> {
        let paths: BTreeSet<&String> = self.0.keys().chain(next.0.keys()).collect();
        let none = BTreeSet::new();
        let change = |path: &String| {
            let (old, new) = (
                self.0.get(path).unwrap_or(&none),
                next.0.get(path).unwrap_or(&none),
            );
            (old != new).then(|| Change {
                path: path.clone(),
                added: new.difference(old).cloned().collect(),
                removed: old.difference(new).cloned().collect(),
                effect: effect(path, (old, new), (self, next)),
            })
        };
        paths.into_iter().filter_map(change).collect()
    }

    /// Whether anything of `next` loosens what these terms say.
    pub(crate) fn loosened_by(&self, next: &Self) -> bool {
        let mut changes = self.changes(next).into_iter();
        changes.any(|change| change.effect == Effect::Loosens)
    }

    fn has_table(&self, path: &str) -> bool {
        self.0.get(path).is_some_and(|values| values.contains(HERE))
    }
}

struct Reader<'f> {
    folder: &'f Path,
    terms: Terms,
}

impl Reader<'_> {
    fn table(&mut self, path: &str, parent: &str, table: &Table) -> Result<(), String> {
        // the quota has a default: it is there either way
        if !["", "quota"].contains(&path) {
            self.put(path, HERE.to_owned());
        }
        for (key, value) in table {
            self.value(&join(path, key), key, value)?;
        }
        if parent == "operations" {
            for (key, value) in GRANT_DEFAULTS {
                self.default(&join(path, key), value);
            }
        }
        Ok(())
    }

    fn value(&mut self, path: &str, key: &str, value: &Value) -> Result<(), String> {
        match value {
            Value::Table(table) if key == "operations" => {
                for (operation, grant) in table {
                    let path = join(path, operation);
                    match grant {
                        Value::Table(grant) => self.table(&path, key, grant)?,
                        other => self.put(&path, shown(other)),
                    }
                }
                Ok(())
            }
            Value::Table(table) => self.table(path, key, table),
            Value::Array(items) => items.iter().try_for_each(|item| self.item(path, key, item)),
            scalar => self.scalar(path, key, scalar),
        }
    }

    /// One of a list: a table by the name that it bears, everything else by itself.
    fn item(&mut self, path: &str, key: &str, item: &Value) -> Result<(), String> {
        let Value::Table(table) = item else {
            return self.scalar(path, key, item);
        };
        let name = ["kid", "number"]
            .into_iter()
            .find_map(|name| table.get(name));
        match name.and_then(Value::as_str) {
            Some(name) => self.table(&join(path, name), key, table),
            None => {
                self.put(path, shown(item));
                Ok(())
            }
        }
    }

    fn scalar(&mut self, path: &str, key: &str, value: &Value) -> Result<(), String> {
        let text = shown(value);
        if FILES.contains(&key) {
            let file = self.folder.join(&text);
            let content =
                fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            self.put(&format!("{path}#sha256"), sha256_hex(&content));
        }
        self.put(path, text);
        Ok(())
    }

    fn put(&mut self, path: &str, value: String) {
        self.terms
            .0
            .entry(path.to_owned())
            .or_default()
            .insert(value);
    }

    fn default(&mut self, path: &str, value: &str) {
        if !self.terms.0.contains_key(path) {
            self.put(path, value.to_owned());
        }
    }
}

/// A value as a text: each has one.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Datetime(at) => at.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

fn join(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}/{key}"),
    }
}

/// What the change of one path does. What is not known to restrict loosens.
fn effect(
    path: &str,
    (old, new): (&BTreeSet<String>, &BTreeSet<String>),
    (before, after): (&Terms, &Terms),
) -> Effect {
    let last = path.rsplit('/').next().unwrap_or(path);
    // what stood in a table that grants by being there, and went away as a whole
    let taken = path
        .match_indices('/')
        .map(|(end, _)| &path[..end])
        .chain([path])
        .any(|table| grants(table) && before.has_table(table) && !after.has_table(table));
    match last {
        "name" | "contacts" | "parties" | "password_file" | "password_env" => Effect::Neutral,
        _ if taken => Effect::Restricts,
        "per_minute" | "burst" | "window_seconds" | "batch" | "concurrency" => {
            greater(number(old), number(new))
        }
        "lines" => greater(
            number(old).or(Some(LINES_DEFAULT)),
            number(new).or(Some(LINES_DEFAULT)),
        ),
        // none at all is the whole country
        "provinces" => match (old.is_empty(), new.is_empty()) {
            (true, true) => Effect::Neutral,
            (true, false) => Effect::Restricts,
            (false, true) => Effect::Loosens,
            (false, false) => list(old, new),
        },
        "timeout_ms" | "breaker_failures" | "breaker_seconds" => Effect::Neutral,
        "active" => greater(Some(truth(old)), Some(truth(new))),
        // texts of ISO dates compare as the dates do; an open end is later than any
        "valid_from" => greater(date(new), date(old)),
        "valid_to" => match (old.first(), new.first()) {
            (Some(_), None) => Effect::Loosens,
            (None, Some(_)) => Effect::Restricts,
            (old, new) => greater(old, new),
        },
        "peers" | "relays" | "purposes" | "roads" | "fields" => list(old, new),
        _ => Effect::Loosens,
    }
}

/// Tables whose absence takes something away. Others demand something, as `[token]` does: whatever becomes of
/// those loosens.
fn grants(table: &str) -> bool {
    let lists = ["keys/", "agreements/"];
    ["delivery", "md5_login"].contains(&table) || lists.iter().any(|list| table.starts_with(list))
}

/// A list of what is granted: whatever is added loosens.
fn list(old: &BTreeSet<String>, new: &BTreeSet<String>) -> Effect {
    match new.is_subset(old) {
        true => Effect::Restricts,
        false => Effect::Loosens,
    }
}

fn greater<T: PartialOrd>(old: Option<T>, new: Option<T>) -> Effect {
    match (old, new) {
        (Some(old), Some(new)) if new < old => Effect::Restricts,
        (Some(old), Some(new)) if new == old => Effect::Neutral,
        _ => Effect::Loosens,
    }
}

fn number(values: &BTreeSet<String>) -> Option<u64> {
    values.first().and_then(|value| value.parse().ok())
}

fn truth(values: &BTreeSet<String>) -> bool {
    values.contains("true")
}

fn date(values: &BTreeSet<String>) -> Option<&String> {
    values.first()
}

/// Stands for a table that is there, whatever is in it.
const HERE: &str = "{}";
/// Keys that name a file whose content counts.
const FILES: [&str; 4] = ["cert", "anchors", "hash_file", "jwks"];
/// What an absent key means; the same as in `partner.rs`, which a test holds.
const FILE_DEFAULTS: [(&str, &str); 4] = [
    ("active", "true"),
    ("window_seconds", "300"),
    ("quota/per_minute", "60000"),
    ("quota/burst", "2000"),
];
/// It does not stand among the defaults below: terms signed before it was known say the same without it.
const LINES_DEFAULT: u64 = 1_000;
const GRANT_DEFAULTS: [(&str, &str); 2] = [("per_minute", "6000"), ("burst", "200")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{partner::PartnerFile, read::read_text};

    const FILE: &str = r#"
id = "tax"
name = "Tax"
environment = "sandbox"
peers = ["urn:lienthong:sandbox:partner:tax"]
relays = [{ road = "ngsp", relay = "ngsp" }]
[quota]
per_minute = 600
[[keys]]
kid = "tax-1"
algorithm = "ES256"
cert = "tax.pem"
[[agreements]]
number = "9/2026"
legal_basis = "Circular 13/2017"
purposes = ["audit"]
roads = ["direct"]
valid_from = 2026-01-01
valid_to = 2026-12-31
[agreements.operations."tax.verify-employer"]
fields = ["fund", "due"]
per_minute = 60
[agreements.operations."tax.ping"]
[delivery]
uri = "https://tax.example:8444/callbacks"
anchors = "tax-ca.pem"
"#;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("tax.pem"), "one").unwrap();
            fs::write(folder.path().join("tax-ca.pem"), "two").unwrap();
            Self(folder)
        }

        fn terms(&self, text: &str) -> Terms {
            Terms::of(&self.0.path().join("tax.toml"), text).unwrap()
        }
    }

    #[test]
    fn what_adds_loosens_and_what_takes_away_restricts() {
        use Effect::{Loosens, Neutral, Restricts};
        let folder = Folder::new();
        let before = folder.terms(FILE);
        for (from, to, effect) in [
            ("name = \"Tax\"", "name = \"Thuế\"", Neutral),
            ("per_minute = 600", "per_minute = 601", Loosens),
            ("per_minute = 600", "per_minute = 599", Restricts),
            ("per_minute = 60\n", "", Loosens), // 6,000 where absent
            (
                "per_minute = 60\n",
                "per_minute = 60\nlines = 10\n",
                Restricts,
            ),
            (
                "per_minute = 60\n",
                "per_minute = 60\nlines = 1000\n",
                Neutral,
            ),
            (
                "per_minute = 60\n",
                "per_minute = 60\nburst = 200\n",
                Neutral,
            ),
            (
                "per_minute = 60\n",
                "per_minute = 60\nburst = 201\n",
                Loosens,
            ),
            ("id = \"tax\"", "id = \"tax\"\nactive = false", Restricts),
            (
                "id = \"tax\"",
                "id = \"tax\"\nwindow_seconds = 301",
                Loosens,
            ),
            (
                "id = \"tax\"",
                "id = \"tax\"\nwindow_seconds = 60",
                Restricts,
            ),
            ("\"due\"]", "\"due\", \"paid\"]", Loosens),
            ("\"fund\", \"due\"", "\"fund\"", Restricts),
            ("\"fund\", \"due\"", "\"due\", \"fund\"", Neutral),
            ("[\"audit\"]", "[\"audit\", \"curiosity\"]", Loosens),
            ("[\"direct\"]", "[\"direct\", \"ngsp\"]", Loosens),
            ("valid_to = 2026-12-31", "valid_to = 2027-01-01", Loosens),
            ("valid_to = 2026-12-31", "valid_to = 2026-06-30", Restricts),
            ("valid_to = 2026-12-31", "", Loosens),
            (
                "valid_from = 2026-01-01",
                "valid_from = 2025-12-31",
                Loosens,
            ),
            (
                "valid_from = 2026-01-01",
                "valid_from = 2026-02-01",
                Restricts,
            ),
            (
                "legal_basis = \"Circular 13/2017\"",
                "legal_basis = \"none\"",
                Loosens,
            ),
            ("9/2026", "10/2026", Loosens),
            ("tax.ping", "tax.verify-individual", Loosens),
            ("[agreements.operations.\"tax.ping\"]\n", "", Restricts),
            ("algorithm = \"ES256\"", "algorithm = \"RS256\"", Loosens),
            ("kid = \"tax-1\"", "kid = \"tax-2\"", Loosens),
            ("cert = \"tax.pem\"", "cert = \"tax-ca.pem\"", Loosens),
            ("partner:tax\"]", "partner:tax\", \"spki:00\"]", Loosens),
            (
                "relay = \"ngsp\" }",
                "relay = \"ngsp\" }, { road = \"ngsp\", relay = \"evil\" }",
                Loosens,
            ),
            (
                "relays = [{ road = \"ngsp\", relay = \"ngsp\" }]",
                "",
                Restricts,
            ),
            ("tax.example", "evil.example", Loosens),
            ("id = \"tax\"", "id = \"tax\"\nnever_heard_of = 1", Loosens),
        ] {
            assert!(FILE.contains(from), "{from}");
            let after = folder.terms(&FILE.replacen(from, to, 1));
            let changes = before.changes(&after);
            let worst = changes.iter().map(|change| change.effect).max();
            assert_eq!(
                worst.unwrap_or(Neutral),
                effect,
                "{from} -> {to}: {changes:?}"
            );
            assert_eq!(before.loosened_by(&after), effect == Loosens);
        }
    }

    #[test]
    fn a_whole_key_agreement_or_address_that_goes_restricts_and_comes_back_only_by_loosening() {
        let folder = Folder::new();
        let whole = folder.terms(FILE);
        let until = |mark: &str| folder.terms(&FILE[..FILE.find(mark).unwrap()]);
        for mark in ["[[keys]]", "[[agreements]]", "[delivery]"] {
            let less = until(mark);
            assert!(
                !whole.loosened_by(&less),
                "{mark}: {:?}",
                whole.changes(&less)
            );
            assert!(less.loosened_by(&whole), "{mark}");
        }
        assert!(Terms::default().loosened_by(&whole));
    }

    #[test]
    fn a_demand_that_goes_loosens() {
        let folder = Folder::new();
        let demanding = folder.terms(&format!("{FILE}\n[token]\nissuer = \"https://ngsp\"\n"));
        assert!(demanding.loosened_by(&folder.terms(FILE)));
    }

    #[test]
    fn another_content_of_a_file_that_is_named_loosens() {
        let folder = Folder::new();
        for file in ["tax.pem", "tax-ca.pem"] {
            let before = folder.terms(FILE);
            fs::write(folder.0.path().join(file), "three").unwrap();
            assert!(before.loosened_by(&folder.terms(FILE)), "{file}");
        }
    }

    #[test]
    fn terms_come_back_from_their_bytes_with_the_same_digest() {
        let terms = Folder::new().terms(FILE);
        let again = Terms::parse(&terms.bytes()).unwrap();
        assert_eq!((&again, again.digest()), (&terms, terms.digest()));
        assert_eq!(Terms::parse(b"[]"), None);
    }

    #[test]
    fn absent_numbers_mean_what_the_gateway_takes_them_for() {
        let text = "id = \"tax\"\nname = \"T\"\nenvironment = \"sandbox\"\npeers = []\n\
            [[agreements]]\nnumber = \"1\"\nlegal_basis = \"a\"\npurposes = []\nroads = []\n\
            valid_from = 2026-01-01\n[agreements.operations.\"tax.ping\"]\n";
        let file: PartnerFile = read_text(Path::new("tax.toml"), text).value.unwrap();
        let terms = Terms::of(Path::new("tax.toml"), text).unwrap();
        let grant = &file.agreements[0].operations.0[0].1;
        for (path, value) in [
            ("active", file.active.to_string()),
            ("window_seconds", file.window_seconds.to_string()),
            ("quota/per_minute", file.quota.per_minute.to_string()),
            ("quota/burst", file.quota.burst.to_string()),
            (
                "agreements/1/operations/tax.ping/per_minute",
                grant.per_minute.to_string(),
            ),
            (
                "agreements/1/operations/tax.ping/burst",
                grant.burst.to_string(),
            ),
        ] {
            assert_eq!(terms.0[path], BTreeSet::from([value]), "{path}");
        }
    }
}
