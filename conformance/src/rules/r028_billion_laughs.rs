//! No entity is ever expanded, so none can grow.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "028-billion-laughs",
    title: "Nested entities are refused at once",
    citation: "CVE-2003-1564; design §5: no DTD",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut entities = "<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..30 {
        let of = format!("&a{};", level - 1).repeat(10);
        entities.push_str(&format!("<!ENTITY a{level} \"{of}\">"));
    }
    let sent = edited(ping(tax)?, |text| {
        Some(format!(
            "<!DOCTYPE TaxMessage [{entities}]>{}",
            text.replacen("<Nonce>", "<Nonce>&a29;", 1)
        ))
    })?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Malformed, &["xml-doctype"])
}
