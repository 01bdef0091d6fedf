//! A1: trouble at one partner. The portal's line is broken in every way, one after the other, while the tax
//! department asks at half of what the gateway can do: it must not notice. The portal's lane keeps to its
//! connections, and when the line is good again the backlog is told once and in order.

mod lanes;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Plan, seen::limit};
use crate::torture::{
    chaos::{Chaos, Door, Ending, Manner, Way},
    kit::Kit,
    letter::{Kind, Mix, Scribe},
    load::Shape,
    office::Manners,
    pace::{Lines, Shot, Tally},
    random::Random,
    report::{Line, thousands},
};

/// A trouble: its name, the line's manner, and how many of a hundred calls the portal answers 500.
type Trouble = (&'static str, Manner, u64);

const TROUBLES: [Trouble; 12] = [
    ("black hole", Manner::door(Door::Silent), 0),
    ("unanswered", Manner::door(Door::Unanswered), 0),
    ("frozen", Manner::FROZEN, 0),
    ("1 byte/s", Manner::back(Way::at(1)), 0),
    ("TLS refused", Manner::door(Door::NoTls), 0),
    ("500s", Manner::FAIR, 100),
    (
        "hang in a reply",
        Manner::back(Way::ending_inside_tls(40, Ending::Hang)),
        0,
    ),
    (
        "reset in a reply",
        Manner::back(Way::ending_inside_tls(40, Ending::Reset)),
        0,
    ),
    (
        "half-closed",
        Manner::back(Way::ending_inside_tls(40, Ending::HalfClose)),
        0,
    ),
    ("reset", Manner::door(Door::Reset), 0),
    ("late, lossy", LATE, 0),
    (
        "out of order",
        Manner {
            reorder: Some(Duration::from_millis(200)),
            ..Manner::FAIR
        },
        0,
    ),
];

const LATE: Manner = Manner::back(Way {
    delay: Duration::from_millis(100),
    jitter: Duration::from_millis(300),
    loss: 30,
    ..Way::FAIR
});

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let (kit, chaos) = match Kit::behind(plan.seed).await {
        Ok(made) => made,
        Err(why) => return vec![Line::not_run("A1", NAME, why.to_string(), plan.seed)],
    };
    // it is to be called all the time, and not left alone: that is another promise's
    let eager = "timeout_ms = 400\nbreaker_failures = 50";
    kit.site
        .edit("partners/portal.toml", "timeout_ms = 1500", eager);
    let process = kit.serve().await;
    let scribe = Arc::new(Scribe::new(
        &kit.site.layout.agencies(),
        kit.site.landmarks.clone(),
    ));
    let write = move |nth: u64| {
        scribe
            .write(Kind::Verify, &mut Random::of(nth, &[81]))
            .message
    };
    let lines = Lines::new(kit.caller("tax"), 64);
    // the portal's own dossiers make the backlog, at an easy pace
    let load = kit.load(Shape {
        senders: 2,
        mix: Mix {
            dossiers: 100,
            verifications: 0,
            bad: 0,
        },
        again: 0,
        twins: 0,
        rest: Duration::from_millis(150),
        keeps: false,
    });
    let capacity = lines.rate(4, Duration::from_secs(1), write.clone()).await;
    let every = Duration::from_secs_f64((2.0 / capacity).clamp(0.002, 0.2));
    let fire = async |seconds: f64| {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        lines.fire(every, until, write.clone()).await
    };
    let each = (plan.budget.as_secs_f64() / 16.0).clamp(0.5, 120.0);
    let good = fire(each * 2.0).await;
    let _ = chaos.most_open();
    let mut seen = Seen::default();
    for trouble in shuffled(plan.seed) {
        chaos.behave(trouble.1);
        kit.office.behave(Manners {
            fail: trouble.2,
            ..Manners::default()
        });
        if trouble.1.door != Door::Open {
            chaos.cut();
        }
        // those whom nobody took while the door was unanswered come all at once, long given up
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _ = chaos.most_open();
        seen.troubled(trouble.0, fire(each).await, &chaos).await;
    }
    chaos.behave(Manner::FAIR);
    chaos.cut();
    kit.office.behave(Manners::default());
    let told = kit.office.read(|book| book.calls);
    let healed = Instant::now();
    let mut closed = kit.close(load, process).await;
    let backlog = kit.office.read(|book| book.calls) - told;
    seen.most_open = seen.most_open.max(chaos.most_open());
    let first = seen.judge(&plan, &good, every, &mut closed.wrong);
    let first = format!(
        "{first}; {} calls after it healed, done in {:.1} s",
        thousands(backlog),
        healed.elapsed().as_secs_f64()
    );
    let line = kit.line("A1", NAME, first, closed);
    drop(kit);
    vec![line, lanes::run(&plan).await]
}

const NAME: &str = "trouble at one partner";
/// The lane's connections: `concurrency` of the portal's file, which says nothing and so means two.
const CONNECTIONS: usize = 2;

fn shuffled(seed: u64) -> Vec<Trouble> {
    let mut order = TROUBLES.to_vec();
    Random::of(seed, &[80]).shuffle(&mut order);
    order
}

#[derive(Default)]
struct Seen {
    shots: Vec<Shot>,
    worst: Option<(Duration, &'static str)>,
    most_open: usize,
    wrong: Vec<String>,
}

impl Seen {
    async fn troubled(&mut self, name: &'static str, shots: Vec<Shot>, chaos: &Chaos) {
        let p99 = Tally::of(&shots).p99;
        if self.worst.is_none_or(|(worst, _)| p99 > worst) {
            self.worst = Some((p99, name));
        }
        self.shots.extend(shots);
        self.most_open = self.most_open.max(chaos.most_open());
        // one that was let go of may be seen for a moment beside the next one, but not for long
        let begun = Instant::now();
        while chaos.open() > CONNECTIONS {
            if begun.elapsed() > Duration::from_secs(10) {
                self.wrong
                    .push(format!("{name}: {} connections stay open", chaos.open()));
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn judge(
        &self,
        plan: &Plan,
        good: &[Shot],
        every: Duration,
        wrong: &mut Vec<String>,
    ) -> String {
        let (before, during) = (Tally::of(good), Tally::of(&self.shots));
        let mut late = Vec::new();
        let bound = before.p99.mul_f64(1.2) + Duration::from_millis(5);
        limit(&mut late, "p99 in trouble", during.p99, bound);
        if during.done * 100 < during.shots * 98 {
            wrong.push(format!(
                "of {} asked only {} were answered",
                during.shots, during.done
            ));
        }
        wrong.extend(self.wrong.iter().cloned());
        if self.most_open > CONNECTIONS {
            late.push(format!("{} connections for a moment", self.most_open));
        }
        let (worst, name) = self.worst.unwrap_or_default();
        format!(
            "{} troubles, others at {:.0}/s: p99 {} ms before, {} ms in trouble (limit {}), worst {} ms ({name}), \
             {} of {} answered (limit 98 %), at most {} connections for a moment (limit {CONNECTIONS}){}",
            TROUBLES.len(),
            1.0 / every.as_secs_f64(),
            before.p99.as_millis(),
            during.p99.as_millis(),
            bound.as_millis(),
            worst.as_millis(),
            thousands(during.done),
            thousands(during.shots),
            self.most_open,
            plan.judge(late, wrong)
        )
    }
}
