//! The contract's server: the generated tonic services over a registry.
//!
//! It refuses to know transport: the gateway serves these routes over mutual TLS, or the client calls
//! them in this process. It keeps the caller's `grpc-timeout`, which tonic ignores where no tonic
//! transport stands in front.

mod deadline;
pub(crate) mod status;

use std::future::Future;

use futures_util::stream::{self, BoxStream, StreamExt as _};

use schemas::proto::insurance as words;
use schemas::proto::insurance::births_server::{Births, BirthsServer};
use schemas::proto::insurance::cards_server::{Cards, CardsServer};
use schemas::proto::insurance::changes_server::{Changes, ChangesServer};
use schemas::proto::insurance::deaths_server::{Deaths, DeathsServer};
use schemas::proto::insurance::dossiers_server::{Dossiers, DossiersServer};
use schemas::proto::insurance::employers_server::{Employers, EmployersServer};
use schemas::proto::insurance::groups_server::{Groups, GroupsServer};
use schemas::proto::insurance::hospitals_server::{Hospitals, HospitalsServer};
use schemas::proto::insurance::months_server::{Months, MonthsServer};
use schemas::proto::insurance::participants_server::{Participants, ParticipantsServer};
use schemas::proto::insurance::payments_server::{Payments, PaymentsServer};
use schemas::proto::insurance::persons_server::{Persons, PersonsServer};
use schemas::proto::insurance::registry_server::{Registry as RegistryService, RegistryServer};
use schemas::proto::insurance::representations_server::{Representations, RepresentationsServer};
use schemas::proto::insurance::reviews_server::{Reviews, ReviewsServer};
use schemas::proto::insurance::tax_ledger_server::{TaxLedger, TaxLedgerServer};
use schemas::proto::insurance::vital_events_server::{VitalEvents, VitalEventsServer};
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::registry::{Error, Registry};

/// All services of the contract over one registry, with message sizes bounded both ways.
#[must_use]
pub fn routes(registry: Registry) -> Routes {
    let server = Server { registry };
    macro_rules! bounded {
        ($service:ident) => {
            $service::new(server.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX)
        };
    }
    Routes::new(bounded!(EmployersServer))
        .add_service(bounded!(ParticipantsServer))
        .add_service(bounded!(PersonsServer))
        .add_service(bounded!(MonthsServer))
        .add_service(bounded!(CardsServer))
        .add_service(bounded!(BirthsServer))
        .add_service(bounded!(DeathsServer))
        .add_service(bounded!(VitalEventsServer))
        .add_service(bounded!(HospitalsServer))
        .add_service(bounded!(ReviewsServer))
        .add_service(bounded!(DossiersServer))
        .add_service(bounded!(GroupsServer))
        .add_service(bounded!(RepresentationsServer))
        .add_service(bounded!(PaymentsServer))
        .add_service(bounded!(TaxLedgerServer))
        .add_service(bounded!(ChangesServer))
        .add_service(bounded!(RegistryServer))
        .prepare()
}

/// The largest message either way, in bytes; 500 changes of the feed fit.
pub const MESSAGE_BYTES_MAX: usize = 1 << 20;

#[derive(Clone)]
struct Server {
    registry: Registry,
}

