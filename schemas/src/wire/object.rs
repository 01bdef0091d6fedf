//! One declaration per JSON object of a partner: its Rust fields, its wire names, and the fate of each.
//!
//! The macro exists so that a wire name is written once: reading, writing and the table that the
//! mapping documents are tested against all come from the same line.

/// What becomes of one member of a partner's object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is carried on, as this field of the inside contract or of the message's own identity.
    Carried(&'static str),
    /// It is read and kept in the journal only, or never written, for this reason.
    NotCarried(&'static str),
}

/// One member of a partner's JSON object, as the partner spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The object that it stands in, for example `hoTich`.
    pub object: &'static str,
    /// The member's name on the wire.
    pub wire: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// What a mapping document says otherwise than the tables: rows that are missing, wrong or too many, an object each.
///
/// The document has a heading ``### `object` `` per object and a row per member: wire name, where it is carried to,
/// why it is not.
pub fn departures(document: &str, fields: &[Field]) -> Vec<String> {
    let is_row = |line: &&str| line.starts_with("| `");
    let mut objects: Vec<&str> = fields.iter().map(|field| field.object).collect();
    objects.dedup();
    let mut found: Vec<String> = objects
        .into_iter()
        .filter(|object| {
            let heading = format!("### `{object}`");
            let below = document.lines().skip_while(|line| *line != heading).skip(1);
            let said = below
                .take_while(|line| !line.starts_with('#'))
                .filter(is_row);
            let told = fields.iter().filter(|field| field.object == *object);
            !said.eq(told.map(Field::row))
        })
        .map(str::to_owned)
        .collect();
    let rows = document.lines().filter(is_row).count();
    if rows != fields.len() {
        found.push(format!("{rows} rows for {} members", fields.len()));
    }
    found
}

impl Field {
    /// The member's row of a mapping document.
    fn row(&self) -> String {
        match self.fate {
            Fate::Carried(to) => format!("| `{}` | {to} | |", self.wire),
            Fate::NotCarried(why) => format!("| `{}` | | {why} |", self.wire),
        }
    }
}

/// Whether a value is left out of the object when it is written.
pub(crate) trait Absent {
    fn absent(&self) -> bool {
        false
    }
}

impl Absent for String {}
impl Absent for u8 {}
impl Absent for i64 {}
impl Absent for bool {}
impl Absent for serde_json::Value {}

impl<T> Absent for Option<T> {
    fn absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Absent for Vec<T> {
    fn absent(&self) -> bool {
        self.is_empty()
    }
}

/// Declares a wire object: strict reading (no unknown member), writing without absent members,
/// a `Debug` that shows nothing of a person, and the table `FIELDS`.
macro_rules! wire_object {
    (
        $(#[$doc:meta])*
        pub struct $name:ident as $object:literal {
            $($(#[$meta:meta])* $field:ident: $type:ty = $wire:literal, $fate:ident($why:literal);)*
        }
        $(never written { $($absent:literal: $reason:literal;)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$meta])* #[serde(rename = $wire)] pub $field: $type,)*
        }

        impl $name {
            /// Every member of this object on the wire and what becomes of it.
            pub const FIELDS: &'static [$crate::wire::object::Field] = &[
                $($crate::wire::object::Field {
                    object: $object, wire: $wire, fate: $crate::wire::object::Fate::$fate($why),
                },)*
                $($($crate::wire::object::Field {
                    object: $object, wire: $absent, fate: $crate::wire::object::Fate::NotCarried($reason),
                },)*)?
            ];
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                let mut members = serializer.serialize_map(None)?;
                $(if !$crate::wire::object::Absent::absent(&self.$field) {
                    members.serialize_entry($wire, &self.$field)?;
                })*
                members.end()
            }
        }

        impl $crate::wire::object::Absent for $name {}

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        #[cfg(test)]
        impl $crate::wire::object::samples::Sample for $name {
            fn sample(from: &mut $crate::wire::object::samples::Words<'_>) -> Self {
                Self { $($field: $crate::wire::object::samples::Sample::sample(from),)* }
            }
        }
    };
}

pub(crate) use wire_object;

/// Values for property tests, grown from a list of numbers that proptest shrinks.
#[cfg(test)]
pub(crate) mod samples {
    /// The numbers that a sample is grown from; zeros when they run out.
    pub(crate) struct Words<'a>(pub(crate) std::slice::Iter<'a, u32>);

    impl Words<'_> {
        pub(crate) fn next(&mut self) -> u32 {
            self.0.next().copied().unwrap_or(0)
        }
    }

    /// A value of every shape that its type allows.
    pub(crate) trait Sample {
        fn sample(from: &mut Words<'_>) -> Self;
    }

    impl Sample for String {
        fn sample(from: &mut Words<'_>) -> Self {
            let word = from.next();
            let piece = PIECES[word as usize % PIECES.len()];
            let letter = char::from_u32(word >> 11).filter(|letter| *letter != '\0');
            piece.chars().chain(letter).collect()
        }
    }

    impl Sample for u8 {
        fn sample(from: &mut Words<'_>) -> Self {
            (from.next() % 10) as u8
        }
    }

    impl Sample for bool {
        fn sample(from: &mut Words<'_>) -> Self {
            from.next().is_multiple_of(2)
        }
    }

    impl Sample for i64 {
        fn sample(from: &mut Words<'_>) -> Self {
            i64::from(from.next()) - 4
        }
    }

    impl Sample for serde_json::Map<String, serde_json::Value> {
        fn sample(from: &mut Words<'_>) -> Self {
            let text = String::sample(from);
            [("a".to_owned(), text.into()), ("b".to_owned(), 1.into())]
                .into_iter()
                .collect()
        }
    }

    impl Sample for serde_json::Value {
        fn sample(from: &mut Words<'_>) -> Self {
            Self::Object(Sample::sample(from))
        }
    }

    impl<T: Sample> Sample for Option<T> {
        fn sample(from: &mut Words<'_>) -> Self {
            (!from.next().is_multiple_of(3)).then(|| T::sample(from))
        }
    }

    impl<T: Sample> Sample for Vec<T> {
        fn sample(from: &mut Words<'_>) -> Self {
            (0..from.next() % 4).map(|_| T::sample(from)).collect()
        }
    }

    /// NFC and NFD, what JSON must escape, and what looks like JSON itself.
    const PIECES: [&str; 8] = [
        "",
        "Nguyễn Thị Ánh",
        "Nguye\u{302}\u{303}n Thi\u{323} A\u{301}nh",
        "a\"b\\c/d\u{8}\n\r\t",
        "{\"data\":\"\\u0061\"}",
        "\u{1F600}\u{2028}",
        "00004",
        " ",
    ];
}
