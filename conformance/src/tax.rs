//! The tax department: asks about employers and persons in signed XML and judges the signed answers.
//!
//! Its emitter and its reading of the answer are its own; the facts are those of the published schema
//! `urn:vn:lienthong:tax:v1` (own profile) and of Circular 13/2017/TT-BTTTT (the four results).

mod answer;
mod json;
mod message;

use std::path::Path;

pub use answer::EmployerFacts;
pub(crate) use answer::bound_fault;
pub(crate) use message::{
    Draft, PATH, ping as ping_body, verify_branch, verify_employer, verify_many,
};

use crate::call::{self, Exchange, Params, Prepared, Trouble};
use crate::client::{Client, Reply};
use crate::clock;
use crate::desk::{Desk, OWN_MEMORY, only, required};
use crate::flow::{Flow, FlowReport};
use crate::identity::{Identity, Target};
use crate::landmarks::{Landmarks, pick};
use crate::state::Ledger;

/// The purpose that the sandbox's agreement with the tax department names.
pub const PURPOSE: &str = "tax-compliance";

/// Every field that can be asked for, in the order of the schema.
pub const FIELDS: [&str; 12] = [
    "participationState",
    "participants",
    "fund",
    "due",
    "paid",
    "arrears",
    "name",
    "unitCode",
    "registeredFrom",
    "units",
    "ageing",
    "lastD02",
];

/// Every field that can be asked for of a person, in the order of the schema.
pub const PERSON_FIELDS: [&str; 7] = [
    "name",
    "birthDate",
    "pin",
    "siNumber",
    "employers",
    "months",
    "base",
];

/// The simulated tax department.
#[derive(Debug)]
pub struct Department {
    desk: Desk<Ledger>,
}

impl Department {
    /// Opens the department's folder; `target` replaces the gateway that its identity names.
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

