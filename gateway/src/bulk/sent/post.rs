//! The worker that carries months of ours: it puts parcels into the department's lane, reads their receipts, notes what
//! the department found, and ends what is left in the lane of a month that was refused.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use gateway_core::ports::{
    Act, Acted, Deed, Office, Outbox, Parcel, ParcelFilter, ParcelState, Receipts,
};
use schemas::wire::tax::{
    ReconcileState,
    taxpayer::{Answer, Body},
};
use tax::taxpayer::{self, sent as words};
use tokio::{runtime::Handle, sync::watch};

use super::{
    super::{Bulks, Inner, case::OUTCOME, case::Outcome, disk, ours::Trouble},
    Built, Expected, SENT, STAND, Sent, Stand,
};

/// Where parcels go, and what comes back.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) receipts: Arc<dyn Receipts>,
    /// Where parcels of a month that is over are ended.
    pub(crate) office: Arc<dyn Office>,
}

/// The worker of one process; several share the work by the locks of the folders.
pub(crate) struct SentJob(pub(crate) Bulks, pub(crate) Post);

/// How a step ended.
enum Flow {
    /// The department has the next word.
    Wait,
    /// It is over: done, or refused for this reason.
    Over(Option<String>),
}

/// What became of a parcel.
enum Said {
    /// It is on its way, or a person has to look at it.
    Waits,
    /// What the department answered.
    Answered(Answer),
    /// Nothing will come of it any more.
    Gone(&'static str),
}

impl SentJob {
    /// Works until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let Self(Bulks(inner), post) = self;
        loop {
            let (work, hands, stops) = (Arc::clone(&inner), post.clone(), stop.clone());
            let runtime = Handle::current();
            let looked =
                tokio::task::spawn_blocking(move || work.carry(&hands, &runtime, &stops)).await;
            let wait = match looked {
                Ok(true) => SOON,
                Ok(false) => IDLE,
                Err(_) => {
                    tracing::error!("the sending of a month broke off");
                    IDLE
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = inner.begun.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

impl Inner {
    /// Looks at every month of ours once; true where one is under way.
    fn carry(&self, post: &Post, runtime: &Handle, stop: &watch::Receiver<bool>) -> bool {
        let mut under_way = false;
        for (partner, id) in self.all(SENT) {
            if *stop.borrow() {
                return false;
            }
            let sent = match self.sent(&partner, &id) {
                Ok(Some(sent)) => sent,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "a month of ours cannot be opened");
                    continue;
                }
            };
            if !self.has_its_turn(&sent) {
                continue;
            }
            let carrier = Carrier {
                inner: self,
                sent: &sent,
                post,
                runtime,
                stop,
            };
            match carrier.tend() {
                Ok(open) => under_way |= open,
                Err(Trouble::Stopped) => {}
                Err(trouble) => {
                    self.later(&sent);
                    tracing::warn!(manifest = %id, %trouble, "a month of ours waits");
                }
            }
        }
        under_way
    }
}

/// One month in the hands of the worker.
struct Carrier<'a> {
    inner: &'a Inner,
    sent: &'a Sent,
    post: &'a Post,
    runtime: &'a Handle,
    stop: &'a watch::Receiver<bool>,
}

impl Carrier<'_> {
    /// One look; true where it is under way.
    fn tend(&self) -> Result<bool, Trouble> {
        if let Some(outcome) = self.sent.get::<Outcome>(OUTCOME)? {
            let is_clear = self.clear(&outcome)?;
            self.inner.sweep(self.sent, &outcome)?;
            return Ok(!is_clear);
        }
        // another process has it
        let Some(_lock) = self.sent.try_lock()? else {
            return Ok(true);
        };
        if self.sent.is_over() {
            return Ok(false);
        }
        let mut stand = self.sent.stand()?;
        let Flow::Over(refused) = self.step(&mut stand)? else {
            return Ok(true);
        };
        let manifest = &self.sent.terms.id;
        match &refused {
            None => {
                tracing::info!(%manifest, "what the department found in a month of ours is noted")
            }
            Some(reason) => tracing::warn!(%manifest, reason, "a month of ours is refused"),
        }
        self.sent
            .conclude(refused, self.inner.clock.now().as_second())?;
        // what is left of it in the lane is ended at the next look
        Ok(true)
    }

