//! `lienthong`: see the package `gateway` for what it is made of.

fn main() -> std::process::ExitCode {
    gateway::cli::main()
}
