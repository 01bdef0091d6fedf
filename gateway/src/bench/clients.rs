//! Closed-loop clients: each has one connection and sends the next message when the last is answered.

use std::{
    borrow::Cow,
    error::Error,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use certs::{
    jws,
    tls::{Alpn, ClientParams, ClientStream, Connector},
};
use conformance::identity::Identity;
use gateway_core::{
    ports::{Clock as _, SystemClock},
    stage::SIGNATURE,
};
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::scene::{Ask, Scene};

type Trouble = Box<dyn Error + Send + Sync>;

/// What the clients saw.
#[derive(Debug)]
pub(super) struct Load {
    /// From the first message to the last answer.
    pub(super) wall: Duration,
    /// Every message's time, microseconds, ascending.
    pub(super) latencies_us: Vec<u32>,
}

impl Load {
    pub(super) fn messages(&self) -> usize {
        self.latencies_us.len()
    }

    pub(super) fn per_second(&self) -> f64 {
        self.messages() as f64 / self.wall.as_secs_f64()
    }

    /// The latency below which this part of all messages stays, milliseconds.
    pub(super) fn quantile_ms(&self, part: f64) -> f64 {
        let last = self.messages().saturating_sub(1);
        let rank = (last as f64 * part).round() as usize;
        self.latencies_us
            .get(rank)
            .map_or(0.0, |us| f64::from(*us) / 1e3)
    }
}

/// Runs so many clients for so long.
pub(super) async fn run(
    scene: &Scene,
    ask: Ask,
    clients: u16,
    length: Duration,
) -> Result<Load, Trouble> {
    let mut lines = Vec::new();
    for _ in 0..clients {
        lines.push(connect(scene.config.listen.socket(), &scene.tax).await?);
    }
    let started = Instant::now();
    let running = lines
        .into_iter()
        .map(|line| drive(scene, ask, line, started + length));
    let ended = futures_util::future::join_all(running).await;
    let wall = started.elapsed();
    let mut latencies_us = Vec::new();
    for client in ended {
        latencies_us.extend(client?);
    }
    latencies_us.sort_unstable();
    Ok(Load { wall, latencies_us })
}

/// One connection.
pub(super) type Line = SendRequest<Full<Bytes>>;

/// One message as it is sent.
pub(super) struct Letter {
    pub(super) method: Method,
    pub(super) path: Cow<'static, str>,
    pub(super) content_type: &'static str,
    /// The detached signature beside it, where it has one.
    pub(super) signature: Option<String>,
    pub(super) body: Bytes,
}

/// A JSON body beside its detached signature, made now, under an id of its own.
pub(super) fn signed(
    identity: &Identity,
    to: (&str, &'static str),
    body: &Value,
) -> Result<Letter, Trouble> {
    signed_as(identity, to, body, fresh_id())
}

/// An id that no message had.
pub(super) fn fresh_id() -> String {
    format!("bench-{}", uuid::Uuid::now_v7().simple())
}

/// The same under this id.
pub(super) fn signed_as(
    identity: &Identity,
    (operation, path): (&str, &'static str),
    body: &Value,
    jti: String,
) -> Result<Letter, Trouble> {
    let body = body.to_string().into_bytes();
    let header = jws::Header {
        alg: identity.sign.algorithm(),
        kid: identity.kid.clone(),
        iss: identity.partner.to_string(),
        aud: identity.receiver.to_string(),
        jti,
        iat: SystemClock.now().as_second(),
        env: identity.environment.clone(),
        dir: jws::Direction::Request,
        op: operation.to_owned(),
        irt: None,
        dig: None,
    };
    let signature = jws::sign(&header, &identity.sign, &body)?;
    Ok(Letter {
        method: Method::POST,
        path: path.into(),
        content_type: "application/json",
        signature: Some(signature),
        body: Bytes::from(body),
    })
}

/// Connects as an agency.
pub(super) async fn connect(socket: SocketAddr, agency: &Identity) -> Result<Line, Trouble> {
    let io = TokioIo::new(dial(socket, agency).await?);
    let (line, connection) = hyper::client::conn::http1::handshake(io).await?;
    tokio::spawn(connection);
    Ok(line)
}

/// A connection on which nothing has been said.
pub(super) async fn dial(
    socket: SocketAddr,
    agency: &Identity,
) -> Result<ClientStream<TcpStream>, Trouble> {
    let connector = Connector::new(ClientParams {
        identity: Some(agency.tls.clone()),
        anchors: agency.anchors.clone(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(10),
        alpn: vec![Alpn::Http1],
    })?;
    let stream = TcpStream::connect(socket).await?;
    stream.set_nodelay(true)?;
    Ok(connector.connect("localhost", stream).await?.stream)
}

async fn drive(scene: &Scene, ask: Ask, mut line: Line, end: Instant) -> Result<Vec<u32>, Trouble> {
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let letter = Letter {
            method: Method::POST,
            path: "/tax/v1/messages".into(),
            content_type: "application/xml; charset=utf-8",
            signature: None,
            body: scene.message(ask)?,
        };
        let sent = Instant::now();
        exchange(&mut line, letter).await?;
        latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(latencies)
}

/// Sends a message and gives its answer, which is a good one.
pub(super) async fn exchange(line: &mut Line, letter: Letter) -> Result<Bytes, Trouble> {
    let mut request = Request::builder()
        .method(letter.method)
        .uri(&*letter.path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, letter.content_type);
    if let Some(signature) = letter.signature {
        request = request.header(SIGNATURE, signature);
    }
    let request = request.body(Full::new(letter.body))?;
    line.ready().await?;
    let answer = line.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if status != 200 {
        let body = String::from_utf8_lossy(&body);
        return Err(format!("the gateway answered {status}: {body}").into());
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let load = Load {
            wall: Duration::from_secs(2),
            latencies_us: (1..=1_001).map(|ms| ms * 1_000).collect(),
        };
        assert_eq!(load.quantile_ms(0.5), 501.0);
        assert_eq!(load.quantile_ms(0.99), 991.0);
        assert_eq!(load.per_second(), 500.5);
    }
}
