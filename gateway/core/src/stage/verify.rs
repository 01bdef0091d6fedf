//! Room 4: the sender said exactly this. Only the bytes that a registered key has signed go on, and
//! the typed request is read from those alone.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use certs::{
    dci, digest, jws, jwt,
    keys::Algorithm,
    xmldsig::{self, Signed},
};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    wire::dci::Raw,
};
use tower::{Layer, Service};

use super::{Parts, room::Room};
use crate::{
    adapter::{
        Adapter, Claims, Decoded, Direction, Envelope, Identity, ProofKind, Proven, Road,
        SignatureForm,
    },
    bulk::{Announced, Ticket},
    dci::DciSignature,
    head::Head,
    hub::HubSignature,
    keyed::Keyed,
    login::{self, ShownToken},
    partner::{Partner, Partners, SenderKey},
    ports::RefusalNote,
    refusal::Refusal,
    state::{Committed, Received, Verified},
    trigger::RecordToken,
};

/// Makes [`Verify`].
#[derive(Debug)]
pub struct VerifyLayer<A> {
    /// What the rooms share.
    pub parts: Parts,
    /// The words.
    pub adapter: Arc<A>,
}

impl<A> Clone for VerifyLayer<A> {
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
            adapter: Arc::clone(&self.adapter),
        }
    }
}

impl<S, A> Layer<S> for VerifyLayer<A> {
    type Service = Verify<S, A>;

    fn layer(&self, inner: S) -> Verify<S, A> {
        Verify {
            inner,
            room: self.clone(),
        }
    }
}

/// The verify room.
#[derive(Debug)]
pub struct Verify<S, A> {
    inner: S,
    room: VerifyLayer<A>,
}

impl<S: Clone, A> Clone for Verify<S, A> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            room: self.room.clone(),
        }
    }
}

impl<S, A> Service<Received> for Verify<S, A>
where
    S: Service<Verified<A::Request>, Response = Committed, Error = Refusal>,
    S::Future: Send + 'static,
    A: Adapter,
{
    type Response = Committed;
    type Error = Refusal;
    type Future = BoxFuture<'static, Result<Committed, Refusal>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, received: Received) -> Self::Future {
        let sight = &self.room.parts.sight;
        let head = &received.head;
        let room = Room::enter("verify", received.route.path, head.evidence, sight);
        let entered = room.span.clone().entered();
        let resumed = head.passing.resumed;
        let peer = head.peer.partner().clone();
        let sender = received.envelope.claims.sender.clone();
        let verified = self.room.verify(received);
        drop(entered);
        match room.leave(verified) {
            Ok(verified) => Box::pin(self.inner.call(verified)),
            // noted when it was refused to a partner, not at each try of ours
            Err(refusal) if resumed => Box::pin(std::future::ready(Err(refusal))),
            Err(refusal) => {
                let note = note(&self.room.parts, &refusal, peer, Some(sender));
                let log = Arc::clone(&self.room.parts.log);
                Box::pin(async move {
                    keep(log.as_ref(), note).await;
                    Err(refusal)
                })
            }
        }
    }
}

/// The audit record of a refusal in rooms 4 and 5.
pub(super) fn note(
    parts: &Parts,
    refusal: &Refusal,
    peer: schemas::id::PartnerId,
    sender: Option<schemas::id::PartnerId>,
) -> RefusalNote {
    RefusalNote {
        evidence: refusal.evidence,
        at: parts.clock.now(),
        room: refusal.room,
        peer,
        sender,
        code: refusal.fault.code().row().code,
        reason: refusal.fault.reason(),
    }
}

/// Keeps a refusal; a store that cannot is a log line, for the caller is refused either way.
pub(super) async fn keep(log: &dyn crate::ports::MessageLog, note: RefusalNote) {
    let evidence = note.evidence;
    if let Err(error) = log.refuse(note).await {
        tracing::warn!(%evidence, %error, "refusal not kept");
    }
}

impl<A: Adapter> VerifyLayer<A> {
    fn verify(&self, received: Received) -> Result<Verified<A::Request>, Refusal> {
        let evidence = received.head.evidence;
        self.try_verify(received)
            .map_err(|fault| Refusal::of("verify", evidence, fault))
    }

