//! One system's words, as small as they can be: a body `purpose|fields|text` and a detached JWS.

use std::{
    collections::VecDeque,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use bytes::Bytes;
use certs::jws;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use schemas::{
    fault::{self, Fault, FaultCode},
    id::{MessageId, PartnerId},
};

use super::{
    super::SIGNATURE,
    diary::{Diary, Knobs},
};
use crate::{
    adapter::{
        Adapter, AnswerHead, Claims, Context, Decoded, Direction, Effect, Encoded, Envelope, Face,
        Identity, Operation, ProofKind, Proven, Road, Route, SignatureForm, Unsigned,
    },
    head::{Evidence, Head},
    partner::Environment,
    policy::Permit,
    ports::{Parcel, Person, PersonNumber},
};

pub(super) const PATH: &str = "/t/v1/messages";
pub(super) const OTHER_PATH: &str = "/t/v1/others";
pub(super) const DEADLINE: Duration = Duration::from_secs(10);
pub(super) const BODY_BYTES_MAX: usize = 1024;
/// A header that makes the envelope claim another id than the one that is signed.
pub(super) const CLAIMED_ID: &str = "t-claimed-id";

static ROUTES: LazyLock<[Route; 2]> = LazyLock::new(|| {
    [PATH, OTHER_PATH].map(|path| Route {
        path,
        method: Method::POST,
        body_bytes_max: BODY_BYTES_MAX,
        deadline: DEADLINE,
        bulk: None,
    })
});

pub(super) static LOOK: Operation = operation("t.look", Effect::Read, ProofKind::Jws);
pub(super) static CHANGE: Operation = operation("t.change", Effect::Change, ProofKind::Jws);
pub(super) static POLL: Operation = operation("t.poll", Effect::Read, ProofKind::Jws);
pub(super) static XML: Operation = operation("t.xml", Effect::Read, ProofKind::XmlDsig);

pub(super) fn operations() -> [&'static Operation; 4] {
    [&LOOK, &CHANGE, &POLL, &XML]
}

const fn operation(name: &'static str, effect: Effect, proof: ProofKind) -> Operation {
    Operation {
        name,
        effect,
        proof,
        fields: &["fund", "name"],
    }
}

/// The words, and what came of them.
#[derive(Default)]
pub(super) struct Words {
    pub(super) diary: Diary,
    pub(super) knobs: Knobs,
    /// Faults of the insurance database for the next effects.
    pub(super) faults: Mutex<VecDeque<Fault>>,
    /// What is objected to in every message from now on.
    pub(super) objection: Mutex<Option<Fault>>,
    /// The contexts of all effects.
    pub(super) contexts: Mutex<Vec<Context>>,
    /// The headers that reached the words.
    pub(super) headers: Mutex<HeaderMap>,
}

impl Adapter for Words {
    type Request = String;
    type Outcome = String;

    fn system(&self) -> &'static str {
        "t"
    }

    fn routes(&self) -> &'static [Route] {
        &*ROUTES
    }

    fn envelope(&self, head: &Head, _: &Bytes) -> Result<Envelope, Fault> {
        *self.headers.lock().unwrap() = head.headers.clone();
        let text = |name: &str| head.headers.get(name)?.to_str().ok().map(str::to_owned);
        let missing = || Fault::new(FaultCode::BadSignature, "no-signature");
        let compact = match (text(SIGNATURE.as_str()), head.attested()) {
            (Some(compact), _) => compact,
            (None, None) => return Err(missing()),
            (None, Some(attested)) => {
                return Ok(Envelope {
                    road: Road::XRoad,
                    claims: attested.claims(CHANGE.name, head.arrived_at),
                    key_hint: None,
                    signature: SignatureForm::Attested,
                });
            }
        };
        let unproven = jws::parse(&compact).map_err(|_| missing())?;
        let mut claims = claims(unproven.header());
        if let Some(id) = text(CLAIMED_ID) {
            claims.id = MessageId::parse(&id).unwrap();
        }
        let direct = *head.peer.partner() == claims.sender;
        Ok(Envelope {
            road: match (head.attested(), direct) {
                (Some(_), _) => Road::XRoad,
                (None, true) => Road::Direct,
                (None, false) => Road::Ngsp,
            },
            claims,
            key_hint: None,
            signature: SignatureForm::Jws(compact),
        })
    }

    fn decode(&self, head: &Head, proven: &Proven<'_>) -> Result<Decoded<String>, Fault> {
        let claims = match proven.attested() {
            Some(attested) => attested.claims(CHANGE.name, head.arrived_at),
            None => claims(proven.jws().unwrap()),
        };
        let body = std::str::from_utf8(proven.bytes()).unwrap();
        let mut parts = body.splitn(3, '|');
        let mut part = || parts.next().ok_or(Fault::new(FaultCode::Invalid, "parts"));
        let (purpose, asked, text) = (part()?, part()?, part()?);
        let operation = operations()
            .into_iter()
            .find(|o| o.name == claims.operation);
        let operation = operation.ok_or(Fault::new(FaultCode::Invalid, "operation"))?;
        let identity = match operation.name {
            "t.poll" => Identity::Fresh,
            _ => Identity::Envelope,
        };
        let fields = operation.fields.iter().copied();
        Ok(Decoded {
            claims,
            operation,
            identity,
            purpose: purpose.to_owned(),
            lines: 1,
            provinces: None,
            asked: fields.filter(|f| asked.contains(f)).collect(),
            payload: Bytes::copy_from_slice(proven.bytes()),
            objection: self.objection.lock().unwrap().clone(),
            synthetic: text.starts_with("synthetic"),
            persons: persons(text, '#'),
            request: text.to_owned(),
        })
    }

    fn perform<'a>(
        &'a self,
        context: Context,
        _: &'a Permit,
        request: &'a String,
    ) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            self.contexts.lock().unwrap().push(context);
            self.diary.write("perform");
            assert_ne!(request, "a bug", "the words have a bug");
            self.knobs.pass("perform").await;
            let fault = self.faults.lock().unwrap().pop_front();
            fault.map_or_else(|| Ok(format!("did {request}")), Err)
        })
    }

    fn encode(
        &self,
        head: &AnswerHead,
        permit: &Permit,
        _: &String,
        outcome: String,
    ) -> Result<Encoded, Fault> {
        let list = |fields: &std::collections::BTreeSet<&str>| {
            let fields: Vec<_> = fields.iter().copied().collect();
            fields.join(",")
        };
        let (shown, withheld) = (list(permit.disclosed()), list(permit.withheld()));
        let said = format!("{outcome}; shown {shown}; withheld {withheld}");
        let told = |person| Person {
            told: vec!["card"],
            ..person
        };
        Ok(Encoded {
            unsigned: Unsigned::Json(said.into_bytes()),
            callbacks: vec![parcel(head)],
            persons: persons(&outcome, '@').into_iter().map(told).collect(),
        })
    }

    fn face(&self, fault: &Fault, evidence: Evidence, _: Option<&AnswerHead>) -> Face {
        let problem = fault::problem(fault, &evidence.to_string());
        Face {
            content_type: "application/problem+json",
            status: None,
            unsigned: Unsigned::Json(problem),
        }
    }
}

