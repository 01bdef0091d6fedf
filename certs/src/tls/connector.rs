//! The client's side of mutual TLS.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::acceptor::{refused, versions};
use super::policy::StrictServers;
use super::{
    Alpn, Anchors, HandshakeError, Identity, PeerCertificate, RevocationList, TlsConfigError,
};
use crate::revocation::Revocations;

/// A client's TLS stream; reads and writes like any other.
pub type ClientStream<IO> = tokio_rustls::client::TlsStream<IO>;

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

/// A client's TLS, shared by all its connections and by its clones; `replace` swaps all of it for those
/// that come after.
#[derive(Clone)]
pub struct Connector {
    current: Arc<ArcSwap<Current>>,
    revocations: Arc<Revocations>,
}

struct Current {
    inner: TlsConnector,
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
    /// answer of a watched authority is checked and counts as the answer to a question.
    pub fn judged_by(
        params: ClientParams,
        revocations: Arc<Revocations>,
    ) -> Result<Self, TlsConfigError> {
        let current = Current::build(&params, &revocations)?;
        Ok(Self {
            current: Arc::new(ArcSwap::from_pointee(current)),
            revocations,
        })
    }

    /// Puts a new key, anchors or revocation lists in place; connections that stand keep the old ones.
    /// When the parameters are refused, nothing changes.
    pub fn replace(&self, params: &ClientParams) -> Result<(), TlsConfigError> {
        let current = Current::build(params, &self.revocations)?;
        self.current.store(Arc::new(current));
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
        let current = self.current.load_full();
        let stream = tokio::time::timeout(current.deadline, current.inner.connect(name, io))
            .await
            .map_err(|_| HandshakeError::Deadline)?
            .map_err(HandshakeError::from_io)?;
        let (_, connection) = stream.get_ref();
        let peer = PeerCertificate::presented(connection.peer_certificates())?;
        let alpn = Alpn::agreed(connection.alpn_protocol());
        Ok(Connected { stream, peer, alpn })
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
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(params.tls12))
            .map_err(refused)?
            .dangerous() // the library's own verifier, and our rules behind it
            .with_custom_certificate_verifier(Arc::new(StrictServers {
                paths: verifier,
                anchors: Arc::clone(&params.anchors.facts),
                revocations: Arc::clone(revocations),
            }));
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
            deadline: params.handshake_deadline,
        })
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}