    fn try_verify(&self, received: Received) -> Result<Verified<A::Request>, Fault> {
        let partners = self.parts.partners.load();
        let partner = carried(&partners, &received)?;
        let danger_sha1 = partners.danger_accepts_sha1_of(&partner.id);
        let decoded = self.prove_and_decode(&partner, &received, danger_sha1)?;
        same_claims(&decoded.claims, &received.envelope.claims)?;
        if decoded.operation.name != decoded.claims.operation {
            return Err(Fault::new(FaultCode::Invalid, "operation"));
        }
        meant_for_us(&decoded.claims, &partners)?;
        let proof = proof_suffices(decoded.operation.proof, &received.envelope.signature)?;
        let now = self.parts.clock.reached();
        Ok(verified(received, partner, (decoded, proof), now))
    }

    fn prove_and_decode(
        &self,
        partner: &Partner,
        received: &Received,
        danger_sha1: bool,
    ) -> Result<Decoded<A::Request>, Fault> {
        let head = &received.head;
        // a resumed message was proven once: its key is judged as of its arrival
        let now = match head.passing.resumed {
            true => head.arrived_at,
            false => self.parts.clock.now(),
        };
        match &received.envelope.signature {
            SignatureForm::Xml => {
                let named = received.envelope.key_hint.as_deref();
                let looked = Looked {
                    named,
                    danger_sha1,
                    signed: Signed::Root,
                    bytes_max: INLINE_BYTES_MAX,
                };
                let (proven, _) = xml_proof(partner, &received.body, looked, now)?;
                self.adapter.decode(head, &Proven::xml(proven.canonical()))
            }
            SignatureForm::Carried { document, signed } => {
                let named = received.envelope.key_hint.as_deref();
                let looked = Looked {
                    named,
                    danger_sha1,
                    signed: *signed,
                    bytes_max: INLINE_BYTES_MAX,
                };
                let (proven, _) = xml_proof(partner, document, looked, now)?;
                let claims = &received.envelope.claims;
                let proven = Proven::carried(proven.canonical(), claims);
                self.adapter.decode(head, &proven)
            }
            SignatureForm::Jws(compact) => {
                let proof = prove_jws(partner, compact, &received.body, now)?;
                self.adapter
                    .decode(head, &Proven::json(&received.body, proof.header()))
            }
            SignatureForm::Attested => {
                let attested = head
                    .attested()
                    .ok_or_else(|| bad_signature("no-signature"))?;
                self.adapter
                    .decode(head, &Proven::attested_json(&received.body, attested))
            }
            SignatureForm::Keyed {
                account,
                covered,
                mac,
            } => {
                let keyed = prove_keyed(partner, covered, mac)?;
                if keyed.account() != account {
                    return Err(Fault::new(FaultCode::WrongEnvironment, "receiver"));
                }
                self.adapter.decode(head, &Proven::keyed(covered))
            }
            SignatureForm::Login {
                shown,
                document,
                signed,
                ..
            } => {
                self.logged_in(partner, head, *shown, now)?;
                let profile = xmldsig::Profile {
                    signed: *signed,
                    bytes_max: INLINE_BYTES_MAX,
                    ..xmldsig::Profile::default()
                };
                let element = xmldsig::unsigned_element(document, &profile)
                    .map_err(|error| Fault::new(FaultCode::Malformed, error.reason()))?;
                let claims = &received.envelope.claims;
                let proven = Proven::carried(&element, claims);
                self.adapter.decode(head, &proven)
            }
            SignatureForm::Dci(said) => {
                let proven = prove_dci(partner, said, &received.body, now)?;
                self.adapter.decode(head, &Proven::dci(&proven))
            }
            SignatureForm::Hub(said) => {
                prove_hub(partner, said)?;
                let claims = &received.envelope.claims;
                self.adapter
                    .decode(head, &Proven::carried(&said.context, claims))
            }
            SignatureForm::Record(said) => {
                prove_record(partner, said, head, now)?;
                let claims = &received.envelope.claims;
                self.adapter
                    .decode(head, &Proven::carried(&received.body, claims))
            }
            SignatureForm::Manifest { announced, ticket } => {
                prove_chunk(*announced, ticket)?;
                let claims = &received.envelope.claims;
                let proven = Proven::chunk(&received.body, ticket, claims);
                self.adapter.decode(head, &proven)
            }
        }
    }
}

