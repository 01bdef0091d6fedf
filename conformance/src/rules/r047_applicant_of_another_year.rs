//! An applicant who contradicts itself is not looked up.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "047-applicant-of-another-year",
    title: "A dossier whose applicant's PIN is of another year is refused",
    citation: "Circular 07/2016/TT-BCA art. 7; domain facts §3.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let portal = context.portal()?;
    let draft = portal.draft(&applicant("DN4019900000007", "099093999999", "1994-01-01"))?;
    let reply = portal
        .client()
        .send(draft.sign(&portal.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::Invalid, &["pin-year-mismatch"])?;
    about(&reply, "SoDinhDanh")
}
