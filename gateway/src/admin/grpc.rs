//! gRPC admin.v1: status, explain, the outbox and what operators do.

use schemas::proto::admin::{
    ActRequest, ActResponse, ExplainRequest, ExplainResponse, ListActsRequest, ListActsResponse,
    ListParcelsRequest, ListParcelsResponse, ListPullsRequest, ListPullsResponse,
    ShowParcelRequest, ShowParcelResponse, ShowPullRequest, ShowPullResponse, StatusRequest,
    StatusResponse, admin_server::Admin,
};
use tonic::{Request, Response, Status};

use super::{
    AdminParts,
    explain::{explain, fenced},
    office, pulls, status,
};

/// Answers operators.
pub(super) struct Desk(pub(super) AdminParts);

#[tonic::async_trait]
impl Admin for Desk {
    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Ok(Response::new(status::page(&self.0).await))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let id = request.into_inner().id;
        if id.is_empty() || id.len() > ID_CHARS_MAX {
            return Err(Status::invalid_argument("an evidence id or a message id"));
        }
        let stories = self.0.log.story(&id).await;
        let stories = stories.map_err(|error| Status::unavailable(error.to_string()))?;
        let now = self.0.clock.now();
        let recovering = self.0.office.recovering().await;
        let recovering = recovering.map_err(|error| Status::unavailable(error.to_string()))?;
        let tell = |story| match recovering {
            Some(_) => fenced(explain(story, now)),
            None => explain(story, now),
        };
        Ok(Response::new(ExplainResponse {
            stories: stories.iter().map(tell).collect(),
            recovery: recovering.map(|recovering| status::recovery(&self.0, &recovering)),
        }))
    }

    async fn list_parcels(
        &self,
        request: Request<ListParcelsRequest>,
    ) -> Result<Response<ListParcelsResponse>, Status> {
        let listed = office::list(&self.0, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_parcel(
        &self,
        request: Request<ShowParcelRequest>,
    ) -> Result<Response<ShowParcelResponse>, Status> {
        let shown = office::show(&self.0, &request.into_inner().id).await;
        shown.map(Response::new)
    }

    async fn act(&self, request: Request<ActRequest>) -> Result<Response<ActResponse>, Status> {
        let acted = office::act(&self.0, request.into_inner()).await;
        acted.map(Response::new)
    }

    async fn list_acts(
        &self,
        request: Request<ListActsRequest>,
    ) -> Result<Response<ListActsResponse>, Status> {
        let listed = office::acts(&self.0, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn list_pulls(
        &self,
        request: Request<ListPullsRequest>,
    ) -> Result<Response<ListPullsResponse>, Status> {
        let listed = pulls::list(&self.0, request.into_inner()).await;
        listed.map(Response::new)
    }

    async fn show_pull(
        &self,
        request: Request<ShowPullRequest>,
    ) -> Result<Response<ShowPullResponse>, Status> {
        let shown = pulls::show(&self.0, &request.into_inner().id).await;
        shown.map(Response::new)
    }
}

const ID_CHARS_MAX: usize = 128;
