//! That something is kept: the one receipt of both profiles, under the element of what it receipts.

use jiff::Timestamp;

use super::WireError;
use super::header::{instant, written};
use crate::xml::{Name, Reader, Writer};

/// That a message is kept, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Since when, whole seconds.
    pub received_at: Timestamp,
}

impl Received {
    /// Reads it as this element.
    pub(super) fn read(reader: &mut Reader<'_>, element: &'static str) -> Result<Self, WireError> {
        reader.enter(element)?;
        let text = reader.text("ReceivedAt")?;
        let received_at = instant("ReceivedAt", &text)?;
        reader.leave(element)?;
        Ok(Self { received_at })
    }

    /// Writes it as this element of this profile.
    pub(super) fn write(
        &self,
        writer: &mut Writer,
        namespace: &'static str,
        element: &'static str,
    ) {
        writer.open(Name::plain(namespace, element), &[]);
        let at = written(self.received_at);
        writer.leaf(Name::plain(namespace, "ReceivedAt"), &at);
        writer.close();
    }
}
