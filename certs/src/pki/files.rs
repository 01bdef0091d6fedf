//! The authority and its certificates in files; what is there is read, not replaced.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{Authority, IssueParams, Issued, PkiError};

const FILES: [&str; 4] = ["root.pem", "root.key", "issuing.pem", "issuing.key"];

impl Authority {
    /// Reads `root.pem`, `root.key`, `issuing.pem` and `issuing.key` in `folder`, or makes all four there.
    pub fn open_or_create(
        folder: &Path,
        environment: &str,
        now: jiff::Timestamp,
    ) -> Result<Self, PkiError> {
        let (there, missing): (Vec<_>, Vec<_>) = FILES
            .into_iter()
            .partition(|name| folder.join(name).exists());
        match (there.first(), missing.first()) {
            (Some(_), None) => Self::read(folder),
            (Some(there), Some(missing)) => Err(PkiError::Incomplete(
                (*there).to_owned(),
                (*missing).to_owned(),
            )),
            (None, _) => Self::create(folder, environment, now),
        }
    }

    fn read(folder: &Path) -> Result<Self, PkiError> {
        let [root, root_key, issuing, issuing_key] = FILES.map(|name| read(&folder.join(name)));
        Self::from_pem(&root?, &root_key?, &issuing?, &issuing_key?)
    }

    fn create(folder: &Path, environment: &str, now: jiff::Timestamp) -> Result<Self, PkiError> {
        let authority = Self::generate(environment, now)?;
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        write_public(&folder.join("root.pem"), authority.root_pem())?;
        write_private(&folder.join("root.key"), authority.root_key_pem())?;
        write_public(&folder.join("issuing.pem"), authority.issuing_pem())?;
        write_private(&folder.join("issuing.key"), authority.issuing_key_pem())?;
        Ok(authority)
    }
}

/// Reads a certificate chain and key that are there, or issues them and writes both.
///
/// The serial and DER of the leaf are read back, so the result is the same either way.
pub fn read_or_issue(
    authority: &Authority,
    chain: &Path,
    key: &Path,
    params: &IssueParams,
) -> Result<Issued, PkiError> {
    if chain.exists() && key.exists() {
        return Issued::from_pem(&read(chain)?, &read(key)?);
    }
    let issued = authority.issue(params)?;
    write_public(chain, &issued.chain_pem)?;
    write_private(key, &issued.key_pem)?;
    Ok(issued)
}

impl Issued {
    /// Takes up a chain (leaf first) and key that were issued before.
    pub fn from_pem(chain_pem: &str, key_pem: &str) -> Result<Self, PkiError> {
        use rustls::pki_types::CertificateDer;
        use rustls::pki_types::pem::PemObject as _;
        use x509_parser::prelude::{FromDer as _, X509Certificate};
        let bad = |_| PkiError::Issue("the chain could not be read".to_owned());
        let der = CertificateDer::from_pem_slice(chain_pem.as_bytes()).map_err(bad)?;
        let (_, certificate) = X509Certificate::from_der(&der)
            .map_err(|_| PkiError::Issue("the leaf could not be read".to_owned()))?;
        Ok(Self {
            chain_pem: chain_pem.to_owned(),
            key_pem: key_pem.to_owned(),
            serial: certificate.raw_serial().to_vec(),
            der: der.to_vec(),
        })
    }
}

/// Writes a file that everybody may read, replacing what is there.
pub fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    write(path, text, 0o644)
}

/// Writes a file that only its owner may read, replacing what is there; it is never visible half-open.
pub fn write_private(path: &Path, text: &str) -> Result<(), PkiError> {
    write(path, text, 0o600)
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = Path::new(&fresh);
    let written = (|| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let _ = fs::remove_file(fresh);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(fresh, path)
    })();
    written.map_err(|error| file_error(path, error))
}

pub(super) fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|error| file_error(path, error))
}

fn file_error(path: &Path, error: io::Error) -> PkiError {
    PkiError::File(path.display().to_string(), error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::pki::Usage;

    fn now() -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_790_000_000).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_there_is_read_and_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let first = Authority::open_or_create(folder.path(), "test", now()).unwrap();
        let again = Authority::open_or_create(folder.path(), "test", now()).unwrap();
        assert_eq!(first.root_pem(), again.root_pem());
        let (chain, key) = (
            folder.path().join("a/tls.pem"),
            folder.path().join("a/tls.key"),
        );
        let params = IssueParams::new("a", Usage::Both, now());
        let one = read_or_issue(&first, &chain, &key, &params).unwrap();
        let two = read_or_issue(&again, &chain, &key, &params).unwrap();
        assert_eq!(
            (&one.der, &one.serial, &one.key_pem),
            (&two.der, &two.serial, &two.key_pem)
        );
        crate::tls::Identity::from_files(&chain, &key).unwrap();
    }

    #[test]
    fn keys_are_for_their_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        Authority::open_or_create(folder.path(), "test", now()).unwrap();
        for (name, expected) in [
            ("root.key", 0o600),
            ("issuing.key", 0o600),
            ("root.pem", 0o644),
        ] {
            assert_eq!(mode(&folder.path().join(name)), expected, "{name}");
        }
        let key = folder.path().join("root.key");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&key, "new").unwrap();
        assert_eq!(
            (mode(&key), fs::read_to_string(&key).unwrap()),
            (0o600, "new".to_owned())
        );
    }

    #[test]
    fn a_half_written_authority_is_named_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.pem"), "x").unwrap();
        let error = Authority::open_or_create(folder.path(), "test", now()).unwrap_err();
        assert_eq!(error.reason(), "pki-incomplete");
        assert!(error.to_string().contains("root.key"));
        assert_eq!(
            fs::read_to_string(folder.path().join("root.pem")).unwrap(),
            "x"
        );
    }
}
