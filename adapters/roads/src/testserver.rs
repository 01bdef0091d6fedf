//! A tiny partner on loopback for the tests of the outbound roads: mutual TLS, HTTP/1.1, canned answers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use certs::{
    pki::{Authority, IssueParams, Usage},
    tls::{Acceptor, Alpn, Anchors, ClientParams, Connector, Identity, ServerParams},
};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    client::{Client, ClientConfig, ClientLimits, Endpoint},
    reach::Reach,
};

/// What arrived in one request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Number of the connection, from 0.
    pub(crate) connection: usize,
}

pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: Connector,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub(crate) fn client(&self, limits: ClientLimits) -> Client {
        Client::new(ClientConfig {
            endpoint: self.endpoint.clone(),
            tls: self.tls.clone(),
            limits,
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|seen| String::from_utf8(seen.body.to_vec()).unwrap())
            .collect()
    }
}

/// Serves until the runtime ends; `answer` gets the number of the request, from 0, and the request.
pub(crate) async fn serve<F, R>(answer: F) -> Server
where
    F: Fn(usize, Seen) -> R + Send + Sync + 'static,
    R: Future<Output = Response<Full<Bytes>>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (acceptor, tls) = both_sides(&port.to_string());
    let (acceptor, answer) = (Arc::new(acceptor), Arc::new(answer));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = Server {
        endpoint: Endpoint::parse(&format!("https://127.0.0.1:{port}/adapter"), Reach::Private)
            .unwrap(),
        tls,
        seen: Arc::clone(&seen),
    };
    tokio::spawn(async move {
        for connection in 0.. {
            let (tcp, _) = listener.accept().await.unwrap();
            let (acceptor, seen, answer) = (
                Arc::clone(&acceptor),
                Arc::clone(&seen),
                Arc::clone(&answer),
            );
            tokio::spawn(async move {
                let Ok(accepted) = acceptor.accept(tcp).await else {
                    return;
                };
                let service =
                    service_fn(|request| handle(request, connection, &seen, answer.as_ref()));
                let served = hyper::server::conn::http1::Builder::new();
                drop(
                    served
                        .serve_connection(TokioIo::new(accepted.stream), service)
                        .await,
                );
            });
        }
    });
    server
}

async fn handle<F, R>(
    request: Request<Incoming>,
    connection: usize,
    log: &Mutex<Vec<Seen>>,
    answer: &F,
) -> Result<Response<Full<Bytes>>, hyper::Error>
where
    F: Fn(usize, Seen) -> R,
    R: Future<Output = Response<Full<Bytes>>>,
{
    let (head, body) = request.into_parts();
    let seen = Seen {
        target: head.uri.to_string(),
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
        connection,
    };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    Ok(answer(number, seen).await)
}

pub(crate) fn json(status: u16, body: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap()
}

/// Each server has authorities of its own, under a name of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates have to be valid today"
)]
fn both_sides(name: &str) -> (Acceptor, Connector) {
    let now = jiff::Timestamp::now();
    let authority = Authority::generate(name, now).unwrap();
    let anchors = Anchors::from_pem(authority.root_pem().as_bytes()).unwrap();
    let identity = |name: &str, usage| {
        let mut params = IssueParams::new(name, usage, now);
        params.ips = vec![[127, 0, 0, 1].into()];
        let issued = authority.issue(&params).unwrap();
        Identity::from_pem(issued.chain_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
    };
    let acceptor = Acceptor::new(ServerParams {
        identity: identity("portal", Usage::Server),
        client_anchors: anchors.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::Http1],
    });
    let connector = Connector::new(ClientParams {
        identity: Some(identity("vss", Usage::Client)),
        anchors,
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(5),
        alpn: vec![Alpn::Http1],
    });
    (acceptor.unwrap(), connector.unwrap())
}
