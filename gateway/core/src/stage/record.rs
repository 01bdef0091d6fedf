//! Room 6: known already? Its stored answer, at any age. Unknown and fresh? Claimed and journaled
//! (T1) before anything is done; answered, journaled and done (T2) before anything is said.
//!
//! From T1 on the work runs in a task of its own, since hyper drops a handler whose client has gone:
//! a client that hangs up changes nothing.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::header;
use schemas::fault::{Fault, FaultCode};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tracing::Instrument;

use super::{
    Parts,
    answer::Prepared,
    permit::answer_head,
    room::Room,
    verify::{keep, note},
};
use crate::{
    adapter::Effect,
    attest::Attested,
    head::Evidence,
    ports::{Claimed, Entry, Known, StoreError, StoredAnswer},
    refusal::Refusal,
    state::{Committed, Permitted, Recorded, Verified},
};

/// How long a duplicate waits for the first of its kind before it is told to ask again.
const WAIT_FOR_TWIN: Duration = Duration::from_secs(2);
/// With less time than this left nothing is begun: no claim, no effect, nothing to be recovered.
const LEAST: Duration = Duration::from_millis(10);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Makes [`Record`].
#[derive(Clone, Debug)]
pub struct RecordLayer {
    /// What the rooms share.
    pub parts: Parts,
}

impl<S> Layer<S> for RecordLayer {
    type Service = Record<S>;

    fn layer(&self, inner: S) -> Record<S> {
        Record {
            inner,
            parts: self.parts.clone(),
        }
    }
}

/// The record room.
#[derive(Clone, Debug)]
pub struct Record<S> {
    inner: S,
    parts: Parts,
}

impl<S, R> Service<Permitted<R>> for Record<S>
where
    S: Service<Arc<Recorded<R>>, Response = Prepared, Error = Refusal> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + Sync + 'static,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted<R>) -> Self::Future {
        let parts = self.parts.clone();
        let evidence = permitted.verified.head.evidence;
        let claims = claims(&permitted.verified);
        let head = answer_head(&parts, &permitted.verified);
        let until = permitted.verified.head.deadline + GRACE;
        let desk = Desk {
            parts: self.parts.clone(),
        };
        let run = desk.run(self.inner.clone(), permitted).in_current_span();
        let task = self.parts.tasks.spawn(run);
        Box::pin(async move {
            let refuse = |fault| Err(Refusal::of("record", evidence, fault).bound(head));
            match tokio::time::timeout_at(until, task).await {
                Ok(Ok(outcome)) => outcome,
                // a panic's own text could quote a name: only its kind is told
                Ok(Err(error)) => {
                    let kind = if error.is_panic() {
                        "panicked"
                    } else {
                        "cancelled"
                    };
                    if claims {
                        give_back(&parts, evidence).await;
                    }
                    refuse(Fault::new(FaultCode::Internal, "record-task").log(kind))
                }
                // the task goes on: whoever asks again under the same id gets its answer
                Err(_) => refuse(Fault::new(FaultCode::DeadlineExceeded, "record")),
            }
        })
    }
}

/// How long after the deadline an answer that is being written is still waited for.
const GRACE: Duration = Duration::from_millis(500);

/// Where one message is opened (T1), acted upon and closed (T2).
struct Desk {
    parts: Parts,
}

/// What T1 said.
enum Opened {
    /// Ours to act upon.
    Ours,
    /// Answered before.
    Answered(StoredAnswer),
}