    /// Ends what stands in the lane of a month that was refused: nobody reads what would come of it. What is being sent is
    /// left alone and looked at again. True where nothing is left.
    fn clear(&self, outcome: &Outcome) -> Result<bool, Trouble> {
        let Some(reason) = &outcome.refused else {
            return Ok(true);
        };
        if self.sent.dir.join(CLEARED).exists() {
            return Ok(true);
        }
        // another process has it
        let Some(_lock) = self.sent.try_lock()? else {
            return Ok(true);
        };
        let store = |error: gateway_core::ports::StoreError| Trouble::Registry(disk(error));
        let terms = &self.sent.terms;
        let mut is_clear = true;
        for subject in words::subjects(&terms.partner, &terms.id) {
            let filter = ParcelFilter {
                partner: Some(terms.partner.clone()),
                subject: Some(subject),
                max: OPEN_MAX,
                ..ParcelFilter::default()
            };
            let open = self.runtime.block_on(self.post.office.list(filter));
            let mut open = open.map_err(store)?;
            // from the last one on: none of them comes to the front meanwhile, and is sent
            open.sort_by_key(|parcel| std::cmp::Reverse(parcel.sequence));
            for parcel in open {
                let act = Act {
                    who: WHO.to_owned(),
                    why: format!("the month is over: {reason}"),
                    deed: Deed::Cancel(parcel.id),
                };
                let acted = self.runtime.block_on(self.post.office.act(act));
                is_clear &= !matches!(acted.map_err(store)?, Acted::NotNow("being-sent"));
            }
        }
        if is_clear {
            self.sent.put(CLEARED, &true)?;
        }
        Ok(is_clear)
    }

    fn step(&self, stand: &mut Stand) -> Result<Flow, Trouble> {
        // before it is read: what cannot be read or written ends, too; what is in the ledger in part is brought to its end
        let is_late = self.inner.is_older(self.sent.at, self.inner.wait);
        if is_late && !stand.noting {
            return Ok(refused(match stand.expected {
                None => "no-result-in-time",
                Some(_) => "no-pages-in-time",
            }));
        }
        let built = self.inner.build(self.sent, self.runtime, self.stop)?;
        let Some(built) = built else {
            return Ok(refused("more-chunks-than-a-manifest-has"));
        };
        if let Some(flow) = self.send(stand, &built)? {
            return Ok(flow);
        }
        let expected = match self.result(stand, &built)? {
            Ok(expected) => expected,
            Err(flow) => return Ok(flow),
        };
        match self.fetch(stand, &expected)? {
            Some(flow) => Ok(flow),
            None => self.note(stand, &expected),
        }
    }

    /// Manifest and chunks, until the department has all of them.
    fn send(&self, stand: &mut Stand, built: &Built) -> Result<Option<Flow>, Trouble> {
        let chunks = u32::try_from(built.chunks.len()).unwrap_or(u32::MAX);
        if stand.announced && stand.taken == chunks {
            return Ok(None);
        }
        let terms = &self.sent.terms;
        let manifest = built.manifest(self.sent);
        if !stand.announced {
            let parcel = words::manifest_parcel(&terms.partner, &manifest, &terms.fields);
            match self.say(parcel)? {
                Said::Answered(Answer::Taken(_)) => stand.announced = true,
                other => return Ok(Some(unfit(other))),
            }
            self.sent.put(STAND, stand)?;
        }
        let before = stand.taken;
        let mut ended = None;
        for number in before + 1..=chunks.min(before + AHEAD) {
            let parcel = words::chunk_parcel(&terms.partner, &manifest, number, &terms.fields);
            match parcel.map(|parcel| self.say(parcel)).transpose()? {
                Some(Said::Answered(Answer::Chunk(_))) if stand.taken + 1 == number => {
                    stand.taken = number;
                }
                Some(Said::Waits | Said::Answered(Answer::Chunk(_))) => {}
                Some(other) => {
                    ended = Some(unfit(other));
                    break;
                }
                None => return Ok(Some(refused("chunk-bytes-lost"))),
            }
        }
        if stand.taken > before {
            self.sent.put(STAND, stand)?;
        }
        Ok(match ended {
            None if stand.taken == chunks => None,
            ended => Some(ended.unwrap_or(Flow::Wait)),
        })
    }

