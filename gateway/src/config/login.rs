//! Danger: the password by which a hospital without a key gets tokens, held as a slow hash of its MD5.

use std::{path::PathBuf, sync::Arc, time::Duration};

use certs::password::SlowHash;
use gateway_core::{login::LoginRule, partner::Quota};

use super::{partner::PartnerFile, read::section, registry::Wrong, secret};

section! {
    /// The login of a facility whose software signs nothing; `danger.md5_tokens_of` must name the partner.
    pub(crate) LoginLine {
        /// Its user name (username); no other partner's.
        username: String,
        /// File with the slow hash on its first line, as `lienthong partner hash-md5` writes it.
        hash_file: PathBuf,
        /// So many wrong passwords in a row lock it.
        failures: u32 = 5 => 1..=20,
        /// For so long, seconds.
        lock_seconds: u64 = 900 => 60..=86_400,
        /// How long a token is good for, seconds.
        token_seconds: u64 = 3_600 => 60..=28_800,
        /// Tokens per minute.
        per_minute: u32 = 6 => 1..=600,
        /// Tokens at once.
        burst: u32 = 3 => 1..=60,
    }
}

/// Reads a section, or tells the key, what is wrong and the cure. `is_allowed`: danger names the partner.
pub(super) fn rule(
    line: &LoginLine,
    file: &PartnerFile,
    is_allowed: bool,
) -> Result<Arc<LoginRule>, Wrong> {
    let no = |key, what: &str, cure| Err((key, what.to_owned(), cure));
    if !is_allowed {
        let what = "an MD5 of a password proves nobody who has seen it once";
        let cure = "have the facility sign, or name it in danger.md5_tokens_of";
        return no("md5_login", what, cure);
    }
    if !file.id.as_str().starts_with("cskcb-") {
        let what = "only a facility gets a token for an MD5";
        return no("md5_login", what, "remove it");
    }
    if !file.keys.is_empty() {
        let what = "a facility that can sign may not fall back to a password";
        return no("md5_login", what, "remove it, or its keys");
    }
    if file.token.is_some() {
        let what = "its connections show an access token already";
        return no("md5_login", what, "remove it, or [token]");
    }
    if line.username.is_empty() || line.username.len() > USERNAME_BYTES_MAX {
        let what = "a user name has 1 to 100 bytes";
        return no("md5_login.username", what, "write the facility's own");
    }
    let text = secret::first_line("md5_login.hash_file", &line.hash_file)?;
    let hash = SlowHash::parse(&text).map_err(|error| {
        let cure = "write it with `lienthong partner hash-md5`";
        ("md5_login.hash_file", error.to_string(), cure)
    })?;
    Ok(Arc::new(LoginRule {
        username: line.username.clone(),
        hash,
        failures_max: line.failures,
        locked: Duration::from_secs(line.lock_seconds),
        lives: Duration::from_secs(line.token_seconds),
        quota: Quota {
            per_minute: line.per_minute,
            burst: line.burst,
        },
    }))
}

const USERNAME_BYTES_MAX: usize = 100;
