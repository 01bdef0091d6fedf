//! `lienthong bench`: the real stack over real mutual TLS, closed loop, and beside it the primitives that
//! it cannot avoid, measured in the same run.
//!
//! The gateway is a child process of its own, so that its CPU and memory are counted apart from the
//! clients that sign. The figures belong into a table, never into a test.

mod births;
mod clients;
mod dossiers;
mod load;
mod primitives;
mod reconcile;
mod report;
mod scene;
mod server;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use primitives::Primitives;
use report::Report;
use scene::{Ask, PING_SECONDS, Scene};
use server::Server;

/// What to measure.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Options {
    #[command(subcommand)]
    what: Option<What>,
    /// How long the clients run, seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Clients, each with one connection and one message in flight.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// Ends with one JSON line.
    #[arg(long)]
    json: bool,
    /// Kind of all signing keys.
    #[arg(long, value_enum, default_value_t = Key::P256)]
    key: Key,
    /// Synthetic people in the registry.
    #[arg(long, default_value_t = 10_000)]
    people: u32,
    /// The folder; one sandbox is made in it per kind of key.
    #[arg(long, default_value = "var/bench")]
    dir: PathBuf,
}

/// What else than messages.
#[derive(Debug, Clone, Subcommand)]
enum What {
    /// A country's month, both sides against each other: linear cost, memory, nothing missing and nothing extra.
    TaxReconcile(reconcile::Options),
    /// Births end to end: how many a second, how soon at half of that, and a backlog beside the tax department's work.
    Births(births::Options),
    /// Dossiers taken in, with and without a file; their status changes to the outbox; memory while many files come.
    Dossiers(dossiers::Options),
}

/// Kind of signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Key {
    /// ECDSA on P-256.
    P256,
    /// RSA of 2,048 bits.
    Rsa2048,
}

/// Measures and prints.
///
/// # Errors
/// Where the scene cannot be made, the gateway does not start, or a message is refused.
pub async fn run(options: Options) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    match &options.what {
        Some(What::TaxReconcile(options)) => return reconcile::run(options),
        Some(What::Births(options)) => return births::run(options).await,
        Some(What::Dossiers(options)) => return dossiers::run(options).await,
        None => {}
    }
    let scene = Scene::make(&options).await?;
    let server = Server::start(&scene).await?;
    let idle = server.memory()?;
    clients::run(&scene, Ask::Employer, options.clients, WARM_UP).await?;
    let before = server.sample().await?;
    let load = clients::run(
        &scene,
        Ask::Employer,
        options.clients,
        Duration::from_secs(options.seconds),
    )
    .await?;
    let after = server.sample().await?;
    let peak = server.memory()?;
    let pings = Duration::from_secs(PING_SECONDS);
    let pings = clients::run(&scene, Ask::Ping, options.clients, pings).await?;
    let ready = server.ready_after;
    server.stop();
    let report = Report {
        load,
        pings,
        spent: before.until(&after),
        idle_rss_kb: idle.resident_kb,
        peak_rss_kb: peak.highest_kb,
        ready,
        primitives: Primitives::measure(&scene).await?,
        message_bytes: scene.message_bytes(),
    };
    print!("{}", report.page());
    if options.json {
        println!("{}", report.json());
    }
    Ok(ExitCode::SUCCESS)
}

const WARM_UP: Duration = Duration::from_secs(1);
