//! The services of a development authority over plain HTTP: time-stamps, OCSP and the revocation list.
//!
//! The `openssl` command answers (`openssl ts`, `openssl ocsp`), so that what we verify was not made by
//! ourselves; the list is the file that the authority publishes. For the sandbox and tests: a request is
//! a process. It refuses to know who asks.

use std::{
    convert::Infallible,
    fs,
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinHandle,
};

/// Where time-stamps are asked for (RFC 3161 §3.4), by POST.
pub const TSA_PATH: &str = "/tsa";
/// Where the state of a certificate is asked for (RFC 6960 appendix A), by POST.
pub const OCSP_PATH: &str = "/ocsp";
/// Where the revocation list stands, in PEM.
pub const LIST_PATH: &str = "/issuing.crl";

/// Why the services cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The command is not installed.
    #[error("the openssl command is not installed")]
    NoOpenssl,
    /// A file of the authority is missing.
    #[error("{0} is missing: run `lienthong certs init`")]
    Missing(PathBuf),
    /// The listener failed.
    #[error(transparent)]
    Listen(#[from] std::io::Error),
}

/// The services in one authority's folder.
#[derive(Debug)]
pub struct Services {
    folder: PathBuf,
    /// `openssl ts` counts in a file.
    turn: Mutex<()>,
}

