//! Canonical XML of one element: Exclusive XML Canonicalization 1.0 with its PrefixList, and Canonical
//! XML 1.0. Comments and instructions are not written: the profile has refused them before.
//!
//! Own code, since it is on the path of every message and general libraries make maps and copies for
//! each element. The tests hold it byte for byte to a library, to `xmllint`,
//! to `xmlsec1` and to the JDK.

use uppsala::{Attribute, Document, Element, NodeId, NodeKind, QName};

use super::engine::Engine;

/// Most namespace declarations in scope at once; the look-up is linear.
const SCOPE_MAX: usize = 256;

/// How an element becomes bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canonicalization {
    /// Exclusive C14N 1.0; these prefixes (`#default` is the one without a name) are treated inclusively.
    Exclusive(Vec<String>),
    /// Canonical XML 1.0, for documents of old systems.
    Inclusive,
}

/// Our own canonicaliser.
pub(super) struct Ours;

impl Engine for Ours {
    fn canonical(
        &self,
        document: &Document<'_>,
        apex: NodeId,
        without: Option<NodeId>,
        method: &Canonicalization,
    ) -> Option<Vec<u8>> {
        let mut writer = Writer {
            document,
            method,
            without,
            scope: Vec::new(),
            rendered: Vec::new(),
            wanted: Vec::new(),
            out: Vec::with_capacity(match without {
                Some(_) => document.input_text().len(),
                None => 2_048,
            }),
        };
        let inherited = writer.enter_scope_above(apex)?;
        writer.element(apex, Some(&inherited))?;
        Some(writer.out)
    }
}

/// A prefix (empty: the default namespace) and its URI.
type Binding<'d> = (&'d str, &'d str);

struct Writer<'d, 'a> {
    document: &'d Document<'a>,
    method: &'d Canonicalization,
    without: Option<NodeId>,
    /// Declarations in scope, innermost last.
    scope: Vec<Binding<'d>>,
    /// Declarations written on elements that are open, innermost last.
    rendered: Vec<Binding<'d>>,
    /// Scratch of [`Writer::namespaces`].
    wanted: Vec<&'d str>,
    out: Vec<u8>,
}

impl<'d, 'a> Writer<'d, 'a> {
    /// Takes in what the ancestors declare; gives the `xml:` attributes that Canonical XML hands down
    /// (§2.4: the nearest of each name).
    fn enter_scope_above(&mut self, apex: NodeId) -> Option<Vec<&'d Attribute<'a>>> {
        let mut inherited: Vec<&'d Attribute<'a>> = Vec::new();
        let mut above = self.document.ancestors(apex);
        above.reverse();
        for element in above.iter().filter_map(|node| self.document.element(*node)) {
            self.declare(element)?;
            for attribute in element.attributes.iter().filter(|one| is_xml(&one.name)) {
                inherited.retain(|other| other.name.local_name != attribute.name.local_name);
                inherited.push(attribute);
            }
        }
        if matches!(self.method, Canonicalization::Exclusive(_)) {
            inherited.clear();
        }
        Some(inherited)
    }

    /// `None` where too many declarations are in scope to look one up cheaply.
    fn declare(&mut self, element: &'d Element<'a>) -> Option<()> {
        let declared = element.namespace_declarations.iter();
        self.scope
            .extend(declared.map(|(prefix, uri)| (prefix.as_ref(), uri.as_ref())));
        (self.scope.len() <= SCOPE_MAX).then_some(())
    }

    /// Writes an element; `inherited` is there for the first one only.
    fn element(&mut self, node: NodeId, inherited: Option<&[&'d Attribute<'a>]>) -> Option<()> {
        let element = self.document.element(node)?;
        let (in_scope, written) = (self.scope.len(), self.rendered.len());
        self.declare(element)?;
        self.out.push(b'<');
        self.name(&element.name);
        self.namespaces(element, inherited.is_some());
        self.attributes(element, inherited.unwrap_or_default());
        self.out.push(b'>');
        for child in self.document.children_iter(node) {
            if self.without != Some(child) {
                self.child(child)?;
            }
        }
        self.out.extend_from_slice(b"</");
        self.name(&element.name);
        self.out.push(b'>');
        self.scope.truncate(in_scope);
        self.rendered.truncate(written);
        Some(())
    }

