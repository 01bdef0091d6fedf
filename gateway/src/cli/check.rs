//! `lienthong check`: every problem with its cure, or the config on one page.

use std::process::ExitCode;

use gateway_core::ports::{Clock as _, SystemClock};

use super::{ConfigFile, Ended};
use crate::{check, wiring};

pub(super) fn run(file: &ConfigFile) -> Ended {
    let report = check::examine(&file.config, &wiring::operations(), SystemClock.now());
    for problem in &report.problems {
        println!("{problem}\n");
    }
    let errors = report
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .count();
    let warnings = report.problems.len() - errors;
    match &report.summary {
        Some(summary) => {
            println!(
                "{summary}\n{}: ok, {warnings} warnings",
                file.config.display()
            );
            Ok(ExitCode::SUCCESS)
        }
        None => {
            println!(
                "{}: {errors} errors, {warnings} warnings",
                file.config.display()
            );
            Ok(ExitCode::FAILURE)
        }
    }
}
