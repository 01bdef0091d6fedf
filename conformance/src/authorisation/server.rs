//! The listener: mutual TLS, `POST /token` and `GET /jwks`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::tls::{Acceptor, Alpn, ServerParams};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::AuthorisationServer;
use crate::call::Trouble;
use crate::clock;

/// A running listener; dropping it stops it.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops and waits for the listener to end.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

impl AuthorisationServer {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        let acceptor = Acceptor::new(ServerParams {
            identity: self.params.tls.clone(),
            client_anchors: self.params.client_anchors.clone(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: TIME_MAX,
            alpn: vec![Alpn::Http1],
        })
        .map_err(crate::client::Error::Config)?;
        let address = listener.local_addr();
        let address = address.map_err(|error| Trouble::Params(error.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(Arc::clone(self), listener, acceptor, stopped));
        Ok(Serving {
            address,
            stop,
            task,
        })
    }

    async fn answer(&self, request: Request<Incoming>, peer: &[u8; 32]) -> Response<Full<Bytes>> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/jwks") => {
                self.note(|seen| seen.key_sets += 1);
                reply(StatusCode::OK, &self.key_set())
            }
            (&Method::POST, "/token") => self.token(request, peer).await,
            _ => reply(StatusCode::NOT_FOUND, &json!({})),
        }
    }

    async fn token(&self, request: Request<Incoming>, peer: &[u8; 32]) -> Response<Full<Bytes>> {
        let shown = request.headers().get(header::AUTHORIZATION).cloned();
        let body = Limited::new(request.into_body(), BODY_BYTES_MAX)
            .collect()
            .await;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let form = String::from_utf8_lossy(&body).into_owned();
        let field = |name: &str| {
            let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.map(|(_, value)| value.to_owned())
        };
        if field("grant_type").as_deref() != Some("client_credentials") {
            self.note(|seen| seen.refused += 1);
            return reply(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "unsupported_grant_type" }),
            );
        }
        let client = match shown.as_ref().and_then(|shown| basic(shown.as_bytes())) {
            Some((client, secret)) => self.admits(&client, &secret).then_some(client),
            // with a certificate instead of a secret: a client that is registered without one
            None => field("client_id").filter(|client| self.admits(client, "")),
        };
        let Some(client) = client else {
            self.note(|seen| seen.refused += 1);
            return reply(
                StatusCode::UNAUTHORIZED,
                &json!({ "error": "invalid_client" }),
            );
        };
        let scope = field("scope").unwrap_or_default();
        let audience = field("audience").unwrap_or_else(|| "ngsp".to_owned());
        let claims = self.claims(&client, &audience, peer, clock::now());
        let Ok(token) = self.sign(&claims) else {
            return reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({}));
        };
        self.note(|seen| seen.tokens += 1);
        let granted = json!({
            "access_token": token,
            "scope": scope,
            "token_type": "Bearer",
            "expires_in": self.params.life_seconds,
        });
        reply(StatusCode::OK, &granted)
    }
}

async fn accept(
    server: Arc<AuthorisationServer>,
    listener: TcpListener,
    acceptor: Acceptor,
    mut stopped: watch::Receiver<bool>,
) {
    let acceptor = Arc::new(acceptor);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // also where the handle was dropped
            _ = stopped.wait_for(|stop| *stop) => return,
            Ok((tcp, _)) = listener.accept() => {
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(Arc::clone(&server), Arc::clone(&acceptor), tcp));
            }
        }
    }
}

async fn serve(server: Arc<AuthorisationServer>, acceptor: Arc<Acceptor>, tcp: TcpStream) {
    let Ok(accepted) = acceptor.accept(tcp).await else {
        return;
    };
    let peer = accepted.peer.sha256;
    let service = service_fn(|request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, std::convert::Infallible>(server.answer(request, &peer).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIME_MAX)
        .serve_connection(TokioIo::new(accepted.stream), service)
        .await;
    drop(served); // the other end may go when it likes
}

/// Name and secret of `Basic <base64>`; what is percent-encoded stays so: our clients' names need none.
fn basic(shown: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(shown).ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (client, secret) = pair.split_once(':')?;
    Some((client.to_owned(), secret.to_owned()))
}

fn reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let kind = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const TIME_MAX: Duration = Duration::from_secs(5);
const BODY_BYTES_MAX: usize = 16_384;
