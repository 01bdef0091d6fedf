//! Three or four parts of the specified characters, encoded or not.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "084-xroad-bad-client",
    title: "A client identifier of another form is refused",
    citation: "X-Road identifiers: allowed characters; X-Road REST message protocol r1 §4.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let bad = [
        "VN/GOV",
        "VN/GOV/a/b/c",
        "VN/GOV/a%2Fb/portal",
        "VN/GOV/../portal",
        "VN/GOV/a:b/portal",
        "VN/GOV/%00/portal",
        "VN/GOV/%zz/portal",
    ];
    for client in bad {
        let server = context.server()?;
        let request = server.bring(client, &others_dossier(context)?)?;
        let reply = server.send(request).await?;
        refused_on_the_road(&reply, FaultCode::Unauthenticated, "xroad-client-malformed")?;
    }
    Ok(())
}
