//! What a partner's words must be able to do: the one trait that every system implements.
//!
//! An adapter is synchronous and pure but for [`Adapter::perform`]. It never sees a key, a socket
//! or a row. It reads its typed request from proven bytes and only from those.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use certs::xmldsig::Signed;
use futures_util::future::BoxFuture;
use http::Method;
use jiff::Timestamp;
use schemas::{
    codes::province_set::ProvinceSet,
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId, XRoadClient},
};
use tokio::time::Instant;

use crate::{
    attest::Attested,
    bulk::{Announced, Ticket},
    dci::DciSignature,
    head::{Evidence, Head},
    hub::HubSignature,
    login::ShownToken,
    partner::Environment,
    policy::Permit,
    ports::{Parcel, Person},
    trigger::RecordToken,
};

/// How a message travels, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Road {
    /// The sender itself, over mutual TLS.
    Direct,
    /// Through the national integration platform: the peer is the sender's registered relay.
    Ngsp,
    /// Through the portal's exchange adapter, outwards: a login session over mutual TLS.
    Vdxp,
    /// Through our X-Road security server: the peer is that server, which attests who called.
    XRoad,
}

impl Road {
    /// The word in config, log and journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Ngsp => "ngsp",
            Self::Vdxp => "vdxp",
            Self::XRoad => "xroad",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Direct, Self::Ngsp, Self::Vdxp, Self::XRoad]
            .into_iter()
            .find(|road| road.as_str() == word)
    }
}

/// Request or answer: part of what is signed, so that none serves as the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From a partner to us (or from us to a partner): it wants an answer.
    Request,
    /// The answer to one request.
    Answer,
}

impl Direction {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// One door: a path of one system.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The exact path; of chunks, a pattern with `{manifest}` and `{chunk}` in it.
    pub path: &'static str,
    /// The one method it takes.
    pub method: Method,
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// How long the whole exchange may take when the caller names no shorter time.
    pub deadline: Duration,
    /// The operation of each chunk, where this is a door of chunks; its body is spooled, never held whole.
    pub bulk: Option<&'static Operation>,
}

/// What an operation does to the insurance database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: one durable write, request and answer together.
    Read,
    /// A change: claimed before (T1), answered after (T2), keyed in between.
    Change,
}

/// The proof that an operation demands of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofKind {
    /// Enveloped XML signature by a registered key of the sender.
    XmlDsig,
    /// Detached JWS by a registered key of the sender.
    Jws,
    /// The word of the sender's registered security server; suffices for JSON where the agreement says so.
    XRoadRelay,
    /// The digest that a signed manifest of the sender announces.
    ManifestDigest,
    /// SHA-256 over the message's fields and a secret between us.
    KeyedHash,
    /// A signature of a DCI message, in the dialect that is registered for its sender.
    Dci,
    /// HMAC of a webhook, by the secret and in the form that are registered for its sender.
    Hub,
    /// A token of the sender's own that was made for the very action which the message asks for.
    RecordToken,
    /// Danger: a token for a password, in place of a signature. Demanded of nobody.
    PasswordToken,
}

impl ProofKind {
    /// The word in journal and explain.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::XmlDsig => "xml-dsig",
            Self::Jws => "jws",
            Self::XRoadRelay => "xroad-relay",
            Self::ManifestDigest => "manifest-digest",
            Self::KeyedHash => "keyed-hash",
            Self::Dci => "dci",
            Self::Hub => "hub-hmac",
            Self::RecordToken => "record-token",
            Self::PasswordToken => "password-token",
        }
    }
}

/// One thing that a partner can ask for.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its name in agreements, metrics and the signed envelope, such as `tax.verify-employer`.
    pub name: &'static str,
    /// What it does to the insurance database.
    pub effect: Effect,
    /// The proof it demands.
    pub proof: ProofKind,
    /// Fields that an agreement can grant one by one; empty where the operation has none.
    pub fields: &'static [&'static str],
}

/// What an envelope claims. Nothing here is trusted before the verify room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who says it.
    pub sender: PartnerId,
    /// To whom.
    pub receiver: PartnerId,
    /// In which environment.
    pub environment: Environment,
    /// Request or answer.
    pub direction: Direction,
    /// The sender's id of the message.
    pub id: MessageId,
    /// When the sender sent it.
    pub sent_at: Timestamp,
    /// What it asks for.
    pub operation: String,
}

