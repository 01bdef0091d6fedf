//! A4: a limit is fair. Twenty callers with equal quotas, and one of them sends a hundred times what the
//! others send: each of the others gets everything that it asks for, as if the loud one were not there.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    Plan,
    seen::{self, key_of, limit, register},
};
use crate::{
    message::Tax,
    torture::{
        kit::Kit,
        line::Caller,
        pace::{Lines, Shot, Tally},
        report::{Line, thousands},
    },
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let names: Vec<String> = (0..CALLERS).map(|nth| format!("caller-{nth:02}")).collect();
    for name in &names {
        register(&kit.site, "tax", name, "per_minute = 120\nburst = 10");
    }
    let process = kit.serve().await;
    let key = key_of(&kit.site, "tax");
    let marks = &kit.site.landmarks;
    let quiet = names.iter().skip(1);
    let round = async |seconds: f64, loud: bool| {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let fire = async |name: &String, every: Duration, most: usize| {
            let caller = Caller::new(&kit.site.layout.agency(name), kit.site.address);
            let verify = |_| {
                let now = Timestamp::now();
                let mut asked = Tax::verify(now, &marks.employer.mst, &marks.period, &["due"]);
                asked.sender.clone_from(name);
                asked.sign(&key)
            };
            Lines::new(caller, most).fire(every, until, verify).await
        };
        let others = join_all(quiet.clone().map(|name| fire(name, EVERY, 16)));
        match loud {
            true => tokio::join!(others, fire(&names[0], EVERY / 100, 64)),
            false => (others.await, Vec::new()),
        }
    };
    let seconds = plan.budget.as_secs_f64().min(90.0);
    let (alone, _) = round(seconds * 0.3, false).await;
    let (others, loud) = round(seconds * 0.6, true).await;
    process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (Vec::new(), Vec::new());
    let figures = judge(&alone, &others, &loud, &mut wrong, &mut late);
    let figures = vec![figures + &plan.judge(late, &mut wrong)];
    let limit = "Jain >= 0.99, loss <= 1 %, p99 <= 1.5 times";
    vec![seen::line(
        &plan,
        "A4",
        "the limit is fair",
        figures,
        limit,
        wrong,
    )]
}

const CALLERS: usize = 20;
/// How often a quiet caller asks; the quota is twice that.
const EVERY: Duration = Duration::from_millis(1_000);

fn judge(
    alone: &[Vec<Shot>],
    others: &[Vec<Shot>],
    loud: &[Shot],
    wrong: &mut Vec<String>,
    late: &mut Vec<String>,
) -> String {
    let good: Vec<f64> = others
        .iter()
        .map(|shots| Tally::of(shots).done as f64)
        .collect();
    let (index, all) = (jain(&good), Tally::of(others.iter().flatten()));
    if index < 0.99 {
        wrong.push(format!("Jain's index is {index:.4}: {good:?}"));
    }
    let lost = all.shots - all.done;
    if lost * 100 > all.shots {
        wrong.push(format!(
            "of {} asked {lost} were not answered: {:?}",
            all.shots, all.not_done
        ));
    }
    let before = Tally::of(alone.iter().flatten());
    limit(late, "p99 of the quiet", all.p99, before.p99.mul_f64(1.5));
    let loud = Tally::of(loud);
    let refused = loud.not_done.get("RATE-LIMITED").copied().unwrap_or(0);
    if refused * 2 < loud.shots {
        wrong.push(format!(
            "the loud one was refused {refused} of {} times only",
            loud.shots
        ));
    }
    format!(
        "{CALLERS} callers, one at 100 times: Jain {index:.4}, {lost} of {} of the quiet lost, their p99 {} ms (alone {} ms), \
         {} of {} of the loud taken",
        thousands(all.shots),
        all.p99.as_millis(),
        before.p99.as_millis(),
        thousands(loud.done),
        thousands(loud.shots)
    )
}

/// Jain's index: 1 where all have the same, 1/n where one has everything.
fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    match squares > 0.0 {
        true => sum * sum / (shares.len() as f64 * squares),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jains_index_is_one_for_equals_and_one_nth_for_one_alone() {
        assert!((jain(&[3.0; 20]) - 1.0).abs() < 1e-9);
        assert!((jain(&[5.0, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-9);
        assert!(jain(&[10.0, 10.0, 5.0]) < 0.99);
        assert!(jain(&[0.0, 0.0]).abs() < 1e-9);
    }
}
