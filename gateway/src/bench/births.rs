//! `lienthong bench births`: births end to end over real mutual TLS, from the signed `NhanDKHT` to the signed receipt that is
//! told only when number, card and journal are durable.
//!
//! First as fast as so many clients get answers; then at half of that rate, each message timed from when it was due, so that a
//! slow answer hides none behind it; then a backlog, once alone and once while the tax department asks without a pause. At
//! the end cases from all of it are polled: each must have its card. Every run begins with a registry of its own.

mod stock;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;

use super::{
    Key, Options as Messages,
    clients::{self, Load},
    load::{Run, Until, drive},
    scene::{Ask, Scene},
    server::Server,
};
use stock::Births;

type Trouble = Box<dyn Error + Send + Sync>;

/// How many births, how fast.
#[derive(Debug, Clone, Args)]
pub(super) struct Options {
    /// How long each of the two timed runs takes, seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: u64,
    /// Clients, each with one connection and one message in flight.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    clients: u16,
    /// Births of the backlog.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    backlog: u32,
    /// Clients of the tax department while the backlog drains beside them.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=512))]
    tax_clients: u16,
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
    full: Load,
    half: Load,
    idle: Load,
    beside: Load,
    /// Questions of the tax department that were answered beside the backlog.
    tax: usize,
    /// Cases that were polled, all with a card.
    polled: usize,
}

/// Measures and prints. Fails where a birth is refused or has no card.
///
/// # Errors
/// Where the scene cannot be made, the gateway does not start, or a message is refused.
pub(super) async fn run(options: &Options) -> Result<ExitCode, Trouble> {
    let folder = options
        .dir
        .join(format!("births-{}", uuid::Uuid::now_v7().simple()));
    let measured = measure(options, folder.clone()).await;
    // what is left of a failed run is looked at
    let figures = measured?;
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
        seconds: options.seconds,
        clients: options.clients,
        json: false,
        key: Key::P256,
        people: options.people,
        dir,
    })
    .await?;
    let births = Births::make(&scene)?;
    let server = Server::start(&scene).await?;
    let (clients, time) = (options.clients, Duration::from_secs(options.seconds));
    let run = |until, pace| Run {
        clients,
        until,
        pace,
    };
    drive(&scene, &births, run(Until::Over(WARM_UP), None)).await?;
    let full = drive(&scene, &births, run(Until::Over(time), None)).await?;
    let half = full.per_second() / 2.0;
    let half = drive(&scene, &births, run(Until::Over(time), Some(half))).await?;
    let backlog = Until::Done(options.backlog as usize);
    let idle = drive(&scene, &births, run(backlog, None)).await?;
    let (beside, tax) =
        beside_the_tax_department(&scene, &births, run(backlog, None), options).await?;
    let polled = births.check(&scene).await?;
    server.stop();
    Ok(Figures {
        full,
        half,
        idle,
        beside,
        tax,
        polled,
    })
}

/// The backlog again, while the tax department asks about employers as fast as it is answered.
async fn beside_the_tax_department(
    scene: &Scene,
    births: &Births,
    run: Run,
    options: &Options,
) -> Result<(Load, usize), Trouble> {
    let drained = drive(scene, births, run);
    tokio::pin!(drained);
    let mut asked = 0;
    loop {
        let asking = clients::run(scene, Ask::Employer, options.tax_clients, SLICE);
        tokio::pin!(asking);
        tokio::select! {
            drained = &mut drained => {
                asked += asking.await?.messages();
                return Ok((drained?, asked));
            }
            load = &mut asking => asked += load?.messages(),
        }
    }
}

impl Figures {
    fn ratio(&self) -> f64 {
        self.beside.quantile_ms(0.99) / self.idle.quantile_ms(0.99).max(0.001)
    }

