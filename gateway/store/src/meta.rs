//! The metadata of a journal record: tagged fields in one canonical encoding.
//!
//! Each field is its tag (one byte), its length (u32, big-endian) and its bytes; tags ascend strictly, so
//! that one set of fields has exactly one encoding. It is part of the chain, and never personal data.

use gateway_core::ports::StoreError;
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

/// What a field says. The numbers are written to disk: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Tag {
    Sender = 1,
    MessageId = 2,
    Operation = 3,
    ContentDigest = 4,
    ReceivedAt = 5,
    SentAt = 6,
    Peer = 7,
    PeerCertificate = 8,
    Road = 9,
    Path = 10,
    Proof = 11,
    Rule = 12,
    Purpose = 13,
    FieldNames = 14,
    ContentType = 15,
    Signature = 16,
    Status = 17,
    Fault = 18,
    Partner = 19,
    Parcels = 20,
    Room = 21,
    Reason = 22,
    Deed = 23,
    Target = 24,
    Who = 25,
    Why = 26,
    Law = 27,
    Records = 28,
    Attested = 29,
    Terms = 40,
    Shown = 41,
    Members = 42,
}

/// Writes fields, in the order of their tags.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    bytes: Vec<u8>,
    last: u8,
}

impl Fields {
    pub(crate) fn new() -> Self {
        Self {
            bytes: Vec::with_capacity(512),
            last: 0,
        }
    }

    /// Adds one field; its tag must be greater than the one before.
    #[must_use]
    pub(crate) fn put(mut self, tag: Tag, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        debug_assert!(
            tag as u8 > self.last,
            "fields are written in the order of their tags"
        );
        self.last = tag as u8;
        self.bytes.push(tag as u8);
        extend(&mut self.bytes, value);
        self
    }

    #[must_use]
    pub(crate) fn put_some(self, tag: Tag, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.put(tag, value),
            None => self,
        }
    }

    #[must_use]
    pub(crate) fn put_time(self, tag: Tag, at: Timestamp) -> Self {
        self.put(tag, at.as_microsecond().to_be_bytes())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Several texts as one value.
pub(crate) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        extend(&mut bytes, text.as_bytes());
    }
    bytes
}

fn extend(bytes: &mut Vec<u8>, value: &[u8]) {
    let length = u32::try_from(value.len()).expect("a field is bounded far below 4 GiB");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
}

/// Fields read back.
#[derive(Debug)]
pub(crate) struct Meta<'a>(Vec<(u8, &'a [u8])>);

impl<'a> Meta<'a> {
    /// Reads the canonical encoding; anything else is nothing.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields: Vec<(u8, &[u8])> = Vec::with_capacity(16);
        while let Some((&tag, rest)) = bytes.split_first() {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            let (value, rest) = rest.split_at_checked(length)?;
            if fields.last().is_some_and(|(last, _)| *last >= tag) {
                return None;
            }
            fields.push((tag, value));
            bytes = rest;
        }
        Some(Self(fields))
    }

    pub(crate) fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        self.0
            .iter()
            .find(|(found, _)| *found == tag as u8)
            .map(|(_, value)| *value)
    }

    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        self.bytes(tag)
            .and_then(|value| String::from_utf8(value.to_vec()).ok())
    }

    pub(crate) fn array<const N: usize>(&self, tag: Tag) -> Option<[u8; N]> {
        self.bytes(tag).and_then(|value| value.try_into().ok())
    }

    pub(crate) fn time(&self, tag: Tag) -> Option<Timestamp> {
        self.array(tag).map(i64::from_be_bytes).and_then(time)
    }

    pub(crate) fn partner(&self, tag: Tag) -> Option<PartnerId> {
        self.text(tag).and_then(|text| PartnerId::parse(&text).ok())
    }

    pub(crate) fn message_id(&self) -> Option<MessageId> {
        self.text(Tag::MessageId)
            .and_then(|text| MessageId::parse(&text).ok())
    }
}

/// Microseconds since 1970, as they are stored.
pub(crate) fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}

/// The error for a field that must be there.
pub(crate) fn missing(seq: i64) -> StoreError {
    StoreError::Corrupt(format!(
        "the metadata of journal record {seq} cannot be read"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let at = Timestamp::from_microsecond(1_700_000_000_123_456).unwrap();
        Fields::new()
            .put(Tag::Sender, "tax")
            .put_time(Tag::ReceivedAt, at)
            .put_some(Tag::Signature, None::<&str>)
            .put_some(Tag::Fault, Some("STALE"))
            .finish()
    }

    #[test]
    fn fields_are_read_back_as_they_were_written() {
        let bytes = sample();
        let meta = Meta::parse(&bytes).unwrap();
        assert_eq!(meta.partner(Tag::Sender).unwrap().as_str(), "tax");
        let at = meta.time(Tag::ReceivedAt).unwrap();
        assert_eq!(at.as_microsecond(), 1_700_000_000_123_456);
        assert_eq!(meta.text(Tag::Signature), None);
        assert_eq!(meta.text(Tag::Fault).as_deref(), Some("STALE"));
    }

    #[test]
    fn every_shortened_encoding_but_the_one_at_a_field_boundary_is_refused() {
        let bytes = sample();
        let boundaries = [0, 8, 21, bytes.len()];
        for length in 0..=bytes.len() {
            let whole = Meta::parse(&bytes[..length]).is_some();
            assert_eq!(whole, boundaries.contains(&length), "{length}");
        }
    }

    #[test]
    fn fields_out_of_order_or_twice_are_refused() {
        let sender = Fields::new().put(Tag::Sender, "tax").finish();
        let fault = Fields::new().put(Tag::Fault, "X").finish();
        assert!(Meta::parse(&[sender.clone(), fault.clone()].concat()).is_some());
        assert!(Meta::parse(&[fault, sender.clone()].concat()).is_none());
        assert!(Meta::parse(&[sender.clone(), sender].concat()).is_none());
    }
}
