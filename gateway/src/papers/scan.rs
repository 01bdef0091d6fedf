//! clamd, asked by `INSTREAM` (clamd(8)): the bytes go to it in pieces, each behind its length in four bytes, a length of
//! zero ends them, and one line is its verdict. Whatever else happens is no verdict.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

use toml::de::DeValue;

use crate::config::read::{At, Reader, Value};
use crate::config::value::parsed;

/// Where clamd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scanner {
    /// At a socket of this machine.
    Unix(PathBuf),
    /// At an address, in a network that nobody else reads: clamd knows no TLS.
    Tcp(SocketAddr),
}

impl Scanner {
    /// Reads `unix:/path` or `tcp:address:port`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("unix", path) if path.starts_with('/') => Some(Self::Unix(path.into())),
            ("tcp", address) => address.parse().ok().map(Self::Tcp),
            _ => None,
        }
    }
}

impl Value for Scanner {
    fn read(reader: &mut Reader<'_>, at: &At, value: &DeValue<'_>) -> Option<Self> {
        let wanted =
            "where clamd listens, such as \"unix:/run/clamav/clamd.ctl\" or \"tcp:127.0.0.1:3310\"";
        parsed(reader, at, value, wanted, Self::parse)
    }
}

/// What the scanner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing was found.
    Clean,
    /// Malware of this name.
    Found(String),
}

impl Scanner {
    /// Has a file searched. Every error means that there is no verdict.
    pub(super) fn scan(
        &self,
        blocks: impl Iterator<Item = io::Result<Vec<u8>>>,
        within: Duration,
    ) -> io::Result<Verdict> {
        match self {
            Self::Unix(path) => {
                let line = UnixStream::connect(path)?;
                line.set_read_timeout(Some(within))?;
                line.set_write_timeout(Some(within))?;
                ask(line, blocks)
            }
            Self::Tcp(address) => {
                let line = TcpStream::connect_timeout(address, within)?;
                line.set_read_timeout(Some(within))?;
                line.set_write_timeout(Some(within))?;
                ask(line, blocks)
            }
        }
    }
}

fn ask(
    mut line: impl Read + Write,
    blocks: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<Verdict> {
    line.write_all(b"zINSTREAM\0")?;
    for block in blocks {
        let block = block?;
        let length = u32::try_from(block.len()).map_err(io::Error::other)?;
        let sent = line
            .write_all(&length.to_be_bytes())
            .and_then(|()| line.write_all(&block));
        // it may have said why before it closed
        if sent.is_err() {
            return verdict(line);
        }
    }
    line.write_all(&0_u32.to_be_bytes())?;
    verdict(line)
}

fn verdict(line: impl Read) -> io::Result<Verdict> {
    let mut said = Vec::new();
    line.take(ANSWER_BYTES_MAX).read_to_end(&mut said)?;
    let said = String::from_utf8_lossy(&said);
    // a verdict that was cut off is none: a name of malware may begin with OK
    let whole = said.strip_suffix('\0');
    match whole.and_then(|said| said.strip_prefix("stream: ")) {
        Some("OK") => Ok(Verdict::Clean),
        Some(rest) if rest.ends_with(" FOUND") => {
            Ok(Verdict::Found(rest.trim_end_matches(" FOUND").to_owned()))
        }
        _ => Err(io::Error::other(format!("clamd says {said:?}"))),
    }
}

const ANSWER_BYTES_MAX: u64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with an answer prepared, which takes so many bytes at most.
    struct Line {
        answer: io::Cursor<Vec<u8>>,
        heard: Vec<u8>,
        takes: usize,
    }

    impl Read for Line {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.answer.read(buffer)
        }
    }

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.heard.len() + bytes.len() > self.takes {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.heard.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn line(answer: &str, takes: usize) -> Line {
        Line {
            answer: io::Cursor::new(answer.as_bytes().to_vec()),
            heard: Vec::new(),
            takes,
        }
    }

    fn asked(answer: &str) -> Option<Verdict> {
        let blocks = [Ok(b"ab".to_vec()), Ok(b"c".to_vec())];
        ask(line(answer, 1_000), blocks.into_iter()).ok()
    }

    #[test]
    fn only_the_two_verdicts_are_verdicts() {
        assert_eq!(asked("stream: OK\0"), Some(Verdict::Clean));
        let found = Verdict::Found("Eicar-Test".to_owned());
        assert_eq!(asked("stream: Eicar-Test FOUND\0"), Some(found));
        for other in [
            "",
            "OK\0",
            "stream: OK",
            "stream: OK\n",
            "stream: OK FOUN\0",
            "stream: x OK\0",
            "UNKNOWN COMMAND\0",
            "INSTREAM size limit exceeded. ERROR\0",
        ] {
            assert_eq!(asked(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_scanner_that_closes_early_is_heard_and_gives_no_verdict() {
        let blocks = (0..100).map(|_| Ok(vec![0; 100]));
        let answer = line("INSTREAM size limit exceeded. ERROR\0", 500);
        let error = ask(answer, blocks).unwrap_err();
        assert!(error.to_string().contains("size limit"), "{error}");
    }

    #[test]
    fn the_bytes_go_in_pieces_behind_their_lengths() {
        let mut heard = line("stream: OK\0", 1_000);
        let blocks = [Ok(b"ab".to_vec()), Ok(b"c".to_vec())];
        ask(&mut heard, blocks.into_iter()).unwrap();
        assert_eq!(heard.heard, b"zINSTREAM\0\0\0\0\x02ab\0\0\0\x01c\0\0\0\0");
    }

    #[test]
    fn a_scanner_is_a_socket_or_an_address_and_nothing_else() {
        let unix = Scanner::parse("unix:/run/clamd.ctl");
        assert_eq!(unix, Some(Scanner::Unix("/run/clamd.ctl".into())));
        assert!(Scanner::parse("tcp:127.0.0.1:3310").is_some());
        for other in [
            "",
            "unix:",
            "unix:clamd",
            "tcp:clamd:3310",
            "127.0.0.1:3310",
            "tcp:",
        ] {
            assert_eq!(Scanner::parse(other), None, "{other}");
        }
    }
}
