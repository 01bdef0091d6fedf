//! A whole document as a tree of elements, for forms whose names are not known beforehand.
//!
//! The same strict tokens, so every rule and bound of [`prescan`](super::prescan) holds; what is kept of an element is
//! its name, its attributes, its text, its children and where it stands in the bytes.

use std::borrow::Cow;
use std::ops::Range;

use super::tokens::{Start, Token, Tokens};
use super::{Limits, Reason, XmlError, attributes};

/// One element.
#[derive(Debug)]
pub struct Element<'a> {
    /// Its namespace; empty for none.
    pub namespace: Cow<'a, str>,
    /// Its name without prefix.
    pub local: &'a str,
    /// Its attributes but for declarations of namespaces: namespace, name, value.
    pub attributes: Vec<(Cow<'a, str>, &'a str, Cow<'a, str>)>,
    /// Its own text, put together; that of its children is theirs.
    pub text: String,
    /// The elements in it, in their order.
    pub children: Vec<Element<'a>>,
    /// Where it stands, from its first byte to after its last one.
    pub span: Range<usize>,
}

impl<'a> Element<'a> {
    /// Reads a document.
    ///
    /// # Errors
    /// The first rule of XML that it breaks.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, XmlError> {
        let mut tokens = Tokens::open(bytes, limits)?;
        let mut open: Vec<Self> = Vec::new();
        let mut root = None;
        let mut copied = 0;
        while let Some(token) = tokens.next()? {
            match token {
                Token::Start(start) => {
                    copied += copies(&start);
                    if copied > limits.bytes_max {
                        return Err(XmlError::new(Reason::TooManyNamespaces, start.offset));
                    }
                    open.push(Self::begun(start));
                }
                Token::Text(text) => {
                    if let Some(innermost) = open.last_mut() {
                        innermost.text.push_str(text);
                    }
                }
                Token::Char(char) => {
                    if let Some(innermost) = open.last_mut() {
                        innermost.text.push(char);
                    }
                }
                Token::End => {
                    let Some(mut ended) = open.pop() else {
                        continue;
                    };
                    ended.span.end = tokens.position();
                    match open.last_mut() {
                        Some(outer) => outer.children.push(ended),
                        None => root = Some(ended),
                    }
                }
            }
        }
        root.ok_or(XmlError::new(Reason::NoRoot, bytes.len()))
    }

    fn begun(start: Start<'a>) -> Self {
        let attributes = start.attributes.into_iter();
        Self {
            namespace: start.namespace,
            local: start.local,
            attributes: attributes
                .map(|one| (one.namespace, one.local, attributes::value(one.value)))
                .collect(),
            text: String::new(),
            children: Vec::new(),
            span: start.offset..start.offset,
        }
    }

    /// True where it is the element of this name.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, namespace: &str, local: &str) -> Option<&str> {
        let found = self
            .attributes
            .iter()
            .find(|(space, name, _)| space == namespace && *name == local);
        found.map(|(_, _, value)| value.as_ref())
    }

    /// True where text stands beside its children that is no white space.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        !self.children.is_empty() && !self.text.bytes().all(|byte| b" \t\r\n".contains(&byte))
    }
}

/// The bytes of namespaces that are not simply pointed at, for a reference stands in them: each name has its own copy,
/// and together they may be no longer than a document.
fn copies(start: &Start<'_>) -> usize {
    let names = start.attributes.iter().map(|one| &one.namespace);
    let owned = names.chain([&start.namespace]).map(|name| match name {
        Cow::Owned(name) => name.len(),
        Cow::Borrowed(_) => 0,
    });
    owned.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_says_what_stands_where() {
        let text = "<?xml version=\"1.0\"?>\n<a:x xmlns:a=\"urn:a\" k=\"1&amp;2\"> <y>m&lt;n</y><a:z a:k=\"v\"/></a:x>\n";
        let root = Element::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert!(root.is("urn:a", "x") && !root.is_mixed());
        assert_eq!(root.attribute("", "k"), Some("1&2"));
        assert!(text[root.span.clone()].starts_with("<a:x") && text[root.span].ends_with("</a:x>"));
        let [y, z] = root.children.as_slice() else {
            panic!("two children")
        };
        assert_eq!((y.text.as_str(), y.namespace.as_ref()), ("m<n", ""));
        assert_eq!(&text[y.span.clone()], "<y>m&lt;n</y>");
        assert_eq!(z.attribute("urn:a", "k"), Some("v"));
        assert_eq!(&text[z.span.clone()], "<a:z a:k=\"v\"/>");
    }

    #[test]
    fn a_long_namespace_with_a_reference_is_not_copied_into_every_name() {
        let document = |elements: usize| {
            let namespace = format!("urn:{}&amp;", "n".repeat(16 << 10));
            format!("<a xmlns=\"{namespace}\">{}</a>", "<b/>".repeat(elements))
        };
        let read = |elements: usize| {
            let document = document(elements);
            let read = Element::parse(document.as_bytes(), &Limits::default());
            read.map(|root| root.children.len())
                .map_err(|error| error.code())
        };
        assert_eq!(read(60), Ok(60));
        assert_eq!(read(10_000), Err("xml-too-many-namespaces"));
    }

    #[test]
    fn every_rule_of_the_prescan_holds() {
        for (text, reason) in [
            ("<!DOCTYPE a><a/>", "xml-doctype"),
            ("<a>&x;</a>", "xml-entity"),
            ("<a><b></a></b>", "xml-malformed"),
            ("<a/><b/>", "xml-trailing"),
            ("<a><b>", "xml-truncated"),
            ("", "xml-no-root"),
            ("<p:a/>", "xml-namespace"),
        ] {
            let error = Element::parse(text.as_bytes(), &Limits::default()).unwrap_err();
            assert_eq!(error.code(), reason, "{text}");
        }
        let limits = Limits {
            depth_max: 3,
            ..Limits::default()
        };
        let deep = "<a>".repeat(4) + &"</a>".repeat(4);
        let error = Element::parse(deep.as_bytes(), &limits).unwrap_err();
        assert_eq!(error.code(), "xml-too-deep");
        let mixed = Element::parse(b"<a>t<b/></a>", &limits).unwrap();
        assert!(mixed.is_mixed());
    }
}
