//! Trouble from the dice: cut and held lines, and kills of the gateway, for half a minute; then it is calm.

use std::{sync::Arc, time::Duration};

use turmoil::Sim;

use super::world::World;

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
enum Event {
    Kill,
    Start,
    Cut(&'static str, &'static str),
    Mend(&'static str, &'static str),
    Hold(&'static str, &'static str),
    Release(&'static str, &'static str),
}

/// What is still to come, soonest first.
pub(super) struct Weather(Vec<(Duration, Event)>);

impl Weather {
    pub(super) fn of(world: &Arc<World>) -> Self {
        let mut events = Vec::new();
        let dice = |bound| world.below("weather", bound);
        for _ in 0..dice(4) {
            let (at, down) = (dice(CALM_MS), 50 + dice(4_000));
            events.push((at, Event::Kill));
            events.push((at + down, Event::Start));
        }
        for _ in 0..dice(6) {
            let (a, b) = LINES[usize::try_from(dice(3)).unwrap()];
            let (at, long) = (dice(CALM_MS), 100 + dice(6_000));
            let (bad, good) = match dice(2) {
                0 => (Event::Cut(a, b), Event::Mend(a, b)),
                _ => (Event::Hold(a, b), Event::Release(a, b)),
            };
            events.push((at, bad));
            events.push((at + long, good));
        }
        events.sort_by_key(|(at, _)| *at);
        let events = events.into_iter();
        Self(
            events
                .map(|(at, event)| (Duration::from_millis(at), event))
                .collect(),
        )
    }

    /// Lets happen what is due.
    pub(super) fn change(&mut self, sim: &mut Sim<'_>, world: &World) {
        while self.0.first().is_some_and(|(at, _)| *at <= sim.elapsed()) {
            let (_, event) = self.0.remove(0);
            match event {
                Event::Kill if sim.is_host_running("gateway") => {
                    sim.crash("gateway");
                    world.killed();
                }
                Event::Start if !sim.is_host_running("gateway") => sim.bounce("gateway"),
                Event::Kill | Event::Start => continue,
                Event::Cut(a, b) => sim.partition(a, b),
                Event::Mend(a, b) => sim.repair(a, b),
                Event::Hold(a, b) => sim.hold(a, b),
                Event::Release(a, b) => sim.release(a, b),
            }
            world.note(format!("weather: {event:?}"));
        }
    }
}

/// No trouble begins after this.
const CALM_MS: u64 = 25_000;
const LINES: [(&str, &str); 3] = [
    ("gateway", "portal"),
    ("gateway", "insurance"),
    ("gateway", "agency"),
];
