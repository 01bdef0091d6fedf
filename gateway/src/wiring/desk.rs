//! The insurance contract as the adapters ask for it: one desk behind all of their small traits.

mod notices;

use std::{sync::Arc, time::Duration};

use civil::Births;
use dci::Registrar;
use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    bulk::Ticket,
    ports::{Clock, PullBook},
};
use hospital::Hospitals;
use insurance::Insurance;
use portal::{Dossiers, payment::Payments};
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    proto::insurance as contract,
};
use tax::{
    Contributors, Disputes, Employers, Notices, Reconciliations, Told,
    reconcile::{Manifest, Totals},
};
use tokio::time::Instant;

use crate::{
    bulk::Bulks,
    population::{NOT_ASKED, Population},
};

/// The insurance contract as the adapters ask for it.
pub(super) struct Desk {
    pub(super) insurance: Insurance,
    pub(super) timeout: Duration,
    pub(super) bulks: Option<Bulks>,
    pub(super) book: Arc<dyn PullBook>,
    pub(super) clock: Arc<dyn Clock>,
    /// Who is asked before a child gets its number.
    pub(super) population: Option<Population>,
}

impl Desk {
    /// The message's deadline, or our own bound on one call where that is sooner.
    fn by(&self, context: &Context) -> Instant {
        context.deadline.min(Instant::now() + self.timeout)
    }

    async fn registered(
        &self,
        context: Context,
        request: contract::RegisterBirthRequest,
    ) -> Result<contract::BirthCase, Fault> {
        let call = self.insurance.register_birth(self.by(&context), request);
        let case = call.await?.case;
        case.ok_or_else(|| missing("answer-without-case"))
    }
}

fn asked_by(context: &Context, change: bool) -> contract::Context {
    contract::Context {
        key: if change {
            context.key.to_vec()
        } else {
            Vec::new()
        },
        sender: context.sender.as_str().to_owned(),
        on_behalf_of: String::new(),
        rule: context.rule.clone(),
        purpose: context.purpose.clone(),
    }
}

fn missing(what: &'static str) -> Fault {
    Fault::new(FaultCode::InsuranceUnavailable, what)
}

impl Employers for Desk {
    fn participation(
        &self,
        context: Context,
        mut request: contract::GetParticipationRequest,
    ) -> BoxFuture<'_, Result<contract::GetParticipationResponse, Fault>> {
        request.context = Some(asked_by(&context, false));
        Box::pin(self.insurance.participation(self.by(&context), request))
    }
}

impl Contributors for Desk {
    fn contributions(
        &self,
        context: Context,
        mut request: contract::GetContributionsRequest,
    ) -> BoxFuture<'_, Result<contract::GetContributionsResponse, Fault>> {
        request.context = Some(asked_by(&context, false));
        Box::pin(self.insurance.contributions(self.by(&context), request))
    }
}

impl Notices for Desk {
    fn record(
        &self,
        context: Context,
        notice: contract::Notice,
    ) -> BoxFuture<'_, Result<contract::RecordNoticeResponse, Fault>> {
        let request = contract::RecordNoticeRequest {
            context: Some(asked_by(&context, true)),
            notice: Some(notice),
        };
        Box::pin(self.insurance.record_notice(self.by(&context), request))
    }
}

impl Disputes for Desk {
    fn dispute(
        &self,
        context: Context,
        mut request: contract::MoveDiscrepancyRequest,
    ) -> BoxFuture<'_, Result<contract::Discrepancy, Fault>> {
        request.context = Some(asked_by(&context, true));
        Box::pin(async move {
            let response = self
                .insurance
                .move_discrepancy(self.by(&context), request)
                .await?;
            response
                .discrepancy
                .ok_or_else(|| missing("answer-without-discrepancy"))
        })
    }
}

/// Where the config names no folder nothing is taken in bulk.
fn no_bulk<T>() -> BoxFuture<'static, Result<T, Fault>>
where
    T: Send + 'static,
{
    let fault = Fault::new(FaultCode::Forbidden, "no-bulk-here");
    Box::pin(std::future::ready(Err(fault)))
}

