//! The payment platform: its own book of payments behind its own server, and the callbacks that it sends.
//!
//! It takes INIT, QUERY, GET_BILL and (own profile) DOISOAT over mutual TLS from our gateway's certificate, proves
//! each keyed hash by its own reading of the facts, and closes its answers by the same secret. Somebody pays when a
//! test says so. Its hostile mode is legal: callbacks are lost, repeated, late and out of order, replies never come,
//! and who pays may pay twice. What the gateway should not have said is a violation.

mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use certs::digest::sha256_hex;
use http::{Method, Request, header};
use jiff::{Timestamp, tz};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use crate::listener::Serving;

use crate::call::Trouble;
use crate::client::{Client, Reply};
use crate::clock;
use crate::identity::{Identity, Target};
use crate::state::rows::{Log, Rows, Table, Tables};

/// Where calls are posted.
pub const PATH: &str = "/payment/v1/messages";
/// Where the gateway takes callbacks.
pub const CALLBACK: &str = "/payment/v1/callback";
/// The partner id that it is registered under.
pub const PARTNER: &str = "payment";
/// Our code at the platform, and the account that is paid into: made up.
pub const ACCOUNT: &str = "VSS99";
/// The payee's account: made up.
pub const PAYEE: &str = "9900000000001";
/// The secret between the platform and the gateway: made up.
pub const SECRET: &str = "made-up-for-the-sandbox-0123456789";

/// The simulated payment platform.
#[derive(Debug)]
pub struct Platform {
    identity: Identity,
    memory: Log<Book>,
    mischief: Mutex<Mischief>,
}

/// What has to outlive the process.
#[derive(Debug, Default)]
pub(crate) struct Book {
    orders: Rows<Order>,
    /// By reference, a blank, and their ids, which count up.
    paid: Rows<Payment>,
    violations: Rows<String>,
}

impl Tables for Book {
    fn tables(&mut self) -> Vec<(&'static str, &mut dyn Table)> {
        vec![
            ("orders", &mut self.orders),
            ("paid", &mut self.paid),
            ("violations", &mut self.violations),
        ]
    }
}

/// One payment that the gateway asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Đồng.
    pub vnd: i64,
    /// The dossier's code.
    pub dossier: String,
    /// How often INIT came.
    pub inits: u32,
    /// How often QUERY came.
    pub queries: u32,
}

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// MaGiaoDich.
    pub id: String,
    /// MaThamChieu.
    pub reference: String,
    /// Đồng.
    pub vnd: i64,
    /// `yyyyMMddHHmmss` at +07:00.
    pub at: String,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many calls are answered, and the replies never sent.
    pub drop_replies: u32,
    /// So many calls get HTTP 500 and are not looked at.
    pub server_errors: u32,
    /// So many calls are not looked at and refused in words that repeat all that was sent.
    pub echoes: u32,
    /// So many answers bear a hash that is wrong by one character.
    pub wrong_hash: u32,
    /// So many answers are about another reference.
    pub another_reference: u32,
    /// Transactions in one page of a statement; 0: as many as there may be.
    pub page: usize,
}

impl Mischief {
    fn take(&mut self, counter: fn(&mut Self) -> &mut u32) -> bool {
        let left = counter(self);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }
}

