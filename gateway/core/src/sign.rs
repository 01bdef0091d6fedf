//! Our signature under answers and faults, bound to the request they belong to. A light key signs where
//! it is asked; a heavy one (RSA, a token's) has a bounded queue and threads of its own.

mod pool;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use certs::{
    dci::{self, Dialect},
    jws,
    keys::{KeyError, SigningKey},
    xmldsig::{self, SigningCertificate, sign_enveloped, sign_xades},
};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    wire::{dci::Raw, xroad::soap},
};
use tokio::time::Instant;

use crate::{
    adapter::{AnswerHead, Unsigned},
    partner::Environment,
    ports::{Blind, Sight},
};

pub use pool::PoolParams;
use pool::{Pool, Undone};

/// The media type of signed XML answers.
pub const XML: &str = "application/xml; charset=utf-8";
/// The media type of JSON answers.
pub const JSON: &str = "application/json";

/// Our signing key and the names under which partners know it.
#[derive(Clone)]
pub struct Signer {
    pen: Arc<Pen>,
    /// None where a signature is made where it is needed.
    pool: Option<Arc<Pool>>,
    /// Keys of ours that sign nothing now, each a JWK.
    shown: Arc<[String]>,
    sight: Arc<dyn Sight>,
}

/// To whom a message of ours goes, and as what.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The receiver.
    pub receiver: PartnerId,
    /// Its id; the same words under the same id are the same message.
    pub id: MessageId,
    /// When it is sent.
    pub at: Timestamp,
    /// The operation.
    pub operation: &'static str,
}

struct Pen {
    key: SigningKey,
    kid: String,
    certificate: Option<SigningCertificate>,
    us: PartnerId,
    environment: Environment,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.pen.kid)
            .finish_non_exhaustive()
    }
}

/// A signed answer, as bytes.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// The detached signature beside a JSON body or a SOAP envelope.
    pub(crate) signature: Option<String>,
}

/// Why there is no signature. What was to be signed does not leave then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is where it cannot be used now: its token has gone, refuses the PIN, has no session left.
    #[error("the signing key cannot be used now: {0}")]
    Away(KeyError),
    /// As many signatures wait for this key as may.
    #[error("the queue of the signing key is full")]
    Full,
    /// The time of the message was over first.
    #[error("no signature in time")]
    Late,
    /// A mistake of the program.
    #[error("the signing key failed: {0}")]
    Failed(String),
}

impl SignError {
    /// What the caller is told: the same message may come again under the same id.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let second = Duration::from_secs(1);
        let fault = match self {
            Self::Away(error) => {
                Fault::new(FaultCode::SigningUnavailable, error.reason()).retry_after(second)
            }
            Self::Full => Fault::new(FaultCode::Overloaded, "signing-queue").retry_after(second),
            Self::Late => Fault::new(FaultCode::DeadlineExceeded, "signing").retry_after(second),
            Self::Failed(_) => Fault::new(FaultCode::Internal, "sign"),
        };
        fault.log(self.to_string())
    }
}

impl From<Undone> for SignError {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::Full => Self::Full,
            Undone::Late => Self::Late,
            Undone::Failed => Self::Failed("the signing thread panicked".to_owned()),
        }
    }
}

impl From<KeyError> for SignError {
    fn from(error: KeyError) -> Self {
        match error.is_away() {
            true => Self::Away(error),
            false => Self::Failed(error.to_string()),
        }
    }
}

impl Signer {
    /// A signer for our answers. With `certificate_der`, which goes into XML signatures as a hint, those
    /// are XAdES-B: they say when and with which certificate they were made. It signs where it is asked,
    /// on the thread that asks, until [`pooled`](Self::pooled) says otherwise.
    #[must_use]
    pub fn new(
        key: SigningKey,
        kid: String,
        certificate_der: Option<Vec<u8>>,
        us: PartnerId,
        environment: Environment,
    ) -> Self {
        let pen = Pen {
            key,
            kid,
            certificate: certificate_der.as_deref().map(SigningCertificate::new),
            us,
            environment,
        };
        Self {
            pen: Arc::new(pen),
            pool: None,
            shown: Arc::new([]),
            sight: Arc::new(Blind),
        }
    }

