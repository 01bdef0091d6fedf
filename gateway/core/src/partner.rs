//! Who is registered: partners, their certificates, their keys and their agreements, as one snapshot
//! that is swapped whole.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use certs::keys::{Algorithm, VerifyingKey};
use jiff::civil::Date;
use schemas::{
    codes::province_set::ProvinceSet,
    id::{PartnerId, XRoadClient},
    wire::xroad::Spelling,
};

use crate::adapter::Road;
use crate::dci::DciTerms;
use crate::hub::HubTerms;
use crate::keyed::Keyed;
use crate::login::LoginRule;
use crate::trigger::TriggerTerms;

/// Where this gateway stands; part of what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Everything on one machine, synthetic.
    Sandbox,
    /// Partners' test systems, synthetic.
    Test,
    /// The real thing.
    Production,
}

impl Environment {
    /// The word in config and envelopes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Test => "test",
            Self::Production => "production",
        }
    }

    /// Reads the word back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Sandbox, Self::Test, Self::Production]
            .into_iter()
            .find(|environment| environment.as_str() == word)
    }
}

/// How a peer's certificate is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PeerId {
    /// A SAN URI under a registered anchor.
    Uri(String),
    /// A pinned key: SHA-256 of the SubjectPublicKeyInfo.
    Spki([u8; 32]),
}

/// A rate: so many per minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Messages per minute, at least 1.
    pub per_minute: u32,
    /// Messages at once, at least 1.
    pub burst: u32,
}

/// A registered signing key of a sender.
#[derive(Debug)]
pub struct SenderKey {
    /// The name by which messages hint at it.
    pub kid: String,
    /// The one algorithm it is used with.
    pub algorithm: Algorithm,
    /// The key.
    pub key: VerifyingKey,
}

/// What one operation is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Fields that may be disclosed.
    pub fields: BTreeSet<String>,
    /// How often.
    pub quota: Quota,
    /// How many lines one message may have, where the operation has lines.
    pub lines_max: u32,
    /// The provinces that a message of it may be about, where it is about any.
    pub provinces: ProvinceSet,
}

/// An agreement between a partner and VSS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its number.
    pub number: String,
    /// The article it rests on.
    pub legal_basis: String,
    /// Purposes it allows.
    pub purposes: BTreeSet<String>,
    /// Operations it grants, by name.
    pub operations: BTreeMap<String, Grant>,
    /// Roads it allows.
    pub roads: BTreeSet<Road>,
    /// First day.
    pub valid_from: Date,
    /// Last day, where it has one.
    pub valid_to: Option<Date>,
    /// Whether the word of the partner's security server suffices where the body bears no signature.
    pub attested: bool,
}

/// Who carries a partner's messages on a road that has a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// The road.
    pub road: Road,
    /// The registered relay.
    pub relay: PartnerId,
    /// X-Road: the name under which the security server knows the partner.
    pub client: Option<XRoadClient>,
}

/// The access token that a partner's connections must show beside their certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRule {
    /// Who gives the tokens, as they say it.
    pub issuer: String,
    /// Our name for the issuer: one of the token's audiences.
    pub audience: String,
    /// Whose token it must be, where that is said.
    pub subject: Option<String>,
    /// Algorithms that it may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Whether it must be bound to the certificate that shows it (RFC 8705).
    pub is_bound: bool,
    /// Where the issuer's key set is, `https://host:port/path`.
    pub keys: String,
    /// Authorities that the certificate there must lead to, PEM file.
    pub anchors: PathBuf,
    /// Whether that host may have an address of a private network or of this machine.
    pub is_private: bool,
}

/// Our X-Road security server, as we stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityServer {
    /// Our own name there: what is addressed to anybody else is not for us.
    pub us: XRoadClient,
    /// How errors are spelt to it.
    pub errors: Spelling,
}

