//! A3: a limit is exact. Three times what is allowed is sent: at the door, where a peer is counted before
//! anything is read, and in the permit room, where a proven sender is. Whatever the machine does, no
//! stretch of time may take more than its burst and its rate; and a told wait is a true one.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{
    Plan,
    seen::{self, key_of},
};
use crate::{
    message::{Message, Tax},
    torture::{
        kit::Kit,
        pace::{End, Lines, Shot},
        report::{Line, thousands},
    },
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let kit = Kit::make(plan.seed).await;
    let much = "per_minute = 6000000\nburst = 100000";
    kit.site.edit(
        "partners/dvclt.toml",
        &format!("[quota]\n{much}"),
        &DOOR.lines("[quota]\n"),
    );
    kit.site.edit(
        "partners/portal.toml",
        &format!("[quota]\n{much}"),
        &ONE.lines("[quota]\n"),
    );
    let granted = "\"lastD02\"]\n";
    kit.site.edit(
        "partners/tax.toml",
        &format!("{granted}{much}"),
        &SENDER.lines(granted),
    );
    let process = kit.serve().await;
    let seconds = plan.budget.mul_f64(0.7).min(Duration::from_secs(60));
    let until = Instant::now() + seconds;
    let key = key_of(&kit.site, "tax");
    let marks = kit.site.landmarks.clone();
    let verify = move |_| {
        Tax::verify(
            Timestamp::now(),
            &marks.employer.mst,
            &marks.period,
            &["due"],
        )
        .sign(&key)
    };
    let (dvclt, tax) = (
        Lines::new(kit.caller("dvclt"), 64),
        Lines::new(kit.caller("tax"), 64),
    );
    let portal = Lines::new(kit.caller("portal"), 2);
    let (door, sender, waits) = tokio::join!(
        dvclt.fire(DOOR.third(), until, |_| empty("/civil/v1/LayKetQua")),
        tax.fire(SENDER.third(), until, verify),
        told_waits(&portal),
    );
    process.terminate(Duration::from_secs(30)).await;
    let (mut wrong, mut late) = (Vec::new(), Vec::new());
    let door = DOOR.judge("door", &door, &mut wrong, &mut late);
    let sender = SENDER.judge("sender", &sender, &mut wrong, &mut late);
    let waits = waits.unwrap_or_else(|why| {
        wrong.push(why);
        "no true wait".to_owned()
    });
    let told = plan.judge(late, &mut wrong);
    let figures = vec![door, sender, format!("{waits}{told}")];
    let limit = "within 2 %, never above burst and rate, told waits true to 1 s";
    vec![seen::line(
        &plan,
        "A3",
        "the limit is exact",
        figures,
        limit,
        wrong,
    )]
}

/// A limit as a config says it.
struct Limit {
    per_minute: u32,
    burst: u32,
}

const DOOR: Limit = Limit {
    per_minute: 3_000,
    burst: 50,
};
const SENDER: Limit = Limit {
    per_minute: 600,
    burst: 10,
};
/// One in three seconds.
const ONE: Limit = Limit {
    per_minute: 20,
    burst: 2,
};

impl Limit {
    fn lines(&self, head: &str) -> String {
        format!(
            "{head}per_minute = {}\nburst = {}",
            self.per_minute, self.burst
        )
    }

    fn per_second(&self) -> f64 {
        f64::from(self.per_minute) / 60.0
    }

    /// Three times as often as it allows.
    fn third(&self) -> Duration {
        Duration::from_secs_f64(1.0 / (3.0 * self.per_second()))
    }

    fn allows(&self, during: Duration) -> f64 {
        f64::from(self.burst) + self.per_second() * during.as_secs_f64()
    }

    /// A stretch of time that took more than burst and rate: from when the first of some was due until all
    /// of them were answered, so that the gateway's own moments lie inside.
    fn too_many(&self, taken: &[&Shot]) -> Option<(usize, Duration, f64)> {
        for (nth, first) in taken.iter().enumerate() {
            let mut answered = first.due;
            for (more, last) in taken[nth..].iter().enumerate() {
                answered = answered.max(last.due + last.took);
                let during = answered - first.due;
                let most = self.allows(during) + 1.0;
                if (more + 1) as f64 > most {
                    return Some((more + 1, during, most));
                }
            }
        }
        None
    }