impl Desk {
    async fn run<S, R>(self, inner: S, permitted: Permitted<R>) -> Result<Committed, Refusal>
    where
        S: Service<Arc<Recorded<R>>, Response = Prepared, Error = Refusal>,
    {
        let verified = &permitted.verified;
        let (path, evidence) = (verified.route.path, verified.head.evidence);
        let operation = verified.operation.name;
        let sender = verified.claims.sender.clone();
        let room = Room::enter("record", path, evidence, &self.parts.sight);
        let span = room.span.clone();
        let parts = self.parts.clone();
        let opened = self.open(&permitted).instrument(span).await;
        let refuse =
            |fault| Refusal::of("record", evidence, fault).bound(answer_head(&parts, verified));
        let objected = opened.as_ref().err() == verified.objection.as_ref() && opened.is_err();
        let opened = match room.leave(opened.map_err(refuse)) {
            Err(refusal) if objected => {
                let peer = verified.head.peer.partner().clone();
                let noted = note(&parts, &refusal, peer, Some(sender));
                keep(parts.log.as_ref(), noted).await;
                return Err(refusal);
            }
            opened => opened?,
        };
        let answer = match opened {
            Opened::Answered(answer) => answer,
            Opened::Ours => self.act(inner, permitted).await?,
        };
        let outcome = if answer.fault.is_some() {
            "refused"
        } else {
            "done"
        };
        parts.sight.answered(sender.as_str(), operation, outcome);
        Ok(Committed { answer, operation })
    }

    /// T1, or what makes it unnecessary.
    async fn open<R>(&self, permitted: &Permitted<R>) -> Result<Opened, Fault> {
        let verified = &permitted.verified;
        if Instant::now() + LEAST > verified.head.deadline {
            return Err(Fault::new(FaultCode::DeadlineExceeded, "no-time-left"));
        }
        if let Some(objection) = objection(verified) {
            return self.objected(permitted, objection).await;
        }
        match (verified.remembered, verified.operation.effect) {
            (false, _) if !verified.fresh => Err(stale()),
            (false, _) => Ok(Opened::Ours),
            (true, Effect::Read) => self.look_up(permitted).await,
            (true, Effect::Change) => self.claim(permitted).await,
        }
    }

    /// What was taken before keeps its answer; what is new is not taken.
    async fn objected<R>(
        &self,
        permitted: &Permitted<R>,
        objection: &Fault,
    ) -> Result<Opened, Fault> {
        if !permitted.verified.remembered {
            return Err(objection.clone());
        }
        match self.known(permitted).await? {
            Known::Same(answer) => Ok(Opened::Answered(answer)),
            Known::Conflict => Err(conflict()),
            Known::InProgress => self.wait_for_twin(permitted).await,
            Known::Unknown => Err(objection.clone()),
        }
    }

    /// A read that is in its window is most likely new, and doing it once more harms nobody: the write of
    /// its answer tells whether it was known. Only an old one is looked for first.
    async fn look_up<R>(&self, permitted: &Permitted<R>) -> Result<Opened, Fault> {
        let verified = &permitted.verified;
        if verified.fresh {
            return Ok(Opened::Ours);
        }
        match self.known(permitted).await? {
            Known::Same(answer) => Ok(Opened::Answered(answer)),
            Known::Conflict => Err(conflict()),
            Known::InProgress => self.wait_for_twin(permitted).await,
            Known::Unknown => Err(stale()),
        }
    }

    async fn claim<R>(&self, permitted: &Permitted<R>) -> Result<Opened, Fault> {
        match self.try_claim(permitted).await? {
            Some(opened) => Ok(opened),
            None => self.wait_for_twin(permitted).await,
        }
    }

    /// Nothing where somebody else is acting upon it.
    async fn try_claim<R>(&self, permitted: &Permitted<R>) -> Result<Option<Opened>, Fault> {
        crate::faultpoint!("t1-before");
        let claimed = self.parts.log.claim(entry(permitted)).await;
        crate::faultpoint!("t1-after");
        match claimed {
            Ok(Claimed::New) => Ok(Some(Opened::Ours)),
            Ok(Claimed::Same(answer)) => Ok(Some(Opened::Answered(answer))),
            Ok(Claimed::Conflict) => Err(conflict()),
            Ok(Claimed::Stale) => Err(stale()),
            Ok(Claimed::Recovering) => Err(recovering()),
            Ok(Claimed::InProgress) => Ok(None),
            // what cannot be written can still be read
            Err(error) => match first_answer(&self.parts, &permitted.verified).await {
                Some(answer) => Ok(Some(Opened::Answered(answer))),
                None => Err(unavailable(&error)),
            },
        }
    }

