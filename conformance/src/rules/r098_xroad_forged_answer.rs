//! An answer that is not proven to be to the call is no answer: the call comes again, under an id of its own.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "098-xroad-forged-answer",
    title: "After an answer that is forged, swapped or of another the call comes again",
    citation: "X-Road REST message protocol r1 §4.3: the consumer MUST verify X-Road-Request-Hash",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let seen = exchanged(context)?;
    let mut forged = 0;
    for (at, one) in seen.iter().enumerate() {
        let Some(wrong) = &one.wrong else { continue };
        forged += 1;
        let again = seen[at + 1..].iter().find(|later| later.path == one.path);
        holds(again.is_some(), &format!("{wrong} was taken for an answer"))?;
    }
    match forged {
        0 => not_run("the exchange gave no wrong answer yet".to_owned()),
        _ => Ok(()),
    }
}
