//! A birth asks the national population database before a number is given to its child; one that waits for a person since before
//! it was asked is asked about when that person decides.
//!
//! The question is a parcel of the database's lane, recorded before it is sent, and its answer is that parcel's receipt.
//! Whoever carries the birth on, now or after a restart, looks for the same parcel: a question is put in once, and what
//! was answered is read again. While there is no answer the birth is not refused and not done: it waits where any message
//! waits whose outcome is unknown, and recovery or its sender brings it back here.

use std::{sync::Arc, time::Duration};

use gateway_core::ports::{Outbox, Parcel, ParcelState, Receipts, StoreError};
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
    proto::insurance::{
        DecideReviewRequest, PopulationFinding, PopulationVerdict, RegisterBirthRequest,
        SupplementBirthRequest,
    },
};
use tokio::time::Instant;

/// Who asks.
#[derive(Clone)]
pub(crate) struct Population {
    /// The database.
    pub(crate) partner: PartnerId,
    /// Where questions go.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// Where answers are.
    pub(crate) receipts: Arc<dyn Receipts>,
    /// How long whoever puts a question in waits for its answer.
    pub(crate) wait: Duration,
}

/// How a question stands.
enum Stands {
    Unknown,
    Waits,
    /// Nobody but a person brings it on.
    Stuck,
    Answered(bytes::Bytes),
}

impl Population {
    /// Says that nobody is to be given a number before the database was asked.
    pub(crate) fn demand(&self, request: &mut RegisterBirthRequest) {
        request.population = Some(to_be_asked());
    }

    /// The same of what a person decides about a birth that waits.
    pub(crate) fn demand_of_decision(&self, request: &mut DecideReviewRequest) {
        request.population = Some(to_be_asked());
    }

    /// The same of what is sent later about a birth that waits.
    pub(crate) fn demand_of_supplement(&self, request: &mut SupplementBirthRequest) {
        request.population = Some(to_be_asked());
    }

    /// What the database says of the child of a birth. The same key is the same question: it tells of the message or of the
    /// review, and never of whom it is about.
    ///
    /// # Errors
    /// `AUTHORITY-UNAVAILABLE` while it has not answered; the same birth asks again.
    pub(crate) async fn ask(
        &self,
        key: &[u8; 32],
        deadline: Instant,
        birth: &RegisterBirthRequest,
    ) -> Result<PopulationFinding, Fault> {
        let child = birth.child.as_ref();
        let child = child.ok_or_else(|| Fault::new(FaultCode::Internal, "population-of-nobody"))?;
        let parcel = civil::population::parcel(&self.partner, key, child);
        let id = parcel.id.clone();
        let mut until = Instant::now();
        if matches!(self.stands(&id).await?, Stands::Unknown) {
            self.put(parcel).await?;
            // only whoever asks first waits: those who come again look whether the answer is there
            until += self.wait;
            let latest = deadline.checked_sub(LEFT_FOR_THE_REST);
            until = latest.map_or(until, |latest| until.min(latest));
        }
        loop {
            match self.stands(&id).await? {
                Stands::Answered(receipt) => return found(birth, &receipt),
                Stands::Stuck => return Err(unanswered("population-question-stuck")),
                Stands::Unknown | Stands::Waits if Instant::now() >= until => {
                    tracing::info!(question = id, "a birth waits for the population database");
                    return Err(unanswered("population-unanswered"));
                }
                Stands::Unknown | Stands::Waits => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn stands(&self, id: &str) -> Result<Stands, Fault> {
        let heard = self.receipts.heard(id).await.map_err(store)?;
        Ok(match heard {
            None => Stands::Unknown,
            Some(heard) => match (heard.story.state, heard.receipt) {
                (ParcelState::Done, Some(receipt)) => Stands::Answered(receipt),
                (ParcelState::Waiting | ParcelState::Leased, _) => Stands::Waits,
                _ => Stands::Stuck,
            },
        })
    }

    async fn put(&self, parcel: Parcel) -> Result<(), Fault> {
        let aside = self.outbox.put(vec![parcel]).await.map_err(store)?;
        match aside.is_empty() {
            true => Ok(()),
            false => Err(Fault::new(FaultCode::Internal, "population-question")),
        }
    }
}

fn to_be_asked() -> PopulationFinding {
    PopulationFinding {
        verdict: PopulationVerdict::ToBeAsked.into(),
        ..PopulationFinding::default()
    }
}

fn found(birth: &RegisterBirthRequest, receipt: &[u8]) -> Result<PopulationFinding, Fault> {
    let citizens = civil::population::told(receipt)
        .ok_or_else(|| Fault::new(FaultCode::Internal, "population-receipt"))?;
    Ok(civil::population::compare(birth, &citizens))
}

/// Nothing was done, and the same message under the same id comes to its end.
fn unanswered(reason: &'static str) -> Fault {
    Fault::new(FaultCode::AuthorityUnavailable, reason).retry_after(AGAIN_AFTER)
}

fn store(error: StoreError) -> Fault {
    Fault::new(FaultCode::JournalUnavailable, "store").log(error.to_string())
}

/// The reason by which the registry says that the database has to be asked first.
pub(crate) const NOT_ASKED: &str = "population-not-asked";
const AGAIN_AFTER: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// What the registry, the signature and the commit need after the answer.
const LEFT_FOR_THE_REST: Duration = Duration::from_secs(5);
