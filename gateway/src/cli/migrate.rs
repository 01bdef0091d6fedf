//! `lienthong migrate`: the schemas of the databases, made and changed by a person, not by a gateway that starts.

use std::{process::ExitCode, sync::Arc};

use clap::Args;
use gateway_core::ports::{Clock, SystemClock};
use gateway_store::{Step, schema};
use indicatif::{ProgressBar, ProgressStyle};
use insurance::{registry, seed};

use super::{ConfigFile, Ended};
use crate::{
    config::{self, Config},
    gateway::StartError,
    wiring,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// The insurance registry that `[insurance]` names.
    #[arg(long, required_unless_present = "store")]
    registry: bool,
    /// The gateway's own store that `[store]` names; a gateway that starts brings it up by itself.
    #[arg(long)]
    store: bool,
    /// Only tell how the store's schema stands to this build.
    #[arg(long, requires = "store", conflicts_with_all = ["to", "registry"])]
    status: bool,
    /// To this version instead of the newest; down only while nobody is in it.
    #[arg(long)]
    to: Option<i64>,
    /// Synthetic people to seed into the empty registry; never in production.
    #[arg(long, default_value_t = 0, conflicts_with = "to", value_parser = clap::value_parser!(u32).range(0..=20_000_000))]
    people: u32,
    /// Which people; the same number makes the same people for the same day.
    #[arg(long)]
    seed: Option<u64>,
}

impl Arguments {
    pub(super) fn run(self) -> Ended {
        let config = Config::load(&self.file.config).map_err(StartError::Config)?;
        if self.registry {
            registry::migrate(&wiring::registry_place(&config)?, self.to)?;
            println!("the registry's schema is up to date");
        }
        if self.store {
            self.store(&config)?;
        }
        if self.people > 0 {
            self.seed(&config)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn store(&self, config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let engine = config::store_engine(config).map_err(|(_, what, _)| what)?;
        let found = schema(&engine, Step::Status)?;
        let to = self.to.map(u32::try_from).transpose()?;
        let stands = match to {
            _ if self.status => found,
            Some(to) if to < found.version => schema(&engine, Step::Down(to))?,
            to => schema(&engine, Step::Up(to))?,
        };
        println!(
            "the store's schema has version {}; this build knows {}; builds from {} on work with it",
            stands.version, stands.known, stands.compatible_from
        );
        Ok(())
    }

    fn seed(&self, config: &Config) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let registry = wiring::open_registry(config, &clock)?;
        let params = seed::SeedParams {
            people: self.people as usize,
            employers: (self.people as usize / 100).clamp(10, 10_000),
            seed: self.seed.unwrap_or(config.insurance.seed),
            as_of: gateway_core::stage::today(clock.now()),
        };
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("seeding {bar:30} {pos}/{len} {elapsed}") {
            bar.set_style(style);
        }
        seed::run(&registry, params, &mut |done, total| {
            bar.set_length(total);
            bar.set_position(done);
        })?;
        bar.finish_and_clear();
        println!("{} synthetic people in {:.1?}", self.people, bar.elapsed());
        Ok(())
    }
}
