//! JSON beside a detached JWS; the protected header is written here, member by member.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use certs::keys::SigningKey;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Message, content_digest, fresh_id};

/// A message before it is signed; every member of its header can be bent.
#[derive(Debug, Clone)]
pub struct Json {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The path.
    pub path: &'static str,
    /// The exact body.
    pub body: Vec<u8>,
}

impl Json {
    /// A message of this partner with this body.
    #[must_use]
    pub fn new(
        now: Timestamp,
        partner: &str,
        operation: &str,
        path: &'static str,
        body: Vec<u8>,
    ) -> Self {
        let header = json!({
            "alg": "ES256",
            "kid": format!("{partner}-1"),
            "typ": "lienthong+jws",
            "iss": partner,
            "aud": "vss",
            "jti": fresh_id(partner),
            "iat": now.as_second(),
            "env": "sandbox",
            "dir": "request",
            "op": operation,
        });
        let Value::Object(header) = header else {
            unreachable!("braces make an object")
        };
        Self { header, path, body }
    }

    /// The poll `LayKetQua`.
    #[must_use]
    pub fn poll(now: Timestamp, cases: &[&str]) -> Self {
        let body = json!({ "maDinhDanhHoSo": cases, "maTinh": "01", "module": "LTKS" });
        let body = body.to_string().into_bytes();
        Self::new(now, "dvclt", "civil.result", "/civil/v1/LayKetQua", body)
    }

    /// The same with another header member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// A header member's text.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.header[name].as_str().unwrap()
    }

    /// The protected header as it stands on the wire.
    #[must_use]
    pub fn protected(&self) -> String {
        URL_SAFE_NO_PAD.encode(Value::Object(self.header.clone()).to_string())
    }

    /// The message on the wire.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Message {
        self.sign_under(&self.protected(), key)
    }

    /// Signed under a protected header that is encoded already.
    #[must_use]
    pub fn sign_under(&self, protected: &str, key: &SigningKey) -> Message {
        let signature = key.sign(self.input(protected).as_bytes()).unwrap();
        self.with_signature(protected, &signature)
    }

    /// The bytes that are signed under a protected header.
    #[must_use]
    pub fn input(&self, protected: &str) -> String {
        format!("{protected}.{}", URL_SAFE_NO_PAD.encode(&self.body))
    }

    /// With a signature that somebody else made.
    #[must_use]
    pub fn with_signature(&self, protected: &str, signature: &[u8]) -> Message {
        Message {
            path: self.path,
            content_type: "application/json".to_owned(),
            signature: Some(format!(
                "{protected}..{}",
                URL_SAFE_NO_PAD.encode(signature)
            )),
            body: self.body.clone(),
        }
    }

    /// The content digest that an answer must repeat.
    #[must_use]
    pub fn digest(&self) -> String {
        content_digest(
            self.text("op"),
            self.text("iss"),
            self.text("aud"),
            &self.body,
        )
    }
}
