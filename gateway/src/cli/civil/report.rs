//! `lienthong civil report`: births of one month within the law's time, by province.

use std::process::ExitCode;

use clap::Args;
use schemas::proto::admin::{LawfulTimesRequest, LawfulTimesResponse, ProvinceTimes};

use super::super::{Ended, admin::Which};
use crate::admin::client;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Report {
    #[command(flatten)]
    which: Which,
    /// The month of the day that counts as the day of receipt, such as 2026-11.
    #[arg(long)]
    month: String,
    /// Comma separated values in place of a table.
    #[arg(long)]
    csv: bool,
}

impl Report {
    pub(super) async fn run(self) -> Ended {
        let request = LawfulTimesRequest {
            month: self.month.clone(),
        };
        let told = client::lawful_times(self.which.address()?, request).await?;
        match self.csv {
            true => print!("{}", csv(&told)),
            false => print!("{}", table(&self.month, &told)),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(month: &str, told: &LawfulTimesResponse) -> String {
    let mut out = format!("births that count as received in {month}\n");
    out.push_str(&line("", "", HEADS.map(str::to_owned)));
    for one in &told.provinces {
        out.push_str(&line(
            &one.code,
            &one.name,
            figures(one).map(|many| many.to_string()),
        ));
    }
    out.push_str(&line("", "all", total(told).map(|many| many.to_string())));
    out
}

fn csv(told: &LawfulTimesResponse) -> String {
    let mut out = format!("code,name,{}\n", HEADS.join(",").replace(' ', "_"));
    for one in &told.provinces {
        let figures = figures(one).map(|many| many.to_string()).join(",");
        out.push_str(&format!("{},{},{figures}\n", one.code, one.name));
    }
    out
}

fn line(code: &str, name: &str, figures: [String; 5]) -> String {
    let figures = figures.map(|figure| format!("{figure:>10}")).concat();
    format!("{code:<3}{name:<20}{figures}\n")
}

fn figures(one: &ProvinceTimes) -> [u64; 5] {
    [one.received, one.in_time, one.late, one.open, one.overdue]
}

fn total(told: &LawfulTimesResponse) -> [u64; 5] {
    let add = |one: [u64; 5], other: [u64; 5]| std::array::from_fn(|at| one[at] + other[at]);
    told.provinces.iter().map(figures).fold([0; 5], add)
}

const HEADS: [&str; 5] = ["received", "in time", "late", "open", "overdue"];

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> LawfulTimesResponse {
        let of = |code: &str, name: &str, late| ProvinceTimes {
            code: code.to_owned(),
            name: name.to_owned(),
            received: 5,
            in_time: 3,
            late,
            open: 2 - late,
            overdue: 0,
        };
        LawfulTimesResponse {
            provinces: vec![of("01", "Hà Nội", 0), of("75", "Đồng Nai", 1)],
        }
    }

    #[test]
    fn a_table_adds_the_provinces_up() {
        let table = table("2026-11", &told());
        let last = table.lines().last().unwrap_or_default();
        let figures: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(figures, ["all", "10", "6", "1", "3", "0"]);
        let widths: Vec<usize> = table
            .lines()
            .skip(1)
            .map(|line| line.chars().count())
            .collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }

    #[test]
    fn the_csv_has_a_line_per_province_and_one_of_heads() {
        assert_eq!(
            csv(&told()),
            "code,name,received,in_time,late,open,overdue\n01,Hà Nội,5,3,0,2,0\n75,Đồng Nai,5,3,1,1,0\n"
        );
    }
}