    /// Shows these keys, each a JWK, beside its own: those that partners may still meet, or will.
    #[must_use]
    pub fn showing(self, keys: Vec<String>) -> Self {
        Self {
            shown: keys.into(),
            ..self
        }
    }

    /// Gives a heavy key threads of its own: RSA, and whatever waits for a token. A light one (P-256 or
    /// Ed25519 in software, about 20 us) stays where it is: two changes of thread cost as much as the
    /// signature, and the gate bounds how many are made at once.
    ///
    /// # Errors
    /// Where no thread can be made.
    pub fn pooled(mut self, params: PoolParams, sight: Arc<dyn Sight>) -> std::io::Result<Self> {
        self.sight = sight;
        if !self.pen.key.is_light() {
            let threads = self.pen.key.hands().unwrap_or(params.threads);
            let params = PoolParams { threads, ..params };
            self.pool = Some(Arc::new(Pool::start(&self.pen.kid, params)?));
        }
        Ok(self)
    }

    /// Us, as the sender of answers.
    #[must_use]
    pub fn us(&self) -> &PartnerId {
        &self.pen.us
    }

    /// Our environment.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.pen.environment
    }

    /// The public half of our key as a JWK set, JSON, with the others that are shown; none where its kind has no such form.
    #[must_use]
    pub fn jwks(&self) -> Option<String> {
        let (key, kid) = (&self.pen.key, &self.pen.kid);
        let jwk = certs::keys::jwk(key.public_spki(), kid, key.algorithm()).ok()?;
        let mut keys = jwk.to_string();
        for one in self.shown.iter() {
            keys.push(',');
            keys.push_str(one);
        }
        Some(format!(r#"{{"keys":[{keys}]}}"#))
    }

    /// Whether the key can sign now: one signature over nothing of anybody's.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn probe(&self, until: Instant) -> Result<(), SignError> {
        let probe = |pen: &Pen| Ok(pen.key.sign(b"lienthong: can it sign?").map(drop)?);
        self.with_pen(until, probe).await
    }

    /// Our signature under a message of ours: the canonical root that `root_id` names.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn seal_xml(
        &self,
        canonical: Bytes,
        root_id: String,
        at: Timestamp,
        until: Instant,
    ) -> Result<Bytes, SignError> {
        let sign = move |pen: &Pen| pen.sign_xml(&canonical, &root_id, at);
        let signed = self.with_pen(until, sign).await?;
        Ok(Bytes::from(signed.body))
    }

    /// Our signature over a JSON message of ours, with the message inside it: `<protected>.<payload>.<signature>`. Its
    /// detached form travels beside the payload.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn seal_json(
        &self,
        letter: Letter,
        body: Bytes,
        until: Instant,
    ) -> Result<String, SignError> {
        let sign = move |pen: &Pen| pen.seal(&letter, &body);
        self.with_pen(until, sign).await
    }

    /// A DCI message of ours with our signature in it: a compact JWS over header and message.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn seal_dci(
        &self,
        header: Vec<u8>,
        message: Vec<u8>,
        until: Instant,
    ) -> Result<Bytes, SignError> {
        let sign = move |pen: &Pen| pen.dci(&header, &message);
        self.with_pen(until, sign).await.map(Bytes::from)
    }

    pub(crate) async fn sign(
        &self,
        unsigned: Unsigned,
        head: &AnswerHead,
        until: Instant,
    ) -> Result<Signed, SignError> {
        match &self.pool {
            None => self.here(|pen| pen.sign(unsigned, head)),
            Some(_) => {
                let head = head.clone();
                let sign = move |pen: &Pen| pen.sign(unsigned, &head);
                self.with_pen(until, sign).await
            }
        }
    }

    async fn with_pen<T: Send + 'static>(
        &self,
        until: Instant,
        work: impl FnOnce(&Pen) -> Result<T, SignError> + Send + 'static,
    ) -> Result<T, SignError> {
        let Some(pool) = &self.pool else {
            return self.here(work);
        };
        let pen = Arc::clone(&self.pen);
        let (done, times) = pool.run(until, move || work(&pen)).await?;
        self.sight.signed(&self.pen.kid, times.wait, times.work);
        done
    }

    fn here<T>(&self, work: impl FnOnce(&Pen) -> Result<T, SignError>) -> Result<T, SignError> {
        let begun = Instant::now();
        let done = work(&self.pen);
        self.sight
            .signed(&self.pen.kid, Duration::ZERO, begun.elapsed());
        done
    }
}

