//! A typed request becomes calls of the insurance contract, in canonical English.

use futures_util::{StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use gateway_core::{Context, policy::Permit};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::{Period, TaxId},
    proto::insurance::{
        Discrepancy, DiscrepancyState, GetContributionsRequest, GetContributionsResponse,
        GetParticipationRequest, GetParticipationResponse, MoveDiscrepancyRequest, Notice,
        NoticeKind as Kind, Party, RecordNoticeResponse, get_contributions_request::Number,
    },
    wire::tax::{
        Asked, ChangeNotice, Dispute, FieldName, Key, LookUpNotices, NoticeKind, NoticesHeld,
        Question, Request, ResendNotices, Span, Subject, VerifyIndividual, VerifyMany,
    },
};

use crate::{
    bulk::{self, Reconciliations, Told},
    reconcile::Totals,
};

/// The part of the insurance contract that verification needs. The implementer fills the contract's
/// context from [`Context`] and turns its refusals into faults.
pub trait Employers: Send + Sync + 'static {
    /// Participation of one employer in one month.
    fn participation(
        &self,
        context: Context,
        request: GetParticipationRequest,
    ) -> BoxFuture<'_, Result<GetParticipationResponse, Fault>>;
}

/// The same of persons.
pub trait Contributors: Send + Sync + 'static {
    /// What one person contributed by whom, over some months.
    fn contributions(
        &self,
        context: Context,
        request: GetContributionsRequest,
    ) -> BoxFuture<'_, Result<GetContributionsResponse, Fault>>;
}

/// What is told unasked.
pub trait Notices: Send + Sync + 'static {
    /// Keeps one notice; the same key gives the same answer again.
    fn record(
        &self,
        context: Context,
        notice: Notice,
    ) -> BoxFuture<'_, Result<RecordNoticeResponse, Fault>>;
}

/// Which notices passed between the department and us.
pub trait NoticeBook: Send + Sync + 'static {
    /// Which of these notices of the sender's we hold, and which of ours it receipted in that time.
    fn look_up<'a>(
        &'a self,
        context: Context,
        ask: &'a LookUpNotices,
    ) -> BoxFuture<'a, Result<NoticesHeld, Fault>>;

    /// Puts notices of ours in again, each with what followed it of the same employer; gives when.
    fn resend<'a>(
        &'a self,
        context: Context,
        ask: &'a ResendNotices,
    ) -> BoxFuture<'a, Result<Timestamp, Fault>>;
}

/// The tax department's word about discrepancies.
pub trait Disputes: Send + Sync + 'static {
    /// Writes down that the sender disputes one of its discrepancies; the same key gives the same answer again.
    fn dispute(
        &self,
        context: Context,
        dispute: MoveDiscrepancyRequest,
    ) -> BoxFuture<'_, Result<Discrepancy, Fault>>;
}

/// Everything that the tax department's words need.
pub trait Registry:
    Employers + Contributors + Notices + NoticeBook + Disputes + Reconciliations
{
}

impl<R: Employers + Contributors + Notices + NoticeBook + Disputes + Reconciliations> Registry
    for R
{
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The insurance database answered about an employer.
    Participation(GetParticipationResponse),
    /// The insurance database answered about a person.
    Contributions(GetContributionsResponse),
    /// Line by line, in the order asked.
    Many(Vec<LineOutcome>),
    /// A notice is kept.
    Noted(RecordNoticeResponse),
    /// Which notices are held, and which were sent.
    LookedUp(NoticesHeld),
    /// Notices go again, since then.
    Resent(Timestamp),
    /// A dispute is written down.
    Disputed(Discrepancy),
    /// A manifest is taken.
    Announced,
    /// A chunk is taken.
    Taken(Totals),
    /// How far a reconciliation is, or a page of it.
    Told(Box<Told>),
    /// No field asked for is agreed, so nobody was asked: not even whether the subject exists is told.
    NotPermitted,
    /// A ping; nobody was asked.
    Pong,
}

