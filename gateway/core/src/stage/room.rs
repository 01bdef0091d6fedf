//! One passage through one room: a span for the trace, a time for the metrics.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::Span;

use crate::{head::Evidence, ports::Sight, refusal::Refusal};

/// An open passage.
pub(super) struct Room {
    name: &'static str,
    route: &'static str,
    started: Instant,
    sight: Arc<dyn Sight>,
    pub(super) span: Span,
}

macro_rules! span_of {
    ($name:expr, $evidence:expr, $($room:literal),*) => {
        match $name {
            $($room => tracing::info_span!($room, evidence = %$evidence),)*
            _ => tracing::info_span!("room", evidence = %$evidence),
        }
    };
}

impl Room {
    pub(super) fn enter(
        name: &'static str,
        route: &'static str,
        evidence: Evidence,
        sight: &Arc<dyn Sight>,
    ) -> Self {
        Self {
            name,
            route,
            started: Instant::now(),
            sight: Arc::clone(sight),
            span: span_of!(
                name, evidence, "admit", "receive", "verify", "permit", "record", "perform",
                "answer"
            ),
        }
    }

    /// Leaves the room, saying how it went.
    pub(super) fn leave<T>(self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        let outcome = match &result {
            Ok(_) => "ok",
            Err(refusal) => refusal.fault.code().row().code,
        };
        self.sight
            .room(self.name, self.route, outcome, self.started.elapsed());
        result
    }
}
