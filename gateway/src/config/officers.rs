//! Officers: without the signatures of two of them no partner's file loosens anything.
//!
//! Beside `tax.toml` stands `tax.toml.<officer>.sig`, a detached JWS (`certs::jws::statement`) over a
//! statement of five lines: environment, partner, the digest of the file, the digest of its terms (which
//! covers the certificates and authorities that it names), and what is in force and would be replaced. An
//! old signature is good for nothing else, also where the same terms come back.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use certs::{
    jws::statement,
    keys::{Algorithm, VerifyingKey},
};
use gateway_core::partner::Environment;
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::{Config, Problem, read::section};

section! {
    /// An officer, whose signature counts beside partners' files.
    pub Officer {
        /// Its name, as it stands in the names of signatures: 2 to 32 of a-z, 0-9 and -.
        name: PartnerId,
        /// The one algorithm its key is used with.
        algorithm: Algorithm,
        /// Its certificate, PEM.
        cert: PathBuf,
    }
}

/// How many officers must have signed what loosens.
pub(crate) const SIGNATURES: usize = 2;

/// What an officer signs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub(crate) environment: Environment,
    pub(crate) partner: &'a PartnerId,
    /// SHA-256 of the file.
    pub(crate) file: [u8; 32],
    /// The digest of its terms.
    pub(crate) terms: [u8; 32],
    /// The terms in force, with the number of the act that adopted them.
    pub(crate) replaces: Option<([u8; 32], u64)>,
}

impl Statement<'_> {
    /// The exact text that is signed.
    pub(crate) fn text(&self) -> String {
        let replaces = match &self.replaces {
            Some((digest, act)) => format!("{} of journal record {act}", hex::encode(digest)),
            None => "nothing".to_owned(),
        };
        format!(
            "lienthong: terms of a partner, version 1\nenvironment: {}\npartner: {}\nfile: sha256 {}\n\
             terms: sha256 {}\nreplaces: {replaces}\n",
            self.environment.as_str(),
            self.partner,
            hex::encode(self.file),
            hex::encode(self.terms),
        )
    }
}

/// Where the signature of an officer stands.
pub(crate) fn signature_file(file: &Path, officer: &PartnerId) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{officer}.sig"));
    PathBuf::from(name)
}

/// Those whose signature beside the file proves this statement now, each once.
pub(crate) fn signers(
    config: &Config,
    file: &Path,
    said: &Statement<'_>,
    now: Timestamp,
) -> BTreeSet<PartnerId> {
    let text = said.text();
    let signed = |officer: &&Officer| proves(officer, file, text.as_bytes(), now).is_some();
    let officers = config.officers.iter().filter(signed);
    officers.map(|officer| officer.name.clone()).collect()
}

fn proves(officer: &Officer, file: &Path, text: &[u8], now: Timestamp) -> Option<()> {
    let key = key(officer).ok().filter(|key| key.is_valid_at(now))?;
    let path = signature_file(file, &officer.name);
    let small = fs::metadata(&path).is_ok_and(|data| data.len() <= SIGNATURE_BYTES_MAX);
    let signature = small.then(|| fs::read_to_string(&path).ok()).flatten()?;
    let by = (&key, officer.algorithm);
    statement::verify(signature.trim_end(), officer.name.as_str(), by, text).ok()
}

fn key(officer: &Officer) -> Result<VerifyingKey, String> {
    let pem = fs::read(&officer.cert).map_err(|error| error.to_string())?;
    VerifyingKey::from_certificate_pem(&pem).map_err(|error| error.to_string())
}

/// What is wrong with the officers: fewer than two, one name or key twice, a key that cannot be read.
pub(super) fn check(config: &Config, problems: &mut Vec<Problem>) {
    let place = config.place();
    let officers = &config.officers;
    let needed = config.environment == Environment::Production || !officers.is_empty();
    if needed && officers.len() < SIGNATURES {
        problems.push(place.error(
            "officers",
            "two officers must be able to sign partners' files",
            "add [[officers]] with name, algorithm and cert, each with a key of its own",
        ));
    }
    let (mut names, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (index, officer) in officers.iter().enumerate() {
        let at = |key: &str| format!("officers.{index}.{key}");
        if !names.insert(&officer.name) {
            let cure = "give each officer a name of its own";
            problems.push(place.error(&at("name"), "one officer stands twice", cure));
        }
        match key(officer) {
            Err(error) => {
                let what = format!("{}: {error}", officer.cert.display());
                let cure =
                    "name a PEM certificate with a P-256, Ed25519 or RSA (2048 bits or more) key";
                problems.push(place.error(&at("cert"), what, cure));
            }
            Ok(key) if key.kind() != officer.algorithm.key_kind() => problems.push(place.error(
                &at("algorithm"),
                format!("{} does not fit the certificate's key", officer.algorithm),
                format!("use {}", key.kind().preferred()),
            )),
            Ok(key) if !keys.insert(key.spki().to_vec()) => problems.push(place.error(
                &at("cert"),
                "two officers would sign with one key",
                "each officer has a key of its own",
            )),
            Ok(_) => {}
        }
    }
}

const SIGNATURE_BYTES_MAX: u64 = 8 * 1024;
