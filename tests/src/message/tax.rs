//! Signed XML of the tax department, written by hand in its canonical form.

use certs::keys::SigningKey;
use jiff::Timestamp;

use super::{Message, content_digest, fresh_id};

/// A message before it is signed; every part can be bent.
#[derive(Debug, Clone)]
pub struct Tax {
    /// Message id.
    pub id: String,
    /// When it says it was sent.
    pub sent_at: Timestamp,
    /// Environment.
    pub environment: String,
    /// `request` or `answer`.
    pub direction: String,
    /// Sender.
    pub sender: String,
    /// Receiver.
    pub receiver: String,
    /// Operation.
    pub operation: String,
    /// The body element, canonical.
    pub body: String,
}

impl Tax {
    /// A message with this body.
    #[must_use]
    pub fn new(now: Timestamp, operation: &str, body: String) -> Self {
        Self {
            id: fresh_id("tax"),
            sent_at: now,
            environment: "sandbox".to_owned(),
            direction: "request".to_owned(),
            sender: "tax".to_owned(),
            receiver: "vss".to_owned(),
            operation: operation.to_owned(),
            body,
        }
    }

    /// `Ping` with a nonce made of these words.
    #[must_use]
    pub fn ping(now: Timestamp, words: &str) -> Self {
        let nonce = words.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        Self::new(
            now,
            "tax.ping",
            format!("<Ping><Nonce>{nonce}</Nonce></Ping>"),
        )
    }

    /// `VerifyEmployer` for the purpose that the sandbox agrees to.
    #[must_use]
    pub fn verify(now: Timestamp, mst: &str, period: &str, fields: &[&str]) -> Self {
        let fields: String = fields
            .iter()
            .map(|field| format!("<Field>{field}</Field>"))
            .collect();
        let body = format!(
            "<VerifyEmployer><Mst>{mst}</Mst><Period>{period}</Period><Fields>{fields}</Fields>\
             <Purpose>tax-compliance</Purpose></VerifyEmployer>"
        );
        Self::new(now, "tax.verify-employer", body)
    }

    /// The value of the root's `Id`.
    #[must_use]
    pub fn root_id(&self) -> String {
        format!("m-{}", self.id)
    }

    /// The canonical root without its signature.
    #[must_use]
    pub fn canonical(&self) -> String {
        let sent_at = self.sent_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let header: String = [
            ("MessageId", self.id.as_str()),
            ("SentAt", &sent_at),
            ("Environment", &self.environment),
            ("Direction", &self.direction),
            ("Sender", &self.sender),
            ("Receiver", &self.receiver),
            ("Operation", &self.operation),
        ]
        .iter()
        .map(|(name, text)| format!("<{name}>{text}</{name}>"))
        .collect();
        format!(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"{}\"><Header>{header}</Header>{}</TaxMessage>",
            self.root_id(),
            self.body
        )
    }

    /// The signed document.
    #[must_use]
    pub fn signed(&self, key: &SigningKey) -> String {
        let canonical = self.canonical();
        let signed =
            certs::xmldsig::sign_enveloped(canonical.as_bytes(), &self.root_id(), key, None);
        String::from_utf8(signed.unwrap()).unwrap()
    }

    /// The message on the wire.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Message {
        xml(self.signed(key))
    }

    /// The content digest that an answer must repeat.
    #[must_use]
    pub fn digest(&self) -> String {
        content_digest(
            &self.operation,
            &self.sender,
            &self.receiver,
            self.body.as_bytes(),
        )
    }
}

/// Any document on the road of the tax department.
#[must_use]
pub fn xml(document: impl Into<Vec<u8>>) -> Message {
    Message {
        path: "/tax/v1/messages",
        content_type: "application/xml; charset=utf-8".to_owned(),
        signature: None,
        body: document.into(),
    }
}

/// The text of an element that stands once in a document.
#[must_use]
pub fn text_of<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}
