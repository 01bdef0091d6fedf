//! Our own month on its way to a department: read from behind the insurance contract into chunks that lie here until they
//! are taken; then what the department found in it, page by page, and into the ledger as found by them.
//!
//! What stands of it is one file that is renamed into place, and whatever is said to the department is a parcel under a name
//! of its own: any process that sees the folder goes on where another died, and nothing is said or noted twice.

mod build;
mod people;
mod post;
mod result;

use std::{
    collections::BTreeSet,
    io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
};

use certs::digest;
use futures_util::future::BoxFuture;
use gateway_core::{bulk::Ticket, outbound::Crowd};
use jiff::ToSpan as _;
use schemas::{
    codes::province_set::ProvinceSet,
    date::day_in_viet_nam,
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId, Period},
    proto::insurance::Party as Side,
    wire::tax_records::{CHUNK_BYTES_MAX, Form, Kind, Packing, Party},
};
use serde::{Deserialize, Serialize};
use tax::{
    compare::Tolerance,
    reconcile::{Announced, Manifest, Totals},
    taxpayer::sent::{Chunk, Months, Unsent},
};

use super::{Bulks, Inner, aside, case::OUTCOME, case::Outcome, disk, ledger::Month, place::Place};

pub(crate) use post::{Post, SentJob};

use build::Built;
use result::{Expected, Held};

/// What is to be sent, and as which agreement allows.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) partner: PartnerId,
    /// The manifest's id.
    pub(crate) id: MessageId,
    pub(crate) kind: Kind,
    pub(crate) period: Period,
    pub(crate) provinces: ProvinceSet,
    pub(crate) form: Form,
    pub(crate) packing: Packing,
    /// The fields that are sent, in the words of agreements.
    pub(crate) fields: BTreeSet<String>,
    /// Which rule permits it.
    pub(crate) rule: String,
    pub(crate) purpose: String,
}

/// The same as it lies in the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Wanted {
    partner: String,
    id: String,
    kind: String,
    period: String,
    provinces: Vec<String>,
    form: String,
    packing: String,
    fields: BTreeSet<String>,
    rule: String,
    purpose: String,
    /// The day after which a discrepancy that nobody settled expires.
    due_on: String,
    /// When it was begun, seconds since 1970.
    at: i64,
    /// How far the sides may differ, as the config had it then: a later look at the ledger counts by it.
    tolerance: Option<Tolerance>,
}

/// A month of ours in its folder.
pub(super) struct Sent {
    place: Place,
    terms: Terms,
    due_on: String,
    at: i64,
    tolerance: Tolerance,
}

/// How far it has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Stand {
    /// The department has its manifest.
    announced: bool,
    /// Chunks that it has taken.
    taken: u32,
    /// How often it was asked what it found, and when last, seconds since 1970.
    asked: u32,
    asked_at: i64,
    /// How far it said that it is, per cent.
    theirs: u32,
    /// What it said that its pages hold.
    expected: Option<Expected>,
    /// What they held, as far as they are proven.
    held: Held,
    /// The ledger is written to from now on: some of it may be in there already.
    #[serde(default)]
    noting: bool,
    /// Pages that are in the ledger for certain.
    noted: u32,
}

/// How far a month of ours has come, for whoever looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) progress: crate::schedules::Progress,
    /// The parcel that is waited for.
    pub(crate) parcel: Option<String>,
}

impl Deref for Sent {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
    }
}

impl Bulks {
    /// Begins to send a month; the same again changes nothing.
    ///
    /// # Errors
    /// `CONFLICT` where another month was begun under this name; the folder.
    pub(crate) async fn begin(&self, terms: Terms) -> Result<(), Fault> {
        self.aside(move |inner| inner.begin(&terms)).await?;
        self.0.begun.notify_one();
        Ok(())
    }

    /// How far it has come; none where it was never begun.
    ///
    /// # Errors
    /// The folder.
    pub(crate) async fn sending(
        &self,
        partner: &PartnerId,
        id: &MessageId,
    ) -> Result<Option<Sending>, Fault> {
        let (partner, id) = (partner.clone(), id.clone());
        self.aside(move |inner| {
            let told = inner.sent(&partner, &id).and_then(|sent| match sent {
                Some(sent) => sent.told().map(Some),
                None => Ok(None),
            });
            told.map_err(disk)
        })
        .await
    }
}

impl Months for Bulks {
    fn chunk<'a>(
        &'a self,
        partner: &'a PartnerId,
        ticket: &'a Ticket,
    ) -> BoxFuture<'a, Result<Chunk, Unsent>> {
        let (inner, partner, ticket) = (Arc::clone(&self.0), partner.clone(), ticket.clone());
        let read = aside(move || Ok(inner.chunk(&partner, &ticket)));
        Box::pin(async move { read.await.unwrap_or(Err(Unsent::UNREAD)) })
    }

    /// One chunk at a time is unpacked and read.
    fn persons<'a>(
        &'a self,
        partner: &'a PartnerId,
        ticket: &'a Ticket,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Unsent>> {
        let (inner, partner, ticket) = (Arc::clone(&self.0), partner.clone(), ticket.clone());
        Box::pin(async move {
            let _turn = self.0.readers.acquire().await.map_err(|_| Unsent::UNREAD)?;
            let read = aside(move || Ok(inner.persons(&partner, &ticket)));
            read.await.unwrap_or(Err(Unsent::UNREAD))
        })
    }
}