impl<A: Adapter> VerifyLayer<A> {
    /// A token speaks for the sender; of a message out of our own journal it was shown when that was taken.
    fn logged_in(
        &self,
        partner: &Partner,
        head: &Head,
        shown: ShownToken,
        now: Timestamp,
    ) -> Result<(), Fault> {
        match (shown, head.passing.resumed) {
            (ShownToken::Whole(token), false) => {
                self.parts.logins.check(token, partner, &head.peer, now)
            }
            (ShownToken::Kept(_), true) => login::of(partner).map(drop),
            _ => Err(Fault::new(FaultCode::TokenRefused, "token-unknown")),
        }
    }
}

/// The sender is registered, and this peer may carry its messages on this road.
fn carried(partners: &Partners, received: &Received) -> Result<Arc<Partner>, Fault> {
    let Envelope { claims, road, .. } = &received.envelope;
    let unknown = || Fault::new(FaultCode::Unauthenticated, "unknown-sender");
    let partner = partners.get(&claims.sender).ok_or_else(unknown)?;
    let peer = received.head.peer.partner();
    let refused = |reason| Err(Fault::new(FaultCode::Unauthenticated, reason));
    if !partner.may_arrive(peer, *road) {
        return refused("peer-may-not-carry-sender");
    }
    match (received.head.attested(), *road == Road::XRoad) {
        (None, false) => Ok(Arc::clone(partner)),
        (Some(attested), true) if *attested.sender() != claims.sender => {
            refused("xroad-client-is-not-sender")
        }
        (Some(attested), true) if *attested.id() != claims.id => {
            Err(bad_signature("xroad-id-differs"))
        }
        (Some(_), true) => Ok(Arc::clone(partner)),
        (Some(_), false) | (None, true) => refused("peer-may-not-carry-sender"),
    }
}

fn bad_signature(reason: &'static str) -> Fault {
    Fault::new(FaultCode::BadSignature, reason)
}

/// Largest document that is taken in with its signature in it: what every room before reads at most.
const INLINE_BYTES_MAX: usize = 1 << 20;

/// What a signature in XML must be by and about.
#[derive(Clone, Copy)]
pub(crate) struct Looked<'a> {
    /// The key that is said to have signed.
    pub(crate) named: Option<&'a str>,
    /// Whether danger accepts SHA-1 of this partner.
    pub(crate) danger_sha1: bool,
    /// What must be signed.
    pub(crate) signed: Signed,
    /// Largest document, bytes.
    pub(crate) bytes_max: usize,
}

/// Tries the hinted key, or each registered key where the document names none.
pub(crate) fn xml_proof<'p>(
    partner: &'p Partner,
    document: &[u8],
    looked: Looked<'_>,
    now: Timestamp,
) -> Result<(xmldsig::ProvenXml, &'p str), Fault> {
    let fits = |key: &&SenderKey| looked.named.is_none_or(|hint| hint == key.kid);
    let mut last = bad_signature("unknown-key");
    for key in partner.keys.iter().map(AsRef::as_ref).filter(fits) {
        if !key.key.is_valid_at(now) {
            last = bad_signature("key-not-valid-now");
            continue;
        }
        let profile = xmldsig::Profile {
            algorithms: vec![key.algorithm],
            danger_sha1: looked.danger_sha1,
            signed: looked.signed,
            bytes_max: looked.bytes_max,
            ..xmldsig::Profile::default()
        };
        match xmldsig::verify(document, &key.key, &profile) {
            Ok(proven) if is_signed_later(&proven, now, partner.window) => {
                last = bad_signature("xades-signing-time");
            }
            Ok(proven) => return Ok((proven, key.kid.as_str())),
            Err(error) => last = bad_signature(error.reason()),
        }
    }
    Err(last)
}

/// A signing time that our clock has not reached, by more than clocks differ.
fn is_signed_later(proven: &xmldsig::ProvenXml, now: Timestamp, window: Duration) -> bool {
    let later = |at: Timestamp| u64::try_from(at.duration_since(now).as_secs());
    let at = proven.signing_time().map(later);
    at.is_some_and(|seconds| seconds.is_ok_and(|seconds| seconds > window.as_secs()))
}

