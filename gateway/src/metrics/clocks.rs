//! How births stand against the law's time. The registry counts, so that a restart loses and doubles nothing;
//! every replica tells the same figures, which are not to be added up.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
use schemas::proto::insurance::JudgeClocksResponse;

use super::{Metrics, told};

#[derive(Debug)]
pub(super) struct Clocks {
    open: Family<StageLabels, Gauge>,
    breached: Gauge,
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
        }
    }
}

impl Metrics {
    /// Takes over what the registry has counted.
    pub fn births_stand(&self, judged: &JudgeClocksResponse) {
        let gauge = |many: u64| i64::try_from(many).unwrap_or(i64::MAX);
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
}
