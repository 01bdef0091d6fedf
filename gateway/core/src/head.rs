//! What arrives: a request head, its body still unread, and the peer that TLS proved.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::combinators::UnsyncBoxBody;
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    attest::Attested,
    dci::DciTerms,
    hub::HubTerms,
    partner::{Environment, Partner, Partners, PeerId},
    trigger::TriggerTerms,
};

/// Whatever can go wrong while a body is read.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A request body, still unread.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// The name under which everything about one message is kept: a UUIDv7 made on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Evidence(Uuid);

impl Evidence {
    /// A fresh one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// Reads one back from its text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// The 16 bytes, as stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The same name as a message id, for messages that have none of their own.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        MessageId::parse(&self.0.to_string()).expect("a UUID is 36 characters of [0-9a-f-]")
    }

    /// Reads one back from its 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The far end of a connection: a registered partner or relay, recognised by its certificate.
///
/// A peer is not a sender: a relay carries messages of others.
#[derive(Debug, Clone)]
pub struct Peer(Arc<PeerInner>);

#[derive(Debug)]
struct PeerInner {
    partner: PartnerId,
    certificate_sha256: [u8; 32],
    not_after: Timestamp,
}

impl Peer {
    /// Recognises the certificate that the handshake proved, among the registered identities.
    #[must_use]
    pub fn recognise(
        partners: &Partners,
        certificate: &certs::tls::PeerCertificate,
    ) -> Option<Self> {
        let by_pin = partners.peer(&PeerId::Spki(certificate.spki_sha256));
        let by_uri = || partners.peer(&PeerId::Uri(only_name(certificate)?.to_owned()));
        let partner = by_pin.or_else(by_uri)?.id.clone();
        Some(Self(Arc::new(PeerInner {
            partner,
            certificate_sha256: certificate.sha256,
            not_after: certificate.not_after,
        })))
    }

    /// The peer of a connection without a client certificate: a partner that proves what it says by a secret between us.
    /// None of any other partner. Its certificate's digest is all zeros.
    #[must_use]
    pub fn by_secret(partner: &Partner) -> Option<Self> {
        partner.keyed.as_ref()?;
        Some(Self(Arc::new(PeerInner {
            partner: partner.id.clone(),
            certificate_sha256: [0; 32],
            not_after: Timestamp::MAX,
        })))
    }

    /// The peer of a message that is taken up again from the journal, where T1 committed it.
    pub(crate) fn of_record(partner: PartnerId, certificate_sha256: [u8; 32]) -> Self {
        Self(Arc::new(PeerInner {
            partner,
            certificate_sha256,
            not_after: Timestamp::MAX,
        }))
    }

    /// The registration that the certificate belongs to.
    #[must_use]
    pub fn partner(&self) -> &PartnerId {
        &self.0.partner
    }

    /// SHA-256 of the certificate's DER, for the journal.
    #[must_use]
    pub fn certificate_sha256(&self) -> &[u8; 32] {
        &self.0.certificate_sha256
    }

    /// The certificate ends here, and so does every connection that was opened with it.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }
}

/// The one URI of ours that the certificate carries; one with two names belongs to nobody.
fn only_name(certificate: &certs::tls::PeerCertificate) -> Option<&str> {
    let mut names = certificate
        .san_uris
        .iter()
        .filter(|uri| uri.starts_with("urn:lienthong:"));
    let name = names.next()?;
    names.next().is_none().then_some(name.as_str())
}

/// The head of a request, its identity headers stripped.
#[derive(Debug, Clone)]
pub struct Head {
    /// The request's method.
    pub method: Method,
    /// The path, exactly as received.
    pub path: String,
    /// Headers, without those that could claim an identity.
    pub headers: HeaderMap,
    /// Who holds the other end.
    pub peer: Peer,
    /// The name of this message in journal, log and answer.
    pub evidence: Evidence,
    /// When the head was complete.
    pub arrived_at: Timestamp,
    /// When an answer must be ready.
    pub deadline: Instant,
    /// How it came to be inside; only the rooms can say.
    pub passing: Passing,
}

/// How a message came to be inside. Its default is a message that came by itself and holds no place.
#[derive(Debug, Clone, Default)]
pub struct Passing {
    /// Taken up again from the journal: judged as of its arrival, and it costs nobody's limit.
    pub(crate) resumed: bool,
    /// Its place inside, and that of its body, held until the message is over.
    pub(crate) place: Option<Arc<crate::stage::Place>>,
    /// What the security server that brought it attests.
    pub(crate) attested: Option<Arc<Attested>>,
    /// The registrations as of when its envelope is read.
    pub(crate) partners: Option<Arc<Partners>>,
}

impl Head {
    /// What the security server that brought the message attests, where one did.
    #[must_use]
    pub fn attested(&self) -> Option<&Attested> {
        self.passing.attested.as_deref()
    }

    /// Who we are and where we stand: the receiver of a message that names none.
    #[must_use]
    pub fn house(&self) -> Option<(PartnerId, Environment)> {
        let partners = self.passing.partners.as_ref()?;
        Some((partners.us().clone(), partners.environment()))
    }

    /// The partner that calls itself this in DCI's words, and what is agreed with it.
    #[must_use]
    pub fn dci_sender(&self, sender_id: &str) -> Option<(PartnerId, Arc<DciTerms>)> {
        let partners = self.passing.partners.as_ref()?;
        let (id, terms) = partners.by_dci(sender_id)?;
        Some((id.clone(), Arc::clone(terms)))
    }

    /// How the peer's own webhooks are proven, where it tells by them.
    #[must_use]
    pub fn hub(&self) -> Option<Arc<HubTerms>> {
        let partners = self.passing.partners.as_ref()?;
        partners.get(self.peer.partner())?.hub.clone()
    }

    /// How the peer's own triggers are proven, where it asks by them.
    #[must_use]
    pub fn triggers(&self) -> Option<Arc<TriggerTerms>> {
        let partners = self.passing.partners.as_ref()?;
        partners.get(self.peer.partner())?.triggers.clone()
    }
}

/// A request before the admit room: nothing about it is believed but its peer.
#[derive(Debug)]
pub struct Arrival {
    /// The request as hyper gives it.
    pub request: http::Request<Body>,
    /// Who holds the other end.
    pub peer: Peer,
    /// The name given on arrival.
    pub evidence: Evidence,
    /// When the head was complete.
    pub arrived_at: Timestamp,
}
