//! `lienthong bench dossiers`: dossiers of the portal over real mutual TLS, from the signed submission to the signed answer
//! that is told only when dossier, first change and journal are durable.
//!
//! First without a file; then each with a file of 1 MB of its own, announced, sent as a part and named by the dossier. Then a
//! hundred files are in flight at once, half of each sent, and again with files four times as large: what the gateway's
//! process holds must not follow their length. At the end the gateway is stopped, the dossiers it took in are moved on
//! by the registry, and its feed brings their changes into its outbox. Every run begins with a registry of its own.

mod changes;
mod held;
mod stock;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;

use super::{
    Key, Options as Messages,
    clients::Load,
    load::{Run, Until, drive},
    primitives::Primitives,
    scene::Scene,
    server::Server,
};
use changes::Changes;
use held::{Held, Memory};
use stock::{Dossiers, with_files, without_files};

type Trouble = Box<dyn Error + Send + Sync>;

/// How many dossiers, how long.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// How long dossiers without a file come, seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Clients, each with one connection and one message in flight.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// Dossiers with a file of 1 MB.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    files: u32,
    /// Files in flight at once while memory is looked at.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=400))]
    held: u16,
    /// Status changes that are brought into the outbox, about.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    changes: u32,
    /// Ends with one JSON line.
    #[arg(long)]
    json: bool,
    /// Synthetic people in the registry.
    #[arg(long, default_value_t = 10_000)]
    people: u32,
    /// The folder; a sandbox is made in it for this run and taken away after it.
    #[arg(long, default_value = "var/bench")]
    dir: PathBuf,
}

/// What one run found.
struct Figures {
    plain: Load,
    /// CPU of the gateway's process for one dossier, microseconds.
    plain_cpu_us: f64,
    filed: Load,
    filed_cpu_us: f64,
    primitives: Primitives,
    /// SHA-256 of 1 MB and one durable write of it, CPU microseconds.
    file_us: f64,
    held: u16,
    /// With files of 1 MB, and of so many times that.
    in_flight: Memory,
    larger: Memory,
    changes: Changes,
}

