//! An operator asks the tax department: a question is put into its lane, and its answer told once it is there.
//!
//! Nothing is told that is not the receipt of the question's own parcel, which the lane keeps only where the
//! department's signature holds and is bound to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::future::try_join_all;
use gateway_core::{
    Evidence, Road,
    policy::{self, Question as Policy},
    ports::{Act, Clock, Deed, Heard, Ledger, LookUp, Outbox, ParcelState, PersonNumber, Receipts},
    stage::today,
};
use schemas::{
    date::day_in_viet_nam,
    id::{MessageId, PartnerId, Period, TaxId},
    proto::admin::{AskTaxLine, AskTaxRequest, AskTaxResponse, PayerLine, TaxFault, TaxpayerTold},
    wire::tax::taxpayer::{
        Answer, Body, EmployerTold, IndividualTold, Many, ManyLine, Payer, Question,
    },
};
use tax::taxpayer::{self, Words};
use tokio::time::{Duration, Instant};
use tonic::Status;

use super::{
    AdminParts,
    office::{said_why, unavailable},
};
use crate::schedules::Schedules;

/// What asking needs beside the rest: where parcels go, what came of them, and who can be asked.
#[derive(Clone)]
pub struct Asking {
    /// Where questions wait for their lane.
    pub outbox: Arc<dyn Outbox>,
    /// What came back.
    pub receipts: Arc<dyn Receipts>,
    /// Departments with a lane for questions, and the road that it takes.
    pub departments: BTreeMap<PartnerId, Road>,
    /// What is begun by itself.
    pub schedules: Arc<Schedules>,
}

pub(super) async fn ask(
    parts: &AdminParts,
    asked: AskTaxRequest,
) -> Result<AskTaxResponse, Status> {
    let (who, why) = said_why(asked.who.clone(), asked.why.clone())?;
    let department =
        PartnerId::parse(&asked.partner).map_err(|_| Status::invalid_argument("a partner's id"))?;
    let words = words(&asked);
    let question = words
        .question()
        .map_err(|reason| Status::invalid_argument(format!("not a question: {reason}")))?;
    begun(&words, parts.clock.as_ref())?;
    let asking = parts.asking.as_ref();
    let lane = asking.and_then(|asking| Some((asking, *asking.departments.get(&department)?)));
    let (asking, road) = lane.ok_or_else(|| {
        Status::failed_precondition("no lane for questions: [delivery] words = \"taxpayer\"")
    })?;
    permitted(parts, (&department, road), &question, &words)?;
    let id = match asked.id.as_str() {
        "" => Evidence::fresh().message_id(),
        text => MessageId::parse(text)
            .map_err(|_| Status::invalid_argument("an id of 8 to 128 letters, digits and ._-"))?,
    };
    let recovering = parts.office.recovering().await.map_err(unavailable)?;
    if recovering.is_some() {
        return Err(Status::unavailable("recovering"));
    }
    known_otherwise(asking, &department, &id, &words).await?;
    let act = Act {
        who: who.clone(),
        why: why.clone(),
        deed: Deed::AskTax(department.clone(), id.to_string()),
    };
    parts.office.act(act).await.map_err(unavailable)?;
    noted(parts.ledger.as_ref(), &question, who, why).await?;
    let wait = Duration::from_millis(asked.wait_ms.clamp(100, WAIT_MS_MAX));
    let due = parts.clock.now().checked_add(wait).ok();
    let parcel = taxpayer::parcel(&department, &id, &words, due);
    let aside = asking.outbox.put(vec![parcel]).await.map_err(unavailable)?;
    if !aside.is_empty() {
        return Err(another(&id));
    }
    tracing::info!(partner = department.as_str(), %id, "an operator asks the tax department");
    answer(asking, &department, &id, Instant::now() + wait).await
}

fn words(asked: &AskTaxRequest) -> Words {
    let to = match asked.to.as_str() {
        "" => &asked.from,
        to => to,
    };
    Words {
        about: asked.about.clone(),
        mst: asked.mst.clone(),
        keys: asked.keys.clone(),
        from: asked.from.clone(),
        to: to.to_owned(),
        fields: asked.fields.iter().cloned().collect(),
    }
}

/// A month that has not begun in Viet Nam has nothing to be asked about.
fn begun(words: &Words, clock: &dyn Clock) -> Result<(), Status> {
    let today = day_in_viet_nam(clock.now());
    let present = Period::new(today.year(), today.month());
    let last = Period::parse(&words.to);
    match (present, last) {
        (Ok(present), Ok(last)) if last <= present => Ok(()),
        _ => Err(Status::invalid_argument("period-in-the-future")),
    }
}

