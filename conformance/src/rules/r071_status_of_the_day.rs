//! Code 04 was taken off the list on 2026-07-01.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "071-status-of-the-day",
    title: "A taxpayer status that was not in force on the day is refused",
    citation: "Circular 90/2026/TT-BTC; Circular 86/2024/TT-BTC",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let told = [
        ("mst", crate::tax::UNKNOWN_MST),
        ("kind", "suspended"),
        ("effective_on", "2026-07-01"),
        ("status", "04"),
    ];
    let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sent = tax.prepare("tax.change-notice", &told.into())?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Invalid, &["status-not-in-force"])?;
    about(&reply, "Status")
}