    async fn wait_for_twin<R>(&self, permitted: &Permitted<R>) -> Result<Opened, Fault> {
        let until = (Instant::now() + WAIT_FOR_TWIN).min(permitted.verified.head.deadline);
        while Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.known(permitted).await? {
                Known::Same(answer) => return Ok(Opened::Answered(answer)),
                Known::Conflict => return Err(conflict()),
                Known::InProgress => {}
                Known::Unknown => {
                    if let Some(opened) = self.take_over(permitted).await? {
                        return Ok(opened);
                    }
                }
            }
        }
        Err(Fault::new(FaultCode::InProgress, "twin").retry_after(Duration::from_secs(1)))
    }

    /// The twin gave its claim back: whoever waits takes it up, unless another was quicker.
    async fn take_over<R>(&self, permitted: &Permitted<R>) -> Result<Option<Opened>, Fault> {
        if let Some(objection) = objection(&permitted.verified) {
            return Err(objection.clone());
        }
        if !claims(&permitted.verified) {
            return Ok(Some(Opened::Ours));
        }
        self.try_claim(permitted).await
    }

    async fn known<R>(&self, permitted: &Permitted<R>) -> Result<Known, Fault> {
        let verified = &permitted.verified;
        self.parts
            .log
            .known(&verified.claims.sender, &verified.id, &verified.digest)
            .await
            .map_err(|error| unavailable(&error))
    }

    /// Perform, answer, T2.
    async fn act<S, R>(self, inner: S, permitted: Permitted<R>) -> Result<StoredAnswer, Refusal>
    where
        S: Service<Arc<Recorded<R>>, Response = Prepared, Error = Refusal>,
    {
        let recorded = Arc::new(Recorded { permitted });
        let closed = match inner.oneshot(Arc::clone(&recorded)).await {
            Ok(prepared) => close(&self.parts, &recorded, prepared).await,
            Err(refusal) => self.known_after_all(&recorded, refusal).await,
        };
        if closed.is_err() && claims(&recorded.permitted.verified) {
            give_back(&self.parts, recorded.permitted.verified.head.evidence).await;
        }
        closed
    }

    /// A read is not looked for before it is done: one that cannot be done now may have been answered
    /// before, and its stored answer is good at any age.
    async fn known_after_all<R>(
        &self,
        recorded: &Recorded<R>,
        refusal: Refusal,
    ) -> Result<StoredAnswer, Refusal> {
        let verified = &recorded.permitted.verified;
        if claims(verified) || !verified.remembered {
            return Err(refusal);
        }
        first_answer(&self.parts, verified).await.ok_or(refusal)
    }
}

/// Whether a message is claimed (T1) before it is acted upon.
fn claims<R>(verified: &Verified<R>) -> bool {
    verified.remembered && verified.operation.effect == Effect::Change
}

/// What is objected to in a message; one that is resumed was taken when it came.
fn objection<R>(verified: &Verified<R>) -> Option<&Fault> {
    let objection = verified.objection.as_ref();
    objection.filter(|_| !verified.head.passing.resumed)
}

