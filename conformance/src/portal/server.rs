//! The portal's own listener: mutual TLS, only our gateway's certificate, then one call after another.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use schemas::json::{self, Limits};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::check::{self, Checked};
use super::lookup;
use super::table::{Refused, Table};
use super::{Mischief, Portal};
use crate::call::Trouble;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving, status};
use crate::security_server::{Exchange, SLOW, Wrong, error};

/// Sessions by their name, with their end.
pub(super) type Sessions = HashMap<String, Instant>;

impl Counterpart for Portal {
    fn identity(&self) -> &Identity {
        Self::identity(self)
    }

    fn violate(&self, what: String) {
        Self::violate(self, what);
    }

    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Option<Response<Full<Bytes>>>> + Send {
        Self::answer(self, request)
    }
}

impl Portal {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    /// What one call does and says; `None` where the reply is to be lost.
    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let delay = self.knobs(|mischief| mischief.delay);
        tokio::time::sleep(delay).await;
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX);
        let body = body.collect().await.ok()?.to_bytes();
        if !parts.uri.path().starts_with("/r1/") {
            let way = well_formed(&parts).and_then(|()| adapter(&parts));
            return self.answer_to(way, &body);
        }
        match Exchange::take(&parts, &body) {
            Ok(exchange) => {
                let way = well_formed(&parts);
                let answer = self.answer_to(way.map(|()| exchange.path.clone()), &body)?;
                let wrong = self.knobs(|mischief| mischief.on_xroad.pop());
                if let Err(error) = exchange.keep(&self.identity().folder, wrong) {
                    self.violate(format!("X-Road: {error}"));
                }
                if wrong == Some(Wrong::Slow) {
                    tokio::time::sleep(SLOW).await;
                }
                Some(exchange.give(answer, wrong))
            }
            Err(code) => {
                self.violate(format!("X-Road: {code}"));
                Some(error(code))
            }
        }
    }

    /// `way` is the portal's own path, or what was wrong with the request's head.
    fn answer_to(
        &self,
        way: Result<String, &'static str>,
        body: &Bytes,
    ) -> Option<Response<Full<Bytes>>> {
        let known = |path: &String| [LOGIN_PATH, CALL_PATH].contains(&path.as_str());
        let path = match way.map(|path| Some(path).filter(known)) {
            Ok(Some(path)) => path,
            wrong => {
                let wrong = wrong.err().unwrap_or("unknown path");
                self.violate(format!("request: {wrong}"));
                return Some(status(StatusCode::BAD_REQUEST));
            }
        };
        let login = path == LOGIN_PATH;
        let Ok(body) = json::read::<Value>(body, &LIMITS) else {
            self.violate("a body that is not strict JSON".to_owned());
            return Some(status(StatusCode::BAD_REQUEST));
        };
        match login {
            true => Some(reply(&self.login(&body))),
            false => self.call_in(&body),
        }
    }

    fn call_in(&self, body: &Value) -> Option<Response<Full<Bytes>>> {
        if self.knobs(|mischief| mischief.take(|knobs| &mut knobs.server_errors)) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        if self.knobs(|mischief| mischief.take(|knobs| &mut knobs.echoes)) {
            return Some(reply(&(-1, format!("Dữ liệu không hợp lệ: {body}"))));
        }
        let said = match lookup::is_look_up(body) {
            true => self.look_up(body),
            false => told(&self.service(body)),
        };
        if self.knobs(|mischief| mischief.take(|knobs| &mut knobs.drop_replies)) {
            return None;
        }
        // what was refused was not acted upon, and so says nothing of that kind
        let acted = said["error_code"] == 0;
        if acted && self.knobs(|mischief| mischief.take(|knobs| &mut knobs.claim_exists)) {
            return Some(reply(&(3, "Hồ sơ đã tồn tại".to_owned())));
        }
        Some(json_of(&said))
    }

    /// A look-up, answered from the table and the ledger.
    fn look_up(&self, body: &Value) -> Value {
        if !self.session_holds(body["session"].as_str().unwrap_or_default()) {
            return told(&no_session());
        }
        match lookup::checked(body) {
            Ok(asked) => self.desk.memory.read(|book| {
                self.told
                    .read(|table| lookup::answer(&book.ledger, table, &asked))
            }),
            Err(wrong) => {
                self.violate(format!("TraCuuHoSo: {wrong}"));
                told(&(-2, format!("Dữ liệu không hợp lệ: {wrong}")))
            }
        }
    }

    fn login(&self, body: &Value) -> Said {
        let expected = self.identity().login.as_ref();
        let right = expected.is_some_and(|login| {
            body.as_object().is_some_and(|members| members.len() == 2)
                && body["username"].as_str() == Some(&login.username)
                && body["password"].as_str() == Some(&login.password)
        });
        if !right || self.knobs(|mischief| mischief.take(|knobs| &mut knobs.refuse_logins)) {
            return (1, "Sai tài khoản hoặc mật khẩu".to_owned());
        }
        let session = hex::encode(certs::digest::random::<16>());
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, end| *end > Instant::now());
        sessions.insert(session.clone(), Instant::now() + SESSION_TIME);
        (SESSION, session)
    }

    fn service(&self, body: &Value) -> Said {
        if !self.session_holds(body["session"].as_str().unwrap_or_default()) {
            return no_session();
        }
        match self.told.change(|table| serve_call(table, body)) {
            Ok(said) => said,
            Err(error) => (-500, error.to_string()),
        }
    }

    fn session_holds(&self, session: &str) -> bool {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if self.knobs(|mischief| mischief.take(|knobs| &mut knobs.expire_sessions)) {
            sessions.remove(session);
        }
        sessions
            .get(session)
            .is_some_and(|end| *end > Instant::now())
    }

    fn knobs<R>(&self, turn: impl FnOnce(&mut Mischief) -> R) -> R {
        turn(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A memory that cannot be written to shows in the next change that matters.
    fn violate(&self, what: String) {
        let _ = self.told.change(|table| table.violate(what));
    }
}

/// An error code and its words; for a login the words are the session.
type Said = (i64, String);

fn no_session() -> Said {
    let words = "Phiên làm việc (session) không tồn tại hoặc đã hết hạn";
    (-1, words.to_owned())
}

fn serve_call(table: &mut Table, body: &Value) -> Said {
    match checked_call(body) {
        Ok(call) => call.act(table),
        Err(wrong) => {
            table.violate(format!(
                "{}: {wrong}",
                body["service"].as_str().unwrap_or("-")
            ));
            (-2, format!("Dữ liệu không hợp lệ: {wrong}"))
        }
    }
}

/// A call whose every field has passed.
enum Call {
    Sync {
        records: Vec<Checked>,
        updating: bool,
    },
    Progress {
        steps: Vec<Checked>,
    },
    Citizen(BTreeMap<String, String>),
}

fn checked_call(body: &Value) -> Result<Call, String> {
    let members = body.as_object().ok_or("the call is no object")?;
    let known = ["session", "madonvi", "service", "isUpdating", "data"];
    if members.keys().any(|name| !known.contains(&name.as_str())) {
        return Err("a member that no call has".to_owned());
    }
    if body["madonvi"].as_str().is_none_or(str::is_empty) {
        return Err("madonvi is missing".to_owned());
    }
    let data = body["data"]
        .as_array()
        .filter(|data| !data.is_empty())
        .ok_or("data is empty")?;
    match (body["service"].as_str(), body["isUpdating"].as_str()) {
        (Some("DongBoHoSoMC"), Some(flag @ ("True" | "False"))) => Ok(Call::Sync {
            records: data.iter().map(check::record).collect::<Result<_, _>>()?,
            updating: flag == "True",
        }),
        (Some("DongBoHoSoMC"), _) => Err("isUpdating is neither True nor False".to_owned()),
        (Some("CapNhatTienDoHoSoMC"), _) if data.len() > BATCH_MAX => {
            Err("more than 10 steps in one batch".to_owned())
        }
        (Some("CapNhatTienDoHoSoMC"), _) => Ok(Call::Progress {
            steps: data.iter().map(check::progress).collect::<Result<_, _>>()?,
        }),
        (Some("ThongBaoCongDan"), None) => match data.as_slice() {
            [one] => Ok(Call::Citizen(check::citizen(one)?)),
            _ => Err("not one notice".to_owned()),
        },
        _ => Err("no such service".to_owned()),
    }
}

impl Call {
    /// All or nothing: a batch with one refused record changes nothing but the violations.
    fn act(self, table: &mut Table) -> Said {
        let acted = match &self {
            Self::Sync { records, updating } => records
                .iter()
                .try_for_each(|one| table.sync(&one.code, one.state, *updating).map(drop)),
            Self::Progress { steps } => steps
                .iter()
                .try_for_each(|one| table.progress(&one.code, one.state, &one.at).map(drop)),
            Self::Citizen(told) => table.citizen(told.clone()).map(drop),
        };
        match acted {
            Ok(()) => (0, "Thành công".to_owned()),
            Err(refused) => {
                table.dossiers.undo();
                words(refused)
            }
        }
    }
}

fn words(refused: Refused) -> Said {
    match refused {
        Refused::Exists => (3, "Hồ sơ đã tồn tại".to_owned()),
        Refused::Unknown => (-4, "Hồ sơ không tồn tại".to_owned()),
        Refused::Order => (-5, "Logic xử lý không hợp lệ".to_owned()),
        Refused::Time => (-6, "Thời điểm xử lý không hợp lệ".to_owned()),
    }
}

/// What every request must have beside its body, however it came.
fn well_formed(request: &Parts) -> Result<(), &'static str> {
    for (holds, what) in [
        (request.method == Method::POST, "method is not POST"),
        (
            header(request, "content-type")
                .is_some_and(|kind| kind.starts_with("application/json")),
            "Content-Type",
        ),
        (
            header(request, "accept") == Some("application/json"),
            "Accept",
        ),
        (header(request, "charset") == Some("utf-8"), "Charset"),
    ] {
        if !holds {
            return Err(what);
        }
    }
    Ok(())
}

