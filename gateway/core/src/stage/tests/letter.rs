//! A partner's message, with everything about it that a test may want to be otherwise.

use std::{
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use bytes::Bytes;
use certs::{
    digest, jws,
    keys::{SigningKey, VerifyingKey},
    pki::{Authority, IssueParams, Usage},
};
use http::{Method, Request, header};
use http_body::Frame;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::{super::SIGNATURE, words::PATH};
use crate::{
    head::{Arrival, Body, BodyError, Evidence, Peer},
    sign::hex,
};

/// When every test begins: 2026-06-01, ten in the morning in Viet Nam.
pub(super) static START: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-06-01T03:00:00Z".parse().unwrap());

/// A signing key with its certificate.
pub(super) struct Pen {
    pem: String,
    der: Vec<u8>,
}

impl Pen {
    fn new(name: &str, made: Timestamp) -> Self {
        let authority = Authority::generate("sandbox", made).unwrap();
        let params = IssueParams::new(name, Usage::Signing, made);
        let issued = authority.issue(&params).unwrap();
        Self {
            pem: issued.key_pem,
            der: issued.der,
        }
    }

    pub(super) fn signing(&self) -> SigningKey {
        SigningKey::from_pem(self.pem.as_bytes(), None).unwrap()
    }

    pub(super) fn verifying(&self) -> VerifyingKey {
        VerifyingKey::from_certificate_der(&self.der).unwrap()
    }
}

pub(super) static OURS: LazyLock<Pen> = LazyLock::new(|| Pen::new("vss", *START));
pub(super) static TAX: LazyLock<Pen> = LazyLock::new(|| Pen::new("tax", *START));
pub(super) static DVCLT: LazyLock<Pen> = LazyLock::new(|| Pen::new("dvclt", *START));
/// Its certificate ended long before any test begins.
pub(super) static OLD: LazyLock<Pen> =
    LazyLock::new(|| Pen::new("tax", "2024-01-01T00:00:00Z".parse().unwrap()));

#[derive(Clone)]
pub(super) struct Letter {
    pub(super) peer: &'static str,
    pub(super) sender: &'static str,
    pub(super) receiver: &'static str,
    pub(super) environment: &'static str,
    pub(super) direction: jws::Direction,
    pub(super) operation: &'static str,
    pub(super) id: &'static str,
    pub(super) sent_at: Timestamp,
    pub(super) kid: &'static str,
    pub(super) pen: &'static Pen,
    pub(super) purpose: &'static str,
    pub(super) asked: &'static str,
    pub(super) text: &'static str,
    pub(super) path: &'static str,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// A good message of tax, sent as the test begins.
pub(super) fn letter(operation: &'static str, id: &'static str) -> Letter {
    Letter {
        peer: "tax",
        sender: "tax",
        receiver: "vss",
        environment: "sandbox",
        direction: jws::Direction::Request,
        operation,
        id,
        sent_at: *START,
        kid: "key-1",
        pen: &TAX,
        purpose: "audit",
        asked: "fund",
        text: "hello",
        path: PATH,
        headers: Vec::new(),
    }
}

impl Letter {
    /// The same from the civil registry.
    pub(super) fn of_dvclt(self) -> Self {
        Self {
            peer: "dvclt",
            sender: "dvclt",
            pen: &DVCLT,
            ..self
        }
    }

    /// The same through the relay.
    pub(super) fn relayed(self) -> Self {
        Self {
            peer: "ngsp",
            ..self
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn body(&self) -> String {
        format!("{}|{}|{}", self.purpose, self.asked, self.text)
    }

    /// The content digest, as our answer has to name it.
    pub(super) fn digest(&self) -> String {
        let Self {
            operation,
            sender,
            receiver,
            ..
        } = self;
        let digest = digest::content_digest(operation, sender, receiver, self.body().as_bytes());
        hex(&digest)
    }

    pub(super) fn arrival(&self) -> Arrival {
        let body = Bytes::from(self.body());
        self.arrival_with(super::super::receive::body_of(body))
    }

    /// The same head before another body.
    pub(super) fn arrival_with(&self, body: Body) -> Arrival {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(SIGNATURE, self.signature());
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        Arrival {
            request: request.body(body).unwrap(),
            peer: Peer::of_record(PartnerId::parse(self.peer).unwrap(), [7; 32]),
            evidence: Evidence::fresh(),
            arrived_at: *START,
        }
    }

    fn signature(&self) -> String {
        let key = self.pen.signing();
        let answers = self.direction == jws::Direction::Answer;
        let header = jws::Header {
            alg: key.algorithm(),
            kid: self.kid.to_owned(),
            iss: self.sender.to_owned(),
            aud: self.receiver.to_owned(),
            jti: self.id.to_owned(),
            iat: self.sent_at.as_second(),
            env: self.environment.to_owned(),
            dir: self.direction,
            op: self.operation.to_owned(),
            irt: answers.then(|| "an-earlier-id".to_owned()),
            dig: answers.then(|| "0".repeat(64)),
        };
        jws::sign(&header, &key, self.body().as_bytes()).unwrap()
    }
}

/// A body that nobody may read.
struct Untouchable;

impl http_body::Body for Untouchable {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        panic!("a byte of the body was read");
    }
}

pub(super) fn untouchable() -> Body {
    Untouchable.boxed_unsync()
}

/// A body that never comes.
struct Silent;

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Poll::Pending
    }
}

pub(super) fn silent() -> Body {
    Silent.boxed_unsync()
}
