//! One call after another: its hash recomputed, its fields judged, the answer closed by the secret.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{ACCOUNT, Order, PATH, PAYEE, Payment, Platform, mac, wire_time};
use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::listener::{self, Counterpart, Serving, status};

impl Counterpart for Platform {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    /// A memory that cannot be written to shows in the next call.
    fn violate(&self, what: String) {
        let _ = self.memory.change(|book| book.violations.push(what));
    }

    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        if self.took(|knobs| &mut knobs.server_errors) {
            return Some(status(StatusCode::INTERNAL_SERVER_ERROR));
        }
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX);
        let body = body.collect().await.ok()?.to_bytes();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        if parts.method != Method::POST || parts.uri.path() != PATH || !is_json || !said.is_object()
        {
            self.violate("a request that is no posted message".to_owned());
            return Some(status(StatusCode::BAD_REQUEST));
        }
        if self.took(|knobs| &mut knobs.echoes) {
            return Some(json_of(
                &json!({"error_code": "99", "message": said.to_string()}),
            ));
        }
        let answer = match self.said(&said) {
            Ok(answer) => json_of(&answer),
            Err(what) => {
                self.violate(what.clone());
                json_of(&json!({"error_code": "99", "message": what}))
            }
        };
        match self.took(|knobs| &mut knobs.drop_replies) {
            true => None,
            false => Some(answer),
        }
    }
}

impl Platform {
    /// Serves on a listener until the handle is dropped or stopped.
    pub fn serve(self: &Arc<Self>, listener: TcpListener) -> Result<Serving, Trouble> {
        listener::serve(self, listener)
    }

    fn said(&self, said: &Value) -> Result<Value, String> {
        let kind = text(said, "LoaiBanTin")?;
        let fields: &[&str] = match kind {
            "INIT" => INIT,
            "QUERY" | "GET_BILL" | "DOISOAT" => ASK,
            other => return Err(format!("LoaiBanTin {other}")),
        };
        let covered = fields.iter().map(|name| text(said, name));
        let covered = covered.collect::<Result<Vec<_>, _>>()?.join("|");
        if text(said, "MaXacThuc")? != mac(&covered) {
            return Err(format!("{kind}: the hash does not hold"));
        }
        if (text(said, "MaDoiTac")?, text(said, "PhienBan")?) != (ACCOUNT, "1.0.6") {
            return Err(format!("{kind}: not our account or version"));
        }
        in_24_hours(text(said, "ThoiGianGD")?)?;
        match kind {
            "INIT" => self.init(said),
            "DOISOAT" => Ok(self.statement(text(said, "MaThamChieu")?)),
            kind => self.told(kind, text(said, "MaThamChieu")?),
        }
    }

