//! The contract's client: the same calls to the registry in this process or to a server far away.
//!
//! Every call has a deadline, which is ours (tonic's in-process server keeps none) and which the server
//! is told as `grpc-timeout`; calls in flight and message sizes are bounded. Every failure becomes a
//! [`Fault`] in one place.

mod fault;
mod remote;
mod transport;
mod words;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use schemas::fault::{Fault, FaultCode};
use schemas::proto::insurance as contract;
use schemas::proto::insurance::births_client::BirthsClient;
use schemas::proto::insurance::cards_client::CardsClient;
use schemas::proto::insurance::changes_client::ChangesClient;
use schemas::proto::insurance::deaths_client::DeathsClient;
use schemas::proto::insurance::dossiers_client::DossiersClient;
use schemas::proto::insurance::employers_client::EmployersClient;
use schemas::proto::insurance::groups_client::GroupsClient;
use schemas::proto::insurance::hospitals_client::HospitalsClient;
use schemas::proto::insurance::months_client::MonthsClient;
use schemas::proto::insurance::participants_client::ParticipantsClient;
use schemas::proto::insurance::payments_client::PaymentsClient;
use schemas::proto::insurance::persons_client::PersonsClient;
use schemas::proto::insurance::registry_client::RegistryClient;
use schemas::proto::insurance::representations_client::RepresentationsClient;
use schemas::proto::insurance::reviews_client::ReviewsClient;
use schemas::proto::insurance::tax_ledger_client::TaxLedgerClient;
use schemas::proto::insurance::vital_events_client::VitalEventsClient;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status, Streaming};

use crate::registry::Registry;
use crate::server;
pub use remote::{RemoteError, RemoteParams};
use transport::Transport;

/// What the client bounds; the defaults fit the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls in flight at a time; the next one waits within its deadline.
    pub calls_max: usize,
    /// The largest request, in bytes.
    pub request_bytes_max: usize,
    /// The largest response, in bytes.
    pub response_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls_max: 512,
            request_bytes_max: server::MESSAGE_BYTES_MAX,
            response_bytes_max: server::MESSAGE_BYTES_MAX,
        }
    }
}

/// A client of the insurance contract; cheap to clone, usable from every task at once.
#[derive(Clone)]
pub struct Insurance {
    transport: Transport,
    calls: Arc<Semaphore>,
    limits: Limits,
}

impl Insurance {
    /// Calls the generated server over a registry in this process; no socket.
    #[must_use]
    pub fn embedded(registry: Registry) -> Self {
        Self::embedded_with(registry, Limits::default())
    }

    /// The same with other limits.
    #[must_use]
    pub fn embedded_with(registry: Registry, limits: Limits) -> Self {
        Self::over(Transport::Embedded(server::routes(registry)), limits)
    }

    /// Calls a server of the contract over mutual TLS and HTTP/2; connects at the first call and
    /// again whenever the connection is lost.
    ///
    /// # Errors
    /// Where the address is not `https://host:port`.
    pub fn remote(params: RemoteParams) -> Result<Self, RemoteError> {
        let limits = params.limits;
        Ok(Self::over(
            Transport::Remote(remote::channel(params)?),
            limits,
        ))
    }

    fn over(transport: Transport, limits: Limits) -> Self {
        Self {
            transport,
            calls: Arc::new(Semaphore::new(limits.calls_max)),
            limits,
        }
    }

    /// One call: within the deadline, within the number of calls in flight, its status told as a fault.
    async fn call<Q, R, F>(
        &self,
        deadline: Instant,
        request: Q,
        method: impl FnOnce(Request<Q>) -> F,
    ) -> Result<R, Fault>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        if deadline <= Instant::now() {
            return Err(Fault::new(FaultCode::DeadlineExceeded, "deadline"));
        }
        let run = async {
            let Ok(_permit) = self.calls.acquire().await else {
                return Err(Fault::new(FaultCode::InsuranceUnavailable, "closed"));
            };
            let mut request = Request::new(request);
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            method(request)
                .await
                .map(Response::into_inner)
                .map_err(|status| fault::of(&status))
        };
        match timeout_at(deadline, run).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Err(Fault::new(FaultCode::DeadlineExceeded, "deadline")),
        }
    }
}

