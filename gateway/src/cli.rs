//! The command line of `lienthong`.

mod access;
mod admin;
mod backup;
mod certs;
mod check;
mod civil;
mod clock;
#[cfg(feature = "sandbox")]
mod conformance;
mod dossier;
mod employer;
mod group;
mod journal;
mod migrate;
mod office;
mod paper;
mod partner;
mod payment;
mod quote;
mod reconcile;
mod recovery;
mod registry;
mod represent;
#[cfg(feature = "sandbox")]
mod sandbox;
mod serve;
#[cfg(feature = "sandbox")]
mod sign;
mod tax;

use std::{error::Error, ffi::OsString, future::Future, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// How a command ends: its exit code, or an error that is printed.
pub(crate) type Ended = Result<ExitCode, Box<dyn Error + Send + Sync>>;

/// The gateway of the national insurance database.
#[derive(Debug, Parser)]
#[command(name = "lienthong", version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything on one machine: synthetic people, simulated agencies, the three flows.
    #[cfg(feature = "sandbox")]
    Sandbox(sandbox::Arguments),
    /// Runs the gateway until SIGTERM, then drains.
    Serve(ConfigFile),
    /// Says what is wrong with a config: file, line, cure.
    Check(ConfigFile),
    /// Keys and certificates: init, csr, issue, inspect, renew, revoke, check, serve.
    #[command(subcommand)]
    Certs(certs::Certs),
    /// One page: what is wrong, what to do.
    Status(admin::StatusArguments),
    /// The eight rooms of one message: verdict, next step, safe to replay or not.
    Explain(admin::ExplainArguments),
    /// A freshly signed message of a sandbox partner, as a curl config on standard output.
    #[cfg(feature = "sandbox")]
    Sign(sign::Arguments),
    /// What is on its way out: list, show, pause, resume, replay, cancel, recover, acts.
    #[command(subcommand)]
    Outbox(office::Outbox),
    /// What partners lost or never sent: list, show.
    #[command(subcommand)]
    Reconcile(reconcile::Reconcile),
    /// What a contribution costs, line by line: household, voluntary, arrears.
    #[command(subcommand)]
    Quote(quote::Quote),
    /// Who has asked about a person, operators included; the look-up itself is kept, with its reason.
    Access(access::Access),
    /// Civil status: births that wait for a person, and the law's time.
    #[command(subcommand)]
    Civil(civil::Civil),
    /// Dossiers of the portal that wait for a person: list, show, decide.
    #[command(subcommand)]
    Dossier(dossier::Dossier),
    /// Employers: record.
    #[command(subcommand)]
    Employer(employer::Employer),
    /// Groups whose contributions the state supports: certify, take-back.
    #[command(subcommand)]
    Group(group::Group),
    /// Guardians, authorised persons and legal representatives: add, end, list.
    #[command(subcommand)]
    Represent(represent::Represent),
    /// Payments of dossiers: list, show, refund, reconcile.
    #[command(subcommand)]
    Payment(payment::Payment),
    /// The tax department: discrepancies of its ledger, and what it told unasked.
    #[command(subcommand)]
    Tax(tax::Tax),
    /// Partners: new, diff, sign, suspend, resume, suspend-operation, resume-operation, retire.
    #[command(subcommand)]
    Partner(office::Partner),
    /// The journal: verify, hold, release, erase, retention, export, rotate, lock, unlock, rewrap.
    #[command(subcommand)]
    Journal(journal::Command),
    /// What an exported message proves and what not; needs no gateway, no database and no network.
    Verify(journal::Verify),
    /// Copies the store and the embedded registry into a folder, while the gateway works.
    Backup(backup::Backup),
    /// Puts a backup back; the gateway that opens it is Recovering until a person releases it.
    Restore(backup::Restore),
    /// The clock by which messages are judged: accept.
    #[command(subcommand)]
    Clock(clock::Clock),
    /// A store that was put back: status, release.
    #[command(subcommand)]
    Recovery(recovery::Recovery),
    /// Makes or changes the schemas of the registry and of the store, and seeds synthetic people.
    Migrate(migrate::Arguments),
    /// Serves the registry of a file or of PostgreSQL to others, as insurance.v1 over mutual TLS.
    Registry(registry::Arguments),
    /// The black-box rules, against any gateway.
    #[cfg(feature = "sandbox")]
    Conformance(conformance::Arguments),
    /// Measures this machine: messages per second, latency, CPU, memory.
    #[cfg(feature = "sandbox")]
    Bench(crate::bench::Options),
    /// Prints the version.
    Version,
}

