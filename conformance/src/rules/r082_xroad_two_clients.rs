//! X-Road forwards every copy of a header: whoever reads the first and whoever reads the last see two clients.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::{self, add};

pub(super) const RULE: Rule = Rule {
    id: "082-xroad-two-clients",
    title: "Two identity headers of one kind are refused",
    citation: "X-Road REST message protocol r1 §4.3: duplicates; X-Road issue 1177",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for (name, value) in [
        (xroad::CLIENT, security_server::PORTAL),
        (xroad::CLIENT, "VN/GOV/000.00.00.X98/other"),
        (xroad::ID, "another-message"),
        (xroad::USER_ID, "VN1"),
    ] {
        let reply = brought(context, |request| {
            if name == xroad::USER_ID {
                add(request, name, "VN2")?;
            }
            add(request, name, value)
        })
        .await?;
        refused_on_the_road(&reply, FaultCode::Malformed, "xroad-header-twice")?;
    }
    Ok(())
}