/// Where the signature of a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureForm {
    /// Inside the XML document, enveloped.
    Xml,
    /// Inside an XML document that the body carries: one element of it is signed, and the signature stands beside.
    Carried {
        /// The document.
        document: Bytes,
        /// What of it must be signed.
        signed: Signed,
    },
    /// Beside the body: a detached JWS in compact form, `header..signature`.
    Jws(String),
    /// None: the security server that brought it attests its sender.
    Attested,
    /// In no message of its own: the bytes are proven by what a signed manifest announces of them.
    Manifest {
        /// What was announced.
        announced: Announced,
        /// What has come.
        ticket: Ticket,
    },
    /// Among the fields: a hash over them and a secret between us.
    Keyed {
        /// Our code at the sender, as it is said.
        account: String,
        /// The text that the hash covers but for the secret.
        covered: String,
        /// The hash, hex.
        mac: String,
    },
    /// Of a DCI message, wherever its sender's dialect has it.
    Dci(DciSignature),
    /// Beside a webhook: a keyed hash.
    Hub(HubSignature),
    /// None: a token for the very action that the message asks for stands beside it.
    Record(RecordToken),
    /// None: a token stands in its place, where danger allows its sender one.
    Login {
        /// The token.
        shown: ShownToken,
        /// The document that the body carries.
        document: Bytes,
        /// What of it would be signed, and is read.
        signed: Signed,
        /// The body as it is kept: the same with the token's digest in its place, and no credentials.
        kept: Bytes,
    },
}

/// The road's envelope, read without trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// How it travelled.
    pub road: Road,
    /// What it claims.
    pub claims: Claims,
    /// The key that is said to have signed; a hint that must match a registered key.
    pub key_hint: Option<String>,
    /// Where the signature is.
    pub signature: SignatureForm,
}

/// Bytes that a registered key of the sender has signed, or that its security server attests; made only in
/// the verify room.
#[derive(Debug)]
pub struct Proven<'a> {
    bytes: &'a [u8],
    jws: Option<&'a certs::jws::Header>,
    attested: Option<&'a Attested>,
    chunk: Option<(&'a Ticket, &'a Claims)>,
    carried: Option<&'a Claims>,
}

impl<'a> Proven<'a> {
    pub(crate) fn xml(canonical: &'a [u8]) -> Self {
        Self {
            bytes: canonical,
            jws: None,
            attested: None,
            chunk: None,
            carried: None,
        }
    }

    pub(crate) fn keyed(covered: &'a str) -> Self {
        Self::xml(covered.as_bytes())
    }

    /// Header and message of a DCI message, as far as its signature covers them.
    pub(crate) fn dci(proven: &'a [u8]) -> Self {
        Self::xml(proven)
    }

    pub(crate) fn json(payload: &'a [u8], header: &'a certs::jws::Header) -> Self {
        Self {
            bytes: payload,
            jws: Some(header),
            attested: None,
            chunk: None,
            carried: None,
        }
    }

    pub(crate) fn attested_json(payload: &'a [u8], attested: &'a Attested) -> Self {
        Self {
            bytes: payload,
            jws: None,
            attested: Some(attested),
            chunk: None,
            carried: None,
        }
    }

    pub(crate) fn chunk(text: &'a [u8], ticket: &'a Ticket, claims: &'a Claims) -> Self {
        Self {
            bytes: text,
            jws: None,
            attested: None,
            chunk: Some((ticket, claims)),
            carried: None,
        }
    }

    pub(crate) fn carried(canonical: &'a [u8], claims: &'a Claims) -> Self {
        Self {
            bytes: canonical,
            jws: None,
            attested: None,
            chunk: None,
            carried: Some(claims),
        }
    }

    /// XML: the exclusive-canonical bytes of the root without its signature, or of the signed element that the body
    /// carries. JSON: the body. A chunk: its ticket. A keyed hash: the text that it covers. DCI: header and message as
    /// the dialect covers them. A webhook: its first context. A trigger: the body as it is kept.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The proven protected header, where the proof is a JWS.
    #[must_use]
    pub fn jws(&self) -> Option<&'a certs::jws::Header> {
        self.jws
    }

    /// The attestation, where the proof is the word of a security server.
    #[must_use]
    pub fn attested(&self) -> Option<&'a Attested> {
        self.attested
    }

    /// What is claimed for a signed element that has no envelope of its own: its sender is the one whose key signed it. Of a
    /// webhook what its body claims, as far as its form covers that.
    #[must_use]
    pub fn claimed(&self) -> Option<&'a Claims> {
        self.carried
    }

    /// The proven chunk and what is claimed for it, where the message is one.
    #[must_use]
    pub fn ticket(&self) -> Option<(&'a Ticket, &'a Claims)> {
        self.chunk
    }
}

