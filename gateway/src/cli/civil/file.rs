//! `lienthong civil file`: a file of a birth's case into a file of the officer's own.

use std::path::PathBuf;

use clap::Args;
use schemas::proto::admin::ReadFileRequest;

use super::super::{Ended, admin::Which, office::Reason, paper::save};
use crate::admin::client;

/// Which file, and where it goes.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct File {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The case of this partner, where several have one of this id.
    #[arg(long, default_value = "")]
    sender: String,
    /// Which of its files, as `civil show` numbers them.
    #[arg(long)]
    number: u32,
    /// The file to write, which must not be there yet; only its owner may read it.
    #[arg(long)]
    to: PathBuf,
    /// The case's id (maHoSo).
    case_id: String,
}

impl File {
    pub(super) async fn run(self) -> Ended {
        let request = ReadFileRequest {
            case_id: self.case_id,
            sender: self.sender,
            number: self.number,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let parts = client::file(self.which.address()?, request).await?;
        save(parts, &self.to).await
    }
}
