//! The files of messages: copied as they lie, under the key that is no part of the backup, and put back beside what lies there.
//!
//! They are copied after the store, so that whatever the copied store calls answered has its files in the copy. A file is known by
//! its digest and never changes: one that lies there is left alone, and nothing is overwritten.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use schemas::id::PartnerId;

use super::{
    Backup, BackupError,
    files::{self, Workshop},
};
use crate::{config::Config, papers};

/// Copies what is whole below the folder of papers; gives the names inside the backup.
pub(super) fn take(config: &Config, work: &Path) -> Result<Vec<String>, BackupError> {
    let mut copied = Vec::new();
    let Some(from) = config.papers.as_ref().map(|papers| &papers.path) else {
        return Ok(copied);
    };
    for sender in listed(from)? {
        if PartnerId::parse(&sender).is_err() {
            continue;
        }
        for name in listed(&from.join(&sender))? {
            let (place, entry) = (
                format!("{PAPERS}/{sender}/{name}"),
                from.join(&sender).join(&name),
            );
            if papers::is_promise(&name) {
                copied.extend(one(&entry, work, place)?);
            } else if papers::is_file(&name) {
                copied.extend(folder(&entry, work, &place)?);
            }
        }
    }
    Ok(copied)
}

/// A file's folder, its key last; nothing of one that goes away meanwhile.
fn folder(from: &Path, work: &Path, place: &str) -> Result<Vec<String>, BackupError> {
    let mut names = listed(from)?;
    // one that is not whole has an ending
    names.retain(|name| !name.contains('.'));
    names.sort_by_key(|name| name == papers::KEY);
    let is_whole = names.last().is_some_and(|name| name == papers::KEY);
    let mut copied = Vec::new();
    for name in names.into_iter().filter(|_| is_whole) {
        match one(&from.join(&name), work, format!("{place}/{name}"))? {
            Some(name) => copied.push(name),
            None => {
                let half = work.join(place);
                if half.exists() {
                    fs::remove_dir_all(&half).map_err(BackupError::at(&half))?;
                }
                return Ok(Vec::new());
            }
        }
    }
    Ok(copied)
}

/// One file; none where it has gone meanwhile.
fn one(from: &Path, work: &Path, place: String) -> Result<Option<String>, BackupError> {
    let to = work.join(&place);
    let parent = files::parent(&to);
    fs::create_dir_all(&parent).map_err(BackupError::at(&parent))?;
    if !from.exists() {
        return Ok(None);
    }
    match files::copy(from, &to) {
        Err(BackupError::File(_, error)) if error.kind() == io::ErrorKind::NotFound => {
            let _ = fs::remove_file(&to);
            Ok(None)
        }
        copied => copied.map(|_| Some(place)),
    }
}

/// Puts the files of a backup where the config says; gives how many there were not yet.
pub(super) fn put_back(config: &Config, backup: &Backup) -> Result<u64, BackupError> {
    let mut places: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for line in &backup.manifest().files {
        let mut parts = line.name.split('/');
        let Some(PAPERS) = parts.next() else { continue };
        let named = (parts.next(), parts.next(), parts.next(), parts.next());
        let (sender, name, inner) = match named {
            (Some(sender), Some(name), inner, None) => (sender, name, inner.unwrap_or_default()),
            _ => return Err(no_place(backup, &line.name)),
        };
        let is_ours = PartnerId::parse(sender).is_ok()
            && (papers::is_promise(name) && inner.is_empty()
                || papers::is_file(name) && !inner.is_empty() && !inner.contains('.'));
        if !is_ours {
            return Err(no_place(backup, &line.name));
        }
        places.entry((sender, name)).or_default().push(inner);
    }
    if places.is_empty() {
        return Ok(0);
    }
    let Some(root) = config.papers.as_ref().map(|papers| &papers.path) else {
        let what = "the backup holds files of messages and the config has no [papers]";
        return Err(BackupError::Config(what.to_owned()));
    };
    let mut put = 0;
    for ((sender, name), inner) in places {
        let place = root.join(sender).join(name);
        if !place.exists() {
            install(backup, &format!("{PAPERS}/{sender}/{name}"), &inner, &place)?;
            put += u64::from(papers::is_file(name));
        }
    }
    Ok(put)
}

/// Under another name until it is whole and on the disk.
fn install(backup: &Backup, named: &str, inner: &[&str], place: &Path) -> Result<(), BackupError> {
    let parent = files::parent(place);
    fs::create_dir_all(&parent).map_err(BackupError::at(&parent))?;
    // what begins with a dot is nobody's, and goes away by itself
    let work =
        Workshop::make(parent.join(format!(".restoring-{}", gateway_core::Evidence::fresh())))?;
    let is_folder = inner.iter().all(|inner| !inner.is_empty());
    for inner in inner {
        let (name, to) = match is_folder {
            true => (format!("{named}/{inner}"), work.path().join(inner)),
            false => (named.to_owned(), work.path().join("whole")),
        };
        let (from, line) = backup.file(&name).ok_or_else(|| no_place(backup, &name))?;
        if !line.is(&files::copy(&from, &to)?) {
            let what = "it changed while it was copied".to_owned();
            return Err(BackupError::Changed { name, what });
        }
    }
    files::sync_folder(work.path())?;
    let staged: PathBuf = match is_folder {
        true => work.path().to_owned(),
        false => work.path().join("whole"),
    };
    fs::rename(&staged, place).map_err(BackupError::at(place))?;
    if is_folder {
        work.keep();
    }
    files::sync_folder(&parent)
}

fn no_place(backup: &Backup, name: &str) -> BackupError {
    BackupError::NotABackup(
        backup.folder.clone(),
        format!("{name} is no file of a message"),
    )
}

fn listed(folder: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(BackupError::at(folder))?,
    };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().into_string());
    let mut names: Vec<String> = names.filter_map(Result::ok).collect();
    names.sort();
    Ok(names)
}

/// The folder of files inside a backup.
pub(super) const PAPERS: &str = "papers";
