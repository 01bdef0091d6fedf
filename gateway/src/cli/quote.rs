//! `lienthong quote`: what a contribution costs on a day, and why, line by line. Needs no gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use gateway_core::{
    ports::{Clock as _, SystemClock},
    stage::today,
};
use jiff::civil::Date;
use schemas::{
    id::Period,
    quote::{self, Debt, Household, Member, Unquotable},
};

use super::Ended;

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(super) enum Quote {
    /// Health insurance of a household: 4.5 % of the reference level, less for further members.
    Household {
        /// A member's place among those who pay this year; once for each who pays now.
        #[arg(long = "place", required = true)]
        places: Vec<u8>,
        /// 3, 6 or 12.
        #[arg(long)]
        months: u8,
        /// To whom the state adds how much: the group of each of them.
        #[arg(long, value_enum, default_value = "other")]
        group: Group,
        #[command(flatten)]
        day: Day,
    },
    /// Voluntary social insurance: 22 % of the chosen income, less the state's support.
    Voluntary {
        /// The chosen income, đồng a month.
        #[arg(long)]
        base: u64,
        /// 1, 3, 6 or 12.
        #[arg(long)]
        months: u8,
        /// To whom the state adds how much.
        #[arg(long, value_enum, default_value = "other")]
        group: Group,
        #[command(flatten)]
        day: Day,
    },
    /// Overdue compulsory contributions, and what their lateness costs.
    Arrears {
        /// A month and what is owed for it, such as `2026-09=10000000`; once for each month.
        #[arg(long = "debt", required = true, value_parser = debt)]
        debts: Vec<Debt>,
        #[command(flatten)]
        day: Day,
    },
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Day {
    /// The day of payment, whose rules hold; today where absent.
    #[arg(long)]
    on: Option<Date>,
}

impl Day {
    fn date(self) -> Date {
        self.on.unwrap_or_else(|| today(SystemClock.now()))
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Group {
    Poor,
    Island,
    NearPoor,
    Minority,
    Farming,
    Other,
}

impl From<Group> for quote::Group {
    fn from(group: Group) -> Self {
        match group {
            Group::Poor => Self::Poor,
            Group::Island => Self::Island,
            Group::NearPoor => Self::NearPoor,
            Group::Minority => Self::Minority,
            Group::Farming => Self::Farming,
            Group::Other => Self::Other,
        }
    }
}

impl Quote {
    pub(super) fn run(self) -> Ended {
        match self.quoted() {
            Ok(quote) => {
                print!("{}", quote.explain());
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => {
                eprintln!("{}: {why}", why.reason());
                Ok(ExitCode::FAILURE)
            }
        }
    }

    fn quoted(self) -> Result<quote::Quote, Unquotable> {
        match self {
            Self::Household {
                places,
                months,
                group,
                day,
            } => {
                let groups = quote::Group::from(group).into();
                let member = |place| Member { place, groups };
                let asked = Household {
                    members: places.into_iter().map(member).collect(),
                    months,
                };
                quote::household(&asked, day.date())
            }
            Self::Voluntary {
                base,
                months,
                group,
                day,
            } => {
                let asked = quote::Voluntary {
                    base_vnd: base,
                    months,
                    groups: quote::Group::from(group).into(),
                };
                quote::voluntary(&asked, day.date())
            }
            Self::Arrears { debts, day } => quote::arrears(&debts, day.date()),
        }
    }
}

fn debt(text: &str) -> Result<Debt, String> {
    let (month, vnd) = text.split_once('=').ok_or("write MONTH=ĐỒNG")?;
    Ok(Debt {
        period: Period::parse(month).map_err(|error| error.to_string())?,
        vnd: vnd.parse().map_err(|_| "the amount is no number")?,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    fn quoted(line: &str) -> Result<u64, &'static str> {
        let words = ["lienthong", "quote"].into_iter().chain(line.split(' '));
        let Ok(Cli {
            command: Command::Quote(quote),
        }) = Cli::try_parse_from(words)
        else {
            return Err("usage");
        };
        quote
            .quoted()
            .map(|quote| quote.vnd())
            .map_err(Unquotable::reason)
    }

    #[test]
    fn each_kind_is_quoted_from_the_command_line() {
        for (line, vnd) in [
            (
                "household --place 1 --place 2 --months 3 --on 2026-11-22",
                Ok(580_635),
            ),
            (
                "household --place 1 --months 3 --group near-poor --on 2026-11-22",
                Ok(102_465),
            ),
            (
                "household --place 1 --months 3 --group poor --on 2026-11-22",
                Err("paid-by-the-state"),
            ),
            (
                "voluntary --base 5000000 --months 1 --group near-poor --on 2026-11-22",
                Ok(968_000),
            ),
            (
                "arrears --debt 2026-09=10000000 --on 2026-11-22",
                Ok(10_066_000),
            ),
            (
                "household --place 1 --months 5 --on 2026-11-22",
                Err("months-not-offered"),
            ),
            ("household --months 3", Err("usage")),
            ("voluntary --base -5 --months 1", Err("usage")),
            ("arrears --debt 2026-13=1", Err("usage")),
        ] {
            assert_eq!(quoted(line), vnd, "{line}");
        }
    }
}
