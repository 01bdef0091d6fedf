//! Keys, certificates and registrations, made once: they take no part in what is random.

use std::{collections::BTreeMap, sync::OnceLock, time::Duration};

use certs::{
    keys::{Algorithm, SigningKey, VerifyingKey},
    pki::{Authority, IssueParams, Issued, Usage},
    tls::PeerCertificate,
};
use gateway_core::{
    Peer, Road,
    partner::{Agreement, Environment, Grant, Partner, Partners, PeerId, Quota, SenderKey},
    sign::Signer,
};
use jiff::civil::date;
use schemas::id::PartnerId;

use super::world::BEGIN;

/// What was made.
pub(super) struct Kit {
    ours: Issued,
    portal: Issued,
    connects: Issued,
}

/// The one of this process.
pub(super) fn kit() -> &'static Kit {
    static KIT: OnceLock<Kit> = OnceLock::new();
    KIT.get_or_init(|| {
        let authority = Authority::generate("sandbox", BEGIN).unwrap();
        let issue = |name: &str, usage| {
            let params = IssueParams {
                san_uri: Some(URI.to_owned()),
                ..IssueParams::new(name, usage, BEGIN)
            };
            authority.issue(&params).unwrap()
        };
        Kit {
            ours: issue("vss", Usage::Signing),
            portal: issue("portal", Usage::Signing),
            connects: issue("portal", Usage::Client),
        }
    })
}

impl Kit {
    /// Our signature.
    pub(super) fn signer(&self) -> Signer {
        let us = PartnerId::parse("vss").unwrap();
        let key = key(&self.ours);
        let environment = Environment::Sandbox;
        Signer::new(key, "vss-1".to_owned(), None, us, environment)
    }

    /// The sender's key.
    pub(super) fn pen(&self) -> SigningKey {
        key(&self.portal)
    }

    /// The sender's end of a connection.
    pub(super) fn peer(&self, partners: &Partners) -> Peer {
        let certificate = PeerCertificate::from_der(&self.connects.der).unwrap();
        Peer::recognise(partners, &certificate).unwrap()
    }

    /// The registrations.
    pub(super) fn partners(&self) -> Partners {
        let verifying = VerifyingKey::from_certificate_pem(self.portal.chain_pem.as_bytes());
        let sender = SenderKey {
            kid: "portal-1".to_owned(),
            algorithm: Algorithm::Es256,
            key: verifying.unwrap(),
        };
        let portal = Partner {
            id: portal(),
            name: "Portal".to_owned(),
            active: true,
            stopped: std::collections::BTreeSet::new(),
            peers: vec![PeerId::Uri(URI.to_owned())],
            relays: Vec::new(),
            keys: vec![sender.into()],
            agreements: vec![agreement()],
            window: Duration::from_secs(3_600),
            peer_quota: PLENTY,
            token: None,
            security_server: None,
            keyed: None,
            login: None,
            dci: None,
            hub: None,
            triggers: None,
        };
        let us = PartnerId::parse("vss").unwrap();
        Partners::new(Environment::Sandbox, us, vec![portal]).unwrap()
    }
}

fn key(issued: &Issued) -> SigningKey {
    SigningKey::from_pem(issued.key_pem.as_bytes(), Some(Algorithm::Es256)).unwrap()
}

fn agreement() -> Agreement {
    let grant = Grant {
        fields: [].into(),
        quota: PLENTY,
        lines_max: 1_000,
        provinces: schemas::codes::province_set::ProvinceSet::COUNTRY,
    };
    let operations = [
        &portal::SUBMIT,
        &portal::outbound::SYNC,
        &portal::outbound::PROGRESS,
    ];
    let operations: BTreeMap<_, _> = operations
        .into_iter()
        .map(|operation| (operation.name.to_owned(), grant.clone()))
        .collect();
    Agreement {
        number: "1".to_owned(),
        legal_basis: "a decree".to_owned(),
        purposes: [portal::PURPOSE.to_owned()].into(),
        operations,
        roads: [Road::Direct, Road::Vdxp].into(),
        valid_from: date(2026, 1, 1),
        valid_to: None,
        attested: false,
    }
}

/// The partner.
pub(super) fn portal() -> PartnerId {
    PartnerId::parse("portal").unwrap()
}

/// Limits count by the machine's own clock: here they must never bind.
pub(super) const PLENTY: Quota = Quota {
    per_minute: 60_000_000,
    burst: 1_000_000,
};
const URI: &str = "urn:lienthong:sandbox:partner:portal";
