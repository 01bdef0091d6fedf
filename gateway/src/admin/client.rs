//! Asks a running gateway's operators' listener.

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use certs::tls::{Alpn, Anchors, ClientParams, Connector, Identity};
use http::Uri;
use hyper_util::rt::TokioIo;
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
    TermsRequest, TermsResponse, admin_client::AdminClient,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic::transport::{Channel, Endpoint};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody listens there.
    #[error("no gateway answers on {0}")]
    Down(SocketAddr),
    /// The operator's own files are refused.
    #[error("{0}: {1}")]
    Identity(PathBuf, String),
    /// There is no connection by TLS.
    #[error("no gateway answers on {0} by mutual TLS: {1}")]
    Unproven(SocketAddr, String),
    /// It answered with an error.
    #[error("the gateway refused: {0}")]
    Refused(String),
}

/// The status page.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn status(admin: impl Into<Target>) -> Result<StatusResponse, Error> {
    let answer = connect(admin).await?.status(StatusRequest {}).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// All stories of an evidence id or message id.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn explain(admin: impl Into<Target>, id: &str) -> Result<ExplainResponse, Error> {
    let request = ExplainRequest { id: id.to_owned() };
    let answer = connect(admin).await?.explain(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Parcels of the outbox, the newest first.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn parcels(
    admin: impl Into<Target>,
    request: ListParcelsRequest,
) -> Result<ListParcelsResponse, Error> {
    let answer = connect(admin).await?.list_parcels(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One parcel and what persons did about it.
///
/// # Errors
/// Where nobody listens, nobody knows the parcel, or the gateway refuses.
pub async fn parcel(admin: impl Into<Target>, id: &str) -> Result<ShowParcelResponse, Error> {
    let request = ShowParcelRequest { id: id.to_owned() };
    let answer = connect(admin).await?.show_parcel(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Does something in somebody's name.
///
/// # Errors
/// Where nobody listens or it cannot be done.
pub async fn act(admin: impl Into<Target>, request: ActRequest) -> Result<ActResponse, Error> {
    let answer = connect(admin).await?.act(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// The newest acts and the orders that stand.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn acts(admin: impl Into<Target>, max: u32) -> Result<ListActsResponse, Error> {
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
    admin: impl Into<Target>,
    request: ListPullsRequest,
) -> Result<ListPullsResponse, Error> {
    let answer = connect(admin).await?.list_pulls(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One pull and what it found.
///
/// # Errors
/// Where nobody listens, nobody knows the pull, or the gateway refuses.
pub async fn pull(admin: impl Into<Target>, id: &str) -> Result<ShowPullResponse, Error> {
    let request = ShowPullRequest { id: id.to_owned() };
    let answer = connect(admin).await?.show_pull(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Everybody who asked about a person, the newest first.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn accesses(
    admin: impl Into<Target>,
    request: AccessRequest,
) -> Result<AccessResponse, Error> {
    let answer = connect(admin).await?.access(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Births that wait for a person.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn reviews(
    admin: impl Into<Target>,
    request: ListReviewsRequest,
) -> Result<ListReviewsResponse, Error> {
    let answer = connect(admin).await?.list_reviews(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One birth that waits, and everybody who may be the child.
///
/// # Errors
/// Where nobody listens, there is no such review, or the gateway refuses.
pub async fn review(
    admin: impl Into<Target>,
    request: ShowReviewRequest,
) -> Result<ShowReviewResponse, Error> {
    let answer = connect(admin).await?.show_review(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Decides a birth that waits.
///
/// # Errors
/// Where nobody listens, there is no such review, it was decided, or the gateway refuses.
pub async fn decide_review(
    admin: impl Into<Target>,
    request: DecideReviewRequest,
) -> Result<DecideReviewResponse, Error> {
    let answer = connect(admin).await?.decide_review(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One birth from its message to its card.
///
/// # Errors
/// Where nobody listens, nobody has such a case, or the gateway refuses.
pub async fn birth(
    admin: impl Into<Target>,
    request: ShowBirthRequest,
) -> Result<ShowBirthResponse, Error> {
    let answer = connect(admin).await?.show_birth(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// What became of the births of a month within the law's time, by province.
///
/// # Errors
/// Where nobody listens, the month is none, or the gateway refuses.
pub async fn lawful_times(
    admin: impl Into<Target>,
    request: LawfulTimesRequest,
) -> Result<LawfulTimesResponse, Error> {
    let answer = connect(admin).await?.lawful_times(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Dossiers that wait for a person.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn dossiers(
    admin: impl Into<Target>,
    request: admin::ListDossiersRequest,
) -> Result<admin::ListDossiersResponse, Error> {
    let answer = connect(admin).await?.list_dossiers(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One dossier, as it was told.
///
/// # Errors
/// Where nobody listens, there is no such dossier, or the gateway refuses.
pub async fn dossier(
    admin: impl Into<Target>,
    request: admin::ShowDossierRequest,
) -> Result<admin::ShowDossierResponse, Error> {
    let answer = connect(admin).await?.show_dossier(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// A file of a dossier: its head first, then its bytes as they come; whole only where the last of them is followed by no
/// error.
///
/// # Errors
/// Where nobody listens, there is no such dossier or file, or the gateway refuses.
pub async fn paper(
    admin: impl Into<Target>,
    request: admin::ReadPaperRequest,
) -> Result<tonic::Streaming<admin::PaperPart>, Error> {
    let answer = connect(admin).await?.read_paper(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// A file of a birth's case, as [`paper`] brings one of a dossier.
///
/// # Errors
/// Where nobody listens, there is no such case or file, or the gateway refuses.
pub async fn file(
    admin: impl Into<Target>,
    request: admin::ReadFileRequest,
) -> Result<tonic::Streaming<admin::PaperPart>, Error> {
    let answer = connect(admin).await?.read_file(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// A person's word about a dossier.
///
/// # Errors
/// Where nobody listens, there is no such dossier, it has moved or stands otherwise, or the gateway refuses.
pub async fn decide_dossier(
    admin: impl Into<Target>,
    request: admin::DecideDossierRequest,
) -> Result<admin::DecideDossierResponse, Error> {
    let answer = connect(admin).await?.decide_dossier(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Payments of dossiers, the newest first.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn payments(
    admin: impl Into<Target>,
    request: admin::ListPaymentsRequest,
) -> Result<admin::ListPaymentsResponse, Error> {
    let answer = connect(admin).await?.list_payments(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One payment with its transactions and what was booked.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn payment(
    admin: impl Into<Target>,
    request: admin::ShowPaymentRequest,
) -> Result<admin::ShowPaymentResponse, Error> {
    let answer = connect(admin).await?.show_payment(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Records who represents a person or an employer.
///
/// # Errors
/// Where nobody listens, a part is wrong, or the gateway refuses.
pub async fn record_representation(
    admin: impl Into<Target>,
    request: admin::RecordRepresentationRequest,
) -> Result<admin::RepresentationResponse, Error> {
    let answer = connect(admin).await?.record_representation(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Ends what was recorded.
///
/// # Errors
/// Where nobody listens, there is no such record, or the gateway refuses.
pub async fn end_representation(
    admin: impl Into<Target>,
    request: admin::EndRepresentationRequest,
) -> Result<admin::RepresentationResponse, Error> {
    let answer = connect(admin).await?.end_representation(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Everything that was recorded of a person or an employer.
///
/// # Errors
/// Where nobody listens, nobody has the number, or the gateway refuses.
pub async fn representations(
    admin: impl Into<Target>,
    request: admin::ListRepresentationsRequest,
) -> Result<admin::ListRepresentationsResponse, Error> {
    let answer = connect(admin).await?.list_representations(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Keeps a certified list of people whose contributions the state supports.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn certify_group(
    admin: impl Into<Target>,
    request: admin::CertifyGroupRequest,
) -> Result<admin::CertifyGroupResponse, Error> {
    let answer = connect(admin).await?.certify_group(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Takes a certified list back, or people off it.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn take_back_group(
    admin: impl Into<Target>,
    request: admin::TakeBackGroupRequest,
) -> Result<admin::TakeBackGroupResponse, Error> {
    let answer = connect(admin).await?.take_back_group(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// A person's word that the money of a refund case was given back.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn refund_payment(
    admin: impl Into<Target>,
    request: admin::RefundPaymentRequest,
) -> Result<admin::RefundPaymentResponse, Error> {
    let answer = connect(admin).await?.refund_payment(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// The three sides of a day's payments, and what differs.
///
/// # Errors
/// Where nobody listens, or the gateway refuses.
pub async fn reconcile_payments(
    admin: impl Into<Target>,
    request: admin::ReconcilePaymentsRequest,
) -> Result<admin::ReconcilePaymentsResponse, Error> {
    let answer = connect(admin).await?.reconcile_payments(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Discrepancies of the tax ledger, the newest first.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn discrepancies(
    admin: impl Into<Target>,
    request: ListDiscrepanciesRequest,
) -> Result<ListDiscrepanciesResponse, Error> {
    let answer = connect(admin).await?.list_discrepancies(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// One discrepancy and its steps.
///
/// # Errors
/// Where nobody listens, there is no such discrepancy, or the gateway refuses.
pub async fn discrepancy(
    admin: impl Into<Target>,
    id: &str,
) -> Result<ShowDiscrepancyResponse, Error> {
    let request = ShowDiscrepancyRequest { id: id.to_owned() };
    let answer = connect(admin).await?.show_discrepancy(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Disputes a discrepancy.
///
/// # Errors
/// Where nobody listens, there is no such discrepancy, it cannot be disputed, or the gateway refuses.
pub async fn dispute(
    admin: impl Into<Target>,
    request: MoveDiscrepancyRequest,
) -> Result<MoveDiscrepancyResponse, Error> {
    let answer = connect(admin).await?.dispute_discrepancy(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Settles a discrepancy.
///
/// # Errors
/// Where nobody listens, there is no such discrepancy, it cannot be settled, or the gateway refuses.
pub async fn settle(
    admin: impl Into<Target>,
    request: MoveDiscrepancyRequest,
) -> Result<MoveDiscrepancyResponse, Error> {
    let answer = connect(admin).await?.settle_discrepancy(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Looks again at open discrepancies.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn recheck_ledger(
    admin: impl Into<Target>,
    request: RecheckLedgerRequest,
) -> Result<RecheckLedgerResponse, Error> {
    let answer = connect(admin).await?.recheck_ledger(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// What the tax department told of one employer.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn notices(
    admin: impl Into<Target>,
    tax_code: &str,
) -> Result<ListNoticesResponse, Error> {
    let request = ListNoticesRequest {
        tax_code: tax_code.to_owned(),
    };
    let answer = connect(admin).await?.list_notices(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Asks a tax department and waits for what it signs.
///
/// # Errors
/// Where nobody listens, the gateway refuses, or no answer came in time.
pub async fn ask_tax(
    admin: impl Into<Target>,
    request: AskTaxRequest,
) -> Result<AskTaxResponse, Error> {
    // the gateway itself ends the wait
    let patience = CALL_MAX + Duration::from_millis(request.wait_ms);
    let answer = connect_for(admin, patience).await?.ask_tax(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Schedules, and how far what they began has come.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn schedules(admin: impl Into<Target>) -> Result<admin::ListSchedulesResponse, Error> {
    let request = admin::ListSchedulesRequest {};
    let answer = connect(admin).await?.list_schedules(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Begins a schedule before its time.
///
/// # Errors
/// Where nobody listens, there is no such schedule, or the gateway refuses.
pub async fn start_schedule(
    admin: impl Into<Target>,
    request: admin::StartScheduleRequest,
) -> Result<admin::StartScheduleResponse, Error> {
    let answer = connect(admin).await?.start_schedule(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Says what happened to an employer.
///
/// # Errors
/// Where nobody listens, the registry refuses it, or the gateway does.
pub async fn record_employer(
    admin: impl Into<Target>,
    request: admin::RecordEmployerRequest,
) -> Result<admin::RecordEmployerResponse, Error> {
    let answer = connect(admin).await?.record_employer(request).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// The terms of a partner that are in force.
///
/// # Errors
/// Where nobody listens or the gateway refuses.
pub async fn terms(admin: impl Into<Target>, partner: &str) -> Result<TermsResponse, Error> {
    let partner = partner.to_owned();
    let answer = connect(admin).await?.terms(TermsRequest { partner }).await;
    answer.map(tonic::Response::into_inner).map_err(refused)
}

/// Which gateway, and who asks.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    /// How the server's certificate must call it, and our side of mutual TLS; none without TLS.
    tls: Option<(String, Connector)>,
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

impl Target {
    /// The same over mutual TLS as the operator whose `tls.pem`, `tls.key` and `ca.pem` stand in this folder.
    ///
    /// # Errors
    /// Where one of the files is refused.
    pub fn identified(self, folder: &Path, name: String) -> Result<Self, Error> {
        let refused = |error: &dyn ToString| Error::Identity(folder.to_owned(), error.to_string());
        let file = |name: &str| folder.join(name);
        let identity = Identity::from_files(&file("tls.pem"), &file("tls.key"))
            .map_err(|error| refused(&error))?;
        let anchors = Anchors::from_file(&file("ca.pem")).map_err(|error| refused(&error))?;
        let connector = Connector::new(ClientParams {
            identity: Some(identity),
            anchors,
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: CONNECT_MAX,
            alpn: vec![Alpn::H2],
        })
        .map_err(|error| refused(&error))?;
        let tls = Some((name, connector));
        Ok(Self { tls, ..self })
    }

    async fn stream(self) -> io::Result<Stream> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some((name, connector)) = self.tls else {
            return Ok(Box::pin(stream));
        };
        let connected = connector.connect(&name, stream).await;
        Ok(Box::pin(connected.map_err(io::Error::other)?.stream))
    }
}

/// Either kind of stream.
trait Both: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Both for T {}
type Stream = Pin<Box<dyn Both>>;

async fn connect(admin: impl Into<Target>) -> Result<AdminClient<Channel>, Error> {
    connect_for(admin, CALL_MAX).await
}

/// With calls that may take so long.
async fn connect_for(
    admin: impl Into<Target>,
    patience: Duration,
) -> Result<AdminClient<Channel>, Error> {
    let target: Target = admin.into();
    let address = target.address;
    let endpoint = Endpoint::from_shared(format!("http://{address}"))
        .map_err(|error| Error::Refused(error.to_string()))?
        .connect_timeout(CONNECT_MAX)
        .timeout(patience)
        .http2_max_header_list_size(16 * 1024);
    let has_tls = target.tls.is_some();
    let connector = tower::service_fn(move |_: Uri| {
        let target = target.clone();
        async move { target.stream().await.map(TokioIo::new) }
    });
    let channel = endpoint.connect_with_connector(connector).await;
    let channel = channel.map_err(|error| match has_tls {
        true => Error::Unproven(address, told(&error)),
        false => Error::Down(address),
    })?;
    Ok(AdminClient::new(channel).max_decoding_message_size(super::ANSWER_BYTES_MAX))
}

/// The innermost cause, which says what happened.
fn told(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn refused(status: tonic::Status) -> Error {
    Error::Refused(status.message().to_owned())
}

/// How long one call may take.
const CALL_MAX: Duration = Duration::from_secs(10);
const CONNECT_MAX: Duration = Duration::from_secs(2);
