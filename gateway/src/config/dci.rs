//! A partner that speaks DCI: how each of us is called there, how it signs, and a secret by reference where it has one.

use std::path::PathBuf;

use certs::dci::{Dialect, Secret};
use gateway_core::dci::{DciTerms, Follow, Pull};
use jiff::civil::Date;

use super::{partner::KeyLine, read::section, registry::Wrong, secret};

section! {
    /// How a civil registry, or whoever else speaks DCI, is known in its words.
    pub(crate) DciLine {
        /// How it calls itself (`sender_id`).
        sender_id: String,
        /// How it calls us (`receiver_id`).
        receiver_id: String,
        /// The one address that it may name for callbacks (`sender_uri`); none where absent.
        sender_uri: Option<String>,
        /// How it signs: `cavage-jcs`, `cavage-pyjson`, `jws-compact`, `partner-jwt`, `hmac-x` or `jws-detached`.
        signature: String,
        /// `hmac-x`: file with the secret between us on its first line.
        secret_file: Option<PathBuf>,
        /// `hmac-x`: environment variable with the secret.
        secret_env: Option<String>,
        /// What we subscribe to there; taken out, it is ended there.
        follow: Option<FollowLine>,
        /// What we look for there by the day of registration.
        pull: Option<PullLine>,
    }
}

section! {
    /// How a registry is looked into for what it told and never came.
    pub(crate) PullLine {
        /// Births.
        births: bool = true,
        /// Deaths.
        deaths: bool = true,
        /// The first day that is looked at, once; without one as many days back as `overlap_days`.
        since: Option<Date>,
        /// How many days that were looked at before are looked at again: registries write late.
        overlap_days: u64 = 7 => 0..=366,
        /// Most days of one question.
        window_days: u64 = 7 => 1..=366,
        /// Records of one answer.
        page_size: u64 = 100 => 1..=100,
        /// Most answers to one question; more, and it is asked about fewer days.
        pages_max: u64 = 100 => 1..=1_000,
        /// How long after a look the next one begins.
        every_seconds: u64 = 21_600 => 1..=2_592_000,
        /// How long we wait before we ask again what was refused or answered wrongly.
        again_seconds: u64 = 3_600 => 1..=2_592_000,
    }
}

section! {
    /// What we are told of as a registry's subscriber.
    pub(crate) FollowLine {
        /// Births.
        births: bool = true,
        /// Deaths.
        deaths: bool = true,
        /// For how long a subscription is asked for; a registry of our own kind takes 366 days.
        length_seconds: u64 = 2_592_000 => 60..=31_622_400,
        /// How long before its end the next one is asked for.
        renew_seconds: u64 = 604_800 => 1..=31_622_400,
        /// How long a callback may take.
        answer_seconds: u64 = 86_400 => 1..=2_592_000,
        /// How long we wait before we ask again for what was refused or not answered.
        again_seconds: u64 = 3_600 => 1..=2_592_000,
    }
}

/// Reads a section, or tells the key, what is wrong and the cure.
pub(super) fn terms(
    line: &DciLine,
    keys: &[KeyLine],
    is_called_back: bool,
) -> Result<DciTerms, Wrong> {
    let names = [
        ("dci.sender_id", Some(&line.sender_id)),
        ("dci.receiver_id", Some(&line.receiver_id)),
        ("dci.sender_uri", line.sender_uri.as_ref()),
    ];
    for (key, text) in names {
        if text.is_some_and(|text| !is_name(text)) {
            let what = "empty, too long, or with a character that a signature cannot name";
            return Err((
                key,
                what.to_owned(),
                "visible ASCII without `\"`, `|` and `,`",
            ));
        }
    }
    let dialect = Dialect::parse(&line.signature).ok_or_else(|| {
        let known = Dialect::ALL.map(Dialect::as_str).join(", ");
        let what = format!("no dialect `{}`; there are {known}", line.signature);
        (
            "dci.signature",
            what,
            "ask the partner how it signs; unsigned messages are not taken",
        )
    })?;
    if dialect != Dialect::HmacX && !keys.iter().any(|key| dialect.takes(key.algorithm)) {
        let what = format!("none of its keys can sign as `{}` does", line.signature);
        return Err((
            "dci.signature",
            what,
            "register a key: Ed25519 (EdDSA) for cavage",
        ));
    }
    Ok(DciTerms {
        sender_id: line.sender_id.clone(),
        receiver_id: line.receiver_id.clone(),
        sender_uri: line.sender_uri.clone(),
        is_called_back,
        dialect,
        secret: secret_of(line, dialect)?,
        follow: line
            .follow
            .as_ref()
            .map(|follow| followed(follow, is_called_back))
            .transpose()?,
        pull: line
            .pull
            .as_ref()
            .map(|pull| pulled(pull, dialect, is_called_back))
            .transpose()?,
    })
}

