//! How births and requests of data subjects stand against the law's time. The registry counts, so that a restart loses and doubles nothing;
//! every replica tells the same figures, which are not to be added up.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use schemas::proto::insurance::{JudgeClocksResponse, RequestTimes};

use super::{Metrics, told};

#[derive(Debug)]
pub(super) struct Clocks {
    open: Family<StageLabels, Gauge>,
    breached: Gauge,
    requests_open: Family<RequestLabels, Gauge>,
    requests_breached: Family<ClockLabels, Gauge>,
}

/// `clock` is "acknowledge" or "answer".
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    clock: String,
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClockLabels {
    clock: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

impl Clocks {
    pub(super) fn told(all: &mut Registry) -> Self {
        Self {
            open: told(
                all,
                "civil_births_open",
                "Births that are not done, by what was told of the law's time: in-time, half, most (90 %), late",
            ),
            breached: told(
                all,
                "civil_births_breached",
                "Births, done or not, whose time was over before they were done, since the registry began",
            ),
            requests_open: told(
                all,
                "data_requests_open",
                "Requests of data subjects that are not acknowledged or answered, by what was told of the law's time: in-time, half, most (90 %), late",
            ),
            requests_breached: told(
                all,
                "data_requests_breached",
                "Requests of data subjects, done or not, whose time was over before they were acknowledged or answered, since the registry began",
            ),
        }
    }
}

impl Metrics {
    /// Takes over what the registry has counted.
    pub fn births_stand(&self, judged: &JudgeClocksResponse) {
        for (stage, many) in [
            ("in-time", judged.in_time),
            ("half", judged.half),
            ("most", judged.most),
            ("late", judged.late),
        ] {
            let labels = StageLabels { stage };
            self.clocks.open.get_or_create(&labels).set(gauge(many));
        }
        self.clocks.breached.set(gauge(judged.breached));
    }

    /// The same of requests, clock by clock; a registry names one of two.
    pub fn requests_stand(&self, judged: &[RequestTimes]) {
        let known = |one: &&RequestTimes| CLOCKS.contains(&&*one.clock);
        for one in judged.iter().filter(known) {
            for (stage, many) in [
                ("in-time", one.in_time),
                ("half", one.half),
                ("most", one.most),
                ("late", one.late),
            ] {
                let labels = RequestLabels {
                    clock: one.clock.clone(),
                    stage,
                };
                let open = self.clocks.requests_open.get_or_create(&labels);
                open.set(gauge(many));
            }
            let labels = ClockLabels {
                clock: one.clock.clone(),
            };
            let breached = self.clocks.requests_breached.get_or_create(&labels);
            breached.set(gauge(one.breached));
        }
    }
}

fn gauge(many: u64) -> i64 {
    i64::try_from(many).unwrap_or(i64::MAX)
}

const CLOCKS: [&str; 2] = ["acknowledge", "answer"];
