//! What a backup says of itself: when it was cut, where each journal chain stood, and the digest of every
//! file, sealed under the key that is not part of it.

use std::path::{Path, PathBuf};

use gateway_core::seal::{Sealed, Vault, sha256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackupError, files};

/// A backup's manifest, as it stands in `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// `sandbox`, `test` or `production`.
    pub environment: String,
    /// RFC 3339: everything that was acknowledged before this instant is in it.
    pub cut: String,
    /// RFC 3339: when it was whole and verified.
    pub finished: String,
    /// The message store.
    pub store: StorePart,
    /// The registry.
    pub registry: RegistryPart,
    /// Every file beside the manifest and its seal.
    pub files: Vec<FileLine>,
}

/// What is said of the message store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorePart {
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// The newest migration in it.
    pub schema: u32,
    /// Each journal chain, as far as the backup surely holds it.
    pub chains: Vec<Chain>,
    /// On PostgreSQL: a named point in the server's log, behind the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_point: Option<RestorePoint>,
}

/// A named point in a server's log that a recovery can end at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestorePoint {
    /// Its name.
    pub name: String,
    /// Its place.
    pub lsn: String,
}

/// Where a journal chain stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Whose it is.
    pub writer: String,
    /// How many records it had.
    pub records: u64,
    /// The hash of the last one, hex.
    pub head: String,
}

/// What is said of the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryPart {
    /// `embedded`, `postgres` or `remote`.
    pub mode: String,
    /// Its schema version, where it is in the backup.
    pub schema: Option<i64>,
    /// From which change on its feed has to be handed out again with this store; none where only the
    /// registry's own operators can do it.
    pub feed_from: Option<i64>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileLine {
    /// Its path inside the backup.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
}

/// A backup whose manifest and files are what was written.
#[derive(Debug, Clone)]
pub struct Backup {
    pub(super) folder: PathBuf,
    manifest: Manifest,
}

impl Backup {
    /// Proves the seal, then every file.
    ///
    /// # Errors
    /// The first thing that is not what was written, by its name.
    pub fn open(folder: &Path, vault: &Vault) -> Result<Self, BackupError> {
        let read = |name: &str| {
            std::fs::read(folder.join(name)).map_err(|error| {
                BackupError::NotABackup(folder.to_owned(), format!("{name}: {error}"))
            })
        };
        let bytes = read(MANIFEST)?;
        prove(vault, &bytes, &read(SEAL)?)?;
        let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|error| {
            BackupError::NotABackup(folder.to_owned(), format!("{MANIFEST}: {error}"))
        })?;
        if manifest.format != FORMAT {
            let what = format!("format {}, this build knows {FORMAT}", manifest.format);
            return Err(BackupError::NotABackup(folder.to_owned(), what));
        }
        let backup = Self {
            folder: folder.to_owned(),
            manifest,
        };
        for line in &backup.manifest.files {
            line.prove(folder)?;
        }
        Ok(backup)
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Everything that was acknowledged before is in it.
    ///
    /// # Errors
    /// Where the manifest names no instant.
    pub fn cut(&self) -> Result<Timestamp, BackupError> {
        self.manifest.cut.parse().map_err(|_| {
            BackupError::NotABackup(self.folder.clone(), "its cut is no instant".to_owned())
        })
    }

    /// When it was whole.
    ///
    /// # Errors
    /// Where the manifest names no instant.
    pub fn finished(&self) -> Result<Timestamp, BackupError> {
        self.manifest.finished.parse().map_err(|_| {
            BackupError::NotABackup(self.folder.clone(), "its end is no instant".to_owned())
        })
    }

    /// A file that the manifest lists.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<(PathBuf, &FileLine)> {
        let mut lines = self.manifest.files.iter();
        let line = lines.find(|line| line.name == name)?;
        Some((self.folder.join(name), line))
    }
}

impl FileLine {
    /// What a file of a backup in the making is.
    pub(super) fn of(folder: &Path, name: &str) -> Result<Self, BackupError> {
        let (bytes, sha256) = files::digest(&folder.join(name))?;
        Ok(Self {
            name: name.to_owned(),
            bytes,
            sha256,
        })
    }

    fn prove(&self, folder: &Path) -> Result<(), BackupError> {
        let changed = |what: String| BackupError::Changed {
            name: self.name.clone(),
            what,
        };
        let found = files::digest(&folder.join(&self.name));
        let found = found.map_err(|error| changed(error.to_string()))?;
        self.is(&found).then_some(()).ok_or_else(|| {
            changed(format!(
                "{} bytes with SHA-256 {}, not {} bytes with {}",
                found.0, found.1, self.bytes, self.sha256
            ))
        })
    }