impl Platform {
    /// Opens the platform's folder; what it was asked and was paid before is there.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            memory: Log::open(&folder.join("payments.log"))?,
            mischief: Mutex::default(),
        }))
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What it was asked for, by reference.
    pub fn orders(&self) -> BTreeMap<String, Order> {
        self.memory.read(|book| book.orders.all().clone())
    }

    /// Everything that was ever paid, in the order of the ids.
    pub fn paid(&self) -> Vec<Payment> {
        let mut paid: Vec<Payment> = self
            .memory
            .read(|book| book.paid.all().values().cloned().collect());
        paid.sort_by(|one, other| one.id.cmp(&other.id));
        paid
    }

    /// Everything that the gateway said and should not have said, oldest first.
    pub fn violations(&self) -> Vec<String> {
        self.memory
            .read(|book| book.violations.all().values().cloned().collect())
    }

    /// Somebody pays what was asked for; no callback is sent yet. None where nobody asked.
    pub fn pay(&self, reference: &str) -> Result<Option<Payment>, Trouble> {
        let vnd = self
            .memory
            .read(|book| book.orders.get(reference).map(|order| order.vnd));
        vnd.map(|vnd| self.pay_amount(reference, vnd)).transpose()
    }

    /// Somebody pays this amount, whatever was asked for.
    pub fn pay_amount(&self, reference: &str, vnd: i64) -> Result<Payment, Trouble> {
        let at = wire_time(clock::now());
        let paid = self.memory.change(|book| {
            let payment = Payment {
                id: format!("GD{:010}", book.paid.all().len() + 1),
                reference: reference.to_owned(),
                vnd,
                at,
            };
            let key = format!("{reference} {}", payment.id);
            book.paid.put(&key, payment.clone());
            payment
        })?;
        Ok(paid)
    }

    /// The callback of a transaction, closed by the secret.
    pub fn notice(&self, paid: &Payment) -> Value {
        closed_notice(json!({
            "LoaiBanTin": "PAY", "MaLoi": "00", "MaDoiTac": ACCOUNT, "MaThamChieu": paid.reference,
            "SoTien": paid.vnd.to_string(), "MaTienTe": "VND", "MaGiaoDich": paid.id,
            "MaNganHang": "99999999", "ThoiGianGD": paid.at, "ThongTinGiaoDich": "nop tien",
        }))
    }

    /// Brings a callback to the gateway.
    pub async fn call_back(&self, gateway: &str, notice: &Value) -> Result<Reply, Trouble> {
        let body = serde_json::to_vec(notice).unwrap_or_default();
        self.post(gateway, "application/json", body).await
    }

    /// Brings any bytes to the gateway's door for callbacks.
    pub async fn post(&self, gateway: &str, kind: &str, body: Vec<u8>) -> Result<Reply, Trouble> {
        let target =
            Target::parse(gateway).ok_or_else(|| Trouble::Params("no gateway".to_owned()))?;
        let client = Client::new(&target, &self.identity.anchors, Some(&self.identity.tls))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(CALLBACK)
            .header(header::CONTENT_TYPE, kind)
            .header(header::CONTENT_LENGTH, body.len())
            .body(Bytes::from(body))
            .map_err(|error| Trouble::Params(error.to_string()))?;
        Ok(client.send(request).await?)
    }

    /// Whether our answer to a callback bears our secret, and its `TrangThaiGD`.
    pub fn proven_state(reply: &Reply) -> Option<String> {
        let answer: Value = serde_json::from_slice(&reply.body).ok()?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let covered = [
            "MaLoi",
            "MaDoiTac",
            "MaThamChieu",
            "ThoiGianGD",
            "TrangThaiGD",
        ]
        .map(|name| text(name).unwrap_or_default())
        .join("|");
        (text("MaXacThuc")? == mac(&covered)).then(|| text("TrangThaiGD").map(str::to_owned))?
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        self.mischief
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(counter)
    }

    fn page(&self) -> usize {
        match self
            .mischief
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .page
        {
            0 => 500,
            page => page,
        }
    }
}

/// A callback's hash over its fields in the order of the facts.
pub fn closed_notice(mut notice: Value) -> Value {
    let covered = [
        "LoaiBanTin",
        "MaLoi",
        "MaDoiTac",
        "MaThamChieu",
        "SoTien",
        "MaTienTe",
        "MaGiaoDich",
        "MaNganHang",
        "ThoiGianGD",
        "ThongTinGiaoDich",
    ]
    .map(|name| {
        notice
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    })
    .join("|");
    notice["MaXacThuc"] = Value::from(mac(&covered));
    notice
}

/// The keyed hash of a text.
fn mac(covered: &str) -> String {
    sha256_hex(format!("{covered}|{SECRET}").as_bytes())
}

/// `yyyyMMddHHmmss` at +07:00, 24 hours.
fn wire_time(at: Timestamp) -> String {
    let zone = tz::TimeZone::fixed(tz::offset(7));
    at.to_zoned(zone).strftime("%Y%m%d%H%M%S").to_string()
}