impl Inner {
    fn begin(&self, terms: &Terms) -> Result<(), Fault> {
        let dir = self.sent_dir(&terms.partner, &terms.id);
        let name = key_name(&terms.partner, &terms.id);
        let due = day_in_viet_nam(self.clock.now()).saturating_add(i64::from(self.due).days());
        let wanted = Wanted {
            partner: terms.partner.to_string(),
            id: terms.id.to_string(),
            kind: terms.kind.as_str().to_owned(),
            period: terms.period.to_string(),
            provinces: terms.provinces.words(),
            form: terms.form.as_str().to_owned(),
            packing: terms.packing.as_str().to_owned(),
            fields: terms.fields.clone(),
            rule: terms.rule.clone(),
            purpose: terms.purpose.clone(),
            due_on: due.to_string(),
            at: self.clock.now().as_second(),
            tolerance: Tolerance::in_force(terms.period, &self.tolerances),
        };
        let made = match dir.exists() {
            true => Ok(()),
            false => Place::make(&self.vault, &name, &dir, (WANTED, &wanted)),
        };
        // where it is there already, or somebody else was quicker, it has to be the same
        match self.sent(&terms.partner, &terms.id).map_err(disk)? {
            Some(there) if there.terms.is_like(terms) => Ok(()),
            Some(_) => Err(Fault::new(FaultCode::Conflict, "same-id-other-content")),
            None => made.map_err(disk),
        }
    }

    /// A month of ours by its department and manifest.
    fn sent(&self, partner: &PartnerId, id: &MessageId) -> io::Result<Option<Arc<Sent>>> {
        let dir = self.sent_dir(partner, id);
        let Some(sealed) = Place::key(&dir)? else {
            return Ok(None);
        };
        let open = |sealed: &[u8]| self.unlock_sent(&dir, &key_name(partner, id), sealed);
        self.sent.get(&dir, sealed, open).map(Some)
    }

    fn unlock_sent(&self, dir: &Path, name: &str, sealed: &[u8]) -> io::Result<Sent> {
        let place = Place::open(&self.vault, name, dir, sealed)?;
        let wanted: Option<Wanted> = place.get(WANTED)?;
        let sent = wanted.and_then(|wanted| Sent::of(place, wanted));
        sent.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a folder without its terms"))
    }

    fn sent_dir(&self, partner: &PartnerId, id: &MessageId) -> PathBuf {
        self.root.join(partner.as_str()).join(format!("{SENT}{id}"))
    }

    /// The chunk of a ticket, while the month is under way.
    fn chunk(&self, partner: &PartnerId, ticket: &Ticket) -> Result<Chunk, Unsent> {
        let sent = read(self.sent(partner, &ticket.chunk.manifest))?;
        if sent.is_over() {
            return Err(Unsent::OVER);
        }
        let number = ticket.chunk.number;
        let manifest = read(sent.built())?.manifest(&sent);
        let announced = manifest.chunk(number).ok_or(Unsent::LOST)?;
        let most = u64::try_from(CHUNK_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = read(sent.bytes(number, most))?;
        match digest::sha256(&bytes) == ticket.sha256 && ticket.sha256 == announced.digest {
            true => Ok(Chunk {
                bytes: bytes.into(),
                records: announced.totals.records,
                amount: announced.totals.amount,
            }),
            false => Err(Unsent::LOST),
        }
    }

    /// The persons of whom the chunk of a ticket tells.
    fn persons(&self, partner: &PartnerId, ticket: &Ticket) -> Result<Option<Crowd>, Unsent> {
        let sent = read(self.sent(partner, &ticket.chunk.manifest))?;
        let chunk = self.chunk(partner, ticket)?;
        people::told(&sent.terms, &chunk.bytes).ok_or(Unsent::UNREADABLE)
    }
}

/// What has to lie in the folder: a disk that gives nothing now may give it later; what is not there, or is not what was
/// written, never comes back.
fn read<T>(found: io::Result<Option<T>>) -> Result<T, Unsent> {
    match found {
        Ok(found) => found.ok_or(Unsent::LOST),
        Err(error) if error.raw_os_error().is_some() => {
            tracing::warn!(%error, "a chunk of ours cannot be read now");
            Err(Unsent::UNREAD)
        }
        Err(error) => {
            tracing::error!(%error, "a chunk of ours is not what was written");
            Err(Unsent::LOST)
        }
    }
}

impl Terms {
    fn is_like(&self, other: &Self) -> bool {
        let what = |one: &Self| (one.kind, one.period, one.provinces.words());
        what(self) == what(other)
    }
}

impl Sent {
    fn of(place: Place, wanted: Wanted) -> Option<Self> {
        Some(Self {
            place,
            terms: Terms {
                partner: PartnerId::parse(&wanted.partner).ok()?,
                id: MessageId::parse(&wanted.id).ok()?,
                kind: Kind::parse(&wanted.kind)?,
                period: Period::parse(&wanted.period).ok()?,
                provinces: ProvinceSet::parse(&wanted.provinces)?,
                form: Form::parse(&wanted.form)?,
                packing: Packing::parse(&wanted.packing)?,
                fields: wanted.fields,
                rule: wanted.rule,
                purpose: wanted.purpose,
            },
            due_on: wanted.due_on,
            at: wanted.at,
            tolerance: wanted.tolerance.unwrap_or(Tolerance::STRICT),
        })
    }

