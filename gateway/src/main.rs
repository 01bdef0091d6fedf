//! `lienthong`: see the package `gateway` for what it is made of.

/// A message takes some hundred small allocations on several threads; this allocator takes a third of the
/// time that the C library's does, and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gateway::cli::main()
}