/// Under which id a message is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The id in the envelope.
    Envelope,
    /// An id made from the content, such as module and dossier number.
    Content(MessageId),
    /// None: a fresh id each time, never deduplicated.
    Fresh,
}

/// What an adapter has read from proven bytes.
#[derive(Debug)]
pub struct Decoded<R> {
    /// The envelope once more, this time from the proven bytes.
    pub claims: Claims,
    /// The operation, from the adapter's table.
    pub operation: &'static Operation,
    /// Under which id it is remembered.
    pub identity: Identity,
    /// The stated purpose.
    pub purpose: String,
    /// The fields asked for, out of the operation's list.
    pub asked: BTreeSet<&'static str>,
    /// How many lines it asks about or announces; 1 where it has no lines.
    pub lines: u64,
    /// The provinces that it is about, where it names any or the whole country.
    pub provinces: Option<ProvinceSet>,
    /// The part of the proven bytes that the content digest covers.
    pub payload: Bytes,
    /// True where the message names synthetic subjects only; production refuses those.
    pub synthetic: bool,
    /// Why a message like this is not taken, where it is not known yet. One that was taken before has its answer, whatever is
    /// objected to now.
    pub objection: Option<Fault>,
    /// The persons whom it names, for the access ledger.
    pub persons: Vec<Person>,
    /// The typed request.
    pub request: R,
}

impl<R> Decoded<R> {
    /// The same with another request in it.
    pub fn map<T>(self, into: impl FnOnce(R) -> T) -> Decoded<T> {
        Decoded {
            claims: self.claims,
            operation: self.operation,
            identity: self.identity,
            purpose: self.purpose,
            asked: self.asked,
            lines: self.lines,
            provinces: self.provinces,
            payload: self.payload,
            objection: self.objection,
            synthetic: self.synthetic,
            persons: self.persons,
            request: into(self.request),
        }
    }
}

/// Who asks the insurance database, under which rule, until when.
#[derive(Debug, Clone)]
pub struct Context {
    /// SHA-256 over (sender, message id, operation): the effect's key.
    pub key: [u8; 32],
    /// The signer.
    pub sender: PartnerId,
    /// The permit's rule.
    pub rule: String,
    /// The agreed purpose.
    pub purpose: String,
    /// When the answer must be there.
    pub deadline: Instant,
}

impl Context {
    /// The same for the `index`th of several effects of one message, which has a key of its own.
    #[must_use]
    pub fn part(&self, index: usize) -> Self {
        let number = (index as u64).to_be_bytes();
        let key = certs::digest::sha256(&[self.key.as_slice(), &number].concat());
        Self {
            key,
            ..self.clone()
        }
    }
}

/// The head of an answer: everything that is signed beside its content.
#[derive(Debug, Clone)]
pub struct AnswerHead {
    /// Our id of the answer.
    pub id: MessageId,
    /// The request's id.
    pub in_reply_to: MessageId,
    /// The request's content digest.
    pub request_digest: [u8; 32],
    /// When it was made.
    pub sent_at: Timestamp,
    /// Our environment.
    pub environment: Environment,
    /// Us.
    pub sender: PartnerId,
    /// The request's sender.
    pub receiver: PartnerId,
    /// The operation that is answered.
    pub operation: String,
    /// The request's name in the journal.
    pub evidence: Evidence,
}

/// An answer in the partner's words, not signed yet.
#[derive(Debug)]
pub enum Unsigned {
    /// An exclusive-canonical root without its signature, and the value of the root's `Id`.
    Xml {
        /// The canonical bytes.
        canonical: Vec<u8>,
        /// The root's `Id`.
        root_id: String,
    },
    /// A JSON body; the signature travels beside it.
    Json(Vec<u8>),
    /// A SOAP envelope; the signature travels beside it, over its very bytes.
    Soap(Vec<u8>),
    /// A DCI message: its signature is a member of the body, and ours travels beside it as well.
    Dci {
        /// The member `header`, JSON.
        header: Vec<u8>,
        /// The member `message`, JSON.
        message: Vec<u8>,
    },
}