/// One person for each word that begins with this mark: its numbers with a + between them.
fn persons(text: &str, mark: char) -> Vec<Person> {
    let words = text
        .split_whitespace()
        .filter_map(|word| word.strip_prefix(mark));
    let numbers = |word: &str| word.split('+').filter_map(PersonNumber::parse).collect();
    words.map(|word| Person::named(numbers(word))).collect()
}

fn claims(header: &jws::Header) -> Claims {
    Claims {
        sender: PartnerId::parse(&header.iss).unwrap(),
        receiver: PartnerId::parse(&header.aud).unwrap(),
        environment: Environment::parse(&header.env).unwrap(),
        direction: match header.dir {
            jws::Direction::Request => Direction::Request,
            jws::Direction::Answer => Direction::Answer,
        },
        id: MessageId::parse(&header.jti).unwrap(),
        sent_at: Timestamp::from_second(header.iat).unwrap(),
        operation: header.op.clone(),
    }
}

fn parcel(head: &AnswerHead) -> Parcel {
    Parcel {
        id: format!("callback-of-{}", head.in_reply_to.as_str()),
        partner: head.receiver.clone(),
        subject: "subject".into(),
        sequence: 1,
        kind: "t.callback",
        content: Bytes::new(),
        class: crate::ports::Class::Normal,
        due: None,
    }
}