fn followed(line: &FollowLine, is_called_back: bool) -> Result<Follow, Wrong> {
    if !is_called_back {
        let what = "nothing goes out to this partner in DCI's words".to_owned();
        return Err(("dci.follow", what, "add [delivery] with words = \"dci\""));
    }
    if line.renew_seconds >= line.length_seconds {
        let what = "a subscription would be renewed before it begins".to_owned();
        return Err((
            "dci.follow.renew_seconds",
            what,
            "renew it later than it begins: less than length_seconds",
        ));
    }
    Ok(Follow {
        births: line.births,
        deaths: line.deaths,
        length_seconds: many(line.length_seconds),
        renew_seconds: many(line.renew_seconds),
        answer_seconds: many(line.answer_seconds),
        again_seconds: many(line.again_seconds),
    })
}

fn pulled(line: &PullLine, dialect: Dialect, is_called_back: bool) -> Result<Pull, Wrong> {
    if !is_called_back {
        let what = "nothing goes out to this partner in DCI's words".to_owned();
        return Err(("dci.pull", what, "add [delivery] with words = \"dci\""));
    }
    if dialect.header().is_some() {
        let what = format!(
            "`{}` signs beside the body, and what is found is kept with its signature in it",
            dialect.as_str()
        );
        return Err((
            "dci.pull",
            what,
            "agree on cavage-jcs, cavage-pyjson or jws-compact",
        ));
    }
    Ok(Pull {
        births: line.births,
        deaths: line.deaths,
        since: line.since,
        overlap_days: many(line.overlap_days),
        window_days: many(line.window_days),
        page_size: many(line.page_size),
        pages_max: many(line.pages_max),
        every_seconds: many(line.every_seconds),
        again_seconds: many(line.again_seconds),
    })
}

fn many(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn secret_of(line: &DciLine, dialect: Dialect) -> Result<Option<Secret>, Wrong> {
    let key = "dci.secret_file";
    let text = match (&line.secret_file, &line.secret_env, dialect) {
        (None, None, Dialect::HmacX) => {
            let what = "hmac-x has a secret".to_owned();
            return Err((key, what, "name a secret_file or a secret_env"));
        }
        (None, None, _) => return Ok(None),
        (Some(file), None, Dialect::HmacX) => secret::first_line(key, file)?,
        (None, Some(name), Dialect::HmacX) => std::env::var(name).map_err(|_| {
            let what = format!("the environment has no {name}");
            ("dci.secret_env", what, "set it, or name a secret_file")
        })?,
        _ => {
            let what = "one secret, and of hmac-x alone".to_owned();
            return Err((key, what, "leave the other out"));
        }
    };
    match text.len() < SECRET_BYTES_MIN {
        true => {
            let what = format!("a secret of fewer than {SECRET_BYTES_MIN} bytes can be guessed");
            Err((key, what, "agree on a longer one"))
        }
        false => Ok(Some(Secret::new(text.as_bytes()))),
    }
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"|,".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain)
}

const NAME_BYTES_MAX: usize = 256;
const SECRET_BYTES_MIN: usize = 16;