    /// Whether this size and digest are the file's.
    pub(super) fn is(&self, (bytes, sha256): &(u64, String)) -> bool {
        self.bytes == *bytes && self.sha256 == *sha256
    }
}

impl Manifest {
    /// Writes it and its seal into the folder.
    pub(super) fn write(&self, folder: &Path, vault: &Vault) -> Result<(), BackupError> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| BackupError::NotABackup(folder.to_owned(), error.to_string()))?;
        let sealed = vault.seal(&bound(&bytes), &sha256(&bytes));
        let seal = [sealed.wrapped_key, sealed.ciphertext].concat();
        files::write(&folder.join(MANIFEST), &bytes)?;
        files::write(&folder.join(SEAL), hex::encode(seal).as_bytes())
    }
}

fn prove(vault: &Vault, manifest: &[u8], seal: &[u8]) -> Result<(), BackupError> {
    let seal = hex::decode(seal.trim_ascii()).map_err(|_| BackupError::Seal)?;
    let at = seal.len().checked_sub(CIPHERTEXT_BYTES);
    let (wrapped_key, ciphertext) = seal.split_at(at.ok_or(BackupError::Seal)?);
    let sealed = Sealed {
        wrapped_key: wrapped_key.to_vec(),
        ciphertext: ciphertext.to_vec(),
    };
    let opened = vault.open(&bound(manifest), &sealed);
    match opened.is_ok_and(|digest| digest == sha256(manifest)) {
        true => Ok(()),
        false => Err(BackupError::Seal),
    }
}

/// What the seal is bound to: every byte of the manifest.
fn bound(manifest: &[u8]) -> Vec<u8> {
    [b"backup manifest\0".as_slice(), manifest].concat()
}

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.seal";
/// Nonce, digest, tag; before it stands the wrapped key.
const CIPHERTEXT_BYTES: usize = 12 + 32 + 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(folder: &Path) -> Manifest {
        std::fs::write(folder.join("store.sqlite"), b"sealed").unwrap();
        Manifest {
            format: FORMAT,
            program: "0.1.0".to_owned(),
            environment: "sandbox".to_owned(),
            cut: "2026-11-22T05:00:00Z".to_owned(),
            finished: "2026-11-22T05:00:01Z".to_owned(),
            store: StorePart {
                engine: "sqlite".to_owned(),
                schema: 4,
                chains: Vec::new(),
                restore_point: None,
            },
            registry: RegistryPart {
                mode: "embedded".to_owned(),
                schema: Some(1),
                feed_from: Some(7),
            },
            files: vec![FileLine::of(folder, "store.sqlite").unwrap()],
        }
    }

    fn flip(file: &Path) {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[3] ^= 1;
        std::fs::write(file, bytes).unwrap();
    }

    #[test]
    fn a_flipped_bit_in_a_file_is_refused_by_its_name_and_one_in_the_manifest_by_its_seal() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::from_bytes([5; 32]);
        let manifest = sample(folder.path());
        manifest.write(folder.path(), &vault).unwrap();
        let whole = Backup::open(folder.path(), &vault).unwrap();
        assert_eq!(*whole.manifest(), manifest);
        let other = Vault::from_bytes([6; 32]);
        let refused = Backup::open(folder.path(), &other);
        assert!(matches!(refused, Err(BackupError::Seal)));

        flip(&folder.path().join("store.sqlite"));
        let refused = Backup::open(folder.path(), &vault).unwrap_err();
        assert!(
            refused.to_string().starts_with("store.sqlite is not what"),
            "{refused}"
        );
        flip(&folder.path().join("store.sqlite"));
        Backup::open(folder.path(), &vault).unwrap();
        for file in [MANIFEST, SEAL] {
            flip(&folder.path().join(file));
            let refused = Backup::open(folder.path(), &vault);
            assert!(matches!(refused, Err(BackupError::Seal)), "{file}");
            flip(&folder.path().join(file));
        }
    }

    #[test]
    fn a_folder_without_a_manifest_or_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::from_bytes([5; 32]);
        let refused = Backup::open(folder.path(), &vault).unwrap_err();
        assert!(matches!(refused, BackupError::NotABackup(..)), "{refused}");
        sample(folder.path()).write(folder.path(), &vault).unwrap();
        std::fs::remove_file(folder.path().join("store.sqlite")).unwrap();
        let refused = Backup::open(folder.path(), &vault).unwrap_err();
        assert!(
            matches!(&refused, BackupError::Changed { name, .. } if name == "store.sqlite"),
            "{refused}"
        );
    }
}