    fn child(&mut self, node: NodeId) -> Option<()> {
        match self.document.node_kind(node) {
            Some(NodeKind::Element(_)) => self.element(node, None)?,
            Some(NodeKind::Text(text) | NodeKind::CData(text)) => escape(&mut self.out, text, TEXT),
            _ => {}
        }
        Some(())
    }

    fn name(&mut self, name: &QName<'_>) {
        if let Some(prefix) = name.prefix.as_deref() {
            self.out.extend_from_slice(prefix.as_bytes());
            self.out.push(b':');
        }
        self.out.extend_from_slice(name.local_name.as_bytes());
    }

    /// Writes the declarations that this element needs and that no open element has written.
    fn namespaces(&mut self, element: &'d Element<'a>, is_apex: bool) {
        let mut wanted = std::mem::take(&mut self.wanted);
        match self.method {
            Canonicalization::Exclusive(listed) => {
                wanted.push(element.name.prefix.as_deref().unwrap_or_default());
                let names = element.attributes.iter().map(|attribute| &attribute.name);
                wanted.extend(names.filter_map(|name| name.prefix.as_deref()));
                wanted.extend(listed.iter().map(|prefix| match prefix.as_str() {
                    "#default" => "",
                    named => named,
                }));
            }
            Canonicalization::Inclusive if is_apex => {
                wanted.extend(self.scope.iter().map(|(prefix, _)| *prefix));
            }
            Canonicalization::Inclusive => {
                let declared = element.namespace_declarations.iter();
                wanted.extend(declared.map(|(prefix, _)| prefix.as_ref()));
            }
        }
        if wanted.len() > 1 {
            wanted.sort_unstable();
            wanted.dedup();
        }
        for prefix in wanted.drain(..).filter(|prefix| *prefix != "xml") {
            let uri = bound(&self.scope, prefix);
            if uri != bound(&self.rendered, prefix) && (prefix.is_empty() || !uri.is_empty()) {
                self.rendered.push((prefix, uri));
                self.declaration(prefix, uri);
            }
        }
        self.wanted = wanted;
    }

    fn declaration(&mut self, prefix: &str, uri: &str) {
        self.out.extend_from_slice(b" xmlns");
        if !prefix.is_empty() {
            self.out.push(b':');
            self.out.extend_from_slice(prefix.as_bytes());
        }
        self.out.extend_from_slice(b"=\"");
        escape(&mut self.out, uri, VALUE);
        self.out.push(b'"');
    }

    /// Writes the attributes by namespace URI and local name; those without a namespace come first.
    fn attributes(&mut self, element: &'d Element<'a>, inherited: &[&'d Attribute<'a>]) {
        if element.attributes.is_empty() && inherited.is_empty() {
            return;
        }
        let own = |name: &QName<'_>| {
            let mut all = element.attributes.iter();
            all.any(|one| is_xml(&one.name) && one.name.local_name == name.local_name)
        };
        let handed_down = inherited.iter().copied().filter(|one| !own(&one.name));
        let mut all: Vec<_> = element.attributes.iter().chain(handed_down).collect();
        all.sort_unstable_by_key(|one| {
            let uri = one.name.namespace_uri.as_deref().unwrap_or_default();
            (uri, one.name.local_name.as_ref())
        });
        for attribute in all {
            self.out.push(b' ');
            self.name(&attribute.name);
            self.out.extend_from_slice(b"=\"");
            escape(&mut self.out, &attribute.value, VALUE);
            self.out.push(b'"');
        }
    }
}

fn is_xml(name: &QName<'_>) -> bool {
    name.prefix.as_deref() == Some("xml")
}

/// The URI that a prefix is bound to; empty where it is bound to none.
fn bound<'d>(bindings: &[Binding<'d>], prefix: &str) -> &'d str {
    let mut inside_out = bindings.iter().rev();
    inside_out
        .find(|(known, _)| *known == prefix)
        .map_or("", |(_, uri)| uri)
}

/// What stands for a byte in canonical text.
type Escapes = fn(u8) -> Option<&'static [u8]>;

/// Text nodes (Canonical XML §2.3).
const TEXT: Escapes = |byte| match byte {
    b'&' => Some(b"&amp;"),
    b'<' => Some(b"&lt;"),
    b'>' => Some(b"&gt;"),
    b'\r' => Some(b"&#xD;"),
    _ => None,
};

