//! `lienthong sandbox`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::Ended;
use crate::{
    config::{Log, LogFormat},
    sandbox, telemetry,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder; starting again in it goes on with what is there.
    #[arg(long, default_value = "var/sandbox")]
    dir: PathBuf,
    /// Port of the gateway; 0 takes any free one.
    #[arg(long, default_value_t = 8443)]
    port: u16,
    /// Port of the operators' listener; 0 takes any free one.
    #[arg(long, default_value_t = 9443)]
    admin_port: u16,
    /// Synthetic people in a new registry.
    #[arg(long, default_value_t = 10_000)]
    people: u32,
    /// Leaves after the flows: 0 where all succeeded.
    #[arg(long)]
    once: bool,
    /// One JSON line per flow instead of the table.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(super) async fn run(self) -> Ended {
        telemetry::init(&Log {
            format: LogFormat::Human,
            level: "warn".to_owned(),
        })?;
        // a port that was not asked for by name must not keep a second sandbox from starting once
        let admin_port = if self.port == 0 { 0 } else { self.admin_port };
        let options = sandbox::Options {
            dir: self.dir,
            port: self.port,
            admin_port,
            people: self.people,
            once: self.once,
            json: self.json,
        };
        let all_succeeded = sandbox::run(options).await?;
        Ok(if all_succeeded {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}
