//! The client's side of mutual TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::acceptor::{refused, versions};
use super::{
    Alpn, Anchors, HandshakeError, Identity, PeerCertificate, RevocationList, TlsConfigError,
};

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

/// A client's TLS, shared by all its connections.
#[derive(Clone)]
pub struct Connector {
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
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let anchors = Arc::clone(&params.anchors.0);
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
            .with_webpki_verifier(verifier);
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
        let stream = tokio::time::timeout(self.deadline, self.inner.connect(name, io))
            .await
            .map_err(|_| HandshakeError::Deadline)?
            .map_err(HandshakeError::from_io)?;
        let (_, connection) = stream.get_ref();
        let peer = PeerCertificate::presented(connection.peer_certificates())?;
        let alpn = Alpn::agreed(connection.alpn_protocol());
        Ok(Connected { stream, peer, alpn })
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector(..)")
    }
}
