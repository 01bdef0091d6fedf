//! What was signed is what was sent; nothing is unpacked before it is proven.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "014-content-encoding",
    title: "A content coding is refused",
    citation: "RFC 9110 §8.4; design §7",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut request = ping(tax)?.request()?;
    let coding = http::HeaderValue::from_static("gzip");
    request
        .headers_mut()
        .insert(http::header::CONTENT_ENCODING, coding);
    let reply = tax.client().send(request).await?;
    refused(&reply, FaultCode::UnsupportedMediaType, &["content-coding"])
}