/// Batches of a month as they come.
#[derive(Debug)]
pub struct Records {
    batches: Streaming<contract::RecordBatch>,
    patience: Duration,
}

impl Records {
    /// The next batch; none at the end.
    ///
    /// # Errors
    /// The registry's refusal, or `INSURANCE-UNAVAILABLE` where it says nothing for as long as one call may take.
    pub async fn next(&mut self) -> Result<Option<contract::RecordBatch>, Fault> {
        match tokio::time::timeout(self.patience, self.batches.message()).await {
            Ok(batch) => batch.map_err(|status| fault::of(&status)),
            Err(_elapsed) => Err(Fault::new(
                FaultCode::InsuranceUnavailable,
                "stream-stalled",
            )),
        }
    }
}

impl Insurance {
    /// All records of one month in the order of their keys, from the key after which the request begins;
    /// `patience` is how long each batch may take, the whole may take as long as it does.
    ///
    /// # Errors
    /// The registry's refusal, `INSURANCE-UNAVAILABLE`, or `DEADLINE-EXCEEDED`.
    pub async fn records(
        &self,
        patience: Duration,
        request: contract::StreamRecordsRequest,
    ) -> Result<Records, Fault> {
        let mut client = MonthsClient::new(self.transport.clone())
            .max_encoding_message_size(self.limits.request_bytes_max)
            .max_decoding_message_size(self.limits.response_bytes_max);
        // without a timeout of its own: that of a gRPC call is of the whole stream
        let begun = client.stream_records(Request::new(request));
        match tokio::time::timeout(patience, begun).await {
            Ok(Ok(response)) => Ok(Records {
                batches: response.into_inner(),
                patience,
            }),
            Ok(Err(status)) => Err(fault::of(&status)),
            Err(_elapsed) => Err(Fault::new(FaultCode::DeadlineExceeded, "deadline")),
        }
    }
}

/// Typed methods: what each does stands in the contract.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $client:ident . $method:ident ( $request:ident ) -> $response:ident;)*) => {
        impl Insurance {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// The registry's refusal, `INSURANCE-UNAVAILABLE`, or `DEADLINE-EXCEEDED` at the deadline.
                pub async fn $name(
                    &self,
                    deadline: Instant,
                    request: contract::$request,
                ) -> Result<contract::$response, Fault> {
                    let mut client = $client::new(self.transport.clone())
                        .max_encoding_message_size(self.limits.request_bytes_max)
                        .max_decoding_message_size(self.limits.response_bytes_max);
                    self.call(deadline, request, |request| async move { client.$method(request).await }).await
                }
            )*
        }
    };
}

