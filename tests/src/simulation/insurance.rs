//! The insurance database: a ledger that acts once under each key, an office that moves dossiers, and a
//! change feed. It never ends; replies of it are lost.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use gateway::feed::Changes;
use gateway_core::Context;
use portal::Dossiers;
use schemas::{
    fault::{Fault, FaultCode},
    proto::{
        Message as _,
        insurance::{
            self as contract, AckRequest, Change, Dossier, DossierChange, LeaseRequest,
            LeaseResponse, SubmitReissueRequest, change::What,
        },
    },
};
use tokio::time::Instant;

use super::{
    Bend,
    net::{ask, serve},
    world::{Life, World},
};
use crate::torture::office::STATES;

/// What it has done.
#[derive(Default)]
pub(super) struct Ledger {
    by_key: BTreeMap<Vec<u8>, Dossier>,
    /// The sender's reference and our code, for each time it acted.
    pub(super) effects: Vec<(String, String)>,
    changes: Vec<Row>,
}

struct Row {
    change: Change,
    held: Option<(String, i64)>,
    fetched: bool,
}

impl Ledger {
    fn submit(&mut self, request: &SubmitReissueRequest, now: String, forgets: bool) -> Dossier {
        let key = request.context.clone().unwrap_or_default().key;
        if let Some(known) = self.by_key.get(&key).filter(|_| !forgets) {
            return known.clone();
        }
        let number = self.effects.len() + 1;
        let dossier = Dossier {
            code: format!("G99.00.01-261122-{number:06}"),
            foreign_id: request.foreign_id.clone(),
            owner: "portal".to_owned(),
            procedure: request.procedure.clone(),
            state: STATES[0].into(),
            applicant_name: request.applicant_name.clone(),
            received_at: now.clone(),
            due_at: "2026-11-27T10:00:00Z".to_owned(),
            updated_at: now.clone(),
            ..Dossier::default()
        };
        let effect = (request.foreign_id.clone(), dossier.code.clone());
        self.effects.push(effect);
        self.by_key.insert(key, dossier.clone());
        self.tell(dossier.clone(), 1, now);
        dossier
    }

    fn tell(&mut self, dossier: Dossier, step: u32, at: String) {
        let subject = dossier.code.clone();
        let told = DossierChange {
            dossier: Some(dossier),
            step,
            officer: "An".to_owned(),
            unit: "G99.00.01".to_owned(),
            text: String::new(),
            supported: Vec::new(),
        };
        let change = Change {
            id: format!("{subject}.{step}"),
            partner: "portal".to_owned(),
            subject,
            subject_sequence: step.into(),
            at,
            what: Some(What::Dossier(told)),
        };
        self.changes.push(Row {
            change,
            held: None,
            fetched: false,
        });
    }

    /// The newest step of each dossier.
    fn newest(&self) -> BTreeMap<String, (u32, Dossier)> {
        let mut newest = BTreeMap::new();
        for row in &self.changes {
            if let Some(What::Dossier(told)) = &row.change.what {
                let dossier = told.dossier.clone().unwrap();
                newest.insert(dossier.code.clone(), (told.step, dossier));
            }
        }
        newest
    }

    /// Every dossier's code, where all have reached their last state and all changes were fetched.
    pub(super) fn finished(&self) -> Option<Vec<String>> {
        let newest = self.newest();
        let last = newest
            .values()
            .all(|(step, _)| *step as usize == STATES.len());
        (last && self.not_fetched() == 0).then(|| newest.into_keys().collect())
    }

    pub(super) fn not_fetched(&self) -> usize {
        self.changes.iter().filter(|row| !row.fetched).count()
    }

    /// Within a subject only what comes first, or after what is leased together with it.
    fn lease(&mut self, request: &LeaseRequest, now: i64) -> LeaseResponse {
        let mut blocked: Vec<String> = Vec::new();
        let mut changes = Vec::new();
        for row in self.changes.iter_mut().filter(|row| !row.fetched) {
            let subject = &row.change.subject;
            let held = row.held.as_ref().is_some_and(|(_, until)| *until > now);
            if held || blocked.contains(subject) || changes.len() == request.max as usize {
                blocked.push(subject.clone());
                continue;
            }
            let until = now + i64::from(request.lease_seconds) * 1_000;
            row.held = Some((request.owner.clone(), until));
            changes.push(row.change.clone());
        }
        LeaseResponse { changes }
    }

    fn ack(&mut self, request: &AckRequest) {
        for row in &mut self.changes {
            let ours = row
                .held
                .as_ref()
                .is_some_and(|(owner, _)| *owner == request.owner);
            row.fetched |= ours && request.ids.contains(&row.change.id);
        }
    }
}

pub(super) fn live(world: Arc<World>) -> Life {
    Box::pin(async move {
        tokio::spawn(office(Arc::clone(&world)));
        serve(PORT, move |question| answer(Arc::clone(&world), question)).await
    })
}

