//! `lienthong partner new|diff|sign`: a partner's file is written, compared with what is in force, and
//! signed by an officer.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    io::{BufRead as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use certs::{jws::statement, keys::SigningKey, password::SlowHash};
use clap::Args;
use gateway_core::{Operation, Road, partner::Environment};
use schemas::id::PartnerId;

use super::{Ended, admin::Which};
use crate::{
    admin::client,
    config::{
        officers::{Statement, signature_file},
        partner::PartnerFile,
        read::read_file,
        snapshot::Source,
        terms::{Change, Effect, Terms},
    },
    wiring,
};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Clone, Args)]
pub(super) struct New {
    /// The partner's id: 2 to 32 of a-z, 0-9 and -.
    id: String,
    /// Its name, for people.
    #[arg(long)]
    name: String,
    /// sandbox, test or production.
    #[arg(long, default_value = "test")]
    environment: String,
    /// A road that it may come by; direct, ngsp or vdxp.
    #[arg(long, default_value = "direct")]
    road: Vec<String>,
    /// An operation that is agreed, such as tax.verify-employer.
    #[arg(long, required = true)]
    operation: Vec<String>,
    /// The agreement's number.
    #[arg(long)]
    number: String,
    /// The article that it rests on.
    #[arg(long)]
    legal_basis: String,
    /// First day; the last is a year later.
    #[arg(long)]
    valid_from: jiff::civil::Date,
    /// Where to write it; a file that is there already is left alone. By default on standard output.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct HashMd5 {}

impl HashMd5 {
    pub(super) fn run(self) -> Ended {
        let mut line = String::new();
        let mut input = std::io::stdin().lock().take(INPUT_BYTES_MAX);
        input.read_line(&mut line)?;
        let md5 = line.trim();
        if md5.len() != 32 || !md5.bytes().all(|one| one.is_ascii_hexdigit()) {
            return Err(
                "standard input is no MD5: 32 hex digits, as the facility's software sends them"
                    .into(),
            );
        }
        println!(
            "{}",
            SlowHash::of(md5.to_ascii_lowercase().as_bytes()).text()
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// More than an MD5 and a line's end.
const INPUT_BYTES_MAX: u64 = 128;

impl New {
    pub(super) fn run(self) -> Ended {
        let text = self.text(&wiring::operations())?;
        match &self.out {
            None => print!("{text}"),
            Some(file) => {
                let mut out = fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .open(file)
                    .map_err(|error| format!("{}: {error}", file.display()))?;
                out.write_all(text.as_bytes())?;
                println!("{}: fill in what is marked with <…>", file.display());
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The file, with a comment for whatever has to be filled in or decided.
    fn text(&self, known: &[&Operation]) -> Outcome<String> {
        let id = PartnerId::parse(&self.id).map_err(|_| "the id is 2 to 32 of a-z, 0-9 and -")?;
        let environment = Environment::parse(&self.environment)
            .ok_or("the environment is sandbox, test or production")?;
        let roads: Option<Vec<Road>> = self.road.iter().map(|road| Road::parse(road)).collect();
        let roads = roads.ok_or("a road is direct, ngsp, vdxp or xroad")?;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let road_names: Vec<String> = roads.iter().map(|road| quoted(road.as_str())).collect();
        let mut out = format!(
            "# Written by `lienthong partner new`; fill in what is marked with <…>, then `lienthong check`.\n\n\
             id = \"{id}\"\nname = {}\nenvironment = \"{}\"\n\
             # the URI in its TLS certificate, or \"spki:\" and 64 hex digits\n\
             peers = [\"urn:lienthong:{}:partner:{id}\"]\n",
            quoted(&self.name),
            environment.as_str(),
            environment.as_str(),
        );
        out += relays(&roads);
        let until = self.valid_from.checked_add(jiff::Span::new().years(1))?;
        // writing to a String cannot fail
        let _ = write!(
            out,
            "\n[quota]                        # per route, before a body is read\nper_minute = 600\nburst = 60\n\n\
             [[keys]]                       # what it signs with\nkid = \"{id}-1\"\n\
             algorithm = \"ES256\"            # ES256 | PS256 | RS256 | EdDSA\ncert = \"<{id}-sign.pem>\"\n\n\
             [[agreements]]\nnumber = {}\nlegal_basis = {}\n\
             # production demands these, and a report of `lienthong conformance` as [conformance]\n\
             # parties = [\"<both, as the agreement names them>\"]\n# retention_years = 10\n\
             # contacts = [{{ name = \"<whom to call>\", phone = \"<024>\" }}]\n\
             purposes = [\"<what for>\"]\nroads = [{}]\nvalid_from = {}\nvalid_to = {until}\n",
            quoted(&self.number),
            quoted(&self.legal_basis),
            road_names.join(", "),
            self.valid_from,
        );
        for name in &self.operation {
            let operation = known.iter().find(|known| known.name == name);
            let operation = operation.ok_or_else(|| unknown(name, known))?;
            let _ = write!(out, "\n[agreements.operations.\"{name}\"]\n");
            if !operation.fields.is_empty() {
                let _ = writeln!(
                    out,
                    "fields = []                    # what may be disclosed, of: {}",
                    operation.fields.join(", ")
                );
            }
            out += "per_minute = 60\nburst = 10\n";
        }
        if roads.contains(&Road::Vdxp) {
            out += "\n[delivery]                     # where callbacks go\nuri = \"https://<host:port/path>\"\n\
                    anchors = \"<its authority, PEM>\"\n";
        }
        Ok(out)
    }
}

/// Who may carry its messages beside itself, on the roads that have somebody between.
fn relays(roads: &[Road]) -> &'static str {
    match (roads.contains(&Road::Ngsp), roads.contains(&Road::XRoad)) {
        (false, false) => "",
        (true, false) => "relays = [{ road = \"ngsp\", relay = \"<the relay's id>\" }]\n",
        (false, true) => {
            "# the name by which our security server knows it\n\
             relays = [{ road = \"xroad\", relay = \"<the server's id>\", client = \"VN/GOV/<organisation>/<subsystem>\" }]\n"
        }
        (true, true) => {
            "# on X-Road with the name by which our security server knows it\n\
             relays = [{ road = \"ngsp\", relay = \"<the relay's id>\" }, \
             { road = \"xroad\", relay = \"<the server's id>\", client = \"VN/GOV/<organisation>/<subsystem>\" }]\n"
        }
    }
}

fn unknown(name: &str, known: &[&Operation]) -> String {
    let names: Vec<&str> = known.iter().map(|operation| operation.name).collect();
    format!(
        "there is no operation `{name}`; there are {}",
        names.join(", ")
    )
}

#[derive(Debug, Clone, Args)]
pub(super) struct Diff {
    #[command(flatten)]
    which: Which,
    /// The proposed file.
    file: PathBuf,
    /// Compares with this file, and not with what is in force in the running gateway.
    #[arg(long)]
    with: Option<PathBuf>,
}

impl Diff {
    /// Exits 0 where it could be loaded without a signature, 1 where it loosens.
    pub(super) async fn run(self) -> Ended {
        let next = source(&self.file)?;
        let before = match &self.with {
            Some(file) => source(file)?.terms,
            None => in_force(&self.which, &next.partner).await?.0,
        };
        let (page, effect) = page_of(&before, &next.terms);
        print!("{page}");
        Ok(match effect {
            Effect::Loosens => ExitCode::FAILURE,
            Effect::Restricts | Effect::Neutral => ExitCode::SUCCESS,
        })
    }
}

/// Every difference, and what it comes to.
fn page_of(before: &Terms, next: &Terms) -> (String, Effect) {
    let changes = before.changes(next);
    let mut page = String::new();
    for change in &changes {
        page += &line_of(change);
    }
    let worst = changes.iter().map(|change| change.effect).max();
    let worst = worst.unwrap_or(Effect::Neutral);
    page += match worst {
        Effect::Loosens => "loosens: it is loaded only with two officers' signatures\n",
        Effect::Restricts => {
            "restricts: it is loaded at once, and comes back only with signatures\n"
        }
        Effect::Neutral => "grants the same\n",
    };
    (page, worst)
}

fn line_of(change: &Change) -> String {
    let mut line = format!("{:<10} {}", change.effect.word(), change.path);
    for removed in &change.removed {
        line += &format!(" -{removed}");
    }
    for added in &change.added {
        line += &format!(" +{added}");
    }
    line + "\n"
}

#[derive(Debug, Clone, Args)]
pub(super) struct Sign {
    #[command(flatten)]
    which: Which,
    /// The file to sign.
    file: PathBuf,
    /// The officer's name in gateway.toml.
    #[arg(long)]
    officer: String,
    /// The officer's private key, PKCS#8 PEM.
    #[arg(long)]
    key: PathBuf,
    /// Nothing of this partner is in force yet, and no gateway runs that could be asked.
    #[arg(long)]
    first: bool,
}

impl Sign {
    pub(super) async fn run(self) -> Ended {
        let next = source(&self.file)?;
        let officer = PartnerId::parse(&self.officer)
            .map_err(|_| "an officer's name is 2 to 32 of a-z, 0-9 and -")?;
        let (before, replaces) = match self.first {
            true => (Terms::default(), None),
            false => in_force(&self.which, &next.partner).await?,
        };
        let environment = environment(&self.file)?;
        let text = Statement {
            environment,
            partner: &next.partner,
            file: next.sha256,
            terms: next.terms.digest(),
            replaces,
        }
        .text();
        print!("{}\n{text}", page_of(&before, &next.terms).0);
        let pem =
            fs::read(&self.key).map_err(|error| format!("{}: {error}", self.key.display()))?;
        let key = SigningKey::from_pem(&pem, None)?;
        let signed = statement::sign(officer.as_str(), &key, text.as_bytes())?;
        let file = signature_file(&self.file, &officer);
        fs::write(&file, signed + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
        println!("signed: {}", file.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// What is in force in the running gateway, and what a signature names of it.
async fn in_force(which: &Which, partner: &PartnerId) -> Outcome<(Terms, Option<([u8; 32], u64)>)> {
    let told = client::terms(which.address()?, partner.as_str()).await?;
    if !told.known {
        return Ok((Terms::default(), None));
    }
    let terms = Terms::parse(&told.terms).ok_or("the gateway's terms cannot be read")?;
    let act = told.act.map_or(0, |act| act.journal);
    Ok((terms.clone(), Some((terms.digest(), act))))
}

fn source(file: &Path) -> Outcome<Source> {
    let (partner, place) = {
        let read = read_file::<PartnerFile>(file);
        let told: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
        let value = read.value.ok_or_else(|| told.join("\n"))?;
        (value.id, read.place)
    };
    Ok(Source::read(&partner, &place).map_err(|what| format!("{}: {what}", file.display()))?)
}

fn environment(file: &Path) -> Outcome<Environment> {
    let read = read_file::<PartnerFile>(file);
    let value = read.value.ok_or("the file cannot be read")?;
    Ok(value.environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read::read_text;

    fn new() -> New {
        New {
            id: "tax".to_owned(),
            name: "Cục \"Thuế\"".to_owned(),
            environment: "test".to_owned(),
            road: ["direct", "ngsp", "vdxp", "xroad"]
                .map(str::to_owned)
                .to_vec(),
            operation: vec!["tax.verify-employer".to_owned(), "tax.ping".to_owned()],
            number: "1/2026".to_owned(),
            legal_basis: "Circular 13/2017".to_owned(),
            valid_from: jiff::civil::date(2026, 1, 1),
            out: None,
        }
    }

    #[test]
    fn a_new_file_reads_as_one_and_lists_the_fields_that_may_be_granted() {
        let text = new().text(&wiring::operations()).unwrap();
        assert!(text.contains("of: participationState, "), "{text}");
        let filled = text
            .replace("<the relay's id>", "ngsp")
            .replace("<the server's id>", "security-server")
            .replace("<organisation>/<subsystem>", "000.00.00.X99/portal");
        let read = read_text::<PartnerFile>(Path::new("tax.toml"), &filled);
        assert!(read.problems.is_empty(), "{:?}\n{text}", read.problems);
        let file = read.value.unwrap();
        assert_eq!(
            (file.id.as_str(), file.name.as_str()),
            ("tax", "Cục \"Thuế\"")
        );
        assert_eq!(file.agreements[0].operations.0.len(), 2);
        let grants = file.agreements[0].operations.0.iter();
        assert!(grants.map(|(_, grant)| &grant.fields).all(Vec::is_empty));
    }

    #[test]
    fn what_does_not_exist_is_refused_by_name() {
        for (new, word) in [
            (
                New {
                    operation: vec!["tax.pong".to_owned()],
                    ..new()
                },
                "tax.pong",
            ),
            (
                New {
                    road: vec!["sea".to_owned()],
                    ..new()
                },
                "road",
            ),
            (
                New {
                    environment: "live".to_owned(),
                    ..new()
                },
                "environment",
            ),
            (
                New {
                    id: "Tax".to_owned(),
                    ..new()
                },
                "id",
            ),
        ] {
            let refused = new.text(&wiring::operations()).unwrap_err().to_string();
            assert!(refused.contains(word), "{refused}");
        }
    }

    #[test]
    fn a_difference_is_told_line_by_line_and_summed_up() {
        let file = |text: &str| Terms::of(Path::new("tax.toml"), text).unwrap();
        let head = "window_seconds = 300\n[[agreements]]\nnumber = \"1\"\n";
        let (less, more) = (
            file(&format!(
                "{head}[agreements.operations.\"tax.ping\"]\nfields = [\"a\"]\n"
            )),
            file(&format!(
                "{head}[agreements.operations.\"tax.ping\"]\nfields = [\"a\", \"b\"]\n"
            )),
        );
        let (page, effect) = page_of(&less, &more);
        assert_eq!(effect, Effect::Loosens);
        assert!(
            page.contains("loosens    agreements/1/operations/tax.ping/fields +b\n"),
            "{page}"
        );
        let (page, effect) = page_of(&more, &less);
        assert_eq!(effect, Effect::Restricts);
        assert!(page.contains("tax.ping/fields -b\nrestricts: "), "{page}");
        assert!(page_of(&more, &more).0.contains("grants the same"));
    }
}
