//! gRPC admin.v1: status, explain, the outbox and what operators do.

use schemas::proto::admin::{
    self, AccessRequest, AccessResponse, ActRequest, ActResponse, AskTaxRequest, AskTaxResponse,
    DecideReviewRequest, DecideReviewResponse, ExplainRequest, ExplainResponse, LawfulTimesRequest,
    LawfulTimesResponse, ListActsRequest, ListActsResponse, ListDiscrepanciesRequest,
    ListDiscrepanciesResponse, ListNoticesRequest, ListNoticesResponse, ListParcelsRequest,
    ListParcelsResponse, ListPullsRequest, ListPullsResponse, ListReviewsRequest,
    ListReviewsResponse, MoveDiscrepancyRequest, MoveDiscrepancyResponse, RecheckLedgerRequest,
    RecheckLedgerResponse, ShowBirthRequest, ShowBirthResponse, ShowDiscrepancyRequest,
    ShowDiscrepancyResponse, ShowParcelRequest, ShowParcelResponse, ShowPullRequest,
    ShowPullResponse, ShowReviewRequest, ShowReviewResponse, StatusRequest, StatusResponse,
    TermsRequest, TermsResponse, admin_server::Admin,
};
use tonic::{Request, Response, Status};

use super::{
    AdminParts, ask, births, clocks, discrepancies, dossiers, employers,
    explain::{explain, fenced},
    groups, ledger, office,
    operators::Caller,
    papers, payments, pulls, representation, reviews, schedules, status,
};

/// Answers operators.
pub(super) struct Desk {
    pub(super) parts: AdminParts,
    pub(super) caller: Caller,
}

impl Desk {
    async fn may(&self, what: &str) -> Result<(), Status> {
        self.caller.may(&self.parts, what).await
    }
}

