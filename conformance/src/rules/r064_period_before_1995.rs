//! Compulsory social insurance of this kind began in January 1995.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "064-period-before-1995",
    title: "A month before 1995-01 is refused",
    citation: "Decree 12/CP of 1995; own profile v1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_employer(tax::UNKNOWN_MST, "1994-12", "arrears", tax::PURPOSE);
    let reply = signed(tax, "tax.verify-employer", body).await?;
    refused(&reply, FaultCode::Invalid, &["period-before-1995"])?;
    about(&reply, "Period")
}
