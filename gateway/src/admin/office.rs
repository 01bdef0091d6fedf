//! The outbox and the partners' standing, as operators list and change them. Every act names who and
//! why before anything is done.

use gateway_core::{
    Evidence,
    ports::{
        Act, ActStory, Acted, Deed, ParcelFilter, ParcelState, ParcelStory, StoreError, THE_STORE,
    },
};
use schemas::{
    id::PartnerId,
    proto::admin::{
        ActLine, ActRequest, ActResponse, ListActsRequest, ListActsResponse, ListParcelsRequest,
        ListParcelsResponse, ParcelLine, ShowParcelResponse, TermsResponse,
    },
};
use tonic::Status;

use super::{AdminParts, schedules};

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListParcelsRequest,
) -> Result<ListParcelsResponse, Status> {
    let filter = filter(asked)?;
    let parcels = parts.office.list(filter).await.map_err(unavailable)?;
    Ok(ListParcelsResponse {
        parcels: parcels.iter().map(parcel_line).collect(),
    })
}

pub(super) async fn show(parts: &AdminParts, id: &str) -> Result<ShowParcelResponse, Status> {
    let file = parts.office.show(id).await.map_err(unavailable)?;
    let file = file.ok_or_else(|| Status::not_found("no such parcel"))?;
    Ok(ShowParcelResponse {
        parcel: Some(parcel_line(&file.story)),
        behind: file.behind,
        acts: file.acts.iter().map(act_line).collect(),
    })
}

pub(super) async fn act(parts: &AdminParts, asked: ActRequest) -> Result<ActResponse, Status> {
    let act = checked(parts, asked)?;
    let (deed, target) = (act.deed.word(), act.deed.target());
    let acted = parts.office.act(act).await.map_err(unavailable)?;
    // who and why stand in the journal, sealed; a log is read by more people
    tracing::warn!(deed, target, outcome = ?acted, "an operator acted");
    let outcome = match acted {
        Acted::Done => "done",
        Acted::AlreadySo => "already-so",
        Acted::NotFound => return Err(Status::not_found("no such parcel or message")),
        Acted::NotNow(reason) => return Err(Status::failed_precondition(reason)),
    };
    Ok(ActResponse {
        outcome: outcome.to_owned(),
    })
}

pub(super) async fn acts(
    parts: &AdminParts,
    asked: ListActsRequest,
) -> Result<ListActsResponse, Status> {
    let acts = parts.office.acts(page(asked.max)).await;
    let orders = parts.office.orders().await.map_err(unavailable)?;
    Ok(ListActsResponse {
        acts: acts.map_err(unavailable)?.iter().map(act_line).collect(),
        standing: orders.0.iter().map(|order| act_line(&order.act)).collect(),
    })
}

/// The terms of a partner that are in force.
pub(super) async fn terms(parts: &AdminParts, partner: &str) -> Result<TermsResponse, Status> {
    let id = PartnerId::parse(partner).map_err(|_| Status::invalid_argument("a partner's id"))?;
    let all = parts.registrations.in_force().await.map_err(unavailable)?;
    let found = all.into_iter().find(|one| one.partner == id);
    Ok(
        found.map_or_else(TermsResponse::default, |one| TermsResponse {
            known: true,
            digest: one.digest.to_vec(),
            terms: one.terms.to_vec(),
            act: Some(act_line(&one.act)),
        }),
    )
}

fn checked(parts: &AdminParts, asked: ActRequest) -> Result<Act, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let target = asked.target;
    let deed = match asked.deed.as_str() {
        "pause-lane" => Deed::PauseLane(registered(parts, &target)?),
        "resume-lane" => Deed::ResumeLane(registered(parts, &target)?),
        "suspend-partner" => Deed::SuspendPartner(registered(parts, &target)?),
        "resume-partner" => Deed::ResumePartner(registered(parts, &target)?),
        "retire-partner" => Deed::RetirePartner(registered(parts, &target)?),
        "suspend-operation" => {
            let (partner, operation) = granted(parts, &target)?;
            Deed::SuspendOperation(partner, operation)
        }
        "resume-operation" => {
            let (partner, operation) = granted(parts, &target)?;
            Deed::ResumeOperation(partner, operation)
        }
        "pause-schedule" => {
            let (partner, name) = scheduled(parts, &target)?;
            Deed::PauseSchedule(partner, name)
        }
        "resume-schedule" => {
            let (partner, name) = scheduled(parts, &target)?;
            Deed::ResumeSchedule(partner, name)
        }
        "replay" => Deed::Replay(named(target)?),
        "cancel" => Deed::Cancel(named(target)?),
        "release" if target.is_empty() || target == THE_STORE => Deed::Release,
        "release" => return Err(Status::invalid_argument("a release names nothing")),
        "accept-clock" if target.is_empty() || target == THE_STORE => Deed::AcceptClock,
        "accept-clock" => return Err(Status::invalid_argument("the clock names nothing")),
        "recover" => Deed::Recover(evidence(&target)?),
        "hold" => Deed::Hold(held(parts, target)?),
        "unhold" => Deed::Unhold(held(parts, target)?),
        "export" => Deed::Export(evidence(&target)?),
        "erase" if !said(&asked.law, LAW_BYTES_MAX) => {
            return Err(Status::invalid_argument(
                "under which article, in 1 to 200 bytes",
            ));
        }
        "erase" => Deed::Erase {
            evidence: evidence(&target)?,
            law: asked.law,
        },
        _ => return Err(Status::invalid_argument("no such deed")),
    };
    Ok(Act { who, why, deed })
}

