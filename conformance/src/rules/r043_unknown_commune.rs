//! A card cannot be issued to a place that does not exist.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "043-unknown-commune",
    title: "A commune that is not in force is refused",
    citation: "QĐ 19/2025/QĐ-TTg: the list from 2025-07-01",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let reply = bent_birth(registry, |form| {
        form["baoHiem"]["noiCuTru"]["maXa"] = "99999".into();
        form["meNoiCuTru"]["maXa"] = "99999".into();
    })
    .await?;
    refused(&reply, FaultCode::Invalid, &["unknown-commune"])
}