/// Agreements bind outwards too; no field is asked for that none grants. The lane asks the same once more.
fn permitted(
    parts: &AdminParts,
    (department, road): (&PartnerId, Road),
    question: &Question,
    words: &Words,
) -> Result<(), Status> {
    let partners = parts.partners.load();
    let partner = partners
        .get(department)
        .ok_or_else(|| Status::not_found("no such partner"))?;
    let operation = taxpayer::operation(question);
    let fields = operation.fields.iter().copied();
    let asked: BTreeSet<&'static str> = fields.filter(|one| words.fields.contains(*one)).collect();
    let permit = policy::decide(&Policy {
        partner,
        road,
        proof: operation.proof,
        operation,
        purpose: taxpayer::PURPOSE,
        asked: &asked,
        lines: question.lines(),
        provinces: None,
        on: today(parts.clock.now()),
    });
    let permit = permit.map_err(|denied| Status::permission_denied(denied.reason()))?;
    match permit.withheld().is_empty() {
        true => Ok(()),
        false => {
            let withheld: Vec<_> = permit.withheld().iter().copied().collect();
            let list = withheld.join(", ");
            Err(Status::permission_denied(format!(
                "field-not-agreed: {list}"
            )))
        }
    }
}

/// The same id is the same question, or none.
async fn known_otherwise(
    asking: &Asking,
    department: &PartnerId,
    id: &MessageId,
    words: &Words,
) -> Result<(), Status> {
    let parcel = taxpayer::parcel_id(department, id);
    let heard = asking.receipts.heard(&parcel).await.map_err(unavailable)?;
    match heard {
        Some(heard) if heard.story.subject != taxpayer::subject(id, words) => Err(another(id)),
        _ => Ok(()),
    }
}

fn another(id: &MessageId) -> Status {
    Status::already_exists(format!("same-id-other-content: {id}"))
}

/// Whoever is shown what a person was paid stands in the ledger of accesses before they see it.
async fn noted(
    ledger: &dyn Ledger,
    question: &Question,
    who: String,
    why: String,
) -> Result<(), Status> {
    let people: &[TaxId] = match question {
        Question::Individual(ask) => std::slice::from_ref(&ask.mst),
        Question::Many(ask) if matches!(ask.asked, Many::Individuals { .. }) => ask.asked.keys(),
        _ => &[],
    };
    for some in people.chunks(NOTED_AT_ONCE) {
        let noted = some.iter().map(|person| {
            let (who, why) = (who.clone(), why.clone());
            async move {
                let number = PersonNumber::parse(person.as_str())
                    .ok_or_else(|| Status::invalid_argument("a PIN of 12 digits"))?;
                let look_up = LookUp { number, who, why };
                ledger.accesses(look_up, 1).await.map_err(unavailable)
            }
        });
        try_join_all(noted).await?;
    }
    Ok(())
}

