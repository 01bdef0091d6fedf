//! Typed notices become a call of the insurance contract, in canonical English.

use futures_util::future::BoxFuture;
use gateway_core::Context;
use schemas::{
    fault::{Fault, FaultCode},
    proto::insurance::{self as contract, hospital_notice},
};

use crate::{Birth, Death, Notice, Request};

/// The part of the insurance contract that hospitals need. The implementer fills the contract's context from
/// [`Context`] and turns its refusals into faults.
pub trait Hospitals: Send + Sync + 'static {
    /// Keeps the notices, all or none; the same key gives the same answers again.
    fn record(
        &self,
        context: Context,
        request: contract::RecordHospitalNoticesRequest,
    ) -> BoxFuture<'_, Result<Vec<contract::HospitalAnswer>, Fault>>;
}

/// What the insurance database answered, a row per notice.
pub type Outcome = Vec<contract::HospitalAnswer>;

pub(crate) async fn perform(
    hospitals: &dyn Hospitals,
    context: Context,
    request: &Request,
) -> Result<Outcome, Fault> {
    let answers = hospitals.record(context, canonical(request)).await?;
    match answers.len() == request.notices.len() {
        true => Ok(answers),
        false => Err(Fault::new(FaultCode::Internal, "other-notices-answered")),
    }
}

pub(crate) fn canonical(request: &Request) -> contract::RecordHospitalNoticesRequest {
    let notices = request
        .notices
        .iter()
        .map(|notice| contract::HospitalNotice {
            notice: Some(match notice {
                Notice::Birth(told) => match &told.withdrawn {
                    None => hospital_notice::Notice::Birth(birth(told)),
                    Some(why) => hospital_notice::Notice::BirthWithdrawal(birth_back(told, why)),
                },
                Notice::Death(told) => match &told.withdrawn {
                    None => hospital_notice::Notice::Death(death(told)),
                    Some(why) => hospital_notice::Notice::Withdrawal(withdrawal(told, why)),
                },
            }),
        });
    contract::RecordHospitalNoticesRequest {
        context: None,
        facility: request.facility.to_string(),
        received_at: request.received_at.clone(),
        notices: notices.collect(),
    }
}

fn birth(told: &Birth) -> contract::BirthNotice {
    contract::BirthNotice {
        code: told.code.clone(),
        paper: told.paper.clone(),
        children: told.children,
        name: told
            .name
            .as_ref()
            .map(|name| name.as_str().to_owned())
            .unwrap_or_default(),
        sex: i32::from(told.sex.code()),
        birth_date: told.born.to_string(),
        mother: Some(contract::Parent {
            name: told.mother_name.as_str().to_owned(),
            birth_date: told.mother_born.clone(),
            pin: text(told.mother_pin.as_ref().map(|pin| pin.as_str())),
        }),
        residence_commune: told.commune.clone(),
        ethnicity: told.ethnicity.clone(),
        nationality: told.nationality.clone(),
        issued_on: told.issued_on.to_string(),
        card: text(told.card.as_ref().map(|card| card.as_str())),
        reissued: told.reissued,
    }
}

/// The paper that takes the notice back is known by its own id.
fn birth_back(told: &Birth, why: &str) -> contract::HospitalBirthWithdrawal {
    contract::HospitalBirthWithdrawal {
        birth: Some(birth(told)),
        case_id: told.id.clone(),
        reason: why.to_owned(),
    }
}

/// The same of a death.
fn withdrawal(told: &Death, why: &str) -> contract::HospitalDeathWithdrawal {
    contract::HospitalDeathWithdrawal {
        death: Some(death(told)),
        case_id: told.id.clone(),
        reason: why.to_owned(),
    }
}

/// The notice is its own case; that it is one says `proof_kind`.
fn death(told: &Death) -> contract::RegisterDeathRequest {
    contract::RegisterDeathRequest {
        case_id: told.code.clone(),
        deceased: Some(contract::Deceased {
            pin: text(told.pin.as_ref().map(|pin| pin.as_str())),
            name: told.name.as_str().to_owned(),
            sex: told.sex.map_or(0, |sex| i32::from(sex.code())),
            birth_date: told.born.clone(),
            si_number: text(told.si_number.as_ref().map(|number| number.as_str())),
        }),
        died_on: told.died_on.to_string(),
        proof_kind: DEATH_NOTICE,
        proof_number: told.number.clone(),
        proof_book: told.book.clone(),
        death_notice: told.code.clone(),
        replaces_number: text(told.replaces.as_ref().map(|one| one.number.as_str())),
        replaces_book: text(told.replaces.as_ref().map(|one| one.book.as_str())),
        ..contract::RegisterDeathRequest::default()
    }
}

fn text(given: Option<&str>) -> String {
    given.unwrap_or_default().to_owned()
}

/// gbtLoai of a hospital's death notice.
const DEATH_NOTICE: u32 = 1;
