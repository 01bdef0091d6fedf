//! Compares the three ledgers: what the client was told, what the insurance database holds, what the
//! agency heard. Plain SQL and plain files; nothing of the gateway's takes part.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    ledger::{self, Entry},
    letter::Kind,
    office::{Book, STATES},
    source::Source,
};

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Messages that were acknowledged.
    pub acked: u64,
    /// Messages that were refused.
    pub refused: u64,
    /// Effects of births and dossiers in the insurance database.
    pub effects: u64,
    /// Steps that the agency heard.
    pub steps: u64,
    /// Acknowledged, and not there.
    pub lost: Vec<String>,
    /// There more than once.
    pub duplicate: Vec<String>,
    /// There, though refused or never sent.
    pub ghosts: Vec<String>,
    /// Heard out of order.
    pub disorder: Vec<String>,
}

impl Findings {
    /// Everything that is wrong, each with its kind.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        [
            ("lost", &self.lost),
            ("duplicate", &self.duplicate),
            ("ghost", &self.ghosts),
            ("disorder", &self.disorder),
        ]
        .iter()
        .flat_map(|(word, list)| list.iter().map(move |what| format!("{word}: {what}")))
        .collect()
    }
}

/// Where the ledgers are.
#[derive(Debug)]
pub struct Ledgers<'a> {
    /// The client's.
    pub client: &'a Path,
    /// The insurance database.
    pub registry: &'a Source,
    /// The gateway's own store.
    pub store: &'a Source,
}

/// Compares them; `book` is the agency's.
#[must_use]
pub fn compare(ledgers: &Ledgers<'_>, book: &Book) -> Findings {
    let client = ledger::read(ledgers.client);
    let registry = Registry::read(ledgers.registry);
    let mut findings = Findings::default();
    for (id, entry) in &client {
        findings.one(id, entry, &registry, book);
    }
    findings.strangers(&client, &registry);
    findings.order(&registry, book);
    findings.inbox(&client, ledgers.store);
    findings.effects = (registry.births.len() + registry.dossiers.len()) as u64;
    findings.steps = book
        .files
        .values()
        .map(|file| file.states.len() as u64)
        .sum();
    findings
}

impl Findings {
    /// One message of the client's.
    fn one(&mut self, id: &str, entry: &Entry, registry: &Registry, book: &Book) {
        let accepted = entry.answer.as_ref().map(|answer| answer.accepted);
        match accepted {
            Some(true) => self.acked += 1,
            Some(false) => self.refused += 1,
            None => {}
        }
        let there = match entry.kind {
            Kind::Verify => return,
            Kind::Birth | Kind::Forged => registry.births.contains_key(&entry.business),
            Kind::Dossier | Kind::NotHolder => registry.dossiers.contains_key(&entry.business),
        };
        let keyed = registry.keys.contains(&key_of(id, entry.kind));
        if accepted == Some(true) && !(there && keyed) {
            self.lost.push(format!("{} {id}: its effect", entry.kind));
        }
        if there != keyed {
            let which = if there { "no key" } else { "a key alone" };
            self.ghosts.push(format!("{} {id}: {which}", entry.kind));
        }
        if (accepted == Some(false) || entry.kind.is_bad()) && there {
            self.ghosts.push(format!("{} {id}: refused", entry.kind));
        }
        if accepted == Some(true) && entry.kind == Kind::Dossier {
            let code = registry.dossiers.get(&entry.business);
            let file = code.and_then(|dossier| book.files.get(&dossier.code));
            let states = file.map(|file| file.states.clone()).unwrap_or_default();
            if states.len() != STATES.len() {
                self.lost.push(format!("dossier {id}: told {states:?}"));
            }
        }
    }

    /// What nobody sent, and what is there twice.
    fn strangers(&mut self, client: &BTreeMap<String, Entry>, registry: &Registry) {
        let sent: BTreeSet<_> = client
            .values()
            .map(|entry| entry.business.as_str())
            .collect();
        let there = registry.births.keys().chain(registry.dossiers.keys());
        for business in there.filter(|business| !sent.contains(business.as_str())) {
            self.ghosts.push(format!("{business}: never sent"));
        }
        let effects = registry.births.len() + registry.dossiers.len();
        if registry.keys.len() != effects {
            let keys = registry.keys.len();
            self.duplicate
                .push(format!("{keys} effect keys for {effects} effects"));
        }
        for (case, birth) in &registry.births {
            if birth.cards != 1 || birth.numbers != 2 {
                let (cards, numbers) = (birth.cards, birth.numbers);
                self.duplicate
                    .push(format!("{case}: {cards} cards, {numbers} numbers"));
            }
        }
        if registry.newborns != registry.births.len() as u64 {
            let (people, births) = (registry.newborns, registry.births.len());
            self.duplicate
                .push(format!("{people} people for {births} births"));
        }
    }

