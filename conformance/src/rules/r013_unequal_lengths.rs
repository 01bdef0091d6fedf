//! Nobody can know where such a message ends: a bare 400 at most, no evidence, and the connection ends.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "013-unequal-lengths",
    title: "Unequal Content-Lengths are closed before any handler",
    citation: "RFC 9112 §6.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let bytes = ping(tax)?.raw("Host: localhost\r\nContent-Length: 5\r\n");
    let seen = tax.client().raw(&bytes).await?;
    holds(seen.closed, "the connection stayed open")?;
    match seen.reply {
        None => Ok(()),
        Some(reply) => {
            holds(reply.status == 400, "the status is not 400")?;
            holds(
                reply.header("lienthong-evidence").is_none(),
                "a handler has seen it",
            )
        }
    }
}
