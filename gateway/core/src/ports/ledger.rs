//! The access ledger: which persons a message names or tells of, and who has asked about one.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::{CardNumber, PartnerId, Pin, SiNumber};

use super::{ActStory, Acted, StoreError};
use crate::head::Evidence;

/// A number that names one person. `Debug` does not show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PersonNumber {
    /// A personal identification number.
    Pin(Pin),
    /// A social insurance number; that of a card is its holder's.
    Si(SiNumber),
}

impl PersonNumber {
    /// Reads a PIN (12 digits), a social insurance number (10 digits) or a card number (15 characters).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.len() {
            12 => Pin::parse(text).ok().map(Self::Pin),
            15 => CardNumber::parse(text).ok().as_ref().map(Self::of_card),
            _ => SiNumber::parse(text).ok().map(Self::Si),
        }
    }

    /// The holder of a card.
    #[must_use]
    pub fn of_card(card: &CardNumber) -> Self {
        Self::Si(card.si_number())
    }

    /// What the index is computed over: kind and digits. For the store alone.
    #[must_use]
    pub fn indexed(&self) -> String {
        match self {
            Self::Pin(pin) => format!("pin:{}", pin.as_str()),
            Self::Si(number) => format!("si:{}", number.as_str()),
        }
    }
}

/// One person as one message shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// All numbers that it gives for this one person.
    pub numbers: Vec<PersonNumber>,
    /// Names of the fields about this person that the answer tells; empty where it tells none.
    pub told: Vec<&'static str>,
}

impl Person {
    /// A person whom a message names and tells nothing of.
    #[must_use]
    pub fn named(numbers: Vec<PersonNumber>) -> Self {
        Self {
            numbers,
            told: Vec::new(),
        }
    }
}

/// Whose the numbers of one entry are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whom {
    /// All of them are one person's; whoever finds one finds what stands under the others.
    #[default]
    One,
    /// Of many persons, who are told of in the same words: a month in bulk. They are kept as one set; each number is found
    /// in it by itself, and which two are of one person is not kept. At most one entry of a message is of many. Of what is
    /// sent again as it was it stands once.
    Many,
}

/// One entry of the ledger, committed together with the answer: who asked about this person, and what
/// the answer tells. Or together with what we send unasked: who is told, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The numbers; none is kept, only their keyed digests.
    pub numbers: Vec<PersonNumber>,
    /// Whose they are.
    pub whom: Whom,
    /// Who asked, or is told.
    pub sender: PartnerId,
    /// What for: the operation's name.
    pub operation: &'static str,
    /// Agreement number and operation that permitted it.
    pub rule: String,
    /// The purpose.
    pub purpose: String,
    /// Names of the fields that the answer tells, comma separated; empty where it tells none.
    pub fields: String,
}

/// An operator's question who has asked about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// One of the person's numbers.
    pub number: PersonNumber,
    /// Who looks it up, 1 to 200 bytes.
    pub who: String,
    /// Why, 1 to 2,000 bytes. Sealed at rest.
    pub why: String,
}

/// Who asked about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asker {
    /// A partner's message.
    Partner {
        /// Who.
        sender: PartnerId,
        /// The operation.
        operation: String,
        /// Agreement number and operation.
        rule: String,
        /// The purpose.
        purpose: String,
        /// Names of the fields disclosed, comma separated.
        fields: String,
    },
    /// An operator looked the person up in this ledger; none where the act's part of the journal was detached.
    Operator(Option<ActStory>),
}

/// One time that somebody asked about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessStory {
    /// When.
    pub at: Timestamp,
    /// Who and why.
    pub asker: Asker,
    /// The message's or the act's name here.
    pub evidence: Evidence,
    /// The journal record of the answer or of the act.
    pub journal: u64,
}

/// Who has asked about whom. Rows are written by `commit`, `record` and by each look-up itself.
pub trait Ledger: Send + Sync + 'static {
    /// Everybody who asked about the person of this number, the newest first, at most `max` and 1,000;
    /// also under the person's other numbers, as far as an answered message has shown them together.
    /// The look-up is written down first, as an act and as a row of its own.
    fn accesses(
        &self,
        look_up: LookUp,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<AccessStory>, StoreError>>;
}

/// The terms of a partner that are to be in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Whose.
    pub partner: PartnerId,
    /// The digest of the terms that are in force until now; none where there are none.
    pub replaces: Option<[u8; 32]>,
    /// The new terms and their digest; none where the registration ends.
    pub becomes: Option<([u8; 32], Bytes)>,
}

/// Terms that are in force, as the journal keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// Whose.
    pub partner: PartnerId,
    /// Their digest.
    pub digest: [u8; 32],
    /// The terms as they were adopted.
    pub terms: Bytes,
    /// Who adopted them, when and why.
    pub act: ActStory,
}

/// Which terms of partners are in force, whatever stands in files.
pub trait Registrations: Send + Sync + 'static {
    /// All terms that are in force.
    fn in_force(&self) -> BoxFuture<'_, Result<Vec<InForce>, StoreError>>;

    /// Puts terms in force, in somebody's name; `NotNow` where others than those to be replaced are in
    /// force by now.
    fn adopt(
        &self,
        adoption: Adoption,
        who: String,
        why: String,
    ) -> BoxFuture<'_, Result<Acted, StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_names_its_holder_and_other_texts_name_nobody() {
        let of = |text: &str| PersonNumber::parse(text).map(|number| number.indexed());
        assert_eq!(of("9900000001").as_deref(), Some("si:9900000001"));
        assert_eq!(of("TE1019900000001").as_deref(), Some("si:9900000001"));
        assert_eq!(of("099099000001").as_deref(), Some("pin:099099000001"));
        for nobody in ["", "99000000", "99000000011", "TE9019900000001", "x"] {
            assert_eq!(of(nobody), None, "{nobody}");
        }
    }

    #[test]
    fn debug_shows_no_number() {
        let person = Person::named(vec![PersonNumber::parse("9900000001").unwrap()]);
        assert!(!format!("{person:?}").contains("9900000001"));
    }
}