/// T2: only what is committed may leave.
async fn close<R>(
    parts: &Parts,
    recorded: &Recorded<R>,
    prepared: Prepared,
) -> Result<StoredAnswer, Refusal> {
    let verified = &recorded.permitted.verified;
    let evidence = verified.head.evidence;
    let Prepared {
        answer,
        parcels,
        accesses,
    } = prepared;
    let written = if claims(verified) {
        crate::faultpoint!("t2-before");
        let commit = parts
            .log
            .commit(evidence, answer.clone(), parcels, accesses);
        let committed = commit.await;
        crate::faultpoint!("t2-after");
        committed.map(|()| Claimed::New)
    } else {
        crate::faultpoint!("read-before");
        let entry = entry(&recorded.permitted);
        let record = parts.log.record(entry, answer.clone(), accesses);
        let recorded = record.await;
        crate::faultpoint!("read-after");
        recorded
    };
    let refuse =
        |fault| Err(Refusal::of("record", evidence, fault).bound(answer_head(parts, verified)));
    match written {
        Ok(Claimed::New) => Ok(answer),
        Ok(Claimed::Same(first)) => Ok(first),
        Ok(Claimed::Conflict) => refuse(conflict()),
        Ok(Claimed::Stale) => refuse(stale()),
        Ok(Claimed::Recovering) => refuse(recovering()),
        Ok(Claimed::InProgress) => refuse(Fault::new(FaultCode::InProgress, "twin")),
        // another holder may have answered; and what cannot be written can still be read
        Err(error) => match first_answer(parts, verified).await {
            Some(first) => Ok(first),
            None if claims(verified) => refuse(uncommitted(&error)),
            None => refuse(unavailable(&error)),
        },
    }
}

/// Another holder may have answered: its answer is the answer.
async fn first_answer<R>(parts: &Parts, verified: &Verified<R>) -> Option<StoredAnswer> {
    let (sender, id) = (&verified.claims.sender, &verified.id);
    match parts.log.known(sender, id, &verified.digest).await {
        Ok(Known::Same(answer)) => Some(answer),
        _ => None,
    }
}

/// The effect is done and its answer could not be written: ask again, and recovery answers.
fn uncommitted(error: &StoreError) -> Fault {
    Fault::new(FaultCode::InProgress, "answer-not-committed")
        .retry_after(Duration::from_secs(1))
        .log(error.to_string())
}

/// An unknown outcome: the claim goes back, so that the next try may ask again under the same key.
async fn give_back(parts: &Parts, evidence: Evidence) {
    if let Err(error) = parts.log.release(evidence).await {
        tracing::warn!(%evidence, %error, "claim not given back; its lease will end");
    }
}

fn entry<R>(permitted: &Permitted<R>) -> Entry {
    let verified = &permitted.verified;
    let head = &verified.head;
    let content_type = head.headers.get(header::CONTENT_TYPE);
    Entry {
        evidence: head.evidence,
        sender: verified.claims.sender.clone(),
        id: verified.id.clone(),
        operation: verified.operation.name,
        digest: verified.digest,
        received_at: head.arrived_at,
        sent_at: verified.claims.sent_at,
        fresh: verified.fresh,
        peer: head.peer.partner().clone(),
        peer_certificate: *head.peer.certificate_sha256(),
        road: verified.road.as_str(),
        path: head.path.clone(),
        proof: verified.proof.as_str(),
        rule: permitted.permit.rule().to_owned(),
        purpose: verified.purpose.clone(),
        fields: permitted
            .permit
            .disclosed()
            .iter()
            .copied()
            .collect::<Vec<_>>()
            .join(","),
        content_type: content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        signature: verified.signature.clone(),
        attested: head.attested().map(Attested::record),
        body: verified.body.clone(),
    }
}

fn conflict() -> Fault {
    Fault::new(FaultCode::Conflict, "same-id-other-content")
}

fn stale() -> Fault {
    Fault::new(FaultCode::Stale, "outside-window")
}

/// What was done since the backup was taken is forgotten here: beginning again is a person's decision.
fn recovering() -> Fault {
    Fault::new(FaultCode::Recovering, "put-back-from-a-backup").retry_after(Duration::from_secs(60))
}

fn unavailable(error: &StoreError) -> Fault {
    Fault::new(FaultCode::JournalUnavailable, "store")
        .retry_after(Duration::from_secs(1))
        .log(error.to_string())
}
