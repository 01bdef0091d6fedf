//! Room 8: the outcome, or a rule's refusal, in the partner's words, permitted fields only, signed
//! and bound to the request. The record room commits what is prepared here.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::fault::Fault;
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::{Parts, face::xroad::Spoken, permit::answer_head, room::Room};
use crate::{
    adapter::{Adapter, AnswerHead, Unsigned},
    ports::{Access, Parcel, Person, StoredAnswer, Whom},
    refusal::Refusal,
    state::Recorded,
};

/// A signed answer that is not committed yet, and what has to be sent because of it.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) answer: StoredAnswer,
    pub(crate) parcels: Vec<Parcel>,
    pub(crate) accesses: Vec<Access>,
}

/// Makes [`Answer`].
#[derive(Debug)]
pub struct AnswerLayer<A> {
    /// What the rooms share.
    pub parts: Parts,
    /// The words.
    pub adapter: Arc<A>,
}

impl<A> Clone for AnswerLayer<A> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            adapter: Arc::clone(&self.adapter),
        }
    }
}

impl<S, A> Layer<S> for AnswerLayer<A> {
    type Service = Answer<S, A>;

    fn layer(&self, inner: S) -> Answer<S, A> {
        Answer {
            inner,
            room: self.clone(),
        }
    }
}

/// The answer room.
#[derive(Debug)]
pub struct Answer<S, A> {
    inner: S,
    room: AnswerLayer<A>,
}

impl<S: Clone, A> Clone for Answer<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            room: self.room.clone(),
        }
    }
}

impl<S, A> Service<Arc<Recorded<A::Request>>> for Answer<S, A>
where
    S: Service<Arc<Recorded<A::Request>>, Response = A::Outcome, Error = Refusal>,
    S::Future: Send + 'static,
    A: Adapter,
{
    type Response = Prepared;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Prepared, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, recorded: Arc<Recorded<A::Request>>) -> Self::Future {
        let outcome = self.inner.call(Arc::clone(&recorded));
        let this = self.room.clone();
        Box::pin(async move {
            let outcome = outcome.await;
            let verified = &recorded.permitted.verified;
            let evidence = verified.head.evidence;
            let room = Room::enter("answer", verified.route.path, evidence, &this.parts.sight);
            let span = room.span.clone();
            let head = answer_head(&this.parts, verified);
            crate::faultpoint!("sign-before");
            let prepared = match outcome {
                Ok(outcome) => this.say(&recorded, &head, outcome).instrument(span).await,
                Err(refusal) if refusal.fault.is_final() => {
                    this.refuse(&recorded, &head, &refusal.fault)
                        .instrument(span)
                        .await
                }
                Err(refusal) => return Err(refusal.bound(head)),
            };
            crate::faultpoint!("sign-after");
            let refuse = |fault| Refusal::of("answer", evidence, fault).bound(head.clone());
            room.leave(prepared.map_err(refuse))
        })
    }
}

impl<A: Adapter> AnswerLayer<A> {
    async fn say(
        &self,
        recorded: &Recorded<A::Request>,
        head: &AnswerHead,
        outcome: A::Outcome,
    ) -> Result<Prepared, Fault> {
        let verified = &recorded.permitted.verified;
        let encoded = self
            .adapter
            .encode(head, recorded.permit(), &verified.request, outcome)?;
        let said = Said {
            unsigned: encoded.unsigned,
            status: self.adapter.done(head),
            fault: None,
        };
        let answer = self.sign(head, said, verified.head.deadline).await?;
        Ok(Prepared {
            answer,
            parcels: encoded.callbacks,
            accesses: told(recorded, encoded.persons),
        })
    }

    async fn refuse(
        &self,
        recorded: &Recorded<A::Request>,
        head: &AnswerHead,
        fault: &Fault,
    ) -> Result<Prepared, Fault> {
        let row = fault.code().row();
        let peer = recorded.permitted.verified.head.peer.partner();
        let spoken = match self.adapter.is_soap() {
            true => Spoken::soap(peer, &self.parts),
            false => None,
        };
        let face = match spoken {
            Some(spoken) => spoken.face(fault, head.evidence, true),
            None => self.adapter.face(fault, head.evidence, Some(head)),
        };
        let said = Said {
            unsigned: face.unsigned,
            status: face.status.unwrap_or(row.http),
            fault: Some(row.code),
        };
        let until = recorded.permitted.verified.head.deadline;
        let answer = self.sign(head, said, until).await?;
        Ok(Prepared {
            answer,
            parcels: Vec::new(),
            accesses: asked(recorded),
        })
    }

