//! Looks into registries that speak DCI for what they told and never came: asks by the day of registration, page by page, and has what
//! is not known here registered as a notice is.
//!
//! What is to be asked stands in a note first; the parcel that asks has the note's name, and its receipt is the answer. The note moves
//! on only when everything that the answer names is durable with us, so that whoever is killed, and however many replicas look, a page
//! is taken again or was taken; and a case that is known is not acted upon.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use dci::{
    Registrar,
    pull::{self, Answer, Found, Page, Pulled, Span},
    register_one,
};
use gateway_core::{
    Context, Evidence, Road,
    dci::{DciTerms, Pull},
    partner::{Partner, Partners},
    policy,
    ports::{Clock, Note, Notes, Outbox, ParcelState, Receipts, StoreError},
    seal::sha256,
    stage::today,
};
use insurance::Insurance;
use schemas::{
    fault::Fault,
    id::PartnerId,
    proto::insurance::{self as contract, GetBirthCasesRequest, GetDeathCasesRequest},
    wire::dci::VitalEvent,
};
use tokio::{sync::watch, time::Instant};

use crate::metrics::Metrics;

/// The worker of one registry.
pub(crate) struct Puller {
    /// The registry.
    pub(crate) partner: PartnerId,
    /// What is to be looked for there, as it is registered when it is looked for.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
    /// How far it has come.
    pub(crate) notes: Arc<dyn Notes>,
    /// Where questions go.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// Where answers are.
    pub(crate) receipts: Arc<dyn Receipts>,
    /// Who registers what was found: whoever registers what a notice tells.
    pub(crate) registrar: Arc<dyn Registrar>,
    /// Who knows which cases there are.
    pub(crate) insurance: Insurance,
    /// Where it is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Now.
    pub(crate) clock: Arc<dyn Clock>,
    /// How long one call of the contract may take.
    pub(crate) timeout: Duration,
    /// How often it looks while it waits for an answer, and else.
    pub(crate) idle: (Duration, Duration),
}

/// Registration numbers of the pages of a span that were taken, by event: the span's name, the last of these pages, the numbers.
type Seen = BTreeMap<&'static str, (String, i64, HashSet<String>)>;

/// Why a step did not end.
enum Stuck {
    Store(StoreError),
    /// The insurance database did not answer.
    Insurance(Fault),
}

impl From<StoreError> for Stuck {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a step has done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is more to do at once.
    Moved,
    /// An answer is waited for.
    Asked,
    /// Nothing is to be done now.
    Idle,
}

/// One event at the registry, as it is seen in one step.
struct Seat<'a> {
    partner: &'a Partner,
    terms: &'a DciTerms,
    pull: Pull,
    event: VitalEvent,
    note: Option<&'a Note>,
    pulled: Pulled,
}

