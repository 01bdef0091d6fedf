//! The payment platform's words: its callback comes in, INIT, QUERY, GET_BILL and DOISOAT go out ([`desk`]).
//!
//! A callback is proven by its keyed hash, over mutual TLS from the platform's certificate or at the listener without client
//! certificates. It says which transaction
//! paid for which reference; whether that is a contribution or a refund case is the registry's to say.

pub mod desk;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Adapter, AnswerHead, Claims, Context, Decoded, Direction, Encoded, Envelope, Evidence, Face,
    Head, Identity, Operation, Proven, Road, Route, SignatureForm, Unsigned,
    adapter::{Effect, ProofKind},
    keyed::Keyed,
    policy::Permit,
};
use http::Method;
use jiff::Timestamp;
use schemas::{
    date::portal_time,
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    proto::insurance::{HeardBy, RecordPaymentRequest, RecordPaymentResponse, Transaction},
    wire::payment::{self, CURRENCY, Notice, NoticeAnswer, OK},
};
use serde::Serialize;

/// A payment was made, or was not.
pub static NOTICE: Operation = Operation {
    name: "payment.notice",
    effect: Effect::Change,
    proof: ProofKind::KeyedHash,
    fields: &[],
};

/// The purpose of every message about a payment, as agreements name it.
pub const PURPOSE: &str = "contribution";

static ROUTES: [Route; 1] = [Route {
    path: "/payment/v1/callback",
    method: Method::POST,
    body_bytes_max: 16 << 10,
    deadline: Duration::from_secs(20),
    bulk: None,
}];

/// The part of the insurance contract that payments need.
pub trait Payments: Send + Sync + 'static {
    /// Records one transaction; the same one is recorded once, whatever the key.
    fn record(
        &self,
        context: Context,
        request: RecordPaymentRequest,
    ) -> BoxFuture<'_, Result<RecordPaymentResponse, Fault>>;
}

/// The secrets of the platforms as they are registered now.
pub type Secrets = Arc<dyn Fn(&PartnerId) -> Option<Arc<Keyed>> + Send + Sync>;

/// The adapter of the system `payment`.
#[derive(Clone)]
pub struct PaymentPlatform {
    payments: Arc<dyn Payments>,
    secrets: Secrets,
}

impl PaymentPlatform {
    /// An adapter that records at `payments` and closes its answers by `secrets`.
    #[must_use]
    pub fn new(payments: Arc<dyn Payments>, secrets: Secrets) -> Self {
        Self { payments, secrets }
    }
}

impl std::fmt::Debug for PaymentPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PaymentPlatform")
    }
}

/// A callback, every value checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Our code at the platform, as it was said.
    pub account: String,
    /// The payment.
    pub reference: String,
    /// What was paid; none where nothing was.
    pub paid: Option<Transaction>,
}

impl Adapter for PaymentPlatform {
    type Request = Told;
    /// What became of the money; none where nothing was paid.
    type Outcome = Option<RecordPaymentResponse>;