methods! {
    /// Participation of one employer in one month.
    participation = EmployersClient.get_participation(GetParticipationRequest) -> GetParticipationResponse;
    /// Keeps what the tax department told of an employer; safe to repeat under its key.
    record_notice = EmployersClient.record_notice(RecordNoticeRequest) -> RecordNoticeResponse;
    /// What it told of one tax code, newest first.
    notices = EmployersClient.list_notices(ListNoticesRequest) -> ListNoticesResponse;
    /// Records what happened to an employer; safe to repeat under its key.
    record_employer = EmployersClient.record(RecordEmployerRequest) -> RecordEmployerResponse;
    /// The sender is told of what is recorded of employers, or no more.
    watch_employers = EmployersClient.watch(WatchEmployersRequest) -> WatchEmployersResponse;
    /// People who match a number, or birth date and name together.
    find = ParticipantsClient.find(FindRequest) -> FindResponse;
    /// What one person contributed by whom, over some months.
    contributions = ParticipantsClient.get_contributions(GetContributionsRequest) -> GetContributionsResponse;
    /// The sender is told of persons whom its dossiers are about, or no more.
    watch_persons = PersonsClient.watch(WatchPersonsRequest) -> WatchPersonsResponse;
    /// Cards of one person, newest first.
    cards = CardsClient.list(ListCardsRequest) -> ListCardsResponse;
    /// Registers a birth; safe to repeat under its key.
    register_birth = BirthsClient.register(RegisterBirthRequest) -> RegisterBirthResponse;
    /// The newest state of up to 3 of the sender's cases.
    birth_cases = BirthsClient.get_cases(GetBirthCasesRequest) -> GetBirthCasesResponse;
    /// Corrects facts of one of the sender's births; safe to repeat under its key.
    correct_birth = BirthsClient.correct(CorrectBirthRequest) -> CorrectBirthResponse;
    /// What was asked for of one of the sender's births that waits; safe to repeat under its key.
    supplement_birth = BirthsClient.supplement(SupplementBirthRequest) -> SupplementBirthResponse;
    /// Cases that have passed a mark of their time since the last call; each is told once.
    judge_clocks = BirthsClient.judge(JudgeClocksRequest) -> JudgeClocksResponse;
    /// Tells a partner of its births whose child cards end soon; each is told once.
    announce_ends = BirthsClient.announce_ends(AnnounceEndsRequest) -> AnnounceEndsResponse;
    /// What became of the cases of one month within their time, by province.
    lawful_times = BirthsClient.lawful_times(LawfulTimesRequest) -> LawfulTimesResponse;
    /// All that is kept of one case, whoever its sender is.
    birth_stories = BirthsClient.show(ShowBirthRequest) -> ShowBirthResponse;
    /// Registers a death; safe to repeat under its key.
    register_death = DeathsClient.register(RegisterDeathRequest) -> RegisterDeathResponse;
    /// Takes a death back; safe to repeat under its key.
    withdraw_death = DeathsClient.withdraw(WithdrawDeathRequest) -> WithdrawDeathResponse;
    /// The newest state of up to 3 of the sender's deaths.
    death_cases = DeathsClient.get_cases(GetDeathCasesRequest) -> GetDeathCasesResponse;
    /// The birth or the death of whoever has a number, as it is true now.
    vital_event = VitalEventsClient.find(FindVitalEventRequest) -> FindVitalEventResponse;
    /// The sender is told of births or deaths from a moment on; safe to repeat under its key.
    subscribe_vital_events = VitalEventsClient.subscribe(SubscribeVitalEventsRequest) -> SubscribeVitalEventsResponse;
    /// Ends one of the sender's subscriptions; safe to repeat under its key.
    unsubscribe_vital_events = VitalEventsClient.unsubscribe(UnsubscribeVitalEventsRequest) -> UnsubscribeVitalEventsResponse;
    /// One of the sender's subscriptions.
    vital_subscription = VitalEventsClient.subscription(GetVitalSubscriptionRequest) -> GetVitalSubscriptionResponse;
    /// Keeps a packet of a hospital's notices; safe to repeat under its key.
    record_hospital_notices = HospitalsClient.record(RecordHospitalNoticesRequest) -> RecordHospitalNoticesResponse;
    /// The children of one birth notice of one mother.
    birth_facts = HospitalsClient.birth_facts(GetBirthFactsRequest) -> GetBirthFactsResponse;
    /// Births that wait for a person, the oldest first.
    reviews = ReviewsClient.list(ListReviewsRequest) -> ListReviewsResponse;
    /// One of them, and everybody who may be the child.
    review = ReviewsClient.show(ShowReviewRequest) -> ShowReviewResponse;
    /// Decides one; safe to repeat under its key.
    decide_review = ReviewsClient.decide(DecideReviewRequest) -> DecideReviewResponse;
    /// Submits a dossier to reissue a card; safe to repeat under its key.
    submit_reissue = DossiersClient.submit_reissue(SubmitReissueRequest) -> SubmitReissueResponse;
    /// Submits a dossier of any other procedure; safe to repeat under its key.
    submit_dossier = DossiersClient.submit(SubmitDossierRequest) -> SubmitDossierResponse;
    /// One of the sender's dossiers.
    dossier = DossiersClient.get(GetDossierRequest) -> GetDossierResponse;
    /// Dossiers that wait for a person, those due first.
    waiting_dossiers = DossiersClient.list_waiting(ListWaitingRequest) -> ListWaitingResponse;
    /// One of them, as it was told.
    show_dossier = DossiersClient.show(ShowDossierRequest) -> ShowDossierResponse;
    /// A person's word about one; safe to repeat under its key.
    decide_dossier = DossiersClient.decide(DecideDossierRequest) -> DecideDossierResponse;
    /// Papers that were asked for; safe to repeat under its key.
    supplement_dossier = DossiersClient.supplement(SupplementDossierRequest) -> SupplementDossierResponse;
    /// A dossier is taken back; safe to repeat under its key.
    withdraw_dossier = DossiersClient.withdraw(WithdrawDossierRequest) -> WithdrawDossierResponse;
    /// Keeps a certified list of people of a supported group; safe to repeat under its key.
    certify_group = GroupsClient.certify(CertifyGroupRequest) -> CertifyGroupResponse;
    /// Takes a certified list back, or people off it; safe to repeat under its key.
    take_back_group = GroupsClient.take_back(TakeBackGroupRequest) -> TakeBackGroupResponse;
    /// Records who represents a person or an employer; safe to repeat under its key.
    record_representation = RepresentationsClient.record(RecordRepresentationRequest) -> RecordRepresentationResponse;
    /// Ends what was recorded; safe to repeat under its key.
    end_representation = RepresentationsClient.end(EndRepresentationRequest) -> EndRepresentationResponse;
    /// What was recorded of a person or an employer.
    representations = RepresentationsClient.list(ListRepresentationsRequest) -> ListRepresentationsResponse;
    /// Payments of which something has to be asked now.
    due_payments = PaymentsClient.list_due(ListDuePaymentsRequest) -> ListDuePaymentsResponse;
    /// The platform takes a payment; safe to repeat under its key.
    open_payment = PaymentsClient.open(OpenPaymentRequest) -> OpenPaymentResponse;
    /// One transaction of the platform; safe to repeat, under any key.
    record_payment = PaymentsClient.record(RecordPaymentRequest) -> RecordPaymentResponse;
    /// The platform was asked; safe to repeat under its key.
    asked_payment = PaymentsClient.asked(AskedPaymentRequest) -> AskedPaymentResponse;
    /// The number of the platform's receipt; safe to repeat under its key.
    bill_payment = PaymentsClient.bill(BillPaymentRequest) -> BillPaymentResponse;
    /// Payments, the newest first.
    payments = PaymentsClient.list(ListPaymentsRequest) -> ListPaymentsResponse;
    /// One payment with its transactions and bookings.
    payment = PaymentsClient.show(ShowPaymentRequest) -> ShowPaymentResponse;
    /// Money of a refund case was given back; safe to repeat under its key.
    refund_payment = PaymentsClient.refund(RefundPaymentRequest) -> RefundPaymentResponse;
    /// A part of the platform's statement of a day; safe to repeat under its key.
    note_statement = PaymentsClient.note_statement(NoteStatementRequest) -> NoteStatementResponse;
    /// The three sides of a day held against each other.
    compare_payments = PaymentsClient.compare(ComparePaymentsRequest) -> ComparePaymentsResponse;
    /// Notes what a reconciliation found; safe to repeat under its key.
    note_findings = TaxLedgerClient.note(NoteFindingsRequest) -> NoteFindingsResponse;
    /// Matches what stood open and a reconciliation did not find again; at most so many at a time.
    conclude = TaxLedgerClient.conclude(ConcludeRequest) -> ConcludeResponse;
    /// Disputes or settles a discrepancy; safe to repeat under its key.
    move_discrepancy = TaxLedgerClient.r#move(MoveDiscrepancyRequest) -> MoveDiscrepancyResponse;
    /// Looks again at discrepancies that were looked at longest ago.
    recheck = TaxLedgerClient.recheck(RecheckRequest) -> RecheckResponse;
    /// How far a look in parts has come.
    recheck_progress = TaxLedgerClient.recheck_progress(RecheckProgressRequest) -> RecheckProgressResponse;
    /// Discrepancies, the newest first.
    discrepancies = TaxLedgerClient.list(ListDiscrepanciesRequest) -> ListDiscrepanciesResponse;
    /// One discrepancy with its steps.
    discrepancy = TaxLedgerClient.get(GetDiscrepancyRequest) -> GetDiscrepancyResponse;
    /// Leases changes that nobody holds.
    lease = ChangesClient.lease(LeaseRequest) -> LeaseResponse;
    /// Acknowledges leased changes.
    ack = ChangesClient.ack(AckRequest) -> AckResponse;
    /// Size, population and schema version.
    info = RegistryClient.info(InfoRequest) -> InfoResponse;
    /// One hash over every business row.
    fingerprint = RegistryClient.fingerprint(FingerprintRequest) -> FingerprintResponse;
}
