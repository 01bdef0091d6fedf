//! The servers that we call: asked about, and judged again while the connection stands.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certs::pki::{Authority, IssueParams, Issued, Usage};
use certs::revocation::{Ask, CheckedList, Issuer, Question, Revocations, Source, State, Status};
use certs::tls::{
    Acceptor, Alpn, Anchors, ClientParams, ClientStream, Connector, HandshakeError, Identity,
    ServerParams,
};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::support::AUTHORITY;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A server that answers every byte with the same, and who calls it.
struct Scene {
    server: Issued,
    issuer: Arc<Issuer>,
    known: Arc<Revocations>,
    address: std::net::SocketAddr,
}

fn server() -> Issued {
    let params = IssueParams {
        dns: vec!["localhost".into()],
        ..IssueParams::new("server", Usage::Server, Timestamp::now())
    };
    AUTHORITY.issue(&params).unwrap()
}

fn client_params(authority: &Authority) -> ClientParams {
    let params = IssueParams::new("client", Usage::Client, Timestamp::now());
    let ours = AUTHORITY.issue(&params).unwrap();
    let (chain, key) = (ours.chain_pem.as_bytes(), ours.key_pem.as_bytes());
    ClientParams {
        identity: Some(Identity::from_pem(chain, key).unwrap()),
        anchors: Anchors::from_pem(authority.root_pem().as_bytes()).unwrap(),
        crls: Vec::new(),
        tls12: false,
        handshake_deadline: Duration::from_secs(30),
        alpn: vec![Alpn::Http1],
    }
}

impl Scene {
    /// The server's authority is watched by a list, or by a responder.
    async fn new(has_list: bool, has_responder: bool) -> Self {
        let server = server();
        let (chain, key) = (server.chain_pem.as_bytes(), server.key_pem.as_bytes());
        let acceptor = Acceptor::new(ServerParams {
            identity: Identity::from_pem(chain, key).unwrap(),
            client_anchors: Anchors::from_pem(AUTHORITY.root_pem().as_bytes()).unwrap(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(30),
            alpn: vec![Alpn::Http1],
        });
        let acceptor = Arc::new(acceptor.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let acceptor = Arc::clone(&acceptor);
                tokio::spawn(async move {
                    let Ok(mut accepted) = acceptor.accept(tcp).await else {
                        return;
                    };
                    while let Ok(byte) = accepted.stream.read_u8().await {
                        let _ = accepted.stream.write_u8(byte).await;
                        let _ = accepted.stream.flush().await;
                    }
                });
            }
        });
        let issuer = Arc::new(Issuer::from_pem(AUTHORITY.issuing_pem().as_bytes()).unwrap());
        let known = Revocations::watching(vec![Source {
            issuer: Arc::clone(&issuer),
            has_list,
            has_responder,
        }]);
        Self {
            server,
            issuer,
            known: Arc::new(known),
            address,
        }
    }

    fn list(&self, revoked: &[&[u8]], made: Timestamp) {
        let pem = AUTHORITY.revocation_list(revoked, made, made + HOUR * 2);
        let read = CheckedList::read(pem.unwrap().as_bytes(), &self.issuer, Timestamp::now());
        self.known.put_list(&self.issuer, read.unwrap()).unwrap();
    }

    async fn connect(
        &self,
        connector: &Connector,
    ) -> Result<ClientStream<TcpStream>, HandshakeError> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        Ok(connector.connect("localhost", tcp).await?.stream)
    }
}

async fn echo(stream: &mut ClientStream<TcpStream>) -> std::io::Result<u8> {
    stream.write_u8(7).await?;
    stream.flush().await?;
    stream.read_u8().await
}

/// The word of the refusal inside an I/O error.
fn reason(error: &std::io::Error) -> &'static str {
    let inner = error.get_ref().unwrap();
    inner.downcast_ref::<HandshakeError>().unwrap().reason()
}

