//! Start, text, end: the one strict tokenizer under [`prescan`](super::prescan) and [`Reader`](super::Reader).

use std::borrow::Cow;

use quick_xml::events::Event;

use super::attributes::{self, Raw, Split};
use super::scopes::{Scopes, declared};
use super::{Limits, Reason, XmlError, lexical};

/// One piece of a document.
#[derive(Debug)]
pub(super) enum Token<'a> {
    /// An element begins.
    Start(Start<'a>),
    /// Text without references.
    Text(&'a str),
    /// A reference, resolved.
    Char(char),
    /// The innermost element ends.
    End,
}

/// A start tag with its names resolved; declarations are not among the attributes.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) namespace: Cow<'a, str>,
    pub(super) local: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    pub(super) offset: usize,
}

/// An attribute with its namespace; none is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attribute<'a> {
    pub(super) namespace: Cow<'a, str>,
    pub(super) local: &'a str,
    pub(super) value: &'a str,
}

/// The strict tokenizer.
pub(super) struct Tokens<'a> {
    text: &'a str,
    reader: quick_xml::Reader<&'a [u8]>,
    limits: Limits,
    scopes: Scopes<'a>,
    depth: usize,
    elements: usize,
    text_bytes: usize,
    /// An empty-element tag was read as a start; its end comes next.
    owes_end: bool,
}

impl<'a> Tokens<'a> {
    /// Runs the pass over single bytes and stands before the first token.
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, XmlError> {
        let text = lexical::check(bytes, limits)?;
        Ok(Self {
            text,
            reader: quick_xml::Reader::from_str(text),
            limits: *limits,
            scopes: Scopes::default(),
            depth: 0,
            elements: 0,
            text_bytes: 0,
            owes_end: false,
        })
    }

