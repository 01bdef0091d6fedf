//! What is begun by itself: the tax department is asked for a month or sent ours, the ledger is looked at again, or the end
//! of children's cards is announced, by a cron in Viet Nam's time with its working days.
//!
//! Nothing of a schedule is kept in memory alone. What one time begins has a name that every replica makes alike: a
//! request is a parcel of that name, put in once however many put it in, a month of ours is a folder of that name, and a look at the ledger has keys of that name,
//! under which the registry does it once. A pause is a standing order in the store.

mod times;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use certs::digest::sha256;
use gateway_core::{
    Road,
    partner::{Partner, Partners},
    policy,
    ports::{Clock, Heard, Orders, Outbox, ParcelState, Receipts, StoreError},
    stage::today,
};
use insurance::Insurance;
use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::province_set::ProvinceSet,
    fault::Fault,
    id::{MessageId, PartnerId, Period},
    proto::insurance::{AnnounceEndsRequest, Context, RecheckProgressRequest, RecheckRequest},
    wire::tax_records::{Form, Kind, Packing},
};
use tax::taxpayer::{self, MonthWords, sent};
use tokio::{sync::watch, time::Instant};

use crate::{
    bulk::{Bulks, Terms},
    config::{ChunkForm, ChunkPacking, ScheduleLine, ScheduledWork},
};

pub use times::CronTime;

/// Every schedule of this gateway.
pub struct Schedules {
    /// As the config has them.
    pub(crate) lines: Vec<ScheduleLine>,
    /// Where requests wait for their lane.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// What came back.
    pub(crate) receipts: Arc<dyn Receipts>,
    /// How far months have come, and where ours are sent from.
    pub(crate) bulks: Option<Bulks>,
    /// Departments with a lane, and the road that it takes.
    pub(crate) departments: BTreeMap<PartnerId, Road>,
    /// The ledger.
    pub(crate) insurance: Insurance,
    /// Who we are.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
    /// What is paused.
    pub(crate) orders: watch::Receiver<Orders>,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// What this process has seen begun, so that it is not asked for every second.
    pub(crate) begun: Mutex<HashMap<String, String>>,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The store.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// The registry.
    #[error("the registry: {0}")]
    Registry(#[from] Fault),
    /// It cannot be said.
    #[error("{0}")]
    Words(&'static str),
}

/// How far something begun has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// `asked`, `requested`, `receiving`, `comparing`, `checking`; of a month of ours `reading`, `sending`, `comparing`,
    /// `fetching`, `noting`; `done`, `refused`, or the word of a parcel that waits for a person.
    pub(crate) state: String,
    /// 0 to 100.
    pub(crate) percent: u32,
    /// What was found, once it is done.
    pub(crate) found: u64,
    /// Why it is refused or waits.
    pub(crate) reason: String,
}

impl Schedules {
    /// Begins what is due until `stop` turns true.
    pub(crate) async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            for line in &self.lines {
                if let Err(trouble) = self.look(line).await {
                    let schedule = line.name.as_str();
                    tracing::warn!(schedule, %trouble, "a schedule waits; tried again");
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// The schedule of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&ScheduleLine> {
        self.lines.iter().find(|line| line.name.as_str() == name)
    }

    /// Whether an operator has paused it.
    pub(crate) fn is_paused(&self, line: &ScheduleLine) -> bool {
        self.orders
            .borrow()
            .pauses(&line.partner, line.name.as_str())
    }

    /// Begins what fell due last, unless that was too long ago, it is paused, or was begun.
    async fn look(&self, line: &ScheduleLine) -> Result<(), Trouble> {
        let now = self.clock.now();
        let Some(due) = line
            .last(now)
            .filter(|due| !self.is_paused(line) && line.is_in_time(*due, now))
        else {
            return Ok(());
        };
        let Some(run) = line.run_of(due) else {
            return Ok(());
        };
        if self.has_begun(line, &run) {
            return Ok(());
        }
        match line.what {
            ScheduledWork::Employers | ScheduledWork::Persons => self.ask(line, &run).await?,
            ScheduledWork::SendEmployers | ScheduledWork::SendPersons => {
                self.send(line, &run).await?;
            }
            ScheduledWork::Recheck => self.recheck(line, &run).await?,
            ScheduledWork::ChildCards => self.announce(line).await?,
        }
        tracing::info!(
            schedule = line.name.as_str(),
            run = run.id,
            "a schedule's time has come"
        );
        self.note(line, run.id);
        Ok(())
    }

    fn has_begun(&self, line: &ScheduleLine, run: &Run) -> bool {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.get(line.name.as_str()) == Some(&run.id)
    }

    fn note(&self, line: &ScheduleLine, run: String) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.insert(line.name.as_str().to_owned(), run);
    }

