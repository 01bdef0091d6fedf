//! The National Public Service Portal: submits dossiers and receives their progress.
//!
//! Its own server stands behind mutual TLS and speaks as integrators know the portal: a login session,
//! `DongBoHoSoMC`, `CapNhatTienDoHoSoMC` with at most ten steps, error codes 0, 3 and -3, and, in the
//! gateway's own profile, `TraCuuHoSo`. It keeps a
//! dossier table of its own, a row for each, checks every field and records every illegal order as a violation.

mod check;
mod lookup;
mod mischief;
mod server;
mod submission;
mod table;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use mischief::Mischief;
pub use table::{Dossier, Step};

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::desk::{Desk, Ledgers, OWN_MEMORY};
use crate::flow::{Flow, FlowReport};
use crate::identity::{Identity, Target};
use crate::jws::Draft;
use crate::landmarks::Landmarks;
pub use crate::listener::Serving;
use crate::state::Ledger;
use crate::state::rows::Log;
use table::Table;

/// The route of submissions.
pub(crate) const SUBMIT_PATH: &str = "/portal/v1/dossiers";

/// The states of a reissue that goes well, in order.
pub const STATES: [u8; 5] = [1, 2, 4, 9, 10];

/// What the portal keeps of what it sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Book {
    ledger: Ledger,
    /// The dossiers of a folder that an older version made; the table's log has them now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table: Option<Older>,
}

/// Dossiers as they stood in `state.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Older {
    dossiers: BTreeMap<String, Dossier>,
    violations: Vec<String>,
}

impl Ledgers for Book {
    fn fresh() -> Self {
        Self::default()
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}

/// The simulated portal.
#[derive(Debug)]
pub struct Portal {
    desk: Desk<Book>,
    told: Log<Table>,
    mischief: Mutex<Mischief>,
    sessions: Mutex<server::Sessions>,
}

impl Portal {
    /// Opens the portal's folder; `target` replaces the gateway that its identity names.
    pub fn open(folder: &Path, target: Option<&Target>) -> Result<Arc<Self>, Trouble> {
        Self::open_beside(folder, target, OWN_MEMORY)
    }

    /// The same with a memory file of its own, for a program that runs beside the counterpart.
    pub fn open_beside(
        folder: &Path,
        target: Option<&Target>,
        memory: &str,
    ) -> Result<Arc<Self>, Trouble> {
        let desk: Desk<Book> = Desk::open(folder, target, memory)?;
        let told = Log::open(&folder.join(memory).with_extension("dossiers.log"))?;
        take_over(&desk, &told)?;
        Ok(Arc::new(Self {
            desk,
            told,
            mischief: Mutex::default(),
            sessions: Mutex::default(),
        }))
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.desk.identity
    }

