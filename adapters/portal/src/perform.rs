//! A typed request becomes a call of the insurance contract, in canonical English.

use futures_util::future::BoxFuture;
use gateway_core::{Context, files::with_files};
use schemas::{
    fault::{Fault, FaultCode},
    id::DossierCode,
    procedure::Filled,
    proto::insurance::{
        Dossier, DossierPaper, GetDossierRequest, ReissueReason as Reason, SubmitDossierRequest,
        SubmitReissueRequest, SupplementDossierRequest, WithdrawDossierRequest,
    },
    wire::portal::ReissueReason,
};

use crate::{
    Asks, Later, Outcome, Paper, Portal, Reissue, Request, Submit,
    papers::{Content, Kept, Papers, hex},
};

/// The part of the insurance contract that dossiers need. The implementer fills the contract's
/// context from [`Context`] and turns its refusals into faults.
pub trait Dossiers: Send + Sync + 'static {
    /// Submits a dossier to reissue a card; the same key gives the same dossier again.
    fn submit_reissue(
        &self,
        context: Context,
        request: SubmitReissueRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;

    /// Papers that were asked for; the same key gives the same dossier again.
    fn supplement(
        &self,
        context: Context,
        request: SupplementDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;

    /// A dossier is taken back; the same key gives the same dossier again.
    fn withdraw(
        &self,
        context: Context,
        request: WithdrawDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;

    /// Submits a dossier of any other procedure; the same key gives the same dossier again.
    fn submit(
        &self,
        context: Context,
        request: SubmitDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;

    /// How one of the sender's own dossiers stands; `UnknownSubject` where it has none of this code.
    fn status(
        &self,
        context: Context,
        request: GetDossierRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;
}

pub(crate) async fn carry_out(
    portal: &Portal,
    context: Context,
    request: &Request,
) -> Result<Outcome, Fault> {
    let papers = portal.papers.as_ref();
    match request {
        Request::Announcement(asked) => papers.announce(context, asked).await.map(Outcome::Awaited),
        Request::Part(ticket) => papers.take(context, ticket).await.map(Outcome::Kept),
        Request::Status(code) => {
            let dossier = status(portal.dossiers.as_ref(), context, code).await?;
            Ok(Outcome::Stands(dossier.map(Box::new)))
        }
        Request::Later(said) => {
            let dossier = later(portal.dossiers.as_ref(), papers, context, said).await?;
            Ok(Outcome::Dossier(Box::new(dossier)))
        }
        Request::Dossier(submit) => {
            let dossier = dossier(portal.dossiers.as_ref(), papers, context, submit).await?;
            Ok(Outcome::Dossier(Box::new(dossier)))
        }
    }
}

pub(crate) async fn dossier(
    dossiers: &dyn Dossiers,
    papers: &dyn Papers,
    context: Context,
    request: &Submit,
) -> Result<Dossier, Fault> {
    match &request.asks {
        Asks::Reissue(asked) => {
            let request = again(request, asked);
            dossiers.submit_reissue(context, request).await
        }
        Asks::Form(filled, named) => {
            let outcome = async |held: Vec<Kept>| {
                let request = form(request, filled, named, &held);
                dossiers.submit(context.clone(), request).await
            };
            let code = |dossier: &Dossier| dossier.code.clone();
            with_files(papers, &context, contents(named), outcome, code).await
        }
    }
}

/// How a dossier of the sender's stands; none where it has none of this code.
pub(crate) async fn status(
    dossiers: &dyn Dossiers,
    context: Context,
    code: &DossierCode,
) -> Result<Option<Dossier>, Fault> {
    let asked = GetDossierRequest {
        context: None,
        code: code.as_str().to_owned(),
    };
    match dossiers.status(context, asked).await {
        Ok(dossier) => Ok(Some(dossier)),
        Err(fault) if fault.code() == FaultCode::UnknownSubject => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn later(
    dossiers: &dyn Dossiers,
    papers: &dyn Papers,
    context: Context,
    said: &Later,
) -> Result<Dossier, Fault> {
    let Some(supplement) = &said.supplement else {
        let request = WithdrawDossierRequest {
            context: None,
            code: said.code.as_str().to_owned(),
            procedure: said.procedure.to_string(),
            applicant_pin: said.pin.as_str().to_owned(),
            text: said.text.clone(),
            sent_at: said.sent_at.to_string(),
        };
        return dossiers.withdraw(context, request).await;
    };
    let outcome = async |held: Vec<Kept>| {
        let request = SupplementDossierRequest {
            context: None,
            code: said.code.as_str().to_owned(),
            procedure: said.procedure.to_string(),
            supplement_id: supplement.id.clone(),
            applicant_pin: said.pin.as_str().to_owned(),
            papers: canonical(&supplement.papers, &held),
            text: said.text.clone(),
            sent_at: said.sent_at.to_string(),
        };
        dossiers.supplement(context.clone(), request).await
    };
    let code = |dossier: &Dossier| dossier.code.clone();
    with_files(
        papers,
        &context,
        contents(&supplement.papers),
        outcome,
        code,
    )
    .await
}

/// The contents that papers bring.
fn contents(named: &[Paper]) -> Vec<Content> {
    named.iter().filter_map(|p| p.content.clone()).collect()
}

/// A card again; the context is filled by whoever makes the call.
fn again(request: &Submit, asked: &Reissue) -> SubmitReissueRequest {
    let reason = match asked.reason {
        ReissueReason::Lost => Reason::Lost,
        ReissueReason::Damaged => Reason::Damaged,
    };
    SubmitReissueRequest {
        context: None,
        foreign_id: request.reference.clone(),
        procedure: request.procedure.to_string(),
        card_or_si_number: asked.held_by.as_str().to_owned(),
        applicant_name: request.name.as_str().to_owned(),
        applicant_pin: request.pin.as_str().to_owned(),
        applicant_birth_date: request.born.to_string(),
        reason: reason.into(),
        phone: request.phone.clone(),
        email: request.email.clone(),
        submitted_at: request.submitted_at.to_string(),
        applicant_si_number: si_number(request),
    }
}

/// What a form asks; the context is filled by whoever makes the call.
fn form(
    request: &Submit,
    filled: &Filled,
    papers: &[Paper],
    held: &[Kept],
) -> SubmitDossierRequest {
    let tax_code = request.tax_code.as_ref();
    SubmitDossierRequest {
        context: None,
        foreign_id: request.reference.clone(),
        procedure: request.procedure.to_string(),
        applicant_name: request.name.as_str().to_owned(),
        applicant_pin: request.pin.as_str().to_owned(),
        applicant_birth_date: request.born.to_string(),
        applicant_tax_code: tax_code.map_or_else(String::new, |code| code.as_str().to_owned()),
        phone: request.phone.clone(),
        email: request.email.clone(),
        submitted_at: request.submitted_at.to_string(),
        form: filled.to_json(),
        papers: canonical(papers, held),
        applicant_si_number: si_number(request),
    }
}

fn si_number(request: &Submit) -> String {
    let number = request.si_number.as_ref();
    number.map_or_else(String::new, |number| number.as_str().to_owned())
}

/// The papers, with what is kept of those that have content.
fn canonical(papers: &[Paper], held: &[Kept]) -> Vec<DossierPaper> {
    let mut held = held.iter();
    let paper = |paper: &Paper| {
        let kept = paper.content.as_ref().and_then(|_| held.next());
        DossierPaper {
            code: paper.code.clone(),
            file_id: paper.file_id.clone(),
            file_name: paper.file_name.clone(),
            sha256: kept.map(|kept| hex(&kept.sha256)).unwrap_or_default(),
            bytes: kept.map_or(0, |kept| kept.bytes),
            media_type: kept.map_or("", |kept| kept.kind.media_type()).to_owned(),
        }
    };
    papers.iter().map(paper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::submit;

    #[test]
    fn a_dossier_reaches_the_contract_in_canonical_words() {
        let submit = submit();
        let Asks::Reissue(asked) = &submit.asks else {
            panic!("no reissue")
        };
        let request = again(&submit, asked);
        assert_eq!(request.foreign_id, "DVC-2026-0001");
        assert_eq!(request.procedure, "9.000001");
        assert_eq!(request.card_or_si_number, "DN4019912345678");
        assert_eq!(
            (
                request.applicant_name.as_str(),
                request.applicant_pin.as_str()
            ),
            ("Lê Văn Mẫu", "099090000001")
        );
        assert_eq!(request.applicant_birth_date, "1990-05-17");
        assert_eq!(request.reason(), Reason::Lost);
        assert_eq!(
            (request.phone.as_str(), request.email.as_str()),
            ("0900000000", "mau@example.vn")
        );
        assert_eq!(request.submitted_at, "2026-11-22T04:59:59Z");
    }
    #[test]
    fn a_form_reaches_the_contract_with_its_own_names_and_its_papers() {
        let submit = crate::decode::tests::change_of_details();
        let Asks::Form(filled, papers) = &submit.asks else {
            panic!("no form")
        };
        let request = form(&submit, filled, papers, &[]);
        assert_eq!(request.procedure, "9.000007");
        assert_eq!(
            request.form,
            r#"{"HoVaTen":"Lê Văn Mới","LyDo":"Sai tên","MaBHXH":"9912345678"}"#
        );
        assert_eq!(request.papers[0].code, "GIAY-TO");
        assert_eq!(request.applicant_tax_code, "");
    }
}
