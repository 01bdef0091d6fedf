//! What was agreed with the civil registry was agreed with nobody else.

use serde_json::json;

use super::prelude::*;
use crate::jws::Draft;

pub(super) const RULE: Rule = Rule {
    id: "117-facts-not-agreed",
    title: "The facts of a birth notice are told to nobody whose agreement lacks civil.birth-facts",
    citation: "Law 91/2025/QH15 art. 3; Decree 47/2020/NĐ-CP; domain facts §2.7",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let portal = context.portal()?;
    let asked = json!({ "maGCS": "GCS.01001.26.000001", "meSoDDCN": "099193000001" });
    let body = asked.to_string().into_bytes();
    let path = "/civil/v1/TraCuuGCS";
    let draft = Draft::new(portal.identity(), "civil.birth-facts", path, body);
    let sent = draft.sign(&portal.identity().sign)?;
    let reply = portal.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Forbidden, &["operation-not-agreed"])
}
