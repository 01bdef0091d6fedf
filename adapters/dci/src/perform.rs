//! Typed records become calls of the insurance contract, in canonical English: the same path that the civil registry's
//! own messages take.

use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    policy::Permit,
    ports::{Notes, ParcelName, Receipts, StoreError},
};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::Pin,
    proto::insurance as contract,
    wire::dci::{Code, Found, Subscribed, Unsubscribed, VitalEvent},
};

use crate::{
    Birth, Death, Opening, Parent, Record, Request, Search, Told, What,
    decode::case_id,
    outbound::{self, Letter},
};

mod answered;
mod status;
mod subscribe;

/// The part of the insurance contract that a registry's notifications need. The implementer fills the contract's
/// context from [`Context`] and turns its refusals into faults.
pub trait Registrar: Send + Sync + 'static {
    /// Registers a birth; the same key, or the same case with the same facts, gives the same case again.
    fn register_birth(
        &self,
        context: Context,
        request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>>;

    /// Registers a death; the same key, or the same case with the same facts, gives the same case again.
    fn register_death(
        &self,
        context: Context,
        request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>>;

    /// The birth or the death of whoever has a number, as it is true now.
    fn vital_event(
        &self,
        context: Context,
        request: contract::FindVitalEventRequest,
    ) -> BoxFuture<'_, Result<Option<contract::VitalEvent>, Fault>>;

    /// The sender is told of births or deaths from now on; the same key gives the same subscription again.
    fn subscribe(
        &self,
        context: Context,
        request: contract::SubscribeVitalEventsRequest,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>>;

    /// Ends one of the sender's subscriptions; the same key gives the same answer again.
    fn unsubscribe(
        &self,
        context: Context,
        code: String,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>>;
}

/// What the insurance database answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The records that it has refused for good; all others are registered.
    Registered(Vec<Refused>),
    /// What it holds, in the order of the questions; none of a question that could not be asked.
    Found(Vec<Option<contract::VitalEvent>>),
    /// What was promised of an exchange, and whether its callback has arrived.
    Stands(Kept, Stand),
    /// Each wish: the subscription, or why there is none: a code, and the field.
    Subscribed(Vec<Result<contract::VitalSubscription, (Code, &'static str)>>),
    /// Each code: the subscription that was ended, or why not.
    Unsubscribed(Vec<Result<contract::VitalSubscription, Code>>),
    /// The same was promised before.
    Promised(Promised),
    /// What was answered to us is written down.
    Heard,
}

/// What was promised before of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promised {
    /// Our name for it.
    pub correlation: String,
    /// When.
    pub at: String,
}

/// The message of a callback, as far as it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Of a search.
    Found(Box<Found>),
    /// Of wishes to be told.
    Subscribed(Box<Subscribed>),
    /// Of subscriptions that were to end.
    Unsubscribed(Box<Unsubscribed>),
}

/// Where a callback stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// It is on its way, or waits for a person.
    Pending,
    /// Its receiver has it.
    Told,
    /// A person has taken it back: it will never come.
    TakenBack,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which of the message's records, from 0.
    pub index: usize,
    /// Why.
    pub fault: Fault,
}

pub(crate) async fn perform(
    registrar: &dyn Registrar,
    (receipts, notes): (&dyn Receipts, &dyn Notes),
    (context, now): (Context, Timestamp),
    permit: &Permit,
    request: &Request,
) -> Result<Outcome, Fault> {
    let opening = match request {
        Request::Search(search) if search.later.is_some() => Some(&search.opening),
        Request::Subscribe(subscribe) => Some(&subscribe.opening),
        Request::Unsubscribe(unsubscribe) => Some(&unsubscribe.opening),
        _ => None,
    };
    if let Some(opening) = opening
        && let Some(promised) = promised(receipts, &context, opening).await?
    {
        return Ok(Outcome::Promised(promised));
    }
    match request {
        Request::Notify(told) => register(registrar, context, told)
            .await
            .map(Outcome::Registered),
        Request::Search(search) => find(registrar, &context, search).await.map(Outcome::Found),
        Request::Status(status) => status::stands(receipts, &context, status).await,
        Request::Subscribe(said) => subscribe::begin(registrar, context, permit, said).await,
        Request::Unsubscribe(said) => subscribe::end(registrar, context, said).await,
        Request::Answered(answer) => answered::take((notes, receipts), &context, now, answer).await,
    }
}

/// A `transaction_id` is one exchange (own profile): under one that was used before the same is promised as it was, and
/// anything else is refused, whatever message it comes in.
async fn promised(
    receipts: &dyn Receipts,
    context: &Context,
    opening: &Opening,
) -> Result<Option<Promised>, Fault> {
    let name = outbound::exchange(&opening.transaction_id);
    let name = ParcelName::Id(outbound::parcel_id(&context.sender, &name));
    let Some(kept) = receipts.kept(name).await.map_err(store)? else {
        return Ok(None);
    };
    let letter = kept.content.and_then(|content| Letter::read(&content));
    match letter.map(|letter| letter.promise) {
        Some(promise) if promise.asked == opening.digest => Ok(Some(Promised {
            correlation: promise.correlation,
            at: promise.at,
        })),
        // another, or one whose time of keeping is over
        _ => Err(Fault::new(FaultCode::Conflict, "same-id-other-content").field("transaction_id")),
    }
}

fn store(error: StoreError) -> Fault {
    Fault::new(FaultCode::JournalUnavailable, "store").log(error.to_string())
}

async fn find(
    registrar: &dyn Registrar,
    context: &Context,
    search: &Search,
) -> Result<Vec<Option<contract::VitalEvent>>, Fault> {
    let mut found = Vec::with_capacity(search.questions.len());
    for question in &search.questions {
        found.push(match &question.wanted {
            Err(_) => None,
            Ok((event, pin)) => {
                let kind = match event {
                    VitalEvent::Death => contract::VitalEventKind::Death,
                    _ => contract::VitalEventKind::Birth,
                };
                let request = contract::FindVitalEventRequest {
                    context: None,
                    kind: kind.into(),
                    pin: pin.as_str().to_owned(),
                };
                registrar.vital_event(context.clone(), request).await?
            }
        });
    }
    Ok(found)
}

/// Each record by itself: one that is refused does not hold up the others. A message of one record is refused as a
/// whole. Where the database does not answer, the message is as good as not sent: sent again it finds what was done.
async fn register(
    registrar: &dyn Registrar,
    context: Context,
    request: &Told,
) -> Result<Vec<Refused>, Fault> {
    let mut refused = Vec::new();
    for (index, record) in request.records.iter().enumerate() {
        let context = context.part(index);
        match register_one(registrar, context, record, request.sent_at).await {
            Ok(()) => {}
            Err(fault) if fault.is_final() && request.records.len() > 1 => {
                refused.push(Refused { index, fault });
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(refused)
}

/// One birth or death that was told by a message of `sent_at`, as a call of the insurance contract.
///
/// # Errors
/// What the insurance database refuses, and whatever keeps it from answering.
pub async fn register_one(
    registrar: &dyn Registrar,
    context: Context,
    what: &What,
    sent_at: Timestamp,
) -> Result<(), Fault> {
    match what {
        What::Birth(_, birth) => {
            let said = canonical_birth(birth, sent_at);
            registrar.register_birth(context, said).await.map(drop)
        }
        What::Death(_, death) => {
            let said = canonical_death(death, sent_at);
            registrar.register_death(context, said).await.map(drop)
        }
    }
}

pub(crate) fn canonical_birth(
    birth: &Birth,
    received_at: Timestamp,
) -> contract::RegisterBirthRequest {
    contract::RegisterBirthRequest {
        context: None,
        case_id: case_id(&birth.record),
        received_at: received_at.to_string(),
        child: Some(contract::Child {
            pin: birth.pin.as_str().to_owned(),
            name: birth.name.as_str().to_owned(),
            sex: i32::from(birth.sex.code()),
            birth_date: birth.born.to_string(),
            ethnicity: birth.ethnicity.clone(),
            nationality: birth.nationality.clone(),
            residence_commune: birth.commune.code.to_owned(),
            residence_detail: birth.residence_detail.clone(),
            declaration_kind: 0,
        }),
        mother: birth.mother.as_ref().map(parent),
        father: birth.father.as_ref().map(parent),
        guardian: Some(contract::Guardian {
            name: birth.guardian.name.as_str().to_owned(),
            relation: birth.guardian.relation.to_owned(),
            phone: birth.guardian.phone.clone(),
        }),
        facility: birth.facility.to_string(),
        poor_household_certificate: String::new(),
        birth_notice: birth.notice.clone(),
        record: Some(record(&birth.record)),
        // whoever makes the call asks
        population: None,
    }
}

pub(crate) fn canonical_death(
    death: &Death,
    received_at: Timestamp,
) -> contract::RegisterDeathRequest {
    contract::RegisterDeathRequest {
        context: None,
        case_id: case_id(&death.record),
        received_at: received_at.to_string(),
        deceased: Some(contract::Deceased {
            pin: death.pin.as_str().to_owned(),
            name: death.name.as_str().to_owned(),
            sex: death.sex.map_or(0, |sex| i32::from(sex.code())),
            birth_date: death.born.map(|day| day.to_string()).unwrap_or_default(),
            si_number: String::new(),
        }),
        died_on: death.died_on.to_string(),
        death_notice: death.notice.clone(),
        record: Some(record(&death.record)),
        ..contract::RegisterDeathRequest::default()
    }
}

fn parent(parent: &Parent) -> contract::Parent {
    contract::Parent {
        name: parent.name.as_str().to_owned(),
        birth_date: parent.born.clone(),
        pin: parent
            .pin
            .as_ref()
            .map(Pin::as_str)
            .unwrap_or_default()
            .to_owned(),
    }
}

fn record(record: &Record) -> contract::CivilRecord {
    contract::CivilRecord {
        number: record.number.clone(),
        book: record.book.clone(),
        page: String::new(),
        registered_on: record.registered_on.to_string(),
        commune: record.commune.to_owned(),
    }
}

#[cfg(test)]
mod tests;
