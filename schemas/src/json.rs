//! The one strict JSON reader: what RFC 8259 leaves open is refused here.
//!
//! UTF-8 without a byte-order mark, bounded depth and sizes, no key twice in one object (however it is
//! escaped), no NUL, no half of a surrogate pair, no number beyond `f64`, no whole number beyond `i64` (a reader
//! that turns it into a float would change it), nothing after the value.
//! A depth over the limit is refused before the parser descends, so no input can exhaust the stack.
//!
//! The reader refuses to know any message: it checks the text, then hands it to `serde`.
//! Errors carry a reason and a byte offset, never content.

pub mod canonical; // one value in one spelling, for signatures over spellings

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The bounds of one JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in bytes.
    pub bytes_max: usize,
    /// The deepest nesting of arrays and objects; 127 is the most that any setting allows.
    pub depth_max: usize,
    /// The most members of one object.
    pub members_max: usize,
    /// The most items of one array.
    pub items_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 16 << 20,
            depth_max: 32,
            members_max: 1_024,
            items_max: 100_000,
        }
    }
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Longer than `bytes_max`.
    TooLong,
    /// Not UTF-8.
    Encoding,
    /// Begins with a byte-order mark.
    ByteOrderMark,
    /// Ends before the value does.
    Truncated,
    /// Breaks the grammar of RFC 8259, holds half of a surrogate pair or a number beyond `f64`.
    Syntax,
    /// Something other than white space follows the value.
    Trailing,
    /// Nested deeper than `depth_max`.
    TooDeep,
    /// An object has more than `members_max` members or an array more than `items_max` items.
    TooMany,
    /// A key occurs twice in one object.
    DuplicateKey,
    /// A text or key contains U+0000.
    Nul,
    /// A whole number beyond `i64`.
    Number,
    /// Well formed, but not the fields and types that were expected.
    Mismatch,
}

impl Reason {
    /// The reason as a stable word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "json-too-long",
            Self::Encoding => "json-encoding",
            Self::ByteOrderMark => "json-bom",
            Self::Truncated => "json-truncated",
            Self::Syntax => "json-syntax",
            Self::Trailing => "json-trailing",
            Self::TooDeep => "json-too-deep",
            Self::TooMany => "json-too-many",
            Self::DuplicateKey => "json-duplicate-key",
            Self::Nul => "json-nul",
            Self::Number => "json-number",
            Self::Mismatch => "json-mismatch",
        }
    }
}

/// A refused JSON text: a reason and where, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}", reason.as_str())]
pub struct JsonError {
    reason: Reason,
    offset: usize,
}

impl JsonError {
    /// Why the text was refused.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The reason as a stable word, for example `json-duplicate-key`.
    pub const fn code(&self) -> &'static str {
        self.reason.as_str()
    }

    /// The byte at or just after which the text was refused, from 0.
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// Checks a text against the rules of this module and decodes it.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, JsonError> {
    check(bytes, limits)?;
    serde_json::from_slice(bytes).map_err(|error| JsonError {
        reason: Reason::Mismatch,
        offset: offset_of(bytes, &error),
    })
}

/// The same for a value that borrows from the text.
pub fn read_borrowed<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<T, JsonError> {
    check(bytes, limits)?;
    serde_json::from_slice(bytes).map_err(|error| JsonError {
        reason: Reason::Mismatch,
        offset: offset_of(bytes, &error),
    })
}

/// Checks a text against the rules of this module without keeping anything of it.
pub fn check(bytes: &[u8], limits: &Limits) -> Result<(), JsonError> {
    let text = text_of(bytes, limits)?;
    let judge = Judge {
        limits,
        verdict: Cell::new(None),
    };
    let refuse = |error: &serde_json::Error, otherwise| {
        let reason = judge.verdict.get().unwrap_or(otherwise);
        JsonError {
            reason,
            offset: offset_of(bytes, error),
        }
    };
    let mut parser = serde_json::Deserializer::from_str(text);
    Node {
        judge: &judge,
        depth: 0,
    }
    .deserialize(&mut parser)
    .map_err(|error| {
        refuse(
            &error,
            if error.is_eof() {
                Reason::Truncated
            } else {
                Reason::Syntax
            },
        )
    })?;
    parser
        .end()
        .map_err(|error| refuse(&error, Reason::Trailing))?;
    match long_integer(text) {
        Some(offset) => Err(JsonError {
            reason: Reason::Number,
            offset,
        }),
        None => Ok(()),
    }
}

fn text_of<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, JsonError> {
    if bytes.len() > limits.bytes_max {
        return Err(JsonError {
            reason: Reason::TooLong,
            offset: limits.bytes_max,
        });
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonError {
            reason: Reason::ByteOrderMark,
            offset: 0,
        });
    }
    std::str::from_utf8(bytes).map_err(|error| JsonError {
        reason: Reason::Encoding,
        offset: error.valid_up_to(),
    })
}