    /// The same reference is the same payment; another amount under it is not.
    fn init(&self, said: &Value) -> Result<Value, String> {
        let reference = text(said, "MaThamChieu")?.to_owned();
        let vnd: i64 = text(said, "SoTien")?.parse().map_err(|_| "INIT: SoTien")?;
        let receipt = said.get("ThongTinBienLai").ok_or("INIT: ThongTinBienLai")?;
        let dossier = text(receipt, "MaHoSo")?.to_owned();
        if text(receipt, "TKThuHuong")? != PAYEE || text(said, "MaTienTe")? != "VND" || vnd < 1 {
            return Err("INIT: payee, currency or amount".to_owned());
        }
        if text(receipt, "MaDVC")? != format!("{}.01", text(receipt, "MaTTHC")?) {
            return Err("INIT: MaDVC".to_owned());
        }
        let known = self.memory.change(|book| {
            let known = book.orders.get(&reference).cloned();
            let mut order = known.unwrap_or_else(|| Order {
                vnd,
                dossier: dossier.clone(),
                inits: 0,
                queries: 0,
            });
            order.inits += 1;
            let is_the_same = order.vnd == vnd && order.dossier == dossier;
            book.orders.put(&reference, order);
            is_the_same
        });
        match known {
            Ok(true) => Ok(json!({
                "error_code": "0",
                "message": format!("https://pay.example/thanh-toan/{reference}"),
            })),
            Ok(false) => Err("INIT: a reference with another amount or dossier".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn told(&self, kind: &str, reference: &str) -> Result<Value, String> {
        let paid = self.memory.change(|book| {
            let order = book.orders.edit(reference)?;
            order.queries += u32::from(kind == "QUERY");
            let of_it = format!("{reference} ");
            let paid = book.paid.beginning(&of_it);
            Some(paid.cloned().collect::<Vec<_>>())
        });
        let paid = paid.map_err(|error| error.to_string())?;
        let paid = paid.ok_or_else(|| format!("{kind} of a reference that nobody opened"))?;
        let bill = match kind {
            "GET_BILL" if !paid.is_empty() => format!("BL{reference}"),
            _ => String::new(),
        };
        Ok(self.closed(kind, reference, (&bill, ""), &paid))
    }

    /// Of a day, `yyyyMMdd`, or of one of its pages, `yyyyMMdd-n`.
    fn statement(&self, reference: &str) -> Value {
        let (day, page) = reference.split_once('-').unwrap_or((reference, "1"));
        let page: usize = page.parse().unwrap_or(1);
        let size = self.page();
        let all: Vec<Payment> = self.paid();
        let of_day: Vec<Payment> = all
            .into_iter()
            .filter(|one| one.at.starts_with(day))
            .collect();
        let from = page.saturating_sub(1) * size;
        let here: Vec<Payment> = of_day.iter().skip(from).take(size).cloned().collect();
        let more = if of_day.len() > from + size { "1" } else { "" };
        self.closed("DOISOAT", reference, ("", more), &here)
    }

    fn closed(
        &self,
        kind: &str,
        reference: &str,
        (bill, more): (&str, &str),
        paid: &[Payment],
    ) -> Value {
        let at = wire_time(clock::now());
        let reference = match self.took(|knobs| &mut knobs.another_reference) {
            true => format!("{reference}0"),
            false => reference.to_owned(),
        };
        let mut covered = [kind, "00", "OK", ACCOUNT, &reference, &at, bill, more].join("|");
        for one in paid {
            let vnd = one.vnd.to_string();
            for field in [
                &one.id,
                &one.reference,
                &vnd,
                "VND",
                "99999999",
                PAYEE,
                &one.at,
            ] {
                covered.push('|');
                covered.push_str(field);
            }
        }
        let mut mac = mac(&covered);
        if self.took(|knobs| &mut knobs.wrong_hash) {
            let last = if mac.ends_with('0') { "1" } else { "0" };
            mac.replace_range(63.., last);
        }
        let transaction = |one: &Payment| {
            json!({
                "MaGiaoDich": one.id, "MaThamChieu": one.reference, "SoTien": one.vnd.to_string(),
                "MaTienTe": "VND", "MaNganHang": "99999999", "TKThuHuong": PAYEE, "ThoiGianGD": one.at,
            })
        };
        json!({
            "LoaiBanTin": kind, "MaLoi": "00", "MoTaLoi": "OK", "MaDoiTac": ACCOUNT,
            "MaThamChieu": reference, "ThoiGianGD": at, "SoBienLai": bill, "ConNua": more,
            "GiaoDich": paid.iter().map(transaction).collect::<Vec<_>>(), "MaXacThuc": mac,
        })
    }
}

fn text<'a>(said: &'a Value, name: &str) -> Result<&'a str, String> {
    let value = said.get(name).and_then(Value::as_str);
    value.ok_or_else(|| format!("no text in {name}"))
}

/// 14 digits with an hour of 0 to 23.
fn in_24_hours(at: &str) -> Result<(), String> {
    let digits = at.len() == 14 && at.bytes().all(|byte| byte.is_ascii_digit());
    match digits && at.get(8..10).is_some_and(|hour| hour < "24") {
        true => Ok(()),
        false => Err(format!("ThoiGianGD {at}")),
    }
}

fn json_of(value: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

const INIT: &[&str] = &[
    "LoaiBanTin",
    "PhienBan",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "LoaiHinhThanhToan",
    "MaKenhThanhToan",
    "MaThietBi",
    "NgonNgu",
    "MaTienTe",
    "MaNganHang",
    "ThongTinGiaoDich",
    "ThoiGianGD",
    "Ip",
];
const ASK: &[&str] = &[
    "LoaiBanTin",
    "PhienBan",
    "MaDoiTac",
    "MaThamChieu",
    "ThoiGianGD",
];
const BODY_BYTES_MAX: usize = 1 << 20;
