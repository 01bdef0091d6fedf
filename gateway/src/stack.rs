//! The eight rooms in one place. Every message of every system goes through this and nothing else.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use gateway_core::{
    Adapter, Arrival, Committed, Refusal, Route,
    ports::Unfinished,
    stage::{
        AdmitLayer, AnswerLayer, Aside, BearerLayer, FaceLayer, Gate, Parts, Perform, PermitLayer,
        ReceiveLayer, RecordLayer, Reply, ResumeLayer, Said, VerifyLayer, today,
    },
};
use hospital::token;
use http::{Method, Uri, uri::PathAndQuery};
use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};

use crate::documents::Documents;
use crate::webhooks::Pending;

/// One system's way in, and its way back in after a crash.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The system's doors.
    pub routes: &'static [Route],
    front: BoxCloneSyncService<Arrival, Reply, Infallible>,
    resume: BoxCloneSyncService<Unfinished, Committed, Refusal>,
}

/// Builds the rooms around one system's words.
pub fn stack<A: Adapter>(adapter: A, parts: &Parts, gate: &Arc<Gate>) -> Stack {
    let (routes, is_soap) = (adapter.routes(), adapter.is_soap());
    let adapter = Arc::new(adapter);
    let shared = || (parts.clone(), Arc::clone(&adapter));

    let rooms = {
        let ((p3, a3), (p4, a4), (p8, a8), (p7, a7)) = (shared(), shared(), shared(), shared());
        ServiceBuilder::new()
            // 3: bounded body and the road's envelope; nothing is believed yet
            .layer(ReceiveLayer {
                parts: p3,
                adapter: a3,
            })
            // 4: only bytes that the sender's registered key has signed go on
            .layer(VerifyLayer {
                parts: p4,
                adapter: a4,
            })
            // 5: after the proof, so that one sender behind a relay can't starve another
            .layer(PermitLayer::counted_by(parts.clone(), gate.tally()))
            // 6: T1 before anything is done, T2 before anything is said
            .layer(RecordLayer {
                parts: parts.clone(),
            })
            // 8: permitted fields only, signed; inside Record, which commits it
            .layer(AnswerLayer {
                parts: p8,
                adapter: a8,
            })
            // 7: the insurance contract, under the claim's key
            .service(Perform {
                parts: p7,
                adapter: a7,
            })
    };

    let (parts_face, adapter_face) = shared();
    let front = ServiceBuilder::new()
        // the one place where faults become answers, in the partner's words
        .layer(FaceLayer {
            parts: parts_face,
            adapter: adapter_face,
        })
        // 2: cheap, on the head alone, before one body byte is read
        .layer(AdmitLayer {
            parts: parts.clone(),
            gate: Arc::clone(gate),
            routes,
            is_soap,
        })
        // 4, its first half: where a token is agreed, no body is read without one
        .layer(BearerLayer {
            parts: parts.clone(),
        })
        .service(rooms.clone());
    let resume = ServiceBuilder::new()
        // a message whose holder died after T1 skips admit: it was admitted once
        .layer(ResumeLayer { routes })
        .service(rooms);

    Stack {
        routes,
        front: BoxCloneSyncService::new(front),
        resume: BoxCloneSyncService::new(resume),
    }
}

