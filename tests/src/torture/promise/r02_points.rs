//! R2: ended at each point between something durable and its acknowledgement, every point once at a
//! time from the seed. All points are reached, and nothing is lost or done twice.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use gateway_core::faultpoint::POINTS;

use super::{Plan, recovery};
use crate::torture::{
    kit::Kit,
    letter::Mix,
    load::Shape,
    process::Launch,
    random::Random,
    report::{Line, thousands},
    site,
};

pub(super) async fn run(mut plan: Plan) -> Vec<Line> {
    let program = match program() {
        Ok(program) => program,
        Err(why) => return vec![Line::not_run("R2", NAME, why, plan.seed)],
    };
    plan.began = Instant::now(); // building the program is not trying it
    plan.budget = plan.budget.max(ALL_POINTS); // all of them, or it is no answer
    let name = format!("every fault point ({})", plan.engine.word());
    let mut kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R2", &name, why, plan.seed)],
    };
    kit.launch.program = Some(program.clone());
    let mut random = Random::of(plan.seed, &[12]);
    let load = kit.load(Shape {
        senders: 32,
        mix: Mix {
            dossiers: 15,
            ..Mix::USUAL
        },
        ..Shape::USUAL
    });
    let (mut reached, mut tried, mut missed) = (0, 0, Vec::new());
    for round in 0..plan.n.unwrap_or(1) {
        for point in order(&mut random) {
            if !plan.has_time() {
                missed.push(format!("round {round}: no time left for {point}"));
                continue;
            }
            tried += 1;
            // what happens once a second is ended at its first time
            let nth = if rare(point) { 1 } else { 1 + random.below(8) };
            if point.starts_with("resume") {
                // a sender that asks again is mostly faster: these never will
                recovery::leave(&kit, 4, Some(load.ledger())).await;
            }
            match crash(&kit, &program, point, nth).await {
                Ok(()) => reached += 1,
                Err(why) => missed.push(why),
            }
        }
    }
    let process = kit.serve().await;
    let mut closed = kit.close(load, process).await;
    closed.wrong.extend(missed);
    let first = format!(
        "{} points, {} of {} crashes reached",
        POINTS.len(),
        thousands(reached),
        thousands(tried)
    );
    vec![kit.line("R2", &name, first, closed)]
}

const NAME: &str = "every fault point";

/// The points in an order of the seed's.
fn order(random: &mut Random) -> Vec<&'static str> {
    let mut left = POINTS.to_vec();
    let mut order = Vec::new();
    while !left.is_empty() {
        let nth = random.below(left.len() as u64);
        order.push(left.swap_remove(usize::try_from(nth).unwrap_or(0)));
    }
    order
}

fn rare(point: &str) -> bool {
    ["resume", "feed", "lease", "sending", "send", "settle"]
        .iter()
        .any(|part| point.starts_with(part))
}

/// Starts a gateway that is to end at this point, and sees that it did.
async fn crash(kit: &Kit, program: &Path, point: &str, nth: u64) -> Result<(), String> {
    let launch = Launch {
        program: Some(program.to_owned()),
        env: vec![("LIENTHONG_FAULTPOINT".to_owned(), format!("{point}@{nth}"))],
        ..Launch::default()
    };
    let mut process = launch.serve(&kit.site);
    let ended = process.end_of(REACHED_WITHIN).await;
    match ended {
        Some(_) if process.tail().contains(&format!("faultpoint {point}")) => Ok(()),
        Some(status) => Err(format!("{point}: {status}, {}", process.tail())),
        None => Err(format!("{point}@{nth}: not reached in {REACHED_WITHIN:?}")),
    }
}

/// The program with fault points: beside us, or built now.
fn program() -> Result<PathBuf, String> {
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = me.parent().ok_or("no folder of our own")?;
    let file = folder.join("faultpoints");
    let plain = site::binary()?;
    let age = |file: &Path| file.metadata().and_then(|data| data.modified()).ok();
    if age(&file).is_some() && age(&file) >= age(&plain) {
        return Ok(file);
    }
    let mut build = Command::new("cargo");
    // with all packages, as the tests are: what they have compiled is used again
    build.args(["build", "--quiet", "--workspace", "--bin", "faultpoints"]);
    build.args(["--features", "gateway-tests/faultpoints"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let target = folder.parent().ok_or("no target folder")?;
    build.env("CARGO_TARGET_DIR", target);
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    match built {
        Ok(status) if status.success() && age(&file).is_some() => Ok(file),
        other => Err(format!("the build with fault points failed: {other:?}")),
    }
}

/// Longer than a lease and recovery's next round.
const REACHED_WITHIN: Duration = Duration::from_secs(60);
const ALL_POINTS: Duration = Duration::from_secs(600);
