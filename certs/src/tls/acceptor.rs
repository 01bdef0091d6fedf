//! The server's side of mutual TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier as _;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;

use super::policy::StrictClients;
use super::{
    Alpn, Anchors, HandshakeError, Identity, Judged, PeerCertificate, RevocationList,
    TlsConfigError,
};
use crate::revocation::Revocations;

/// A server's TLS stream; reads and writes like any other.
pub type ServerStream<IO> = tokio_rustls::server::TlsStream<IO>;

/// Everything that a listener's TLS is made of.
#[derive(Clone, Debug)]
pub struct ServerParams {
    /// Our chain and key.
    pub identity: Identity,
    /// The authorities that client certificates must lead to.
    pub client_anchors: Anchors,
    /// Revocation lists. With none, nothing counts as revoked; with any, a client whose issuer has no
    /// current list is refused. The authorities themselves are not looked up: replace the anchors instead.
    pub crls: Vec<RevocationList>,
    /// Whether TLS 1.2 with AEAD suites is allowed beside 1.3.
    pub tls12: bool,
    /// How long a handshake may take, from the first byte waited for to the last.
    pub handshake_deadline: Duration,
    /// Application protocols, in our order of preference.
    pub alpn: Vec<Alpn>,
}

/// A listener's TLS, shared by all connections; `replace` swaps all of it for those that come after.
pub struct Acceptor {
    current: ArcSwap<Current>,
    generation: AtomicU64,
    revocations: Arc<Revocations>,
}

struct Current {
    config: Arc<ServerConfig>,
    /// The same without client certificates, HTTP/1.1 only.
    open: Arc<ServerConfig>,
    clients: Arc<StrictClients>,
    deadline: Duration,
}

/// An established connection with the peer's proven certificate.
#[derive(Debug)]
pub struct Accepted<IO> {
    /// The stream.
    pub stream: ServerStream<IO>,
    /// Whose it is.
    pub peer: PeerCertificate,
    /// What is spoken on it.
    pub alpn: Alpn,
    /// When it was judged: for [`Acceptor::still`].
    pub judged: Judged,
}

impl Acceptor {
    /// Checks the parameters and builds the configuration.
    pub fn new(params: ServerParams) -> Result<Self, TlsConfigError> {
        Self::judged_by(params, Arc::default())
    }

    /// The same, with what is known about revocation beside the lists of the parameters: it may change at
    /// any time, and holds for the next handshake and for [`judge`](Self::judge).
    ///
    /// A client whose responder nobody has asked yet passes the handshake: whoever accepts has to ask
    /// ([`Revocations::question`]) before a byte is served.
    pub fn judged_by(
        params: ServerParams,
        revocations: Arc<Revocations>,
    ) -> Result<Self, TlsConfigError> {
        let current = Current::build(&params, &revocations)?;
        Ok(Self {
            current: ArcSwap::from_pointee(current),
            generation: AtomicU64::new(0),
            revocations,
        })
    }

    /// Puts new keys, anchors or revocation lists in place; connections that stand keep the old ones.
    /// When the parameters are refused, nothing changes.
    pub fn replace(&self, params: ServerParams) -> Result<(), TlsConfigError> {
        let current = Current::build(&params, &self.revocations)?;
        self.current.store(Arc::new(current));
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether `peer`, which got in before, would get in now: for connections that outlive a revocation.
    /// Looks anew only where `judged` no longer holds, so it may be asked at any time.
    ///
    /// # Errors
    /// Why it would be refused now.
    pub fn still(&self, peer: &PeerCertificate, judged: &mut Judged) -> Result<(), HandshakeError> {
        judged.hold(self.known_now(), || self.judge(peer))
    }

    /// Counts the replacements and what was heard about revocation.
    fn known_now(&self) -> u64 {
        let replaced = self.generation.load(Ordering::Acquire);
        replaced.wrapping_add(self.revocations.generation())
    }

    /// Builds and checks the whole path of `peer` anew (two or three signatures), so not for every request.
    pub fn judge(&self, peer: &PeerCertificate) -> Result<(), HandshakeError> {
        let leaf = CertificateDer::from(peer.der.as_slice());
        let rest: Vec<_> = peer
            .intermediates
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        self.current
            .load()
            .clients
            .verify_client_cert(&leaf, &rest, UnixTime::now())
            .map(|_| ())
            .map_err(|refused| HandshakeError::from_rustls(&refused))
    }

    /// Makes the handshake on `io` within the deadline; the client must prove a certificate.
    pub async fn accept<IO>(&self, io: IO) -> Result<Accepted<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let known = self.known_now();
        let current = self.current.load_full();
        let made = handshake(io, Arc::clone(&current.config), known);
        tokio::time::timeout(current.deadline, made)
            .await
            .map_err(|_| HandshakeError::Deadline)?
    }

