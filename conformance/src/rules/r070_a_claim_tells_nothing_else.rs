//! Whoever only needs a yes or no gets nothing to keep.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "070-a-claim-tells-nothing-else",
    title: "A comparison tells whether it matches and nothing else",
    citation: "Law 91/2025/QH15 art. 3 (data minimisation)",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    // a person who is in no database: not even that is told
    let claim = [("pin", "099290999999"), ("birth_date", "1990-01-01")];
    let claim = claim.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let sent = tax.prepare("tax.verify-individual", &claim.into())?;
    let answer = tax.send(&sent).await?.answer;
    let result = answer.get("Result").map(String::as_str).unwrap_or_default();
    holds(result == "doesNotMatch", &format!("result {result}"))
}
