//! One mistyped code among a thousand must not hide the others.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "069-line-by-line",
    title: "Each line has its own result, in the order asked",
    citation: "Circular 13/2017/TT-BTTTT; own profile v1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let keys = format!("{},{}", tax::WRONG_MST, tax::UNKNOWN_MST);
    let sent = tax.prepare("tax.verify-many", &[("mst".to_owned(), keys)].into())?;
    let answer = tax.send(&sent).await?.answer;
    let lines = answer.get("Lines").map(String::as_str).unwrap_or_default();
    holds(lines == "INVALID,noData", &format!("lines {lines}"))
}
