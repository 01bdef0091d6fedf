//! A fault on its way back through the rooms, with what is known of the message by then.

use schemas::fault::Fault;

use crate::{
    adapter::AnswerHead,
    head::{Evidence, Head},
};

/// Why a message got no committed answer.
#[derive(Debug)]
pub struct Refusal {
    /// The fault.
    pub fault: Fault,
    /// The message's name here.
    pub evidence: Evidence,
    /// The room that refused.
    pub room: &'static str,
    /// What an answer binds to; there from the permit room on, and then the fault is signed.
    pub(crate) binding: Option<Box<AnswerHead>>,
    /// Headers that say where the caller stands with its limit: limit, remaining, reset seconds.
    pub(crate) rate: Option<Box<crate::limits::Standing>>,
}

impl Refusal {
    /// A refusal of a message of which only the head is known.
    #[must_use]
    pub fn new(room: &'static str, head: &Head, fault: Fault) -> Self {
        Self::of(room, head.evidence, fault)
    }

    pub(crate) fn of(room: &'static str, evidence: Evidence, fault: Fault) -> Self {
        Self {
            fault,
            evidence,
            room,
            binding: None,
            rate: None,
        }
    }

    pub(crate) fn bound(mut self, head: AnswerHead) -> Self {
        self.binding = Some(Box::new(head));
        self
    }

    pub(crate) fn standing(mut self, standing: crate::limits::Standing) -> Self {
        self.rate = Some(Box::new(standing));
        self
    }
}
