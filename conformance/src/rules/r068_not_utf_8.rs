//! Another encoding would let the same bytes say two things.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "068-not-utf-8",
    title: "A document that is not UTF-8 is refused",
    citation: "Circular 39/2017/TT-BTTTT (UTF-8 compulsory); design §5",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let department = context.tax()?;
    let sent = ping(department)?;
    let mut declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>".to_vec();
    declared.extend_from_slice(&sent.body);
    let mut wrong = sent.body.clone();
    if let Some(at) = wrong.iter().position(|byte| *byte == b'<') {
        wrong.insert(at, 0xe1);
    }
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(String::from_utf8_lossy(&sent.body).encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for body in [declared, wrong, wide] {
        let bent = crate::call::Prepared {
            body,
            ..ping(department)?
        };
        let reply = department.client().send(bent.request()?).await?;
        refused(&reply, FaultCode::Malformed, REASONS)?;
    }
    let body = tax::json_ping(department.identity());
    let mut wrong = body.body.clone();
    wrong.insert(2, 0xe1);
    let bent = crate::jws::Draft {
        body: wrong,
        ..body
    }
    .sign(&department.identity().sign)?;
    let reply = department.client().send(bent.request()?).await?;
    refused(&reply, FaultCode::Malformed, &["json-encoding"])
}

const REASONS: &[&str] = &["xml-encoding"];