/// What came of one line.
#[derive(Debug, Clone, PartialEq)]
pub enum LineOutcome {
    /// About an employer.
    Employer(GetParticipationResponse),
    /// About a person.
    Person(GetContributionsResponse),
    /// This line alone is refused.
    Refused(Fault),
}

pub(crate) async fn carry_out(
    registry: &dyn Registry,
    context: Context,
    permit: &Permit,
    request: &crate::Request,
) -> Result<Outcome, Fault> {
    match request {
        crate::Request::Said(said) => perform(registry, context, permit, said).await,
        crate::Request::Chunk(ticket) => registry.take(context, ticket).await.map(Outcome::Taken),
    }
}

pub(crate) async fn perform(
    registry: &dyn Registry,
    context: Context,
    permit: &Permit,
    request: &Request,
) -> Result<Outcome, Fault> {
    match request {
        Request::Reconcile(ask) => {
            let taken = registry.announce(context, bulk::manifest(ask)).await;
            taken.map(|()| Outcome::Announced)
        }
        Request::ReconcileResult(ask) => {
            let told = registry.result(context, &ask.manifest, ask.page).await;
            told.map(|told| Outcome::Told(Box::new(told)))
        }
        Request::Ping(_) => Ok(Outcome::Pong),
        Request::ChangeNotice(notice) => registry
            .record(context, told(notice))
            .await
            .map(Outcome::Noted),
        Request::LookUpNotices(ask) => registry.look_up(context, ask).await.map(Outcome::LookedUp),
        Request::ResendNotices(ask) => registry.resend(context, ask).await.map(Outcome::Resent),
        Request::Dispute(dispute) => {
            let dispute = disputed(&context, dispute);
            registry
                .dispute(context, dispute)
                .await
                .map(Outcome::Disputed)
        }
        _ if permit.disclosed().is_empty() => Ok(Outcome::NotPermitted),
        Request::VerifyEmployer(ask) => registry
            .participation(context, employer(permit, &ask.mst, ask.period))
            .await
            .map(Outcome::Participation),
        // a claim is judged whole or not at all: half an answer would tell what the other half hides
        Request::VerifyIndividual(VerifyIndividual {
            question: Question::Claim(_),
            ..
        }) if !permit.withheld().is_empty() => Ok(Outcome::NotPermitted),
        Request::VerifyIndividual(ask) => registry
            .contributions(context, person(&ask.subject, ask.span)?)
            .await
            .map(Outcome::Contributions),
        Request::VerifyMany(ask) => many(registry, context, permit, ask)
            .await
            .map(Outcome::Many),
    }
}

/// The dispute in the contract's words: whoever signed it is who disputes.
fn disputed(context: &Context, dispute: &Dispute) -> MoveDiscrepancyRequest {
    MoveDiscrepancyRequest {
        context: None,
        id: dispute.discrepancy.clone(),
        side: Party::Tax.into(),
        to: DiscrepancyState::Disputed.into(),
        who: context.sender.as_str().to_owned(),
        reason: dispute.reason.clone(),
    }
}