    fn page(&self) -> String {
        let lines = [
            ("births", self.full.messages().to_string()),
            ("births/s", format!("{:.0}", self.full.per_second())),
            ("p50, ms", ms(&self.full, 0.5)),
            ("p99, ms", ms(&self.full, 0.99)),
            (
                "half load, births/s",
                format!("{:.0}", self.half.per_second()),
            ),
            ("half load, p50, ms", ms(&self.half, 0.5)),
            ("half load, p99, ms", ms(&self.half, 0.99)),
            ("backlog, births", self.idle.messages().to_string()),
            ("backlog alone, s", seconds(&self.idle)),
            ("backlog alone, p99, ms", ms(&self.idle, 0.99)),
            ("backlog beside tax work, s", seconds(&self.beside)),
            ("backlog beside tax work, p99, ms", ms(&self.beside, 0.99)),
            ("  tax questions meanwhile", self.tax.to_string()),
            ("p99 beside / alone", format!("{:.2}", self.ratio())),
            ("cases polled, each with a card", self.polled.to_string()),
        ];
        let line = |(name, value): (&str, String)| format!("{name:<34}{value}\n");
        lines.into_iter().map(line).collect()
    }

    fn json(&self) -> String {
        let rounded = |value: f64| (value * 100.0).round() / 100.0;
        let load = |load: &Load, part| rounded(load.quantile_ms(part));
        format!(
            "{{\"births_per_s\":{},\"p50_ms\":{},\"p99_ms\":{},\"half_load_per_s\":{},\"half_load_p99_ms\":{},\"backlog\":{},\"backlog_s\":{},\"backlog_p99_ms\":{},\"backlog_beside_tax_s\":{},\"backlog_beside_tax_p99_ms\":{},\"p99_ratio\":{},\"tax_meanwhile\":{},\"polled\":{}}}",
            rounded(self.full.per_second()),
            load(&self.full, 0.5),
            load(&self.full, 0.99),
            rounded(self.half.per_second()),
            load(&self.half, 0.99),
            self.idle.messages(),
            rounded(self.idle.wall.as_secs_f64()),
            load(&self.idle, 0.99),
            rounded(self.beside.wall.as_secs_f64()),
            load(&self.beside, 0.99),
            rounded(self.ratio()),
            self.tax,
            self.polled,
        )
    }
}

fn ms(load: &Load, part: f64) -> String {
    format!("{:.2}", load.quantile_ms(part))
}

fn seconds(load: &Load) -> String {
    format!("{:.1}", load.wall.as_secs_f64())
}

const WARM_UP: Duration = Duration::from_secs(1);
/// How long the tax department asks before the backlog is looked at again.
const SLICE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn load(us: &[u32], seconds: u64) -> Load {
        Load {
            wall: Duration::from_secs(seconds),
            latencies_us: us.to_vec(),
        }
    }

    #[test]
    fn the_last_line_is_json_and_the_page_says_the_same() {
        let figures = Figures {
            full: load(&[1_000, 3_000], 1),
            half: load(&[1_000], 1),
            idle: load(&[2_000; 4], 2),
            beside: load(&[3_000; 4], 3),
            tax: 7,
            polled: 30,
        };
        let line: serde_json::Value = serde_json::from_str(&figures.json()).unwrap();
        let expected = serde_json::json!({
            "births_per_s": 2.0, "p50_ms": 3.0, "p99_ms": 3.0, "half_load_per_s": 1.0, "half_load_p99_ms": 1.0,
            "backlog": 4, "backlog_s": 2.0, "backlog_p99_ms": 2.0, "backlog_beside_tax_s": 3.0,
            "backlog_beside_tax_p99_ms": 3.0, "p99_ratio": 1.5, "tax_meanwhile": 7, "polled": 30,
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(line[name].as_f64(), value.as_f64(), "{name}");
        }
        assert_eq!(line.as_object().unwrap().len(), 13);
        assert!(
            figures
                .page()
                .contains("p99 beside / alone                1.50")
        );
    }
}