    /// Builds and signs a message: `tax.ping` (nonce), `tax.verify-employer` (mst, parent, period, fields,
    /// purpose), `tax.verify-individual` (pin, mst or si_number; year, or from and to; fields, or a claim of
    /// name, birth_date, months, base; purpose) or `tax.verify-many` (mst or pin, period, fields,
    /// purpose), `tax.change-notice` (mst, kind, effective_on, status; before and now of a headcount) or `tax.dispute`
    /// (discrepancy, which must be given; reason).
    ///
    /// Lists are joined by commas; what is not given is taken from the landmarks. `words` json makes it JSON
    /// with a detached JWS: `tax.ping` and `tax.verify-employer`.
    pub fn prepare(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        let mut params = params.clone();
        let in_json = params.remove("words").is_some_and(|words| words == "json");
        let params = &params;
        if in_json {
            return self.prepare_json(operation, params);
        }
        let body = match operation {
            "tax.ping" => self.ping_body(params)?,
            "tax.verify-employer" => self.verify_body(params)?,
            "tax.verify-individual" => self.person_body(params)?,
            "tax.verify-many" => self.many_body(params)?,
            "tax.change-notice" => self.notice_body(params)?,
            "tax.dispute" => dispute_body(params)?,
            other => {
                return Err(Trouble::Params(format!(
                    "{other} is no operation of the tax words"
                )));
            }
        };
        Draft::new(self.identity(), operation, body).sign(&self.identity().sign)
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

    /// Asks whether the gateway answers; nothing in the insurance database is touched.
    pub async fn ping(&self) -> Result<Exchange, Trouble> {
        let nonce = uuid::Uuid::now_v7().simple().to_string();
        let answer = self
            .call("tax.ping", &[("nonce".to_owned(), nonce.clone())].into())
            .await?;
        match answer.answer.get("Nonce") == Some(&nonce) {
            true => Ok(answer),
            false => Err(Trouble::answer("Pong does not give the nonce back")),
        }
    }

    /// Verifies one employer and reads the facts, field by field.
    pub async fn verify_employer(
        &self,
        params: &Params,
    ) -> Result<(Exchange, EmployerFacts), Trouble> {
        let answer = self.call("tax.verify-employer", params).await?;
        let facts = EmployerFacts::read(&answer.answer)?;
        Ok((answer, facts))
    }

    /// Proves a reply without sending: the answer's members, or the fault as trouble.
    pub fn judge(&self, sent: &Prepared, reply: &Reply) -> Result<Params, Trouble> {
        match call::fault(reply)? {
            Some(fault) => Err(Trouble::Fault(fault)),
            None if sent.path == json::PATH => json::proven(self.identity(), sent, reply),
            None => answer::proven(self.identity(), sent, reply),
        }
    }

    /// Plays `tax.verify-employer`: an employer that is there, one that is not, the same again, and a ping.
    pub async fn play(&self) -> FlowReport {
        let mut flow = Flow::start("tax.verify-employer", "signed XML");
        let result = self.try_play(&mut flow).await;
        flow.end(result)
    }

    async fn try_play(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let sent = self.prepare("tax.verify-employer", &Params::new())?;
        let first = self.send(&sent).await?;
        flow.evidence.clone_from(&first.evidence);
        let facts = EmployerFacts::read(&first.answer)?;
        flow.note(format!(
            "employer known: result {}, {}",
            facts.result,
            facts.summary()
        ));
        if facts.result != "hasData" {
            return Err(Trouble::answer(format!(
                "result {} for an employer with data",
                facts.result
            )));
        }
        let again = self.send(&sent).await?;
        if again.body != first.body {
            return Err(Trouble::answer(
                "the resend got another answer than the stored one",
            ));
        }
        flow.note("resend: the stored answer, byte for byte");
        let landmarks = Landmarks::read(&self.identity().folder)?;
        let nobody = landmarks.unregistered_mst.as_deref().unwrap_or(UNKNOWN_MST);
        self.expect(nobody, "noData").await?;
        flow.note("unknown employer: result noData");
        if let Some(open) = &landmarks.employer_incomplete {
            self.expect(open, "incomplete").await?;
            flow.note("employer whose month is still open: result incomplete");
        }
        self.play_arrears(flow, &landmarks).await?;
        self.play_person(flow, &landmarks).await?;
        self.play_many(flow, &landmarks, nobody).await?;
        self.play_json(flow, &facts).await?;
        self.play_notice(flow).await?;
        self.ping().await?;
        flow.note("ping answered");
        Ok(())
    }

    /// The age of arrears, the units under a code, and a household under its owner's number.
    async fn play_arrears(&self, flow: &mut Flow, landmarks: &Landmarks) -> Result<(), Trouble> {
        if let Some(late) = &landmarks.employer_in_arrears {
            let (answer, _) = self
                .verify_employer(&[("mst".to_owned(), late.clone())].into())
                .await?;
            let bands = answer.answer.get("Ageing").cloned().unwrap_or_default();
            flow.note(format!("employer in arrears: by age {bands} VND"));
        }
        if let Some(household) = &landmarks.household {
            self.expect(household, "hasData").await?;
            flow.note("household business under its owner's PIN: result hasData");
        }
        Ok(())
    }

    /// Months and base by employer; then a claim that is so, and one that is not.
    async fn play_person(&self, flow: &mut Flow, landmarks: &Landmarks) -> Result<(), Trouble> {
        let holder = pick(&landmarks.holders, 0, "holder")?;
        let facts = self.call("tax.verify-individual", &Params::new()).await?;
        let told = |name: &str| facts.answer.get(name).cloned().unwrap_or_default();
        flow.note(format!(
            "person: result {}, {} month(s)",
            told("Result"),
            told("MonthsContributed")
        ));
        for (birth_date, result) in [
            (holder.birth_date.as_str(), "matches"),
            ("1901-01-01", "doesNotMatch"),
        ] {
            let claim: Params = [("name", holder.name.as_str()), ("birth_date", birth_date)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
            let judged = self.call("tax.verify-individual", &claim).await?;
            if judged.answer.get("Result").map(String::as_str) != Some(result) {
                return Err(Trouble::answer(format!(
                    "a claim that {result} was judged otherwise"
                )));
            }
            flow.note(format!("claim about a person: {result}, and nothing else"));
        }
        Ok(())
    }

    /// A change is told, acknowledged, and told again: the same receipt.
    async fn play_notice(&self, flow: &mut Flow) -> Result<(), Trouble> {
        let sent = self.prepare("tax.change-notice", &Params::new())?;
        let first = self.send(&sent).await?;
        let again = self.send(&sent).await?;
        match first.answer.contains_key("ReceivedAt") && first.body == again.body {
            true => {
                flow.note("change notice: kept once, the same receipt for a resend");
                Ok(())
            }
            false => Err(Trouble::answer("another receipt for the same notice")),
        }
    }

    /// The same question in JSON gets the same facts.
    async fn play_json(&self, flow: &mut Flow, facts: &EmployerFacts) -> Result<(), Trouble> {
        let json: Params = [("words".to_owned(), "json".to_owned())].into();
        let (_, same) = self.verify_employer(&json).await?;
        match same == *facts {
            true => {
                flow.note("the same in JSON with a detached JWS: the same facts");
                Ok(())
            }
            false => Err(Trouble::answer("JSON tells other facts than XML")),
        }
    }

    /// Lines in order: one with data, one without, one whose check digit is wrong.
    async fn play_many(
        &self,
        flow: &mut Flow,
        landmarks: &Landmarks,
        nobody: &str,
    ) -> Result<(), Trouble> {
        let known = &pick(&landmarks.employers, 0, "employer")?.mst;
        let keys = format!("{known},{nobody},{WRONG_MST}");
        let answer = self
            .call("tax.verify-many", &[("mst".to_owned(), keys)].into())
            .await?;
        let lines = answer.answer.get("Lines").cloned().unwrap_or_default();
        match lines.as_str() {
            "hasData,noData,INVALID" => {
                flow.note("many in one message: each line its own result, in order");
                Ok(())
            }
            other => Err(Trouble::answer(format!("lines {other}"))),
        }
    }

    async fn expect(&self, mst: &str, result: &str) -> Result<(), Trouble> {
        let (_, facts) = self
            .verify_employer(&[("mst".to_owned(), mst.to_owned())].into())
            .await?;
        match facts.result == result {
            true => Ok(()),
            false => Err(Trouble::answer(format!(
                "result {} instead of {result}",
                facts.result
            ))),
        }
    }

    fn ping_body(&self, params: &Params) -> Result<String, Trouble> {
        only(params, &["nonce"])?;
        Ok(message::ping(params.get("nonce").map(String::as_str)))
    }

    fn verify_body(&self, params: &Params) -> Result<String, Trouble> {
        only(params, &["mst", "parent", "period", "fields", "purpose"])?;
        let given = |name: &str| params.get(name).cloned();
        let mst = given("mst").map_or_else(|| self.some_employer(), Ok)?;
        let period = given("period").map_or_else(|| self.some_period(), Ok)?;
        let fields = given("fields").unwrap_or_else(|| FIELDS.join(","));
        let purpose = given("purpose").unwrap_or_else(|| PURPOSE.to_owned());
        let parent = params.get("parent").map(String::as_str);
        Ok(message::verify_branch(
            &mst, parent, &period, &fields, &purpose,
        ))
    }

    fn person_body(&self, params: &Params) -> Result<String, Trouble> {
        only(
            params,
            &[
                "pin",
                "mst",
                "si_number",
                "year",
                "from",
                "to",
                "fields",
                "name",
                "birth_date",
                "months",
                "base",
                "purpose",
            ],
        )?;
        let mut given = params.clone();
        if !["pin", "mst", "si_number"]
            .iter()
            .any(|key| given.contains_key(*key))
        {
            given.insert("pin".to_owned(), self.some_person()?);
        }
        if !["year", "from"].iter().any(|key| given.contains_key(*key)) {
            let period = self.some_period()?;
            given.insert("from".to_owned(), period.clone());
            given.insert("to".to_owned(), period);
        }
        Ok(message::verify_individual(&given))
    }

    fn many_body(&self, params: &Params) -> Result<String, Trouble> {
        only(params, &["mst", "pin", "period", "fields", "purpose"])?;
        let period = params
            .get("period")
            .cloned()
            .map_or_else(|| self.some_period(), Ok)?;
        let fields = |usual: &str| params.get("fields").map_or(usual.to_owned(), Clone::clone);
        Ok(match params.get("pin") {
            Some(pins) => message::verify_many_people(pins, &period, &fields("months,base")),
            None => {
                let keys = params.get("mst").cloned();
                let keys = keys.map_or_else(|| self.some_employer(), Ok)?;
                message::verify_many(&keys, &period, &fields("participants,arrears"))
            }
        })
    }

    fn notice_body(&self, params: &Params) -> Result<String, Trouble> {
        only(
            params,
            &["mst", "kind", "effective_on", "status", "before", "now"],
        )?;
        let mst = params.get("mst").cloned();
        let mst = mst.map_or_else(|| self.some_employer(), Ok)?;
        let today = schemas::date::day_in_viet_nam(clock::now()).to_string();
        let given =
            |name: &str, usual: &str| params.get(name).map_or(usual.to_owned(), Clone::clone);
        Ok(message::change_notice(&message::Notice {
            mst: &mst,
            kind: &given("kind", "headcount"),
            effective_on: &given("effective_on", &today),
            status: &given("status", "00"),
            headcount: (&given("before", "40"), &given("now", "12")),
        }))
    }

    fn prepare_json(&self, operation: &str, params: &Params) -> Result<Prepared, Trouble> {
        let body = match operation {
            "tax.ping" => {
                only(params, &["nonce"])?;
                json::ping(params.get("nonce").map(String::as_str))
            }
            "tax.verify-employer" => {
                only(params, &["mst", "period", "fields", "purpose"])?;
                let given = |name: &str| params.get(name).cloned();
                let mst = given("mst").map_or_else(|| self.some_employer(), Ok)?;
                let period = given("period").map_or_else(|| self.some_period(), Ok)?;
                let fields = given("fields").unwrap_or_else(|| FIELDS.join(","));
                let purpose = given("purpose").unwrap_or_else(|| PURPOSE.to_owned());
                json::verify_employer(&mst, &period, &fields, &purpose)
            }
            other => {
                return Err(Trouble::Params(format!(
                    "{other} is not asked in JSON here"
                )));
            }
        };
        json::draft(self.identity(), operation, body).sign(&self.identity().sign)
    }

    fn some_person(&self) -> Result<String, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder)?;
        Ok(pick(&landmarks.holders, 0, "holder")?.pin.clone())
    }

