//! `lienthong` with fault points, for R2 of the torture bench; nobody ships it.

fn main() -> std::process::ExitCode {
    gateway::cli::main()
}
