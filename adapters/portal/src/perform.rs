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

pub(crate) async fn perform(
    dossiers: &dyn Dossiers,
    context: Context,
    request: &Submit,
) -> Result<Dossier, Fault> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::submit;

    #[test]
    fn a_dossier_reaches_the_contract_in_canonical_words() {
        let request = canonical(&submit());
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
}