    /// It has an outcome; nothing of it is sent any more.
    fn is_over(&self) -> bool {
        self.dir.join(OUTCOME).exists()
    }

    fn stand(&self) -> io::Result<Stand> {
        Ok(self.get(STAND)?.unwrap_or_default())
    }

    /// What was read of the registry, once all of it was.
    fn built(&self) -> io::Result<Option<Built>> {
        let built: Option<Built> = self.get(build::BUILT)?;
        Ok(built.filter(|built| built.over))
    }

    /// As the registry is asked and told about it.
    fn month(&self) -> Month<'_> {
        Month {
            partner: self.terms.partner.as_str(),
            rule: &self.terms.rule,
            purpose: &self.terms.purpose,
            id: &self.terms.id,
            kind: self.terms.kind,
            period: self.terms.period,
            scope: self.terms.provinces,
            due_on: &self.due_on,
            tolerance: self.tolerance,
            by: Side::Tax,
        }
    }

    /// A fifth is reading, two are sending, one is theirs, the last is what they found.
    fn told(&self) -> io::Result<Sending> {
        use crate::schedules::Progress;
        let share = |part: u32, whole: u32, most: u32| match whole {
            0 => most,
            whole => part.min(whole) * most / whole,
        };
        let (stand, outcome) = (self.stand()?, self.get::<Outcome>(OUTCOME)?);
        let found = stand.held.found;
        if let Some(outcome) = outcome {
            let state = match outcome.refused {
                Some(_) => "refused",
                None => "done",
            };
            let progress = Progress {
                found,
                reason: outcome.refused.unwrap_or_default(),
                ..Progress::of(state, 100)
            };
            return Ok(Sending {
                progress,
                parcel: None,
            });
        }
        let Some(built) = self.built()? else {
            return Ok(Sending {
                progress: Progress::of("reading", 0),
                parcel: None,
            });
        };
        let chunks = u32::try_from(built.chunks.len()).unwrap_or(u32::MAX);
        let (state, percent) = match &stand.expected {
            None if !stand.announced || stand.taken < chunks => {
                ("sending", 20 + share(stand.taken, chunks, 39))
            }
            None => ("comparing", 60 + share(stand.theirs, 100, 19)),
            Some(expected) if stand.held.pages < expected.pages => {
                ("fetching", 80 + share(stand.held.pages, expected.pages, 9))
            }
            Some(expected) => ("noting", 90 + share(stand.noted, expected.pages, 9)),
        };
        let awaited = self.awaited(&stand, &built);
        Ok(Sending {
            progress: Progress::of(state, percent),
            parcel: awaited.map(|parcel| parcel.id),
        })
    }

    fn conclude(&self, refused: Option<String>, at: i64) -> io::Result<()> {
        self.put(OUTCOME, &Outcome { refused, at })
    }
}

impl Built {
    /// How many records it has.
    fn records(&self) -> u64 {
        let chunks = self.chunks.iter().filter_map(build::Line::announced);
        chunks.map(|chunk| chunk.totals.records).sum()
    }

    /// The manifest of what was read.
    fn manifest(&self, sent: &Sent) -> Manifest {
        let none = Totals::default();
        let chunks: Vec<Announced> = self
            .chunks
            .iter()
            .filter_map(build::Line::announced)
            .collect();
        Manifest {
            id: sent.terms.id.clone(),
            party: Party::Si,
            kind: sent.terms.kind,
            period: sent.terms.period,
            scope: sent.terms.provinces,
            form: sent.terms.form,
            packing: sent.terms.packing,
            totals: chunks.iter().fold(none, |sum, chunk| Totals {
                records: sum.records + chunk.totals.records,
                amount: sum.amount + chunk.totals.amount,
            }),
            chunks,
        }
    }
}

fn key_name(partner: &PartnerId, id: &MessageId) -> String {
    format!("bulk key of ours\0{partner}\0{id}")
}

/// Before a manifest's id in the name of its folder.
pub(super) const SENT: &str = "o-";
const WANTED: &str = "wanted";
const STAND: &str = "stand";