    /// Asks for the month of a run; asked again it is the same parcel.
    pub(crate) async fn ask(&self, line: &ScheduleLine, run: &Run) -> Result<(), Trouble> {
        let kind = line.kind().ok_or(Trouble::Words("not-a-month"))?;
        let words = MonthWords {
            manifest: run.id.clone(),
            kind: kind.as_str().to_owned(),
            period: run.period.to_string(),
            provinces: line.provinces.clone(),
        };
        words.question().map_err(Trouble::Words)?;
        let parcel = taxpayer::month_parcel(&line.partner, &words);
        // what is known is not put in again, also where it was settled long ago
        if self.receipts.heard(&parcel.id).await?.is_none() {
            self.outbox.put(vec![parcel]).await?;
        }
        Ok(())
    }

    /// Sends our month of a run, as far as the agreement allows; begun again it is the same month.
    pub(crate) async fn send(&self, line: &ScheduleLine, run: &Run) -> Result<(), Trouble> {
        let bulks = self.bulks.as_ref().ok_or(Trouble::Words("no-bulk"))?;
        let terms = self.terms(line, run)?;
        let announced = sent::manifest_parcel_id(&terms.partner, &terms.id);
        let is_there = bulks.sending(&terms.partner, &terms.id).await?.is_some();
        // what was sent long ago, and forgotten, is not sent again
        if !is_there && self.receipts.heard(&announced).await?.is_some() {
            return Ok(());
        }
        Ok(bulks.begin(terms).await?)
    }

    /// What is sent, and by which agreement. The lane asks the same once more of the manifest and of each chunk.
    fn terms(&self, line: &ScheduleLine, run: &Run) -> Result<Terms, Trouble> {
        let kind = line.kind().ok_or(Trouble::Words("not-a-month"))?;
        let road = self.departments.get(&line.partner);
        let road = *road.ok_or(Trouble::Words("no-lane"))?;
        let provinces = ProvinceSet::parse(&line.provinces);
        let provinces = provinces.ok_or(Trouble::Words("provinces"))?;
        let partners = self.partners.load();
        let partner = partners.get(&line.partner);
        let partner = partner.ok_or(Trouble::Words("no-such-partner"))?;
        let on = today(self.clock.now());
        let permit = sendable(partner, road, kind, (provinces, on));
        let permit = permit.map_err(|denied| Trouble::Words(denied.reason()))?;
        let mut required = sent::required(kind).iter();
        if required.any(|field| permit.withheld().contains(field)) {
            return Err(Trouble::Words(policy::Denied::Field.reason()));
        }
        Ok(Terms {
            partner: line.partner.clone(),
            id: MessageId::parse(&run.id).map_err(|_| Trouble::Words("unreadable-id"))?,
            kind,
            period: run.period,
            provinces,
            form: match line.form {
                ChunkForm::Xml => Form::Xml,
                ChunkForm::Ndjson => Form::Ndjson,
            },
            packing: match line.packing {
                ChunkPacking::Plain => Packing::Plain,
                ChunkPacking::Gzip => Packing::Gzip,
                ChunkPacking::Zstd => Packing::Zstd,
            },
            fields: permit
                .disclosed()
                .iter()
                .map(|&field| field.to_owned())
                .collect(),
            rule: permit.rule().to_owned(),
            purpose: taxpayer::PURPOSE.to_owned(),
        })
    }

