//! `lienthong dossier paper` and `civil file`: a file of a dossier or a case into a file of the officer's own.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use schemas::proto::admin::{PaperHead, PaperPart, ReadPaperRequest, paper_part::Part};

use super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Which file, and where it goes.
#[derive(Debug, Clone, Args)]
pub(super) struct Paper {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The dossier's code.
    code: String,
    /// Which of its papers, as `dossier show` numbers them.
    #[arg(long)]
    number: u32,
    /// The file to write, which must not be there yet; only its owner may read it.
    #[arg(long)]
    to: PathBuf,
}

impl Paper {
    pub(super) async fn run(self) -> Ended {
        let request = ReadPaperRequest {
            code: self.code,
            number: self.number,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let parts = client::paper(self.which.address()?, request).await?;
        save(parts, &self.to).await
    }
}

/// Writes what comes into a file that only its owner may read, whole or not at all.
pub(super) async fn save(mut parts: tonic::Streaming<PaperPart>, to: &Path) -> Ended {
    let mut options = OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(to);
    let mut file = made.map_err(|error| format!("{}: {error}", to.display()))?;
    match write(&mut parts, &mut file).await {
        Ok(head) => {
            println!("{}", line_of(to, &head));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            // half a file is no file
            fs::remove_file(to)?;
            Err(error)
        }
    }
}

async fn write(
    parts: &mut tonic::Streaming<PaperPart>,
    file: &mut File,
) -> Result<PaperHead, Box<dyn std::error::Error + Send + Sync>> {
    let mut head = None;
    while let Some(part) = parts
        .message()
        .await
        .map_err(|status| status.message().to_owned())?
    {
        match part.part {
            Some(Part::Head(told)) => head = Some(told),
            Some(Part::Data(bytes)) => file.write_all(&bytes)?,
            None => {}
        }
    }
    file.sync_all()?;
    head.ok_or_else(|| "the gateway told nothing of the file".into())
}

fn line_of(to: &Path, head: &PaperHead) -> String {
    let name = match head.file_name.as_str() {
        "" => String::new(),
        name => format!("{name:?}, "),
    };
    let (media_type, bytes, sha256) = (&head.media_type, head.bytes, &head.sha256);
    format!(
        "{}: {name}{media_type}, {bytes} bytes, SHA-256 {sha256}",
        to.display()
    )
}