/// Waits for the receipt; what has none in time is not answered.
async fn answer(
    asking: &Asking,
    department: &PartnerId,
    id: &MessageId,
    until: Instant,
) -> Result<AskTaxResponse, Status> {
    let parcel = taxpayer::parcel_id(department, id);
    loop {
        let heard = asking.receipts.heard(&parcel).await.map_err(unavailable)?;
        let heard = heard.ok_or_else(|| Status::internal("a question that is not there"))?;
        let reason = heard.story.reason.clone().unwrap_or_default();
        match heard.story.state {
            ParcelState::Done => return told(id, &heard),
            ParcelState::Dead | ParcelState::Poison | ParcelState::Cancelled => {
                let state = heard.story.state.word();
                return Err(Status::failed_precondition(format!("{state}: {reason}")));
            }
            ParcelState::Waiting | ParcelState::Leased if Instant::now() >= until => {
                return Err(Status::unavailable(format!(
                    "UNAVAILABLE: no answer yet ({reason}); the question waits, ask again as {id}"
                )));
            }
            ParcelState::Waiting | ParcelState::Leased => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

fn told(id: &MessageId, heard: &Heard) -> Result<AskTaxResponse, Status> {
    let erased = || Status::failed_precondition("the answer was erased");
    let receipt = heard.receipt.as_ref().ok_or_else(erased)?;
    let message = taxpayer::told(receipt).ok_or_else(|| Status::internal("unreadable-receipt"))?;
    let mut response = AskTaxResponse {
        id: id.to_string(),
        answered_at: message.header.sent_at.to_string(),
        journal: heard.story.receipt.unwrap_or_default(),
        ..AskTaxResponse::default()
    };
    match message.body {
        Body::Question(_) => return Err(Status::internal("unreadable-receipt")),
        Body::Answer(Answer::Fault(fault)) => {
            response.fault = Some(TaxFault {
                code: fault.code.row().code.to_owned(),
                reason: fault.reason,
                field: fault.field.unwrap_or_default(),
            });
        }
        Body::Answer(Answer::Employer(told)) => tell(&mut response, employer(*told)),
        Body::Answer(Answer::Individual(mut told)) => {
            response.payers = payers(told.payers.take());
            tell(&mut response, individual(*told));
        }
        Body::Answer(Answer::Many(told)) => {
            response.lines = told.lines.into_iter().map(line).collect();
        }
        Body::Answer(
            Answer::Notice(_)
            | Answer::Person(_)
            | Answer::Held(_)
            | Answer::Resend(_)
            | Answer::Month(_)
            | Answer::Taken(_)
            | Answer::Chunk(_)
            | Answer::Page(_),
        ) => return Err(Status::internal("unreadable-receipt")),
    }
    Ok(response)
}

/// What is told of one alone.
fn tell(response: &mut AskTaxResponse, line: AskTaxLine) {
    response.result = line.result;
    response.told = line.told;
    response.not_disclosed = line.not_disclosed;
}

fn line(line: ManyLine) -> AskTaxLine {
    match line {
        ManyLine::Employer(told) => employer(*told),
        ManyLine::Individual(told) => individual(*told),
        ManyLine::Refused(refused) => AskTaxLine {
            mst: refused.key,
            fault: Some(TaxFault {
                code: refused.code.row().code.to_owned(),
                reason: refused.reason,
                field: String::new(),
            }),
            ..AskTaxLine::default()
        },
    }
}

fn employer(told: EmployerTold) -> AskTaxLine {
    let status = told.status;
    AskTaxLine {
        mst: told.mst.as_str().to_owned(),
        result: told.result.as_str().to_owned(),
        not_disclosed: words_of(told.not_disclosed.iter().map(|field| field.as_str())),
        fault: None,
        told: lines([
            ("status", status.as_ref().map(|one| one.code.clone())),
            (
                "statusReason",
                status.as_ref().and_then(|one| one.reason.clone()),
            ),
            ("statusSince", status.map(|one| one.since.to_string())),
            ("name", told.name),
            ("address", told.address),
            ("headcount", told.headcount.map(|count| count.to_string())),
            (
                "incomePaid",
                told.income_paid.map(|paid| paid.vnd().to_string()),
            ),
        ]),
    }
}

fn individual(told: IndividualTold) -> AskTaxLine {
    AskTaxLine {
        mst: told.mst.as_str().to_owned(),
        result: told.result.as_str().to_owned(),
        not_disclosed: words_of(told.not_disclosed.iter().map(|field| field.as_str())),
        fault: None,
        told: lines([
            ("name", told.name),
            ("months", told.months.map(|months| months.to_string())),
            ("income", told.income.map(|income| income.vnd().to_string())),
        ]),
    }
}

fn payers(payers: Option<Vec<Payer>>) -> Vec<PayerLine> {
    let payers = payers.unwrap_or_default().into_iter();
    payers
        .map(|payer| PayerLine {
            mst: payer.mst.as_str().to_owned(),
            months: payer.months,
            income_vnd: payer.income.map(|income| income.vnd()),
        })
        .collect()
}

fn lines<const N: usize>(values: [(&str, Option<String>); N]) -> Vec<TaxpayerTold> {
    let told = values.into_iter().filter_map(|(field, value)| {
        Some(TaxpayerTold {
            field: field.to_owned(),
            value: value?,
        })
    });
    told.collect()
}

fn words_of<'w>(words: impl Iterator<Item = &'w str>) -> Vec<String> {
    words.map(str::to_owned).collect()
}

/// The longest that an operator's call waits.
const WAIT_MS_MAX: u64 = 60_000;
/// People noted in the ledger of accesses side by side.
const NOTED_AT_ONCE: usize = 64;
const LOOK_EVERY: Duration = Duration::from_millis(50);