pub(crate) fn prove_jws(
    partner: &Partner,
    compact: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<jws::Proof, Fault> {
    let unproven = jws::parse(compact).map_err(|error| bad_signature(error.reason()))?;
    let key = partner
        .key(Some(&unproven.header().kid))
        .ok_or_else(|| bad_signature("unknown-key"))?;
    if !key.key.is_valid_at(now) {
        return Err(bad_signature("key-not-valid-now"));
    }
    unproven
        .verify(&key.key, key.algorithm, body)
        .map_err(|error| bad_signature(error.reason()))
}

fn prove_keyed<'p>(partner: &'p Partner, covered: &str, mac: &str) -> Result<&'p Keyed, Fault> {
    let keyed = partner.keyed.as_deref();
    let keyed = keyed.ok_or_else(|| bad_signature("no-keyed-secret"))?;
    match keyed.proves(covered, mac) {
        true => Ok(keyed),
        false => Err(bad_signature("keyed-hash")),
    }
}

fn prove_hub(partner: &Partner, said: &HubSignature) -> Result<(), Fault> {
    let terms = partner.hub.as_deref();
    let terms = terms.ok_or_else(|| bad_signature("no-hub-secret"))?;
    let proven = terms.secret.prove(&said.covered, &said.text);
    proven.map_err(|error| bad_signature(error.reason()))
}

/// The token holds; of a message out of our own journal it was shown when that was taken.
fn prove_record(
    partner: &Partner,
    said: &RecordToken,
    head: &Head,
    now: Timestamp,
) -> Result<(), Fault> {
    let refused = |reason| Fault::new(FaultCode::TokenRefused, reason);
    let terms = partner.triggers.as_deref();
    let terms = terms.ok_or_else(|| refused("token-missing"))?;
    let token = match (&said.shown, head.passing.resumed) {
        (Some(token), false) => token,
        (None, true) => return Ok(()),
        _ => return Err(refused("token-missing")),
    };
    let expected = jwt::Expected {
        issuer: &terms.issuer,
        audience: &terms.audience,
        subject: None,
        algorithms: &[Algorithm::Rs256],
        certificate: None,
        now,
        skew: RECORD_TOKEN_SKEW,
    };
    let proven = jwt::parse_pinned(token).and_then(|token| token.verify(&terms.keys, &expected));
    proven.map(drop).map_err(|error| refused(error.reason()))
}

/// How far the clock of whoever gives tokens for records may be off.
const RECORD_TOKEN_SKEW: SignedDuration = SignedDuration::from_secs(30);

