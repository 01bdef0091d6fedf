//! The port speaks TLS only; nothing is read or redirected in the clear.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "007-plaintext",
    title: "Plain HTTP on the TLS port gets no HTTP answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let said = tax
        .client()
        .plaintext(&ping(tax)?.raw("Host: localhost\r\n"))
        .await?;
    holds(
        !said.starts_with(b"HTTP/"),
        "plain HTTP was answered with HTTP",
    )
}