    /// An answer that cannot be signed now is no answer: the claim goes back, and the same id comes again.
    async fn sign(
        &self,
        head: &AnswerHead,
        said: Said,
        until: Instant,
    ) -> Result<StoredAnswer, Fault> {
        let signer = self.parts.signer.load_full();
        let signed = signer
            .sign(said.unsigned, head, until)
            .await
            .map_err(|error| error.fault())?;
        Ok(StoredAnswer {
            evidence: head.evidence,
            status: said.status,
            content_type: signed.content_type.to_owned(),
            signature: signed.signature,
            fault: said.fault.map(str::to_owned),
            body: Bytes::from(signed.body),
        })
    }
}

/// An answer in words, before it is signed.
struct Said {
    unsigned: Unsigned,
    status: u16,
    fault: Option<&'static str>,
}

/// What the answer tells, person by person, as its words say: whom the request names was asked about, whatever was
/// agreed, and whom the answer names is told of; whoever shares a number is one person.
fn told<R>(recorded: &Recorded<R>, answered: Vec<Person>) -> Vec<Access> {
    let named = recorded.permitted.verified.persons.iter();
    let mut all: Vec<Access> = named
        .map(|person| access(recorded, person, String::new()))
        .collect();
    for person in answered {
        let is_theirs = |known: &Access| {
            let mut numbers = known.numbers.iter();
            numbers.any(|number| person.numbers.contains(number))
        };
        let Some(at) = all.iter().position(is_theirs) else {
            all.push(access(recorded, &person, joined("", &person.told)));
            continue;
        };
        let (theirs, others): (Vec<Access>, Vec<Access>) = all.into_iter().partition(is_theirs);
        all = others;
        all.insert(
            at,
            one_row(theirs, &person, access(recorded, &person, String::new())),
        );
    }
    all
}

/// One row of several that turned out to be one person's.
fn one_row(theirs: Vec<Access>, person: &Person, row: Access) -> Access {
    let mut row = Access {
        numbers: Vec::new(),
        ..row
    };
    let known = theirs.iter().flat_map(|known| &known.numbers);
    for number in known.chain(&person.numbers) {
        if !row.numbers.contains(number) {
            row.numbers.push(number.clone());
        }
    }
    for known in &theirs {
        let fields: Vec<&str> = known
            .fields
            .split(',')
            .filter(|name| !name.is_empty())
            .collect();
        row.fields = joined(&row.fields, &fields);
    }
    row.fields = joined(&row.fields, &person.told);
    row
}

/// A refused request was asked and tells nothing. What it says belongs to one person was not proven:
/// each number stands for itself.
fn asked<R>(recorded: &Recorded<R>) -> Vec<Access> {
    let persons = recorded.permitted.verified.persons.iter();
    let numbers = persons.flat_map(|person| &person.numbers);
    numbers
        .map(|number| Person::named(vec![number.clone()]))
        .map(|person| access(recorded, &person, String::new()))
        .collect()
}

fn access<R>(recorded: &Recorded<R>, person: &Person, fields: String) -> Access {
    let verified = &recorded.permitted.verified;
    Access {
        numbers: person.numbers.clone(),
        whom: Whom::One,
        sender: verified.claims.sender.clone(),
        operation: verified.operation.name,
        rule: recorded.permit().rule().to_owned(),
        purpose: verified.purpose.clone(),
        fields,
    }
}

/// Names of fields, each once.
fn joined(known: &str, more: &[&str]) -> String {
    let mut all: Vec<&str> = known.split(',').filter(|name| !name.is_empty()).collect();
    for name in more {
        if !all.contains(name) {
            all.push(name);
        }
    }
    all.join(",")
}