    /// Steps of each dossier: in the database without a gap, at the agency in order.
    fn order(&mut self, registry: &Registry, book: &Book) {
        for (id, dossier) in &registry.dossiers {
            if dossier.changes != dossier.newest_change {
                let (rows, newest) = (dossier.changes, dossier.newest_change);
                self.duplicate
                    .push(format!("{id}: {rows} change rows up to {newest}"));
            }
        }
        for (code, file) in &book.files {
            if !STATES.starts_with(&file.states) {
                self.disorder.push(format!("{code}: {:?}", file.states));
            }
        }
        self.disorder.extend(book.violations.iter().cloned());
    }

    /// Every acknowledged message has its answer in the gateway's own store.
    fn inbox(&mut self, client: &BTreeMap<String, Entry>, store: &Source) {
        let rows = store.rows("SELECT message_id FROM inbox WHERE answer IS NOT NULL");
        let answered: BTreeSet<_> = rows.iter().map(|row| row[0].as_str()).collect();
        for (id, entry) in client {
            let acked = entry.answer.as_ref().is_some_and(|answer| answer.accepted);
            if acked && !answered.contains(id.as_str()) {
                self.lost.push(format!("{} {id}: its answer", entry.kind));
            }
        }
    }
}

/// What the insurance database holds, in its own tables' words.
struct Registry {
    births: BTreeMap<String, BirthRow>,
    dossiers: BTreeMap<String, DossierRow>,
    keys: BTreeSet<String>,
    newborns: u64,
}

struct BirthRow {
    cards: u64,
    numbers: u64,
}

struct DossierRow {
    code: String,
    changes: u64,
    newest_change: u64,
}

impl Registry {
    fn read(source: &Source) -> Self {
        let births = source.rows(
            "SELECT b.case_id, (SELECT count(*) FROM cards c WHERE c.person = b.person),
               (SELECT count(*) FROM numbers n WHERE n.person = b.person) FROM birth_cases b",
        );
        let births = births.into_iter().map(|row| {
            let birth = BirthRow {
                cards: number(&row[1]),
                numbers: number(&row[2]),
            };
            (row[0].clone(), birth)
        });
        let dossiers = source.rows(
            "SELECT d.foreign_id, d.code, count(c.seq), coalesce(max(c.subject_sequence), 0)
             FROM dossiers d LEFT JOIN changes c ON c.subject = d.code GROUP BY d.foreign_id, d.code",
        );
        let dossiers = dossiers.into_iter().map(|row| {
            let dossier = DossierRow {
                code: row[1].clone(),
                changes: number(&row[2]),
                newest_change: number(&row[3]),
            };
            (row[0].clone(), dossier)
        });
        let keys = format!("SELECT {} FROM effects", source.hex("key"));
        let keys = source
            .rows(&keys)
            .into_iter()
            .map(|row| row[0].to_lowercase());
        // seeded people live in a household, those who were born under test do not
        let newborns = "SELECT count(*) FROM people WHERE household IS NULL \
            AND name = 'Nguyễn Thị Hoà Bình'";
        Self {
            births: births.collect(),
            dossiers: dossiers.collect(),
            keys: keys.collect(),
            newborns: number(&source.rows(newborns)[0][0]),
        }
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

/// The name of one effect, as the contract tells it: SHA-256 over sender, id and operation, each
/// after its length.
fn key_of(id: &str, kind: Kind) -> String {
    let operation = match kind {
        Kind::Birth | Kind::Forged => "civil.birth",
        Kind::Dossier | Kind::NotHolder => "portal.submit-dossier",
        Kind::Verify => "tax.verify-employer",
    };
    let mut text = Vec::new();
    for part in [kind.partner(), id, operation] {
        text.extend((part.len() as u64).to_be_bytes());
        text.extend(part.as_bytes());
    }
    ledger::digest(&text)
}

#[cfg(test)]
mod tests;
