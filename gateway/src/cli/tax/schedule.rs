//! `lienthong tax schedule`: what is begun by itself, over the operators' listener.

use std::{process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use schemas::proto::admin::{ActRequest, ScheduleLine, StartScheduleRequest};

use super::super::{Ended, admin::Which, office::Reason};
use crate::admin::client;

/// Schedules.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Schedule {
    /// All of them: when each was and will be, and how far what it began has come.
    List(List),
    /// Begins one before its time.
    Start(Start),
    /// Nothing more is begun by it until it is resumed.
    Pause(On),
    /// Undoes a pause; what fell due meanwhile is begun where it is not too late.
    Resume(On),
    /// Shows a bar until what was begun last is done.
    Watch(Watch),
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Start {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The month, yyyy-MM; the one that its time would ask for now where absent.
    #[arg(long, default_value = "")]
    period: String,
    /// The schedule's name.
    name: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct On {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reason: Reason,
    /// The schedule's name.
    name: String,
}

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Watch {
    #[command(flatten)]
    which: Which,
    /// The schedule's name.
    name: String,
}

impl Schedule {
    pub(in crate::cli) async fn run(self) -> Ended {
        match self {
            Self::List(list) => list.run().await,
            Self::Start(start) => start.run().await,
            Self::Pause(on) => on.act("pause-schedule").await,
            Self::Resume(on) => on.act("resume-schedule").await,
            Self::Watch(watch) => watch.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Ended {
        let listed = client::schedules(self.which.address()?).await?;
        if listed.schedules.is_empty() {
            println!("no schedules");
        }
        for line in &listed.schedules {
            println!("{}", line_of(line));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Start {
    async fn run(self) -> Ended {
        let request = StartScheduleRequest {
            name: self.name,
            period: self.period,
            who: self.reason.who()?,
            why: self.reason.why,
        };
        let started = client::start_schedule(self.which.address()?, request).await?;
        println!("begun as {}", started.run);
        Ok(ExitCode::SUCCESS)
    }
}

impl On {
    async fn act(self, deed: &str) -> Ended {
        let request = ActRequest {
            deed: deed.to_owned(),
            target: self.name.clone(),
            who: self.reason.who()?,
            why: self.reason.why,
            law: String::new(),
        };
        let acted = client::act(self.which.address()?, request).await?;
        println!("{deed} {}: {}", self.name, acted.outcome);
        Ok(ExitCode::SUCCESS)
    }
}

impl Watch {
    async fn run(self) -> Ended {
        let bar = ProgressBar::new(100);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:40} {percent} % {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(self.name.clone());
        loop {
            let listed = client::schedules(self.which.address()?).await?;
            let line = listed
                .schedules
                .into_iter()
                .find(|line| line.name == self.name);
            let line = line.ok_or("no such schedule")?;
            bar.set_position(u64::from(line.percent));
            bar.set_message(line.state.clone());
            let over = matches!(
                line.state.as_str(),
                "done" | "refused" | "dead" | "poison" | "cancelled" | ""
            );
            if over {
                bar.finish_and_clear();
                println!("{}", line_of(&line));
                return Ok(match line.state.as_str() {
                    "done" => ExitCode::SUCCESS,
                    _ => ExitCode::FAILURE,
                });
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

fn line_of(line: &ScheduleLine) -> String {
    let ScheduleLine {
        name,
        partner,
        what,
        cron,
        next_at,
        ..
    } = line;
    let mut text = format!("{name}: {what} of {partner}, \"{cron}\"");
    match line.paused {
        true => text.push_str(", PAUSED"),
        false => text.push_str(&format!(", next {next_at}")),
    }
    if !line.run.is_empty() {
        let full = usize::try_from(line.percent.min(100) / 5).unwrap_or(0);
        let bar = format!("{}{}", "#".repeat(full), ".".repeat(20 - full));
        text.push_str(&format!(
            "\n  {} [{bar}] {} % {}",
            line.run, line.percent, line.state
        ));
        if line.state == "done" && what != "recheck" {
            text.push_str(&format!(", {} found", line.found));
        }
        if !line.reason.is_empty() {
            text.push_str(&format!(" ({})", line.reason));
        }
    }
    text
}

const EVERY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_it_is_and_how_far_the_last_has_come() {
        let line = ScheduleLine {
            name: "employers".to_owned(),
            partner: "tax".to_owned(),
            what: "employers".to_owned(),
            cron: "0 8 5 * *".to_owned(),
            next_at: "2026-12-07T01:00:00Z".to_owned(),
            run: "run.employers.2026-10.20261105T0800".to_owned(),
            state: "receiving".to_owned(),
            percent: 24,
            ..ScheduleLine::default()
        };
        assert_eq!(
            line_of(&line),
            "employers: employers of tax, \"0 8 5 * *\", next 2026-12-07T01:00:00Z\n  \
             run.employers.2026-10.20261105T0800 [####................] 24 % receiving"
        );
        let done = ScheduleLine {
            state: "done".to_owned(),
            percent: 100,
            found: 12,
            paused: true,
            ..line
        };
        let text = line_of(&done);
        assert!(text.contains(", PAUSED\n"), "{text}");
        assert!(
            text.ends_with("[####################] 100 % done, 12 found"),
            "{text}"
        );
    }
}
