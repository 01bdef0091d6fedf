//! Where the cases stand that an OpenCRVS asked for by triggers.

use std::time::Duration;

use futures_util::future::BoxFuture;
use insurance::Insurance;
use opencrvs::trigger::outbound::{Cases, Decision};
use schemas::{
    fault::Fault,
    id::PartnerId,
    proto::insurance::{BirthCaseState, Context, GetBirthCasesRequest, GetDeathCasesRequest},
    wire::opencrvs::Topic,
};
use tokio::time::Instant;

/// The cases of one registry.
pub(super) struct Decided {
    pub(super) partner: PartnerId,
    pub(super) insurance: Insurance,
    pub(super) timeout: Duration,
}

impl Decided {
    fn context(&self) -> Option<Context> {
        Some(Context {
            sender: self.partner.as_str().to_owned(),
            rule: "what became of a trigger".to_owned(),
            ..Context::default()
        })
    }

    async fn of_birth(&self, case_ids: Vec<String>) -> Result<Option<Decision>, Fault> {
        let request = GetBirthCasesRequest {
            context: self.context(),
            case_ids,
        };
        let until = Instant::now() + self.timeout;
        let cases = self.insurance.birth_cases(until, request).await?.cases;
        let known = cases.into_iter().find(|case| case.known);
        Ok(known.map(|case| match case.state() {
            BirthCaseState::Completed => Decision::Accepted,
            BirthCaseState::Returned | BirthCaseState::Refused => Decision::Refused,
            BirthCaseState::Unspecified
            | BirthCaseState::Received
            | BirthCaseState::NeedsSupplement
            | BirthCaseState::Processing => Decision::Open,
        }))
    }

    /// A death is taken as it is registered, or not at all.
    async fn of_death(&self, case_ids: Vec<String>) -> Result<Option<Decision>, Fault> {
        let request = GetDeathCasesRequest {
            context: self.context(),
            case_ids,
        };
        let until = Instant::now() + self.timeout;
        let cases = self.insurance.death_cases(until, request).await?.cases;
        let is_known = cases.into_iter().any(|case| case.known);
        Ok(is_known.then_some(Decision::Accepted))
    }
}

impl Cases for Decided {
    fn decision(
        &self,
        topic: Topic,
        case_id: String,
    ) -> BoxFuture<'_, Result<Option<Decision>, Fault>> {
        Box::pin(async move {
            match topic {
                Topic::BirthRegistered => self.of_birth(vec![case_id]).await,
                Topic::DeathRegistered => self.of_death(vec![case_id]).await,
            }
        })
    }
}
