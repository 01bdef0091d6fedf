//! Births that wait for a person. Whoever looks at the children says why, and is in the access ledger of each
//! of them before they see any; whoever decides is kept with the case.

use certs::digest::sha256;
use gateway_core::ports::{LookUp, PersonNumber};
use insurance::Insurance;
use schemas::{
    fault::{Fault, FaultCode},
    proto::{
        admin::{
            DecideReviewRequest, DecideReviewResponse, ListReviewsRequest, ListReviewsResponse,
            ReviewChild, ReviewLine, ShowReviewRequest, ShowReviewResponse,
            decide_review_request::Decision,
        },
        insurance::{
            self as contract, RegisterBirthRequest, Review, ReviewCandidate,
            decide_review_request::Decision as Judgement,
        },
    },
};
use tokio::time::{Duration, Instant};
use tonic::Status;

use crate::population::NOT_ASKED;

use super::{
    AdminParts,
    office::{said_why, unavailable},
};

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListReviewsRequest,
) -> Result<ListReviewsResponse, Status> {
    let request = contract::ListReviewsRequest {
        context: Some(asking(parts, Vec::new())),
        with_decided: asked.with_decided,
    };
    let listed = behind(parts)?.reviews(soon(), request).await;
    Ok(ListReviewsResponse {
        reviews: listed
            .map_err(said)?
            .reviews
            .into_iter()
            .map(line)
            .collect(),
    })
}

pub(super) async fn show(
    parts: &AdminParts,
    asked: ShowReviewRequest,
) -> Result<ShowReviewResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let found = fetch(parts, asked.id).await?;
    let told = found.birth.map(told).unwrap_or_default();
    let candidates: Vec<ReviewChild> = found.candidates.into_iter().map(candidate).collect();
    for child in candidates.iter().chain([&told]) {
        enter(parts, child, &who, &why).await?;
    }
    tracing::warn!(id = asked.id, "an operator looked at a birth that waits");
    Ok(ShowReviewResponse {
        review: found.review.map(line),
        told: Some(told),
        candidates,
        version: found.version,
    })
}

pub(super) async fn decide(
    parts: &AdminParts,
    asked: DecideReviewRequest,
) -> Result<DecideReviewResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let decision = match asked.decision {
        Some(Decision::NewPerson(true)) => Judgement::NewPerson(true),
        Some(Decision::Candidate(position)) => {
            let found = fetch(parts, asked.id).await?;
            if found.version != asked.version {
                return Err(Status::failed_precondition("candidates-changed"));
            }
            Judgement::SameAs(number_at(&found.candidates, position)?)
        }
        Some(Decision::Ask(told)) => Judgement::Ask(told),
        Some(Decision::Refuse(told)) => Judgement::Refuse(told),
        _ => {
            return Err(Status::invalid_argument(
                "which candidate, a new person, what to ask for or why it is refused",
            ));
        }
    };
    let key = sha256(format!("review/{}/{}/{decision:?}", asked.id, asked.version).as_bytes());
    let mut request = contract::DecideReviewRequest {
        context: Some(asking(parts, key.to_vec())),
        id: asked.id,
        decision: Some(decision),
        version: asked.version,
        who,
        why,
        population: None,
    };
    if let Some(population) = &parts.population {
        population.demand_of_decision(&mut request);
    }
    let decided = match behind(parts)?.decide_review(soon(), request.clone()).await {
        // it came before anybody was asked, and would get a number now
        Err(fault) if fault.reason() == NOT_ASKED => {
            request.population = ask(parts, &request).await?;
            behind(parts)?.decide_review(soon(), request).await
        }
        done => done,
    };
    let case = decided.map_err(said)?.case.unwrap_or_default();
    tracing::warn!(id = asked.id, "an operator decided a birth that waited");
    Ok(DecideReviewResponse {
        card: case.card.is_some(),
        state: case.state,
    })
}

/// What the population database says of a child that waits. Who the question is for is the review, as it was shown.
async fn ask(
    parts: &AdminParts,
    request: &contract::DecideReviewRequest,
) -> Result<Option<contract::PopulationFinding>, Status> {
    let Some(population) = &parts.population else {
        return Ok(None);
    };
    let found = fetch(parts, request.id).await?;
    if found.version != request.version {
        return Err(Status::failed_precondition("candidates-changed"));
    }
    let birth = found.birth.unwrap_or_default();
    let of = format!("review-population/{}/{}", request.id, request.version);
    let by = Instant::now() + ASKED_FOR;
    let finding = population.ask(&sha256(of.as_bytes()), by, &birth).await;
    finding.map(Some).map_err(said)
}

