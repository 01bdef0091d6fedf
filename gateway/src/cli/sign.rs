//! `lienthong sign`: a message of a sandbox partner, signed now, in a form that curl takes whole.
//!
//! A pasted signature would be stale in five minutes, and the signature of a JSON message travels in a
//! header: a curl config carries address, certificates, headers and body alike for both words.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use conformance::{
    call::{Params, Prepared, Trouble},
    crvs::{self, Crvs},
    dvclt::Registry,
    hospital::{self, Hospital},
    identity::Identity,
    portal::Portal,
    tax::Department,
};

use super::Ended;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The partner that signs: tax, dvclt, portal, crvs or cskcb-01001.
    #[arg(long = "as")]
    partner: String,
    /// The sandbox's folder.
    #[arg(long, default_value = "var/sandbox")]
    dir: PathBuf,
    /// Prints the body alone (for XML: the signed document).
    #[arg(long, conflicts_with = "header")]
    body: bool,
    /// Prints the header lines alone (for JSON: with the detached signature of this very call's body).
    #[arg(long)]
    header: bool,
    /// The operation, such as tax.verify-employer.
    operation: String,
    /// Its parameters, such as `--mst 9900000016 --period 2026-10`; what is not given is made up.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    parameters: Vec<String>,
}

impl Arguments {
    pub(super) fn run(self) -> Ended {
        let folder = self.dir.join("agencies").join(&self.partner);
        let parameters = parameters(&self.parameters)?;
        let message = prepare(&self.partner, &folder, &self.operation, &parameters)?;
        let identity = Identity::load(&folder)?;
        let text = match (self.body, self.header) {
            (true, _) => String::from_utf8(message.body)?,
            (_, true) => message
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {value}\n"))
                .collect(),
            _ => curl_config(&folder, &identity.gateway.authority(), &message),
        };
        print!("{text}");
        Ok(ExitCode::SUCCESS)
    }
}

/// Its own, for a running sandbox keeps the agency's `state.json` open.
const MEMORY: &str = "sign.json";

fn prepare(
    partner: &str,
    folder: &Path,
    operation: &str,
    parameters: &Params,
) -> Result<Prepared, Trouble> {
    match partner {
        "tax" => Department::open_beside(folder, None, MEMORY)?.prepare(operation, parameters),
        "dvclt" => Registry::open_beside(folder, None, MEMORY)?.prepare(operation, parameters),
        "portal" => Portal::open_beside(folder, None, MEMORY)?.prepare(operation, parameters),
        hospital::PARTNER => {
            Hospital::open_beside(folder, None, MEMORY)?.prepare(operation, parameters)
        }
        crvs::PARTNER => Crvs::open_beside(folder, None, MEMORY)?.prepare(operation, parameters),
        other => Err(Trouble::Params(format!(
            "--as {other}: use tax, dvclt, portal, {} or {}",
            crvs::PARTNER,
            hospital::PARTNER
        ))),
    }
}

/// Reads `--name value` and `--name=value`.
fn parameters(words: &[String]) -> Result<Params, String> {
    let mut parameters = Params::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word
            .strip_prefix("--")
            .ok_or_else(|| format!("`{word}`: write --name value"))?;
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = words
                    .next()
                    .ok_or_else(|| format!("--{name} has no value"))?;
                (name, value.clone())
            }
        };
        parameters.insert(name.replace('-', "_"), value);
    }
    Ok(parameters)
}

/// One `key = "value"` a line; curl reads it with `--config -`.
fn curl_config(folder: &Path, authority: &str, message: &Prepared) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut lines = vec![
        ("url", format!("https://{authority}{}", message.path)),
        ("cert", file("tls.pem")),
        ("key", file("tls.key")),
        ("cacert", file("ca.pem")),
    ];
    lines.extend(
        message
            .headers()
            .into_iter()
            .map(|(name, value)| ("header", format!("{name}: {value}"))),
    );
    // no "Expect: 100-continue", and nothing that reads a file where the body begins with @
    lines.push(("header", "Expect:".to_owned()));
    lines.push((
        "data-raw",
        String::from_utf8_lossy(&message.body).into_owned(),
    ));
    let mut config: String = lines
        .iter()
        .map(|(key, value)| format!("{key} = \"{}\"\n", escaped(value)))
        .collect();
    config.push_str("silent\nshow-error\n");
    config.push_str("write-out = \"\\n%{http_code} %header{lienthong-evidence}\\n\"\n");
    config
}

/// Inside double quotes curl knows \\, \", \t, \n, \r and \v.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn parameters_are_read_in_both_forms() {
        let read = parameters(&words("--mst 9900000016 --period=2026-10 --birth-date x")).unwrap();
        assert_eq!(read["mst"], "9900000016");
        assert_eq!(read["period"], "2026-10");
        assert_eq!(read["birth_date"], "x");
        assert!(parameters(&words("mst")).is_err());
        assert!(parameters(&words("--mst")).is_err());
    }

    #[test]
    fn a_curl_config_carries_body_and_signature_with_every_quote_escaped() {
        let message = Prepared {
            operation: "civil.birth".to_owned(),
            id: "dvclt-1".to_owned(),
            answers_to: "dvclt-1".to_owned(),
            digest: [0; 32],
            path: "/civil/v1/NhanDKHT",
            content_type: "application/json",
            signature: Some("h..s".to_owned()),
            body: "{\"a\":\"\\u0041\nĐ\"}".as_bytes().to_vec(),
        };
        let config = curl_config(Path::new("agencies/dvclt"), "localhost:8443", &message);
        for line in [
            "url = \"https://localhost:8443/civil/v1/NhanDKHT\"",
            "cert = \"agencies/dvclt/tls.pem\"",
            "header = \"X-JWS-Signature: h..s\"",
            "header = \"Content-Type: application/json\"",
            "data-raw = \"{\\\"a\\\":\\\"\\\\u0041\\nĐ\\\"}\"",
        ] {
            assert!(
                config.lines().any(|found| found == line),
                "{line} is not in\n{config}"
            );
        }
    }
}
