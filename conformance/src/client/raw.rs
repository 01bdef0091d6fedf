//! Exact bytes out, and a reader of HTTP/1.1 replies that forgives nothing.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Error, REPLY_BYTES_MAX, Reply};

/// Why bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// The status line is not `HTTP/1.1 NNN …`.
    #[error("bad status line")]
    StatusLine,
    /// A header line is malformed.
    #[error("bad header line")]
    Header,
    /// The length of the body is missing, doubled or no number.
    #[error("bad body length")]
    Length,
    /// A chunk is malformed.
    #[error("bad chunk")]
    Chunk,
    /// The head or body is over the limit.
    #[error("too large")]
    TooLarge,
    /// The connection ended inside the reply.
    #[error("cut short")]
    CutShort,
}

/// What came back for exact bytes.
#[derive(Debug, Clone)]
pub struct RawReply {
    /// The first reply, where there is one.
    pub reply: Option<Reply>,
    /// Whether the far end closed the connection within a second after it.
    pub closed: bool,
    /// How the connection ended, where it ended with an error.
    pub end: Option<String>,
}

pub(super) async fn exchange<S>(mut stream: S, bytes: &[u8]) -> Result<RawReply, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // a far end that refuses the head may close before it has read the rest
    let mut end = write(&mut stream, bytes).await.err();
    let mut seen = Vec::new();
    loop {
        if let Some((reply, _)) = parse(&seen)? {
            let (closed, later) = closes(&mut stream).await;
            return Ok(RawReply {
                reply: Some(reply),
                closed,
                end: end.or(later),
            });
        }
        match read(&mut stream, &mut seen).await {
            Ok(0) if seen.is_empty() => {
                return Ok(RawReply {
                    reply: None,
                    closed: true,
                    end,
                });
            }
            Ok(0) => return Err(ReplyError::CutShort.into()),
            Ok(_) => {}
            Err(error) if seen.is_empty() => {
                end = Some(error);
                return Ok(RawReply {
                    reply: None,
                    closed: true,
                    end,
                });
            }
            Err(error) => return Err(Error::Broken(error)),
        }
    }
}

pub(super) async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &[u8],
) -> Result<(), String> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    written.await.map_err(|error| error.to_string())
}

/// Reads until the far end closes, at most 4 KiB and three seconds.
pub(super) async fn drain<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut seen = Vec::new();
    let reading = async {
        let mut limited = stream.take(4 << 10);
        let _ = limited.read_to_end(&mut seen).await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(3), reading).await;
    seen
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, seen: &mut Vec<u8>) -> Result<usize, String> {
    let mut piece = [0; 16 << 10];
    let count = stream
        .read(&mut piece)
        .await
        .map_err(|error| error.to_string())?;
    seen.extend_from_slice(&piece[..count]);
    Ok(count)
}

async fn closes<S: AsyncRead + Unpin>(stream: &mut S) -> (bool, Option<String>) {
    let mut seen = Vec::new();
    match tokio::time::timeout(Duration::from_secs(1), read(stream, &mut seen)).await {
        Ok(Ok(0)) => (true, None),
        Ok(Err(error)) => (true, Some(error)),
        Ok(Ok(_)) | Err(_) => (false, None),
    }
}

/// The reply at the start of `seen` and its length in bytes; `None` while it is not whole.
fn parse(seen: &[u8]) -> Result<Option<(Reply, usize)>, ReplyError> {
    if seen.len() > REPLY_BYTES_MAX + HEAD_BYTES_MAX {
        return Err(ReplyError::TooLarge);
    }
    let Some(end) = find(seen, b"\r\n\r\n") else {
        return if seen.len() > HEAD_BYTES_MAX {
            Err(ReplyError::TooLarge)
        } else {
            Ok(None)
        };
    };
    let head = std::str::from_utf8(&seen[..end]).map_err(|_| ReplyError::Header)?;
    let (status_line, header_lines) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = status(status_line)?;
    let headers = headers(header_lines)?;
    let Some((body, length)) = body(&headers, &seen[end + 4..])? else {
        return Ok(None);
    };
    Ok(Some((
        Reply {
            status,
            headers,
            body: body.into(),
        },
        end + 4 + length,
    )))
}

