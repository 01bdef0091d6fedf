//! An OpenCRVS that tells by webhooks: the secret between us by reference, and the one form of its keyed hash. One that asks by
//! triggers: whose tokens it shows, and where it is told what became of them.

use std::path::PathBuf;

use certs::{
    hub::{HubForm, HubSecret},
    keys::SecretPlace,
};
use gateway_core::hub::HubTerms;
use roads::reach::{Location, Reach, Scheme};

use super::{read::section, registry::Wrong, secret, triggers::TriggersLine};

section! {
    /// How the webhooks of an OpenCRVS 1.x are proven.
    pub(crate) HubLine {
        /// The form of the keyed hash: `sha256` as the program makes it, `sha1` as its documentation says. There is no default:
        /// `sha1` covers neither topic nor time.
        /// None where it tells by no webhooks.
        signature: Option<String>,
        /// File with the secret between us (its system's SHA secret) on its first line.
        secret_file: Option<PathBuf>,
        /// Environment variable with the secret.
        secret_env: Option<String>,
        /// Our own subscriptions there; an operator of the registry makes them where absent.
        subscribe: Option<SubscribeLine>,
        /// How triggers of an OpenCRVS 2.0 are proven and answered; none are taken where absent.
        triggers: Option<TriggersLine>,
    }
}

section! {
    /// How we subscribe at an OpenCRVS.
    pub(crate) SubscribeLine {
        /// Where tokens are given, `https://host:port/authenticateSystemClient`.
        login: String,
        /// Where subscriptions are listed and made, `https://host:port/webhooks`.
        webhooks: String,
        /// Our own address as it is called from there, `https://host:port/opencrvs/webhook`.
        callback: String,
        /// Our system's id there.
        client_id: String,
        /// File with its secret on the first line.
        client_secret_file: Option<PathBuf>,
        /// Environment variable with its secret.
        client_secret_env: Option<String>,
        /// Authorities that both certificates must lead to, PEM.
        anchors: PathBuf,
        /// Whether these hosts may have an address of a private network or of this machine.
        private: bool = false,
        /// How often it is looked whether our subscriptions stand, seconds.
        every_seconds: u64 = 300 => 1..=86_400,
    }
}

/// The same, read and checked; secrets are read when they are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAccess {
    /// Where tokens are given.
    pub login: Location,
    /// Where subscriptions are listed and made.
    pub webhooks: Location,
    /// Our own address as it is called from there.
    pub callback: String,
    /// Our system's id there.
    pub client: String,
    /// Where its secret stands.
    pub client_secret: SecretPlace,
    /// Where the secret stands that webhooks are proven by.
    pub secret: SecretPlace,
    /// Authorities that both certificates must lead to, PEM.
    pub anchors: PathBuf,
    /// How often it is looked, seconds.
    pub every_seconds: u64,
}

/// Reads the part about our subscriptions; none where there is none.
pub(super) fn access(line: &HubLine) -> Result<Option<HubAccess>, Wrong> {
    let Some(ours) = &line.subscribe else {
        return Ok(None);
    };
    let callback = location("opencrvs.subscribe.callback", &ours.callback, true)?;
    if callback.target() != opencrvs::WEBHOOK {
        let what = format!("webhooks are taken at {} alone", opencrvs::WEBHOOK);
        let cure = "write https://host:port/opencrvs/webhook";
        return Err(("opencrvs.subscribe.callback", what, cure));
    }
    if let Err(error) = certs::tls::Anchors::from_file(&ours.anchors) {
        let cure = "name the PEM file of the authority that issued the servers' certificates";
        return Err(("opencrvs.subscribe.anchors", error.to_string(), cure));
    }
    Ok(Some(HubAccess {
        login: location("opencrvs.subscribe.login", &ours.login, ours.private)?,
        webhooks: location("opencrvs.subscribe.webhooks", &ours.webhooks, ours.private)?,
        callback: ours.callback.clone(),
        client: ours.client_id.clone(),
        client_secret: place(
            "opencrvs.subscribe.client_secret_file",
            &ours.client_secret_file,
            &ours.client_secret_env,
        )?,
        secret: place("opencrvs.secret_file", &line.secret_file, &line.secret_env)?,
        anchors: ours.anchors.clone(),
        every_seconds: ours.every_seconds,
    }))
}

/// Where a secret stands that is read when it is shown.
pub(super) fn place(
    key: &'static str,
    file: &Option<PathBuf>,
    name: &Option<String>,
) -> Result<SecretPlace, Wrong> {
    let place = match (file, name) {
        (Some(file), None) => Some(SecretPlace::File(file.clone())),
        (None, Some(name)) => Some(SecretPlace::Env(name.clone())),
        _ => None,
    };
    let place = place.filter(|place| place.read().is_ok());
    place.ok_or_else(|| {
        let what = "there is no secret in one place that can be read".to_owned();
        let cure = "name a file of mode 0600, or an environment variable";
        (key, what, cure)
    })
}

pub(super) fn location(key: &'static str, text: &str, private: bool) -> Result<Location, Wrong> {
    let cure =
        "write https://host:port/path; where it is in a private network, add `private = true`";
    let read = Location::parse(text, Reach::private(private));
    let read = read.map_err(|error| (key, error.to_string(), cure))?;
    match read.scheme() {
        Scheme::Https => Ok(read),
        _ => Err((key, "a secret would be sent unencrypted".to_owned(), cure)),
    }
}

/// Whether a section says anything.
pub(super) fn is_of_use(line: &HubLine) -> Result<(), Wrong> {
    let of_webhooks = line.secret_file.is_some() || line.secret_env.is_some();
    let what = match (&line.signature, &line.triggers) {
        (Some(_), _) => return Ok(()),
        (None, _) if of_webhooks || line.subscribe.is_some() => "webhooks without a signature",
        (None, None) => "no signature of webhooks, and no triggers",
        (None, Some(_)) => return Ok(()),
    };
    let cure = "say how webhooks are signed, or leave out all of them and add [opencrvs.triggers]";
    Err(("opencrvs.signature", what.to_owned(), cure))
}

/// Reads a section, or tells the key, what is wrong and the cure.
pub(super) fn terms(line: &HubLine) -> Result<Option<HubTerms>, Wrong> {
    is_of_use(line)?;
    let Some(signature) = &line.signature else {
        return Ok(None);
    };
    let form = HubForm::parse(signature).ok_or_else(|| {
        let what = format!("no form `{signature}`; there are sha256, sha1");
        let cure =
            "sha256, but where the registry is known to sign as OpenCRVS's documentation says";
        ("opencrvs.signature", what, cure)
    })?;
    let secret = match (&line.secret_file, &line.secret_env) {
        (Some(file), None) => secret::first_line("opencrvs.secret_file", file)?,
        (None, Some(name)) => std::env::var(name).map_err(|_| {
            let what = format!("the environment has no {name}");
            ("opencrvs.secret_env", what, "set it, or name a secret_file")
        })?,
        _ => {
            let what = "either secret_file or secret_env".to_owned();
            return Err(("opencrvs.secret_file", what, "name one of the two"));
        }
    };
    match secret.len() < SECRET_BYTES_MIN {
        true => {
            let what = format!("a secret of fewer than {SECRET_BYTES_MIN} bytes can be guessed");
            Err((
                "opencrvs.secret_file",
                what,
                "have the registry make a longer one",
            ))
        }
        false => Ok(Some(HubTerms {
            secret: HubSecret::new(form, secret.as_bytes()),
        })),
    }
}

const SECRET_BYTES_MIN: usize = 16;
