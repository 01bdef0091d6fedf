//! The client's side of mutual TLS.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::acceptor::{refused, versions};
use super::policy::{StrictServers, timestamp};
use super::standing::{ClientStream, Standing};
use super::{
    Alpn, Anchors, HandshakeError, Identity, Judged, PeerCertificate, RevocationList,
    TlsConfigError,
};
use crate::revocation::{Ask, Revocations};

/// Everything that a client's TLS is made of.
#[derive(Clone, Debug)]
pub struct ClientParams {
    /// Our chain and key; `None` shows no certificate.
    pub identity: Option<Identity>,
    /// The authorities that the server's certificate must lead to.
    pub anchors: Anchors,
    /// Revocation lists; with any, a server whose issuer has no current list is refused.
    pub crls: Vec<RevocationList>,
    /// Whether TLS 1.2 with AEAD suites is allowed beside 1.3.
    pub tls12: bool,
    /// How long a handshake may take.
    pub handshake_deadline: Duration,
    /// Application protocols, in our order of preference.
    pub alpn: Vec<Alpn>,
}

/// A client's TLS, shared by all its connections and by its clones; `replace` swaps all of it.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

pub(super) struct Shared {
    current: ArcSwap<Current>,
    replaced: AtomicU64,
    revocations: Arc<Revocations>,
    ask: Option<Arc<dyn Ask>>,
}

struct Current {
    inner: TlsConnector,
    servers: Arc<StrictServers>,
    deadline: Duration,
}

/// An established connection with the server's proven certificate.
#[derive(Debug)]
pub struct Connected<IO> {
    /// The stream.
    pub stream: ClientStream<IO>,
    /// Whose it is.
    pub peer: PeerCertificate,
    /// What is spoken on it.
    pub alpn: Alpn,
}

impl Connector {
    /// Checks the parameters and builds the configuration.
    pub fn new(params: ClientParams) -> Result<Self, TlsConfigError> {
        Self::judged_by(params, Arc::default())
    }

    /// The same, with what is known about revocation beside the lists of the parameters. A stapled OCSP
    /// answer of a watched authority is checked and counts as the answer to a question; a server about which
    /// nobody was asked passes.
    pub fn judged_by(
        params: ClientParams,
        revocations: Arc<Revocations>,
    ) -> Result<Self, TlsConfigError> {
        Self::with(&params, revocations, None)
    }

    /// The same, asking about every server that staples nothing, before a byte is said to it: one whose
    /// responder says nothing is refused.
    pub fn confirmed_by(
        params: ClientParams,
        revocations: Arc<Revocations>,
        ask: Arc<dyn Ask>,
    ) -> Result<Self, TlsConfigError> {
        Self::with(&params, revocations, Some(ask))
    }

    fn with(
        params: &ClientParams,
        revocations: Arc<Revocations>,
        ask: Option<Arc<dyn Ask>>,
    ) -> Result<Self, TlsConfigError> {
        Ok(Self(Arc::new(Shared {
            current: ArcSwap::from_pointee(Current::build(params, &revocations)?),
            replaced: AtomicU64::new(0),
            revocations,
            ask,
        })))
    }

    /// Puts a new key, anchors or revocation lists in place; connections that stand go on where their server
    /// would still be believed. When the parameters are refused, nothing changes.
    pub fn replace(&self, params: &ClientParams) -> Result<(), TlsConfigError> {
        let current = Current::build(params, &self.0.revocations)?;
        self.0.current.store(Arc::new(current));
        self.0.replaced.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Makes the handshake on `io` with the server called `server_name` (a DNS name or an address).
    ///
    /// In TLS 1.3 a server that refuses our certificate says so only on the first read.
    pub async fn connect<IO>(
        &self,
        server_name: &str,
        io: IO,
    ) -> Result<Connected<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name =
            ServerName::try_from(server_name.to_owned()).map_err(|_| HandshakeError::BadName)?;
        let current = self.0.current.load_full();
        tokio::time::timeout(current.deadline, self.make(&current, name, io))
            .await
            .map_err(|_| HandshakeError::Deadline)?
    }

    async fn make<IO>(
        &self,
        current: &Current,
        name: ServerName<'static>,
        io: IO,
    ) -> Result<Connected<IO>, HandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let known = self.0.generation();
        let stream = current.inner.connect(name.clone(), io).await;
        let stream = stream.map_err(HandshakeError::from_io)?;
        let (_, connection) = stream.get_ref();
        let peer = PeerCertificate::presented(connection.peer_certificates())?;
        let alpn = Alpn::agreed(connection.alpn_protocol());
        if let Some(ask) = &self.0.ask {
            ask.ask(&peer.der).await;
            self.0.confirmed(&peer.der, UnixTime::now())?;
        }
        let standing = Standing::new(Arc::clone(&self.0), name, peer.clone(), Judged::by(known));
        Ok(Connected {
            stream: ClientStream::new(stream, standing),
            peer,
            alpn,
        })
    }
}

impl Shared {
    /// Counts the replacements and what was heard about revocation.
    pub(super) fn generation(&self) -> u64 {
        let replaced = self.replaced.load(Ordering::Acquire);
        replaced.wrapping_add(self.revocations.generation())
    }

    /// Whether the server, which was believed before, would be believed now. Builds and checks the whole path
    /// anew.
    pub(super) fn judge(
        &self,
        name: &ServerName<'_>,
        peer: &PeerCertificate,
    ) -> Result<(), HandshakeError> {
        let leaf = CertificateDer::from(peer.der.as_slice());
        let rest: Vec<_> = peer
            .intermediates
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let now = UnixTime::now();
        let servers = &self.current.load().servers;
        servers
            .verify_server_cert(&leaf, &rest, name, &[], now)
            .map_err(|refused| HandshakeError::from_rustls(&refused))?;
        match self.ask {
            Some(_) => self.confirmed(&leaf, now),
            None => Ok(()),
        }
    }

    /// Where somebody asks, what nobody has answered is refused.
    fn confirmed(&self, leaf: &[u8], now: UnixTime) -> Result<(), HandshakeError> {
        let judged = self.revocations.judge(leaf, timestamp(now));
        judged.map_err(HandshakeError::from_refused)
    }
}

impl Current {
    fn build(
        params: &ClientParams,
        revocations: &Arc<Revocations>,
    ) -> Result<Self, TlsConfigError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let anchors = Arc::clone(&params.anchors.store);
        let mut verifier =
            WebPkiServerVerifier::builder_with_provider(anchors, Arc::clone(&provider));
        if !params.crls.is_empty() {
            verifier = verifier
                .with_crls(params.crls.iter().map(|list| list.0.clone()))
                .only_check_end_entity_revocation()
                .enforce_revocation_expiration();
        }
        let verifier = verifier
            .build()
            .map_err(|error| TlsConfigError::Refused(error.to_string()))?;
        let servers = Arc::new(StrictServers {
            paths: verifier,
            anchors: Arc::clone(&params.anchors.facts),
            revocations: Arc::clone(revocations),
        });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(params.tls12))
            .map_err(refused)?
            .dangerous() // the library's own verifier, and our rules behind it
            .with_custom_certificate_verifier(servers.clone());
        let mut config = match &params.identity {
            Some(identity) => {
                let key = SingleCertAndKey::from(identity.certified()?);
                builder.with_client_cert_resolver(Arc::new(key))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = params
            .alpn
            .iter()
            .map(|alpn| alpn.wire_name().to_vec())
            .collect();
        config.resumption = Resumption::disabled();
        Ok(Self {
            inner: Arc::new(config).into(),
            servers,
            deadline: params.handshake_deadline,
        })
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}
