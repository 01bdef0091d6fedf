//! What is answered beside the rooms, since it holds a secret and is kept nowhere: a call for a token. Framing, limits and
//! places hold for it as for a message, and its refusals are noted in the journal, without a byte of it.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Gate, Parts,
    admit::{limited, well_framed},
    face::{Reply, refused_aside, shown},
    receive::{announced_size, read},
    room::Room,
    verify::{keep, note},
};
use crate::{
    head::{Arrival, Evidence, Peer},
    refusal::Refusal,
};

/// A door beside the rooms.
#[derive(Debug, Clone, Copy)]
pub struct Aside {
    /// Its path.
    pub path: &'static str,
    /// Largest body, bytes.
    pub body_bytes_max: usize,
    /// How long it may take.
    pub deadline: Duration,
    /// A fault in the partner's words, JSON.
    pub face: fn(&Fault, Evidence) -> Vec<u8>,
}

/// Whose connection it is, and what came.
#[derive(Debug)]
pub struct Said {
    /// The peer.
    pub peer: Peer,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Gate {
    /// Answers one such request by `work`, which tells of a refusal also whom it is about, where that is known.
    pub async fn aside<F>(
        self: &Arc<Self>,
        arrival: Arrival,
        parts: &Parts,
        door: Aside,
        work: impl FnOnce(Said) -> F,
    ) -> Reply
    where
        F: Future<Output = Result<Bytes, (Fault, Option<PartnerId>)>>,
    {
        let (evidence, peer) = (arrival.evidence, arrival.peer.partner().clone());
        let room = Room::enter("admit", door.path, evidence, &parts.sight);
        let span = room.span.clone();
        let mut about = None;
        let outcome = self
            .answer_aside(arrival, parts, door, work, &mut about)
            .instrument(span)
            .await;
        match room.leave(outcome) {
            Ok(body) => shown(evidence, body),
            Err(refusal) => {
                if refusal.fault.code() == FaultCode::TokenRefused {
                    let noted = note(parts, &refusal, peer.clone(), about);
                    keep(parts.log.as_ref(), noted).await;
                }
                let body = (door.face)(&refusal.fault, evidence);
                refused_aside(&refusal, peer.as_str(), parts, body)
            }
        }
    }

    async fn answer_aside<F>(
        self: &Arc<Self>,
        arrival: Arrival,
        parts: &Parts,
        door: Aside,
        work: impl FnOnce(Said) -> F,
        about: &mut Option<PartnerId>,
    ) -> Result<Bytes, Refusal>
    where
        F: Future<Output = Result<Bytes, (Fault, Option<PartnerId>)>>,
    {
        let evidence = arrival.evidence;
        let refuse = |fault| Refusal::of("admit", evidence, fault);
        well_framed(&arrival)?;
        let quota = self.quota(&arrival, parts)?;
        let peer = arrival.peer.partner();
        let taken = self.limits.take_shared(peer, door.path, quota).await;
        taken.map_err(|standing| limited(evidence, standing))?;
        let demands_token = |id| {
            parts
                .partners
                .load()
                .get(id)
                .is_some_and(|p| p.token.is_some())
        };
        if demands_token(peer) {
            // what such a peer says is read behind its access token alone, and this door looks at none
            return Err(refuse(Fault::new(
                FaultCode::TokenRefused,
                "login-beside-a-token",
            )));
        }
        let place = self.place(peer).map_err(refuse)?;
        let until = Instant::now() + door.deadline;
        let (head, body) = arrival.request.into_parts();
        let reading = async {
            announced_size(&head.headers, door.body_bytes_max)?;
            read(body, door.body_bytes_max, Some(&place)).await
        };
        let slow = |_| Fault::new(FaultCode::TooSlow, "body");
        let body = tokio::time::timeout_at(until, reading).await;
        let body = body.map_err(slow).and_then(|read| read).map_err(refuse)?;
        let said = Said {
            peer: arrival.peer,
            headers: head.headers,
            body,
        };
        let late = |_| (Fault::new(FaultCode::DeadlineExceeded, "admit"), None);
        let worked = tokio::time::timeout_at(until, work(said)).await;
        worked
            .map_err(late)
            .and_then(|done| done)
            .map_err(|(fault, whom)| {
                *about = whom;
                refuse(fault)
            })
    }
}
