//! XML as our partners may send it: bounded, plain, and without anything that could mean two things.
//!
//! [`prescan`] looks at the bytes before any tree is built (the tree under the signature verifier is
//! quadratic in attributes and hungry): UTF-8 only, no DTD, no entity but the five predefined, no
//! comment, processing instruction or CDATA, and a bound on everything. [`Reader`] reads a message of
//! known shape, element by element, naming the field that is wrong. [`Writer`] emits
//! exclusive-canonical XML by construction, so what we sign never needs a canonicaliser.
//!
//! The module refuses to know any message, and its errors never carry content. Rules: XML 1.0 fifth
//! edition, Namespaces 1.0, Exclusive XML Canonicalization 1.0; attacks X6, X17, X18, RUSTSEC-2026-0194
//! and -0195.

mod attributes;
mod lexical;
mod reader;
mod scopes;
mod tokens;
mod tree;
mod writer;

pub use reader::{ReadError, Reader};
pub use tree::Element;
pub use writer::{Name, Writer};

pub(crate) use lexical::reference;

use tokens::Tokens;

/// The bounds of one XML document; the default is what in-line signed XML may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest document, bytes.
    pub bytes_max: usize,
    /// Deepest nesting of elements.
    pub depth_max: usize,
    /// Most elements.
    pub elements_max: usize,
    /// Most attributes of one element, namespace declarations included.
    pub attributes_max: usize,
    /// Most namespace declarations in force at one place.
    pub namespaces_max: usize,
    /// Longest name of an element or attribute, bytes.
    pub name_bytes_max: usize,
    /// Longest text of one element between two tags, and longest attribute value, bytes.
    pub text_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 20,
            depth_max: 64,
            elements_max: 20_000,
            attributes_max: 64,
            namespaces_max: 32,
            name_bytes_max: 256,
            text_bytes_max: 256 << 10,
        }
    }
}

/// Why a document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Longer than `bytes_max`.
    TooLarge,
    /// Deeper than `depth_max`.
    TooDeep,
    /// More than `elements_max` elements.
    TooManyElements,
    /// More than `attributes_max` attributes on one element.
    TooManyAttributes,
    /// More than `namespaces_max` declarations in force.
    TooManyNamespaces,
    /// A name longer than `name_bytes_max`.
    NameTooLong,
    /// A text or attribute value longer than `text_bytes_max`.
    TextTooLong,
    /// Not UTF-8, or declared to be something else.
    Encoding,
    /// Begins with a byte-order mark.
    ByteOrderMark,
    /// A document type declaration.
    Doctype,
    /// A comment.
    Comment,
    /// A processing instruction.
    ProcessingInstruction,
    /// A CDATA section.
    Cdata,
    /// A reference to anything but the five predefined entities and characters that XML allows.
    Entity,
    /// A control character or noncharacter.
    Character,
    /// A name that is not ASCII letters, digits, `.`, `-`, `_` and at most one colon.
    Name,
    /// A prefix without declaration, or a declaration that Namespaces 1.0 forbids.
    Namespace,
    /// The same attribute twice.
    DuplicateAttribute,
    /// Tags that do not match, or anything else that breaks the grammar.
    Malformed,
    /// The document ends inside an element.
    Truncated,
    /// No element at all.
    NoRoot,
    /// A second element or text beside the root.
    Trailing,
}

impl Reason {
    /// The reason as a stable word for logs and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "xml-too-large",
            Self::TooDeep => "xml-too-deep",
            Self::TooManyElements => "xml-too-many-elements",
            Self::TooManyAttributes => "xml-too-many-attributes",
            Self::TooManyNamespaces => "xml-too-many-namespaces",
            Self::NameTooLong => "xml-name-too-long",
            Self::TextTooLong => "xml-text-too-long",
            Self::Encoding => "xml-encoding",
            Self::ByteOrderMark => "xml-bom",
            Self::Doctype => "xml-doctype",
            Self::Comment => "xml-comment",
            Self::ProcessingInstruction => "xml-processing-instruction",
            Self::Cdata => "xml-cdata",
            Self::Entity => "xml-entity",
            Self::Character => "xml-character",
            Self::Name => "xml-name",
            Self::Namespace => "xml-namespace",
            Self::DuplicateAttribute => "xml-duplicate-attribute",
            Self::Malformed => "xml-malformed",
            Self::Truncated => "xml-truncated",
            Self::NoRoot => "xml-no-root",
            Self::Trailing => "xml-trailing",
        }
    }

    /// True where a bound was passed, as opposed to a rule of the grammar broken.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::TooLarge
                | Self::TooDeep
                | Self::TooManyElements
                | Self::TooManyAttributes
                | Self::TooManyNamespaces
                | Self::NameTooLong
                | Self::TextTooLong
        )
    }
}

/// A refused document: a reason and where, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}", reason.as_str())]
pub struct XmlError {
    reason: Reason,
    offset: usize,
}

impl XmlError {
    pub(crate) const fn new(reason: Reason, offset: usize) -> Self {
        Self { reason, offset }
    }

    /// Why the document was refused.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The reason as a stable word, for example `xml-doctype`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.reason.as_str()
    }

    /// The byte at or just before which the document was refused, from 0.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }
}

/// Checks a whole document in two linear passes, without building anything.
///
/// # Errors
/// The first broken rule, by position within the pass that found it.
pub fn prescan(bytes: &[u8], limits: &Limits) -> Result<(), XmlError> {
    let mut tokens = Tokens::open(bytes, limits)?;
    while tokens.next()?.is_some() {}
    Ok(())
}

/// True where every character may stand in a document as text; [`Writer`] escapes but does not refuse.
#[must_use]
pub fn is_text(text: &str) -> bool {
    text.chars().all(lexical::is_allowed)
}

#[cfg(test)]
mod tests;
