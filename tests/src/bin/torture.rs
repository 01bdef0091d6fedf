//! `torture <promise>|all`: tries what the gateway promises, one line per promise.
//!
//! ```text
//! cargo run --release -p gateway-tests --bin torture -- R1 --n 100 --seed 42
//! ```

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use gateway_tests::torture::{
    lossy,
    promise::{ALL, Engine, Plan, Promise},
    report::{Line, Verdict},
    site,
};

/// What was asked for.
struct Asked {
    promises: Vec<&'static Promise>,
    plan: Plan,
    jobs: usize,
    engines: Vec<Engine>,
    json: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "disk") {
        // the bench starts itself so, to be served a disk by another process
        return match words.next().map(PathBuf::from) {
            Some(folder) => lossy::serve(&folder),
            None => ExitCode::from(2),
        };
    }
    let asked = match parse(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("{why}\n{}", usage());
            return ExitCode::from(2);
        }
    };
    if let Err(why) = site::binary() {
        eprintln!("error: {why}");
        return ExitCode::from(2);
    }
    let (measured, counted): (Vec<_>, Vec<_>) =
        asked.promises.iter().copied().partition(is_measured);
    let failed = [
        try_each(&counted, &asked, asked.jobs),
        try_each(&measured, &asked, 1),
    ];
    ExitCode::from(u8::from(failed.contains(&true)))
}

/// Whether a promise is about times: it is tried with nothing beside it.
fn is_measured(promise: &&'static Promise) -> bool {
    promise.id.starts_with('A') || promise.id == "MARK"
}

/// Tries promises, several side by side, and tells each as it ends; true where one failed.
fn try_each(promises: &[&'static Promise], asked: &Asked, jobs: usize) -> bool {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(promise) = promises.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for line in try_one(promise, asked) {
                        failed.fetch_or(line.failed(), Ordering::Relaxed);
                        show(&line, asked.json);
                    }
                }
            });
        }
    });
    failed.into_inner()
}

/// Tries one. A scene that breaks is a promise that was not kept, and the others are tried all the same.
fn try_one(promise: &Promise, asked: &Asked) -> Vec<Line> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let began = Instant::now();
    let run = || runtime.block_on(promise.run(asked.plan.clone(), &asked.engines));
    let lines = panic::catch_unwind(AssertUnwindSafe(run));
    runtime.shutdown_background();
    lines.unwrap_or_else(|panic| {
        vec![Line {
            id: promise.id,
            name: promise.what.to_owned(),
            figures: Vec::new(),
            limit: "it goes on".to_owned(),
            verdict: Verdict::Fail(vec![words_of(&*panic)]),
            seed: asked.plan.seed,
            seconds: began.elapsed().as_secs_f64(),
        }]
    })
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked".to_owned())
}

fn show(line: &Line, json: bool) {
    match json {
        true => println!("{}", line.to_json()),
        false => println!("{line}"),
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked {
        promises: Vec::new(),
        plan: Plan {
            n: None,
            seed: 42,
            budget: Duration::from_secs(600),
            engine: Engine::Sqlite,
            began: Instant::now(),
            tells_times: false,
        },
        jobs: 1,
        engines: Vec::new(),
        json: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--n" => asked.plan.n = Some(number(&value()?)?),
            "--seed" => asked.plan.seed = number(&value()?)?,
            "--budget" => asked.plan.budget = Duration::from_secs(number(&value()?)?),
            "--engine" => asked.engines = engines(&value()?)?,
            "--jobs" => asked.jobs = usize::try_from(number(&value()?)?).unwrap_or(1).max(1),
            "--json" => asked.json = true,
            "--tell-times" => asked.plan.tells_times = true,
            "all" => asked.promises.extend(ALL),
            name => asked.promises.push(promise(name)?),
        }
    }
    match asked.promises.is_empty() {
        true => Err("which promise?".to_owned()),
        false => Ok(asked),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}

fn engines(text: &str) -> Result<Vec<Engine>, String> {
    match text {
        "sqlite" => Ok(vec![Engine::Sqlite]),
        "postgres" => Ok(vec![Engine::Postgres]),
        "both" => Ok(vec![Engine::Sqlite, Engine::Postgres]),
        other => Err(format!("{other} is no engine: sqlite, postgres or both")),
    }
}

fn promise(name: &str) -> Result<&'static Promise, String> {
    let found = ALL
        .iter()
        .find(|promise| promise.id.eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("{name} is no promise of this bench"))
}

fn usage() -> String {
    let mut text =
        "torture <promise>...|all [--n N] [--seed S] [--budget SECONDS] [--engine sqlite|postgres|both] [--jobs J] [--tell-times] [--json]\n"
            .to_owned();
    for promise in ALL {
        text.push_str(&format!("  {:<4} {}\n", promise.id, promise.what));
    }
    text
}
