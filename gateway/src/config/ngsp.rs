//! A partner that is reached through the national platform's API manager.

use std::path::PathBuf;

use certs::keys::SecretPlace;
use roads::{
    ngsp::Api,
    reach::{Location, Reach, Scheme},
};

use super::read::section;

section! {
    /// The platform's API that stands for the partner, and who we are there.
    pub(crate) NgspLine {
        /// Where tokens are given, `https://host:port/token`.
        token: String,
        /// The key of our application.
        client: String,
        /// File with its secret on the first line.
        secret_file: Option<PathBuf>,
        /// Environment variable with its secret.
        secret_env: Option<String>,
        /// `/<api>/<version>`.
        api: String,
        /// What is called there; empty or begins with a slash.
        resource: String = String::new(),
    }
}

/// The same, read and checked; the secret is read when it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NgspAccess {
    /// Where tokens are given.
    pub token: Location,
    /// The key of our application.
    pub client: String,
    /// Where its secret stands.
    pub secret: SecretPlace,
    /// The API.
    pub api: Api,
    /// What is called there.
    pub resource: String,
}

/// Reads a section, or tells the key, what is wrong and the cure.
pub(super) fn access(
    line: &NgspLine,
    private: bool,
) -> Result<NgspAccess, (&'static str, String, &'static str)> {
    let token = Location::parse(&line.token, Reach::private(private));
    let token = token.map_err(|error| {
        let cure = "write https://host:port/token; where it really is in a private network, add `private = true` to [delivery]";
        ("token", error.to_string(), cure)
    })?;
    if token.scheme() != Scheme::Https {
        let what = "a secret would be sent unencrypted".to_owned();
        return Err(("token", what, "write https://host:port/token"));
    }
    let secret = match (&line.secret_file, &line.secret_env) {
        (Some(file), None) => SecretPlace::File(file.clone()),
        (None, Some(name)) => SecretPlace::Env(name.clone()),
        _ => {
            let what = "the secret stands in one place".to_owned();
            return Err(("client", what, "name either secret_file or secret_env"));
        }
    };
    if let Err(error) = secret.read() {
        let cure = "put it on the first line of a file with mode 0600, or into the variable";
        return Err(("client", error.to_string(), cure));
    }
    let api = Api::parse(&line.api)
        .map_err(|error| ("api", error.to_string(), "write /<api>/<version>"))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let fits = line.resource.is_empty() || line.resource.starts_with('/');
    if !fits || !line.resource.bytes().all(plain) || line.resource.contains("..") {
        let what = "no resource of an API".to_owned();
        return Err(("resource", what, "write /word/word, without a query"));
    }
    Ok(NgspAccess {
        token,
        client: line.client.clone(),
        secret,
        api,
        resource: line.resource.clone(),
    })
}
