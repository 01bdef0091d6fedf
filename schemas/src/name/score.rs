//! How alike two names are, and why: a figure that a person can follow.
//!
//! 100 means spellings of one name. Everything below is another name, and the figure says how far away; it ranks
//! what a person looks at first. A score never says that two people are one: numbers do that.

use std::fmt;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::fold::{self, Steps};

/// How alike two names are, 0 to 100, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Score {
    /// 100 for spellings of one name; 80 other marks; 70 another order of words; 60 words left out; 50 and 40 for
    /// one and two letters; else 0.
    pub value: u8,
    /// What had to be overlooked, or what is different.
    pub why: Why,
}

impl Score {
    /// Byte for byte the same.
    pub const SAME: Self = Self {
        value: 100,
        why: Why(0),
    };
}

/// Reasons of a score, in their fixed order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Why(u16);

impl Why {
    /// Composed and decomposed characters.
    pub const FORM: Self = Self(1);
    /// Capital and small letters.
    pub const CASE: Self = Self(1 << 1);
    /// White space.
    pub const SPACE: Self = Self(1 << 2);
    /// The place of a tone mark (hoà, hòa).
    pub const TONE_PLACE: Self = Self(1 << 3);
    /// Look-alikes of Đ, curly apostrophes.
    pub const LOOK_ALIKE: Self = Self(1 << 4);
    /// Marks are missing or different.
    pub const MARKS: Self = Self(1 << 5);
    /// The same words in another order.
    pub const WORD_ORDER: Self = Self(1 << 6);
    /// One name has words that the other leaves out.
    pub const WORDS_LEFT_OUT: Self = Self(1 << 7);
    /// One or two letters, marks apart.
    pub const LETTERS: Self = Self(1 << 8);
    /// Nothing of the above.
    pub const DIFFERENT: Self = Self(1 << 9);

    /// The reasons as stable words.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        WORDS
            .iter()
            .filter(move |(why, _)| self.0 & why.0 != 0)
            .map(|(_, word)| *word)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.words()).finish()
    }
}

/// Compares two names, or an employer's names or addresses.
#[must_use]
pub fn score(a: &str, b: &str) -> Score {
    if a == b {
        return Score::SAME;
    }
    if equal_but_case(a, b) {
        return of(100, Why::CASE);
    }
    let (folded_a, folded_b) = (fold::key(a), fold::key(b));
    if folded_a == folded_b {
        return of(100, overlooked(a, b));
    }
    let (bare_a, bare_b) = (bare(&folded_a), bare(&folded_b));
    if bare_a == bare_b {
        return of(80, Why::MARKS);
    }
    // the marks are overlooked too, unless the words stand so with them
    let marks = |stands_with_them: bool| match stands_with_them {
        true => Why(0),
        false => Why::MARKS,
    };
    if sorted(&bare_a) == sorted(&bare_b) {
        let marks = marks(sorted(&folded_a) == sorted(&folded_b));
        return of(70, Why::WORD_ORDER.and(marks));
    }
    if one_leaves_out(&bare_a, &bare_b) {
        let marks = marks(one_leaves_out(&folded_a, &folded_b));
        return of(60, Why::WORDS_LEFT_OUT.and(marks));
    }
    match distance(&bare_a, &bare_b) {
        1 => of(50, Why::LETTERS),
        2 => of(40, Why::LETTERS),
        _ => of(0, Why::DIFFERENT),
    }
}

const fn of(value: u8, why: Why) -> Score {
    Score { value, why }
}

/// The common case without an allocation: composed letters, capital on one side and small on the other.
fn equal_but_case(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b || a.to_lowercase().eq(b.to_lowercase()) => {}
            _ => return false,
        }
    }
}

/// Which steps of the key the two texts need to become equal.
fn overlooked(a: &str, b: &str) -> Why {
    let form = |text: &str| text.nfc().collect::<String>();
    if form(a) == form(b) {
        return Why::FORM;
    }
    let needed = |steps: Steps| fold::key_by(a, steps) != fold::key_by(b, steps);
    [
        (
            Why::CASE,
            Steps {
                case: false,
                ..Steps::ALL
            },
        ),
        (
            Why::SPACE,
            Steps {
                space: false,
                ..Steps::ALL
            },
        ),
        (
            Why::TONE_PLACE,
            Steps {
                tone: false,
                ..Steps::ALL
            },
        ),
        (
            Why::LOOK_ALIKE,
            Steps {
                look_alike: false,
                ..Steps::ALL
            },
        ),
    ]
    .into_iter()
    .filter(|(_, steps)| needed(*steps))
    .fold(Why(0), |why, (step, _)| why.and(step))
}

