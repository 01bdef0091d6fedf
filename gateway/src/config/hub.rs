//! An OpenCRVS that tells by webhooks: the secret between us by reference, and the one form of its keyed hash.

use std::path::PathBuf;

use certs::hub::{HubForm, HubSecret};
use gateway_core::hub::HubTerms;

use super::{read::section, registry::Wrong, secret};

section! {
    /// How the webhooks of an OpenCRVS 1.x are proven.
    pub(crate) HubLine {
        /// The form of the keyed hash: `sha256` as the program makes it, `sha1` as its documentation says. There is no default:
        /// `sha1` covers neither topic nor time.
        signature: String,
        /// File with the secret between us (its system's SHA secret) on its first line.
        secret_file: Option<PathBuf>,
        /// Environment variable with the secret.
        secret_env: Option<String>,
    }
}

/// Reads a section, or tells the key, what is wrong and the cure.
pub(super) fn terms(line: &HubLine) -> Result<HubTerms, Wrong> {
    let form = HubForm::parse(&line.signature).ok_or_else(|| {
        let what = format!("no form `{}`; there are sha256, sha1", line.signature);
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
        false => Ok(HubTerms {
            secret: HubSecret::new(form, secret.as_bytes()),
        }),
    }
}

const SECRET_BYTES_MIN: usize = 16;