/// Attribute values and namespace URIs.
const VALUE: Escapes = |byte| match byte {
    b'&' => Some(b"&amp;"),
    b'<' => Some(b"&lt;"),
    b'"' => Some(b"&quot;"),
    b'\t' => Some(b"&#x9;"),
    b'\n' => Some(b"&#xA;"),
    b'\r' => Some(b"&#xD;"),
    _ => None,
};

/// Every special byte is ASCII, so that cutting at one never splits a character.
fn escape(out: &mut Vec<u8>, text: &str, escapes: impl Fn(u8) -> Option<&'static [u8]>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(escaped) = escapes(*byte) {
            out.extend_from_slice(&bytes[start..at]);
            out.extend_from_slice(escaped);
            start = at + 1;
        }
    }
    out.extend_from_slice(&bytes[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(document: &str, path: &[usize], method: &Canonicalization) -> String {
        let tree = uppsala::parse(document).unwrap();
        let mut node = tree.document_element().unwrap();
        for step in path {
            let mut elements = tree.children_iter(node);
            node = elements
                .by_ref()
                .filter(|child| tree.element(*child).is_some())
                .nth(*step)
                .unwrap();
        }
        String::from_utf8(Ours.canonical(&tree, node, None, method).unwrap()).unwrap()
    }

    const EXCLUSIVE: Canonicalization = Canonicalization::Exclusive(Vec::new());

    #[test]
    fn exclusive_writes_a_namespace_where_it_is_first_used() {
        let document = "<a xmlns='u:d' xmlns:n='u:n' xmlns:unused='u:x'><n:b n:y='2' x='1'><c xmlns=''/></n:b></a>";
        assert_eq!(
            canonical(document, &[], &EXCLUSIVE),
            "<a xmlns=\"u:d\"><n:b xmlns:n=\"u:n\" x=\"1\" n:y=\"2\"><c xmlns=\"\"></c></n:b></a>"
        );
        assert_eq!(
            canonical(document, &[0], &EXCLUSIVE),
            "<n:b xmlns:n=\"u:n\" x=\"1\" n:y=\"2\"><c></c></n:b>"
        );
    }

    #[test]
    fn a_prefix_list_brings_its_namespaces_along() {
        let document = "<a xmlns='u:d' xmlns:n='u:n'><b/></a>";
        let listed = Canonicalization::Exclusive(vec!["n".into(), "#default".into()]);
        assert_eq!(
            canonical(document, &[0], &listed),
            "<b xmlns=\"u:d\" xmlns:n=\"u:n\"></b>"
        );
    }

    #[test]
    fn inclusive_brings_every_namespace_and_the_xml_attributes_of_the_ancestors() {
        let document = "<a xmlns='u:d' xmlns:n='u:n' xml:lang='vi' xml:space='preserve'>\
                        <b xml:lang='en' z='1'><c xmlns:n='u:n'/></b></a>";
        assert_eq!(
            canonical(document, &[0], &Canonicalization::Inclusive),
            "<b xmlns=\"u:d\" xmlns:n=\"u:n\" z=\"1\" xml:lang=\"en\" xml:space=\"preserve\"><c></c></b>"
        );
    }

    #[test]
    fn special_characters_are_written_as_the_standard_says() {
        let document = "<a b='&#9;&#10;&#13;&quot;&lt;&gt;&amp;'>&#13;&lt;&gt;&amp;\"\t</a>";
        assert_eq!(
            canonical(document, &[], &EXCLUSIVE),
            "<a b=\"&#x9;&#xA;&#xD;&quot;&lt;>&amp;\">&#xD;&lt;&gt;&amp;\"\t</a>"
        );
    }

    #[test]
    fn a_document_that_piles_declarations_up_is_not_walked_to_its_end() {
        let open: String = (0..SCOPE_MAX + 1)
            .map(|n| format!("<a xmlns:p{n}='u:{n}'>"))
            .collect();
        let document = format!("{open}{}", "</a>".repeat(SCOPE_MAX + 1));
        let tree = uppsala::Parser::new()
            .with_max_depth(1_000)
            .parse(&document)
            .unwrap();
        let root = tree.document_element().unwrap();
        assert_eq!(Ours.canonical(&tree, root, None, &EXCLUSIVE), None);
    }
}