/// A key without any mark, đ as d.
fn bare(key: &str) -> String {
    key.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect()
}

fn sorted(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    words
}

fn one_leaves_out(a: &str, b: &str) -> bool {
    leaves_out(a, b) || leaves_out(b, a)
}

/// Whether the shorter name is the longer one with words left out; one word alone is too little to say so.
fn leaves_out(short: &str, long: &str) -> bool {
    let mut words = long.split(' ');
    short.contains(' ')
        && short
            .split(' ')
            .all(|word| words.any(|other| other == word))
}

/// Letters to insert, delete or change; 3 means three or more.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 2 {
        return 3;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(3).min(3)
}

const WORDS: [(Why, &str); 10] = [
    (Why::FORM, "unicode-form"),
    (Why::CASE, "case"),
    (Why::SPACE, "space"),
    (Why::TONE_PLACE, "tone-place"),
    (Why::LOOK_ALIKE, "look-alike"),
    (Why::MARKS, "marks"),
    (Why::WORD_ORDER, "word-order"),
    (Why::WORDS_LEFT_OUT, "words-left-out"),
    (Why::LETTERS, "letters"),
    (Why::DIFFERENT, "different"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(a: &str, b: &str) -> (u8, Vec<&'static str>) {
        let score = score(a, b);
        assert_eq!(score, super::score(b, a));
        (score.value, score.why.words().collect())
    }

    #[test]
    fn spellings_of_one_name_score_100_and_say_what_was_overlooked() {
        for (a, b, why) in [
            ("Trần Thị Hoà", "Trần Thị Hoà", vec![]),
            ("Trần Thị Hoà", "TRẦN THỊ HOÀ", vec!["case"]),
            ("Trần Thị Hoà", "Trần  Thị Hoà", vec!["space"]),
            ("Trần Thị Hoà", "Trần Thị Hòa", vec!["tone-place"]),
            ("Trần Thị Hoà", "TRẦN THỊ HÒA", vec!["case", "tone-place"]),
            (
                "Trần Thị Hoà",
                "Tra\u{302}\u{300}n Thị Hoà",
                vec!["unicode-form"],
            ),
            ("Đỗ Anh", "Ðỗ Anh", vec!["look-alike"]),
        ] {
            assert_eq!(told(a, b), (100, why), "{b}");
        }
    }

    #[test]
    fn other_names_score_below_100_and_say_what_is_different() {
        for (b, value, why) in [
            ("Tran Thi Hoa", 80, vec!["marks"]),
            ("Trần Thị Hoa", 80, vec!["marks"]),
            ("Hoà Trần Thị", 70, vec!["word-order"]),
            ("Hoa Trần Thị", 70, vec!["marks", "word-order"]),
            ("Trần Hoà", 60, vec!["words-left-out"]),
            ("Trần Thị Hoàn", 50, vec!["letters"]),
            ("Trần Thị Phương", 0, vec!["different"]),
            ("Trần Thị Hồng", 40, vec!["letters"]),
            ("Hoà", 0, vec!["different"]),
        ] {
            assert_eq!(told("Trần Thị Hoà", b), (value, why), "{b}");
        }
        assert_eq!(told("Lê Văn An", "Lê Văn Tám").0, 40);
        // whichever is asked first: the words stand in the other only where marks are overlooked
        for (a, b) in [("a đ à", "a A"), ("a A", "a đ à")] {
            assert_eq!(told(a, b), (60, vec!["marks", "words-left-out"]), "{a}");
        }
        assert_eq!(told("a đ à", "a đ").1, ["words-left-out"]);
    }

    proptest! {
        #[test]
        fn a_score_is_the_same_both_ways_and_100_exactly_where_the_keys_are_equal(
            a in "[Aaàáâđd ]{1,6}", b in "[Aaàáâđd ]{1,6}"
        ) {
            let found = score(&a, &b);
            prop_assert_eq!(found, score(&b, &a));
            prop_assert_eq!(found.value == 100, fold::key(&a) == fold::key(&b) || equal_but_case(&a, &b));
        }
    }
}
