//! One declaration per paper: its elements in their order, the most characters of each, and the fate of each.

use crate::xml::{Limits, ReadError, Reader};

/// The bounds of a document, and of a paper in it.
pub const LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 8,
    elements_max: 4_096,
    attributes_max: 8,
    namespaces_max: 8,
    name_bytes_max: 64,
    text_bytes_max: 512 << 10,
};

/// What a paper lacks or has too much of: the element's name and a stable word, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct PaperError {
    /// The element.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
    /// Whether a bound of XML was passed.
    pub is_limit: bool,
}

impl PaperError {
    pub(super) fn new(field: &'static str, reason: &'static str) -> Self {
        Self {
            field,
            reason,
            is_limit: false,
        }
    }

    pub(super) fn of(reader: &Reader<'_>, error: ReadError) -> Self {
        Self {
            field: error.field,
            reason: error.reason,
            is_limit: reader.broken().is_some_and(|one| one.reason().is_limit()),
        }
    }
}

/// Opens one element of a paper's name without a namespace, which must have an `Id`; gives that too.
pub(super) fn open<'a>(
    bytes: &'a [u8],
    root: &'static str,
) -> Result<(Reader<'a>, String), PaperError> {
    let mut reader = Reader::open(bytes, "", &LIMITS).map_err(|error| PaperError {
        field: root,
        reason: error.code(),
        is_limit: error.reason().is_limit(),
    })?;
    match reader.enter_with(root, "Id") {
        Ok(id) => Ok((reader, id.into_owned())),
        Err(error) => Err(PaperError::of(&reader, error)),
    }
}

/// The text of an element that may be absent or empty, within its length.
pub(super) fn text(
    reader: &mut Reader<'_>,
    name: &'static str,
    chars_max: usize,
) -> Result<Option<String>, PaperError> {
    let text = match reader.optional(name) {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => return Err(PaperError::of(reader, error)),
    };
    let text = text.trim();
    match text.chars().count() {
        0 => Ok(None),
        count if count <= chars_max => Ok(Some(text.to_owned())),
        _ => Err(PaperError::new(name, "text-too-long")),
    }
}

/// Leaves the paper, which must end the document.
pub(super) fn close(mut reader: Reader<'_>, root: &'static str) -> Result<(), PaperError> {
    if let Err(error) = reader.leave(root) {
        return Err(PaperError::of(&reader, error));
    }
    reader
        .finish(root)
        .map_err(|error| PaperError::new(error.field, error.reason))
}

/// Declares a paper: strict reading in its order, a `Debug` that shows nothing of a person, and the table `FIELDS`.
macro_rules! wire_paper {
    (
        $(#[$doc:meta])*
        pub struct $name:ident as $root:literal {
            $($(#[$meta:meta])* $field:ident = $wire:literal ($max:literal), $fate:ident($why:literal);)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Default)]
        pub struct $name {
            /// The document's own id: a notice that is written anew has another.
            pub id: String,
            $($(#[$meta])* pub $field: Option<String>,)*
        }

        impl $name {
            /// The element of the whole paper.
            pub const ROOT: &'static str = $root;

            /// Every element of this paper and what becomes of it.
            pub const FIELDS: &'static [$crate::wire::object::Field] = &[
                $crate::wire::object::Field {
                    object: $root, wire: "Id", fate: $crate::wire::object::Fate::Carried("message id"),
                },
                $($crate::wire::object::Field {
                    object: $root, wire: $wire, fate: $crate::wire::object::Fate::$fate($why),
                },)*
            ];

            /// Reads the element, which must be all of `bytes`; every element in it may be absent or empty, in
            /// this order.
            ///
            /// # Errors
            /// An element that is unknown, misplaced, given twice or too long, or a rule of XML that is broken.
            pub fn read(bytes: &[u8]) -> Result<Self, $crate::wire::hospital::PaperError> {
                let (mut reader, id) = $crate::wire::hospital::paper::open(bytes, $root)?;
                let paper = Self {
                    id,
                    $($field: $crate::wire::hospital::paper::text(&mut reader, $wire, $max)?,)*
                };
                $crate::wire::hospital::paper::close(reader, $root)?;
                Ok(paper)
            }

            /// Writes the element, exclusive-canonical, without what is absent.
            pub fn write(&self) -> Vec<u8> {
                use $crate::xml::{Name, Writer};
                let mut writer = Writer::new();
                writer.open(Name::plain("", $root), &[("Id", &self.id)]);
                $(if let Some(text) = &self.$field {
                    writer.leaf(Name::plain("", $wire), text);
                })*
                writer.close();
                writer.finish()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
}

pub(super) use wire_paper;