impl Pen {
    fn sign(&self, unsigned: Unsigned, head: &AnswerHead) -> Result<Signed, SignError> {
        match unsigned {
            Unsigned::Xml { canonical, root_id } => {
                self.sign_xml(&canonical, &root_id, head.sent_at)
            }
            Unsigned::Json(body) => self.sign_beside(JSON, body, head),
            Unsigned::Soap(body) => self.sign_beside(soap::MEDIA_TYPE, body, head),
            Unsigned::Dci { header, message } => {
                self.sign_beside(JSON, self.dci(&header, &message)?, head)
            }
        }
    }

    fn sign_xml(
        &self,
        canonical: &[u8],
        root_id: &str,
        at: Timestamp,
    ) -> Result<Signed, SignError> {
        let body = match &self.certificate {
            Some(certificate) => sign_xades(canonical, root_id, &self.key, certificate, at),
            None => sign_enveloped(canonical, root_id, &self.key, None),
        }
        .map_err(|error| match error {
            xmldsig::SignError::Key(error) => error.into(),
            other => SignError::Failed(other.to_string()),
        })?;
        Ok(Signed {
            content_type: XML,
            body,
            signature: None,
        })
    }

    /// A DCI message with a compact JWS of ours over header and message in it; its bytes are base64url and dots.
    fn dci(&self, header: &[u8], message: &[u8]) -> Result<Vec<u8>, SignError> {
        let body = Unsigned::dci_body(header, message, None);
        let failed = |what: &str| SignError::Failed(what.to_owned());
        let (raw, _) = Raw::read(&body).map_err(|error| failed(error.code()))?;
        let said = dci::Said {
            body: &body,
            raw,
            sender_id: "",
            signature: "",
        };
        let signed = dci::sign(Dialect::JwsCompact, &said, (&self.key, &self.kid), 0);
        let signature = signed.map_err(|error| match error {
            dci::SignError::Key(error) => error.into(),
            dci::SignError::Said(error) => failed(error.reason()),
        })?;
        Ok(Unsigned::dci_body(header, message, Some(&signature)))
    }

    fn sign_beside(
        &self,
        content_type: &'static str,
        body: Vec<u8>,
        head: &AnswerHead,
    ) -> Result<Signed, SignError> {
        let signature = jws::sign(&self.header(head), &self.key, &body)?;
        Ok(Signed {
            content_type,
            body,
            signature: Some(signature),
        })
    }

    fn seal(&self, letter: &Letter, body: &[u8]) -> Result<String, SignError> {
        let header = jws::Header {
            alg: self.key.algorithm(),
            kid: self.kid.clone(),
            iss: self.us.as_str().to_owned(),
            aud: letter.receiver.as_str().to_owned(),
            jti: letter.id.as_str().to_owned(),
            iat: seconds(letter.at),
            env: self.environment.as_str().to_owned(),
            dir: jws::Direction::Request,
            op: letter.operation.to_owned(),
            irt: None,
            dig: None,
        };
        Ok(jws::sign_compact(&header, &self.key, body)?)
    }

    fn header(&self, head: &AnswerHead) -> jws::Header {
        jws::Header {
            alg: self.key.algorithm(),
            kid: self.kid.clone(),
            iss: head.sender.as_str().to_owned(),
            aud: head.receiver.as_str().to_owned(),
            jti: head.id.as_str().to_owned(),
            iat: seconds(head.sent_at),
            env: head.environment.as_str().to_owned(),
            dir: jws::Direction::Answer,
            op: head.operation.clone(),
            irt: Some(head.in_reply_to.as_str().to_owned()),
            dig: Some(hex(&head.request_digest)),
        }
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

/// Lower-case hex, as digests are written on the wire.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
