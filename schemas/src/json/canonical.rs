//! One JSON value in one spelling, for signatures that are made over a spelling and not over bytes.
//!
//! Two spellings are known: that of RFC 8785 (JCS) and that of Python's
//! `json.dumps(sort_keys=True, separators=(",", ":"))`, which writes everything beyond ASCII as `\uXXXX`.
//! Numbers are whole ones that every reader holds exactly (up to 2^53 - 1): of fractions the two spell no two alike,
//! so a text with one is refused instead of being guessed at.

use std::fmt::Write as _;

use serde_json::Value;

/// The largest number that a reader with doubles holds exactly.
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// How a value is spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// RFC 8785: members by UTF-16 code units, text as it is but for what JSON must escape.
    Jcs,
    /// Python: members by code points, text in ASCII.
    Python,
}

/// A number that the spellings do not have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number is no whole one of at most 2^53 - 1")]
pub struct OddNumber;

/// Writes a value in a spelling.
///
/// # Errors
/// [`OddNumber`].
pub fn write(value: &Value, spelling: Spelling) -> Result<String, OddNumber> {
    let mut text = String::new();
    put(value, spelling, &mut text)?;
    Ok(text)
}

fn put(value: &Value, spelling: Spelling, into: &mut String) -> Result<(), OddNumber> {
    match value {
        Value::Null => into.push_str("null"),
        Value::Bool(true) => into.push_str("true"),
        Value::Bool(false) => into.push_str("false"),
        Value::Number(number) => {
            let whole = number.as_i64().ok_or(OddNumber)?;
            if whole.abs() > INTEGER_MAX {
                return Err(OddNumber);
            }
            let _ = write!(into, "{whole}");
        }
        Value::String(text) => string(text, spelling, into),
        Value::Array(items) => {
            into.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, into);
                put(item, spelling, into)?;
            }
            into.push(']');
        }
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            match spelling {
                Spelling::Jcs => {
                    names.sort_by(|left, right| left.encode_utf16().cmp(right.encode_utf16()))
                }
                // UTF-8 sorts as code points do
                Spelling::Python => names.sort_unstable(),
            }
            into.push('{');
            for (index, name) in names.into_iter().enumerate() {
                separate(index, into);
                string(name, spelling, into);
                into.push(':');
                put(&members[name], spelling, into)?;
            }
            into.push('}');
        }
    }
    Ok(())
}

fn separate(index: usize, into: &mut String) {
    if index > 0 {
        into.push(',');
    }
}

fn string(text: &str, spelling: Spelling, into: &mut String) {
    into.push('"');
    for letter in text.chars() {
        match letter {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            letter if is_plain(letter, spelling) => into.push(letter),
            letter => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    let _ = write!(into, "\\u{unit:04x}");
                }
            }
        }
    }
    into.push('"');
}

fn is_plain(letter: char, spelling: Spelling) -> bool {
    match spelling {
        Spelling::Jcs => letter >= ' ',
        Spelling::Python => (' '..='~').contains(&letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(text: &str, spelling: Spelling) -> Result<String, OddNumber> {
        write(&serde_json::from_str(text).unwrap(), spelling)
    }

    #[test]
    fn a_vietnamese_name_is_spelt_in_two_ways() {
        let text = r#"{ "b": [1, true, null], "a": "Đỗ \u001f\u007f\"\\/" }"#;
        assert_eq!(
            spelt(text, Spelling::Jcs).unwrap(),
            "{\"a\":\"Đỗ \\u001f\u{7f}\\\"\\\\/\",\"b\":[1,true,null]}"
        );
        assert_eq!(
            spelt(text, Spelling::Python).unwrap(),
            r#"{"a":"\u0110\u1ed7 \u001f\u007f\"\\/","b":[1,true,null]}"#
        );
    }

    #[test]
    fn members_stand_in_the_order_of_rfc_8785_3_2_3() {
        // the example of the clause: the emoji's surrogates come before U+FB33
        let text = "{\"\u{20ac}\":5,\"\\r\":1,\"\u{fb33}\":7,\"1\":2,\"\u{1F600}\":6,\"\u{80}\":3,\"\u{f6}\":4}";
        let order = |spelling| {
            let spelt = spelt(text, spelling).unwrap();
            let digits = spelt
                .split(':')
                .skip(1)
                .map(|part| part.as_bytes()[0] - b'0');
            digits.collect::<Vec<_>>()
        };
        assert_eq!(order(Spelling::Jcs), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(order(Spelling::Python), [1, 2, 3, 4, 5, 7, 6]);
    }

    #[test]
    fn a_number_that_is_spelt_in_more_than_one_way_is_refused() {
        for text in [
            "1.0",
            "1e3",
            "-0",
            "0.1",
            "9007199254740992",
            "-9007199254740992",
        ] {
            for spelling in [Spelling::Jcs, Spelling::Python] {
                assert_eq!(spelt(text, spelling), Err(OddNumber), "{text}");
            }
        }
        assert_eq!(
            spelt("-9007199254740991", Spelling::Jcs).unwrap(),
            "-9007199254740991"
        );
    }
}
