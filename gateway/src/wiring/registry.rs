//! What stands behind the insurance contract: a registry in this process, in a file or on PostgreSQL, or one elsewhere.

use std::sync::Arc;

use certs::tls::Alpn;
use gateway_core::{ports::Clock, stage::today};
use insurance::{
    Insurance,
    client::{Limits as InsuranceLimits, RemoteParams},
    registry::{Params, Place, Population as People, Registry},
};
use schemas::proto::insurance::InfoRequest;

use super::caller::Caller;
use crate::{
    config::{Config, InsuranceMode, registry_address},
    gateway::StartError,
    revocation::Keeper,
};

/// What stands behind the insurance contract.
#[derive(Clone)]
pub struct Contract {
    /// The contract's client.
    pub client: Insurance,
    /// The registry, where this process runs it: in a file or on PostgreSQL.
    pub registry: Option<Registry>,
    /// The connection to it, where it is remote.
    pub(crate) caller: Option<Caller>,
}

impl Contract {
    pub(crate) async fn open(
        config: &Config,
        clock: &Arc<dyn Clock>,
        keeper: &Keeper,
    ) -> Result<Self, StartError> {
        match config.insurance.mode {
            InsuranceMode::Embedded | InsuranceMode::Postgres => {
                Self::embedded(config, clock).await
            }
            InsuranceMode::Remote => Self::remote(config, keeper),
        }
    }

    async fn embedded(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, StartError> {
        let registry = open_registry(config, clock)?;
        seed_if_new(config, clock, &registry).await?;
        let limits = InsuranceLimits {
            calls_max: config.insurance.calls,
            ..InsuranceLimits::default()
        };
        Ok(Self {
            client: Insurance::embedded_with(registry.clone(), limits),
            registry: Some(registry),
            caller: None,
        })
    }

    fn remote(config: &Config, keeper: &Keeper) -> Result<Self, StartError> {
        let no = |why: &str| StartError::Insurance(why.to_owned());
        let uri = config
            .insurance
            .uri
            .as_deref()
            .ok_or_else(|| no("uri is missing"))?;
        let anchors = config
            .insurance
            .anchors
            .clone()
            .ok_or_else(|| no("anchors are missing"))?;
        let caller = Caller::new(config, &anchors, vec![Alpn::H2], keeper)?;
        let uri = uri
            .parse()
            .map_err(|_| no("uri is not https://host:port"))?;
        let mut params = RemoteParams::new(uri, caller.connector.clone());
        params.limits.calls_max = config.insurance.calls;
        let client = Insurance::remote(params).map_err(|error| no(&error.to_string()))?;
        Ok(Self {
            client,
            registry: None,
            caller: Some(caller),
        })
    }
}

/// Where the registry of this process is kept.
///
/// # Errors
/// Where the config names no file or database, or has the registry elsewhere.
pub fn registry_place(config: &Config) -> Result<Place, StartError> {
    let no = |why: String| StartError::Insurance(why);
    match config.insurance.mode {
        // `lienthong registry` serves the file of a config whose gateway finds it remote
        InsuranceMode::Embedded | InsuranceMode::Remote => config
            .insurance
            .path
            .clone()
            .map(Place::File)
            .ok_or_else(|| no("path is missing".to_owned())),
        InsuranceMode::Postgres => registry_address(&config.insurance)
            .map(Place::Server)
            .map_err(|(_, what, cure)| no(format!("{what}: {cure}"))),
    }
}

/// Opens the registry that the config names, in a file or on PostgreSQL.
///
/// # Errors
/// Where it is missing from the config or cannot be opened.
pub fn open_registry(config: &Config, clock: &Arc<dyn Clock>) -> Result<Registry, StartError> {
    let no = |why: String| StartError::Insurance(why);
    let params = Params::synthetic_in(registry_place(config)?);
    let readers = match params.place {
        Place::File(_) => params.readers,
        Place::Server(_) => config.insurance.pool,
    };
    let production = config.environment == gateway_core::partner::Environment::Production;
    let params = Params {
        population: if production {
            People::Real
        } else {
            People::Synthetic
        },
        organ_id: schemas::id::OrganId::parse(&config.insurance.organ_id)
            .map_err(|error| no(format!("organ_id: {error}")))?,
        readers,
        marks: config.insurance.marks.clone(),
        ..params
    };
    let clock = Arc::clone(clock);
    Registry::open(params, Arc::new(move || clock.now())).map_err(|error| no(error.to_string()))
}

/// Seeds a registry that has nobody in it, where the config asks for people.
///
/// # Errors
/// Where the registry fails.
pub async fn seed_if_new(
    config: &Config,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
) -> Result<(), StartError> {
    seed_with(config, clock, registry, |_, _| {}).await
}

/// The same, telling how far it is: (done, total).
///
/// # Errors
/// Where the registry fails.
pub async fn seed_with(
    config: &Config,
    clock: &Arc<dyn Clock>,
    registry: &Registry,
    mut progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<(), StartError> {
    let no = |why: String| StartError::Insurance(why);
    let people = config.insurance.people;
    let info = registry
        .info(InfoRequest {})
        .await
        .map_err(|error| no(error.to_string()))?;
    if people == 0 || info.people > 0 {
        return Ok(());
    }
    let params = insurance::seed::SeedParams {
        people: people as usize,
        employers: (people as usize / 100).clamp(10, 10_000),
        seed: config.insurance.seed,
        as_of: today(clock.now()),
    };
    let registry = registry.clone();
    let seeded =
        tokio::task::spawn_blocking(move || insurance::seed::run(&registry, params, &mut progress));
    match seeded.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no(error.to_string())),
        Err(error) => Err(no(error.to_string())),
    }
}
