//! What a partner has in its hands: a certificate, a connection, and what came back on it.
//!
//! A connection is opened for each exchange unless a test holds one open. Every wait is bounded.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use certs::tls::{Alpn, Anchors, ClientParams, ClientStream, Connector, HandshakeError, Identity};
use http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use schemas::fault::FaultCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::message::Message;

/// The longest that anything here is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Reply {
    /// A header's text; empty where it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The message's name in the gateway's journal.
    #[must_use]
    pub fn evidence(&self) -> &str {
        self.header("lienthong-evidence")
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The reason word of a fault, in whichever partner's words it is said.
    #[must_use]
    pub fn reason(&self) -> String {
        let text = self.text();
        if let Some((_, rest)) = text.split_once("<Reason>") {
            return rest.split_once('<').unwrap().0.to_owned();
        }
        let body = self.json();
        let own = body["reason"].as_str().or(body["Fault"]["Reason"].as_str());
        if let Some(reason) = own {
            return reason.to_owned();
        }
        let dci = body["message"]["error"]["message"].as_str();
        if let Some((_, reason)) = dci.and_then(|said| said.rsplit_once("Reason: ")) {
            return reason.to_owned();
        }
        let told = body["errorDescription"].as_str();
        let said = told.or(body["message"].as_str()).unwrap_or_default();
        let (_, reason) = said
            .rsplit_once("Lý do: ")
            .unwrap_or_else(|| panic!("no reason in {text}"));
        reason.trim_end_matches('.').to_owned()
    }

    /// Code in the header, status of the table, and reason in the body.
    #[track_caller]
    pub fn assert_fault(&self, code: FaultCode, reason: &str) {
        let row = code.row();
        assert_eq!(
            self.header("lienthong-fault"),
            row.code,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.status, row.http);
        assert_eq!(self.reason(), reason);
        assert!(
            uuid::Uuid::try_parse(self.evidence()).is_ok(),
            "no evidence id"
        );
    }

    /// An answer that is no fault.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(
            (self.status, self.header("lienthong-fault")),
            (200, ""),
            "{text}"
        );
        self
    }
}

/// What came back for exact bytes: the first reply, if any, and whether the far end then closed.
#[derive(Debug)]
pub struct Raw {
    /// The first reply.
    pub reply: Option<Reply>,
    /// Whether the connection was closed within two seconds.
    pub closed: bool,
}

/// One gateway, seen with one certificate.
#[derive(Debug, Clone)]
pub struct Wire {
    address: SocketAddr,
    http1: Connector,
    http2: Connector,
}

impl Wire {
    /// A wire to the gateway at `address`.
    #[must_use]
    pub fn new(address: SocketAddr, anchors: &Anchors, identity: Option<&Identity>) -> Self {
        let connector = |alpn| {
            Connector::new(ClientParams {
                identity: identity.cloned(),
                anchors: anchors.clone(),
                crls: Vec::new(),
                tls12: false,
                handshake_deadline: PATIENCE,
                alpn: vec![alpn],
            })
            .unwrap()
        };
        Self {
            address,
            http1: connector(Alpn::Http1),
            http2: connector(Alpn::H2),
        }
    }

    /// An open connection for HTTP/1.1, and our own end of it.
    ///
    /// # Errors
    /// Where the handshake fails on our side.
    pub async fn open(&self) -> Result<(ClientStream<TcpStream>, SocketAddr), HandshakeError> {
        let stream = self.tcp().await;
        let ours = stream.local_addr().unwrap();
        Ok((self.http1.connect("localhost", stream).await?.stream, ours))
    }

    /// A connection without TLS.
    pub async fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Opens a connection, writes these bytes and waits for a reply that may never come; says from
    /// where it was.
    pub async fn knock(&self, bytes: &[u8]) -> (SocketAddr, Option<Reply>) {
        let stream = self.tcp().await;
        let ours = stream.local_addr().unwrap();
        let exchange = async {
            let mut stream = self.http1.connect("localhost", stream).await.ok()?.stream;
            let _ = stream.write_all(bytes).await;
            read_reply(&mut stream).await
        };
        (
            ours,
            tokio::time::timeout(PATIENCE, exchange)
                .await
                .expect("an end in time"),
        )
    }

    /// The same where perhaps nobody listens.
    pub async fn try_knock(&self, bytes: &[u8]) -> (bool, Option<Reply>) {
        match TcpStream::connect(self.address).await {
            Ok(_) => (true, self.knock(bytes).await.1),
            Err(_) => (false, None),
        }
    }

    /// Sends a message over HTTP/1.1.
    pub async fn send(&self, message: &Message) -> Reply {
        self.send_with(message, &[]).await
    }

