//! The sandbox's folder: where each file is, and the identities that are made for it.
//!
//! What is there is kept: starting twice in the same folder continues with the same keys, people and
//! journal.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use certs::pki::{self, Authority, IssueParams, KeyChoice, Usage};
use jiff::{SignedDuration, Timestamp};

/// The environment's word in every name.
pub const ENVIRONMENT: &str = "sandbox";
/// The agencies that have a simulator.
pub const AGENCIES: [&str; 5] = ["tax", "dvclt", "portal", HOSPITAL, CRVS];
/// The simulated hospital: the partner of the facility 01001.
pub const HOSPITAL: &str = conformance::hospital::PARTNER;
/// The simulated civil registry that speaks DCI.
pub const CRVS: &str = conformance::crvs::PARTNER;
/// A registered relay without messages of its own: the national integration platform.
pub const RELAY: &str = "ngsp";
/// The X-Road security server beside the gateway.
pub const SECURITY_SERVER: &str = conformance::security_server::PARTNER;
/// The payment platform; registered by whoever plays with payments.
pub const PAYMENT_PLATFORM: &str = conformance::payment::PARTNER;
/// The national population database; registered by whoever plays with it.
pub const POPULATION: &str = conformance::population::PARTNER;

/// Why the folder could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// A key or certificate could not be made.
    #[error(transparent)]
    Pki(#[from] pki::PkiError),
    /// A file could not be written.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
}

/// The folder and the names in it.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// A sandbox in this folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The development authority's folder.
    #[must_use]
    pub fn pki(&self) -> PathBuf {
        self.root.join("pki")
    }

    /// A file of the gateway's.
    #[must_use]
    pub fn gateway(&self, name: &str) -> PathBuf {
        self.root.join("gateway").join(name)
    }

    /// The gateway's config.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.gateway("gateway.toml")
    }

    /// All agencies' folders lie in here.
    #[must_use]
    pub fn agencies(&self) -> PathBuf {
        self.root.join("agencies")
    }

    /// One agency's folder.
    #[must_use]
    pub fn agency(&self, partner: &str) -> PathBuf {
        self.agencies().join(partner)
    }

    /// Certificates that must be refused, for the conformance rules.
    #[must_use]
    pub fn hostile(&self) -> PathBuf {
        self.agencies().join("hostile")
    }

    /// Makes the authority and every identity that is not there yet.
    ///
    /// # Errors
    /// Where a key cannot be made or a file cannot be written.
    pub fn make(&self, now: Timestamp, sign_with: KeyChoice) -> Result<(), LayoutError> {
        let authority = Authority::open_or_create(&self.pki(), ENVIRONMENT, now)?;
        self.make_gateway(&authority, now, sign_with)?;
        for partner in AGENCIES {
            self.make_agency(&authority, partner, now, sign_with)?;
        }
        for carrier in [RELAY, SECURITY_SERVER, PAYMENT_PLATFORM, POPULATION] {
            self.make_agency(&authority, carrier, now, sign_with)?;
        }
        self.make_hostile(&authority, now)
    }

    fn make_gateway(
        &self,
        authority: &Authority,
        now: Timestamp,
        sign_with: KeyChoice,
    ) -> Result<(), LayoutError> {
        let tls = IssueParams {
            san_uri: Some(format!("urn:lienthong:{ENVIRONMENT}:gateway:vss")),
            dns: vec!["localhost".to_owned()],
            ips: vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
            ..IssueParams::new("vss gateway", Usage::Both, now)
        };
        let sign = IssueParams {
            key: sign_with,
            ..IssueParams::new("vss signing", Usage::Signing, now)
        };
        let file = |name| self.gateway(name);
        pki::read_or_issue(authority, &file("tls.pem"), &file("tls.key"), &tls)?;
        pki::read_or_issue(authority, &file("sign.pem"), &file("sign.key"), &sign)?;
        self.public("gateway/ca.pem", authority.root_pem())
    }

    fn make_agency(
        &self,
        authority: &Authority,
        partner: &str,
        now: Timestamp,
        sign_with: KeyChoice,
    ) -> Result<(), LayoutError> {
        let folder = self.agency(partner);
        let tls = IssueParams {
            san_uri: Some(format!("urn:lienthong:{ENVIRONMENT}:partner:{partner}")),
            dns: vec!["localhost".to_owned()],
            ..IssueParams::new(&format!("{partner} tls"), Usage::Both, now)
        };
        let sign = IssueParams {
            key: sign_with,
            ..IssueParams::new(&format!("{partner} signing"), Usage::Signing, now)
        };
        let file = |name: &str| folder.join(name);
        pki::read_or_issue(authority, &file("tls.pem"), &file("tls.key"), &tls)?;
        pki::read_or_issue(authority, &file("sign.pem"), &file("sign.key"), &sign)?;
        let ours = self.gateway("sign.pem");
        let ours = fs::read_to_string(&ours).map_err(|error| LayoutError::File(ours, error))?;
        self.public(&format!("agencies/{partner}/gateway-sign.pem"), &ours)?;
        self.public(&format!("agencies/{partner}/ca.pem"), authority.root_pem())
    }

    /// Certificates that must be refused: expired, not yet valid, wrong use, a stranger of ours, and
    /// one of another authority.
    fn make_hostile(&self, authority: &Authority, now: Timestamp) -> Result<(), LayoutError> {
        let day = SignedDuration::from_hours(24);
        let of_tax = |usage| IssueParams {
            san_uri: Some(format!("urn:lienthong:{ENVIRONMENT}:partner:tax")),
            ..IssueParams::new("hostile", usage, now)
        };
        let expired = IssueParams {
            not_before: now - day * 3,
            not_after: now - day,
            ..of_tax(Usage::Client)
        };
        let early = IssueParams {
            not_before: now + day,
            ..of_tax(Usage::Client)
        };
        let stranger = IssueParams {
            san_uri: Some(format!("urn:lienthong:{ENVIRONMENT}:partner:nobody")),
            ..of_tax(Usage::Client)
        };
        let other = Authority::generate("elsewhere", now)?;
        let cases = [
            ("expired", authority, expired),
            ("not-yet-valid", authority, early),
            ("wrong-usage", authority, of_tax(Usage::Server)),
            ("stranger", authority, stranger),
            ("unknown-ca", &other, of_tax(Usage::Client)),
        ];
        for (name, authority, params) in cases {
            let file = |end: &str| self.hostile().join(format!("{name}.{end}"));
            pki::read_or_issue(authority, &file("pem"), &file("key"), &params)?;
        }
        Ok(())
    }

    fn public(&self, name: &str, text: &str) -> Result<(), LayoutError> {
        Ok(pki::write_public(&self.root.join(name), text)?)
    }
}
