//! A server of the contract over mutual TLS on loopback, and what happens when there is none.

use std::sync::Arc;
use std::time::Duration;

use certs::pki::{Authority, IssueParams, Usage};
use certs::tls::{Acceptor, Alpn, Anchors, ClientParams, Connector, Identity, ServerParams};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use insurance::{Insurance, Registry, RemoteParams, server};
use jiff::Timestamp;
use schemas::fault::FaultCode;
use schemas::proto::insurance::{FindRequest, InfoRequest};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::scene::{Scene, context, soon};

/// A running server and the authority behind both ends.
pub struct Far {
    authority: Authority,
    port: u16,
}

impl Far {
    /// How a registered gateway reaches it.
    pub fn params(&self) -> RemoteParams {
        let issued = issue(&self.authority, "gateway", Usage::Client);
        self.params_as(Some(issued))
    }

    fn params_as(&self, identity: Option<Identity>) -> RemoteParams {
        let connector = Connector::new(ClientParams {
            identity,
            anchors: Anchors::from_pem(self.authority.root_pem().as_bytes()).unwrap(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(5),
            alpn: vec![Alpn::H2],
        });
        let mut params = RemoteParams::new(
            format!("https://127.0.0.1:{}", self.port).parse().unwrap(),
            connector.unwrap(),
        );
        params.server_name = Some("localhost".into());
        params
    }
}

pub async fn serve(registry: Registry) -> Far {
    let authority = Authority::generate("test", Timestamp::now()).unwrap();
    let acceptor = Acceptor::new(ServerParams {
        identity: issue(&authority, "localhost", Usage::Server),
        client_anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::H2],
    })
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(accept_all(
        listener,
        Arc::new(acceptor),
        server::routes(registry),
    ));
    Far { authority, port }
}

async fn accept_all(
    listener: TcpListener,
    acceptor: Arc<Acceptor>,
    routes: tonic::service::Routes,
) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let (acceptor, routes) = (Arc::clone(&acceptor), routes.clone());
        tokio::spawn(async move {
            if let Ok(accepted) = acceptor.accept(stream).await {
                let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                    .serve_connection(
                        TokioIo::new(accepted.stream),
                        TowerToHyperService::new(routes),
                    )
                    .await;
            }
        });
    }
}

fn issue(authority: &Authority, name: &str, usage: Usage) -> Identity {
    let mut params = IssueParams::new(name, usage, Timestamp::now());
    params.dns = vec!["localhost".into()];
    let issued = authority.issue(&params).unwrap();
    Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_certificate_there_is_no_answer_and_the_outcome_is_unknown() {
    let scene = Scene::embedded();
    let far = serve(scene.registry.clone()).await;
    let stranger = Insurance::remote(far.params_as(None)).unwrap();
    let fault = stranger.info(soon(), InfoRequest {}).await.unwrap_err();
    assert_nobody_answered(&fault);
}

/// Refused after the handshake, as TLS 1.3 does it, or not heard of in time: unknown either way.
fn assert_nobody_answered(fault: &schemas::fault::Fault) {
    let unknown = [FaultCode::InsuranceUnavailable, FaultCode::DeadlineExceeded];
    assert!(unknown.contains(&fault.code()), "{fault}");
    assert!(!fault.is_final());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_gets_no_answer() {
    let scene = Scene::embedded();
    let far = serve(scene.registry.clone()).await;
    let other = Authority::generate("test", Timestamp::now()).unwrap();
    let stranger =
        Insurance::remote(far.params_as(Some(issue(&other, "gateway", Usage::Client)))).unwrap();
    let fault = stranger.info(soon(), InfoRequest {}).await.unwrap_err();
    assert_nobody_answered(&fault);
}

#[tokio::test]
async fn a_dead_registry_is_unavailable_and_may_be_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let far = Far {
        authority: Authority::generate("test", Timestamp::now()).unwrap(),
        port,
    };
    let insurance = Insurance::remote(far.params()).unwrap();
    let fault = insurance.info(soon(), InfoRequest {}).await.unwrap_err();
    assert_eq!(
        (fault.code(), fault.is_final()),
        (FaultCode::InsuranceUnavailable, false)
    );
}

#[tokio::test]
async fn a_registry_that_hangs_is_given_up_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let far = Far {
        authority: Authority::generate("test", Timestamp::now()).unwrap(),
        port,
    };
    let insurance = Insurance::remote(far.params()).unwrap();
    let start = Instant::now();
    let fault = insurance
        .info(start + Duration::from_millis(200), InfoRequest {})
        .await
        .unwrap_err();
    assert_eq!(fault.code(), FaultCode::DeadlineExceeded);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "the deadline did not hold"
    );
    drop(listener);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_above_the_limit_is_not_answered() {
    let scene = Scene::embedded();
    let far = serve(scene.registry.clone()).await;
    let mut params = far.params();
    params.limits.request_bytes_max = 8 << 20;
    let insurance = Insurance::remote(params).unwrap();
    let request = FindRequest {
        context: Some(context("tax", "large")),
        name: "a".repeat(server::MESSAGE_BYTES_MAX + 1),
        ..FindRequest::default()
    };
    let fault = insurance.find(soon(), request).await.unwrap_err();
    assert_eq!(fault.code(), FaultCode::InsuranceUnavailable);
}

#[test]
fn an_address_that_is_not_https_with_a_port_is_refused() {
    let far = Far {
        authority: Authority::generate("test", Timestamp::now()).unwrap(),
        port: 1,
    };
    for address in ["http://localhost:1", "https://localhost", "localhost:1"] {
        let mut params = far.params();
        params.uri = address.parse().unwrap();
        assert!(Insurance::remote(params).is_err(), "{address}");
    }
}
