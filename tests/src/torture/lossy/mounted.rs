//! A disk is taken away by a process that does not serve it: what was written may still have to be taken from
//! the one who asks, and a server that waits for itself cannot even be killed.

use std::{
    io::{self, Read as _},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Takes the disk away from there; with `lazily` also while files on it are open.
pub(super) fn take_away(at: &Path, lazily: bool) -> io::Result<()> {
    let mut command = match rustix::process::geteuid().is_root() {
        true => {
            let mut umount = Command::new("umount");
            umount.arg(if lazily { "-il" } else { "-i" });
            umount
        }
        false => {
            let mut umount = Command::new("fusermount3");
            umount.arg(if lazily { "-uz" } else { "-u" });
            umount
        }
    };
    command.arg(at).stdin(Stdio::null()).stdout(Stdio::null());
    let mut running = command.stderr(Stdio::piped()).spawn()?;
    let Some(status) = end_of(&mut running, TAKEN_WITHIN)? else {
        let why = format!("{} was not taken away in {TAKEN_WITHIN:?}", at.display());
        return Err(io::Error::other(why));
    };
    let mut why = String::new();
    if let Some(mut said) = running.stderr.take() {
        said.read_to_string(&mut why)?;
    }
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(why.trim().to_owned())),
    }
}

/// How a process ended, if it did within this time.
pub(super) fn end_of(child: &mut Child, within: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        match child.try_wait()? {
            None if begun.elapsed() < within => std::thread::sleep(Duration::from_millis(2)),
            ended => return Ok(ended),
        }
    }
}

const TAKEN_WITHIN: Duration = Duration::from_secs(20);