/// Moves every dossier on, one step now and then.
async fn office(world: Arc<World>) {
    loop {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        let mut ledger = world.insurance.lock().unwrap();
        let now = now(&world);
        for (step, mut dossier) in ledger.newest().into_values() {
            let next = STATES.get(step as usize);
            if let Some(state) = next.filter(|_| world.percent("office", 40)) {
                dossier.state = (*state).into();
                dossier.updated_at = now.clone();
                world.note(format!("insurance: {} becomes {state}", dossier.code));
                ledger.tell(dossier, step + 1, now.clone());
            }
        }
    }
}

fn now(world: &World) -> String {
    use gateway_core::ports::Clock as _;
    world.clock.now().to_string()
}

async fn answer(world: Arc<World>, question: Vec<u8>) -> Option<Vec<u8>> {
    world.pause("insurance").await;
    if world.percent("insurance", 4) {
        world.note("insurance: a question is lost");
        return None;
    }
    let (kind, body) = question.split_first()?;
    let said = {
        let mut ledger = world.insurance.lock().unwrap();
        match *kind {
            SUBMIT => {
                let request = SubmitReissueRequest::decode(body).ok()?;
                let forgets = world.bend == Bend::InsuranceForgetsKeys;
                let dossier = ledger.submit(&request, now(&world), forgets);
                world.note(format!(
                    "insurance: {} is {}",
                    request.foreign_id, dossier.code
                ));
                dossier.encode_to_vec()
            }
            LEASE => {
                let request = LeaseRequest::decode(body).ok()?;
                let leased = ledger.lease(&request, world.clock.millis());
                if !leased.changes.is_empty() {
                    world.note(format!(
                        "insurance: {} changes leased",
                        leased.changes.len()
                    ));
                }
                leased.encode_to_vec()
            }
            _ => {
                let request = AckRequest::decode(body).ok()?;
                ledger.ack(&request);
                world.note(format!("insurance: {} changes fetched", request.ids.len()));
                Vec::new()
            }
        }
    };
    world.pause("insurance").await;
    let lost = world.percent("insurance", 10);
    if lost {
        world.note("insurance: an answer is lost");
    }
    (!lost).then_some(said)
}

/// The gateway's line to it.
pub(super) struct Line;

impl Line {
    async fn ask(&self, by: Instant, kind: u8, body: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let away = || Fault::new(FaultCode::InsuranceUnavailable, "no-answer");
        let question = [vec![kind], body].concat();
        let answer = tokio::time::timeout_at(by, ask("insurance", PORT, &question)).await;
        answer.map_err(|_| away())?.map_err(|_| away())
    }
}

impl Dossiers for Line {
    fn submit_reissue(
        &self,
        context: Context,
        mut request: SubmitReissueRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        request.context = Some(contract::Context {
            key: context.key.to_vec(),
            ..contract::Context::default()
        });
        Box::pin(async move {
            let answer = self
                .ask(context.deadline, SUBMIT, request.encode_to_vec())
                .await?;
            Dossier::decode(answer.as_slice())
                .map_err(|_| Fault::new(FaultCode::InsuranceUnavailable, "unreadable"))
        })
    }

    /// Nor sends one more paper.
    fn supplement(
        &self,
        _: Context,
        _: contract::SupplementDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        let fault = Fault::new(FaultCode::InsuranceUnavailable, "no-forms-here");
        Box::pin(std::future::ready(Err(fault)))
    }

    /// Nor takes a dossier back.
    fn withdraw(
        &self,
        _: Context,
        _: contract::WithdrawDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        let fault = Fault::new(FaultCode::InsuranceUnavailable, "no-forms-here");
        Box::pin(std::future::ready(Err(fault)))
    }

    /// Nobody in this world fills in a form.
    fn submit(
        &self,
        _: Context,
        _: contract::SubmitDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        let fault = Fault::new(FaultCode::InsuranceUnavailable, "no-forms-here");
        Box::pin(std::future::ready(Err(fault)))
    }

    /// Nor does anybody ask how a dossier stands.
    fn status(
        &self,
        _: Context,
        _: contract::GetDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>> {
        let fault = Fault::new(FaultCode::InsuranceUnavailable, "nobody-asks-here");
        Box::pin(std::future::ready(Err(fault)))
    }
}

impl Changes for Line {
    fn lease(
        &self,
        by: Instant,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<LeaseResponse, Fault>> {
        Box::pin(async move {
            let answer = self.ask(by, LEASE, request.encode_to_vec()).await?;
            LeaseResponse::decode(answer.as_slice())
                .map_err(|_| Fault::new(FaultCode::InsuranceUnavailable, "unreadable"))
        })
    }

    fn ack(&self, by: Instant, request: AckRequest) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.ask(by, ACK, request.encode_to_vec()).await.map(drop) })
    }
}

const PORT: u16 = 7_000;
const SUBMIT: u8 = 1;
const LEASE: u8 = 2;
const ACK: u8 = 3;
