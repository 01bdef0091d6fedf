//! Whether somebody is still to be asked to pay, as the registry says it just before INIT is sent.

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use gateway_core::partner::Partners;
use insurance::Insurance;
use portal::payment::desk;
use schemas::{
    fault::Fault,
    proto::insurance::{PaymentState, ShowPaymentRequest},
};

use super::{context, soon};

/// The registry's orders.
pub(crate) struct PaymentOrders {
    /// The contract.
    pub(crate) insurance: Insurance,
    /// Who we are.
    pub(crate) partners: Arc<ArcSwap<Partners>>,
}

impl desk::Orders for PaymentOrders {
    fn why_not(&self, reference: String) -> BoxFuture<'_, Result<Option<&'static str>, Fault>> {
        let request = ShowPaymentRequest {
            context: Some(context(&self.partners, String::new())),
            reference,
        };
        let call = self.insurance.payment(soon(), request);
        Box::pin(async move {
            let order = call.await?.order.unwrap_or_default();
            Ok(why_not(order.state(), order.dossier_state))
        })
    }
}

/// An order that is asked for again, its answer having been lost, is open by then.
fn why_not(order: PaymentState, dossier: u32) -> Option<&'static str> {
    match (order, dossier) {
        (PaymentState::Paid, _) => Some("paid-already"),
        (_, state) if ENDED.contains(&state) => Some("dossier-ended"),
        (PaymentState::Quoted | PaymentState::Open, _) => None,
        (PaymentState::Over | PaymentState::Unspecified, _) => Some("quote-is-over"),
    }
}

/// Not received, withdrawn, stopped, done, handed out.
const ENDED: [u32; 5] = [3, 7, 8, 9, 10];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_asked_to_pay_while_the_order_and_its_dossier_stand() {
        for dossier in 1..=10 {
            let ended = ENDED.contains(&dossier).then_some("dossier-ended");
            assert_eq!(why_not(PaymentState::Quoted, dossier), ended);
            assert_eq!(why_not(PaymentState::Open, dossier), ended);
            assert_eq!(why_not(PaymentState::Paid, dossier), Some("paid-already"));
            let over = ended.or(Some("quote-is-over"));
            assert_eq!(why_not(PaymentState::Over, dossier), over);
        }
    }
}
