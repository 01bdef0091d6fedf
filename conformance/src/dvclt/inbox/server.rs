//! One status after another: proven, taken in its turn, answered in plain text.

use std::sync::Arc;

use bytes::Bytes;
use certs::tls::PeerCertificate;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use super::table::Said;
use super::{Inbox, PATH, check};
use crate::call::Trouble;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving, status};

impl Counterpart for Inbox {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn admits(&self, peer: &PeerCertificate) -> bool {
        let carrier = self.carrier.get().map(|carrier| {
            let environment = &self.identity.environment;
            format!("urn:lienthong:{environment}:partner:{carrier}")
        });
        let mut known = carrier.into_iter().chain([self.identity.gateway_urn()]);
        known.any(|urn| peer.san_uris.contains(&urn))
    }

    /// A memory that cannot be written to shows in the next status.
    fn violate(&self, what: String) {
        let _ = self.memory.change(|table| table.violate(what));
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        if self.took(|knobs| &mut knobs.server_errors) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX);
        let body = body.collect().await.ok()?.to_bytes();
        if self.took(|knobs| &mut knobs.echoes) {
            return Some(text(StatusCode::OK, body));
        }
        let of = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let json = of("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if parts.method != Method::POST || parts.uri.path() != PATH || !json {
            self.violate("a request that is no posted status".to_owned());
            return Some(status(StatusCode::BAD_REQUEST));
        }
        let said = self.said(of("x-jws-signature"), &body);
        tokio::time::sleep(self.delay()).await;
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(said),
        }
    }
}

impl Inbox {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    fn said(&self, signature: Option<&str>, body: &[u8]) -> Response<Full<Bytes>> {
        let told = match check::proven(&self.identity, signature, body) {
            Ok(told) => told,
            Err(wrong) => {
                self.violate(wrong);
                return text(StatusCode::BAD_REQUEST, "Dữ liệu không đúng định dạng");
            }
        };
        if self.took(|knobs| &mut knobs.not_yet_known) {
            return text(StatusCode::OK, "không tồn tại");
        }
        let Ok(said) = self.memory.change(|table| table.take(told)) else {
            return status(StatusCode::INTERNAL_SERVER_ERROR);
        };
        if self.took(|knobs| &mut knobs.mumble) {
            return text(StatusCode::OK, "<html>");
        }
        let words = match said {
            Said::Taken => "thành công",
            Said::Known => "Trạng thái đã được tiếp nhận",
            Said::HandedOut => "đã trả kết quả, không được cập nhật trạng thái",
            Said::NotInTurn => "logic xử lý không hợp lệ",
        };
        text(StatusCode::OK, words)
    }
}

fn text(status: StatusCode, words: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(words.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const BODY_BYTES_MAX: usize = 64 << 10;
