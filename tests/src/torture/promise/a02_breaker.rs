//! A2: the breaker, seen from the partner's side. The portal resets every connection: after so many
//! failures it is left alone, then asked by one call a period and no more; and when it is back it is
//! called as ever. The states themselves are tried in virtual time beside the lane
//! (`gateway/src/deliver/breaker.rs` and `deliver/tests/hands.rs`).

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    chaos::{Door, Manner},
    kit::Kit,
    letter::Mix,
    load::Shape,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let (kit, chaos) = match Kit::behind(plan.seed).await {
        Ok(made) => made,
        Err(why) => return vec![Line::not_run("A2", NAME, why.to_string(), plan.seed)],
    };
    let few = format!("[delivery]\nbreaker_failures = {FAILURES}\nconcurrency = {HANDS}\n");
    kit.site.edit("partners/portal.toml", "[delivery]\n", &few);
    let process = kit.serve().await;
    let load = kit.load(Shape {
        senders: 4,
        mix: Mix {
            dossiers: 100,
            verifications: 0,
            bad: 0,
        },
        again: 0,
        twins: 0,
        rest: Duration::from_millis(100),
        keeps: false,
    });
    let mut wrong = Vec::new();
    let calls = || kit.office.read(|book| book.calls);
    let level = async || process.metric(BREAKER).await;
    until(async || calls() > 5).await;
    chaos.behave(Manner::door(Door::Reset));
    chaos.cut();
    let trouble = Instant::now();
    let rest = plan.budget.mul_f64(0.6).min(Duration::from_secs(60));
    let mut open = 0;
    while trouble.elapsed() < rest {
        tokio::time::sleep(Duration::from_millis(100)).await;
        open += u64::from(level().await.is_some_and(|level| level > 0.0));
    }
    let came: Vec<_> = chaos
        .came()
        .into_iter()
        .filter(|came| *came > trouble)
        .collect();
    if open == 0 {
        wrong.push("it never opened".to_owned());
    }
    let (burst, probes) = apart(&came);
    if burst > BURST {
        wrong.push(format!("{burst} connections until it opened"));
    }
    if let Some(pause) = probes.iter().find(|pause| **pause < PERIOD) {
        wrong.push(format!("two probes within {} ms", pause.as_millis()));
    }
    let before = calls();
    chaos.behave(Manner::FAIR);
    let healed = Instant::now();
    if !until(async || calls() > before).await {
        wrong.push("not called again".to_owned());
    }
    let again = healed.elapsed();
    if !until(async || level().await == Some(0.0)).await {
        wrong.push(format!(
            "the breaker stands at {:?} at the end",
            level().await
        ));
    }
    let mut closed = kit.close(load, process).await;
    closed.wrong.append(&mut wrong);
    let first = format!(
        "opens after {FAILURES} failures: {burst} connections (limit {BURST}), then {} probes in {} s, never two within \
         {} ms, called again {} ms after it healed",
        probes.len(),
        rest.as_secs(),
        PERIOD.as_millis(),
        again.as_millis()
    );
    vec![kit.line("A2", NAME, first, closed)]
}

/// Waits until it is so; false after half a minute.
async fn until(mut is_so: impl AsyncFnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if is_so().await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// How many came before the first pause, and the pauses before each one after it.
fn apart(came: &[Instant]) -> (usize, Vec<Duration>) {
    let pauses: Vec<_> = came.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let first = pauses.iter().position(|pause| *pause >= PERIOD);
    let first = first.unwrap_or(pauses.len());
    (came.len().min(first + 1), pauses[first..].to_vec())
}

const NAME: &str = "the breaker";
const BREAKER: &str = "lienthong_outbox_breaker{partner=\"portal\"}";
const FAILURES: usize = 3;
const HANDS: usize = 2;
/// Each hand may be in a call of its own when the last allowed failure is noted, and a connection that
/// died unseen is replaced once.
const BURST: usize = FAILURES + 2 * HANDS;
/// `breaker_seconds` of the bench's site, less what a clock may be off.
const PERIOD: Duration = Duration::from_millis(990);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_from_the_probes_after_it() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let (burst, pauses) = apart(&[at(0), at(5), at(9), at(1_010), at(2_100), at(2_200)]);
        assert_eq!(burst, 3);
        let pauses: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(pauses, [1_001, 1_090, 100]);
        assert_eq!(apart(&[]), (0, Vec::new()));
    }
}
