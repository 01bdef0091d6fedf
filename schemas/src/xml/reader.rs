//! A pull reader for messages of known shape: exact order, one namespace, no attribute unforeseen.

use std::borrow::Cow;
use std::fmt;

use super::tokens::{Start, Token, Tokens};
use super::{Limits, XmlError, attributes};

/// What a message lacks or has too much of: the field's wire name and a stable word, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ReadError {
    /// The element that was expected there.
    pub field: &'static str,
    /// What was wrong, for example `element-missing`.
    pub reason: &'static str,
}

/// Reads one document; every element is expected in one namespace.
pub struct Reader<'a> {
    tokens: Tokens<'a>,
    namespace: &'static str,
    peeked: Option<Token<'a>>,
    broken: Option<XmlError>,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader(at byte {})", self.tokens.position())
    }
}

impl<'a> Reader<'a> {
    /// Stands before the root of `bytes`; the bounds and rules of [`prescan`](super::prescan) hold here too.
    ///
    /// # Errors
    /// The first rule that a single byte or reference breaks.
    pub fn open(
        bytes: &'a [u8],
        namespace: &'static str,
        limits: &Limits,
    ) -> Result<Self, XmlError> {
        Ok(Self {
            tokens: Tokens::open(bytes, limits)?,
            namespace,
            peeked: None,
            broken: None,
        })
    }

    /// Enters the element `name`, which must come next and carry no attribute.
    ///
    /// # Errors
    /// `element-missing`, `element-unexpected`, `attribute-unexpected`, `text-unexpected`, or an XML reason.
    pub fn enter(&mut self, name: &'static str) -> Result<(), ReadError> {
        let start = self.start(name)?;
        match start.attributes.is_empty() {
            true => Ok(()),
            false => Err(refused(name, "attribute-unexpected")),
        }
    }

    /// Enters the element `name`, which must carry `attribute` and no other; gives its value.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), and `attribute-missing`.
    pub fn enter_with(
        &mut self,
        name: &'static str,
        attribute: &'static str,
    ) -> Result<Cow<'a, str>, ReadError> {
        let start = self.start(name)?;
        match start.attributes.as_slice() {
            [] => Err(refused(name, "attribute-missing")),
            [only] if only.namespace.is_empty() && only.local == attribute => {
                Ok(attributes::value(only.value))
            }
            _ => Err(refused(name, "attribute-unexpected")),
        }
    }

    /// Leaves the element `name`, which must end here.
    ///
    /// # Errors
    /// `element-unexpected` or `text-unexpected` where something is left in it.
    pub fn leave(&mut self, name: &'static str) -> Result<(), ReadError> {
        match self.next_markup(name)? {
            Token::End => Ok(()),
            _ => Err(refused(name, "element-unexpected")),
        }
    }

    /// The text of the element `name`, which must come next and hold nothing but text.
    ///
    /// # Errors
    /// As [`enter`](Self::enter).
    pub fn text(&mut self, name: &'static str) -> Result<Cow<'a, str>, ReadError> {
        self.enter(name)?;
        let mut text = Cow::Borrowed("");
        loop {
            match self.next(name)? {
                Token::Text(more) if text.is_empty() => text = Cow::Borrowed(more),
                Token::Text(more) => text.to_mut().push_str(more),
                Token::Char(more) => text.to_mut().push(more),
                Token::End => return Ok(text),
                Token::Start(_) => return Err(refused(name, "element-unexpected")),
            }
        }
    }

    /// The text of the element `name` where it comes next.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn optional(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, ReadError> {
        match self.comes(name)? {
            true => self.text(name).map(Some),
            false => Ok(None),
        }
    }

    /// True where the element `name` comes next.
    ///
    /// # Errors
    /// `text-unexpected` or an XML reason.
    pub fn comes(&mut self, name: &'static str) -> Result<bool, ReadError> {
        let namespace = self.namespace;
        Ok(match self.peek(name)? {
            Token::Start(start) => start.namespace == namespace && start.local == name,
            _ => false,
        })
    }

    /// The byte at which the next tag begins, white space before it skipped.
    ///
    /// # Errors
    /// `text-unexpected` or an XML reason.
    pub fn offset_of_next(&mut self, expected: &'static str) -> Result<usize, ReadError> {
        let position = self.tokens.position();
        Ok(match self.peek(expected)? {
            Token::Start(start) => start.offset,
            _ => position,
        })
    }

    /// The byte after what was read last; exact after [`leave`](Self::leave) and [`text`](Self::text).
    #[must_use]
    pub fn offset(&self) -> usize {
        self.tokens.position()
    }

    /// The rule of XML that was broken, where the last error was about XML and not about the message.
    #[must_use]
    pub const fn broken(&self) -> Option<XmlError> {
        self.broken
    }

    /// Checks what is left of the document without reading it: with what was read, a whole
    /// [`prescan`](super::prescan).
    ///
    /// # Errors
    /// The first rule of XML that the rest breaks.
    pub fn drain(mut self) -> Result<(), XmlError> {
        while self.tokens.next()?.is_some() {}
        Ok(())
    }

    /// Makes sure that nothing follows the root.
    ///
    /// # Errors
    /// An XML reason.
    pub fn finish(mut self, root: &'static str) -> Result<(), ReadError> {
        match self.tokens.next() {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(refused(root, "element-unexpected")),
            Err(error) => Err(refused(root, error.code())),
        }
    }

    fn start(&mut self, name: &'static str) -> Result<Start<'a>, ReadError> {
        match self.next_markup(name)? {
            Token::Start(start) if start.namespace == self.namespace && start.local == name => {
                Ok(start)
            }
            Token::Start(_) => Err(refused(name, "element-unexpected")),
            _ => Err(refused(name, "element-missing")),
        }
    }

    fn peek(&mut self, expected: &'static str) -> Result<&Token<'a>, ReadError> {
        let token = self.next_markup(expected)?;
        Ok(self.peeked.insert(token))
    }

    /// The next tag; between tags only white space may stand.
    fn next_markup(&mut self, expected: &'static str) -> Result<Token<'a>, ReadError> {
        loop {
            match self.next(expected)? {
                Token::Text(text) if text.bytes().all(|byte| b" \t\r\n".contains(&byte)) => {}
                Token::Text(_) | Token::Char(_) => {
                    return Err(refused(expected, "text-unexpected"));
                }
                markup => return Ok(markup),
            }
        }
    }

    fn next(&mut self, expected: &'static str) -> Result<Token<'a>, ReadError> {
        if let Some(token) = self.peeked.take() {
            return Ok(token);
        }
        match self.tokens.next() {
            Ok(Some(token)) => Ok(token),
            Ok(None) => Err(refused(expected, "element-missing")),
            Err(error) => {
                self.broken = Some(error);
                Err(refused(expected, error.code()))
            }
        }
    }
}

const fn refused(field: &'static str, reason: &'static str) -> ReadError {
    ReadError { field, reason }
}
