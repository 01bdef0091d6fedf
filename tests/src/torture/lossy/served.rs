//! The process that serves a disk, from inside. It takes the disk away and ends when nobody can ask it any more.

use std::{
    fs,
    io::{self, BufRead as _},
    mem, panic,
    path::{Path, PathBuf},
    process::{self, ExitCode},
    sync::{Arc, Mutex},
};

use fuser::{BackgroundSession, MountOption};

use super::{
    disk::{Disk, locked},
    mounted::take_away,
    say,
    view::View,
    words::{Answer, Ask},
};
use crate::torture::random::Random;

/// Serves a disk in this folder until the standard input ends, which says what is to happen to it.
#[must_use]
pub fn serve(at: &Path) -> ExitCode {
    // a thread that is gone answers nobody: better none is left, for then the kernel answers
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        told(panic);
        process::abort();
    }));
    let mut served = Served {
        disk: Arc::default(),
        session: None,
        at: at.to_owned(),
    };
    let mut out = io::stdout();
    let mounted = served.plug_in();
    let is_mounted = mounted.is_ok();
    let mut said = say(&mut out, &answer(mounted.map(|()| Answer::Done)));
    if !is_mounted {
        return ExitCode::SUCCESS; // why has been said, and nothing is left behind
    }
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if said.is_err() {
            break;
        }
        let asked = serde_json::from_str(&line).map_err(io::Error::from);
        said = say(&mut out, &answer(asked.and_then(|ask| served.turn(ask))));
    }
    served.end()
}

fn answer(done: io::Result<Answer>) -> Answer {
    done.unwrap_or_else(|error| Answer::Failed(error.to_string()))
}

struct Served {
    disk: Arc<Mutex<Disk>>,
    session: Option<BackgroundSession>,
    at: PathBuf,
}

impl Served {
    fn turn(&mut self, ask: Ask) -> io::Result<Answer> {
        match ask {
            Ask::Load(file) => {
                let content = fs::read(&file)?;
                let name = file.file_name().unwrap_or_default();
                locked(&self.disk).load(name, &content);
            }
            Ask::Cut(seed) => {
                self.unplug()?;
                locked(&self.disk).cut(&mut Random::of(seed, &[]));
                self.plug_in()?;
            }
            Ask::Unsynced => {
                let disk = locked(&self.disk);
                return Ok(Answer::Unsynced(disk.unsynced(), disk.syncs));
            }
            Ask::Fail(trap) => {
                let mut disk = locked(&self.disk);
                (disk.trap, disk.sprung) = (trap, false);
            }
            Ask::Sprung => return Ok(Answer::Sprung(locked(&self.disk).sprung)),
        }
        Ok(Answer::Done)
    }

    fn plug_in(&mut self) -> io::Result<()> {
        let mut config = fuser::Config::default();
        config.mount_options = vec![MountOption::FSName("lossy".to_owned())];
        let view = View(Arc::clone(&self.disk));
        self.session = Some(fuser::spawn_mount(view, &self.at, &config)?);
        Ok(())
    }

    fn unplug(&mut self) -> io::Result<()> {
        if self.session.is_none() {
            return Ok(());
        }
        take_away(&self.at, false)?;
        // the reading thread may see the end of its connection as an error
        match self.session.take().map(BackgroundSession::join) {
            Some(Err(error)) if error.kind() != io::ErrorKind::ConnectionAborted => Err(error),
            _ => Ok(()),
        }
    }

    /// Whoever still has a file open gets errors once this process has ended.
    fn end(mut self) -> ExitCode {
        let Some(session) = self.session.take() else {
            return ExitCode::SUCCESS;
        };
        let taken = take_away(&self.at, true);
        // dropped, it would be taken away a second time, by one who waits for himself
        mem::forget(session);
        match taken {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{}: {error}", self.at.display());
                ExitCode::FAILURE
            }
        }
    }
}
