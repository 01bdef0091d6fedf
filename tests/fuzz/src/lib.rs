//! What the targets share: a good original made anew at every start, and edits of it.
//!
//! A fuzzer that has to guess a signature or a DER length never gets past the first check. So where a check
//! stands behind others, its target starts from something good, and the fuzzer's bytes are edits of it: what is
//! accepted afterwards must say what the original said.

mod door;

pub use door::Door;

/// The original with edits: each takes five bytes of `edits` (where, two bytes; what to do; two bytes more).
#[must_use]
pub fn edited(original: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for edit in edits.chunks_exact(5).take(16) {
        if bytes.is_empty() {
            break;
        }
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        let (with, more) = (edit[3], usize::from(edit[4]));
        let end = (at + more + 1).min(bytes.len());
        match edit[2] % 6 {
            0 => bytes[at] = with,
            1 => bytes[at] ^= 1 << (with % 8),
            2 => bytes.insert(at, with),
            3 => drop(bytes.drain(at..end)),
            4 => {
                // A piece of it once more, somewhere else.
                let piece = bytes[at..end].to_vec();
                let to = usize::from(with) * bytes.len() / 256;
                bytes.splice(to..to, piece);
            }
            _ => {
                let word = WORDS[usize::from(with) % WORDS.len()];
                bytes.splice(at..at, word.iter().copied());
            }
        }
    }
    bytes
}

/// What breaks readers: markup, namespaces, references, algorithms, JSON and DER beginnings.
const WORDS: [&[u8]; 24] = [
    b"<!--x-->",
    b"<?x?>",
    b"<![CDATA[x]]>",
    b"<!DOCTYPE a>",
    b"&#x0;",
    b"&amp;",
    b"&#13;",
    b" xmlns=\"\"",
    b" xmlns:ds=\"x\"",
    b" Id=\"m\"",
    b" xml:id=\"m\"",
    b" URI=\"\"",
    b"<ds:Object></ds:Object>",
    b"<ds:Manifest/>",
    b"</ds:Signature>",
    b"http://www.w3.org/TR/1999/REC-xslt-19991116",
    b"http://www.w3.org/2000/09/xmldsig#sha1",
    b"\"alg\":\"none\",",
    b"\"crit\":[\"b64\"],\"b64\":false,",
    b"{\"\\u0000\":1}",
    b"\xef\xbb\xbf",
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x00\x00",
];

/// The instant of a generated authority; nothing depends on the day.
#[must_use]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
