//! A9: a soak. A mixed load for as long as there is time; after a warm-up neither memory nor descriptors
//! may grow, and in the end the ledgers agree.
//!
//! The senders rest while the portal, which is slow, is a thousand parcels behind: a soak is what goes on
//! for ever, and more work than a partner takes does not.

use std::time::{Duration, Instant};

use super::Plan;
use crate::torture::{
    kit::{FINISH_MAX, Kit},
    letter::Mix,
    load::Shape,
    office::Manners,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    kit.office.behave(Manners {
        lose_reply: 2,
        late: 2,
        ..Manners::default()
    });
    let process = kit.serve().await;
    let mut load = kit.load(Shape {
        senders: 12,
        mix: Mix {
            dossiers: 5,
            verifications: 45,
            bad: 5,
        },
        rest: Duration::from_millis(20),
        ..Shape::USUAL
    });
    let begun = Instant::now();
    let soak = plan.budget.mul_f64(0.9);
    let (mut samples, mut most_behind) = (Vec::new(), 0);
    while begun.elapsed() < soak {
        samples.push(Sample {
            at: begun.elapsed().as_secs_f64(),
            resident_kb: process.resident_kb() as f64,
            fds: process.fds(),
        });
        if samples.len() % LOOK_EVERY == 0 {
            let behind = kit.undelivered();
            most_behind = behind.max(most_behind);
            load.rest(behind > BEHIND_MAX);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    load.finish(FINISH_MAX).await;
    kit.office.behave(Manners::default());
    let asked = load.answered();
    let mut closed = kit.close(load, process).await;
    let long = begun.elapsed() > Duration::from_secs(1_200);
    let first = judge(&samples, long, &mut closed.wrong);
    let first = format!(
        "{} messages in {} s, at most {} parcels behind, {first}",
        thousands(asked),
        soak.as_secs(),
        thousands(most_behind)
    );
    vec![kit.line("A9", "soak", first, closed)]
}

struct Sample {
    at: f64,
    resident_kb: f64,
    fds: usize,
}

/// The first third warms up; of a short soak only a leak that nobody could overlook is judged.
fn judge(samples: &[Sample], long: bool, wrong: &mut Vec<String>) -> String {
    let (warm, rest) = samples.split_at(samples.len() / 3);
    let slope = slope(rest) * 600.0 / 1024.0;
    let most = |samples: &[Sample]| samples.iter().map(|sample| sample.fds).max().unwrap_or(0);
    let (before, after) = (most(warm), most(rest));
    let ends = |nth: Option<&Sample>| nth.map_or(0.0, |sample| sample.resident_kb);
    let grown = (ends(rest.last()) - ends(rest.first())) / 1024.0;
    if long && slope > 1.0 {
        wrong.push(format!("memory grows by {slope:.2} MiB in ten minutes"));
    }
    if grown > SHORT_MIB {
        wrong.push(format!("memory grew by {grown:.0} MiB after the warm-up"));
    }
    if after > before + 40 {
        wrong.push(format!(
            "{before} descriptors in the warm-up, {after} afterwards"
        ));
    }
    let limit = if long {
        "limit 1"
    } else {
        "judged only in a long run"
    };
    format!(
        "memory {:.0} MiB, {grown:+.1} MiB after the warm-up (limit {SHORT_MIB}), slope {slope:+.1} MiB/10 min ({limit}), \
         descriptors {before} then {after}",
        ends(rest.last()) / 1024.0
    )
}

/// Samples between two looks at how far behind the portal is.
const LOOK_EVERY: usize = 5;
/// Parcels waiting with which the senders rest.
const BEHIND_MAX: u64 = 1_000;
/// What caches may still take after the warm-up of a short soak, MiB.
const SHORT_MIB: f64 = 48.0;

/// KiB a second, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let mean = |of: fn(&Sample) -> f64| samples.iter().map(of).sum::<f64>() / count.max(1.0);
    let (at, kb) = (mean(|sample| sample.at), mean(|sample| sample.resident_kb));
    let both: f64 = samples
        .iter()
        .map(|one| (one.at - at) * (one.resident_kb - kb))
        .sum();
    let square: f64 = samples.iter().map(|one| (one.at - at).powi(2)).sum();
    if square > 0.0 { both / square } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(count: u32, kb_each: f64, fds: impl Fn(u32) -> usize) -> Vec<Sample> {
        let sample = |nth: u32| Sample {
            at: f64::from(nth),
            resident_kb: 50_000.0 + kb_each * f64::from(nth),
            fds: fds(nth),
        };
        (0..count).map(sample).collect()
    }

    #[test]
    fn what_is_flat_passes_and_what_grows_is_found() {
        let judged = |samples: &[Sample]| {
            let mut wrong = Vec::new();
            judge(samples, true, &mut wrong);
            wrong.len()
        };
        assert_eq!(judged(&samples(3_600, 0.0, |_| 50)), 0);
        assert_eq!(
            judged(&samples(3_600, 1.0, |_| 50)),
            0,
            "0.6 MiB in ten minutes"
        );
        assert_eq!(
            judged(&samples(3_600, 3.0, |_| 50)),
            1,
            "1.8 MiB in ten minutes"
        );
        assert_eq!(
            judged(&samples(3_600, 0.0, |nth| 50 + nth as usize / 20)),
            1
        );
    }
}
