//! What goes through the rooms, and who is connected.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use gateway_core::stage::Gate;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{
    Metrics,
    labels::{Bounded, Buckets, OTHER, PartnerLabels, ReasonLabels},
    told, told_in,
};

#[derive(Debug)]
pub(super) struct Traffic {
    rooms: Family<RoomLabels, Histogram, Buckets>,
    refusals: Bounded<RefusalLabels>,
    answers: Bounded<AnswerLabels>,
    connections: Gauge,
    accepted: Counter,
    refused_connections: Family<ReasonLabels, Counter>,
    inside: Gauge,
    body_bytes: Gauge,
    gate: OnceLock<Arc<Gate>>,
    // for the status page only
    accepted_of: Bounded<PartnerLabels>,
    refused_of: Bounded<PartnerLabels>,
}

impl Traffic {
    pub(super) fn told(all: &mut Registry) -> Self {
        let rooms = Family::new_with_constructor(Buckets);
        Self {
            rooms: told_in(
                all,
                "room_duration",
                "Time spent in one room by one message",
                Unit::Seconds,
                rooms,
            ),
            refusals: Bounded::told(all, "refusals", "Messages refused, by room and code"),
            answers: Bounded::told(all, "answers", "Messages answered"),
            connections: told(all, "connections", "Open connections"),
            accepted: told(
                all,
                "connections_accepted",
                "Connections whose handshake succeeded",
            ),
            refused_connections: told(all, "connections_refused", "Connections refused, by reason"),
            inside: told(all, "messages_inside", "Messages in the rooms"),
            body_bytes: told(
                all,
                "body_bytes_inside",
                "Bytes of the bodies of the messages in the rooms",
            ),
            gate: OnceLock::new(),
            accepted_of: Bounded::default(),
            refused_of: Bounded::default(),
        }
    }

    /// Looks into the gate, just before the text is written.
    pub(super) fn look(&self) {
        if let Some(held) = self.gate.get().map(|gate| gate.held()) {
            let gauge = |held| i64::try_from(held).unwrap_or(i64::MAX);
            self.inside.set(gauge(held.messages));
            self.body_bytes.set(gauge(held.body_bytes));
        }
    }

    pub(super) fn room(
        &self,
        room: &'static str,
        route: &'static str,
        outcome: &'static str,
        took: Duration,
    ) {
        let labels = RoomLabels {
            room,
            route,
            outcome,
        };
        self.rooms
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    pub(super) fn refused(&self, room: &'static str, partner: &str, code: &'static str) {
        let labels = |partner: &str| RefusalLabels {
            room,
            partner: partner.to_owned(),
            code,
        };
        self.refusals.count(labels(partner), || labels(OTHER));
        count_partner(&self.refused_of, partner);
    }

    pub(super) fn answered(&self, partner: &str, operation: &'static str, outcome: &'static str) {
        let labels = |partner: &str| AnswerLabels {
            partner: partner.to_owned(),
            operation,
            outcome,
        };
        self.answers.count(labels(partner), || labels(OTHER));
        count_partner(&self.accepted_of, partner);
    }
}

impl Metrics {
    /// From now on tells what is inside this gate.
    pub fn watch(&self, gate: &Arc<Gate>) {
        let _ = self.traffic.gate.set(Arc::clone(gate)); // a process has one
    }

    /// A connection whose handshake succeeded.
    pub fn connection_opened(&self) {
        self.traffic.accepted.inc();
        self.traffic.connections.inc();
    }

    /// The end of a connection that was opened.
    pub fn connection_closed(&self) {
        self.traffic.connections.dec();
    }

    /// A connection that was refused (handshake, cap, unknown peer), by its stable reason word.
    pub fn refused_connection(&self, reason: &'static str) {
        self.traffic
            .refused_connections
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    /// Messages answered and refused since the start, of one partner.
    #[must_use]
    pub fn of_partner(&self, partner: &str) -> (u64, u64) {
        let labels = PartnerLabels::of(partner);
        let count = |counters: &Bounded<PartnerLabels>| {
            counters
                .family
                .get(&labels)
                .map_or(0, |counter| counter.get())
        };
        (
            count(&self.traffic.accepted_of),
            count(&self.traffic.refused_of),
        )
    }
}

fn count_partner(counters: &Bounded<PartnerLabels>, partner: &str) {
    counters.count(PartnerLabels::of(partner), || PartnerLabels::of(OTHER));
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoomLabels {
    room: &'static str,
    route: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    room: &'static str,
    partner: String,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    partner: String,
    operation: &'static str,
    outcome: &'static str,
}
