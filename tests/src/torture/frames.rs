//! HTTP/2 frames by hand (RFC 9113), so that everything can be said that a good client never says.

use std::time::{Duration, Instant};

use certs::tls::ClientStream;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One frame.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its type (RFC 9113, 6).
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What is in it.
    pub payload: &'a [u8],
}

/// Frame types.
pub mod kind {
    /// DATA.
    pub const DATA: u8 = 0;
    /// HEADERS.
    pub const HEADERS: u8 = 1;
    /// RST_STREAM.
    pub const RST_STREAM: u8 = 3;
    /// SETTINGS.
    pub const SETTINGS: u8 = 4;
    /// PING.
    pub const PING: u8 = 6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 7;
    /// WINDOW_UPDATE.
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 9;
}

/// END_STREAM, or ACK.
pub const END_STREAM: u8 = 1;
/// END_HEADERS.
pub const END_HEADERS: u8 = 4;

impl Frame<'_> {
    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(self.payload);
        bytes
    }
}

/// Bytes of one frame.
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    Frame {
        kind,
        flags,
        stream,
        payload,
    }
    .bytes()
}

/// A head as HPACK literals without indexing and without Huffman (RFC 7541, 6.2.2).
#[must_use]
pub fn literals(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// A length with a prefix of seven bits (RFC 7541, 5.1).
fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        block.push(u8::try_from(length).unwrap_or(0));
        return;
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128).unwrap_or(0) | 128);
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap_or(0));
}

/// The head of a POST to this path.
#[must_use]
pub fn post(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", path),
        ("content-type", "application/xml; charset=utf-8"),
    ];
    fields.extend(more);
    literals(&fields)
}

/// How a flood ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flooded {
    /// How many rounds could be said before the end.
    pub rounds: u64,
    /// GOAWAY's error code, where one came.
    pub goaway: Option<u32>,
    /// How long until the end; nothing where the other end has not ended it in time.
    pub ended: Option<Duration>,
}

/// Says the same again and again until the other end has had enough (GOAWAY, or the end of the
/// connection), listening all the while.
pub async fn flood(
    stream: ClientStream<TcpStream>,
    opening: Vec<u8>,
    mut round: impl FnMut(u64) -> Option<Vec<u8>> + Send,
    within: Duration,
) -> Flooded {
    let (mut from, mut to) = tokio::io::split(stream);
    let begun = Instant::now();
    let mut rounds = 0;
    let say = async {
        let mut open = to.write_all(&[PREFACE, &opening].concat()).await.is_ok();
        while open {
            let Some(bytes) = round(rounds) else { break };
            open = to.write_all(&bytes).await.is_ok() && to.flush().await.is_ok();
            rounds += 1;
        }
        std::future::pending::<()>().await
    };
    let listen = async {
        let mut heard = Heard::default();
        let mut piece = vec![0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut piece).await {
            heard.take(&piece[..count]);
            if heard.goaway.is_some() {
                break;
            }
        }
        heard.goaway
    };
    tokio::pin!(listen);
    let goaway = tokio::select! {
        goaway = &mut listen => Some(goaway),
        () = say => None,
        () = tokio::time::sleep(within) => None,
    };
    Flooded {
        rounds,
        goaway: goaway.flatten(),
        ended: goaway.map(|_| begun.elapsed()),
    }
}

/// Finds a GOAWAY in what is heard.
#[derive(Default)]
struct Heard {
    seen: Vec<u8>,
    goaway: Option<u32>,
}

impl Heard {
    fn take(&mut self, bytes: &[u8]) {
        self.seen.extend(bytes);
        while let Some((kind, payload, length)) = first(&self.seen) {
            if kind == kind::GOAWAY
                && let Some(code) = payload.get(4..8).and_then(|code| code.try_into().ok())
            {
                self.goaway = Some(u32::from_be_bytes(code));
            }
            self.seen.drain(..length);
        }
    }
}

/// The first whole frame: its type, its payload, its length on the wire.
fn first(seen: &[u8]) -> Option<(u8, &[u8], usize)> {
    let head = seen.get(..9)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let whole = 9 + usize::try_from(length).ok()?;
    Some((head[3], seen.get(9..whole)?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_length_type_flags_stream_and_payload() {
        let bytes = frame(kind::PING, END_STREAM, 0x0102_0304, b"12345678");
        assert_eq!(bytes[..9], [0, 0, 8, 6, 1, 1, 2, 3, 4]);
        assert_eq!(&bytes[9..], b"12345678");
        let seen = [bytes.as_slice(), &[0, 0, 1]].concat();
        let (kind, payload, length) = first(&seen).unwrap();
        assert_eq!((kind, payload, length), (6, &b"12345678"[..], 17));
    }

    #[test]
    fn a_literal_has_its_length_in_seven_bits_or_more() {
        assert_eq!(literals(&[("a", "bc")]), [0, 1, b'a', 2, b'b', b'c']);
        let long = "x".repeat(127 + 300);
        let block = literals(&[("a", &long)]);
        assert_eq!(block[3..6], [127, (300 % 128) as u8 | 128, 2]);
        assert_eq!(block.len(), 6 + long.len());
    }

    #[test]
    fn a_goaway_is_heard_in_pieces() {
        let mut heard = Heard::default();
        let goaway = frame(kind::GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 11]);
        heard.take(&frame(kind::SETTINGS, 0, 0, &[]));
        for byte in goaway {
            heard.take(&[byte]);
        }
        assert_eq!(heard.goaway, Some(11));
    }
}
