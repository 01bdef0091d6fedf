//! `simulate [--seeds N] [--from S] [--seconds T]`: plays so many seeds, or as many of them as begin within
//! that time; one line for all of them and one for each that is not kept.
//!
//! ```text
//! cargo run -p gateway-tests --bin simulate -- --seeds 1000
//! ```

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use gateway_tests::simulation::{Bend, play};

fn main() -> ExitCode {
    let (seeds, from, seconds) = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}\nsimulate [--seeds N] [--from S] [--seconds T]");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let (next, broken) = (AtomicU64::new(from), AtomicU64::new(0));
    let (acknowledged, kills) = (AtomicU64::new(0), AtomicU64::new(0));
    let count = AtomicU64::new(0);
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let is_late = began.elapsed().as_secs() >= seconds;
                    if is_late || seed >= from.saturating_add(seeds) {
                        return;
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                    let played = play(seed, Bend::Nothing);
                    acknowledged.fetch_add(played.acknowledged as u64, Ordering::Relaxed);
                    kills.fetch_add(played.kills, Ordering::Relaxed);
                    if !played.violations.is_empty() {
                        broken.fetch_add(1, Ordering::Relaxed);
                        println!("{played}");
                    }
                }
            });
        }
    });
    let broken = broken.into_inner();
    println!(
        "SIM  {} of {seeds} seeds from {from}  {} acknowledged  {} kills  {broken} not kept  limit 0  {}  {} s",
        count.into_inner(),
        acknowledged.into_inner(),
        kills.into_inner(),
        if broken == 0 { "pass" } else { "FAIL" },
        began.elapsed().as_secs(),
    );
    ExitCode::from(u8::from(broken > 0))
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<(u64, u64, u64), String> {
    let (mut seeds, mut from, mut seconds) = (1_000, 0, u64::MAX);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| format!("{word} needs a number"))?;
        match word.as_str() {
            "--seeds" => seeds = number,
            "--from" => from = number,
            "--seconds" => seconds = number,
            _ => return Err(format!("{word} is not known")),
        }
    }
    Ok((seeds, from, seconds))
}
