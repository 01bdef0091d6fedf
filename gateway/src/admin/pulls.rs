//! Reconciliation pulls, as operators list them.

use gateway_core::ports::{Found, PullStory};
use schemas::{
    id::PartnerId,
    proto::admin::{ListPullsRequest, ListPullsResponse, PullLine, ShowPullResponse},
};
use tonic::Status;

use super::{
    AdminParts,
    office::{act_line, page, unavailable},
};

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListPullsRequest,
) -> Result<ListPullsResponse, Status> {
    let partner = match asked.partner.as_str() {
        "" => None,
        id => Some(PartnerId::parse(id).map_err(|_| Status::invalid_argument("a partner's id"))?),
    };
    let pulls = parts.book.pulls(partner.as_ref(), page(asked.max)).await;
    Ok(ListPullsResponse {
        pulls: pulls.map_err(unavailable)?.iter().map(line).collect(),
    })
}

pub(super) async fn show(parts: &AdminParts, id: &str) -> Result<ShowPullResponse, Status> {
    let found = parts.book.pull(id).await.map_err(unavailable)?;
    let file = found.ok_or_else(|| Status::not_found("no such pull"))?;
    Ok(ShowPullResponse {
        pull: Some(line(&file.story)),
        judgement: file.judgement.as_ref().map(act_line),
    })
}

fn line(story: &PullStory) -> PullLine {
    let window = story.pull.window;
    let state = match story.found {
        Some(_) => "judged",
        None => story.state.word(),
    };
    let Found {
        compared,
        again,
        given_up,
        never_came,
        instead,
        ..
    } = story.found.unwrap_or_default();
    PullLine {
        id: story.pull.id(),
        partner: story.pull.partner.as_str().to_owned(),
        from: window.from().to_string(),
        until: window.until().to_string(),
        planned_at: story.planned_at.to_string(),
        state: state.to_owned(),
        attempts: story.attempts,
        reason: story.reason.clone().unwrap_or_default(),
        compared,
        again,
        given_up,
        never_came,
        instead,
    }
}
