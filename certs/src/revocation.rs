//! Whether a certificate was taken back: lists (RFC 5280 §5) and OCSP (RFC 6960), and what they say now.
//!
//! [`Revocations`] is what TLS, the verify room and whoever fetches share. An authority that is watched
//! must have spoken, and not too long ago: silence refuses everybody whom it has issued. It refuses to
//! know where lists and answers come from, and keeps no file.

mod issuer;
mod list;
mod ocsp;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use issuer::{BadIssuer, Issuer};
pub use list::{CheckedList, ListError};
pub use ocsp::{OcspError, Question, State, Status};

/// One authority, and by which means it tells what it has taken back.
#[derive(Clone, Debug)]
pub struct Source {
    /// The authority.
    pub issuer: Arc<Issuer>,
    /// It publishes a list, which must be current.
    pub has_list: bool,
    /// It answers OCSP, and must have answered for each certificate.
    pub has_responder: bool,
}

/// Why a certificate of a watched authority is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was taken back.
    #[error("the certificate is revoked")]
    Revoked,
    /// The last list has passed its next update.
    #[error("the revocation list has expired")]
    ListExpired,
    /// The authority has said nothing, or nothing that still holds.
    #[error("the revocation state is unknown")]
    Unknown,
    /// Nobody has asked the responder about this certificate yet.
    #[error("the responder was not asked yet")]
    Unasked,
    /// The certificate could not be read.
    #[error("the certificate could not be read")]
    Unreadable,
}

/// What is known about revocation, shared by all who ask; by default nobody is watched.
#[derive(Debug, Default)]
pub struct Revocations {
    watched: ArcSwap<Vec<Watched>>,
    generation: AtomicU64,
}

#[derive(Debug)]
struct Watched {
    source: Source,
    /// Outlives a change of what is watched.
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    list: Option<Arc<CheckedList>>,
    /// By serial number without leading zeros; `None`: asked for, nothing heard yet.
    statuses: HashMap<Vec<u8>, Entry>,
}

#[derive(Debug)]
struct Entry {
    status: Status,
    question: Arc<Question>,
    used_at: Timestamp,
}

/// Somebody who asks responders; what they have said stands in [`Revocations`] afterwards.
pub trait Ask: Send + Sync {
    /// Asks about a certificate (DER) of which nothing that holds is known; comes back when there is an
    /// answer, or none to be had.
    fn ask<'a>(&'a self, leaf: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

impl Revocations {
    /// Watches these authorities; nothing is known of them yet.
    #[must_use]
    pub fn watching(sources: Vec<Source>) -> Self {
        let known = Self::default();
        known.watch(sources);
        known
    }

    /// Watches these authorities from now on, and no others. What is known of one that was watched already, by the
    /// same name and key, stays; of a new one nothing is known, so that its people wait until it has spoken.
    /// Everybody is judged again.
    pub fn watch(&self, sources: Vec<Source>) {
        let before = self.watched.load();
        let watched = sources.into_iter().map(|source| {
            let same = before.iter().find(|old| old.is_of(&source.issuer));
            let same = same.filter(|old| old.source.issuer.name() == source.issuer.name());
            let known = same.map_or_else(Arc::default, |old| Arc::clone(&old.known));
            Watched { source, known }
        });
        self.watched.store(Arc::new(watched.collect()));
        self.judge_again();
    }

    /// Whether nobody is watched, so that nobody is judged.
    #[must_use]
    pub fn watches_nobody(&self) -> bool {
        self.watched.load().is_empty()
    }

