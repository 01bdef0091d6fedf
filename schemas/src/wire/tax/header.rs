//! The header of a signed XML message: everything that is signed beside the content.

use jiff::Timestamp;

use super::words::{Direction, Environment};
use super::{NAMESPACE, WireError, wrong};
use crate::id::{MessageId, PartnerId};
use crate::xml::{Name, Reader, Writer};

/// Who says what to whom, when, under which id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The sender's id of the message.
    pub message_id: MessageId,
    /// When it was sent, whole seconds.
    pub sent_at: Timestamp,
    /// Where it is meant to count.
    pub environment: Environment,
    /// Whether it asks or answers.
    pub direction: Direction,
    /// Who says it.
    pub sender: PartnerId,
    /// To whom.
    pub receiver: PartnerId,
    /// What it asks for, or answers; `[a-z0-9.-]{1,64}`.
    pub operation: String,
    /// Answers only, and there always: what is answered.
    pub reply: Option<Reply>,
}

/// What an answer is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The request's message id.
    pub to: MessageId,
    /// The request's content digest, 32 bytes.
    pub digest: [u8; 32],
}

impl Header {
    /// Reads the `Header` element, which must come next in `reader`.
    ///
    /// # Errors
    /// The first element of it that is not as it must be.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Header")?;
        let message_id = message_id(reader, "MessageId")?;
        let sent_at = instant("SentAt", &reader.text("SentAt")?)?;
        let environment = word(reader, "Environment", Environment::parse)?;
        let direction = word(reader, "Direction", Direction::parse)?;
        let header = Self {
            message_id,
            sent_at,
            environment,
            direction,
            sender: partner(reader, "Sender")?,
            receiver: partner(reader, "Receiver")?,
            operation: operation(reader)?,
            reply: reply(reader, direction)?,
        };
        reader.leave("Header")?;
        Ok(header)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        self.write_in(writer, NAMESPACE);
    }

    /// The same header in a profile of its own namespace.
    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("Header"), &[]);
        writer.leaf(name("MessageId"), self.message_id.as_str());
        writer.leaf(name("SentAt"), &written(self.sent_at));
        writer.leaf(name("Environment"), self.environment.as_str());
        writer.leaf(name("Direction"), self.direction.as_str());
        writer.leaf(name("Sender"), self.sender.as_str());
        writer.leaf(name("Receiver"), self.receiver.as_str());
        writer.leaf(name("Operation"), &self.operation);
        if let Some(reply) = &self.reply {
            writer.leaf(name("InReplyTo"), reply.to.as_str());
            writer.leaf(name("RequestDigest"), &hex::encode(reply.digest));
        }
        writer.close();
    }
}

/// Reads the text of `field` as one of a closed list of words.
pub(super) fn word<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<T, WireError> {
    let text = reader.text(field)?;
    parse(&text).map_or_else(|| wrong(field, "unknown-word"), Ok)
}

pub(super) fn message_id(
    reader: &mut Reader<'_>,
    field: &'static str,
) -> Result<MessageId, WireError> {
    let text = reader.text(field)?;
    MessageId::parse(&text).or_else(|_| wrong(field, "message-id"))
}

fn partner(reader: &mut Reader<'_>, field: &'static str) -> Result<PartnerId, WireError> {
    let text = reader.text(field)?;
    PartnerId::parse(&text).or_else(|_| wrong(field, "partner-id"))
}

fn operation(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let text = reader.text("Operation")?;
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    match (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        true => Ok(text.into_owned()),
        false => wrong("Operation", "operation-name"),
    }
}

/// `InReplyTo` and `RequestDigest`: an answer has both, a request neither.
fn reply(reader: &mut Reader<'_>, direction: Direction) -> Result<Option<Reply>, WireError> {
    if direction == Direction::Request {
        return match reader.comes("InReplyTo")? {
            true => wrong("InReplyTo", "request-in-reply"),
            false => Ok(None),
        };
    }
    let to = message_id(reader, "InReplyTo")?;
    let mut digest = [0; 32];
    let text = reader.text("RequestDigest")?;
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    match hex::decode_to_slice(text.as_bytes(), &mut digest) {
        Ok(()) if lower => Ok(Some(Reply { to, digest })),
        _ => wrong("RequestDigest", "digest"),
    }
}

/// Exactly `yyyy-MM-ddTHH:mm:ssZ`, and a moment that exists.
pub(super) fn instant(field: &'static str, text: &str) -> Result<Timestamp, WireError> {
    let parsed = (text.len() == 20)
        .then(|| text.parse::<Timestamp>().ok())
        .flatten()
        .filter(|instant| written(*instant) == text);
    parsed.map_or_else(|| wrong(field, "instant"), Ok)
}

pub(super) fn written(instant: Timestamp) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
