//! Everything about a config that can be known before a port opens: problems with their place and cure,
//! what ends soon, and a one-page summary.

mod months;

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use certs::tls::{PeerCertificate, first_certificate};
use gateway_core::{
    Operation,
    partner::{Environment, Partner, Partners, PeerId},
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use schemas::{calendar, date::day_in_viet_nam};

use crate::config::{Config, InsuranceMode, Problem, Snapshot, read::Place};
use crate::ends::{self, Nearness};

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Errors first, then warnings.
    pub problems: Vec<Problem>,
    /// The config in short; none where there is an error.
    pub summary: Option<String>,
}

impl Report {
    /// True where the gateway would start.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.summary.is_some()
    }
}

/// Examines a config and its partners' files as of `now`.
#[must_use]
pub fn examine(file: &Path, operations: &[&Operation], now: Timestamp) -> Report {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(problems) => {
            return Report {
                problems,
                summary: None,
            };
        }
    };
    let mut problems = own_certificates(&config, now);
    problems.extend(signing_token(&config));
    problems.extend(calendar_years(&config, now));
    problems.extend(unsearched(&config));
    problems.extend(unasked(&config));
    let summary = match Snapshot::load(&config, operations) {
        Ok(snapshot) => {
            problems.extend(partners_end(&snapshot, now));
            problems.extend(lone_pins(&config, &snapshot));
            problems.extend(nobody_calls_back(&config, &snapshot));
            problems.extend(months::unsent(&config, &snapshot, now));
            problems.extend(kept_for_ever(&config, &snapshot));
            Some(summary(&config, &snapshot))
        }
        Err(found) => {
            problems.extend(found);
            None
        }
    };
    problems.sort_by_key(|problem| !problem.is_error());
    let is_good = !problems.iter().any(Problem::is_error);
    Report {
        problems,
        summary: summary.filter(|_| is_good),
    }
}

/// Files of dossiers that nobody searches.
fn unsearched(config: &Config) -> Option<Problem> {
    let papers = config.papers.as_ref()?;
    if papers.scanner.is_some() || config.environment != Environment::Production {
        return None;
    }
    let what = "files of dossiers are taken without being searched for malware";
    let cure = "name clamd: scanner = \"unix:/run/clamav/clamd.ctl\"";
    Some(config.place().error("papers.scanner", what, cure).warning())
}

/// Children who get a number that nobody was asked about.
fn unasked(config: &Config) -> Option<Problem> {
    if config.population.is_some() || config.environment == Environment::Sandbox {
        return None;
    }
    let what = "children get their numbers without a question to the national population database";
    let cure = "register it as a partner and name it: [population] partner = \"population\"";
    Some(config.place().error("population", what, cure).warning())
}

/// Our own certificates: an ended one is an error, one that ends within 60 days a warning.
fn own_certificates(config: &Config, now: Timestamp) -> Vec<Problem> {
    let files = [
        ("tls.cert", &config.tls.cert),
        ("sign.cert", &config.sign.cert),
    ];
    let own = files.into_iter().filter_map(|(path, cert)| {
        let leaf = first_certificate(&fs::read(cert).ok()?).ok()?;
        let leaf = PeerCertificate::from_der(&leaf).ok()?;
        certificate_ends(
            config.place(),
            path,
            "this certificate",
            leaf.not_after,
            now,
        )
    });
    // an anchor that has ended refuses those who lead to it, not the start
    let others = ends::of_files(config).into_iter();
    let others = others
        .filter(|(path, _)| path.starts_with("tls.anchors.") || path.starts_with("revocation."))
        .filter_map(|(path, end)| {
            let name = "an authority's certificate in this file";
            certificate_ends(config.place(), &path, name, end, now).map(Problem::warning)
        });
    own.chain(others).collect()
}

