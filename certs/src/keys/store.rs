//! Where a signing key is kept: a PEM file, a PKCS#12 file, or a token that never gives it out.

use std::fs;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::token::Token;
use super::{Algorithm, KeyError, SigningKey};

/// A place that holds one signing key.
pub trait KeyStore: Send + Sync {
    /// The key, ready to sign. `algorithm` defaults to the usual one of the key's kind.
    ///
    /// # Errors
    /// [`KeyError`]; a token that is away now is told by the first signature, not here.
    fn open(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, KeyError>;
}

/// A key that opens what it has locked, and is kept where nobody reads it.
pub trait KeyLock: std::fmt::Debug + Send + Sync {
    /// Locks; `purpose` is bound to it.
    ///
    /// # Errors
    /// [`KeyError`], such as that the token is away.
    fn lock(&self, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Opens what was locked for the same `purpose`.
    ///
    /// # Errors
    /// [`KeyError::OtherLock`] where it was changed, or locked by another key or for another purpose.
    fn unlock(&self, purpose: &[u8], locked: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>;
}

/// A file in PKCS#8, SEC1 or PKCS#1 PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemFile {
    /// The file.
    pub path: PathBuf,
}

impl KeyStore for PemFile {
    fn open(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, KeyError> {
        let pem = Zeroizing::new(fs::read(&self.path).map_err(|_| KeyError::Unreadable)?);
        SigningKey::from_pem(&pem, algorithm)
    }
}

/// A PKCS#12 file (RFC 7292).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pkcs12File {
    /// The file.
    pub path: PathBuf,
    /// Its passphrase.
    pub passphrase: SecretPlace,
}

impl KeyStore for Pkcs12File {
    fn open(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, KeyError> {
        let file = Zeroizing::new(fs::read(&self.path).map_err(|_| KeyError::Unreadable)?);
        SigningKey::from_pkcs12(&file, &self.passphrase.read()?, algorithm)
    }
}

/// A private key in a PKCS#11 token, found by its label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenStore {
    /// The vendor's library.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label (CKA_LABEL).
    pub label: String,
    /// The user's PIN.
    pub pin: SecretPlace,
    /// Sessions at once, at least 1.
    pub sessions: usize,
    /// The key's certificate, PEM: what the token signs must verify under it.
    pub certificate_pem: Vec<u8>,
}

impl KeyStore for TokenStore {
    fn open(&self, algorithm: Option<Algorithm>) -> Result<SigningKey, KeyError> {
        let token = Token::new(self, algorithm)?;
        Ok(SigningKey::from_token(token))
    }
}

/// Where a secret stands; it is read when it is needed and wiped after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// On the first line of a file with mode 0600 or, for a group, 0640.
    File(PathBuf),
    /// In an environment variable.
    Env(String),
}

impl SecretPlace {
    /// Reads the secret.
    ///
    /// # Errors
    /// [`KeyError::SecretUnreadable`] where there is none or others can read its file.
    pub fn read(&self) -> Result<Zeroizing<String>, KeyError> {
        let secret = match self {
            Self::File(path) => first_line(path),
            Self::Env(name) => std::env::var(name).ok().map(Zeroizing::new),
        };
        secret
            .filter(|secret| !secret.is_empty())
            .ok_or(KeyError::SecretUnreadable)
    }
}

fn first_line(path: &PathBuf) -> Option<Zeroizing<String>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).ok()?.permissions().mode();
    if crate::seal::is_exposed(mode) {
        return None;
    }
    let text = Zeroizing::new(fs::read_to_string(path).ok()?);
    text.lines()
        .next()
        .map(|line| Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file(folder: &tempfile::TempDir, content: &[u8], mode: u32) -> PathBuf {
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_secret_is_the_first_line_of_a_file_that_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let read = |content, mode| {
            let place = SecretPlace::File(file(&folder, content, mode));
            place.read().map(|secret| secret.to_string())
        };
        assert_eq!(read(b"1234\nmore\n", 0o600), Ok("1234".to_owned()));
        assert_eq!(read(b"1234", 0o640), Ok("1234".to_owned()));
        assert_eq!(read(b"1234", 0o644), Err(KeyError::SecretUnreadable));
        assert_eq!(read(b"\n1234", 0o600), Err(KeyError::SecretUnreadable));
        assert_eq!(read(b"", 0o600), Err(KeyError::SecretUnreadable));
        let absent = SecretPlace::Env("LIENTHONG_NO_SUCH_VARIABLE".to_owned());
        assert_eq!(absent.read().err(), Some(KeyError::SecretUnreadable));
    }

    #[test]
    fn a_pkcs12_file_opens_with_its_passphrase_only() {
        use openssl::{ec, nid::Nid, pkcs12::Pkcs12, pkey::PKey};
        let curve = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(ec::EcKey::generate(&curve).unwrap()).unwrap();
        let mut builder = Pkcs12::builder();
        let file_content = builder
            .pkey(&key)
            .build2("right")
            .unwrap()
            .to_der()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.p12");
        fs::write(&path, file_content).unwrap();
        let open = |passphrase: &[u8]| {
            let passphrase = SecretPlace::File(file(&folder, passphrase, 0o600));
            let store = Pkcs12File {
                path: path.clone(),
                passphrase,
            };
            store.open(None).map(|key| key.algorithm())
        };
        assert_eq!(open(b"right\n"), Ok(Algorithm::Es256));
        assert_eq!(open(b"wrong\n"), Err(KeyError::BadPkcs12));
        assert_eq!(open(b"\n"), Err(KeyError::SecretUnreadable));
    }
}
