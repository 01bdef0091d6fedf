//! `lienthong backup` and `lienthong restore`.

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use clap::Args;
use gateway_core::ports::{Clock, SystemClock};
use jiff::Timestamp;

use super::{ConfigFile, Ended, office::Reason};
use crate::{
    backup::{self, Asked, Manifest, Server, Until},
    config::Config,
    gateway::{StartError, key_file},
};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    file: ConfigFile,
    /// The folder to make; it has another name until the backup is whole and read back.
    #[arg(long)]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(self) -> Ended {
        let began = Instant::now();
        let config = Config::load(&self.file.config).map_err(StartError::Config)?;
        let vault = key_file(&config)?.open()?;
        let taken = backup::take(&config, &SystemClock, &vault, &self.to)?;
        print!("{}", page_of(taken.manifest()));
        println!(
            "in {} after {:.1?}; keep the sealing key and the file of given numbers elsewhere: without the key nobody can read it",
            self.to.display(),
            began.elapsed()
        );
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    file: ConfigFile,
    /// The folder of a backup.
    #[arg(long)]
    from: PathBuf,
    #[command(flatten)]
    reason: Reason,
    /// Sets aside what stands there, under another name; without it nothing is overwritten.
    #[arg(long)]
    replace: bool,
    /// Also where nobody knows which numbers were given out after the backup.
    #[arg(long)]
    danger_without_marks: bool,
    /// PostgreSQL: the data folder to make for the server; it may not be there, or be empty.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// PostgreSQL: the folder of the server's archived log.
    #[arg(long, requires = "data_dir")]
    wal: Option<PathBuf>,
    /// PostgreSQL: recover to this instant (RFC 3339); without --at, --to-point and --latest to the end of the base backup.
    #[arg(long, requires = "wal", conflicts_with_all = ["to_point", "latest"])]
    at: Option<Timestamp>,
    /// PostgreSQL: recover to the point that was named when the backup was finished.
    #[arg(long, requires = "wal", conflicts_with = "latest")]
    to_point: bool,
    /// PostgreSQL: recover to the end of the archived log.
    #[arg(long, requires = "wal")]
    latest: bool,
    /// PostgreSQL: the registry is on another server and was not put back: it hands out again.
    #[arg(long, requires = "data_dir")]
    registry_stays: bool,
}

impl Restore {
    pub(super) async fn run(self) -> Ended {
        let began = Instant::now();
        let config = Config::load(&self.file.config).map_err(StartError::Config)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vault = Arc::new(key_file(&config)?.open()?);
        let asked = Asked {
            who: self.reason.who()?,
            why: self.reason.why.clone(),
            replace: self.replace,
            danger_without_marks: self.danger_without_marks,
            server: self.server(),
            registry_stays: self.registry_stays,
        };
        let put = backup::put_back(&config, &clock, &vault, &self.from, &asked).await?;
        println!(
            "put back as of {}; it took {:.1?}",
            put.cut,
            began.elapsed()
        );
        for path in &put.aside {
            println!("what stood there is {}", path.display());
        }
        if put.papers > 0 {
            println!("{} files of messages lie there again", put.papers);
        }
        if let Some(changes) = put.handed_out_again {
            println!("{changes} changes of the registry are handed out again");
        }
        if config.insurance.mode == crate::config::InsuranceMode::Remote {
            println!(
                "the registry is elsewhere: its operators have to hand out again what it handed out since {}",
                put.cut
            );
        }
        println!(
            "the gateway that starts here is Recovering: `lienthong recovery status`, then `lienthong recovery release --why`"
        );
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    fn server(&self) -> Option<Server> {
        let until = match (self.at, self.to_point, self.latest) {
            (Some(at), ..) => Until::At(at),
            (None, true, _) => Until::Point,
            (None, _, true) => Until::Latest,
            (None, false, false) => Until::Base,
        };
        Some(Server {
            data: self.data_dir.clone()?,
            wal: self.wal.clone(),
            until,
        })
    }
}

fn page_of(manifest: &Manifest) -> String {
    let mut out = format!(
        "backup of {}: everything acknowledged before is in it\n",
        manifest.cut
    );
    for chain in &manifest.store.chains {
        out.push_str(&format!(
            "journal  {} records of writer {}, head {}\n",
            chain.records, chain.writer, chain.head
        ));
    }
    if let Some(point) = &manifest.store.restore_point {
        out.push_str(&format!("point    {} at {}\n", point.name, point.lsn));
    }
    let (papers, others): (Vec<_>, Vec<_>) =
        (manifest.files.iter()).partition(|line| line.name.starts_with("papers/"));
    if !papers.is_empty() {
        let bytes: u64 = papers.iter().map(|line| line.bytes).sum();
        out.push_str(&format!(
            "papers   {} files of messages and their keys ({bytes} bytes)\n",
            papers.len()
        ));
    }
    for line in others {
        out.push_str(&format!(
            "file     {} ({} bytes) {}\n",
            line.name, line.bytes, line.sha256
        ));
    }
    out
}
