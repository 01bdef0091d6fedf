//! A card is reissued to its holder only; the refusal is final, and so it is evidence.

use super::prelude::*;
use crate::call::Trouble;
use crate::landmarks::Landmarks;

pub(super) const RULE: Rule = Rule {
    id: "048-not-the-holder",
    title: "A dossier by somebody who is not the holder is refused, in a signed fault",
    citation: "domain facts §3.7; design §5: faults are signed from Permit on",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let portal = context.portal()?;
    let landmarks = Landmarks::read(&portal.identity().folder).map_err(Trouble::from)?;
    let holder = landmarks
        .holders
        .first()
        .and_then(|holder| holder.card.clone());
    let card = holder.ok_or_else(|| Stop::NotRun("no holder of a card is known".to_owned()))?;
    let draft = portal.draft(&applicant(&card, "099093999999", "1993-01-01"))?;
    let sent = draft.sign(&portal.identity().sign)?;
    let reply = portal.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::RuleRefused, &["not-the-holder"])?;
    crate::jws::proven_answer(portal.identity(), &sent, &reply)?;
    Ok(())
}
