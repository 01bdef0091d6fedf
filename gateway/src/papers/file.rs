//! One file in its folder: its key, its bytes, what was found of it, and who claims it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use certs::{
    digest,
    seal::{Sealed, Vault},
};
use portal::papers::Kind;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tax::reconcile::Cover as _;

use super::Inner;
use crate::bulk::{Covered, blocks, disk, write};

/// A file.
pub(super) struct Paper {
    pub(super) dir: PathBuf,
    name: String,
    cover: Covered,
    /// When its bytes came, seconds since 1970.
    pub(super) at: i64,
}

/// The key of a file as it lies on the disk.
#[derive(Serialize, Deserialize)]
struct Locked {
    wrapped: String,
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct Key {
    key: String,
    at: i64,
}

/// What was found of a file when it was judged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) media_type: String,
    pub(super) bytes: u64,
}

impl Found {
    pub(super) fn kind(&self) -> Result<Kind, Fault> {
        Kind::of_media_type(&self.media_type).ok_or_else(|| disk("a file of no type"))
    }
}

/// The right to change a file; it ends with the process.
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Inner {
    /// The folder of a file that is to be made.
    pub(super) fn place(&self, sender: &PartnerId, sha256: &[u8; 32]) -> (PathBuf, String) {
        let index = hex::encode(self.vault.person(&indexed(sha256)));
        self.at(sender, &index)
    }

    fn at(&self, sender: &PartnerId, index: &str) -> (PathBuf, String) {
        let dir = self
            .root
            .join(sender.as_str())
            .join(format!("{FILE}{index}"));
        (dir, format!("paper\0{sender}\0{index}"))
    }

    /// A file by its digest, under whichever generation of the store's key it was put there.
    pub(super) fn find(
        &self,
        sender: &PartnerId,
        sha256: &[u8; 32],
    ) -> Result<Option<Paper>, Fault> {
        for index in self.vault.persons(&indexed(sha256)) {
            let (dir, name) = self.at(sender, &hex::encode(index));
            if let Some(paper) = self.open(dir, name)? {
                return Ok(Some(paper));
            }
        }
        Ok(None)
    }

    /// A file by the name of its folder.
    pub(super) fn listed(&self, sender: &PartnerId, name: &str) -> Result<Option<Paper>, Fault> {
        let Some(index) = name.strip_prefix(FILE) else {
            return Ok(None);
        };
        let (dir, name) = self.at(sender, index);
        self.open(dir, name)
    }

    /// Whether a folder is that of the file of this digest.
    pub(super) fn is_named_after(&self, folder: &str, sha256: &[u8; 32]) -> bool {
        let persons = self.vault.persons(&indexed(sha256)).into_iter();
        let mut names = persons.map(|index| format!("{FILE}{}", hex::encode(index)));
        names.any(|name| name == folder)
    }

    fn open(&self, dir: PathBuf, name: String) -> Result<Option<Paper>, Fault> {
        let text = match fs::read(dir.join(KEY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(disk)?,
        };
        let locked: Locked = serde_json::from_slice(&text).map_err(disk)?;
        let sealed = Sealed {
            wrapped_key: hex::decode(&locked.wrapped).map_err(disk)?,
            ciphertext: hex::decode(&locked.sealed).map_err(disk)?,
        };
        let plain = self.vault.open(name.as_bytes(), &sealed).map_err(disk)?;
        let key: Key = serde_json::from_slice(&plain).map_err(disk)?;
        Ok(Some(Paper {
            dir,
            name,
            cover: cover(&key.key)?,
            at: key.at,
        }))
    }

    /// Makes the key of a file in its folder, which is a draft yet.
    pub(super) fn lock_up(&self, draft: &Path, name: &str) -> Result<Covered, Fault> {
        let key = Key {
            key: hex::encode(digest::random::<32>()),
            at: self.clock.now().as_second(),
        };
        let plain = serde_json::to_vec(&key).map_err(disk)?;
        let sealed = self.vault.seal(name.as_bytes(), &plain);
        put_key(draft, &sealed).map_err(disk)?;
        cover(&key.key)
    }

    /// Brings a file's key under the newest generation of the store's key; false where it is there already.
    pub(super) fn rewrap(&self, paper: &Paper, _lock: &Lock) -> Result<bool, Fault> {
        let text = fs::read(paper.dir.join(KEY)).map_err(disk)?;
        let locked: Locked = serde_json::from_slice(&text).map_err(disk)?;
        let wrapped = hex::decode(&locked.wrapped).map_err(disk)?;
        let Some(wrapped_key) = self.vault.rewrap(&wrapped).map_err(disk)? else {
            return Ok(false);
        };
        let ciphertext = hex::decode(&locked.sealed).map_err(disk)?;
        let sealed = Sealed {
            wrapped_key,
            ciphertext,
        };
        put_key(&paper.dir, &sealed).map_err(disk)?;
        Ok(true)
    }
}

fn put_key(dir: &Path, sealed: &Sealed) -> io::Result<()> {
    let locked = Locked {
        wrapped: hex::encode(&sealed.wrapped_key),
        sealed: hex::encode(&sealed.ciphertext),
    };
    write(&dir.join(KEY), &serde_json::to_vec(&locked)?)
}

impl Paper {
    /// What was found of it; none where it has not been judged.
    pub(super) fn found(&self) -> Result<Option<Found>, Fault> {
        self.get(FOUND)
    }

    /// The file is what it says and nothing was found in it: from now on it may be named.
    pub(super) fn keep(&self, found: &Found, _lock: &Lock) -> Result<(), Fault> {
        self.put(FOUND, found)
    }

    /// Its bytes as they came, a block at a time.
    pub(super) fn blocks(&self) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>, Fault> {
        let file = File::open(self.dir.join(BYTES)).map_err(disk)?;
        Ok(blocks(file, self.cover.clone(), self.name.clone()))
    }

    /// Reads one of its small files.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Fault> {
        let sealed = match fs::read(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(disk)?,
        };
        let bound = format!("{}\0{name}", self.name);
        let text = self.cover.open(&bound, 0, sealed).map_err(disk)?;
        serde_json::from_slice(&text).map(Some).map_err(disk)
    }

    /// Writes one of its small files, whole or not at all.
    pub(super) fn put(&self, name: &str, value: &impl Serialize) -> Result<(), Fault> {
        let text = serde_json::to_vec(value).map_err(disk)?;
        let bound = format!("{}\0{name}", self.name);
        let sealed = self.cover.seal(&bound, 0, &text).map_err(disk)?;
        write(&self.dir.join(name), &sealed).map_err(disk)
    }

    /// The lock, waited for as long as somebody else judges the file. None where it has gone meanwhile.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Fault> {
        let dir = match File::open(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(disk)?,
        };
        dir.lock().map_err(disk)?;
        Ok(self.dir.join(KEY).exists().then_some(Lock(dir)))
    }

    /// Takes the file away: its key first, without which nobody reads its bytes.
    pub(super) fn erase(&self, _lock: &Lock) -> Result<(), Fault> {
        fs::remove_file(self.dir.join(KEY)).map_err(disk)?;
        fs::remove_dir_all(&self.dir).map_err(disk)
    }
}

fn cover(key: &str) -> Result<Covered, Fault> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(key, &mut bytes).map_err(disk)?;
    Ok(Covered(Arc::new(Vault::from_bytes(bytes))))
}

fn indexed(sha256: &[u8; 32]) -> String {
    format!("paper {}", hex::encode(sha256))
}

/// The refusal of a file that is not there.
pub(super) fn not_there() -> Fault {
    Fault::new(FaultCode::Invalid, "file-not-there").field("SHA256")
}

/// Before the keyed hash of a file's digest in the name of its folder.
pub(super) const FILE: &str = "f-";
pub(super) const BYTES: &str = "bytes";
/// The key of a file in its folder: without it nobody reads the rest.
pub(crate) const KEY: &str = "key";
const FOUND: &str = "found";