/// All systems, found by path.
#[derive(Clone, Debug)]
pub struct House {
    by_path: Arc<HashMap<&'static str, Stack>>,
    /// Doors of chunks: few, so they are looked through.
    chunks: Arc<[(&'static Route, Stack)]>,
    documents: Documents,
    pending: Pending,
    parts: Parts,
    gate: Arc<Gate>,
}

impl House {
    /// Puts the systems together.
    #[must_use]
    pub fn new(stacks: &[Stack], parts: &Parts, gate: &Arc<Gate>) -> Self {
        let doors = || {
            let each = stacks.iter();
            each.flat_map(|stack| stack.routes.iter().map(move |r| (r, stack.clone())))
        };
        let exact = doors().filter(|(route, _)| route.bulk.is_none());
        let by_path = exact.map(|(route, stack)| (route.path, stack)).collect();
        let chunks = doors().filter(|(route, _)| route.bulk.is_some()).collect();
        Self {
            by_path: Arc::new(by_path),
            chunks,
            documents: Documents::default(),
            pending: Pending::default(),
            parts: parts.clone(),
            gate: Arc::clone(gate),
        }
    }

    /// The same, where the challenges of these subscriptions are answered.
    #[must_use]
    pub(crate) fn challenged(self, pending: Pending) -> Self {
        Self { pending, ..self }
    }

    /// By its exact path, or among the doors of chunks, whose paths name the chunk.
    fn find(&self, path: &str) -> Option<&Stack> {
        let chunks = || {
            let mut doors = self.chunks.iter();
            doors
                .find(|(route, _)| route.takes(path))
                .map(|(_, stack)| stack)
        };
        self.by_path.get(path).or_else(chunks)
    }

    /// What is shown to whoever may connect.
    fn document(&self, arrival: &Arrival) -> Option<(&'static str, Bytes)> {
        if arrival.request.method() != Method::GET {
            return None;
        }
        let uri = arrival.request.uri();
        if uri.path() == opencrvs::WEBHOOK {
            let (partner, query) = (arrival.peer.partner(), uri.query().unwrap_or_default());
            let answer = self.pending.answer(partner, query)?;
            return Some((opencrvs::WEBHOOK, answer));
        }
        let (signer, now) = (self.parts.signer.load(), self.parts.clock.now());
        let path = uri.path();
        self.documents.find(path, &signer, today(now))
    }

    /// A call for a token, where danger allows anybody one. Else it is a message like others, and refused.
    fn takes_logins(&self, arrival: &Arrival) -> bool {
        let request = &arrival.request;
        let asks = request.uri().path() == token::PATH && request.method() == Method::POST;
        asks && self.by_path.contains_key(token::PATH) && self.parts.partners.load().have_logins()
    }

    async fn give_token(&self, arrival: Arrival) -> Reply {
        let door = Aside {
            path: token::PATH,
            body_bytes_max: 4 << 10,
            deadline: Duration::from_secs(5),
            face: token::face,
        };
        let evidence = arrival.evidence;
        let give = async |said: Said| {
            let asked = token::read(&said.headers, &said.body).map_err(|fault| (fault, None))?;
            let username = asked.username.clone();
            let (partners, now) = (self.parts.partners.load_full(), self.parts.clock.now());
            let logins = &self.parts.logins;
            let given = logins.take(&partners, &said.peer, asked, now).await?;
            let (holder, peer) = (given.holder.as_str(), said.peer.partner().as_str());
            tracing::info!(%evidence, facility = holder, peer, "token given for a password");
            self.parts.sight.answered(holder, "hospital.token", "done");
            Ok(Bytes::from(token::given(&username, &given)))
        };
        self.gate.aside(arrival, &self.parts, door, give).await
    }

    /// Answers one request.
    pub async fn answer(&self, arrival: Arrival) -> Reply {
        if let Some(document) = self.document(&arrival) {
            let arrival = match document.0 {
                opencrvs::WEBHOOK => without_query(arrival),
                _ => arrival,
            };
            return self.gate.show(arrival, &self.parts, document).await;
        }
        if self.takes_logins(&arrival) {
            return self.give_token(arrival).await;
        }
        match self.find(arrival.request.uri().path()) {
            None => self.gate.turn_away(arrival, &self.parts).await,
            Some(stack) => match stack.front.clone().oneshot(arrival).await {
                Ok(reply) => reply,
                Err(never) => match never {},
            },
        }
    }

    /// Answers one request at a door that leads to one path only.
    pub async fn answer_at(&self, path: &str, arrival: Arrival) -> Reply {
        match arrival.request.uri().path() == path {
            true => self.answer(arrival).await,
            false => self.gate.turn_away(arrival, &self.parts).await,
        }
    }

    /// Takes up a message whose holder has gone; `None` where its route no longer exists.
    pub async fn resume(&self, unfinished: Unfinished) -> Option<Result<Committed, Refusal>> {
        let stack = self.find(&unfinished.path)?;
        Some(stack.resume.clone().oneshot(unfinished).await)
    }
}

/// A challenge has been read out of the query: what is shown has none.
fn without_query(mut arrival: Arrival) -> Arrival {
    let mut parts = arrival.request.uri().clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static(opencrvs::WEBHOOK));
    if let Ok(uri) = Uri::from_parts(parts) {
        *arrival.request.uri_mut() = uri;
    }
    arrival
}
