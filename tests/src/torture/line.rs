//! One partner's connection: kept while it lasts, opened again when it does not.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use certs::tls::{Alpn, Anchors, ClientParams, ClientStream, Connector, Identity};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};

use crate::{client::Reply, message::Message};

/// Why there is no reply: nobody listens, it broke off, or it took too long. The outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub &'static str);

/// Opens lines of one partner.
#[derive(Debug, Clone)]
pub struct Caller {
    address: SocketAddr,
    connector: Connector,
    patience: Duration,
    from: Option<IpAddr>,
}

impl Caller {
    /// A caller with a partner's certificate.
    #[must_use]
    pub fn new(agency: &Path, address: SocketAddr) -> Self {
        Self::speaking(agency, address, Alpn::Http1)
    }

    /// The same under another application protocol; its lines speak HTTP/1.1 all the same.
    #[must_use]
    pub fn speaking(agency: &Path, address: SocketAddr, alpn: Alpn) -> Self {
        let identity = Identity::from_files(&agency.join("tls.pem"), &agency.join("tls.key"));
        let connector = Connector::new(ClientParams {
            identity: Some(identity.unwrap()),
            anchors: Anchors::from_file(&agency.join("ca.pem")).unwrap(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(10),
            alpn: vec![alpn],
        });
        Self {
            address,
            connector: connector.unwrap(),
            patience: Duration::from_secs(15),
            from: None,
        }
    }

    /// The same, waiting so long for each reply.
    #[must_use]
    pub fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same to another gateway.
    #[must_use]
    pub fn towards(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The same from another address of the loopback: strangers are counted by address.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// One connection with nothing said on it yet but TLS.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn open(&self) -> Result<ClientStream<TcpStream>, Broken> {
        let stream = self.tcp().await?;
        let connected = self.connector.connect("localhost", stream).await;
        Ok(connected.map_err(|_| Broken("handshake"))?.stream)
    }

    /// One connection without TLS.
    ///
    /// # Errors
    /// [`Broken`].
    pub async fn tcp(&self) -> Result<TcpStream, Broken> {
        let open = || -> std::io::Result<TcpSocket> {
            let socket = TcpSocket::new_v4()?;
            if let Some(from) = self.from {
                socket.bind(SocketAddr::new(from, 0))?;
            }
            Ok(socket)
        };
        let socket = open().map_err(|_| Broken("no socket"))?;
        let stream = socket.connect(self.address).await;
        let stream = stream.map_err(|_| Broken("nobody listens"))?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// A line that is not open yet.
    #[must_use]
    pub fn line(&self) -> Line {
        Line {
            caller: self.clone(),
            open: None,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Line {
    caller: Caller,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Line {
    /// Sends a message and waits for its reply; a line that broke is opened again by the next message.
    ///
    /// # Errors
    /// [`Broken`]: whether the gateway has the message is not known then.
    pub async fn exchange(&mut self, message: &Message) -> Result<Reply, Broken> {
        let patience = self.caller.patience;
        let ended = tokio::time::timeout(patience, self.try_exchange(message)).await;
        let ended = ended.unwrap_or(Err(Broken("late")));
        if ended.is_err() {
            self.open = None;
        }
        ended
    }

    /// Lets go of the connection.
    pub fn hang_up(&mut self) {
        self.open = None;
    }

    async fn try_exchange(&mut self, message: &Message) -> Result<Reply, Broken> {
        let mut open = match self.open.take() {
            Some(open) if !open.is_closed() => open,
            _ => self.connect().await?,
        };
        let mut request = message.request(&[]).map(Full::new);
        let host = http::HeaderValue::from_static("localhost");
        request.headers_mut().insert(http::header::HOST, host);
        open.ready().await.map_err(|_| Broken("closed"))?;
        let reply = open.send_request(request).await;
        let (head, body) = reply.map_err(|_| Broken("reset"))?.into_parts();
        let body = body.collect().await.map_err(|_| Broken("half a reply"))?;
        self.open = Some(open);
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Broken> {
        let stream = self.caller.open().await?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (open, connection) = opened.map_err(|_| Broken("handshake"))?;
        tokio::spawn(connection);
        Ok(open)
    }
}
