//! `lienthong registry`: the embedded registry as a server of its own.

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use clap::Args;
use gateway_core::ports::{Clock, SystemClock};
use tokio::{net::TcpListener, sync::watch};

use super::{ConfigFile, Ended};
use crate::{config::Config, gateway::StartError, registry_server, signals, telemetry, wiring};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Where the contract is served.
    #[arg(long, default_value = "127.0.0.1:7443")]
    listen: SocketAddr,
}

impl Arguments {
    pub(super) async fn run(self) -> Ended {
        let config = Config::load(&self.file.config).map_err(StartError::Config)?;
        telemetry::init(&config.log)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let registry = wiring::open_registry(&config, &clock)?;
        wiring::seed_if_new(&config, &clock, &registry).await?;
        let listener = TcpListener::bind(self.listen).await?;
        let (stop, stops) = watch::channel(false);
        println!("insurance.v1 on {}", listener.local_addr()?);
        let served = tokio::spawn(registry_server::serve(
            listener,
            registry_server::door(&config)?,
            registry,
            stops,
        ));
        signals::stop().await;
        let _ = stop.send(true); // false only where the server has ended already
        served.await?;
        Ok(ExitCode::SUCCESS)
    }
}
