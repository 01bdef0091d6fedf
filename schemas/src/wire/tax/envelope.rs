//! What messages of both directions have around their one body element: a root with its id, and the signed header.

use std::ops::Range;

use super::{FaultBody, Header, WireError, root_id, wrong};
use crate::xml::{Limits, Reader};

/// A profile: its namespace, and the name of its root.
pub(super) struct Profile {
    pub(super) namespace: &'static str,
    pub(super) root: &'static str,
    pub(super) limits: fn() -> Limits,
}

/// Header and body of a message, and where the body's bytes lie.
type Parts<B> = (Header, B, Range<usize>);

/// Reads the body that a header announces.
type ReadBody<B> = fn(&mut Reader<'_>, &Header) -> Result<B, WireError>;

impl Profile {
    pub(super) fn open<'a>(
        &self,
        bytes: &'a [u8],
        root: &'static str,
    ) -> Result<Reader<'a>, WireError> {
        Reader::open(bytes, self.namespace, &(self.limits)())
            .or_else(|error| wrong(root, error.code()))
    }

    /// Reads a canonical root without its signature, whole.
    pub(super) fn read<B>(
        &self,
        canonical: &[u8],
        body: ReadBody<B>,
    ) -> Result<Parts<B>, WireError> {
        let mut reader = self.open(canonical, self.root)?;
        let id = reader.enter_with(self.root, "Id")?.into_owned();
        let header = Header::read(&mut reader)?;
        if id != root_id(&header.message_id) {
            return wrong(self.root, "id-not-message-id");
        }
        let from = reader.offset_of_next("body")?;
        let body = body(&mut reader, &header)?;
        let range = from..reader.offset();
        reader.leave(self.root)?;
        reader.finish(self.root)?;
        Ok((header, body, range))
    }

    /// Reads header and body of a signed document, and not what signs them.
    pub(super) fn peek<B>(
        &self,
        document: &[u8],
        body: ReadBody<B>,
    ) -> Result<Parts<B>, WireError> {
        let mut reader = self.open(document, self.root)?;
        reader.enter_with(self.root, "Id")?;
        let header = Header::read(&mut reader)?;
        let from = reader.offset_of_next("body")?;
        let body = body(&mut reader, &header)?;
        let range = from..reader.offset();
        reader
            .drain()
            .or_else(|error| wrong(self.root, error.code()))?;
        Ok((header, body, range))
    }

    /// Reads a lone, unsigned fault.
    pub(super) fn fault(&self, bytes: &[u8]) -> Result<FaultBody, WireError> {
        let mut reader = self.open(bytes, "Fault")?;
        let fault = FaultBody::read(&mut reader)?;
        reader.finish("Fault")?;
        Ok(fault)
    }
}

/// A body is of the operation that its header names; a fault, which has none, is of any.
pub(super) fn of_operation<B>(
    header: &Header,
    operation: Option<&str>,
    body: B,
) -> Result<B, WireError> {
    match operation.is_none_or(|one| one == header.operation) {
        true => Ok(body),
        false => wrong("Operation", "operation-unlike-body"),
    }
}
