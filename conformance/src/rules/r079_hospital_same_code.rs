//! A code is of one notice.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "079-hospital-same-code",
    title: "Another notice under a code that was told before is refused",
    citation: "PL02, MA_GCS; DESIGN: one id, one content",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let birth = hospital.next_birth()?;
    let sent = hospital.draft(&birth).sign(hospital.identity())?;
    let reply = hospital.client().send(sent.request()?).await?;
    hospital.judge(&sent, &reply)?;
    let mut other = birth;
    other.sex = 3 - other.sex;
    let sent = hospital.draft(&other).sign(hospital.identity())?;
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Conflict, &["same-id-other-content"])
}