/// One registered partner or relay.
#[derive(Debug, Clone)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// Its name, for people.
    pub name: String,
    /// False: suspended, nothing in or out.
    pub active: bool,
    /// Operations that an operator has stopped, both ways.
    pub stopped: BTreeSet<String>,
    /// Certificates it may connect with.
    pub peers: Vec<PeerId>,
    /// Who may carry its messages beside itself.
    pub relays: Vec<Relay>,
    /// Keys it signs with.
    pub keys: Vec<Arc<SenderKey>>,
    /// Its agreements.
    pub agreements: Vec<Agreement>,
    /// How far its clock may be off: freshness is judged by this.
    pub window: Duration,
    /// How much its connections may bring to one route before a body is read.
    pub peer_quota: Quota,
    /// The access token that its connections must show, where one is agreed.
    pub token: Option<Arc<TokenRule>>,
    /// Where it is our X-Road security server: who we are there, and how errors are spelt.
    pub security_server: Option<SecurityServer>,
    /// The secret that keyed hashes between us are made with, where there is one.
    pub keyed: Option<Arc<Keyed>>,
    /// How it is known in DCI's words, where it speaks them.
    pub dci: Option<Arc<DciTerms>>,
    /// How its webhooks are proven, where it tells by them.
    pub hub: Option<Arc<HubTerms>>,
    /// How its triggers are proven, where it asks by them.
    pub triggers: Option<Arc<TriggerTerms>>,
    /// Danger: the password by which it gets tokens in the place of signatures. Of no partner that has keys.
    pub login: Option<Arc<LoginRule>>,
}

impl Partner {
    /// The key that a hint names, or the only key where there is no hint.
    #[must_use]
    pub fn key(&self, hint: Option<&str>) -> Option<&SenderKey> {
        match hint {
            Some(kid) => self.keys.iter().find(|key| key.kid == kid).map(Arc::as_ref),
            None if self.keys.len() == 1 => self.keys.first().map(Arc::as_ref),
            None => None,
        }
    }

    /// True where `peer` may bring this partner's messages by `road`.
    #[must_use]
    pub fn may_arrive(&self, peer: &PartnerId, road: Road) -> bool {
        match road {
            Road::Direct => *peer == self.id,
            Road::Ngsp | Road::XRoad => self
                .relays
                .iter()
                .any(|relay| relay.road == road && relay.relay == *peer),
            // outwards only: nothing arrives by it
            Road::Vdxp => false,
        }
    }
}

/// Two registrations claim the same thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is registered twice: {first} and {second}")]
pub struct Clash {
    /// What is claimed twice.
    pub what: &'static str,
    /// One holder.
    pub first: String,
    /// The other.
    pub second: String,
}

/// All registrations, whole and consistent.
#[derive(Debug)]
pub struct Partners {
    environment: Environment,
    us: PartnerId,
    danger_sha1: BTreeSet<PartnerId>,
    by_id: HashMap<PartnerId, Arc<Partner>>,
    by_peer: HashMap<PeerId, Arc<Partner>>,
    by_client: HashMap<(PartnerId, XRoadClient), PartnerId>,
    by_dci: HashMap<String, PartnerId>,
    by_login: HashMap<String, PartnerId>,
}

impl Partners {
    /// Puts registrations together.
    ///
    /// # Errors
    /// An id or a certificate identity that two partners claim.
    pub fn new(environment: Environment, us: PartnerId, all: Vec<Partner>) -> Result<Self, Clash> {
        let mut partners = Self {
            environment,
            us,
            danger_sha1: BTreeSet::new(),
            by_id: HashMap::new(),
            by_peer: HashMap::new(),
            by_client: HashMap::new(),
            by_dci: HashMap::new(),
            by_login: HashMap::new(),
        };
        for partner in all.into_iter().map(Arc::new) {
            partners.add(partner)?;
        }
        Ok(partners)
    }

