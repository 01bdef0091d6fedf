//! An OpenCRVS 2.0 that asks by triggers: the pinned keys of its tokens, and where we get ours to tell it what became of them.

use std::path::PathBuf;

use certs::{jwt::KeySet, keys::SecretPlace};
use gateway_core::trigger::TriggerTerms;
use roads::reach::Location;

use super::{
    hub::{HubLine, location, place},
    read::section,
    registry::Wrong,
};

section! {
    /// How triggers of an OpenCRVS 2.0 are proven and answered.
    pub(crate) TriggersLine {
        /// File with the public keys of its auth service as a JWK set; fetched from nowhere. A token that names no key is by one
        /// of these.
        jwks: PathBuf,
        /// Who gives its tokens, as they say themselves.
        issuer: String = "opencrvs:auth-service".to_owned(),
        /// Our name for it, one of each token's audiences.
        audience: String = "opencrvs:countryconfig-user".to_owned(),
        /// Where its auth service gives us tokens, `https://host:port/token`.
        token: String,
        /// Whether that host may have an address of a private network or of this machine.
        private: bool = false,
        /// Our system's id there.
        client_id: String,
        /// File with its secret on the first line.
        client_secret_file: Option<PathBuf>,
        /// Environment variable with its secret.
        client_secret_env: Option<String>,
        /// How often it is looked whether a case is decided that a person has to look at, seconds.
        ask_seconds: u64 = 30 => 1..=3_600,
    }
}

/// How we call a core; the secret is read when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreAccess {
    /// Where tokens are given.
    pub token: Location,
    /// Our system's id there.
    pub client: String,
    /// Where its secret stands.
    pub secret: SecretPlace,
    /// How often it is looked whether a case is decided.
    pub ask_seconds: u64,
}

/// Reads how we call a core; none where there are no triggers.
pub(super) fn access(line: &HubLine) -> Result<Option<CoreAccess>, Wrong> {
    let Some(line) = &line.triggers else {
        return Ok(None);
    };
    Ok(Some(CoreAccess {
        token: location("opencrvs.triggers.token", &line.token, line.private)?,
        client: line.client_id.clone(),
        secret: place(
            "opencrvs.triggers.client_secret_file",
            &line.client_secret_file,
            &line.client_secret_env,
        )?,
        ask_seconds: line.ask_seconds,
    }))
}

/// Reads how triggers are proven; none where none are taken.
pub(super) fn terms(line: &HubLine) -> Result<Option<TriggerTerms>, Wrong> {
    let Some(line) = &line.triggers else {
        return Ok(None);
    };
    let wrong = |what: String| {
        let cure = "write the public keys of the registry's auth service there, RSA of 2048 bits or more, each with a kid";
        ("opencrvs.triggers.jwks", what, cure)
    };
    let text = std::fs::read(&line.jwks)
        .map_err(|error| wrong(format!("{}: {error}", line.jwks.display())))?;
    let keys = KeySet::from_json(&text)
        .map_err(|error| wrong(format!("{}: {error}", line.jwks.display())))?;
    if keys.len() > KEYS_MAX {
        return Err(wrong(format!(
            "more than {KEYS_MAX} keys: one, and the next"
        )));
    }
    Ok(Some(TriggerTerms {
        keys,
        issuer: line.issuer.clone(),
        audience: line.audience.clone(),
    }))
}

/// A token that names no key is tried with each.
const KEYS_MAX: usize = 4;
