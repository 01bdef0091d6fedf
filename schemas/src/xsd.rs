//! Our own XML schemas, compiled once, and what they say of a document: content-free.
//!
//! The schemas in `schemas/xsd` are the published contract; the typed readers in [`crate::wire`] check
//! more than a schema can say. The validator underneath quotes content in its messages, so none of
//! them leaves this module: a refusal is a rule and the element that broke it.

use std::sync::LazyLock;

use uppsala::{Parser, ValidationError, XsdValidator};

/// The tax profile, version 1, as published.
pub const TAX_V1: &str = include_str!("../xsd/tax/v1/tax.xsd");

/// The taxpayer profile, version 1, as published: what we ask the tax department.
pub const TAXPAYER_V1: &str = include_str!("../xsd/taxpayer/v1/taxpayer.xsd");

/// The bulk records of the tax profile, version 1, as published.
pub const TAX_RECORDS_V1: &str = include_str!("../xsd/tax-records/v1/records.xsd");

static TAX_RECORDS_V1_VALIDATOR: LazyLock<XsdValidator> = LazyLock::new(|| compile(TAX_RECORDS_V1));

static TAXPAYER_V1_VALIDATOR: LazyLock<XsdValidator> = LazyLock::new(|| compile(TAXPAYER_V1));

static TAX_V1_VALIDATOR: LazyLock<XsdValidator> = LazyLock::new(|| compile(TAX_V1));
static TAX_V1_OUTLINE: LazyLock<XsdValidator> =
    LazyLock::new(|| compile(&without_patterns(TAX_V1)));

/// What kind of rule a document breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// It is no XML document that a tree can be built of.
    Document,
    /// An element is missing, surplus or in the wrong place.
    Structure,
    /// A value is not of its type.
    Value,
    /// An attribute is missing or surplus.
    Attribute,
    /// A value that must be unique stands twice.
    Unique,
}

impl Rule {
    /// The rule as a stable word for logs and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "schema-document",
            Self::Structure => "schema-structure",
            Self::Value => "schema-value",
            Self::Attribute => "schema-attribute",
            Self::Unique => "schema-unique",
        }
    }
}

/// A document that breaks its schema: which rule, at which element, in which line; never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at {} in line {line}", rule.as_str(), element.unwrap_or("?"))]
pub struct SchemaError {
    /// The rule.
    pub rule: Rule,
    /// The element, where it is one that the schema knows; of a missing element, its parent.
    pub element: Option<&'static str>,
    /// Line of the document, from 1; 0 where there is none.
    pub line: usize,
}

/// Validates a tax message, version 1: the canonical root without its signature, or a lone `Fault`.
///
/// # Errors
/// The first rule broken, in document order.
pub fn validate_tax_v1(document: &[u8]) -> Result<(), SchemaError> {
    validate(&TAX_V1_VALIDATOR, document, TAX_V1)
}

/// Validates a taxpayer message, version 1: the canonical root without its signature, or a lone `Fault`.
///
/// # Errors
/// The first rule broken, in document order.
pub fn validate_taxpayer_v1(document: &[u8]) -> Result<(), SchemaError> {
    validate(&TAXPAYER_V1_VALIDATOR, document, TAXPAYER_V1)
}

/// Validates a stream of bulk records, version 1: for partners' tests and ours, since it builds a tree. A chunk that
/// arrives is read by [`crate::wire::tax_records`].
///
/// # Errors
/// The first rule broken, in document order.
pub fn validate_tax_records_v1(document: &[u8]) -> Result<(), SchemaError> {
    validate(&TAX_RECORDS_V1_VALIDATOR, document, TAX_RECORDS_V1)
}

/// Validates all that the schema says of a tax message but the patterns of its values.
///
/// The validator underneath makes each pattern anew for each value, which takes longer than everything else that is
/// read of a message. What the typed reader ([`crate::wire::tax::read`]) accepts has no value that breaks
/// a pattern, which a property test holds against [`validate_tax_v1`]; so this and the reader together are the schema.
///
/// # Errors
/// Some rule is broken. Which one is the first, and where, is said by [`validate_tax_v1`].
pub fn outline_tax_v1(document: &[u8]) -> Result<(), SchemaError> {
    validate(&TAX_V1_OUTLINE, document, TAX_V1)
}

/// The schema with every `xs:pattern` left out.
fn without_patterns(schema: &str) -> String {
    let mut pieces = schema.split("<xs:pattern ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |mut kept, piece| {
        kept.push_str(piece.split_once("/>").map_or("", |(_, rest)| rest));
        kept
    })
}

fn compile(schema: &str) -> XsdValidator {
    let document = Parser::new()
        .parse(schema)
        .expect("a schema of ours is well-formed: tests compile each");
    XsdValidator::from_schema(&document).expect("a schema of ours compiles: tests compile each")
}

fn validate(
    validator: &XsdValidator,
    document: &[u8],
    schema: &'static str,
) -> Result<(), SchemaError> {
    let no_document = SchemaError {
        rule: Rule::Document,
        element: None,
        line: 0,
    };
    let text = std::str::from_utf8(document).map_err(|_| no_document)?;
    let tree = Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(DEPTH_MAX)
        .parse(text)
        .map_err(|_| no_document)?;
    match validator.validate(&tree).first() {
        None => Ok(()),
        Some(error) => Err(SchemaError {
            rule: rule_of(error),
            element: element_at(text, error).and_then(|name| declared(schema, name)),
            line: error.line.unwrap_or_default(),
        }),
    }
}

/// The rule behind a message of the validator; only the fixed words of the message are looked at.
fn rule_of(error: &ValidationError) -> Rule {
    let message = error.message.as_str();
    if message.starts_with("Unique ") || message.contains(": duplicate value ") {
        Rule::Unique
    } else if message.starts_with("Attribute ") || message.starts_with("Required attribute ") {
        Rule::Attribute
    } else if STRUCTURE.iter().any(|words| message.starts_with(words)) {
        Rule::Structure
    } else {
        Rule::Value
    }
}

/// The name of the start tag at the error's position, prefix left off.
fn element_at<'a>(text: &'a str, error: &ValidationError) -> Option<&'a str> {
    let line = text.lines().nth(error.line?.checked_sub(1)?)?;
    let from = line.char_indices().nth(error.column?.checked_sub(1)?)?.0;
    let tag = line.get(from..)?.strip_prefix('<')?;
    let end = tag.find([' ', '>', '/', '\t'])?;
    let name = tag.get(..end)?;
    Some(name.rsplit(':').next().unwrap_or(name))
}

/// The same name as the schema spells it, so that no text of a document leaves.
fn declared(schema: &'static str, name: &str) -> Option<&'static str> {
    schema
        .split("<xs:element name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|known| *known == name)
}

/// How the validator's messages about elements begin; everything else is about a value.
const STRUCTURE: [&str; 9] = [
    "Document has no",
    "No element declaration",
    "No global element",
    "Element ",
    "Unexpected element",
    "Expected ",
    "Required element",
    "Sequence must",
    "Non-whitespace text",
];

const DEPTH_MAX: u32 = 64;

#[cfg(test)]
mod tests;
