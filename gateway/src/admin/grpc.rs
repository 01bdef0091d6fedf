//! gRPC admin.v1: status and explain.

use schemas::proto::admin::{
    ExplainRequest, ExplainResponse, StatusRequest, StatusResponse, admin_server::Admin,
};
use tonic::{Request, Response, Status};

use super::{AdminParts, explain::explain, status};

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
        Ok(Response::new(ExplainResponse {
            stories: stories.iter().map(|story| explain(story, now)).collect(),
        }))
    }
}

const ID_CHARS_MAX: usize = 128;
