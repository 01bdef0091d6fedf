//! Room 7: the canonical request goes to the insurance contract, under the claim's key and the
//! message's deadline.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use schemas::fault::{Fault, FaultCode};
use tower::Service;
use tracing::Instrument;

use super::{Parts, room::Room};
use crate::{
    adapter::{Adapter, Context as Effect},
    refusal::Refusal,
    state::Recorded,
};

/// The perform room: the innermost service.
#[derive(Debug)]
pub struct Perform<A> {
    /// What the rooms share.
    pub parts: Parts,
    /// The words.
    pub adapter: Arc<A>,
}

impl<A> Clone for Perform<A> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            adapter: Arc::clone(&self.adapter),
        }
    }
}

impl<A: Adapter> Service<Arc<Recorded<A::Request>>> for Perform<A> {
    type Response = A::Outcome;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<A::Outcome, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, recorded: Arc<Recorded<A::Request>>) -> Self::Future {
        let adapter = Arc::clone(&self.adapter);
        let sight = Arc::clone(&self.parts.sight);
        Box::pin(async move {
            let verified = &recorded.permitted.verified;
            let evidence = verified.head.evidence;
            let room = Room::enter("perform", verified.route.path, evidence, &sight);
            let span = room.span.clone();
            let deadline = verified.head.deadline;
            let effect = adapter.perform(context(&recorded), recorded.permit(), &verified.request);
            crate::faultpoint!("perform-before");
            let outcome = tokio::time::timeout_at(deadline, effect.instrument(span)).await;
            crate::faultpoint!("perform-after");
            let outcome =
                outcome.unwrap_or_else(|_| Err(Fault::new(FaultCode::DeadlineExceeded, "perform")));
            room.leave(outcome.map_err(|fault| Refusal::of("perform", evidence, fault)))
        })
    }
}

fn context<R>(recorded: &Recorded<R>) -> Effect {
    let verified = &recorded.permitted.verified;
    Effect {
        key: effect_key(
            verified.claims.sender.as_str(),
            verified.id.as_str(),
            verified.operation.name,
        ),
        sender: verified.claims.sender.clone(),
        rule: recorded.permit().rule().to_owned(),
        purpose: verified.purpose.clone(),
        deadline: verified.head.deadline,
    }
}

/// The name of one effect: the same message has the same one for ever.
fn effect_key(sender: &str, id: &str, operation: &str) -> [u8; 32] {
    let mut hash = certs::digest::Sha256::new();
    for part in [sender, id, operation] {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_an_effect_key_cannot_flow_into_each_other() {
        assert_ne!(effect_key("ab", "c", "d"), effect_key("a", "bc", "d"));
        assert_eq!(effect_key("a", "b", "c"), effect_key("a", "b", "c"));
    }
}
