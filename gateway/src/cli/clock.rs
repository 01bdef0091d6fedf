//! `lienthong clock`: a clock that was ahead and is right again, and the person who says so.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use schemas::proto::admin::ActRequest;

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// The clock by which messages are judged.
#[derive(Debug, Subcommand)]
pub(super) enum Clock {
    /// It is right and was ahead before: messages are judged by it again, at every replica within seconds.
    Accept(Accept),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
}

impl Clock {
    pub(super) async fn run(self) -> Ended {
        let Self::Accept(accept) = self;
        let request = ActRequest {
            deed: "accept-clock".to_owned(),
            target: String::new(),
            who: accept.reason.who()?,
            why: accept.reason.why.clone(),
            law: String::new(),
        };
        let acted = client::act(accept.which.address()?, request).await?;
        println!("accept-clock: {}", acted.outcome);
        Ok(ExitCode::SUCCESS)
    }
}