    /// Where the next token begins, in bytes.
    pub(super) fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.text.len())
    }

    /// The next token, or nothing at the end of a whole document.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, XmlError> {
        loop {
            if std::mem::take(&mut self.owes_end) {
                return Ok(Some(self.close()));
            }
            let at = self.position();
            let event = self
                .reader
                .read_event()
                .map_err(|error| refuse(&error, at))?;
            let token = match event {
                Event::Start(_) => self.open_element(at, 1).map(Some),
                Event::Empty(_) => {
                    self.owes_end = true;
                    self.open_element(at, 2).map(Some)
                }
                Event::End(_) => Ok(Some(self.close())),
                Event::Text(_) => self.run(at),
                Event::GeneralRef(_) => self.reference(at).map(Some),
                Event::Decl(_) => self.declaration(at).map(|()| None),
                Event::Eof => return self.finish(at),
                Event::Comment(_) => Err(XmlError::new(Reason::Comment, at)),
                Event::CData(_) => Err(XmlError::new(Reason::Cdata, at)),
                Event::PI(_) => Err(XmlError::new(Reason::ProcessingInstruction, at)),
                Event::DocType(_) => Err(XmlError::new(Reason::Doctype, at)),
            }?;
            if token.is_some() {
                return Ok(token);
            }
        }
    }

    /// A start tag that begins at `at` and closes with `closing` bytes (`>` or `/>`).
    fn open_element(&mut self, at: usize, closing: usize) -> Result<Token<'a>, XmlError> {
        self.count(at)?;
        let inside = self.between(at + 1, self.position() - closing);
        let name_bytes = inside
            .bytes()
            .position(|byte| b" \t\r\n".contains(&byte))
            .unwrap_or(inside.len());
        let (name, rest) = inside.split_at(name_bytes);
        let name = Split::parse(name, at + 1, &self.limits)?;
        let raw = attributes::scan(rest, at + 1 + name_bytes, &self.limits)?;
        self.scopes.enter(&raw, self.depth, &self.limits)?;
        Ok(Token::Start(Start {
            namespace: self.scopes.resolve(name.prefix, at + 1)?,
            local: name.local,
            attributes: self.resolve(&raw)?,
            offset: at,
        }))
    }

    fn count(&mut self, at: usize) -> Result<(), XmlError> {
        if self.depth == 0 && self.elements > 0 {
            return Err(XmlError::new(Reason::Trailing, at));
        }
        self.depth += 1;
        self.elements += 1;
        self.text_bytes = 0;
        if self.depth > self.limits.depth_max {
            return Err(XmlError::new(Reason::TooDeep, at));
        }
        if self.elements > self.limits.elements_max {
            return Err(XmlError::new(Reason::TooManyElements, at));
        }
        Ok(())
    }

    /// Resolves the names of a tag's attributes; no two may be the same, whatever their prefixes.
    fn resolve(&self, raw: &[Raw<'a>]) -> Result<Vec<Attribute<'a>>, XmlError> {
        let Some(first) = raw.first() else {
            return Ok(Vec::new());
        };
        let mut declarations = Vec::new();
        let mut found = Vec::new();
        for one in raw {
            match declared(one.name) {
                Some(prefix) => declarations.push(prefix),
                None => found.push(Attribute {
                    namespace: match one.name.prefix {
                        "" => Cow::Borrowed(""),
                        prefix => self.scopes.resolve(prefix, one.offset)?,
                    },
                    local: one.name.local,
                    value: one.value,
                }),
            }
        }
        declarations.sort_unstable();
        found.sort_unstable();
        let twice = declarations.windows(2).any(|pair| pair[0] == pair[1])
            || found.windows(2).any(|pair| {
                (&pair[0].namespace, pair[0].local) == (&pair[1].namespace, pair[1].local)
            });
        match twice {
            true => Err(XmlError::new(Reason::DuplicateAttribute, first.offset)),
            false => Ok(found),
        }
    }

    fn close(&mut self) -> Token<'a> {
        self.scopes.leave(self.depth);
        self.depth -= 1;
        self.text_bytes = 0;
        Token::End
    }

    fn run(&mut self, at: usize) -> Result<Option<Token<'a>>, XmlError> {
        let run = self.between(at, self.position());
        if self.depth == 0 {
            return match run.bytes().all(|byte| b" \t\r\n".contains(&byte)) {
                true => Ok(None),
                false => Err(XmlError::new(Reason::Trailing, at)),
            };
        }
        if run.contains("]]>") {
            return Err(XmlError::new(Reason::Malformed, at));
        }
        self.grow(run.len(), at)?;
        Ok(Some(Token::Text(run)))
    }

    fn reference(&mut self, at: usize) -> Result<Token<'a>, XmlError> {
        if self.depth == 0 {
            return Err(XmlError::new(Reason::Trailing, at));
        }
        let rest = self.between(at, self.position());
        let (char, length) =
            lexical::reference(rest.as_bytes()).ok_or(XmlError::new(Reason::Entity, at))?;
        self.grow(length, at)?;
        Ok(Token::Char(char))
    }

    fn grow(&mut self, bytes: usize, at: usize) -> Result<(), XmlError> {
        self.text_bytes += bytes;
        match self.text_bytes > self.limits.text_bytes_max {
            true => Err(XmlError::new(Reason::TextTooLong, at)),
            false => Ok(()),
        }
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="…"?>`, the last two optional.
    fn declaration(&self, at: usize) -> Result<(), XmlError> {
        let inside = self.between(at + 5, self.position() - 2);
        let found = attributes::scan(inside, at + 5, &self.limits)?;
        let mut rank = 0;
        for one in &found {
            let (place, good, reason) = match one.name.local {
                "version" => (1, one.value == "1.0", Reason::Malformed),
                "encoding" => (2, one.value.eq_ignore_ascii_case("utf-8"), Reason::Encoding),
                "standalone" => (3, matches!(one.value, "yes" | "no"), Reason::Malformed),
                _ => (0, false, Reason::Malformed),
            };
            if !good || place <= rank || !one.name.prefix.is_empty() {
                return Err(XmlError::new(reason, one.offset));
            }
            rank = place;
        }
        match found.first() {
            Some(first) if first.name.local == "version" => Ok(()),
            _ => Err(XmlError::new(Reason::Malformed, at)),
        }
    }

    fn finish(&self, at: usize) -> Result<Option<Token<'a>>, XmlError> {
        match (self.depth, self.elements) {
            (0, 0) => Err(XmlError::new(Reason::NoRoot, at)),
            (0, _) => Ok(None),
            _ => Err(XmlError::new(Reason::Truncated, at)),
        }
    }

    fn between(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }
}

fn refuse(error: &quick_xml::Error, at: usize) -> XmlError {
    match error {
        quick_xml::Error::Syntax(_) => XmlError::new(Reason::Truncated, at),
        _ => XmlError::new(Reason::Malformed, at),
    }
}
