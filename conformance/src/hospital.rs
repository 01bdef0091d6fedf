//! A hospital: tells of births and deaths as hospitals do, in forms that carry signed XML, and judges the card that
//! comes back by its own reading of the law.
//!
//! Words: PL02's `guiGiayToDienTu` and `GuiHoSoChungTu2025`, the unit's signature in `CHUKYDONVI`. Every birth is made up.

mod answer;
mod legacy;
mod paper;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::desk::{Desk, Ledgers, OWN_MEMORY, only, required};
use crate::flow::{Flow, FlowReport};
use crate::identity::{Identity, Target};
use crate::landmarks::Landmarks;
use crate::state::Ledger;

pub use answer::{Given, expected_end};
pub use legacy::Token;
pub(crate) use paper::{Birth, Draft};

/// The partner: the facility 01001.
pub const PARTNER: &str = "cskcb-01001";
/// Its code.
pub(crate) const FACILITY: &str = "01001";
/// Notices, one at a time.
pub(crate) const NOTICES: &str = "/api/hososuckhoe/guiGiayToDienTu";
/// Packets.
pub(crate) const PACKETS: &str = "/api/chungtugw/GuiHoSoChungTu2025";
/// The legacy token.
pub(crate) const TOKEN: &str = "/api/token/take";

/// What the hospital keeps: its ledger and where its synthetic children come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Book {
    ledger: Ledger,
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

/// The simulated hospital.
#[derive(Debug)]
pub struct Hospital {
    desk: Desk<Book>,
}

impl Hospital {
    /// Opens the hospital's folder; `target` replaces the gateway that its identity names.
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

    /// Builds and signs a message: `hospital.birth-notice` (no parameter), `hospital.packet` (twins, no parameter) or
    /// `hospital.death-notice` (si_number, born as `yyyyMMdd`, sex).
    pub fn prepare(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        match operation {
            "hospital.birth-notice" => {
                only(params, &[])?;
                let birth = self.next_birth()?;
                self.draft(&birth).sign(self.identity())
            }
            "hospital.packet" => {
                only(params, &[])?;
                Draft::packet(&self.next_birth()?.twins()).sign(self.identity())
            }
            "hospital.death-notice" => {
                only(params, &["si_number", "born", "sex"])?;
                let of = |name| required(params, name);
                let number = self.desk.memory.change(|book| book.ledger.draw())?;
                let died = (of("si_number")?, of("born")?, of("sex")?);
                Draft::death(number, died, clock::now()).sign(self.identity())
            }
            other => Err(Trouble::Params(format!(
                "{other} is no operation of the hospitals' words"
            ))),
        }
    }

    /// Sends one prepared message and proves its answer.
    pub async fn send(&self, sent: &Prepared) -> Result<Exchange, Trouble> {
        let reply = self.desk.post(sent).await?;
        self.desk.close(sent, &reply, self.judge(sent, &reply))
    }

    /// Proves a reply without sending: the answer's members, or the fault as trouble.
    pub fn judge(&self, sent: &Prepared, reply: &Reply) -> Result<Params, Trouble> {
        match call::fault(reply)? {
            Some(fault) => Err(Trouble::Fault(fault)),
            None => answer::proven(self.identity(), sent, reply),
        }
    }

    /// Plays `hospital.birth-notice`: a birth, the same again, twins in a packet, the death of one, and the token that
    /// nobody gets.
    pub async fn play(&self) -> FlowReport {
        let mut flow = Flow::start("hospital.birth-notice", "form, signed XML");
        let result = self.try_play(&mut flow).await;
        flow.end(result)
    }

    async fn try_play(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let birth = self.next_birth()?;
        let first = self
            .send(&self.draft(&birth).sign(self.identity())?)
            .await?;
        flow.evidence.clone_from(&first.evidence);
        flow.note(format!("notice {} taken", birth.code));
        let given = answer::given(&first.body)?;
        let [card] = given.as_slice() else {
            return Err(Trouble::answer("one notice is answered with one row"));
        };
        card.judge(&birth)?;
        flow.note("a temporary card, valid as the law computes");
        let again = self
            .send(&self.draft(&birth).sign(self.identity())?)
            .await?;
        if again.body != first.body {
            return Err(Trouble::answer(
                "the same notice again is answered otherwise",
            ));
        }
        flow.note("the same notice, signed again: the same answer");
        let twins = self.next_birth()?.twins();
        let packet = self
            .send(&Draft::packet(&twins).sign(self.identity())?)
            .await?;
        let given = answer::given(&packet.body)?;
        for (twin, card) in twins.iter().zip(&given) {
            card.judge(twin)?;
        }
        if given.len() != 2 || given[0].si_number == given[1].si_number {
            return Err(Trouble::answer("twins have a number each"));
        }
        flow.note("twins under one code: a number and a card each");
        let (twin, card) = (&twins[0], &given[0]);
        let born = schemas::date::format_compact(twin.born);
        let died = [
            ("si_number".to_owned(), card.si_number.clone()),
            ("born".to_owned(), born),
            ("sex".to_owned(), twin.sex.to_string()),
        ];
        let died = self.prepare("hospital.death-notice", &died.into())?;
        self.send(&died).await?;
        flow.note("a death taken under the number of the card");
        Ok(())
    }

    /// A birth that was never told; the number it is made from is drawn and synced first.
    pub(crate) fn next_birth(&self) -> Result<Birth, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder)?;
        let number = self.desk.memory.change(|book| book.ledger.draw())?;
        let seed = self.desk.memory.read(|book| book.seed);
        Ok(Birth::make(seed, number, clock::now(), &landmarks)?)
    }

    pub(crate) fn draft(&self, birth: &Birth) -> Draft {
        Draft::birth(birth)
    }
}
