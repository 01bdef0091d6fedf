//! Files that messages bring: found or kept in one room, and held for whatever names them.
//!
//! It refuses to know where that room is. What a file is, is read from its first bytes ([`Kind`]) and never believed of its name.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use schemas::{
    fault::{Fault, FaultCode},
    file_kind::Kind,
};

use crate::adapter::Context;

/// The content of a file that a message names or brings; `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// What the file's name says it is.
    pub kind: Kind,
    /// SHA-256 of its bytes, as the message names it; may be absent where the bytes are there.
    pub sha256: Option<[u8; 32]>,
    /// The bytes, where the message holds them.
    pub bytes: Option<Bytes>,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content")
            .field("kind", &self.kind)
            .field("bytes", &self.bytes.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// A file that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many there are.
    pub bytes: u64,
    /// What they are.
    pub kind: Kind,
}

/// Where files are kept: by their digest, encrypted, searched for malware where a scanner is configured, bounded.
pub trait Files: Send + Sync + 'static {
    /// Finds or keeps each content, and holds it for the message of this context's key. The same again changes nothing.
    fn hold(
        &self,
        context: &Context,
        contents: Vec<Content>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, Fault>>;

    /// Says what became of the message: the name of what it made, or that it was refused for good.
    fn settle(
        &self,
        context: &Context,
        held: Vec<Kept>,
        made: Option<String>,
    ) -> BoxFuture<'_, Result<(), Fault>>;
}

/// No place at all: every file is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

/// The refusal of every file where there is no place for any.
///
/// # Errors
/// `FORBIDDEN`, always.
pub fn nowhere<T: Send + 'static>() -> BoxFuture<'static, Result<T, Fault>> {
    let fault = Fault::new(FaultCode::Forbidden, "no-papers-here");
    Box::pin(std::future::ready(Err(fault)))
}

impl Files for NoFiles {
    fn hold(
        &self,
        _context: &Context,
        _contents: Vec<Content>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, Fault>> {
        nowhere()
    }

    fn settle(
        &self,
        _context: &Context,
        _held: Vec<Kept>,
        _made: Option<String>,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        nowhere()
    }
}

/// Holds the files of a message, asks, and says what became of it. Where nobody knows what became of it the files stay held, and
/// the same message asks again.
///
/// # Errors
/// A file that is refused, or whatever `ask` is refused with.
pub async fn with_files<T>(
    files: &dyn Files,
    context: &Context,
    contents: Vec<Content>,
    ask: impl AsyncFnOnce(Vec<Kept>) -> Result<T, Fault>,
    made: impl FnOnce(&T) -> String,
) -> Result<T, Fault> {
    if contents.is_empty() {
        return ask(Vec::new()).await;
    }
    let held = files.hold(context, contents).await?;
    let outcome = ask(held.clone()).await;
    let name = match &outcome {
        Ok(outcome) => Some(made(outcome)),
        Err(fault) if fault.is_final() => None,
        Err(_) => return outcome,
    };
    files.settle(context, held, name).await?;
    outcome
}