impl Unsigned {
    /// The body of a DCI message with this member `signature`, or none.
    pub(crate) fn dci_body(header: &[u8], message: &[u8], signature: Option<&str>) -> Vec<u8> {
        let signature = signature.map(|text| format!(r#""signature":"{text}","#));
        let begin = format!("{{{}", signature.unwrap_or_default());
        let parts: [&[u8]; 5] = [
            begin.as_bytes(),
            b"\"header\":",
            header,
            b",\"message\":",
            message,
        ];
        let mut body = parts.concat();
        body.push(b'}');
        body
    }
}

/// Whether an answer says yes or no; both are final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerKind {
    /// The operation was carried out.
    Done,
    /// The operation was refused by a rule, for good.
    Refused,
}

/// An encoded answer and whatever has to be sent because of it.
#[derive(Debug)]
pub struct Encoded {
    /// The answer.
    pub unsigned: Unsigned,
    /// Rows for the outbox, committed together with the answer.
    pub callbacks: Vec<Parcel>,
    /// The persons whom the answer tells of, with what it tells, for the access ledger.
    pub persons: Vec<Person>,
}

/// A fault in the partner's words.
#[derive(Debug)]
pub struct Face {
    /// Media type of the body.
    pub content_type: &'static str,
    /// HTTP status where the partner's protocol has one of its own; else the fault table's.
    pub status: Option<u16>,
    /// The body, signed by the caller of `face` where there is something to bind it to.
    pub unsigned: Unsigned,
}

/// Who calls whom on X-Road, and under which id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Who calls.
    pub client: XRoadClient,
    /// Whose service is called.
    pub provider: XRoadClient,
    /// The message's id.
    pub id: MessageId,
}

/// One system's words.
pub trait Adapter: Send + Sync + 'static {
    /// Its operations as types.
    type Request: Send + Sync + 'static;
    /// What the insurance database answered, canonical.
    type Outcome: Send + 'static;

    /// The system's name: `tax`, `civil`, `portal`.
    fn system(&self) -> &'static str;

    /// Its doors.
    fn routes(&self) -> &'static [Route];

    /// True where its doors are a security server's alone and take X-Road's SOAP: what the server attests stands in
    /// the envelope, and faults are SOAP's.
    fn is_soap(&self) -> bool {
        false
    }

    /// Of a SOAP message who calls whom under which id, as the security server says it. Asked once, before
    /// [`envelope`](Self::envelope).
    ///
    /// # Errors
    /// `Malformed`, `TooLarge`, `UnsupportedMediaType` or `Unauthenticated`.
    fn said_by_server(&self, _head: &Head, _body: &Bytes) -> Result<Called, Fault> {
        Err(Fault::new(FaultCode::Internal, "no-soap-here"))
    }

    /// Reads the road's envelope. Trusts nothing.
    ///
    /// # Errors
    /// `Malformed`, `TooLarge`, `UnsupportedMediaType` or `BadSignature` (none there).
    fn envelope(&self, head: &Head, body: &Bytes) -> Result<Envelope, Fault>;

    /// Reads the typed request from proven bytes.
    ///
    /// # Errors
    /// `Malformed` or `Invalid`, with the field's name.
    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<Self::Request>, Fault>;

    /// Translates to the canonical request and calls the insurance contract.
    fn perform<'a>(
        &'a self,
        context: Context,
        permit: &'a Permit,
        request: &'a Self::Request,
    ) -> BoxFuture<'a, Result<Self::Outcome, Fault>>;

    /// Says the outcome in the partner's words, permitted fields only.
    ///
    /// # Errors
    /// `Internal` where the outcome cannot be said.
    fn encode(
        &self,
        head: &AnswerHead,
        permit: &Permit,
        request: &Self::Request,
        outcome: Self::Outcome,
    ) -> Result<Encoded, Fault>;

    /// The HTTP status of an answer that says yes, where the partner's protocol has one of its own.
    fn done(&self, _head: &AnswerHead) -> u16 {
        200
    }

    /// Says a fault in the partner's words; `evidence` is the message's name in the journal, and `head` is there from
    /// the permit room on.
    fn face(&self, fault: &Fault, evidence: Evidence, head: Option<&AnswerHead>) -> Face;
}