    fn add(&mut self, partner: Arc<Partner>) -> Result<(), Clash> {
        for peer in &partner.peers {
            if let Some(first) = self.by_peer.insert(peer.clone(), Arc::clone(&partner)) {
                return Err(Clash {
                    what: "a peer identity",
                    first: first.id.as_str().to_owned(),
                    second: partner.id.as_str().to_owned(),
                });
            }
        }
        let id = partner.id.clone();
        if let Some(terms) = &partner.dci {
            let known = self.by_dci.insert(terms.sender_id.clone(), id.clone());
            if let Some(first) = known {
                return Err(Clash {
                    what: "a DCI sender_id",
                    first: first.as_str().to_owned(),
                    second: id.as_str().to_owned(),
                });
            }
        }
        if let Some(login) = &partner.login {
            let known = self.by_login.insert(login.username.clone(), id.clone());
            if let Some(first) = known {
                return Err(Clash {
                    what: "a user name",
                    first: first.as_str().to_owned(),
                    second: id.as_str().to_owned(),
                });
            }
        }
        for relay in &partner.relays {
            let Some(client) = &relay.client else {
                continue;
            };
            let name = (relay.relay.clone(), client.clone());
            if let Some(first) = self.by_client.insert(name, id.clone()) {
                return Err(Clash {
                    what: "an X-Road client",
                    first: first.as_str().to_owned(),
                    second: id.as_str().to_owned(),
                });
            }
        }
        match self.by_id.insert(id.clone(), partner) {
            Some(_) => Err(Clash {
                what: "a partner id",
                first: id.as_str().to_owned(),
                second: id.as_str().to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The same under the orders of operators: these suspended, nothing in or out, and these operations of
    /// these stopped.
    #[must_use]
    pub fn under(
        &self,
        suspended: &BTreeSet<PartnerId>,
        stopped: &BTreeMap<PartnerId, BTreeSet<String>>,
    ) -> Self {
        let with = |partner: &Arc<Partner>| {
            let stops = stopped.get(&partner.id);
            match (suspended.contains(&partner.id), stops) {
                (false, None) => Arc::clone(partner),
                (suspended, stops) => Arc::new(Partner {
                    active: partner.active && !suspended,
                    stopped: stops.cloned().unwrap_or_default(),
                    ..Partner::clone(partner)
                }),
            }
        };
        self.each(with)
    }

    /// The same without the signing keys whose certificate (DER) was taken back.
    #[must_use]
    pub fn without_keys(&self, is_revoked: impl Fn(&[u8]) -> bool) -> Self {
        let stays = |key: &Arc<SenderKey>| !key.key.certificate_der().is_some_and(&is_revoked);
        let with = |partner: &Arc<Partner>| match partner.keys.iter().all(stays) {
            true => Arc::clone(partner),
            false => Arc::new(Partner {
                keys: partner
                    .keys
                    .iter()
                    .filter(|key| stays(key))
                    .cloned()
                    .collect(),
                ..Partner::clone(partner)
            }),
        };
        self.each(with)
    }

    /// The same with something else in the place of each partner.
    fn each(&self, with: impl Fn(&Arc<Partner>) -> Arc<Partner>) -> Self {
        let by_id = self.by_id.iter();
        let by_peer = self.by_peer.iter();
        Self {
            environment: self.environment,
            us: self.us.clone(),
            danger_sha1: self.danger_sha1.clone(),
            by_id: by_id.map(|(id, one)| (id.clone(), with(one))).collect(),
            by_peer: by_peer.map(|(id, one)| (id.clone(), with(one))).collect(),
            by_client: self.by_client.clone(),
            by_dci: self.by_dci.clone(),
            by_login: self.by_login.clone(),
        }
    }

    /// The same with XML signatures by RSA with SHA-1 accepted from these, whose tokens are old.
    #[must_use]
    pub fn danger_accepting_sha1_of(self, named: BTreeSet<PartnerId>) -> Self {
        Self {
            danger_sha1: named,
            ..self
        }
    }

    /// Whether danger accepts SHA-1 in XML signatures of this partner.
    #[must_use]
    pub fn danger_accepts_sha1_of(&self, partner: &PartnerId) -> bool {
        self.danger_sha1.contains(partner)
    }

    /// Where this gateway stands.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Our own id as receiver and sender.
    #[must_use]
    pub fn us(&self) -> &PartnerId {
        &self.us
    }

    /// The registration of this id.
    #[must_use]
    pub fn get(&self, id: &PartnerId) -> Option<&Arc<Partner>> {
        self.by_id.get(id)
    }

    /// The registration that a certificate identity belongs to.
    #[must_use]
    pub fn peer(&self, peer: &PeerId) -> Option<&Arc<Partner>> {
        self.by_peer.get(peer)
    }

    /// The partner that this security server knows as `client`.
    #[must_use]
    pub fn by_client(&self, server: &PartnerId, client: &XRoadClient) -> Option<&PartnerId> {
        self.by_client.get(&(server.clone(), client.clone()))
    }

    /// The partner that calls itself this in DCI's words, and what is agreed with it.
    #[must_use]
    pub fn by_dci(&self, sender_id: &str) -> Option<(&PartnerId, &Arc<DciTerms>)> {
        let partner = self.get(self.by_dci.get(sender_id)?)?;
        Some((&partner.id, partner.dci.as_ref()?))
    }

    /// The partner whose login has this user name.
    #[must_use]
    pub fn by_login(&self, username: &str) -> Option<&Arc<Partner>> {
        self.get(self.by_login.get(username)?)
    }

    /// Whether danger allows anybody a login.
    #[must_use]
    pub fn have_logins(&self) -> bool {
        !self.by_login.is_empty()
    }

    /// What is registered of this peer, where it is a security server of ours.
    #[must_use]
    pub fn security_server(&self, peer: &PartnerId) -> Option<&SecurityServer> {
        self.get(peer)?.security_server.as_ref()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.by_id.values()
    }
}
