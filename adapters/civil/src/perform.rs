//! A typed request becomes a call of the insurance contract, in canonical English.

use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    files::{Files, Kept, with_files},
};
use schemas::{
    date::PartialDate,
    fault::{Fault, FaultCode},
    id::Pin,
    name::PersonName,
    proto::insurance as contract,
    wire::civil::Module,
};

use crate::{
    Birth, Child, Correction, Death, Guardian, Parent, ParentChange, Poll, Record, Relation,
    Request, Said, Supplement, Withdrawal,
};

/// The part of the insurance contract that births and deaths need. The implementer fills the contract's context
/// from [`Context`] and turns its refusals into faults.
pub trait Births: Send + Sync + 'static {
    /// Registers a birth; the same key gives the same case again.
    fn register(
        &self,
        context: Context,
        request: contract::RegisterBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>>;

    /// The newest state of cases, in the order asked.
    fn cases(
        &self,
        context: Context,
        case_ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<contract::BirthCase>, Fault>>;

    /// Corrects a birth; the same key gives the same case again.
    fn correct(
        &self,
        context: Context,
        request: contract::CorrectBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>>;

    /// Gives a birth that waits what was asked for; the same key gives the same case again.
    fn supplement(
        &self,
        context: Context,
        request: contract::SupplementBirthRequest,
    ) -> BoxFuture<'_, Result<contract::BirthCase, Fault>>;

    /// The children of one birth notice of one mother.
    fn facts(
        &self,
        context: Context,
        request: contract::GetBirthFactsRequest,
    ) -> BoxFuture<'_, Result<Vec<contract::BirthFacts>, Fault>>;

    /// Registers a death; the same key gives the same case again.
    fn register_death(
        &self,
        context: Context,
        request: contract::RegisterDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>>;

    /// Takes a death back; the same key gives the same case again.
    fn withdraw_death(
        &self,
        context: Context,
        request: contract::WithdrawDeathRequest,
    ) -> BoxFuture<'_, Result<contract::DeathCase, Fault>>;

    /// The newest state of deaths, in the order asked.
    fn death_cases(
        &self,
        context: Context,
        case_ids: Vec<String>,
    ) -> BoxFuture<'_, Result<Vec<contract::DeathCase>, Fault>>;
}

/// What the insurance database answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The registered case.
    Registered(Box<contract::BirthCase>),
    /// The birth that was corrected or completed.
    Corrected(Box<contract::BirthCase>),
    /// The cases asked for, in the order asked.
    Cases(Vec<contract::BirthCase>),
    /// The registered death, or the one that was taken back.
    Death(contract::DeathCase),
    /// The deaths asked for, in the order asked.
    Deaths(Vec<contract::DeathCase>),
    /// The children of the notice that was asked about.
    Facts(Vec<contract::BirthFacts>),
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What the insurance database answered.
    pub outcome: Outcome,
    /// The papers whose files are kept, in the order in which they were attached; none where there is no place for files.
    pub kept: Vec<KeptPaper>,
}

/// A paper whose file is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPaper {
    /// The sender's id of the paper; may be empty.
    pub id: String,
    /// Its file.
    pub file: Kept,
}

/// Holds the files of a case while it is carried out; they are the case's once it is done, and nobody's where it is refused.
pub(crate) async fn carry_out(
    births: &dyn Births,
    files: Option<&dyn Files>,
    context: Context,
    said: &Said,
) -> Result<Done, Fault> {
    let Some(files) = files else {
        let outcome = perform(births, context, &said.request).await?;
        let kept = Vec::new();
        return Ok(Done { outcome, kept });
    };
    let ask = async |held: Vec<Kept>| {
        let outcome = perform(births, context.clone(), &said.request).await?;
        let papers = said.papers.iter().zip(held);
        let kept = papers.map(|(paper, file)| KeptPaper {
            id: paper.id.clone(),
            file,
        });
        let kept = kept.collect();
        Ok(Done { outcome, kept })
    };
    let contents = said.papers.iter().map(|paper| paper.content.clone());
    let case = |_: &Done| case_of(&said.request);
    with_files(files, &context, contents.collect(), ask, case).await
}

/// The case that a message is; empty of a question, which brings no files.
fn case_of(request: &Request) -> String {
    match request {
        Request::Birth(birth) => birth.case_id.to_string(),
        Request::Death(death) => death.case_id.to_string(),
        Request::Correction(one) => one.case_id.to_string(),
        Request::Supplement(one) => one.facts.case_id.to_string(),
        Request::Withdrawal(one) => one.case_id.to_string(),
        Request::Poll(_) | Request::Facts(_) => String::new(),
    }
}

pub(crate) async fn perform(
    births: &dyn Births,
    context: Context,
    request: &Request,
) -> Result<Outcome, Fault> {
    match request {
        Request::Birth(birth) => births
            .register(context, canonical(birth))
            .await
            .map(|case| Outcome::Registered(Box::new(case))),
        Request::Death(death) => births
            .register_death(context, canonical_death(death))
            .await
            .map(Outcome::Death),
        Request::Correction(correction) => births
            .correct(context, canonical_correction(correction))
            .await
            .map(|case| Outcome::Corrected(Box::new(case))),
        Request::Supplement(supplement) => births
            .supplement(context, canonical_supplement(supplement))
            .await
            .map(|case| Outcome::Corrected(Box::new(case))),
        Request::Withdrawal(withdrawal) => births
            .withdraw_death(context, canonical_withdrawal(withdrawal))
            .await
            .map(Outcome::Death),
        Request::Facts(asked) => {
            let request = contract::GetBirthFactsRequest {
                context: None,
                code: asked.code.clone(),
                mother_pin: asked.mother.as_str().to_owned(),
            };
            births.facts(context, request).await.map(Outcome::Facts)
        }
        Request::Poll(poll) if poll.module == Module::Death => deaths(births, context, poll).await,
        Request::Poll(poll) => cases(births, context, poll).await,
    }
}

async fn cases(births: &dyn Births, context: Context, poll: &Poll) -> Result<Outcome, Fault> {
    let ids: Vec<String> = poll.case_ids.iter().map(ToString::to_string).collect();
    let cases = births.cases(context, ids.clone()).await?;
    match cases.iter().map(|case| &case.case_id).eq(ids.iter()) {
        true => Ok(Outcome::Cases(cases)),
        false => Err(Fault::new(FaultCode::Internal, "other-cases-answered")),
    }
}

async fn deaths(births: &dyn Births, context: Context, poll: &Poll) -> Result<Outcome, Fault> {
    let ids: Vec<String> = poll.case_ids.iter().map(ToString::to_string).collect();
    let cases = births.death_cases(context, ids.clone()).await?;
    match cases.iter().map(|case| &case.case_id).eq(ids.iter()) {
        true => Ok(Outcome::Deaths(cases)),
        false => Err(Fault::new(FaultCode::Internal, "other-cases-answered")),
    }
}

fn canonical_death(death: &Death) -> contract::RegisterDeathRequest {
    let claimant = death.claimant.as_ref().map(|one| contract::Claimant {
        name: one.name.as_str().to_owned(),
        relation: one.relation.clone(),
        phone: one.phone.clone(),
    });
    contract::RegisterDeathRequest {
        context: None,
        case_id: death.case_id.to_string(),
        received_at: death.received_at.to_string(),
        deceased: Some(contract::Deceased {
            pin: death.pin.as_str().to_owned(),
            name: death.name.as_str().to_owned(),
            sex: death.sex.map_or(0, |sex| i32::from(sex.code())),
            birth_date: death.born.as_ref().map(iso).unwrap_or_default(),
            si_number: String::new(),
        }),
        died_on: death.died_on.to_string(),
        proof_kind: death.proof_kind,
        proof_number: death.proof_number.clone(),
        death_notice: death.death_notice.clone(),
        claimant,
        record: Some(record(&death.record)),
        ..contract::RegisterDeathRequest::default()
    }
}

fn canonical_withdrawal(withdrawal: &Withdrawal) -> contract::WithdrawDeathRequest {
    contract::WithdrawDeathRequest {
        context: None,
        case_id: withdrawal.case_id.to_string(),
        withdraws: withdrawal.withdraws.to_string(),
        reason: withdrawal.reason.clone(),
    }
}

fn canonical_correction(said: &Correction) -> contract::CorrectBirthRequest {
    contract::CorrectBirthRequest {
        context: None,
        case_id: said.case_id.to_string(),
        corrects: said.corrects.to_string(),
        received_at: said.received_at.to_string(),
        reason: said.reason.clone(),
        changes: Some(changes(said)),
    }
}

fn canonical_supplement(said: &Supplement) -> contract::SupplementBirthRequest {
    let facts = &said.facts;
    contract::SupplementBirthRequest {
        context: None,
        case_id: facts.case_id.to_string(),
        supplements: facts.corrects.to_string(),
        received_at: facts.received_at.to_string(),
        reason: facts.reason.clone(),
        changes: Some(changes(facts)),
        birth_notice: said.birth_notice.clone(),
        population: None,
    }
}

fn changes(said: &Correction) -> contract::BirthChanges {
    let text = |name: &Option<PersonName>| name.as_ref().map(|name| name.as_str().to_owned());
    let number = |pin: &Option<Pin>| pin.as_ref().map(|pin| pin.as_str().to_owned());
    let parent = |change: &ParentChange| {
        let parent = contract::Parent {
            name: text(&change.name).unwrap_or_default(),
            birth_date: change.born.as_ref().map(iso).unwrap_or_default(),
            pin: number(&change.pin).unwrap_or_default(),
        };
        (parent != contract::Parent::default()).then_some(parent)
    };
    contract::BirthChanges {
        pin: number(&said.pin).unwrap_or_default(),
        name: text(&said.name).unwrap_or_default(),
        sex: said.sex.map_or(0, |sex| i32::from(sex.code())),
        birth_date: said.born.map(|day| day.to_string()).unwrap_or_default(),
        mother: parent(&said.mother),
        father: parent(&said.father),
    }
}

/// The canonical request; its context is filled by whoever makes the call.
pub(crate) fn canonical(birth: &Birth) -> contract::RegisterBirthRequest {
    contract::RegisterBirthRequest {
        context: None,
        case_id: birth.case_id.to_string(),
        received_at: birth.received_at.to_string(),
        child: Some(child(&birth.child)),
        mother: birth.mother.as_ref().map(parent),
        father: birth.father.as_ref().map(parent),
        guardian: Some(guardian(&birth.guardian)),
        facility: birth.facility.to_string(),
        poor_household_certificate: birth.poor_household_certificate.clone(),
        birth_notice: birth.birth_notice.clone(),
        record: Some(record(&birth.record)),
        // whoever makes the call asks
        population: None,
    }
}

fn child(child: &Child) -> contract::Child {
    contract::Child {
        pin: child.pin.as_str().to_owned(),
        name: child.name.as_str().to_owned(),
        sex: i32::from(child.sex.code()),
        birth_date: child.born.to_string(),
        ethnicity: child.ethnicity.clone(),
        nationality: child.nationality.clone(),
        residence_commune: child.commune.code.to_owned(),
        residence_detail: child.residence_detail.clone(),
        declaration_kind: child.declaration_kind,
    }
}

fn parent(parent: &Parent) -> contract::Parent {
    contract::Parent {
        name: parent.name.as_str().to_owned(),
        birth_date: parent.born.as_ref().map(iso).unwrap_or_default(),
        pin: parent
            .pin
            .as_ref()
            .map(|pin| pin.as_str().to_owned())
            .unwrap_or_default(),
    }
}

/// As far as it is known: `yyyy-MM-dd`, `yyyy-MM` or `yyyy`.
fn iso(born: &PartialDate) -> String {
    match (born.complete(), born.month()) {
        (Some(day), _) => day.to_string(),
        (None, Some(month)) => format!("{:04}-{month:02}", born.year()),
        (None, None) => format!("{:04}", born.year()),
    }
}

fn guardian(guardian: &Guardian) -> contract::Guardian {
    let relation = match guardian.relation {
        Relation::Father => "father",
        Relation::Mother => "mother",
        Relation::Requester => "requester",
    };
    contract::Guardian {
        name: guardian.name.as_str().to_owned(),
        relation: relation.to_owned(),
        phone: guardian.phone.clone(),
    }
}

fn record(record: &Record) -> contract::CivilRecord {
    contract::CivilRecord {
        number: record.number.clone(),
        book: record.book.clone(),
        page: record.page.clone(),
        registered_on: record.registered_on.to_string(),
        commune: record.commune.code.to_owned(),
    }
}

#[cfg(test)]
mod tests;
