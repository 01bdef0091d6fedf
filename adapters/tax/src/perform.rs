//! A typed request becomes a call of the insurance contract, in canonical English.

use futures_util::future::BoxFuture;
use gateway_core::{Context, policy::Permit};
use schemas::{
    fault::Fault,
    proto::insurance::{GetParticipationRequest, GetParticipationResponse},
    wire::tax::{Request, VerifyEmployer},
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

/// What came of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The insurance database answered.
    Participation(GetParticipationResponse),
    /// No field asked for is agreed, so nobody was asked: not even whether the employer exists is told.
    NotPermitted,
    /// A ping; nobody was asked.
    Pong,
}

pub(crate) async fn perform(
    employers: &dyn Employers,
    context: Context,
    permit: &Permit,
    request: &Request,
) -> Result<Outcome, Fault> {
    match request {
        Request::Ping(_) => Ok(Outcome::Pong),
        Request::VerifyEmployer(_) if permit.disclosed().is_empty() => Ok(Outcome::NotPermitted),
        Request::VerifyEmployer(ask) => employers
            .participation(context, canonical(ask))
            .await
            .map(Outcome::Participation),
    }
}

/// The canonical request; its context is filled by whoever makes the call.
fn canonical(ask: &VerifyEmployer) -> GetParticipationRequest {
    GetParticipationRequest {
        context: None,
        tax_code: ask.mst.as_str().to_owned(),
        period: ask.period.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testscene::{Registry, ask, context, permit, ping, response};

    #[tokio::test]
    async fn the_registry_is_asked_for_the_code_and_the_month() {
        let registry = Registry::answering(Ok(response()));
        let ask = Request::VerifyEmployer(ask(&["fund"]));
        let outcome = perform(&registry, context(), &permit(&["fund"], &["fund"]), &ask).await;
        assert_eq!(outcome, Ok(Outcome::Participation(response())));
        let asked = registry.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!(
            (asked[0].tax_code.as_str(), asked[0].period.as_str()),
            ("9900000016", "2026-10")
        );
    }

    #[tokio::test]
    async fn a_ping_never_touches_the_registry() {
        let registry = Registry::answering(Ok(response()));
        let outcome = perform(
            &registry,
            context(),
            &permit(&[], &[]),
            &Request::Ping(ping()),
        )
        .await;
        assert_eq!(outcome, Ok(Outcome::Pong));
        assert!(registry.asked().is_empty());
    }

    #[tokio::test]
    async fn without_one_permitted_field_nobody_is_asked() {
        let registry = Registry::answering(Ok(response()));
        let ask = Request::VerifyEmployer(ask(&["name", "unitCode"]));
        let permit = permit(&["fund"], &["name", "unitCode"]);
        let outcome = perform(&registry, context(), &permit, &ask).await;
        assert_eq!(outcome, Ok(Outcome::NotPermitted));
        assert!(registry.asked().is_empty());
    }

    #[tokio::test]
    async fn a_fault_of_the_registry_stays_what_it_is() {
        let fault = Fault::new(schemas::fault::FaultCode::InsuranceUnavailable, "timeout");
        let registry = Registry::answering(Err(fault.clone()));
        let ask = Request::VerifyEmployer(ask(&["fund"]));
        let outcome = perform(&registry, context(), &permit(&["fund"], &["fund"]), &ask).await;
        assert_eq!(outcome, Err(fault));
    }
}
