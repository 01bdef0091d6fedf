//! The simulated portal of the bench: the login, the two services, a ledger of its own, and bad
//! manners that a lawful partner can have.

use std::{
    collections::{BTreeMap, HashSet},
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use certs::tls::{Acceptor, Alpn, Anchors, Identity, ServerParams};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::random::Random;

/// How a lawful partner misbehaves, each in so many of a hundred calls.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manners {
    /// The call is lost before it is acted upon.
    pub lose_call: u64,
    /// The call is acted upon, the reply is lost.
    pub lose_reply: u64,
    /// The reply comes late; some after the caller has stopped waiting.
    pub late: u64,
    /// The call is acted upon twice, as if the network had doubled it.
    pub double: u64,
    /// The call is acted upon once more long after, when others have overtaken it.
    pub overtaken: u64,
    /// The session is forgotten.
    pub forget: u64,
    /// The call is answered 500 and not acted upon.
    pub fail: u64,
}

/// What the portal has seen of one dossier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// The states, in the order in which they were first told.
    pub states: Vec<u8>,
    /// How often something known was told again.
    pub repeats: u64,
}

/// The portal's ledger.
#[derive(Debug, Default)]
pub struct Book {
    /// By dossier code.
    pub files: BTreeMap<String, File>,
    /// What was said and should not have been said.
    pub violations: Vec<String>,
    /// Calls acted upon.
    pub calls: u64,
    sessions: HashSet<String>,
}

struct Desk {
    book: Mutex<Book>,
    manners: Mutex<(Manners, Random)>,
}

/// A running portal; dropping it ends it.
pub struct Office {
    desk: Arc<Desk>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Office {
    /// Takes a place to listen, before the site that names it is made.
    pub async fn place() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// Serves with the portal's certificate from its folder.
    #[must_use]
    pub fn open(listener: TcpListener, folder: &Path, seed: u64) -> Self {
        let identity = Identity::from_files(&folder.join("tls.pem"), &folder.join("tls.key"));
        let acceptor = Acceptor::new(ServerParams {
            identity: identity.unwrap(),
            client_anchors: Anchors::from_file(&folder.join("ca.pem")).unwrap(),
            crls: Vec::new(),
            tls12: false,
            handshake_deadline: Duration::from_secs(10),
            alpn: vec![Alpn::Http1],
        });
        let desk = Arc::new(Desk {
            book: Mutex::default(),
            manners: Mutex::new((Manners::default(), Random::of(seed, &[2]))),
        });
        Self {
            address: listener.local_addr().unwrap(),
            task: tokio::spawn(accept(
                listener,
                Arc::new(acceptor.unwrap()),
                Arc::clone(&desk),
            )),
            desk,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it behaves from now on.
    pub fn behave(&self, manners: Manners) {
        self.desk.manners.lock().unwrap().0 = manners;
    }

    /// Looks at its ledger.
    pub fn read<R>(&self, look: impl FnOnce(&Book) -> R) -> R {
        look(&self.desk.book.lock().unwrap())
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: Arc<Acceptor>, desk: Arc<Desk>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(connection(stream, Arc::clone(&acceptor), Arc::clone(&desk)));
    }
}

async fn connection(stream: TcpStream, acceptor: Arc<Acceptor>, desk: Arc<Desk>) {
    let Ok(accepted) = acceptor.accept(stream).await else {
        return; // a gateway that was killed in the middle of it
    };
    let service = service_fn(|request| {
        let desk = Arc::clone(&desk);
        async move { desk.answer(request).await.ok_or(Lost) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    server.timer(TokioTimer::new());
    let _ = server
        .serve_connection(TokioIo::new(accepted.stream), service)
        .await;
}

/// A reply that is to be lost: the connection ends without it.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the reply is lost")
    }
}

impl std::error::Error for Lost {}

impl From<Infallible> for Lost {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What happens to one call.
#[derive(Default)]
struct Fate {
    lose_call: bool,
    lose_reply: bool,
    double: bool,
    overtaken: bool,
    forget: bool,
    fail: bool,
    wait: Duration,
}

impl Desk {
    fn fate(&self) -> Fate {
        let mut manners = self.manners.lock().unwrap();
        let (manners, random) = &mut *manners;
        Fate {
            lose_call: random.percent(manners.lose_call),
            lose_reply: random.percent(manners.lose_reply),
            double: random.percent(manners.double),
            overtaken: random.percent(manners.overtaken),
            forget: random.percent(manners.forget),
            fail: random.percent(manners.fail),
            wait: match random.percent(manners.late) {
                // the caller of the bench waits 1.5 seconds
                true => Duration::from_millis(random.below(2_000)),
                false => Duration::ZERO,
            },
        }
    }

    /// What one call does and says; nothing where it or its reply is lost.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let login = request.uri().path().ends_with("/login");
        let body = request.into_body().collect().await.ok()?.to_bytes();
        let body: Value = serde_json::from_slice(&body).ok()?;
        if login {
            return Some(say(&self.login()));
        }
        let fate = self.fate();
        if fate.fail {
            let mut failed = Response::new(Full::new(Bytes::from_static(b"trouble")));
            *failed.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            return Some(failed);
        }
        if fate.lose_call {
            return None;
        }
        // acted upon in a task of its own: a caller that hangs up does not undo it
        let acted = tokio::spawn(Arc::clone(&self).act(body, fate));
        acted.await.ok()?.map(|said| say(&said))
    }

    async fn act(self: Arc<Self>, body: Value, fate: Fate) -> Option<Value> {
        if fate.overtaken {
            let (later, body) = (Arc::clone(&self), body.clone());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(700)).await;
                later.book.lock().unwrap().overtaken(&body);
            });
        }
        tokio::time::sleep(fate.wait).await;
        let mut book = self.book.lock().unwrap();
        if fate.forget {
            book.sessions.clear();
        }
        let mut said = book.call(&body);
        if fate.double {
            said = book.call(&body);
        }
        (!fate.lose_reply).then_some(said)
    }

    fn login(&self) -> Value {
        let session = hex::encode(certs::digest::random::<16>());
        self.book.lock().unwrap().sessions.insert(session.clone());
        json!({ "error_code": 0, "session": session })
    }
}

fn say(said: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(said.to_string())));
    let json = http::HeaderValue::from_static("application/json; charset=utf-8");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