    fn some_employer(&self) -> Result<String, Trouble> {
        let landmarks = Landmarks::read(&self.identity().folder)?;
        let number = self.desk.memory.read(|ledger| ledger.counter);
        Ok(pick(&landmarks.employers, number, "employer")?.mst.clone())
    }

    /// The newest closed month that the landmarks name, else the month before last.
    fn some_period(&self) -> Result<String, Trouble> {
        if let Some(period) = Landmarks::read(&self.identity().folder)
            .ok()
            .and_then(|all| all.period)
        {
            return Ok(period);
        }
        let today = schemas::date::day_in_viet_nam(clock::now());
        let month = today
            .first_of_month()
            .saturating_sub(jiff::Span::new().months(2));
        Ok(month.strftime("%Y-%m").to_string())
    }
}

/// A ping in JSON, not signed yet.
pub(crate) fn json_ping(identity: &Identity) -> crate::jws::Draft {
    json::draft(identity, "tax.ping", json::ping(Some("rule")))
}

/// A dispute is of a discrepancy that was notified: nothing stands in for its id.
fn dispute_body(params: &Params) -> Result<String, Trouble> {
    only(params, &["discrepancy", "reason"])?;
    let discrepancy = required(params, "discrepancy")?;
    let reason = params.get("reason").map_or(DISPUTED, String::as_str);
    Ok(message::dispute(discrepancy, reason))
}

/// A valid synthetic tax code that no seed gives out (block 99, serial 9999999 downwards).
pub(crate) const UNKNOWN_MST: &str = "9999999997";

/// Another one.
pub(crate) const OTHER_MST: &str = "9999999972";
/// The first with another last digit.
pub(crate) const WRONG_MST: &str = "9999999998";
/// Why, where nobody says.
const DISPUTED: &str = "our declaration says otherwise";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unknown_employer_has_a_right_check_digit() {
        assert!(schemas::id::Mst::parse(UNKNOWN_MST).is_ok());
        assert!(schemas::id::Mst::parse(OTHER_MST).is_ok());
        assert!(schemas::id::Mst::parse(WRONG_MST).is_err());
    }
}