#[tokio::test]
async fn nothing_more_is_said_on_an_open_connection_to_a_server_that_was_taken_back() {
    let scene = Scene::new(true, false).await;
    let now = Timestamp::now();
    scene.list(&[], now - HOUR);
    let params = client_params(&AUTHORITY);
    let connector = Connector::judged_by(params, Arc::clone(&scene.known)).unwrap();
    let (mut talks, mut waits) = (
        scene.connect(&connector).await.unwrap(),
        scene.connect(&connector).await.unwrap(),
    );
    assert_eq!(echo(&mut talks).await.unwrap(), 7);
    waits.write_u8(9).await.unwrap();
    scene.list(&[&scene.server.serial], now);
    assert_eq!(reason(&echo(&mut talks).await.unwrap_err()), "revoked");
    // nor is the answer believed that is under way
    assert_eq!(reason(&waits.read_u8().await.unwrap_err()), "revoked");
    let refused = scene.connect(&connector).await.unwrap_err();
    assert_eq!(refused.reason(), "revoked");
}

#[tokio::test]
async fn replaced_anchors_end_the_connections_that_they_no_longer_carry() {
    let scene = Scene::new(false, false).await;
    let params = client_params(&AUTHORITY);
    let connector = Connector::judged_by(params, Arc::clone(&scene.known)).unwrap();
    let mut stream = scene.connect(&connector).await.unwrap();
    // a new key and the same anchors: it goes on
    connector.replace(&client_params(&AUTHORITY)).unwrap();
    assert_eq!(echo(&mut stream).await.unwrap(), 7);
    let other = Authority::generate("other", Timestamp::now()).unwrap();
    connector.replace(&client_params(&other)).unwrap();
    let refused = echo(&mut stream).await.unwrap_err();
    assert_eq!(reason(&refused), "unknown-issuer");
    let refused = scene.connect(&connector).await.unwrap_err();
    assert_eq!(refused.reason(), "unknown-issuer");
}

/// A responder that says this of everybody, or nothing, and counts.
struct Responder {
    says: Mutex<Option<State>>,
    asked: Mutex<u32>,
    known: Arc<Revocations>,
}

impl Ask for Responder {
    fn ask<'a>(&'a self, leaf: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let now = Timestamp::now();
            let Some(question) = self.known.question(leaf, now) else {
                return;
            };
            *self.asked.lock().unwrap() += 1;
            self.put(&question, now);
        })
    }
}

impl Responder {
    fn put(&self, question: &Arc<Question>, now: Timestamp) {
        if let Some(state) = *self.says.lock().unwrap() {
            let until = now + HOUR;
            self.known
                .put_status(question, Status { state, until }, now);
        }
    }
}

#[tokio::test]
async fn a_server_is_asked_about_before_a_byte_is_said_and_silence_refuses_it() {
    let scene = Scene::new(false, true).await;
    let responder = Arc::new(Responder {
        says: Mutex::new(None),
        asked: Mutex::new(0),
        known: Arc::clone(&scene.known),
    });
    let ask = Arc::<Responder>::clone(&responder);
    let params = client_params(&AUTHORITY);
    let connector = Connector::confirmed_by(params, Arc::clone(&scene.known), ask).unwrap();
    let refused = scene.connect(&connector).await.unwrap_err();
    assert_eq!(refused.reason(), "revocation-unknown");
    *responder.says.lock().unwrap() = Some(State::Good);
    let mut stream = scene.connect(&connector).await.unwrap();
    assert_eq!(echo(&mut stream).await.unwrap(), 7);
    // an answer that holds is not asked for again
    scene.connect(&connector).await.unwrap();
    assert_eq!(*responder.asked.lock().unwrap(), 2);
    // at the next look it is revoked
    *responder.says.lock().unwrap() = Some(State::Revoked);
    let questions = scene.known.asked(&scene.issuer);
    assert_eq!(questions.len(), 1);
    responder.put(&questions[0], Timestamp::now());
    assert_eq!(reason(&echo(&mut stream).await.unwrap_err()), "revoked");
    let refused = scene.connect(&connector).await.unwrap_err();
    assert_eq!(refused.reason(), "revoked");
}
