//! Strict reading of a signature's elements.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uppsala::{Document, NodeId, NodeKind};

use super::XmlSigError;
use super::names::DSIG;

/// The tree under a signature; every question has one answer or a refusal.
#[derive(Clone, Copy)]
pub(super) struct Tree<'d, 'a>(pub(super) &'d Document<'a>);

impl<'d> Tree<'d, '_> {
    /// The child elements; between them nothing but white space.
    pub(super) fn children(&self, node: NodeId) -> Result<Vec<NodeId>, XmlSigError> {
        let mut elements = Vec::new();
        for child in self.0.children_iter(node) {
            match self.0.node_kind(child) {
                Some(NodeKind::Element(_)) => elements.push(child),
                Some(NodeKind::Text(text)) if is_white(text) => {}
                _ => return Err(XmlSigError::SignatureStructure),
            }
        }
        Ok(elements)
    }

    /// Whether the element has this name in the signature's namespace.
    pub(super) fn is(&self, node: NodeId, name: &str) -> bool {
        self.is_in(node, DSIG, name)
    }

    /// Whether the element has this name in this namespace; an empty one is none.
    pub(super) fn is_in(&self, node: NodeId, namespace: &str, name: &str) -> bool {
        let element = self.0.element(node);
        element.is_some_and(|element| match namespace {
            "" => element.name.namespace_uri.is_none() && element.name.local_name == name,
            _ => element.matches_name_ns(namespace, name),
        })
    }

    /// The element must have this name in the signature's namespace and no other attributes than these.
    pub(super) fn expect(
        &self,
        node: NodeId,
        name: &str,
        allowed: &[&str],
    ) -> Result<(), XmlSigError> {
        self.expect_in(node, DSIG, name, allowed)
    }

    /// The same for a name in another namespace.
    pub(super) fn expect_in(
        &self,
        node: NodeId,
        namespace: &str,
        name: &str,
        allowed: &[&str],
    ) -> Result<(), XmlSigError> {
        let element = self
            .0
            .element(node)
            .ok_or(XmlSigError::SignatureStructure)?;
        let known = element.attributes.iter().all(|attribute| {
            attribute.name.namespace_uri.is_none()
                && allowed.contains(&attribute.name.local_name.as_ref())
        });
        if known && element.matches_name_ns(namespace, name) {
            Ok(())
        } else {
            Err(XmlSigError::SignatureStructure)
        }
    }

    /// An attribute without namespace.
    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&'d str> {
        let element = self.0.element(node)?;
        element
            .attributes
            .iter()
            .find(|found| found.name.namespace_uri.is_none() && found.name.local_name == name)
            .map(|found| found.value.as_ref())
    }

    pub(super) fn algorithm(&self, node: NodeId) -> Option<&'d str> {
        self.attribute(node, "Algorithm")
    }

    pub(super) fn is_empty(&self, node: NodeId) -> bool {
        self.children(node)
            .is_ok_and(|children| children.is_empty())
    }

    /// The element's only child is this text.
    pub(super) fn text(&self, node: NodeId) -> Result<&'d str, XmlSigError> {
        let mut children = self.0.children_iter(node);
        let (Some(only), None) = (children.next(), children.next()) else {
            return Err(XmlSigError::BadValue);
        };
        match self.0.node_kind(only) {
            Some(NodeKind::Text(text)) => Ok(text),
            _ => Err(XmlSigError::BadValue),
        }
    }

    /// The element's only child is text, base64 with white space between the characters.
    pub(super) fn base64(&self, node: NodeId) -> Result<Vec<u8>, XmlSigError> {
        let text = self.text(node)?;
        let decoded = if text.bytes().any(|byte| is_white_byte(&byte)) {
            let packed: Vec<u8> = text.bytes().filter(|byte| !is_white_byte(byte)).collect();
            STANDARD.decode(packed)
        } else {
            STANDARD.decode(text)
        };
        decoded.map_err(|_| XmlSigError::BadValue)
    }
}

fn is_white(text: &str) -> bool {
    text.bytes().all(|byte| is_white_byte(&byte))
}

fn is_white_byte(byte: &u8) -> bool {
    b" \t\r\n".contains(byte)
}