/// Where a whole number beyond `i64` stands in a well-formed text; serde_json would round it without a word.
fn long_integer(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let len = match byte {
            b'"' => string_len(&bytes[at..]),
            b'-' | b'0'..=b'9' => number_len(&bytes[at..]),
            _ => 1,
        };
        let token = text.get(at..at + len).unwrap_or_default();
        let whole = byte != b'"' && len > LEN_OF_SAFE_INTEGER && !token.contains(['.', 'e', 'E']);
        if whole && token.parse::<i64>().is_err() {
            return Some(at);
        }
        at += len;
    }
    None
}

/// The length of a string with its quotes.
fn string_len(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let end = bytes.iter().skip(1).position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    end.map_or(bytes.len(), |inner| inner + 2)
}

fn number_len(bytes: &[u8]) -> usize {
    let part = |byte: &&u8| matches!(**byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
    bytes.iter().take_while(part).count()
}

/// Every whole number of up to 18 characters fits into `i64`.
const LEN_OF_SAFE_INTEGER: usize = 18;

/// serde_json counts lines and columns; the caller is told the byte.
fn offset_of(bytes: &[u8], error: &serde_json::Error) -> usize {
    let before = error.line().saturating_sub(1);
    let line_start = match before {
        0 => 0,
        nth => bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(nth - 1)
            .map_or(0, |(at, _)| at + 1),
    };
    (line_start + error.column()).min(bytes.len())
}

/// The limits, and the reason of our own refusal, which serde's errors could carry only as text.
struct Judge<'a> {
    limits: &'a Limits,
    verdict: Cell<Option<Reason>>,
}

impl Judge<'_> {
    fn refuse<E: serde::de::Error>(&self, reason: Reason) -> E {
        self.verdict.set(Some(reason));
        E::custom(reason.as_str())
    }

    fn text<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        match text.contains('\0') {
            true => Err(self.refuse(Reason::Nul)),
            false => Ok(()),
        }
    }
}

/// One value and everything below it, visited and thrown away.
#[derive(Clone, Copy)]
struct Node<'a> {
    judge: &'a Judge<'a>,
    depth: usize,
}