    fn system(&self) -> &'static str {
        "payment"
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
        roads::media::check(&head.headers, roads::media::JSON)?;
        if body.is_empty() {
            return Err(malformed("empty-body"));
        }
        let notice: Notice = payment::decode(body).map_err(|error| malformed(error.code()))?;
        let covered = notice
            .covered()
            .ok_or_else(|| malformed("separator-in-field"))?;
        Ok(Envelope {
            road: Road::Direct,
            claims: claims(head, &notice)?,
            key_hint: None,
            signature: SignatureForm::Keyed {
                account: notice.account,
                covered,
                mac: notice.mac,
            },
        })
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Told>, Fault> {
        let text = std::str::from_utf8(proven.bytes()).map_err(|_| malformed("not-utf-8"))?;
        let notice = Notice::of_covered(text, "").ok_or_else(|| malformed("fields"))?;
        Ok(Decoded {
            claims: claims(head, &notice)?,
            operation: &NOTICE,
            identity: Identity::Envelope,
            purpose: PURPOSE.to_owned(),
            asked: std::collections::BTreeSet::new(),
            lines: 1,
            provinces: None,
            payload: Bytes::copy_from_slice(proven.bytes()),
            objection: None,
            synthetic: false,
            persons: Vec::new(),
            request: told(&notice)?,
        })
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _permit: &'a Permit,
        request: &'a Told,
    ) -> BoxFuture<'a, Result<Self::Outcome, Fault>> {
        Box::pin(async move {
            let Some(paid) = request.paid.clone() else {
                return Ok(None);
            };
            let request = RecordPaymentRequest {
                context: None,
                transaction: Some(paid),
                heard_by: HeardBy::Callback.into(),
            };
            self.payments.record(context, request).await.map(Some)
        })
    }

    fn encode(
        &self,
        head: &AnswerHead,
        _permit: &Permit,
        request: &Told,
        outcome: Self::Outcome,
    ) -> Result<Encoded, Fault> {
        let internal = |what| Fault::new(FaultCode::Internal, what);
        let keyed = (self.secrets)(&head.receiver).ok_or_else(|| internal("no-keyed-secret"))?;
        let booked = outcome.map(|recorded| recorded.entry.is_some_and(|entry| entry.booked));
        let mut answer = NoticeAnswer {
            code: OK.to_owned(),
            text: "Thành công".to_owned(),
            account: request.account.clone(),
            reference: request.reference.clone(),
            at: portal_time::format(head.sent_at),
            state: state(booked).to_owned(),
            mac: String::new(),
        };
        let covered = answer.covered().ok_or_else(|| internal("separator"))?;
        answer.mac = keyed.mac(&covered);
        Ok(Encoded {
            unsigned: Unsigned::Json(payment::encode(&answer)),
            callbacks: Vec::new(),
            persons: Vec::new(),
        })
    }

    fn face(&self, fault: &Fault, _: Evidence, _: Option<&AnswerHead>) -> Face {
        let row = fault.code().row();
        let refusal = Refusal {
            code: REFUSED,
            text: row.vi,
            fault: row.code,
            reason: fault.reason(),
            field: fault.wrong_field(),
            retry: row.retry.as_str(),
        };
        Face {
            content_type: "application/json",
            status: None,
            unsigned: Unsigned::Json(payment::encode(&refusal)),
        }
    }
}

/// A fault in the platform's words.
#[derive(Serialize)]
struct Refusal<'a> {
    #[serde(rename = "MaLoi")]
    code: &'a str,
    #[serde(rename = "MoTaLoi")]
    text: &'a str,
    #[serde(rename = "code")]
    fault: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    retry: &'a str,
}

/// The platform is the peer: a callback names nobody else, and tells no time but that of the payment.
fn claims(head: &Head, notice: &Notice) -> Result<Claims, Fault> {
    let (receiver, environment) = head
        .house()
        .ok_or_else(|| Fault::new(FaultCode::Internal, "no-house"))?;
    // the reference becomes a part of an id, which is kept and said in the open
    if !payment::is_reference(&notice.reference) {
        return Err(malformed("bad-reference"));
    }
    let id = format!("{}.{}.{}", notice.reference, notice.id, notice.code);
    Ok(Claims {
        sender: head.peer.partner().clone(),
        receiver,
        environment,
        direction: Direction::Request,
        id: MessageId::parse(&id).map_err(|_| malformed("bad-id"))?,
        sent_at: head.arrived_at,
        operation: NOTICE.name.to_owned(),
    })
}

fn told(notice: &Notice) -> Result<Told, Fault> {
    let invalid = |reason, field| Fault::new(FaultCode::Invalid, reason).field(field);
    let vnd = payment::amount(&notice.vnd).ok_or_else(|| invalid("bad-amount", "SoTien"))?;
    if notice.currency != CURRENCY {
        return Err(invalid("bad-currency", "MaTienTe"));
    }
    let at = portal_time::parse(&notice.at).map_err(|_| invalid("bad-date", "ThoiGianGD"))?;
    let paid = (notice.code == OK).then(|| transaction(notice, vnd, at));
    Ok(Told {
        account: notice.account.clone(),
        reference: notice.reference.clone(),
        paid,
    })
}

fn transaction(notice: &Notice, vnd: i64, at: Timestamp) -> Transaction {
    Transaction {
        id: notice.id.clone(),
        reference: notice.reference.clone(),
        vnd,
        bank: notice.bank.clone(),
        paid_at: at.to_string(),
    }
}

/// `TrangThaiGD`, own profile.
fn state(booked: Option<bool>) -> &'static str {
    match booked {
        None => "0",
        Some(true) => "1",
        Some(false) => "2",
    }
}

fn malformed(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Malformed, reason)
}

/// `MaLoi` of every refusal of ours; what exactly was wrong stands in `code` and `reason`.
const REFUSED: &str = "99";