    /// Counts what has changed: while it stands still, nobody need be judged again.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Has everybody judged again, because time has passed.
    pub fn judge_again(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// The list in force of an authority.
    #[must_use]
    pub fn list(&self, issuer: &Issuer) -> Option<Arc<CheckedList>> {
        locked(&*self.known_of(issuer)?).list.clone()
    }

    /// Puts a checked list in force; one that is older than the one in force is refused.
    /// True where it says something new.
    ///
    /// # Errors
    /// [`ListError::Older`], and [`ListError::WrongIssuer`] where nobody watches that authority.
    pub fn put_list(&self, issuer: &Issuer, list: CheckedList) -> Result<bool, ListError> {
        let known = self.known_of(issuer).ok_or(ListError::WrongIssuer)?;
        let mut known = locked(&known);
        let is_new = match &known.list {
            Some(old) => list.follows(old)?,
            None => true,
        };
        known.list = Some(Arc::new(list));
        drop(known);
        if is_new {
            self.judge_again();
        }
        Ok(is_new)
    }

    /// Remembers a responder's checked answer to `question`.
    pub fn put_status(&self, question: &Arc<Question>, status: Status, now: Timestamp) {
        let Some(known) = self.known_of(question.issuer()) else {
            return;
        };
        let mut known = locked(&known);
        let entry = Entry {
            status,
            question: Arc::clone(question),
            used_at: known
                .statuses
                .get(question.serial())
                .map_or(now, |entry| entry.used_at),
        };
        let old = known.statuses.insert(question.serial().to_vec(), entry);
        known.forget(now);
        drop(known);
        if old.is_none_or(|old| old.status.state != status.state) {
            self.judge_again();
        }
    }

    /// What has to be asked about a certificate before it is let in, where its authority answers OCSP and
    /// no answer about it holds.
    #[must_use]
    pub fn question(&self, leaf: &[u8], now: Timestamp) -> Option<Arc<Question>> {
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let serial = bare(certificate.raw_serial());
        let watched = self.watched.load();
        let mut of_it =
            issuers_of(&watched, &certificate).filter(|watched| watched.source.has_responder);
        of_it.find_map(|watched| {
            let mut known = locked(&watched.known);
            if let Some(entry) = known.statuses.get_mut(serial) {
                entry.used_at = now;
                if entry.status.holds_at(now) {
                    return None;
                }
            }
            let issuer = Arc::clone(&watched.source.issuer);
            Question::about(leaf, issuer).ok().map(Arc::new)
        })
    }

    /// What was answered about certificates that were seen lately: to be asked again.
    #[must_use]
    pub fn asked(&self, issuer: &Issuer) -> Vec<Arc<Question>> {
        let Some(known) = self.known_of(issuer) else {
            return Vec::new();
        };
        let known = locked(&known);
        let entries = known.statuses.values();
        entries.map(|entry| Arc::clone(&entry.question)).collect()
    }

    /// Judges a certificate whose path was verified; one whose authority nobody watches passes.
    ///
    /// # Errors
    /// [`Refused`]; a certificate that is on a list is revoked, also when the list has expired.
    pub fn judge(&self, leaf: &[u8], now: Timestamp) -> Result<(), Refused> {
        let watched = self.watched.load();
        if watched.is_empty() {
            return Ok(());
        }
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Refused::Unreadable)?;
        let serial = bare(certificate.raw_serial());
        let mut verdict = Ok(());
        for watched in issuers_of(&watched, &certificate) {
            match watched.judge(serial, now) {
                Err(Refused::Revoked) => return Err(Refused::Revoked),
                refused => verdict = verdict.and(refused),
            }
        }
        verdict
    }

    /// Whether a certificate is known to be taken back; says nothing about what is unknown.
    #[must_use]
    pub fn is_revoked(&self, leaf: &[u8], now: Timestamp) -> bool {
        self.judge(leaf, now) == Err(Refused::Revoked)
    }

    /// What is known of an authority, where it is watched.
    fn known_of(&self, issuer: &Issuer) -> Option<Arc<Mutex<Known>>> {
        let watched = self.watched.load();
        let of_it = watched.iter().find(|watched| watched.is_of(issuer))?;
        Some(Arc::clone(&of_it.known))
    }
}

/// Who may have issued a certificate: by name, and by key where both name one; the path has proven the rest.
fn issuers_of<'a>(
    watched: &'a [Watched],
    leaf: &'a X509Certificate<'a>,
) -> impl Iterator<Item = &'a Watched> {
    watched
        .iter()
        .filter(|watched| watched.source.issuer.may_have_issued(leaf))
}

fn locked(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watched {
    fn is_of(&self, issuer: &Issuer) -> bool {
        self.source.issuer.spki_sha256() == issuer.spki_sha256()
    }

    fn judge(&self, serial: &[u8], now: Timestamp) -> Result<(), Refused> {
        let mut known = locked(&self.known);
        let status = known.statuses.get_mut(serial).map(|entry| {
            // whoever is still connected is still asked about
            entry.used_at = entry.used_at.max(now);
            entry.status
        });
        let list = known.list.as_ref();
        let is_listed = list.is_some_and(|list| list.names(serial));
        if is_listed || status.is_some_and(|status| status.state == State::Revoked) {
            return Err(Refused::Revoked);
        }
        if self.source.has_list {
            match list {
                None => return Err(Refused::Unknown),
                Some(list) if now >= list.next_update() => return Err(Refused::ListExpired),
                Some(_) => {}
            }
        }
        match status {
            _ if !self.source.has_responder => Ok(()),
            None => Err(Refused::Unasked),
            Some(status) if status.state == State::Good && status.holds_at(now) => Ok(()),
            Some(_) => Err(Refused::Unknown),
        }
    }
}

impl Known {
    /// Keeps the answers that somebody asked for lately, and never more than [`STATUSES_MAX`].
    fn forget(&mut self, now: Timestamp) {
        self.statuses
            .retain(|_, entry| now.duration_since(entry.used_at) < REMEMBERED);
        while self.statuses.len() > STATUSES_MAX {
            let oldest = self.statuses.iter().min_by_key(|(_, entry)| entry.used_at);
            let Some(serial) = oldest.map(|(serial, _)| serial.clone()) else {
                return;
            };
            self.statuses.remove(&serial);
        }
    }
}

/// A serial number without the zeros that DER puts before a high bit.
fn bare(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    serial.get(zeros..).unwrap_or_default()
}

/// An answer about a certificate that nobody has shown for this long is forgotten, not asked for again.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
/// Certificates of one authority whose state is remembered: partners are some hundreds.
const STATUSES_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