/// A running server; it ends with this handle.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Services {
    /// Looks whether everything is there that the services need.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn open(folder: &Path) -> Result<Self, Trouble> {
        let version = Command::new("openssl").arg("version").output();
        if !version.is_ok_and(|ran| ran.status.success()) {
            return Err(Trouble::NoOpenssl);
        }
        let needed = [
            "issuing.pem",
            "tsa.pem",
            "tsa.key",
            "tsa.cnf",
            "ocsp.pem",
            "ocsp.key",
        ];
        let missing = needed
            .map(|name| folder.join(name))
            .into_iter()
            .find(|file| !file.exists());
        match missing {
            Some(file) => Err(Trouble::Missing(file)),
            None => Ok(Self {
                folder: folder.to_owned(),
                turn: Mutex::new(()),
            }),
        }
    }

    /// Serves until the handle is dropped or stopped.
    ///
    /// # Errors
    /// Where the listener has no address.
    pub fn serve(self, listener: TcpListener) -> Result<Serving, Trouble> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(Arc::new(self), listener, stopped));
        Ok(Serving {
            address,
            stop,
            task,
        })
    }

    /// A time-stamp for a query, both DER (RFC 3161).
    ///
    /// # Errors
    /// What `openssl` said.
    pub fn time_stamp(&self, query: &[u8]) -> Result<Vec<u8>, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let words = [
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-queryfile",
            "/dev/stdin",
        ];
        self.openssl(&words, query)
    }

    /// The state of certificates, request and response DER (RFC 6960); it holds for an hour.
    ///
    /// # Errors
    /// What `openssl` said.
    pub fn status(&self, request: &[u8]) -> Result<Vec<u8>, String> {
        let index = self.folder.join("index.txt");
        if !index.exists() {
            fs::write(&index, "").map_err(|error| error.to_string())?;
        }
        let words = [
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "issuing.pem",
            "-rsigner",
            "ocsp.pem",
            "-rkey",
            "ocsp.key",
            "-rmd",
            "sha256",
            "-nmin",
            "60",
            "-reqin",
            "/dev/stdin",
            "-respout",
            "/dev/stdout",
        ];
        self.openssl(&words, request)
    }

    fn openssl(&self, words: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| error.to_string();
        let mut child = Command::new("openssl")
            .args(words)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // a command that has refused its arguments reads nothing
            let _ = stdin.write_all(input);
        }
        let mut output = Vec::new();
        if let Some(mut stdout) = child.stdout.take() {
            stdout.read_to_end(&mut output).map_err(failed)?;
        }
        let status = child.wait().map_err(failed)?;
        match status.success() && !output.is_empty() {
            true => Ok(output),
            false => Err(format!(
                "openssl {} ended with {status}",
                words.first().unwrap_or(&"")
            )),
        }
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::GET, LIST_PATH) => match fs::read(self.folder.join("issuing.crl")) {
                Ok(list) => reply(list, "application/x-pem-file"),
                Err(_) => empty(StatusCode::NOT_FOUND),
            },
            (&Method::POST, TSA_PATH) => {
                self.ask(request, Self::time_stamp, "application/timestamp-reply")
                    .await
            }
            (&Method::POST, OCSP_PATH) => {
                self.ask(request, Self::status, "application/ocsp-response")
                    .await
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    async fn ask(
        self: Arc<Self>,
        request: Request<Incoming>,
        answer: fn(&Self, &[u8]) -> Result<Vec<u8>, String>,
        kind: &'static str,
    ) -> Response<Full<Bytes>> {
        let Ok(body) = Limited::new(request.into_body(), BODY_BYTES_MAX)
            .collect()
            .await
        else {
            return empty(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = body.to_bytes();
        match tokio::task::spawn_blocking(move || answer(&self, &body)).await {
            Ok(Ok(answer)) => reply(answer, kind),
            _ => empty(StatusCode::BAD_GATEWAY),
        }
    }
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of one service.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Stops accepting and waits for the listener to end.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

async fn accept(services: Arc<Services>, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((tcp, _)) = accepted else { continue };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let services = Arc::clone(&services);
        tokio::spawn(async move {
            speak(services, tcp).await;
            drop(place);
        });
    }
}

async fn speak(services: Arc<Services>, tcp: TcpStream) {
    let service = service_fn(|request| {
        let services = Arc::clone(&services);
        async move { Ok::<_, Infallible>(services.answer(request).await) }
    });
    // whoever breaks off has no answer to lose
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(tcp), service)
        .await;
}

fn reply(body: Vec<u8>, kind: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// A time-stamp query has some hundred bytes, an OCSP request for a chain hardly more.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Requests at once, each a process.
const CONNECTIONS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use certs::pki::{IssueParams, Office, Usage};

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "openssl judges by the real time")]
    fn now() -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn run(folder: &Path, words: &[&str]) -> String {
        let ran = Command::new("openssl")
            .args(words)
            .current_dir(folder)
            .output()
            .unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The authority's services, or `None` with a word where openssl is missing.
    fn scene(folder: &Path) -> Option<(Office, Services)> {
        let office = Office::open_or_create(folder, "test", now()).unwrap();
        office.make_services(now()).unwrap();
        match Services::open(folder) {
            Ok(services) => Some((office, services)),
            Err(Trouble::NoOpenssl) => {
                println!("not run: the openssl command is not installed");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_time_stamp_is_one_that_openssl_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let Some((_, services)) = scene(folder.path()) else {
            return;
        };
        fs::write(folder.path().join("data"), "what is stamped").unwrap();
        let query = [
            "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "q",
        ];
        run(folder.path(), &query);
        let query = fs::read(folder.path().join("q")).unwrap();
        fs::write(
            folder.path().join("r"),
            services.time_stamp(&query).unwrap(),
        )
        .unwrap();
        let verify = [
            "ts",
            "-verify",
            "-queryfile",
            "q",
            "-in",
            "r",
            "-CAfile",
            "root.pem",
            "-untrusted",
            "issuing.pem",
        ];
        let said = run(folder.path(), &verify);
        assert!(said.contains("Verification: OK"), "{said}");
        let refusal = services.time_stamp(b"no query").unwrap();
        fs::write(folder.path().join("r"), refusal).unwrap();
        let said = run(folder.path(), &verify);
        assert!(said.contains("Verification: FAILED"), "{said}");
    }

    #[test]
    fn the_responder_tells_good_revoked_and_unknown_apart() {
        let folder = tempfile::tempdir().unwrap();
        let Some((mut office, services)) = scene(folder.path()) else {
            return;
        };
        let issue = |office: &mut Office, name: &str| {
            let issued = office
                .issue(&IssueParams::new(name, Usage::Client, now()))
                .unwrap();
            fs::write(folder.path().join(name), issued.chain_pem).unwrap();
            issued.serial
        };
        issue(&mut office, "good");
        let revoked = issue(&mut office, "revoked");
        office.revoke(&revoked, now()).unwrap();
        let stranger = office
            .authority()
            .issue(&IssueParams::new("x", Usage::Client, now()));
        fs::write(folder.path().join("unknown"), stranger.unwrap().chain_pem).unwrap();
        for name in ["good", "revoked", "unknown"] {
            let ask = [
                "ocsp",
                "-issuer",
                "issuing.pem",
                "-cert",
                name,
                "-reqout",
                "q",
                "-nonce",
            ];
            run(folder.path(), &ask);
            let request = fs::read(folder.path().join("q")).unwrap();
            fs::write(folder.path().join("r"), services.status(&request).unwrap()).unwrap();
            let read = [
                "ocsp",
                "-issuer",
                "issuing.pem",
                "-cert",
                name,
                "-respin",
                "r",
                "-CAfile",
                "root.pem",
                "-verify_other",
                "issuing.pem",
                "-no_nonce",
            ];
            let said = run(folder.path(), &read);
            assert!(said.contains(&format!("{name}: {name}")), "{said}");
        }
    }
}