/// Whether a token signs now: the gateway would start without it, and send messages away.
fn signing_token(config: &Config) -> Option<Problem> {
    config.sign.pkcs11.as_ref()?;
    let (key, _) = crate::config::signing_key(config).ok()?;
    let error = key.sign(b"lienthong check").err()?;
    let what = format!(
        "{}: {error} ({}): what needs a signature would be answered with SIGNING-UNAVAILABLE",
        crate::config::signing_shown(&config.sign),
        error.reason()
    );
    let cure = "look at the token, its label, the key's label, the PIN and the certificate";
    Some(config.place().error("sign.pkcs11", what, cure).warning())
}

fn certificate_ends(
    place: &Place,
    path: &str,
    name: &str,
    end: Timestamp,
    now: Timestamp,
) -> Option<Problem> {
    let day = day_in_viet_nam(end);
    if end < now {
        return Some(place.error(path, format!("{name} ended on {day}"), RENEW));
    }
    let urgency = Nearness::of(end, now)?.words();
    let days = end.duration_since(now).as_hours() / 24;
    let what = format!("{name} ends on {day}, in {days} days ({urgency})");
    Some(place.error(path, what, RENEW).warning())
}

fn days_long(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days * 24)
}

/// Due dates need the holidays of this year and, near its end, of the next.
fn calendar_years(config: &Config, now: Timestamp) -> Vec<Problem> {
    let years = [day_in_viet_nam(now), day_in_viet_nam(now + days_long(60))].map(Date::year);
    let mut years = years.to_vec();
    years.dedup();
    years
        .into_iter()
        .filter(|year| !calendar::covers(*year))
        .map(|year| {
            let what = format!("the calendar of working days does not cover {year}");
            let cure = "take a release whose calendar has that year's holidays; due dates may be wrong until then";
            config.place().error("environment", what, cure).warning()
        })
        .collect()
}

/// Partners' keys and agreements that have ended or will within 60 days: messages are refused then, but
/// the gateway starts.
fn partners_end(snapshot: &Snapshot, now: Timestamp) -> Vec<Problem> {
    let mut problems = Vec::new();
    for partner in snapshot.partners.iter() {
        let Some(place) = snapshot.places.get(&partner.id) else {
            continue;
        };
        for (index, key) in partner.keys.iter().enumerate() {
            let path = format!("keys.{index}.cert");
            let name = format!("the certificate of key {}", key.kid);
            let end = key.key.not_after();
            let found = end.and_then(|end| certificate_ends(place, &path, &name, end, now));
            problems.extend(found.map(Problem::warning));
        }
        for (index, agreement) in partner.agreements.iter().enumerate() {
            let path = format!("agreements.{index}.valid_to");
            problems.extend(agreement_ends(place, &path, agreement.valid_to, now));
        }
    }
    problems.sort_by(|left, right| (&left.file, left.line).cmp(&(&right.file, right.line)));
    problems
}

/// In production a pinned partner whose next key is not registered is cut off on the day it changes keys.
fn lone_pins(config: &Config, snapshot: &Snapshot) -> Vec<Problem> {
    if config.environment != Environment::Production {
        return Vec::new();
    }
    let is_lone = |partner: &&Arc<Partner>| matches!(partner.peers[..], [PeerId::Spki(_)]);
    let lone = snapshot.partners.iter().filter(is_lone);
    let mut problems: Vec<Problem> = lone
        .filter_map(|partner| {
            let place = snapshot.places.get(&partner.id)?;
            let what = "one pin and no planned successor: a change of key cuts this partner off";
            let cure = "ask for its next key and put that pin beside the one in use";
            Some(place.error("peers", what, cure).warning())
        })
        .collect();
    problems.sort_by(|left, right| left.file.cmp(&right.file));
    problems
}

/// A listener without client certificates that nobody can use.
fn nobody_calls_back(config: &Config, snapshot: &Snapshot) -> Option<Problem> {
    let line = config.callbacks.as_ref()?;
    let mut partners = snapshot.partners.iter();
    let known = partners.find(|partner| partner.id == line.partner);
    if known.is_some_and(|partner| partner.keyed.is_some()) {
        return None;
    }
    let what = "no partner of this id has [payment], so every callback is turned away";
    let cure = "name the payment platform's id as `callbacks.partner`, or take the section out";
    Some(
        config
            .place()
            .error("callbacks.partner", what, cure)
            .warning(),
    )
}