/// The notice in the contract's words.
fn told(notice: &ChangeNotice) -> Notice {
    let kind = match notice.kind {
        NoticeKind::Registered => Kind::Registered,
        NoticeKind::Dissolved => Kind::Dissolved,
        NoticeKind::Suspended => Kind::Suspended,
        NoticeKind::Resumed => Kind::Resumed,
        NoticeKind::Moved => Kind::Moved,
        NoticeKind::Merged => Kind::Merged,
        NoticeKind::Headcount => Kind::Headcount,
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (headcount_before, headcount) = notice.headcount.unwrap_or_default();
    let merged_into = notice.merged_into.as_ref();
    Notice {
        tax_code: notice.mst.as_str().to_owned(),
        kind: kind.into(),
        effective_on: notice.effective_on.to_string(),
        status: text(&notice.status),
        status_reason: text(&notice.status_reason),
        name: text(&notice.name),
        address: text(&notice.address),
        merged_into: merged_into.map_or_else(String::new, |code| code.as_str().to_owned()),
        headcount_before,
        headcount,
    }
}

/// The canonical request; its context is filled by whoever makes the call.
fn employer(permit: &Permit, code: &TaxId, period: Period) -> GetParticipationRequest {
    let wants = |field: FieldName| permit.disclosed().contains(field.as_str());
    GetParticipationRequest {
        context: None,
        tax_code: code.as_str().to_owned(),
        period: period.to_string(),
        with_units: wants(FieldName::Units),
        with_ageing: wants(FieldName::Ageing),
        with_last_d02: wants(FieldName::LastD02),
        with_registered_from: wants(FieldName::RegisteredFrom),
    }
}

fn person(subject: &Subject, span: Span) -> Result<GetContributionsRequest, Fault> {
    let Span::Months { from, to } = span else {
        return Err(Fault::new(FaultCode::Internal, "span-not-settled"));
    };
    let text = subject.as_str().to_owned();
    Ok(GetContributionsRequest {
        context: None,
        number: Some(match subject {
            Subject::Pin(_) => Number::Pin(text),
            Subject::Mst(_) => Number::TaxCode(text),
            Subject::SiNumber(_) => Number::SiNumber(text),
        }),
        from: from.to_string(),
        to: to.to_string(),
    })
}

/// Some lines at a time; their order stays.
async fn many(
    registry: &dyn Registry,
    context: Context,
    permit: &Permit,
    ask: &VerifyMany,
) -> Result<Vec<LineOutcome>, Fault> {
    let lines: Vec<BoxFuture<'_, Result<LineOutcome, Fault>>> = match &ask.asked {
        Asked::Employers { period, keys, .. } => keys
            .iter()
            .map(|key| one_employer(registry, context.clone(), permit, key, *period))
            .collect(),
        Asked::Individuals { span, keys, .. } => keys
            .iter()
            .map(|key| one_person(registry, context.clone(), key, *span))
            .collect(),
    };
    stream::iter(lines).buffered(AT_ONCE).try_collect().await
}

fn one_employer<'a>(
    registry: &'a dyn Registry,
    context: Context,
    permit: &'a Permit,
    key: &'a Key<TaxId>,
    period: Period,
) -> BoxFuture<'a, Result<LineOutcome, Fault>> {
    Box::pin(async move {
        match key {
            Key::Good(code) => {
                let asked = registry.participation(context, employer(permit, code, period));
                line(asked.await, LineOutcome::Employer)
            }
            Key::Bad {
                element, reason, ..
            } => Ok(refused(element, reason)),
        }
    })
}

fn one_person<'a>(
    registry: &'a dyn Registry,
    context: Context,
    key: &'a Key<Subject>,
    span: Span,
) -> BoxFuture<'a, Result<LineOutcome, Fault>> {
    Box::pin(async move {
        match key {
            Key::Good(subject) => {
                let asked = registry.contributions(context, person(subject, span)?);
                line(asked.await, LineOutcome::Person)
            }
            Key::Bad {
                element, reason, ..
            } => Ok(refused(element, reason)),
        }
    })
}

/// A final refusal is of its line; whatever may be asked again fails the message, which then is.
fn line<T>(answer: Result<T, Fault>, said: fn(T) -> LineOutcome) -> Result<LineOutcome, Fault> {
    match answer {
        Ok(found) => Ok(said(found)),
        Err(fault) if fault.is_final() => Ok(LineOutcome::Refused(fault)),
        Err(fault) => Err(fault),
    }
}

fn refused(element: &'static str, reason: &'static str) -> LineOutcome {
    LineOutcome::Refused(Fault::new(FaultCode::Invalid, reason).field(element))
}

/// Calls of one message that are under way together.
const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests;