/// Which config.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigFile {
    /// The config file.
    #[arg(long, default_value = "gateway.toml", env = "LIENTHONG_CONFIG")]
    pub(crate) config: PathBuf,
}

/// What `main` is: reads the command line and runs it to its end.
#[must_use]
pub fn main() -> ExitCode {
    keep_memory_private();
    Cli::parse().run()
}

/// A core dump would hold keys, PINs and people's data: this process leaves none, and nobody but root can
/// attach to it.
fn keep_memory_private() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let core = setrlimit(Resource::Core, none);
    let dumpable = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    if let Err(error) = core.and(dumpable) {
        eprintln!("warning: core dumps could not be turned off: {error}");
    }
}

impl Cli {
    /// Reads a command line, of which the first word is the program's name.
    ///
    /// # Errors
    /// What is wrong with it, in words for a person.
    pub fn of<W: Into<OsString> + Clone>(
        line: impl IntoIterator<Item = W>,
    ) -> Result<Self, String> {
        Self::try_parse_from(line).map_err(|wrong| wrong.to_string())
    }

    /// Runs the command to its end.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.command.run() {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

impl Command {
    fn run(self) -> Ended {
        match self {
            #[cfg(feature = "sandbox")]
            Self::Sandbox(arguments) => on_runtime(arguments.run()),
            Self::Serve(file) => on_runtime(serve::run(file)),
            Self::Check(file) => check::run(&file),
            Self::Quote(command) => command.run(),
            Self::Certs(command) => command.run(),
            Self::Status(arguments) => on_runtime(arguments.run()),
            Self::Explain(arguments) => on_runtime(arguments.run()),
            #[cfg(feature = "sandbox")]
            Self::Sign(arguments) => arguments.run(),
            Self::Outbox(command) => on_runtime(command.run()),
            Self::Reconcile(command) => on_runtime(command.run()),
            Self::Access(arguments) => on_runtime(arguments.run()),
            Self::Civil(command) => on_runtime(command.run()),
            Self::Dossier(command) => on_runtime(command.run()),
            Self::Employer(command) => on_runtime(command.run()),
            Self::Group(command) => on_runtime(command.run()),
            Self::Represent(command) => on_runtime(command.run()),
            Self::Payment(command) => on_runtime(command.run()),
            Self::Tax(command) => on_runtime(command.run()),
            Self::Partner(command) => on_runtime(command.run()),
            Self::Journal(command) => on_runtime(command.run()),
            Self::Verify(arguments) => arguments.run(),
            Self::Backup(arguments) => arguments.run(),
            Self::Restore(arguments) => on_runtime(arguments.run()),
            Self::Clock(command) => on_runtime(command.run()),
            Self::Recovery(command) => on_runtime(command.run()),
            Self::Migrate(arguments) => arguments.run(),
            Self::Registry(arguments) => on_runtime(arguments.run()),
            #[cfg(feature = "sandbox")]
            Self::Conformance(arguments) => on_runtime(arguments.run()),
            #[cfg(feature = "sandbox")]
            Self::Bench(options) => on_runtime(crate::bench::run(options)),
            Self::Version => {
                println!("lienthong {}", env!("CARGO_PKG_VERSION"));
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn on_runtime(command: impl Future<Output = Ended>) -> Ended {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        let command = Cli::command();
        assert!(
            command
                .get_subcommands()
                .all(|sub| sub.get_about().is_some())
        );
    }
}
