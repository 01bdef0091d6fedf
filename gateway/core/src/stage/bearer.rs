//! Before a body byte is read: a partner whose registration demands an access token has shown one, made for
//! us, in time, by the registered issuer, and bound to the certificate that holds the other end.
//!
//! The token speaks for the connection's holder (the peer): at a relay it is the relay's. What the sender
//! itself said is proven in the verify room, with or without a token.

use std::task::{Context, Poll};

use certs::jwt::{self, TokenError};
use futures_util::future::BoxFuture;
use http::header;
use jiff::SignedDuration;
use schemas::fault::{Fault, FaultCode};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{
    Parts,
    room::Room,
    verify::{keep, note},
};
use crate::{
    head::Head,
    partner::TokenRule,
    refusal::Refusal,
    state::{Admitted, Committed},
};

/// How far an issuer's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// How long the key set of an issuer is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// Makes [`Bearer`].
#[derive(Clone, Debug)]
pub struct BearerLayer {
    /// What the rooms share.
    pub parts: Parts,
}

impl<S> Layer<S> for BearerLayer {
    type Service = Bearer<S>;

    fn layer(&self, inner: S) -> Bearer<S> {
        Bearer {
            inner,
            parts: self.parts.clone(),
        }
    }
}

/// Looks at the token where one is demanded; others pass as they are.
#[derive(Clone, Debug)]
pub struct Bearer<S> {
    inner: S,
    parts: Parts,
}

impl<S> Service<Admitted> for Bearer<S>
where
    S: Service<Admitted, Response = Committed, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, admitted: Admitted) -> Self::Future {
        let partners = self.parts.partners.load();
        let peer = admitted.head.peer.partner();
        let rule = partners.get(peer).and_then(|partner| partner.token.clone());
        let Some(rule) = rule else {
            return Box::pin(self.inner.call(admitted));
        };
        // the ready service goes into the future; the clone stays behind
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let parts = self.parts.clone();
        Box::pin(async move {
            let head = &admitted.head;
            let (evidence, peer) = (head.evidence, head.peer.partner().clone());
            let room = Room::enter("verify", admitted.route.path, evidence, &parts.sight);
            let span = room.span.clone();
            let held = check(&parts, head, &rule).instrument(span).await;
            let held = held.map_err(|fault| Refusal::of("verify", evidence, fault));
            if let Err(refusal) = room.leave(held) {
                keep(parts.log.as_ref(), note(&parts, &refusal, peer, None)).await;
                return Err(refusal);
            }
            inner.call(admitted).await
        })
    }
}

async fn check(parts: &Parts, head: &Head, rule: &TokenRule) -> Result<(), Fault> {
    let mut shown = head.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(shown), None) = (shown.next(), shown.next()) else {
        return Err(refused("token-missing"));
    };
    let token = bearer(shown.as_bytes()).ok_or_else(|| refused("token-missing"))?;
    let unproven = jwt::parse(token).map_err(told)?;
    let until = head.deadline.min(tokio::time::Instant::now() + PATIENCE);
    let keys = parts.tokens.keys(rule, unproven.kid());
    let keys = tokio::time::timeout_at(until, keys)
        .await
        .map_err(|_| unavailable("issuer-slow"))?
        .map_err(|unavailable_keys| unavailable(unavailable_keys.0))?;
    let expected = jwt::Expected {
        issuer: &rule.issuer,
        audience: &rule.audience,
        subject: rule.subject.as_deref(),
        algorithms: &rule.algorithms,
        certificate: rule.is_bound.then(|| head.peer.certificate_sha256()),
        now: parts.clock.now(),
        skew: SKEW,
    };
    unproven.verify(&keys, &expected).map(drop).map_err(told)
}

/// The token of `Bearer <token>`; the scheme's letter case is free (RFC 9110 §11.1).
fn bearer(shown: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(shown).ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn refused(reason: &'static str) -> Fault {
    Fault::new(FaultCode::TokenRefused, reason)
}

fn told(error: TokenError) -> Fault {
    refused(error.reason())
}

fn unavailable(reason: &'static str) -> Fault {
    let second = std::time::Duration::from_secs(1);
    Fault::new(FaultCode::AuthorityUnavailable, reason).retry_after(second)
}