impl Node<'_> {
    fn below<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth < self.judge.limits.depth_max {
            true => Ok(Self {
                depth: self.depth + 1,
                ..self
            }),
            false => Err(self.judge.refuse(Reason::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.judge.text(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut count = 0_usize;
        while items.next_element_seed(below)?.is_some() {
            count += 1;
            if count > self.judge.limits.items_max {
                return Err(self.judge.refuse(Reason::TooMany));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let below = self.below()?;
        let mut keys: HashSet<Cow<'de, str>> = HashSet::new();
        while let Some(key) = members.next_key_seed(Key)? {
            self.judge.text(&key)?;
            if !keys.insert(key) {
                return Err(self.judge.refuse(Reason::DuplicateKey));
            }
            if keys.len() > self.judge.limits.members_max {
                return Err(self.judge.refuse(Reason::TooMany));
            }
            members.next_value_seed(below)?;
        }
        Ok(())
    }
}

/// A key after its escapes are undone, borrowed where it has none.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    fn refused(text: &[u8]) -> (Reason, usize) {
        let error = check(text, &Limits::default()).unwrap_err();
        (error.reason(), error.offset())
    }

    #[test]
    fn an_ordinary_message_is_accepted() {
        let text = r#"{"maHoSo":"H56-260115-0001","data":[1,-2.5e3,true,null,{"tên":"Đỗ \u00e0 \ud83d\ude00"}]}"#;
        assert_eq!(check(text.as_bytes(), &Limits::default()), Ok(()));
    }

    #[test]
    fn a_key_twice_is_refused_at_any_depth() {
        assert_eq!(refused(br#"{"a":1,"a":2}"#).0, Reason::DuplicateKey);
        assert_eq!(
            refused(br#"{"x":[{"y":{"a":1,"b":2,"a":3}}]}"#).0,
            Reason::DuplicateKey
        );
    }

    #[test]
    fn a_key_twice_is_refused_though_one_is_escaped() {
        assert_eq!(refused(br#"{"a":1,"\u0061":2}"#).0, Reason::DuplicateKey);
    }

    #[test]
    fn the_same_key_in_two_objects_is_no_duplicate() {
        assert!(check(br#"[{"a":1},{"a":{"a":2}}]"#, &Limits::default()).is_ok());
    }

    #[test]
    fn nul_is_refused_in_texts_and_keys() {
        assert_eq!(refused(br#"["\u0000"]"#).0, Reason::Nul);
        assert_eq!(refused(br#"{"a\u0000":1}"#).0, Reason::Nul);
        assert_eq!(refused(b"[\"\0\"]").0, Reason::Syntax);
    }

    #[test]
    fn half_of_a_surrogate_pair_is_refused_in_texts_and_keys() {
        for text in [
            r#"["\ud800"]"#,
            r#"["\udc00"]"#,
            r#"["\ud800\u0061"]"#,
            r#"{"\udfff":1}"#,
        ] {
            assert_eq!(refused(text.as_bytes()).0, Reason::Syntax, "{text}");
        }
    }

    #[test]
    fn a_number_beyond_f64_is_refused() {
        assert_eq!(refused(b"[1e400]").0, Reason::Syntax);
        assert_eq!(refused(b"[-1e400]").0, Reason::Syntax);
        assert_eq!(refused(b"[NaN]").0, Reason::Syntax);
        assert_eq!(refused(b"[01]").0, Reason::Syntax);
    }

    #[test]
    fn a_whole_number_beyond_i64_is_refused_where_it_stands() {
        assert!(
            check(
                b"[9223372036854775807,-9223372036854775808,1e22,12345678901234567890.5]",
                &Limits::default()
            )
            .is_ok()
        );
        assert_eq!(refused(b"[1,9223372036854775808]"), (Reason::Number, 3));
        assert_eq!(
            refused(br#"{"a\\":"\"","b":[12345678901234567890123]}"#),
            (Reason::Number, 17)
        );
        assert!(
            check(
                br#"["12345678901234567890123 \" 12345678901234567890123"]"#,
                &Limits::default()
            )
            .is_ok()
        );
    }

    #[test]
    fn anything_after_the_value_is_refused_with_its_place() {
        assert_eq!(refused(b"{} {}"), (Reason::Trailing, 4));
        assert_eq!(refused(b"{}\n\n x").0, Reason::Trailing);
        assert!(check(b"{} \n\t", &Limits::default()).is_ok());
    }

    #[test]
    fn other_encodings_are_refused() {
        assert_eq!(refused(b"\xEF\xBB\xBF{}"), (Reason::ByteOrderMark, 0));
        assert_eq!(refused(b"[\"\xC0\xAF\"]"), (Reason::Encoding, 2));
        assert_eq!(refused(b"\xFF\xFE[\0]\0").0, Reason::Encoding);
        assert_eq!(refused(b"[\0]\0").0, Reason::Syntax);
    }

    #[test]
    fn an_unfinished_text_is_called_truncated() {
        for text in ["", " ", "{", "[1,", "\"abc", "{\"a\":"] {
            assert_eq!(refused(text.as_bytes()).0, Reason::Truncated, "{text:?}");
        }
    }

    #[test]
    fn the_depth_limit_is_exact() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(32).as_bytes(), &Limits::default()).is_ok());
        assert_eq!(refused(nested(33).as_bytes()), (Reason::TooDeep, 33));
    }

    #[test]
    fn a_hundred_thousand_levels_cost_no_stack() {
        let wide_open = Limits {
            depth_max: usize::MAX,
            ..Limits::default()
        };
        for open in ["[", "{\"a\":"] {
            assert_eq!(refused(open.repeat(100_000).as_bytes()).0, Reason::TooDeep);
            assert!(check(open.repeat(100_000).as_bytes(), &wide_open).is_err());
        }
    }

    #[test]
    fn sizes_are_bounded_exactly() {
        let limits = Limits {
            bytes_max: 30,
            members_max: 2,
            items_max: 3,
            ..Limits::default()
        };
        assert!(check(br#"[1,2,{"a":1,"b":2}]"#, &limits).is_ok());
        let reason = |text: &[u8]| check(text, &limits).unwrap_err().reason();
        assert_eq!(reason(b"[1,2,3,4]"), Reason::TooMany);
        assert_eq!(reason(br#"{"a":1,"b":2,"c":3}"#), Reason::TooMany);
        assert_eq!(reason(&b" ".repeat(31)), Reason::TooLong);
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Message {
        id: String,
        count: i64,
    }

    #[test]
    fn a_typed_message_is_read() {
        let read: Message = read(
            br#"{"id":"x","count":9007199254740993}"#,
            &Limits::default(),
        )
        .unwrap();
        assert_eq!(
            read,
            Message {
                id: "x".into(),
                count: 9_007_199_254_740_993
            }
        );
    }

    #[test]
    fn a_message_of_other_types_is_refused_without_its_content() {
        for text in [
            r#"{"id":"secret"}"#,
            r#"{"id":"secret","count":1.5}"#,
            r#"{"id":"x","count":1,"secret":2}"#,
            r#"{"id":"x","count":"secret"}"#,
        ] {
            let error = read::<Message>(text.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(error.reason(), Reason::Mismatch, "{text}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[test]
    fn a_refusal_on_a_later_line_points_into_that_line() {
        let text = b"{\n \"a\": 1,\n \"a\": 2\n}";
        let (reason, offset) = refused(text);
        assert_eq!(reason, Reason::DuplicateKey);
        assert!((12..19).contains(&offset), "{offset}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&bytes, &Limits::default());
        }

        #[test]
        fn no_text_of_json_characters_makes_the_reader_panic(text in "[\\[\\]{}:,\"\\\\u0-9a-f.eE+ \\n-]{0,60}") {
            let _ = check(text.as_bytes(), &Limits::default());
        }

        #[test]
        fn what_is_accepted_serde_json_reads_too(text in "[\\[\\]{}:,\"0-9a-c]{0,30}") {
            if check(text.as_bytes(), &Limits::default()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