/// Header and message as far as the signature covers them, in the one dialect that is registered for the sender.
pub(crate) fn prove_dci(
    partner: &Partner,
    signature: &DciSignature,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Fault> {
    let terms = partner.dci.as_deref();
    let terms = terms.ok_or_else(|| bad_signature("no-dci-terms"))?;
    let (raw, _) =
        Raw::read(body).map_err(|error| Fault::new(FaultCode::Malformed, error.code()))?;
    let said = dci::Said {
        body,
        raw,
        sender_id: &signature.sender_id,
        signature: &signature.text,
    };
    let refused = |error: dci::DciError| bad_signature(error.reason());
    if let (Some(secret), Some(head)) = (&terms.secret, &signature.head) {
        let head = dci::SignedHead {
            path: &head.path,
            host: &head.host,
            date: &head.date,
            content_type: &head.content_type,
        };
        return dci::prove_mac(secret, &said, &head).map_err(refused);
    }
    let hint = dci::key_hint(terms.dialect, &said).map_err(refused)?;
    let key = partner
        .key(hint.as_deref())
        .ok_or_else(|| bad_signature("unknown-key"))?;
    if !key.key.is_valid_at(now) {
        return Err(bad_signature("key-not-valid-now"));
    }
    let registered = (&key.key, key.algorithm);
    dci::prove(terms.dialect, &said, registered, now.as_second()).map_err(refused)
}

/// The bytes that came are those that the manifest announces.
fn prove_chunk(announced: Announced, ticket: &Ticket) -> Result<(), Fault> {
    match (announced.sha256, announced.bytes) == (ticket.sha256, ticket.bytes) {
        true => Ok(()),
        false => Err(bad_signature("chunk-not-as-announced")),
    }
}

/// What was proven must be what the envelope claimed: else two readers saw two messages.
fn same_claims(proven: &Claims, claimed: &Claims) -> Result<(), Fault> {
    match proven == claimed {
        true => Ok(()),
        false => Err(bad_signature("envelope-differs-from-proof")),
    }
}

fn meant_for_us(claims: &Claims, partners: &Partners) -> Result<(), Fault> {
    let elsewhere = |what| Err(Fault::new(FaultCode::WrongEnvironment, what));
    if claims.environment != partners.environment() {
        return elsewhere("environment");
    }
    if claims.receiver != *partners.us() {
        return elsewhere("receiver");
    }
    if claims.direction != Direction::Request {
        return elsewhere("direction");
    }
    Ok(())
}

/// The kind of proof that was given. Whether a security server's word is enough without a signature is the
/// agreement's to say, in the permit room.
fn proof_suffices(demanded: ProofKind, given: &SignatureForm) -> Result<ProofKind, Fault> {
    match (demanded, given) {
        (ProofKind::XmlDsig, SignatureForm::Xml | SignatureForm::Carried { .. })
        | (ProofKind::Jws, SignatureForm::Jws(_))
        | (ProofKind::ManifestDigest, SignatureForm::Manifest { .. })
        | (ProofKind::KeyedHash, SignatureForm::Keyed { .. })
        | (ProofKind::Dci, SignatureForm::Dci(_))
        | (ProofKind::Hub, SignatureForm::Hub(_))
        | (ProofKind::RecordToken, SignatureForm::Record(_)) => Ok(demanded),
        (ProofKind::XmlDsig, SignatureForm::Login { .. }) => Ok(ProofKind::PasswordToken),
        (ProofKind::Jws | ProofKind::XRoadRelay, SignatureForm::Attested) => {
            Ok(ProofKind::XRoadRelay)
        }
        (ProofKind::XRoadRelay, SignatureForm::Jws(_)) => Ok(ProofKind::Jws),
        _ => Err(bad_signature("proof-of-another-kind")),
    }
}

fn verified<R>(
    received: Received,
    partner: Arc<Partner>,
    (decoded, proof): (Decoded<R>, ProofKind),
    now: Timestamp,
) -> Verified<R> {
    let digest = content_digest(&decoded.claims, &decoded.payload);
    let fresh = is_fresh(decoded.claims.sent_at, now, partner.window);
    let (id, remembered) = remembered_as(decoded.identity, &decoded.claims, &received);
    let signature = match received.envelope.signature {
        SignatureForm::Xml
        | SignatureForm::Carried { .. }
        | SignatureForm::Attested
        | SignatureForm::Manifest { .. }
        | SignatureForm::Keyed { .. }
        | SignatureForm::Login { .. } => None,
        SignatureForm::Jws(compact) => Some(compact),
        SignatureForm::Dci(said) => said.kept,
        SignatureForm::Hub(said) => Some(said.text),
        SignatureForm::Record(said) => Some(said.kept),
    };
    Verified {
        head: received.head,
        route: received.route,
        body: received.body,
        signature,
        proof,
        road: received.envelope.road,
        partner,
        claims: decoded.claims,
        operation: decoded.operation,
        id,
        remembered,
        purpose: decoded.purpose,
        asked: decoded.asked,
        lines: decoded.lines,
        provinces: decoded.provinces,
        synthetic: decoded.synthetic,
        objection: decoded.objection,
        persons: decoded.persons,
        digest,
        fresh,
        request: decoded.request,
    }
}

fn content_digest(claims: &Claims, payload: &Bytes) -> [u8; 32] {
    digest::content_digest(
        &claims.operation,
        claims.sender.as_str(),
        claims.receiver.as_str(),
        payload,
    )
}

/// The window is closed on both ends: exactly `window` away is still fresh.
fn is_fresh(sent_at: Timestamp, now: Timestamp, window: Duration) -> bool {
    now.duration_since(sent_at).unsigned_abs() <= window
}

fn remembered_as(identity: Identity, claims: &Claims, received: &Received) -> (MessageId, bool) {
    match identity {
        Identity::Envelope => (claims.id.clone(), true),
        Identity::Content(id) => (id, true),
        Identity::Fresh => (received.head.evidence.message_id(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_ends_to_the_second_on_both_sides() {
        let window = Duration::from_secs(300);
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        for (offset, fresh) in [
            (-300, true),
            (300, true),
            (-301, false),
            (301, false),
            (0, true),
        ] {
            assert_eq!(is_fresh(at(offset), now, window), fresh, "{offset}");
        }
    }
}
