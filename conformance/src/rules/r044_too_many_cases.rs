//! The bound of the poll is part of its contract.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "044-too-many-cases",
    title: "LayKetQua for more than three cases is refused",
    citation: "domain facts §2.1, step 6: at most three ids",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let draft = registry.result_draft(&[CASE; 4], "01");
    let reply = registry
        .client()
        .send(draft.sign(&registry.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::Invalid, &["too-many-cases"])
}
