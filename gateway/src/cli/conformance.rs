//! `lienthong conformance`: the black-box rules, against any gateway.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use conformance::runner::{self, RunParams};

use super::Ended;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The gateway, https://HOST:PORT; by default the one that the identities name.
    #[arg(long)]
    target: Option<String>,
    /// One agency's folder, or the folder that holds them.
    #[arg(long, default_value = "var/sandbox/agencies")]
    identity: PathBuf,
    /// Where to write a JUnit report.
    #[arg(long)]
    junit: Option<PathBuf>,
    /// Runs only rules whose id begins with one of these.
    #[arg(long)]
    only: Vec<String>,
}

impl Arguments {
    pub(super) async fn run(self) -> Ended {
        let junit = self.junit.clone();
        let report = runner::run(RunParams {
            target: self.target,
            identity: self.identity,
            junit: self.junit,
            only: self.only,
        })
        .await?;
        print!("{}", report.table());
        if let Some(file) = junit {
            // a partner's file names it by this digest when it goes into production
            let digest = certs::digest::sha256_hex(&std::fs::read(&file)?);
            println!("{}: sha256 {digest}", file.display());
        }
        Ok(ExitCode::from(report.exit_code()))
    }
}