/// What an agreement says about keeping is done under an article, or not at all.
fn kept_for_ever(config: &Config, snapshot: &Snapshot) -> Option<Problem> {
    let is_promised = !snapshot.kept.is_empty() && config.journal.retention_law.is_none();
    is_promised.then(|| {
        let what =
            "agreements say how long content is kept, and it is kept for ever: no article is named";
        let cure = "name the article under which content is destroyed as `journal.retention_law`";
        let place = config.place();
        place.error("journal.retention_law", what, cure).warning()
    })
}

fn agreement_ends(place: &Place, path: &str, end: Option<Date>, now: Timestamp) -> Option<Problem> {
    let end = end.filter(|end| *end < day_in_viet_nam(now + days_long(60)))?;
    let what = match end < day_in_viet_nam(now) {
        true => format!("this agreement ended on {end}: its operations are refused"),
        false => format!("this agreement ends on {end}"),
    };
    let cure = "renew it and put the new one beside it, or remove it";
    Some(place.error(path, what, cure).warning())
}

/// The config on one page.
fn summary(config: &Config, snapshot: &Snapshot) -> String {
    let mut page = String::new();
    let insurance = match config.insurance.mode {
        InsuranceMode::Embedded => "embedded registry".to_owned(),
        InsuranceMode::Postgres => crate::config::registry_address(&config.insurance)
            .map_or_else(|(_, what, _)| what, |address| address.shown()),
        InsuranceMode::Remote => config.insurance.uri.clone().unwrap_or_default(),
    };
    let lines = [
        ("environment", config.environment.as_str().to_owned()),
        ("we are", config.us.as_str().to_owned()),
        ("partners connect to", config.listen.socket().to_string()),
        ("operators connect to", config.admin.socket().to_string()),
        ("insurance database", insurance),
        ("store", crate::config::store_shown(&config.store)),
        ("operators are", operators(config)),
        ("loosening is signed", officers(config)),
        (
            "answers are signed by",
            crate::config::signing_shown(&config.sign),
        ),
        (
            "limits are counted",
            crate::config::shared_shown(config.limits.shared.as_ref()),
        ),
    ];
    for (name, value) in lines {
        // writing to a String cannot fail
        let _ = writeln!(page, "{name:<22}{value}");
    }
    partners_table(&mut page, &snapshot.partners);
    page
}

/// Who may connect to the operators' listener.
fn operators(config: &Config) -> String {
    match config.admin.tls {
        Some(_) => format!("{} with certificates", config.operators.len()),
        None => "whoever is on this machine (no TLS; production refuses that)".to_owned(),
    }
}

/// Who signs what loosens in partners' files.
fn officers(config: &Config) -> String {
    let names: Vec<&str> = config
        .officers
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    match names.is_empty() {
        true => {
            "by nobody: partners' files are taken as they are (production refuses that)".to_owned()
        }
        false => format!("by two of {}", names.join(", ")),
    }
}

fn partners_table(page: &mut String, partners: &Partners) {
    let mut all: Vec<_> = partners.iter().collect();
    all.sort_by(|left, right| left.id.as_str().cmp(right.id.as_str()));
    for partner in all {
        let mut operations: Vec<&str> = partner
            .agreements
            .iter()
            .flat_map(|agreement| agreement.operations.keys().map(String::as_str))
            .collect();
        operations.sort_unstable();
        operations.dedup();
        let state = if partner.active { "" } else { " (suspended)" };
        let said = if operations.is_empty() {
            "no operation".to_owned()
        } else {
            operations.join(", ")
        };
        let _ = writeln!(page, "partner {:<14}{said}{state}", partner.id.as_str());
    }
}

const RENEW: &str = "have it renewed and put the new files in its place";

#[cfg(test)]
mod tests;
