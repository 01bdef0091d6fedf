//! The inter-linked public service software (DVCLT): sends births and polls for the child's card.
//!
//! Words: the ministry's envelope `NhanDKHT` and the poll `LayKetQua`, JSON with a detached JWS (own
//! profile of what DVCLT sends to VSS). The births are made up; the card that comes back is judged by
//! this side's own reading of the law.

mod answer;
mod births;
mod card;
pub mod inbox;

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use births::{Birth, MODULE};
pub use card::{CardSeen, expected_end};

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::desk::{Desk, Ledgers, OWN_MEMORY, only, required};
use crate::flow::{Flow, FlowReport};
use crate::identity::{Identity, Target};
use crate::jws::Draft;
use crate::landmarks::Landmarks;
use crate::state::Ledger;

/// The route of births.
pub(crate) const BIRTH_PATH: &str = "/civil/v1/NhanDKHT";

/// The route of polls.
pub(crate) const RESULT_PATH: &str = "/civil/v1/LayKetQua";

/// The words by which a case that is there already is told; integrators look for exactly these.
pub const RECEIVED: &str = "đã được tiếp nhận";

/// What the registry keeps: its ledger, its seed and the births it made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Book {
    ledger: Ledger,
    /// Where its synthetic children come from; drawn once.
    seed: u64,
}

impl Ledgers for Book {
    fn fresh() -> Self {
        Self {
            ledger: Ledger::default(),
            seed: u64::from_be_bytes(certs::digest::random::<8>()),
        }
    }

    fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }
}

/// The simulated civil registry.
#[derive(Debug)]
pub struct Registry {
    desk: Desk<Book>,
}

/// A birth that was sent and its answer.
#[derive(Debug, Clone)]
pub struct Registered {
    /// Inter-linked dossier code.
    pub case_id: String,
    /// The message as sent.
    pub sent: Prepared,
    /// Its proven answer.
    pub exchange: Exchange,
    birth: Birth,
}

impl Registry {
    /// Opens the registry's folder; `target` replaces the gateway that its identity names.
    pub fn open(folder: &Path, target: Option<&Target>) -> Result<Self, Trouble> {
        Self::open_beside(folder, target, OWN_MEMORY)
    }

    /// The same with a memory file of its own, for a program that runs beside the counterpart.
    pub fn open_beside(
        folder: &Path,
        target: Option<&Target>,
        memory: &str,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            desk: Desk::open(folder, target, memory)?,
        })
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.desk.identity
    }

    /// Its line to the gateway.
    pub fn client(&self) -> &Client {
        &self.desk.client
    }

    /// Builds and signs a message: `civil.birth` (no parameter) or `civil.result` (case: codes joined by commas).
    pub fn prepare(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        match operation {
            "civil.birth" => {
                only(params, &[])?;
                self.birth_draft(&self.next_birth()?)
                    .sign(&self.identity().sign)
            }
            "civil.result" => {
                only(params, &["case", "province"])?;
                let cases: Vec<_> = required(params, "case")?
                    .split(',')
                    .map(str::trim)
                    .collect();
                let province = params.get("province").map_or("01", String::as_str);
                self.result_draft(&cases, province)
                    .sign(&self.identity().sign)
            }
            other => Err(Trouble::Params(format!(
                "{other} is no operation of the civil words"
            ))),
        }
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
            None => answer::proven(self.identity(), sent, reply),
        }
    }

    /// Registers a new synthetic birth.
    pub async fn register(&self) -> Result<Registered, Trouble> {
        let birth = self.next_birth()?;
        let sent = self.birth_draft(&birth).sign(&self.identity().sign)?;
        let exchange = self.send(&sent).await?;
        Ok(Registered {
            case_id: birth.case_id.clone(),
            sent,
            exchange,
            birth,
        })
    }

    /// Sends the same birth again, re-signed under a fresh `jti`: same maHoSoLT, same content.
    pub async fn register_again(&self, before: &Registered) -> Result<Exchange, Trouble> {
        let again = self
            .birth_draft(&before.birth)
            .sign(&self.identity().sign)?;
        match again.digest == before.sent.digest {
            true => self.send(&again).await,
            false => Err(Trouble::answer("the same birth became another content")),
        }
    }

    /// Asks for one case until its card is there, at most `limit`; the card is judged before it is given.
    pub async fn card_of(
        &self,
        registered: &Registered,
        limit: Duration,
    ) -> Result<CardSeen, Trouble> {
        let until = tokio::time::Instant::now() + limit;
        let ask = [("case".to_owned(), registered.case_id.clone())].into();
        loop {
            let answer = self.call("civil.result", &ask).await?;
            let row = answer::only_row(&answer.body, &registered.case_id)?;
            if let Some(card) = answer::card(&row)? {
                let birth = &registered.birth;
                card::judge(&card, birth.born, &birth.province, &birth.facility, today())?;
                return Ok(card);
            }
            if tokio::time::Instant::now() >= until {
                return Err(Trouble::Late("the card of a registered birth".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Plays `civil.birth`: a birth, the same again, polls until the card is there, and its judgement.
    pub async fn play(&self) -> FlowReport {
        let mut flow = Flow::start("civil.birth", "JSON, detached JWS");
        let result = self.try_play(&mut flow).await;
        flow.end(result)
    }

    async fn try_play(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let first = self.register().await?;
        flow.evidence.clone_from(&first.exchange.evidence);
        flow.note(format!("case {} accepted", first.case_id));
        let card = self.card_of(&first, Duration::from_secs(20)).await?;
        flow.note(format!(
            "TE1 card, valid {} to {}, as the law computes",
            card.valid_from, card.valid_to
        ));
        let again = self.register_again(&first).await?;
        let said = again
            .answer
            .get("statusDescription")
            .map(String::as_str)
            .unwrap_or_default();
        if !said.contains(RECEIVED) {
            return Err(Trouble::answer(format!(
                "the same case again is not told as \"{RECEIVED}\""
            )));
        }
        flow.note(format!("the same case again: \"{RECEIVED}\""));
        let later = self.card_of(&first, Duration::from_secs(5)).await?;
        if later != card {
            return Err(Trouble::answer("the same case again changed the card"));
        }
        flow.note("the card did not change");
        Ok(())
    }

    /// A birth that was never sent; the number it is made from is drawn and synced first.
    pub(crate) fn next_birth(&self) -> Result<Birth, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder)?;
        let number = self.desk.memory.change(|book| book.ledger.draw())?;
        let seed = self.desk.memory.read(|book| book.seed);
        Ok(Birth::make(seed, number, clock::now(), &landmarks)?)
    }

    pub(crate) fn birth_draft(&self, birth: &Birth) -> Draft {
        let body = birth.envelope().to_string().into_bytes();
        let mut draft = Draft::new(self.identity(), "civil.birth", BIRTH_PATH, body);
        draft.content_id = Some(format!("{MODULE}-{}", birth.case_id));
        draft
    }

    pub(crate) fn result_draft(&self, cases: &[&str], province: &str) -> Draft {
        let body = json!({ "maDinhDanhHoSo": cases, "maTinh": province, "module": MODULE });
        let body = body.to_string().into_bytes();
        Draft::new(self.identity(), "civil.result", RESULT_PATH, body)
    }
}

fn today() -> jiff::civil::Date {
    schemas::date::day_in_viet_nam(clock::now())
}
