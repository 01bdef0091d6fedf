//! Who asks must say why, and the agreement must name it; the refusal is evidence and so it is signed.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "046-purpose-not-agreed",
    title: "A purpose that no agreement names is forbidden, in a signed fault",
    citation: "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_employer(tax::UNKNOWN_MST, "2026-09", "arrears", "curiosity");
    let draft = tax::Draft::new(tax.identity(), "tax.verify-employer", body);
    let sent = draft.sign(&tax.identity().sign)?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Forbidden, &["purpose-not-agreed"])?;
    Ok(tax::bound_fault(tax.identity(), &sent, &reply)?)
}
