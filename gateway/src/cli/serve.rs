//! `lienthong serve`: config, logs, start, wait, drain.

use std::process::ExitCode;

use super::{ConfigFile, Ended};
use crate::{
    config::Config,
    gateway::{Gateway, StartError},
    signals, telemetry,
};

pub(super) async fn run(file: ConfigFile) -> Ended {
    let config = Config::load(&file.config).map_err(StartError::Config)?;
    telemetry::init(&config.log)?;
    let gateway = Gateway::start(config).await?;
    signals::stop().await;
    gateway.drain().await;
    Ok(ExitCode::SUCCESS)
}
