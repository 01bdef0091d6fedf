//! An agency's folder: who it is, where its gateway is, and its keys.
//!
//! ```text
//! identity.toml   partner, environment, receiver, gateway, kid, gateway_kid and the names of the files
//! tls.pem/.key    certificate chain (leaf first) and key for mutual TLS
//! sign.pem/.key   certificate and key for signed messages
//! ca.pem          what the gateway's certificate must lead to
//! gateway-sign.pem  the certificate with which the gateway signs its answers
//! state.json      the agency's memory
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use certs::keys::{Algorithm, SigningKey, VerifyingKey};
use certs::tls;
use schemas::id::PartnerId;
use serde::Deserialize;

/// Why an agency's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// `identity.toml` breaks its form.
    #[error("{0}: {1}")]
    Form(String, String),
    /// A certificate or key is refused.
    #[error("{0}: {1}")]
    Key(String, String),
}

/// One agency: its names, its gateway and its keys.
#[derive(Debug)]
pub struct Identity {
    /// The folder it was read from.
    pub folder: PathBuf,
    /// The agency's partner id, for example `tax`.
    pub partner: PartnerId,
    /// `sandbox`, `test` or `production`.
    pub environment: String,
    /// Whom it writes to: `vss`.
    pub receiver: PartnerId,
    /// Where that is.
    pub gateway: Target,
    /// The name of its own signing key.
    pub kid: String,
    /// The name of the gateway's signing key.
    pub gateway_kid: String,
    /// Certificate chain and key for mutual TLS.
    pub tls: tls::Identity,
    /// What the gateway's certificate, and that of a caller, must lead to.
    pub anchors: tls::Anchors,
    /// Its signing key.
    pub sign: SigningKey,
    /// The gateway's verifying key.
    pub gateway_key: VerifyingKey,
    /// The algorithm the gateway signs with.
    pub gateway_algorithm: Algorithm,
    /// What the gateway has to log in with when it calls this agency, where the agency asks for it.
    pub login: Option<Login>,
}

/// User name and password of the gateway's session at this agency; `Debug` hides the password.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Login({}, REDACTED)", self.username)
    }
}

/// Host and port of a gateway, read from `https://HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Target {
    /// Reads `https://HOST[:PORT]` with nothing after it but one slash.
    pub fn parse(url: &str) -> Option<Self> {
        let authority = url.strip_prefix("https://")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let authority: http::uri::Authority = authority.parse().ok()?;
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(443);
        (!host.is_empty()).then_some(Self { host, port })
    }

    /// `HOST:PORT` as the Host header has it.
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// `identity.toml`; file names are relative to the folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    partner: String,
    environment: String,
    receiver: String,
    gateway: String,
    kid: String,
    gateway_kid: String,
    #[serde(default = "names::ca")]
    ca: String,
    #[serde(default = "names::tls_cert")]
    tls_cert: String,
    #[serde(default = "names::tls_key")]
    tls_key: String,
    #[serde(default = "names::sign_key")]
    sign_key: String,
    #[serde(default = "names::sign_cert")]
    sign_cert: String,
    #[serde(default = "names::gateway_sign_cert")]
    gateway_sign_cert: String,
    algorithm: Option<String>,
    gateway_algorithm: Option<String>,
    login: Option<Login>,
}

mod names {
    pub(super) fn ca() -> String {
        "ca.pem".to_owned()
    }
    pub(super) fn tls_cert() -> String {
        "tls.pem".to_owned()
    }
    pub(super) fn tls_key() -> String {
        "tls.key".to_owned()
    }
    pub(super) fn sign_key() -> String {
        "sign.key".to_owned()
    }
    pub(super) fn sign_cert() -> String {
        "sign.pem".to_owned()
    }
    pub(super) fn gateway_sign_cert() -> String {
        "gateway-sign.pem".to_owned()
    }
}

impl Identity {
    /// Reads `identity.toml` and every file that it names; the signing key must be its certificate's.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let toml = folder.join("identity.toml");
        let text = String::from_utf8_lossy(&read(&toml)?).into_owned();
        let words: Words =
            toml::from_str(&text).map_err(|error| form(&toml, &error.to_string()))?;
        words.identity(folder)
    }

    /// The URN that this agency's TLS certificate carries.
    pub fn urn(&self) -> String {
        format!(
            "urn:lienthong:{}:partner:{}",
            self.environment, self.partner
        )
    }

    /// The URN of the gateway's TLS certificate when the gateway calls this agency.
    pub fn gateway_urn(&self) -> String {
        format!(
            "urn:lienthong:{}:gateway:{}",
            self.environment, self.receiver
        )
    }
}

impl Words {
    fn identity(self, folder: &Path) -> Result<Identity, Error> {
        let toml = folder.join("identity.toml");
        let bad = |what: &str| form(&toml, what);
        let sign = self.signing_key(folder)?;
        let gateway_key = certificate(&folder.join(&self.gateway_sign_cert))?;
        let gateway_algorithm = algorithm(self.gateway_algorithm.as_deref())
            .ok_or_else(|| bad("gateway_algorithm is not in the list"))?
            .unwrap_or(gateway_key.kind().preferred());
        let (cert, key) = (folder.join(&self.tls_cert), folder.join(&self.tls_key));
        Ok(Identity {
            partner: PartnerId::parse(&self.partner)
                .map_err(|_| bad("partner is no partner id"))?,
            receiver: PartnerId::parse(&self.receiver)
                .map_err(|_| bad("receiver is no partner id"))?,
            gateway: Target::parse(&self.gateway)
                .ok_or_else(|| bad("gateway is not https://HOST:PORT"))?,
            tls: tls::Identity::from_files(&cert, &key).map_err(|error| refused(&cert, &error))?,
            anchors: tls::Anchors::from_file(&folder.join(&self.ca))
                .map_err(|error| refused(&folder.join(&self.ca), &error))?,
            folder: folder.to_owned(),
            environment: self.environment,
            kid: self.kid,
            gateway_kid: self.gateway_kid,
            login: self.login,
            sign,
            gateway_key,
            gateway_algorithm,
        })
    }

