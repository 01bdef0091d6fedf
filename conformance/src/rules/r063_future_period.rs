//! Nobody has paid for a month that has not begun.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "063-future-period",
    title: "A month that has not begun is refused",
    citation: "Law 41/2024/QH15 art. 34; own profile v1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_employer(tax::UNKNOWN_MST, "2199-01", "arrears", tax::PURPOSE);
    let reply = signed(tax, "tax.verify-employer", body).await?;
    refused(&reply, FaultCode::Invalid, &["period-in-the-future"])?;
    about(&reply, "Period")
}
