//! Room 5: an agreement in force allows this sender this operation, for this purpose, by this road,
//! this often; and says which fields may be disclosed.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use jiff::{Timestamp, civil::Date, tz::Offset};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    Parts,
    room::Room,
    verify::{keep, note},
};
use crate::{
    adapter::AnswerHead,
    head::Evidence,
    limits::{Limits, Standing, Tally},
    partner::Environment,
    policy::{self, Question},
    refusal::Refusal,
    state::{Committed, Permitted, Verified},
};

/// Makes [`Permit`].
#[derive(Clone, Debug)]
pub struct PermitLayer {
    parts: Parts,
    limits: Arc<Limits>,
}

impl PermitLayer {
    /// A room with fresh limits.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self::counted_by(parts, None)
    }

    /// The same, its limits counted by a tally that replicas share.
    #[must_use]
    pub fn counted_by(parts: Parts, tally: Option<Arc<dyn Tally>>) -> Self {
        Self {
            parts,
            limits: Arc::new(Limits::of("permit", tally)),
        }
    }
}

impl<S> Layer<S> for PermitLayer {
    type Service = Permit<S>;

    fn layer(&self, inner: S) -> Permit<S> {
        Permit {
            inner,
            room: self.clone(),
        }
    }
}

/// The permit room.
#[derive(Clone, Debug)]
pub struct Permit<S> {
    inner: S,
    room: PermitLayer,
}

impl<S, R> Service<Verified<R>> for Permit<S>
where
    S: Service<Permitted<R>, Response = Committed, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, verified: Verified<R>) -> Self::Future {
        let who = Who::of(&verified);
        let resumed = verified.head.passing.resumed;
        if self.room.limits.is_shared() && !resumed {
            // the count may have to be waited for: the ready service goes along, its clone stays
            let fresh = self.inner.clone();
            let mut inner = std::mem::replace(&mut self.inner, fresh);
            let layer = self.room.clone();
            return Box::pin(async move {
                match layer.permit_counted_elsewhere(verified).await {
                    Ok(permitted) => inner.call(permitted).await,
                    Err(refusal) => Err(layer.noted(refusal, who).await),
                }
            });
        }
        match self.room.permit(verified) {
            Ok(permitted) => Box::pin(self.inner.call(permitted)),
            Err(refusal) if resumed => Box::pin(std::future::ready(Err(refusal))),
            Err(refusal) => {
                let layer = self.room.clone();
                Box::pin(async move { Err(layer.noted(refusal, who).await) })
            }
        }
    }
}

/// Whose message it is, for the note of its refusal.
struct Who {
    peer: PartnerId,
    sender: PartnerId,
}

impl Who {
    fn of<R>(verified: &Verified<R>) -> Self {
        Self {
            peer: verified.head.peer.partner().clone(),
            sender: verified.partner.id.clone(),
        }
    }
}

impl PermitLayer {
    fn permit<R>(&self, verified: Verified<R>) -> Result<Permitted<R>, Refusal> {
        let room = self.enter(&verified);
        let _entered = room.span.clone().entered();
        let resumed = verified.head.passing.resumed;
        let permitted = self.agreed(&verified).and_then(|permit| {
            let (who, what) = (&verified.partner.id, verified.operation.name);
            // a message that is resumed was counted when it came
            let taken = match resumed {
                true => Ok(()),
                false => self.limits.take(who, what, permit.quota()).map(drop),
            };
            taken.map_err(|standing| self.limited(&verified, standing))?;
            Ok(Permitted { verified, permit })
        });
        room.leave(permitted)
    }

    /// The same where replicas share the count.
    async fn permit_counted_elsewhere<R>(
        &self,
        verified: Verified<R>,
    ) -> Result<Permitted<R>, Refusal> {
        let room = self.enter(&verified);
        let span = room.span.clone();
        let permitted = async {
            let permit = self.agreed(&verified)?;
            let (who, what) = (verified.partner.id.clone(), verified.operation.name);
            let taken = self.limits.take_shared(&who, what, permit.quota()).await;
            taken.map_err(|standing| self.limited(&verified, standing))?;
            Ok(Permitted { verified, permit })
        };
        room.leave(permitted.instrument(span).await)
    }

    fn enter<R>(&self, verified: &Verified<R>) -> Room {
        let (path, evidence) = (verified.route.path, verified.head.evidence);
        Room::enter("permit", path, evidence, &self.parts.sight)
    }

    /// The permit that an agreement gives.
    fn agreed<R>(&self, verified: &Verified<R>) -> Result<policy::Permit, Refusal> {
        let forbid = |reason| self.refuse(verified, Fault::new(FaultCode::Forbidden, reason));
        let production = verified.claims.environment == Environment::Production;
        if verified.synthetic && production {
            return Err(forbid("synthetic-subject"));
        }
        policy::decide(&Question {
            partner: &verified.partner,
            road: verified.road,
            proof: verified.proof,
            operation: verified.operation,
            purpose: &verified.purpose,
            asked: &verified.asked,
            lines: verified.lines,
            provinces: verified.provinces,
            on: today(match verified.head.passing.resumed {
                true => verified.head.arrived_at,
                false => self.parts.clock.now(),
            }),
        })
        .map_err(|denied| forbid(denied.reason()))
    }

    fn limited<R>(&self, verified: &Verified<R>, standing: Standing) -> Refusal {
        let limited = Fault::new(FaultCode::RateLimited, "sender-operation");
        self.refuse(verified, limited.retry_after(standing.reset))
            .standing(standing)
    }

    fn refuse<R>(&self, verified: &Verified<R>, fault: Fault) -> Refusal {
        Refusal::of("permit", verified.head.evidence, fault)
            .bound(answer_head(&self.parts, verified))
    }

    async fn noted(&self, refusal: Refusal, who: Who) -> Refusal {
        let note = note(&self.parts, &refusal, who.peer, Some(who.sender));
        keep(self.parts.log.as_ref(), note).await;
        refusal
    }
}

/// The day in Viet Nam: +07:00 all year.
#[must_use]
pub fn today(now: Timestamp) -> Date {
    Offset::constant(7).to_datetime(now).date()
}

/// What our answer to this message is bound to.
pub(super) fn answer_head<R>(parts: &Parts, verified: &Verified<R>) -> AnswerHead {
    let signer = parts.signer.load();
    AnswerHead {
        id: answer_id(),
        // a read that is never remembered still has an id of its sender's, which the answer names
        in_reply_to: match verified.remembered {
            true => verified.id.clone(),
            false => verified.claims.id.clone(),
        },
        request_digest: verified.digest,
        sent_at: parts.clock.now(),
        environment: signer.environment(),
        sender: signer.us().clone(),
        receiver: verified.claims.sender.clone(),
        operation: verified.operation.name.to_owned(),
        evidence: verified.head.evidence,
    }
}

fn answer_id() -> MessageId {
    Evidence::fresh().message_id()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_day_turns_at_midnight_in_viet_nam() {
        let at = |text: &str| today(text.parse().unwrap());
        assert_eq!(at("2026-11-21T16:59:59Z"), date(2026, 11, 21));
        assert_eq!(at("2026-11-21T17:00:00Z"), date(2026, 11, 22));
    }
}
