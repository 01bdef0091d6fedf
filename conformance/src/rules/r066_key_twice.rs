//! Two lines about one subject could be told differently.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "066-key-twice",
    title: "A message that names one subject twice is refused whole",
    citation: "Own profile v1; Circular 13/2017/TT-BTTTT",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_many(&format!("{0},{0}", tax::UNKNOWN_MST), "2026-09", "arrears");
    let reply = signed(tax, "tax.verify-many", body).await?;
    refused(&reply, FaultCode::Invalid, &["key-twice"])?;
    about(&reply, "Mst")
}
