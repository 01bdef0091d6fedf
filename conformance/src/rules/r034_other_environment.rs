//! What was made for a test never counts here.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "034-other-environment",
    title: "A message of another environment is refused",
    citation: "design §5: the environment is signed",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(None));
    draft.environment = match draft.environment.as_str() {
        "test" => "sandbox".to_owned(),
        _ => "test".to_owned(),
    };
    let reply = tax
        .client()
        .send(draft.sign(&tax.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::WrongEnvironment, &["environment"])
}