impl Reconciliations for Desk {
    fn announce(&self, context: Context, manifest: Manifest) -> BoxFuture<'_, Result<(), Fault>> {
        match &self.bulks {
            Some(bulks) => bulks.announce(context, manifest),
            None => no_bulk(),
        }
    }

    fn take(&self, context: Context, ticket: &Ticket) -> BoxFuture<'_, Result<Totals, Fault>> {
        match &self.bulks {
            Some(bulks) => bulks.take(context, ticket),
            None => no_bulk(),
        }
    }

    fn result(
        &self,
        context: Context,
        manifest: &MessageId,
        page: u32,
    ) -> BoxFuture<'_, Result<Told, Fault>> {
        match &self.bulks {
            Some(bulks) => bulks.result(context, manifest, page),
            None => no_bulk(),
        }
    }
}

impl Births for Desk {
    fn register(
        &self,
        context: Context,
        mut request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>> {
        request.context = Some(asked_by(&context, true));
        let Some(population) = &self.population else {
            return Box::pin(self.registered(context, request));
        };
        population.demand(&mut request);
        Box::pin(async move {
            match self.registered(context.clone(), request.clone()).await {
                // it would get a number now
                Err(fault) if fault.reason() == NOT_ASKED => {
                    request.population = Some(
                        population
                            .ask(&context.key, context.deadline, &request)
                            .await?,
                    );
                    self.registered(context, request).await
                }
                done => done,
            }
        })
    }

    fn cases(
        &self,
        context: Context,
        case_ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<contract::BirthCase>, Fault>> {
        let request = contract::GetBirthCasesRequest {
            context: Some(asked_by(&context, false)),
            case_ids,
        };
        Box::pin(async move {
            let response = self
                .insurance
                .birth_cases(self.by(&context), request)
                .await?;
            Ok(response.cases)
        })
    }

    fn correct(
        &self,
        context: Context,
        mut request: contract::CorrectBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self.insurance.correct_birth(self.by(&context), request);
        Box::pin(async move {
            let case = call.await?.case;
            case.ok_or_else(|| missing("answer-without-case"))
        })
    }

    fn supplement(
        &self,
        context: Context,
        mut request: contract::SupplementBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>> {
        request.context = Some(asked_by(&context, true));
        if let Some(population) = &self.population {
            population.demand_of_supplement(&mut request);
        }
        let call = self.insurance.supplement_birth(self.by(&context), request);
        Box::pin(async move {
            let case = call.await?.case;
            case.ok_or_else(|| missing("answer-without-case"))
        })
    }

    fn facts(
        &self,
        context: Context,
        mut request: contract::GetBirthFactsRequest,
    ) -> BoxFuture<'_, Result<Vec<contract::BirthFacts>, Fault>> {
        request.context = Some(asked_by(&context, false));
        let call = self.insurance.birth_facts(self.by(&context), request);
        Box::pin(async move { Ok(call.await?.children) })
    }

    fn register_death(
        &self,
        context: Context,
        mut request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self.insurance.register_death(self.by(&context), request);
        Box::pin(async move { death_case(call.await?.case) })
    }

    fn withdraw_death(
        &self,
        context: Context,
        mut request: contract::WithdrawDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self.insurance.withdraw_death(self.by(&context), request);
        Box::pin(async move { death_case(call.await?.case) })
    }

    fn death_cases(
        &self,
        context: Context,
        case_ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<contract::DeathCase>, Fault>> {
        let request = contract::GetDeathCasesRequest {
            context: Some(asked_by(&context, false)),
            case_ids,
        };
        let call = self.insurance.death_cases(self.by(&context), request);
        Box::pin(async move { Ok(call.await?.cases) })
    }
}

impl Registrar for Desk {
    fn register_birth(
        &self,
        context: Context,
        request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>> {
        Births::register(self, context, request)
    }

    fn register_death(
        &self,
        context: Context,
        request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>> {
        Births::register_death(self, context, request)
    }

    fn vital_event(
        &self,
        context: Context,
        mut request: contract::FindVitalEventRequest,
    ) -> BoxFuture<'_, Result<Option<contract::VitalEvent>, Fault>> {
        request.context = Some(asked_by(&context, false));
        let call = self.insurance.vital_event(self.by(&context), request);
        Box::pin(async move { Ok(call.await?.event) })
    }

    fn subscribe(
        &self,
        context: Context,
        mut request: contract::SubscribeVitalEventsRequest,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self
            .insurance
            .subscribe_vital_events(self.by(&context), request);
        Box::pin(async move { subscription(call.await?.subscription) })
    }

    fn unsubscribe(
        &self,
        context: Context,
        code: String,
    ) -> BoxFuture<'_, Result<contract::VitalSubscription, Fault>> {
        let request = contract::UnsubscribeVitalEventsRequest {
            context: Some(asked_by(&context, true)),
            code,
        };
        let call = self
            .insurance
            .unsubscribe_vital_events(self.by(&context), request);
        Box::pin(async move { subscription(call.await?.subscription) })
    }
}

impl Hospitals for Desk {
    fn record(
        &self,
        context: Context,
        mut request: contract::RecordHospitalNoticesRequest,
    ) -> BoxFuture<'_, Result<Vec<contract::HospitalAnswer>, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self
            .insurance
            .record_hospital_notices(self.by(&context), request);
        Box::pin(async move { Ok(call.await?.answers) })
    }
}

/// The answer of the contract to a change of a subscription.
fn subscription(
    subscription: Option<contract::VitalSubscription>,
) -> Result<contract::VitalSubscription, Fault> {
    subscription.ok_or_else(|| missing("answer-without-subscription"))
}

/// The answer of the contract to a change of a death.
fn death_case(case: Option<contract::DeathCase>) -> Result<contract::DeathCase, Fault> {
    case.ok_or_else(|| missing("answer-without-case"))
}

impl Payments for Desk {
    fn record(
        &self,
        context: Context,
        mut request: contract::RecordPaymentRequest,
    ) -> BoxFuture<'_, Result<contract::RecordPaymentResponse, Fault>> {
        request.context = Some(asked_by(&context, true));
        Box::pin(self.insurance.record_payment(self.by(&context), request))
    }
}

impl Dossiers for Desk {
    fn submit_reissue(
        &self,
        context: Context,
        mut request: contract::SubmitReissueRequest,
    ) -> BoxFuture<'_, Result<contract::Dossier, Fault>> {
        request.context = Some(asked_by(&context, true));
        Box::pin(async move {
            let response = self
                .insurance
                .submit_reissue(self.by(&context), request)
                .await?;
            response
                .dossier
                .ok_or_else(|| missing("answer-without-dossier"))
        })
    }
    fn submit(
        &self,
        context: Context,
        mut request: contract::SubmitDossierRequest,
    ) -> BoxFuture<'_, Result<contract::Dossier, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self.insurance.submit_dossier(self.by(&context), request);
        Box::pin(async move {
            let dossier = call.await?.dossier;
            dossier.ok_or_else(|| missing("answer-without-dossier"))
        })
    }

    fn status(
        &self,
        context: Context,
        mut request: contract::GetDossierRequest,
    ) -> BoxFuture<'_, Result<contract::Dossier, Fault>> {
        request.context = Some(asked_by(&context, false));
        let call = self.insurance.dossier(self.by(&context), request);
        Box::pin(async move {
            let dossier = call.await?.dossier;
            dossier.ok_or_else(|| missing("answer-without-dossier"))
        })
    }

    fn supplement(
        &self,
        context: Context,
        mut request: contract::SupplementDossierRequest,
    ) -> BoxFuture<'_, Result<contract::Dossier, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self
            .insurance
            .supplement_dossier(self.by(&context), request);
        Box::pin(async move {
            let dossier = call.await?.dossier;
            dossier.ok_or_else(|| missing("answer-without-dossier"))
        })
    }

    fn withdraw(
        &self,
        context: Context,
        mut request: contract::WithdrawDossierRequest,
    ) -> BoxFuture<'_, Result<contract::Dossier, Fault>> {
        request.context = Some(asked_by(&context, true));
        let call = self.insurance.withdraw_dossier(self.by(&context), request);
        Box::pin(async move {
            let dossier = call.await?.dossier;
            dossier.ok_or_else(|| missing("answer-without-dossier"))
        })
    }
}