    /// Sends a message with more headers.
    pub async fn send_with(&self, message: &Message, more: &[(&str, &str)]) -> Reply {
        let (stream, _) = self.open().await.unwrap();
        let exchange = async {
            let io = TokioIo::new(stream);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            let driver = tokio::spawn(connection);
            let mut request = message.request(more);
            request
                .headers_mut()
                .insert(header::HOST, "localhost".parse().unwrap());
            let reply = whole(sender.send_request(request.map(Full::new)).await.unwrap()).await;
            driver.abort();
            reply
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("a reply in time")
    }

    /// Puts bytes at a path, as a chunk goes.
    pub async fn put(&self, path: &str, body: Vec<u8>, more: &[(&str, &str)]) -> Reply {
        let mut request = Request::put(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/octet-stream");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body)).unwrap().map(Full::new);
        let (stream, _) = self.open().await.unwrap();
        let exchange = async {
            let io = TokioIo::new(stream);
            let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
            let driver = tokio::spawn(connection);
            let reply = whole(sender.send_request(request).await.unwrap()).await;
            driver.abort();
            reply
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("a reply in time")
    }

    /// Sends a message over HTTP/2.
    pub async fn send_h2(&self, message: &Message) -> Reply {
        self.send_h2_with(message, &[]).await
    }

    /// Sends a message with more headers over HTTP/2.
    pub async fn send_h2_with(&self, message: &Message, more: &[(&str, &str)]) -> Reply {
        let stream = self
            .http2
            .connect("localhost", self.tcp().await)
            .await
            .unwrap()
            .stream;
        let exchange = async {
            let io = TokioIo::new(stream);
            let executor = TokioExecutor::new();
            let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
                .await
                .unwrap();
            let driver = tokio::spawn(connection);
            let mut request = message.request(more);
            *request.uri_mut() = format!("https://localhost{}", message.path)
                .parse()
                .unwrap();
            let reply = whole(sender.send_request(request.map(Full::new)).await.unwrap()).await;
            driver.abort();
            reply
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("a reply in time")
    }

    /// Writes exactly these bytes; reads one reply and waits two seconds for the end.
    pub async fn raw(&self, bytes: &[u8]) -> Raw {
        let (mut stream, _) = self.open().await.unwrap();
        let exchange = async {
            let _ = stream.write_all(bytes).await; // it may be refused before it is read whole
            let _ = stream.flush().await;
            let reply = read_reply(&mut stream).await;
            let closed = reply.is_none() || is_closed(&mut stream, Duration::from_secs(2)).await;
            Raw { reply, closed }
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .expect("an end in time")
    }
}

async fn whole(response: hyper::Response<hyper::body::Incoming>) -> Reply {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

/// Whether the far end closes within this time.
pub async fn is_closed(stream: &mut ClientStream<TcpStream>, within: Duration) -> bool {
    let mut byte = [0; 1];
    match tokio::time::timeout(within, stream.read(&mut byte)).await {
        Ok(Ok(0) | Err(_)) => true,
        Ok(Ok(_)) | Err(_) => false,
    }
}

/// One HTTP/1.1 reply with a Content-Length; nothing where the connection ended before it.
pub async fn read_reply(stream: &mut ClientStream<TcpStream>) -> Option<Reply> {
    let mut seen = Vec::new();
    loop {
        if let Some(reply) = parse(&seen) {
            return Some(reply);
        }
        let mut piece = [0; 8192];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => seen.extend_from_slice(&piece[..count]),
        }
    }
}

fn parse(seen: &[u8]) -> Option<Reply> {
    let end = seen.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&seen[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()?
        .strip_prefix("HTTP/1.1 ")?
        .get(..3)?
        .parse()
        .ok()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.trim().parse().unwrap());
    }
    let length: usize = headers
        .get("content-length")?
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let body = seen.get(end + 4..end + 4 + length)?;
    Some(Reply {
        status,
        headers,
        body: Bytes::copy_from_slice(body),
    })
}

impl Message {
    /// The request without `Host`, with these headers added.
    pub(crate) fn request(&self, more: &[(&str, &str)]) -> Request<Bytes> {
        let mut request = Request::builder()
            .method("POST")
            .uri(self.path)
            .header(header::CONTENT_TYPE, &self.content_type);
        if let Some(signature) = &self.signature {
            request = request.header("x-jws-signature", signature);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        request.body(Bytes::from(self.body.clone())).unwrap()
    }

    /// The request as exact bytes with these lines in the place of `Host` and `Content-Length`.
    #[must_use]
    pub fn exact(&self, lines: &str) -> Vec<u8> {
        let mut head = format!(
            "POST {} HTTP/1.1\r\n{lines}Content-Type: {}\r\n",
            self.path, self.content_type
        );
        if let Some(signature) = &self.signature {
            head.push_str(&format!("X-JWS-Signature: {signature}\r\n"));
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
