//! Who runs the rules: the agencies found in a folder, each with a memory that only the rules use.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use certs::tls;

use super::Stop;
use crate::client::Client;
use crate::crvs::{self, Crvs};
use crate::dvclt::Registry;
use crate::hospital::{self, Hospital};
use crate::identity::{Identity, Target};
use crate::portal::Portal;
use crate::security_server::{self, SecurityServer};
use crate::tax::Department;

/// Everything that a rule may use.
#[derive(Debug)]
pub struct Context {
    target: Target,
    tax: Option<Department>,
    dvclt: Option<Registry>,
    hospital: Option<Hospital>,
    crvs: Option<Crvs>,
    portal: Option<Arc<Portal>>,
    server: Option<SecurityServer>,
    anchors: tls::Anchors,
    folder: PathBuf,
}

impl Context {
    /// Opens `folder`: one agency's, or one that holds the agencies' folders.
    ///
    /// `target` replaces the gateway that the identities name; identities of production are refused.
    pub fn open(folder: &Path, target: Option<Target>) -> Result<Self, crate::call::Trouble> {
        let mut context: Option<Self> = None;
        let alone = folder.join("identity.toml").exists();
        let folders = match alone {
            true => vec![folder.to_owned()],
            false => [
                "tax",
                "dvclt",
                "portal",
                hospital::PARTNER,
                crvs::PARTNER,
                security_server::PARTNER,
            ]
            .map(|name| folder.join(name))
            .to_vec(),
        };
        for agency in folders
            .iter()
            .filter(|agency| agency.join("identity.toml").exists())
        {
            let identity = Identity::load(agency)?;
            if identity.environment == "production" {
                let why = "the rules send hostile messages; production is not the place";
                return Err(crate::call::Trouble::Params(why.to_owned()));
            }
            let target = target.clone().unwrap_or_else(|| identity.gateway.clone());
            let partner = identity.partner.to_string();
            let context = context.get_or_insert_with(|| Self {
                target: target.clone(),
                tax: None,
                dvclt: None,
                hospital: None,
                crvs: None,
                portal: None,
                server: None,
                anchors: identity.anchors.clone(),
                folder: folder.to_owned(),
            });
            match partner.as_str() {
                "tax" => {
                    context.tax = Some(Department::open_beside(agency, Some(&target), MEMORY)?)
                }
                "dvclt" => {
                    context.dvclt = Some(Registry::open_beside(agency, Some(&target), MEMORY)?)
                }
                "portal" => {
                    context.portal = Some(Portal::open_beside(agency, Some(&target), MEMORY)?)
                }
                hospital::PARTNER => {
                    context.hospital = Some(Hospital::open_beside(agency, Some(&target), MEMORY)?)
                }
                crvs::PARTNER => {
                    context.crvs = Some(Crvs::open_beside(agency, Some(&target), MEMORY)?)
                }
                security_server::PARTNER => {
                    context.server = Some(SecurityServer::open(agency, Some(&target))?)
                }
                _ => {}
            }
        }
        let none = || format!("{} holds no agency with an identity.toml", folder.display());
        context.ok_or_else(|| crate::call::Trouble::Params(none()))
    }

    /// The gateway under test.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The tax department.
    pub fn tax(&self) -> Result<&Department, Stop> {
        self.tax.as_ref().ok_or_else(|| absent("tax"))
    }

    /// The civil registry.
    pub fn dvclt(&self) -> Result<&Registry, Stop> {
        self.dvclt.as_ref().ok_or_else(|| absent("dvclt"))
    }

    /// The portal.
    pub fn portal(&self) -> Result<&Arc<Portal>, Stop> {
        self.portal.as_ref().ok_or_else(|| absent("portal"))
    }

    /// The hospital.
    pub fn hospital(&self) -> Result<&Hospital, Stop> {
        self.hospital
            .as_ref()
            .ok_or_else(|| absent(hospital::PARTNER))
    }

    /// The civil registry that speaks DCI.
    pub fn crvs(&self) -> Result<&Crvs, Stop> {
        self.crvs.as_ref().ok_or_else(|| absent(crvs::PARTNER))
    }

    /// The X-Road security server.
    pub fn server(&self) -> Result<&SecurityServer, Stop> {
        self.server
            .as_ref()
            .ok_or_else(|| absent(security_server::PARTNER))
    }

    /// A client of the gateway that shows this certificate, or none.
    pub fn client(&self, identity: Option<&tls::Identity>) -> Result<Client, Stop> {
        Ok(Client::new(&self.target, &self.anchors, identity)?)
    }

    /// A certificate that must be refused: `hostile/NAME.pem` and `.key` in the folder or beside it.
    pub fn hostile(&self, name: &str) -> Result<tls::Identity, Stop> {
        let places = [self.folder.join("hostile"), self.folder.join("../hostile")];
        let file = |place: &PathBuf, end: &str| place.join(format!("{name}.{end}"));
        let place = places
            .iter()
            .find(|place| file(place, "pem").exists() && file(place, "key").exists())
            .ok_or_else(|| Stop::NotRun(format!("hostile/{name}.pem and .key are absent")))?;
        tls::Identity::from_files(&file(place, "pem"), &file(place, "key"))
            .map_err(|error| Stop::NotRun(format!("hostile/{name}.pem: {error}")))
    }
}

fn absent(partner: &str) -> Stop {
    Stop::NotRun(format!("no identity of {partner}"))
}

const MEMORY: &str = "conformance.json";
