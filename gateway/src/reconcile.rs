//! Reconciliation: each window of a partner is asked about once, and what the partner has lost is put in
//! again. What it says that it sent and we never saw is told.
//!
//! A pull travels as a parcel of the partner's lane: lease, limit, breaker, retry and journal are the
//! lane's. Every replica plans and judges; the store lets each be done once.

use std::{sync::Arc, time::Duration};

use gateway_core::{
    ports::{
        Acted, Again, Answered, Clock, Judgement, Pull, PullBook, StoreError, Telling, Told, Window,
    },
    reconcile::{Held, Pulls},
};
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};
use tokio::sync::watch;

use crate::{config, metrics::Metrics};

/// One partner's reconciliation.
pub struct Reconcile {
    /// The partner.
    pub partner: PartnerId,
    /// When it is asked about what.
    pub schedule: config::Reconcile,
    /// Its words.
    pub words: Arc<dyn Pulls>,
    /// What is planned, told and judged.
    pub book: Arc<dyn PullBook>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Reconcile {
    /// Plans and judges until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let idle = Duration::from_millis(self.schedule.every_seconds * 250).clamp(IDLE.0, IDLE.1);
        loop {
            if let Err(error) = self.round().await {
                let partner = self.partner.as_str();
                tracing::warn!(partner, %error, "reconciliation waits for the store");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        self.plan().await?;
        for answered in self.book.answered(&self.partner, AT_ONCE).await? {
            self.judge(&answered).await?;
        }
        Ok(())
    }

    async fn plan(&self) -> Result<(), StoreError> {
        let planned = self.book.planned(&self.partner).await?;
        let mut pulls = Vec::new();
        for window in due(&self.schedule, planned, self.clock.now()) {
            pulls.push(self.asked(window).await?);
        }
        if pulls.is_empty() {
            return Ok(());
        }
        let new = self.book.plan(pulls).await?;
        if new > 0 {
            tracing::info!(partner = self.partner.as_str(), new, "pulls planned");
        }
        Ok(())
    }

    /// The pull of a window, and the parcel that asks.
    async fn asked(
        &self,
        window: Window,
    ) -> Result<(Pull, gateway_core::ports::Parcel), StoreError> {
        let pull = Pull {
            partner: self.partner.clone(),
            window,
        };
        let telling = self.telling(&pull).await?;
        let parcel = self.words.parcel(&pull, &telling);
        Ok((pull, parcel))
    }

    async fn telling(&self, pull: &Pull) -> Result<Telling, StoreError> {
        self.book.telling(pull, self.words.subjects_max()).await
    }

    async fn judge(&self, answered: &Answered) -> Result<(), StoreError> {
        let pull = &answered.pull;
        let judgement = match self.words.read(&answered.asked, &answered.answer) {
            Ok(held) => self.compare(pull, held).await?,
            Err(reason) => {
                tracing::error!(pull = pull.id(), reason, "a pull's answer cannot be read");
                nothing(pull, format!("the answer cannot be read: {reason}"))
            }
        };
        let told = judgement.clone();
        match self.book.judge(judgement).await? {
            Acted::Done => self.tell(&told),
            // another replica did it, or what it was based on has moved: looked at again
            Acted::AlreadySo | Acted::NotFound => {}
            Acted::NotNow(reason) => {
                tracing::info!(pull = pull.id(), reason, "a pull is judged later");
            }
        }
        Ok(())
    }

    async fn compare(&self, pull: &Pull, held: Box<dyn Held>) -> Result<Judgement, StoreError> {
        let more = held.more();
        if more && let Some(halves) = pull.window.halves() {
            let mut judgement = nothing(pull, "more than one answer holds: in halves".to_owned());
            for half in halves {
                judgement.instead.push(self.asked(half).await?);
            }
            return Ok(judgement);
        }
        let compared = compare(pull, &self.telling(pull).await?, held.as_ref());
        let in_window = |(id, at): (MessageId, Timestamp)| pull.window.holds(at).then_some(id);
        let sent = held.sent().into_iter().filter_map(in_window).collect();
        let never_came = self.book.never_came(&self.partner, sent).await?;
        let mut judgement = compared.judgement(pull, &never_came, more);
        if !never_came.is_empty() {
            let wanted = self.words.wanted(pull, &never_came);
            judgement.wanted.extend(wanted);
        }
        Ok(judgement)
    }

    fn tell(&self, found: &Judgement) {
        let again = count(found.again.len());
        let lost = again + found.given_up;
        for (outcome, many) in [
            ("held", found.compared.saturating_sub(lost)),
            ("again", again),
            ("given-up", found.given_up),
            ("never-came", found.never_came),
        ] {
            self.metrics.reconciled(&self.partner, outcome, many);
        }
        let pull = found.pull.id();
        if lost + found.never_came == 0 {
            tracing::info!(pull, compared = found.compared, "a pull found all in order");
            return;
        }
        tracing::warn!(
            pull,
            compared = found.compared,
            again,
            given_up = found.given_up,
            never_came = found.never_came,
            "a pull found what was lost; `lienthong reconcile show` names it"
        );
    }
}

/// The windows that are due: each ends at a whole multiple of `every`, and is asked about `lag` after it.
/// None is left out, however long nobody planned; a partner that was never asked begins with the newest.
fn due(schedule: &config::Reconcile, planned: Option<Timestamp>, now: Timestamp) -> Vec<Window> {
    let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let (every, length) = (
        seconds(schedule.every_seconds).max(1),
        seconds(schedule.window_seconds),
    );
    let floor = |second: i64| second - second.rem_euclid(every);
    let newest = floor(
        now.as_second()
            .saturating_sub(seconds(schedule.lag_seconds)),
    );
    let first = planned.map_or(newest, |end| floor(end.as_second()) + every);
    let ends = (0..PLANNED_AT_ONCE).map(|nth| first + nth * every);
    ends.take_while(|end| *end <= newest)
        .filter_map(|end| Window::between(end - length, end))
        .collect()
}

/// What came of a comparison.
#[derive(Debug, Default)]
struct Compared {
    compared: u32,
    again: Vec<Told>,
    given_up: Vec<Told>,
}

/// Everything of a subject from the first lost on goes again, in its order: the partner takes what it
/// holds for a repetition, and what it does not hold in its turn.
fn compare(pull: &Pull, telling: &Telling, held: &dyn Held) -> Compared {
    let mut all = Compared::default();
    for of_subject in telling
        .told
        .chunk_by(|one, next| one.subject == next.subject)
    {
        let has = |told: &Told| held.has(told).filter(|_| told.at < pull.window.until());
        all.compared += count(of_subject.iter().filter_map(has).count());
        let Some(first) = of_subject.iter().position(|told| has(told) == Some(false)) else {
            continue;
        };
        let rest = of_subject.get(first..).unwrap_or_default();
        let too_often = rest
            .iter()
            .any(|told| told.healed >= HEALED_MAX && has(told) == Some(false));
        match too_often {
            true => all.given_up.extend(rest.iter().cloned()),
            false => all.again.extend(rest.iter().cloned()),
        }
    }
    all
}

impl Compared {
    fn judgement(self, pull: &Pull, never_came: &[MessageId], more: bool) -> Judgement {
        let parcels = |told: &[Told]| named(told.iter().map(|told| told.id.as_str()));
        let mut words = format!(
            "{} compared; go again: {}; lost too often: {}; never came: {}",
            self.compared,
            parcels(&self.again),
            parcels(&self.given_up),
            named(never_came.iter().map(MessageId::as_str)),
        );
        if more {
            words.push_str("; there is more in this second than one answer holds");
        }
        let again = self.again.into_iter().map(|told| Again {
            id: told.id,
            receipt: told.receipt,
        });
        Judgement {
            compared: self.compared,
            again: again.collect(),
            given_up: count(self.given_up.len()),
            never_came: count(never_came.len()),
            ..nothing(pull, words)
        }
    }
}

fn nothing(pull: &Pull, words: String) -> Judgement {
    Judgement {
        pull: pull.clone(),
        compared: 0,
        again: Vec::new(),
        given_up: 0,
        never_came: 0,
        words,
        instead: Vec::new(),
        wanted: Vec::new(),
    }
}

fn named<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = ids.collect();
    match all.as_slice() {
        [] => "none".to_owned(),
        some => some.join(" "),
    }
}

fn count(many: usize) -> u32 {
    u32::try_from(many).unwrap_or(u32::MAX)
}

/// The shortest and the longest wait between two rounds.
const IDLE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));
/// Pulls that are judged in one round.
const AT_ONCE: usize = 16;
/// Windows that are planned in one round; after a long stop the rest follows in the next.
const PLANNED_AT_ONCE: i64 = 24;
/// A partner that loses the same parcel so often is a matter for a person.
pub(crate) const HEALED_MAX: u32 = 3;

#[cfg(test)]
mod tests;