    /// What the department says that it found; it is asked again, ever more seldom, while it compares.
    fn result(&self, stand: &mut Stand, built: &Built) -> Result<Result<Expected, Flow>, Trouble> {
        if let Some(expected) = &stand.expected {
            return Ok(Ok(expected.clone()));
        }
        let now = self.inner.clock.now().as_second();
        if stand.asked == 0 {
            (stand.asked, stand.asked_at) = (1, now);
            self.sent.put(STAND, stand)?;
        }
        let page = match self.say(self.sent.question(stand))? {
            Said::Answered(Answer::Page(page)) => page,
            other => return Ok(Err(unfit(other))),
        };
        match page.told.state {
            ReconcileState::Done => match Expected::of(&page, built.records()) {
                Ok(expected) => {
                    stand.expected = Some(expected.clone());
                    self.sent.put(STAND, stand)?;
                    Ok(Ok(expected))
                }
                Err(reason) => Ok(Err(refused(reason))),
            },
            ReconcileState::Refused => {
                let reason = page.told.reason.unwrap_or_default();
                Ok(Err(refused(&format!("refused-there: {reason}"))))
            }
            ReconcileState::Receiving | ReconcileState::Comparing => {
                stand.theirs = page.told.progress.min(100);
                let pause = (1_i64 << stand.asked.min(PAUSE_DOUBLES)).min(PAUSE_SECONDS_MAX);
                if now - stand.asked_at >= pause {
                    (stand.asked, stand.asked_at) = (stand.asked + 1, now);
                }
                self.sent.put(STAND, stand)?;
                Ok(Err(Flow::Wait))
            }
        }
    }

    /// Page by page, each proven against those before it; none where all of them are one whole result.
    fn fetch(&self, stand: &mut Stand, expected: &Expected) -> Result<Option<Flow>, Trouble> {
        let before = stand.held.pages;
        let mut ended = None;
        for number in before + 1..=expected.pages.min(before + AHEAD) {
            match self.say(self.sent.page(number))? {
                Said::Answered(Answer::Page(page)) if stand.held.pages + 1 == number => {
                    if let Err(reason) = stand.held.take(&self.sent.terms, expected, &page) {
                        ended = Some(refused(reason));
                        break;
                    }
                }
                Said::Waits | Said::Answered(Answer::Page(_)) => {}
                other => {
                    ended = Some(unfit(other));
                    break;
                }
            }
        }
        if stand.held.pages > before {
            self.sent.put(STAND, stand)?;
        }
        Ok(match ended {
            None if stand.held.pages < expected.pages => Some(Flow::Wait),
            None => stand
                .held
                .whole(&self.sent.terms, expected)
                .err()
                .map(refused),
            ended => ended,
        })
    }

    /// Into the ledger, as found by them; each page under a key of its own.
    fn note(&self, stand: &mut Stand, expected: &Expected) -> Result<Flow, Trouble> {
        let month = self.sent.month();
        if !stand.noting {
            stand.noting = true;
            self.sent.put(STAND, stand)?;
        }
        for number in stand.noted + 1..=expected.pages {
            if *self.stop.borrow() {
                return Err(Trouble::Stopped);
            }
            let page = match self.say(self.sent.page(number))? {
                Said::Answered(Answer::Page(page)) => page,
                other => return Ok(unfit(other)),
            };
            let lines = page.told.findings;
            self.inner.note_page(&month, number, lines, self.runtime)?;
            stand.noted = number;
            self.sent.put(STAND, stand)?;
        }
        self.inner.conclude(&month, self.runtime, self.stop)?;
        Ok(Flow::Over(None))
    }