    fn signing_key(&self, folder: &Path) -> Result<SigningKey, Error> {
        let path = folder.join(&self.sign_key);
        let chosen = algorithm(self.algorithm.as_deref()).ok_or_else(|| {
            form(
                &folder.join("identity.toml"),
                "algorithm is not in the list",
            )
        })?;
        let key =
            SigningKey::from_pem(&read(&path)?, chosen).map_err(|error| refused(&path, &error))?;
        if certificate(&folder.join(&self.sign_cert))?.spki() != key.public_spki() {
            return Err(refused(
                &path,
                &"the key does not belong to its certificate",
            ));
        }
        Ok(key)
    }
}

/// `Some(None)` when nothing is named, `None` when the name is unknown.
fn algorithm(name: Option<&str>) -> Option<Option<Algorithm>> {
    match name {
        None => Some(None),
        Some(name) => Algorithm::from_jws_name(name).map(Some),
    }
}

fn certificate(path: &Path) -> Result<VerifyingKey, Error> {
    VerifyingKey::from_certificate_pem(&read(path)?).map_err(|error| refused(path, &error))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::File(path.display().to_string(), error))
}

fn form(path: &Path, why: &str) -> Error {
    Error::Form(path.display().to_string(), why.to_owned())
}

fn refused(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Key(path.display().to_string(), why.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use certs::pki::{Authority, IssueParams, Usage};

    use super::*;

    /// A folder with everything an agency needs, under a fresh authority.
    pub(crate) fn write_agency(folder: &Path, partner: &str) -> Authority {
        let authority = Authority::generate("sandbox", crate::clock::now()).unwrap();
        write_agency_under(&authority, folder, partner);
        authority
    }

    /// The same under an authority that others share.
    pub(crate) fn write_agency_under(authority: &Authority, folder: &Path, partner: &str) {
        let now = crate::clock::now();
        let mut tls = IssueParams::new(partner, Usage::Both, now);
        tls.san_uri = Some(format!("urn:lienthong:sandbox:partner:{partner}"));
        tls.dns = vec!["localhost".to_owned()];
        let tls = authority.issue(&tls).unwrap();
        let sign = authority
            .issue(&IssueParams::new(partner, Usage::Signing, now))
            .unwrap();
        fs::create_dir_all(folder).unwrap();
        for (name, text) in [
            ("tls.pem", tls.chain_pem.as_str()),
            ("tls.key", &tls.key_pem),
            ("sign.pem", &sign.chain_pem),
            ("sign.key", &sign.key_pem),
            ("ca.pem", authority.root_pem()),
            ("gateway-sign.pem", &sign.chain_pem),
            ("identity.toml", &words(partner)),
        ] {
            fs::write(folder.join(name), text).unwrap();
        }
    }

    fn words(partner: &str) -> String {
        format!(
            "partner = \"{partner}\"\nenvironment = \"sandbox\"\nreceiver = \"vss\"\n\
             gateway = \"https://localhost:8443\"\nkid = \"{partner}-1\"\ngateway_kid = \"vss-1\"\n\
             login = {{ username = \"vss\", password = \"synthetic\" }}\n"
        )
    }

    #[test]
    fn a_folder_with_every_file_becomes_an_identity() {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        let identity = Identity::load(folder.path()).unwrap();
        assert_eq!(identity.urn(), "urn:lienthong:sandbox:partner:tax");
        assert_eq!(identity.gateway.authority(), "localhost:8443");
        assert!(!format!("{identity:?}").contains("synthetic"));
    }

    #[test]
    fn an_unknown_key_in_identity_toml_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        let path = folder.path().join("identity.toml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("colour = 1\n{text}")).unwrap();
        assert!(matches!(
            Identity::load(folder.path()),
            Err(Error::Form(..))
        ));
    }

    #[test]
    fn a_signing_key_of_somebody_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write_agency(folder.path(), "tax");
        fs::copy(
            folder.path().join("tls.key"),
            folder.path().join("sign.key"),
        )
        .unwrap();
        assert!(matches!(Identity::load(folder.path()), Err(Error::Key(..))));
    }

    #[test]
    fn only_https_addresses_without_path_or_user_are_targets() {
        let target = Target::parse("https://[::1]:8443/").unwrap();
        assert_eq!(
            (target.host.as_str(), target.authority()),
            ("::1", "[::1]:8443".to_owned())
        );
        assert_eq!(
            Target::parse("https://localhost").map(|target| target.port),
            Some(443)
        );
        for url in [
            "http://localhost",
            "https://a@b",
            "https://localhost/x",
            "https://",
            "localhost",
        ] {
            assert_eq!(Target::parse(url), None, "{url}");
        }
    }
}