impl Puller {
    /// Looks until `stop` turns true.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut seen = Seen::new();
        loop {
            let step = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                step = self.round(&mut seen) => step,
            };
            let wait = match step {
                Step::Moved => continue,
                Step::Asked => self.idle.0,
                Step::Idle => self.idle.1,
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn round(&self, seen: &mut Seen) -> Step {
        let partner = self.partner.as_str();
        match self.events(seen).await {
            Ok(step) => step,
            Err(Stuck::Store(error)) => {
                tracing::warn!(partner, %error, "what was registered waits for the store");
                Step::Idle
            }
            Err(Stuck::Insurance(fault)) => {
                tracing::warn!(partner, %fault, "what was found waits for the insurance database");
                Step::Idle
            }
        }
    }

    async fn events(&self, seen: &mut Seen) -> Result<Step, Stuck> {
        let partners = self.partners.load_full();
        let registered = partners.get(&self.partner).filter(|one| one.active);
        let Some((partner, terms)) =
            registered.and_then(|one| Some((one.as_ref(), one.dci.as_deref()?)))
        else {
            return Ok(Step::Idle);
        };
        let notes = self.notes.notes(&self.partner).await?;
        let mut step = Step::Idle;
        for event in dci::follow::EVENTS {
            let name = pull::note(event);
            let note = notes.iter().find(|note| note.name == name);
            let pulled = match note {
                None => Pulled::default(),
                Some(note) => match Pulled::read(&note.content) {
                    Some(pulled) => pulled,
                    // a newer build keeps it
                    None => continue,
                },
            };
            let seat = Seat {
                partner,
                terms,
                pull: terms.pull.unwrap_or(NOTHING),
                event,
                note,
                pulled,
            };
            step = match (step, self.tend(&seat, seen).await?) {
                (Step::Moved, _) | (_, Step::Moved) => Step::Moved,
                (Step::Asked, _) | (_, Step::Asked) => Step::Asked,
                _ => Step::Idle,
            };
        }
        Ok(step)
    }

    async fn tend(&self, seat: &Seat<'_>, seen: &mut Seen) -> Result<Step, Stuck> {
        let wanted = pull::wants(&seat.pull, seat.event);
        let span = seat.pulled.span.as_ref().filter(|_| wanted);
        if let Some(span) = span {
            return self.ask(seat, span, seen).await;
        }
        let now = (self.now(), today(self.clock.now()));
        match seat
            .pulled
            .next((wanted, &seat.pull), now, || fresh(seat.event))
        {
            Some(next) => self.write(seat, &next).await,
            None => Ok(Step::Idle),
        }
    }

    /// Sees to it that the question is on its way, or takes its answer.
    async fn ask(&self, seat: &Seat<'_>, span: &Span, seen: &mut Seen) -> Result<Step, Stuck> {
        let (pulled, now) = (&seat.pulled, self.now());
        let id = pull::parcel_id(&self.partner, &span.name, span.page);
        let Some(heard) = self.receipts.heard(&id).await? else {
            let parcel = pull::parcel(&self.partner, seat.terms, seat.event, span);
            self.outbox.put(vec![parcel]).await?;
            return Ok(Step::Asked);
        };
        let name = || fresh(seat.event);
        let story = heard.story;
        let next = match (heard.receipt, story.state) {
            (Some(receipt), _) => {
                let most = seat.pull.page_size.saturating_mul(seat.pull.pages_max);
                match pull::read(&receipt, (seat.event, span), most) {
                    Answer::Page(page) => return self.take(seat, span, &page, seen).await,
                    Answer::TooMany => pulled.narrowed(now),
                    Answer::Anew(reason) => pulled.anew(reason, now, name),
                    Answer::No(code) => pulled.refused(code, now),
                }
            }
            (None, ParcelState::Done) => pulled.anew("answer-erased", now, name),
            (None, ParcelState::Dead | ParcelState::Poison | ParcelState::Cancelled) => {
                let word = story.state.word();
                pulled.refused(story.reason.as_deref().unwrap_or(word), now)
            }
            (None, ParcelState::Waiting | ParcelState::Leased) => {
                if pulled.waits != story.reason {
                    let waiting = pulled.waiting(story.reason);
                    self.write(seat, &waiting).await?;
                }
                return Ok(Step::Asked);
            }
        };
        self.write(seat, &next).await
    }

    /// Has everything registered that a page names and nobody has told us, then moves on.
    async fn take(
        &self,
        seat: &Seat<'_>,
        span: &Span,
        page: &Page,
        seen: &mut Seen,
    ) -> Result<Step, Stuck> {
        let (pulled, now, name) = (&seat.pulled, self.now(), || fresh(seat.event));
        let Some(before) = self.before(seat, span, seen).await? else {
            return self
                .write(seat, &pulled.anew("answer-erased", now, name))
                .await;
        };
        let numbers: Vec<&String> = page
            .records
            .iter()
            .filter_map(|one| one.number.as_ref())
            .collect();
        if numbers.iter().any(|&number| before.contains(number)) {
            return self
                .write(seat, &pulled.anew("record-twice", now, name))
                .await;
        }
        let Some(rule) = self.permitted(seat, page) else {
            return self.write(seat, &pulled.refused("not-agreed", now)).await;
        };
        let unknown = self.unknown(seat.event, &page.records).await?;
        if span.missing.is_none() {
            let many = u32::try_from(unknown.len()).unwrap_or(u32::MAX);
            return self.write(seat, &pulled.counted(many)).await;
        }
        let mut refused = 0_u32;
        for &index in &unknown {
            let context = Context {
                key: self.key(span),
                sender: self.partner.clone(),
                rule: rule.clone(),
                purpose: pull::purpose(seat.event).to_owned(),
                deadline: Instant::now() + self.timeout,
            };
            let Some(Ok(what)) = page.records.get(index).map(|one| &one.what) else {
                continue;
            };
            let registrar = self.registrar.as_ref();
            match register_one(registrar, context.part(index), what, page.sent_at).await {
                Ok(()) => {}
                Err(fault) if fault.is_final() => {
                    refused += 1;
                    self.told_no(span, index, &fault);
                }
                Err(fault) => return Err(Stuck::Insurance(fault)),
            }
        }
        let unreadable = page.records.iter().enumerate();
        let unreadable = unreadable
            .filter_map(|(index, one)| Some((index, one.what.as_ref().err()?)))
            .map(|(index, fault)| self.told_no(span, index, fault));
        let rejected =
            refused.saturating_add(u32::try_from(unreadable.count()).unwrap_or(u32::MAX));
        let next = pulled.taken(page, (rejected, refused), now);
        let step = self.write(seat, &next).await?;
        if step == Step::Moved {
            let found = next.found.saturating_sub(pulled.found);
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            self.metrics.reconciled(&self.partner, "registered", found);
            self.metrics.reconciled(&self.partner, "rejected", rejected);
            if let Some((_, upto, known)) = seen.get_mut(seat.event.as_str()) {
                *upto = span.page;
                known.extend(numbers.into_iter().cloned());
            }
        }
        Ok(step)
    }

    /// The numbers of the pages before this one, out of their answers; none where one of those is not kept any more.
    async fn before<'s>(
        &self,
        seat: &Seat<'_>,
        span: &Span,
        seen: &'s mut Seen,
    ) -> Result<Option<&'s HashSet<String>>, Stuck> {
        let fresh = || (span.name.clone(), 0, HashSet::new());
        let known = seen.entry(seat.event.as_str()).or_insert_with(fresh);
        if known.0 != span.name || known.1 >= span.page {
            *known = fresh();
        }
        while known.1 + 1 < span.page {
            let page = known.1 + 1;
            let id = pull::parcel_id(&self.partner, &span.name, page);
            let heard = self.receipts.heard(&id).await?;
            let Some(receipt) = heard.and_then(|heard| heard.receipt) else {
                return Ok(None);
            };
            let asked = Span {
                page,
                ..span.clone()
            };
            let most = i64::MAX;
            let Answer::Page(read) = pull::read(&receipt, (seat.event, &asked), most) else {
                return Ok(None);
            };
            known
                .2
                .extend(read.records.into_iter().filter_map(|one| one.number));
            known.1 = page;
        }
        Ok(Some(&known.2))
    }

    /// The rule under which so many records may be taken; none where no agreement has one.
    fn permitted(&self, seat: &Seat<'_>, page: &Page) -> Option<String> {
        let permit = policy::decide(&policy::Question {
            partner: seat.partner,
            road: Road::Direct,
            proof: dci::PULL.proof,
            operation: &dci::PULL,
            purpose: pull::purpose(seat.event),
            asked: &std::collections::BTreeSet::new(),
            lines: (page.records.len() as u64).max(1),
            provinces: None,
            on: today(self.clock.now()),
        });
        permit.ok().map(|permit| permit.rule().to_owned())
    }

    /// Places of those records that can be read and are no case here.
    async fn unknown(&self, event: VitalEvent, records: &[Found]) -> Result<Vec<usize>, Stuck> {
        let readable: Vec<(usize, String)> = records
            .iter()
            .enumerate()
            .filter_map(|(index, one)| Some((index, one.what.as_ref().ok()?.case_id())))
            .collect();
        let mut unknown = Vec::new();
        for some in readable.chunks(CASES_MAX) {
            let ids = some.iter().map(|(_, id)| id.clone()).collect();
            let known = self.known(event, ids).await.map_err(Stuck::Insurance)?;
            let missing = some.iter().filter(|(_, id)| !known.contains(id));
            unknown.extend(missing.map(|(index, _)| *index));
        }
        Ok(unknown)
    }

    async fn known(
        &self,
        event: VitalEvent,
        case_ids: Vec<String>,
    ) -> Result<HashSet<String>, Fault> {
        let context = Some(contract::Context {
            sender: self.partner.as_str().to_owned(),
            ..contract::Context::default()
        });
        let until = Instant::now() + self.timeout;
        let known: Vec<(String, bool)> = match event {
            VitalEvent::Death => {
                let request = GetDeathCasesRequest { context, case_ids };
                let cases = self.insurance.death_cases(until, request).await?.cases;
                let all = cases.into_iter();
                all.map(|one| (one.case_id, one.known)).collect()
            }
            _ => {
                let request = GetBirthCasesRequest { context, case_ids };
                let cases = self.insurance.birth_cases(until, request).await?.cases;
                let all = cases.into_iter();
                all.map(|one| (one.case_id, one.known)).collect()
            }
        };
        let known = known.into_iter().filter(|(_, known)| *known);
        Ok(known.map(|(id, _)| id).collect())
    }

    /// The parcel's receipt has the record, at this place from 0.
    fn told_no(&self, span: &Span, place: usize, fault: &Fault) {
        let parcel = pull::parcel_id(&self.partner, &span.name, span.page);
        let field = fault.wrong_field();
        tracing::warn!(parcel, place, %fault, field, "a record that was found is refused for good");
    }

    /// What a page does has one key, whoever does it again.
    fn key(&self, span: &Span) -> [u8; 32] {
        let id = pull::parcel_id(&self.partner, &span.name, span.page);
        sha256(format!("dci.pull\0{id}").as_bytes())
    }

    async fn write(&self, seat: &Seat<'_>, next: &Pulled) -> Result<Step, Stuck> {
        let note = Note {
            name: pull::note(seat.event),
            version: seat.note.map_or(0, |note| note.version),
            content: next.write(),
        };
        let is_ours = self.notes.write(&self.partner, note).await?;
        if is_ours && next.refused.is_some() && next.refused != seat.pulled.refused {
            let (partner, event) = (self.partner.as_str(), seat.event.as_str());
            let code = next.refused.as_ref().map(|refused| &*refused.code);
            tracing::warn!(
                partner,
                event,
                code,
                "what was registered is not given to us"
            );
        }
        // somebody else moved it: it is looked at again
        Ok(match is_ours {
            true => Step::Moved,
            false => Step::Asked,
        })
    }

    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }
}

fn fresh(event: VitalEvent) -> String {
    pull::name(event, &Evidence::fresh().to_string())
}

/// Where the file says nothing of it.
const NOTHING: Pull = Pull {
    births: false,
    deaths: false,
    since: None,
    overlap_days: 0,
    window_days: 1,
    page_size: 1,
    pages_max: 1,
    every_seconds: 0,
    again_seconds: 0,
};
/// Cases that the contract tells of at once.
const CASES_MAX: usize = 3;