/// The portal's path behind the exchange's adapter, which is told the destination twice.
fn adapter(request: &Parts) -> Result<String, &'static str> {
    let query = request.uri.query().unwrap_or_default();
    let destination = query
        .split('&')
        .find_map(|part| part.strip_prefix("dstcode="));
    if destination.is_none_or(|code| code.split(':').count() != 4) {
        return Err("dstcode in the query");
    }
    if header(request, "dstcode") != destination {
        return Err("dstcode in the header");
    }
    let path = request.uri.path().split_once(ADAPTER);
    Ok(path.ok_or("unknown path")?.1.to_owned())
}

fn header<'a>(request: &'a Parts, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
}

fn reply(said: &Said) -> Response<Full<Bytes>> {
    json_of(&told(said))
}

fn told(said: &Said) -> Value {
    match said {
        (SESSION, session) => json!({"error_code": 0, "session": session}),
        (code, words) => json!({"error_code": code, "message": words, "result": []}),
    }
}

fn json_of(body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json; charset=utf-8"),
    );
    response
}

/// The code of a login that succeeded; it never leaves as it stands.
const SESSION: i64 = i64::MAX;

const ADAPTER: &str = "/XrdAdapter/RestService/forward";
const LOGIN_PATH: &str = "/mapi/login";
const CALL_PATH: &str = "/mapi/g";
const BATCH_MAX: usize = 10;
const BODY_BYTES_MAX: usize = 1 << 20;
const SESSION_TIME: Duration = Duration::from_secs(1_800);
const LIMITS: Limits = Limits {
    bytes_max: BODY_BYTES_MAX,
    depth_max: 8,
    members_max: 64,
    items_max: 100,
};

#[cfg(test)]
mod tests;