    /// Makes the handshake on `io` within the deadline with a client that shows no certificate: who speaks has to be proven by
    /// what is said. HTTP/1.1 only.
    ///
    /// # Errors
    /// Why the handshake was broken off.
    pub async fn accept_open<IO>(&self, io: IO) -> Result<ServerStream<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let current = self.current.load_full();
        let made = async {
            let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io)
                .await
                .map_err(HandshakeError::before_hello)?;
            let stream = hello.into_stream(Arc::clone(&current.open)).await;
            stream.map_err(HandshakeError::from_io)
        };
        tokio::time::timeout(current.deadline, made)
            .await
            .map_err(|_| HandshakeError::Deadline)?
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor(..)")
    }
}

async fn handshake<IO>(
    io: IO,
    config: Arc<ServerConfig>,
    known: u64,
) -> Result<Accepted<IO>, HandshakeError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io)
        .await
        .map_err(HandshakeError::before_hello)?;
    let stream = hello
        .into_stream(config)
        .await
        .map_err(HandshakeError::from_io)?;
    let (_, connection) = stream.get_ref();
    let peer = PeerCertificate::presented(connection.peer_certificates())?;
    let alpn = Alpn::agreed(connection.alpn_protocol());
    Ok(Accepted {
        stream,
        peer,
        alpn,
        judged: Judged::by(known),
    })
}

impl Current {
    fn build(
        params: &ServerParams,
        revocations: &Arc<Revocations>,
    ) -> Result<Self, TlsConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clients = Arc::new(client_verifier(params, &provider, revocations)?);
        let key = Arc::new(SingleCertAndKey::from(params.identity.certified()?));
        let builder = || {
            ServerConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions(params.tls12))
                .map_err(refused)
        };
        let config = builder()?
            .with_client_cert_verifier(clients.clone())
            .with_cert_resolver(key.clone());
        let open = builder()?.with_no_client_auth().with_cert_resolver(key);
        Ok(Self {
            config: Arc::new(unresumed(config, &params.alpn)),
            open: Arc::new(unresumed(open, &[Alpn::Http1])),
            clients,
            deadline: params.handshake_deadline,
        })
    }
}

/// No tickets, no resumption, no early data; these protocols.
fn unresumed(mut config: ServerConfig, alpn: &[Alpn]) -> ServerConfig {
    config.alpn_protocols = alpn.iter().map(|alpn| alpn.wire_name().to_vec()).collect();
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    config
}

pub(super) fn versions(tls12: bool) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] =
        [&rustls::version::TLS13, &rustls::version::TLS12];
    if tls12 { &BOTH } else { &BOTH[..1] }
}

fn client_verifier(
    params: &ServerParams,
    provider: &Arc<CryptoProvider>,
    revocations: &Arc<Revocations>,
) -> Result<StrictClients, TlsConfigError> {
    let anchors = Arc::clone(&params.client_anchors.store);
    let mut builder = WebPkiClientVerifier::builder_with_provider(anchors, Arc::clone(provider));
    if !params.crls.is_empty() {
        let lists = params.crls.iter().map(|list| list.0.clone());
        builder = builder
            .with_crls(lists)
            .only_check_end_entity_revocation()
            .enforce_revocation_expiration();
    }
    let paths = builder
        .build()
        .map_err(|error| TlsConfigError::Refused(error.to_string()))?;
    Ok(StrictClients {
        paths,
        anchors: Arc::clone(&params.client_anchors.facts),
        revocations: Arc::clone(revocations),
    })
}

pub(super) fn refused(error: rustls::Error) -> TlsConfigError {
    TlsConfigError::Refused(error.to_string())
}
