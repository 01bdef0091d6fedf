//! What every counterpart works with: who it is, its line to the gateway, its memory.

use std::path::Path;

use certs::digest::sha256_hex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::identity::{Identity, Target};
use crate::state::{Answered, Ledger, Memory};

/// A memory that holds a ledger of sent messages.
pub(crate) trait Ledgers: Serialize + DeserializeOwned + Clone {
    /// A new memory.
    fn fresh() -> Self;
    /// Its ledger.
    fn ledger(&mut self) -> &mut Ledger;
}

impl Ledgers for Ledger {
    fn fresh() -> Self {
        Self::default()
    }

    fn ledger(&mut self) -> &mut Ledger {
        self
    }
}

/// One counterpart's desk.
#[derive(Debug)]
pub(crate) struct Desk<T> {
    pub(crate) identity: Identity,
    pub(crate) client: Client,
    pub(crate) memory: Memory<T>,
}

impl<T: Ledgers> Desk<T> {
    /// Opens an agency's folder; `target` replaces the gateway that its identity names.
    ///
    /// Two programs must not share a memory, so each names its own file.
    pub(crate) fn open(
        folder: &Path,
        target: Option<&Target>,
        memory: &str,
    ) -> Result<Self, Trouble> {
        let identity = Identity::load(folder)?;
        let target = target.unwrap_or(&identity.gateway);
        let client = Client::new(target, &identity.anchors, Some(&identity.tls))?;
        let memory = Memory::open(&folder.join(memory), T::fresh)?;
        Ok(Self {
            identity,
            client,
            memory,
        })
    }

    /// Notes the message in the ledger, synced, and only then sends it.
    pub(crate) async fn post(&self, sent: &Prepared) -> Result<Reply, Trouble> {
        let (digest, at) = (hex::encode(sent.digest), clock::rfc3339(clock::now()));
        self.memory.change(|memory| {
            memory
                .ledger()
                .sending(&sent.answers_to, &sent.operation, &digest, &at)
        })??;
        Ok(self.client.send(sent.request()?).await?)
    }

    /// Notes what came back; a fault is noted and becomes the trouble.
    pub(crate) fn close(
        &self,
        sent: &Prepared,
        reply: &Reply,
        judged: Result<Params, Trouble>,
    ) -> Result<Exchange, Trouble> {
        let outcome = match &judged {
            Ok(_) => "ok".to_owned(),
            Err(Trouble::Fault(fault)) => fault.code.clone(),
            Err(_) => "answer-refused".to_owned(),
        };
        let answered = Answered {
            evidence: call::evidence(reply),
            outcome,
            body_sha256: sha256_hex(&reply.body),
        };
        self.memory
            .change(|memory| memory.ledger().answered(&sent.answers_to, answered))?;
        Ok(Exchange {
            operation: sent.operation.clone(),
            id: sent.answers_to.clone(),
            evidence: call::evidence(reply),
            answer: judged?,
            body: reply.body.clone(),
        })
    }
}

/// The memory of a running counterpart.
pub(crate) const OWN_MEMORY: &str = "state.json";

/// A parameter that must be there.
pub(crate) fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Trouble> {
    params
        .get(name)
        .map(String::as_str)
        .ok_or_else(|| Trouble::Params(format!("{name} is missing")))
}

/// Refuses parameters that no operation reads.
pub(crate) fn only(params: &Params, known: &[&str]) -> Result<(), Trouble> {
    match params.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Trouble::Params(format!(
            "{name} is unknown; known: {}",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}
