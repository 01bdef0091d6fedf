//! What is journaled holds no credentials.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "078-hospital-credentials",
    title: "A form that brings a password is refused",
    citation: "PL02, password; Law on Personal Data Protection 91/2025 art. 19.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let mut draft = hospital.draft(&hospital.next_birth()?);
    draft.others = vec![("password", "5f4dcc3b5aa765d61d8327deb882cf99".to_owned())];
    let sent = draft.sign(hospital.identity())?;
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Invalid, &["credentials-not-wanted"])?;
    about(&reply, "password")
}
