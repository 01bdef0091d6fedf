//! A door with an authority of its own, and a client that gets in.

use std::time::Duration;

use certs::pki::{Authority, IssueParams, Issued, Usage};
use certs::tls::{
    Acceptor, Alpn, Anchors, Identity, PeerCertificate, RevocationList, ServerParams,
    TlsConfigError,
};

use crate::now;

/// The authority, the server's identity and one client.
pub struct Door {
    authority: Authority,
    server: Identity,
    client: Issued,
}

impl Door {
    /// Makes all three anew.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "a fuzz target that cannot begin ends"
    )]
    pub fn new() -> Self {
        let authority = Authority::generate("sandbox", now()).expect("an authority");
        let server = authority
            .issue(&IssueParams::new("door", Usage::Server, now()))
            .expect("a certificate");
        let mut params = IssueParams::new("tax", Usage::Client, now());
        params.san_uri = Some("urn:lienthong:sandbox:partner:tax".into());
        let client = authority.issue(&params).expect("a certificate");
        let server = Identity::from_pem(server.chain_pem.as_bytes(), server.key_pem.as_bytes());
        Self {
            authority,
            server: server.expect("an identity"),
            client,
        }
    }

    /// The door with these lists of revoked certificates.
    ///
    /// # Errors
    /// A list cannot be used.
    #[expect(
        clippy::missing_panics_doc,
        reason = "a fuzz target that cannot begin ends"
    )]
    pub fn acceptor(&self, crls: Vec<RevocationList>) -> Result<Acceptor, TlsConfigError> {
        let anchors = Anchors::from_pem(self.authority.root_pem().as_bytes()).expect("anchors");
        Acceptor::new(ServerParams {
            identity: self.server.clone(),
            client_anchors: anchors,
            crls,
            tls12: false,
            handshake_deadline: Duration::from_secs(1),
            alpn: vec![Alpn::H2],
        })
    }

    /// What the client presents.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "a fuzz target that cannot begin ends"
    )]
    pub fn peer(&self) -> PeerCertificate {
        let identity = Identity::from_pem(
            self.client.chain_pem.as_bytes(),
            self.client.key_pem.as_bytes(),
        );
        let identity = identity.expect("an identity");
        let intermediates = identity.chain_der().skip(1).map(<[u8]>::to_vec).collect();
        let leaf = PeerCertificate::from_der(&self.client.der).expect("its own certificate");
        PeerCertificate {
            intermediates,
            ..leaf
        }
    }

    /// A current list, PEM, that names the client.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "a fuzz target that cannot begin ends"
    )]
    pub fn list_with_the_client(&self) -> String {
        let until = now() + jiff::SignedDuration::from_hours(24 * 30);
        let revoked = [self.client.serial.as_slice()];
        let since = now() - jiff::SignedDuration::from_hours(1);
        let list = self.authority.revocation_list(&revoked, since, until);
        list.expect("a list")
    }
}

impl Default for Door {
    fn default() -> Self {
        Self::new()
    }
}
