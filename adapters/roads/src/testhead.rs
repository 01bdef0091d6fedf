//! Request heads for tests: a peer recognised by a certificate that only a test could have made.

use gateway_core::{
    Evidence, Head, Peer,
    partner::{Environment, Partner, Partners, PeerId, Quota},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use schemas::id::PartnerId;

/// A head that came from the registered partner `peer`.
pub(crate) fn head(peer: &str, headers: &[(HeaderName, &str)]) -> Head {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, HeaderValue::from_str(value).unwrap());
    }
    Head {
        method: Method::POST,
        path: "/".into(),
        headers: map,
        peer: recognised(peer),
        evidence: Evidence::fresh(),
        arrived_at: Timestamp::UNIX_EPOCH,
        deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(5),
        passing: gateway_core::head::Passing::default(),
    }
}

fn recognised(peer: &str) -> Peer {
    let us = PartnerId::parse("vss").unwrap();
    let partners = Partners::new(Environment::Sandbox, us, vec![partner(peer)]).unwrap();
    let certificate = certs::tls::PeerCertificate {
        der: Vec::new(),
        intermediates: Vec::new(),
        spki_sha256: [7; 32],
        sha256: [8; 32],
        san_uris: Vec::new(),
        not_after: Timestamp::MAX,
        serial_hex: "01".into(),
    };
    Peer::recognise(&partners, &certificate).unwrap()
}

fn partner(id: &str) -> Partner {
    Partner {
        id: PartnerId::parse(id).unwrap(),
        name: id.into(),
        active: true,
        stopped: std::collections::BTreeSet::new(),
        peers: vec![PeerId::Spki([7; 32])],
        relays: Vec::new(),
        keys: Vec::new(),
        agreements: Vec::new(),
        window: std::time::Duration::from_secs(300),
        peer_quota: Quota {
            per_minute: 1,
            burst: 1,
        },
        token: None,
        security_server: None,
        keyed: None,
        login: None,
        dci: None,
        hub: None,
        triggers: None,
    }
}

/// A fresh P-256 signing key.
pub(crate) fn signing_key() -> certs::keys::SigningKey {
    use certs::pki::{Authority, IssueParams, Usage};
    let now = Timestamp::from_second(1_795_000_000).unwrap();
    let issued = Authority::generate("sandbox", now)
        .unwrap()
        .issue(&IssueParams::new("tax", Usage::Signing, now))
        .unwrap();
    certs::keys::SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap()
}
