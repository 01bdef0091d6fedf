//! R6: the server that takes writes is killed under load, backends and all, and its synchronous standby
//! promoted. The gateway runs on, finds the other by its connection strings, and nothing that was
//! acknowledged is missing there; what nobody knows the outcome of comes to one effect.

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    kit::Kit,
    load::{Load, Shape},
    random::Random,
    report::Line,
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let mut kit = match Kit::make_on_two(plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R6", NAME, why, plan.seed)],
    };
    let mut random = Random::of(plan.seed, &[16]);
    let process = kit.serve().await;
    let load = kit.load(Shape::USUAL);
    let (mut gaps, mut late, mut promoting) = (Vec::new(), Vec::new(), Duration::ZERO);
    while (gaps.len() as u64) < plan.n.unwrap_or(20) && (gaps.is_empty() || plan.has_time()) {
        if let Err(why) = flow(&load, 50).await {
            return vec![kit.broken("R6", NAME, format!("after {} kills: {why}", gaps.len()))];
        }
        tokio::time::sleep(Duration::from_millis(random.below(800))).await;
        match fail_over(&mut kit, &load).await {
            Ok(gap) => {
                promoting = promoting.max(gap.promotion);
                gaps.push(gap.whole);
            }
            Err(why) => {
                let why = format!("after {} kills: {why}; {}", gaps.len(), process.tail());
                return vec![kit.broken("R6", NAME, why)];
            }
        }
    }
    let mut closed = kit.close(load, process).await;
    gaps.sort_unstable();
    for gap in gaps.iter().filter(|gap| **gap > GAP_MAX) {
        late.push(format!("nothing written for {} ms", gap.as_millis()));
    }
    let told = plan.judge(late, &mut closed.wrong);
    let at = |nth: usize| gaps.get(nth).map_or(0, Duration::as_millis);
    let first = format!(
        "{} kills of the primary, write gap p50 {} ms, longest {} ms (limit 5,000), of which the promotion at most {} ms{told}",
        gaps.len(),
        at(gaps.len() / 2),
        at(gaps.len().saturating_sub(1)),
        promoting.as_millis()
    );
    vec![kit.line("R6", NAME, first, closed)]
}

const NAME: &str = "fail-over to a synchronous standby (postgres)";
const GAP_MAX: Duration = Duration::from_secs(5);
const FLOW_MAX: Duration = Duration::from_secs(30);

/// How long nothing was acknowledged.
struct Gap {
    whole: Duration,
    /// Until the standby took writes.
    promotion: Duration,
}

/// One fail-over. Then the dead one is made the other's standby.
async fn fail_over(kit: &mut Kit, load: &Load) -> Result<Gap, String> {
    let (Some(mut dead), Some(heir)) = (kit.cluster.take(), kit.standby.take()) else {
        return Err("there are not two servers".to_owned());
    };
    let killed = Instant::now();
    dead.signal("KILL");
    let heir = blocking(move || {
        heir.promote();
        heir
    })
    .await?;
    let promotion = killed.elapsed();
    let answered = flow(load, 1).await;
    let whole = killed.elapsed();
    let (dead, heir) = blocking(move || {
        dead.follow(&heir, &[]);
        heir.require_standby();
        (dead, heir)
    })
    .await?;
    (kit.cluster, kit.standby) = (Some(heir), Some(dead));
    answered.map(|()| Gap { whole, promotion })
}

/// Waits until so many more are answered.
async fn flow(load: &Load, more: u64) -> Result<(), String> {
    let (begun, before) = (Instant::now(), load.answered());
    while load.answered() < before + more {
        if begun.elapsed() > FLOW_MAX {
            return Err(format!("nothing is answered for {FLOW_MAX:?}"));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// Waits for the servers off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| error.to_string())
}
