//! What came back, and what a test asks of it.

use bytes::Bytes;
use certs::{jws, keys::Algorithm};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use schemas::fault::FaultCode;

use super::{
    super::{EVIDENCE, FAULT, Reply, SIGNATURE},
    letter::{Letter, OURS},
};

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) async fn answered(reply: Reply) -> Answered {
    let (head, body) = reply.into_response().into_parts();
    Answered {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn is_signed(&self) -> bool {
        self.headers.contains_key(SIGNATURE)
    }

    #[track_caller]
    pub(super) fn assert_done(&self, text: &str) {
        assert_eq!(
            (self.status, self.header(FAULT.as_str())),
            (200, ""),
            "{}",
            self.text()
        );
        assert!(
            self.text().starts_with(&format!("did {text};")),
            "{}",
            self.text()
        );
        assert_ne!(self.header(EVIDENCE.as_str()), "");
    }

    /// A fault by its code, its reason and the headers that every fault has.
    #[track_caller]
    pub(super) fn assert_fault(&self, code: FaultCode, reason: &str) {
        let row = code.row();
        let seen = (self.status, self.header(FAULT.as_str()));
        assert_eq!(seen, (row.http, row.code), "{}", self.text());
        let reason = format!("\"reason\":\"{reason}\"");
        assert!(self.text().contains(&reason), "{reason} in {}", self.text());
        assert_eq!(self.header("content-language"), "vi, en");
        assert_ne!(self.header(EVIDENCE.as_str()), "");
    }

    /// Signed by us, and bound to this message and its content.
    #[track_caller]
    pub(super) fn assert_bound_to(&self, letter: &Letter) {
        let unproven = jws::parse(self.header(SIGNATURE.as_str())).unwrap();
        let key = OURS.verifying();
        let proof = unproven.verify(&key, Algorithm::Es256, &self.body).unwrap();
        let header = proof.into_header();
        assert_eq!(header.dir, jws::Direction::Answer);
        assert_eq!(
            (header.iss.as_str(), header.aud.as_str()),
            ("vss", letter.sender)
        );
        assert_eq!(
            (header.op.as_str(), header.env.as_str()),
            (letter.operation, letter.environment)
        );
        assert_eq!(header.irt.as_deref(), Some(letter.id));
        assert_eq!(header.dig, Some(letter.digest()));
    }
}