#[tonic::async_trait]
impl Admin for Desk {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        self.may("status").await?;
        Ok(Response::new(status::page(&self.parts).await))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        self.may("explain").await?;
        let id = request.into_inner().id;
        if id.is_empty() || id.len() > ID_CHARS_MAX {
            return Err(Status::invalid_argument("an evidence id or a message id"));
        }
        let stories = self.parts.log.story(&id).await;
        let stories = stories.map_err(|error| Status::unavailable(error.to_string()))?;
        let now = self.parts.clock.now();
        let recovering = self.parts.office.recovering().await;
        let recovering = recovering.map_err(|error| Status::unavailable(error.to_string()))?;
        let tell = |story| match recovering {
            Some(_) => fenced(explain(story, now)),
            None => explain(story, now),
        };
        Ok(Response::new(ExplainResponse {
            stories: stories.iter().map(tell).collect(),
            recovery: recovering.map(|recovering| status::recovery(&self.parts, &recovering)),
        }))
    }

    async fn list_parcels(
        &self,
        request: Request<ListParcelsRequest>,
    ) -> Result<Response<ListParcelsResponse>, Status> {
        self.may("list-parcels").await?;
        let listed = office::list(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_parcel(
        &self,
        request: Request<ShowParcelRequest>,
    ) -> Result<Response<ShowParcelResponse>, Status> {
        self.may("show-parcel").await?;
        let shown = office::show(&self.parts, &request.into_inner().id).await;
        shown.map(Response::new)
    }

    async fn act(&self, request: Request<ActRequest>) -> Result<Response<ActResponse>, Status> {
        let mut asked = request.into_inner();
        self.may(&asked.deed).await?;
        asked.who = self.caller.name(asked.who);
        let acted = office::act(&self.parts, asked).await;
        acted.map(Response::new)
    }

    async fn list_acts(
        &self,
        request: Request<ListActsRequest>,
    ) -> Result<Response<ListActsResponse>, Status> {
        self.may("list-acts").await?;
        let listed = office::acts(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn list_pulls(
        &self,
        request: Request<ListPullsRequest>,
    ) -> Result<Response<ListPullsResponse>, Status> {
        self.may("list-pulls").await?;
        let listed = pulls::list(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_pull(
        &self,
        request: Request<ShowPullRequest>,
    ) -> Result<Response<ShowPullResponse>, Status> {
        self.may("show-pull").await?;
        let shown = pulls::show(&self.parts, &request.into_inner().id).await;
        shown.map(Response::new)
    }

    async fn access(
        &self,
        request: Request<AccessRequest>,
    ) -> Result<Response<AccessResponse>, Status> {
        self.may("access").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let found = ledger::accesses(&self.parts, asked).await;
        found.map(Response::new)
    }

    async fn list_reviews(
        &self,
        request: Request<ListReviewsRequest>,
    ) -> Result<Response<ListReviewsResponse>, Status> {
        self.may("list-reviews").await?;
        let listed = reviews::list(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_review(
        &self,
        request: Request<ShowReviewRequest>,
    ) -> Result<Response<ShowReviewResponse>, Status> {
        self.may("show-review").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let shown = reviews::show(&self.parts, asked).await;
        shown.map(Response::new)
    }

    async fn decide_review(
        &self,
        request: Request<DecideReviewRequest>,
    ) -> Result<Response<DecideReviewResponse>, Status> {
        self.may("decide-review").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let decided = reviews::decide(&self.parts, asked).await;
        decided.map(Response::new)
    }

    async fn show_birth(
        &self,
        request: Request<ShowBirthRequest>,
    ) -> Result<Response<ShowBirthResponse>, Status> {
        self.may("show-birth").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let shown = births::show(&self.parts, asked).await;
        shown.map(Response::new)
    }

    async fn lawful_times(
        &self,
        request: Request<LawfulTimesRequest>,
    ) -> Result<Response<LawfulTimesResponse>, Status> {
        self.may("lawful-times").await?;
        let told = clocks::times(&self.parts, request.into_inner()).await;
        told.map(Response::new)
    }

    async fn list_dossiers(
        &self,
        _: Request<admin::ListDossiersRequest>,
    ) -> Result<Response<admin::ListDossiersResponse>, Status> {
        self.may("list-dossiers").await?;
        let listed = dossiers::list(&self.parts).await;
        listed.map(Response::new)
    }

    async fn show_dossier(
        &self,
        request: Request<admin::ShowDossierRequest>,
    ) -> Result<Response<admin::ShowDossierResponse>, Status> {
        self.may("show-dossier").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let shown = dossiers::show(&self.parts, asked).await;
        shown.map(Response::new)
    }

    type ReadPaperStream = papers::Parts;

    async fn read_paper(
        &self,
        request: Request<admin::ReadPaperRequest>,
    ) -> Result<Response<Self::ReadPaperStream>, Status> {
        self.may("read-paper").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let read = papers::read(&self.parts, asked).await;
        read.map(Response::new)
    }

    type ReadFileStream = papers::Parts;

    async fn read_file(
        &self,
        request: Request<admin::ReadFileRequest>,
    ) -> Result<Response<Self::ReadFileStream>, Status> {
        self.may("read-file").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let read = papers::read_file(&self.parts, asked).await;
        read.map(Response::new)
    }

    async fn decide_dossier(
        &self,
        request: Request<admin::DecideDossierRequest>,
    ) -> Result<Response<admin::DecideDossierResponse>, Status> {
        self.may("decide-dossier").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let decided = dossiers::decide(&self.parts, asked).await;
        decided.map(Response::new)
    }

    async fn list_discrepancies(
        &self,
        request: Request<ListDiscrepanciesRequest>,
    ) -> Result<Response<ListDiscrepanciesResponse>, Status> {
        self.may("list-discrepancies").await?;
        let listed = discrepancies::list(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_discrepancy(
        &self,
        request: Request<ShowDiscrepancyRequest>,
    ) -> Result<Response<ShowDiscrepancyResponse>, Status> {
        self.may("show-discrepancy").await?;
        let shown = discrepancies::show(&self.parts, request.into_inner().id).await;
        shown.map(Response::new)
    }

    async fn dispute_discrepancy(
        &self,
        request: Request<MoveDiscrepancyRequest>,
    ) -> Result<Response<MoveDiscrepancyResponse>, Status> {
        self.may("dispute-discrepancy").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let moved = discrepancies::dispute(&self.parts, asked).await;
        moved.map(Response::new)
    }

    async fn settle_discrepancy(
        &self,
        request: Request<MoveDiscrepancyRequest>,
    ) -> Result<Response<MoveDiscrepancyResponse>, Status> {
        self.may("settle-discrepancy").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let moved = discrepancies::settle(&self.parts, asked).await;
        moved.map(Response::new)
    }

    async fn recheck_ledger(
        &self,
        request: Request<RecheckLedgerRequest>,
    ) -> Result<Response<RecheckLedgerResponse>, Status> {
        self.may("recheck-ledger").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let looked = discrepancies::recheck(&self.parts, asked).await;
        looked.map(Response::new)
    }

    async fn list_notices(
        &self,
        request: Request<ListNoticesRequest>,
    ) -> Result<Response<ListNoticesResponse>, Status> {
        self.may("list-notices").await?;
        let listed = discrepancies::notices(&self.parts, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn ask_tax(
        &self,
        request: Request<AskTaxRequest>,
    ) -> Result<Response<AskTaxResponse>, Status> {
        self.may("ask-tax").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        ask::ask(&self.parts, asked).await.map(Response::new)
    }

    async fn list_schedules(
        &self,
        _: Request<admin::ListSchedulesRequest>,
    ) -> Result<Response<admin::ListSchedulesResponse>, Status> {
        self.may("list-schedules").await?;
        schedules::list(&self.parts).await.map(Response::new)
    }

    async fn start_schedule(
        &self,
        request: Request<admin::StartScheduleRequest>,
    ) -> Result<Response<admin::StartScheduleResponse>, Status> {
        self.may("start-schedule").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let started = schedules::start(&self.parts, asked).await;
        started.map(Response::new)
    }

    async fn record_employer(
        &self,
        request: Request<admin::RecordEmployerRequest>,
    ) -> Result<Response<admin::RecordEmployerResponse>, Status> {
        self.may("record-employer").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let recorded = employers::record(&self.parts, asked).await;
        recorded.map(Response::new)
    }

    async fn list_payments(
        &self,
        request: Request<admin::ListPaymentsRequest>,
    ) -> Result<Response<admin::ListPaymentsResponse>, Status> {
        self.may("list-payments").await?;
        let asked = request.into_inner();
        payments::list(&self.parts, asked).await.map(Response::new)
    }

    async fn show_payment(
        &self,
        request: Request<admin::ShowPaymentRequest>,
    ) -> Result<Response<admin::ShowPaymentResponse>, Status> {
        self.may("show-payment").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        payments::show(&self.parts, asked).await.map(Response::new)
    }

    async fn certify_group(
        &self,
        request: Request<admin::CertifyGroupRequest>,
    ) -> Result<Response<admin::CertifyGroupResponse>, Status> {
        self.may("certify-group").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let certified = groups::certify(&self.parts, asked).await;
        certified.map(Response::new)
    }

    async fn take_back_group(
        &self,
        request: Request<admin::TakeBackGroupRequest>,
    ) -> Result<Response<admin::TakeBackGroupResponse>, Status> {
        self.may("take-back-group").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let taken = groups::take_back(&self.parts, asked).await;
        taken.map(Response::new)
    }

    async fn record_representation(
        &self,
        request: Request<admin::RecordRepresentationRequest>,
    ) -> Result<Response<admin::RepresentationResponse>, Status> {
        self.may("record-representation").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let recorded = representation::record(&self.parts, asked).await;
        recorded.map(Response::new)
    }

    async fn end_representation(
        &self,
        request: Request<admin::EndRepresentationRequest>,
    ) -> Result<Response<admin::RepresentationResponse>, Status> {
        self.may("end-representation").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let ended = representation::end(&self.parts, asked).await;
        ended.map(Response::new)
    }

    async fn list_representations(
        &self,
        request: Request<admin::ListRepresentationsRequest>,
    ) -> Result<Response<admin::ListRepresentationsResponse>, Status> {
        self.may("list-representations").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        let listed = representation::list(&self.parts, asked).await;
        listed.map(Response::new)
    }

    async fn refund_payment(
        &self,
        request: Request<admin::RefundPaymentRequest>,
    ) -> Result<Response<admin::RefundPaymentResponse>, Status> {
        self.may("refund-payment").await?;
        let mut asked = request.into_inner();
        asked.who = self.caller.name(asked.who);
        payments::refund(&self.parts, asked)
            .await
            .map(Response::new)
    }

    async fn reconcile_payments(
        &self,
        request: Request<admin::ReconcilePaymentsRequest>,
    ) -> Result<Response<admin::ReconcilePaymentsResponse>, Status> {
        self.may("reconcile-payments").await?;
        let asked = request.into_inner();
        payments::reconcile(&self.parts, asked)
            .await
            .map(Response::new)
    }

    async fn terms(
        &self,
        request: Request<TermsRequest>,
    ) -> Result<Response<TermsResponse>, Status> {
        self.may("terms").await?;
        let found = office::terms(&self.parts, &request.into_inner().partner).await;
        found.map(Response::new)
    }
}

const ID_CHARS_MAX: usize = 128;
