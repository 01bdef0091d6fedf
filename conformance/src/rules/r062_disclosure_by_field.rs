//! Nothing beyond the question is told, and nothing is left out in silence.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "062-disclosure-by-field",
    title: "Every field asked for is told or named as withheld",
    citation: "Circular 13/2017/TT-BTTTT; Decree 47/2020/NĐ-CP",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = tax.prepare("tax.verify-employer", &crate::call::Params::new())?;
    // the counterpart's checker of answers judges each field of each of the four results
    tax.send(&sent).await?;
    Ok(())
}
