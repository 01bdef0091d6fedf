//! A typed request becomes a call of the insurance contract, in canonical English.

use futures_util::future::BoxFuture;
use gateway_core::Context;
use schemas::{
    fault::Fault,
    proto::insurance::{Dossier, ReissueReason as Reason, SubmitReissueRequest},
    wire::portal::ReissueReason,
};

use crate::Submit;

/// The part of the insurance contract that dossiers need. The implementer fills the contract's
/// context from [`Context`] and turns its refusals into faults.
pub trait Dossiers: Send + Sync + 'static {
    /// Submits a dossier; the same key gives the same dossier again.
    fn submit_reissue(
        &self,
        context: Context,
        request: SubmitReissueRequest,
    ) -> BoxFuture<'_, Result<Dossier, Fault>>;
}

pub(crate) async fn perform(dossiers: &dyn Dossiers, context: Context, request: &Submit) -> Result<Dossier, Fault> {
    dossiers.submit_reissue(context, canonical(request)).await
}

/// The canonical request; its context is filled by whoever makes the call.
pub(crate) fn canonical(request: &Submit) -> SubmitReissueRequest {
    let reason = match request.reason {
        ReissueReason::Lost => Reason::Lost,
        ReissueReason::Damaged => Reason::Damaged,
    };
    SubmitReissueRequest {
        context: None,
        foreign_id: request.reference.clone(),
        procedure: request.procedure.to_string(),
        card_or_si_number: request.held_by.as_str().to_owned(),
        applicant_name: request.name.as_str().to_owned(),
        applicant_pin: request.pin.as_str().to_owned(),
        applicant_birth_date: request.born.to_string(),
        reason: reason.into(),
        phone: request.phone.clone(),
        email: request.email.clone(),
        submitted_at: request.submitted_at.to_string(),
    }
}
