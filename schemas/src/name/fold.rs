//! The key of a name: one text for all spellings of it.

use unicode_normalization::UnicodeNormalization;

/// NFC, case folded, Đ look-alikes folded, spaces collapsed, each tone mark moved to one place.
pub(super) fn key(name: &str) -> String {
    key_by(name, Steps::ALL)
}

/// Which steps of the key are taken; composition always is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) case: bool,
    pub(super) space: bool,
    pub(super) tone: bool,
    pub(super) look_alike: bool,
}

impl Steps {
    pub(super) const ALL: Self = Self {
        case: true,
        space: true,
        tone: true,
        look_alike: true,
    };
}

/// The key by some of its steps, which tells what each of them overlooks.
pub(super) fn key_by(name: &str, steps: Steps) -> String {
    let mut cased = String::with_capacity(name.len());
    match steps.case {
        true => cased.extend(
            name.chars()
                .flat_map(char::to_uppercase)
                .flat_map(char::to_lowercase),
        ),
        false => cased.push_str(name),
    }
    let folded: String = cased
        .chars()
        .map(|c| {
            if steps.look_alike {
                fold_look_alike(c)
            } else {
                c
            }
        })
        .nfd()
        .collect();
    let settled = |word| match steps.tone {
        true => settle_tone(word),
        false => String::from(word),
    };
    let words: Vec<String> = match steps.space {
        true => folded.split_whitespace().map(settled).collect(),
        false => folded.split(' ').map(settled).collect(),
    };
    words.join(" ").nfc().collect()
}

/// Ð (U+00D0) and Ɖ (U+0189) are typed for Đ (U+0110); a curly apostrophe for a straight one.
fn fold_look_alike(c: char) -> char {
    match c {
        '\u{00F0}' | '\u{0256}' => 'đ',
        '\u{00D0}' | '\u{0189}' => 'Đ',
        '\u{2019}' => '\'',
        _ => c,
    }
}

/// Moves the tone of each syllable to its end, where both ways of placing it (hoà, hòa) are the same text.
///
/// The word is decomposed; a syllable of Vietnamese has one tone at most, so the order of tones among
/// several syllables that a hyphen or dot joins is kept by ending a syllable there.
fn settle_tone(word: &str) -> String {
    let mut settled = String::with_capacity(word.len());
    let mut tones = String::new();
    for c in word.chars() {
        match c {
            _ if TONES.contains(&c) => tones.push(c),
            '-' | '.' | '\'' => {
                settled.push_str(&tones);
                tones.clear();
                settled.push(c);
            }
            _ => settled.push(c),
        }
    }
    settled.push_str(&tones);
    settled
}

/// Grave, acute, tilde, hook above, dot below: huyền, sắc, ngã, hỏi, nặng.
const TONES: [char; 5] = ['\u{0300}', '\u{0301}', '\u{0303}', '\u{0309}', '\u{0323}'];