/// Measures and prints. Fails where a dossier or a file is refused.
///
/// # Errors
/// Where the scene cannot be made, the gateway does not start, or a message is refused.
pub(super) async fn run(options: &Options) -> Result<ExitCode, Trouble> {
    let folder = options
        .dir
        .join(format!("dossiers-{}", uuid::Uuid::now_v7().simple()));
    // what is left of a failed run is looked at
    let figures = measure(options, folder.clone()).await?;
    std::fs::remove_dir_all(folder)?;
    print!("{}", figures.page());
    if options.json {
        println!("{}", figures.json());
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(options: &Options, dir: PathBuf) -> Result<Figures, Trouble> {
    let scene = Scene::make(&Messages {
        what: None,
        seconds: 1, // nothing but the primitives needs messages of the tax department
        clients: options.clients,
        json: false,
        key: Key::P256,
        people: options.people,
        dir,
    })
    .await?;
    let dossiers = Dossiers::make(&scene)?;
    let (plain, filed) = (without_files(&dossiers), with_files(&dossiers));
    let server = Server::start(&scene).await?;
    let run = |until| Run {
        clients: options.clients,
        until,
        pace: None,
    };
    drive(&scene, &plain, run(Until::Over(WARM_UP))).await?;
    let before = server.sample().await?;
    let time = Duration::from_secs(options.seconds);
    let plain = drive(&scene, &plain, run(Until::Over(time))).await?;
    let between = server.sample().await?;
    let files = Until::Done(options.files as usize);
    let filed = drive(&scene, &filed, run(files)).await?;
    let after = server.sample().await?;
    let each = |load: &Load, spent: super::server::Spent| {
        spent.cpu.as_secs_f64() * 1e6 / load.messages().max(1) as f64
    };
    let (plain_cpu_us, filed_cpu_us) = (
        each(&plain, before.until(&between)),
        each(&filed, between.until(&after)),
    );
    let held = |bytes| Held {
        scene: &scene,
        server: &server,
        dossiers: &dossiers,
        files: options.held,
        bytes,
    };
    let in_flight = held(stock::FILE_BYTES).in_flight().await?;
    let larger = held(LARGER * stock::FILE_BYTES).in_flight().await?;
    server.stop();
    Ok(Figures {
        plain_cpu_us,
        plain,
        filed_cpu_us,
        filed,
        primitives: Primitives::measure(&scene).await?,
        file_us: stock::one_file_us(&scene)?,
        held: options.held,
        in_flight,
        larger,
        changes: changes::measure(&scene, options.changes as usize).await?,
    })
}

impl Figures {
    /// Memory for each file in flight, KiB.
    fn each_kb(&self, of: Memory) -> f64 {
        of.most_kb.saturating_sub(of.before_kb) as f64 / f64::from(self.held)
    }

    fn page(&self) -> String {
        let (plain, filed, changes) = (&self.plain, &self.filed, &self.changes);
        let ratio = |whole: f64, part: f64| format!("{:.2}", whole / part);
        let with_file = self.primitives.sum_us() + self.file_us;
        let lines = [
            ("dossiers without a file", plain.messages().to_string()),
            ("dossiers/s", format!("{:.0}", plain.per_second())),
            ("p50, ms", ms(plain, 0.5)),
            ("p99, ms", ms(plain, 0.99)),
            ("server CPU, us/dossier", us(self.plain_cpu_us)),
            ("primitives CPU, us/message", us(self.primitives.sum_us())),
            (
                "  server / primitives",
                ratio(self.plain_cpu_us, self.primitives.sum_us()),
            ),
            ("dossiers with a file of 1 MB", filed.messages().to_string()),
            (
                "with a file, dossiers/s",
                format!("{:.0}", filed.per_second()),
            ),
            ("with a file, p50, ms", ms(filed, 0.5)),
            ("with a file, p99, ms", ms(filed, 0.99)),
            ("with a file, server CPU, us", us(self.filed_cpu_us)),
            ("  hash and write of 1 MB, us", us(self.file_us)),
            (
                "  server / (that + primitives)",
                ratio(self.filed_cpu_us, with_file),
            ),
            ("files in flight at once", self.held.to_string()),
            ("  of 1 MB: memory before, MB", mb(self.in_flight.before_kb)),
            ("  of 1 MB: at most, MB", mb(self.in_flight.most_kb)),
            (
                "  of 1 MB: KB for each",
                format!("{:.0}", self.each_kb(self.in_flight)),
            ),
            ("  of 4 MB: memory before, MB", mb(self.larger.before_kb)),
            ("  of 4 MB: at most, MB", mb(self.larger.most_kb)),
            (
                "  of 4 MB: KB for each",
                format!("{:.0}", self.each_kb(self.larger)),
            ),
            ("status changes", changes.changes.to_string()),
            ("  parcels of them", changes.parcels.to_string()),
            (
                "steps/s of the registry",
                format!("{:.0}", changes.steps_per_s),
            ),
            ("changes/s to the outbox", format!("{:.0}", changes.per_s)),
            (
                "the outbox alone, parcels/s",
                format!("{:.0}", changes.alone_per_s),
            ),
            (
                "  the feed's / the outbox's alone",
                ratio(changes.parcels_per_s, changes.alone_per_s),
            ),
        ];
        let line = |(name, value): (&str, String)| format!("{name:<34}{value}\n");
        lines.into_iter().map(line).collect()
    }

    fn json(&self) -> String {
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        let (plain, filed, changes) = (&self.plain, &self.filed, &self.changes);
        serde_json::json!({
            "dossiers_per_s": rounded(plain.per_second()),
            "p99_ms": rounded(plain.quantile_ms(0.99)),
            "server_cpu_us": rounded(self.plain_cpu_us),
            "primitives_cpu_us": rounded(self.primitives.sum_us()),
            "filed_per_s": rounded(filed.per_second()),
            "filed_p99_ms": rounded(filed.quantile_ms(0.99)),
            "filed_server_cpu_us": rounded(self.filed_cpu_us),
            "file_cpu_us": rounded(self.file_us),
            "held": self.held,
            "held_rss_mb": rounded(self.in_flight.most_kb as f64 / 1024.0),
            "held_each_kb": rounded(self.each_kb(self.in_flight)),
            "larger_rss_mb": rounded(self.larger.most_kb as f64 / 1024.0),
            "larger_each_kb": rounded(self.each_kb(self.larger)),
            "steps_per_s": rounded(changes.steps_per_s),
            "changes": changes.changes,
            "changes_per_s": rounded(changes.per_s),
            "outbox_alone_per_s": rounded(changes.alone_per_s),
        })
        .to_string()
    }
}

fn ms(load: &Load, part: f64) -> String {
    format!("{:.2}", load.quantile_ms(part))
}

fn us(value: f64) -> String {
    format!("{value:.0}")
}

fn mb(kb: u64) -> String {
    format!("{:.1}", kb as f64 / 1024.0)
}

const WARM_UP: Duration = Duration::from_secs(1);
/// The second files in flight are so many times as long.
const LARGER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn load(us: &[u32]) -> Load {
        Load {
            wall: Duration::from_secs(1),
            latencies_us: us.to_vec(),
        }
    }

    #[test]
    fn the_last_line_is_json_and_the_page_says_the_same() {
        let figures = Figures {
            plain: load(&[1_000, 3_000]),
            plain_cpu_us: 20.0,
            filed: load(&[5_000]),
            filed_cpu_us: 40.0,
            primitives: Primitives {
                tls_us: 1.0,
                verify_us: 2.0,
                sign_us: 3.0,
                commit_us: 4.0,
            },
            file_us: 10.0,
            held: 100,
            in_flight: Memory {
                before_kb: 10_240,
                most_kb: 20_480,
            },
            larger: Memory {
                before_kb: 20_480,
                most_kb: 25_600,
            },
            changes: Changes {
                changes: 6,
                parcels: 8,
                steps_per_s: 2.0,
                per_s: 3.0,
                parcels_per_s: 4.0,
                alone_per_s: 8.0,
            },
        };
        let line: serde_json::Value = serde_json::from_str(&figures.json()).unwrap();
        for (name, value) in [
            ("dossiers_per_s", 2.0),
            ("p99_ms", 3.0),
            ("filed_per_s", 1.0),
            ("filed_p99_ms", 5.0),
            ("primitives_cpu_us", 10.0),
            ("held_rss_mb", 20.0),
            ("changes_per_s", 3.0),
        ] {
            assert_eq!(line[name].as_f64(), Some(value), "{name}");
        }
        assert_eq!(line.as_object().unwrap().len(), 17);
        let page = figures.page();
        for told in [
            "  server / primitives             2.00",
            "  server / (that + primitives)    2.00",
            "  of 4 MB: KB for each            51",
            "  the feed's / the outbox's alone 0.50",
        ] {
            assert!(page.contains(told), "{told}: {page}");
        }
    }
}
