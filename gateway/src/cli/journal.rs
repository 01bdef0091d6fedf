//! `lienthong journal verify`: walks every chain.

use std::process::ExitCode;

use certs::seal::Vault;
use clap::Subcommand;

use super::{ConfigFile, Ended};
use crate::{
    config::{self, Config},
    gateway::StartError,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Finds the first record that is not what was written; works while the gateway runs.
    Verify(ConfigFile),
}

impl Command {
    pub(super) fn run(self) -> Ended {
        match self {
            Self::Verify(file) => verify(&file),
        }
    }
}

fn verify(file: &ConfigFile) -> Ended {
    let config = Config::load(&file.config).map_err(StartError::Config)?;
    let vault = Vault::open_file(&config.store.seal_key)?;
    let engine = config::store_engine(&config).map_err(|(_, what, _)| what)?;
    match gateway_store::verify_all(&engine, &vault) {
        Ok(chains) => {
            for good in chains {
                println!(
                    "{} records of writer {} hold; head {}",
                    good.records,
                    good.writer,
                    hex::encode(good.head)
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(broken) => {
            println!("broken: {broken}");
            Ok(ExitCode::FAILURE)
        }
    }
}
