//! A8: overload. What the gateway can do is fixed by a slow insurance database; then five times as much is
//! asked for, by senders that do not wait for each other. What is too much is told so at once, what is
//! taken is finished in time, and afterwards all is as before.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Plan,
    seen::{self, Before, limit},
};
use crate::torture::{
    chaos::{Chaos, Manner, Way},
    kit::{Kit, READY_MAX},
    letter::{Kind, Scribe},
    pace::{End, Lines, Shot, Tally},
    process::Process,
    random::Random,
    report::{Line, thousands},
    site::free_port,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let (registry, _slow) = match slow_registry(&kit).await {
        Ok(slow) => slow,
        Err(why) => return vec![kit.broken("A8", NAME, why)],
    };
    kit.site.edit(
        "gateway.toml",
        "[limits]\n",
        &format!("[limits]\nin_flight_max = {INSIDE}\n"),
    );
    let process = kit.serve().await;
    let scribe = Arc::new(Scribe::new(
        &kit.site.layout.agencies(),
        kit.site.landmarks.clone(),
    ));
    let write = move |nth: u64| {
        scribe
            .write(Kind::Verify, &mut Random::of(nth, &[88]))
            .message
    };
    let lines = Lines::new(kit.caller("tax"), 256);
    let seconds = |of_budget: f64| plan.budget.mul_f64(of_budget).min(Duration::from_secs(120));
    // enough of them that the database never waits for one
    let senders = 2 * CALLS as u64;
    let peak = lines.rate(senders, seconds(0.2), write.clone()).await;
    let every = Duration::from_secs_f64(1.0 / (5.0 * peak.max(1.0)));
    let before = Before::of(&process);
    let begun = Instant::now();
    let until = begun + seconds(0.45);
    let (shots, most_inside) = tokio::join!(
        lines.fire(every, until, write.clone()),
        most_inside(&process, until)
    );
    let took = begun.elapsed();
    let grown = before.grown_kb(&process);
    let again = recover(&lines, &write).await;
    let after = lines.rate(senders, seconds(0.15), write).await;
    process.terminate(Duration::from_secs(30)).await;
    drop(registry);
    let (mut wrong, mut late) = (Vec::new(), Vec::new());
    let tally = Tally::of(&shots);
    let goodput = tally.done as f64 / took.as_secs_f64();
    if goodput < peak * 0.8 {
        late.push(format!("goodput {goodput:.0}/s of {peak:.0}/s"));
    }
    if tally.done == 0 {
        wrong.push("nothing was done".to_owned());
    }
    refusals(&shots, &mut wrong);
    if most_inside > INSIDE as f64 {
        wrong.push(format!("{most_inside} messages inside, {INSIDE} allowed"));
    }
    if grown > 64 << 10 {
        wrong.push(format!("memory grew by {grown} KiB"));
    }
    let slowest = shots
        .iter()
        .filter(|shot| shot.end == End::Done)
        .map(|shot| shot.took)
        .max();
    limit(
        &mut late,
        "the slowest that was done",
        slowest.unwrap_or_default(),
        DEADLINE,
    );
    match again {
        Some(again) => limit(&mut late, "recovery", again, Duration::from_secs(10)),
        None => wrong.push("it did not recover".to_owned()),
    }
    let figures = vec![
        format!(
            "peak {peak:.0}/s, asked for {:.0}/s",
            tally.shots as f64 / took.as_secs_f64()
        ),
        format!(
            "goodput {goodput:.0}/s = {:.0} % of peak (limit 80 %)",
            100.0 * goodput / peak
        ),
        format!(
            "{} done, slowest {} ms, {} shed, at most {most_inside:.0} inside (limit {INSIDE}), memory +{} MiB",
            thousands(tally.done),
            slowest.unwrap_or_default().as_millis(),
            thousands(tally.shots - tally.done),
            grown >> 10
        ),
        format!(
            "again after {} ms, {after:.0}/s afterwards{}",
            again.unwrap_or_default().as_millis(),
            plan.judge(late, &mut wrong)
        ),
    ];
    vec![seen::line(
        &plan,
        "A8",
        NAME,
        figures,
        "goodput >= 80 % of peak at 5x",
        wrong,
    )]
}

const NAME: &str = "overload";
/// Calls to the insurance database at once, and what each takes at least.
const CALLS: usize = 4;
const CALL: Duration = Duration::from_millis(80);
/// Messages inside; one peer may have half.
const INSIDE: usize = 48;
/// `deadline_ms` where nothing else is said.
const DEADLINE: Duration = Duration::from_secs(10);

/// The registry in a process of its own, behind a slow line.
async fn slow_registry(kit: &Kit) -> Result<(Process, Chaos), String> {
    let listen = free_port();
    let beside = kit.site.layout.gateway("registry.toml");
    fs::copy(kit.site.layout.config(), &beside).map_err(|error| error.to_string())?;
    let process = kit.launch.registry(&kit.site, &beside, listen);
    let chaos = Chaos::start(listen, kit.seed)
        .await
        .map_err(|error| error.to_string())?;
    let way = Way {
        delay: CALL / 2,
        ..Way::FAIR
    };
    chaos.behave(Manner {
        there: way,
        back: way,
        ..Manner::FAIR
    });
    let remote = format!(
        "mode = \"remote\"\nuri = \"https://localhost:{}\"\nanchors = \"ca.pem\"\ntimeout_ms = 5000\ncalls = {CALLS}",
        chaos.address().port()
    );
    kit.site
        .edit("gateway.toml", "mode = \"embedded\"", &remote);
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(listen).await.is_err() {
        if begun.elapsed() > READY_MAX {
            return Err(format!("the registry is not there: {}", process.tail()));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok((process, chaos))
}

async fn most_inside(process: &Process, until: Instant) -> f64 {
    let mut most = 0.0_f64;
    while Instant::now() < until {
        let now = process.metric("lienthong_messages_inside").await;
        most = most.max(now.unwrap_or(0.0));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    most
}

/// Who is not done is told so by a fault that says when to come again, and never by silence.
fn refusals(shots: &[Shot], wrong: &mut Vec<String>) {
    let bad = shots.iter().filter(|shot| match &shot.end {
        End::Done | End::Unsent => false,
        End::Broken(_) => true,
        End::Refused(code, status, wait) => {
            let later = *status == 503 && wait.is_some();
            !later && code != "DEADLINE-EXCEEDED"
        }
    });
    let bad: Vec<_> = bad.map(|shot| format!("{:?}", shot.end)).collect();
    if let Some(first) = bad.first() {
        wrong.push(format!("{} ended badly, such as {first}", bad.len()));
    }
}

/// How long until one alone is answered at once again.
async fn recover(
    lines: &Lines,
    write: &(impl Fn(u64) -> crate::message::Message + Sync),
) -> Option<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        let shot = lines.shoot(Instant::now(), &write(0)).await;
        if shot.end == End::Done {
            return Some(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    None
}