    fn judge(
        &self,
        what: &str,
        shots: &[Shot],
        wrong: &mut Vec<String>,
        late: &mut Vec<String>,
    ) -> String {
        let taken: Vec<_> = shots.iter().filter(|shot| is_taken(&shot.end)).collect();
        if let Some(broken) = shots.iter().find(|shot| matches!(shot.end, End::Broken(_))) {
            wrong.push(format!("{what}: {:?}", broken.end));
        }
        if let Some((count, during, most)) = self.too_many(&taken) {
            wrong.push(format!(
                "{what}: {count} taken in {during:?}, at most {most:.0}"
            ));
            return format!("{what}: more than its limit");
        }
        let (Some(first), Some(last)) = (shots.first(), shots.last()) else {
            wrong.push(format!("{what}: nothing was sent"));
            return String::new();
        };
        let expected = self.allows(last.due - first.due);
        let off = (taken.len() as f64 / expected - 1.0) * 100.0;
        if off.abs() > 2.0 {
            late.push(format!(
                "{what}: {} taken, {expected:.0} expected",
                taken.len()
            ));
        }
        format!(
            "{what}: {} sent, {} taken, {expected:.0} allowed ({off:+.1} %)",
            thousands(shots.len() as u64),
            thousands(taken.len() as u64)
        )
    }
}

/// Past the limit, whatever was thought of it there.
fn is_taken(end: &End) -> bool {
    match end {
        End::Done => true,
        End::Refused(code, _, _) => code != "RATE-LIMITED",
        End::Broken(_) | End::Unsent => false,
    }
}

/// A request that is refused as soon as it is read.
fn empty(path: &'static str) -> Message {
    Message {
        path,
        content_type: "application/json".to_owned(),
        signature: None,
        body: b"{}".to_vec(),
    }
}

/// Waits as it is told, and is let in then and not a second earlier.
async fn told_waits(lines: &Lines) -> Result<String, String> {
    let ask = async || {
        lines
            .shoot(Instant::now(), &empty("/portal/v1/dossiers"))
            .await
            .end
    };
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut wait = None;
        for _ in 0..=ONE.burst {
            if let End::Refused(code, _, seconds) = ask().await
                && code == "RATE-LIMITED"
            {
                wait = seconds;
                break;
            }
        }
        let (refused, wait) = (Instant::now(), wait.ok_or("no Retry-After")?);
        let second = Duration::from_secs(1);
        let wait_for = Duration::from_secs(wait);
        let early = wait_for.saturating_sub(second + Duration::from_millis(200));
        tokio::time::sleep_until((refused + early).into()).await;
        // where this machine was slow it is no longer early
        let end = ask().await;
        if refused.elapsed() < wait_for.saturating_sub(second) && is_taken(&end) {
            return Err(format!(
                "told to wait {wait} s, and taken after {:?}",
                refused.elapsed()
            ));
        }
        tokio::time::sleep_until((refused + wait_for).into()).await;
        let end = ask().await;
        if !is_taken(&end) {
            return Err(format!("told to wait {wait} s, waited, and was not taken"));
        }
        told.push(wait);
    }
    Ok(format!("waits of {told:?} s were true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(every_ms: u64, count: u64, taken: impl Fn(u64) -> bool) -> Vec<Shot> {
        let start = Instant::now();
        let shot = |nth| Shot {
            due: start + Duration::from_millis(nth * every_ms),
            took: Duration::ZERO,
            end: match taken(nth) {
                true => End::Done,
                false => End::Refused("RATE-LIMITED".to_owned(), 429, Some(1)),
            },
        };
        (0..count).map(shot).collect()
    }

    #[test]
    fn one_in_three_is_exact_and_more_or_fewer_are_found() {
        let judge = |shots: &[Shot]| {
            let (mut wrong, mut late) = (Vec::new(), Vec::new());
            SENDER.judge("sender", shots, &mut wrong, &mut late);
            (wrong.len(), late.len())
        };
        let exact = shots(33, 909, |nth| nth < 10 || nth % 3 == 0);
        assert_eq!(judge(&exact), (0, 0));
        assert_eq!(
            judge(&shots(33, 909, |nth| nth % 4 == 0)),
            (0, 1),
            "too few"
        );
        assert_eq!(judge(&shots(33, 909, |nth| nth % 2 == 0)).0, 1, "too many");
        assert_eq!(
            judge(&shots(1, 100, |nth| nth < 14)).0,
            1,
            "too large a burst"
        );
        let mut slow = shots(1, 100, |nth| nth < 12);
        assert_eq!(judge(&slow).0, 1);
        slow[3].took = Duration::from_secs(2);
        assert_eq!(judge(&slow).0, 0, "one of them may have been taken late");
    }
}