async fn fetch(parts: &AdminParts, id: u64) -> Result<contract::ShowReviewResponse, Status> {
    let request = contract::ShowReviewRequest {
        context: Some(asking(parts, Vec::new())),
        id,
    };
    behind(parts)?.review(soon(), request).await.map_err(said)
}

/// The SI number of the candidate at a position, from 1.
fn number_at(candidates: &[ReviewCandidate], position: u32) -> Result<String, Status> {
    let at = usize::try_from(position)
        .ok()
        .and_then(|position| position.checked_sub(1));
    let person = at
        .and_then(|at| candidates.get(at))
        .and_then(|one| one.person.as_ref());
    person
        .map(|person| person.si_number.clone())
        .ok_or_else(|| Status::invalid_argument("there is no such candidate"))
}

/// Writes the look into the ledger under the numbers of the child.
async fn enter(
    parts: &AdminParts,
    child: &ReviewChild,
    who: &str,
    why: &str,
) -> Result<(), Status> {
    let number = [&child.si_number, &child.pin]
        .into_iter()
        .find_map(|text| PersonNumber::parse(text));
    let Some(number) = number else {
        return Ok(());
    };
    let look_up = LookUp {
        number,
        who: who.to_owned(),
        why: why.to_owned(),
    };
    let entered = parts.ledger.accesses(look_up, 1).await;
    entered.map(drop).map_err(unavailable)
}

pub(super) fn behind(parts: &AdminParts) -> Result<&Insurance, Status> {
    parts
        .insurance
        .as_ref()
        .ok_or_else(|| Status::unavailable("there is no insurance database behind this listener"))
}

/// In our own name: an operator is no partner.
pub(super) fn asking(parts: &AdminParts, key: Vec<u8>) -> contract::Context {
    contract::Context {
        key,
        sender: parts.partners.load().us().as_str().to_owned(),
        rule: "review".to_owned(),
        purpose: "civil-review".to_owned(),
        ..contract::Context::default()
    }
}

pub(super) fn said(fault: Fault) -> Status {
    let reason = fault.reason();
    match fault.code() {
        FaultCode::UnknownSubject => Status::not_found(reason),
        _ if fault.is_final() => Status::failed_precondition(reason),
        _ => Status::unavailable(reason),
    }
}

pub(super) fn line(review: Review) -> ReviewLine {
    ReviewLine {
        id: review.id,
        sender: review.sender,
        case_id: review.case_id,
        score: review.score,
        why: review.why,
        due_on: review.due_on,
        opened_at: review.opened_at,
        decided_at: review.decided_at,
        decided_by: review.decided_by,
        reason: review.reason,
        known_person: review.known_person,
        supplement_by: review.supplement_by,
        refused: review.refused,
    }
}

fn told(birth: RegisterBirthRequest) -> ReviewChild {
    let (child, mother) = (
        birth.child.unwrap_or_default(),
        birth.mother.unwrap_or_default(),
    );
    ReviewChild {
        pin: child.pin,
        name: child.name,
        birth_date: child.birth_date,
        sex: child.sex,
        mother_name: mother.name,
        mother_pin: mother.pin,
        birth_notice: birth.birth_notice,
        ..ReviewChild::default()
    }
}

fn candidate(one: ReviewCandidate) -> ReviewChild {
    let person = one.person.unwrap_or_default();
    ReviewChild {
        si_number: person.si_number,
        pin: person.pin,
        name: person.name,
        birth_date: person.birth_date,
        sex: person.sex,
        dead: person.dead,
        mother_name: one.mother_name,
        mother_pin: one.mother_pin,
        birth_notice: one.birth_notice,
        score: one.score,
        why: one.why,
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + CALL_MAX
}

const CALL_MAX: Duration = Duration::from_secs(8);
/// How long an operator waits for the population database; who decides again later finds its answer.
const ASKED_FOR: Duration = Duration::from_secs(20);