/// The partner of a schedule, and its name.
fn scheduled(parts: &AdminParts, name: &str) -> Result<(PartnerId, String), Status> {
    let line = schedules::named(parts, name)?;
    Ok((line.partner.clone(), line.name.as_str().to_owned()))
}

/// Who does something and why, both said.
pub(super) fn said_why(who: String, why: String) -> Result<(String, String), Status> {
    if !said(&who, WHO_BYTES_MAX) {
        return Err(Status::invalid_argument("who does it, in 1 to 200 bytes"));
    }
    if !said(&why, WHY_BYTES_MAX) {
        return Err(Status::invalid_argument("why, in 1 to 2,000 bytes"));
    }
    Ok((who, why))
}

fn said(text: &str, most: usize) -> bool {
    !text.trim().is_empty() && text.len() <= most
}

fn registered(parts: &AdminParts, id: &str) -> Result<PartnerId, Status> {
    let id = PartnerId::parse(id).map_err(|_| Status::invalid_argument("a partner's id"))?;
    match parts.partners.load().get(&id) {
        Some(_) => Ok(id),
        None => Err(Status::not_found("no such partner")),
    }
}

fn evidence(target: &str) -> Result<Evidence, Status> {
    Evidence::parse(target).ok_or_else(|| Status::invalid_argument("an evidence id"))
}

/// A message or a partner, in the one spelling that both have.
fn held(parts: &AdminParts, target: String) -> Result<String, Status> {
    match Evidence::parse(&target) {
        Some(evidence) => Ok(evidence.to_string()),
        None => Ok(registered(parts, &target)?.as_str().to_owned()),
    }
}

/// A partner and one of the operations that its agreements name, with a slash between them.
fn granted(parts: &AdminParts, target: &str) -> Result<(PartnerId, String), Status> {
    let both = target.split_once('/');
    let (partner, operation) =
        both.ok_or_else(|| Status::invalid_argument("a partner's id, a slash and an operation"))?;
    let partner = registered(parts, partner)?;
    let partners = parts.partners.load();
    let agreed = partners.get(&partner).is_some_and(|partner| {
        let mut agreements = partner.agreements.iter();
        agreements.any(|agreement| agreement.operations.contains_key(operation))
    });
    match agreed {
        true => Ok((partner, operation.to_owned())),
        false => Err(Status::not_found(
            "no agreement of this partner names the operation",
        )),
    }
}

fn named(parcel: String) -> Result<String, Status> {
    match parcel.len() {
        1..=PARCEL_BYTES_MAX => Ok(parcel),
        _ => Err(Status::invalid_argument("a parcel's id")),
    }
}

fn filter(asked: ListParcelsRequest) -> Result<ParcelFilter, Status> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    let partner = some(asked.partner)
        .map(|id| PartnerId::parse(&id))
        .transpose();
    let state = some(asked.state).map(|word| {
        ParcelState::parse(&word).ok_or_else(|| Status::invalid_argument("no such state"))
    });
    Ok(ParcelFilter {
        partner: partner.map_err(|_| Status::invalid_argument("a partner's id"))?,
        state: state.transpose()?,
        subject: some(asked.subject),
        max: page(asked.max),
        before: some(asked.before),
    })
}

pub(super) fn page(asked: u32) -> usize {
    match asked {
        0 => 50,
        most => usize::try_from(most).unwrap_or(PAGE_MAX).min(PAGE_MAX),
    }
}

pub(super) fn parcel_line(story: &ParcelStory) -> ParcelLine {
    ParcelLine {
        id: story.id.clone(),
        partner: story.partner.as_str().to_owned(),
        subject: story.subject.clone(),
        sequence: story.sequence,
        kind: story.kind.clone(),
        class: story.class.word().to_owned(),
        state: story.state.word().to_owned(),
        attempts: story.attempts,
        reason: story.reason.clone().unwrap_or_default(),
        put_at: story.put_at.to_string(),
        due_at: story.due_at.to_string(),
        time_limit: story.due.map(|due| due.to_string()).unwrap_or_default(),
        owner: story.owner.clone().unwrap_or_default(),
        sending: story.sending.unwrap_or(0),
        receipt: story.receipt.unwrap_or(0),
        cause: story
            .cause
            .map(|cause| cause.to_string())
            .unwrap_or_default(),
    }
}

pub(super) fn act_line(act: &ActStory) -> ActLine {
    ActLine {
        at: act.at.to_string(),
        who: act.who.clone(),
        why: act.why.clone(),
        deed: act.deed.clone(),
        target: act.target.clone(),
        journal: act.journal,
    }
}

pub(super) fn unavailable(error: StoreError) -> Status {
    Status::unavailable(error.to_string())
}

const WHO_BYTES_MAX: usize = 200;
const WHY_BYTES_MAX: usize = 2_000;
const LAW_BYTES_MAX: usize = 200;
const PARCEL_BYTES_MAX: usize = 200;
const PAGE_MAX: usize = 1_000;
