//! A reader of canonical XML, enough to read what a gateway has signed.
//!
//! It is written apart from the gateway's own reader, and reads only what exclusive canonicalisation
//! can give: double-quoted attributes, no declarations, comments, instructions or CDATA.

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// The qualified name as written.
    pub(crate) name: String,
    /// Attributes and namespace declarations, as written.
    pub(crate) attributes: Vec<(String, String)>,
    /// Child elements.
    pub(crate) children: Vec<Self>,
    /// The text directly inside, unescaped.
    pub(crate) text: String,
    /// Where the element begins and ends in the document, in bytes.
    pub(crate) span: (usize, usize),
}

impl Element {
    /// An attribute's value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The only child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        let mut found = self.children.iter().filter(|child| child.name == name);
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Every child of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the only child of that name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Reads a document of one element; `None` where it is not canonical XML or deeper than 32 levels.
pub(crate) fn read(document: &str) -> Option<Element> {
    let mut reader = Reader {
        text: document,
        at: 0,
    };
    let root = reader.element(0)?;
    (reader.at == document.len()).then_some(root)
}

/// Writes a text so that it stands canonically in an element (Canonical XML 1.0 §2.3).
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            letter => out.push(letter),
        }
    }
    out
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn element(&mut self, depth: usize) -> Option<Element> {
        let start = self.at;
        self.take("<")?;
        let name = self.name()?;
        let mut element = Element {
            name,
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
            span: (start, 0),
        };
        while self.take(" ").is_some() {
            let name = self.name()?;
            self.take("=\"")?;
            let value = self.until('"')?;
            self.take("\"")?;
            element.attributes.push((name, value));
        }
        self.take(">")?;
        self.content(&mut element, depth)?;
        self.take(&format!("</{}>", element.name))?;
        element.span.1 = self.at;
        Some(element)
    }

    fn content(&mut self, element: &mut Element, depth: usize) -> Option<()> {
        loop {
            element.text.push_str(&self.until('<')?);
            if self.rest().starts_with("</") {
                return Some(());
            }
            if depth == DEPTH_MAX {
                return None;
            }
            element.children.push(self.element(depth + 1)?);
        }
    }

    /// Unescaped text up to, not over, `end`.
    fn until(&mut self, end: char) -> Option<String> {
        let length = self.rest().find(end)?;
        let piece = self.rest().get(..length)?;
        let text = unescape(piece)?;
        self.at += length;
        Some(text)
    }

    fn name(&mut self) -> Option<String> {
        let length = self
            .rest()
            .find([' ', '>', '=', '"', '/', '<', '&', '!', '?'])?;
        let name = self
            .rest()
            .get(..length)
            .filter(|name| !name.is_empty())?
            .to_owned();
        self.at += length;
        Some(name)
    }

    fn take(&mut self, what: &str) -> Option<()> {
        self.rest().starts_with(what).then(|| self.at += what.len())
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

fn unescape(piece: &str) -> Option<String> {
    let mut parts = piece.split('&');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#x9" => '\t',
            "#xA" => '\n',
            "#xD" => '\r',
            _ => return None,
        });
        out.push_str(rest);
    }
    Some(out)
}

const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_xml_is_read_with_its_spans() {
        let text = "<A xmlns=\"urn:x\" Id=\"m-1\"><B>a &amp; b&#xD;</B><B></B>c</A>";
        let root = read(text).unwrap();
        assert_eq!(root.attribute("Id"), Some("m-1"));
        let first = root.all("B").next().unwrap();
        assert_eq!(first.text, "a & b\r");
        assert_eq!(&text[first.span.0..first.span.1], "<B>a &amp; b&#xD;</B>");
        assert_eq!((root.text.as_str(), root.child("B")), ("c", None));
    }

    #[test]
    fn what_canonicalisation_never_gives_is_refused() {
        for text in [
            "<A/>",
            "<?xml version=\"1.0\"?><A></A>",
            "<A><!-- x --></A>",
            "<A><![CDATA[x]]></A>",
            "<A b='c'></A>",
            "<A>&x;</A>",
            "<A></B>",
            "<A></A> ",
            "<A>",
            "",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(
            read(&format!("{}{}", "<A>".repeat(40), "</A>".repeat(40))),
            None
        );
    }

    #[test]
    fn escaping_is_undone_by_reading() {
        let text = "a<b>&\"c\"\r\n\t'";
        assert_eq!(
            read(&format!("<A>{}</A>", escape(text))).unwrap().text,
            text
        );
    }
}
