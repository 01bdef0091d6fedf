//! Where the registry's database is: a url in the config, or in a file of its own where it holds a password.

use std::{path::Path, time::Duration};

use certs::tls::{Anchors, ClientParams, Connector};
use insurance::sql::Address;

use super::{Insurance, secret};

/// What is wrong, at which key, and what to do.
pub(crate) type Wrong = (&'static str, String, &'static str);

/// The database that `[insurance]` names.
pub(crate) fn address(insurance: &Insurance) -> Result<Address, Wrong> {
    let (key, url) = match (&insurance.url, &insurance.url_file) {
        (Some(url), None) => ("insurance.url", url.clone()),
        (None, Some(file)) => (
            "insurance.url_file",
            secret::first_line("insurance.url_file", file)?,
        ),
        (Some(_), Some(_)) => Err((
            "insurance.url_file",
            "`insurance.url` and `insurance.url_file` are both there".to_owned(),
            "keep one of them",
        ))?,
        (None, None) => Err((
            "insurance.url",
            "`insurance.url` is missing, and the mode is postgres".to_owned(),
            "add `url = \"postgresql://user@host/database\"`, or `url_file` where it holds a password",
        ))?,
    };
    let address = match &insurance.anchors {
        None => Address::parse(&url),
        Some(file) => {
            let patience = Duration::from_millis(insurance.timeout_ms);
            Address::secured(&url, connector("insurance.anchors", file, patience)?)
        }
    };
    let address = address.map_err(|error| (key, format!("`{key}`: {error}"), FORM))?;
    match insurance.url.is_some() && address.has_password() {
        false => Ok(address),
        true => Err((
            key,
            format!("`{key}` holds a password"),
            "put the url into a file of mode 0600 and name it as `url_file`",
        )),
    }
}

/// TLS to a server whose certificate leads to the authorities of a file.
pub(super) fn connector(
    key: &'static str,
    file: &Path,
    handshake_deadline: Duration,
) -> Result<Connector, Wrong> {
    let cure = "name the PEM file of the authority that issued the server's certificate";
    let wrong = |what: String| (key, format!("`{key}`: {what}"), cure);
    let anchors = Anchors::from_file(file).map_err(|error| wrong(error.to_string()))?;
    Connector::new(ClientParams {
        identity: None,
        anchors,
        crls: Vec::new(),
        tls12: false,
        handshake_deadline,
        alpn: Vec::new(),
    })
    .map_err(|error| wrong(error.to_string()))
}

const FORM: &str =
    "write postgresql://user@host[,host]/database, and name the server's authority as `anchors`";
