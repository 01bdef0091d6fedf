//! What is agreed with a registry that asks us before it registers, by triggers of OpenCRVS 2.0: whose tokens show that it does.
//!
//! A trigger bears no signature: the connection's certificate says whose it is, and a token of the registry's own, made for one
//! action of one record, that this action is really asked for. What the record says is the connection's word.

use bytes::Bytes;
use certs::jwt::KeySet;

/// How one partner's triggers are proven.
#[derive(Debug)]
pub struct TriggerTerms {
    /// The pinned keys of its tokens.
    pub keys: KeySet,
    /// Who gives them, as it says itself.
    pub issuer: String,
    /// Our name for it, one of each token's audiences.
    pub audience: String,
}

/// What a trigger shows in the place of a signature. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordToken {
    /// The token itself; none of a message that is taken up again from the journal, where no credentials are.
    pub shown: Option<String>,
    /// What it claims, as it is kept.
    pub kept: String,
    /// The body as it is kept, where it is not kept as it came.
    pub body: Option<Bytes>,
}

impl std::fmt::Debug for RecordToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordToken({})", self.kept)
    }
}