    /// What became of a parcel, which is put in where nobody knows it.
    fn say(&self, parcel: Parcel) -> Result<Said, Trouble> {
        let store = |error: gateway_core::ports::StoreError| Trouble::Registry(disk(error));
        let heard = self.runtime.block_on(self.post.receipts.heard(&parcel.id));
        let Some(heard) = heard.map_err(store)? else {
            let aside = self.runtime.block_on(self.post.outbox.put(vec![parcel]));
            return Ok(match aside.map_err(store)?.is_empty() {
                true => Said::Waits,
                false => Said::Gone("parcel-of-another-content"),
            });
        };
        Ok(match (heard.story.state, heard.receipt) {
            (ParcelState::Done, Some(receipt)) => answered(&receipt),
            (ParcelState::Done, None) => Said::Gone("receipt-erased"),
            (ParcelState::Cancelled, _) => Said::Gone("cancelled"),
            _ => Said::Waits,
        })
    }
}

impl Sent {
    /// The parcel that the next word of the department is for.
    pub(super) fn awaited(&self, stand: &Stand, built: &Built) -> Option<Parcel> {
        let (terms, manifest) = (&self.terms, built.manifest(self));
        if !stand.announced {
            let parcel = words::manifest_parcel(&terms.partner, &manifest, &terms.fields);
            return Some(parcel);
        }
        if usize::try_from(stand.taken).is_ok_and(|taken| taken < manifest.chunks.len()) {
            let next = stand.taken + 1;
            return words::chunk_parcel(&terms.partner, &manifest, next, &terms.fields);
        }
        match &stand.expected {
            None => Some(self.question(stand)),
            Some(expected) if stand.held.pages < expected.pages => {
                Some(self.page(stand.held.pages + 1))
            }
            Some(_) => None,
        }
    }

    fn question(&self, stand: &Stand) -> Parcel {
        words::page_parcel(&self.terms.partner, &self.terms.id, 0, stand.asked)
    }

    fn page(&self, number: u32) -> Parcel {
        words::page_parcel(&self.terms.partner, &self.terms.id, number, 1)
    }
}

fn answered(receipt: &Bytes) -> Said {
    match taxpayer::told(receipt).map(|message| message.body) {
        Some(Body::Answer(answer)) => Said::Answered(answer),
        _ => Said::Gone("unreadable-receipt"),
    }
}

/// Nothing has come, or nothing that can be gone on with.
fn unfit(said: Said) -> Flow {
    match said {
        Said::Waits => Flow::Wait,
        Said::Gone(reason) => refused(reason),
        Said::Answered(Answer::Fault(fault)) => {
            let (code, reason) = (fault.code.row().code, fault.reason);
            refused(&format!("department-refuses: {code} {reason}"))
        }
        Said::Answered(_) => refused("unreadable-receipt"),
    }
}

fn refused(reason: &str) -> Flow {
    Flow::Over(Some(reason.to_owned()))
}

/// Nothing of it is left in the lane.
const CLEARED: &str = "cleared";
/// Who ends what is left: no person acts here.
const WHO: &str = "lienthong";
/// Parcels of a month that are open at once, and far more.
const OPEN_MAX: usize = 1_000;
/// Parcels that are put in before those in front of them are answered.
const AHEAD: u32 = 8;
/// How often a month under way is looked at.
const SOON: Duration = Duration::from_millis(250);
const IDLE: Duration = Duration::from_secs(2);
/// Seconds between two questions double so often, up to the most.
const PAUSE_DOUBLES: u32 = 9;
const PAUSE_SECONDS_MAX: i64 = 300;
