//! Who has seen it once has it.

use super::prelude::*;
use crate::hospital::TOKEN;

pub(super) const RULE: Rule = Rule {
    id: "077-hospital-md5-token",
    title: "The MD5 of a password gets no token",
    citation: "RFC 6151 §2; PL02, token/take",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let mut sent = hospital
        .draft(&hospital.next_birth()?)
        .sign(hospital.identity())?;
    sent.path = TOKEN;
    sent.body = br#"{"username":"01001","password":"5f4dcc3b5aa765d61d8327deb882cf99"}"#.to_vec();
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::TokenRefused, &["md5-token-not-taken"])
}
