//! Runs the rules without the gateway's binary: `cargo run -p conformance --example rules -- DIR [RULE…]`.
#![allow(missing_docs, reason = "an example has no callers")]

use conformance::runner::{RunParams, run};

#[tokio::main]
async fn main() -> Result<std::process::ExitCode, conformance::call::Trouble> {
    let mut words = std::env::args().skip(1);
    let identity = words
        .next()
        .unwrap_or_else(|| "var/sandbox/agencies".to_owned())
        .into();
    let params = RunParams {
        target: None,
        identity,
        junit: None,
        only: words.collect(),
    };
    let report = run(params).await?;
    print!("{}", report.table());
    Ok(report.exit_code().into())
}