/// Runs one call within the caller's deadline and says refusals in gRPC.
async fn answer<T>(
    metadata: &MetadataMap,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<Response<T>, Status> {
    match tokio::time::timeout(deadline::of(metadata), call).await {
        Ok(Ok(response)) => Ok(Response::new(response)),
        Ok(Err(error)) => Err(status::of(error)),
        Err(_elapsed) => Err(status::too_late()),
    }
}

/// A service: each method takes the request apart and calls the registry's method of the same meaning.
macro_rules! service {
    ($service:ident { $($name:ident ( $request:ident ) -> $response:ident = $call:ident;)* }) => {
        #[tonic::async_trait]
        impl $service for Server {
            $(
                async fn $name(
                    &self,
                    request: Request<words::$request>,
                ) -> Result<Response<words::$response>, Status> {
                    let (metadata, _, request) = request.into_parts();
                    answer(&metadata, self.registry.$call(request)).await
                }
            )*
        }
    };
}

service!(Employers {
    get_participation(GetParticipationRequest) -> GetParticipationResponse = participation;
    record_notice(RecordNoticeRequest) -> RecordNoticeResponse = record_notice;
    list_notices(ListNoticesRequest) -> ListNoticesResponse = notices;
    record(RecordEmployerRequest) -> RecordEmployerResponse = record_employer;
    watch(WatchEmployersRequest) -> WatchEmployersResponse = watch_employers;
});
service!(Participants {
    find(FindRequest) -> FindResponse = find;
    get_contributions(GetContributionsRequest) -> GetContributionsResponse = contributions;
});
service!(Persons {
    watch(WatchPersonsRequest) -> WatchPersonsResponse = watch_persons;
});
service!(Cards {
    list(ListCardsRequest) -> ListCardsResponse = cards;
});
service!(Births {
    register(RegisterBirthRequest) -> RegisterBirthResponse = register_birth;
    get_cases(GetBirthCasesRequest) -> GetBirthCasesResponse = birth_cases;
    correct(CorrectBirthRequest) -> CorrectBirthResponse = correct_birth;
    supplement(SupplementBirthRequest) -> SupplementBirthResponse = supplement_birth;
    judge(JudgeClocksRequest) -> JudgeClocksResponse = judge_clocks;
    announce_ends(AnnounceEndsRequest) -> AnnounceEndsResponse = announce_ends;
    lawful_times(LawfulTimesRequest) -> LawfulTimesResponse = lawful_times;
    show(ShowBirthRequest) -> ShowBirthResponse = birth_stories;
});
service!(Deaths {
    register(RegisterDeathRequest) -> RegisterDeathResponse = register_death;
    withdraw(WithdrawDeathRequest) -> WithdrawDeathResponse = withdraw_death;
    get_cases(GetDeathCasesRequest) -> GetDeathCasesResponse = death_cases;
});
service!(VitalEvents {
    find(FindVitalEventRequest) -> FindVitalEventResponse = vital_event;
    subscribe(SubscribeVitalEventsRequest) -> SubscribeVitalEventsResponse = subscribe_vital_events;
    unsubscribe(UnsubscribeVitalEventsRequest) -> UnsubscribeVitalEventsResponse = unsubscribe_vital_events;
    subscription(GetVitalSubscriptionRequest) -> GetVitalSubscriptionResponse = vital_subscription;
});
service!(Hospitals {
    record(RecordHospitalNoticesRequest) -> RecordHospitalNoticesResponse = record_hospital_notices;
    birth_facts(GetBirthFactsRequest) -> GetBirthFactsResponse = birth_facts;
});
service!(Reviews {
    list(ListReviewsRequest) -> ListReviewsResponse = reviews;
    show(ShowReviewRequest) -> ShowReviewResponse = review;
    decide(DecideReviewRequest) -> DecideReviewResponse = decide_review;
});
service!(Dossiers {
    submit_reissue(SubmitReissueRequest) -> SubmitReissueResponse = submit_reissue;
    submit(SubmitDossierRequest) -> SubmitDossierResponse = submit_dossier;
    get(GetDossierRequest) -> GetDossierResponse = dossier;
    list_waiting(ListWaitingRequest) -> ListWaitingResponse = waiting_dossiers;
    show(ShowDossierRequest) -> ShowDossierResponse = show_dossier;
    decide(DecideDossierRequest) -> DecideDossierResponse = decide_dossier;
    supplement(SupplementDossierRequest) -> SupplementDossierResponse = supplement_dossier;
    withdraw(WithdrawDossierRequest) -> WithdrawDossierResponse = withdraw_dossier;
});
service!(Groups {
    certify(CertifyGroupRequest) -> CertifyGroupResponse = certify_group;
    take_back(TakeBackGroupRequest) -> TakeBackGroupResponse = take_back_group;
});
service!(Representations {
    record(RecordRepresentationRequest) -> RecordRepresentationResponse = record_representation;
    end(EndRepresentationRequest) -> EndRepresentationResponse = end_representation;
    list(ListRepresentationsRequest) -> ListRepresentationsResponse = representations;
});
service!(Payments {
    list_due(ListDuePaymentsRequest) -> ListDuePaymentsResponse = due_payments;
    open(OpenPaymentRequest) -> OpenPaymentResponse = open_payment;
    record(RecordPaymentRequest) -> RecordPaymentResponse = record_payment;
    asked(AskedPaymentRequest) -> AskedPaymentResponse = asked_payment;
    bill(BillPaymentRequest) -> BillPaymentResponse = bill_payment;
    list(ListPaymentsRequest) -> ListPaymentsResponse = payments;
    show(ShowPaymentRequest) -> ShowPaymentResponse = payment;
    refund(RefundPaymentRequest) -> RefundPaymentResponse = refund_payment;
    note_statement(NoteStatementRequest) -> NoteStatementResponse = note_statement;
    compare(ComparePaymentsRequest) -> ComparePaymentsResponse = compare_payments;
});
service!(TaxLedger {
    note(NoteFindingsRequest) -> NoteFindingsResponse = note_findings;
    conclude(ConcludeRequest) -> ConcludeResponse = conclude;
    r#move(MoveDiscrepancyRequest) -> MoveDiscrepancyResponse = move_discrepancy;
    recheck(RecheckRequest) -> RecheckResponse = recheck;
    recheck_progress(RecheckProgressRequest) -> RecheckProgressResponse = recheck_progress;
    list(ListDiscrepanciesRequest) -> ListDiscrepanciesResponse = discrepancies;
    get(GetDiscrepancyRequest) -> GetDiscrepancyResponse = discrepancy;
});
service!(Changes {
    lease(LeaseRequest) -> LeaseResponse = lease;
    ack(AckRequest) -> AckResponse = ack;
});
service!(RegistryService {
    info(InfoRequest) -> InfoResponse = info;
    fingerprint(FingerprintRequest) -> FingerprintResponse = fingerprint;
});

#[tonic::async_trait]
impl Months for Server {
    type StreamRecordsStream = BoxStream<'static, Result<words::RecordBatch, Status>>;

    /// The first batch is read before the stream begins, so that a malformed request is refused as such; each other
    /// one when the caller has taken the one before.
    async fn stream_records(
        &self,
        request: Request<words::StreamRecordsRequest>,
    ) -> Result<Response<Self::StreamRecordsStream>, Status> {
        let (metadata, _, request) = request.into_parts();
        let first = answer(&metadata, self.registry.records(request.clone())).await?;
        let (first, registry) = (first.into_inner(), self.registry.clone());
        let others = stream::unfold(
            (registry, request, first.next.clone()),
            |(registry, mut request, after)| async move {
                if after.is_empty() {
                    return None;
                }
                request.after = after;
                match registry.records(request.clone()).await {
                    Ok(batch) if batch.next.is_empty() => None,
                    Ok(batch) => {
                        let next = batch.next.clone();
                        Some((Ok(batch), (registry, request, next)))
                    }
                    Err(error) => {
                        Some((Err(status::of(error)), (registry, request, String::new())))
                    }
                }
            },
        );
        let all = stream::once(async { Ok(first) }).chain(others);
        Ok(Response::new(all.boxed()))
    }
}
