//! `lienthong`: see the package `gateway` for what it is made of.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    gateway::cli::Cli::parse().run()
}
