//! A road to a PostgreSQL server that can lose the answer to a commit.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

/// Forwards every session, until it is told to lose one.
pub struct Proxy {
    folder: TempDir,
    lose: Arc<AtomicBool>,
}

impl Proxy {
    /// Stands before the server whose socket lies in a folder.
    pub fn before(server: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(socket(folder.path())).unwrap();
        let lose = Arc::new(AtomicBool::new(false));
        let (server, losing) = (socket(server), Arc::clone(&lose));
        thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let far = UnixStream::connect(&server).unwrap();
                forward(near, far, Arc::clone(&losing));
            }
        });
        Self { folder, lose }
    }

    /// The url of a database behind it.
    pub fn url(&self, database: &str) -> String {
        let host = self.folder.path().display();
        format!("postgresql:///{database}?host={host}&user=postgres&sslmode=disable")
    }

    /// The next commit reaches the server; its answer never arrives, and the session ends.
    pub fn lose_the_next_commit(&self) {
        self.lose.store(true, Ordering::SeqCst);
    }

    /// Whether a commit was lost since.
    pub fn has_lost(&self) -> bool {
        !self.lose.load(Ordering::SeqCst)
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join(".s.PGSQL.5432")
}

fn forward(near: UnixStream, far: UnixStream, lose: Arc<AtomicBool>) {
    let (mut to_near, mut from_far) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let lost = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&lost);
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(n @ 1..) = from_far.read(&mut bytes) {
            if answers.load(Ordering::SeqCst) || to_near.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        // the answer was read, so the server has committed
        let _ = to_near.shutdown(std::net::Shutdown::Both);
    });
    let (mut from_near, mut to_far) = (near, far);
    thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(n @ 1..) = from_near.read(&mut bytes) {
            let commits = bytes[..n].windows(6).any(|word| word == b"COMMIT");
            if commits && lose.swap(false, Ordering::SeqCst) {
                lost.store(true, Ordering::SeqCst);
            }
            if to_far.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        let _ = to_far.shutdown(std::net::Shutdown::Both);
    });
}