    /// Its line to the gateway.
    pub fn client(&self) -> &Client {
        &self.desk.client
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A dossier of its table, as far as it has been told.
    pub fn dossier(&self, code: &str) -> Option<Dossier> {
        self.told.read(|table| table.dossiers.get(code).cloned())
    }

    /// How many dossiers it has been told of.
    pub fn dossiers(&self) -> usize {
        self.told.read(|table| table.dossiers.all().len())
    }

    /// Loses what it was told about a dossier but for the first `keep` steps; of none nothing is left.
    pub fn forget(&self, code: &str, keep: usize) -> Result<(), Trouble> {
        self.told.change(|table| table.forget(code, keep))?;
        Ok(())
    }

    /// What it was told of citizens, oldest first, each once, by the names on the wire.
    pub fn citizens(&self) -> Vec<BTreeMap<String, String>> {
        self.told
            .read(|table| table.citizens.all().values().cloned().collect())
    }

    /// Everything that the gateway said and should not have said, oldest first.
    pub fn violations(&self) -> Vec<String> {
        self.told
            .read(|table| table.violations.all().values().cloned().collect())
    }

    /// Builds and signs `portal.submit-dossier` (reason MAT or HONG, card, name, pin, birth_date).
    ///
    /// What is not given is taken from the landmarks' holders.
    pub fn prepare(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        if operation != "portal.submit-dossier" {
            return Err(Trouble::Params(format!(
                "{operation} is no operation of the portal's words"
            )));
        }
        self.draft(params)?.sign(&self.identity().sign)
    }

    /// Sends one prepared message and proves its answer.
    pub async fn send(&self, sent: &Prepared) -> Result<Exchange, Trouble> {
        let reply = self.desk.post(sent).await?;
        self.desk.close(sent, &reply, self.judge(sent, &reply))
    }

    /// Builds, sends and proves.
    pub async fn call(&self, operation: &str, params: &Params) -> Result<Exchange, Trouble> {
        self.send(&self.prepare(operation, params)?).await
    }

    /// Proves a reply without sending: the answer's members, or the fault as trouble.
    pub fn judge(&self, sent: &Prepared, reply: &Reply) -> Result<Params, Trouble> {
        match call::fault(reply)? {
            Some(fault) => Err(Trouble::Fault(fault)),
            None => submission::proven(self.identity(), sent, reply),
        }
    }

    /// Waits until a dossier has gone through exactly these states.
    pub async fn wait_for(
        &self,
        code: &str,
        states: &[u8],
        limit: Duration,
    ) -> Result<(), Trouble> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let seen = self
                .dossier(code)
                .map(|dossier| dossier.states())
                .unwrap_or_default();
            if seen == states {
                return Ok(());
            }
            if !states.starts_with(&seen) {
                return Err(Trouble::answer(format!(
                    "states {seen:?} instead of {states:?}"
                )));
            }
            if tokio::time::Instant::now() >= until {
                return Err(Trouble::Late(format!("states {seen:?} of {states:?}")));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Plays `portal.reissue-card`: a submission, the same again, and the five states in order.
    ///
    /// The portal's server must be running, for the gateway pushes to it.
    pub async fn play(&self) -> FlowReport {
        let mut flow = Flow::start("portal.reissue-card", "JSON, detached JWS");
        let result = self.try_play(&mut flow).await;
        flow.end(result)
    }

    async fn try_play(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let before = self.violations().len();
        let sent = self.prepare("portal.submit-dossier", &Params::new())?;
        let first = self.send(&sent).await?;
        flow.evidence.clone_from(&first.evidence);
        let code = first.answer.get("MaHoSo").cloned().unwrap_or_default();
        flow.note(format!("dossier {code} accepted"));
        let again = self.send(&sent).await?;
        if again.body != first.body {
            return Err(Trouble::answer(
                "the resend got another answer than the stored one",
            ));
        }
        flow.note("resend: the stored answer, byte for byte");
        self.wait_for(&code, &STATES, Duration::from_secs(60))
            .await?;
        flow.note(format!("pushed to the portal in order: {STATES:?}"));
        match self.violations().get(before..).and_then(<[_]>::first) {
            None => Ok(()),
            Some(violation) => Err(Trouble::answer(format!("violation: {violation}"))),
        }
    }

    pub(crate) fn draft(&self, params: &Params) -> Result<Draft, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder);
        let number = self.desk.memory.change(|book| book.ledger.draw())?;
        let body = submission::body(params, landmarks, number, clock::now())?;
        Ok(Draft::new(
            self.identity(),
            "portal.submit-dossier",
            SUBMIT_PATH,
            body,
        ))
    }
}

/// Moves what an older version kept of dossiers; done again after a crash, it says the same.
fn take_over(desk: &Desk<Book>, told: &Log<Table>) -> Result<(), Trouble> {
    let Some(older) = desk.memory.read(|book| book.table.clone()) else {
        return Ok(());
    };
    told.change(|table| {
        for (code, dossier) in older.dossiers {
            table.dossiers.put(&code, dossier);
        }
        for (nth, what) in older.violations.into_iter().enumerate() {
            table.violations.put(&format!("{:09}", nth + 1), what);
        }
    })?;
    desk.memory.change(|book| book.table = None)?;
    Ok(())
}
