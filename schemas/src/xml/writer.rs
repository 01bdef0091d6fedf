//! Exclusive-canonical XML by construction (<https://www.w3.org/TR/xml-exc-c14n/>).
//!
//! A namespace is declared on the outermost element that visibly uses it, attributes stand in order,
//! nothing is written as an empty-element tag, and exactly the characters that C14N names are escaped.
//! Attributes without a prefix are all that our messages have, so this is all that it can write.

/// The name of an element: prefix (may be empty), namespace and local name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    /// Prefix; empty for the default namespace.
    pub prefix: &'static str,
    /// Namespace URI; empty for none.
    pub namespace: &'static str,
    /// Local name.
    pub local: &'static str,
}

impl Name {
    /// A name in the default namespace `namespace`.
    #[must_use]
    pub const fn plain(namespace: &'static str, local: &'static str) -> Self {
        Self {
            prefix: "",
            namespace,
            local,
        }
    }
}

/// Writes one element and what is in it.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    open: Vec<Name>,
    declared: Vec<Declared>,
}

#[derive(Debug)]
struct Declared {
    prefix: &'static str,
    namespace: &'static str,
    depth: usize,
}

impl Writer {
    /// An empty document.
    #[must_use]
    pub fn new() -> Self {
        Self {
            out: Vec::with_capacity(2048),
            ..Self::default()
        }
    }

    /// Begins an element; `attributes` are name and value, in any order, without prefixes.
    pub fn open(&mut self, name: Name, attributes: &[(&'static str, &str)]) {
        self.out.push(b'<');
        self.tag(name);
        self.open.push(name);
        self.declare(name);
        let mut sorted = attributes.to_vec();
        sorted.sort_unstable();
        for (attribute, value) in sorted {
            self.attribute(attribute, value);
        }
        self.out.push(b'>');
    }

    /// Ends the innermost element.
    pub fn close(&mut self) {
        let depth = self.open.len();
        self.declared.retain(|one| one.depth < depth);
        if let Some(name) = self.open.pop() {
            self.out.extend_from_slice(b"</");
            self.tag(name);
            self.out.push(b'>');
        }
    }

    /// Writes text.
    pub fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                b'&' => self.out.extend_from_slice(b"&amp;"),
                b'<' => self.out.extend_from_slice(b"&lt;"),
                b'>' => self.out.extend_from_slice(b"&gt;"),
                b'\r' => self.out.extend_from_slice(b"&#xD;"),
                _ => self.out.push(byte),
            }
        }
    }

    /// Writes an element that holds only text.
    pub fn leaf(&mut self, name: Name, text: &str) {
        self.open(name, &[]);
        self.text(text);
        self.close();
    }

    /// How many bytes are written so far: where the next tag will begin.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.out.len()
    }

    /// Ends whatever is open and gives the bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.out
    }

    fn tag(&mut self, name: Name) {
        if !name.prefix.is_empty() {
            self.out.extend_from_slice(name.prefix.as_bytes());
            self.out.push(b':');
        }
        self.out.extend_from_slice(name.local.as_bytes());
    }

    /// Declares the element's namespace unless the nearest declaration of its prefix says the same.
    fn declare(&mut self, name: Name) {
        let in_force = self
            .declared
            .iter()
            .rev()
            .find(|one| one.prefix == name.prefix)
            .map_or("", |one| one.namespace);
        if in_force == name.namespace {
            return;
        }
        self.declared.push(Declared {
            prefix: name.prefix,
            namespace: name.namespace,
            depth: self.open.len(),
        });
        self.out.extend_from_slice(b" xmlns");
        if !name.prefix.is_empty() {
            self.out.push(b':');
            self.out.extend_from_slice(name.prefix.as_bytes());
        }
        self.out.extend_from_slice(b"=\"");
        self.value(name.namespace);
        self.out.push(b'"');
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(b' ');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"=\"");
        self.value(value);
        self.out.push(b'"');
    }

    fn value(&mut self, value: &str) {
        for byte in value.bytes() {
            match byte {
                b'&' => self.out.extend_from_slice(b"&amp;"),
                b'<' => self.out.extend_from_slice(b"&lt;"),
                b'"' => self.out.extend_from_slice(b"&quot;"),
                b'\t' => self.out.extend_from_slice(b"&#x9;"),
                b'\n' => self.out.extend_from_slice(b"&#xA;"),
                b'\r' => self.out.extend_from_slice(b"&#xD;"),
                _ => self.out.push(byte),
            }
        }
    }
}