fn status(line: &str) -> Result<u16, ReplyError> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .ok_or(ReplyError::StatusLine)?;
    let digits = rest.get(..3).ok_or(ReplyError::StatusLine)?;
    let status: u16 = digits.parse().map_err(|_| ReplyError::StatusLine)?;
    let separated = rest.len() == 3 || rest.as_bytes().get(3) == Some(&b' ');
    if separated && (100..600).contains(&status) {
        Ok(status)
    } else {
        Err(ReplyError::StatusLine)
    }
}

fn headers(lines: &str) -> Result<HeaderMap, ReplyError> {
    let mut headers = HeaderMap::new();
    for line in lines.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(ReplyError::Header)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| ReplyError::Header)?;
        let value = value.trim_matches([' ', '\t']);
        let value = HeaderValue::from_str(value).map_err(|_| ReplyError::Header)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The body and how many bytes of the connection it took; `None` while it is not whole.
fn body(headers: &HeaderMap, rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ReplyError> {
    let mut lengths = headers.get_all(http::header::CONTENT_LENGTH).iter();
    match (
        lengths.next(),
        lengths.next(),
        headers.get(http::header::TRANSFER_ENCODING),
    ) {
        (Some(length), None, None) => {
            let length = length.to_str().map_err(|_| ReplyError::Length)?;
            let length: usize = length.parse().map_err(|_| ReplyError::Length)?;
            match length > REPLY_BYTES_MAX {
                true => Err(ReplyError::TooLarge),
                false => Ok(rest.get(..length).map(|body| (body.to_vec(), length))),
            }
        }
        (None, None, Some(coding)) if coding == "chunked" => chunked(rest),
        _ => Err(ReplyError::Length),
    }
}

fn chunked(rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, ReplyError> {
    let (mut body, mut at) = (Vec::new(), 0);
    while let Some(line) = find(&rest[at..], b"\r\n") {
        let size = std::str::from_utf8(&rest[at..at + line]).map_err(|_| ReplyError::Chunk)?;
        let size = usize::from_str_radix(size, 16).map_err(|_| ReplyError::Chunk)?;
        if size > REPLY_BYTES_MAX {
            return Err(ReplyError::TooLarge);
        }
        let start = at + line + 2;
        let Some(chunk) = rest.get(start..start + size + 2) else {
            return Ok(None);
        };
        let Some(data) = chunk.strip_suffix(b"\r\n") else {
            return Err(ReplyError::Chunk);
        };
        body.extend_from_slice(data);
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
    Ok(None)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

const HEAD_BYTES_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nLienthong-Fault: FRAMING\r\ncontent-length: 3\r\n\r\nabcHTTP";

    #[test]
    fn a_reply_ends_where_its_length_says() {
        let (reply, length) = parse(WHOLE).unwrap().unwrap();
        assert_eq!((reply.status, &reply.body[..]), (400, &b"abc"[..]));
        assert_eq!(reply.header("lienthong-fault"), Some("FRAMING"));
        assert_eq!(length, WHOLE.len() - 4);
    }

    #[test]
    fn every_shorter_piece_of_a_reply_is_not_whole_yet() {
        for end in 0..WHOLE.len() - 4 {
            assert!(parse(&WHOLE[..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn chunks_are_put_together() {
        let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(&parse(text).unwrap().unwrap().0.body[..], b"abcde");
        assert!(parse(&text[..text.len() - 1]).unwrap().is_none());
    }

    #[test]
    fn ambiguous_replies_are_refused() {
        for (text, why) in [
            (
                "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
                ReplyError::StatusLine,
            ),
            (
                "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
                ReplyError::StatusLine,
            ),
            ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", ReplyError::Header),
            ("HTTP/1.1 200 OK\r\n\r\n", ReplyError::Length),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
                ReplyError::Length,
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
                ReplyError::TooLarge,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
                ReplyError::Chunk,
            ),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), why, "{text:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_without_a_byte_is_no_reply_but_closed() {
        let (near, far) = tokio::io::duplex(64);
        drop(far);
        let seen = exchange(near, b"").await.unwrap();
        assert!(seen.reply.is_none() && seen.closed);
    }
}
