//! The keys that lie in files, brought under the newest generation of the store's key.

use std::{fs, io, path::Path, sync::Arc};

use certs::seal::Vault;
use gateway_store::Rewrapped;

use super::{
    Covered,
    case::CASE,
    place::{KEY, write},
    sent::SENT,
};

/// Does it to the key of every month in this folder; one that is not there holds none.
///
/// # Errors
/// The folder.
pub(crate) fn rewrap(root: &Path, vault: Vault) -> io::Result<Rewrapped> {
    let covered = Covered(Arc::new(vault));
    let mut done = Rewrapped::default();
    for sender in entries(root)? {
        let sender = sender?;
        if !sender.file_type()?.is_dir() {
            continue;
        }
        for month in entries(&sender.path())? {
            let month = month?;
            let name = month.file_name();
            let of = |kind: &str| name.as_encoded_bytes().starts_with(kind.as_bytes());
            // theirs and ours
            if of(CASE) || of(SENT) {
                rewrap_file(&month.path().join(KEY), &covered, &mut done);
            }
        }
    }
    Ok(done)
}

/// Does it to one file that was sealed as a whole, and counts it; one that went away meanwhile is none.
pub(crate) fn rewrap_file(path: &Path, covered: &Covered, done: &mut Rewrapped) {
    let sealed = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        read => read,
    };
    done.seen += 1;
    let written = sealed
        .and_then(|sealed| covered.rewrap(&sealed))
        .and_then(|fresh| {
            let changed = fresh.is_some();
            fresh.map_or(Ok(()), |fresh| write(path, &fresh))?;
            Ok(changed)
        });
    match written {
        Ok(changed) => done.changed += u64::from(changed),
        Err(_) => done.stuck += 1,
    }
}

fn entries(folder: &Path) -> io::Result<Vec<io::Result<fs::DirEntry>>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => Ok(read?.collect()),
    }
}

#[cfg(test)]
mod tests {
    use tax::reconcile::Cover as _;

    use super::*;

    const OLD: [u8; 32] = [7; 32];
    const NEW: [u8; 32] = [8; 32];

    fn month(root: &Path, name: &str) -> std::path::PathBuf {
        let month = root.join("tax").join(name);
        fs::create_dir_all(&month).unwrap();
        let old = Covered(Arc::new(Vault::from_bytes(OLD)));
        let sealed = old.seal("the name of its key", 0, b"a key").unwrap();
        fs::write(month.join(KEY), sealed).unwrap();
        month.join(KEY)
    }

    fn opens(path: &Path, vault: Vault) -> bool {
        let sealed = fs::read(path).unwrap();
        let opened = Covered(Arc::new(vault)).open("the name of its key", 0, sealed);
        opened.is_ok_and(|plain| plain == b"a key")
    }

    #[test]
    fn after_it_the_older_generations_may_be_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let both = || Vault::from_bytes(OLD).with_newer(NEW);
        assert_eq!(rewrap(&folder.path().join("none"), both()).unwrap().seen, 0);
        let first = month(folder.path(), "m-one");
        let second = month(folder.path(), "o-two");
        fs::create_dir(folder.path().join("tax").join(".draft")).unwrap();
        fs::write(folder.path().join("lost+found"), b"").unwrap();

        let told = |done: Rewrapped| (done.seen, done.changed, done.stuck);
        assert_eq!(told(rewrap(folder.path(), both()).unwrap()), (2, 2, 0));
        assert_eq!(told(rewrap(folder.path(), both()).unwrap()), (2, 0, 0));
        for path in [&first, &second] {
            assert!(opens(path, Vault::from_bytes(NEW)));
            assert!(!opens(path, Vault::from_bytes(OLD)));
        }
        // what opens under no generation is counted and left as it is
        fs::write(&first, b"\x05torn").unwrap();
        assert_eq!(told(rewrap(folder.path(), both()).unwrap()), (2, 0, 1));
        assert_eq!(fs::read(&first).unwrap(), b"\x05torn");
    }
}