impl Book {
    /// One call of somebody who is logged in.
    pub fn hear(&mut self, call: &Value) -> Value {
        let session = "a session of its own".to_owned();
        let mut call = call.clone();
        call["session"] = Value::String(session.clone());
        self.sessions.insert(session);
        self.call(&call)
    }

    /// One call, acted upon whole or not at all.
    fn call(&mut self, body: &Value) -> Value {
        if !self.sessions.contains(text(&body["session"])) {
            return error(-1, "Phiên làm việc (session) không tồn tại hoặc đã hết hạn");
        }
        self.calls += 1;
        let updating = body["isUpdating"].as_str() == Some("True");
        let sync = body["service"].as_str() == Some("DongBoHoSoMC");
        for record in body["data"].as_array().into_iter().flatten() {
            let (code, state) = (text(&record["MaHoSo"]), state(record));
            let known = self.files.contains_key(code);
            if sync && known && !updating {
                return error(3, "Hồ sơ đã tồn tại");
            }
            if known == (sync && !updating) {
                self.violations
                    .push(format!("{code}: told before it was created, state {state}"));
                return error(-4, "Hồ sơ không tồn tại");
            }
            if !self.step(code, state) {
                return error(-5, "Logic xử lý không hợp lệ");
            }
        }
        json!({ "error_code": 0, "message": "Thành công", "result": [] })
    }

    /// A copy that comes after others: what is known is passed over, what is not cannot be.
    pub fn overtaken(&mut self, body: &Value) {
        for record in body["data"].as_array().into_iter().flatten() {
            if let Some(file) = self.files.get_mut(text(&record["MaHoSo"])) {
                file.repeats += u64::from(file.states.contains(&state(record)));
            }
        }
    }

    /// One step of one dossier; false, and noted, where it does not follow from the one before.
    fn step(&mut self, code: &str, state: u8) -> bool {
        let file = self.files.entry(code.to_owned()).or_default();
        if file.states.contains(&state) {
            file.repeats += 1;
            return true;
        }
        let next = STATES.get(file.states.len());
        if next != Some(&state) {
            let told = format!("{code}: state {state} after {:?}", file.states);
            self.violations.push(told);
            return false;
        }
        file.states.push(state);
        true
    }
}

fn error(code: i64, words: &str) -> Value {
    json!({ "error_code": code, "message": words, "result": [] })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn state(record: &Value) -> u8 {
    let state = record.get("TrangThaiHoSo").or(record.get("TrangThai"));
    state.map_or("", text).parse().unwrap_or(0)
}

/// The states of a reissue that goes well, in order.
pub const STATES: [u8; 5] = [1, 2, 4, 9, 10];
