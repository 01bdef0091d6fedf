//! What `[journal]` names: who stamps the time, and how long content is kept.

use std::{fs, time::Duration};

use certs::{
    tls::{Anchors, ClientParams, Connector},
    tsp::Authorities,
};
use gateway_store::Retention;
use roads::{
    fetch::{FetchLimits, Fetcher},
    reach::{Location, Reach, Scheme},
};

use super::{Config, registry::Wrong};

/// Whoever stamps the time, in the order in which they are asked, each under the name that is kept with a token.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn stampers(config: &Config) -> Result<Vec<(String, Fetcher)>, Wrong> {
    let journal = &config.journal;
    let limits = FetchLimits {
        deadline: Duration::from_millis(journal.tsa_timeout_ms),
        answer_bytes_max: TOKEN_BYTES_MAX,
        ..FetchLimits::default()
    };
    let mut all = Vec::new();
    for url in &journal.tsa {
        let location = Location::parse(url, Reach::private(journal.tsa_private))
            .map_err(|error| ("journal.tsa", format!("`journal.tsa`: {error}"), PRIVATE))?;
        let tls = match location.scheme() {
            Scheme::Http => None,
            Scheme::Https => Some(connector(config)?),
        };
        let name = location.to_string();
        let fetcher = Fetcher::new(location, tls, limits)
            .map_err(|error| ("journal.tsa", format!("`journal.tsa`: {error}"), TLS))?;
        all.push((name, fetcher));
    }
    Ok(all)
}

/// Whom a time-stamp may be from; none where nobody is asked for one.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn authorities(config: &Config) -> Result<Option<Authorities>, Wrong> {
    let journal = &config.journal;
    let Some(file) = &journal.tsa_anchors else {
        return match journal.tsa.is_empty() {
            true => Ok(None),
            false => Err((
                "journal.tsa_anchors",
                "`journal.tsa_anchors` is missing: no time-stamp could be believed".to_owned(),
                "name the file with the authorities' roots, PEM",
            )),
        };
    };
    let wrong = |what: String| {
        (
            "journal.tsa_anchors",
            what,
            "name a file of certificates, PEM",
        )
    };
    let pem = fs::read(file).map_err(|error| wrong(format!("`journal.tsa_anchors`: {error}")))?;
    let read = Authorities::from_pem(&pem);
    let read = read.map_err(|error| wrong(format!("`journal.tsa_anchors`: {error}")))?;
    Ok(Some(read))
}

/// How long what is kept; what agreements say is added by whoever knows which are in force, where an article is
/// named: without one nothing is destroyed.
///
/// # Errors
/// What is wrong, at which key, and what to do.
pub(crate) fn retention(config: &Config) -> Result<Retention, Wrong> {
    let journal = &config.journal;
    let mut retention = Retention {
        default: journal.retention_days.map(days),
        ..Retention::default()
    };
    for line in &journal.retention {
        let read = line.split_once('=').and_then(|(operation, count)| {
            let count: u32 = count.trim().parse().ok()?;
            Some((operation.trim().to_owned(), days(count)))
        });
        let known = |name: &str| {
            let mut all = crate::wiring::operations().into_iter();
            all.any(|operation| operation.name == name)
        };
        let Some((operation, kept)) = read.filter(|(operation, _)| known(operation)) else {
            return Err((
                "journal.retention",
                format!("`journal.retention`: {line:?} names no operation and days"),
                "write \"tax.ping = 30\"",
            ));
        };
        retention.operations.insert(operation, kept);
    }
    let any = retention.default.is_some() || !retention.operations.is_empty();
    match (&journal.retention_law, any) {
        (Some(law), _) if law.len() <= LAW_BYTES_MAX => retention.law.clone_from(law),
        (None, false) => {}
        _ => {
            return Err((
                "journal.retention_law",
                "`journal.retention_law` is missing or longer than 200 bytes".to_owned(),
                "name the article under which content is destroyed",
            ));
        }
    }
    Ok(retention)
}

fn connector(config: &Config) -> Result<Connector, Wrong> {
    let key = "journal.tsa_tls_anchors";
    let Some(file) = &config.journal.tsa_tls_anchors else {
        return Err((key, format!("`{key}` is missing"), TLS));
    };
    let read = || {
        Connector::new(ClientParams {
            identity: None,
            anchors: Anchors::from_file(file).map_err(|error| error.to_string())?,
            crls: Vec::new(),
            tls12: true,
            handshake_deadline: config.limits.handshake(),
            alpn: vec![certs::tls::Alpn::Http1],
        })
        .map_err(|error| error.to_string())
    };
    read().map_err(|error| (key, format!("`{key}`: {error}"), TLS))
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 3600)
}

const PRIVATE: &str =
    "write http://host/path; for an address of a private network set tsa_private = true";
const TLS: &str = "name the file with the roots of the servers' certificates";
const TOKEN_BYTES_MAX: usize = 256 * 1024;
const LAW_BYTES_MAX: usize = 200;
