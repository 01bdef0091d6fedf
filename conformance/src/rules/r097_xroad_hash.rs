//! What the gateway called through the exchange, as the exchange saw it: each call's hash can be computed again from
//! what was sent, and no two calls have one hash, however alike they are.

use std::collections::BTreeSet;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "097-xroad-hash",
    title: "The request hash of each call is that of its lines, and no two calls share one",
    citation: "X-Road REST message protocol r1 §4.3: X-Road-Request-Hash; §4.3: X-Road-Id",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let seen = exchanged(context)?;
    let mut hashes = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for one in &seen {
        let head = certs::digest::sha512(one.head.as_bytes());
        let body = hex::decode(&one.body).unwrap_or_default();
        let hash = schemas::wire::xroad::hash_text(&certs::digest::sha512(
            &[&head[..], &body[..]].concat(),
        ));
        holds(hash == one.hash, "a hash is not that of its call")?;
        holds(hashes.insert(&one.hash), "two calls have one hash")?;
        holds(ids.insert(&one.id), "two calls have one X-Road-Id")?;
    }
    Ok(())
}
