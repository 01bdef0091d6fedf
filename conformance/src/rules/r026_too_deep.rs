//! Depth is bounded before any tree is built.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "026-too-deep",
    title: "A document nested too deep is refused",
    citation: "design §7: depth; RUSTSEC-2026-0194, -0195",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let deep = format!(
        "<Ping>{}{}</Ping>",
        "<a>".repeat(1_000),
        "</a>".repeat(1_000)
    );
    let draft = tax::Draft::new(tax.identity(), "tax.ping", deep);
    let reply = tax
        .client()
        .send(draft.sign(&tax.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::TooLarge, &["xml-too-deep"])
}
