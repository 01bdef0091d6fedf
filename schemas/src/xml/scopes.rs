//! Which prefix stands for which namespace, here and now; bounded (RUSTSEC-2026-0195).

use std::borrow::Cow;

use super::attributes::{self, Raw, Split};
use super::{Limits, Reason, XmlError};

/// The declarations in force, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    bindings: Vec<Binding<'a>>,
}

#[derive(Debug)]
struct Binding<'a> {
    prefix: &'a str,
    uri: Cow<'a, str>,
    depth: usize,
}

impl<'a> Scopes<'a> {
    /// Puts a tag's declarations in force for the element at `depth`.
    pub(super) fn enter(
        &mut self,
        raw: &[Raw<'a>],
        depth: usize,
        limits: &Limits,
    ) -> Result<(), XmlError> {
        for attribute in raw {
            let Some(prefix) = declared(attribute.name) else {
                continue;
            };
            let uri = attributes::value(attribute.value);
            if !is_lawful(prefix, &uri) {
                return Err(XmlError::new(Reason::Namespace, attribute.offset));
            }
            if self.bindings.len() == limits.namespaces_max {
                return Err(XmlError::new(Reason::TooManyNamespaces, attribute.offset));
            }
            self.bindings.push(Binding { prefix, uri, depth });
        }
        Ok(())
    }

    /// Ends the declarations of the element at `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.bindings.last().is_some_and(|last| last.depth >= depth) {
            self.bindings.pop();
        }
    }

    /// The namespace of a prefix; the empty prefix has the default namespace or none.
    pub(super) fn resolve(&self, prefix: &str, offset: usize) -> Result<Cow<'a, str>, XmlError> {
        let found = self.bindings.iter().rev().find(|one| one.prefix == prefix);
        match found {
            Some(binding) => Ok(binding.uri.clone()),
            None if prefix.is_empty() => Ok(Cow::Borrowed("")),
            None if prefix == "xml" => Ok(Cow::Borrowed(XML)),
            None => Err(XmlError::new(Reason::Namespace, offset)),
        }
    }
}

/// The prefix that an attribute declares, if it is a declaration.
pub(super) fn declared(name: Split<'_>) -> Option<&str> {
    match (name.prefix, name.local) {
        ("", "xmlns") => Some(""),
        ("xmlns", prefix) => Some(prefix),
        _ => None,
    }
}

/// Namespaces 1.0 §3: `xml` and `xmlns` are fixed, and a prefix cannot be undeclared.
fn is_lawful(prefix: &str, uri: &str) -> bool {
    match prefix {
        "xml" => uri == XML,
        "xmlns" => false,
        "" => uri != XML && uri != XMLNS,
        _ => !uri.is_empty() && uri != XML && uri != XMLNS,
    }
}

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";
