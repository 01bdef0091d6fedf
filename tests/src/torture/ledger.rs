//! The client's own ledger: a line per message, on the disk before the client believes it.
//!
//! ```text
//! sent <id> <kind> <business id>
//! acked|refused <id> <kind> <status> <fault or -> <sha-256 of the answer> <evidence>
//! ```

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    str::FromStr,
    sync::mpsc,
};

use tokio::sync::oneshot;

use super::letter::{Kind, Letter};
use crate::client::Reply;

/// A ledger that is written.
#[derive(Debug, Clone)]
pub struct Ledger {
    lines: mpsc::Sender<(String, Option<oneshot::Sender<()>>)>,
    path: PathBuf,
}

impl Ledger {
    /// Opens a new file; a thread of its own writes and syncs, many lines at once.
    #[must_use]
    pub fn create(path: &Path) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        let (lines, queue) = mpsc::channel();
        std::thread::spawn(move || write(file, &queue));
        Self {
            lines,
            path: path.to_owned(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes that a message is about to be sent.
    pub fn sent(&self, letter: &Letter) {
        let Letter {
            id, kind, business, ..
        } = letter;
        let line = format!("sent {id} {kind} {business}\n");
        self.lines.send((line, None)).unwrap();
    }

    /// Notes a final answer; it is on the disk when this resolves.
    pub async fn answered(&self, letter: &Letter, reply: &Reply) {
        let fault = reply.header("lienthong-fault");
        let word = if fault.is_empty() { "acked" } else { "refused" };
        let fault = if fault.is_empty() { "-" } else { fault };
        let line = format!(
            "{word} {} {} {} {fault} {} {}\n",
            letter.id,
            letter.kind,
            reply.status,
            digest(&reply.body),
            reply.evidence(),
        );
        let (told, synced) = oneshot::channel();
        self.lines.send((line, Some(told))).unwrap();
        synced.await.unwrap();
    }
}

/// SHA-256 in hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(certs::digest::sha256(bytes))
}

fn write(mut file: File, queue: &mpsc::Receiver<(String, Option<oneshot::Sender<()>>)>) {
    while let Ok(first) = queue.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(queue.try_iter()).collect();
        let text: String = batch.iter().map(|(line, _)| line.as_str()).collect();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_data().unwrap();
        for told in batch.into_iter().filter_map(|(_, told)| told) {
            let _ = told.send(()); // a sender that is gone needs no word
        }
    }
}

/// One message as the ledger remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it was.
    pub kind: Kind,
    /// The name of the case or dossier in the insurance database; `-` for a read.
    pub business: String,
    /// Its final answer, where there was one.
    pub answer: Option<Answer>,
}

/// A final answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was accepted.
    pub accepted: bool,
    /// The fault's word, or `-`.
    pub fault: String,
    /// SHA-256 of the answer's bytes, hex.
    pub digest: String,
}

/// Reads a ledger back from its file: by sender and message id.
#[must_use]
pub fn read(path: &Path) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words.as_slice() {
            ["sent", id, kind, business] => {
                let entry = Entry {
                    kind: Kind::from_str(kind).unwrap(),
                    business: (*business).to_owned(),
                    answer: None,
                };
                entries.insert((*id).to_owned(), entry);
            }
            [word @ ("acked" | "refused"), id, _, _, fault, digest, _] => {
                let entry = entries.get_mut(*id).expect("sent before it was answered");
                entry.answer = Some(Answer {
                    accepted: *word == "acked",
                    fault: (*fault).to_owned(),
                    digest: (*digest).to_owned(),
                });
            }
            other => panic!("a line that nobody wrote: {other:?}"),
        }
    }
    entries
}
