//! A file system that forgets: what was not synced when the power is cut is gone, be it content, size
//! or the entry in the directory. One flat folder, in memory, over FUSE.
//!
//! A sync of a file keeps its content and size; a sync of the folder keeps names. At a cut either
//! nothing more is kept, or each unsynced 512-byte sector by a throw of the dice, as a real disk does, and all
//! names or none.
//!
//! A process of its own serves it. Who opens a database there may wait for the disk in the kernel with its
//! own memory locked; were it also the one that is waited for, both would wait for ever.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use self::{
    child::Child,
    words::{Answer, Ask},
};
pub use self::{
    served::serve,
    words::{Call, Trap},
};
use super::{random::Random, site};

mod child; // the process that serves it, as its user sees it
mod disk; // what is on it, and what would be after a cut
mod mounted; // taken away by somebody who does not serve it
mod served; // the process that serves it, from inside
mod view; // what the kernel sees of it
mod words; // what the two say to each other

/// A mounted folder whose power can be cut. It is gone when this is dropped, or with the process that has it.
pub struct Lossy {
    child: Arc<Mutex<Child>>,
}

impl Lossy {
    /// Mounts an empty disk there.
    ///
    /// # Errors
    /// Where this user may not mount, the machine has no FUSE, or the program that serves it is not built.
    ///
    /// # Panics
    /// Where that program does not say within its bound whether it could.
    pub fn mount(at: &Path) -> io::Result<Self> {
        fs::create_dir_all(at)?;
        let program = site::bench().map_err(io::Error::other)?;
        let mut child = Child::start(&program, at)?;
        match child.hear("whether it is mounted") {
            Ok(Answer::Failed(why)) => {
                child.end();
                Err(io::Error::other(why))
            }
            Ok(_) => {
                let child = Arc::new(Mutex::new(child));
                let watched = Arc::downgrade(&child);
                thread::spawn(move || watch(&watched));
                Ok(Self { child })
            }
            Err(why) => panic!("{why}"),
        }
    }

    /// Puts a file on the disk as if it had always been there.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn load(&self, file: &Path) -> io::Result<()> {
        self.ask(&Ask::Load(std::path::absolute(file)?)).map(drop)
    }

    /// Cuts the power. Whoever used the disk must be dead.
    ///
    /// # Errors
    /// Where the disk cannot be taken away or mounted again.
    pub fn cut(&mut self, random: &mut Random) -> io::Result<()> {
        self.ask(&Ask::Cut(random.draw())).map(drop)
    }

    /// Bytes written and not synced at this moment, and syncs so far.
    ///
    /// # Panics
    /// Where the disk does not answer.
    #[must_use]
    pub fn unsynced(&self) -> (u64, u64) {
        match self.must(&Ask::Unsynced) {
            Answer::Unsynced(bytes, syncs) => (bytes, syncs),
            other => panic!("the disk answered {other:?}"),
        }
    }

    /// From now on the nth call of this kind fails; nothing of it reaches the disk. What a failed sync should
    /// have kept is not tried again, and whoever else has the file open is told once too, as Linux does.
    ///
    /// # Panics
    /// Where the disk does not answer.
    pub fn fail(&self, trap: Option<Trap>) {
        self.must(&Ask::Fail(trap));
    }

    /// Whether the call that was to fail has failed.
    ///
    /// # Panics
    /// Where the disk does not answer.
    #[must_use]
    pub fn sprung(&self) -> bool {
        match self.must(&Ask::Sprung) {
            Answer::Sprung(sprung) => sprung,
            other => panic!("the disk answered {other:?}"),
        }
    }

    /// The id of the process that serves it.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child().id()
    }

    /// How long an answer is waited for; else 30 s. Then the process is killed, and nobody waits for its disk any more.
    /// It is asked every 5 s, also where nobody wants to know.
    pub fn wait_at_most(&self, patience: Duration) {
        self.child().patience = patience;
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        locked(&self.child)
    }

    fn ask(&self, ask: &Ask<&'static str>) -> io::Result<Answer> {
        match self.child().ask(ask)? {
            Answer::Failed(why) => Err(io::Error::other(why)),
            answer => Ok(answer),
        }
    }

    fn must(&self, ask: &Ask<&'static str>) -> Answer {
        self.ask(ask).unwrap_or_else(|why| panic!("{why}"))
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        self.child().end();
    }
}

/// Asks now and then, until nothing can be asked any more: the bench may wait for a killed gateway that waits for a
/// silent disk, and asks the disk nothing meanwhile.
fn watch(child: &Weak<Mutex<Child>>) {
    loop {
        thread::sleep(WATCHED_EVERY);
        let Some(child) = child.upgrade() else {
            return;
        };
        let mut child = locked(&child);
        if child.is_over() {
            return;
        }
        if let Err(why) = child.ask(&Ask::Unsynced) {
            eprintln!("error: {why}");
            return;
        }
    }
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

const WATCHED_EVERY: Duration = Duration::from_secs(5);

/// Writes one line, whole.
fn say(to: &mut impl io::Write, what: &impl serde::Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}