    /// How far a month of ours has come, and what its next parcel waits for.
    async fn sending(&self, line: &ScheduleLine, run: &str) -> Result<Option<Progress>, Trouble> {
        let (Some(bulks), Ok(id)) = (&self.bulks, MessageId::parse(run)) else {
            return Ok(None);
        };
        let Some(sending) = bulks.sending(&line.partner, &id).await? else {
            return Ok(None);
        };
        let mut progress = sending.progress;
        if let Some(parcel) = sending.parcel
            && let Some(heard) = self.receipts.heard(&parcel).await?
        {
            let state = heard.story.state;
            if matches!(state, ParcelState::Dead | ParcelState::Poison) {
                state.word().clone_into(&mut progress.state);
            }
            progress.reason = heard.story.reason.unwrap_or_default();
        }
        Ok(Some(progress))
    }

    /// Looks at all that was not looked at since the run's time; each part under a key of the run's name.
    pub(crate) async fn recheck(&self, line: &ScheduleLine, run: &Run) -> Result<(), Trouble> {
        let before = times::begun(&run.id).ok_or(Trouble::Words("no-run"))?;
        for nth in 0_u64.. {
            let request = RecheckRequest {
                context: Some(Context {
                    key: part(&run.id, nth),
                    ..self.context()
                }),
                before: before.to_string(),
                max: AT_ONCE,
                who: format!("schedule {}", line.name),
            };
            let by = Instant::now() + CALL_MAX;
            if self.insurance.recheck(by, request).await?.checked < AT_ONCE {
                break;
            }
        }
        Ok(())
    }

    /// Tells the partner of its births whose child cards end soon: the registry tells each once, however often it is asked.
    pub(crate) async fn announce(&self, line: &ScheduleLine) -> Result<(), Trouble> {
        let mut announced = 0;
        loop {
            let request = AnnounceEndsRequest {
                context: Some(Context {
                    sender: self.partners.load().us().as_str().to_owned(),
                    rule: "schedule".to_owned(),
                    purpose: civil::PURPOSE.to_owned(),
                    ..Context::default()
                }),
                partner: line.partner.as_str().to_owned(),
                max: AT_ONCE,
            };
            let by = Instant::now() + CALL_MAX;
            let told = self.insurance.announce_ends(by, request).await?;
            announced += told.announced;
            if !told.more {
                break;
            }
        }
        if announced > 0 {
            tracing::info!(announced, "children's cards that end soon are announced");
        }
        Ok(())
    }

    /// How far a run has come; none where it was never begun.
    pub(crate) async fn progress(
        &self,
        line: &ScheduleLine,
        run: &str,
    ) -> Result<Option<Progress>, Trouble> {
        if line.what == ScheduledWork::Recheck {
            return self.rechecked(run).await;
        }
        if line.kind().is_none() {
            let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            let done = begun
                .get(line.name.as_str())
                .is_some_and(|last| last == run);
            return Ok(done.then(|| Progress::of("done", 100)));
        }
        if line.sends() {
            return self.sending(line, run).await;
        }
        let parcel = taxpayer::month_parcel_id(&line.partner, run);
        let Some(heard) = self.receipts.heard(&parcel).await? else {
            return Ok(None);
        };
        let told = match (&self.bulks, MessageId::parse(run)) {
            (Some(bulks), Ok(manifest)) => bulks.progress(&line.partner, &manifest).await?,
            _ => None,
        };
        Ok(Some(told.unwrap_or_else(|| asked(&heard))))
    }

    /// How much of the ledger was looked at since a run began: the registry knows, whichever process looks.
    async fn rechecked(&self, run: &str) -> Result<Option<Progress>, Trouble> {
        let Some(before) = times::begun(run) else {
            return Ok(None);
        };
        let request = RecheckProgressRequest {
            context: Some(self.context()),
            before: before.to_string(),
            first: part(run, 0),
        };
        let by = Instant::now() + CALL_MAX;
        let told = self.insurance.recheck_progress(by, request).await?;
        if !told.begun {
            return Ok(None);
        }
        let all = told.checked.saturating_add(told.left);
        Ok(Some(match told.left {
            0 => Progress::of("done", 100),
            _ => {
                let percent = told.checked.saturating_mul(100).checked_div(all);
                // 100 is only what is done
                let percent = percent.and_then(|percent| u32::try_from(percent).ok());
                Progress::of("checking", percent.unwrap_or(0).min(99))
            }
        }))
    }

