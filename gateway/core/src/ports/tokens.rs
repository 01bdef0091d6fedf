//! Where the key sets of registered token issuers come from.

use std::sync::Arc;

use certs::jwt::KeySet;
use futures_util::future::BoxFuture;

use crate::partner::TokenRule;

/// No key set is to be had now; the word says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are not to be had: {0}")]
pub struct KeysUnavailable(pub &'static str);

/// Fetches key sets from registered addresses and keeps them.
pub trait Tokens: Send + Sync + 'static {
    /// The keys of the rule's issuer. Where `kid` is not among those that are kept, they are fetched
    /// again, unless that was done a moment ago; what is given may still not know it.
    ///
    /// # Errors
    /// [`KeysUnavailable`] where there are none, or only some that are too old.
    fn keys<'a>(
        &'a self,
        rule: &'a TokenRule,
        kid: &'a str,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeysUnavailable>>;
}

/// Has no keys of anybody: where nobody demands tokens, and in tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTokens;

impl Tokens for NoTokens {
    fn keys<'a>(
        &'a self,
        _: &'a TokenRule,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(std::future::ready(Err(KeysUnavailable("no-issuer"))))
    }
}
