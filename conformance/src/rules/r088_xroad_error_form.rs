//! The first known range counts and q-values do not; without one it is JSON.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::add;

pub(super) const RULE: Rule = Rule {
    id: "088-xroad-error-form",
    title: "Errors have the form that Accept asks for",
    citation: "X-Road REST message protocol r1 §4.6",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for (accept, form) in [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/xml", "text/xml"),
        ("application/xml", "application/xml"),
        ("text/*", "text/xml"),
        ("text/html, text/xml;q=0.1, application/json", "text/xml"),
        (
            "application/json;q=0.1, application/xml",
            "application/json",
        ),
        ("text/plain", "application/json"),
        (
            "application/xml;q=0.9, application/json;q=0.1",
            "application/xml",
        ),
        ("*/*;q=0.1, text/xml", "application/json"),
        ("TEXT/XML; charset=utf-8", "text/xml"),
    ] {
        let reply = brought(context, |request| {
            request.headers_mut().remove(xroad::CLIENT);
            add(request, "accept", accept)
        })
        .await?;
        let given = reply.header("content-type").unwrap_or_default();
        holds(
            given == form,
            &format!("{accept}: {given} instead of {form}"),
        )?;
        let is_xml = reply.body.starts_with(b"<error><type>");
        holds(
            is_xml == form.ends_with("xml"),
            &format!("{accept}: the body is no {form}"),
        )?;
    }
    Ok(())
}