    fn context(&self) -> Context {
        Context {
            sender: self.partners.load().us().as_str().to_owned(),
            rule: "schedule".to_owned(),
            purpose: taxpayer::PURPOSE.to_owned(),
            ..Context::default()
        }
    }
}

/// The key under which the registry does one part of a look at the ledger.
fn part(run: &str, nth: u64) -> Vec<u8> {
    sha256(format!("schedule/{run}/{nth}").as_bytes()).to_vec()
}

/// Nothing has come yet: how the request stands.
fn asked(heard: &Heard) -> Progress {
    let state = match heard.story.state {
        ParcelState::Done => "requested",
        ParcelState::Waiting | ParcelState::Leased => "asked",
        other => other.word(),
    };
    Progress {
        reason: heard.story.reason.clone().unwrap_or_default(),
        ..Progress::of(state, 0)
    }
}

impl Progress {
    pub(crate) fn of(state: &str, percent: u32) -> Self {
        Self {
            state: state.to_owned(),
            percent,
            found: 0,
            reason: String::new(),
        }
    }
}

/// What one time of a schedule begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its name: that of the manifest which is waited for.
    pub(crate) id: String,
    /// The month.
    pub(crate) period: Period,
}

impl ScheduleLine {
    /// What is asked for or sent; none of a look at the ledger or at cards.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self.what {
            ScheduledWork::Employers | ScheduledWork::SendEmployers => Some(Kind::Employer),
            ScheduledWork::Persons | ScheduledWork::SendPersons => Some(Kind::Person),
            ScheduledWork::Recheck | ScheduledWork::ChildCards => None,
        }
    }

    /// Whether it sends a month of ours.
    pub(crate) fn sends(&self) -> bool {
        matches!(
            self.what,
            ScheduledWork::SendEmployers | ScheduledWork::SendPersons
        )
    }

    /// What the time that fell due then begins.
    pub(crate) fn run_of(&self, due: Timestamp) -> Option<Run> {
        let mut period = Period::of(schemas::date::day_in_viet_nam(due)).ok()?;
        for _ in 0..self.months_back {
            period = period.previous()?;
        }
        Some(self.run(period, &times::stamp(due)))
    }

    /// What an operator begins for a month.
    pub(crate) fn run_by_hand(&self, period: Period, now: Timestamp) -> Run {
        self.run(period, &format!("{}s", times::stamp_to_the_second(now)))
    }

    fn run(&self, period: Period, stamp: &str) -> Run {
        Run {
            id: format!("{}{period}.{stamp}", self.prefix()),
            period,
        }
    }

    /// What the names of its runs begin with.
    pub(crate) fn prefix(&self) -> String {
        format!("run.{}.", self.name)
    }
}

/// What of a month of ours an agreement lets us send to a partner by this road, of these provinces and on this day; a field
/// that it does not grant is withheld.
pub(crate) fn sendable(
    partner: &Partner,
    road: Road,
    kind: Kind,
    (provinces, on): (ProvinceSet, Date),
) -> Result<policy::Permit, policy::Denied> {
    let mut asked: BTreeSet<&'static str> = sent::required(kind).iter().copied().collect();
    if kind == Kind::Person {
        asked.insert(sent::NUMBER);
    }
    policy::decide(&policy::Question {
        partner,
        road,
        proof: taxpayer::RECONCILE.proof,
        operation: &taxpayer::RECONCILE,
        purpose: taxpayer::PURPOSE,
        asked: &asked,
        lines: 1,
        provinces: Some(provinces),
        on,
    })
}

/// How often it is looked whether a time has come.
const EVERY: Duration = Duration::from_secs(1);
const CALL_MAX: Duration = Duration::from_secs(30);
const AT_ONCE: u32 = 500;
