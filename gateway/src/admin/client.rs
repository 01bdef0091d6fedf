//! Asks a running gateway's operators' listener.

use std::{net::SocketAddr, time::Duration};

use schemas::proto::admin::{
    ActRequest, ActResponse, ExplainRequest, ExplainResponse, ListActsRequest, ListActsResponse,
    ListParcelsRequest, ListParcelsResponse, ListPullsRequest, ListPullsResponse,
    ShowParcelRequest, ShowParcelResponse, ShowPullRequest, ShowPullResponse, StatusRequest,
    StatusResponse, admin_client::AdminClient,
};
use tonic::transport::{Channel, Endpoint};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there.
    #[error("no gateway answers on {0}")]
    Down(SocketAddr),
    /// It answered with an error.
    #[error("the gateway refused: {0}")]
    Refused(String),
}

/// The status page.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn status(admin: SocketAddr) -> Result<StatusResponse, Error> {
    let answer = connect(admin).await?.status(StatusRequest {}).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// All stories of an evidence id or message id.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn explain(admin: SocketAddr, id: &str) -> Result<ExplainResponse, Error> {
    let request = ExplainRequest { id: id.to_owned() };
    let answer = connect(admin).await?.explain(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Parcels of the outbox, the newest first.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn parcels(
    admin: SocketAddr,
    request: ListParcelsRequest,
) -> Result<ListParcelsResponse, Error> {
    let answer = connect(admin).await?.list_parcels(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One parcel and what persons did about it.
///
/// # Errors
/// Where nobody listens, nobody knows the parcel, or the gateway refuses.
pub async fn parcel(admin: SocketAddr, id: &str) -> Result<ShowParcelResponse, Error> {
    let request = ShowParcelRequest { id: id.to_owned() };
    let answer = connect(admin).await?.show_parcel(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Does something in somebody's name.
///
/// # Errors
/// Where nobody listens or it cannot be done.
pub async fn act(admin: SocketAddr, request: ActRequest) -> Result<ActResponse, Error> {
    let answer = connect(admin).await?.act(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// The newest acts and the orders that stand.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn acts(admin: SocketAddr, max: u32) -> Result<ListActsResponse, Error> {
    let answer = connect(admin)
        .await?
        .list_acts(ListActsRequest { max })
        .await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Reconciliation pulls, the newest window first.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn pulls(
    admin: SocketAddr,
    request: ListPullsRequest,
) -> Result<ListPullsResponse, Error> {
    let answer = connect(admin).await?.list_pulls(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One pull and what it found.
///
/// # Errors
/// Where nobody listens, nobody knows the pull, or the gateway refuses.
pub async fn pull(admin: SocketAddr, id: &str) -> Result<ShowPullResponse, Error> {
    let request = ShowPullRequest { id: id.to_owned() };
    let answer = connect(admin).await?.show_pull(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

async fn connect(admin: SocketAddr) -> Result<AdminClient<Channel>, Error> {
    let endpoint = Endpoint::from_shared(format!("http://{admin}"))
        .map_err(|error| Error::Refused(error.to_string()))?
        .connect_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(10))
        .tcp_nodelay(true)
        .http2_max_header_list_size(16 * 1024);
    let channel = endpoint.connect().await.map_err(|_| Error::Down(admin))?;
    Ok(AdminClient::new(channel).max_decoding_message_size(4 * 1024 * 1024))
}

fn refused(status: tonic::Status) -> Error {
    Error::Refused(status.message().to_owned())
}
