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
    id::MessageId,
};
use tower::{Layer, Service};

use super::{
    Parts,
    room::Room,
    verify::{keep, note},
};
use crate::{
    adapter::AnswerHead,
    head::Evidence,
    limits::Limits,
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
        Self {
            parts,
            limits: Arc::default(),
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
    S: Service<Permitted<R>, Response = Committed, Error = Refusal>,
    S::Future: Send + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, verified: Verified<R>) -> Self::Future {
        let parts = &self.room.parts;
        let evidence = verified.head.evidence;
        let resumed = verified.head.passing.resumed;
        let room = Room::enter("permit", verified.route.path, evidence, &parts.sight);
        let entered = room.span.clone().entered();
        let peer = verified.head.peer.partner().clone();
        let sender = verified.partner.id.clone();
        let permitted = self.room.permit(verified);
        drop(entered);
        match room.leave(permitted) {
            Ok(permitted) => Box::pin(self.inner.call(permitted)),
            Err(refusal) if resumed => Box::pin(std::future::ready(Err(refusal))),
            Err(refusal) => {
                let note = note(parts, &refusal, peer, Some(sender));
                let log = Arc::clone(&parts.log);
                Box::pin(async move {
                    keep(log.as_ref(), note).await;
                    Err(refusal)
                })
            }
        }
    }
}

impl PermitLayer {
    fn permit<R>(&self, verified: Verified<R>) -> Result<Permitted<R>, Refusal> {
        let refuse = |fault| {
            Refusal::of("permit", verified.head.evidence, fault)
                .bound(answer_head(&self.parts, &verified))
        };
        let forbid = |reason| Fault::new(FaultCode::Forbidden, reason);
        let production = verified.claims.environment == Environment::Production;
        if verified.synthetic && production {
            return Err(refuse(forbid("synthetic-subject")));
        }
        let permit = policy::decide(&Question {
            partner: &verified.partner,
            road: verified.road,
            operation: verified.operation,
            purpose: &verified.purpose,
            asked: &verified.asked,
            on: today(match verified.head.passing.resumed {
                true => verified.head.arrived_at,
                false => self.parts.clock.now(),
            }),
        })
        .map_err(|denied| refuse(forbid(denied.reason())))?;
        let operation = verified.operation.name;
        if verified.head.passing.resumed {
            return Ok(Permitted { verified, permit });
        }
        match self
            .limits
            .take(&verified.partner.id, operation, permit.quota())
        {
            Ok(_) => Ok(Permitted { verified, permit }),
            Err(standing) => {
                let limited = Fault::new(FaultCode::RateLimited, "sender-operation");
                Err(refuse(limited.retry_after(standing.reset)).standing(standing))
            }
        }
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
